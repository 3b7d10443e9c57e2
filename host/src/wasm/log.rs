//! What a guest says, bounded: lines a call, bytes a line. Keeps its last words for the fault that
//! may follow.

use super::profile::readable;
use std::fmt;
use std::sync::Arc;

/// How much a line matters, in rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        })
    }
}

/// Takes log lines: level, transform, message. Called on the thread that runs the guest.
pub type Sink = Arc<dyn Fn(Level, &str, &str) + Send + Sync>;

/// Lines that one call may log; what follows is dropped, and one more line says so.
pub const LINES_PER_CALL_MAX: u32 = 100;
/// Bytes of one line, and of any text of a guest's that enters a fault.
pub const TEXT_BYTES_MAX: usize = 4096;

/// The text up to `TEXT_BYTES_MAX`, cut between characters.
pub fn bounded(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or_default()
}

/// The log of one call.
pub struct CallLog {
    sink: Sink,
    transform: Arc<str>,
    lines: u32,
    /// The last message at level error.
    error: Option<String>,
    stdout: Partial,
    stderr: Partial,
    /// What stderr said in this call, up to `TEXT_BYTES_MAX`: where runtimes write why they abort.
    complaint: String,
}

/// Bytes of an output stream that no line feed has ended yet.
#[derive(Default)]
struct Partial(Vec<u8>);

/// An output stream of a guest with a WASI runtime.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Output {
    Stdout,
    Stderr,
}

impl CallLog {
    pub fn new(sink: Sink, transform: Arc<str>) -> CallLog {
        CallLog {
            sink,
            transform,
            lines: 0,
            error: None,
            stdout: Partial::default(),
            stderr: Partial::default(),
            complaint: String::new(),
        }
    }

    /// Forgets the call before; for an instance that lives longer than one.
    pub fn restart(&mut self) {
        *self = CallLog::new(self.sink.clone(), self.transform.clone());
    }

    pub fn line(&mut self, level: Level, message: &str) {
        let message = bounded(message);
        if level == Level::Error {
            self.error = Some(message.to_owned());
        }
        self.lines += 1;
        match self.lines {
            ..=LINES_PER_CALL_MAX => (self.sink)(level, &self.transform, message),
            n if n == LINES_PER_CALL_MAX + 1 => {
                let dropped = format!("logged {LINES_PER_CALL_MAX} lines in one call; the rest is dropped");
                (self.sink)(Level::Warn, &self.transform, &dropped);
            }
            _ => self.lines = LINES_PER_CALL_MAX + 2,
        }
    }

    /// Bytes written to an output stream: a line of the log for each line.
    pub fn write(&mut self, output: Output, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let ended = piece.ends_with(b"\n");
            let partial = self.partial(output);
            let room = TEXT_BYTES_MAX.saturating_sub(partial.0.len());
            let text = piece.strip_suffix(b"\n").unwrap_or(piece);
            partial.0.extend_from_slice(text.get(..text.len().min(room)).unwrap_or_default());
            if ended {
                self.end_line(output);
            }
        }
    }

    /// Ends lines that no line feed ended. Called when a call is over.
    pub fn finish(&mut self) {
        for output in [Output::Stdout, Output::Stderr] {
            if !self.partial(output).0.is_empty() {
                self.end_line(output);
            }
        }
    }

    fn partial(&mut self, output: Output) -> &mut Partial {
        match output {
            Output::Stdout => &mut self.stdout,
            Output::Stderr => &mut self.stderr,
        }
    }

    fn end_line(&mut self, output: Output) {
        let bytes = std::mem::take(&mut self.partial(output).0);
        let line = String::from_utf8_lossy(&bytes);
        match output {
            Output::Stdout => self.line(Level::Info, &line),
            Output::Stderr => {
                self.complain(line.trim());
                self.line(Level::Warn, &line);
            }
        }
    }

    /// Gathers stderr for [`CallLog::last_words`]. The beginning may say what happened (a Rust
    /// panic) or the end (a Python traceback), so what does not fit is taken out of the middle.
    fn complain(&mut self, line: &str) {
        let advice = line.starts_with("note: run with `RUST_BACKTRACE");
        if line.is_empty() || advice {
            return;
        }
        if !self.complaint.is_empty() {
            self.complaint.push_str(" | ");
        }
        self.complaint.push_str(line);
        let excess = self.complaint.len().saturating_sub(TEXT_BYTES_MAX);
        if excess > 0 {
            let from = self.complaint.floor_char_boundary(TEXT_BYTES_MAX / 2);
            let to = self.complaint.ceil_char_boundary(from + excess);
            self.complaint.replace_range(from..to, "");
        }
    }

    /// Where in its code a guest was when it trapped, innermost first: for its author, so no part of its
    /// last words.
    pub fn backtrace<'a>(&mut self, functions: impl Iterator<Item = &'a str>) {
        for function in functions {
            (self.sink)(Level::Error, &self.transform, bounded(&format!("  at {}", readable(function))));
        }
    }

    /// The last thing that the guest logged as an error, else what it wrote to stderr.
    pub fn last_words(&self) -> Option<&str> {
        let complaint = Some(self.complaint.as_str()).filter(|text| !text.is_empty());
        self.error.as_deref().or(complaint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn gathered(write: impl FnOnce(&mut CallLog)) -> (CallLog, Vec<(Level, String)>) {
        let lines: Arc<Mutex<Vec<(Level, String)>>> = Arc::default();
        let gathered = lines.clone();
        let sink: Sink = Arc::new(move |level, _, text| gathered.lock().unwrap().push((level, text.into())));
        let mut log = CallLog::new(sink, "test".into());
        write(&mut log);
        let lines = std::mem::take(&mut *lines.lock().unwrap());
        (log, lines)
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(bounded("short"), "short");
        let long = format!("x{}", "é".repeat(TEXT_BYTES_MAX));
        assert_eq!(bounded(&long).len(), TEXT_BYTES_MAX - 1);
    }

    #[test]
    fn a_line_without_end_does_not_grow() {
        let (_, lines) = gathered(|log| {
            (0..10_000).for_each(|_| log.write(Output::Stdout, &[b'x'; 100]));
            log.write(Output::Stdout, b"\nnext\n");
        });
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].1.len(), TEXT_BYTES_MAX);
        assert_eq!(lines[1].1, "next");
    }

    #[test]
    fn an_error_is_remembered_beyond_the_last_line_that_is_kept() {
        let (log, lines) = gathered(|log| {
            (0..10 * LINES_PER_CALL_MAX).for_each(|i| log.line(Level::Info, &i.to_string()));
            log.line(Level::Error, "the end");
        });
        assert_eq!(lines.len() as u32, LINES_PER_CALL_MAX + 1);
        assert_eq!(log.last_words(), Some("the end"));
    }

    #[test]
    fn a_long_complaint_keeps_its_beginning_and_its_end() {
        let (log, _) = gathered(|log| {
            log.write(Output::Stderr, b"first\n\n");
            (0..1000).for_each(|_| log.write(Output::Stderr, "some place in some fïle\n".as_bytes()));
            log.write(Output::Stderr, b"note: run with `RUST_BACKTRACE=1` and so on\nlast");
            log.finish();
        });
        let words = log.last_words().unwrap();
        assert!(words.starts_with("first | some") && words.ends_with("fïle | last"), "{words}");
        assert!(words.len() <= TEXT_BYTES_MAX);
    }
}
