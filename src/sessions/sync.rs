//! Keeping a connected session's groups fresh: in memory first, which the next call reads, then in the database.
//!
//! A query and the notifications around it can overtake each other on their way here. So changes that come while a query
//! is under way are applied again on top of its answer: each says how something is now, so that replaying them in order
//! over an answer from before, between or after them ends in the same.
//!
//! The account's own adds come back as notifications too. Nothing is recorded from the answers to its calls.

use std::mem;
use std::sync::Arc;

use super::live::Live;
use super::roles::{Roles, Then};
use super::state::Input;
use super::supervisor::{Done, Supervisor};
use crate::jid::GroupJid;
use crate::store;
use crate::whatsapp::{CallError, GroupChange, GroupInfo};

impl Supervisor {
    /// A group has changed.
    pub(super) async fn group_event(&mut self, gid: GroupJid, change: GroupChange) {
        if self.state.syncing {
            self.unsynced.push((gid.clone(), change.clone()));
        }
        self.apply(gid, change).await;
    }

    /// All groups were fetched: the session is `working` once they are here.
    pub(super) async fn synced(&mut self, groups: Result<Vec<GroupInfo>, CallError>) {
        let input = match self.record_all(groups).await {
            Ok(()) => Input::Synced,
            Err(error) => {
                tracing::warn!(session = %self.record.id, %error, "cannot fetch the groups");
                Input::SyncFailed
            }
        };
        self.take_logged(input).await;
    }

    async fn record_all(
        &mut self,
        groups: Result<Vec<GroupInfo>, CallError>,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let groups = groups?;
        let account = self.account().ok_or("the account is not known")?;
        let store = &self.registry.store;
        store
            .sync_groups(&self.record.id, &groups, store::now())
            .await?;
        let live = match (&self.live, self.connection()) {
            // It knows itself by the same names as before: go on with it, calls are using it.
            (Some(live), _) if live.account == account => Arc::clone(live),
            (_, Some(connection)) => Arc::new(Live {
                connection,
                account,
                roles: Roles::default(),
            }),
            (_, None) => return Err("the line is closed".into()),
        };
        live.roles.replace(&live.account, &groups);
        self.live = Some(live);
        for (gid, change) in mem::take(&mut self.unsynced) {
            self.apply(gid, change).await;
        }
        Ok(())
    }

    /// Takes in a change, as far as there is something to change.
    async fn apply(&mut self, gid: GroupJid, change: GroupChange) {
        let Some(live) = self.live.clone() else {
            return;
        };
        if let Some(meanwhile) = self.asked.get_mut(&gid) {
            meanwhile.push(change.clone());
        }
        match live.roles.apply(&live.account, &gid, &change) {
            Then::Ask => self.ask_for(&live, gid),
            Then::Drop => self.drop_group(&gid).await,
            Then::Record => {
                let store = &self.registry.store;
                let known = store
                    .change_group(&self.record.id, &gid, &change, store::now())
                    .await;
                match known {
                    Ok(true) => {}
                    Ok(false) => self.ask_for(&live, gid),
                    Err(error) => self.behind(&error).await,
                }
            }
        }
    }

    /// Asks WhatsApp for a group, unless that is under way.
    fn ask_for(&mut self, live: &Live, gid: GroupJid) {
        if self.asked.contains_key(&gid) {
            return;
        }
        self.asked.insert(gid.clone(), Vec::new());
        let connection = Arc::clone(&live.connection);
        self.spawn_job(async move {
            let group = connection.group(&gid).await;
            Done::Group(gid, group)
        });
    }

    /// WhatsApp has told of a group that was asked for.
    pub(super) async fn answered(&mut self, gid: GroupJid, group: Result<GroupInfo, CallError>) {
        let meanwhile = self.asked.remove(&gid).unwrap_or_default();
        let Some(live) = self.live.clone() else {
            return;
        };
        match group {
            Ok(group) => {
                live.roles.set(&live.account, &group);
                let store = &self.registry.store;
                let saved = store
                    .sync_group(&self.record.id, &group, store::now())
                    .await;
                if let Err(error) = saved {
                    self.behind(&error).await;
                }
                for change in meanwhile {
                    self.apply(gid.clone(), change).await;
                }
            }
            // Not a member any more, or no such group (whatsapp-rust's and whatsmeow's reading of these codes).
            Err(CallError::Refused {
                code: 403 | 404, ..
            }) => {
                live.roles.remove(&gid);
                self.drop_group(&gid).await;
            }
            Err(error) => self.behind(&error).await,
        }
    }

    async fn drop_group(&mut self, gid: &GroupJid) {
        if let Err(error) = self.registry.store.delete_group(&self.record.id, gid).await {
            self.behind(&error).await;
        }
    }

    /// Something about the groups was missed: everything is fetched anew, while the session goes on working.
    async fn behind(&mut self, error: &(dyn std::error::Error + Sync)) {
        tracing::warn!(session = %self.record.id, error = %error, "missed a change of a group");
        self.take_logged(Input::Connected).await;
    }
}
