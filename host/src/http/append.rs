//! `POST /v1/streams/{s}/events`: durable when answered, all of it or nothing.

use super::budget::Room;
use super::edge::Edge;
use super::parameters::parameters;
use super::problem::Problem;
use super::request;
use crate::app::Stream;
use crate::digest::{Digest, Hasher};
use crate::input::request::{Encoding, Form, Origin, Progressed, batch, decode};
use crate::store::{self, Key, Receipt};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;

/// A body up to this size is read where its request is: that takes less than to hand it to another thread
/// and back, and keeps nobody waiting.
const INLINE_BYTES_MAX: usize = 32 << 10;
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Bytes of the name of a source.
const SOURCE_BYTES_MAX: usize = 1024;

/// Where the events come from, as `bifocal append` says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// A file's name, a topic: kept with each event.
    source: Option<String>,
    /// Of the first line within the source.
    position: Option<u64>,
    /// How far this request brings the source: digest of its first row, rows up to here, their digest.
    first: Option<String>,
    rows: Option<u64>,
    digest: Option<String>,
    /// Where the log ended when this source was asked for: nothing of it has been appended since.
    after: Option<u64>,
    any_time: Option<bool>,
}

/// All of a request but its body.
struct Asked {
    form: Form,
    encoding: Option<Encoding>,
    content_type: String,
    key: Option<String>,
    parameters: Parameters,
    mark: Option<Progressed>,
    body_bytes_max: usize,
    now_ms: i64,
}

type Answered = oneshot::Receiver<Result<Receipt, store::Error>>;

pub async fn append(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let started = Instant::now();
    let stream = edge.app.stream(&name)?;
    let (head, body) = request.into_parts();
    let mut asked = Asked::new(&head.headers, parameters(&head.uri)?)?;
    let (bytes, room) = request::read(&edge, &head.headers, body).await?;
    // Once it is there: a body may take its time.
    asked.now_ms = edge.now_ms();
    asked.body_bytes_max = edge.options.body_bytes_max;
    let is_small = bytes.len() <= INLINE_BYTES_MAX && asked.encoding.is_none();
    let answered = if is_small {
        hand_over(&stream, asked, bytes, room)?
    } else {
        let read = tokio::task::spawn_blocking(move || hand_over(&stream, asked, bytes, room));
        read.await.map_err(Problem::internal)??
    };
    let receipt = answered.await.map_err(|_| Problem::internal("the log's writer ended"))??;
    edge.metrics.appended(&name, receipt.appended, started.elapsed());
    Ok(answer(&receipt))
}

/// Reads the events and gives them to the log; nothing waits for the disk here.
fn hand_over(stream: &Stream, asked: Asked, body: Vec<u8>, mut room: Room) -> Result<Answered, Problem> {
    let key = asked.key.as_ref().map(|name| asked.key(name, &body));
    let body = match asked.encoding {
        Some(encoding) => decode(encoding, &body, asked.body_bytes_max, &mut |bytes| room.grow(bytes))?,
        None => body,
    };
    let Parameters { source, position, any_time, .. } = &asked.parameters;
    let origin = Origin {
        source: source.as_deref(),
        positions_before: position.unwrap_or(1).saturating_sub(1),
        mark: asked.mark,
        any_time: any_time.unwrap_or(false),
    };
    let mut batch = batch(&stream.reading(), &asked.form, &origin, body, asked.now_ms)?;
    batch.key = key;
    let (done, answered) = oneshot::channel();
    // Whoever asked may be gone.
    stream.submit(batch, move |receipt| _ = done.send(receipt))?;
    Ok(answered)
}

fn answer(receipt: &Receipt) -> Response {
    let Receipt { first_offset, next_offset, appended, duplicates, conflicts } = receipt;
    let body = format!(
        r#"{{"first_offset":{first_offset},"next_offset":{next_offset},"appended":{appended},"duplicates":{duplicates},"conflicts":{conflicts}}}"#
    );
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

impl Asked {
    fn new(headers: &HeaderMap, parameters: Parameters) -> Result<Asked, Problem> {
        let content_type = request::text(headers, header::CONTENT_TYPE)?;
        let form = Form::of(content_type, attributes(headers)?)?;
        let encoding = Encoding::of(request::text(headers, header::CONTENT_ENCODING)?)?;
        let key = request::text(headers, KEY)?.map(str::to_owned);
        Ok(Asked {
            form,
            encoding,
            content_type: content_type.unwrap_or_default().to_ascii_lowercase(),
            key,
            mark: parameters.mark()?,
            parameters,
            body_bytes_max: 0,
            now_ms: 0,
        })
    }

    /// The same key goes with the same content type and bytes, as they were sent.
    fn key(&self, name: &str, body: &[u8]) -> Key {
        let mut request = Hasher::new("request");
        request.part(self.content_type.as_bytes());
        if let Form::Enclosed(attributes) = &self.form {
            for (name, value) in attributes {
                request.part(name.as_bytes());
                request.part(value.as_bytes());
            }
        }
        request.part(body);
        Key { name: name.into(), request: request.finish() }
    }
}

impl Parameters {
    fn mark(&self) -> Result<Option<Progressed>, Problem> {
        if self.source.as_ref().is_some_and(|source| source.is_empty() || source.len() > SOURCE_BYTES_MAX) {
            return Err(Problem::malformed(format!("source: 1 to {SOURCE_BYTES_MAX} bytes are expected")));
        }
        if self.position == Some(0) {
            return Err(Problem::malformed("position: positions are counted from 1"));
        }
        if self.after.is_some() && self.rows.is_none() {
            return Err(Problem::malformed("after goes with first, rows and digest"));
        }
        match (&self.source, &self.first, self.rows, &self.digest) {
            (_, None, None, None) => Ok(None),
            (Some(_), Some(first), Some(rows), Some(text)) => {
                let (first, digest) = (digest("first", first)?, digest("digest", text)?);
                Ok(Some(Progressed { first, rows, digest, after: self.after }))
            }
            _ => Err(Problem::malformed("first, rows and digest go together, and with a source")),
        }
    }
}

pub fn digest(name: &str, text: &str) -> Result<Digest, Problem> {
    text.parse().map_err(|error| Problem::malformed(format!("{name}: {error}")))
}

/// Attributes of a CloudEvent that stand beside its payload, by name without `ce-`.
fn attributes(headers: &HeaderMap) -> Result<Vec<(String, String)>, Problem> {
    let mut attributes = Vec::new();
    for (header, value) in headers {
        let Some(name) = header.as_str().strip_prefix("ce-") else { continue };
        let text = value.to_str().ok().and_then(percent_decoded);
        let wrong = || Problem::malformed(format!("header {header} is no percent-encoded UTF-8"));
        attributes.push((name.to_owned(), text.ok_or_else(wrong)?));
    }
    Ok(attributes)
}

/// None if what is encoded is not UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
        rest = after;
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high << 4 | low) as u8);
                rest = after.get(2..)?;
            }
            _ => decoded.push(*byte),
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::percent_decoded;

    #[test]
    fn what_is_percent_encoded_is_decoded_and_all_else_stays() {
        let cases =
            [("a%20b", Some("a b")), ("%C3%9F", Some("ß")), ("100%", Some("100%")), ("%zz", Some("%zz"))];
        for (text, decoded) in cases {
            assert_eq!(percent_decoded(text).as_deref(), decoded, "{text}");
        }
        assert_eq!(percent_decoded("%ff"), None);
    }
}
