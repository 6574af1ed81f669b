//! The only place that knows the WhatsApp client library. The rest of the gateway sees [`Connection`], [`Event`] and
//! the small types here, and opens a [`Client`].

mod acks;
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

use crate::group::{Action, AddRequest, GroupChange, GroupInfo, JoinRequest, Told};
use crate::jid::{GroupJid, Lid, PersonJid, UserJid};

pub use client::Client;
pub use end::End;
pub use error::{CallError, OpenError, PairError};
pub use network::{Dialer, Network};
pub use passkey::{PASSKEY_ORIGIN, PasskeyAssertion};

/// The calls that a connected client takes. They are bounded in time by the implementation.
#[async_trait]
pub trait Connection: Send + Sync {
    /// All groups the account is in. One IQ.
    async fn groups(&self) -> Result<Vec<GroupInfo>, CallError>;

    /// One group. One IQ.
    async fn group(&self, gid: &GroupJid) -> Result<GroupInfo, CallError>;

    /// Does it. One IQ, but two for a description (WhatsApp wants to be told which one the new one replaces), for a new group
    /// with an `@` in its name, and for joining a group that the account is in already (WhatsApp has to be asked which it is).
    async fn act(&self, action: &Action) -> Result<Told, CallError>;

    /// Sends somebody WhatsApp's own invitation to a group, with its name and the code that an add was answered with. A
    /// message, and up to three IQs for the person's devices and keys.
    async fn invite_person(
        &self,
        gid: &GroupJid,
        name: &str,
        person: &PersonJid,
        request: &AddRequest,
    ) -> Result<(), CallError>;

    /// The invitation link of a group. One IQ.
    async fn invite(&self, gid: &GroupJid) -> Result<String, CallError>;

    /// Who has asked to join a group. One IQ.
    async fn join_requests(&self, gid: &GroupJid) -> Result<Vec<JoinRequest>, CallError>;

    /// Until when WhatsApp holds the account back from reaching out to strangers, epoch milliseconds; none where it does not.
    /// One IQ.
    async fn time_lock(&self) -> Result<Option<i64>, CallError>;

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
