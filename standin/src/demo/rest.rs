//! A REST client as small as the demo needs.

use std::error::Error;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Talks to one gateway with one key.
pub struct Rest {
    base: String,
    key: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Rest {
    /// `url` is the gateway's, without the base path.
    pub fn new(url: &str, key: &str) -> Self {
        Self {
            base: format!("{url}/api/v1"),
            key: key.to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Status and body of a GET.
    pub async fn get(&self, path: &str) -> Result<(u16, Value), Box<dyn Error>> {
        self.send(Method::GET, path, Bytes::new()).await
    }

    /// Status and body of a POST of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Result<(u16, Value), Box<dyn Error>> {
        self.send(Method::POST, path, body.to_string().into()).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(u16, Value), Box<dyn Error>> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(AUTHORIZATION, format!("Bearer {}", self.key))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        let response = self.client.request(request).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }
}
