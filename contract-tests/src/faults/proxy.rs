//! The proxy that a fault is.
#![expect(clippy::print_stdout, reason = "it is part of a test's output")]

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderValue};
use hyper::{Method, Version};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;

use super::{Answer, Fault, SPOILED};
use crate::document::Document;

/// Puts a fault in front of the gateway that listens at `gateway`; gives the address to use instead. `owner` is the api
/// key that faults of access control act with. Ends with the runtime.
///
/// # Panics
/// There is no free port.
pub async fn put_in_front(fault: Fault, gateway: SocketAddr, owner: String) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("an address");
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    // HTTP/2, because it can be told that nobody wants the rest of a body; over HTTP/1.1 the gateway hangs up, and its
    // answer may be lost with the connection.
    let pool = Pool::builder(TokioExecutor::new())
        .http2_only(true)
        .build(connector);
    let owner = HeaderValue::try_from(format!("Bearer {owner}")).expect("a header value");
    let router = Router::new().fallback(move |request: Request| async move {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let answer = pass(&pool, gateway, request).await;
        let mut answer = judgeable(&method, &path, answer).await;
        let real = answer.clone();
        (fault.spoil)(&mut answer);
        if answer != real {
            println!("{SPOILED} {method} {path}");
        }
        if answer.as_owner {
            let again = Request::builder()
                .method(method)
                .uri(path)
                .header(AUTHORIZATION, owner)
                .body(Body::empty())
                .expect("a request");
            return pass(&pool, gateway, again).await;
        }
        let mut response = Response::new(Body::from(answer.body));
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        response
    });
    tokio::spawn(axum::serve(listener, router).into_future());
    address
}

/// Asks the gateway the same. Where it hangs up, the proxy does: a panic ends the connection.
async fn pass(
    pool: &Pool<HttpConnector, Body>,
    gateway: SocketAddr,
    mut request: Request,
) -> Response {
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    *request.uri_mut() = format!("http://{gateway}{path}").parse().expect("a URI");
    *request.version_mut() = Version::HTTP_2;
    request.headers_mut().remove(HOST);
    pool.request(request)
        .await
        .expect("an answer")
        .map(Body::new)
}

async fn judgeable(method: &Method, path: &str, response: Response) -> Answer {
    let (mut head, body) = response.into_parts();
    if method != Method::HEAD {
        // It is counted again when the spoiled body is sent.
        head.headers.remove(CONTENT_LENGTH);
    }
    Answer {
        operation: Document::get()
            .find(method, path)
            .map_or("", |operation| operation.id.as_str()),
        status: head.status,
        headers: head.headers,
        body: to_bytes(body, usize::MAX).await.expect("a whole body"),
        as_owner: false,
    }
}
