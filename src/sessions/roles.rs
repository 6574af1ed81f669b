//! What is kept in memory of a connected session's groups: which there are, and what the account may do in each.
//! Members live in the database.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::group::{GroupChange, GroupInfo, Participant, Role};
use crate::jid::{GroupJid, Lid, UserJid};

/// The account of a session, by the names that others may call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// By phone number.
    pub jid: UserJid,
    /// By LID, where WhatsApp told it.
    pub lid: Option<Lid>,
}

impl Account {
    /// Whether `participant` is this account. Groups that hide numbers may tell the LID alone.
    #[must_use]
    pub fn is(&self, participant: &Participant) -> bool {
        participant.jid.as_ref() == Some(&self.jid)
            || (self.lid.is_some() && participant.lid == self.lid)
    }

    /// What this account may do in a group; none where WhatsApp left that out. One that is not among all participants may
    /// do nothing special.
    fn role_in(&self, group: &GroupInfo) -> Option<Role> {
        let participants = group.participants.as_deref()?;
        self.find(participants).or_else(|| {
            let told = i64::try_from(participants.len()).unwrap_or(i64::MAX);
            group
                .size
                .is_none_or(|size| told >= size)
                .then_some(Role::Member)
        })
    }

    fn find(&self, participants: &[Participant]) -> Option<Role> {
        participants.iter().find(|p| self.is(p)).map(|p| p.role)
    }
}

/// What a change to a group asks for beyond itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The change says it all.
    Record,
    /// The group has to be asked for: the change does not say enough.
    Ask,
}

/// The account's role in each of its groups. Written by the supervisor alone, read by every call.
#[derive(Debug, Default)]
pub struct Roles(RwLock<HashMap<GroupJid, Option<Role>>>);

impl Roles {
    /// The role in `gid`, as far as WhatsApp told it; none where the account is not in that group.
    #[must_use]
    pub fn get(&self, gid: &GroupJid) -> Option<Option<Role>> {
        self.read().get(gid).copied()
    }

    /// The groups in which the role is not known.
    #[must_use]
    pub fn untold(&self) -> Vec<GroupJid> {
        let roles = self.read();
        let untold = roles.iter().filter(|(_, role)| role.is_none());
        untold.map(|(gid, _)| gid.clone()).collect()
    }

    /// Replaces everything by `groups`.
    pub fn replace(&self, account: &Account, groups: &[GroupInfo]) {
        *self.write() = groups
            .iter()
            .map(|group| (group.gid.clone(), account.role_in(group)))
            .collect();
    }

    /// Replaces everything by what was known at the last sync.
    pub fn recall(&self, roles: Vec<(GroupJid, Option<Role>)>) {
        *self.write() = roles.into_iter().collect();
    }

    /// Takes in one group as WhatsApp describes it.
    pub fn set(&self, account: &Account, group: &GroupInfo) {
        let role = account.role_in(group);
        self.write().insert(group.gid.clone(), role);
    }

    /// Forgets a group.
    pub fn remove(&self, gid: &GroupJid) {
        self.write().remove(gid);
    }

    /// Takes in a change to a group, and says what else it takes.
    pub fn apply(&self, account: &Account, gid: &GroupJid, change: &GroupChange) -> Then {
        let mut roles = self.write();
        match change {
            GroupChange::Unknown => Then::Ask,
            // The account itself went, or so it seems: a group that moves to LIDs tells of everybody so.
            GroupChange::Removed(people) if account.find(people).is_some() => Then::Ask,
            // It came in, or not all was known of the group: who else is in it is for WhatsApp to say.
            GroupChange::Added(people) if account.find(people).is_some() => Then::Ask,
            _ if roles.get(gid).copied().flatten().is_none() => Then::Ask,
            GroupChange::Roles(people) => {
                if let Some(role) = account.find(people) {
                    roles.insert(gid.clone(), Some(role));
                }
                Then::Record
            }
            GroupChange::Added(_)
            | GroupChange::Removed(_)
            | GroupChange::Subject(_)
            | GroupChange::Description(_)
            | GroupChange::Announce(_)
            | GroupChange::Locked(_) => Then::Record,
        }
    }

    // A panic elsewhere can't leave the map half written: each write is one operation.
    fn read(&self) -> RwLockReadGuard<'_, HashMap<GroupJid, Option<Role>>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<GroupJid, Option<Role>>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gid() -> GroupJid {
        "120363041234567890@g.us".parse().expect("a group JID")
    }

    fn account() -> Account {
        Account {
            jid: "628111222333@s.whatsapp.net".parse().expect("a user JID"),
            lid: Some("123456789012345@lid".parse().expect("a LID")),
        }
    }

    fn by_jid(jid: &str, role: Role) -> Participant {
        Participant {
            jid: Some(jid.parse().expect("a user JID")),
            lid: None,
            role,
        }
    }

    fn by_lid(lid: &str, role: Role) -> Participant {
        Participant {
            jid: None,
            lid: Some(lid.parse().expect("a LID")),
            role,
        }
    }

    fn me(role: Role) -> Participant {
        by_jid("628111222333@s.whatsapp.net", role)
    }

    fn other(role: Role) -> Participant {
        by_jid("628999888777@s.whatsapp.net", role)
    }

    fn group(participants: Vec<Participant>) -> GroupInfo {
        GroupInfo {
            gid: gid(),
            subject: Some("Launch team".to_owned()),
            description: None,
            owner: None,
            is_announce: false,
            is_locked: false,
            members_add: false,
            approval: false,
            created_at: None,
            size: None,
            participants: Some(participants),
        }
    }

    fn known(participants: Vec<Participant>) -> Roles {
        let roles = Roles::default();
        roles.replace(&account(), &[group(participants)]);
        roles
    }

    #[test]
    fn the_own_role_is_found_by_either_name() {
        let role = |participants| known(participants).get(&gid()).expect("known");
        assert_eq!(
            role(vec![other(Role::Admin), me(Role::Member)]),
            Some(Role::Member)
        );
        assert_eq!(role(vec![me(Role::SuperAdmin)]), Some(Role::SuperAdmin));
        assert_eq!(
            role(vec![by_lid("123456789012345@lid", Role::Admin)]),
            Some(Role::Admin)
        );
        // Not among them: nothing to act on.
        assert_eq!(role(vec![other(Role::Admin)]), Some(Role::Member));
    }

    #[test]
    fn an_account_without_a_lid_is_not_everyone_without_a_lid() {
        let account = Account {
            lid: None,
            ..account()
        };
        assert!(!account.is(&other(Role::Admin)));
    }

    #[test]
    fn a_sync_replaces_everything() {
        let roles = known(vec![me(Role::Admin)]);
        roles.replace(&account(), &[]);
        assert_eq!(roles.get(&gid()), None);
        roles.set(&account(), &group(vec![me(Role::Admin)]));
        assert_eq!(roles.get(&gid()), Some(Some(Role::Admin)));
    }

    #[test]
    fn a_role_that_is_left_out_is_not_a_members() {
        let bare = GroupInfo {
            participants: None,
            size: Some(2000),
            ..group(vec![])
        };
        let cut = GroupInfo {
            size: Some(2000),
            ..group(vec![other(Role::Admin)])
        };
        for group in [bare, cut] {
            let roles = Roles::default();
            roles.replace(&account(), &[group]);
            assert_eq!(roles.get(&gid()), Some(None));
            assert_eq!(roles.untold(), [gid()]);
            let then = roles.apply(&account(), &gid(), &GroupChange::Announce(true));
            assert_eq!(then, Then::Ask);
        }
    }

    #[test]
    fn changes() {
        use GroupChange as C;
        let lid = "123456789012345@lid";
        // (the role before, the change, what follows, the role after)
        let table = [
            (
                Some(Role::Admin),
                C::Roles(vec![me(Role::Member)]),
                Then::Record,
                Some(Role::Member),
            ),
            (
                Some(Role::Admin),
                C::Roles(vec![by_lid(lid, Role::Member)]),
                Then::Record,
                Some(Role::Member),
            ),
            (
                Some(Role::Member),
                C::Roles(vec![other(Role::Member), me(Role::Admin)]),
                Then::Record,
                Some(Role::Admin),
            ),
            (
                Some(Role::Admin),
                C::Roles(vec![other(Role::Member)]),
                Then::Record,
                Some(Role::Admin),
            ),
            (
                Some(Role::Admin),
                C::Added(vec![other(Role::Member)]),
                Then::Record,
                Some(Role::Admin),
            ),
            (
                Some(Role::Admin),
                C::Removed(vec![other(Role::Member)]),
                Then::Record,
                Some(Role::Admin),
            ),
            (
                Some(Role::Admin),
                C::Removed(vec![me(Role::Member)]),
                Then::Ask,
                Some(Role::Admin),
            ),
            (
                Some(Role::Admin),
                C::Removed(vec![by_lid(lid, Role::Member)]),
                Then::Ask,
                Some(Role::Admin),
            ),
            (None, C::Removed(vec![me(Role::Member)]), Then::Ask, None),
            (None, C::Added(vec![me(Role::Member)]), Then::Ask, None),
            (
                Some(Role::Admin),
                C::Added(vec![me(Role::Member)]),
                Then::Ask,
                Some(Role::Admin),
            ),
            (None, C::Subject("New".to_owned()), Then::Ask, None),
            (None, C::Roles(vec![me(Role::Admin)]), Then::Ask, None),
            (
                Some(Role::Admin),
                C::Subject("New".to_owned()),
                Then::Record,
                Some(Role::Admin),
            ),
            (
                Some(Role::Admin),
                C::Announce(true),
                Then::Record,
                Some(Role::Admin),
            ),
            (Some(Role::Admin), C::Unknown, Then::Ask, Some(Role::Admin)),
        ];
        for (before, change, then, after) in table {
            let roles = known(before.map(me).into_iter().collect());
            if before.is_none() {
                roles.remove(&gid());
            }
            assert_eq!(
                roles.apply(&account(), &gid(), &change),
                then,
                "{before:?} {change:?}"
            );
            assert_eq!(roles.get(&gid()).flatten(), after, "{before:?} {change:?}");
        }
    }
}
