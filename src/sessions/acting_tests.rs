//! Actions on a group: recorded before they are sent, completed afterwards, settled where the outcome is not known.

use std::time::Duration;

use tokio::time::timeout;

use super::fake::{ME, Rig, gid, group, person};
use super::supervisor::state::Fetch;
use crate::error::{Code, Error};
use crate::group::{GroupAction, GroupInfo, Operation, Outcome, Role};
use crate::sessions::Asker;
use crate::store::{ActionFilter, ActionRecord, ActionStatus, Caller};
use crate::whatsapp::CallError;

const ANN: &str = "628111000001@s.whatsapp.net";
const BEN: &str = "628111000002@s.whatsapp.net";

fn admin_group(others: &[&str]) -> GroupInfo {
    let others = others.iter().map(|other| person(other, Role::Member));
    group(
        [person(ME, Role::Admin)]
            .into_iter()
            .chain(others)
            .collect(),
    )
}

fn refused(code: u16) -> CallError {
    CallError::Refused {
        code,
        backoff: Some(Duration::from_secs(1)),
    }
}

fn asker() -> Asker {
    Asker {
        caller: Caller::ApiKey("01K".to_owned()),
        key: None,
        part: None,
        invite_declined: false,
    }
}

impl Rig {
    /// Adds Ann and Ben; WhatsApp answers so.
    async fn act(
        &mut self,
        answer: Result<Vec<Outcome>, CallError>,
    ) -> Result<ActionRecord, Error> {
        self.connection
            .acts
            .lock()
            .expect("no panic")
            .push_back(answer);
        let session = self.session.clone();
        let people = [ANN, BEN].map(|jid| jid.parse().expect("a JID"));
        let action = GroupAction::Add(people.to_vec());
        let acting = async move {
            session
                .known_admin_group(&gid())?
                .act(action, asker())
                .await
        };
        self.awake(acting).await
    }

    /// All actions, the latest first.
    async fn actions(&self) -> Vec<ActionRecord> {
        self.session.actions_saved().await.expect("saved");
        let store = self.session.store();
        let filter = ActionFilter::default();
        let actions = store.list_actions(self.session.id(), &filter, None, 100);
        actions.await.expect("actions")
    }

    /// The latest action once it is settled.
    async fn settled(&mut self) -> ActionRecord {
        let session = self.session.clone();
        let settled = async move {
            loop {
                session.actions_saved().await.expect("saved");
                let filter = ActionFilter::default();
                let store = session.store();
                let latest = store.list_actions(session.id(), &filter, None, 1).await;
                match latest.expect("actions").pop() {
                    Some(latest) if latest.status == ActionStatus::Done => return latest,
                    _ => tokio::task::yield_now().await,
                }
            }
        };
        let settled = timeout(Duration::from_secs(30), self.awake(settled));
        settled.await.expect("settled in time")
    }
}

fn outcomes(action: &ActionRecord) -> Vec<Outcome> {
    action.people.iter().map(|person| person.outcome).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_that_cannot_be_recorded() {
    let mut rig = Rig::new(vec![admin_group(&[])]).await;
    rig.session.store().refuse_writes(true).await;
    let error = rig.act(Ok(vec![Outcome::Added; 2])).await;
    assert_eq!(error.expect_err("refused").code, Code::Unavailable);
    assert_eq!(rig.asked(), []);
    rig.session.store().refuse_writes(false).await;
    assert_eq!(rig.actions().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_each_is_told_and_kept() {
    let mut rig = Rig::new(vec![admin_group(&[])]).await;
    let told = vec![Outcome::InviteRequired, Outcome::AlreadyMember];
    let acted = rig.act(Ok(told.clone())).await.expect("acted");
    let [action] = &rig.actions().await[..] else {
        panic!("one action");
    };
    assert_eq!(action.id, acted.id);
    assert_eq!(action.people, acted.people);
    assert_eq!(outcomes(action), told);
    assert_eq!(action.status, ActionStatus::Done);
    assert_eq!(action.operation, Operation::AddGroupMembers);
    assert_eq!(action.caller, Caller::ApiKey("01K".to_owned()));
    assert!(action.completed_at >= Some(action.created_at));
    assert_eq!(action.error, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_kept_and_names_its_action() {
    for (answer, status, code, upstream_code) in [
        (
            refused(406),
            ActionStatus::Refused,
            "upstream_error",
            Some(406),
        ),
        (
            refused(429),
            ActionStatus::Refused,
            "rate_limited",
            Some(429),
        ),
        (
            CallError::NotConnected,
            ActionStatus::Refused,
            "not_implemented",
            None,
        ),
        (
            CallError::Unanswered,
            ActionStatus::Unknown,
            "upstream_timeout",
            None,
        ),
        (
            CallError::Unreadable("odd".into()),
            ActionStatus::Unknown,
            "upstream_timeout",
            None,
        ),
        (
            CallError::Other("odd".into()),
            ActionStatus::Unknown,
            "internal",
            None,
        ),
    ] {
        let mut rig = Rig::new(vec![admin_group(&[])]).await;
        let error = rig.act(Err(answer)).await.expect_err("refused");
        let action = rig.actions().await.remove(0);
        assert_eq!(error.details["action"], action.id.as_str(), "{code}");
        assert_eq!(action.status, status, "{code}");
        let error = action.error.as_ref().expect("an error");
        assert_eq!(error.code.as_str(), code);
        assert_eq!(action.upstream_code, upstream_code);
        let outcome = match status {
            ActionStatus::Refused => Outcome::NotAdded,
            _ => Outcome::Unknown,
        };
        assert_eq!(outcomes(&action), [outcome; 2], "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_account_is_named_in_the_action() {
    let mut rig = Rig::new(vec![admin_group(&[])]).await;
    rig.connection
        .not_on_whatsapp
        .lock()
        .expect("no panic")
        .push_back(Ok(vec![BEN.parse().expect("a JID")]));
    rig.act(Err(refused(400))).await.expect_err("refused");
    let action = rig.actions().await.remove(0);
    assert_eq!(
        outcomes(&action),
        [Outcome::NotAdded, Outcome::NotOnWhatsApp]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_outcome_is_looked_up_in_the_group() {
    for answer in [Err(CallError::Unanswered), Ok(vec![Outcome::Unknown; 2])] {
        let mut rig = Rig::new(vec![admin_group(&[])]).await;
        rig.answer(Ok(admin_group(&[BEN])));
        let _ = rig.act(answer).await;
        let action = rig.settled().await;
        assert_eq!(outcomes(&action), [Outcome::NotAdded, Outcome::Added]);
        // The act, and the question; nothing was sent a second time.
        assert_eq!(rig.asked().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_outcome_waits_for_the_connection() {
    let mut rig = Rig::new(vec![admin_group(&[])]).await;
    rig.answer(Err(CallError::Unanswered));
    rig.act(Err(CallError::Unanswered))
        .await
        .expect_err("unknown");
    assert_eq!(rig.actions().await[0].status, ActionStatus::Unknown);
    // It is asked for, and is not told; the next sync has it.
    while rig.supervisor.state.sync == Fetch::Idle {
        rig.supervisor.turn().await;
    }
    rig.supervisor
        .synced(Ok(vec![admin_group(&[ANN])]), None)
        .await;
    let action = rig.settled().await;
    assert_eq!(outcomes(&action), [Outcome::Added, Outcome::NotAdded]);
}

/// The account has been removed, or the group is gone: nobody can tell any more.
#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_nobody_can_tell_stays_unknown() {
    let mut rig = Rig::new(vec![admin_group(&[])]).await;
    rig.answer(Err(refused(403)));
    rig.act(Err(CallError::Unanswered))
        .await
        .expect_err("unknown");
    let action = rig.settled().await;
    assert_eq!(outcomes(&action), [Outcome::Unknown; 2]);
}

/// As a caller who hangs up does.
#[tokio::test(flavor = "multi_thread")]
async fn an_action_is_done_to_the_end_without_its_caller() {
    let mut rig = Rig::new(vec![admin_group(&[])]).await;
    rig.connection
        .acts
        .lock()
        .expect("no panic")
        .push_back(Ok(vec![Outcome::Added]));
    let action = GroupAction::Add(vec![ANN.parse().expect("a JID")]);
    let group = rig.session.known_admin_group(&gid()).expect("an admin");
    {
        let mut acting = std::pin::pin!(group.act(action, asker()));
        let begun = futures_util::poll!(&mut acting);
        assert!(begun.is_pending());
    }
    let action = rig.settled().await;
    assert_eq!(outcomes(&action), [Outcome::Added]);
}
