//! Every order-free algebra of the SDK over the same readings, by key and hour. For conformance: an SDK
//! in another language writes this transform in its own words, and rows and states are compared.

use bifocal_sdk::*;

#[derive(Event)]
struct Reading<'a> {
    key: Text<'a>,
    n: Option<i64>,
    d: Option<Decimal<2>>,
    f: Option<f64>,
    t: Option<&'a str>,
    refuse: Option<bool>,
    #[event(path = "@time")]
    time: Timestamp,
    #[event(path = "@offset")]
    offset: i64,
}

#[derive(Key)]
struct Key<'a> {
    key: Text<'a>,
}

#[derive(State)]
struct Algebras {
    count: Count,
    sum_n: Sum<i64>,
    sum_d: Sum<Decimal<2>>,
    min_n: Min<i64>,
    max_n: Max<i64>,
    min_d: Min<Decimal<2>>,
    max_d: Max<Decimal<2>>,
    min_f: Min<f64>,
    max_f: Max<f64>,
    min_t: Min<String>,
    max_t: Max<String>,
    mean_n: Mean<i64>,
    mean_d: Mean<Decimal<2>>,
    first: First<String>,
    last: Last<String>,
    last_3: LastN<String, 3>,
    top_3: TopK<String, 3>,
    set_t: Set<String>,
    set_n: Set<i64>,
    map_t: Map<String, Count>,
    map_n: Map<i64, Sum<Decimal<2>>>,
    distinct_t: Distinct<String>,
    distinct_n: Distinct<i64>,
    quantiles_n: Quantiles<i64>,
    quantiles_d: Quantiles<Decimal<2>>,
    quantiles_f: Quantiles<f64>,
    exact_f: ExactSum,
}

/// Every order-free algebra, by key and hour.
#[transform(window = "1h", time = "at")]
pub fn algebras(reading: Reading, out: &mut Cells<Key, Algebras>) -> Result<(), Reject> {
    let Reading { key, n, d, f, t, refuse, time, offset } = reading;
    let cell = out.cell(Key { key });
    cell.count.add(1);
    if let Some(n) = n {
        cell.sum_n.add(n);
        cell.min_n.see(n);
        cell.max_n.see(n);
        cell.mean_n.add(n);
        cell.set_n.add(n);
        cell.distinct_n.add(n);
        cell.quantiles_n.add(n);
    }
    if let Some(d) = d {
        cell.sum_d.add(d);
        cell.min_d.see(d);
        cell.max_d.see(d);
        cell.mean_d.add(d);
        cell.quantiles_d.add(d);
    }
    if let (Some(n), Some(d)) = (n, d) {
        cell.map_n.entry(n).add(d);
    }
    if let Some(f) = f {
        // What JSON cannot hold: infinities, and NaN of 0.
        let f = if refuse == Some(false) { f * f64::INFINITY } else { f };
        cell.min_f.see(f);
        cell.max_f.see(f);
        cell.quantiles_f.add(f);
        cell.exact_f.add(f);
    }
    if let Some(t) = t {
        cell.min_t.see(t);
        cell.max_t.see(t);
        cell.first.see(time, offset, t);
        cell.last.see(time, offset, t);
        cell.last_3.push(time, offset, t);
        cell.top_3.add(t);
        cell.set_t.add(t);
        cell.map_t.entry(t).add(1);
        cell.distinct_t.add(t);
    }
    // Too late on purpose: all of the above must be undone.
    if refuse == Some(true) {
        reject!("refused: n is {}", n.map_or("absent".into(), |n| n.to_string()));
    }
    Ok(())
}
