//! Views: deployed, listed, set, resumed, removed; what a version rejected, what went wrong.

use super::answer::{aside, json};
use super::edge::Edge;
use super::parameters::{self, parameters};
use super::problem::Problem;
use super::request;
use crate::app::{self, Stage, View, Wanted};
use crate::extract::Rejected;
use crate::settings::Settings;
use crate::store::VersionRecord;
use crate::time::Rfc3339;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 10_000;

pub async fn list(State(edge): State<Arc<Edge>>, uri: Uri) -> Result<Response, Problem> {
    let parameters::None {} = parameters(&uri)?;
    let views: Vec<Value> = edge.app.views().iter().map(|view| shown(view)).collect();
    Ok(json(StatusCode::OK, &json!({ "views": views })))
}

fn shown(view: &View) -> Value {
    let (record, live) = (view.record(), view.live());
    let (pointer, (state, cause)) = (live.near.pointer(), view.state());
    json!({
        "name": view.name,
        "stream": record.stream,
        "version": record.live,
        "state": state.name(),
        "cause": cause,
        "boundary": pointer.boundary().0,
        "visible": pointer.visible.0,
        "head": view.stream.log.head(),
        "run": pointer.base.as_ref().map(|base| base.run),
        "cells": pointer.base_view().map_or(0, |base| base.meta().cells),
        "incidents": record.incidents.len(),
        "created": Rfc3339(record.created_ms).to_string(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deploy {
    stream: Option<String>,
    lateness: Option<String>,
}

/// Begins a deployment; it is to be followed.
pub async fn put(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let Deploy { stream, lateness } = parameters(&head.uri)?;
    let lateness_ms = lateness.map(|text| {
        crate::time::parse_duration_ms(&text)
            .map_err(|error| Problem::malformed(format!("lateness: {error}")))
    });
    let lateness_ms = lateness_ms.transpose()?.unwrap_or(0);
    let (component, settings) = component(&edge, &head.headers, body).await?;
    let wanted = Wanted { component, settings, stream, lateness_ms };
    let deployment = edge.app.deploy(&name, wanted)?;
    Ok(json(StatusCode::ACCEPTED, &told(&name, &deployment.stage())))
}

/// A component alone, or with its settings.
async fn component(
    edge: &Edge,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Vec<u8>, Option<String>), Problem> {
    let content_type = request::text(headers, header::CONTENT_TYPE)?.unwrap_or("none");
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence != "application/wasm" && essence != "multipart/form-data" {
        let detail = format!(
            "Content-Type is {content_type}; send a component as application/wasm, or as multipart/form-data with \
             the parts component and settings"
        );
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "type", detail));
    }
    let (bytes, _room) = request::read(edge, headers, body).await?;
    if essence == "application/wasm" {
        return Ok((bytes, None));
    }
    let whole = Request::builder().header(header::CONTENT_TYPE, content_type).body(Body::from(bytes));
    let malformed = |error: &dyn std::fmt::Display| Problem::malformed(format!("the body: {error}"));
    let mut parts = Multipart::from_request(whole.map_err(|error| malformed(&error))?, &())
        .await
        .map_err(|error| malformed(&error))?;
    let (mut component, mut settings): (Option<Bytes>, Option<Bytes>) = (None, None);
    while let Some(part) = parts.next_field().await.map_err(|error| malformed(&error))? {
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(|error| malformed(&error))?;
        match name.as_str() {
            "component" => component = Some(bytes),
            "settings" => settings = Some(bytes),
            _ => {
                return Err(Problem::malformed(format!(
                    "unknown part '{name}'; there are component, settings"
                )));
            }
        }
    }
    let component = component.ok_or_else(|| Problem::malformed("the part component is missing"))?;
    let canonical = |bytes: Bytes| {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let settings = Settings::parse(&text).and_then(|settings| settings.canonical());
        settings.map_err(|why| Problem::malformed(format!("settings: {why}")))
    };
    let settings = settings.map(canonical);
    Ok((component.to_vec(), settings.transpose()?))
}

pub async fn deployment(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let follow: parameters::Follow = parameters(&uri)?;
    let unknown = || {
        let detail = format!("nothing was deployed as '{name}' since the start");
        Problem::new(StatusCode::NOT_FOUND, "unknown", detail)
    };
    let deployment = edge.app.deployment(&name).ok_or_else(unknown)?;
    let stage = aside(move || Ok(deployment.wait(follow.time()))).await?;
    Ok(json(StatusCode::OK, &told(&name, &stage)))
}

fn told(view: &str, stage: &Stage) -> Value {
    match stage {
        Stage::Checking => json!({ "view": view, "state": "checking" }),
        Stage::Building { done, total } => {
            json!({ "view": view, "state": "building", "done": done, "total": total })
        }
        Stage::CatchingUp => json!({ "view": view, "state": "catching_up" }),
        Stage::Live(deployed) => json!({
            "view": view,
            "state": "live",
            "version": version(&deployed.version),
            "checks": deployed.checks,
            "unchanged": deployed.is_unchanged,
        }),
        Stage::Unlawful(report) => json!({ "view": view, "state": "unlawful", "report": report }),
        Stage::Failed(error) => json!({ "view": view, "state": "failed", "error": error }),
    }
}

fn version(version: &VersionRecord) -> Value {
    json!({
        "version": version.number,
        "digest": version.digest,
        "component": version.component,
        "settings": serde_json::from_str::<Value>(&version.settings).unwrap_or(Value::Null),
        "deployed": Rfc3339(version.deployed_ms).to_string(),
    })
}

pub async fn versions(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let parameters::None {} = parameters(&uri)?;
    let record = edge.app.view(&name)?.record();
    let versions: Vec<Value> = record.versions.iter().map(version).collect();
    Ok(json(StatusCode::OK, &json!({ "live": record.live, "versions": versions })))
}

pub async fn incidents(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let parameters::None {} = parameters(&uri)?;
    Ok(json(StatusCode::OK, &json!({ "incidents": edge.app.view(&name)?.incidents() })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Last {
    limit: Option<usize>,
}

/// The last lines that the view's transforms logged, the oldest first.
pub async fn log(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let Last { limit } = parameters(&uri)?;
    let (lines, total) = edge.app.log_of(&name, limit.unwrap_or(LIMIT_DEFAULT))?;
    let line = |line: &app::Line| json!({ "at": Rfc3339(line.at_ms).to_string(), "level": line.level, "message": line.message });
    let lines: Vec<Value> = lines.iter().map(line).collect();
    Ok(json(StatusCode::OK, &json!({ "total": total, "lines": lines })))
}

/// Settings with what each is now, and those that a configuration file has.
pub async fn settings(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let parameters::None {} = parameters(&uri)?;
    let view = edge.app.view(&name)?;
    Ok(json(StatusCode::OK, &settings_of(&edge, &view)))
}

fn settings_of(edge: &Edge, view: &View) -> Value {
    let file = edge.app.settings_of_file(&view.name);
    let shown = app::settings::shown(&view.record());
    let settings: BTreeMap<&str, String> = shown.into_iter().collect();
    json!({ "settings": settings, "of_file": file.keys().collect::<Vec<_>>() })
}

/// Changes settings, all of them or none.
pub async fn set(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let parameters::None {} = parameters(&head.uri)?;
    let view = edge.app.view(&name)?;
    let said: BTreeMap<String, Value> = request::json(&edge, &head.headers, body).await?;
    let word = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let changes: BTreeMap<String, String> = said.into_iter().map(|(key, value)| (key, word(value))).collect();
    let app = edge.app.clone();
    aside(move || app.set_view(&name, &changes)).await?;
    Ok(json(StatusCode::OK, &settings_of(&edge, &view)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

pub async fn resume(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let parameters::None {} = parameters(&head.uri)?;
    let Nothing {} = request::json(&edge, &head.headers, body).await?;
    let view = edge.app.view(&name)?;
    let app = edge.app.clone();
    aside(move || app.resume(&name)).await?;
    Ok(json(StatusCode::OK, &shown(&view)))
}

pub async fn remove(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let parameters::None {} = parameters(&uri)?;
    let app = edge.app.clone();
    aside(move || app.remove_view(&name)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    from_offset: Option<u64>,
    limit: Option<usize>,
}

/// Events that the live version cannot fold, with the reasons.
pub async fn rejected(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let Page { from_offset, limit } = parameters(&uri)?;
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    if limit > LIMIT_MAX {
        return Err(Problem::malformed(format!(
            "limit: {limit} is more than {LIMIT_MAX}; read page by page"
        )));
    }
    let view = edge.app.view(&name)?;
    let from = from_offset.unwrap_or(0);
    let page = aside(move || {
        let pointer = view.live().near.pointer();
        let old = pointer.base_view().into_iter().flat_map(|base| base.rejected());
        let all = old.chain(pointer.parts.iter().flat_map(|part| part.rejected()));
        let is_in = |event: &Result<Rejected, _>| event.as_ref().map_or(true, |event| event.offset >= from);
        let rows = all.filter(is_in).take(limit);
        let rows =
            rows.map(|event| event.map(|event| json!({ "offset": event.offset, "reason": event.reason })));
        Ok(json!({ "visible": pointer.visible.0, "rejected": rows.collect::<Result<Vec<_>, _>>()? }))
    });
    Ok(json(StatusCode::OK, &page.await?))
}
