//! Writing behind: what is known of the groups is in memory at once, and in the database as soon as that keeps up. What
//! comes while it writes is folded into the next write. What could not be written waits and is written again; WhatsApp is
//! not asked again for it.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::{JoinError, JoinSet};

use super::super::view::Online;
use super::commands::Reply;
use super::state::{Input, SyncFailure};
use super::{Done, Supervisor};
use crate::group::GroupChange;
use crate::jid::GroupJid;
use crate::store::{self, GroupWrites, StoreError};

/// Changes of one group that may wait to be written. With more it is cheaper to ask WhatsApp for the group.
const CHANGES: usize = 1000;

/// The pause between two writes of changes. What comes meanwhile is folded: an SQLite database has one writer, and the
/// record of an action, which its caller waits for, does not have to wait for one change after the other.
const LINGER: Duration = Duration::from_millis(100);

/// The pause before changes that could not be written are written again. For a sync the state machine has its own.
const PAUSE: Duration = Duration::from_secs(1);

/// What has been written, or not, and the groups that had to be known for it.
pub(super) type Recorded = (GroupWrites, Result<Vec<GroupJid>, StoreError>);

/// What is to be written, and the job that writes.
#[derive(Default)]
pub(super) struct Recording {
    waiting: GroupWrites,
    job: JoinSet<Recorded>,
    /// The last write failed: nothing is written until its pause is over.
    held: bool,
    /// A write has ended just now: the next one lets changes gather.
    lingering: bool,
    /// Who waits until what is in `waiting` is written, and who until what is being written is.
    pub(super) learned: Vec<Reply<()>>,
    writing: Vec<Reply<()>>,
    /// There from the answer with all groups until it is written.
    pub(super) sync: Option<Synced>,
}

/// A sync that is to be written.
pub(super) struct Synced {
    /// What is in memory of it.
    pub(super) online: Arc<Online>,
    /// Its place among the syncs that are under way at once.
    pub(super) _turn: Option<OwnedSemaphorePermit>,
}

impl Recording {
    /// The end of the write under way; never without one.
    pub(super) async fn next(&mut self) -> Option<Result<Recorded, JoinError>> {
        self.job.join_next().await
    }

    /// Whether the answer with all groups waits to be written.
    pub(super) fn is_sync_waiting(&self) -> bool {
        self.waiting.is_sync()
    }

    /// What waits, to add to it.
    pub(super) fn waiting(&mut self) -> &mut GroupWrites {
        &mut self.waiting
    }

    /// Drops everything: the next connection begins with all groups.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Supervisor {
    /// Has a change recorded; asks for the group where too many wait already.
    pub(super) fn record_change(&mut self, gid: GroupJid, change: GroupChange) {
        if self.recording.waiting.changes_of(&gid) < CHANGES {
            self.recording.waiting.change(gid, change);
            self.write();
        } else {
            self.ask_for(gid);
        }
    }

    /// Writes what waits, unless a write is under way.
    pub(super) fn write(&mut self) {
        let Recording {
            waiting,
            job,
            held,
            lingering,
            learned,
            writing,
            ..
        } = &mut self.recording;
        if *held || *lingering || waiting.is_empty() || !job.is_empty() {
            return;
        }
        let writes = mem::take(waiting);
        writing.append(learned);
        let store = self.registry.store.clone();
        let session = self.record.id.clone();
        job.spawn(async move {
            let recorded = store.record_groups(&session, &writes, store::now()).await;
            (writes, recorded)
        });
    }

    /// Writes what could not be written, or what is not to wait.
    pub(super) fn write_again(&mut self) {
        self.recording.held = false;
        self.recording.lingering = false;
        self.write();
    }

    /// Writes what has gathered.
    pub(super) fn lingered(&mut self) {
        self.recording.lingering = false;
        self.write();
    }

    /// A write has ended.
    pub(super) async fn recorded(&mut self, (writes, recorded): Recorded) {
        let is_sync = writes.is_sync();
        match recorded {
            Ok(unknown) => {
                for learned in self.recording.writing.drain(..) {
                    let _ = learned.send(Ok(()));
                }
                for gid in unknown {
                    self.ask_for(gid);
                }
                if is_sync {
                    self.sync_recorded().await;
                }
                self.recording.lingering = true;
                self.pause(LINGER, Done::Lingered);
            }
            Err(error) if error.is_outage() => {
                tracing::warn!(session = %self.record.id, %error, "cannot store what changed of the groups; trying again");
                let later = mem::replace(&mut self.recording.waiting, writes);
                self.recording.waiting.then(later);
                self.recording.held = true;
                match &mut self.recording.sync {
                    Some(sync) if self.recording.waiting.is_sync() => {
                        // Others need not wait for the database to come back.
                        sync._turn = None;
                        self.take_logged(Input::SyncFailed(SyncFailure::Storage))
                            .await;
                    }
                    _ => self.pause(PAUSE, Done::Rewrite),
                }
            }
            // Writing it again would bring the same.
            Err(error) if is_sync => {
                tracing::error!(session = %self.record.id, %error, "cannot store the groups");
                self.recording.sync = None;
                self.take_logged(Input::SyncFailed(SyncFailure::Storage))
                    .await;
            }
            Err(error) => self.behind(&error).await,
        }
    }
}
