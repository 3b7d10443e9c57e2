//! The whole host inside another program: a stream, a view, events, an exact answer, a proved run.
//!
//! `cargo run --example embedding -- revenue.wasm`

use bifocal::app::{App, Config, Question, Stage, Wanted};
use bifocal::input::Declared;
use bifocal::rows::Format;
use bifocal::store::{RunKind, Store};
use bifocal::wasm::{Engine, Options};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let component = std::fs::read(std::env::args().nth(1).ok_or("say which component")?)?;
    let directory = tempfile::tempdir()?;
    // Open: everything in the directory is followed from now on.
    let store = Store::open(directory.path())?;
    let app = App::start(store, Engine::new(Options::default())?, 2, Config::default())?;
    // A stream, whose events have their time at `ts` and their id at `id`.
    let declared: Declared = serde_json::from_str(r#"{"time":"ts","id":"id"}"#)?;
    let orders = app.create_stream(declared.record("orders", 0)?)?;
    // Append: durable on return.
    let line = r#"{"id":"o-1","ts":"2026-11-20T21:04:00Z","merchant_id":"m-17","currency":"EUR","amount":12.50,"status":"completed"}"#;
    let receipt = orders.append_lines(line.as_bytes(), 1_795_000_000_000)?;
    // Deploy: checked on the stream's events, live when it returns.
    let wanted = Wanted { component, stream: Some("orders".into()), ..Wanted::default() };
    let Stage::Live(deployed) = app.deploy("revenue", wanted)?.wait(LONG) else {
        return Err("not live".into());
    };
    println!("v{}: {}", deployed.version.number, deployed.checks);
    // Query: exact over the offsets that the answer names.
    let view = app.view("revenue")?;
    let question = Question { min_offset: Some(receipt.next_offset), ..Question::default() };
    let answer = view.ask(&question, LONG, 1_795_000_000_000)?;
    println!("batch [0, {}), visible {}", answer.pointer.boundary(), answer.pointer.visible);
    answer.rows()?.0.write(Format::Ndjson, 0, &mut std::io::stdout())?;
    // Run: all of it again from the log, compared with what speed has said, published.
    let ended = view.runs.order(RunKind::Full, None)?.wait(LONG).ok_or("it takes longer")??;
    let run = ended.run().ok_or("a run was ordered")?;
    println!("run {}: {} cells compared, {} differ", run.number, run.compared.unwrap_or(0), run.differ);
    app.stop()?;
    Ok(())
}
