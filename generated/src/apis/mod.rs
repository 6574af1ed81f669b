//! What an implementation has to give: a trait for credentials, and one for each tag of the document.

use std::future::Future;

use axum::{
    http::{HeaderValue, request::Parts},
    response::{IntoResponse, Response},
};

use crate::{Operation, Rejection};

pub mod actions;
pub mod additions;
pub mod api_keys;
pub mod groups;
pub mod joining;
pub mod sessions;

/// The statuses of success that are known.
pub(crate) mod status {
    #![allow(dead_code)]

    use axum::http::StatusCode;

    pub(crate) const S200: StatusCode = StatusCode::OK;
    pub(crate) const S201: StatusCode = StatusCode::CREATED;
    pub(crate) const S202: StatusCode = StatusCode::ACCEPTED;
    pub(crate) const S204: StatusCode = StatusCode::NO_CONTENT;
}

/// Sets headers of a success, those that have a value.
#[allow(dead_code)]
pub(crate) fn with_headers<const N: usize>(
    mut response: Response,
    headers: [(&'static str, Option<String>); N],
) -> Result<Response, Rejection> {
    for (name, value) in headers {
        let Some(value) = value else { continue };
        let value =
            HeaderValue::try_from(value).map_err(|_| Rejection::InvalidResponseHeader { name })?;
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// What a credential may be allowed to do; each operation names its own as `x-capability`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Capability {
    /// See what is there.
    Read,
    /// Act in WhatsApp.
    Send,
    /// Set up sessions.
    Manage,
}

impl Capability {
    /// Every capability.
    pub const ALL: [Self; 3] = [Self::Read, Self::Send, Self::Manage];

    /// The name in the document.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Send => "send",
            Self::Manage => "manage",
        }
    }
}

/// Knows who calls, and what they may do. Both are asked before anything else of a request is read.
pub trait Authenticator: Send + Sync + 'static {
    /// Who calls.
    type Principal: Send + Sync;

    /// The one error of all operations; it has to be able to tell of every [`Rejection`].
    type Error: From<Rejection> + IntoResponse + Send;

    /// Turns the credential in the headers of `request` into the caller, or refuses it.
    fn authenticate(
        &self,
        request: &Parts,
    ) -> impl Future<Output = Result<Self::Principal, Self::Error>> + Send;

    /// Refuses a caller without the capability that the operation needs.
    fn authorize(
        &self,
        principal: &Self::Principal,
        capability: Capability,
    ) -> Result<(), Self::Error>;

    /// Adds to an error what the document says of the operation: [`Operation::must_be`] of the field that is wrong.
    fn explain(error: Self::Error, operation: &'static Operation) -> Self::Error;
}
