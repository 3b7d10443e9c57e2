//! Faults planted into runs of real plugins: the compare of both halves sees each and names a cell.

use bifocal::description::Order;
use bifocal::drill::Drill;
use bifocal::offset::Offset;
use bifocal::run::{Comparison, Plan, Through};
use bifocal::transform::Transform;
use generator::orders::rfc3339;
use generator::rng::Rng;
use generator::wild::Arrival;
use oracle_tests::native::Native;
use oracle_tests::oracle::Clock;
use oracle_tests::{cases, stage};
use std::sync::Arc;

const CLOCK: Clock = Clock { out_of_orderness_ms: 0, max_ahead_ms: 3_600_000, lateness_ms: 0 };

/// Events that every plugin reads: two keys, two hours, each event of weight in every state (all
/// flights are late, so that one more or less makes another streak).
fn arrivals(rng: &mut Rng) -> Vec<Arrival> {
    let arrival = |number: i64| {
        let time_ms = 1_795_132_800_000 + rng.between(0, 7_200_000);
        let key = *rng.pick(&["ATL", "ORD"]);
        let image = format!(
            r#""merchant_id":"{key}","currency":"EUR","amount":{}.25,"status":"completed","created_at":"{}""#,
            number + 1,
            rfc3339(time_ms),
        );
        let payload = format!(
            r#"{{{image},"origin":"{key}","delay":{},"after":{{{image}}},"topic":"{key}","item_id":"i-1","user_id":"u-{number}"}}"#,
            number * 7 % 60 + 20,
        );
        Arrival { time_ms, ingested_ms: time_ms, payload }
    };
    (0..120).map(arrival).collect()
}

fn compare(transform: &Arc<dyn Transform>, drill: Drill, rng: &mut Rng) -> (Comparison, Plan) {
    let arrivals = arrivals(rng);
    let head = arrivals.len() as u64;
    let mut plan = stage::plan(rng, Through::Both, head, CLOCK);
    plan.cut = Offset(rng.below(head / 2));
    plan.micro_batch_rows = *rng.pick(&[1, 2, 7]);
    plan.drill = Some(drill);
    let outcome = stage::run(transform, &stage::log(&arrivals, CLOCK), &plan);
    (outcome.comparison.expect("a comparison"), plan)
}

#[test]
fn every_fault_planted_into_a_plugin_is_seen_and_names_a_cell() {
    let plugins = [
        revenue::revenue(),
        flights::flights(),
        hopping::hopping(),
        sequence::sequence(),
        orders_cdc::orders_cdc(),
        trending::trending(),
    ];
    for plugin in plugins {
        let transform: Arc<dyn Transform> = Arc::new(Native::new(plugin, "{}"));
        let description = transform.description();
        for (name, drill) in Drill::ALL {
            // Where order does not matter, exchanging left and right is no fault.
            let is_fault = drill != Drill::SwappedMerge || description.order == Order::Log;
            cases::each(12, |_, rng| {
                let (comparison, plan) = compare(&transform, drill, rng);
                let what = format!("{name} in {}: {plan:?}", description.name);
                assert_eq!(comparison.is_same(), !is_fault, "{what}");
                let Some(worst) = comparison.worst else {
                    return assert!(!is_fault, "no cell named: {what}");
                };
                assert_eq!(worst.cell.count, 1, "{what}");
                assert_eq!(worst.cell.fields.len(), description.keys.len() + 1, "{what}");
                assert!(worst.batch.count + worst.speed.count > 0, "{what}");
            });
        }
    }
}
