//! Groups kept fresh: what notifications, queries and syncs leave in memory and in the database.

use super::super::fake::{GROUP, ME, MY_LID, Rig, gid, group, person};
use super::Done;
use super::state::Fetch;
use crate::error::{Code, Error};
use crate::group::{GroupChange, GroupInfo, Participant, Role};
use crate::store::StatusReason;
use crate::whatsapp::CallError;

const OTHER: &str = "628999888777@s.whatsapp.net";
const THIRD: &str = "628777666555@s.whatsapp.net";

fn now() -> i64 {
    crate::store::now() / 1000
}

fn admin_group() -> GroupInfo {
    group(vec![person(ME, Role::Admin), person(OTHER, Role::Member)])
}

impl Rig {
    async fn members(&self) -> Vec<(String, Role)> {
        let store = self.session.store();
        let members = store.list_members(self.session.id(), &gid(), 0, 100).await;
        let members = members.expect("an answer").unwrap_or_default();
        let mut members: Vec<_> = members
            .into_iter()
            .map(|m| (m.jid.or(m.lid).unwrap_or_default(), m.role))
            .collect();
        members.sort_by(|a, b| a.0.cmp(&b.0));
        members
    }

    fn may_act(&self) -> Result<(), Error> {
        self.session.known_admin_group(&gid()).map(drop)
    }

    /// A change of now.
    async fn change(&mut self, change: GroupChange) {
        self.change_at(change, now()).await;
    }

    async fn change_at(&mut self, change: GroupChange, at: i64) {
        self.supervisor.group_event(gid(), change, at).await;
        self.supervisor.write_all().await;
    }

    /// All groups come back.
    async fn sync(&mut self, groups: Result<Vec<GroupInfo>, CallError>) {
        self.supervisor.state.sync = Fetch::Fetching;
        self.supervisor.done(Done::Groups(groups, None)).await;
        self.supervisor.write_all().await;
    }

    /// Lets the query under way come back.
    async fn settle(&mut self) {
        let done = self.supervisor.next_job().await;
        self.supervisor.done(done).await;
        self.supervisor.write_all().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
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

#[tokio::test(flavor = "multi_thread")]
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
    rig.change_at(GroupChange::Roles(vec![person(ME, Role::Admin)]), now() + 1)
        .await;
    assert!(rig.may_act().is_ok());
    assert_eq!(rig.asked(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_come_in_the_wrong_order_are_asked_about() {
    for (first, late) in [(2, 1), (2, 2)] {
        let mut rig = Rig::new(vec![admin_group()]).await;
        let promoted = GroupChange::Roles(vec![person(ME, Role::Admin)]);
        let demoted = GroupChange::Roles(vec![person(ME, Role::Member)]);
        let now = now();
        rig.answer(Ok(admin_group()));
        rig.change_at(promoted, now + first).await;
        rig.change_at(demoted, now + late).await;
        assert!(rig.may_act().is_ok(), "the late one is not applied");
        rig.settle().await;
        assert_eq!(rig.asked().len(), 1);
        assert!(rig.may_act().is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_old_change_is_asked_about() {
    let mut rig = Rig::new(vec![admin_group()]).await;
    rig.supervisor.clocks.asked_for_all();
    rig.answer(Ok(admin_group()));
    rig.change_at(
        GroupChange::Roles(vec![person(ME, Role::Member)]),
        now() - 3600,
    )
    .await;
    assert!(rig.may_act().is_ok());
    rig.settle().await;
    assert_eq!(rig.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_whose_members_are_left_out_is_asked_for() {
    let bare = GroupInfo {
        subject: None,
        size: Some(2000),
        participants: None,
        ..admin_group()
    };
    let mut rig = Rig::new(vec![]).await;
    rig.answer(Ok(admin_group()));
    rig.sync(Ok(vec![bare.clone()])).await;
    assert_eq!(
        rig.may_act().expect_err("not known").code,
        Code::Unavailable
    );
    let stored = rig
        .session
        .store()
        .get_group(rig.session.id(), &gid())
        .await;
    let stored = stored.expect("an answer").expect("a group");
    assert_eq!((stored.subject, stored.participant_count), (None, 2000));
    rig.settle().await;
    assert!(rig.may_act().is_ok());
    assert_eq!(rig.members().await.len(), 2);

    // Left out of a later list: who was there stays.
    rig.answer(Ok(admin_group()));
    rig.sync(Ok(vec![bare])).await;
    assert_eq!(rig.members().await.len(), 2);
    rig.settle().await;
    assert!(rig.may_act().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_moves_to_lids_is_asked_for_before_anybody_counts_as_gone() {
    let mut rig = Rig::new(vec![admin_group()]).await;
    let everybody = vec![person(ME, Role::Member), person(OTHER, Role::Member)];
    rig.answer(Ok(admin_group()));
    rig.change(GroupChange::Removed(everybody)).await;
    assert!(rig.may_act().is_ok());
    assert_eq!(rig.members().await.len(), 2);
    rig.settle().await;
    assert!(rig.may_act().is_ok());
    assert_eq!(rig.members().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_wait_while_whatsapp_wants_quiet() {
    let mut rig = Rig::new(vec![admin_group()]).await;
    rig.answer(Err(CallError::Refused {
        code: 429,
        backoff: Some(std::time::Duration::from_millis(50)),
    }));
    rig.answer(Ok(group(vec![person(ME, Role::Member)])));
    rig.change(GroupChange::Unknown).await;
    rig.settle().await;
    rig.change(GroupChange::Unknown).await;
    assert_eq!(rig.asked().len(), 1, "nothing more for now");
    rig.settle().await;
    rig.settle().await;
    assert_eq!(rig.asked().len(), 1);
    assert_eq!(rig.may_act().expect_err("refused").code, Code::Forbidden);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_own_removal_drops_the_group() {
    let mut rig = Rig::new(vec![admin_group()]).await;
    rig.answer(Err(CallError::Refused {
        code: 403,
        backoff: None,
    }));
    rig.change(GroupChange::Removed(vec![person(ME, Role::Member)]))
        .await;
    rig.settle().await;
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

#[tokio::test(flavor = "multi_thread")]
async fn what_a_change_does_not_say_is_asked_for() {
    let mut rig = Rig::new(vec![]).await;
    rig.answer(Ok(admin_group()));
    rig.answer(Ok(group(vec![person(ME, Role::Admin)])));
    rig.change(GroupChange::Unknown).await;
    // What comes in the meantime may be newer than the answer: one more question, however much it is.
    for second in 0..3 {
        let gone = GroupChange::Removed(vec![person(OTHER, Role::Member)]);
        rig.change_at(gone, now() + second).await;
    }
    rig.settle().await;
    rig.settle().await;
    assert_eq!(rig.members().await, [(ME.to_owned(), Role::Admin)]);
    assert!(rig.may_act().is_ok());
    assert_eq!(rig.asked().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
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

#[tokio::test(flavor = "multi_thread")]
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

#[tokio::test(flavor = "multi_thread")]
async fn changes_during_a_sync_survive_it() {
    let mut rig = Rig::new(vec![admin_group()]).await;
    rig.supervisor.state.sync = Fetch::Fetching;
    rig.change(GroupChange::Roles(vec![person(ME, Role::Member)]))
        .await;
    rig.change(GroupChange::Added(vec![person(THIRD, Role::Member)]))
        .await;
    // The answer is from before: the group is asked for once more.
    rig.answer(Ok(group(vec![
        person(ME, Role::Member),
        person(OTHER, Role::Member),
        person(THIRD, Role::Member),
    ])));
    rig.sync(Ok(vec![admin_group()])).await;
    rig.settle().await;
    assert_eq!(rig.may_act().expect_err("refused").code, Code::Forbidden);
    assert_eq!(rig.members().await.len(), 3);
    assert_eq!(rig.asked().len(), 1);
    assert_eq!(rig.session.record().status.as_str(), "working", "{GROUP}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_fails_is_tried_again_and_changes_nothing() {
    let mut rig = Rig::new(vec![admin_group()]).await;
    rig.sync(Err(CallError::Unanswered)).await;
    assert_eq!(rig.supervisor.state.sync, Fetch::Waiting);
    assert!(rig.may_act().is_ok());
    assert_eq!(rig.members().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_cannot_be_written_is_written_later_and_not_fetched_again() {
    let mut rig = Rig::new(vec![]).await;
    rig.session.store().refuse_writes(true).await;
    rig.sync(Ok(vec![admin_group()])).await;
    assert!(rig.may_act().is_ok(), "it is in memory");
    let reason = |rig: &Rig| rig.session.record().status_reason;
    assert_eq!(reason(&rig), Some(StatusReason::Storage));
    assert_eq!(rig.members().await, []);
    rig.change(GroupChange::Added(vec![person(THIRD, Role::Member)]))
        .await;

    rig.session.store().refuse_writes(false).await;
    rig.settle().await;
    assert_eq!(reason(&rig), None);
    assert_eq!(rig.members().await.len(), 3, "and what came meanwhile");
    assert_eq!(rig.supervisor.state.sync, Fetch::Idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_cannot_be_written_are_written_later() {
    let mut rig = Rig::new(vec![admin_group()]).await;
    rig.session.store().refuse_writes(true).await;
    rig.change(GroupChange::Added(vec![person(THIRD, Role::Member)]))
        .await;
    rig.change(GroupChange::Removed(vec![person(OTHER, Role::Member)]))
        .await;
    assert_eq!(rig.members().await.len(), 2);
    rig.session.store().refuse_writes(false).await;
    rig.settle().await;
    let written = [
        (ME.to_owned(), Role::Admin),
        (THIRD.to_owned(), Role::Member),
    ];
    assert_eq!(rig.members().await, written);
    assert_eq!(rig.asked(), [], "WhatsApp has told it once");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_changes_than_fit_are_asked_for() {
    let mut rig = Rig::new(vec![admin_group()]).await;
    rig.answer(Ok(admin_group()));
    rig.session.store().refuse_writes(true).await;
    for n in 0..=1000 {
        let somebody = format!("{}@s.whatsapp.net", 628_000_000_000_u64 + n);
        rig.change(GroupChange::Added(vec![person(&somebody, Role::Member)]))
            .await;
    }
    rig.session.store().refuse_writes(false).await;
    rig.settle().await;
    rig.settle().await;
    assert_eq!(rig.asked().len(), 1);
    assert_eq!(rig.members().await.len(), 2, "as WhatsApp says now");
}
