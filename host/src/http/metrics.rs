//! What is measured. What happens at the edge is counted here; what the host knows is read when it is
//! asked for. Names are a contract.

use super::budget::Budget;
use crate::app::App;
use crate::calls::FAULT_KINDS;
use axum::http::{Method, StatusCode};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeMetric, prometheus_text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

type OfStream = [(&'static str, String); 1];
type OfRequest = [(&'static str, String); 3];

pub struct Metrics {
    registry: Registry,
    requests: Family<OfRequest, Counter>,
    append_seconds: Family<OfStream, Histogram>,
    appended: Family<OfStream, Counter>,
    query_seconds: Family<OfStream, Histogram>,
}

impl Metrics {
    pub fn new(app: Arc<App>, bodies: Budget) -> Metrics {
        let mut registry = Registry::with_prefix("bifocal");
        // From 0.1 ms to 13 s.
        let buckets = || Histogram::new(exponential_buckets(1e-4, 2.0, 18));
        let requests = Family::default();
        let append_seconds = Family::new_with_constructor(buckets as fn() -> Histogram);
        let appended = Family::default();
        registry.register("requests", "Requests by route and status", requests.clone());
        registry.register(
            "append_seconds",
            "From a request with events to its answer, which says that they are durable",
            append_seconds.clone(),
        );
        registry.register("appended_events", "Events that got an offset", appended.clone());
        let query_seconds = Family::new_with_constructor(buckets as fn() -> Histogram);
        registry.register("query_seconds", "From a query to the last of its rows", query_seconds.clone());
        registry.register_collector(Box::new(Host { app, bodies }));
        Metrics { registry, requests, append_seconds, appended, query_seconds }
    }

    pub fn count(&self, method: &Method, route: &str, status: StatusCode) {
        let labels = [
            ("method", method.to_string()),
            ("route", route.to_owned()),
            ("status", status.as_u16().to_string()),
        ];
        self.requests.get_or_create(&labels).inc();
    }

    pub fn appended(&self, stream: &str, events: u64, took: Duration) {
        let labels = [("stream", stream.to_owned())];
        self.append_seconds.get_or_create(&labels).observe(took.as_secs_f64());
        self.appended.get_or_create(&labels).inc_by(events);
    }

    pub fn queried(&self, view: &str, took: Duration) {
        self.query_seconds.get_or_create(&[("view", view.to_owned())]).observe(took.as_secs_f64());
    }

    /// All of it, as Prometheus reads it.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// What the host knows.
struct Host {
    app: Arc<App>,
    bodies: Budget,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Host")
    }
}

impl Collector for Host {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let streams = self.app.streams();
        let of_streams = |value: fn(&crate::app::Stream) -> u64| {
            let of = |stream: &Arc<crate::app::Stream>| (stream.record().name.clone(), value(stream));
            streams.iter().map(of).collect::<Vec<_>>()
        };
        let heads = of_streams(|stream| stream.log.head());
        gauges(&mut encoder, "head_offset", "The offset after the last durable event", "stream", &heads)?;
        let future = of_streams(|stream| stream.log.future_events());
        let help = "Events dated further ahead of their own coming in than the stream lets count";
        counters(&mut encoder, "future_events", help, "stream", &future)?;
        self.encode_views(&mut encoder)?;
        let help = "Bytes on disk: the log and columns of a stream, batch and speed of a view";
        let mut metric = encoder.encode_descriptor("bytes_stored", help, None, MetricType::Gauge)?;
        for stored in self.app.stored().unwrap_or_default() {
            let labels = [("layer", stored.layer), ("of", stored.of.as_str())];
            ConstGauge::new(stored.bytes).encode(metric.encode_family(&labels)?)?;
        }
        let help = "Bytes of bodies that are being read";
        let bytes = ConstGauge::new(self.bodies.taken_bytes() as u64);
        bytes.encode(encoder.encode_descriptor("bodies_bytes", help, None, bytes.metric_type())?)
    }
}

/// What is told of one view.
struct OfView {
    name: String,
    pointer: Arc<crate::near::Pointer>,
    freshness_ms: i64,
    record: Arc<crate::store::ViewRecord>,
    is_live: bool,
    bisecting: Duration,
    faults: [u64; FAULT_KINDS.len()],
    ended: crate::app::Ended,
}

impl Host {
    fn encode_views(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let now_ms = chrono::Utc::now().timestamp_millis();
        let of = |view: &Arc<crate::app::View>| {
            let live = view.live();
            let (pointer, record) = (live.near.pointer(), view.record());
            let freshness_ms = live.freshness_ms(pointer.visible, now_ms);
            let is_live = view.state().0 == crate::app::State::Live;
            OfView {
                name: view.name.clone(),
                pointer,
                freshness_ms,
                record,
                is_live,
                bisecting: live.following.bisecting(),
                faults: live.faults(),
                ended: view.runs.all_ended(),
            }
        };
        let views: Vec<OfView> = self.app.views().iter().map(of).collect();
        let each = |value: fn(&OfView) -> f64| -> Vec<(String, f64)> {
            views.iter().map(|view| (view.name.clone(), value(view))).collect()
        };
        let tally = |view: &OfView| {
            let base = view.pointer.base_view().map(|base| base.meta().tally).unwrap_or_default();
            view.pointer.parts.iter().fold(base, |sum, part| sum.plus(part.tally))
        };
        let tallied = |value: fn(crate::tally::Tally) -> u64| -> Vec<(String, u64)> {
            views.iter().map(|view| (view.name.clone(), value(tally(view)))).collect()
        };
        let visible = each(|view| view.pointer.visible.0 as f64);
        gauges(encoder, "visible_offset", "The offset up to which speed has folded", "view", &visible)?;
        let boundary = each(|view| view.pointer.boundary().0 as f64);
        gauges(
            encoder,
            "boundary_offset",
            "The offset where batch ends and speed begins",
            "view",
            &boundary,
        )?;
        let freshness = each(|view| view.freshness_ms as f64 / 1e3);
        gauges(
            encoder,
            "freshness_seconds",
            "Since the oldest event came in that is not visible",
            "view",
            &freshness,
        )?;
        let live = each(|view| f64::from(u8::from(view.is_live)));
        gauges(encoder, "view_live", "1 while a view folds what arrives", "view", &live)?;
        let help = "Runs that have ended since the start, but for those of deployments";
        let mut metric = encoder.encode_descriptor("batch_runs", help, None, MetricType::Counter)?;
        for OfView { name, ended, .. } in &views {
            for (result, count) in [("published", ended.published), ("failed", ended.failed)] {
                let labels = [("view", name.as_str()), ("result", result)];
                ConstCounter::new(count).encode(metric.encode_family(&labels)?)?;
            }
        }
        let help = "Calls of the live version that have failed by its own fault, halves among them";
        let mut metric = encoder.encode_descriptor("transform_faults", help, None, MetricType::Counter)?;
        for OfView { name, faults, .. } in &views {
            for (kind, count) in FAULT_KINDS.into_iter().zip(faults) {
                let labels = [("view", name.as_str()), ("kind", kind)];
                ConstCounter::new(*count).encode(metric.encode_family(&labels)?)?;
            }
        }
        let took = each(|view| view.record.runs.last().map_or(0.0, |run| run.took_ms as f64 / 1e3));
        gauges(encoder, "batch_duration_seconds", "Of the last run", "view", &took)?;
        let rate = each(|view| {
            view.record.runs.last().map_or(0.0, |run| run.events as f64 * 1e3 / run.took_ms.max(1) as f64)
        });
        gauges(encoder, "replay_events_per_second", "Of the last run", "view", &rate)?;
        let drift = each(|view| view.record.runs.last().map_or(0.0, |run| run.differ as f64));
        gauges(encoder, "drift_cells", "Cells that differed in the last run", "view", &drift)?;
        let incidents = each(|view| view.record.incidents.len() as f64);
        gauges(encoder, "incidents", "Recorded faults that are kept", "view", &incidents)?;
        let broken = each(|view| {
            let base = view.pointer.base_view().map_or(0, |base| base.meta().broken);
            (base + view.pointer.parts.iter().map(|part| part.broken_count()).sum::<u64>()) as f64
        });
        gauges(encoder, "broken_cells", "Cells that no transform could merge", "view", &broken)?;
        let memory = each(|view| view.pointer.bytes() as f64);
        gauges(encoder, "speed_memory_bytes", "What speed holds in memory", "view", &memory)?;
        let help = "Folded events with a window that was closed before them";
        counters(encoder, "late_events", help, "view", &tallied(|tally| tally.late))?;
        let help = "Events that the live version cannot fold";
        counters(encoder, "rejected_events", help, "view", &tallied(|tally| tally.rejected))?;
        let help = "Calls of several rows that failed and were made again as halves";
        counters(encoder, "split_calls", help, "view", &tallied(|tally| tally.splits))?;
        let help = "Fuel that folds have taken";
        counters(encoder, "fold_fuel", help, "view", &tallied(|tally| tally.fuel))?;
        let per_row = each(|view| {
            let meta = view.pointer.base_view().map(|base| base.meta());
            meta.map_or(0.0, |meta| meta.tally.fuel as f64 / meta.cells.max(1) as f64)
        });
        let help = "Fuel that folds have taken for each row of the batch view";
        gauges(encoder, "fuel_per_settled_row", help, "view", &per_row)?;
        let help = "Time that the live version has spent on finding events that fail";
        let bisecting = each(|view| view.bisecting.as_secs_f64());
        counters(encoder, "bisection_seconds", help, "view", &bisecting)
    }
}

fn gauges<N: EncodeGaugeValue + Copy>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    label: &str,
    values: &[(String, N)],
) -> Result<(), fmt::Error> {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (of, value) in values {
        let labels = [(label, of.as_str())];
        ConstGauge::new(*value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

fn counters<N: EncodeCounterValue + Copy>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    label: &str,
    values: &[(String, N)],
) -> Result<(), fmt::Error> {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (of, value) in values {
        let labels = [(label, of.as_str())];
        ConstCounter::new(*value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}
