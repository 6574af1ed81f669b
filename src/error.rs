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

words! {
    /// What a request can break, as the document's `rule` of a violation.
    Rule, "rule":
    /// It has to be there.
    Required = "required",
    /// It has to be of another type, or another word.
    Type = "type",
    /// The body has to be JSON.
    Json = "json",
    /// It has to be UTF-8.
    Utf8 = "utf8",
    /// It has to be there once.
    Duplicate = "duplicate",
    /// It has to be written in another way.
    Pattern = "pattern",
    /// It has to be longer or shorter.
    Length = "length",
    /// It has to be greater or less.
    Range = "range",
    /// The body has to come as a whole.
    Unreadable = "unreadable",
    /// The session has to be one that is not paired.
    Unpaired = "unpaired",
    /// The time has to be in the future.
    Future = "future",
    /// The key has to end no later than the one that creates it.
    OwnEnd = "own_end",
    /// It has to name something that is to change.
    Empty = "empty",
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Violation {
    /// Where, as a path: `participants[3]`, `gid`, `limit`.
    pub field: String,
    /// Which rule it breaks.
    pub rule: Rule,
    /// What was sent, when that helps and is small.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

impl Violation {
    /// A violation of `rule` at `field`.
    pub fn new(field: impl Into<String>, rule: Rule) -> Self {
        Self {
            field: field.into(),
            rule,
            value: None,
        }
    }

    /// The same for people; `must_be` is what the document says of the field. What was sent is not in it: it may be a phone
    /// number.
    fn sentence(&self, must_be: Option<&str>) -> String {
        let field = &self.field;
        let must_be = must_be.unwrap_or("what the document says");
        match self.rule {
            Rule::Required => format!("{field} is required: {must_be}"),
            Rule::Type | Rule::Pattern | Rule::Length | Rule::Range | Rule::Future => {
                format!("{field} must be {must_be}")
            }
            Rule::Json => format!("{field} is not JSON: it must be {must_be}"),
            Rule::Utf8 => format!("{field} must be percent-encoded UTF-8: {must_be}"),
            Rule::Duplicate => format!("{field} is given twice: it must be there once"),
            Rule::Unreadable => format!("{field} broke off before its end: send it again"),
            Rule::Unpaired => {
                "the session is paired already: log it out to pair it anew".to_owned()
            }
            Rule::Empty => format!("{field} names nothing that is to change: it must be {must_be}"),
            Rule::OwnEnd => format!(
                "{field} must be no later than the end of the api key that creates this one"
            ),
        }
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
    /// What is wrong with the request, of a `validation_error`.
    violations: Vec<Violation>,
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
            violations: Vec::new(),
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

    /// 400 with the list of what is wrong. [`Self::explained`] makes its message one that names the fix.
    #[must_use]
    pub fn validation(violations: Vec<Violation>) -> Self {
        let mut error = Self::new(Code::ValidationError, "the request is not valid")
            .with("violations", json!(violations));
        error.violations = violations;
        error.explained(|_| None)
    }

    /// The same where the document is known: `must_be` is what it says of a field, in words that follow "must be".
    #[must_use]
    pub fn explained(mut self, must_be: impl FnOnce(&str) -> Option<&'static str>) -> Self {
        if let [first, rest @ ..] = self.violations.as_slice() {
            let sentence = first.sentence(must_be(&first.field));
            self.message = match rest.len() {
                0 => sentence.into(),
                more => format!("{sentence}; {more} more in details.violations").into(),
            };
        }
        self
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

    /// 404 for a path that no operation has; `meant` is the path of the one that it means with a slash too many, or without
    /// the base path.
    #[must_use]
    pub fn no_such_path(meant: Option<&'static str>) -> Self {
        let error = Self::not_found("route");
        let Some(route) = meant else {
            let message = "no such path; the API shows those there are at /docs".into();
            return Self { message, ..error };
        };
        let message = format!(
            "no such path; did you mean {route}? A path begins with /api/v1 and has no slash at its end, nor two in a row"
        );
        Self {
            message: message.into(),
            ..error.with("route", route)
        }
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
        Self::validation(vec![Violation::new("session", Rule::Unpaired)])
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
