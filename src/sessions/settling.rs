//! Settling what is not known: an action whose answer did not come is looked up in the group, once. Nothing is sent a second
//! time.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use super::Registry;
use super::roles::Account;
use crate::group::{GroupInfo, Operation, Outcome, Participant, PersonOutcome, Setting};
use crate::jid::{ActionId, PersonJid, SessionId};
use crate::store::{ActionRecord, ActionStatus, StoreError};

/// The pause before a database that failed is asked again.
const RETRY: Duration = Duration::from_secs(1);

/// What is not known of a group's actions, and the group as WhatsApp says it is now; none where the account is not in it.
pub(super) struct Unsettled {
    pub(super) session: SessionId,
    pub(super) actions: Vec<ActionId>,
    pub(super) group: Option<GroupInfo>,
}

/// How far WhatsApp's clock may be from this machine's, milliseconds.
const CLOCKS: i64 = 5 * 60 * 1000;

/// A group that may have been made.
pub(super) struct Creation {
    pub(super) action: ActionId,
    /// Its name.
    subject: String,
    /// When it was asked for, epoch milliseconds.
    at: i64,
    /// Whether all groups are being asked for already: that answer may be from before.
    pub(super) asked_before: bool,
}

impl Creation {
    /// Of the record of an action that is one.
    pub(super) fn of(record: &ActionRecord) -> Option<Self> {
        let subject = record.changes.get("subject")?.as_str()?;
        let made = record.operation == Operation::CreateGroup;
        made.then(|| Self {
            action: record.id.clone(),
            subject: subject.to_owned(),
            at: record.created_at,
            asked_before: false,
        })
    }

    /// The group, if it is among those that the account is in: of this name, made by the account, at that time.
    pub(super) fn found<'g>(
        &self,
        account: &Account,
        groups: &'g [GroupInfo],
    ) -> Option<&'g GroupInfo> {
        let plain = self.subject.replace('@', " ");
        let own = |owner: &str| {
            let lid = account.lid.as_ref();
            owner == account.jid.as_str() || lid.is_some_and(|lid| owner == lid.as_str())
        };
        groups.iter().find(|group| {
            let subject = group.subject.as_deref();
            let named = subject == Some(&self.subject) || subject == Some(&plain);
            let then = group
                .created_at
                .is_some_and(|at| (at - self.at).abs() <= CLOCKS);
            named && then && group.owner.as_deref().is_some_and(own)
        })
    }
}

impl Registry {
    /// Settles actions in the background.
    pub(super) fn settle(self: &Arc<Self>, unsettled: Unsettled) {
        let registry = Arc::downgrade(self);
        tokio::spawn(async move {
            // The process ends: the next one settles them.
            while let Some(registry) = registry.upgrade() {
                match registry.try_settle(&unsettled).await {
                    Ok(()) => return,
                    Err(error) => {
                        tracing::error!(session = %unsettled.session, %error, "cannot settle actions; trying again");
                    }
                }
                drop(registry);
                sleep(RETRY).await;
            }
        });
    }

    async fn try_settle(&self, unsettled: &Unsettled) -> Result<(), StoreError> {
        self.actions.save(&self.store).await?;
        for id in &unsettled.actions {
            let found = self.store.get_action(&unsettled.session, id).await?;
            if let Some(mut action) = found {
                settle(&mut action, unsettled.group.as_ref());
                tracing::info!(session = %unsettled.session, action = %id, "settled an action");
                self.actions.later(&action);
            }
        }
        Ok(())
    }
}

/// Gives an action the outcome that the group shows.
fn settle(action: &mut ActionRecord, group: Option<&GroupInfo>) {
    let operation = action.operation;
    let done = match (operation, group) {
        (Operation::LeaveGroup, group) => group.is_none(),
        (Operation::CreateGroup, None) => {
            for person in &mut action.people {
                person.outcome = operation.failure();
            }
            false
        }
        (Operation::UpdateGroup, Some(group)) => action
            .changes
            .iter()
            .all(|(name, value)| shows(group, name, value)),
        (_, group) => {
            if let (Operation::CreateGroup, Some(group)) = (operation, group) {
                action.gid = Some(group.gid.clone());
            }
            let participants = group.and_then(|group| group.participants.as_deref());
            for person in &mut action.people {
                if let (Outcome::Unknown, Some(participants)) = (person.outcome, participants) {
                    look_up(operation, person, participants);
                }
            }
            true
        }
    };
    action.complete(if done {
        ActionStatus::Done
    } else {
        ActionStatus::Refused
    });
}

/// Whether a group has this property of `updateGroup`.
fn shows(group: &GroupInfo, name: &str, value: &Value) -> bool {
    let shown = match name {
        "subject" => Setting::Subject(group.subject.clone().unwrap_or_default()),
        "description" => Setting::Description(group.description.clone()),
        "announce" => Setting::Announce(group.is_announce),
        "locked" => Setting::Locked(group.is_locked),
        "memberAddMode" => Setting::MembersAdd(group.members_add),
        "approvalMode" => Setting::Approval(group.approval),
        _ => return false,
    };
    shown.value() == *value
}

/// Gives somebody whose outcome is not known the one that the group shows. It shows none where WhatsApp leaves out names
/// of the kind that was asked for: that stays unknown.
fn look_up(operation: Operation, person: &mut PersonOutcome, participants: &[Participant]) {
    let member = match &person.participant {
        PersonJid::User(user) => {
            let other = user.other_spelling();
            let mut members = participants.iter();
            members.find(|member| {
                member.jid.as_ref() == Some(user) || member.jid.is_some() && member.jid == other
            })
        }
        PersonJid::Lid(lid) => {
            let mut members = participants.iter();
            members.find(|member| member.lid.as_ref() == Some(lid))
        }
    };
    let mut all = participants.iter();
    let sure = match &person.participant {
        PersonJid::User(_) => all.all(|member| member.jid.is_some()),
        PersonJid::Lid(_) => all.all(|member| member.lid.is_some()),
    };
    if let Some(member) = member {
        person.jid.clone_from(&member.jid);
        person.lid.clone_from(&member.lid);
    }
    let is_admin = member.map(|member| member.role.is_admin());
    person.outcome = match (operation, is_admin) {
        (_, None) if !sure => Outcome::Unknown,
        (Operation::RemoveGroupMember, Some(_)) => Outcome::NotDone,
        (Operation::RemoveGroupMember, None) => Outcome::Removed,
        (Operation::PromoteGroupMember | Operation::DemoteGroupMember, None) => Outcome::NotAMember,
        (Operation::PromoteGroupMember, Some(false))
        | (Operation::DemoteGroupMember, Some(true)) => Outcome::NotDone,
        (_, Some(_)) => operation.success(),
        (_, None) => operation.failure(),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::{Action, GroupAction, Role};
    use crate::jid::GroupJid;
    use crate::store::Caller;

    const ANN: &str = "628111000001@s.whatsapp.net";
    /// A number that WhatsApp writes without its ninth digit.
    const BEN: &str = "5511987654321@s.whatsapp.net";

    fn gid() -> GroupJid {
        "120363041234567890@g.us".parse().expect("a group JID")
    }

    fn group(participants: Vec<Participant>) -> GroupInfo {
        GroupInfo {
            gid: gid(),
            subject: Some("Crew".to_owned()),
            description: None,
            owner: None,
            is_announce: false,
            is_locked: true,
            members_add: false,
            approval: false,
            created_at: None,
            size: None,
            participants: Some(participants),
        }
    }

    fn settled(action: GroupAction, group: Option<&GroupInfo>) -> (ActionStatus, Vec<Outcome>) {
        let action = Action::InGroup(gid(), action);
        let caller = Caller::User(None);
        let mut record = ActionRecord::begun(&SessionId::generate(), &[action], caller);
        record.complete(ActionStatus::Unknown);
        settle(&mut record, group);
        let outcomes = record.people.iter().map(|person| person.outcome);
        (record.status, outcomes.collect())
    }

    fn people(names: &[&str]) -> Vec<PersonJid> {
        names
            .iter()
            .map(|name| name.parse().expect("a JID"))
            .collect()
    }

    fn member(jid: Option<&str>) -> Participant {
        Participant {
            jid: jid.map(|jid| jid.parse().expect("a JID")),
            lid: Some("1@lid".parse().expect("a LID")),
            role: Role::Member,
        }
    }

    #[test]
    fn who_is_in_was_added_and_who_is_not_was_not() {
        let ben = "551187654321@s.whatsapp.net";
        for (participants, outcomes) in [
            (vec![], [Outcome::NotAdded; 2]),
            (vec![member(Some(ANN))], [Outcome::Added, Outcome::NotAdded]),
            (vec![member(Some(ben))], [Outcome::NotAdded, Outcome::Added]),
            (
                vec![member(Some(ANN)), member(Some(BEN))],
                [Outcome::Added; 2],
            ),
            // Anybody may be the one without a number.
            (
                vec![member(Some(ANN)), member(None)],
                [Outcome::Added, Outcome::Unknown],
            ),
        ] {
            let add = GroupAction::Add(people(&[ANN, BEN]));
            let told = settled(add, Some(&group(participants)));
            assert_eq!(told, (ActionStatus::Done, outcomes.to_vec()));
        }
    }

    #[test]
    fn a_group_that_the_account_is_not_in_shows_nothing() {
        let told = settled(GroupAction::Add(people(&[ANN])), None);
        assert_eq!(told, (ActionStatus::Done, vec![Outcome::Unknown]));
    }

    #[test]
    fn each_act_shows_in_its_own_way() {
        use GroupAction::{Approve, Demote, Promote, Remove};
        let admin = Participant {
            role: Role::Admin,
            ..member(Some(ANN))
        };
        let groups = [
            group(vec![]),
            group(vec![member(Some(ANN))]),
            group(vec![admin]),
        ];
        type Verb = fn(Vec<PersonJid>) -> GroupAction;
        let cases: [(Verb, [Outcome; 3]); 4] = [
            (
                Remove,
                [Outcome::Removed, Outcome::NotDone, Outcome::NotDone],
            ),
            (
                Promote,
                [Outcome::NotAMember, Outcome::NotDone, Outcome::Promoted],
            ),
            (
                Demote,
                [Outcome::NotAMember, Outcome::Demoted, Outcome::NotDone],
            ),
            (
                Approve,
                [Outcome::NotDone, Outcome::Approved, Outcome::Approved],
            ),
        ];
        for (action, outcomes) in cases {
            for (group, outcome) in groups.iter().zip(outcomes) {
                let action = action(people(&[ANN]));
                let told = settled(action.clone(), Some(group));
                assert_eq!(told, (ActionStatus::Done, vec![outcome]), "{action:?}");
            }
        }
        // By the LID that `member` has.
        let told = settled(Remove(people(&["1@lid"])), Some(&groups[1]));
        assert_eq!(told.1, [Outcome::NotDone]);
    }

    #[test]
    fn settings_and_leaving_show_in_the_group() {
        let set = |setting| settled(GroupAction::Set(setting), Some(&group(vec![]))).0;
        assert_eq!(set(Setting::Subject("Crew".to_owned())), ActionStatus::Done);
        assert_eq!(set(Setting::Description(None)), ActionStatus::Done);
        assert_eq!(set(Setting::Locked(true)), ActionStatus::Done);
        for other in [
            Setting::Subject("Team".to_owned()),
            Setting::Description(Some("All".to_owned())),
            Setting::Announce(true),
            Setting::MembersAdd(true),
            Setting::Approval(true),
        ] {
            assert_eq!(set(other), ActionStatus::Refused);
        }
        let left = settled(GroupAction::Leave, None);
        assert_eq!(left.0, ActionStatus::Done);
        let there = settled(GroupAction::Leave, Some(&group(vec![])));
        assert_eq!(there.0, ActionStatus::Refused);
    }
}
