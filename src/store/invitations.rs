//! Invitations that were sent, and who has come into the group since.

use std::collections::HashSet;

use sqlx::AnyConnection;

use super::action_record::ActionRecord;
use super::{Store, StoreError, now};
use crate::group::InvitationState;
use crate::jid::{GroupJid, Lid, SessionId, UserJid};

impl Store {
    /// Writes the invitations that were sent in an action.
    ///
    /// # Errors
    /// The database failed.
    pub async fn save_invitations(&self, action: &ActionRecord) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let sent = action.people.iter().filter(|person| {
            let invite = person.invite.as_ref();
            invite.is_some_and(|invite| invite.state == InvitationState::Invited)
        });
        for person in sent {
            let jid = person.jid.as_ref().or(person.participant.user());
            sqlx::query(
                "INSERT INTO invitations (session_id, group_jid, action_id, participant, phone, lid)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            )
            .bind(action.session.as_str())
            .bind(action.gid.as_ref().map(GroupJid::as_str))
            .bind(action.id.as_str())
            .bind(person.participant.as_str())
            .bind(jid.map(UserJid::phone_number))
            .bind(person.lid.as_ref().map(Lid::digits))
            .execute(&mut *tx)
            .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Brings the invitations in actions of a session up to date: who has come into the group, and which are good no longer.
    ///
    /// # Errors
    /// The database failed.
    pub async fn follow_invitations(
        &self,
        session: &SessionId,
        actions: &mut [ActionRecord],
    ) -> Result<(), StoreError> {
        for action in actions {
            let mut invited: Vec<_> = action
                .people
                .iter_mut()
                .filter_map(|person| {
                    let invite = person.invite.as_mut()?;
                    let sent = invite.state == InvitationState::Invited;
                    sent.then_some((&person.participant, invite))
                })
                .collect();
            if invited.is_empty() {
                continue;
            }
            let joined: Vec<String> = sqlx::query_scalar(
                "SELECT participant FROM invitations
                 WHERE session_id = $1 AND action_id = $2 AND joined_at IS NOT NULL",
            )
            .bind(session.as_str())
            .bind(action.id.as_str())
            .fetch_all(&self.pools.read)
            .await?;
            let joined: HashSet<_> = joined.iter().map(String::as_str).collect();
            for (participant, invite) in &mut invited {
                if joined.contains(participant.as_str()) {
                    invite.state = InvitationState::Joined;
                } else if invite.expires_at.is_some_and(|at| at <= now()) {
                    invite.state = InvitationState::Expired;
                }
            }
        }
        Ok(())
    }
}

/// Notes who of those who were invited to a group is in it now.
pub(super) async fn note_who_joined(
    db: &mut AnyConnection,
    session: &SessionId,
    gid: &GroupJid,
    group: i64,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE invitations SET joined_at = $4 WHERE session_id = $1 AND group_jid = $2 AND joined_at IS NULL
         AND EXISTS (SELECT 1 FROM group_members AS m WHERE m.group_id = $3
             AND (m.phone = invitations.phone OR m.lid = invitations.lid))",
    )
    .bind(session.as_str())
    .bind(gid.as_str())
    .bind(group)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Takes a person out of all invitations of a session.
pub(super) async fn erase(
    db: &mut AnyConnection,
    session: &SessionId,
    person: &str,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM invitations WHERE session_id = $1 AND participant = $2")
        .bind(session.as_str())
        .bind(person)
        .execute(db)
        .await?;
    Ok(())
}

/// Removes invitations of actions before `cutoff`, and those of sessions that are no more.
pub(super) async fn sweep(db: &mut AnyConnection, cutoff: &str) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM invitations WHERE action_id < $1 OR session_id NOT IN (SELECT id FROM sessions)",
    )
    .bind(cutoff)
    .execute(db)
    .await?;
    Ok(())
}
