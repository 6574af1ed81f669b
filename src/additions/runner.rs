//! The task of a session that has additions: one call to WhatsApp, a pause, the next. What it does next it takes from the
//! database each time, so a restart is no different from a pause.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use super::{Hold, HoldReason, Jobs};
use crate::error::{Code, Error};
use crate::group::{GroupAction, Outcome};
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
        if let Some(next) = self.take_in(session, addition, &pace).await? {
            return Ok(next);
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
        let part = Part {
            addition: addition.id.clone(),
            places,
        };
        let asker = Asker {
            caller: addition.caller.clone(),
            key: None,
            part: Some((part, taken)),
            invite_declined: addition.invite_declined,
        };
        match group.act(GroupAction::Add(people), asker).await {
            // It was not even recorded.
            Err(error) if !error.details.contains_key("action") => return Err(error),
            Ok(_) | Err(_) => {}
        }
        let next = self.take_in(session, addition, &pace).await?;
        Ok(next.unwrap_or(Next::Step))
    }

    /// Takes in what became of the action that people of an addition are part of; none where there is none. Ends an addition
    /// that WhatsApp has refused for good.
    async fn take_in(
        &self,
        session: &OwnedSession,
        addition: &AdditionRecord,
        pace: &Pace,
    ) -> Result<Option<Next>, Error> {
        let Some(part) = self.store.open_part(addition).await? else {
            return Ok(None);
        };
        session.actions_saved().await?;
        let action = self.store.get_action(&addition.session, &part).await?;
        let action = action.ok_or_else(|| Error::internal("an action is gone"))?;
        if matches!(action.status, ActionStatus::Running | ActionStatus::Unknown) {
            return Ok(Some(Next::Hold(Hold {
                reason: HoldReason::Outcome,
                until: None,
            })));
        }
        let next_at = self.clock.now() + pause(pace);
        self.store.finish_part(addition, &action, next_at).await?;
        if let Some(code) = refused_for_good(&action) {
            self.end(addition, AdditionStatus::Failed, Some(code))
                .await?;
        }
        Ok(Some(Next::Step))
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

/// How long an addition rests after a call, in milliseconds.
fn pause(pace: &Pace) -> i64 {
    let (shortest, longest) = pace.pause;
    let spread = f64::from(longest - shortest) * rand::random::<f64>();
    let pause = Duration::from_secs(shortest.into()) + Duration::from_secs_f64(spread);
    i64::try_from(pause.as_millis()).unwrap_or(0)
}

/// The error where WhatsApp has refused an action for good: neither for now, nor for the sake of some of the people.
fn refused_for_good(action: &ActionRecord) -> Option<Code> {
    let mut people = action.people.iter();
    let for_some = people.any(|person| person.outcome == Outcome::NotOnWhatsApp);
    let error = action.error.as_ref();
    let refused = error.filter(|_| action.status == ActionStatus::Refused && !for_some);
    refused
        .map(|error| error.code)
        .filter(|code| !code.is_passing())
}
