//! What everyone but the supervisor sees of a session: data alone, written by the supervisor.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::roles::{Account, Roles};
use crate::store::{self, SessionRecord, Status};
use crate::whatsapp::Connection;

/// What everyone but the supervisor sees of a session.
#[derive(Clone)]
pub(super) struct View {
    pub(super) record: SessionRecord,
    /// There exactly while the status is `working`.
    pub(super) online: Option<Arc<Online>>,
    /// There while the status is `scan_qr_code`.
    pub(super) qr: Option<Qr>,
    /// There while the status is `passkey_required`.
    pub(super) passkey: Option<Passkey>,
}

impl View {
    pub(super) fn paired(&self) -> bool {
        self.record.wa_jid.is_some()
    }

    /// Whether no QR code comes before somebody does something else.
    pub(super) fn shows_none(&self) -> bool {
        matches!(
            self.record.status,
            Status::Stopped | Status::LoggedOut | Status::Failed | Status::PasskeyRequired
        )
    }

    pub(super) fn valid_qr(&self) -> Option<&Qr> {
        self.qr.as_ref().filter(|qr| qr.expires_at > store::now())
    }

    /// The code to compare with the one on the phone, while it waits to be confirmed.
    pub(super) fn passkey_code(&self) -> Option<String> {
        match &self.passkey {
            Some(Passkey::Code(code)) => Some(code.clone()),
            _ => None,
        }
    }
}

/// What is in memory of a session while it is `working`.
pub(super) struct Online {
    pub(super) connection: Arc<dyn Connection>,
    pub(super) account: Account,
    pub(super) roles: Roles,
}

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

/// WhatsApp's request for the account's passkey.
#[derive(Clone, PartialEq, Eq)]
pub struct PasskeyRequest {
    /// `PublicKeyCredentialRequestOptionsJSON`, as WhatsApp sent it.
    pub public_key: Map<String, Value>,
    /// The page on which a browser makes the assertion.
    pub origin: &'static str,
    /// Until when the session waits at least for the linking to be done, epoch milliseconds.
    pub expires_at: i64,
}

/// How far a linking with a passkey is.
#[derive(Clone)]
pub(super) enum Passkey {
    /// WhatsApp waits for the answer.
    Requested(PasskeyRequest),
    /// WhatsApp has accepted it; the code is on its way.
    Answered,
    /// This code waits for somebody to compare it with the one on the phone.
    Code(String),
}
