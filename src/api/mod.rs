//! Implements the traits that are generated from the document, a file a tag: models in, a call, models out. No logic.

mod actions;
mod acts;
mod additions;
mod api_keys;
pub mod document;
mod groups;
pub mod health;
mod joining;
mod passkey;
mod phone_numbers;
mod prefer;
mod qr;
mod sessions;

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use gateway_api::{Authenticator, Capability, Operation, Rejection};

use crate::additions::Additions;
use crate::auth::{self, Auth, Principal};
use crate::edge::Exchange;
use crate::error::{Code, Error, Rule, Violation};
use crate::sessions::{OwnedSession, Sessions};
use phone_numbers::PhoneNumbers;

/// What the generated router calls.
pub struct Api {
    auth: Arc<Auth>,
    sessions: Sessions,
    additions: Additions,
    /// None where new members are taken by JID alone.
    phone_numbers: Option<PhoneNumbers>,
}

impl Api {
    /// Serves `sessions` to whom `auth` lets in; new members by phone number too where `accept_phone_numbers` says so.
    #[must_use]
    pub fn new(
        auth: Arc<Auth>,
        sessions: Sessions,
        additions: Additions,
        accept_phone_numbers: bool,
    ) -> Self {
        Self {
            auth,
            sessions,
            additions,
            phone_numbers: accept_phone_numbers.then(PhoneNumbers::load),
        }
    }

    fn session(&self, principal: &Principal, id: &str) -> Result<OwnedSession, Error> {
        self.sessions.owned(&principal.organization_id, id)
    }
}

impl Authenticator for Api {
    type Principal = Principal;
    type Error = Error;

    async fn authenticate(&self, request: &Parts) -> Result<Principal, Error> {
        let exchange = Exchange::of(&request.extensions)?;
        let token = bearer(&request.headers);
        let principal = self
            .auth
            .authenticate(token, exchange.origin().into())
            .await?;
        // A field of the request's span, which every later log line about the request carries; see the edge.
        tracing::Span::current().record("caller", principal.log_name());
        exchange.admit(&principal.organization_id)?;
        Ok(principal)
    }

    fn authorize(&self, principal: &Principal, capability: Capability) -> Result<(), Error> {
        principal.require(match capability {
            Capability::Read => auth::Capability::Read,
            Capability::Send => auth::Capability::Send,
            Capability::Manage => auth::Capability::Manage,
        })
    }

    fn explain(error: Error, operation: &'static Operation) -> Error {
        error.explained(|field| operation.must_be(field))
    }
}

/// The token of `Authorization: Bearer <token>`; the scheme in any case (RFC 9110, 11.1). Two such headers are as good as
/// none: whatever stands in front of the gateway may have looked at the other one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (given.next(), given.next()) else {
        return None;
    };
    let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_matches(' '))
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Invalid(violations) => {
                let violations: Vec<Violation> = violations
                    .into_iter()
                    .map(|violation| Violation {
                        field: violation.field,
                        rule: rule(violation.rule),
                        value: violation.value,
                    })
                    .collect();
                Self::validation(violations)
            }
            Rejection::PayloadTooLarge { limit } => Self::new(
                Code::PayloadTooLarge,
                format!("the body is over {limit} bytes"),
            ),
            Rejection::UnsupportedMediaType => Self::new(
                Code::UnsupportedMediaType,
                "the body must be JSON, with the header Content-Type: application/json",
            ),
            Rejection::NotFound { meant } => Self::no_such_path(meant),
            Rejection::MethodNotAllowed => Self::new(
                Code::MethodNotAllowed,
                "the path does not take this method; the header Allow names those that it takes",
            ),
            Rejection::InvalidResponseHeader { name } => {
                Self::internal(format!("the response header {name} has no valid value"))
            }
        }
    }
}

fn rule(rule: gateway_api::Rule) -> Rule {
    match rule {
        gateway_api::Rule::Required => Rule::Required,
        gateway_api::Rule::Type => Rule::Type,
        gateway_api::Rule::Json => Rule::Json,
        gateway_api::Rule::Utf8 => Rule::Utf8,
        gateway_api::Rule::Duplicate => Rule::Duplicate,
        gateway_api::Rule::Pattern => Rule::Pattern,
        gateway_api::Rule::Length => Rule::Length,
        gateway_api::Rule::Range => Rule::Range,
        gateway_api::Rule::Unreadable => Rule::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use gateway_api::models;

    use super::*;

    #[test]
    fn the_token_is_what_follows_the_scheme() {
        for (header, token) in [
            ("Bearer wa_x", Some("wa_x")),
            ("bearer wa_x", Some("wa_x")),
            ("Bearer  wa_x ", Some("wa_x")),
            ("Bearer", None),
            ("Basic d2FfeA==", None),
            ("wa_x", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, header.parse().expect("a header"));
            assert_eq!(bearer(&headers), token, "{header}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
        let mut twice = HeaderMap::new();
        for header in ["Bearer wa_x", "Bearer wa_y"] {
            twice.append(AUTHORIZATION, header.parse().expect("a header"));
        }
        assert_eq!(bearer(&twice), None);
    }

    #[test]
    fn rules_are_spelled_as_documented() {
        let ours = Rule::ALL.iter().map(|rule| rule.as_str());
        let documented = models::ViolationRule::ALL.iter();
        assert!(ours.eq(documented.map(models::ViolationRule::as_str)));
    }

    /// Whoever made it: by the field's name, the document says what is to be there.
    #[test]
    fn a_violation_says_what_has_to_be_there() {
        let operation = gateway_api::OPERATIONS
            .iter()
            .find(|operation| operation.id == "addGroupMembers")
            .expect("an operation");
        let say = |violations: &[(&str, Rule)]| {
            let violations = violations.iter();
            let violations = violations.map(|(field, rule)| Violation::new(*field, *rule));
            let error = Error::validation(violations.collect());
            Api::explain(error, operation).message.into_owned()
        };
        let jid = "participants[12] must be a user JID, 5 to 20 digits and @s.whatsapp.net, such as 628111222333@s.whatsapp.net";
        assert_eq!(say(&[("participants[12]", Rule::Pattern)]), jid);
        let three =
            ["participants[12]", "participants[3]", "gid"].map(|field| (field, Rule::Pattern));
        assert_eq!(say(&three), format!("{jid}; 2 more in details.violations"));
        for rule in Rule::ALL {
            let sentence = say(&[("gid", *rule)]);
            assert!(!sentence.contains("the document"), "{sentence}");
        }
        let unknown = say(&[("path", Rule::Type)]);
        assert_eq!(unknown, "path must be what the document says");
    }

    #[test]
    fn every_rejection_has_its_code() {
        let invalid = Rejection::Invalid(vec![gateway_api::Violation::new(
            "limit",
            gateway_api::Rule::Range,
        )]);
        let invalid = Error::from(invalid);
        assert_eq!(invalid.code, Code::ValidationError);
        assert_eq!(invalid.details["violations"][0]["field"], "limit");
        assert_eq!(
            Error::from(Rejection::NotFound { meant: None }).details["resource"],
            "route"
        );
        for (rejection, code) in [
            (
                Rejection::PayloadTooLarge { limit: 1 },
                Code::PayloadTooLarge,
            ),
            (Rejection::UnsupportedMediaType, Code::UnsupportedMediaType),
            (Rejection::MethodNotAllowed, Code::MethodNotAllowed),
            (
                Rejection::InvalidResponseHeader { name: "Location" },
                Code::Internal,
            ),
        ] {
            assert_eq!(Error::from(rejection).code, code);
        }
    }
}
