//! Linking where WhatsApp asks for a passkey. The library has the protocol (whatsapp-rust, `passkey/flow.rs`); people have
//! the passkey and compare the codes.
//!
//! The library would let a device that was linked before skip comparing (`skip_handoff_ux`), and takes one whose number
//! was set for the sake of pinning for such a device. That flag is of no consequence here: nothing is confirmed by
//! itself.

use std::time::Duration;

use tokio::time::timeout;
use whatsapp_rust::Client as Library;
use whatsapp_rust::passkey::{
    Assertion, PasskeyError as LibraryError, build_webauthn_assertion_json,
};

use super::redact::describe;
use super::{CallError, Client};
use crate::error::{Code, Error};

/// The page on which a browser uses the passkeys of WhatsApp: one that names another is refused.
pub const PASSKEY_ORIGIN: &str = "https://web.whatsapp.com";

/// What a passkey has signed: WebAuthn's `AuthenticatorAssertionResponse` and the credential's `rawId`, decoded.
#[derive(Clone, PartialEq, Eq)]
pub struct PasskeyAssertion {
    /// `rawId`: which passkey.
    pub credential_id: Vec<u8>,
    /// `clientDataJSON`: WhatsApp's challenge and the page that asked.
    pub client_data: Vec<u8>,
    /// `authenticatorData`.
    pub authenticator_data: Vec<u8>,
    /// `signature`, over the two before.
    pub signature: Vec<u8>,
    /// `userHandle`, where the authenticator tells it.
    pub user_handle: Option<Vec<u8>>,
}

/// WhatsApp did not take a passkey's answer.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    /// It refused with this code. None is known to mean anything particular.
    #[error("WhatsApp did not accept it ({0})")]
    NotAccepted(u16),
    /// It cannot be asked, or does not answer, or asks to slow down (429).
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Client {
    /// Answers [`super::Event::PasskeyRequested`]. [`super::Event::PasskeyCode`] follows, or after a refusal another answer.
    ///
    /// # Errors
    /// See [`PasskeyError`].
    pub async fn answer_passkey(&self, assertion: &PasskeyAssertion) -> Result<(), PasskeyError> {
        let assertion = Assertion {
            assertion_json: build_webauthn_assertion_json(
                &assertion.credential_id,
                &assertion.client_data,
                &assertion.authenticator_data,
                &assertion.signature,
                assertion.user_handle.as_deref(),
            ),
            credential_id: assertion.credential_id.clone(),
        };
        let client = &self.client;
        match send(
            client,
            self.call_limit,
            client.send_passkey_response(assertion),
        )
        .await
        {
            Err(CallError::Refused { code, .. }) if code != 429 => {
                Err(PasskeyError::NotAccepted(code))
            }
            done => Ok(done?),
        }
    }

    /// Says that somebody has found [`super::Event::PasskeyCode`] equal to the code on the phone. [`super::Event::Paired`] follows. It
    /// can be said once: after an error this client links no more.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn confirm_passkey(&self) -> Result<(), CallError> {
        let client = &self.client;
        send(client, self.call_limit, client.send_passkey_confirmation()).await
    }
}

/// Waits at most `limit`.
async fn send(
    client: &Library,
    limit: Duration,
    call: impl Future<Output = Result<(), LibraryError>>,
) -> Result<(), CallError> {
    if !client.is_connected() {
        return Err(CallError::NotConnected);
    }
    match timeout(limit, call).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(call_error(&error)),
        Err(_) => Err(CallError::Unanswered),
    }
}

/// The library keeps of an `IqError` its text alone, with the name of the IQ before it.
fn call_error(error: &LibraryError) -> CallError {
    let text = error.to_string();
    if let Some(code) = refusal(&text) {
        return CallError::Refused {
            code,
            backoff: None,
        };
    }
    // WhatsApp has not answered, and that it was too slow would show before: the connection dropped.
    if text.contains(" iq failed: ") {
        return CallError::NotConnected;
    }
    CallError::Other(describe(error).into())
}

/// The code of WhatsApp's refusal (`IqError::ServerError`).
fn refusal(text: &str) -> Option<u16> {
    let (_, code) = text.split_once("server error response: code=")?;
    code.split(',').next()?.parse().ok()
}

impl From<PasskeyError> for Error {
    fn from(error: PasskeyError) -> Self {
        match error {
            PasskeyError::NotAccepted(code) => {
                Self::new(Code::UpstreamError, "WhatsApp did not accept the passkey")
                    .with("reason", "passkey_not_accepted")
                    .with("upstreamCode", code)
            }
            PasskeyError::Call(CallError::NotConnected) => Self::connection_dropped(),
            PasskeyError::Call(error) => error.into(),
        }
    }
}
