//! What is measured. What happens at the edge is counted here; what the host knows is read when it is
//! asked for. Names are a contract.

use super::budget::Budget;
use crate::app::App;
use axum::http::{Method, StatusCode};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, prometheus_text};
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
        registry.register_collector(Box::new(Host { app, bodies }));
        Metrics { registry, requests, append_seconds, appended }
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
            let of = |stream: &Arc<crate::app::Stream>| (stream.record.name.clone(), value(stream));
            streams.iter().map(of).collect::<Vec<_>>()
        };
        let heads = of_streams(|stream| stream.log.head());
        gauges(&mut encoder, "head_offset", "The offset after the last durable event", "stream", &heads)?;
        let future = of_streams(|stream| stream.log.future_events());
        let help = "Events dated further ahead of their own coming in than the stream lets count";
        counters(&mut encoder, "future_events", help, "stream", &future)?;
        let help = "Bytes of bodies that are being read";
        let bytes = ConstGauge::new(self.bodies.taken_bytes() as u64);
        bytes.encode(encoder.encode_descriptor("bodies_bytes", help, None, bytes.metric_type())?)
    }
}

fn gauges(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    label: &str,
    values: &[(String, u64)],
) -> Result<(), fmt::Error> {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (of, value) in values {
        let labels = [(label, of.as_str())];
        ConstGauge::new(*value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

fn counters(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    label: &str,
    values: &[(String, u64)],
) -> Result<(), fmt::Error> {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (of, value) in values {
        let labels = [(label, of.as_str())];
        ConstCounter::new(*value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}
