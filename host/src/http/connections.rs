//! Connections: how many there are, how long each may take to say what it wants, how they end.

use super::edge::Edge;
use super::routes;
use super::stop::Stop;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// What to wait for after a fault of the system, such as too many open files.
const FAULT_WAIT: Duration = Duration::from_millis(100);

/// Accepts until it is told to stop, then waits for what is in flight.
pub async fn serve(edge: Arc<Edge>, listener: std::net::TcpListener, stop: Stop) -> io::Result<()> {
    if edge.options.follows_signals {
        stop.follow_signals()?;
    }
    let listener = TcpListener::from_std(listener)?;
    let count = u32::try_from(edge.options.connections_max).unwrap_or(u32::MAX);
    let places = Arc::new(Semaphore::new(count as usize));
    let router = routes::router(edge.clone());
    loop {
        // Who finds no place waits in the system's queue, which is bounded too.
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = stop.stopped() => break,
        };
        match accepted {
            Ok((stream, place)) => {
                let (edge, router, stop) = (edge.clone(), router.clone(), stop.clone());
                tokio::spawn(async move {
                    connection(&edge, stream, router, &stop).await;
                    drop(place);
                });
            }
            Err(_) => tokio::time::sleep(FAULT_WAIT).await,
        }
    }
    drop(listener);
    _ = timeout(edge.options.grace, places.acquire_many(count)).await;
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

async fn connection(edge: &Edge, stream: TcpStream, router: Router, stop: &Stop) {
    // Without it a small answer would wait for the one before to be acknowledged.
    _ = stream.set_nodelay(true);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(edge.options.head_time);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    // Whoever breaks a connection off is not waited for and not reported.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.stopped() => {}
    }
    connection.as_mut().graceful_shutdown();
    _ = connection.await;
}
