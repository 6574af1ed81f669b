//! Linking a session to an account: by QR code or by a code typed into the phone.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;
use tokio::time::timeout;

use super::access::OwnedSession;
use super::supervisor::commands::Command;
use super::view::{PairingCode, Qr};
use crate::error::Error;
use crate::jid::SessionId;
use crate::rates::Rates;
use crate::whatsapp::CallError;

/// How long a caller who asks for a QR code waits for the first one.
const QR_WAIT: Duration = Duration::from_secs(2);

/// How many pairing codes are asked for: each shows on somebody's phone, whoever's number it is.
pub(super) struct PairingCodes(Rates<Asked>);

/// For what a code is asked. Numbers are counted for each organization, so that none can use up another's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Asked {
    By(SessionId),
    For(String, String),
}

impl PairingCodes {
    pub(super) fn new(per_hour: NonZeroU32) -> Self {
        let message = "so many pairing codes were asked for; each shows on a phone";
        Self(Rates::new(
            Quota::per_hour(per_hour),
            "pairingCodesPerHour",
            message,
        ))
    }

    /// Counts one more code.
    fn take(&self, session: &OwnedSession, phone: &str) -> Result<(), Error> {
        self.0.take(&Asked::By(session.id.clone()))?;
        let organization = session.entry.organization_id.clone();
        self.0.take(&Asked::For(organization, phone.to_owned()))
    }
}

impl OwnedSession {
    /// The QR code to scan now. Starts pairing where that is not under way, and waits a moment for the first code.
    ///
    /// # Errors
    /// 400 where the session is paired; 404 `qr` where WhatsApp has not handed out a code yet, with the reason where there
    /// is one.
    pub async fn qr(&self) -> Result<Qr, Error> {
        self.start_pairing().await?;
        let wait = QR_WAIT.min(self.registry.whatsapp_timeout);
        match timeout(wait, self.first_qr()).await {
            Ok(Ok(Some(qr))) => Ok(qr),
            Ok(Err(error)) => Err(error),
            Ok(Ok(None)) | Err(_) => {
                let mut error = Error::not_found("qr");
                error.message = "no QR code yet".into();
                Err(self.because_of_status(error))
            }
        }
    }

    /// A code to type into the phone with the number `phone` (digits, country code first). Starts pairing where that is
    /// not under way.
    ///
    /// # Errors
    /// 400 where the session is paired; 429 for too many within an hour; 503 with the reason where WhatsApp is not ready for it; 504 where it does not
    /// answer; what it refuses.
    pub async fn pairing_code(&self, phone: String) -> Result<PairingCode, Error> {
        self.start_pairing().await?;
        let limit = self.registry.whatsapp_timeout;
        // WhatsApp is ready for it once it has handed out a QR code.
        match timeout(limit, self.first_qr()).await {
            Ok(Ok(Some(_))) => {}
            Ok(Err(error)) => return Err(error),
            Ok(Ok(None)) | Err(_) => return Err(self.because_of_status(Error::not_ready_to_pair())),
        }
        self.registry.pairing_codes.take(self, &phone)?;
        let code = self.ask(|reply| Command::PairWithCode(phone, reply));
        timeout(limit, code)
            .await
            .unwrap_or_else(|_| Err(CallError::Unanswered.into()))
    }

    async fn start_pairing(&self) -> Result<(), Error> {
        let (paired, scanning) = {
            let view = self.entry.view.borrow();
            (view.paired(), view.valid_qr().is_some())
        };
        if paired {
            return Err(Error::already_paired());
        }
        if !scanning {
            self.ask(Command::Pair).await?;
        }
        Ok(())
    }

    /// The first valid code, once there is one; none where none will come.
    async fn first_qr(&self) -> Result<Option<Qr>, Error> {
        let mut view = self.entry.view.clone();
        let ready =
            view.wait_for(|view| view.paired() || view.valid_qr().is_some() || view.shows_none());
        match ready.await {
            Ok(view) if view.paired() => Err(Error::already_paired()),
            Ok(view) => Ok(view.valid_qr().cloned()),
            Err(_) => Err(self.gone()),
        }
    }

    /// Adds what the session says about why it stands where it does.
    fn because_of_status(&self, error: Error) -> Error {
        match self.entry.view.borrow().record.status_reason {
            Some(reason) => error.with("reason", reason.as_str()),
            None => error,
        }
    }
}
