//! The only place that knows the WhatsApp client library. The rest of the gateway sees [`Connection`], [`Event`] and
//! the small types here, and opens a [`Client`].

mod backend;
mod client;
mod connection;
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

use crate::jid::{GroupJid, Lid, UserJid};

pub use client::{Client, OpenError, PairError, PairingCode};
pub use network::Network;

/// What a participant may do in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// An ordinary member.
    Member,
    /// May change the group and its members.
    Admin,
    /// The creator: an admin who cannot be demoted.
    SuperAdmin,
}

impl Role {
    /// Whether this role may change the members of the group.
    #[must_use]
    pub const fn is_admin(self) -> bool {
        matches!(self, Self::Admin | Self::SuperAdmin)
    }
}

/// A person in a group. At least one of the two names is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// By phone number, where WhatsApp told it.
    pub jid: Option<UserJid>,
    /// By LID, where WhatsApp told it.
    pub lid: Option<Lid>,
    /// What they may do.
    pub role: Role,
}

/// A group as WhatsApp describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupInfo {
    /// Its JID.
    pub gid: GroupJid,
    /// Its name.
    pub subject: String,
    /// Its description, if it has one.
    pub description: Option<String>,
    /// Who created it: a user JID or a LID, as told.
    pub owner: Option<String>,
    /// Only admins may write.
    pub is_announce: bool,
    /// Only admins may change subject, picture and description.
    pub is_locked: bool,
    /// When it was created, epoch milliseconds.
    pub created_at: Option<i64>,
    /// Who is in it, the account itself included.
    pub participants: Vec<Participant>,
}

/// What became of one participant of an add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddOutcome {
    /// Now a member.
    Added,
    /// Was one already (409).
    AlreadyMember,
    /// Declined by WhatsApp with this code: 403 privacy, 401 blocked, 404 not on WhatsApp, 408 left recently,
    /// 417 community, 419 group full, 421 waits for approval; 0 where it gives no answer for this one.
    /// Source: whatsapp-rust, whatsmeow, Baileys.
    Declined(u16),
}

/// Why WhatsApp did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There was no connection, so nothing was sent.
    #[error("not connected")]
    NotConnected,
    /// No answer in time, or the connection dropped after sending: the outcome is unknown.
    #[error("no answer")]
    Unanswered,
    /// WhatsApp answered with an error.
    #[error("refused with {code}")]
    Refused {
        /// The `code` of the IQ error: 403, 404, 429 …
        code: u16,
        /// How long WhatsApp asks to wait, where it says so.
        backoff: Option<Duration>,
    },
    /// The client library failed in a way that is none of the above.
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
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
    /// A group has changed.
    Group(GroupJid, GroupChange),
}

/// How a group has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupChange {
    /// People came in (with the role each has now).
    Added(Vec<Participant>),
    /// People left or were removed.
    Removed(Vec<Participant>),
    /// People's roles changed to the role each has here.
    Roles(Vec<Participant>),
    /// The subject changed.
    Subject(String),
    /// The description changed or went.
    Description(Option<String>),
    /// Announce mode was switched.
    Announce(bool),
    /// Locked mode was switched.
    Locked(bool),
    /// Something that only a fresh query can tell (created, a number changed …).
    Unknown,
}
