//! What all requests share.

use super::Options;
use super::budget::Budget;
use super::metrics::Metrics;
use crate::app::App;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::Semaphore;

pub struct Edge {
    pub app: Arc<App>,
    pub address: SocketAddr,
    pub options: Options,
    /// Bytes of bodies that are being read.
    pub bodies: Budget,
    pub metrics: Metrics,
    /// One for each query that is answered.
    pub queries: Arc<Semaphore>,
}

impl Edge {
    pub fn new(app: Arc<App>, address: SocketAddr, options: Options) -> Edge {
        let bodies = Budget::new(options.bodies_bytes_max);
        let metrics = Metrics::new(app.clone(), bodies.clone());
        let queries = Arc::new(Semaphore::new(options.queries_max));
        Edge { app, address, options, bodies, metrics, queries }
    }

    /// The one clock of the edge: when an event comes in.
    pub fn now_ms(&self) -> i64 {
        chrono::Utc::now().timestamp_millis()
    }
}
