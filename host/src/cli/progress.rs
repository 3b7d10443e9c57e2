//! Progress of long work on stderr: a bar with rate and ETA on a terminal, one line a stage in a pipe.

use crate::input;
use crate::run::{Progress, Stage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// Bars for one command. Quiet: nothing at all.
pub struct Bars {
    is_quiet: bool,
    bar: ProgressBar,
}

impl Bars {
    pub fn new(is_quiet: bool) -> Bars {
        Bars { is_quiet, bar: ProgressBar::hidden() }
    }

    /// Starts a stage; the one before is cleared.
    pub fn stage(&mut self, name: &str, total: u64, template: &str) {
        self.bar.finish_and_clear();
        if self.is_quiet || !std::io::stderr().is_terminal() {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        bar.set_prefix(name.to_string());
        bar.enable_steady_tick(Duration::from_millis(100));
        self.bar = bar;
    }

    pub fn bytes(&mut self, name: &str, total: u64) {
        self.stage(
            name,
            total,
            "{prefix:8} {bar:30} {bytes} of {total_bytes}   {bytes_per_sec}   {eta} left",
        );
    }

    /// A bar that follows input.
    pub fn of_bytes<'a>(&'a mut self, name: &'a str) -> impl FnMut(input::Progress) + 'a {
        let mut total = None;
        move |progress: input::Progress| {
            if total != progress.bytes_total {
                total = progress.bytes_total;
                self.bytes(name, total.unwrap_or(0));
            }
            self.set(progress.bytes);
        }
    }

    pub fn events(&mut self, name: &str, total: u64) {
        self.stage(
            name,
            total,
            "{prefix:8} {bar:30} {human_pos} of {human_len} events   {per_sec}   {eta} left",
        );
    }

    /// Work whose length nobody knows.
    pub fn wait(&mut self, name: &str) {
        self.stage(name, 0, "{prefix:8} {spinner} {elapsed}");
    }

    pub fn set(&self, position: u64) {
        self.bar.set_position(position);
    }

    pub fn finish(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bars {
    fn begin(&mut self, stage: Stage, events: u64) {
        match stage {
            Stage::Full => self.events("full", events),
            Stage::Batch => self.events("batch", events),
            Stage::Speed => self.events("speed", events),
            Stage::Present => self.finish(),
        }
    }

    fn advance(&mut self, events: u64) {
        self.bar.inc(events);
    }
}
