//! `bifocal test`: a plugin's fixtures through both executors.

use super::events::{EventArgs, PluginFile};
use super::language::{Language, files_of};
use super::progress::Bars;
use super::{Answer, build, options};
use crate::batch::Shape;
use crate::offset::Offset;
use crate::rows::Format;
use crate::run::{self, Plan, Through};
use crate::wasm::Engine;
use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Run a plugin's fixtures through both executors
///
/// Builds the plugin, then folds fixtures/CASE/events.ndjson through batch and speed at several cuts
/// and compares with expected.ndjson and, if there is one, rejected.ndjson.
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal test plugins/revenue --junit report.xml")]
pub struct Args {
    /// The plugin's folder
    #[arg(default_value = ".")]
    directory: PathBuf,
    /// Write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    #[command(flatten)]
    events: EventArgs,
}

struct Case {
    name: String,
    /// None: passed; else what is wrong, a line each.
    failure: Option<String>,
    seconds: f64,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let file = PluginFile::beside(&args.directory)?;
    let component = component_of(&args.directory, &file)?;
    let engine = options::engine(2)?;
    let mut cases = Vec::new();
    for folder in case_folders(&args.directory)? {
        let started = Instant::now();
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let failure =
            run_case(&engine, &component, &folder, args, &file).with_context(|| format!("case {name}"))?;
        println!("{}     {name}", if failure.is_none() { "ok  " } else { "fail" });
        failure.iter().flat_map(|failure| failure.lines()).for_each(|line| println!("         {line}"));
        cases.push(Case { name, failure, seconds: started.elapsed().as_secs_f64() });
    }
    if let Some(path) = &args.junit {
        std::fs::write(path, junit(&args.directory, &cases)).with_context(|| path.display().to_string())?;
    }
    let failed = cases.iter().filter(|case| case.failure.is_some()).count();
    println!("{} passed, {failed} failed", cases.len() - failed);
    Ok(if failed == 0 { Answer::Done } else { Answer::No })
}

/// Builds a plugin whose language is told; takes the component that stands in any other folder.
pub fn component_of(directory: &Path, file: &PluginFile) -> anyhow::Result<PathBuf> {
    if Language::of(directory, file).is_some() {
        return build::build(directory);
    }
    let mut components = files_of(directory, "wasm")?;
    match (components.pop(), components.is_empty()) {
        (Some(component), true) => Ok(component),
        (None, _) => bail!("{} holds neither a plugin's sources nor a component", directory.display()),
        (Some(_), false) => bail!("{} holds several components; keep one", directory.display()),
    }
}

fn case_folders(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let fixtures = directory.join("fixtures");
    let entries = std::fs::read_dir(&fixtures).with_context(|| fixtures.display().to_string())?;
    let mut folders: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_dir())
        .collect();
    if folders.is_empty() {
        bail!("{} holds no case; make fixtures/CASE/events.ndjson and expected.ndjson", fixtures.display());
    }
    folders.sort();
    Ok(folders)
}

/// What is wrong with a case, if anything.
fn run_case(
    engine: &Engine,
    component: &Path,
    folder: &Path,
    args: &Args,
    file: &PluginFile,
) -> anyhow::Result<Option<String>> {
    let mut events = args.events.or(file)?;
    let own = folder.join("settings.json");
    if own.is_file() {
        events.settings = Some(own);
    }
    let component = Arc::new(options::component(engine, component, &events.settings(&file.settings)?)?);
    let files = [folder.join("events.ndjson")];
    let (log, extractor, _) = options::read(component.as_ref(), &events, &files, &mut Bars::new(true))?;
    let expected = objects(&folder.join("expected.ndjson"))?;
    let rejected = folder.join("rejected.ndjson");
    let rejected = if rejected.is_file() { Some(objects(&rejected)?) } else { None };
    let head = log.head().0;
    for cut in [0, head / 2, head] {
        for micro_batch_rows in [1, 3, 16_384] {
            let plan = Plan {
                through: Through::Both,
                cut: Offset(cut),
                shape: Shape { threads: 2, chunk_rows: 2 },
                micro_batch_rows,
                lateness_ms: events.lateness_ms()?,
                drill: None,
            };
            let outcome = run::run(component.clone(), &log, &extractor, &plan, &mut Bars::new(true))?;
            if let Some(comparison) = outcome.comparison.as_ref().filter(|comparison| !comparison.is_same()) {
                let cells = comparison.cells();
                return Ok(Some(format!("batch and speed differ in {cells} cells with the cut at {cut}")));
            }
            let mut rows = Vec::new();
            outcome.rows.write(Format::Ndjson, usize::MAX, &mut rows)?;
            let found = parse(&String::from_utf8(rows)?, "rows")?;
            let refused = outcome.full.iter().flat_map(|done| &done.half.rejected);
            let refused: Vec<Value> = refused
                .map(|event| serde_json::json!({"offset": event.offset, "reason": event.reason}))
                .collect();
            let mut failure = unequal("row", &expected, &found);
            if let Some(rejected) = &rejected {
                failure += &unequal_rejected(rejected, &refused);
            }
            outcome.broken.iter().for_each(|broken| failure += &format!("broken cell: {}\n", broken.cause));
            if !failure.is_empty() {
                return Ok(Some(failure));
            }
        }
    }
    Ok(None)
}

fn objects(path: &Path) -> anyhow::Result<Vec<Value>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    parse(&text, &path.display().to_string())
}

fn parse(text: &str, name: &str) -> anyhow::Result<Vec<Value>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(i, line)| serde_json::from_str(line).with_context(|| format!("{name}:{}", i + 1))).collect()
}

/// The values that only one side has, whatever their order; empty if there are none.
fn unequal(what: &str, expected: &[Value], found: &[Value]) -> String {
    let mut counts: BTreeMap<String, (i64, &Value)> = BTreeMap::new();
    for (values, step) in [(expected, 1), (found, -1)] {
        for value in values {
            counts.entry(normal(value)).or_insert((0, value)).0 += step;
        }
    }
    let lines = counts.into_values().filter_map(|(count, value)| match count {
        0 => None,
        1.. => Some(format!("expected {what}: {value}\n")),
        _ => Some(format!("found    {what}: {value}\n")),
    });
    lines.collect()
}

/// The same for rejected events, of which a fixture may give a part of the reason.
fn unequal_rejected(expected: &[Value], found: &[Value]) -> String {
    let reason = |event: &Value| event.get("reason").and_then(Value::as_str).unwrap_or_default().to_string();
    let is_meant = |expected: &Value, found: &Value| {
        expected.get("offset") == found.get("offset") && reason(found).contains(&reason(expected))
    };
    let missing = expected.iter().filter(|event| !found.iter().any(|other| is_meant(event, other)));
    let extra = found.iter().filter(|event| !expected.iter().any(|other| is_meant(other, event)));
    let missing = missing.map(|event| format!("expected rejected event: {event}\n"));
    missing.chain(extra.map(|event| format!("found    rejected event: {event}\n"))).collect()
}

/// Values that mean the same are the same text: members sorted, numbers without trailing zeros.
fn normal(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let members: BTreeMap<&String, String> =
                map.iter().map(|(name, value)| (name, normal(value))).collect();
            format!("{members:?}")
        }
        Value::Array(values) => format!("{:?}", values.iter().map(normal).collect::<Vec<_>>()),
        Value::Number(number) => {
            let text = number.to_string();
            match text.contains('.') && !text.contains(['e', 'E']) {
                true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
                false => text,
            }
        }
        other => other.to_string(),
    }
}

fn junit(directory: &Path, cases: &[Case]) -> String {
    let failed = cases.iter().filter(|case| case.failure.is_some()).count();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\">\n",
        escaped(&directory.display().to_string()),
        cases.len()
    );
    for case in cases {
        out += &format!("  <testcase name=\"{}\" time=\"{:.3}\"", escaped(&case.name), case.seconds);
        out += &match &case.failure {
            Some(failure) => format!(">\n    <failure>{}</failure>\n  </testcase>\n", escaped(failure)),
            None => "/>\n".into(),
        };
    }
    out + "</testsuite>\n"
}

/// XML text; characters that XML has no way to hold become `?`.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('?'),
            c => out.push(c),
        }
    }
    out
}
