//! The edge: HTTP to the running host and back. The only user of axum, hyper and tokio; decides nothing
//! but how requests are read and answers are written.

mod answer;
mod append;
mod budget;
mod connections;
mod edge;
mod guard;
mod health;
mod lines;
mod metrics;
mod parameters;
mod problem;
mod query;
mod request;
mod routes;
mod runs;
mod stop;
mod streams;
mod views;

pub use stop::Stop;

use crate::app::{self, App};
use edge::Edge;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

/// Threads that may wait for a disk or read a large body at a time.
const BLOCKING_THREADS_MAX: usize = 64;
/// How long a thread that still reads the disk is waited for, once all requests were given up.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Bounds and names of a server.
#[derive(Clone, Debug)]
pub struct Options {
    /// By which it may be called beside its address and `localhost`.
    pub names: Vec<String>,
    pub connections_max: usize,
    /// Of one body, as it is sent and as it is decompressed.
    pub body_bytes_max: usize,
    /// Of all bodies that are being read.
    pub bodies_bytes_max: usize,
    /// For the head of a request to come in.
    pub head_time: Duration,
    /// For the next bytes of a body to come in.
    pub stall_time: Duration,
    /// For a body to come in.
    pub body_time: Duration,
    /// Queries that are answered at a time.
    pub queries_max: usize,
    /// For what a query waits for to become visible, at most.
    pub visible_time: Duration,
    /// For what is in flight to be finished once the server is to stop.
    pub grace: Duration,
    /// Whether an interrupt or a SIGTERM stops it.
    pub follows_signals: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            names: Vec::new(),
            connections_max: 1024,
            body_bytes_max: 64 << 20,
            bodies_bytes_max: 256 << 20,
            head_time: Duration::from_secs(30),
            stall_time: Duration::from_secs(30),
            body_time: Duration::from_secs(600),
            queries_max: 24,
            visible_time: Duration::from_secs(10),
            grace: Duration::from_secs(10),
            follows_signals: false,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "{0} can be reached from other machines, and this bifocal has no access tokens yet; listen on 127.0.0.1"
    )]
    Beyond(SocketAddr),
    #[error("the server cannot run: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    App(#[from] app::Error),
}

/// Serves until `stop` says so, then stops the host: what was acknowledged is durable, what is in flight
/// is finished if it takes no longer than the grace.
pub fn serve(app: Arc<App>, listener: TcpListener, stop: Stop, options: Options) -> Result<(), Error> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(Error::Beyond(address));
    }
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("http")
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build()?;
    let edge = Arc::new(Edge::new(app.clone(), address, options));
    let served = runtime.block_on(connections::serve(edge, listener, stop));
    runtime.shutdown_timeout(LAST_WAIT);
    app.stop()?;
    Ok(served?)
}
