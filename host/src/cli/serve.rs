//! `bifocal serve`: a data directory, open to many at a time.

use super::Answer;
use super::table::grouped;
use crate::app::App;
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
    /// Where to listen: on this machine only, since whoever can reach it may use it
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4600")]
    listen: SocketAddr,
    /// A name by which it may be called, beside its address and localhost
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let directory = args.directory()?;
    let shown = directory.display().to_string();
    let listener = args.bind()?;
    let store = Store::open(&directory).map_err(|error| in_words(error, &shown))?;
    let views = store.views()?.len();
    let app = App::start(store)?;
    let (streams, events) = app
        .streams()
        .iter()
        .fold((0, 0), |(streams, events), stream| (streams + 1, events + stream.log.head()));
    eprintln!("opened   {shown}: {streams} streams with {} events, {views} views", grouped(events));
    eprintln!("serving  http://{}   Ctrl-C stops it", listener.local_addr()?);
    let options = Options { names: args.name.clone(), follows_signals: true, ..Options::default() };
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

    /// Before the directory is opened: that takes longer, and is in vain if nobody can call.
    fn bind(&self) -> anyhow::Result<TcpListener> {
        let address = self.listen;
        if !address.ip().is_loopback() {
            return Err(http::Error::Beyond(address).into());
        }
        TcpListener::bind(address).map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => anyhow!(
                "{address} is taken, perhaps by another `bifocal serve`; stop that, or choose another port with --listen"
            ),
            _ => anyhow!("{address}: {error}; choose another address with --listen"),
        })
    }
}

fn in_words(error: store::Error, shown: &str) -> anyhow::Error {
    match error {
        store::Error::InUse { process, .. } => anyhow!(
            "{shown} is in use by process {process}; stop that, or let it do the work: with a server, leave out --data"
        ),
        other => other.into(),
    }
}
