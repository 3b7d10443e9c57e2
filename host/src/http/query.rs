//! `GET /v1/views/{v}`: the rows of a view, with all that is said of them. Rows are sent as they are made,
//! from one pointer: whoever reads slowly sees what was there when it asked.

use super::edge::Edge;
use super::parameters;
use super::problem::Problem;
use crate::app::{self, Answer, Question, View};
use crate::rows::{Format, Rows, Writer};
use crate::serving::{self, Asked, Summary};
use crate::time::Rfc3339;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Rows are sent in pieces of about so many bytes.
const PIECE_BYTES: usize = 64 << 10;
/// Pieces that wait for whoever reads them.
const PIECES_WAITING: usize = 4;
/// For whoever reads to take a piece.
const STALL: Duration = Duration::from_secs(30);
/// Cells of an answer that is made where it is asked.
const CELLS_AT_ONCE: u64 = 256;
/// Rows of a table unless the query has a limit.
const TABLE_ROWS: usize = 20;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// One object with all that is said of the answer.
    Enveloped,
    Plain(Format),
}

impl Form {
    fn content_type(self) -> &'static str {
        match self {
            Form::Enveloped | Form::Plain(Format::Json) => "application/json",
            Form::Plain(Format::Ndjson) => "application/x-ndjson",
            Form::Plain(Format::Csv) => "text/csv; charset=utf-8",
            Form::Plain(Format::Table) => "text/plain; charset=utf-8",
            Form::Plain(Format::Arrow) => "application/vnd.apache.arrow.stream",
            Form::Plain(Format::Parquet) => "application/vnd.apache.parquet",
        }
    }

    /// By `Accept`; what nobody names is the whole answer.
    fn accepted(headers: &HeaderMap) -> Form {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let names = accept.split(',').map(|part| part.split(';').next().unwrap_or_default().trim());
        for name in names {
            match name {
                "application/json" => return Form::Enveloped,
                "application/x-ndjson" | "application/ndjson" => return Form::Plain(Format::Ndjson),
                "text/csv" => return Form::Plain(Format::Csv),
                "text/plain" => return Form::Plain(Format::Table),
                "application/vnd.apache.arrow.stream" => return Form::Plain(Format::Arrow),
                "application/vnd.apache.parquet" => return Form::Plain(Format::Parquet),
                _ => {}
            }
        }
        Form::Enveloped
    }
}

pub async fn query(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let (view, form) = named(&edge, &name, &headers)?;
    let question = question(&uri)?;
    let Ok(permit) = edge.queries.clone().try_acquire_owned() else {
        return Err(Problem::busy("too many queries are being answered; try again a little later"));
    };
    // Only a question that names keys can be of a few cells.
    if !question.asked.keys.is_empty() {
        let made = tokio::task::block_in_place(|| at_once(&edge, &view, &question, form))?;
        if let Some(response) = made {
            return Ok(response);
        }
    }
    let (begin, begun) = oneshot::channel();
    let (pieces, receiver) = mpsc::channel(PIECES_WAITING);
    let handle = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let started = Instant::now();
        let mut out = Out { begin: Some(begin), pieces, handle, gathered: Vec::new(), headers: Vec::new() };
        match answer(&edge, &view, &question, form, &mut out) {
            Ok(()) => _ = out.finish(),
            Err(stop) => out.fail(stop.told(&view)),
        }
        edge.metrics.queried(&view.name, started.elapsed());
    });
    let told = begun.await.map_err(|_| Problem::internal("the query ended without an answer"))??;
    Ok(response(Body::new(Pieces(receiver)), form, told))
}

fn response(body: Body, form: Form, told: Vec<(String, String)>) -> Response {
    let mut response = body.into_response();
    let types = [(header::CONTENT_TYPE.as_str().to_owned(), form.content_type().to_owned())];
    for (name, value) in types.into_iter().chain(told) {
        if let (Ok(name), Ok(value)) = (header::HeaderName::try_from(name), value.parse()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// The answer to a question of a few cells that are at hand, made on the thread that asks, whose other tasks
/// go to another meanwhile: the way there and back takes as long as the answer itself. None: it may take longer.
fn at_once(edge: &Edge, view: &View, question: &Question, form: Form) -> Result<Option<Response>, Problem> {
    if !view.is_at_hand(question) {
        return Ok(None);
    }
    let started = Instant::now();
    let answer = view.ask(question, Duration::ZERO, edge.now_ms())?;
    let window = answer.live.calls.description().window;
    if answer.query.cells_max(window).is_none_or(|cells| cells > CELLS_AT_ONCE) {
        return Ok(None);
    }
    let mut body = Vec::new();
    let told = told(&answer);
    write(view, &answer, question, form, &mut body).map_err(|stop| stop.told(view))?;
    edge.metrics.queried(&view.name, started.elapsed());
    Ok(Some(response(Body::from(body), form, told)))
}

/// A view by its name, or by its name and a format's.
fn named(edge: &Edge, name: &str, headers: &HeaderMap) -> Result<(Arc<View>, Form), Problem> {
    if let Ok(view) = edge.app.view(name) {
        return Ok((view, Form::accepted(headers)));
    }
    let split = name.rsplit_once('.').and_then(|(view, format)| Some((view, format.parse::<Format>().ok()?)));
    match split {
        Some((view, format)) => Ok((edge.app.view(view)?, Form::Plain(format))),
        None => Ok((edge.app.view(name)?, Form::Enveloped)),
    }
}

/// What is asked, by the parameters of a URL; each but `key.…` and `where` once.
fn question(uri: &Uri) -> Result<Question, Problem> {
    let mut question = Question::default();
    let asked: &mut Asked = &mut question.asked;
    let mut seen = Vec::new();
    for (name, value) in parameters::pairs(uri)? {
        let whole = || {
            value
                .parse::<u64>()
                .map_err(|_| Problem::malformed(format!("{name}: '{value}' is no whole number")))
        };
        if let Some(key) = name.strip_prefix("key.") {
            asked.keys.push(format!("{key}={value}"));
            continue;
        }
        if name == "where" {
            asked.conditions.push(value);
            continue;
        }
        if seen.contains(&name) {
            return Err(Problem::malformed(format!("{name} is said twice")));
        }
        match name.as_str() {
            "prefix" => asked.prefix = Some(value.clone()),
            "from" => asked.from = Some(value.clone()),
            "to" => asked.to = Some(value.clone()),
            "tz" => asked.tz = Some(value.clone()),
            "grain" => asked.grain = Some(value.clone()),
            "order" => asked.order = Some(value.clone()),
            "per" => asked.per = Some(value.clone()),
            "limit" => asked.limit = Some(whole()? as usize),
            "lens" => asked.lens = value.parse().map_err(Problem::malformed)?,
            "min_offset" => question.min_offset = Some(whole()?),
            "as_of" => {
                let number = value.strip_prefix("run:").and_then(|number| number.parse().ok());
                let not = || Problem::malformed(format!("as_of: '{value}' is not run:N"));
                question.as_of = Some(number.ok_or_else(not)?);
            }
            _ => {
                return Err(Problem::malformed(format!(
                    "unknown parameter '{name}'; there are key.NAME, prefix, from, to, tz, grain, where, order, limit, \
                     per, lens, min_offset, as_of"
                )));
            }
        }
        seen.push(name);
    }
    Ok(question)
}

fn answer(edge: &Edge, view: &View, question: &Question, form: Form, out: &mut Out) -> Result<(), Stop> {
    let answer = view.ask(question, edge.options.visible_time, edge.now_ms()).map_err(Problem::from)?;
    out.headers = told(&answer);
    write(view, &answer, question, form, out)
}

/// Writes the rows of an answer, with what is said of them where that is part of the form.
fn write(
    view: &View,
    answer: &Answer,
    question: &Question,
    form: Form,
    out: &mut impl Write,
) -> Result<(), Stop> {
    let fields = serving::fields(answer.live.calls.description(), &answer.query);
    if form == Form::Enveloped {
        // All but the last brace: what is known only at the end follows the rows.
        let text = envelope(view, answer).to_string();
        out.write_all(text.get(..text.len() - 1).unwrap_or_default().as_bytes()).map_err(gone)?;
        out.write_all(b",\"rows\":").map_err(gone)?;
    }
    let format = match form {
        Form::Enveloped => Format::Json,
        Form::Plain(format) => format,
    };
    let rows_max = question.asked.limit.unwrap_or(TABLE_ROWS);
    let summary = {
        let mut writer = Writer::new(format, &fields, rows_max, &mut *out).map_err(Problem::internal)?;
        let mut take = |rows: &Rows| writer.write(&rows.columns, rows.count).map_err(Stop::Rows);
        let summary = serving::answer(&answer.live.calls, &answer.pointer, &answer.query, &mut take)?;
        writer.finish().map_err(Problem::internal)?;
        summary
    };
    if form == Form::Enveloped {
        out.write_all(tail(&summary).as_bytes()).map_err(gone)?;
    }
    Ok(())
}

fn gone(error: io::Error) -> Problem {
    Problem::internal(error)
}

/// Why rows end before their end.
enum Stop {
    Problem(Problem),
    Serving(serving::Error),
    Rows(crate::rows::Error),
}

impl Stop {
    /// What is told of it; a file of the speed view that cannot be read is folded again.
    fn told(self, view: &View) -> Problem {
        if let Stop::Serving(serving::Error::Store(error)) = &self {
            _ = view.live().heal(error);
        }
        self.into()
    }
}

impl From<serving::Error> for Stop {
    fn from(error: serving::Error) -> Stop {
        Stop::Serving(error)
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Stop {
        Stop::Problem(problem)
    }
}

impl From<Stop> for Problem {
    fn from(stop: Stop) -> Problem {
        match stop {
            Stop::Problem(problem) => problem,
            Stop::Serving(error) => Problem::from(app::Error::from(error)),
            Stop::Rows(error) => Problem::internal(error),
        }
    }
}

/// What programs that do not read JSON are told, as headers.
fn told(answer: &Answer) -> Vec<(String, String)> {
    let of = |name: &str, value: String| (format!("bifocal-{name}"), value);
    vec![
        of("version", format!("v{}", answer.live.version.number)),
        of("state", answer.state.name().into()),
        of("boundary", answer.pointer.boundary().to_string()),
        of("visible", answer.pointer.visible.to_string()),
        of("head", answer.head.to_string()),
        of("freshness-ms", answer.freshness_ms.to_string()),
    ]
}

fn envelope(view: &View, answer: &Answer) -> Value {
    let pointer = &answer.pointer;
    let (boundary, visible) = (pointer.boundary().0, pointer.visible.0);
    let run = answer.run.as_ref();
    let certificate = run.and_then(|run| Some(run.certificate.as_ref()?.cells.clone()));
    let mut marks = Vec::new();
    if run.is_some_and(|run| run.certificate.is_none()) {
        marks.push("unproven");
    }
    json!({
        "view": view.name,
        "version": format!("v{}", answer.live.version.number),
        "digest": format!("sha256:{}", answer.live.digest()),
        "lens": answer.query.lens.name(),
        "state": answer.state.name(),
        "cause": answer.cause,
        "marks": marks,
        "batch": {
            "run": run.map(|run| run.number),
            "offsets": [0, boundary],
            "certificate": certificate,
            "last_full": answer.last_full,
        },
        "speed": { "offsets": [boundary, visible] },
        "visible": visible,
        "head": answer.head,
        "floor": view.stream.log.floor(),
        "freshness_ms": answer.freshness_ms,
        "watermark": answer.watermark(),
        "closed_through": answer.closed_through_ms.map(|ms| Rfc3339(ms).to_string()),
        "lost": view.stream.log.losses(crate::offset::Range::new(crate::offset::Offset::ZERO, pointer.visible))
            .iter().map(|loss| json!([loss.range.from.0, loss.range.to.0])).collect::<Vec<_>>(),
    })
}

fn tail(summary: &Summary) -> String {
    let (pending, broken) = (summary.pending_late, json!(summary.broken));
    format!(",\"pending_late\":{pending},\"broken\":{broken}}}\n")
}

/// What an answer begins with: headers, or the problem that it is.
type Begun = Result<Vec<(String, String)>, Problem>;

/// Where rows are written to: pieces on their way to whoever reads. What goes wrong before the first one is
/// an answer of its own; later the answer can only break off.
struct Out {
    begin: Option<oneshot::Sender<Begun>>,
    pieces: mpsc::Sender<io::Result<Bytes>>,
    handle: tokio::runtime::Handle,
    gathered: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Out {
    fn begin(&mut self) {
        if let Some(begin) = self.begin.take() {
            _ = begin.send(Ok(std::mem::take(&mut self.headers)));
        }
    }

    fn send(&mut self) -> io::Result<()> {
        self.begin();
        let piece = Bytes::from(std::mem::take(&mut self.gathered));
        let sent = self.handle.block_on(self.pieces.send_timeout(Ok(piece), STALL));
        sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "whoever asked does not read"))
    }

    fn finish(mut self) -> io::Result<()> {
        if !self.gathered.is_empty() {
            return self.send();
        }
        self.begin();
        Ok(())
    }

    fn fail(mut self, problem: Problem) {
        match self.begin.take() {
            Some(begin) => _ = begin.send(Err(problem)),
            None => {
                let broken = io::Error::other(format!("{problem:?}"));
                _ = self.handle.block_on(self.pieces.send_timeout(Err(broken), STALL));
            }
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= PIECE_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Pieces(mpsc::Receiver<io::Result<Bytes>>);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = ready!(self.0.poll_recv(context));
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }
}
