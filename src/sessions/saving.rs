//! A background job that saves the records of sessions: the latest of each, many in one transaction. What nobody waits for
//! goes this way, and what could not be saved when somebody did.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use super::Registry;
use crate::jid::SessionId;
use crate::store::{SessionRecord, Store, StoreError};

/// How long a record waits for others. A thousand sessions that come back together cost a few transactions.
const LINGER: Duration = Duration::from_millis(500);

/// The records that wait.
#[derive(Default)]
pub(super) struct Saving {
    waiting: Mutex<HashMap<SessionId, SessionRecord>>,
    called: Arc<Notify>,
}

impl Saving {
    /// Has a record saved soon. The database keeps the latest, in whatever order they come.
    pub(super) fn later(&self, record: &SessionRecord) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert(record.id.clone(), record.clone());
        self.called.notify_one();
    }

    /// Saves all that waits, or keeps it for the next time.
    pub(super) async fn save(&self, store: &Store) -> Result<(), StoreError> {
        let records = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *waiting)
        };
        let saved = store.update_sessions(records.values()).await;
        if saved.is_err() {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            for (id, record) in records {
                waiting.entry(id).or_insert(record);
            }
        }
        saved
    }
}

impl Drop for Saving {
    fn drop(&mut self) {
        self.called.notify_one();
    }
}

impl Registry {
    /// The job. It ends with the registry.
    pub(super) fn start_saving(self: &Arc<Self>) {
        let called = Arc::clone(&self.saving.called);
        let registry = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                called.notified().await;
                sleep(LINGER).await;
                let Some(registry) = registry.upgrade() else {
                    return;
                };
                if let Err(error) = registry.saving.save(&registry.store).await {
                    tracing::error!(%error, "cannot save the sessions; trying again");
                    called.notify_one();
                }
            }
        });
    }
}
