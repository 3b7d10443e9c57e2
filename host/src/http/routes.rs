//! What is asked by which method and path.

use super::edge::Edge;
use super::problem::Problem;
use super::{append, guard, health, lines, query, runs, streams, views};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use std::sync::Arc;

pub fn router(edge: Arc<Edge>) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/v1/streams", get(streams::list))
        .route("/v1/streams/{stream}", get(streams::show).put(streams::put).delete(streams::remove))
        .route("/v1/streams/{stream}/events", post(append::append).get(lines::read))
        .route("/v1/streams/{stream}/schema", get(streams::schema).put(streams::put_schema))
        .route("/v1/streams/{stream}/source", get(streams::mark))
        .route("/v1/views", get(views::list))
        .route("/v1/views/{view}", get(query::query).put(views::put).patch(views::set).delete(views::remove))
        .route("/v1/views/{view}/deployment", get(views::deployment))
        .route("/v1/views/{view}/settings", get(views::settings))
        .route("/v1/views/{view}/versions", get(views::versions))
        .route("/v1/views/{view}/incidents", get(views::incidents))
        .route("/v1/views/{view}/log", get(views::log))
        .route("/v1/views/{view}/rejected", get(views::rejected))
        .route("/v1/views/{view}/resume", post(views::resume))
        .route("/v1/views/{view}/runs", get(runs::list).post(runs::order))
        .route("/v1/views/{view}/orders/{order}", get(runs::follow))
        .fallback(nowhere)
        .method_not_allowed_fallback(other_method)
        .layer(from_fn_with_state(edge.clone(), guard::guard))
        // Bodies have their own bound, see `request`.
        .layer(DefaultBodyLimit::disable())
        .with_state(edge)
}

async fn nowhere(uri: Uri) -> Problem {
    let detail = format!("there is no {}; docs/http.md lists what there is", uri.path());
    Problem::new(StatusCode::NOT_FOUND, "unknown", detail)
}

async fn other_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("{method} is not for {}; docs/http.md lists what is", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", detail)
}
