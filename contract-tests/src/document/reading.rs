//! Reading the document: its operations with their answers, and its schemas as JSON Schema.

use std::collections::BTreeMap;

use hyper::Method;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::shapes::collect;
use super::{Document, Need, Operation, Response, Shape};

impl Document {
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
                    live: operation.get("x-live").map(need),
                    has_body: operation.get("requestBody").is_some(),
                    fields: schemas.fields(item, operation),
                    shapes: schemas.shapes(operation),
                    responses: entries(&operation["responses"])
                        .map(|(status, response)| {
                            let status = status.parse().expect("responses are keyed by status");
                            (status, schemas.response(response))
                        })
                        .collect(),
                });
            }
        }
        let schema =
            |name| schemas.validator(&json!({"$ref": format!("#/components/schemas/{name}")}));
        Self {
            operations,
            error: schema("Error"),
            reason: schema("StatusReason"),
        }
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

    fn shapes(&self, operation: &'a Value) -> BTreeMap<String, Shape> {
        let mut shapes = BTreeMap::new();
        let responses = entries(&operation["responses"]);
        for (_, response) in responses.filter(|(status, _)| status.starts_with('2')) {
            let content = &self.resolve(response)["content"]["application/json"];
            collect(self.document, &content["schema"], &mut shapes);
        }
        shapes
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
        let examples = entries(&response["content"]["application/json"]["examples"]);
        let errors = examples
            .map(|(_, example)| self.resolve(example)["value"]["error"].clone())
            .filter(Value::is_object);
        Response {
            errors: errors.collect(),
            content: content.collect(),
            headers: headers.collect(),
        }
    }
}

/// Turns what OpenAPI 3.0 says its own way into JSON Schema, and closes objects and open sets of words: a property or a
/// word that the document does not name has no business in an answer of this gateway.
fn to_json_schema(node: &mut Value) {
    match node {
        Value::Array(items) => items.iter_mut().for_each(to_json_schema),
        Value::Object(map) => {
            map.values_mut().for_each(to_json_schema);
            if let Some(words) = map.remove("x-extensible-enum") {
                map.insert("enum".into(), words);
            }
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

fn need(node: &Value) -> Need {
    match node.as_str() {
        Some("session") => Need::Session,
        Some("group") => Need::Group,
        Some("admin") => Need::Admin,
        _ => panic!("x-live: {node} is none of its words"),
    }
}

fn text(node: &Value) -> String {
    node.as_str().unwrap_or_default().to_owned()
}
