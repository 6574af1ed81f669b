//! Keeping a connected session's groups fresh: in memory first, which the next call reads, then in the database.
//!
//! A change that is news (see [`super::clocks`]) is applied; any other makes the gateway ask WhatsApp for the group. A
//! query and the notifications around it can overtake each other on their way here: what comes while a group is being
//! asked for makes for one more question.
//!
//! The account's own adds come back as notifications too. Nothing is recorded from the answers to its calls.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::live::Live;
use super::roles::{Roles, Then};
use super::state::Input;
use super::supervisor::{Done, Supervisor};
use crate::group::{GroupChange, GroupInfo};
use crate::jid::GroupJid;
use crate::store;
use crate::whatsapp::CallError;

/// How long to leave WhatsApp alone that asks to slow down without saying for how long.
const QUIET: Duration = Duration::from_secs(60);

impl Supervisor {
    /// A group has changed, at WhatsApp's time `at`.
    pub(super) async fn group_event(&mut self, gid: GroupJid, change: GroupChange, at: i64) {
        let news = self.clocks.is_news(&gid, &change, at);
        if self.state.syncing {
            self.changed.insert(gid.clone());
        }
        let Some(live) = self.live.clone() else {
            return;
        };
        self.questions.changed(&gid);
        let then = if news {
            live.roles.apply(&live.account, &gid, &change)
        } else {
            Then::Ask
        };
        match then {
            Then::Ask => self.ask_for(gid),
            Then::Record => {
                let store = &self.registry.store;
                let known = store
                    .change_group(&self.record.id, &gid, &change, store::now())
                    .await;
                match known {
                    Ok(true) => {}
                    Ok(false) => self.ask_for(gid),
                    Err(error) => self.behind(&error).await,
                }
            }
        }
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
        self.questions.all_answered();
        let untold = live.roles.untold();
        self.live = Some(live);
        // What changed meanwhile may be newer than the answer.
        let changed = mem::take(&mut self.changed);
        for gid in changed.into_iter().chain(untold) {
            self.questions.add(gid);
        }
        self.ask();
        Ok(())
    }

    /// Asks WhatsApp for a group, as soon as the queue allows.
    fn ask_for(&mut self, gid: GroupJid) {
        self.questions.add(gid);
        self.ask();
    }

    /// Sends the questions that may be sent now.
    pub(super) fn ask(&mut self) {
        let Some(live) = self.live.clone() else {
            return;
        };
        while let Some(gid) = self.questions.next() {
            self.clocks.asked(&gid);
            let connection = Arc::clone(&live.connection);
            self.spawn_job(async move {
                let group = connection.group(&gid).await;
                Done::Group(gid, group)
            });
        }
    }

    /// WhatsApp has told of a group that was asked for, or not.
    pub(super) async fn answered(&mut self, gid: GroupJid, group: Result<GroupInfo, CallError>) {
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
                self.questions.answered(gid);
                if let Err(error) = saved {
                    self.behind(&error).await;
                }
            }
            // Not a member any more, or no such group (whatsapp-rust's and whatsmeow's reading of these codes).
            Err(CallError::Refused {
                code: 403 | 404, ..
            }) => {
                live.roles.remove(&gid);
                self.drop_group(&gid).await;
                self.questions.answered(gid);
            }
            Err(CallError::Refused { code: 429, backoff }) => {
                self.questions.silence(&gid);
                let pause = backoff.unwrap_or(QUIET);
                self.spawn_job(async move {
                    tokio::time::sleep(pause).await;
                    Done::Quiet
                });
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
