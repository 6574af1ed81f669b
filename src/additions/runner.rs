//! The task of a session that has additions: one call to WhatsApp, a pause, the next. What it does next it takes from the
//! database each time, so a restart is no different from a pause.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use super::{Hold, HoldReason, Jobs};
use crate::error::{Code, Error};
use crate::group::GroupAction;
use crate::jid::SessionId;
use crate::pace::Pace;
use crate::sessions::{Asker, Changes, OwnedSession};
use crate::store::{ActionRecord, ActionStatus, AdditionRecord, AdditionStatus, Part};

/// The pause before a database that failed is asked again, and before it is looked again whether an outcome is known.
const RETRY: Duration = Duration::from_secs(1);

/// What comes after a step.
enum Next {
    /// The next step.
    Step,
    /// Nothing, until what is waited for has come.
    Hold(Hold),
}

impl Jobs {
    /// Works through the additions of a session, until it is deleted.
    pub(super) async fn run(self: Arc<Self>, id: SessionId, called: Arc<Notify>) {
        while let Some(session) = self.sessions.of_job(&id) {
            // From before the step: what changes while it looks is not missed.
            let mut changes = session.changes();
            match self.store.next_addition(&id).await {
                Ok(None) => called.notified().await,
                Ok(Some(addition)) => match self.step(&session, &addition).await {
                    Ok(Next::Step) => {}
                    Ok(Next::Hold(hold)) => self.wait(&mut changes, &addition, hold, &called).await,
                    Err(error) => {
                        tracing::error!(session = %id, addition = %addition.id, %error, "an addition cannot go on; trying again");
                        sleep(RETRY).await;
                    }
                },
                Err(error) => {
                    tracing::error!(session = %id, %error, "cannot read additions; trying again");
                    sleep(RETRY).await;
                }
            }
        }
        self.state().runners.remove(&id);
    }

    async fn wait(
        &self,
        changes: &mut Changes,
        addition: &AdditionRecord,
        hold: Hold,
        called: &Notify,
    ) {
        self.state().holds.insert(addition.id.clone(), hold);
        let passed = async {
            match (hold.until, hold.reason) {
                (Some(until), _) => self.clock.sleep_until(until).await,
                (None, HoldReason::Outcome) => sleep(RETRY).await,
                (None, _) => std::future::pending().await,
            }
        };
        tokio::select! {
            () = passed => {}
            () = called.notified() => {}
            () = changes.next() => {}
        }
        self.state().holds.remove(&addition.id);
    }

    /// Does what is to be done next in an addition.
    async fn step(&self, session: &OwnedSession, addition: &AdditionRecord) -> Result<Next, Error> {
        let hold = |reason, until| Ok(Next::Hold(Hold { reason, until }));
        let pace = self.pace.slowed(&session.limits().pace);
        let pace = pace.slowed(&addition.pace);
        if let Some(part) = self.store.open_part(addition).await? {
            session.actions_saved().await?;
            let action = self.store.get_action(&addition.session, &part).await?;
            let action = action.ok_or_else(|| Error::internal("an action is gone"))?;
            if is_open(action.status) {
                return hold(HoldReason::Outcome, None);
            }
            self.finish(addition, &action, &pace).await?;
            return Ok(Next::Step);
        }
        let people = self.store.next_people(addition, pace.batch).await?;
        if people.is_empty() {
            self.end(addition, AdditionStatus::Done, None).await?;
            return Ok(Next::Step);
        }
        let now = self.clock.now();
        if addition.next_at > now {
            return hold(HoldReason::Pause, Some(addition.next_at));
        }
        if let Some(until) = session.quiet_until() {
            return hold(HoldReason::RateLimited, Some(until));
        }
        let Ok(connected) = session.connected() else {
            return hold(HoldReason::Disconnected, None);
        };
        if let Some(until) = connected.time_lock().await {
            return hold(HoldReason::TimeLock, Some(until.max(now + 1)));
        }
        let group = match session.admin_group(&addition.gid).await {
            Ok(group) => group,
            // It is about to change: the connection dropped, or WhatsApp has not told the role yet.
            Err(error) if error.code.is_passing() => {
                let pause = error.retry_after.unwrap_or(RETRY).as_millis();
                let until = now + i64::try_from(pause).unwrap_or(0);
                return hold(HoldReason::Disconnected, Some(until));
            }
            Err(error) => {
                self.end(addition, AdditionStatus::Failed, Some(error.code))
                    .await?;
                return Ok(Next::Step);
            }
        };
        let wanted = u32::try_from(people.len()).unwrap_or(u32::MAX);
        let taken = match session.take_paced(&pace, wanted).await? {
            Ok(taken) => taken,
            Err(spent) if spent.hour => return hold(HoldReason::Hour, Some(spent.until)),
            Err(spent) => return hold(HoldReason::Day, Some(spent.until)),
        };
        let some = usize::try_from(taken.people()).unwrap_or(usize::MAX);
        let (places, people) = people.into_iter().take(some).unzip();
        let asker = Asker {
            caller: addition.caller.clone(),
            key: None,
            part: Some(Part {
                addition: addition.id.clone(),
                places,
            }),
            invite_declined: addition.invite_declined,
        };
        let action = match group.act(GroupAction::Add(people), asker).await {
            Ok(action) => action,
            Err(error) => {
                let action = error.details.get("action").and_then(|id| id.as_str());
                let Some(action) = action.and_then(|id| id.parse().ok()) else {
                    // It was not even recorded.
                    session.give_back(taken).await;
                    return Err(error);
                };
                session.actions_saved().await?;
                let action = self.store.get_action(&addition.session, &action).await?;
                let action = action.ok_or_else(|| Error::internal("an action is gone"))?;
                if action.status == ActionStatus::Refused {
                    session.give_back(taken).await;
                    self.refused(addition, &action, &error).await?;
                }
                action
            }
        };
        if !is_open(action.status) {
            self.finish(addition, &action, &pace).await?;
        }
        Ok(Next::Step)
    }

    /// Ends an addition that WhatsApp has refused for good: neither for now, nor for the sake of some of the people.
    async fn refused(
        &self,
        addition: &AdditionRecord,
        action: &ActionRecord,
        error: &Error,
    ) -> Result<(), Error> {
        let for_some = error.details.contains_key("notOnWhatsApp");
        if error.code.is_passing() || for_some {
            return Ok(());
        }
        // Those it was about have had their turn.
        self.store
            .finish_part(addition, action, addition.next_at)
            .await?;
        self.end(addition, AdditionStatus::Failed, Some(error.code))
            .await
    }

    /// Takes in what became of an action, and begins the pause.
    async fn finish(
        &self,
        addition: &AdditionRecord,
        action: &ActionRecord,
        pace: &Pace,
    ) -> Result<(), Error> {
        let (shortest, longest) = pace.pause;
        let spread = f64::from(longest - shortest) * rand::random::<f64>();
        let pause = Duration::from_secs(shortest.into()) + Duration::from_secs_f64(spread);
        let next_at = self.clock.now() + i64::try_from(pause.as_millis()).unwrap_or(0);
        Ok(self.store.finish_part(addition, action, next_at).await?)
    }

    async fn end(
        &self,
        addition: &AdditionRecord,
        status: AdditionStatus,
        error: Option<Code>,
    ) -> Result<(), Error> {
        tracing::info!(
            session = %addition.session,
            addition = %addition.id,
            status = status.as_str(),
            error = error.map(Code::as_str),
            "an addition has ended"
        );
        Ok(self.store.end_addition(addition, status, error).await?)
    }
}

/// Whether it is not known yet what became of an action.
fn is_open(status: ActionStatus) -> bool {
    matches!(status, ActionStatus::Running | ActionStatus::Unknown)
}
