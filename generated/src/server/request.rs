//! Reads the parts of a request, each refusal typed.

#![allow(dead_code)]

use std::{borrow::Cow, mem, str::FromStr};

use axum::{
    body::{Body, HttpBody},
    extract::{FromRequestParts, Path, path::ErrorKind, rejection::PathRejection},
    http::{HeaderMap, header::CONTENT_TYPE, request::Parts},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use validator::Validate;

use crate::{
    Rejection, Rule, Violation,
    rejection::{on_the_wire, violations},
};

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
            ErrorKind::InvalidUtf8InPathParam { key } => Violation::new(key, Rule::Utf8),
            ErrorKind::ParseErrorAtKey { key, value, .. } => {
                Violation::new(key, Rule::Type).with_value(value.into())
            }
            _ => Violation::new("path", Rule::Type),
        },
        _ => Violation::new("path", Rule::Type),
    };
    Err(violation.into())
}

/// Reads the parameters of a query, or those among the headers. Unknown ones are passed over.
pub(super) struct Parameters<'a> {
    source: Source<'a>,
    /// The names that were asked for.
    names: Vec<&'static str>,
    violations: Vec<Violation>,
}

enum Source<'a> {
    Query(Vec<(Cow<'a, str>, Cow<'a, str>)>),
    Headers(&'a HeaderMap),
}

impl Source<'_> {
    /// The values of `name`, each `None` where it is not UTF-8.
    fn values(&self, name: &str) -> Vec<Option<&str>> {
        match self {
            Self::Query(pairs) => {
                let named = pairs.iter().filter(|(key, _)| key == name);
                named.map(|(_, value)| Some(value.as_ref())).collect()
            }
            Self::Headers(headers) => {
                let named = headers.get_all(name).iter();
                named
                    .map(|value| str::from_utf8(value.as_bytes()).ok())
                    .collect()
            }
        }
    }
}

impl<'a> Parameters<'a> {
    pub(super) fn of_query(parts: &'a Parts) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        Self::of(Source::Query(
            form_urlencoded::parse(query.as_bytes()).collect(),
        ))
    }

    pub(super) fn of_headers(headers: &'a HeaderMap) -> Self {
        Self::of(Source::Headers(headers))
    }

    fn of(source: Source<'a>) -> Self {
        Self {
            source,
            names: Vec::new(),
            violations: Vec::new(),
        }
    }

    /// The parameter `name`, where it is there once and can be read; [`Parameters::valid`] tells of what could not.
    pub(super) fn optional<T: FromStr>(&mut self, name: &'static str) -> Option<T> {
        self.names.push(name);
        match self.source.values(name)[..] {
            [] => None,
            [value] => parsed(name, value, &mut self.violations),
            _ => {
                self.violations.push(Violation::new(name, Rule::Duplicate));
                None
            }
        }
    }

    /// The parameter `name`, which has to be there. Where it is not, what could not be read so far is told with it.
    pub(super) fn required<T: FromStr>(&mut self, name: &'static str) -> Result<T, Rejection> {
        let before = self.violations.len();
        self.optional(name).ok_or_else(|| {
            if self.violations.len() == before {
                self.violations.push(Violation::new(name, Rule::Required));
            }
            Rejection::Invalid(mem::take(&mut self.violations))
        })
    }

    /// The parameter `name`, which may be repeated.
    pub(super) fn list<T: FromStr>(&mut self, name: &'static str) -> Vec<T> {
        self.names.push(name);
        let values = self.source.values(name).into_iter();
        values
            .filter_map(|value| parsed(name, value, &mut self.violations))
            .collect()
    }

    /// Passes on what was read, where all of it could be and it keeps the document's rules.
    pub(super) fn valid<T: Validate>(self, read: T) -> Result<T, Rejection> {
        if !self.violations.is_empty() {
            return Err(Rejection::Invalid(self.violations));
        }
        let Err(errors) = read.validate() else {
            return Ok(read);
        };
        let mut violations = violations(errors);
        for violation in &mut violations {
            // They have the fields' names in camelCase, which `Idempotency-Key` is not.
            let in_camel_case =
                |name: &str| on_the_wire(&name.to_ascii_lowercase().replace('-', "_"));
            if let Some(name) = self
                .names
                .iter()
                .find(|name| in_camel_case(name) == violation.field)
            {
                violation.field = (*name).to_owned();
            }
        }
        Err(Rejection::Invalid(violations))
    }
}

fn parsed<T: FromStr>(
    name: &str,
    value: Option<&str>,
    violations: &mut Vec<Violation>,
) -> Option<T> {
    let parsed = value.and_then(|value| value.parse().ok());
    if parsed.is_none() {
        let violation = Violation::new(name, Rule::Type);
        violations.push(match value {
            Some(value) => violation.with_value(value.into()),
            None => violation,
        });
    }
    parsed
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
        Err(_) => return Err(Violation::new("body", Rule::Unreadable).into()),
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
    body.ok_or_else(|| Violation::new("body", Rule::Required).into())
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
            Category::Io | Category::Syntax | Category::Eof => Violation::new("body", Rule::Json),
        }
    })?;
    deserializer
        .end()
        .map_err(|_| Violation::new("body", Rule::Json))?;
    Ok(value)
}

/// serde tells of an absent or repeated property at the object around it, and names it in the message alone.
fn data_violation(path: &str, message: &str) -> Violation {
    let parent = if path == "." { "" } else { path };
    for (start, rule) in [
        ("missing field `", Rule::Required),
        ("duplicate field `", Rule::Duplicate),
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
    Violation::new(if parent.is_empty() { "body" } else { parent }, Rule::Type)
}
