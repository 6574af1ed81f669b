//! The one door to WhatsApp for what changes something there: recorded before it is sent, completed with what became of it
//! after. It runs in a task of its own, so that it does so to the end also when the caller goes away.

use std::sync::Arc;

use tracing::Instrument as _;

use super::access::{AdminGroup, Connected, KnownGroup, OwnedSession};
use super::limits::Taken;
use super::settling::Creation;
use super::supervisor::commands::Command;
use super::verdict::judge;
use crate::error::Error;
use crate::group::{Action, Answer, GroupAction, GroupInfo, JoinRequest, Operation, Setting, Told};
use crate::jid::{GroupJid, PersonJid};
use crate::store::{ActionRecord, ActionStatus, Caller, IdempotencyKey, Part, RecordedError};
use crate::whatsapp::CallError;

/// Who asks for something, and the key by which a repetition is known.
#[derive(Debug, Clone)]
pub struct Asker {
    /// Who.
    pub caller: Caller,
    /// The key, if the caller gave one.
    pub key: Option<IdempotencyKey>,
    /// The part of an addition that it is, with its share of what may be added; none for a direct call, which takes its own.
    pub part: Option<(Part, Taken)>,
    /// Whether those of an add whom their privacy settings let only be invited are.
    pub invite_declined: bool,
}

// All errors of acts: 429 while WhatsApp asks to slow down, or where the account may not add so many; 409 for the key of
// another request, or of one that still runs; 503 where the record cannot be written: then nothing is sent. All that follow
// name the record in `details.action`: what WhatsApp refuses, 504 where it does not answer in time, so that the outcome is
// not known.

impl AdminGroup {
    /// Acts on the group. That WhatsApp declines some of many people, or all, is no failure; that it declines the only one
    /// is, but for adds.
    ///
    /// # Errors
    /// See above.
    pub async fn act(self, action: GroupAction, asker: Asker) -> Result<ActionRecord, Error> {
        let action = Action::InGroup(self.gid, action);
        self.connected.act(vec![action], asker).await
    }

    /// Changes settings of the group, one after the other.
    ///
    /// # Errors
    /// See above; `details.applied` names those that were changed before.
    pub async fn update(self, settings: Vec<Setting>, asker: Asker) -> Result<ActionRecord, Error> {
        let steps = settings
            .into_iter()
            .map(|setting| Action::InGroup(self.gid.clone(), GroupAction::Set(setting)));
        self.connected.act(steps.collect(), asker).await
    }

    /// The group's invitation link, as WhatsApp tells it now.
    ///
    /// # Errors
    /// What WhatsApp refuses; 504.
    pub async fn invite(&self) -> Result<String, Error> {
        self.connected.session.entry.limits.check()?;
        let told = self.connected.online.connection.invite(&self.gid).await;
        self.told(told).await
    }

    /// Who has asked to join the group, as WhatsApp tells it now.
    ///
    /// # Errors
    /// What WhatsApp refuses; 504.
    pub async fn join_requests(&self) -> Result<Vec<JoinRequest>, Error> {
        self.connected.session.entry.limits.check()?;
        let connection = &self.connected.online.connection;
        let told = connection.join_requests(&self.gid).await;
        self.told(told).await
    }

    async fn told<T>(&self, told: Result<T, CallError>) -> Result<T, Error> {
        match self.connected.heard(told).await {
            Ok(told) => Ok(told),
            Err(refused) => Err(self
                .connected
                .session
                .explained(Some(&self.gid), refused)
                .await),
        }
    }
}

impl KnownGroup {
    /// Takes the account out of the group.
    ///
    /// # Errors
    /// See above.
    pub async fn leave(self, asker: Asker) -> Result<ActionRecord, Error> {
        let leave = Action::InGroup(self.gid, GroupAction::Leave);
        self.connected.act(vec![leave], asker).await
    }
}

impl Connected {
    /// Makes a group. It is known when this is answered.
    ///
    /// # Errors
    /// See above.
    pub async fn create(
        self,
        subject: String,
        people: Vec<PersonJid>,
        asker: Asker,
    ) -> Result<ActionRecord, Error> {
        self.act(vec![Action::Create { subject, people }], asker)
            .await
    }

    /// Joins the group that an invitation link leads to, or asks to be let in; by the link's code. A group that the account
    /// has joined is known when this is answered.
    ///
    /// # Errors
    /// See above; 404 `invite` where the link leads nowhere.
    pub async fn join(self, code: String, asker: Asker) -> Result<ActionRecord, Error> {
        self.act(vec![Action::Join(code)], asker).await
    }

    /// Acts, in one step or in several of one operation.
    async fn act(self, steps: Vec<Action>, asker: Asker) -> Result<ActionRecord, Error> {
        let span = tracing::Span::current();
        let acting = tokio::spawn(self.record_and_send(steps, asker).instrument(span));
        acting.await.map_err(Error::internal)?
    }

    async fn record_and_send(
        self,
        steps: Vec<Action>,
        Asker {
            caller,
            key,
            part,
            invite_declined,
        }: Asker,
    ) -> Result<ActionRecord, Error> {
        let session = &self.session;
        let store = &session.registry.store;
        let limits = &session.entry.limits;
        let mut record = ActionRecord::begun(&session.id, &steps, caller);
        let (part, mut taken) = part.unzip();
        if let Err(error) = limits.check() {
            limits.give_back(taken).await;
            return Err(error);
        }
        if taken.is_none() && record.operation.adds() {
            let people = u32::try_from(record.people.len()).unwrap_or(u32::MAX);
            taken = limits.take_direct(&session.registry, people).await?;
        }
        let begun = store.begin_action(&record, key.as_ref(), part.as_ref());
        let begun = begun.await;
        if !matches!(begun, Ok(None)) {
            limits.give_back(taken).await;
        }
        if let (Some(earlier), Some(key)) = (begun?, &key) {
            return session.repeated(&earlier, key).await;
        }
        let mut done = Vec::new();
        let error = match self.send(&mut record, &steps, &mut done).await {
            Ok(()) => {
                // Where that is broken off, what is known by now stays.
                if invite_declined && let Err(error) = self.invite_declined(&mut record).await {
                    tracing::error!(session = %session.id, %error, "cannot follow invitations");
                }
                judge(&mut record)
            }
            Err(failed) => Some(session.failed(&mut record, failed).await),
        };
        let error = error.map(|error| match record.operation {
            Operation::UpdateGroup => error.with("applied", done),
            _ => error,
        });
        record.error = error.as_ref().map(RecordedError::from);
        if let (Some(error), Some(key)) = (&error, &key)
            && record.status == ActionStatus::Refused
            && error.code.is_passing()
        {
            // Else the repetition that is asked for would be answered from the record.
            if let Err(error) = store.free_key(key).await {
                tracing::error!(session = %session.id, %error, "cannot give an idempotency key back");
            }
        }
        tracing::info!(
            session = %session.id,
            action = %record.id,
            operation = record.operation.as_str(),
            people = record.people.len(),
            status = record.status.as_str(),
            "acted on WhatsApp"
        );
        if record.status == ActionStatus::Refused {
            limits.give_back(taken).await;
        }
        session.complete(&record);
        match error {
            None => Ok(record),
            Some(error) => Err(error.with("action", record.id.as_str())),
        }
    }

    /// Sends one step after the other, until one fails. Names the settings that were changed.
    async fn send(
        &self,
        record: &mut ActionRecord,
        steps: &[Action],
        done: &mut Vec<&'static str>,
    ) -> Result<(), CallError> {
        let connection = &self.online.connection;
        for step in steps {
            let told = connection.act(step).await;
            let Told { people, answer } = self.heard(told).await?;
            record.people = people;
            match answer {
                Answer::Done => {}
                Answer::Invite(link) => record.answer.invite = Some(link),
                Answer::Created(group) => {
                    record.gid = Some(group.gid.clone());
                    self.learn(Ok(*group)).await;
                }
                Answer::Joined(gid) => {
                    self.learn(connection.group(&gid).await).await;
                    record.gid = Some(gid);
                }
                Answer::Waits(gid) => {
                    record.gid = Some(gid);
                    record.answer.waits = true;
                }
            }
            done.extend(step.change().map(|(name, _)| name));
        }
        Ok(())
    }

    /// The same answer, with it taken in that WhatsApp asks to slow down.
    pub(super) async fn heard<T>(&self, told: Result<T, CallError>) -> Result<T, CallError> {
        if let Err(CallError::Refused { code: 429, backoff }) = &told {
            let session = &self.session;
            let store = &session.registry.store;
            session.entry.limits.slow_down(store, *backoff).await;
        }
        told
    }

    /// Takes in a group that the account has come into. WhatsApp's notification tells of it too, in its own time.
    async fn learn(&self, group: Result<GroupInfo, CallError>) {
        let learned = match group {
            Ok(group) => self.session.learn(group).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = learned {
            tracing::warn!(session = %self.session.id, %error, "cannot take in a new group yet");
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
        if record.status != ActionStatus::Unknown {
            return;
        }
        let settle = |gid: &GroupJid| Command::Settle(gid.clone(), record.id.clone());
        let creation = Creation::of(record).map(Command::SettleCreation);
        if let Some(command) = creation.or_else(|| record.shown_in().map(settle)) {
            let entry = Arc::clone(&self.entry);
            // The caller does not wait for a supervisor that is busy. One that has ended leaves it to the next start.
            tokio::spawn(async move { entry.commands.send(command).await });
        }
    }
}
