//! A server that is asked: requests out, answers and errors in words back. Plain HTTP, blocking, no TLS:
//! the server listens on this machine only.

use anyhow::{Context, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::time::Duration;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

pub const DEFAULT_URL: &str = "http://127.0.0.1:4600";
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// An answer in JSON has at most so many bytes.
const ANSWER_BYTES_MAX: u64 = 256 << 20;
const PROBLEM_BYTES_MAX: u64 = 1 << 20;

#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    /// Without a slash at its end.
    url: String,
}

/// An answer that is no success.
#[derive(Clone, Debug)]
pub struct Problem {
    pub status: StatusCode,
    pub detail: String,
    /// What the server asks to be waited for.
    pub retry_after: Option<Duration>,
}

/// Why there is no answer, or not the one that was asked for.
#[derive(Debug)]
pub enum Failure {
    Problem(Problem),
    /// Nothing came back: what was asked for may or may not have been done.
    Broken(io::Error),
    /// Nobody was there to ask.
    Nobody(String),
}

/// Events as lines, and where the next ones are.
pub struct Lines {
    pub next_offset: u64,
    pub body: Body,
}

impl Client {
    pub fn new(url: &str) -> anyhow::Result<Client> {
        let url = url.trim_end_matches('/');
        if !url.starts_with("http://") {
            bail!("'{url}' is no address of a server; give one such as {DEFAULT_URL}");
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_TIME))
            .proxy(None)
            .build();
        Ok(Client { agent: config.into(), url: url.into() })
    }

    /// Segments of a path are encoded one by one.
    pub fn at(&self, segments: &[&str]) -> String {
        segments.iter().fold(format!("{}/v1", self.url), |url, segment| format!("{url}/{}", encoded(segment)))
    }

    pub fn get<T: DeserializeOwned>(&self, url: &str) -> anyhow::Result<T> {
        self.parsed(url, self.agent.get(url).call())
    }

    pub fn lines(&self, url: &str) -> anyhow::Result<Lines> {
        let response = self.answered(self.agent.get(url).call())?;
        let next = response.headers().get("bifocal-next-offset").and_then(|value| value.to_str().ok());
        let next_offset = next.and_then(|text| text.parse().ok());
        let next_offset = next_offset.with_context(|| format!("{url} does not say where it ends"))?;
        Ok(Lines { next_offset, body: response.into_body() })
    }

    /// Makes what is not there yet.
    pub fn create(&self, url: &str, body: &str) -> anyhow::Result<()> {
        let request = self.agent.put(url).header("content-type", "application/json");
        self.answered(request.header("if-none-match", "*").send(body))?;
        Ok(())
    }

    /// Sends a body to a place, and reads the answer.
    pub fn put<T: DeserializeOwned>(&self, url: &str, content_type: &str, body: &[u8]) -> anyhow::Result<T> {
        self.parsed(url, self.agent.put(url).header("content-type", content_type).send(body))
    }

    pub fn patch<T: DeserializeOwned>(&self, url: &str, body: &serde_json::Value) -> anyhow::Result<T> {
        let request = self.agent.patch(url).header("content-type", "application/json");
        self.parsed(url, request.send(&body.to_string()))
    }

    pub fn post_json<T: DeserializeOwned>(&self, url: &str, body: &serde_json::Value) -> anyhow::Result<T> {
        let request = self.agent.post(url).header("content-type", "application/json");
        self.parsed(url, request.send(&body.to_string()))
    }

    fn parsed<T: DeserializeOwned>(
        &self,
        url: &str,
        sent: Result<Response<Body>, ureq::Error>,
    ) -> anyhow::Result<T> {
        let mut response = self.answered(sent)?;
        let text = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string()?;
        serde_json::from_str(&text).with_context(|| format!("the answer of {url}"))
    }

    /// An answer as it comes in, with what its headers say of it: those that begin with `bifocal-`, less
    /// that.
    pub fn stream(&self, url: &str) -> anyhow::Result<(BTreeMap<String, String>, Body)> {
        let response = self.answered(self.agent.get(url).call())?;
        let said = response.headers().iter().filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix("bifocal-")?;
            Some((name.to_owned(), value.to_str().ok()?.to_owned()))
        });
        Ok((said.collect(), response.into_body()))
    }

    pub fn delete(&self, url: &str) -> anyhow::Result<()> {
        self.answered(self.agent.delete(url).call())?;
        Ok(())
    }

    /// Sends a body, once.
    pub fn post<T: DeserializeOwned>(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<T, Failure> {
        let request =
            headers.iter().fold(self.agent.post(url), |request, (name, value)| request.header(*name, *value));
        let mut response = self.sent(request.send(body))?;
        let text = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        let text = text.map_err(|error| Failure::Broken(io::Error::other(error)))?;
        serde_json::from_str(&text).map_err(|error| Failure::Broken(error.into()))
    }

    fn answered(&self, sent: Result<Response<Body>, ureq::Error>) -> anyhow::Result<Response<Body>> {
        Ok(self.sent(sent)?)
    }

    fn sent(&self, sent: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>, Failure> {
        match sent {
            Ok(response) if response.status().is_success() => Ok(response),
            Ok(response) => Err(Failure::Problem(Problem::of(response))),
            Err(ureq::Error::Io(error)) if error.kind() != io::ErrorKind::ConnectionRefused => {
                Err(Failure::Broken(error))
            }
            Err(ureq::Error::Io(_) | ureq::Error::ConnectionFailed | ureq::Error::HostNotFound) => {
                Err(Failure::Nobody(self.url.clone()))
            }
            Err(error) => Err(Failure::Broken(io::Error::other(error))),
        }
    }
}

impl Problem {
    fn of(response: Response<Body>) -> Problem {
        #[derive(Deserialize)]
        struct Said {
            detail: String,
        }
        let status = response.status();
        let after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after = after.and_then(|text| text.parse().ok()).map(Duration::from_secs);
        let mut text = String::new();
        // What cannot be read is told by its status alone.
        _ = response.into_body().into_reader().take(PROBLEM_BYTES_MAX).read_to_string(&mut text);
        let said = serde_json::from_str::<Said>(&text);
        let detail = said.map_or_else(|_| format!("the server answers {status}"), |said| said.detail);
        Problem { status, detail, retry_after }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Problem(problem) => f.write_str(&problem.detail),
            Failure::Broken(error) => write!(f, "the server broke off: {error}"),
            Failure::Nobody(url) => write!(
                f,
                "no server answers at {url}; start one with `bifocal serve --data DIR`, or say --data DIR to work \
                 directly on a data directory"
            ),
        }
    }
}

impl std::error::Error for Failure {}

/// Percent-encoded, all but letters, digits and what never means anything.
pub fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => encoded.push(char::from(byte)),
            // Two dots alone would be a step up.
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
