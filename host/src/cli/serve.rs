//! `bifocal serve`: a data directory, open to many at a time.

use super::Answer;
use super::options;
use super::table::grouped;
use crate::app::{App, Config};
use crate::http::{self, Options, Stop};
use crate::store::{self, Store};
use anyhow::{Context, anyhow};
use clap::Args as ClapArgs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

/// Serve a data directory over HTTP
///
/// All other commands can then work through it, at the same time. It stops at an interrupt (Ctrl-C) or
/// SIGTERM, once what is in flight is done. `kill -9` loses nothing that was acknowledged.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  bifocal serve --data ./data
  bifocal serve --data ./data --listen 127.0.0.1:4601 --name bifocal.local")]
pub struct Args {
    /// The data directory; made if there is none [default: BIFOCAL_DATA]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to listen: on this machine only, since whoever can reach it may use it [default: `listen` of
    /// the configuration, else 127.0.0.1:4600]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The configuration, TOML: settings of views, `listen`, `hosts`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Threads of a run [default: all]
    #[arg(long)]
    threads: Option<usize>,
    /// A name by which it may be called, beside its address and localhost
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
}

const LISTEN: &str = "127.0.0.1:4600";

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let directory = args.directory()?;
    let shown = directory.display().to_string();
    let config = args.config()?;
    // Before the directory is opened: that takes longer, and is in vain if nobody can call.
    let listener = bind(args.listen.as_deref().or(config.listen.as_deref()).unwrap_or(LISTEN))?;
    let names = args.name.iter().chain(&config.hosts).cloned().collect();
    let store = Store::open(&directory).map_err(|error| in_words(error, &shown))?;
    let threads = options::threads(args.threads);
    let app = App::start(store, options::server_engine(threads)?, threads, config)?;
    let (streams, views) = (app.streams(), app.views().len());
    let events = grouped(streams.iter().map(|stream| stream.log.head()).sum());
    eprintln!("opened   {shown}: {} streams with {events} events, {views} views", streams.len());
    eprintln!("serving  http://{}   Ctrl-C stops it", listener.local_addr()?);
    let options = Options { names, follows_signals: true, ..Options::default() };
    http::serve(app, listener, Stop::default(), options)?;
    eprintln!("stopped  all that was acknowledged is durable");
    Ok(Answer::Done)
}

impl Args {
    fn directory(&self) -> anyhow::Result<PathBuf> {
        let named = std::env::var_os("BIFOCAL_DATA").filter(|value| !value.is_empty());
        let directory = self.data.clone().or(named.map(PathBuf::from));
        directory.context("say which directory to serve with --data DIR; it is made if there is none")
    }

    fn config(&self) -> anyhow::Result<Config> {
        let Some(path) = &self.config else { return Ok(Config::default()) };
        let shown = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("--config {shown}"))?;
        Config::parse(&text).map_err(|why| anyhow!("--config {shown}: {why}"))
    }
}

fn bind(address: &str) -> anyhow::Result<TcpListener> {
    let parsed = address.parse::<SocketAddr>();
    let parsed =
        parsed.map_err(|_| anyhow!("'{address}' is no address to listen at; give one such as {LISTEN}"))?;
    if !parsed.ip().is_loopback() {
        return Err(http::Error::Beyond(parsed).into());
    }
    TcpListener::bind(parsed).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "{address} is taken, perhaps by another `bifocal serve`; stop that, or choose another port with --listen"
        ),
        _ => anyhow!("{address}: {error}; choose another address with --listen"),
    })
}

fn in_words(error: store::Error, shown: &str) -> anyhow::Error {
    match error {
        store::Error::InUse { process, .. } => anyhow!(
            "{shown} is in use by process {process}; stop that, or let it do the work: with a server, leave out --data"
        ),
        other => other.into(),
    }
}
