//! Reads the parts of a request, each refusal typed.

use std::{borrow::Cow, str::FromStr};

use axum::{
    body::{Body, HttpBody},
    extract::{FromRequestParts, Path, path::ErrorKind, rejection::PathRejection},
    http::{HeaderMap, header::CONTENT_TYPE, request::Parts},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use validator::Validate;

use crate::{Rejection, Violation};

/// The most bytes that a body may have: 1 MiB.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// Passes on what keeps the document's rules.
pub(super) fn valid<T: Validate>(value: T) -> Result<T, Rejection> {
    value.validate()?;
    Ok(value)
}

pub(super) async fn path<T: DeserializeOwned + Send>(parts: &mut Parts) -> Result<T, Rejection> {
    let rejection = match Path::from_request_parts(parts, &()).await {
        Ok(Path(path)) => return Ok(path),
        Err(rejection) => rejection,
    };
    let violation = match rejection {
        PathRejection::FailedToDeserializePathParams(error) => match error.into_kind() {
            ErrorKind::InvalidUtf8InPathParam { key } => Violation::new(key, "utf8"),
            ErrorKind::ParseErrorAtKey { key, value, .. } => {
                Violation::new(key, "type").with_value(value.into())
            }
            _ => Violation::new("path", "type"),
        },
        _ => Violation::new("path", "type"),
    };
    Err(violation.into())
}

/// The parameters of a query. Unknown ones are passed over; one that is given twice is refused.
pub(super) struct Query<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    violations: Vec<Violation>,
}

impl<'a> Query<'a> {
    pub(super) fn of(parts: &'a Parts) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        Self {
            pairs: form_urlencoded::parse(query.as_bytes()).collect(),
            violations: Vec::new(),
        }
    }

    /// The parameter `name`, where it is there and can be read; [`Query::end`] tells of what could not.
    pub(super) fn optional<T: FromStr>(&mut self, name: &str) -> Option<T> {
        let mut values = self
            .pairs
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value);
        let value = values.next()?;
        if values.next().is_some() {
            self.violations.push(Violation::new(name, "duplicate"));
            return None;
        }
        let parsed = value.parse().ok();
        if parsed.is_none() {
            let violation = Violation::new(name, "type").with_value(value.as_ref().into());
            self.violations.push(violation);
        }
        parsed
    }

    pub(super) fn end(self) -> Result<(), Rejection> {
        if self.violations.is_empty() {
            Ok(())
        } else {
            Err(Rejection::Invalid(self.violations))
        }
    }
}

/// The body read as JSON, where there is one.
pub(super) async fn optional_body<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
) -> Result<Option<T>, Rejection> {
    if body.is_end_stream() {
        return Ok(None);
    }
    if !is_json(headers) {
        return Err(Rejection::UnsupportedMediaType);
    }
    let too_large = Rejection::PayloadTooLarge { limit: BODY_LIMIT };
    // A length that is declared is enough to refuse: nothing needs to be read.
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return Err(too_large);
    }
    let bytes = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large),
        Err(_) => return Err(Violation::new("body", "unreadable").into()),
    };
    if bytes.is_empty() {
        return Ok(None);
    }
    json(&bytes).map(Some).map_err(Rejection::from)
}

/// The body read as JSON. None at all is a violation.
pub(super) async fn required_body<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Rejection> {
    let body = optional_body(headers, body).await?;
    body.ok_or_else(|| Violation::new("body", "required").into())
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Violation> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        match error.inner().classify() {
            Category::Data => data_violation(&path, &error.inner().to_string()),
            Category::Io | Category::Syntax | Category::Eof => Violation::new("body", "json"),
        }
    })?;
    deserializer
        .end()
        .map_err(|_| Violation::new("body", "json"))?;
    Ok(value)
}

/// serde tells of an absent or repeated property at the object around it, and names it in the message alone.
fn data_violation(path: &str, message: &str) -> Violation {
    let parent = if path == "." { "" } else { path };
    for (start, rule) in [
        ("missing field `", "required"),
        ("duplicate field `", "duplicate"),
    ] {
        let name = message
            .strip_prefix(start)
            .and_then(|rest| rest.split('`').next());
        if let Some(name) = name {
            let inside = parent.rsplit('.').next() == Some(name);
            let field = match parent {
                "" => name.to_owned(),
                // The path ends in the property itself when it was met a second time.
                parent if inside => parent.to_owned(),
                parent => format!("{parent}.{name}"),
            };
            return Violation::new(field, rule);
        }
    }
    Violation::new(if parent.is_empty() { "body" } else { parent }, "type")
}
