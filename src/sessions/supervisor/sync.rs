//! Keeping a connected session's groups fresh: in memory first, which the next call reads, then in the database (see
//! [`super::recording`]).
//!
//! A change that is news (see [`super::clocks`]) is applied; any other makes the gateway ask WhatsApp for the group. A
//! query and the notifications around it can overtake each other on their way here: what comes while a group is being
//! asked for makes for one more question.
//!
//! The account's own adds come back as notifications too. Nothing is recorded from the answers to its calls.

use std::mem;
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::super::roles::{Account, Roles, Then};
use super::super::settling::{Creation, Unsettled};
use super::super::view::Online;
use super::commands::Reply;
use super::recording::Synced;
use super::state::{Fetch, Input, PATIENCE, SyncFailure};
use super::{Done, Supervisor};
use crate::group::{GroupChange, GroupInfo};
use crate::jid::{ActionId, GroupJid};
use crate::store::{self, StoreError};
use crate::whatsapp::CallError;

impl Supervisor {
    /// A group has changed, at WhatsApp's time `at`.
    pub(super) async fn group_event(&mut self, gid: GroupJid, change: GroupChange, at: i64) {
        let news = self.clocks.is_news(&gid, &change, at);
        if self.state.sync != Fetch::Idle {
            self.changed.insert(gid.clone());
        }
        let Some(online) = self.online.clone() else {
            return;
        };
        self.questions.changed(&gid);
        let then = if news {
            online.roles.apply(&online.account, &gid, &change)
        } else {
            Then::Ask
        };
        match then {
            Then::Ask => self.ask_for(gid),
            Then::Record => self.record_change(gid, change),
        }
    }

    /// All groups were fetched, or not. The session is `working` once they are recorded.
    pub(in crate::sessions) async fn synced(
        &mut self,
        groups: Result<Vec<GroupInfo>, CallError>,
        turn: Option<OwnedSemaphorePermit>,
    ) {
        let failure = match groups {
            Ok(groups) => match self.go_online() {
                Some(online) => return self.record_all(online, groups, turn),
                None => SyncFailure::Unavailable,
            },
            Err(error) => self.not_told(&error),
        };
        self.take_logged(Input::SyncFailed(failure)).await;
    }

    /// Why all groups could not be had.
    fn not_told(&mut self, error: &CallError) -> SyncFailure {
        tracing::warn!(session = %self.record.id, %error, "cannot fetch the groups");
        match error {
            CallError::Refused { code: 429, backoff } => {
                let pause = backoff.unwrap_or(PATIENCE);
                self.questions.silence(pause);
                SyncFailure::RateLimited(pause)
            }
            _ => SyncFailure::Unavailable,
        }
    }

    fn record_all(
        &mut self,
        online: Arc<Online>,
        groups: Vec<GroupInfo>,
        turn: Option<OwnedSemaphorePermit>,
    ) {
        online.roles.replace(&online.account, &groups);
        self.settle_all(&groups);
        self.settle_creations(&online.account, &groups);
        self.questions.all_answered();
        self.recording.sync = Some(Synced {
            online,
            _turn: turn,
        });
        self.recording.waiting().replace(groups);
        self.write_again();
    }

    /// All groups are in memory and in the database.
    pub(super) async fn sync_recorded(&mut self) {
        let Some(Synced { online, .. }) = self.recording.sync.take() else {
            return;
        };
        let untold = online.roles.untold();
        self.online = Some(online);
        self.record.groups_synced_at = Some(store::now());
        // What changed meanwhile may be newer than the answer.
        let changed = mem::take(&mut self.changed);
        for gid in changed.into_iter().chain(untold) {
            self.questions.add(gid);
        }
        self.ask();
        self.take_logged(Input::Synced).await;
        if !self.creations.is_empty() {
            self.behind(&CallError::Unanswered).await;
        }
    }

    /// Works with what WhatsApp told where that cannot be written, and with the roles of the last sync, out of the database,
    /// where it does not hand out the groups. One that is wrong by now is found out when WhatsApp refuses an act.
    pub(super) async fn recall(&mut self) -> Result<(), StoreError> {
        if let Some(Synced { online, .. }) = &self.recording.sync {
            self.online = Some(Arc::clone(online));
            self.take_logged(Input::Recalled).await;
            return Ok(());
        }
        let Some(online) = self.go_online() else {
            return Ok(());
        };
        let Account { jid, lid } = &online.account;
        let store = &self.registry.store;
        let roles = store
            .stored_roles(&self.record.id, (jid, lid.as_ref()))
            .await?;
        if !roles.is_empty() {
            online.roles.recall(roles);
            self.online = Some(online);
            self.take_logged(Input::Recalled).await;
        }
        Ok(())
    }

    /// What is in memory of the session while it is `working`; none without a client or an account.
    fn go_online(&self) -> Option<Arc<Online>> {
        let account = self.account()?;
        match &self.online {
            // It knows itself by the same names as before: go on with it, calls are using it.
            Some(online) if online.account == account => Some(Arc::clone(online)),
            _ => Some(Arc::new(Online {
                connection: self.connection()?,
                account,
                roles: Roles::default(),
            })),
        }
    }

    /// Asks WhatsApp for a group, as soon as the queue allows.
    pub(super) fn ask_for(&mut self, gid: GroupJid) {
        self.questions.add(gid);
        self.ask();
    }

    /// Sends the questions that may be sent now.
    pub(super) fn ask(&mut self) {
        let Some(online) = self.online.clone() else {
            return;
        };
        while let Some(gid) = self.questions.next() {
            self.clocks.asked(&gid);
            let connection = Arc::clone(&online.connection);
            self.jobs.spawn(async move {
                let group = connection.group(&gid).await;
                Done::Group(gid, group)
            });
        }
    }

    /// WhatsApp has told of a group that was asked for, or not.
    pub(super) async fn answered(&mut self, gid: GroupJid, group: Result<GroupInfo, CallError>) {
        let Some(online) = self.online.clone() else {
            return;
        };
        match group {
            Ok(group) => {
                online.roles.set(&online.account, &group);
                self.questions.answered(gid.clone());
                self.settle(gid, Some(&group));
                self.recording.waiting().tell(group);
                self.write();
            }
            // Not a member any more, or no such group (whatsapp-rust's and whatsmeow's reading of these codes).
            Err(CallError::Refused {
                code: 403 | 404, ..
            }) => {
                online.roles.remove(&gid);
                self.recording.waiting().remove(gid.clone());
                self.write();
                self.questions.answered(gid.clone());
                self.settle(gid, None);
            }
            Err(CallError::Refused { code: 429, backoff }) => {
                let pause = backoff.unwrap_or(PATIENCE);
                self.questions.silence(pause);
                self.questions.put_back(&gid);
                self.pause(pause, Done::Quiet);
            }
            Err(CallError::Unanswered | CallError::NotConnected) => {
                self.questions.given_up(&gid);
                self.behind(&CallError::Unanswered).await;
            }
            // What is known stays: asking again would bring the same.
            Err(error) => {
                tracing::warn!(session = %self.record.id, %error, "cannot learn about a group");
                self.questions.given_up(&gid);
            }
        }
        self.ask();
    }

    /// Takes in a group that WhatsApp has told of when it was made or joined.
    pub(super) fn learn(&mut self, group: GroupInfo, learned: Reply<()>) {
        if let Some(online) = &self.online {
            online.roles.set(&online.account, &group);
        }
        self.recording.waiting().tell(group);
        self.recording.learned.push(learned);
        self.write_again();
    }

    /// What became of an action on a group is not known.
    pub(in crate::sessions) fn unsettled(&mut self, gid: GroupJid, action: ActionId) {
        if self.state.sync != Fetch::Idle {
            // The answer may be from before.
            self.changed.insert(gid.clone());
        }
        self.unsettled.entry(gid).or_default().push(action);
    }

    /// Whether a group was made is not known.
    pub(in crate::sessions) fn unsettled_creation(&mut self, mut creation: Creation) {
        creation.asked_before = self.state.sync != Fetch::Idle;
        self.creations.push(creation);
    }

    /// Settles whether groups were made, now that WhatsApp has told of all.
    fn settle_creations(&mut self, account: &Account, groups: &[GroupInfo]) {
        for mut creation in mem::take(&mut self.creations) {
            let found = creation.found(account, groups);
            if found.is_none() && creation.asked_before {
                // The next answer tells.
                creation.asked_before = false;
                self.creations.push(creation);
                continue;
            }
            self.registry.settle(Unsettled {
                session: self.record.id.clone(),
                actions: vec![creation.action.clone()],
                group: found.cloned(),
            });
        }
    }

    /// Settles what is not known of a group, which is as WhatsApp has told; none, where the account is not in it. An answer
    /// that may be from before the action settles nothing: the group is asked for once more.
    fn settle(&mut self, gid: GroupJid, group: Option<&GroupInfo>) {
        if self.questions.is_open(&gid) {
            return;
        }
        if let Some(actions) = self.unsettled.remove(&gid) {
            self.registry.settle(Unsettled {
                session: self.record.id.clone(),
                actions,
                group: group.cloned(),
            });
        }
    }

    /// The same for all groups, of which WhatsApp has told.
    fn settle_all(&mut self, groups: &[GroupInfo]) {
        let open: Vec<_> = self.unsettled.keys().cloned().collect();
        for gid in open {
            let group = groups.iter().find(|group| group.gid == gid);
            match group {
                // Asked for once all is recorded.
                _ if self.changed.contains(&gid) => {}
                Some(bare) if bare.participants.is_none() => drop(self.changed.insert(gid)),
                group => self.settle(gid, group),
            }
        }
    }

    /// Something about the groups was missed: everything is fetched anew, while the session goes on working.
    pub(super) async fn behind(&mut self, error: &(dyn std::error::Error + Sync)) {
        tracing::warn!(session = %self.record.id, error = %error, "missed a change of a group");
        self.take_logged(Input::Behind).await;
    }
}
