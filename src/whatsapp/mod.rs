//! The only place that knows the WhatsApp client library. The rest of the gateway sees [`Connection`], [`Event`] and
//! the small types here, and opens a [`Client`].

mod backend;
mod client;
mod connection;
mod end;
mod error;
mod event_loop;
mod group_iq;
mod listener;
mod network;
mod passkey;
mod pin;
mod redact;
#[cfg(test)]
mod standin_tests;
#[cfg(test)]
mod testing;
mod translate;
mod versions;

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::group::{GroupChange, GroupInfo};
use crate::jid::{GroupJid, Lid, UserJid};

pub use client::Client;
pub use end::End;
pub use error::{CallError, OpenError, PairError};
pub use network::{Dialer, Network};
pub use passkey::{PASSKEY_ORIGIN, PasskeyAssertion};

/// What became of one participant of an add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddOutcome {
    /// Now a member.
    Added,
    /// Was one already (409).
    AlreadyMember,
    /// Declined by WhatsApp with this code: 403 privacy, 401 blocked, 404 not on WhatsApp, 408 left recently,
    /// 417 community, 419 group full, 421 waits for approval. Source: whatsapp-rust, whatsmeow, Baileys.
    Declined(u16),
    /// WhatsApp's answer does not say: it names nobody who could be this one.
    Unknown,
}

/// The calls that a connected client takes. They are bounded in time by the implementation.
#[async_trait]
pub trait Connection: Send + Sync {
    /// All groups the account is in. One IQ.
    async fn groups(&self) -> Result<Vec<GroupInfo>, CallError>;

    /// One group. One IQ.
    async fn group(&self, gid: &GroupJid) -> Result<GroupInfo, CallError>;

    /// Adds people to a group; the outcomes are in the order of `users`. One IQ.
    async fn add_participants(
        &self,
        gid: &GroupJid,
        users: &[UserJid],
    ) -> Result<Vec<AddOutcome>, CallError>;

    /// Those of `users` who have no WhatsApp account, in that order. One IQ.
    async fn not_on_whatsapp(&self, users: &[UserJid]) -> Result<Vec<UserJid>, CallError>;
}

/// What happens to a client, in order.
#[derive(Debug)]
pub enum Event {
    /// A QR code to show, good for `valid_for`.
    Qr {
        /// What the picture encodes.
        code: String,
        /// How long until the next one.
        valid_for: Duration,
    },
    /// A phone has linked this device; the login follows. The device state is already on disk.
    Paired {
        /// The account by phone number.
        jid: UserJid,
        /// The account by LID, where told.
        lid: Option<Lid>,
    },
    /// A phone has the code, and WhatsApp asks for the account's passkey before it links the device. No QR code follows.
    PasskeyRequested {
        /// The options for WebAuthn, `PublicKeyCredentialRequestOptionsJSON`.
        options: Map<String, Value>,
        /// How long the client waits for the device to be linked, at least.
        valid_for: Duration,
    },
    /// WhatsApp has accepted the passkey. The code must be equal to the one that the phone shows.
    PasskeyCode {
        /// Eight characters, a dash in the middle.
        code: String,
    },
    /// Logged in and usable, from now to the end.
    Connected,
    /// A group has changed while the client was connected. Two of them can come in the other order than the changes: `at`
    /// tells.
    Group {
        /// Which group.
        gid: GroupJid,
        /// How it is now.
        change: GroupChange,
        /// When WhatsApp made the change, by its own clock, epoch seconds.
        at: i64,
    },
    /// The client has ended; nothing follows.
    Ended(End),
}
