//! What protects the account: WhatsApp is left alone while it asks for that, and no more people are added than was allowed.

use std::time::Duration;

use contract_tests::lab::{ACCOUNT, Lab};
use futures_util::future::join_all;
use serde_json::json;
use whatsapp_gateway::Clock;
use whatsapp_standin::{Fault, Person, When};

use crate::world::{ADD, ANNA, BUDI, GROUP, connected, jid, seed, sent, sent_since};

/// Nothing more is asked until the time that WhatsApp has named, by whatever operation, also after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn whatsapp_is_left_alone_while_it_asks_for_that() {
    let clock = Clock::default();
    let lab = Lab::with(|config| config.clock = clock.clone()).await;
    seed(&lab);
    let session = lab.connected().await;
    let busy = Fault::SlowDown(Duration::from_secs(600));
    lab.standin.fault(ACCOUNT, When::next(ADD), busy);
    let answer = session.add(GROUP, &[ANNA]).send().await;
    assert_eq!(answer.headers["retry-after"], "600");
    let details = answer.error(429, "rate_limited");
    assert!(details["action"].is_string(), "this one was asked");

    clock.advance(Duration::from_secs(60));
    let lab = lab.restart_gateway().await;
    let session = session.by(&lab.manager().await);
    session.wait_working(&lab.standin, ACCOUNT).await;
    let before = sent(&lab);
    let group = session.path(&format!("/groups/{GROUP}"));
    for call in [
        session.add(GROUP, &[ANNA]),
        session.caller.get(format!("{group}/invite")),
        session.caller.delete(format!("{group}/invite")),
        session.caller.get(format!("{group}/requests")),
        session.caller.post(format!("{group}/leave")),
    ] {
        let answer = call.send().await;
        let seconds = answer.headers["retry-after"].to_str().unwrap();
        let seconds: u64 = seconds.parse().unwrap();
        assert!((500..=540).contains(&seconds), "{seconds}");
        assert_eq!(answer.error(429, "rate_limited"), json!({}));
    }
    assert_eq!(sent_since(&lab, &before), []);
    clock.advance(Duration::from_secs(540));
    session.add(GROUP, &[ANNA]).send().await.expect_no_content();
    lab.stop().await;
}

/// A hundred at once: exactly as many as were allowed reach WhatsApp.
#[tokio::test(flavor = "multi_thread")]
async fn a_budget_lets_through_so_many() {
    let clock = Clock::default();
    let lab = Lab::with(|config| config.clock = clock.clone()).await;
    seed(&lab);
    let session = lab.connected().await;
    let people: Vec<_> = (0..100).map(|n| format!("62877{n:07}")).collect();
    for phone in &people {
        lab.standin.add_person(Person::new(phone));
    }
    // What was added before counts too.
    session.add(GROUP, &[ANNA]).send().await.expect_no_content();
    let limits = json!({"limits": {"addsPerHour": 20, "addsPerDay": 30}});
    let patch = session.caller.patch(session.path("")).json(&limits);
    assert_eq!(patch.send().await.json(200)["limits"], limits["limits"]);

    let round = async |budget: &str| {
        let calls = people
            .iter()
            .map(|phone| session.add(GROUP, &[phone]).send());
        let mut done = 0;
        for answer in join_all(calls).await {
            if answer.status == 204 {
                done += 1;
            } else {
                assert!(answer.headers.contains_key("retry-after"));
                let details = answer.error(429, "rate_limited");
                assert_eq!(details, json!({"budget": budget}));
            }
        }
        done
    };
    assert_eq!(round("addsPerHour").await, 19);
    assert_eq!(lab.standin.iq_count(ADD), 20);
    clock.advance(Duration::from_secs(60 * 60));
    assert_eq!(round("addsPerDay").await, 10);
    assert_eq!(lab.standin.iq_count(ADD), 30);

    let lab = lab.restart_gateway().await;
    let session = session.by(&lab.manager().await);
    session.wait_working(&lab.standin, ACCOUNT).await;
    assert_eq!(session.get().await["limits"], limits["limits"]);
    let answer = session.add(GROUP, &[BUDI]).send().await;
    let details = answer.error(429, "rate_limited");
    assert_eq!(details, json!({"budget": "addsPerDay"}));
    // Without a limit there is none.
    let none = session.caller.patch(session.path(""));
    let none = none.json(&json!({"limits": {}})).send().await.json(200);
    assert_eq!(none["limits"], json!({}));
    session.add(GROUP, &[BUDI]).send().await.expect_no_content();
    lab.stop().await;
}

/// Where nothing was done nothing is used.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_done_uses_nothing_of_a_budget() {
    let (lab, session) = connected().await;
    let limits = json!({"limits": {"addsPerHour": 2}});
    let patch = session.caller.patch(session.path("")).json(&limits);
    patch.send().await.expect(200);
    for code in [405, 406, 405] {
        let refusal = Fault::Refuse {
            code,
            text: "not-allowed".to_owned(),
        };
        lab.standin.fault(ACCOUNT, When::next(ADD), refusal);
        let answer = session.add(GROUP, &[ANNA, BUDI]).send().await;
        answer.error(502, "upstream_error");
    }
    let details = session.add(GROUP, &[ANNA, BUDI, ACCOUNT]).send().await;
    let details = details.error(429, "rate_limited");
    assert_eq!(details, json!({"budget": "addsPerHour"}));
    session
        .add(GROUP, &[ANNA, BUDI])
        .send()
        .await
        .expect_no_content();
    // A new group counts like an add.
    let create = session.caller.post(session.path("/groups"));
    let create = create.json(&json!({"subject": "New", "participants": [jid(ANNA)]}));
    let details = create.send().await.error(429, "rate_limited");
    assert_eq!(details, json!({"budget": "addsPerHour"}));
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_renamed() {
    let (lab, session) = connected().await;
    let patch = async |body| {
        let call = session.caller.patch(session.path("")).json(&body);
        let told = call.send().await.json(200);
        assert_eq!(told, session.get().await);
        told["label"].clone()
    };
    assert_eq!(patch(json!({"label": "Crew"})).await, "Crew");
    assert_eq!(patch(json!({})).await, "Crew");
    let lab = lab.restart_gateway().await;
    let session = session.by(&lab.manager().await);
    assert_eq!(session.get().await["label"], "Crew");
    let patch = session.caller.patch(session.path(""));
    let told = patch.json(&json!({"label": ""})).send().await.json(200);
    assert_eq!(told["label"], serde_json::Value::Null);
    lab.stop().await;
}
