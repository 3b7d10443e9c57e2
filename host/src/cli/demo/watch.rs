//! Looks at a running host: one pointer, asked through each lens. Owns what of it is remembered from one
//! look to the next; decides nothing about how it is shown.

use super::feed::Feed;
use super::host::Host;
use super::job::Job;
use super::scene::{Board, Revised, Run, Scene, Seen};
use crate::app::{Answer, Question};
use crate::column::Value;
use crate::rows::Rows;
use crate::serving::{self, Asked, Late, Lens, Query};
use crate::tally::Tally;
use crate::time::Rfc3339;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

const DAY_MS: i64 = 86_400_000;
/// Runs that are remembered.
const RUNS_MAX: usize = 32;
/// Over which time events a second are counted.
const RATE_OVER: Duration = Duration::from_secs(3);

pub struct Watch {
    job: &'static Job,
    started: Instant,
    span: u64,
    /// Newest first.
    runs: VecDeque<Run>,
    runs_total: u64,
    compared_total: u64,
    revised: Vec<Revised>,
    heads: VecDeque<(Instant, u64)>,
}

/// A row of the view: the number that adds up, and the other one.
struct Looked {
    key: String,
    window: String,
    seen: Seen,
}

impl Watch {
    pub fn new(job: &'static Job, span: u64) -> Watch {
        Watch {
            job,
            started: Instant::now(),
            span: span.max(1),
            runs: VecDeque::new(),
            runs_total: 0,
            compared_total: 0,
            revised: Vec::new(),
            heads: VecDeque::new(),
        }
    }

    pub fn look(&mut self, host: &Host, feed: &Feed) -> anyhow::Result<Scene> {
        let now_ms = chrono::Utc::now().timestamp_millis();
        let answer = host.view.ask(&Question::default(), Duration::ZERO, now_ms)?;
        let board = self.board(&answer)?;
        self.take_runs(host);
        self.revise(&answer)?;
        let tally = tally(&answer);
        let incidents = host.view.incidents();
        let in_words = |state: &str| answer.cause.as_ref().map(|cause| format!("{state}: {cause}"));
        Ok(Scene {
            job: self.job,
            elapsed: self.started.elapsed(),
            rate: self.rate(answer.head),
            head: answer.head,
            visible: answer.pointer.visible.0,
            boundary: answer.pointer.boundary().0,
            total: feed.total,
            freshness_ms: answer.freshness_ms,
            late: tally.late,
            rejected: tally.rejected,
            arrived_ms: feed.arrived_ms(),
            trouble: in_words(answer.state.name()),
            board,
            revised: self.revised.clone(),
            runs: self.runs.iter().cloned().collect(),
            runs_total: self.runs_total,
            compared_total: self.compared_total,
            running: host.view.runs.current().and_then(|order| order.work.run()),
            incidents: incidents.iter().rev().map(|it| format!("{}; {}", it.cause, it.done)).collect(),
            span: self.span,
        })
    }

    /// The day of the watermark, by key, through each lens.
    fn board(&self, answer: &Answer) -> anyhow::Result<Board> {
        let Some(watermark_ms) = answer.watermark_ms else { return Ok(Board::default()) };
        let from_ms = watermark_ms.div_euclid(DAY_MS) * DAY_MS;
        let text = |ms| Some(Rfc3339(ms).to_string());
        let asked = |lens| Asked {
            from: text(from_ms),
            to: text(from_ms + DAY_MS),
            grain: Some("1d".into()),
            lens,
            ..Asked::default()
        };
        let through = |lens| -> anyhow::Result<BTreeMap<String, Seen>> {
            let rows = self.rows(answer, &asked(lens))?;
            Ok(rows.into_iter().map(|row| (row.key, row.seen)).collect())
        };
        let lenses = [through(Lens::Batch)?, through(Lens::Speed)?, through(Lens::Merged)?];
        let day = Rfc3339(from_ms).to_string();
        Ok(Board::new(day.split('T').next().unwrap_or_default().into(), lenses))
    }

    /// What speed has of settled rows now; once a run has taken that in, the same with its number.
    fn revise(&mut self, answer: &Answer) -> anyhow::Result<()> {
        let asked = Asked { conditions: vec!["revised=true".into()], ..Asked::default() };
        let now = self.rows(answer, &asked)?;
        let Some(first) = now.iter().map(|row| row.window.clone()).min() else {
            let run = answer.run.as_ref().map(|run| run.number);
            self.revised.iter_mut().for_each(|row| row.run = row.run.or(run));
            return Ok(());
        };
        let asked = Asked { lens: Lens::Batch, from: Some(first), ..Asked::default() };
        let settled = self.rows(answer, &asked)?;
        let settled: BTreeMap<(String, String), i64> =
            settled.into_iter().map(|row| ((row.key, row.window), row.seen.sum)).collect();
        let revised = now.into_iter().map(|row| {
            let key = (row.key, row.window);
            let settled = settled.get(&key).copied().unwrap_or(0);
            Revised { key: key.0, window: key.1, settled, now: row.seen.sum, run: None }
        });
        self.revised = revised.collect();
        // First those that came latest of all; rows that were not there before tell less.
        self.revised.sort_by(|a, b| (a.settled == 0, &a.window).cmp(&(b.settled == 0, &b.window)));
        Ok(())
    }

    fn rows(&self, answer: &Answer, asked: &Asked) -> anyhow::Result<Vec<Looked>> {
        let calls = &answer.live.calls;
        let query = Query::new(calls.description(), asked, Late::Merge, 0);
        let query = query.map_err(anyhow::Error::msg)?;
        let mut looked = Vec::new();
        let mut take = |rows: &Rows| -> Result<(), serving::Error> {
            looked.extend((0..rows.count).map(|row| self.row(rows, row)));
            Ok(())
        };
        serving::answer(calls, &answer.pointer, &query, &mut take)?;
        Ok(looked)
    }

    fn row(&self, rows: &Rows, row: usize) -> Looked {
        let key: Vec<String> = self.job.keys.iter().map(|key| rows.text_of(key, row)).collect();
        let mut columns = rows.fields.iter().zip(&rows.columns);
        let sum = columns.find(|(field, _)| field.name == self.job.sum.0);
        let sum = sum.map(|(field, column)| column.value(&field.kind, row));
        let sum = if let Some(Value::Integer(sum)) = sum { sum } else { 0 };
        let other = Some(rows.text_of(self.job.other.0, row));
        Looked { key: key.join(" "), window: rows.text_of("window", row), seen: Seen { sum, other } }
    }

    /// Takes in the runs that have ended since the last look.
    fn take_runs(&mut self, host: &Host) {
        let last = self.runs.front().map_or(0, |run| run.number);
        for run in host.view.record().runs.iter().filter(|run| run.number > last) {
            let run = Run::of(run);
            self.runs_total += 1;
            self.compared_total += run.compared;
            self.runs.push_front(run);
            self.runs.truncate(RUNS_MAX);
        }
    }

    fn rate(&mut self, head: u64) -> u64 {
        let now = Instant::now();
        self.heads.push_back((now, head));
        while self.heads.len() > 2 && self.heads.front().is_some_and(|(at, _)| now - *at > RATE_OVER) {
            self.heads.pop_front();
        }
        let first = self.heads.front().map_or((self.started, 0), |first| *first);
        let seconds = (now - first.0).as_secs_f64();
        if seconds > 0.0 { ((head - first.1) as f64 / seconds).round() as u64 } else { 0 }
    }
}

/// Of all events that the answer has.
fn tally(answer: &Answer) -> Tally {
    let base = answer.pointer.base_view().map_or(Tally::default(), |view| view.meta().tally);
    answer.pointer.parts.iter().fold(base, |sum, part| sum.plus(part.tally))
}
