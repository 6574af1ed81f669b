//! The document itself: as YAML and JSON, and as a reference to read and try in a browser. Open to everybody, because it
//! says nothing that the repository does not.

use std::sync::LazyLock;

use axum::Router;
use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use gateway_api::Rejection;

use crate::error::Error;

/// The document, byte for byte.
const YAML: &str = include_str!("../../openapi/gateway.yaml");
/// The same as JSON, made by `build.rs`.
const JSON: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));
const PAGE: &str = include_str!("document.html");
/// Holds the page to what the gateway itself serves: the browser refuses any other address.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; \
    img-src 'self' data: blob:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static SCRIPT: LazyLock<Bytes> = LazyLock::new(|| {
    scalar_api_reference::get_asset("scalar.js")
        .unwrap_or_default()
        .into()
});

/// The routes, to be merged into the generated router; its fallback answers what none of them is.
pub fn routes() -> Router {
    Router::new()
        .route("/", get(async || Redirect::temporary("/docs")))
        .route(
            "/openapi.yaml",
            get(async || ([(CONTENT_TYPE, "application/yaml")], YAML)),
        )
        .route(
            "/openapi.json",
            get(async || ([(CONTENT_TYPE, "application/json")], JSON)),
        )
        .route("/docs", get(page))
        .route("/docs/scalar.js", get(script))
        .method_not_allowed_fallback(async || Error::from(Rejection::MethodNotAllowed))
}

async fn page() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, PAGE)
}

async fn script() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        // Five megabytes.
        (CACHE_CONTROL, "max-age=3600"),
    ];
    (headers, SCRIPT.clone())
}
