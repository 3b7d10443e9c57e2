//! Errors as RFC 9457 says, by whose fault they are. What is asked wrong is told in words that say what
//! to do; what went wrong here is told too: whoever may ask may know.

use crate::app;
use crate::deploy;
use crate::half;
use crate::input::{self, Place, Reason};
use crate::refold;
use crate::serving;
use crate::store;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// For whoever finds no room: what waits is read or written within that time.
const RETRY_AFTER_SECONDS: u32 = 1;

#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    /// Ends the URI of its type; a program may go by it.
    kind: &'static str,
    detail: String,
    fields: Map<String, Value>,
}

impl Problem {
    pub fn new(status: StatusCode, kind: &'static str, detail: impl ToString) -> Problem {
        Problem { status, kind, detail: detail.to_string(), fields: Map::new() }
    }

    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Problem {
        self.fields.insert(name.into(), value.into());
        self
    }

    pub fn malformed(detail: impl ToString) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    pub fn busy(detail: impl ToString) -> Problem {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", detail)
    }

    pub fn internal(detail: impl ToString) -> Problem {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    fn refused(detail: impl ToString) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", detail)
    }

    fn unavailable(detail: impl ToString) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }

    /// What is the same for all of a kind.
    fn title(&self) -> &'static str {
        match self.kind {
            "busy" => "Too much at once",
            "conflict" => "It does not go together with what goes on",
            "damaged" => "What is stored is damaged",
            "disk" => "The disk refuses",
            "encoding" => "This Content-Encoding is not read",
            "host" => "Not a name of this server",
            "internal" => "A fault of the server",
            "malformed" => "The request is malformed",
            "method" => "This method is not for this path",
            "origin" => "Pages of other sites may not ask",
            "precondition" => "It is there already",
            "refused" => "What is asked for cannot be",
            "slow" => "The request came in too slowly",
            "stopping" => "The server is stopping",
            "taken" => "The name is taken",
            "too-large" => "The body is too large",
            "type" => "This Content-Type is not read",
            "unlawful" => "The transform breaks a law",
            "unknown" => "There is no such thing",
            _ => "It is not available now",
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": format!("urn:bifocal:problem:{}", self.kind),
            "title": self.title(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let Some(body) = body.as_object_mut() {
            body.extend(self.fields);
        }
        let mut response = (self.status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        response
    }
}

impl From<app::Error> for Problem {
    fn from(error: app::Error) -> Problem {
        match error {
            app::Error::Store(error) => Problem::from(error),
            app::Error::Fold(error) | app::Error::Run(refold::Error::Fold(error)) => Problem::from(error),
            app::Error::Conflict(detail) => Problem::new(StatusCode::CONFLICT, "conflict", detail),
            app::Error::Unavailable(detail) => Problem::unavailable(detail),
            app::Error::Stopping => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", error),
            app::Error::Deploy(error) => Problem::from(error),
            app::Error::Serving(error) => Problem::from(error),
            app::Error::Refused(_)
            | app::Error::Component(_)
            | app::Error::Extract(_)
            | app::Error::Time(_)
            | app::Error::Run(_) => Problem::refused(error),
            app::Error::Input(_) | app::Error::Call(_) => Problem::internal(error),
        }
    }
}

impl From<deploy::Error> for Problem {
    fn from(error: deploy::Error) -> Problem {
        match error {
            deploy::Error::Store(error) => Problem::from(error),
            deploy::Error::Call(_) | deploy::Error::Log(_) => Problem::internal(error),
            deploy::Error::Unlawful(report) => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unlawful", report)
            }
            _ => Problem::refused(error),
        }
    }
}

impl From<serving::Error> for Problem {
    fn from(error: serving::Error) -> Problem {
        match error {
            serving::Error::Asked(detail) => Problem::refused(detail),
            serving::Error::Store(error) => Problem::from(error),
            serving::Error::Call(_) => Problem::internal(error),
        }
    }
}

impl From<half::Error> for Problem {
    fn from(error: half::Error) -> Problem {
        match error {
            half::Error::Store(error) => Problem::from(error),
            other => Problem::internal(other),
        }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Problem {
        let of = |status, kind| Problem::new(status, kind, &error);
        match &error {
            store::Error::Unknown { .. } => of(StatusCode::NOT_FOUND, "unknown"),
            store::Error::Taken { .. } => of(StatusCode::CONFLICT, "taken"),
            store::Error::Moved(_) => of(StatusCode::CONFLICT, "moved"),
            store::Error::Refused(_) => of(StatusCode::UNPROCESSABLE_ENTITY, "refused"),
            store::Error::Busy { .. } => of(StatusCode::TOO_MANY_REQUESTS, "busy"),
            store::Error::Disk { .. } | store::Error::Latched { .. } => {
                of(StatusCode::SERVICE_UNAVAILABLE, "disk")
            }
            store::Error::InUse { .. } => of(StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            store::Error::Damaged { .. } => of(StatusCode::INTERNAL_SERVER_ERROR, "damaged"),
            store::Error::Newer { .. } => of(StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

impl From<input::request::Error> for Problem {
    fn from(error: input::request::Error) -> Problem {
        use input::request::Error;
        let of = |status, kind| Problem::new(status, kind, &error);
        match &error {
            Error::Type(_) => of(StatusCode::UNSUPPORTED_MEDIA_TYPE, "type"),
            Error::Encoding(_) => of(StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoding"),
            Error::TooLarge { .. } | Error::TooMany => of(StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
            Error::NoRoom => Problem::busy(&error),
            Error::Compressed { .. } => Problem::malformed(&error),
            Error::Refused { place, reason } => refused(&error, *place, reason),
            Error::Store(_) => match error {
                Error::Store(error) => Problem::from(error),
                other => Problem::internal(other),
            },
            Error::Other(_) => Problem::internal(&error),
        }
    }
}

/// Where in the body, and why.
fn refused(error: &input::request::Error, place: Place, reason: &Reason) -> Problem {
    let problem =
        Problem::refused(format!("{error}; nothing was appended")).with("reason", reason.to_string());
    match place {
        Place::Line(line) => problem.with("line", line),
        Place::LineColumn(line, column) => problem.with("line", line).with("column", column),
        Place::Row(element) | Place::Element(element) => problem.with("element", element),
    }
}
