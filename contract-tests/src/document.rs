//! The OpenAPI document as a judge: what operation a request belongs to, and whether an answer is one that the document
//! promises.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use hyper::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use hyper::{Method, StatusCode};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// `code` ↔ status, written down a second time on purpose: the gateway's own table must not judge itself.
const CODES: [(&str, u16); 13] = [
    ("validation_error", 400),
    ("unauthorized", 401),
    ("forbidden", 403),
    ("not_found", 404),
    ("method_not_allowed", 405),
    ("payload_too_large", 413),
    ("unsupported_media_type", 415),
    ("rate_limited", 429),
    ("internal", 500),
    ("not_implemented", 501),
    ("upstream_error", 502),
    ("unavailable", 503),
    ("upstream_timeout", 504),
];

/// An answer, with the request it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// The method of the request.
    pub method: &'a Method,
    /// The path of the request as it was sent, perhaps with a query.
    pub target: &'a str,
    /// The status that came back.
    pub status: StatusCode,
    /// The headers that came back.
    pub headers: &'a HeaderMap,
    /// The body that came back, whole.
    pub body: &'a [u8],
}

/// One operation of the document.
#[derive(Debug)]
pub struct Operation {
    /// `operationId`.
    pub id: String,
    /// Its method.
    pub method: Method,
    /// Its path template, with the base path: `/api/v1/sessions/{session}`.
    pub path: String,
    /// `x-capability`.
    pub capability: String,
    /// Whether it declares a request body.
    pub has_body: bool,
    /// Everything in a request that can be wrong, by name: its parameters and the properties of its body.
    pub fields: Vec<String>,
    responses: BTreeMap<u16, Response>,
}

impl Operation {
    /// The statuses that the document gives this operation.
    pub fn statuses(&self) -> impl Iterator<Item = u16> {
        self.responses.keys().copied()
    }

    fn matches_path(&self, path: &str) -> bool {
        let mut wanted = self.path.split('/');
        let mut given = path.split('/');
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some(wanted), Some(given)) if wanted.starts_with('{') => {
                    if given.is_empty() {
                        return false;
                    }
                }
                (Some(wanted), Some(given)) if wanted == given => {}
                _ => return false,
            }
        }
    }
}

#[derive(Debug)]
struct Response {
    /// Media type to schema; no schema for what is not JSON.
    content: BTreeMap<String, Option<Validator>>,
    /// Header name to whether it is required and its schema.
    headers: Vec<(String, bool, Validator)>,
}

/// The document, ready to judge.
#[derive(Debug)]
pub struct Document {
    operations: Vec<Operation>,
    error: Validator,
}

static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
    let text = include_str!("../../openapi/gateway.yaml");
    let value = serde_saphyr::from_str(text).expect("openapi/gateway.yaml is YAML");
    Document::from_value(&value)
});

impl Document {
    /// `openapi/gateway.yaml`.
    #[must_use]
    pub fn get() -> &'static Self {
        &DOCUMENT
    }

    /// Reads an OpenAPI 3.0 document.
    ///
    /// # Panics
    /// It is not one, or uses what this judge does not know.
    #[must_use]
    pub fn from_value(document: &Value) -> Self {
        let mut components = document["components"].clone();
        to_json_schema(&mut components);
        let schemas = Schemas {
            document,
            components,
        };
        let base = document["servers"][0]["url"].as_str().unwrap_or_default();
        let mut operations = Vec::new();
        for (path, item) in entries(&document["paths"]) {
            for (method, operation) in entries(item) {
                // The other keys of a path item (`parameters`, `summary`) are no operations.
                let Ok(method) = method.to_uppercase().parse::<Method>() else {
                    continue;
                };
                if operation["operationId"].is_null() {
                    continue;
                }
                operations.push(Operation {
                    id: text(&operation["operationId"]),
                    method,
                    path: format!("{base}{path}"),
                    capability: text(&operation["x-capability"]),
                    has_body: operation.get("requestBody").is_some(),
                    fields: schemas.fields(item, operation),
                    responses: entries(&operation["responses"])
                        .map(|(status, response)| {
                            let status = status.parse().expect("responses are keyed by status");
                            (status, schemas.response(response))
                        })
                        .collect(),
                });
            }
        }
        let error = schemas.validator(&json!({"$ref": "#/components/schemas/Error"}));
        Self { operations, error }
    }

    /// All operations.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operation with this `operationId`.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn operation(&self, id: &str) -> &Operation {
        self.operations
            .iter()
            .find(|o| o.id == id)
            .unwrap_or_else(|| panic!("no operation {id} in the document"))
    }

    /// The operation that a request belongs to.
    #[must_use]
    pub fn find(&self, method: &Method, target: &str) -> Option<&Operation> {
        let path = target.split('?').next().unwrap_or_default();
        self.operations
            .iter()
            .find(|o| o.method == *method && o.matches_path(path))
    }

    /// Judges an answer; says which operation gave it, `None` for the router's own 404 and 405.
    ///
    /// # Errors
    /// What about the answer is not in the document.
    pub fn check(&self, exchange: &Exchange<'_>) -> Result<Option<&Operation>, String> {
        let path = exchange.target.split('?').next().unwrap_or_default();
        let here: Vec<&Operation> = self
            .operations
            .iter()
            .filter(|o| o.matches_path(path))
            .collect();
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
        let (code, details) = (text(&body["error"]["code"]), &body["error"]["details"]);
        if !CODES.contains(&(code.as_str(), exchange.status.as_u16())) {
            return Err(format!("code {code} with status {}", exchange.status));
        }
        check_details(&code, details, operation)
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
                if operation.is_some_and(|o| o.capability == c) =>
            {
                Ok(())
            }
            _ => bad(),
        },
        "not_found" => match (details["resource"].as_str(), operation) {
            (Some("route"), None) => Ok(()),
            (Some("session" | "group" | "member" | "qr"), Some(_)) => Ok(()),
            _ => bad(),
        },
        "not_implemented" => match details["status"].as_str() {
            Some("stopped" | "connecting" | "scan_qr_code" | "logged_out" | "failed") => Ok(()),
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

/// The document while it is being read.
struct Schemas<'a> {
    document: &'a Value,
    /// Its components, with the schemas as JSON Schema.
    components: Value,
}

impl<'a> Schemas<'a> {
    /// Follows a `$ref`, once; references to references are not in use.
    fn resolve(&self, node: &'a Value) -> &'a Value {
        let Some(reference) = node["$ref"].as_str() else {
            return node;
        };
        let pointer = reference
            .strip_prefix('#')
            .expect("references stay within the document");
        self.document
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{reference} points nowhere"))
    }

    fn fields(&self, item: &'a Value, operation: &'a Value) -> Vec<String> {
        let parameters = [item, operation].map(|node| node["parameters"].as_array());
        let parameters = parameters.into_iter().flatten().flatten();
        let body = self.resolve(&operation["requestBody"]["content"]["application/json"]["schema"]);
        parameters
            .map(|parameter| text(&self.resolve(parameter)["name"]))
            .chain(entries(&body["properties"]).map(|(name, _)| name.clone()))
            .collect()
    }

    fn validator(&self, schema: &Value) -> Validator {
        let mut schema = schema.clone();
        to_json_schema(&mut schema);
        schema["components"] = self.components.clone();
        jsonschema::validator_for(&schema).expect("the document's schemas are schemas")
    }

    fn response(&self, response: &'a Value) -> Response {
        let response = self.resolve(response);
        let content = entries(&response["content"]).map(|(media, content)| {
            let json = media == "application/json";
            (
                media.clone(),
                json.then(|| self.validator(&content["schema"])),
            )
        });
        let headers = entries(&response["headers"]).map(|(name, header)| {
            let header = self.resolve(header);
            let required = header["required"] == true;
            (name.clone(), required, self.validator(&header["schema"]))
        });
        Response {
            content: content.collect(),
            headers: headers.collect(),
        }
    }
}

/// Turns what OpenAPI 3.0 says its own way into JSON Schema, and closes objects: a property that the document does not
/// name has no business in an answer.
fn to_json_schema(node: &mut Value) {
    match node {
        Value::Array(items) => items.iter_mut().for_each(to_json_schema),
        Value::Object(map) => {
            map.values_mut().for_each(to_json_schema);
            if map.remove("nullable") == Some(Value::Bool(true)) {
                let kind = map
                    .get("type")
                    .cloned()
                    .expect("nullable comes with a type");
                map.insert("type".into(), json!([kind, "null"]));
                if let Some(Value::Array(values)) = map.get_mut("enum") {
                    values.push(Value::Null);
                }
            }
            // `properties` is a map of schemas here, not a property of that name inside an example.
            if map.get("type") == Some(&json!("object")) && map.contains_key("properties") {
                map.entry("additionalProperties")
                    .or_insert(Value::Bool(false));
            }
        }
        _ => {}
    }
}

fn entries(node: &Value) -> impl Iterator<Item = (&String, &Value)> {
    node.as_object().into_iter().flat_map(Map::iter)
}

fn text(node: &Value) -> String {
    node.as_str().unwrap_or_default().to_owned()
}
