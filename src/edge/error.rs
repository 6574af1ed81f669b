//! The one renderer of errors.

use axum::Json;
use axum::http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::error::{Code, Error};

impl IntoResponse for Error {
    /// The envelope, with the headers that go with the code. The cause is logged here, once and nowhere else; the span
    /// of the request adds its id.
    fn into_response(self) -> Response {
        if let Some(source) = &self.source {
            let causes = causes(source.as_ref());
            match self.code {
                Code::Internal => tracing::error!(code = ?self.code, causes, "request failed"),
                Code::UpstreamError | Code::Unavailable | Code::UpstreamTimeout => {
                    tracing::warn!(code = ?self.code, causes, "request failed");
                }
                _ => tracing::debug!(code = ?self.code, causes, "request refused"),
            }
        }
        let mut headers = HeaderMap::new();
        if self.code == Code::Unauthorized {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.retry_after.is_some() || matches!(self.code, Code::RateLimited | Code::Unavailable)
        {
            // Whole seconds, rounded up: coming back too early is refused again.
            let after = self.retry_after.unwrap_or_default();
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        let status =
            StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body =
            json!({"error": {"code": self.code, "message": self.message, "details": self.details}});
        (status, headers, Json(body)).into_response()
    }
}

/// An error and what caused it, on one line.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        // Transparent wrappers say the same again.
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        next = cause.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn body(response: Response) -> serde_json::Value {
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 16)
            .await
            .expect("a body");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_code_is_rendered_as_the_envelope() {
        for &code in Code::ALL {
            let response = Error::new(code, "why").into_response();
            assert_eq!(response.status().as_u16(), code.status());
            assert_eq!(response.headers()["content-type"], "application/json");
            let has = |name| response.headers().contains_key(name);
            assert_eq!(has("www-authenticate"), code == Code::Unauthorized);
            assert_eq!(
                has("retry-after"),
                matches!(code, Code::RateLimited | Code::Unavailable)
            );
            assert_eq!(
                body(response).await,
                json!({"error": {"code": code, "message": "why", "details": {}}})
            );
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_cause_stays_inside_and_the_wait_is_rounded_up() {
        let error = Error::internal("the secret inside").with("hint", 1);
        let body = body(error.into_response()).await;
        assert!(!body.to_string().contains("secret"));
        assert_eq!(body["error"]["details"], json!({"hint": 1}));

        let error =
            Error::new(Code::RateLimited, "slow down").retry_after(Duration::from_millis(1001));
        assert_eq!(error.into_response().headers()["retry-after"], "2");
    }
}
