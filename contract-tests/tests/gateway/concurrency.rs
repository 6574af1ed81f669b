//! Many calls at once on one session.

use contract_tests::client::Call;
use contract_tests::lab::{ACCOUNT, Lab};
use contract_tests::session::Session;
use contract_tests::wait::within;
use futures_util::future::join_all;
use serde_json::json;
use tokio::task::JoinSet;
use whatsapp_standin::{GroupSpec, Person};

use crate::world::{ADD, ANNA, GROUP, NOT_ADMIN, UNKNOWN, seed, sent, sent_since};

/// Fifty adds in flight together, with calls of every other kind between them: each is answered for itself, nothing is
/// lost and nothing is done twice.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_calls_at_once() {
    let lab = Lab::start().await;
    seed(&lab);
    let people: Vec<String> = (0..50).map(|n| format!("6287770{n:05}")).collect();
    for person in &people {
        lab.standin.add_person(Person::new(person.as_str()));
    }
    let second = lab
        .standin
        .add_group(GroupSpec::new("Second").admin(ACCOUNT));
    let session = lab.connected().await;
    let before = sent(&lab);

    let mut calls = JoinSet::new();
    let mut expect = |call: Call, status: u16| {
        calls.spawn(async move {
            call.send().await.expect(status);
        });
    };
    for (n, person) in people.iter().enumerate() {
        let group = if n % 2 == 0 { GROUP } else { &second };
        expect(session.add(group, &[person]), 204);
        match n % 5 {
            0 => expect(session.add(NOT_ADMIN, &[person]), 403),
            1 => expect(session.add(UNKNOWN, &[person]), 404),
            2 => expect(session.add_json(GROUP, &json!({"participants": []})), 400),
            3 => expect(session.by(&lab.anonymous()).add(GROUP, &[person]), 401),
            _ => expect(session.caller.get(session.path("/groups")), 200),
        }
    }
    within("all answers", calls.join_all()).await;

    within("the notifications", lab.standin.wait_acknowledged(ACCOUNT)).await;
    assert_eq!(sent_since(&lab, &before), [(ADD.to_owned(), 50)]);
    for (n, person) in people.iter().enumerate() {
        let (home, other) = if n % 2 == 0 {
            (GROUP, second.as_str())
        } else {
            (second.as_str(), GROUP)
        };
        assert!(
            lab.standin.group(home).role(person).is_some(),
            "{person} is lost"
        );
        assert!(
            lab.standin.group(other).role(person).is_none(),
            "{person} is in the wrong group"
        );
    }
    lab.stop().await;
}

/// The same person added by many at once is added once.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_times_the_same_person() {
    let lab = Lab::start().await;
    seed(&lab);
    let session = lab.connected().await;
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        let call = session.add(GROUP, &[ANNA]);
        calls.spawn(async move { call.send().await.expect_no_content() });
    }
    within("all answers", calls.join_all()).await;
    assert_eq!(
        lab.standin
            .group(GROUP)
            .members()
            .iter()
            .filter(|(phone, _)| phone == ANNA)
            .count(),
        1
    );
    lab.stop().await;
}

/// Sessions are made, started and deleted by many at once without one meeting another.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_come_and_go_at_once() {
    let lab = Lab::start().await;
    let caller = lab.manager().await;
    let one_life = async || {
        let session = Session::create(&caller).await;
        let (first, second) = tokio::join!(session.post("start"), session.post("start"));
        first.expect(200);
        second.expect(200);
        session.qr().await;
        let delete = || caller.delete(session.path("")).send();
        let (first, second) = tokio::join!(delete(), delete());
        let mut statuses = [first.status.as_u16(), second.status.as_u16()];
        statuses.sort_unstable();
        assert!(
            statuses == [204, 204] || statuses == [204, 404],
            "{statuses:?}"
        );
        caller.get(session.path("")).send().await.expect(404);
    };
    within("all answers", join_all((0..20).map(|_| one_life()))).await;
    assert_eq!(
        caller.get("/sessions").send().await.json(200)["data"],
        json!([])
    );
    lab.stop().await;
}
