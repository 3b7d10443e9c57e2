//! Streams: made, shown, removed; and how far a source of one was appended.

use super::answer::{aside, json};
use super::append::digest;
use super::edge::Edge;
use super::parameters::{self, parameters};
use super::problem::Problem;
use super::request;
use crate::app::{self, Stream, StreamShown};
use crate::input::{Declared, NotDeclared};
use crate::store::{self, StreamRecord};
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;

pub async fn list(State(edge): State<Arc<Edge>>, uri: Uri) -> Result<Response, Problem> {
    let parameters::None {} = parameters(&uri)?;
    let shown = move || edge.app.streams().iter().map(|stream| shown(stream)).collect();
    let streams: Vec<StreamShown> = aside(shown).await?;
    Ok(json(StatusCode::OK, &serde_json::json!({ "streams": streams })))
}

pub async fn show(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let parameters::None {} = parameters(&uri)?;
    let stream = edge.app.stream(&name)?;
    Ok(json(StatusCode::OK, &aside(move || shown(&stream)).await?))
}

fn shown(stream: &Stream) -> Result<StreamShown, app::Error> {
    StreamShown::of(&stream.record(), &stream.log)
}

/// Makes a stream, or finds that it is as it is wanted. With `If-None-Match: *` it must not be there.
pub async fn put(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let parameters::None {} = parameters(&head.uri)?;
    let is_new = match request::text(&head.headers, header::IF_NONE_MATCH)? {
        None => false,
        Some("*") => true,
        Some(other) => return Err(Problem::malformed(format!("If-None-Match is '{other}'; send * or none"))),
    };
    let declared: Declared = request::json(&edge, &head.headers, body).await?;
    let record = declared.record(&name, edge.now_ms())?;
    let app = edge.app.clone();
    let made = aside(move || match app.create_stream(record.clone()) {
        Err(app::Error::Store(error @ store::Error::Taken { .. })) => Ok(Err((error, record))),
        made => made.map(Ok),
    });
    let (status, stream) = match made.await? {
        Ok(stream) => (StatusCode::CREATED, stream),
        Err((error, _)) if is_new => {
            return Err(Problem::new(StatusCode::PRECONDITION_FAILED, "precondition", error));
        }
        Err((_, record)) => {
            let stream = edge.app.stream(&name)?;
            require_same(&stream.record(), &record)?;
            (StatusCode::OK, stream)
        }
    };
    Ok(json(status, &aside(move || shown(&stream)).await?))
}

/// What is fixed for good is what it was.
fn require_same(found: &StreamRecord, wanted: &StreamRecord) -> Result<(), Problem> {
    let text = |record: &StreamRecord| record.schema().map(|schema| schema.text.clone());
    let differs = [
        ("time", found.time != wanted.time),
        ("time_format", found.time_format != wanted.time_format),
        ("time_unit", found.time_unit != wanted.time_unit),
        ("id", found.id != wanted.id),
        ("out_of_orderness", found.out_of_orderness_ms != wanted.out_of_orderness_ms),
        ("max_ahead", found.max_ahead_ms != wanted.max_ahead_ms),
        ("dedup_events", found.dedup_events != wanted.dedup_events),
        ("schema", text(found) != text(wanted)),
    ];
    let Some((field, _)) = differs.into_iter().find(|(_, differs)| *differs) else { return Ok(()) };
    let name = &found.name;
    let detail = match field {
        "schema" => format!("stream '{name}' has another schema; PUT a new one to /v1/streams/{name}/schema"),
        _ => format!(
            "stream '{name}' was created with another '{field}', which is fixed for good; choose another name"
        ),
    };
    Err(Problem::new(StatusCode::CONFLICT, "taken", detail).with("field", field))
}

pub async fn remove(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let parameters::None {} = parameters(&uri)?;
    let app = edge.app.clone();
    aside(move || app.remove_stream(&name)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaParameters {
    number: Option<i64>,
}

/// The JSON Schema in force, or an earlier one.
pub async fn schema(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let SchemaParameters { number } = parameters(&uri)?;
    let record = edge.app.stream(&name)?.record();
    let schema = record.schema_numbered(number);
    let schema = schema.map_err(|why| Problem::new(StatusCode::NOT_FOUND, "unknown", why))?;
    let content_type = [(header::CONTENT_TYPE, "application/schema+json")];
    Ok((content_type, schema.text.clone()).into_response())
}

/// Puts a JSON Schema in force.
pub async fn put_schema(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let parameters::None {} = parameters(&head.uri)?;
    let schema: serde_json::Value = request::json(&edge, &head.headers, body).await?;
    let app = edge.app.clone();
    let shown = aside(move || shown(&*app.set_schema(&name, &schema)?)).await?;
    Ok(json(StatusCode::OK, &shown))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceParameters {
    source: String,
    /// Digest of its first row.
    first: String,
}

/// How far a source was appended: the next request of it goes on from there.
pub async fn mark(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let SourceParameters { source, first } = parameters(&uri)?;
    let stream = edge.app.stream(&name)?;
    let first = digest("first", &first)?;
    // What is appended of the source from now on ends beyond the head that is read first.
    let found = aside(move || {
        let head = stream.log.head();
        let mark = stream.log.mark(&source, first)?;
        let head = mark.as_ref().map_or(head, |mark| mark.next_offset.max(head));
        Ok((mark, head))
    });
    let (mark, head) = found.await?;
    Ok(json(
        StatusCode::OK,
        &match mark {
            None => serde_json::json!({
                "rows": 0, "position": 0, "digest": null, "next_offset": null, "head": head,
            }),
            Some(mark) => serde_json::json!({
                "rows": mark.rows,
                "position": mark.position,
                "digest": mark.digest.to_string(),
                "next_offset": mark.next_offset,
                "head": head,
            }),
        },
    ))
}

impl From<NotDeclared> for Problem {
    fn from(NotDeclared { field, value, why }: NotDeclared) -> Problem {
        let value = value.map(|value| format!(" '{value}'")).unwrap_or_default();
        let problem =
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", format!("{field}{value}: {why}"));
        problem.with("field", field)
    }
}
