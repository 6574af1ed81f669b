use std::time::Duration;

use super::*;
use crate::error::Code;
use crate::group::{Outcome, Role};
use crate::sessions::fake::{ME, Rig, gid, group, person};
use crate::store::Caller;
use crate::whatsapp::CallError;

fn user(number: usize) -> PersonJid {
    format!("{}@s.whatsapp.net", 628_000_000_000 + number)
        .parse()
        .expect("a user JID")
}

fn participants(numbers: &[usize]) -> Participants {
    Participants::new(numbers.iter().copied().map(user).collect(), 1024).expect("participants")
}

async fn rig_of(role: Role) -> Rig {
    Rig::new(vec![group(vec![person(ME, role)])]).await
}

async fn add(
    rig: &mut Rig,
    answer: Result<Vec<Outcome>, CallError>,
) -> Result<ActionRecord, Error> {
    rig.connection
        .acts
        .lock()
        .expect("no panic")
        .push_back(answer);
    add_to(rig, &gid()).await
}

async fn add_to(rig: &mut Rig, gid: &GroupJid) -> Result<ActionRecord, Error> {
    let session = rig.session.clone();
    let add = GroupAction::Add(participants(&[1, 2]).into_vec());
    let asker = Asker {
        caller: Caller::User(None),
        key: None,
        part: None,
        invite_declined: false,
    };
    rig.awake(act(&session, gid, add, asker)).await
}

#[test]
fn nobody_twice_and_in_order() {
    let people = participants(&[3, 1, 3, 2, 1]);
    assert_eq!(people.into_vec(), [user(3), user(1), user(2)]);
}

#[test]
fn at_least_one_and_at_most_1024() {
    for (count, rule) in [
        (0, Some("required")),
        (1, None),
        (1024, None),
        (1025, Some("length")),
    ] {
        match (
            Participants::new((0..count).map(user).collect(), MOST_IN_A_CALL),
            rule,
        ) {
            (Ok(people), None) => assert_eq!(people.into_vec().len(), count),
            (Err(error), Some(rule)) => {
                assert_eq!(error.code, Code::ValidationError);
                assert_eq!(error.details["violations"][0]["field"], "participants");
                assert_eq!(error.details["violations"][0]["rule"], rule);
            }
            (result, _) => panic!("{count}: {result:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_round_trip_whatever_becomes_of_the_people() {
    for role in [Role::Admin, Role::SuperAdmin] {
        for outcomes in [
            [Outcome::Added, Outcome::Added],
            [Outcome::AlreadyMember, Outcome::AlreadyMember],
            [Outcome::InviteRequired, Outcome::NotOnWhatsApp],
            [Outcome::Added, Outcome::RecentlyLeft],
        ] {
            let mut rig = rig_of(role).await;
            add(&mut rig, Ok(outcomes.to_vec())).await.expect("204");
            assert_eq!(rig.asked(), [(gid(), vec![user(1), user(2)])]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_is_no_admin_is_refused_without_asking() {
    let mut rig = rig_of(Role::Member).await;
    let error = add(&mut rig, Ok(vec![])).await.expect_err("refused");
    assert_eq!(
        (error.code, &error.details["reason"]),
        (Code::Forbidden, &"not_group_admin".into())
    );
    assert_eq!(rig.asked(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_group_is_refused_without_asking() {
    let mut rig = rig_of(Role::Admin).await;
    let other = "120363049999999999@g.us".parse().expect("a group JID");
    let error = add_to(&mut rig, &other).await.expect_err("refused");
    assert_eq!(
        (error.code, &error.details["resource"]),
        (Code::NotFound, &"group".into())
    );
    assert_eq!(rig.asked(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_whatsapp_refuses() {
    let mut rig = rig_of(Role::Admin).await;
    let refused = |code| CallError::Refused {
        code,
        backoff: Some(Duration::from_secs(9)),
    };
    for (answer, code) in [
        // Nobody confirms what these two would mean.
        (refused(403), Code::UpstreamError),
        (refused(404), Code::UpstreamError),
        (refused(406), Code::UpstreamError),
        (CallError::Unanswered, Code::UpstreamTimeout),
        (CallError::NotConnected, Code::NotImplemented),
        (CallError::Other("inside".into()), Code::Internal),
        // The last that is sent for a while.
        (refused(429), Code::RateLimited),
    ] {
        let error = add(&mut rig, Err(answer)).await.expect_err("refused");
        assert_eq!(error.code, code);
    }
}

fn refused(code: u16) -> CallError {
    CallError::Refused {
        code,
        backoff: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_role_in_memory_heals_at_the_first_call() {
    for before in [vec![group(vec![person(ME, Role::Member)])], vec![]] {
        let mut rig = Rig::new(before).await;
        rig.forget_when_told();
        rig.answer(Ok(group(vec![person(ME, Role::Admin)])));
        add(&mut rig, Ok(vec![Outcome::Added; 2]))
            .await
            .expect("an admin in WhatsApp's eyes");
        assert_eq!(rig.asked().len(), 2, "the group, and the add");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_follows_what_whatsapp_says_of_the_group() {
    let member = || Ok(group(vec![person(ME, Role::Member)]));
    let admin = || Ok(group(vec![person(ME, Role::Admin)]));
    for (code, told, answered) in [
        (403, member(), Code::Forbidden),
        (404, Err(refused(404)), Code::NotFound),
        (403, Err(refused(403)), Code::NotFound),
        // The account may: it is something else that WhatsApp minds.
        (403, admin(), Code::UpstreamError),
        (401, admin(), Code::UpstreamError),
        (404, admin(), Code::UpstreamError),
    ] {
        let mut rig = rig_of(Role::Admin).await;
        rig.forget_when_told();
        rig.answer(told);
        let error = add(&mut rig, Err(refused(code)))
            .await
            .expect_err("refused");
        assert_eq!(error.code, answered, "{code}");
        assert_eq!(rig.asked().len(), 2, "the add, and the group");
        // Once: what WhatsApp just said still holds.
        let _ = add(&mut rig, Err(refused(code)))
            .await
            .expect_err("refused");
        let asked = rig
            .asked()
            .into_iter()
            .filter(|(_, users)| users.is_empty());
        assert_eq!(asked.count(), 0);
    }
}

/// One number can be the reason why all are refused; where WhatsApp does not tell which, the refusal is what there is.
#[tokio::test(flavor = "multi_thread")]
async fn an_add_refused_for_some_names_them() {
    for (told, named) in [
        (Ok(vec![user(2)]), Some(vec![user(2).to_string()])),
        (Ok(vec![]), None),
        (Err(CallError::Unanswered), None),
        (Err(refused(429)), None),
    ] {
        let mut rig = rig_of(Role::Admin).await;
        let told = told.map(|people| people.iter().filter_map(PersonJid::user).cloned().collect());
        rig.connection
            .not_on_whatsapp
            .lock()
            .expect("no panic")
            .push_back(told);
        let error = add(&mut rig, Err(refused(400))).await.expect_err("refused");
        assert_eq!(error.code, Code::UpstreamError);
        assert_eq!(error.details["upstreamCode"], 400);
        let given = error.details.get("notOnWhatsApp").cloned();
        assert_eq!(given, named.map(serde_json::Value::from));
        assert!(!error.message.contains("628"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_is_listed() {
    let rig = rig_of(Role::Admin).await;
    let page = list(&rig.session, 0, 10).await.expect("groups");
    assert_eq!(page.items[0].gid, gid().as_str());
    assert_eq!(page.next, None);
    assert_eq!(
        get(&rig.session, &gid())
            .await
            .expect("a group")
            .participant_count,
        1
    );
    let page = members(&rig.session, &gid(), 0, 10).await.expect("members");
    assert_eq!(page.items[0].jid.as_deref(), Some(ME));

    let other: GroupJid = "1@g.us".parse().expect("a group JID");
    assert!(get(&rig.session, &other).await.is_err());
    assert!(members(&rig.session, &other, 0, 10).await.is_err());
}
