//! The clock of one connection: what it waits for, and how long it may.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use std::{fmt, io};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

use crate::config::Limits;

/// What a connection is waited for, from when.
#[derive(Debug)]
pub struct Watch {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Bytes come on HTTP/2 without a request too, so they say nothing of a head there.
    http2: bool,
    /// Exchanges that have not ended.
    exchanges: usize,
    /// Exchanges whose answer waits for its reader, the longest waiting first.
    answers: Vec<(u64, Instant)>,
    /// When the head of a request began to come, or the connection itself.
    head_since: Option<Instant>,
    /// When the last exchange ended.
    idle_since: Instant,
    /// Longest without one.
    idle_limit: Duration,
    next: u64,
}

/// What took too long, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    Answer,
    Head,
    Request,
}

impl fmt::Display for Overdue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answer => "an answer was not read in time",
            Self::Head => "the head of a request did not come in time",
            Self::Request => "no request came in time",
        })
    }
}

impl Watch {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        let now = Instant::now();
        Arc::new(Self {
            limits,
            state: Mutex::new(State {
                http2: false,
                exchanges: 0,
                answers: Vec::new(),
                head_since: Some(now),
                idle_since: now,
                idle_limit: limits.idle_timeout,
                next: 0,
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes have come.
    fn heard(&self) {
        let mut state = self.state();
        if !state.http2 && state.exchanges == 0 && state.head_since.is_none() {
            state.head_since = Some(Instant::now());
        }
    }

    /// The head of a request is there: gives the number of its exchange.
    pub(super) fn begun(&self, http2: bool) -> u64 {
        let mut state = self.state();
        state.http2 |= http2;
        state.exchanges += 1;
        state.head_since = None;
        state.next += 1;
        state.next
    }

    /// The answer of an exchange waits for its reader.
    pub(super) fn answered(&self, number: u64) {
        self.state().answers.push((number, Instant::now()));
    }

    /// The answer is read, or nobody will.
    pub(super) fn ended(&self, number: u64) {
        let mut state = self.state();
        state.exchanges = state.exchanges.saturating_sub(1);
        state.answers.retain(|(other, _)| *other != number);
        if state.exchanges == 0 {
            state.idle_since = Instant::now();
        }
    }

    /// From now on a request is waited for no longer than this.
    pub(super) fn last_call(&self, limit: Duration) {
        let mut state = self.state();
        state.idle_since = Instant::now();
        state.idle_limit = limit;
    }

    /// Completes when the connection has been waited for long enough. While a request is served nothing is: that has a
    /// limit of its own.
    pub(super) async fn overdue(&self) -> Overdue {
        let limits = &self.limits;
        let shortest = limits
            .answer_timeout
            .min(limits.header_timeout)
            .min(limits.idle_timeout);
        loop {
            let now = Instant::now();
            // What begins only after this look ends no sooner than the next one.
            let mut look = now + shortest;
            if let Some((overdue, at)) = self.due() {
                if at <= now {
                    return overdue;
                }
                look = look.min(at);
            }
            sleep_until(look).await;
        }
    }

    /// What is waited for, and until when.
    fn due(&self) -> Option<(Overdue, Instant)> {
        let state = self.state();
        let limits = &self.limits;
        let (overdue, since, limit): (_, _, Duration) =
            match (state.answers.first(), state.head_since) {
                (Some((_, since)), _) => (Overdue::Answer, *since, limits.answer_timeout),
                (None, _) if state.exchanges > 0 => return None,
                (None, Some(since)) => (Overdue::Head, since, limits.header_timeout),
                (None, None) => (Overdue::Request, state.idle_since, state.idle_limit),
            };
        Some((overdue, since + limit))
    }
}

/// A connection's stream, whose watch is told of what comes.
pub(super) struct Watched<S> {
    pub(super) stream: S,
    pub(super) watch: Arc<Watch>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.watch.heard();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
