//! Groups kept fresh: what notifications, queries and syncs leave in memory and in the database.

use super::fake::{GROUP, ME, MY_LID, Rig, gid, group, person};
use super::supervisor::Done;
use crate::error::{Code, Error};
use crate::whatsapp::{CallError, GroupChange, GroupInfo, Participant, Role};

const OTHER: &str = "628999888777@s.whatsapp.net";
const THIRD: &str = "628777666555@s.whatsapp.net";

fn admin_group() -> GroupInfo {
    group(vec![person(ME, Role::Admin), person(OTHER, Role::Member)])
}

impl Rig {
    async fn members(&self) -> Vec<(String, Role)> {
        let store = self.session.store();
        let members = store
            .list_members(self.session.id(), &gid(), None, 100)
            .await
            .expect("members");
        let mut members: Vec<_> = members
            .into_iter()
            .map(|m| (m.jid.or(m.lid).unwrap_or_default(), m.role))
            .collect();
        members.sort_by(|a, b| a.0.cmp(&b.0));
        members
    }

    fn may_act(&self) -> Result<(), Error> {
        self.session.connected()?.group(&gid())?.admin().map(drop)
    }

    async fn change(&mut self, change: GroupChange) {
        self.supervisor.group_event(gid(), change).await;
    }

    fn answer(&self, group: Result<GroupInfo, CallError>) {
        self.connection
            .groups
            .lock()
            .expect("no panic")
            .push_back(group);
    }

    /// Lets the query under way come back.
    async fn settle(&mut self) {
        let done = self.supervisor.next_job().await;
        self.supervisor.done(done).await;
    }
}

#[tokio::test]
async fn an_add_by_someone_else_is_recorded_without_a_query() {
    let mut rig = Rig::new(vec![admin_group()]).await;
    rig.change(GroupChange::Added(vec![person(THIRD, Role::Member)]))
        .await;
    assert_eq!(
        rig.members().await,
        [
            (ME.to_owned(), Role::Admin),
            (THIRD.to_owned(), Role::Member),
            (OTHER.to_owned(), Role::Member),
        ]
    );
    assert_eq!(rig.asked(), []);
}

#[tokio::test]
async fn a_demotion_counts_at_once() {
    let mut rig = Rig::new(vec![admin_group()]).await;
    assert!(rig.may_act().is_ok());
    let me = Participant {
        jid: None,
        lid: Some(MY_LID.parse().expect("a LID")),
        role: Role::Member,
    };
    rig.change(GroupChange::Roles(vec![me])).await;
    assert_eq!(rig.may_act().expect_err("refused").code, Code::Forbidden);
    rig.change(GroupChange::Roles(vec![person(ME, Role::Admin)]))
        .await;
    assert!(rig.may_act().is_ok());
    assert_eq!(rig.asked(), []);
}

#[tokio::test]
async fn the_own_removal_drops_the_group() {
    let mut rig = Rig::new(vec![admin_group()]).await;
    rig.change(GroupChange::Removed(vec![person(ME, Role::Member)]))
        .await;
    assert_eq!(
        rig.may_act().expect_err("refused").details["resource"],
        "group"
    );
    let stored = rig
        .session
        .store()
        .get_group(rig.session.id(), &gid())
        .await;
    assert_eq!(stored.expect("an answer"), None);
}

#[tokio::test]
async fn what_a_change_does_not_say_is_asked_for() {
    let mut rig = Rig::new(vec![]).await;
    rig.answer(Ok(admin_group()));
    rig.change(GroupChange::Unknown).await;
    // One question is enough, and what comes in the meantime is newer than its answer.
    rig.change(GroupChange::Removed(vec![person(OTHER, Role::Member)]))
        .await;
    rig.settle().await;
    assert_eq!(rig.members().await, [(ME.to_owned(), Role::Admin)]);
    assert!(rig.may_act().is_ok());
    assert_eq!(rig.asked().len(), 1);
}

#[tokio::test]
async fn a_second_unknown_change_asks_a_second_time() {
    let mut rig = Rig::new(vec![admin_group()]).await;
    rig.answer(Ok(admin_group()));
    rig.answer(Ok(group(vec![person(ME, Role::Member)])));
    rig.change(GroupChange::Unknown).await;
    rig.change(GroupChange::Unknown).await;
    rig.settle().await;
    rig.settle().await;
    assert_eq!(rig.members().await, [(ME.to_owned(), Role::Member)]);
    assert_eq!(rig.asked().len(), 2);
}

#[tokio::test]
async fn a_group_that_whatsapp_does_not_show_is_dropped() {
    let mut rig = Rig::new(vec![admin_group()]).await;
    let refused = CallError::Refused {
        code: 403,
        backoff: None,
    };
    rig.answer(Err(refused));
    rig.change(GroupChange::Unknown).await;
    rig.settle().await;
    assert_eq!(
        rig.may_act().expect_err("refused").details["resource"],
        "group"
    );
    assert_eq!(rig.members().await, []);
}

#[tokio::test]
async fn changes_during_a_sync_survive_it() {
    let mut rig = Rig::new(vec![admin_group()]).await;
    rig.supervisor.state.syncing = true;
    rig.change(GroupChange::Roles(vec![person(ME, Role::Member)]))
        .await;
    rig.change(GroupChange::Added(vec![person(THIRD, Role::Member)]))
        .await;
    // The answer is from before.
    rig.supervisor
        .done(Done::Groups(Ok(vec![admin_group()])))
        .await;
    assert_eq!(rig.may_act().expect_err("refused").code, Code::Forbidden);
    assert_eq!(rig.members().await.len(), 3);
    assert_eq!(rig.session.record().status.as_str(), "working", "{GROUP}");
}

#[tokio::test]
async fn a_sync_that_fails_is_tried_again_and_changes_nothing() {
    let mut rig = Rig::new(vec![admin_group()]).await;
    rig.supervisor.state.syncing = true;
    rig.supervisor
        .done(Done::Groups(Err(CallError::Unanswered)))
        .await;
    assert!(rig.supervisor.state.syncing);
    assert!(rig.may_act().is_ok());
    assert_eq!(rig.members().await.len(), 2);
}
