//! Who may ask: before there are tokens, whoever calls the server by its own name and is no page of
//! another site. A name that resolves here, but is not ours, is how a foreign page would reach it.

use super::edge::Edge;
use super::problem::Problem;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

pub async fn guard(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let allowed = is_ours(&edge, request.uri(), request.headers());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let response = match allowed {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    edge.metrics.count(&method, route, response.status());
    response
}

fn is_ours(edge: &Edge, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).or_else(|| uri.authority().map(|authority| authority.as_str()));
    let host = host.unwrap_or_default();
    if !is_our_name(edge, name_of(host)) {
        let detail = format!(
            "Host '{host}' is no name of this server; call it by {}, or start it with that name by --name, or in `hosts` of its configuration",
            edge.address
        );
        return Err(Problem::new(StatusCode::FORBIDDEN, "host", detail));
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let site = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    if site == Some(host) {
        return Ok(());
    }
    let detail = format!("a page of '{origin}' may not ask; only pages of this server may");
    Err(Problem::new(StatusCode::FORBIDDEN, "origin", detail))
}

fn is_our_name(edge: &Edge, name: &str) -> bool {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    let address = edge.address.ip();
    let is_address = name.trim_matches(['[', ']']).parse() == Ok(address);
    is_address || is("localhost") || edge.options.names.iter().any(|ours| is(ours))
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_port_is_no_part_of_a_name() {
        for (host, name) in [
            ("localhost:4600", "localhost"),
            ("localhost", "localhost"),
            ("127.0.0.1:1", "127.0.0.1"),
            ("[::1]:4600", "[::1]"),
            ("[::1]", "[::1]"),
            ("", ""),
        ] {
            assert_eq!(super::name_of(host), name);
        }
    }
}
