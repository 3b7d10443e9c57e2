//! The commands on views through a server: asked over HTTP, told in the same words as from a directory.

use crate::cli::Answer;
use crate::cli::client::{Client, encoded};
use crate::cli::progress::Bars;
use crate::store::RunRecord;
use crate::verify::Verified;
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Seconds that the server is asked to wait for the end of what is followed.
const WAIT: &str = "?wait=1";

/// A view as a server tells of it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Shown {
    pub name: String,
    pub stream: String,
    pub version: u64,
    pub state: String,
    pub cause: Option<String>,
    pub boundary: u64,
    pub visible: u64,
    pub head: u64,
    pub run: Option<u64>,
    pub cells: u64,
    pub incidents: u64,
    pub created: String,
}

pub fn views(client: &Client) -> anyhow::Result<Vec<Shown>> {
    #[derive(Deserialize)]
    struct Views {
        views: Vec<Shown>,
    }
    Ok(client.get::<Views>(&client.at(&["views"]))?.views)
}

pub fn view(client: &Client, name: &str) -> anyhow::Result<Shown> {
    let found = views(client)?.into_iter().find(|view| view.name == name);
    found.with_context(|| format!("there is no view '{name}' here; `bifocal view list` shows what there is"))
}

/// Runs, oldest first, and which of them is served.
pub fn runs(client: &Client, view: &str) -> anyhow::Result<(Vec<RunRecord>, Option<u64>)> {
    #[derive(Deserialize)]
    struct Runs {
        runs: Vec<Value>,
    }
    let listed = client.get::<Runs>(&client.at(&["views", view, "runs"]))?.runs;
    let mut served = None;
    let runs = listed.into_iter().map(|run| {
        let (run, is_served) = record(run)?;
        served = served.or(is_served.then_some(run.number));
        Ok(run)
    });
    let runs = runs.collect::<anyhow::Result<Vec<_>>>()?;
    Ok((runs, served))
}

/// A run, and whether it is served.
fn record(mut run: Value) -> anyhow::Result<(RunRecord, bool)> {
    let served = run.as_object_mut().and_then(|fields| fields.remove("served"));
    Ok((
        serde_json::from_value(run).context("a run in the server's answer")?,
        served == Some(Value::Bool(true)),
    ))
}

#[derive(Debug, Deserialize)]
struct Ordered {
    order: u64,
    state: String,
    done: u64,
    total: u64,
    run: Option<Value>,
    verified: Option<Verified>,
    error: Option<String>,
}

/// Orders a run and follows it to its end.
pub fn batch(client: &Client, view: &str, wanted: &Value, is_quiet: bool) -> anyhow::Result<RunRecord> {
    let ordered = ordered(client, view, wanted, ("batch", is_quiet))?;
    match (ordered.run, ordered.error) {
        (Some(run), _) => Ok(record(run)?.0),
        (None, error) => bail!(error.unwrap_or_else(|| format!("the run is {}", ordered.state))),
    }
}

/// Has the served batch view verified.
pub fn verify(client: &Client, view: &str, is_quiet: bool) -> anyhow::Result<Verified> {
    let ordered = ordered(client, view, &serde_json::json!({ "kind": "verify" }), ("verify", is_quiet))?;
    match (ordered.verified, ordered.error) {
        (Some(verified), _) => Ok(verified),
        (None, error) => bail!(error.unwrap_or_else(|| format!("the work is {}", ordered.state))),
    }
}

/// Orders work on a view and follows it to its end; `what` names its progress.
fn ordered(
    client: &Client,
    view: &str,
    wanted: &Value,
    (what, is_quiet): (&str, bool),
) -> anyhow::Result<Ordered> {
    let url = client.at(&["views", view, "runs"]);
    let mut ordered: Ordered = client.post_json(&url, wanted)?;
    let follow = format!("{}{WAIT}", client.at(&["views", view, "orders", &ordered.order.to_string()]));
    let (mut bars, mut total) = (Bars::new(is_quiet), 0);
    while ordered.state == "running" {
        if ordered.total != total {
            total = ordered.total;
            bars.events(what, total);
        }
        bars.set(ordered.done);
        ordered = client.get(&follow)?;
    }
    bars.finish();
    Ok(ordered)
}

#[derive(Debug, Deserialize)]
struct Deployment {
    state: String,
    #[serde(default)]
    done: u64,
    #[serde(default)]
    total: u64,
    version: Option<Version>,
    checks: Option<String>,
    unchanged: Option<bool>,
    report: Option<String>,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Version {
    version: u64,
    digest: String,
}

/// What is deployed.
pub struct Deploy<'a> {
    pub view: &'a str,
    pub component: Vec<u8>,
    /// None: as they are.
    pub settings: Option<String>,
    pub stream: Option<&'a str>,
    pub lateness: &'a str,
}

const BOUNDARY: &str = "bifocal-part-7c1f0d5e9a";

impl Deploy<'_> {
    fn url(&self, client: &Client) -> String {
        let stream = self.stream.map(|stream| format!("stream={}&", encoded(stream))).unwrap_or_default();
        format!("{}?{stream}lateness={}", client.at(&["views", self.view]), encoded(self.lateness))
    }

    /// Content type and body.
    fn body(&self) -> (String, Vec<u8>) {
        let Some(settings) = &self.settings else {
            return ("application/wasm".into(), self.component.clone());
        };
        let part =
            |name: &str| format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        let mut body = part("settings").into_bytes();
        body.extend_from_slice(settings.as_bytes());
        body.extend_from_slice(b"\r\n");
        body.extend_from_slice(part("component").as_bytes());
        body.extend_from_slice(&self.component);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        (format!("multipart/form-data; boundary={BOUNDARY}"), body)
    }

    /// Deploys, and follows it until the version is live.
    pub fn run(&self, client: &Client) -> anyhow::Result<Answer> {
        let (content_type, body) = self.body();
        let mut deployment: Deployment = client.put(&self.url(client), &content_type, &body)?;
        let follow = format!("{}{WAIT}", client.at(&["views", self.view, "deployment"]));
        let (mut bars, mut total) = (Bars::new(false), 0);
        while matches!(deployment.state.as_str(), "checking" | "building" | "catching_up") {
            if deployment.total != total {
                total = deployment.total;
                bars.events("build", total);
            }
            bars.set(deployment.done);
            deployment = client.get(&follow)?;
        }
        bars.finish();
        if let Some(report) = &deployment.report {
            eprint!("{report}");
            eprintln!("refused  view '{}' stays as it was", self.view);
            return Ok(Answer::No);
        }
        let Some(version) = &deployment.version else {
            bail!(deployment.error.unwrap_or_else(|| format!("the deployment is {}", deployment.state)));
        };
        let what = if deployment.unchanged == Some(true) { "live was" } else { "deployed" };
        let digest = version.digest.get(..12).unwrap_or_default();
        eprintln!("{what} {} v{} ({digest})", self.view, version.version);
        eprintln!("checks   {}", deployment.checks.unwrap_or_default());
        Ok(Answer::Done)
    }
}

/// Changes settings; all of them as they are then, and those that a file has.
pub fn set(client: &Client, view: &str, changes: &Value) -> anyhow::Result<Value> {
    client.patch(&client.at(&["views", view]), changes)
}

pub fn resume(client: &Client, view: &str) -> anyhow::Result<()> {
    _ = client.post_json::<Value>(&client.at(&["views", view, "resume"]), &json!({}))?;
    Ok(())
}
