//! Clients that mean harm: bare sockets and HTTP/2 connections, from an address that is not the other callers'.
//!
//! Linux alone: there all of 127.0.0.0/8 can be called from, and `/proc` tells what the gateway still holds.

use std::collections::{BTreeMap, HashSet};
use std::fmt::{self, Write as _};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, SendStream};
use hyper::body::Bytes;
use hyper::{Method, Request, Response, Version};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout_at};

/// Where attacks come from. Other callers come from 127.0.0.1: the gateway counts by address.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Requests that an HTTP/2 connection has open at once: as many as the gateway lets it.
const STREAMS: usize = 100;

/// The fate of what the gateway closed.
const CLOSED: &str = "closed";

/// How often those that dawdle go on a little.
pub const EVERY: Duration = Duration::from_millis(100);

/// A request of an attack.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Its method.
    pub method: Method,
    /// Its path, with the base path.
    pub path: String,
    /// The bearer token, if it has any.
    pub token: Option<String>,
    /// Bytes of JSON that it announces, and that never come. Without any it is whole.
    pub announced: Option<usize>,
}

impl Ask {
    /// A whole GET.
    #[must_use]
    pub fn get(path: impl Into<String>, token: Option<&str>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            token: token.map(str::to_owned),
            announced: None,
        }
    }

    /// A POST of which nothing comes but the head.
    #[must_use]
    pub fn hung(path: impl Into<String>, token: Option<&str>) -> Self {
        Self {
            method: Method::POST,
            announced: Some(100),
            ..Self::get(path, token)
        }
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        if let Some(token) = &self.token {
            headers.push(("authorization", format!("Bearer {token}")));
        }
        if let Some(announced) = self.announced {
            headers.push(("content-type", "application/json".to_owned()));
            headers.push(("content-length", announced.to_string()));
        }
        headers
    }

    /// As HTTP/1.1 writes it.
    #[must_use]
    pub fn head(&self) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: x\r\n", self.method, self.path);
        for (name, value) in self.headers() {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head + "\r\n"
    }

    fn request(&self) -> Request<()> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(format!("http://x{}", self.path))
            .version(Version::HTTP_2);
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        request.body(()).expect("a request")
    }
}

/// How requests are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Each on a connection of its own.
    Http1,
    /// 100 on a connection.
    Http2,
}

/// What became of many, and of how many of them: a status, `closed` by the gateway, or `nothing` in the time there was.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Fates(BTreeMap<String, usize>);

impl Fates {
    /// Counts one.
    pub fn add(&mut self, fate: impl Into<String>) {
        *self.0.entry(fate.into()).or_default() += 1;
    }

    /// How many met this.
    #[must_use]
    pub fn of(&self, fate: &str) -> usize {
        self.0.get(fate).copied().unwrap_or_default()
    }

    /// How many met something else than these.
    #[must_use]
    pub fn but(&self, fates: &[&str]) -> usize {
        let others = self.0.iter();
        let others = others.filter(|(fate, _)| !fates.contains(&fate.as_str()));
        others.map(|(_, count)| count).sum()
    }
}

impl fmt::Display for Fates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fates = self.0.iter().map(|(fate, count)| format!("{count} {fate}"));
        f.write_str(&fates.collect::<Vec<_>>().join(", "))
    }
}

impl FromIterator<Fates> for Fates {
    fn from_iter<I: IntoIterator<Item = Fates>>(all: I) -> Self {
        let mut sum = Self::default();
        for (fate, count) in all.into_iter().flat_map(|fates| fates.0) {
            *sum.0.entry(fate).or_default() += count;
        }
        sum
    }
}

impl FromIterator<String> for Fates {
    fn from_iter<I: IntoIterator<Item = String>>(all: I) -> Self {
        let mut fates = Self::default();
        for fate in all {
            fates.add(fate);
        }
        fates
    }
}

/// Whoever attacks a gateway, from [`ADDRESS`].
#[derive(Debug, Clone, Copy)]
pub struct Attacker {
    gateway: SocketAddrV4,
}

impl Attacker {
    /// Of this gateway.
    #[must_use]
    pub fn new(gateway: SocketAddrV4) -> Self {
        Self { gateway }
    }

    /// A connection.
    ///
    /// # Errors
    /// It is not let in.
    pub async fn connect(self) -> io::Result<TcpStream> {
        self.connect_by(TcpSocket::new_v4()?).await
    }

    /// A connection that takes next to nothing in: what is not read stays with the gateway.
    ///
    /// # Errors
    /// It is not let in.
    pub async fn connect_deaf(self) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        // The system makes it the least that it allows.
        socket.set_recv_buffer_size(1)?;
        self.connect_by(socket).await
    }

    async fn connect_by(self, socket: TcpSocket) -> io::Result<TcpStream> {
        socket.bind((ADDRESS, 0).into())?;
        let stream = socket.connect(self.gateway.into()).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// An HTTP/2 connection that grants each stream `window` bytes of an answer, and never more.
    ///
    /// # Errors
    /// It is not let in.
    pub async fn http2(self, window: u32) -> io::Result<Http2> {
        let socket = self.connect().await?;
        let mut builder = h2::client::Builder::new();
        builder
            .initial_window_size(window)
            // Else this side hangs up over the small frames that it has asked for.
            .data_frame_budget(1 << 30)
            .initial_max_send_streams(STREAMS);
        let handshake = builder.handshake(socket).await;
        let (requests, connection) = handshake.map_err(io::Error::other)?;
        let mut running = JoinSet::new();
        running.spawn(async move { drop(connection.await) });
        Ok(Http2 { requests, running })
    }

    /// Sends so many requests at once and waits until `patience` is over for what becomes of each.
    pub async fn ask(self, over: Over, ask: &Ask, count: usize, patience: Duration) -> Fates {
        let until = Instant::now() + patience;
        let mut connections = JoinSet::new();
        let mut left = count;
        while left > 0 {
            let share = match over {
                Over::Http1 => 1,
                Over::Http2 => left.min(STREAMS),
            };
            left -= share;
            let ask = ask.clone();
            connections.spawn(async move {
                match over {
                    Over::Http1 => vec![self.ask_http1(&ask, until).await],
                    Over::Http2 => self.ask_http2(&ask, share, until).await,
                }
            });
        }
        connections.join_all().await.into_iter().flatten().collect()
    }

    async fn ask_http1(self, ask: &Ask, until: Instant) -> String {
        let answer = async {
            let mut socket = self.connect().await?;
            socket.write_all(ask.head().as_bytes()).await?;
            let mut start = [0; "HTTP/1.1 200".len()];
            socket.read_exact(&mut start).await?;
            Ok::<_, io::Error>(String::from_utf8_lossy(&start[9..]).into_owned())
        };
        fate(timeout_at(until, answer).await.ok())
    }

    async fn ask_http2(self, ask: &Ask, count: usize, until: Instant) -> Vec<String> {
        let Ok(Ok(mut connection)) = timeout_at(until, self.http2(1 << 16)).await else {
            return vec![CLOSED.to_owned(); count];
        };
        let mut open = Vec::new();
        for _ in 0..count {
            match timeout_at(until, connection.open(ask)).await {
                Ok(Ok(stream)) => open.push(stream),
                _ => break,
            }
        }
        let mut fates = Vec::new();
        for stream in open {
            let status = async { Ok::<_, h2::Error>(status(&stream.response.await?)) };
            fates.push(fate(timeout_at(until, status).await.ok()));
        }
        fates.resize(count, CLOSED.to_owned());
        fates
    }

    /// Opens so many connections, one after the other. On each it sends `first`, then `more` ten times a second, and waits
    /// until the gateway ends it. What became of each: the status that the gateway answered with, `closed` where it did
    /// not, or `open` when `patience` was over.
    pub async fn hold(
        self,
        count: usize,
        first: &[u8],
        more: &'static [u8],
        patience: Duration,
    ) -> Fates {
        let until = Instant::now() + patience;
        let first = Bytes::copy_from_slice(first);
        let mut held = JoinSet::new();
        let mut fates = Fates::default();
        for _ in 0..count {
            match timeout_at(until, self.connect()).await {
                Ok(Ok(socket)) => drop(held.spawn(hold(socket, first.clone(), more, until))),
                _ => fates.add("not let in"),
            }
        }
        for fate in held.join_all().await {
            fates.add(fate);
        }
        fates
    }

    /// How many of its connections the gateway holds now: those that it has accepted and not closed.
    ///
    /// # Panics
    /// There is no `/proc`.
    #[must_use]
    pub fn held(self) -> usize {
        let table = std::fs::read_to_string("/proc/net/tcp").expect("Linux");
        let end = |address: Ipv4Addr| format!("{:08X}", u32::from(address).swap_bytes());
        let local = format!("{}:{:04X}", end(*self.gateway.ip()), self.gateway.port());
        let remote = format!("{}:", end(ADDRESS));
        let held = table.lines().skip(1).filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [_, from, to, _, _, _, _, _, _, inode, ..] = fields[..] else {
                return None;
            };
            // One that no process has, be it not accepted yet or closed, has no inode.
            (from == local && to.starts_with(&remote) && inode != "0").then_some(inode)
        });
        // The kernel tells one twice where others come and go while it is read.
        held.collect::<HashSet<_>>().len()
    }
}

/// One of [`Attacker::hold`].
async fn hold(mut socket: TcpStream, first: Bytes, more: &[u8], until: Instant) -> String {
    let held = async {
        socket.write_all(&first).await?;
        let (mut reader, mut writer) = socket.split();
        let trickle = async {
            let mut due = interval(EVERY);
            while !more.is_empty() {
                due.tick().await;
                writer.write_all(more).await?;
            }
            std::future::pending::<io::Result<()>>().await
        };
        let mut answer = Vec::new();
        tokio::select! {
            ended = reader.read_to_end(&mut answer) => drop(ended),
            // It may have been answered before that.
            _ = trickle => drop(reader.read_to_end(&mut answer).await),
        }
        Ok::<_, io::Error>(answer)
    };
    let Ok(answer) = timeout_at(until, held).await else {
        return "open".to_owned();
    };
    let answer = answer.unwrap_or_default();
    let status = answer
        .strip_prefix(b"HTTP/1.1 ")
        .and_then(|rest| rest.get(..3));
    String::from_utf8_lossy(status.unwrap_or(CLOSED.as_bytes())).into_owned()
}

fn status<B>(response: &Response<B>) -> String {
    response.status().as_str().to_owned()
}

/// The fate of a request; `None` when the time was over.
fn fate<E>(answer: Option<Result<String, E>>) -> String {
    match answer {
        Some(Ok(status)) => status,
        Some(Err(_)) => CLOSED.to_owned(),
        None => "nothing".to_owned(),
    }
}

/// An HTTP/2 connection of an [`Attacker`], open until it is dropped.
#[derive(Debug)]
pub struct Http2 {
    requests: SendRequest<Bytes>,
    running: JoinSet<()>,
}

/// A request on an [`Http2`] connection. Dropped, it is reset.
#[derive(Debug)]
pub struct Stream {
    /// The answer to come.
    pub response: ResponseFuture,
    body: SendStream<Bytes>,
}

impl Stream {
    /// Takes the request back.
    pub fn reset(mut self) {
        self.body.send_reset(Reason::CANCEL);
    }
}

impl Http2 {
    /// Opens one more stream, as soon as the gateway allows it.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn open(&mut self, ask: &Ask) -> Result<Stream, h2::Error> {
        self.requests = self.requests.clone().ready().await?;
        let whole = ask.announced.is_none();
        let (response, body) = self.requests.send_request(ask.request(), whole)?;
        Ok(Stream { response, body })
    }

    /// Waits until the gateway ends it.
    pub async fn ended(&mut self) {
        while self.running.join_next().await.is_some() {}
    }
}
