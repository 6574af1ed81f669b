//! Sessions: the registry of all of them, and one supervisor task for each.

mod access;
mod acting;
#[cfg(test)]
pub(crate) mod fake;
mod inviting;
mod limits;
mod pairing;
mod passkey;
mod roles;
mod saving;
mod settling;
mod supervisor;
mod unlinking;
mod verdict;
mod view;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

pub use crate::whatsapp::PasskeyAssertion;
pub use access::{Changes, OwnedSession};
pub use acting::Asker;

use crate::clock::Clock;
use crate::error::Error;
use crate::jid::SessionId;
use crate::store::{
    ActionRecord, ActionStatus, Earlier, IdempotencyKey, LimitsRecord, SessionRecord, Status,
    Store, StoreError,
};
use crate::whatsapp::Dialer;
use access::Entry;
use saving::Saving;
use settling::Creation;
use supervisor::Supervisor;
use supervisor::commands::Command;
use unlinking::Unlinkings;

/// How long all sessions together may take to close their connections.
const SHUTDOWN: Duration = Duration::from_secs(10);

/// Fetches of all groups that are under way at once.
const SYNCS: usize = 8;

/// Every session of every organization. Cheap to clone.
#[derive(Clone)]
pub struct Sessions(Arc<Registry>);

pub(crate) struct Registry {
    store: Store,
    dialer: Dialer,
    /// Longest to wait for WhatsApp's answer.
    whatsapp_timeout: Duration,
    clock: Clock,
    /// By id, which is by time of creation.
    entries: RwLock<BTreeMap<SessionId, Arc<Entry>>>,
    unlinkings: Unlinkings,
    saving: Saving<SessionRecord>,
    /// Actions that are completed.
    actions: Saving<ActionRecord>,
    /// Turns of those who fetch all groups: a thousand sessions that start together do not hold all of theirs in memory.
    syncs: Arc<Semaphore>,
}

/// A part of a list, and where the next part begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, K> {
    /// What is on it.
    pub items: Vec<T>,
    /// The key of its last item, unless the list ends with it.
    pub next: Option<K>,
}

impl<T, K> Page<T, K> {
    /// Makes a page of at most `limit` items out of one item more, by which it is seen that there are more.
    #[must_use]
    pub fn of(mut items: Vec<T>, limit: u32, key: impl Fn(&T) -> K) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(key);
        Self { items, next }
    }
}

impl Sessions {
    /// Reads all sessions from `store` and connects those that were started, whatever ended the process before. A request
    /// waits at most `whatsapp_timeout` for WhatsApp.
    ///
    /// # Errors
    /// The database failed, or holds what this version cannot read.
    pub async fn load(
        store: Store,
        dialer: Dialer,
        whatsapp_timeout: Duration,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let mut limits: HashMap<_, _> = store.all_limits().await?.into_iter().collect();
        let records = store.all_sessions().await?;
        let unlinkings = store.unlinkings().await?;
        let mut open = store.open_actions().await?;
        // Those that were under way when an earlier process ended.
        let mut broken_off = Vec::new();
        for action in &mut open {
            if action.status == ActionStatus::Running {
                action.complete(ActionStatus::Unknown);
                broken_off.push(action.clone());
            }
        }
        store.save_actions(&broken_off).await?;
        // An earlier process may have been killed before it did.
        store.empty_log();
        let registry = Arc::new(Registry {
            store,
            dialer,
            whatsapp_timeout,
            clock,
            entries: RwLock::default(),
            unlinkings: Unlinkings::default(),
            saving: Saving::default(),
            actions: Saving::default(),
            syncs: Arc::new(Semaphore::new(SYNCS)),
        });
        registry.start_saving(|registry| &registry.saving);
        registry.start_saving(|registry| &registry.actions);
        for record in records {
            let unsettled = open.extract_if(.., |action| action.session == record.id);
            let unsettled = unsettled.collect::<Vec<_>>();
            let limits = limits.remove(&record.id).unwrap_or_default();
            registry.add(record, unsettled, limits);
        }
        for device in unlinkings {
            registry.unlink(device);
        }
        Ok(Self(registry))
    }

    /// Closes all connections in bounded time. Who was started stays so, for the next [`Sessions::load`].
    pub async fn shutdown(&self) {
        let mut closing = JoinSet::new();
        let registry = Arc::clone(&self.0);
        closing.spawn(async move { registry.unlinkings.shutdown().await });
        for entry in self.0.read().values() {
            let commands = entry.commands.clone();
            closing.spawn(async move {
                let (done, ended) = oneshot::channel();
                // A supervisor that has ended has nothing to close.
                if commands.send(Command::Shutdown(done)).await.is_ok() {
                    let _ = ended.await;
                }
            });
        }
        if timeout(SHUTDOWN, closing.join_all()).await.is_err() {
            tracing::warn!("not every session closed its connection in time");
        }
        let Registry {
            saving,
            actions,
            store,
            ..
        } = &*self.0;
        for saved in [saving.save(store).await, actions.save(store).await] {
            if let Err(error) = saved {
                tracing::error!(%error, "cannot save what is left");
            }
        }
    }

    /// Creates a session for an organization; `start` connects it at once. A repetition, by its key, gives the session that
    /// was created, as it is now.
    ///
    /// # Errors
    /// 409 for the key of another request, or of a session that is gone; the database failed.
    pub async fn create(
        &self,
        organization_id: &str,
        created_by_user_id: Option<&str>,
        label: Option<String>,
        start: bool,
        key: Option<IdempotencyKey>,
    ) -> Result<SessionRecord, Error> {
        let mut record = SessionRecord {
            created_by_user_id: created_by_user_id.map(ToOwned::to_owned),
            label,
            started: start,
            ..SessionRecord::new(organization_id)
        };
        if start {
            record.status = Status::Connecting;
        }
        let registry = Arc::clone(&self.0);
        // A task, so that a caller who goes away leaves no row without a supervisor.
        let created = tokio::spawn(async move {
            match &key {
                None => registry.store.insert_session(&record).await?,
                Some(key) => {
                    if let Some(earlier) = registry.store.begin_session(&record, key).await? {
                        return registry.created_before(&earlier, key);
                    }
                }
            }
            registry.add(record.clone(), Vec::new(), LimitsRecord::default());
            Ok(record)
        });
        created.await.map_err(Error::internal)?
    }

    /// The session `id` of an organization: the only way to get hold of one.
    ///
    /// # Errors
    /// 404 `session` where it does not exist or belongs to another organization, whatever `id` looks like.
    pub fn owned(&self, organization_id: &str, id: &str) -> Result<OwnedSession, Error> {
        let found = id.parse::<SessionId>().ok().and_then(|id| {
            let entry = Arc::clone(self.0.read().get(&id)?);
            Some((id, entry))
        });
        match found {
            Some((id, entry)) if entry.organization_id == organization_id => Ok(OwnedSession {
                id,
                entry,
                registry: Arc::clone(&self.0),
            }),
            _ => Err(Error::not_found("session")),
        }
    }

    /// The session `id`, for a background job that belongs to it; none where it is gone.
    #[must_use]
    pub fn of_job(&self, id: &SessionId) -> Option<OwnedSession> {
        let entry = Arc::clone(self.0.read().get(id)?);
        Some(OwnedSession {
            id: id.clone(),
            entry,
            registry: Arc::clone(&self.0),
        })
    }

    /// The sessions of an organization, oldest first, at most `limit` of them, those after the id `after`.
    #[must_use]
    pub fn list(
        &self,
        organization_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Page<SessionRecord, SessionId> {
        let entries = self.0.read();
        let records = entries
            .iter()
            .filter(|(id, _)| after.is_none_or(|after| id.as_str() > after))
            .filter(|(_, entry)| entry.organization_id == organization_id)
            .take(
                usize::try_from(limit)
                    .unwrap_or(usize::MAX)
                    .saturating_add(1),
            )
            .map(|(_, entry)| entry.view.borrow().record.clone())
            .collect();
        Page::of(records, limit, |record: &SessionRecord| record.id.clone())
    }
}

impl Registry {
    /// Puts a session under supervision.
    fn add(
        self: &Arc<Self>,
        record: SessionRecord,
        unsettled: Vec<ActionRecord>,
        limits: LimitsRecord,
    ) {
        let id = record.id.clone();
        let (mut supervisor, entry) = Supervisor::new(Arc::clone(self), record, limits);
        for action in unsettled {
            if let Some(creation) = Creation::of(&action) {
                supervisor.unsettled_creation(creation);
            } else if let Some(gid) = action.shown_in() {
                supervisor.unsettled(gid.clone(), action.id);
            }
        }
        self.write().insert(id, Arc::new(entry));
        tokio::spawn(supervisor.run());
    }

    /// The session that the first request with this key has created.
    fn created_before(
        &self,
        earlier: &Earlier,
        key: &IdempotencyKey,
    ) -> Result<SessionRecord, Error> {
        let same = earlier.fingerprint == key.fingerprint;
        match self.read().get(&earlier.session) {
            Some(entry) if same => Ok(entry.view.borrow().record.clone()),
            _ => Err(Error::key_reused()),
        }
    }

    fn remove(&self, id: &SessionId) {
        self.write().remove(id);
    }

    fn contains(&self, id: &SessionId) -> bool {
        self.read().contains_key(id)
    }

    // A panic elsewhere can't leave the map half written: each write is one operation.
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<SessionId, Arc<Entry>>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<SessionId, Arc<Entry>>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod acting_tests;
#[cfg(test)]
mod tests;
