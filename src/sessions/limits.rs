//! What protects a session's account: WhatsApp is left alone while it asks for that, and no more people are added in an hour
//! and in a day than the account may add. Both survive a restart.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Registry;
use super::supervisor::state::PATIENCE;
use crate::clock::Clock;
use crate::error::{Code, Error};
use crate::jid::SessionId;
use crate::pace::{AddLimits, Pace};
use crate::store::{LimitsRecord, Store, StoreError};

/// Milliseconds.
const HOUR: i64 = 60 * 60 * 1000;
const DAY: i64 = 24 * HOUR;

/// The limits of one session, and what is used of them.
pub(super) struct Limits {
    session: SessionId,
    clock: Clock,
    record: Mutex<LimitsRecord>,
    /// Who was added in the last day, oldest first: when, and how many. None until somebody has to know.
    used: tokio::sync::Mutex<Option<VecDeque<(i64, u32)>>>,
}

/// A share of what may be added, that was taken.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    at: i64,
    people: u32,
}

/// Why nobody can be added now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// Whether it is the limit of an hour; else of a day.
    pub hour: bool,
    /// When there is room again, epoch milliseconds.
    pub until: i64,
}

impl Limits {
    pub(super) fn new(session: SessionId, clock: Clock, record: LimitsRecord) -> Self {
        Self {
            session,
            clock,
            record: Mutex::new(record),
            used: tokio::sync::Mutex::default(),
        }
    }

    /// What the caller has set.
    pub(super) fn set(&self) -> AddLimits {
        self.record().limits
    }

    /// Sets it.
    pub(super) async fn change(&self, store: &Store, limits: AddLimits) -> Result<(), StoreError> {
        let record = LimitsRecord {
            limits,
            ..*self.record()
        };
        store.save_limits(&self.session, &record).await?;
        self.record().limits = limits;
        Ok(())
    }

    /// Until when WhatsApp is to be left alone, epoch milliseconds; none where it may be asked.
    pub(super) fn quiet_until(&self) -> Option<i64> {
        let until = self.record().quiet_until;
        until.filter(|until| *until > self.clock.now())
    }

    /// 429 while WhatsApp is to be left alone.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.quiet_until() {
            None => Ok(()),
            Some(until) => {
                let error = Error::new(Code::RateLimited, "WhatsApp asks to slow down");
                Err(error.retry_after(self.left(until)))
            }
        }
    }

    /// WhatsApp has asked to be left alone.
    pub(super) async fn slow_down(&self, store: &Store, pause: Option<Duration>) {
        let pause = pause.unwrap_or(PATIENCE).as_millis();
        let until = self.clock.now() + i64::try_from(pause).unwrap_or(DAY);
        let record = {
            let mut record = self.record();
            record.quiet_until = record.quiet_until.max(Some(until));
            *record
        };
        if let Err(error) = store.save_limits(&self.session, &record).await {
            tracing::warn!(session = %self.session, %error, "cannot save until when WhatsApp is to be left alone");
        }
    }

    /// Takes a share for a direct call that is about `people`.
    ///
    /// # Errors
    /// 429 with `budget` where that many may not be added now; the database failed.
    pub(super) async fn take_direct(
        &self,
        registry: &Registry,
        people: u32,
    ) -> Result<Option<Taken>, Error> {
        let AddLimits {
            per_hour, per_day, ..
        } = self.set();
        let mut used = self.used.lock().await;
        if per_hour.is_none() && per_day.is_none() && used.is_none() {
            return Ok(None);
        }
        let used = self.load(&mut used, registry).await?;
        let now = self.clock.now();
        for (budget, span, most) in [
            ("addsPerDay", DAY, per_day),
            ("addsPerHour", HOUR, per_hour),
        ] {
            if let Some(until) = most.and_then(|most| full_until(used, now, span, most, people)) {
                let message = "the session may not add so many people now";
                return Err(Error::over_budget(budget, message, self.left(until)));
            }
        }
        Ok(Some(take(used, now, people)))
    }

    /// Takes a share for an addition at this pace, of `people` or as many as there is room for.
    ///
    /// # Errors
    /// The database failed.
    pub(super) async fn take_paced(
        &self,
        registry: &Registry,
        pace: &Pace,
        people: u32,
    ) -> Result<Result<Taken, Spent>, StoreError> {
        let mut used = self.used.lock().await;
        let used = self.load(&mut used, registry).await?;
        let now = self.clock.now();
        let mut room = people;
        for (hour, span, most) in [(false, DAY, pace.per_day), (true, HOUR, pace.per_hour)] {
            if let Some(until) = full_until(used, now, span, most, 1) {
                return Ok(Err(Spent { hour, until }));
            }
            room = room.min(most - in_span(used, now, span));
        }
        Ok(Ok(take(used, now, room)))
    }

    /// Gives back a share that was not used, if one was taken.
    pub(super) async fn give_back(&self, taken: Option<Taken>) {
        let Some(taken) = taken else {
            return;
        };
        let mut used = self.used.lock().await;
        let share = used
            .iter_mut()
            .flatten()
            .find(|(at, people)| *at == taken.at && *people >= taken.people);
        if let Some((_, people)) = share {
            *people -= taken.people;
        }
    }

    async fn load<'u>(
        &self,
        used: &'u mut Option<VecDeque<(i64, u32)>>,
        registry: &Registry,
    ) -> Result<&'u mut VecDeque<(i64, u32)>, StoreError> {
        let since = self.clock.now() - DAY;
        let used = match used {
            Some(used) => used,
            None => {
                // What was refused by now does not count.
                registry.actions.save(&registry.store).await?;
                let adds = registry.store.adds_since(&self.session, since).await?;
                used.insert(adds.into())
            }
        };
        while used.front().is_some_and(|(at, _)| *at <= since) {
            used.pop_front();
        }
        Ok(used)
    }

    fn left(&self, until: i64) -> Duration {
        let left = u64::try_from(until - self.clock.now()).unwrap_or(0);
        Duration::from_millis(left)
    }

    // A panic elsewhere can't leave it half written: each write is one assignment.
    fn record(&self) -> MutexGuard<'_, LimitsRecord> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// How many people it is for.
    #[must_use]
    pub const fn people(&self) -> u32 {
        self.people
    }
}

fn take(used: &mut VecDeque<(i64, u32)>, at: i64, people: u32) -> Taken {
    used.push_back((at, people));
    Taken { at, people }
}

fn in_span(used: &VecDeque<(i64, u32)>, now: i64, span: i64) -> u32 {
    let adds = used.iter().filter(|(at, _)| *at > now - span);
    adds.fold(0, |sum, (_, people)| sum.saturating_add(*people))
}

/// When there is room for `people` more; none where there is. There never is for more than `most`: then when all that is
/// used has passed.
fn full_until(
    used: &VecDeque<(i64, u32)>,
    now: i64,
    span: i64,
    most: u32,
    people: u32,
) -> Option<i64> {
    let mut left = in_span(used, now, span).saturating_add(people);
    if left <= most {
        return None;
    }
    let mut until = now + span;
    for (at, people) in used.iter().filter(|(at, _)| *at > now - span) {
        until = at + span;
        left = left.saturating_sub(*people);
        if left <= most {
            break;
        }
    }
    Some(until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_comes_back_as_time_passes() {
        let used: VecDeque<_> = [(0, 3), (10, 2), (20, 5)].into();
        for (now, most, people, until) in [
            (30, 10, 0, None),
            (30, 11, 1, None),
            (30, 10, 1, Some(100)),
            (30, 10, 4, Some(110)),
            (30, 10, 6, Some(120)),
            // Never, in truth.
            (30, 10, 11, Some(120)),
            (100, 10, 3, None),
            (109, 10, 4, Some(110)),
            (200, 10, 10, None),
            (200, 10, 11, Some(300)),
        ] {
            let told = full_until(&used, now, 100, most, people);
            assert_eq!(told, until, "{now} {most} {people}");
        }
    }
}
