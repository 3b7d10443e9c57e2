//! From a finding to a breach that a person can read: the fewest events that still show it, both
//! sides presented, the usual cause. Owns how hard is searched for fewer events.

use super::examine::Examination;
use super::sample::Row;
use super::singles::Singles;
use super::trial::{Finding, Item, Outcome, Side};
use super::{Breach, Law, Shown, cause, pure, report, shrink};
use crate::calls::Error;

/// Questions asked to make a counterexample smaller.
const SHRINK_TESTS_MAX: usize = 3000;
/// The counterexample that is good enough, in events.
const FEW: usize = 3;
/// Events from which all sets of [`FEW`] are tried.
const POOL_MAX: usize = 16;
impl Examination<'_, '_> {
    /// Makes a finding small, and shows it.
    pub fn breach(&self, singles: &Singles, finding: Finding) -> Result<Breach, Error> {
        let finding = self.shrunk(singles, finding)?;
        let rows: Vec<Row> = finding.items.iter().map(|item| item.row).collect();
        let mut also = Vec::new();
        if matches!(finding.law, Law::Split | Law::Associative) {
            let others = [Law::Associative, Law::OrderFree].into_iter();
            for law in others.filter(|law| *law > finding.law && self.laws.contains(law)) {
                if self.trial().breach_anyhow(law, &rows)?.is_some() {
                    also.push(law);
                }
            }
        }
        let left = self.shown(&finding, &finding.left)?;
        let right = self.shown(&finding, &finding.right)?;
        let looks = cause::Looks {
            same_rows: !left.outputs.is_empty() && left.outputs == right.outputs,
            floats_close: floats_close(&left.outputs, &right.outputs),
            merge_alone: finding.law == Law::Associative || also.contains(&Law::Associative),
            after_calls: finding.right.how.contains("in an instance that has made"),
        };
        Ok(Breach {
            law: finding.law,
            also,
            events: rows.iter().map(|row| self.bench.sample.place(*row)).collect(),
            cell: finding.cell.as_ref().map(|cell| report::cell(self.bench.description(), cell)),
            usual_cause: cause::of(&finding, &looks, self.bench.description()),
            left,
            right,
        })
    }

    fn shown(&self, finding: &Finding, side: &Side) -> Result<Shown, Error> {
        let mut shown = Shown { side: side.clone(), outputs: Vec::new() };
        let (Outcome::State(state), Some((key, window))) = (&side.outcome, &finding.cell) else {
            return Ok(shown);
        };
        let mut state = state.clone();
        if let (Some(initial), Law::Split | Law::Pure) = (&self.bench.description().initial, finding.law) {
            let merged =
                self.bench.merge(&[&**initial].into_iter().collect(), &[&*state].into_iter().collect())?;
            if !merged.broken.is_empty() {
                return Ok(shown);
            }
            state = merged.states.get(0).to_vec();
        }
        let (keys, states) = ([&**key].into_iter().collect(), [&*state].into_iter().collect());
        let presented = self.bench.calls.present(&keys, &[*window], &states)?;
        if presented.broken.is_empty() {
            let outputs = self.bench.description().outputs.iter().zip(&presented.columns);
            shown.outputs = outputs
                .map(|(field, column)| {
                    (field.name.clone(), report::value(&field.kind, column.value(&field.kind, 0)))
                })
                .collect();
        }
        Ok(shown)
    }

    /// The fewest events that break the same law.
    fn shrunk(&self, singles: &Singles, finding: Finding) -> Result<Finding, Error> {
        let law = finding.law;
        let mut best = finding;
        let cell = best.cell.clone();
        if let Some(cell) = &cell {
            let items: Vec<Item> =
                best.items.iter().copied().filter(|item| singles.touches(item.row, cell)).collect();
            if !items.is_empty()
                && items.len() < best.items.len()
                && let Some(found) = self.find(law, &items)?
            {
                best = found;
            }
        }
        let pool = best.items.clone();
        let items = shrink::minimal(best.items.clone(), SHRINK_TESTS_MAX, &mut |items: &[Item]| {
            Ok::<bool, Error>(self.find(law, items)?.is_some())
        })?;
        if let Some(found) = self.find(law, &items)? {
            best = found;
        }
        if best.items.len() <= shrink::CHOICES_OF_MAX {
            best = self.smallest(law, best)?;
        }
        if best.items.len() > FEW {
            best = self.few_of(law, &pool, best)?;
        }
        Ok(best)
    }

    fn find(&self, law: Law, items: &[Item]) -> Result<Option<Finding>, Error> {
        match law {
            Law::Pure => pure::breach(self.bench, items),
            _ => self.trial().breach(law, items),
        }
    }

    fn find_anyhow(&self, law: Law, rows: &[Row]) -> Result<Option<Finding>, Error> {
        match law {
            Law::Pure => pure::breach_anyhow(self.bench, rows),
            _ => self.trial().breach_anyhow(law, rows),
        }
    }

    /// Fewer of few events, however they are cut.
    fn smallest(&self, law: Law, best: Finding) -> Result<Finding, Error> {
        let rows: Vec<Row> = best.items.iter().map(|item| item.row).collect();
        for rows in shrink::choices(&rows) {
            if let Some(found) = self.find_anyhow(law, &rows)? {
                return Ok(found);
            }
        }
        Ok(best)
    }

    /// No event of the counterexample can be left out, but other events may need less company.
    fn few_of(&self, law: Law, pool: &[Item], best: Finding) -> Result<Finding, Error> {
        let step = pool.len().div_ceil(POOL_MAX).max(1);
        let pool: Vec<Row> = pool.iter().step_by(step).map(|item| item.row).collect();
        for (i, a) in pool.iter().enumerate() {
            for (j, b) in pool.iter().enumerate().skip(i + 1) {
                for c in pool.iter().skip(j + 1) {
                    if let Some(found) = self.find_anyhow(law, &[*a, *b, *c])? {
                        return self.smallest(law, found);
                    }
                }
            }
        }
        Ok(best)
    }
}

/// Whether some output differs, and every one that does is a number that differs by a hair.
fn floats_close(left: &[(String, String)], right: &[(String, String)]) -> bool {
    let differing = left.iter().zip(right).filter(|(left, right)| left != right);
    let close = differing.map(|((_, left), (_, right))| match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => (left - right).abs() <= left.abs().max(right.abs()) * 1e-6,
        _ => false,
    });
    let close: Vec<bool> = close.collect();
    !close.is_empty() && close.iter().all(|close| *close)
}
