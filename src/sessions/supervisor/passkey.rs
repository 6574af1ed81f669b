//! What the supervisor does for a linking with a passkey.

use std::time::Duration;

use serde_json::{Map, Value};

use super::super::view::{Passkey, PasskeyRequest};
use super::record::Saved;
use super::state::Input;
use super::{Supervisor, until};
use crate::error::Error;
use crate::store::SessionRecord;
use crate::whatsapp::{CallError, Client, End, PASSKEY_ORIGIN, PasskeyAssertion};

impl Supervisor {
    /// WhatsApp asks for a passkey.
    pub(super) async fn passkey_requested(
        &mut self,
        public_key: Map<String, Value>,
        valid_for: Duration,
    ) {
        self.passkey = Some(Passkey::Requested(PasskeyRequest {
            public_key,
            origin: PASSKEY_ORIGIN,
            expires_at: until(valid_for),
        }));
        self.take_logged(Input::PasskeyRequested).await;
    }

    /// WhatsApp has told the code to compare.
    pub(super) async fn passkey_code(&mut self, code: String) {
        self.passkey = Some(Passkey::Code(code));
        self.take_logged(Input::PasskeyRequested).await;
    }

    pub(super) async fn answer_passkey(
        &mut self,
        assertion: &PasskeyAssertion,
    ) -> Result<(), Error> {
        let Some(Passkey::Requested(_)) = &self.passkey else {
            return Err(Error::not_found("passkey"));
        };
        self.client()?.answer_passkey(assertion).await?;
        self.passkey = Some(Passkey::Answered);
        self.publish(Saved::Now).await?;
        Ok(())
    }

    pub(super) async fn confirm_passkey(&mut self) -> Result<SessionRecord, Error> {
        let Some(Passkey::Code(_)) = &self.passkey else {
            return Err(Error::not_found("passkey"));
        };
        match self.client()?.confirm_passkey().await {
            Ok(()) => self.take(Input::PasskeyConfirmed).await,
            // Nothing was confirmed, and the end of the client says what follows.
            Err(CallError::NotConnected) => Err(Error::connection_dropped()),
            Err(error) => {
                // The client cannot say it again, and may have missed that WhatsApp took it.
                self.ended(End::PairingFailed).await;
                Err(error.into())
            }
        }
    }

    fn client(&self) -> Result<&Client, Error> {
        let running = self.running.as_ref();
        Ok(&running.ok_or_else(Error::connection_dropped)?.client)
    }
}
