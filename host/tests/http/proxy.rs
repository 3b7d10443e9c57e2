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
    /// It is on its way for long: see `Overtaken`.
    Held,
    /// Those that are held get there just before it; it is answered.
    Overtaken,
}

pub struct Proxy {
    pub address: SocketAddr,
    /// Of each request with events, in order: its Idempotency-Key.
    pub keys: Arc<Mutex<Vec<String>>>,
    pub held: Held,
}

type Held = Arc<Mutex<Vec<Vec<u8>>>>;

impl Proxy {
    /// `fates` of the first requests; all others are answered. Lives as long as the process.
    pub fn new(server: SocketAddr, fates: Vec<Fate>) -> Proxy {
        Proxy::after(server, fates, Held::default())
    }

    /// The same where requests are held already.
    pub fn after(server: SocketAddr, fates: Vec<Fate>, held: Held) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let keys = Arc::<Mutex<Vec<String>>>::default();
        let (seen, holds) = (keys.clone(), held.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // Who is killed while it asks is not answered.
                _ = pass(stream.unwrap(), server, &fates, &seen, &holds);
            }
        });
        Proxy { address, keys, held }
    }
}

/// One request and its answer, after which the connection ends.
fn pass(
    client: TcpStream,
    server: SocketAddr,
    fates: &[Fate],
    keys: &Mutex<Vec<String>>,
    held: &Held,
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
    let request = [format!("{head}connection: close\r\n\r\n").into_bytes(), body].concat();
    if fate == Fate::Held {
        held.lock().unwrap().push(request);
        return client.shutdown(Shutdown::Both);
    }
    if fate == Fate::Overtaken {
        for request in held.lock().unwrap().drain(..) {
            ask(server, &request)?;
        }
    }
    let answer = ask(server, &request)?;
    if matches!(fate, Fate::Answered | Fate::Overtaken) {
        (&client).write_all(&answer)?;
    }
    client.shutdown(Shutdown::Both)
}

fn ask(server: SocketAddr, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut to = TcpStream::connect(server)?;
    to.write_all(request)?;
    let mut answer = Vec::new();
    to.read_to_end(&mut answer)?;
    Ok(answer)
}
