//! The kinds of object that answers of success are made of.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::Document;

/// A schema of an object that has a name.
#[derive(Debug, Default)]
pub struct Shape {
    /// The names of all its properties.
    pub properties: BTreeSet<String>,
    /// Of those, the ones that are always there.
    pub required: BTreeSet<String>,
    /// Of those, the numbers, strings and truth values, but for the ones out of a set of words.
    pub values: BTreeSet<String>,
}

impl Shape {
    /// Whether an object looks like this.
    #[must_use]
    pub fn fits(&self, object: &Map<String, Value>) -> bool {
        object.keys().all(|name| self.properties.contains(name))
            && self.required.iter().all(|name| object.contains_key(name))
    }
}

impl Document {
    /// The shapes in the answers of an operation, by name; none where there is no such operation.
    pub fn shapes(&self, operation: &str) -> impl Iterator<Item = (&String, &Shape)> {
        let operation = self.operations.iter().find(|o| o.id == operation);
        operation
            .into_iter()
            .flat_map(|operation| &operation.shapes)
    }
}

/// Collects the shapes of a schema of this document, and of all that it refers to.
pub(super) fn collect(document: &Value, schema: &Value, shapes: &mut BTreeMap<String, Shape>) {
    let Some(reference) = schema["$ref"].as_str() else {
        if schema["items"].is_object() {
            collect(document, &schema["items"], shapes);
        }
        return;
    };
    let name = reference.rsplit('/').next().unwrap_or_default();
    let schema = &document["components"]["schemas"][name];
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    if shapes.contains_key(name) {
        return;
    }
    let mut shape = shape(document, properties);
    let required = schema["required"].as_array().into_iter().flatten();
    let required = required.filter_map(Value::as_str).map(str::to_owned);
    shape.required = required.collect();
    shapes.insert(name.to_owned(), shape);
    for property in properties.values() {
        collect(document, property, shapes);
    }
}

fn shape(document: &Value, properties: &Map<String, Value>) -> Shape {
    let value = |property: &Value| {
        let pointer = property["$ref"]
            .as_str()
            .and_then(|reference| reference.strip_prefix('#'));
        let schema = pointer
            .and_then(|pointer| document.pointer(pointer))
            .unwrap_or(property);
        let words = ["enum", "x-extensible-enum"]
            .iter()
            .any(|set| schema.get(set).is_some());
        !words
            && matches!(
                schema["type"].as_str(),
                Some("integer" | "number" | "string" | "boolean")
            )
    };
    Shape {
        required: BTreeSet::new(),
        properties: properties.keys().cloned().collect(),
        values: properties
            .iter()
            .filter(|(_, property)| value(property))
            .map(|(name, _)| name.clone())
            .collect(),
    }
}
