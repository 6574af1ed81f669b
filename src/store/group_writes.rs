//! What is to be recorded of groups, folded while it waits.

use std::collections::HashMap;

use crate::group::{GroupChange, GroupInfo};
use crate::jid::GroupJid;

/// What the database is still to learn of the groups of a session, folded: a whole group takes the place of what was to be
/// written of it before, and changes of one group are written together.
#[derive(Default)]
pub struct GroupWrites {
    /// All groups; those that are not among them go.
    pub(super) all: Option<Vec<GroupInfo>>,
    pub(super) groups: HashMap<GroupJid, GroupWrite>,
}

/// What is to be written of one group: the changes after what it starts from.
pub(super) struct GroupWrite {
    pub(super) start: Start,
    pub(super) changes: Vec<GroupChange>,
}

pub(super) enum Start {
    Stored,
    Told(Box<GroupInfo>),
    Gone,
}

impl GroupWrites {
    /// WhatsApp has told of all groups.
    pub fn replace(&mut self, groups: Vec<GroupInfo>) {
        self.all = Some(groups);
        self.groups.clear();
    }

    /// WhatsApp has told of a group.
    pub fn tell(&mut self, group: GroupInfo) {
        let gid = group.gid.clone();
        self.begin(gid, Start::Told(Box::new(group)));
    }

    /// The account is not in a group any more.
    pub fn remove(&mut self, gid: GroupJid) {
        self.begin(gid, Start::Gone);
    }

    fn begin(&mut self, gid: GroupJid, start: Start) {
        let changes = Vec::new();
        self.groups.insert(gid, GroupWrite { start, changes });
    }

    /// A group has changed.
    pub fn change(&mut self, gid: GroupJid, change: GroupChange) {
        let write = self.groups.entry(gid).or_insert_with(|| GroupWrite {
            start: Start::Stored,
            changes: Vec::new(),
        });
        write.changes.push(change);
    }

    /// How many changes of one group wait.
    #[must_use]
    pub fn changes_of(&self, gid: &GroupJid) -> usize {
        self.groups.get(gid).map_or(0, |write| write.changes.len())
    }

    /// Whether all groups are to be written.
    #[must_use]
    pub fn is_sync(&self) -> bool {
        self.all.is_some()
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_none() && self.groups.is_empty()
    }

    /// Adds what came later.
    pub fn then(&mut self, later: Self) {
        if later.all.is_some() {
            *self = later;
            return;
        }
        for (gid, write) in later.groups {
            match write.start {
                Start::Stored => {
                    for change in write.changes {
                        self.change(gid.clone(), change);
                    }
                }
                Start::Told(_) | Start::Gone => {
                    self.groups.insert(gid, write);
                }
            }
        }
    }
}
