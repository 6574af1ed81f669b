//! A request that is repeated with its `Idempotency-Key` acts once, whatever happens in between.

use std::collections::BTreeSet;
use std::time::Duration;

use contract_tests::client::{Answer, Call};
use contract_tests::lab::{ACCOUNT, Lab};
use contract_tests::session::Session;
use contract_tests::wait::within;
use futures_util::future::join_all;
use serde_json::json;
use whatsapp_standin::{Fault, When};

use crate::world::{
    ADD, ANNA, Apart, BUDI, FRIEND, GROUP, MEMBER, connected, jid, seed, sent, sent_since, settled,
};

/// What changes something there and is asked for once.
fn acts(session: &Session) -> Vec<Call> {
    let group = session.path(&format!("/groups/{GROUP}"));
    let caller = &session.caller;
    let member = |person: &str| format!("{group}/members/{}", jid(person));
    vec![
        session.add(GROUP, &[ANNA]),
        session.add(GROUP, &[ANNA]).told(),
        caller.post(format!("{}/promote", member(MEMBER))),
        caller.post(format!("{}/demote", member(MEMBER))),
        caller.delete(member(MEMBER)),
        // Refused, which is an answer too.
        caller.post(format!("{}/promote", member(MEMBER))),
        caller.delete(member(FRIEND)),
        caller.delete(format!("{group}/invite")),
        caller.patch(&group).json(&json!({"subject": "Crew"})),
        caller
            .post(format!("{group}/requests/reject"))
            .json(&json!({"participants": [jid(ANNA)]})),
        caller
            .post(session.path("/groups/join"))
            .json(&json!({"invite": "AbCdEfGhIjKl"})),
        caller.post(format!("{group}/leave")),
    ]
}

fn alike(first: &Answer, second: &Answer) {
    assert_eq!(first.status, second.status);
    assert_eq!(first.body, second.body);
    for header in ["location", "preference-applied", "retry-after"] {
        let (one, other) = (first.headers.get(header), second.headers.get(header));
        assert_eq!(one, other, "{header}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_is_answered_like_the_first() {
    let (lab, session) = connected().await;
    for (number, call) in acts(&session).into_iter().enumerate() {
        let call = call.idempotent(&format!("key-{number}"));
        let first = call.clone().send().await;
        let before = sent(&lab);
        alike(&first, &call.send().await);
        let mut sent = sent_since(&lab, &before);
        sent.retain(|(kind, _)| kind.starts_with("set"));
        assert_eq!(sent, [], "{number}");
    }
    lab.stop().await;
}

/// While the first runs the others are told so; after it they have its answer.
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_at_once_one_acts() {
    let (lab, session) = connected().await;
    let late = Fault::Delay(Duration::from_millis(300));
    lab.standin.fault(ACCOUNT, When::next(ADD), late);
    let call = session.add(GROUP, &[ANNA]).told().idempotent("fifty");
    let answers = join_all((0..50).map(|_| tokio::spawn(call.clone().send()))).await;
    let mut done = 0;
    for answer in answers {
        let answer = answer.unwrap();
        if answer.status == 200 {
            done += 1;
        } else {
            assert_eq!(answer.headers["retry-after"], "1");
            let details = answer.error(409, "conflict");
            assert_eq!(details["reason"], "still_running");
        }
    }
    assert!(done >= 1);
    let actions: BTreeSet<String> = join_all((0..50).map(|_| call.clone().send()))
        .await
        .into_iter()
        .map(|answer| answer.action(200))
        .collect();
    assert_eq!(actions.len(), 1);
    assert_eq!(lab.standin.iq_count(ADD), 1);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_one_request_s_in_one_organization() {
    let (lab, session) = connected().await;
    let first = session.add(GROUP, &[ANNA]).idempotent("once");
    first.send().await.expect_no_content();
    for other in [
        session.add(GROUP, &[ANNA, BUDI]),
        session.caller.post("/sessions").json(&json!({})),
    ] {
        let details = other.idempotent("once").send().await.error(409, "conflict");
        assert_eq!(details, json!({"reason": "key_reused"}));
    }
    assert_eq!(lab.standin.iq_count(ADD), 1);
    let theirs = lab.caller("org_7", "manage").await;
    let call = theirs.post("/sessions").json(&json!({}));
    call.idempotent("once").send().await.expect(201);
    lab.stop().await;
}

/// Nothing was done, so there is something left to do.
#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_done_for_now_is_done_by_a_repetition() {
    let (lab, session) = connected().await;
    let call = || session.add(GROUP, &[ANNA]).idempotent("later");
    let limited = Fault::SlowDown(Duration::ZERO);
    lab.standin.fault(ACCOUNT, When::next(ADD), limited);
    call().send().await.error(429, "rate_limited");
    let other = call().json(&json!({"participants": []}));
    other.send().await.error(400, "validation_error");
    assert_eq!(session.post("stop").await.status, 200);
    call().send().await.error(501, "not_implemented");
    assert_eq!(session.post("start").await.status, 200);
    session.wait_working(&lab.standin, ACCOUNT).await;
    let id = call().send().await.action(204);
    assert_eq!(call().send().await.action(204), id);
    assert_eq!(lab.standin.iq_count(ADD), 2);
    // What WhatsApp has refused for good stays refused.
    let refusal = Fault::Refuse {
        code: 405,
        text: "not-allowed".to_owned(),
    };
    lab.standin.fault(ACCOUNT, When::next(ADD), refusal);
    let call = session.add(GROUP, &[BUDI]).idempotent("for-good");
    let first = call.clone().send().await.error(502, "upstream_error");
    let second = call.send().await.error(502, "upstream_error");
    assert_eq!(first, second);
    lab.stop().await;
}

/// kill -9 between acting and answering, whether WhatsApp has done it or not. The repetition sends nothing: it says what
/// became of the first, where that is known, and else that it is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_after_a_crash_sends_nothing_again() {
    for applied in [true, false] {
        let lab = Lab::start().await;
        seed(&lab);
        let apart = Apart::start(&lab).await;
        lab.standin
            .fault(ACCOUNT, When::next(ADD), Fault::Silence { applied });
        let call = apart.session.add(GROUP, &[ANNA]).idempotent("crash");
        let call = tokio::spawn(call.send_unanswered());
        within("the add is sent", lab.standin.wait_iq(ADD, 1)).await;
        let killed = apart.kill().await;
        within("the caller notices", call).await.unwrap();

        let apart = killed.back(&lab).await;
        let session = &apart.session;
        let list = session.caller.get(session.path("/actions"));
        let list = list.send().await.json(200)["data"].take();
        let id = list[0]["id"].as_str().unwrap();
        settled(session, id).await;
        let again = session.add(GROUP, &[ANNA]).idempotent("crash");
        let again = again.send().await;
        if applied {
            assert_eq!(again.action(204), id);
        } else {
            let details = again.error(504, "upstream_timeout");
            assert_eq!(details["action"], id);
        }
        assert_eq!(lab.standin.iq_count(ADD), 1, "never a second time");
        assert_eq!(apart.gateway.terminate().await, Some(0));
        lab.stop().await;
    }
}

/// Not known when the first was answered, known since.
#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_learns_what_was_found_out() {
    let lab = Lab::with(|config| config.whatsapp_timeout = Duration::from_secs(1)).await;
    seed(&lab);
    let session = lab.connected().await;
    let silence = Fault::Silence { applied: true };
    lab.standin.fault(ACCOUNT, When::next(ADD), silence);
    let call = session.add(GROUP, &[ANNA]).told().idempotent("found-out");
    let details = call.clone().send().await.error(504, "upstream_timeout");
    let id = details["action"].as_str().unwrap();
    settled(&session, id).await;
    let answer = call.send().await.json(200);
    assert_eq!(answer["action"], id);
    assert_eq!(answer["data"][0]["outcome"], "added");
    assert_eq!(lab.standin.iq_count(ADD), 1);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_known_for_a_day() {
    let (lab, session) = connected().await;
    let call = || session.add(GROUP, &[ANNA]).idempotent("yesterday");
    let id = call().send().await.action(204);
    let age = async |by: i64| {
        let sql = format!("UPDATE idempotency_keys SET created_at = created_at - {by}");
        lab.database().execute(&sql).await;
    };
    let hour = 60 * 60 * 1000;
    age(23 * hour).await;
    assert_eq!(call().send().await.action(204), id);
    age(hour).await;
    assert_ne!(call().send().await.action(204), id);
    assert_eq!(lab.standin.iq_count(ADD), 2);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_created_once() {
    let lab = Lab::start().await;
    let caller = lab.manager().await;
    let call = caller.post("/sessions").json(&json!({"label": "One"}));
    let call = call.idempotent("session");
    let answers = join_all((0..20).map(|_| tokio::spawn(call.clone().send()))).await;
    let ids: BTreeSet<String> = answers
        .into_iter()
        .map(|answer| answer.unwrap().json(201)["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 1);
    let sessions = caller.get("/sessions").send().await.json(200);
    assert_eq!(sessions["data"].as_array().unwrap().len(), 1);
    let id = sessions["data"][0]["id"].as_str().unwrap();
    let lab = lab.restart_gateway().await;
    let call = call.at(lab.url());
    assert_eq!(call.clone().send().await.json(201)["id"], id);
    let gone = lab.manager().await.delete(format!("/sessions/{id}"));
    gone.send().await.expect_no_content();
    call.send().await.error(409, "conflict");
    lab.stop().await;
}
