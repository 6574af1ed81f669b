//! Additions: background jobs that add people to a group, at a pace that is safe for the account.

mod runner;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::error::Error;
use crate::group::PersonOutcome;
use crate::groups;
use crate::jid::{AdditionId, GroupJid, PersonJid, SessionId};
use crate::pace::{Pace, PaceWish};
use crate::page::Page;
use crate::sessions::{OwnedSession, Sessions};
use crate::store::{AdditionRecord, AdditionStatus, Caller, IdempotencyKey, Store, StoreError};
use crate::words::words;

words! {
    /// What an addition waits for.
    HoldReason, "hold reason":
    /// The pause between two calls.
    Pause = "pause",
    /// What the account may add in an hour is used up.
    Hour = "hour",
    /// What the account may add in a day is used up.
    Day = "day",
    /// WhatsApp asks to slow down.
    RateLimited = "rate_limited",
    /// WhatsApp holds the account back from reaching out to strangers.
    TimeLock = "time_lock",
    /// The session is not connected.
    Disconnected = "disconnected",
    /// It is not known what became of the last call.
    Outcome = "outcome",
    /// An earlier addition of the session goes first.
    Queue = "queue",
}

/// What an addition waits for, and until when where that is known, epoch milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// What for.
    pub reason: HoldReason,
    /// Until when.
    pub until: Option<i64>,
}

/// An addition, and what it waits for, if it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    /// What is stored of it.
    pub record: AdditionRecord,
    /// What it waits for.
    pub hold: Option<Hold>,
}

/// All additions of all sessions. One task a session works through its additions, the oldest first.
#[derive(Clone)]
pub struct Additions(Arc<Jobs>);

struct Jobs {
    sessions: Sessions,
    store: Store,
    clock: Clock,
    /// The deployment's.
    pace: Pace,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tasks: JoinSet<()>,
    /// Wakes the task of a session.
    runners: HashMap<SessionId, Arc<Notify>>,
    holds: HashMap<AdditionId, Hold>,
}

impl Additions {
    /// Goes on with the additions that run.
    ///
    /// # Errors
    /// The database failed.
    pub async fn start(
        sessions: Sessions,
        store: Store,
        clock: Clock,
        pace: Pace,
    ) -> Result<Self, StoreError> {
        let adding = store.adding_sessions().await?;
        let additions = Self(Arc::new(Jobs {
            sessions,
            store,
            clock,
            pace,
            state: Mutex::default(),
        }));
        for session in adding {
            additions.wake(&session);
        }
        Ok(additions)
    }

    /// Ends the tasks, wherever they are: the next start goes on from the database. Actions under way have tasks of their
    /// own.
    pub async fn shutdown(&self) {
        let mut tasks = std::mem::take(&mut self.0.state().tasks);
        tasks.shutdown().await;
    }

    /// Begins an addition: at which pace at most, and whether those who can only be invited are. A repetition, by its key, gives the addition that was begun, as it is now.
    ///
    /// # Errors
    /// 404 `group` where the account is in no such group as far as is known; 409 for the key of another request; the database
    /// failed.
    pub async fn create(
        &self,
        session: &OwnedSession,
        gid: &GroupJid,
        people: Vec<PersonJid>,
        how: (PaceWish, bool),
        caller: Caller,
        key: Option<IdempotencyKey>,
    ) -> Result<Addition, Error> {
        groups::get(session, gid).await?;
        let addition = AdditionRecord::begun(session.id(), gid, people.len(), how, caller);
        let jobs = Arc::clone(&self.0);
        // A task, so that a caller who goes away leaves nothing half done.
        let begun = tokio::spawn(async move {
            let begun = jobs.store.begin_addition(&addition, &people, key.as_ref());
            Ok::<_, StoreError>((begun.await?, addition, key))
        });
        let (earlier, addition, key) = begun.await.map_err(Error::internal)??;
        let Some(earlier) = earlier else {
            self.wake(session.id());
            return self.with_hold(addition).await;
        };
        let same = key.is_some_and(|key| key.fingerprint == earlier.fingerprint);
        match earlier.action {
            Some(id) if same => self.get(session, gid, &id).await,
            _ => Err(Error::key_reused()),
        }
    }

    /// One addition to a group.
    ///
    /// # Errors
    /// 404 `group` or `addition`; the database failed.
    pub async fn get(
        &self,
        session: &OwnedSession,
        gid: &GroupJid,
        id: &str,
    ) -> Result<Addition, Error> {
        let record = self.record(session, gid, id).await?;
        self.with_hold(record).await
    }

    /// The same, with everybody whom it is about.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn progress(
        &self,
        session: &OwnedSession,
        gid: &GroupJid,
        id: &str,
    ) -> Result<(Addition, Vec<PersonOutcome>), Error> {
        let addition = self.get(session, gid, id).await?;
        let people = self.0.store.addition_people(&addition.record).await?;
        Ok((addition, people))
    }

    /// Additions to a group, the latest first: at most `limit` of them, those before the id `before`.
    ///
    /// # Errors
    /// 404 `group`; the database failed.
    pub async fn list(
        &self,
        session: &OwnedSession,
        gid: &GroupJid,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Page<Addition, AdditionId>, Error> {
        groups::get(session, gid).await?;
        let store = &self.0.store;
        let records = store
            .list_additions(session.id(), gid, before, limit.saturating_add(1))
            .await?;
        let page = Page::of(records, limit, |addition| addition.id.clone());
        let mut items = Vec::with_capacity(page.items.len());
        for record in page.items {
            items.push(self.with_hold(record).await?);
        }
        Ok(Page {
            items,
            next: page.next,
        })
    }

    /// Cancels the rest of an addition. One that has ended stays as it is.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn cancel(
        &self,
        session: &OwnedSession,
        gid: &GroupJid,
        id: &str,
    ) -> Result<Addition, Error> {
        let record = self.record(session, gid, id).await?;
        let store = &self.0.store;
        store
            .end_addition(&record, AdditionStatus::Canceled, None)
            .await?;
        self.wake(session.id());
        self.get(session, gid, id).await
    }

    async fn record(
        &self,
        session: &OwnedSession,
        gid: &GroupJid,
        id: &str,
    ) -> Result<AdditionRecord, Error> {
        groups::get(session, gid).await?;
        let unknown = || Error::not_found("addition");
        let id = id.parse().map_err(|_| unknown())?;
        let found = self.0.store.get_addition(session.id(), &id).await?;
        found
            .filter(|addition| addition.gid == *gid)
            .ok_or_else(unknown)
    }

    async fn with_hold(&self, record: AdditionRecord) -> Result<Addition, Error> {
        let mut hold = None;
        if record.status == AdditionStatus::Running {
            hold = self.0.state().holds.get(&record.id).copied();
            if hold.is_none() {
                let next = self.0.store.next_addition(&record.session).await?;
                let waits = next.is_some_and(|next| next.id != record.id);
                hold = waits.then_some(Hold {
                    reason: HoldReason::Queue,
                    until: None,
                });
            }
        }
        Ok(Addition { record, hold })
    }

    /// Has the task of a session look what there is to do.
    fn wake(&self, session: &SessionId) {
        let mut state = self.0.state();
        let State { tasks, runners, .. } = &mut *state;
        let called = runners.entry(session.clone()).or_insert_with(|| {
            let called = Arc::<Notify>::default();
            let run = Arc::clone(&self.0).run(session.clone(), Arc::clone(&called));
            tasks.spawn(run);
            called
        });
        called.notify_one();
    }
}

impl Jobs {
    // A panic elsewhere can't leave it half changed: each change is one operation.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
