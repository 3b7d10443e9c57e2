//! `revenue` in every language against the guest in Rust and the same job in native code: size, compiling,
//! starting, folding, memory. `cargo run --release -p benches -- languages [EVENTS]`.

use crate::job::Job;
use crate::native::Revenue;
use anyhow::{Context, ensure};
use bifocal::calls::Calls;
use bifocal::certificate::Certificate;
use bifocal::column::Blobs;
use bifocal::half::Half;
use bifocal::limits::Limits;
use bifocal::offset::{Offset, Range};
use bifocal::table::Left;
use bifocal::transform::Transform;
use bifocal::wasm::{Component, Engine, Options};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is shown, and its folder below the transforms of conformance.
const FOLDERS: [(&str, &str); 8] = [
    ("c", "c/revenue"),
    ("  by columns", "c/revenue-columns"),
    ("go", "go/revenue"),
    ("  by columns", "go/revenue-columns"),
    ("javascript", "javascript/revenue"),
    ("  by columns", "javascript/revenue-columns"),
    ("python", "python/revenue"),
    ("  by columns", "python/revenue-columns"),
];
const EMPTY_CALLS: u32 = 200;
/// Rows of the chunk after which memory is looked at.
const MEMORY_ROWS: usize = 8_192;
/// Each side folds all chunks so many times; the least counts.
const ROUNDS: usize = 5;

struct Measured {
    name: &'static str,
    bytes: usize,
    compile: Duration,
    start: Duration,
    fresh: f64,
    reused: f64,
    memory_mib: f64,
    fuel: f64,
    certificate: String,
}

pub fn measure(events: u64) -> anyhow::Result<()> {
    let job = Job::new(events)?;
    let native = least(|| {
        let mut revenue = Revenue::default();
        job.chunks.iter().for_each(|chunk| revenue.add_columns(&chunk.events));
        std::hint::black_box(revenue.sorted());
        Ok(())
    })?;
    let native = events as f64 / native.as_secs_f64() / 1e6;
    println!(
        "languages: {events} events, chunks of {} rows, one thread; native {native:.1} M/s",
        crate::job::CHUNK_ROWS
    );
    println!(
        "{:<15} {:>9} {:>11} {:>11} {:>10} {:>10} {:>8} {:>9} {:>10}  certificate",
        "guest", "KiB", "compile ms", "start us", "fresh M/s", "reused M/s", "native", "fuel/row", "MiB"
    );
    let rust = of(&job, "rust", guests::build("revenue"))?;
    let expected = rust.certificate.clone();
    show(&rust, native);
    for (name, folder) in FOLDERS {
        let guest = of(&job, name, built(folder)?)?;
        show(&guest, native);
        ensure!(guest.certificate == expected, "{name} makes other cells than Rust");
    }
    Ok(())
}

fn show(guest: &Measured, native: f64) {
    println!(
        "{:<15} {:>9} {:>11.0} {:>11.1} {:>10.1} {:>10.1} {:>8.3} {:>9.0} {:>10.1}  {}",
        guest.name,
        guest.bytes / 1024,
        guest.compile.as_secs_f64() * 1e3,
        guest.start.as_secs_f64() * 1e6,
        guest.fresh,
        guest.reused,
        guest.fresh / native,
        guest.fuel,
        guest.memory_mib,
        guest.certificate
    );
}

/// The component of `revenue` in a language, built by the program's own command.
fn built(folder: &str) -> anyhow::Result<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/conformance").join(folder);
    let arguments = ["bifocal".into(), "build".into(), folder.clone().into_os_string()];
    bifocal::cli::main(arguments);
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let path: PathBuf = folder.join(format!("{name}.wasm"));
    std::fs::read(&path).with_context(|| path.display().to_string())
}

fn of(job: &Job, name: &'static str, bytes: Vec<u8>) -> anyhow::Result<Measured> {
    // Without a cache: what is measured is compiling.
    let engine = Engine::new(Options::default())?;
    let started = Instant::now();
    let component = Component::load(&engine, &bytes, "{}")?;
    let compile = started.elapsed();
    let nothing = Blobs::default();
    component.merge(&nothing, &nothing)?;
    let started = Instant::now();
    for _ in 0..EMPTY_CALLS {
        component.merge(&nothing, &nothing)?;
    }
    let start = started.elapsed() / EMPTY_CALLS;
    let rate = |took: Duration| job.events as f64 / took.as_secs_f64() / 1e6;
    // Through `Calls`, which gives a language as many rows a call as its fuel allows.
    let fold = |calls: &Calls| {
        let mut fuel = 0;
        for chunk in &job.chunks {
            fuel += calls.fold(chunk)?.fuel;
        }
        anyhow::Ok(fuel)
    };
    let calls = |transform: Arc<dyn Transform>| Calls::new(transform, Arc::default());
    let (fresh, reused) = (calls(Arc::new(component.clone())), calls(Arc::new(component.reused())));
    let fuel = fold(&fresh)? as f64 / job.events as f64;
    let fresh = rate(least(|| fold(&fresh).map(|_| ()))?);
    let again = rate(least(|| fold(&reused).map(|_| ()))?);
    // Of one chunk: what a fresh instance comes to.
    let one = component.reused();
    let rows = job.chunks.first().map_or(0, |chunk| chunk.events.rows().min(MEMORY_ROWS));
    if let Some(chunk) = job.chunks.first() {
        one.fold(&chunk.events.slice(component.description(), 0, rows), Limits::DEFAULT.fuel)?;
    }
    let memory_mib = one.memory_bytes() as f64 / (1 << 20) as f64;
    let certificate = certificate(job, Arc::new(component))?;
    Ok(Measured {
        name,
        bytes: bytes.len(),
        compile,
        start,
        fresh,
        reused: again,
        memory_mib,
        fuel,
        certificate,
    })
}

fn least(mut work: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let mut least = Duration::MAX;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        work()?;
        least = least.min(started.elapsed());
    }
    Ok(least)
}

/// Of the cells that the guest makes of all events.
fn certificate(job: &Job, component: Arc<dyn Transform>) -> anyhow::Result<String> {
    let calls = Calls::new(component, Arc::default());
    let mut half = Half::new(Range::new(Offset::ZERO, job.log.head()));
    for chunk in &job.chunks {
        for part in calls.fold(chunk)?.parts {
            half.table.absorb(&calls, &part, &Left::Nothing)?;
        }
    }
    Ok(Certificate::of(&calls, &job.log, &half)?.cells.short())
}
