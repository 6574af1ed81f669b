//! Linking a session to an account for which WhatsApp asks for a passkey.

use serde_json::{Map, Value};

use super::OwnedSession;
use crate::error::Error;
use crate::store::SessionRecord;

/// What WhatsApp asks of a passkey.
#[derive(Debug, Clone, PartialEq)]
pub struct PasskeyRequest {
    /// PublicKeyCredentialRequestOptionsJSON (WebAuthn Level 3, 5.1.9).
    pub public_key: Map<String, Value>,
    /// The only origin at which a browser makes the assertion.
    pub origin: String,
}

/// What a passkey has signed. Good once, for the request it answers.
#[derive(Clone, PartialEq, Eq)]
pub struct PasskeyAssertion {
    /// Id of the credential, base64url without padding.
    pub id: String,
    /// AuthenticationResponseJSON (WebAuthn Level 3, 5.1.8), as JSON.
    pub json: Vec<u8>,
}

impl OwnedSession {
    /// What WhatsApp asks of a passkey now.
    ///
    /// # Errors
    /// 404 `passkey` where it asks for none.
    pub async fn passkey(&self) -> Result<PasskeyRequest, Error> {
        Err(Error::not_found("passkey"))
    }

    /// Hands the assertion to WhatsApp, and waits for the code to compare.
    ///
    /// # Errors
    /// 404 `passkey` where WhatsApp asks for none; 502 where it does not take the assertion; 504 where it does not answer.
    pub async fn answer_passkey(
        &self,
        _assertion: PasskeyAssertion,
    ) -> Result<SessionRecord, Error> {
        Err(Error::not_found("passkey"))
    }

    /// Says that the code is the one that the phone shows.
    ///
    /// # Errors
    /// 404 `passkey` where no code waits; 504 where WhatsApp does not answer.
    pub async fn confirm_passkey(&self) -> Result<SessionRecord, Error> {
        Err(Error::not_found("passkey"))
    }
}
