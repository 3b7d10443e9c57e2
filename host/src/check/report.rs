//! A check in words, for a terminal. Owns how a breach is laid out; decides nothing.

use super::{Breach, Law, Origin, Outcome, Place, Report, Shown, Verdict};
use crate::column::Value;
use crate::description::{Description, Kind};
use crate::rows::grouped;
use std::fmt::Write;

/// Bytes of a state that are shown.
const STATE_BYTES_SHOWN: usize = 48;
/// Characters of anything else.
const SHOWN_MAX: usize = 200;

/// The report, as lines of a label and what it says.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    let coverage = &report.coverage;
    let laws = report.laws.iter().map(Law::to_string).collect::<Vec<_>>().join(", ");
    let events = match report.origin {
        Origin::Sample if coverage.events < coverage.events_of => {
            format!("{} of your {} events", grouped(coverage.events), grouped(coverage.events_of))
        }
        Origin::Sample => format!("{} of your events", grouped(coverage.events)),
        Origin::Fixtures => format!("{} events of the fixtures", grouped(coverage.events)),
        Origin::Random => format!("{} random events (seed {})", grouped(coverage.events), report.seed),
    };
    let tried = format!("{} cuts, {} merges", grouped(coverage.cuts), grouped(coverage.merges));
    match &report.verdict {
        Verdict::Holds => line(&mut out, "checks", &format!("{laws}: hold on {events} ({tried})")),
        Verdict::NotProven(why) => {
            line(&mut out, "checks", &format!("{laws}: not proven on {events}: {why}"));
            line(
                &mut out,
                "next",
                "give events that meet in a cell: `--sample FILE` with some thousand real ones",
            );
        }
        Verdict::Broken(breaches) => {
            for found in breaches {
                breach(&mut out, found);
            }
            line(&mut out, "tried", &format!("{laws} on {events} ({tried})"));
        }
    }
    let mut covered = format!(
        "{} cells, {} keys, {} windows cut, {} events folded, {} rejected, {} ignored",
        grouped(coverage.cells),
        grouped(coverage.keys),
        grouped(coverage.windows_cut),
        grouped(coverage.folded),
        grouped(coverage.rejected),
        grouped(coverage.ignored)
    );
    if coverage.out_of_range > 0 {
        let _ = write!(covered, ", {} out of range", grouped(coverage.out_of_range));
    }
    line(&mut out, "covered", &covered);
    report.warnings.iter().for_each(|warning| line(&mut out, "warning", warning));
    out
}

impl Breach {
    /// `law "split" is broken: events 3 and 5 are enough; usual cause: …`
    pub fn in_one_line(&self) -> String {
        let enough = match self.events.len() {
            0 => String::new(),
            1 => format!(": event {} is enough", offsets(&self.events)),
            _ => format!(": events {} are enough", offsets(&self.events)),
        };
        format!("law \"{}\" is broken{enough}; usual cause: {}", self.law, self.usual_cause)
    }
}

fn line(out: &mut String, label: &str, text: &str) {
    let _ = writeln!(out, "{label:<8} {text}");
}

fn breach(out: &mut String, breach: &Breach) {
    let count = breach.events.len();
    let events = match breach.events.as_slice() {
        [] => String::new(),
        [one] => format!(": event {} is enough", grouped(one.offset)),
        events => format!(": events {} are enough", offsets(events)),
    };
    line(out, "broken", &format!("law \"{}\"{events}", breach.law));
    if !breach.also.is_empty() {
        let also = breach.also.iter().map(|law| format!("\"{law}\"")).collect::<Vec<_>>().join(" and ");
        line(out, "", &format!("the same events break {also}: merge alone is at fault"));
    }
    for (i, event) in breach.events.iter().enumerate() {
        line(out, if i == 0 { if count == 1 { "event" } else { "events" } } else { "" }, &place(i, event));
    }
    if let Some(cell) = &breach.cell {
        let cell = cell.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ");
        line(out, "cell", if cell.is_empty() { "the only one" } else { &cell });
    }
    let width = breach.left.side.how.chars().count().max(breach.right.side.how.chars().count());
    for (label, shown) in [("says", &breach.left), ("but", &breach.right)] {
        let how = &shown.side.how;
        let mut lines = said(shown).into_iter();
        line(out, label, &format!("{how:<width$}  {}", lines.next().unwrap_or_default()));
        lines.for_each(|more| line(out, "", &format!("{:<width$}  {more}", "")));
    }
    line(out, "cause", &format!("usually: {}", breach.usual_cause));
}

/// `3, 5 and 7`; an event that is delivered twice is named once.
pub fn offsets(events: &[Place]) -> String {
    let mut named: Vec<String> = Vec::new();
    for event in events {
        let name = grouped(event.offset);
        match named.last_mut() {
            Some(last) if *last == name => last.push_str(" (twice)"),
            Some(last) if *last == format!("{name} (twice)") => *last = format!("{name} (three times)"),
            _ => named.push(name),
        }
    }
    match named.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

fn place(i: usize, event: &Place) -> String {
    let at = match (&event.source, event.position) {
        (Some(source), 0) => format!("{source}, offset {}", event.offset),
        (Some(source), line) => format!("{source}:{line}"),
        (None, _) => format!("offset {}", event.offset),
    };
    format!("{}  {at}  {}", super::trial::letter(i), bounded(&event.payload)).trim_end().to_owned()
}

fn said(shown: &Shown) -> Vec<String> {
    match &shown.side.outcome {
        Outcome::State(state) => {
            let outputs = shown.outputs.iter().map(|(name, value)| format!("{name} {}", bounded(value)));
            let outputs = outputs.collect::<Vec<_>>().join("  ");
            let state = format!("state {}", hex(state));
            if outputs.is_empty() { vec![state] } else { vec![outputs, state] }
        }
        Outcome::NoCell => vec!["no such cell".into()],
        Outcome::Rejected(rows) if rows.is_empty() => vec!["rejects none".into()],
        Outcome::Rejected(rows) => rows
            .iter()
            .map(|(row, reason)| format!("rejects {}: {}", super::trial::letter(*row), bounded(reason)))
            .collect(),
        Outcome::Failed(why) | Outcome::Says(why) => vec![bounded(why)],
    }
}

fn hex(state: &[u8]) -> String {
    let shown: Vec<String> = state.iter().take(STATE_BYTES_SHOWN).map(|byte| format!("{byte:02x}")).collect();
    let more = state.len().saturating_sub(STATE_BYTES_SHOWN);
    match more {
        0 if state.is_empty() => "of 0 bytes".into(),
        0 => shown.join(" "),
        _ => format!("{} … {more} more bytes", shown.join(" ")),
    }
}

fn bounded(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Names and values of a cell's keys, and of its window unless that is global.
pub fn cell(description: &Description, (key, window): &(Vec<u8>, i64)) -> Vec<(String, String)> {
    let columns = crate::key::columns(&description.keys, [key.as_slice()].into_iter());
    let keys = description.keys.iter().zip(&columns);
    let mut named: Vec<(String, String)> = keys
        .map(|(field, column)| (field.name.clone(), value(&field.kind, column.value(&field.kind, 0))))
        .collect();
    if description.window.is_some() {
        named.push(("window".into(), value(&Kind::Timestamp, Value::Integer(*window))));
    }
    named
}

/// A value for a person.
pub fn value(kind: &Kind, value: Value<'_>) -> String {
    match (kind, value) {
        (_, Value::Absent) => "null".into(),
        (Kind::Decimal(digits), Value::Integer(number)) => decimal(number, usize::from(*digits)),
        (Kind::Timestamp, Value::Integer(ms)) => chrono::DateTime::from_timestamp_millis(ms)
            .map_or_else(|| ms.to_string(), |time| time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
        (_, Value::Integer(number)) => number.to_string(),
        (_, Value::Boolean(value)) => value.to_string(),
        (_, Value::Float(number)) => number.to_string(),
        (Kind::Binary, Value::Bytes(bytes)) => hex(bytes),
        (_, Value::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// A number of so many digits after the point.
pub fn decimal(number: i64, digits: usize) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let all = format!("{:0>width$}", number.unsigned_abs(), width = digits + 1);
    let (whole, part) = all.split_at(all.len() - digits);
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}
