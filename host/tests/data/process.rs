//! The binary as a process, with a data directory of its own.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// A folder with files in it, and a data directory `data`.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    /// With the stream `orders` of these events, and the view `revenue` over it.
    pub fn with_revenue(orders: &str) -> Folder {
        let folder = Folder::new();
        std::fs::write(folder.path("revenue.wasm"), guests::build("revenue")).unwrap();
        folder.write("a.ndjson", orders);
        folder.done("stream create orders --time ts");
        folder.done("append orders a.ndjson");
        folder.done("deploy revenue revenue.wasm --stream orders");
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bifocal"));
        command.args(arguments.split(' ')).current_dir(self.0.path()).env("BIFOCAL_DATA", self.path("data"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The rows that a command prints, without their marks.
    pub fn rows(&self, arguments: &str) -> Vec<serde_json::Value> {
        let row = |line: &str| {
            let mut row: serde_json::Value = serde_json::from_str(line).unwrap();
            row.as_object_mut().unwrap().remove("settled");
            row.as_object_mut().unwrap().remove("revised");
            row
        };
        self.done(arguments).lines().map(row).collect()
    }

    /// Starts a command without waiting for it.
    pub fn start(&self, arguments: &str) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    /// The same under these environment variables.
    pub fn start_with(&self, arguments: &str, variables: &[(&str, &str)]) -> Child {
        self.command(arguments).envs(variables.iter().copied()).spawn().unwrap()
    }

    /// Runs a command; arguments are apart by single spaces.
    pub fn run(&self, arguments: &str) -> Ran {
        self.run_with(arguments, b"")
    }

    pub fn run_with(&self, arguments: &str, stdin: &[u8]) -> Ran {
        let mut child = self.start(arguments);
        let mut pipe = child.stdin.take().unwrap();
        let stdin = stdin.to_vec();
        let feeder = std::thread::spawn(move || drop(pipe.write_all(&stdin)));
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
    }

    /// Runs a command that must be done, and gives what it printed.
    pub fn done(&self, arguments: &str) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments}: {}", ran.err);
        ran.out
    }

    /// Runs a command that must be refused with nothing on stdout, and with these words.
    pub fn refused(&self, arguments: &str, words: &[&str]) {
        let ran = self.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments}: {}", ran.err);
        words.iter().for_each(|word| assert!(ran.err.contains(word), "{arguments}: {}", ran.err));
    }

    /// What a command printed, as JSON.
    pub fn json(&self, arguments: &str) -> serde_json::Value {
        serde_json::from_str(&self.done(arguments)).unwrap()
    }

    /// Each line that a command printed, as JSON.
    pub fn json_lines(&self, arguments: &str) -> Vec<serde_json::Value> {
        self.done(arguments).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn head(&self, stream: &str) -> u64 {
        self.json(&format!("stream show {stream}"))["head"].as_u64().unwrap()
    }

    /// The positions of all events of a stream, in order.
    pub fn positions(&self, stream: &str) -> Vec<u64> {
        let events = self.done(&format!("stream tail {stream} -n 100000000"));
        let position = |line: &str| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            event["position"].as_u64().unwrap()
        };
        events.lines().map(position).collect()
    }
}
