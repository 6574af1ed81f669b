//! The only place that knows the WhatsApp client library. The rest of the gateway sees [`Connection`], [`Event`] and
//! the small types here, and opens a [`Client`].

mod backend;
mod client;
mod connection;
mod error;
mod group_iq;
mod line;
mod network;
mod pin;
mod redact;
#[cfg(test)]
mod standin_tests;
#[cfg(test)]
mod testing;
mod translate;

use std::time::Duration;

use async_trait::async_trait;

use crate::group::{GroupChange, GroupInfo};
use crate::jid::{GroupJid, Lid, UserJid};

pub use client::{Client, PairingCode};
pub use error::{CallError, OpenError, PairError};
pub use network::Network;

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

/// A session's line to WhatsApp, while it is up. Calls are bounded in time by the implementation.
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
}

/// What happens on a session's line, in order.
#[derive(Debug)]
pub enum Event {
    /// A QR code to show, good for `valid_for`.
    Qr {
        /// What the picture encodes.
        code: String,
        /// How long until the next one.
        valid_for: Duration,
    },
    /// Nobody scanned any of the codes; the client has ended.
    QrExhausted,
    /// A phone has linked this device; the login follows. The device state is already on disk.
    Paired {
        /// The account by phone number.
        jid: UserJid,
        /// The account by LID, where told.
        lid: Option<Lid>,
    },
    /// Pairing went wrong; the client has ended.
    PairingFailed,
    /// Logged in and usable.
    Connected,
    /// The line dropped; the client reconnects by itself.
    Disconnected,
    /// The device was unlinked (by the phone, by WhatsApp or by us): its state is of no use any more; the client has ended.
    LoggedOut,
    /// The client has ended and will not come back by itself: replaced by another, banned, outdated. The text is for the log.
    Failed(String),
    /// A group has changed while the line was up. Two of them can come in the other order than the changes: `at` tells.
    Group {
        /// Which group.
        gid: GroupJid,
        /// How it is now.
        change: GroupChange,
        /// When WhatsApp made the change, by its own clock, epoch seconds.
        at: i64,
    },
}
