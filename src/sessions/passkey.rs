//! Linking a session to an account that WhatsApp asks for a passkey: WhatsApp's request, somebody's answer, and the code
//! that somebody compares.

use tokio::time::{Instant, timeout_at};

use super::access::OwnedSession;
use super::supervisor::commands::Command;
use super::view::{Passkey, PasskeyRequest};
use crate::error::Error;
use crate::store::SessionRecord;
use crate::whatsapp::{CallError, PasskeyAssertion};

impl OwnedSession {
    /// What WhatsApp wants the account's passkey to sign.
    ///
    /// # Errors
    /// 404 `passkey` unless WhatsApp waits for an answer.
    pub fn passkey(&self) -> Result<PasskeyRequest, Error> {
        match &self.entry.view.borrow().passkey {
            Some(Passkey::Requested(request)) => Ok(request.clone()),
            _ => Err(Error::not_found("passkey")),
        }
    }

    /// Answers WhatsApp's request, and waits for the code to compare, which [`OwnedSession::passkey_code`] then has. After
    /// a refusal another answer can be given.
    ///
    /// # Errors
    /// 404 `passkey` unless WhatsApp waits for an answer; 502 `passkey_not_accepted` where it refuses this one; 503 where
    /// the connection dropped; 504 where WhatsApp does not answer.
    pub async fn answer_passkey(
        &self,
        assertion: PasskeyAssertion,
    ) -> Result<SessionRecord, Error> {
        let deadline = Instant::now() + self.registry.whatsapp_timeout;
        let answer = self.ask(|reply| Command::AnswerPasskey(assertion, reply));
        timeout_at(deadline, answer)
            .await
            .unwrap_or_else(|_| Err(CallError::Unanswered.into()))?;
        let mut view = self.entry.view.clone();
        let told = view.wait_for(|view| !matches!(view.passkey, Some(Passkey::Answered)));
        // Without a code by then the session is told as it is; the code may still come.
        let _ = timeout_at(deadline, told).await;
        Ok(self.record())
    }

    /// The code to compare with the one on the phone, while it waits to be confirmed.
    #[must_use]
    pub fn passkey_code(&self) -> Option<String> {
        self.entry.view.borrow().passkey_code()
    }

    /// Says that somebody has compared the codes and found them equal: WhatsApp then links the session.
    ///
    /// # Errors
    /// 404 `passkey` where there is no code to confirm; 502 where WhatsApp refuses, 503 and 504 as for the answer, but the
    /// pairing has failed then.
    pub async fn confirm_passkey(&self) -> Result<SessionRecord, Error> {
        self.ask(Command::ConfirmPasskey).await
    }
}
