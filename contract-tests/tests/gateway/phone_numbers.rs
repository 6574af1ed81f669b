//! Phone numbers as people write them, where the operator has turned them on.

use contract_tests::lab::Lab;
use contract_tests::session::Session;
use serde_json::{Value, json};
use whatsapp_standin::Role;

use crate::world::{ANNA, BUDI, GROUP, column, connected, jid, seed, sent, sent_since, violations};

/// [`ANNA`]'s number, and [`BUDI`]'s.
const ANNAS: &str = "+62 833-3000-001";
const BUDIS: &str = "+62 (0)833.3000.002";

/// What is none, each for another reason.
const BAD: [&str; 8] = [
    "62 833-3000-001",
    "0833-3000-001",
    "+62 833",
    "+1 212 555 01234",
    "+62 0833-3000-001",
    "+1 212 555 0123 ext. 4",
    "＋62 833-3000-001",
    "+٦٢٨٣٣٣٠٠٠٠٠١",
];

async fn accepting() -> (Lab, Session) {
    let lab = Lab::with(|config| config.accept_phone_numbers = true).await;
    seed(&lab);
    let session = lab.connected().await;
    (lab, session)
}

/// That the bad ones of these are named, with what was sent, and nothing else is.
fn assert_named(violations: &Value, participants: &[&str], is_bad: impl Fn(&str) -> bool) {
    let named = participants.iter().enumerate();
    let named = named.filter(|(_, name)| is_bad(name)).map(|(index, name)| {
        json!({"field": format!("participants[{index}]"), "rule": "pattern", "value": name})
    });
    assert_eq!(*violations, named.collect::<Value>());
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_taken_and_answers_have_the_jid() {
    let (lab, session) = accepting().await;
    let told = session
        .add_json(GROUP, &json!({"participants": [ANNAS, jid(BUDI)]}))
        .told()
        .send()
        .await
        .json(200);
    let people = json!([jid(ANNA), jid(BUDI)]);
    assert_eq!(column(&told["data"], "participant"), people);
    assert_eq!(column(&told["data"], "outcome"), json!(["added", "added"]));
    let record = session.action(told["action"].as_str().unwrap()).await;
    assert_eq!(column(&record["people"], "participant"), people);
    for person in [ANNA, BUDI] {
        assert_eq!(lab.standin.group(GROUP).role(person), Some(Role::Member));
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_and_its_jid_count_once() {
    let (lab, session) = accepting().await;
    let written = [ANNAS, &jid(ANNA), "+628333000001", BUDIS, &jid(BUDI)];
    let told = session
        .add_json(GROUP, &json!({"participants": written}))
        .told()
        .send()
        .await
        .json(200);
    let people = json!([jid(ANNA), jid(BUDI)]);
    assert_eq!(column(&told["data"], "participant"), people);
    lab.stop().await;
}

/// Every bad index in one answer, malformed JIDs among them, and nobody is added by half.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_number_is_named() {
    let (lab, session) = accepting().await;
    let before = sent(&lab);
    let lid = "628333000001@lid";
    let anna = jid(ANNA);
    let good = [ANNAS, BUDIS, &anna];
    let mixed: Vec<&str> = [good.as_slice(), &BAD, &good, &["x", lid, ""]].concat();
    let groups = session.path("/groups");
    let new = json!({"subject": "New team", "participants": mixed});
    for call in [
        session.add_json(GROUP, &json!({"participants": mixed})),
        session.caller.post(groups).json(&new),
    ] {
        assert_named(&violations(call).await, &mixed, |name| {
            !good.contains(&name)
        });
    }
    assert_eq!(sent_since(&lab, &before), []);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_refused_unless_turned_on() {
    let (lab, session) = connected().await;
    let before = sent(&lab);
    let anna = jid(ANNA);
    let mixed = [&anna, ANNAS, "x", &anna, BUDIS, "+628333000001"];
    let groups = session.path("/groups");
    let new = json!({"subject": "New team", "participants": mixed});
    for call in [
        session.add_json(GROUP, &json!({"participants": mixed})),
        session.caller.post(groups).json(&new),
    ] {
        assert_named(&violations(call).await, &mixed, |name| name != anna);
    }
    assert_eq!(sent_since(&lab, &before), []);
    lab.stop().await;
}
