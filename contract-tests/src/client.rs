//! An HTTP client that panics on any answer that is not in the OpenAPI document.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::http::response::Parts;
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Builder, Client as Pool};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::document::{Document, Exchange};

/// No answer may take longer: the gateway's own limits are below it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A caller of the gateway, with or without a credential. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
    base: String,
    token: Option<String>,
}

impl Client {
    /// A caller without a credential; `base` is `http://host:port`.
    #[must_use]
    pub fn new(base: impl Into<String>) -> Self {
        Self::with_pool(base, Pool::builder(TokioExecutor::new()))
    }

    /// The same over HTTP/2 with prior knowledge.
    #[must_use]
    pub fn http2(base: impl Into<String>) -> Self {
        let mut builder = Pool::builder(TokioExecutor::new());
        builder.http2_only(true);
        Self::with_pool(base, builder)
    }

    fn with_pool(base: impl Into<String>, builder: Builder) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            pool: builder.build(connector),
            base: base.into(),
            token: None,
        }
    }

    /// The same caller of another gateway; `base` is `http://host:port`.
    #[must_use]
    pub fn at(&self, base: impl Into<String>) -> Self {
        Self {
            base: base.into(),
            ..self.clone()
        }
    }

    /// The same caller with a bearer token.
    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self {
            token: Some(token.into()),
            ..self.clone()
        }
    }

    /// A GET of a path below `/api/v1`.
    #[must_use]
    pub fn get(&self, path: impl AsRef<str>) -> Call {
        self.call(Method::GET, path)
    }

    /// A PATCH of a path below `/api/v1`.
    #[must_use]
    pub fn patch(&self, path: impl AsRef<str>) -> Call {
        self.call(Method::PATCH, path)
    }

    /// A POST to a path below `/api/v1`.
    #[must_use]
    pub fn post(&self, path: impl AsRef<str>) -> Call {
        self.call(Method::POST, path)
    }

    /// A DELETE of a path below `/api/v1`.
    #[must_use]
    pub fn delete(&self, path: impl AsRef<str>) -> Call {
        self.call(Method::DELETE, path)
    }

    /// Any method on a path below `/api/v1`.
    #[must_use]
    pub fn call(&self, method: Method, path: impl AsRef<str>) -> Call {
        self.call_raw(method, format!("/api/v1{}", path.as_ref()))
    }

    /// Any method on any path.
    #[must_use]
    pub fn call_raw(&self, method: Method, target: impl Into<String>) -> Call {
        let mut headers = HeaderMap::new();
        if let Some(token) = &self.token {
            headers.insert(
                AUTHORIZATION,
                format!("Bearer {token}").parse().expect("a header value"),
            );
        }
        Call {
            client: self.clone(),
            method,
            target: target.into(),
            headers,
            body: Bytes::new(),
        }
    }
}

/// A request that is not sent yet.
#[derive(Debug, Clone)]
pub struct Call {
    client: Client,
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers
            .insert(name, HeaderValue::from_str(value).expect("a header value"));
        self
    }

    /// Adds one more line of a header.
    #[must_use]
    pub fn header_line(mut self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("a header value");
        self.headers.append(name, value);
        self
    }

    /// The same request to another gateway; `base` is `http://host:port`.
    #[must_use]
    pub fn at(mut self, base: impl Into<String>) -> Self {
        self.client = self.client.at(base);
        self
    }

    /// Makes a repetition with the same key safe.
    #[must_use]
    pub fn idempotent(self, key: &str) -> Self {
        self.header(HeaderName::from_static("idempotency-key"), key)
    }

    /// Asks to be told what became of each person.
    #[must_use]
    pub fn told(self) -> Self {
        let name = HeaderName::from_static("prefer");
        self.header(name, "return=representation")
    }

    /// Asks for a media type.
    #[must_use]
    pub fn accept(self, media: &str) -> Self {
        self.header(ACCEPT, media)
    }

    /// Sends this as the body, as `application/json`.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Sends any bytes as the body.
    #[must_use]
    pub fn body(mut self, media: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header(CONTENT_TYPE, media)
    }

    async fn exchange(&self) -> Result<(Parts, Bytes), String> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(format!("{}{}", self.client.base, self.target))
            .body(Full::new(self.body.clone()))
            .expect("a request");
        *request.headers_mut() = self.headers.clone();
        let answer = tokio::time::timeout(PATIENCE, async {
            let response = self
                .client
                .pool
                .request(request)
                .await
                .map_err(|error| format!("{error:?}"))?;
            let (head, body) = response.into_parts();
            let body = body
                .collect()
                .await
                .map_err(|error| format!("{error:?}"))?
                .to_bytes();
            Ok((head, body))
        });
        answer
            .await
            .unwrap_or_else(|_| Err(format!("nothing within {PATIENCE:?}")))
    }

    /// Sends the request to a gateway that will not live to answer it.
    ///
    /// # Panics
    /// An answer comes.
    pub async fn send_unanswered(self) {
        if let Ok((head, _)) = self.exchange().await {
            panic!(
                "{} {}: answered with {}",
                self.method, self.target, head.status
            );
        }
    }

    /// Sends the request to a route beside the document: the answer as it is.
    ///
    /// # Panics
    /// No answer comes.
    pub async fn send_unjudged(self) -> (Parts, Bytes) {
        let answer = self.exchange().await;
        answer.unwrap_or_else(|error| panic!("{} {}: no answer: {error}", self.method, self.target))
    }

    /// Sends the request and holds the answer to the document.
    ///
    /// # Panics
    /// No answer comes, or the answer is not in the document.
    pub async fn send(self) -> Answer {
        match self.exchange().await {
            Ok(answer) => self.judged(answer),
            Err(error) => panic!("{} {}: no answer: {error}", self.method, self.target),
        }
    }

    /// The same to a gateway that may not live to answer it; then there is none.
    ///
    /// # Panics
    /// The answer is not in the document.
    pub async fn send_uncertain(self) -> Option<Answer> {
        let answer = self.exchange().await.ok()?;
        Some(self.judged(answer))
    }

    fn judged(self, (head, body): (Parts, Bytes)) -> Answer {
        let call = format!("{} {}", self.method, self.target);
        let exchange = Exchange {
            method: &self.method,
            target: &self.target,
            status: head.status,
            headers: &head.headers,
            body: &body,
        };
        let operation = match Document::get().check(&exchange) {
            Ok(operation) => operation.map(|operation| operation.id.as_str()),
            Err(broken) => panic!(
                "{call} breaks the contract: {broken}\n{} {:?}\n{}",
                head.status,
                head.headers,
                String::from_utf8_lossy(&body)
            ),
        };
        Answer {
            call,
            operation,
            status: head.status,
            headers: head.headers,
            body,
        }
    }
}

/// An answer that the document promises.
#[derive(Debug, Clone)]
pub struct Answer {
    call: String,
    /// `operationId` of the operation that answered; `None` for the router.
    pub operation: Option<&'static str>,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// Holds the answer to a status.
    ///
    /// # Panics
    /// It has another one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(
            self.status,
            status,
            "{}: {}",
            self.call,
            String::from_utf8_lossy(&self.body)
        );
        self
    }

    /// Holds the answer to a status; gives the id of the action that it names.
    ///
    /// # Panics
    /// It has another status, or names none.
    #[track_caller]
    #[must_use]
    pub fn action(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.call);
        let location = self.headers["location"].to_str().expect("text");
        let (_, id) = location.rsplit_once('/').expect("a path");
        id.to_owned()
    }

    /// Holds the answer to 204.
    ///
    /// # Panics
    /// It has another status.
    #[track_caller]
    pub fn expect_no_content(self) {
        self.expect(204);
    }

    /// Holds the answer to a status and takes the body as JSON.
    ///
    /// # Panics
    /// It has another status, or no JSON.
    #[track_caller]
    #[must_use]
    pub fn json(self, status: u16) -> Value {
        let answer = self.expect(status);
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    /// What an error says to people.
    ///
    /// # Panics
    /// It is none.
    #[must_use]
    pub fn message(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).expect("JSON");
        body["error"]["message"]
            .as_str()
            .expect("a message")
            .to_owned()
    }

    /// Holds the answer to an error and takes its `details`.
    ///
    /// # Panics
    /// It has another status or code.
    #[track_caller]
    pub fn error(self, status: u16, code: &str) -> Value {
        let mut body = self.json(status);
        assert_eq!(body["error"]["code"], code);
        body["error"]["details"].take()
    }
}
