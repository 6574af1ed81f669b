//! What wraps the router: connections and their limits, request ids, the access log, panics, bodies left unread, and the one
//! renderer of errors.

mod admission;
mod cors;
mod draining;
mod error;
mod exchange;
mod origin;
mod server;
mod tls;
mod watch;

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::header::{CACHE_CONTROL, HOST, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Method, Version};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http_body::Body as _;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use crate::config::Limits;
use crate::error::{Code, Error, Rule, Violation};

pub use exchange::Exchange;
pub use server::Server;
pub use tls::{Tls, TlsError};

/// The header that carries a request's id, in and out.
const REQUEST_ID: &str = "x-request-id";

/// Wraps the whole router, its fallbacks included; web pages of these origins may call it.
pub fn wrap(router: Router, limits: Limits, origins: &[HeaderValue]) -> Router {
    let Limits {
        request_timeout,
        body_timeout,
        ..
    } = limits;
    let router = router
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(
            move |request: Request, next: Next| async move {
                one_host(&request)?;
                tokio::time::timeout(request_timeout, next.run(request))
                    .await
                    .map_err(|_| unavailable("the request took too long"))
            },
        ))
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            draining::drain(body_timeout, request, next)
        }))
        .layer(middleware::from_fn(admit));
    let router = match origins {
        [] => router,
        origins => router.layer(cors::layer(origins)),
    };
    router.layer(middleware::from_fn(observe))
}

/// Refuses what its caller has too much of.
async fn admit(request: Request, next: Next) -> Result<Response, Error> {
    let exchange = Arc::clone(Exchange::of(request.extensions())?);
    exchange.admit_origin()?;
    let reads = request.method().is_safe();
    let response = next.run(request).await;
    let bytes = response.body().size_hint().lower();
    let admitted = exchange.admit_answer(usize::try_from(bytes).unwrap_or(usize::MAX));
    // What has been done is told, whatever it takes.
    if reads {
        admitted?;
    }
    Ok(response)
}

/// Refuses a request of HTTP/1.1 that has not one host: whatever stands in front of the gateway may have looked at another
/// one. Source: RFC 9112, 3.2.
fn one_host(request: &Request) -> Result<(), Error> {
    let rule = match request.headers().get_all(HOST).iter().count() {
        1 => return Ok(()),
        _ if request.version() != Version::HTTP_11 => return Ok(()),
        0 => Rule::Required,
        _ => Rule::Duplicate,
    };
    let host = "the name that the gateway is called by, such as gateway.example.com";
    let error = Error::validation(vec![Violation::new("Host", rule)]);
    Err(error.explained(|_| Some(host)))
}

fn unavailable(message: &'static str) -> Error {
    Error::new(Code::Unavailable, message).retry_after(Duration::from_secs(1))
}

/// Gives the request its id, which every log line about it carries, and logs how it ended. The log has the route, never
/// the path: paths hold JIDs.
async fn observe(request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get(REQUEST_ID)
        .filter(|id| is_sane(id))
        .cloned()
        .unwrap_or_else(new_id);
    let mut line = AccessLine {
        method: request.method().clone(),
        route: request.extensions().get().cloned(),
        started: Instant::now(),
        status: HUNG_UP,
    };
    // At `error`, so that a filter of any level keeps the id.
    let span = tracing::error_span!(
        "request",
        id = id.to_str().unwrap_or_default(),
        // Recorded once the caller is authenticated.
        caller = tracing::field::Empty,
    );
    async {
        let mut response = next.run(request).await;
        line.status = response.status().as_u16();
        drop(line);
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, id.clone());
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // Answers are one caller's, and some hold secrets. What anybody may keep says so itself.
        headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
        response
    }
    .instrument(span.clone())
    .await
}

/// The status in the log where the caller hung up before there was an answer: nginx's number for it.
const HUNG_UP: u16 = 499;

/// What the log says of a request, once it is dropped: a caller who hangs up has the request dropped in the middle.
struct AccessLine {
    method: Method,
    route: Option<MatchedPath>,
    started: Instant,
    status: u16,
}

impl Drop for AccessLine {
    fn drop(&mut self) {
        let Self {
            method,
            route,
            started,
            status,
        } = self;
        tracing::info!(
            %method,
            route = route.as_ref().map_or("-", MatchedPath::as_str),
            status,
            ms = started.elapsed().as_secs_f64() * 1000.0,
            "served"
        );
    }
}

/// Whether an id from outside may go into the log: short, and nothing that could break a line or look like one.
fn is_sane(id: &HeaderValue) -> bool {
    let id = id.as_bytes();
    (1..=64).contains(&id.len())
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

fn new_id() -> HeaderValue {
    // A ULID is letters and digits.
    HeaderValue::try_from(ulid::Ulid::generate().to_string())
        .unwrap_or(HeaderValue::from_static("-"))
}

/// The panic's own message is on stderr already, from the panic hook, with its place; it is not repeated here.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    Error::internal("the handler panicked").into_response()
}

#[cfg(test)]
mod tests;
