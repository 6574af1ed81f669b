//! What the generated code refuses by itself.

use std::collections::BTreeMap;

use serde_json::Value;
use validator::{ValidationError, ValidationErrors, ValidationErrorsKind};

/// Why a request did not get to the implementation, or its answer not to the caller.
#[derive(Debug, Clone, PartialEq)]
pub enum Rejection {
    /// Path, query, headers or body are not what the document says (400).
    Invalid(Vec<Violation>),
    /// The body is longer than `limit` bytes (413).
    PayloadTooLarge {
        /// The most bytes that a body may have.
        limit: usize,
    },
    /// There is a body and it is not `application/json` (415).
    UnsupportedMediaType,
    /// No such path (404).
    NotFound {
        /// The path of the operation that was meant, parameters in braces: it differs in a slash too many or in where it begins.
        meant: Option<&'static str>,
    },
    /// The path exists, but not with this method (405). The response gets its `Allow` header from the router.
    MethodNotAllowed,
    /// The implementation gave a response header a value that no header can have, such as one with a line break (500).
    InvalidResponseHeader {
        /// Which header.
        name: &'static str,
    },
}

/// One thing in a request that is not as the document says.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// Where: a parameter, a property (`participants[3]`), or `body` for the body as a whole.
    pub field: String,
    /// What was broken.
    pub rule: Rule,
    /// What was sent, cut to 100 characters, where it is a single value and known.
    pub value: Option<Value>,
}

/// What a request can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// It has to be there.
    Required,
    /// It has to be of another type, or another word.
    Type,
    /// The body has to be JSON.
    Json,
    /// It has to be UTF-8.
    Utf8,
    /// It has to be there once.
    Duplicate,
    /// It has to match a pattern.
    Pattern,
    /// It has to be longer or shorter.
    Length,
    /// It has to be greater or less.
    Range,
    /// The body has to come as a whole.
    Unreadable,
}

impl Rule {
    /// By the name that the validator has for it. The one that it has none of its own for is the pattern.
    fn of(code: &str) -> Self {
        match code {
            "length" => Self::Length,
            "range" => Self::Range,
            _ => Self::Pattern,
        }
    }
}

impl Violation {
    /// A violation of `rule` in `field`, without the value that was sent.
    pub fn new(field: impl Into<String>, rule: Rule) -> Self {
        Self {
            field: field.into(),
            rule,
            value: None,
        }
    }

    /// The same with the value that was sent: a text is cut to 100 characters, an array or object is left out.
    pub fn with_value(mut self, value: Value) -> Self {
        const LONGEST: usize = 100;
        self.value = match value {
            Value::Array(_) | Value::Object(_) => None,
            Value::String(text) => Some(Value::String(match text.char_indices().nth(LONGEST) {
                Some((end, _)) => format!("{}…", &text[..end]),
                None => text,
            })),
            single => Some(single),
        };
        self
    }
}

impl From<Violation> for Rejection {
    fn from(violation: Violation) -> Self {
        Self::Invalid(vec![violation])
    }
}

impl From<ValidationErrors> for Rejection {
    fn from(errors: ValidationErrors) -> Self {
        Self::Invalid(violations(errors))
    }
}

/// What the validator found, in the order of the fields' names.
pub(crate) fn violations(errors: ValidationErrors) -> Vec<Violation> {
    let mut violations = Vec::new();
    collect("", errors, &mut violations);
    violations
}

fn collect(parent: &str, errors: ValidationErrors, violations: &mut Vec<Violation>) {
    let in_order: BTreeMap<_, _> = errors.into_errors().into_iter().collect();
    for (name, kind) in in_order {
        let field = join(parent, &on_the_wire(&name));
        match kind {
            ValidationErrorsKind::Struct(errors) => collect(&field, *errors, violations),
            ValidationErrorsKind::List(items) => {
                for (index, errors) in items {
                    collect(&format!("{field}[{index}]"), *errors, violations);
                }
            }
            ValidationErrorsKind::Field(errors) => {
                violations.extend(errors.into_iter().map(|error| violation(&field, error)));
            }
        }
    }
}

fn violation(field: &str, mut error: ValidationError) -> Violation {
    let violation = Violation::new(field, Rule::of(&error.code));
    match error.params.remove("value") {
        Some(value) => violation.with_value(value),
        None => violation,
    }
}

/// A named string reports about itself under the empty name.
fn join(parent: &str, name: &str) -> String {
    match (parent, name) {
        ("", name) => name.to_owned(),
        (parent, "") => parent.to_owned(),
        (parent, name) => format!("{parent}.{name}"),
    }
}

/// The validator knows fields by their Rust names. The document has camelCase, but for the names below.
pub(crate) fn on_the_wire(name: &str) -> String {
    // `r_` begins the names that are keywords of Rust.
    let mut words = name.strip_prefix("r_").unwrap_or(name).split('_');
    let first = words.next().unwrap_or_default().to_owned();
    let camel_case = words.fold(first, |mut wire, word| {
        let mut letters = word.chars();
        wire.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        wire.push_str(letters.as_str());
        wire
    });
    #[allow(unreachable_patterns)]
    match camel_case.as_str() {
        "clientDataJson" => "clientDataJSON".to_owned(),
        _ => camel_case,
    }
}
