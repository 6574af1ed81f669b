//! The body of a request: how long it may pause, and what a handler leaves unread of it.
//!
//! A refusal is often ready before the body has come. If the server then closed the connection (HTTP/1.1) or reset the
//! stream (HTTP/2), a client that is still sending would meet that instead of the answer. So the rest is read and thrown
//! away first, within limits.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Error;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep};

/// How much of a rest is read, in bytes. Behind more of it the connection closes over the client's head.
const LIMIT: u64 = 64 << 20;

/// How long a rest is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Breaks a body off that pauses for longer than `pause`, and holds the answer back until what came is read to its end.
pub async fn drain(pause: Duration, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let announced = request.headers().contains_key(EXPECT);
    let (back, mut returned) = oneshot::channel();
    let response = next
        .run(request.map(|body| {
            Body::new(Lent {
                body: Some(body),
                back: Some(back),
                // Asking for the first frame is what tells such a client to begin.
                begun: !announced,
                pause,
                pausing: None,
            })
        }))
        .await;
    if let Ok(rest) = returned.try_recv() {
        // What is left after the time is left: the answer is due.
        let _ = tokio::time::timeout(PATIENCE, throw_away(rest)).await;
    }
    response
}

async fn throw_away(mut rest: Body) {
    let mut read = 0;
    while let Some(Ok(frame)) = rest.frame().await {
        read += frame.data_ref().map_or(0, |data| data.len() as u64);
        if read + rest.size_hint().lower() > LIMIT {
            break;
        }
    }
}

/// A body that comes back when it is dropped, if its client has begun to send it.
struct Lent {
    body: Option<Body>,
    back: Option<oneshot::Sender<Body>>,
    begun: bool,
    /// Longest it may pause.
    pause: Duration,
    /// There while it pauses.
    pausing: Option<Pin<Box<Sleep>>>,
}

impl http_body::Body for Lent {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.begun = true;
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(context);
        if polled.is_ready() {
            self.pausing = None;
            return polled;
        }
        let pause = self.pause;
        let pausing = self.pausing.get_or_insert_with(|| Box::pin(sleep(pause)));
        ready!(pausing.as_mut().poll(context));
        // The rest is not waited for.
        self.body = None;
        let paused = io::Error::new(io::ErrorKind::TimedOut, "the body paused for too long");
        Poll::Ready(Some(Err(Error::new(paused))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (true, Some(body), Some(back)) = (self.begun, self.body.take(), self.back.take()) {
            // Nobody waits for it when the caller has gone.
            let _ = back.send(body);
        }
    }
}
