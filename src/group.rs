//! The vocabulary of groups: what one is, who is in it, how it changes. Data alone, for everyone to know.

use crate::jid::{GroupJid, Lid, UserJid};
use crate::words::words;

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

/// What somebody asks WhatsApp to do in a group. An account has to be an admin of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupAction {
    /// Add people.
    Add(Vec<UserJid>),
}

impl GroupAction {
    /// The operation of the document that asks for it.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::Add(_) => "addGroupMembers",
        }
    }

    /// Whom it is about, in the order of the call.
    #[must_use]
    pub fn people(&self) -> &[UserJid] {
        match self {
            Self::Add(people) => people,
        }
    }
}

words! {
    /// What became of one person of an action.
    Outcome, "outcome":
    /// They are a member now, who was none before.
    Added = "added",
    /// They were a member already.
    AlreadyMember = "already_member",
    /// Their privacy settings let them only be invited.
    InviteRequired = "invite_required",
    /// They were sent an invitation.
    Invited = "invited",
    /// An admin has to approve them first.
    PendingApproval = "pending_approval",
    /// They left the group a short while ago, and cannot be added so soon.
    RecentlyLeft = "recently_left",
    /// The number has no WhatsApp account.
    NotOnWhatsApp = "not_on_whatsapp",
    /// They have blocked the account.
    Blocked = "blocked",
    /// The group has no room.
    GroupFull = "group_full",
    /// WhatsApp declined for a reason that has no word here.
    Declined = "declined",
    /// Nothing was done.
    NotAdded = "not_added",
    /// It is not known.
    Unknown = "unknown",
}

/// What became of one person of an action, and who that is.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonOutcome {
    /// As they were asked for.
    pub participant: UserJid,
    /// By phone number as WhatsApp writes it, where it told.
    pub jid: Option<UserJid>,
    /// By LID, where WhatsApp told it.
    pub lid: Option<Lid>,
    /// What became of them.
    pub outcome: Outcome,
    /// WhatsApp's own code, where it gave one.
    pub upstream_code: Option<u16>,
}

impl PersonOutcome {
    /// The same outcome for a person of whom WhatsApp has told nothing.
    #[must_use]
    pub const fn untold(participant: UserJid, outcome: Outcome) -> Self {
        Self {
            participant,
            jid: None,
            lid: None,
            outcome,
            upstream_code: None,
        }
    }
}

// A phone number must not reach a log through `{:?}`.
impl std::fmt::Debug for PersonOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PersonOutcome")
            .field("outcome", &self.outcome)
            .field("upstream_code", &self.upstream_code)
            .finish_non_exhaustive()
    }
}
