//! The vocabulary of groups: what one is, who is in it, how it changes, what is asked of it. Data alone, for everyone to
//! know.

mod action;
mod invitation;

pub use action::{Action, Answer, GroupAction, Operation, Outcome, PersonOutcome, Setting, Told};
pub use invitation::{AddRequest, Invitation, InvitationReason, InvitationState};

use crate::jid::{GroupJid, Lid, UserJid};

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
    /// Its name; none where it has no name, or WhatsApp left it out.
    pub subject: Option<String>,
    /// Its description, if it has one.
    pub description: Option<String>,
    /// Who created it: a user JID or a LID, as told.
    pub owner: Option<String>,
    /// Only admins may write.
    pub is_announce: bool,
    /// Only admins may change subject, picture and description.
    pub is_locked: bool,
    /// Every member may add others, by WhatsApp's own rules.
    pub members_add: bool,
    /// An admin has to approve who joins by link.
    pub approval: bool,
    /// When it was created, epoch milliseconds.
    pub created_at: Option<i64>,
    /// How many people are in it, where WhatsApp says so. Lists of large accounts show some groups with hardly more than
    /// this.
    pub size: Option<i64>,
    /// Who is in it, the account itself included; none where WhatsApp left all of them out.
    pub participants: Option<Vec<Participant>>,
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

/// A person who has asked to join a group, and waits for an admin. At least one of the two names is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinRequest {
    /// By phone number, where WhatsApp told it.
    pub jid: Option<UserJid>,
    /// By LID, where WhatsApp told it.
    pub lid: Option<Lid>,
    /// Since when, epoch milliseconds, where WhatsApp told it.
    pub since: Option<i64>,
}
