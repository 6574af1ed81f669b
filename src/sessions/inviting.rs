//! Sending WhatsApp's own invitation to those of an add whom their privacy settings let only be invited.

use std::slice::from_ref;

use super::access::Connected;
use crate::error::Error;
use crate::group::{Invitation, InvitationReason, InvitationState, Outcome, PersonOutcome};
use crate::jid::GroupJid;
use crate::store::ActionRecord;
use crate::whatsapp::CallError;

impl Connected {
    /// Invites those of an action who can only be invited, one after the other.
    ///
    /// # Errors
    /// The database failed: that they were invited is in the record all the same.
    pub(super) async fn invite_declined(&self, record: &mut ActionRecord) -> Result<(), Error> {
        let mut outcomes = record.people.iter().map(|person| person.outcome);
        let declined = outcomes.any(|outcome| outcome == Outcome::InviteRequired);
        let Some(gid) = record.gid.clone().filter(|_| declined) else {
            return Ok(());
        };
        let store = &self.session.registry.store;
        // Messages take a while, and a crash is not to lose what became of the others.
        store.save_actions(from_ref(record)).await?;
        let name = store.get_group(&self.session.id, &gid).await?;
        let name = name.and_then(|group| group.subject).unwrap_or_default();
        let declined = record
            .people
            .iter_mut()
            .filter(|person| person.outcome == Outcome::InviteRequired);
        for person in declined {
            let invitation = self.invite(&gid, &name, person).await;
            if invitation.state == InvitationState::Invited {
                person.outcome = Outcome::Invited;
            }
            person.invite = Some(invitation);
        }
        Ok(store.save_invitations(record).await?)
    }

    async fn invite(&self, gid: &GroupJid, name: &str, person: &PersonOutcome) -> Invitation {
        let Some(request) = &person.request else {
            return Invitation::not_sent(InvitationReason::NoCode);
        };
        if self.session.entry.limits.check().is_err() {
            return Invitation::not_sent(InvitationReason::Refused);
        }
        let connection = &self.online.connection;
        let sent = connection.invite_person(gid, name, &person.participant, request);
        match self.heard(sent.await).await {
            Ok(()) => Invitation {
                state: InvitationState::Invited,
                expires_at: Some(request.expires.saturating_mul(1000)),
                reason: None,
            },
            Err(CallError::Refused { .. }) => Invitation::not_sent(InvitationReason::Refused),
            Err(error) => {
                tracing::warn!(session = %self.session.id, %error, "an invitation may not have been sent");
                Invitation::not_sent(InvitationReason::Failed)
            }
        }
    }
}
