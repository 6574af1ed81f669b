//! What was asked of WhatsApp is recorded before it is sent, and what became of each person is told.

use std::time::Duration;

use contract_tests::gateway;
use contract_tests::lab::{ACCOUNT, Lab, ORGANIZATION};
use contract_tests::session::Session;
use contract_tests::tokens::{Jwks, SigningKey, claims};
use contract_tests::wait::{eventually, within};
use hyper::header::HeaderName;
use serde_json::{Value, json};
use whatsapp_gateway::now;
use whatsapp_standin::{AddOutcome, Fault, GroupSpec, Role, When};

use crate::world::{
    ADD, ANNA, Apart, BUDI, DECLINERS, FRIEND, GROUP, column, connected, jid, seed, sent,
    sent_since, settled,
};

/// The word and the code of what the stand-in does to each of its people.
fn told_of(outcome: AddOutcome) -> (&'static str, Value) {
    let word = match outcome {
        AddOutcome::PrivacyDeclined => "invite_required",
        AddOutcome::Blocked => "blocked",
        AddOutcome::NotOnWhatsApp => "not_on_whatsapp",
        AddOutcome::LeftRecently => "recently_left",
        AddOutcome::Full => "group_full",
        AddOutcome::AwaitsApproval => "pending_approval",
        _ => "added",
    };
    (word, json!(outcome.code()))
}

/// Every code of WhatsApp's, in groups addressed by number and by LID, asked for in the answer or not, by a call and by an
/// addition.
#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_each_person_is_told() {
    let lab = Lab::with(|config| {
        config.pace.batch = 100;
        config.pace.pause = (0, 0);
    })
    .await;
    seed(&lab);
    let by_lid = GroupSpec::new("By LID").lid().admin(ACCOUNT);
    let by_lid = lab.standin.add_group(by_lid);
    let session = lab.connected().await;
    let people: Vec<&str> = [ANNA, ACCOUNT, ANNA]
        .into_iter()
        .chain(DECLINERS.map(|(phone, _)| phone))
        .collect();
    // Anna counts once.
    let mut asked = people.clone();
    asked.remove(2);
    let mut told = vec![("added", Value::Null), ("already_member", json!(409))];
    told.extend(DECLINERS.map(|(_, outcome)| told_of(outcome)));

    for (gid, lids) in [(GROUP, false), (by_lid.as_str(), true)] {
        let before = sent(&lab);
        let result = session.add_told(gid, &people).await;
        assert_eq!(sent_since(&lab, &before), [(ADD.to_owned(), 1)]);
        let data = &result["data"];
        let (words, codes): (Vec<_>, Vec<_>) = told.iter().cloned().unzip();
        assert_eq!(column(data, "outcome"), json!(words));
        assert_eq!(column(data, "upstreamCode"), json!(codes));
        let names: Vec<_> = asked.iter().map(|phone| jid(phone)).collect();
        assert_eq!(column(data, "participant"), json!(names));
        assert_eq!(column(data, "jid"), json!(names));
        let lid = |phone: &&str| lids.then(|| lab.standin.person(phone).unwrap().lid_jid());
        let lids: Vec<_> = asked.iter().map(lid).collect();
        assert_eq!(column(data, "lid"), json!(lids));
        // The record has the same to tell.
        let action = session.action(result["action"].as_str().unwrap()).await;
        assert_eq!(&action["people"], data);
        assert_eq!(action["status"], "done");

        // The plain call is as it always was, and names its record.
        let answer = session.add(gid, &people).send().await.expect(204);
        let location = answer.headers["location"].to_str().unwrap().to_owned();
        assert!(!answer.headers.contains_key("preference-applied"));
        answer.expect_no_content();
        let action = session.caller.call_raw(hyper::Method::GET, location);
        let mut people = action.send().await.json(200)["people"].take();
        // She is a member by now.
        assert_eq!(people[0]["outcome"], "already_member");
        people[0] = data[0].clone();
        assert_eq!(&people, data);

        // So does an addition of all of them.
        let additions = session.path(&format!("/groups/{gid}/additions"));
        let begin = session.caller.post(&additions);
        let begin = begin.json(&json!({"participants": names})).send().await;
        let id = begin.json(202)["id"].take();
        let path = format!("{additions}/{}", id.as_str().unwrap());
        let mut people = eventually("the addition is done", async || {
            let mut told = session.caller.get(&path).send().await.json(200);
            (told["addition"]["status"] == "done").then(|| told["data"].take())
        })
        .await;
        assert_eq!(people[0]["outcome"], "already_member");
        people[0] = data[0].clone();
        assert_eq!(&people, data);
    }
    lab.stop().await;
}

/// Only the one preference that is known changes the answer.
#[tokio::test(flavor = "multi_thread")]
async fn preferences_are_followed_or_passed_over() {
    let (lab, session) = connected().await;
    for (preference, status) in [
        ("return=representation", 200),
        ("respond-async, return=representation; x=1", 200),
        ("return=minimal", 204),
        ("respond-async", 204),
    ] {
        let name = HeaderName::from_static("prefer");
        let add = session.add(GROUP, &[ANNA]).header(name, preference);
        let answer = add.send().await.expect(status);
        let applied = answer.headers.get("preference-applied");
        let applied = applied.map(|value| value.to_str().unwrap());
        assert_eq!(applied, (status == 200).then_some("return=representation"));
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_are_listed_searched_and_erased() {
    let lab = Lab::start().await;
    seed(&lab);
    let other = GroupSpec::new("Other").admin(ACCOUNT);
    let other = lab.standin.add_group(other);
    let session = lab.connected().await;
    let begun = now();
    let one = session.add_told(GROUP, &[ANNA, BUDI]).await["action"].take();
    let two = session.add_told(&other, &[ANNA]).await["action"].take();
    let user = session.by(&lab.caller(ORGANIZATION, "read").await);
    let list = async |query: &str| {
        let path = session.path(&format!("/actions?{query}"));
        column(&user.caller.get(path).send().await.json(200)["data"], "id")
    };
    assert_eq!(list("").await, json!([two, one]), "the latest first");
    assert_eq!(list(&format!("group={GROUP}")).await, json!([one]));
    assert_eq!(list("operation=addGroupMembers").await, json!([two, one]));
    assert_eq!(list("operation=leaveGroup").await, json!([]));
    assert_eq!(list(&format!("from={begun}")).await, json!([two, one]));
    assert_eq!(list(&format!("before={begun}")).await, json!([]));
    let first = user
        .caller
        .get(session.path("/actions?limit=1"))
        .send()
        .await
        .json(200);
    assert_eq!(column(&first["data"], "id"), json!([two]));
    let cursor = first["nextCursor"].as_str().unwrap();
    assert_eq!(
        list(&format!("limit=1&cursor={cursor}")).await,
        json!([one])
    );

    // No database is asked for what is no id.
    for id in ["%00", "nowhere", "01bx5zzkbkactav9wevgemmvrz"] {
        let path = session.path(&format!("/actions/{id}"));
        let details = user.caller.get(path).send().await.error(404, "not_found");
        assert_eq!(details, json!({"resource": "action"}), "{id}");
    }
    let action = session.action(one.as_str().unwrap()).await;
    assert_eq!(action["operation"], "addGroupMembers");
    assert_eq!(action["groupJid"], GROUP);
    assert_eq!(action["errorCode"], Value::Null);
    assert_eq!(action["upstreamCode"], Value::Null);
    let (created, completed) = (&action["createdAt"], &action["completedAt"]);
    assert!((begun..=now()).contains(&created.as_i64().unwrap()));
    assert!((created.as_i64()..=Some(now())).contains(&completed.as_i64()));

    let search = async |person: &str| {
        let call = user.caller.post(session.path("/actions/search"));
        let found = call.json(&json!({"participant": person})).send().await;
        column(&found.json(200)["data"], "id")
    };
    assert_eq!(search(&jid(BUDI)).await, json!([one]));
    assert_eq!(search(&jid(FRIEND)).await, json!([]));
    for _ in 0..2 {
        let erase = session.caller.post(session.path("/actions/erase"));
        let erase = erase.json(&json!({"participant": jid(BUDI)}));
        erase.send().await.expect_no_content();
        assert_eq!(search(&jid(BUDI)).await, json!([]));
    }
    let action = session.action(one.as_str().unwrap()).await;
    assert_eq!(column(&action["people"], "participant"), json!([jid(ANNA)]));
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_names_who_asked() {
    let jwks = Jwks::serving(&[SigningKey::ec()]).await;
    let lab = Lab::with(|config| config.jwt = Some(gateway::jwt(&jwks))).await;
    seed(&lab);
    let session = lab.connected().await;
    let (key_id, key) = lab.api_key(ORGANIZATION, "send", None).await;
    let claims = claims(ORGANIZATION, "owner");
    let user_id = claims["sub"].clone();
    assert!(user_id.is_string());
    let login = SigningKey::ec().sign(&claims);
    for (token, requested_by) in [
        (key, json!({"apiKeyId": key_id, "userId": null})),
        (login, json!({"apiKeyId": null, "userId": user_id})),
    ] {
        let caller = session.by(&lab.anonymous().with_token(token));
        let result = caller.add_told(GROUP, &[ANNA]).await;
        let action = session.action(result["action"].as_str().unwrap()).await;
        assert_eq!(action["requestedBy"], requested_by);
    }
    lab.stop().await;
}

/// An answer that does not come: the caller is told that it is not known, and the record tells it once WhatsApp was asked.
#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_is_not_known_is_found_out() {
    let lab = Lab::with(|config| config.whatsapp_timeout = Duration::from_secs(1)).await;
    seed(&lab);
    let session = lab.connected().await;
    for (applied, person, outcome) in [(true, ANNA, "added"), (false, BUDI, "not_added")] {
        let before = sent(&lab);
        lab.standin
            .fault(ACCOUNT, When::next(ADD), Fault::Silence { applied });
        let answer = session.add(GROUP, &[person]).send().await;
        let details = answer.error(504, "upstream_timeout");
        let action = settled(&session, details["action"].as_str().unwrap()).await;
        assert_eq!(column(&action["people"], "outcome"), json!([outcome]));
        assert_eq!(action["errorCode"], "upstream_timeout");
        let sent = sent_since(&lab, &before);
        assert!(sent.contains(&(ADD.to_owned(), 1)), "once: {sent:?}");
    }
    lab.stop().await;
}

/// kill -9 between sending and answering, whether WhatsApp has done it or not: the next process finds it out and sends
/// nothing again.
#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_a_killed_gateway_had_under_way_is_settled() {
    for applied in [true, false] {
        let lab = Lab::start().await;
        seed(&lab);
        let apart = Apart::start(&lab).await;
        lab.standin
            .fault(ACCOUNT, When::next(ADD), Fault::Silence { applied });
        let call = apart.session.add(GROUP, &[ANNA]).send_unanswered();
        let call = tokio::spawn(call);
        within("the add is sent", lab.standin.wait_iq(ADD, 1)).await;
        let killed = apart.kill().await;
        within("the caller notices", call).await.unwrap();

        let apart = killed.back(&lab).await;
        let session = &apart.session;
        let list = session.caller.get(session.path("/actions"));
        let list = list.send().await.json(200)["data"].take();
        assert_eq!(list.as_array().unwrap().len(), 1);
        let action = settled(session, list[0]["id"].as_str().unwrap()).await;
        let outcome = if applied { "added" } else { "not_added" };
        assert_eq!(column(&action["people"], "outcome"), json!([outcome]));
        assert_eq!(action["errorCode"], Value::Null, "nobody was answered");
        let there = lab.standin.group(GROUP).role(ANNA);
        assert_eq!(there, applied.then_some(Role::Member));
        assert_eq!(lab.standin.iq_count(ADD), 1, "never a second time");
        assert_eq!(apart.gateway.terminate().await, Some(0));
        lab.stop().await;
    }
}

/// kill -9 before the record is written: nothing was sent, and nothing says that it was.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_gateway_had_not_recorded_was_not_sent() {
    let lab = Lab::start().await;
    seed(&lab);
    let apart = Apart::start(&lab).await;
    let held = apart.database().hold().await;
    let call = apart.session.add(GROUP, &[ANNA]).send_unanswered();
    let call = tokio::spawn(call);
    // Answered from memory, after the add has come in.
    apart.session.get().await;
    let killed = apart.kill().await;
    within("the caller notices", call).await.unwrap();
    drop(held);
    let apart = killed.back(&lab).await;
    let list = apart.session.caller.get(apart.session.path("/actions"));
    assert_eq!(list.send().await.json(200)["data"], json!([]));
    assert_eq!(lab.standin.iq_count(ADD), 0);
    assert_eq!(apart.gateway.terminate().await, Some(0));
    lab.stop().await;
}

/// kill -9 after the answer, before it is in the record: the next process finds it out.
#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_a_killed_gateway_had_not_completed_is_settled() {
    let lab = Lab::start().await;
    seed(&lab);
    let apart = Apart::start(&lab).await;
    let id = apart.session.add(GROUP, &[ANNA]).send().await.action(204);
    let apart = apart.kill().await.back(&lab).await;
    let action = settled(&apart.session, &id).await;
    assert_eq!(column(&action["people"], "outcome"), json!(["added"]));
    assert_eq!(lab.standin.group(GROUP).role(ANNA), Some(Role::Member));
    assert_eq!(lab.standin.iq_count(ADD), 1);
    assert_eq!(apart.gateway.terminate().await, Some(0));
    lab.stop().await;
}

/// The record is complete also when nobody waits for the answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_hangs_up_leaves_a_complete_record() {
    let (lab, session) = connected().await;
    let late = Fault::Delay(Duration::from_secs(1));
    lab.standin.fault(ACCOUNT, When::next(ADD), late);
    let call = tokio::spawn(session.add(GROUP, &[ANNA]).send());
    within("the add is asked", lab.standin.wait_iq(ADD, 1)).await;
    call.abort();
    let list = session.caller.get(session.path("/actions"));
    let list = list.send().await.json(200)["data"].take();
    let id = list[0]["id"].as_str().unwrap();
    assert_eq!(list[0]["status"], "running");
    let action = settled(&session, id).await;
    assert_eq!(column(&action["people"], "outcome"), json!(["added"]));
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_actions_go() {
    let (lab, session) = connected().await;
    let kept = session.add_told(GROUP, &[ANNA]).await["action"].take();
    let day = 24 * 60 * 60 * 1000;
    let old = now() - 91 * day;
    let insert = format!(
        "INSERT INTO actions (session_id, id, operation, group_jid, status, people, created_at)
         VALUES ('{}', '01BX5ZZKBKACTAV9WEVGEMMVRZ', 'addGroupMembers', '{GROUP}', 'done', '[]', {old})",
        session.id
    );
    lab.database().execute(&insert).await;
    let listed = async |session: &Session| {
        let list = session.caller.get(session.path("/actions"));
        column(&list.send().await.json(200)["data"], "id")
    };
    assert_eq!(listed(&session).await.as_array().unwrap().len(), 2);
    let lab = lab.restart_gateway().await;
    let session = session.by(&lab.manager().await);
    eventually("the old one is gone", async || {
        (listed(&session).await == json!([kept])).then_some(())
    })
    .await;
    lab.stop().await;
}
