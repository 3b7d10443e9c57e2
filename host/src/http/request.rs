//! Bodies, read within bounds: of bytes, of all bytes at a time, and of time.

use super::budget::Room;
use super::edge::Edge;
use super::problem::Problem;
use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use serde::de::DeserializeOwned;
use std::future::poll_fn;
use std::pin::Pin;
use tokio::time::timeout;

/// Of a request that is not one of events.
const CONTROL_BYTES_MAX: usize = 1 << 20;
/// Memory that is reserved because a head says so.
const RESERVED_BYTES_MAX: usize = 16 << 20;

/// A header's text; None if it is not there, refused if it is no text.
pub fn text(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(&name) else { return Ok(None) };
    let wrong = |_| Problem::malformed(format!("header {name} has bytes that are no ASCII text"));
    value.to_str().map(Some).map_err(wrong)
}

/// All bytes of a body, and the room that they take.
pub async fn read(edge: &Edge, headers: &HeaderMap, body: Body) -> Result<(Vec<u8>, Room), Problem> {
    read_up_to(edge, headers, body, edge.options.body_bytes_max).await
}

pub async fn read_up_to(
    edge: &Edge,
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
) -> Result<(Vec<u8>, Room), Problem> {
    let length = text(headers, header::CONTENT_LENGTH)?.and_then(|text| text.parse::<usize>().ok());
    let length = length.unwrap_or(0);
    if length > bytes_max {
        return Err(too_large(bytes_max));
    }
    if !edge.bodies.has(length) {
        return Err(no_room());
    }
    let whole = frames(edge, body, length, bytes_max);
    timeout(edge.options.body_time, whole).await.unwrap_or_else(|_| Err(too_slow()))
}

async fn frames(
    edge: &Edge,
    mut body: Body,
    length: usize,
    bytes_max: usize,
) -> Result<(Vec<u8>, Room), Problem> {
    let mut room = edge.bodies.room();
    let mut bytes = Vec::with_capacity(length.min(RESERVED_BYTES_MAX));
    loop {
        let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context));
        let Some(frame) = timeout(edge.options.stall_time, frame).await.map_err(|_| too_slow())? else {
            return Ok((bytes, room));
        };
        let broken = |error| Problem::malformed(format!("the body broke off: {error}"));
        // What is no data is a trailer, which nothing here reads.
        let Ok(more) = frame.map_err(broken)?.into_data() else { continue };
        if bytes.len() + more.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        if !room.grow(more.len()) {
            return Err(no_room());
        }
        bytes.extend_from_slice(&more);
    }
}

/// The JSON body of a request that is not one of events.
pub async fn json<T: DeserializeOwned>(edge: &Edge, headers: &HeaderMap, body: Body) -> Result<T, Problem> {
    let content_type = text(headers, header::CONTENT_TYPE)?.unwrap_or("none");
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        let detail = format!("Content-Type is {content_type}; send a JSON body as application/json");
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "type", detail));
    }
    let (bytes, _room) = read_up_to(edge, headers, body, CONTROL_BYTES_MAX).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let problem = Problem::malformed(format!("the body: {error}"));
        problem.with("line", error.line()).with("column", error.column())
    })
}

pub fn no_room() -> Problem {
    Problem::busy("too many bodies are being read; try again a little later")
}

fn too_large(bytes_max: usize) -> Problem {
    let detail = format!("the body has more than {bytes_max} bytes; send it as several requests");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
}

fn too_slow() -> Problem {
    let detail = "the body did not come in within its time; send it again";
    Problem::new(StatusCode::REQUEST_TIMEOUT, "slow", detail)
}
