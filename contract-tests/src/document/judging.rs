//! Judging an answer: whether it is one that the document promises.

use std::collections::BTreeSet;

use hyper::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use hyper::{Method, StatusCode};
use jsonschema::Validator;
use serde_json::Value;

use super::{Document, Exchange, Operation};

/// `code` ↔ status, written down a second time on purpose: the gateway's own table must not judge itself.
const CODES: [(&str, u16); 14] = [
    ("validation_error", 400),
    ("unauthorized", 401),
    ("forbidden", 403),
    ("not_found", 404),
    ("method_not_allowed", 405),
    ("conflict", 409),
    ("payload_too_large", 413),
    ("unsupported_media_type", 415),
    ("rate_limited", 429),
    ("internal", 500),
    ("not_implemented", 501),
    ("upstream_error", 502),
    ("unavailable", 503),
    ("upstream_timeout", 504),
];

impl Document {
    /// Judges an answer; says which operation gave it, `None` for the router's own 404 and 405.
    ///
    /// # Errors
    /// What about the answer is not in the document.
    pub fn check(&self, exchange: &Exchange<'_>) -> Result<Option<&Operation>, String> {
        let path = exchange.target.split('?').next().unwrap_or_default();
        let here = self.at(path);
        let operation = here.iter().copied().find(|o| o.method == *exchange.method);
        match operation {
            Some(operation) => self.check_operation(operation, exchange)?,
            None if here.is_empty() => self.check_router(exchange, StatusCode::NOT_FOUND)?,
            None => {
                self.check_router(exchange, StatusCode::METHOD_NOT_ALLOWED)?;
                check_allow(exchange.headers, here.iter().map(|o| &o.method))?;
            }
        }
        Ok(operation)
    }

    fn check_operation(
        &self,
        operation: &Operation,
        exchange: &Exchange<'_>,
    ) -> Result<(), String> {
        let status = exchange.status.as_u16();
        let Some(response) = operation.responses.get(&status) else {
            return Err(format!("{} documents no {status}", operation.id));
        };
        for (name, required, schema) in &response.headers {
            check_header(exchange.headers, name, *required, schema)?;
        }
        if response.content.is_empty() {
            check_empty(exchange)?;
        } else {
            let media = media_type(exchange.headers)?;
            match response.content.get(media) {
                None => {
                    return Err(format!(
                        "{} documents no {media} for {status}",
                        operation.id
                    ));
                }
                Some(Some(schema)) => validate(schema, &parse(exchange.body)?)?,
                Some(None) => check_opaque(media, exchange.body)?,
            }
        }
        if status >= 400 {
            self.check_error(exchange, Some(operation))?;
        }
        Ok(())
    }

    /// What the router itself answers, by the document's own words under "Beyond the operations".
    fn check_router(&self, exchange: &Exchange<'_>, status: StatusCode) -> Result<(), String> {
        if exchange.status != status {
            return Err(format!(
                "no such operation in the document, so the answer has to be {status}"
            ));
        }
        if exchange.method == Method::HEAD {
            return Ok(());
        }
        self.check_error(exchange, None)
    }

    fn check_error(
        &self,
        exchange: &Exchange<'_>,
        operation: Option<&Operation>,
    ) -> Result<(), String> {
        let media = media_type(exchange.headers)?;
        if media != "application/json" {
            return Err(format!("an error as {media}"));
        }
        let body = parse(exchange.body)?;
        validate(&self.error, &body)?;
        let code = body["error"]["code"].as_str().unwrap_or_default();
        if !CODES.contains(&(code, exchange.status.as_u16())) {
            return Err(format!("code {code} with status {}", exchange.status));
        }
        let details = &body["error"]["details"];
        if matches!(code, "not_found" | "unavailable") {
            validate(&self.reason, &details["reason"])?;
        }
        check_details(code, details, operation)
    }
}

/// The particulars that the table of codes promises for each code.
fn check_details(code: &str, details: &Value, operation: Option<&Operation>) -> Result<(), String> {
    let bad = || Err(format!("details of {code}: {details}"));
    match code {
        "validation_error" => {
            let Some(violations) = details["violations"].as_array().filter(|v| !v.is_empty())
            else {
                return bad();
            };
            let well_formed = |v: &Value| v["field"].is_string() && v["rule"].is_string();
            if violations.iter().all(well_formed) {
                Ok(())
            } else {
                bad()
            }
        }
        "forbidden" => match (details["reason"].as_str(), details["capability"].as_str()) {
            (Some("not_group_admin"), None) => Ok(()),
            (Some("missing_capability"), Some(c))
                // Of a key that is to be made each capability may be the one that is missing.
                if operation.is_some_and(|o| o.capability == c || o.id == "createApiKey") =>
            {
                Ok(())
            }
            _ => bad(),
        },
        "not_found" => match (details["resource"].as_str(), operation) {
            (Some("route"), None) => Ok(()),
            (
                Some(
                    "session" | "group" | "member" | "invite" | "qr" | "passkey" | "action"
                    | "addition" | "api_key",
                ),
                Some(_),
            ) => Ok(()),
            _ => bad(),
        },
        "conflict" => match details["reason"].as_str() {
            Some("key_reused" | "still_running") => Ok(()),
            _ => bad(),
        },
        "not_implemented" => match details["status"].as_str() {
            Some(
                "stopped" | "connecting" | "scan_qr_code" | "passkey_required" | "logged_out"
                | "failed",
            ) => Ok(()),
            _ => bad(),
        },
        "upstream_error" if details["upstreamCode"].is_null() => bad(),
        _ => Ok(()),
    }
}

fn check_allow<'a>(
    headers: &HeaderMap,
    documented: impl Iterator<Item = &'a Method>,
) -> Result<(), String> {
    let Some(allow) = headers.get(ALLOW).and_then(|v| v.to_str().ok()) else {
        return Err("405 without Allow".into());
    };
    // GET answers HEAD too, by HTTP's own rules.
    let given: BTreeSet<&str> = allow
        .split(',')
        .map(str::trim)
        .filter(|m| *m != "HEAD")
        .collect();
    let wanted: BTreeSet<&str> = documented.map(Method::as_str).collect();
    if given == wanted {
        Ok(())
    } else {
        Err(format!("Allow: {allow}, but the document has {wanted:?}"))
    }
}

fn check_header(
    headers: &HeaderMap,
    name: &str,
    required: bool,
    schema: &Validator,
) -> Result<(), String> {
    let Some(value) = headers.get(name) else {
        return if required {
            Err(format!("no {name} header"))
        } else {
            Ok(())
        };
    };
    let text = value.to_str().map_err(|_| format!("{name} is not text"))?;
    // A header is text; the schema may ask for a number.
    let number = text.parse::<i64>().ok().map(Value::from);
    if number.is_some_and(|n| schema.is_valid(&n)) || schema.is_valid(&text.into()) {
        Ok(())
    } else {
        Err(format!("{name}: {text} does not fit its schema"))
    }
}

fn check_empty(exchange: &Exchange<'_>) -> Result<(), String> {
    let length = exchange
        .headers
        .get(CONTENT_LENGTH)
        .is_none_or(|v| v == "0");
    if exchange.body.is_empty() && length && !exchange.headers.contains_key(CONTENT_TYPE) {
        Ok(())
    } else {
        Err(format!("{} has to be empty", exchange.status))
    }
}

fn check_opaque(media: &str, body: &[u8]) -> Result<(), String> {
    let fits = match media {
        "image/png" => body.starts_with(b"\x89PNG\r\n\x1a\n"),
        "text/plain" => !body.is_empty() && std::str::from_utf8(body).is_ok(),
        other => return Err(format!("no way to judge {other}")),
    };
    if fits {
        Ok(())
    } else {
        Err(format!("the body is no {media}"))
    }
}

fn media_type(headers: &HeaderMap) -> Result<&str, String> {
    let value = headers.get(CONTENT_TYPE).ok_or("no Content-Type")?;
    let value = value.to_str().map_err(|_| "Content-Type is not text")?;
    Ok(value.split(';').next().unwrap_or_default().trim())
}

fn parse(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| format!("the body is no JSON: {error}"))
}

fn validate(schema: &Validator, body: &Value) -> Result<(), String> {
    let errors: Vec<String> = schema
        .iter_errors(body)
        .map(|error| format!("{error} at {:?}", error.instance_path().to_string()))
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors.join("; "))
    }
}
