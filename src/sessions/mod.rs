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
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

pub use crate::whatsapp::PasskeyAssertion;
pub use access::{Changes, OwnedSession};
pub use acting::Asker;

use crate::clock::Clock;
use crate::error::Error;
use crate::jid::SessionId;
use crate::page::Page;
use crate::permits::{Allowances, Permit};
use crate::store::{
    ActionRecord, ActionStatus, Earlier, IdempotencyKey, LimitsRecord, SessionRecord, Status,
    Store, StoreError,
};
use crate::whatsapp::Dialer;
use access::Entry;
use pairing::PairingCodes;
use saving::Saving;
use settling::Creation;
use supervisor::Supervisor;
use supervisor::commands::Command;
use unlinking::Unlinkings;

/// When whoever has too many sessions may ask again: somebody has to delete one, which takes its time.
const FULL: Duration = Duration::from_secs(60);

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
    /// How many sessions each organization may have.
    places: Allowances<String>,
    pairing_codes: PairingCodes,
}

/// What one organization may have of sessions, and ask of them.
#[derive(Debug, Clone, Copy)]
pub struct Allowed {
    /// Sessions.
    pub sessions: usize,
    /// Pairing codes within an hour, for one session and for one number.
    pub pairing_codes_per_hour: NonZeroU32,
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
        allowed: Allowed,
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
            places: Allowances::new(allowed.sessions),
            pairing_codes: PairingCodes::new(allowed.pairing_codes_per_hour),
        });
        registry.start_saving(|registry| &registry.saving);
        registry.start_saving(|registry| &registry.actions);
        for record in records {
            let unsettled = open.extract_if(.., |action| action.session == record.id);
            let unsettled = unsettled.collect::<Vec<_>>();
            let limits = limits.remove(&record.id).unwrap_or_default();
            // Whoever has more than is allowed keeps them, and gets no further ones.
            let place = registry.place(&record.organization_id);
            registry.add(record, unsettled, limits, place);
        }
        for device in unlinkings {
            registry.unlink(device);
        }
        Ok(Self(registry))
    }

    /// Closes all connections before `end`, with a part of the time for saving what is left. Who was started stays so, for
    /// the next [`Sessions::load`].
    pub async fn shutdown(&self, end: Instant) {
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
        let left = end.saturating_duration_since(Instant::now());
        if timeout(left / 2, closing.join_all()).await.is_err() {
            tracing::warn!("not every session closed its connection in time");
        }
        let Registry {
            saving,
            actions,
            store,
            ..
        } = &*self.0;
        let save = async { [saving.save(store).await, actions.save(store).await] };
        match timeout_at(end, save).await {
            Ok(saved) => {
                for error in saved.into_iter().filter_map(Result::err) {
                    tracing::error!(%error, "cannot save what is left");
                }
            }
            Err(_) => tracing::error!("cannot save what is left in time"),
        }
    }

    /// Creates a session for an organization; `start` connects it at once. A repetition, by its key, gives the session that
    /// was created, as it is now.
    ///
    /// # Errors
    /// 429 where the organization has as many as it may; 409 for the key of another request, or of a session that is gone;
    /// the database failed.
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
            let Some(place) = registry.place(&record.organization_id) else {
                return registry.no_place(key.as_ref()).await;
            };
            match &key {
                None => registry.store.insert_session(&record).await?,
                Some(key) => {
                    if let Some(earlier) = registry.store.begin_session(&record, key).await? {
                        return registry.created_before(&earlier, key);
                    }
                }
            }
            registry.add(
                record.clone(),
                Vec::new(),
                LimitsRecord::default(),
                Some(place),
            );
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
        place: Option<Permit>,
    ) {
        let id = record.id.clone();
        let (mut supervisor, mut entry) = Supervisor::new(Arc::clone(self), record, limits);
        entry.place = place;
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

    fn place(&self, organization_id: &str) -> Option<Permit> {
        self.places.of(organization_id).take(1)
    }

    /// The answer where there is no place for a further session: a repetition asks for none.
    async fn no_place(&self, key: Option<&IdempotencyKey>) -> Result<SessionRecord, Error> {
        if let Some(key) = key
            && let Some(earlier) = self.store.find_key(key).await?
        {
            return self.created_before(&earlier, key);
        }
        let message = "the organization has as many sessions as it may; delete one first";
        Err(Error::over_budget("sessionsPerOrganization", message, FULL))
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
