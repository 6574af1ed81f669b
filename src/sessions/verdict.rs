//! What became of an action, and what to tell its caller: of one that WhatsApp has answered, refused or left without an answer,
//! and of one that was asked for before with the same key.

use std::collections::HashSet;

use super::access::OwnedSession;
use super::acting::Asker;
use super::supervisor::questions::RefusedBy;
use crate::error::Error;
use crate::group::{Operation, Outcome};
use crate::jid::GroupJid;
use crate::store::{ActionRecord, ActionStatus, Earlier, IdempotencyKey};
use crate::whatsapp::CallError;

/// What became of an action that WhatsApp has taken, and what to tell the caller where that is a failure.
pub(super) fn judge(record: &mut ActionRecord) -> Option<Error> {
    let mut outcomes = record.people.iter().map(|person| person.outcome);
    let known = outcomes.clone().all(|outcome| outcome != Outcome::Unknown);
    let one = match (record.operation, outcomes.next()) {
        (
            Operation::RemoveGroupMember
            | Operation::PromoteGroupMember
            | Operation::DemoteGroupMember,
            Some(outcome),
        ) => outcome,
        _ => {
            record.complete(if known {
                ActionStatus::Done
            } else {
                ActionStatus::Unknown
            });
            return None;
        }
    };
    let (status, error) = match one {
        Outcome::Unknown => (ActionStatus::Unknown, Some(CallError::Unanswered.into())),
        Outcome::Declined => {
            let code = record.people[0].upstream_code.unwrap_or_default();
            record.upstream_code = Some(code);
            let refused = CallError::Refused {
                code,
                backoff: None,
            };
            (ActionStatus::Refused, Some(refused.into()))
        }
        Outcome::NotAMember if record.operation != Operation::RemoveGroupMember => {
            (ActionStatus::Refused, Some(Error::not_found("member")))
        }
        _ => (ActionStatus::Done, None),
    };
    record.complete(status);
    error
}

impl OwnedSession {
    /// What became of an action that WhatsApp has not taken, and what to tell the caller.
    pub(super) async fn failed(&self, record: &mut ActionRecord, failed: CallError) -> Error {
        let (status, outcome) = match &failed {
            CallError::NotConnected | CallError::Refused { .. } => {
                (ActionStatus::Refused, record.operation.failure())
            }
            CallError::Unanswered | CallError::Unreadable(_) | CallError::Other(_) => {
                (ActionStatus::Unknown, Outcome::Unknown)
            }
        };
        for person in &mut record.people {
            person.outcome = outcome;
        }
        record.complete(status);
        let CallError::Refused { code, .. } = failed else {
            return failed.into();
        };
        record.upstream_code = Some(code);
        match (record.operation, code) {
            // One number without an account is enough for this. Source: reports of other gateways (Baileys 520, WAHA 266).
            (Operation::AddGroupMembers, 400) => self.with_strangers(record, failed.into()).await,
            // No such link, a link that was replaced. Source: whatsmeow, `ErrInviteLinkInvalid` and `ErrInviteLinkRevoked`.
            (Operation::JoinGroup, 404 | 406 | 410) => Error::not_found("invite"),
            _ => self.explained(record.gid.as_ref(), failed).await,
        }
    }

    /// What to tell a caller whom WhatsApp has refused: that the group is gone or the account is no admin, where WhatsApp
    /// says so when asked for the group; else that WhatsApp refused.
    pub(super) async fn explained(&self, gid: Option<&GroupJid>, refused: CallError) -> Error {
        match (gid, &refused) {
            (
                Some(gid),
                CallError::Refused {
                    code: 401 | 403 | 404,
                    ..
                },
            ) if self.confirm(gid, RefusedBy::WhatsApp).await => {
                let allowed = self.known_admin_group(gid);
                allowed.err().unwrap_or_else(|| refused.into())
            }
            // Nothing but the refusal is certain.
            _ => refused.into(),
        }
    }

    /// The same error, with the people who are not on WhatsApp named where WhatsApp tells.
    async fn with_strangers(&self, record: &mut ActionRecord, error: Error) -> Error {
        let people = record.people.iter();
        let users: Vec<_> = people
            .filter_map(|person| person.participant.user())
            .cloned()
            .collect();
        let strangers = match self.connected() {
            Ok(connected) => connected.online.connection.not_on_whatsapp(&users).await,
            Err(_) => return error,
        };
        // The refusal is what the caller has to know, not that it stays unexplained.
        let strangers: HashSet<_> = strangers.unwrap_or_default().into_iter().collect();
        for person in &mut record.people {
            let user = person.participant.user();
            if user.is_some_and(|user| strangers.contains(user)) {
                person.outcome = Outcome::NotOnWhatsApp;
            }
        }
        with_strangers(error, record)
    }

    /// The record of a request that was asked for before, with the same key; none where it was not. Whatever has become of
    /// the session and the group since does not matter to it.
    ///
    /// # Errors
    /// 409 for the key of another request, or of one that still runs; what the first was answered with.
    pub async fn answered_before(&self, asker: &Asker) -> Result<Option<ActionRecord>, Error> {
        let Some(key) = &asker.key else {
            return Ok(None);
        };
        match self.registry.store.find_key(key).await? {
            Some(earlier) => self.repeated(&earlier, key).await.map(Some),
            None => Ok(None),
        }
    }

    /// What to answer a request whose key another one had before.
    pub(super) async fn repeated(
        &self,
        earlier: &Earlier,
        key: &IdempotencyKey,
    ) -> Result<ActionRecord, Error> {
        if key.fingerprint != earlier.fingerprint {
            return Err(Error::key_reused());
        }
        self.actions_saved().await?;
        let id = earlier.action.as_deref().and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| Error::internal("a key without an action"))?;
        let store = &self.registry.store;
        let found = store.get_action(&earlier.session, &id).await?;
        let record = found.ok_or_else(|| Error::not_found("action"))?;
        match failure(&record) {
            None => Ok(record),
            Some(error) => Err(error.with("action", record.id.as_str())),
        }
    }
}

/// The people named who are not on WhatsApp, if that was why WhatsApp has refused an add.
fn with_strangers(error: Error, record: &ActionRecord) -> Error {
    let people = record.people.iter();
    let strangers = people.filter(|person| person.outcome == Outcome::NotOnWhatsApp);
    let names: Vec<_> = strangers
        .map(|person| person.participant.as_str())
        .collect();
    if names.is_empty() {
        error
    } else {
        error.with("notOnWhatsApp", names)
    }
}

/// What to answer a repetition with, where that is no success: what the first was answered with, unless it has turned out
/// since that it was done.
fn failure(record: &ActionRecord) -> Option<Error> {
    if record.status == ActionStatus::Running {
        return Some(Error::still_running());
    }
    let mut outcomes = record.people.iter().map(|person| person.outcome);
    let done = record.status == ActionStatus::Done
        && (record.people.is_empty()
            || outcomes.any(|outcome| {
                outcome != Outcome::Unknown && outcome != record.operation.failure()
            }));
    match &record.error {
        // It was not known when the caller was answered, or nobody was.
        _ if done => None,
        Some(error) if record.status == ActionStatus::Refused => {
            Some(with_strangers(error.into(), record))
        }
        Some(error) => Some(error.into()),
        None => Some(CallError::Unanswered.into()),
    }
}
