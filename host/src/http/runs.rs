//! Runs of a view: listed, ordered, followed.

use super::answer::{aside, json};
use super::edge::Edge;
use super::parameters::{self, parameters};
use super::problem::Problem;
use super::request;
use crate::app::{Order, Outcome, View, Work};
use crate::refold::Choice;
use crate::serving;
use crate::store::{RunKind, RunRecord};
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub async fn list(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let parameters::None {} = parameters(&uri)?;
    let view = edge.app.view(&name)?;
    let record = view.record();
    let runs: Vec<Value> = record.runs.iter().map(|run| shown(run, record.batch_run)).collect();
    let current = view.runs.current().map(|order| told(&order));
    Ok(json(StatusCode::OK, &json!({ "runs": runs, "current": current })))
}

/// A run as its record, with whether it is served.
fn shown(run: &RunRecord, served: Option<u64>) -> Value {
    let mut shown = json!(run);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("served".into(), (Some(run.number) == served).into());
        fields.remove("file");
    }
    shown
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    kind: String,
    /// Of a targeted run: windows that start within, and values of keys.
    from: Option<String>,
    to: Option<String>,
    keys: Vec<String>,
}

impl Default for Wanted {
    fn default() -> Wanted {
        Wanted { kind: "full".into(), from: None, to: None, keys: Vec::new() }
    }
}

impl Wanted {
    fn work(&self, view: &View) -> Result<Work, Problem> {
        let is_chosen = self.from.is_some() || self.to.is_some() || !self.keys.is_empty();
        let whole = match self.kind.as_str() {
            "full" => Some(Work::Run(RunKind::Full, None)),
            "incremental" => Some(Work::Run(RunKind::Incremental, None)),
            "verify" => Some(Work::Verify),
            "targeted" => None,
            other => {
                let detail =
                    format!("kind: '{other}' is no kind of run; use full, incremental, targeted or verify");
                return Err(Problem::malformed(detail));
            }
        };
        if let Some(whole) = whole {
            if is_chosen {
                return Err(Problem::malformed("from, to and keys are for a targeted run"));
            }
            return Ok(whole);
        }
        if !is_chosen {
            return Err(Problem::malformed("a targeted run needs from and to, or keys"));
        }
        let live = view.live();
        let time = |what, text: &str| {
            serving::time_ms(what, text, &jiff::tz::TimeZone::UTC, 0).map_err(Problem::malformed)
        };
        let windows_ms = match (&self.from, &self.to) {
            (Some(from), Some(to)) => Some((time("from", from)?, time("to", to)?)),
            (None, None) => None,
            _ => return Err(Problem::malformed("from and to go together")),
        };
        let keys = self.keys.iter().map(|pair| serving::key_equals(live.calls.description(), pair));
        let keys = keys.collect::<Result<_, String>>().map_err(Problem::malformed)?;
        Ok(Work::Run(RunKind::Targeted, Some(Choice { windows_ms, keys })))
    }
}

pub async fn order(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let parameters::None {} = parameters(&head.uri)?;
    let view = edge.app.view(&name)?;
    let wanted: Wanted = request::json(&edge, &head.headers, body).await?;
    let order = view.runs.order_work(wanted.work(&view)?)?;
    Ok(json(StatusCode::ACCEPTED, &told(&order)))
}

pub async fn follow(
    State(edge): State<Arc<Edge>>,
    Path((name, id)): Path<(String, u64)>,
    uri: Uri,
) -> Result<Response, Problem> {
    let follow: parameters::Follow = parameters(&uri)?;
    let view = edge.app.view(&name)?;
    let unknown = || {
        let detail =
            format!("there is no order {id} of view '{name}' since the start; its runs list what was made");
        Problem::new(StatusCode::NOT_FOUND, "unknown", detail)
    };
    let order = view.runs.find(id).ok_or_else(unknown)?;
    let waited = order.clone();
    aside(move || Ok(waited.wait(follow.time()))).await?;
    Ok(json(StatusCode::OK, &told(&order)))
}

fn told(order: &Order) -> Value {
    let (mut run, mut verified, mut failed) = (None, None, None);
    let state = match order.ended() {
        None => "running",
        Some(Ok(Outcome::Run(made))) => {
            run = Some(shown(&made, Some(made.number)));
            "published"
        }
        Some(Ok(Outcome::Verified(found))) => {
            verified = Some(found);
            "verified"
        }
        Some(Err(error)) => {
            failed = Some(error);
            "failed"
        }
    };
    json!({
        "order": order.id,
        "kind": order.work.name(),
        "state": state,
        "done": order.done.load(Ordering::Relaxed),
        "total": order.total.load(Ordering::Relaxed),
        "run": run,
        "verified": verified,
        "error": failed,
    })
}
