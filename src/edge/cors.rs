//! Cross-origin requests: which web pages may call the gateway from a browser.

use std::time::Duration;

use axum::http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderName, HeaderValue, Method};
use tower_http::cors::CorsLayer;

use super::REQUEST_ID;

/// How long a browser may remember what it was told: Chromium takes no longer.
const REMEMBERED: Duration = Duration::from_secs(2 * 60 * 60);

/// Lets pages of these origins, exactly, send what the document knows, and read the headers of answers that it names.
/// Credentials are in a header that the page sets itself, so none that the browser keeps are let through.
pub(super) fn layer(origins: &[HeaderValue]) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(origins.to_vec())
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers([
            ACCEPT,
            AUTHORIZATION,
            CONTENT_TYPE,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("prefer"),
            HeaderName::from_static(REQUEST_ID),
        ])
        .expose_headers([
            LOCATION,
            RETRY_AFTER,
            WWW_AUTHENTICATE,
            HeaderName::from_static("preference-applied"),
            HeaderName::from_static(REQUEST_ID),
        ])
        .max_age(REMEMBERED)
}
