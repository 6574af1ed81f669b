//! What somebody asks WhatsApp to do, and what became of it.

use serde_json::Value;

use super::{AddRequest, GroupInfo, Invitation};
use crate::jid::{GroupJid, Lid, PersonJid, UserJid};
use crate::words::words;

words! {
    /// The operations of the document that act on WhatsApp, by their `operationId`.
    Operation, "operation":
    /// People are added to a group.
    AddGroupMembers = "addGroupMembers",
    /// Somebody is removed from it.
    RemoveGroupMember = "removeGroupMember",
    /// A member becomes an admin.
    PromoteGroupMember = "promoteGroupMember",
    /// An admin becomes an ordinary member.
    DemoteGroupMember = "demoteGroupMember",
    /// People are let in who have asked to join.
    ApproveGroupRequests = "approveGroupRequests",
    /// They are turned down.
    RejectGroupRequests = "rejectGroupRequests",
    /// The invitation link is replaced.
    RevokeGroupInvite = "revokeGroupInvite",
    /// Settings of a group change.
    UpdateGroup = "updateGroup",
    /// The account leaves a group.
    LeaveGroup = "leaveGroup",
    /// A group is made.
    CreateGroup = "createGroup",
    /// The account joins a group by its link.
    JoinGroup = "joinGroup",
}

impl Operation {
    /// What became of somebody about whom WhatsApp did what was asked for.
    #[must_use]
    pub const fn success(self) -> Outcome {
        match self {
            Self::AddGroupMembers | Self::CreateGroup => Outcome::Added,
            Self::RemoveGroupMember => Outcome::Removed,
            Self::PromoteGroupMember => Outcome::Promoted,
            Self::DemoteGroupMember => Outcome::Demoted,
            Self::ApproveGroupRequests => Outcome::Approved,
            Self::RejectGroupRequests => Outcome::Rejected,
            // They are about nobody.
            Self::RevokeGroupInvite | Self::UpdateGroup | Self::LeaveGroup | Self::JoinGroup => {
                Outcome::Unknown
            }
        }
    }

    /// What became of somebody about whom nothing was done.
    #[must_use]
    pub const fn failure(self) -> Outcome {
        match self {
            Self::AddGroupMembers | Self::CreateGroup => Outcome::NotAdded,
            _ => Outcome::NotDone,
        }
    }

    /// Whether it brings people into a group who have not asked for that.
    #[must_use]
    pub const fn adds(self) -> bool {
        matches!(self, Self::AddGroupMembers | Self::CreateGroup)
    }

    /// Whether the group shows afterwards what became of it.
    #[must_use]
    pub const fn shows_in_group(self) -> bool {
        match self {
            Self::AddGroupMembers
            | Self::RemoveGroupMember
            | Self::PromoteGroupMember
            | Self::DemoteGroupMember
            | Self::ApproveGroupRequests
            | Self::UpdateGroup
            | Self::LeaveGroup => true,
            Self::RejectGroupRequests
            | Self::RevokeGroupInvite
            | Self::CreateGroup
            | Self::JoinGroup => false,
        }
    }
}

/// What somebody asks WhatsApp to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Something in a group.
    InGroup(GroupJid, GroupAction),
    /// Make a group.
    Create {
        /// Its name.
        subject: String,
        /// Who is in it from the start, beside the account.
        people: Vec<PersonJid>,
    },
    /// Join the group that an invitation link leads to; the link's code.
    Join(String),
}

/// What somebody asks WhatsApp to do in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupAction {
    /// Add people.
    Add(Vec<PersonJid>),
    /// Remove people.
    Remove(Vec<PersonJid>),
    /// Make people admins.
    Promote(Vec<PersonJid>),
    /// Make people ordinary members.
    Demote(Vec<PersonJid>),
    /// Let people in who have asked to join.
    Approve(Vec<PersonJid>),
    /// Turn down people who have asked to join.
    Reject(Vec<PersonJid>),
    /// Replace the invitation link.
    ResetInvite,
    /// Change one setting.
    Set(Setting),
    /// Take the account out.
    Leave,
}

/// A setting of a group, and what it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// Its name.
    Subject(String),
    /// Its description; none takes it away.
    Description(Option<String>),
    /// Admins alone may write.
    Announce(bool),
    /// Admins alone may change name, picture and description.
    Locked(bool),
    /// Every member may add others, by WhatsApp's own rules.
    MembersAdd(bool),
    /// An admin has to approve who joins by link.
    Approval(bool),
}

impl Setting {
    /// The property of the document.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Subject(_) => "subject",
            Self::Description(_) => "description",
            Self::Announce(_) => "announce",
            Self::Locked(_) => "locked",
            Self::MembersAdd(_) => "memberAddMode",
            Self::Approval(_) => "approvalMode",
        }
    }

    /// What the document writes for it.
    #[must_use]
    pub fn value(&self) -> Value {
        match self {
            Self::Subject(text) => text.as_str().into(),
            Self::Description(text) => text.as_deref().unwrap_or_default().into(),
            Self::Announce(on) | Self::Locked(on) => (*on).into(),
            Self::MembersAdd(true) => "all_member_add".into(),
            Self::MembersAdd(false) => "admin_add".into(),
            Self::Approval(true) => "on".into(),
            Self::Approval(false) => "off".into(),
        }
    }
}

impl Action {
    /// The operation of the document that asks for it.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        match self {
            Self::Create { .. } => Operation::CreateGroup,
            Self::Join(_) => Operation::JoinGroup,
            Self::InGroup(_, action) => match action {
                GroupAction::Add(_) => Operation::AddGroupMembers,
                GroupAction::Remove(_) => Operation::RemoveGroupMember,
                GroupAction::Promote(_) => Operation::PromoteGroupMember,
                GroupAction::Demote(_) => Operation::DemoteGroupMember,
                GroupAction::Approve(_) => Operation::ApproveGroupRequests,
                GroupAction::Reject(_) => Operation::RejectGroupRequests,
                GroupAction::ResetInvite => Operation::RevokeGroupInvite,
                GroupAction::Set(_) => Operation::UpdateGroup,
                GroupAction::Leave => Operation::LeaveGroup,
            },
        }
    }

    /// The group, where there is one before it is done.
    #[must_use]
    pub const fn gid(&self) -> Option<&GroupJid> {
        match self {
            Self::InGroup(gid, _) => Some(gid),
            Self::Create { .. } | Self::Join(_) => None,
        }
    }

    /// Whom it is about, in the order of the call.
    #[must_use]
    pub fn people(&self) -> &[PersonJid] {
        match self {
            Self::Create { people, .. } => people,
            Self::Join(_) => &[],
            Self::InGroup(_, action) => match action {
                GroupAction::Add(people)
                | GroupAction::Remove(people)
                | GroupAction::Promote(people)
                | GroupAction::Demote(people)
                | GroupAction::Approve(people)
                | GroupAction::Reject(people) => people,
                GroupAction::ResetInvite | GroupAction::Set(_) | GroupAction::Leave => &[],
            },
        }
    }

    /// What is to be set, by the property of the document, if anything is.
    #[must_use]
    pub fn change(&self) -> Option<(&'static str, Value)> {
        match self {
            Self::Create { subject, .. } => Some(("subject", subject.as_str().into())),
            Self::InGroup(_, GroupAction::Set(setting)) => Some((setting.name(), setting.value())),
            Self::InGroup(..) | Self::Join(_) => None,
        }
    }
}

/// What WhatsApp says of an action that it has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What became of each person, in the order of the action.
    pub people: Vec<PersonOutcome>,
    /// What else it says.
    pub answer: Answer,
}

/// What WhatsApp's answer to an action says beside what became of people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Answer {
    /// Nothing.
    #[default]
    Done,
    /// The new invitation link.
    Invite(String),
    /// The group that was made.
    Created(Box<GroupInfo>),
    /// The account is in this group now.
    Joined(GroupJid),
    /// An admin of this group has to approve the account first.
    Waits(GroupJid),
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
    /// Nothing was done about somebody who was to be added.
    NotAdded = "not_added",
    /// They are no member any more.
    Removed = "removed",
    /// They were no member.
    NotAMember = "not_a_member",
    /// They are an admin now.
    Promoted = "promoted",
    /// They are an ordinary member now.
    Demoted = "demoted",
    /// They had asked to join, and are a member now.
    Approved = "approved",
    /// They had asked to join, and are turned down.
    Rejected = "rejected",
    /// They had not asked to join.
    NoRequest = "no_request",
    /// Nothing was done, whatever was asked for.
    NotDone = "not_done",
    /// Their turn has not come.
    Pending = "pending",
    /// It is not known.
    Unknown = "unknown",
}

/// What became of one person of an action, and who that is.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonOutcome {
    /// As they were asked for.
    pub participant: PersonJid,
    /// By phone number as WhatsApp writes it, where it told.
    pub jid: Option<UserJid>,
    /// By LID, where WhatsApp told it.
    pub lid: Option<Lid>,
    /// What became of them.
    pub outcome: Outcome,
    /// WhatsApp's own code, where it gave one.
    pub upstream_code: Option<u16>,
    /// What WhatsApp gave to invite them with, as long as it answers this action.
    pub request: Option<AddRequest>,
    /// What became of an invitation that was asked for.
    pub invite: Option<Invitation>,
}

impl PersonOutcome {
    /// The same outcome for a person of whom WhatsApp has told nothing.
    #[must_use]
    pub const fn untold(participant: PersonJid, outcome: Outcome) -> Self {
        Self {
            participant,
            jid: None,
            lid: None,
            outcome,
            upstream_code: None,
            request: None,
            invite: None,
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
