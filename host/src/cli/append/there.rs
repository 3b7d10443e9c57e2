//! Events to a server, as NDJSON: one request on its way while the next one is made up. A request that
//! broke off is sent again under the same Idempotency-Key, so that it is appended once.

use crate::app::StreamShown;
use crate::cli::client::{Client, Failure, encoded};
use crate::digest::{Digest, Hasher};
use crate::event::{Event, Typing};
use crate::input::request::EVENTS_MAX;
use crate::input::{BATCH_BYTES, Declared, Destination, Reading, Totals, Undelivered};
use crate::store::{Mark, Receipt, SchemaRecord};
use serde::Deserialize;
use std::hash::{BuildHasher, Hasher as _, RandomState};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant};
use ureq::http::StatusCode;

/// How long a server that is busy is asked again, and one that is not there.
const BUSY_TIME: Duration = Duration::from_secs(600);
const AWAY_TIME: Duration = Duration::from_secs(60);
/// Between two tries: doubled each time, from the first to the last.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How events of the stream are read, by what the server says of it.
pub fn reading(client: &Client, stream: &str) -> anyhow::Result<Reading> {
    let url = client.at(&["streams", stream]);
    let shown: StreamShown = client.get(&url)?;
    let declared = Declared {
        time: shown.time,
        time_format: shown.time_format,
        time_unit: shown.time_unit,
        id: shown.id,
        ..Declared::default()
    };
    let record = declared.record(stream, 0);
    let mut record =
        record.map_err(|not| anyhow::anyhow!("stream '{stream}': {}: {}", not.field, not.why))?;
    if let Some(number) = shown.schema {
        let schema: serde_json::Value = client.get(&format!("{url}/schema?number={number}"))?;
        record.schemas.push(SchemaRecord { number, text: schema.to_string() });
    }
    Ok(Reading::of(&record)?)
}

/// One request.
struct Request {
    /// With all parameters.
    url: String,
    typing: Typing,
    body: Vec<u8>,
    source: String,
    mark: Option<Mark>,
    /// What it follows, if it is the first of its source.
    after: Option<After>,
}

/// What is known of a source when a request of it is made up.
#[derive(Clone, Copy)]
enum After {
    /// Nothing: the server has lost it, and whoever appends wants it all the same.
    Unknown,
    /// `next_offset`: where the log ended when it was last appended to, 0 if none of it was. `head`: where the
    /// log ended when this was asked, or answered.
    Known { next_offset: u64, head: u64 },
}

type Answer = Result<Receipt, Undelivered>;

/// A stream of a server.
pub struct There {
    client: Client,
    stream: String,
    any_time: bool,
    lines: Lines,
    after: Option<After>,
    requests: SyncSender<Request>,
    answers: Receiver<Answer>,
    in_flight: usize,
    totals: Totals,
}

/// The request that is made up.
#[derive(Default)]
struct Lines {
    body: Vec<u8>,
    typing: Typing,
    source: String,
    events: u64,
    first_position: u64,
    next_position: u64,
}

impl There {
    pub fn new(client: Client, stream: &str, any_time: bool, is_quiet: bool) -> There {
        // A request is handed over when the one before was answered: they get there in order.
        let (requests, taken) = sync_channel(0);
        let (answered, answers) = channel();
        let courier = Courier {
            client: client.clone(),
            stream: stream.into(),
            is_quiet,
            after: After::Unknown,
            nonce: RandomState::new().build_hasher().finish(),
            sent: 0,
        };
        std::thread::spawn(move || courier.run(&taken, &answered));
        There {
            client,
            stream: stream.into(),
            any_time,
            lines: Lines::default(),
            after: None,
            requests,
            answers,
            in_flight: 0,
            totals: Totals::default(),
        }
    }

    fn hear(&mut self) -> Result<(), Undelivered> {
        self.in_flight -= 1;
        let gone = |_| Undelivered::Said("who sends to the server has ended".into());
        self.totals.add(&self.answers.recv().map_err(gone)??);
        Ok(())
    }

    fn url(&self, mark: Option<&Mark>) -> String {
        let events = self.client.at(&["streams", &self.stream, "events"]);
        let Lines { source, first_position, .. } = &self.lines;
        let mut url = format!("{events}?source={}&position={first_position}", encoded(source));
        if let Some(mark) = mark {
            url += &format!("&first={}&rows={}&digest={}", mark.first, mark.rows, mark.digest);
        }
        if self.any_time {
            url += "&any_time=true";
        }
        url
    }
}

impl Destination for There {
    fn mark(&mut self, source: &str, first: Digest) -> Result<Option<Mark>, Undelivered> {
        #[derive(Deserialize)]
        struct Known {
            rows: u64,
            position: u64,
            digest: Option<String>,
            next_offset: Option<u64>,
            head: u64,
        }
        let said = |error: String| Undelivered::Said(error);
        let url = self.client.at(&["streams", &self.stream, "source"]);
        let url = format!("{url}?source={}&first={first}", encoded(source));
        self.after = Some(After::Unknown);
        let known: Known = self.client.get(&url).map_err(|error| match error.downcast_ref::<Failure>() {
            Some(Failure::Problem(problem)) if problem.status == StatusCode::UNPROCESSABLE_ENTITY => {
                Undelivered::Lost(problem.detail.clone())
            }
            _ => said(format!("{error:#}")),
        })?;
        self.after = Some(After::Known { next_offset: known.next_offset.unwrap_or(0), head: known.head });
        let Known { rows, position, digest: Some(digest), next_offset: Some(next_offset), .. } = known else {
            return Ok(None);
        };
        let digest = digest.parse().map_err(|error| said(format!("the answer of {url}: {error}")))?;
        Ok(Some(Mark { source: source.into(), first, rows, position, digest, next_offset }))
    }

    /// The server says when they come in.
    fn ingested_ms(&mut self) -> i64 {
        0
    }

    fn add(&mut self, event: &Event<'_>) -> Result<(), Undelivered> {
        let (source, position) = (event.lineage.source.unwrap_or_default(), event.lineage.position);
        let lines = &mut self.lines;
        if lines.body.is_empty() {
            lines.events = 0;
            lines.source.clear();
            lines.source.push_str(source);
            (lines.typing, lines.first_position, lines.next_position) = (event.typing, position, position);
        }
        // A line stands for each position.
        for _ in lines.next_position..position {
            lines.body.push(b'\n');
        }
        lines.body.extend_from_slice(event.payload);
        lines.body.push(b'\n');
        lines.next_position = position + 1;
        lines.events += 1;
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.lines.body.len() >= BATCH_BYTES || self.lines.events == EVENTS_MAX
    }

    fn hand_over(&mut self, mark: Option<Mark>) -> Result<(), Undelivered> {
        if self.lines.body.is_empty() {
            return Ok(());
        }
        let url = self.url(mark.as_ref());
        let body = std::mem::replace(&mut self.lines.body, Vec::with_capacity(BATCH_BYTES));
        let (typing, source) = (self.lines.typing, self.lines.source.clone());
        let after = self.after.take();
        if self.in_flight > 0 {
            self.hear()?;
        }
        self.in_flight += 1;
        // If nobody takes it, an answer says why.
        _ = self.requests.send(Request { url, typing, body, source, mark, after });
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Undelivered> {
        while self.in_flight > 0 {
            self.hear()?;
        }
        Ok(())
    }

    fn totals(&self) -> Totals {
        self.totals
    }
}

/// Brings requests to the server, one after the other.
struct Courier {
    client: Client,
    stream: String,
    is_quiet: bool,
    after: After,
    /// Of keys of what is not found again.
    nonce: u64,
    sent: u64,
}

impl Courier {
    fn run(mut self, requests: &Receiver<Request>, answers: &Sender<Answer>) {
        for request in requests {
            let answer = self.deliver(&request);
            let is_over = answer.is_err();
            if answers.send(answer).is_err() || is_over {
                break;
            }
        }
    }

    fn deliver(&mut self, request: &Request) -> Answer {
        if let Some(after) = request.after {
            self.after = after;
        }
        let key = self.key(request);
        let mut url = request.url.clone();
        if let (Some(_), After::Known { head, .. }) = (&request.mark, self.after) {
            url += &format!("&after={head}");
        }
        let content_type = match request.typing {
            Typing::Json => "application/x-ndjson",
            Typing::Text => "application/x-ndjson; typing=text",
        };
        let headers = [("content-type", content_type), ("idempotency-key", key.as_str())];
        let receipt = self.post(&url, &headers, &request.body)?;
        self.after = After::Known { next_offset: receipt.next_offset, head: receipt.next_offset };
        self.sent += 1;
        Ok(receipt)
    }

    /// The same for the same rows of a source after the same state of it, whoever sends them; so that a
    /// command that was killed and is given again doubles nothing of what was on its way.
    fn key(&self, request: &Request) -> String {
        let mut hasher = Hasher::new("append");
        hasher.part(self.stream.as_bytes());
        hasher.part(request.source.as_bytes());
        match &request.mark {
            Some(mark) => {
                hasher.raw(&mark.first.0);
                hasher.raw(&mark.digest.0);
                hasher.u64(mark.rows);
                hasher.u64(match self.after {
                    After::Unknown => self.nonce,
                    After::Known { next_offset, .. } => next_offset,
                });
            }
            None => {
                hasher.u64(self.nonce);
                hasher.u64(self.sent);
            }
        }
        format!("append-{}", hasher.finish())
    }

    /// Sends it until it is answered.
    fn post(&self, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let (mut wait, mut since) = (WAITS.0, None);
        loop {
            let failure = match self.client.post::<Answered>(url, headers, body) {
                Ok(answered) => return Ok(answered.receipt()),
                Err(failure) => failure,
            };
            let Some(time) = patience(&failure) else { return Err(Undelivered::Said(failure.to_string())) };
            let asked = match &failure {
                Failure::Problem(problem) => problem.retry_after.unwrap_or_default(),
                Failure::Broken(_) | Failure::Nobody(_) => Duration::ZERO,
            };
            if since.is_none() && !self.is_quiet {
                eprintln!("waiting  {failure}; trying again");
            }
            if since.get_or_insert_with(Instant::now).elapsed() > time {
                return Err(Undelivered::Said(failure.to_string()));
            }
            std::thread::sleep(wait.max(asked.min(WAITS.1)));
            wait = (wait * 2).min(WAITS.1);
        }
    }
}

/// How long it is worth trying again; None if the answer would be the same.
fn patience(failure: &Failure) -> Option<Duration> {
    match failure {
        Failure::Problem(problem) if problem.status == StatusCode::TOO_MANY_REQUESTS => Some(BUSY_TIME),
        Failure::Problem(problem) => {
            let may_pass = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::REQUEST_TIMEOUT];
            may_pass.contains(&problem.status).then_some(AWAY_TIME)
        }
        Failure::Broken(_) | Failure::Nobody(_) => Some(AWAY_TIME),
    }
}

/// What the server says of a request.
#[derive(Deserialize)]
struct Answered {
    first_offset: u64,
    next_offset: u64,
    appended: u64,
    duplicates: u64,
    conflicts: u64,
}

impl Answered {
    fn receipt(self) -> Receipt {
        let Answered { first_offset, next_offset, appended, duplicates, conflicts } = self;
        Receipt { first_offset, next_offset, appended, duplicates, conflicts }
    }
}
