//! Linking a session to an account: by QR code or by a code typed into the phone.

use std::time::Duration;

use tokio::time::timeout;

use super::OwnedSession;
use super::commands::Command;
use super::owned::View;
use crate::error::Error;
use crate::store;
use crate::whatsapp::CallError;

/// How long a caller who asks for a QR code waits for the first one.
const QR_WAIT: Duration = Duration::from_secs(2);

/// What a phone scans to link the session.
#[derive(Clone, PartialEq, Eq)]
pub struct Qr {
    /// What the picture encodes. A secret while it is valid.
    pub code: String,
    /// Until when, epoch milliseconds.
    pub expires_at: i64,
}

/// What is typed into a phone to link the session.
#[derive(Clone, PartialEq, Eq)]
pub struct PairingCode {
    /// As the phone shows it: `ABCD-1234`. A secret while it is valid.
    pub code: String,
    /// Until when, epoch milliseconds.
    pub expires_at: i64,
}

impl OwnedSession {
    /// The QR code to scan now. Starts pairing where that is not under way, and waits a moment for the first code.
    ///
    /// # Errors
    /// 400 where the session is paired; 404 `qr` where WhatsApp has not handed out a code yet.
    pub async fn qr(&self) -> Result<Qr, Error> {
        self.start_pairing().await?;
        let wait = QR_WAIT.min(self.registry.whatsapp_timeout);
        timeout(wait, self.first_qr()).await.unwrap_or_else(|_| {
            let mut error = Error::not_found("qr");
            error.message = "no QR code yet".into();
            Err(error)
        })
    }

    /// A code to type into the phone with the number `phone` (digits, country code first). Starts pairing where that is
    /// not under way.
    ///
    /// # Errors
    /// 400 where the session is paired; 504 where WhatsApp can't be reached or does not answer; what WhatsApp refuses.
    pub async fn pairing_code(&self, phone: String) -> Result<PairingCode, Error> {
        self.start_pairing().await?;
        let code = async {
            // WhatsApp is ready for it once it has handed out a QR code.
            self.first_qr().await?;
            self.ask(|reply| Command::PairWithCode(phone, reply)).await
        };
        timeout(self.registry.whatsapp_timeout, code)
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
            self.start().await?;
        }
        Ok(())
    }

    /// The first valid code, once there is one.
    async fn first_qr(&self) -> Result<Qr, Error> {
        let mut view = self.entry.view.clone();
        let ready = view.wait_for(|view| view.paired() || view.valid_qr().is_some());
        match ready.await {
            Ok(view) => view.valid_qr().cloned().ok_or_else(Error::already_paired),
            Err(_) => Err(self.gone()),
        }
    }
}

impl View {
    fn paired(&self) -> bool {
        self.record.wa_jid.is_some()
    }

    fn valid_qr(&self) -> Option<&Qr> {
        self.qr.as_ref().filter(|qr| qr.expires_at > store::now())
    }
}
