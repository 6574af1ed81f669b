//! Serves HTTP/1.1 and HTTP/2 on a listener, with or without TLS: takes connections, watches each, and ends them politely.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tower_service::Service as _;

use super::admission::Admission;
use super::exchange::Exchange;
use super::tls::Tls;
use super::watch::{Overdue, Watch, Watched};
use crate::config::Limits;

/// Most bytes that the head of a request may have. Login tokens have a few thousand.
const HEAD: usize = 32 << 10;

/// Requests that one HTTP/2 connection may have under way; RFC 9113 (6.5.2) advises against less.
const STREAMS: u32 = 100;

/// Bytes of bodies that an HTTP/2 connection may send ahead of their being read: of one request, and of all.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 256 << 10;

/// Bytes of one answer that HTTP/2 takes over before they are sent.
const SEND_BUFFER: usize = 64 << 10;

/// How long no connection is taken after one could not be: its cause, most often a lack of descriptors, has to pass.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a connection that was idle may go on being so after it was told to end.
const FAREWELL: Duration = Duration::from_secs(1);

/// How often, at most, the log says that connections are refused.
const HINT_EVERY: Duration = Duration::from_secs(10);

/// What serves connections, within limits that all its listeners share.
pub struct Server {
    limits: Limits,
    admission: Arc<Admission>,
    http: Builder<TokioExecutor>,
}

impl Server {
    /// A server within these limits, where reverse proxies in `trusted` say for whom they ask.
    #[must_use]
    pub fn new(limits: Limits, trusted: Vec<IpNet>) -> Arc<Self> {
        let mut http = Builder::new(TokioExecutor::new());
        http.http1().max_buf_size(HEAD);
        http.http2()
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .max_header_list_size(HEAD as u32);
        Arc::new(Self {
            limits,
            admission: Admission::new(&limits, trusted),
            http,
        })
    }

    /// Serves `router` on `listener` until `stopping` says by when that has to end. From then on no connection is taken, and
    /// those that are there end after the requests that they have under way; completes when the last one has. Dropped, it
    /// ends them all.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        tls: Option<Tls>,
        router: Router,
        mut stopping: watch::Receiver<Option<Instant>>,
    ) {
        let mut connections = JoinSet::new();
        let mut hint = Hint::default();
        loop {
            let taken = tokio::select! {
                taken = listener.accept() => taken,
                Some(_) = connections.join_next() => continue,
                _ = stopping.wait_for(Option::is_some) => break,
            };
            let (socket, peer) = match taken {
                Ok((socket, peer)) => (socket, peer.ip()),
                // The caller has hung up before its turn.
                Err(error) if is_about_one(&error) => continue,
                Err(error) => {
                    hint.give(|| tracing::error!(%error, "cannot take connections"));
                    sleep(PAUSE).await;
                    continue;
                }
            };
            let permits = match self.admission.connection(peer) {
                Ok(permits) => permits,
                Err(setting) => {
                    hint.give(|| tracing::warn!(setting, "too many connections: closing new ones"));
                    continue;
                }
            };
            let connection = Arc::clone(&self).connection(
                socket,
                peer,
                tls.clone(),
                router.clone(),
                stopping.clone(),
            );
            connections.spawn(async move {
                connection.await;
                drop(permits);
            });
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }

    async fn connection(
        self: Arc<Self>,
        socket: TcpStream,
        peer: IpAddr,
        tls: Option<Tls>,
        router: Router,
        stopping: watch::Receiver<Option<Instant>>,
    ) {
        // Answers are small, and written whole.
        let _ = socket.set_nodelay(true);
        let Some(tls) = tls else {
            return self.exchanges(socket, peer, router, stopping).await;
        };
        match timeout(self.limits.header_timeout, tls.accept(socket)).await {
            Ok(Ok(stream)) => self.exchanges(stream, peer, router, stopping).await,
            Ok(Err(error)) => tracing::debug!(%error, "no TLS connection"),
            Err(_) => tracing::debug!("no TLS connection in time"),
        }
    }

    async fn exchanges<S>(
        &self,
        stream: S,
        peer: IpAddr,
        router: Router,
        mut stopping: watch::Receiver<Option<Instant>>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let watch = Watch::new(self.limits);
        let watched = Watched {
            stream,
            watch: Arc::clone(&watch),
        };
        let service = service_fn(|request: Request<Incoming>| {
            let exchange = Exchange::begin(&self.admission, &watch, peer, &request);
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Arc::clone(&exchange));
            let mut router = router.clone();
            async move {
                let response = router.call(request).await?;
                Ok::<_, Infallible>(response.map(|body| exchange.answered(body)))
            }
        });
        let mut connection = pin!(self.http.serve_connection(TokioIo::new(watched), service));
        let mut overdue = pin!(watch.overdue());
        let mut told = false;
        loop {
            tokio::select! {
                // Nearly always it is the connection that has woken.
                biased;
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(error, "a connection broke off");
                    }
                    return;
                }
                what = overdue.as_mut() => {
                    tracing::debug!("closing a connection: {what}");
                    if what != Overdue::Request || told {
                        return;
                    }
                    // Who is only idle hears of it, so that no request is lost on the way.
                    watch.last_call(FAREWELL);
                    overdue.set(watch.overdue());
                }
                _ = stopping.wait_for(Option::is_some), if !told => {}
            }
            told = true;
            connection.as_mut().graceful_shutdown();
        }
    }
}

/// Whether the next connection may be taken at once: accept(2) tells errors of the one that it would have given.
fn is_about_one(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

/// A line of the log that comes once in a while at most.
#[derive(Default)]
struct Hint(Option<Instant>);

impl Hint {
    fn give(&mut self, say: impl FnOnce()) {
        if self.0.is_none_or(|at| at.elapsed() >= HINT_EVERY) {
            self.0 = Some(Instant::now());
            say();
        }
    }
}
