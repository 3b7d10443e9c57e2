//! Whether it lives, whether it is ready, and what is measured.

use super::answer::json;
use super::edge::Edge;
use super::parameters::{self, parameters};
use super::problem::Problem;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

pub async fn alive(uri: Uri) -> Result<&'static str, Problem> {
    let parameters::None {} = parameters(&uri)?;
    Ok("alive\n")
}

/// 503 with what is missing.
pub async fn ready(State(edge): State<Arc<Edge>>, uri: Uri) -> Result<Response, Problem> {
    let parameters::None {} = parameters(&uri)?;
    let mut missing = Vec::new();
    if edge.app.is_stopping() {
        missing.push("bifocal is stopping".to_owned());
    }
    for stream in edge.app.streams() {
        if let Some(cause) = stream.log.failed() {
            missing.push(format!("stream '{}' takes no events: {cause}", stream.record().name));
        }
    }
    for view in edge.app.views() {
        if !view.has_caught_up() {
            missing.push(format!("view '{}' folds what came in before the start", view.name));
        }
    }
    let status = if missing.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(json(status, &serde_json::json!({ "ready": missing.is_empty(), "missing": missing })))
}

pub async fn metrics(State(edge): State<Arc<Edge>>, uri: Uri) -> Result<Response, Problem> {
    let parameters::None {} = parameters(&uri)?;
    let text = edge.metrics.text().map_err(Problem::internal)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}
