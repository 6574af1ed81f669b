//! The one error of the gateway and its one table of codes.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::words::words;

words! {
    /// Every way a request can be refused, as the document's `error.code`.
    Code, "error code":
    /// Path, query or body is not valid; `details.violations` says where.
    ValidationError = "validation_error",
    /// No credential, or one that does not verify.
    Unauthorized = "unauthorized",
    /// The caller may not do this, or the account may not; `details.reason` says which.
    Forbidden = "forbidden",
    /// It does not exist, or belongs to another organization; `details.resource` says what.
    NotFound = "not_found",
    /// The route exists, but not for this method.
    MethodNotAllowed = "method_not_allowed",
    /// The same key as another request's, or as one that still runs; `details.reason` says which.
    Conflict = "conflict",
    /// The body is larger than the limit.
    PayloadTooLarge = "payload_too_large",
    /// The body is not `application/json`.
    UnsupportedMediaType = "unsupported_media_type",
    /// Our pacing, or WhatsApp's own limit.
    RateLimited = "rate_limited",
    /// A fault of ours.
    Internal = "internal",
    /// The session is not connected; `details.status` is its status.
    NotImplemented = "not_implemented",
    /// WhatsApp refused with an answer that maps to nothing else; `details.upstreamCode`.
    UpstreamError = "upstream_error",
    /// We cannot verify or serve now.
    Unavailable = "unavailable",
    /// WhatsApp did not answer in time: the outcome is unknown.
    UpstreamTimeout = "upstream_timeout",
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Code {
    /// The HTTP status that carries this code.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::ValidationError => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict => 409,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::NotImplemented => 501,
            Self::UpstreamError => 502,
            Self::Unavailable => 503,
            Self::UpstreamTimeout => 504,
        }
    }
}

impl Code {
    /// Whether it says that nothing was done for now, so that the same request may do it later.
    #[must_use]
    pub const fn is_passing(self) -> bool {
        matches!(
            self,
            Self::NotImplemented | Self::RateLimited | Self::Unavailable
        )
    }
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Violation {
    /// Where, as a path: `participants[3]`, `gid`, `limit`.
    pub field: String,
    /// Which rule it breaks: `required`, `pattern`, `max_items` …
    pub rule: String,
    /// What was sent, when that helps and is small.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

impl Violation {
    /// A violation of `rule` at `field`.
    pub fn new(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            rule: rule.into(),
            value: None,
        }
    }

    /// The same for people.
    fn sentence(&self) -> String {
        let broken = match self.rule.as_str() {
            "required" => "is required",
            "type" => "is of the wrong type",
            "json" => "is not JSON",
            "utf8" => "is not UTF-8",
            "duplicate" => "is given twice",
            "range" => "is out of range",
            "length" => "has the wrong length",
            "future" => "has to be in the future",
            "own_end" => "has to be no later than the end of the api key that creates this one",
            _ => "is not valid",
        };
        format!("{} {broken}", self.field)
    }
}

/// A refusal, on its way to the caller. The edge renders it and logs its source, once.
#[derive(Debug, thiserror::Error)]
pub struct Error {
    /// What kind of refusal.
    pub code: Code,
    /// For people. Never holds a token, a key or a phone number, nor anything of the inside.
    pub message: Cow<'static, str>,
    /// For programs; free properties.
    pub details: Map<String, Value>,
    /// When to come back, for 429 and 503.
    pub retry_after: Option<Duration>,
    /// What caused it: for the log, never for the caller.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error {
    /// An error with nothing but a code and a message.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            details: Map::new(),
            retry_after: None,
            source: None,
        }
    }

    /// Adds a property to `details`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    /// Remembers the cause for the log.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Tells the caller when to try again.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// 400 with the list of what is wrong.
    #[must_use]
    pub fn validation(violations: &[Violation]) -> Self {
        let message = match violations {
            [] => "the request is not valid".to_owned(),
            [one] => one.sentence(),
            [first, rest @ ..] => format!("{} and {} more are not valid", first.field, rest.len()),
        };
        Self::new(Code::ValidationError, message).with("violations", json!(violations))
    }

    /// 401. Says the same whatever was wrong with the credential.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(Code::Unauthorized, "a valid bearer token is required")
    }

    /// 403 for a caller without `capability`.
    #[must_use]
    pub fn missing_capability(capability: &str) -> Self {
        Self::new(
            Code::Forbidden,
            format!("the credential lacks the capability {capability}"),
        )
        .with("reason", "missing_capability")
        .with("capability", capability)
    }

    /// 403 for an account that is not an admin of the group.
    #[must_use]
    pub fn not_group_admin() -> Self {
        Self::new(
            Code::Forbidden,
            "the session's account is not an admin of this group",
        )
        .with("reason", "not_group_admin")
    }

    /// 404; `resource` is `session`, `group`, `route` …
    #[must_use]
    pub fn not_found(resource: &'static str) -> Self {
        Self::new(Code::NotFound, format!("{resource} not found")).with("resource", resource)
    }

    /// 501 for a session that is not connected but `status`.
    #[must_use]
    pub fn not_connected(status: &str) -> Self {
        Self::new(Code::NotImplemented, "the session is not connected").with("status", status)
    }

    /// 429 for a caller who has used up `budget`, one of the gateway's own limits.
    #[must_use]
    pub fn over_budget(budget: &'static str, message: &'static str, after: Duration) -> Self {
        Self::new(Code::RateLimited, message)
            .with("budget", budget)
            .retry_after(after)
    }

    /// 409 for an `Idempotency-Key` that another request has.
    #[must_use]
    pub fn key_reused() -> Self {
        Self::new(
            Code::Conflict,
            "another request had this Idempotency-Key before",
        )
        .with("reason", "key_reused")
    }

    /// 409 for a repetition of a request that is still being answered.
    #[must_use]
    pub fn still_running() -> Self {
        Self::new(
            Code::Conflict,
            "the first request with this Idempotency-Key is still running",
        )
        .with("reason", "still_running")
        .retry_after(Duration::from_secs(1))
    }

    /// 400 for pairing what is paired.
    #[must_use]
    pub fn already_paired() -> Self {
        let mut error = Self::validation(&[Violation::new("session", "unpaired")]);
        error.message = "the session is paired already".into();
        error
    }

    /// 503 for a connection that dropped while it was asked for a pairing code. It comes back by itself.
    #[must_use]
    pub fn connection_dropped() -> Self {
        Self::new(Code::Unavailable, "the connection to WhatsApp dropped")
            .retry_after(Duration::from_secs(5))
    }

    /// 503 for a session that WhatsApp gives no code to pair with; the session's `statusReason` says more.
    #[must_use]
    pub fn not_ready_to_pair() -> Self {
        Self::new(
            Code::Unavailable,
            "WhatsApp is not ready to pair the session",
        )
        .retry_after(Duration::from_secs(5))
    }

    /// 503 for an account whose role in the group WhatsApp has not told yet.
    #[must_use]
    pub fn role_unknown() -> Self {
        Self::new(
            Code::Unavailable,
            "WhatsApp has not told yet what the session's account may do in this group",
        )
        .retry_after(Duration::from_secs(5))
    }

    /// 500, with the cause for the log.
    #[must_use]
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Code::Internal, "internal error").because(source)
    }
}
