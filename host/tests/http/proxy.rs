//! Between a command and its server: requests with events are counted, and some get no answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What becomes of a request with events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Answered,
    /// The server does it, and nobody hears of it.
    Unheard,
    /// The server never sees it.
    Lost,
}

pub struct Proxy {
    pub address: SocketAddr,
    /// Of each request with events, in order: its Idempotency-Key.
    pub keys: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// `fates` of the first requests; all others are answered. Lives as long as the process.
    pub fn new(server: SocketAddr, fates: Vec<Fate>) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let keys = Arc::<Mutex<Vec<String>>>::default();
        let seen = keys.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // Who is killed while it asks is not answered.
                _ = pass(stream.unwrap(), server, &fates, &seen);
            }
        });
        Proxy { address, keys }
    }
}

/// One request and its answer, after which the connection ends.
fn pass(
    client: TcpStream,
    server: SocketAddr,
    fates: &[Fate],
    keys: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let (mut head, mut length, mut key) = (String::new(), 0, None);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim_end().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "idempotency-key" => key = Some(value.trim().to_owned()),
            _ => {}
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut fate = Fate::Answered;
    if head.starts_with("POST") {
        let mut keys = keys.lock().unwrap();
        fate = fates.get(keys.len()).copied().unwrap_or(fate);
        keys.push(key.unwrap_or_default());
    }
    if fate == Fate::Lost {
        return client.shutdown(Shutdown::Both);
    }
    let mut to = TcpStream::connect(server)?;
    to.write_all(format!("{head}connection: close\r\n\r\n").as_bytes())?;
    to.write_all(&body)?;
    let mut answer = Vec::new();
    to.read_to_end(&mut answer)?;
    if fate == Fate::Answered {
        (&client).write_all(&answer)?;
    }
    client.shutdown(Shutdown::Both)
}
