//! WhatsApp's own invitation to a group, for those whom their privacy settings let only be invited.

use crate::words::words;

words! {
    /// How far an invitation has come.
    InvitationState, "invitation state":
    /// It was sent.
    Invited = "invited",
    /// The person is in the group, or has been since.
    Joined = "joined",
    /// It cannot be accepted any more.
    Expired = "expired",
    /// It was not sent.
    NotSent = "not_sent",
}

words! {
    /// Why no invitation was sent.
    InvitationReason, "reason of an invitation":
    /// WhatsApp gave no code to invite the person with.
    NoCode = "no_code",
    /// WhatsApp did not take the message.
    Refused = "refused",
    /// It is not certain that the message was sent.
    Failed = "failed",
}

/// What became of an invitation that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invitation {
    /// How far it has come.
    pub state: InvitationState,
    /// Until when it can be accepted, epoch milliseconds, where WhatsApp has told it.
    pub expires_at: Option<i64>,
    /// Why it was not sent.
    pub reason: Option<InvitationReason>,
}

impl Invitation {
    /// One that was not sent.
    #[must_use]
    pub const fn not_sent(reason: InvitationReason) -> Self {
        Self {
            state: InvitationState::NotSent,
            expires_at: None,
            reason: Some(reason),
        }
    }
}

/// The code that WhatsApp gives instead of an add, to invite the person with (`<add_request>`).
#[derive(Clone, PartialEq, Eq)]
pub struct AddRequest {
    /// A secret between the account and the person: whoever has it can come into the group in their name.
    pub code: String,
    /// Until when it is good, epoch seconds.
    pub expires: i64,
}
