//! The one door to a change of membership: recorded before it is sent, completed with an outcome for each person after. It
//! runs in a task of its own, so that it does so to the end also when the caller goes away.

use std::slice::from_ref;
use std::sync::Arc;

use tracing::Instrument as _;

use super::access::{AdminGroup, OwnedSession};
use super::supervisor::commands::Command;
use super::supervisor::questions::RefusedBy;
use crate::error::Error;
use crate::group::{GroupAction, Outcome, PersonOutcome};
use crate::jid::ActionId;
use crate::store::{ActionRecord, ActionStatus, Caller};
use crate::whatsapp::CallError;

/// An action that WhatsApp has taken.
#[derive(Debug)]
pub struct Acted {
    /// Its record.
    pub id: ActionId,
    /// What became of each person, in the order of the call.
    pub people: Vec<PersonOutcome>,
}

impl AdminGroup {
    /// Acts on the group, on behalf of `caller`. That WhatsApp declines some of the people, or all, is no failure.
    ///
    /// # Errors
    /// 503 where the record cannot be written: then nothing is sent. All others name the record in `details.action`: what
    /// WhatsApp refuses, 504 where it does not answer in time, so that the outcome is not known.
    pub async fn act(self, action: GroupAction, caller: Caller) -> Result<Acted, Error> {
        let span = tracing::Span::current();
        let acting = tokio::spawn(self.record_and_send(action, caller).instrument(span));
        acting.await.map_err(Error::internal)?
    }

    async fn record_and_send(self, action: GroupAction, caller: Caller) -> Result<Acted, Error> {
        let Self {
            session,
            online,
            gid,
        } = self;
        let mut record = ActionRecord::begun(&session.id, &gid, &action, caller);
        session
            .registry
            .store
            .save_actions(from_ref(&record))
            .await?;
        let answered = online.connection.act(&gid, &action).await;
        let error = match answered {
            Ok(people) => {
                let unknown = people
                    .iter()
                    .any(|person| person.outcome == Outcome::Unknown);
                record.people = people;
                record.complete(if unknown {
                    ActionStatus::Unknown
                } else {
                    ActionStatus::Done
                });
                None
            }
            Err(failed) => Some(session.failed(&mut record, failed).await),
        };
        tracing::info!(
            session = %session.id,
            action = %record.id,
            operation = record.operation,
            people = record.people.len(),
            status = record.status.as_str(),
            "acted on a group"
        );
        session.complete(&record);
        match error {
            None => Ok(Acted {
                id: record.id,
                people: record.people,
            }),
            Some(error) => Err(error.with("action", record.id.as_str())),
        }
    }
}

impl OwnedSession {
    /// Waits until all actions that are completed are in the database.
    ///
    /// # Errors
    /// The database failed.
    pub async fn actions_saved(&self) -> Result<(), Error> {
        let registry = Arc::clone(&self.registry);
        // A task, because a write that is broken off loses what it was to write.
        let saved = tokio::spawn(async move { registry.actions.save(&registry.store).await });
        Ok(saved.await.map_err(Error::internal)??)
    }

    /// Has the record of an action saved. One with an outcome that is not known is settled as soon as WhatsApp can be asked.
    fn complete(&self, record: &ActionRecord) {
        self.registry.actions.later(record);
        if record.status == ActionStatus::Unknown {
            let command = Command::Settle(record.gid.clone(), record.id.clone());
            let entry = Arc::clone(&self.entry);
            // The caller does not wait for a supervisor that is busy. One that has ended leaves it to the next start.
            tokio::spawn(async move { entry.commands.send(command).await });
        }
    }

    /// What became of an action that WhatsApp has not taken, and what to tell the caller.
    async fn failed(&self, record: &mut ActionRecord, failed: CallError) -> Error {
        let (status, outcome) = match &failed {
            CallError::NotConnected | CallError::Refused { .. } => {
                (ActionStatus::Refused, Outcome::NotAdded)
            }
            CallError::Unanswered | CallError::Unreadable(_) | CallError::Other(_) => {
                (ActionStatus::Unknown, Outcome::Unknown)
            }
        };
        for person in &mut record.people {
            person.outcome = outcome;
        }
        record.complete(status);
        let error = match failed {
            CallError::Refused { code, .. } => {
                record.upstream_code = Some(code);
                self.explained(record, code, failed).await
            }
            failed => failed.into(),
        };
        record.error = Some(error.code.as_str().to_owned());
        error
    }

    /// What to tell a caller whose action WhatsApp has refused as a whole: that the group is gone or the account is no
    /// admin, where WhatsApp says so when asked for the group; else that WhatsApp refused, and which of the people it
    /// refused for, where it says so when asked for them.
    async fn explained(&self, record: &mut ActionRecord, code: u16, refused: CallError) -> Error {
        match code {
            // One number without an account is enough for this. Source: reports of other gateways (Baileys 520, WAHA 266).
            400 => self.with_strangers(record, refused.into()).await,
            401 | 403 | 404 if self.confirm(&record.gid, RefusedBy::WhatsApp).await => {
                let allowed = self.known_admin_group(&record.gid);
                allowed.err().unwrap_or_else(|| refused.into())
            }
            // Nothing but the refusal is certain.
            _ => refused.into(),
        }
    }

    /// The same error, with the people who are not on WhatsApp named where WhatsApp tells.
    async fn with_strangers(&self, record: &mut ActionRecord, error: Error) -> Error {
        let people = record.people.iter();
        let users: Vec<_> = people.map(|person| person.participant.clone()).collect();
        let strangers = match self.connected() {
            Ok(connected) => connected.0.connection.not_on_whatsapp(&users).await,
            Err(_) => return error,
        };
        match strangers {
            Ok(strangers) if !strangers.is_empty() => {
                for person in &mut record.people {
                    if strangers.contains(&person.participant) {
                        person.outcome = Outcome::NotOnWhatsApp;
                    }
                }
                let names: Vec<_> = strangers.iter().map(|user| user.as_str()).collect();
                error.with("notOnWhatsApp", names)
            }
            // The refusal is what the caller has to know, not that it stays unexplained.
            _ => error,
        }
    }
}
