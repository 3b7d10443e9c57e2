//! `GET /v1/streams/{s}/events`: the log itself, a piece at a time. Each piece is read when the one before
//! has gone out, so that whoever reads slowly holds neither a thread nor the log's file.

use super::edge::Edge;
use super::parameters::parameters;
use super::problem::Problem;
use crate::app::Stream;
use crate::offset::{Offset, Range};
use crate::store;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use serde::Deserialize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::task::JoinHandle;

/// A piece has about as many bytes.
const PIECE_BYTES: usize = 256 << 10;
const LIMIT_DEFAULT: u64 = 1000;
const LIMIT_MAX: u64 = 1_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    from_offset: Option<u64>,
    /// Offsets that are looked at; of lost events there is no line.
    limit: Option<u64>,
}

pub async fn read(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let stream = edge.app.stream(&name)?;
    let Parameters { from_offset, limit } = parameters(&uri)?;
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    if limit > LIMIT_MAX {
        return Err(Problem::malformed(format!(
            "limit: {limit} is more than {LIMIT_MAX}; read page by page"
        )));
    }
    let (floor, head) = (stream.log.floor(), stream.log.head());
    let from = from_offset.unwrap_or(floor);
    if from < floor {
        let detail = format!("offset {from} lies before {floor}, the first that is kept");
        return Err(Problem::new(StatusCode::GONE, "refused", detail).with("floor", floor));
    }
    let next = from.saturating_add(limit).min(head).max(from);
    let mut lines = Lines::new(stream, Range::new(Offset(from), Offset(next)));
    // A fault of the first piece is an answer; one of a later piece can only break the answer off.
    lines.ready = lines.step().await?;
    let headers = [
        (header::CONTENT_TYPE.as_str(), "application/x-ndjson".to_owned()),
        ("bifocal-next-offset", next.to_string()),
        ("bifocal-head", head.to_string()),
    ];
    Ok((headers, Body::new(lines)).into_response())
}

/// A piece and the offset behind it.
type Piece = Result<(Vec<u8>, u64), store::Error>;

struct Lines {
    stream: Arc<Stream>,
    /// What is yet to be read.
    range: Range,
    ready: Option<Bytes>,
    reading: Option<JoinHandle<Piece>>,
}

impl Lines {
    fn new(stream: Arc<Stream>, range: Range) -> Lines {
        Lines { stream, range, ready: None, reading: None }
    }

    async fn step(&mut self) -> Result<Option<Bytes>, Problem> {
        std::future::poll_fn(|context| self.poll_piece(context)).await
    }

    /// The next piece; None behind the last one.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Problem>> {
        if self.range.is_empty() {
            return Poll::Ready(Ok(None));
        }
        let reading = self.reading.get_or_insert_with(|| {
            let (stream, range) = (self.stream.clone(), self.range);
            tokio::task::spawn_blocking(move || piece(&stream, range))
        });
        let read = ready!(Pin::new(reading).poll(context));
        self.reading = None;
        let (bytes, next) = match read {
            Ok(piece) => piece?,
            Err(error) => return Poll::Ready(Err(Problem::internal(error))),
        };
        self.range.from = Offset(next);
        Poll::Ready(Ok(Some(bytes.into())))
    }
}

fn piece(stream: &Stream, range: Range) -> Piece {
    let mut bytes = Vec::with_capacity(PIECE_BYTES);
    for stretch in stream.log.pieces(range) {
        let stretch = stretch?;
        for event in stretch.between(range.from.0, range.to.0) {
            // Bytes in memory take what is written.
            _ = event.write_line(&mut bytes);
        }
        if bytes.len() >= PIECE_BYTES {
            return Ok((bytes, stretch.end().min(range.to.0)));
        }
    }
    Ok((bytes, range.to.0))
}

impl hyper::body::Body for Lines {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if let Some(bytes) = self.ready.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        let read = ready!(self.poll_piece(context));
        let broken = |problem| std::io::Error::other(format!("{problem:?}"));
        Poll::Ready(read.map_err(broken).transpose().map(|bytes| bytes.map(Frame::data)))
    }
}
