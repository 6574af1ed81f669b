//! Background jobs that save records: the latest of each, many in one transaction. What nobody waits for goes this way, and
//! what could not be saved when somebody did.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use super::Registry;
use crate::jid::{ActionId, SessionId};
use crate::store::{ActionRecord, SessionRecord, Store, StoreError};

/// The pause before what could not be saved is saved again.
const RETRY: Duration = Duration::from_secs(1);

/// What is saved behind the backs of those who change it.
pub(super) trait Record: Clone + Send + Sync + 'static {
    /// What tells one from another.
    type Key: Clone + Eq + Hash + Send;
    /// What they are, for the log.
    const NAME: &'static str;
    /// How long one waits for others.
    const LINGER: Duration;

    fn key(&self) -> Self::Key;

    /// Saves all or none. The database keeps the latest of each, in whatever order they come.
    fn save(store: &Store, records: &[Self])
    -> impl Future<Output = Result<(), StoreError>> + Send;
}

impl Record for SessionRecord {
    type Key = SessionId;
    const NAME: &'static str = "sessions";
    /// A thousand sessions that come back together cost a few transactions.
    const LINGER: Duration = Duration::from_millis(500);

    fn key(&self) -> SessionId {
        self.id.clone()
    }

    async fn save(store: &Store, records: &[Self]) -> Result<(), StoreError> {
        store.update_sessions(records).await
    }
}

impl Record for ActionRecord {
    type Key = ActionId;
    const NAME: &'static str = "actions";
    /// Short: what begins meanwhile waits for the write of these.
    const LINGER: Duration = Duration::from_millis(50);

    fn key(&self) -> ActionId {
        self.id.clone()
    }

    async fn save(store: &Store, records: &[Self]) -> Result<(), StoreError> {
        store.save_actions(records).await
    }
}

/// The records that wait.
pub(super) struct Saving<R: Record> {
    waiting: Mutex<HashMap<R::Key, R>>,
    called: Arc<Notify>,
    /// Held over each write: who wants what waits to be saved waits for the write under way too.
    turn: tokio::sync::Mutex<()>,
}

impl<R: Record> Default for Saving<R> {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            called: Arc::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }
}

impl<R: Record> Saving<R> {
    /// Has a record saved soon.
    pub(super) fn later(&self, record: &R) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert(record.key(), record.clone());
        self.called.notify_one();
    }

    /// Saves all that waits, or keeps it for the next time.
    pub(super) async fn save(&self, store: &Store) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        let records: Vec<R> = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *waiting).into_values().collect()
        };
        let saved = R::save(store, &records).await;
        if saved.is_err() {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            for record in records {
                waiting.entry(record.key()).or_insert(record);
            }
        }
        saved
    }
}

impl<R: Record> Drop for Saving<R> {
    fn drop(&mut self) {
        self.called.notify_one();
    }
}

impl Registry {
    /// The job for the records that `saving` holds. It ends with the registry.
    pub(super) fn start_saving<R: Record>(self: &Arc<Self>, saving: fn(&Self) -> &Saving<R>) {
        let called = Arc::clone(&saving(self).called);
        let registry = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                called.notified().await;
                sleep(R::LINGER).await;
                let Some(registry) = registry.upgrade() else {
                    return;
                };
                if let Err(error) = saving(&registry).save(&registry.store).await {
                    tracing::error!(%error, "cannot save the {}; trying again", R::NAME);
                    sleep(RETRY).await;
                    called.notify_one();
                }
            }
        });
    }
}
