//! Query parameters, none of them ignored: what is not known is refused with what is.

use super::problem::Problem;
use axum::extract::Query;
use axum::http::Uri;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Those of an endpoint that has none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct None {}

/// Those of an endpoint that follows something to its end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Follow {
    /// Seconds to wait for the end.
    wait: Option<u64>,
}

const WAIT_SECONDS_MAX: u64 = 60;

impl Follow {
    pub fn time(&self) -> Duration {
        Duration::from_secs(self.wait.unwrap_or(0).min(WAIT_SECONDS_MAX))
    }
}

pub fn parameters<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    match Query::<T>::try_from_uri(uri) {
        Ok(Query(parameters)) => Ok(parameters),
        Err(rejection) => {
            let why = rejection.body_text();
            let why = why.strip_prefix("Failed to deserialize query string: ").unwrap_or(&why);
            // What is unknown is named once, and by the word for it.
            let why = match why.split_once(": unknown field ") {
                Some((_, unknown)) => {
                    format!("unknown parameter {unknown}").replace("no fields", "none here")
                }
                None => why.replace("missing field", "missing parameter"),
            };
            Err(Problem::malformed(why))
        }
    }
}

/// All parameters as they are said, decoded.
pub fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, Problem> {
    match Query::<Vec<(String, String)>>::try_from_uri(uri) {
        Ok(Query(pairs)) => Ok(pairs),
        Err(rejection) => Err(Problem::malformed(rejection.body_text())),
    }
}
