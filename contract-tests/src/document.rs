//! The OpenAPI document: its operations, and which of them a request belongs to.

mod judging;
mod reading;
mod reasons;
mod shapes;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use hyper::header::HeaderMap;
use hyper::{Method, StatusCode};
use jsonschema::Validator;
use serde_json::Value;

pub use shapes::Shape;

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

/// What a live operation needs of WhatsApp, `x-live`; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// A connected session.
    Session,
    /// A group that the gateway knows.
    Group,
    /// That the account is an admin of it.
    Admin,
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
    /// `x-live`; none where a session that is not connected is no reason to refuse.
    pub live: Option<Need>,
    /// Whether it declares a request body.
    pub has_body: bool,
    /// Everything in a request that can be wrong, by name: its parameters and the properties of its body.
    pub fields: Vec<String>,
    shapes: BTreeMap<String, Shape>,
    responses: BTreeMap<u16, Response>,
}

impl Operation {
    /// The statuses that the document gives this operation.
    pub fn statuses(&self) -> impl Iterator<Item = u16> {
        self.responses.keys().copied()
    }

    /// The first status that says it was done.
    ///
    /// # Panics
    /// The document has none.
    #[must_use]
    pub fn success(&self) -> u16 {
        self.statuses()
            .find(|status| (200..300).contains(status))
            .unwrap_or_else(|| panic!("{} never succeeds", self.id))
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
    /// The errors that stand as examples.
    errors: Vec<Value>,
}

/// The document, ready to judge.
#[derive(Debug)]
pub struct Document {
    operations: Vec<Operation>,
    error: Validator,
    /// Of `details.reason`, where it says why a session can't do something now.
    reason: Validator,
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
        self.at(path).into_iter().find(|o| o.method == *method)
    }

    /// The operations on a path. One without parameters in it comes before one with them, as OpenAPI has it.
    fn at(&self, path: &str) -> Vec<&Operation> {
        let parameters = |o: &&Operation| o.path.matches('{').count();
        let mut here: Vec<_> = self.operations.iter().collect();
        here.retain(|o| o.matches_path(path));
        let fewest = here.iter().map(parameters).min();
        here.retain(|o| Some(parameters(o)) == fewest);
        here
    }
}
