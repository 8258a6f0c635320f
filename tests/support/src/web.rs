//! A web server on this machine that answers as a test says, and tells what it was asked.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a server was asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// Path and query.
    pub path: String,
    /// Its headers, names in lower case.
    headers: Vec<(String, String)>,
}

/// What a server answers.
#[derive(Debug, Clone)]
pub enum Answer {
    /// This status with an empty body.
    Status(u16),
    /// All bytes, or those that a range asks for.
    Whole(Vec<u8>),
    /// As `Whole`, but the connection ends after so many bytes.
    Part(Vec<u8>, usize),
    /// As `Whole`, with a server that knows no ranges.
    WholeOnly(Vec<u8>),
    /// The first byte, and then none until the client goes.
    Slow(Vec<u8>),
    /// The same bytes again and again until the client goes. Nothing tells how many there are.
    Endless(Vec<u8>),
    /// This status, with these headers and this body.
    Full(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Look there.
    Redirect(String),
}

/// A server; it ends with the test's process.
pub struct Web {
    /// Its port on the loopback address.
    pub port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Request {
    /// A header's value, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

impl Request {
    /// The range that it asks for of `body`, if what it has of it is a part of that.
    fn range(&self, body: &[u8]) -> Option<&str> {
        let is_of_body = self.header("if-range").is_none_or(|of| of == format!("\"{}\"", tag(body)));
        self.header("range").filter(|_| is_of_body)
    }
}

impl Web {
    /// A server whose requests, counted from 0, are answered by `answer`.
    pub fn new(answer: impl Fn(usize, &Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, seen, answer) = (stream.unwrap(), Arc::clone(&seen), Arc::clone(&answer));
                // A client may go at any time: that is what some tests are about.
                std::thread::spawn(move || serve(&stream, &seen, &*answer));
            }
        });
        Self { port, requests }
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What it was asked until now.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(
    stream: &TcpStream,
    seen: &Mutex<Vec<Request>>,
    answer: &dyn Fn(usize, &Request) -> Answer,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    for line in lines {
        match line?.split_once(": ") {
            Some((name, value)) => headers.push((name.to_lowercase(), value.to_owned())),
            None => break,
        }
    }
    let request = Request { path, headers };
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push(request.clone());
        seen.len() - 1
    };
    let mut client = stream;
    match answer(number, &request) {
        Answer::Status(status) => {
            write!(client, "HTTP/1.1 {status} As told\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
        Answer::Redirect(to) => {
            write!(
                client,
                "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
        }
        Answer::Whole(body) => send(client, &body, request.range(&body), usize::MAX),
        Answer::Part(body, bytes) => send(client, &body, request.range(&body), bytes),
        Answer::WholeOnly(body) => send(client, &body, None, usize::MAX),
        Answer::Slow(body) => {
            send(client, &body, None, 1)?;
            client.read(&mut [0]).map(|_| ())
        }
        Answer::Endless(body) => {
            write!(client, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            loop {
                client.write_all(&body)?;
            }
        }
        Answer::Full(status, headers, body) => {
            write!(client, "HTTP/1.1 {status} As told\r\nConnection: close\r\n")?;
            for (name, value) in headers {
                write!(client, "{name}: {value}\r\n")?;
            }
            write!(client, "Content-Length: {}\r\n\r\n", body.len())?;
            client.write_all(&body)
        }
    }
}

/// Sends what `range` asks for of `body`, of that no more than so many bytes. The tag is that of the body.
fn send(mut client: &TcpStream, body: &[u8], range: Option<&str>, bytes: usize) -> std::io::Result<()> {
    let start =
        range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let rest = &body[start.unwrap_or(0).min(body.len())..];
    match start {
        None => write!(client, "HTTP/1.1 200 OK\r\n")?,
        Some(start) => write!(
            client,
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {start}-{}/{}\r\n",
            body.len() - 1,
            body.len()
        )?,
    }
    write!(client, "ETag: \"{}\"\r\n", tag(body))?;
    write!(client, "Content-Length: {}\r\nConnection: close\r\n\r\n", rest.len())?;
    client.write_all(&rest[..rest.len().min(bytes)])?;
    client.flush()
}

/// A tag that other bytes do not have.
fn tag(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}
