//! What this transform answers, in a sentence.
//!
//! `bifocal test .` runs the fixtures, `bifocal check` proves the laws, `cargo test` runs the tests.

use bifocal_sdk::*;

/// One event: the fields that are read. `Option` if a field may be absent.
#[derive(Event)]
struct Visit<'a> {
    page: Text<'a>,
    seconds: i64,
}

/// What rows are keyed by, beside the window.
#[derive(Key)]
struct Page<'a> {
    page: Text<'a>,
}

/// What is kept for each key and window: parts that merge lawfully.
#[derive(State)]
struct Visits {
    visits: Count,
    seconds: Sum<i64>,
    longest: Max<i64>,
}

#[transform(name = "{{name}}", window = "1h", time = "at")]
fn {{function}}(visit: Visit, out: &mut Cells<Page, Visits>) -> Result<(), Reject> {
    if visit.seconds < 0 {
        return Err(Reject::because("a visit cannot be shorter than nothing"));
    }
    let cell = out.cell(Page { page: visit.page });
    cell.visits.add(1);
    cell.seconds.add(visit.seconds);
    cell.longest.see(visit.seconds);
    Ok(())
}
