//! Gateways that break the contract, each in one way: a proxy in front of the real one that spoils what passes through.
//! Each names the test that looks for it. `make contract-selftest` puts that test behind the fault, `make night` both whole
//! suites behind those of the table; a fault that its test does not notice is a missing test.

mod proxy;
mod table;
mod values;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;

pub use proxy::put_in_front;
pub use table::FAULTS;
pub use values::{ALWAYS_NULL, VALUES};

/// What the proxy prints when it has spoiled an answer: a test that fails before has failed of something else.
pub const SPOILED: &str = "the fault has spoiled the answer to";

/// One way to break the contract.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// What `CONTRACT_FAULT` calls it.
    pub name: &'static str,
    /// What is wrong, in words.
    pub what: &'static str,
    /// The Rust test that looks for it and must fail, whatever else does; none where nothing is wrong.
    pub noticed_by: Option<&'static str>,
    spoil: fn(&mut Answer),
}

impl Fault {
    /// All of them.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        FAULTS.iter().chain(VALUES)
    }

    /// The fault with this name.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn named(name: &str) -> Self {
        *Self::all()
            .find(|fault| fault.name == name)
            .unwrap_or_else(|| panic!("no fault is called {name}"))
    }

    /// Whether it spoils nothing.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.name == "none"
    }

    /// The one that `CONTRACT_FAULT` names. An environment variable, because the test harness takes no arguments of ours.
    #[must_use]
    pub fn from_env() -> Option<Self> {
        std::env::var("CONTRACT_FAULT")
            .ok()
            .as_deref()
            .map(Self::named)
    }
}

/// What the gateway has answered, on its way to being spoiled.
#[derive(Clone, PartialEq)]
struct Answer {
    /// `operationId`; empty for the router.
    operation: &'static str,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    /// Whether to ask again with the credential of somebody who may do everything.
    as_owner: bool,
}

impl Answer {
    /// Whether this operation has answered with this status.
    fn of(&self, operation: &str, status: u16) -> bool {
        self.operation == operation && self.status == status
    }

    /// Whether it is an error with this among its details.
    fn refused(&self, status: u16, key: &str, value: &str) -> bool {
        self.status == status && self.json()["error"]["details"][key] == value
    }

    /// Whether this is the first violation that is told.
    fn violates(&self, field: &str, rule: &str) -> bool {
        let first = &self.json()["error"]["details"]["violations"][0];
        first["field"] == field && first["rule"] == rule
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn edit(&mut self, edit: impl FnOnce(&mut Value)) {
        let before = self.json();
        let mut body = before.clone();
        if body.is_object() {
            edit(&mut body);
        }
        if body != before {
            self.body = body.to_string().into();
        }
    }

    fn set(&mut self, body: &Value) {
        self.body = body.to_string().into();
        self.media("application/json");
    }

    fn media(&mut self, media: &'static str) {
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(media));
    }

    /// Makes it 204.
    fn clear(&mut self) {
        self.status = StatusCode::NO_CONTENT;
        self.body = Bytes::new();
        self.headers.remove(CONTENT_TYPE);
    }
}
