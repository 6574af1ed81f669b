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
use gateway_api::{Authenticator, Capability, Rejection};

use crate::additions::Additions;
use crate::auth::{self, Auth, Principal};
use crate::edge::Exchange;
use crate::error::{Code, Error, Violation};
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
                        rule: violation.rule,
                        value: violation.value,
                    })
                    .collect();
                Self::validation(&violations)
            }
            Rejection::PayloadTooLarge { limit } => Self::new(
                Code::PayloadTooLarge,
                format!("the body is over {limit} bytes"),
            ),
            Rejection::UnsupportedMediaType => Self::new(
                Code::UnsupportedMediaType,
                "the body has to be application/json",
            ),
            Rejection::NotFound => Self::not_found("route"),
            Rejection::MethodNotAllowed => Self::new(
                Code::MethodNotAllowed,
                "the route does not take this method",
            ),
            Rejection::InvalidResponseHeader { name } => {
                Self::internal(format!("the response header {name} has no valid value"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
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
    fn every_rejection_has_its_code() {
        let invalid = Rejection::Invalid(vec![gateway_api::Violation::new("limit", "range")]);
        let invalid = Error::from(invalid);
        assert_eq!(invalid.code, Code::ValidationError);
        assert_eq!(invalid.details["violations"][0]["field"], "limit");
        assert_eq!(
            Error::from(Rejection::NotFound).details["resource"],
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
