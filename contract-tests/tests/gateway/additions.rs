//! Additions: many people added at a pace that is safe for the account. The clock is moved, so nothing waits.

use std::time::Duration;

use contract_tests::client::Call;
use contract_tests::lab::{ACCOUNT, Lab};
use contract_tests::session::Session;
use contract_tests::wait::{eventually, within};
use hyper::Method;
use serde_json::{Value, json};
use whatsapp_gateway::{Clock, Pace, now};
use whatsapp_standin::{Fault, GroupSpec, LoginFault, Person, Role, When};

use crate::world::{
    ADD, ANNA, Apart, BUDI, DECLINERS, FRIEND, GROUP, MEMBER, NOT_ADMIN, UNKNOWN, column,
    connected, cut_off, jid, seed,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// People who can be added.
fn crowd(lab: &Lab, count: usize) -> Vec<String> {
    let phones: Vec<_> = (0..count).map(|n| format!("62877{n:07}")).collect();
    for phone in &phones {
        lab.standin.add_person(Person::new(phone));
    }
    phones
}

fn additions(session: &Session, gid: &str) -> String {
    session.path(&format!("/groups/{gid}/additions"))
}

fn adding(session: &Session, people: &[String]) -> Call {
    let people: Vec<_> = people.iter().map(|phone| jid(phone)).collect();
    let call = session.caller.post(additions(session, GROUP));
    call.json(&json!({"participants": people}))
}

async fn begin(session: &Session, people: &[String]) -> String {
    let answer = adding(session, people).send().await;
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let addition = answer.json(202);
    assert_eq!(addition["total"], people.len());
    let got = session.caller.call_raw(Method::GET, location).send().await;
    let id = addition["id"].as_str().unwrap();
    assert_eq!(got.json(200)["addition"]["id"], id);
    id.to_owned()
}

async fn progress(session: &Session, id: &str) -> Value {
    let path = format!("{}/{id}", additions(session, GROUP));
    session.caller.get(path).send().await.json(200)
}

/// The addition once it waits for this.
async fn held(session: &Session, id: &str, reason: &str) -> Value {
    eventually(&format!("it waits for {reason}"), async || {
        let addition = progress(session, id).await["addition"].take();
        (addition["holdReason"] == reason).then_some(addition)
    })
    .await
}

async fn ended(session: &Session, id: &str) -> Value {
    eventually("it has ended", async || {
        let progress = progress(session, id).await;
        (progress["addition"]["status"] != "running").then_some(progress)
    })
    .await
}

/// A lab whose clock the test moves.
async fn lab(pace: Pace) -> (Lab, Session, Clock) {
    let clock = Clock::default();
    let lab = Lab::with(|config| {
        config.clock = clock.clone();
        config.pace = pace;
    })
    .await;
    seed(&lab);
    let session = lab.connected().await;
    (lab, session, clock)
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_added_a_few_at_a_time_with_pauses() {
    let (lab, session, clock) = lab(Pace::default()).await;
    let mut people = crowd(&lab, 9);
    people.extend([DECLINERS[0].0.to_owned(), MEMBER.to_owned()]);
    let begun = now();
    let id = begin(&session, &people).await;
    for (calls, done) in [(1, 5), (2, 10)] {
        let addition = held(&session, &id, "pause").await;
        assert_eq!(addition["done"], done);
        assert_eq!(lab.standin.iq_count(ADD), calls);
        let pause = addition["holdUntil"].as_i64().unwrap() - clock.now();
        assert!((1..=90_000).contains(&pause), "{pause}");
        let told = progress(&session, &id).await;
        let outcomes = column(&told["data"], "outcome");
        let turns = outcomes.as_array().unwrap().iter();
        let waiting = turns.filter(|outcome| **outcome == "pending").count();
        assert_eq!(waiting, 11 - done);
        // The shortest pause is not over, the longest is.
        clock.advance(Duration::from_secs(30));
        held(&session, &id, "pause").await;
        assert_eq!(lab.standin.iq_count(ADD), calls);
        clock.advance(MINUTE);
    }
    let told = ended(&session, &id).await;
    assert_eq!(told["addition"]["status"], "done");
    assert_eq!(told["addition"]["done"], 11);
    assert_eq!(told["addition"]["groupJid"], GROUP);
    for time in ["createdAt", "completedAt"] {
        let at = told["addition"][time].as_i64().unwrap();
        assert!((begun..=now()).contains(&at), "{time}: {at}");
    }
    assert_eq!(told["addition"]["holdReason"], Value::Null);
    let mut outcomes = vec!["added"; 9];
    outcomes.extend(["invite_required", "already_member"]);
    assert_eq!(column(&told["data"], "outcome"), json!(outcomes));
    let names: Vec<_> = people.iter().map(|phone| jid(phone)).collect();
    assert_eq!(column(&told["data"], "participant"), json!(names));
    assert_eq!(told["data"][9]["upstreamCode"], 403);
    assert_eq!(lab.standin.iq_count(ADD), 3);
    // Each call is an action like any other.
    let actions = session.caller.get(session.path("/actions"));
    let actions = actions.send().await.json(200)["data"].take();
    assert_eq!(actions.as_array().unwrap().len(), 3);
    lab.stop().await;
}

/// One at a time, so that the tests below do not count in fives.
fn quick() -> Pace {
    Pace {
        batch: 1,
        pause: (0, 0),
        ..Pace::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_adds_so_many_in_an_hour_and_in_a_day() {
    let pace = Pace {
        batch: 2,
        pause: (0, 0),
        per_hour: 3,
        per_day: 5,
    };
    let (lab, session, clock) = lab(pace).await;
    let people = crowd(&lab, 7);
    // A direct call counts as well.
    session.add(GROUP, &[ANNA]).send().await.expect_no_content();
    let id = begin(&session, &people).await;
    let addition = held(&session, &id, "hour").await;
    assert_eq!(addition["done"], 2);
    let until = addition["holdUntil"].as_i64().unwrap();
    assert!(until > clock.now() && until <= clock.now() + 3_600_000);
    clock.advance(HOUR);
    let addition = held(&session, &id, "day").await;
    assert_eq!(addition["done"], 4);
    // What was used survives a restart.
    let lab = lab.restart_gateway().await;
    let session = session.by(&lab.manager().await);
    session.wait_working(&lab.standin, ACCOUNT).await;
    let addition = held(&session, &id, "day").await;
    assert_eq!(addition["done"], 4);
    clock.advance(24 * HOUR);
    assert_eq!(ended(&session, &id).await["addition"]["done"], 7);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_addition_waits_for_whatsapp_and_for_the_session() {
    let (lab, session, clock) = lab(quick()).await;
    let people = crowd(&lab, 3);
    let busy = Fault::SlowDown(Duration::from_secs(600));
    lab.standin.fault(ACCOUNT, When::next(ADD), busy);
    let id = begin(&session, &people).await;
    let addition = held(&session, &id, "rate_limited").await;
    assert_eq!(addition["done"], 0, "nobody has had their turn");
    let left = addition["holdUntil"].as_i64().unwrap() - clock.now();
    assert!((1..=600_000).contains(&left), "{left}");
    cut_off(&lab);
    session.wait_status("connecting").await;
    clock.advance(Duration::from_secs(600));
    let addition = held(&session, &id, "disconnected").await;
    assert_eq!(addition["holdUntil"], Value::Null);
    lab.standin
        .refuse_logins(ACCOUNT, Some(0), LoginFault::Drop);
    assert_eq!(session.post("start").await.status, 200);
    let told = ended(&session, &id).await;
    assert_eq!(column(&told["data"], "outcome"), json!(vec!["added"; 3]));
    assert_eq!(lab.standin.iq_count(ADD), 4);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_addition_is_canceled_and_the_next_goes_on() {
    let (lab, session, _) = lab(Pace::default()).await;
    let people = crowd(&lab, 12);
    let first = begin(&session, &people[..6]).await;
    held(&session, &first, "pause").await;
    let second = begin(&session, &people[6..]).await;
    held(&session, &second, "queue").await;
    let list = session.caller.get(additions(&session, GROUP)).send().await;
    let list = list.json(200);
    assert_eq!(column(&list["data"], "id"), json!([second, first]));
    let page = session
        .caller
        .get(format!("{}?limit=1", additions(&session, GROUP)));
    let page = page.send().await.json(200);
    assert_eq!(page["nextCursor"], second);

    let path = format!("{}/{first}", additions(&session, GROUP));
    for _ in 0..2 {
        let canceled = session.caller.delete(&path).send().await.json(202);
        assert_eq!(canceled["status"], "canceled");
        let told = progress(&session, &first).await;
        let mut outcomes = vec!["added"; 5];
        outcomes.push("not_added");
        assert_eq!(column(&told["data"], "outcome"), json!(outcomes));
    }
    held(&session, &second, "pause").await;
    assert_eq!(lab.standin.iq_count(ADD), 2);
    lab.stop().await;
}

/// The account is no admin, or is no more: the rest is not tried.
#[tokio::test(flavor = "multi_thread")]
async fn an_addition_that_can_t_go_on_says_why() {
    let (lab, session, clock) = lab(Pace::default()).await;
    let people = crowd(&lab, 6);
    let id = begin(&session, &people).await;
    held(&session, &id, "pause").await;
    lab.standin.group(GROUP).demote(FRIEND, &[ACCOUNT]).unwrap();
    eventually("the gateway knows", async || {
        (session.role(GROUP, ACCOUNT).await.as_deref() == Some("member")).then_some(())
    })
    .await;
    clock.advance(2 * MINUTE);
    let told = ended(&session, &id).await;
    assert_eq!(told["addition"]["status"], "failed");
    assert_eq!(told["addition"]["errorCode"], "forbidden");
    assert_eq!(told["data"][5]["outcome"], "not_added");
    assert_eq!(lab.standin.iq_count(ADD), 1);
    lab.stop().await;
}

/// kill -9 while WhatsApp is asked, whether it has done it or not: nobody twice, nobody forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn an_addition_goes_on_after_a_crash() {
    for applied in [true, false] {
        let lab = Lab::start().await;
        seed(&lab);
        let people = crowd(&lab, 5);
        let pace = [
            ("GATEWAY_ADDITIONS_BATCH", "2".into()),
            ("GATEWAY_ADDITIONS_MIN_PAUSE_SECONDS", "0".into()),
            ("GATEWAY_ADDITIONS_MAX_PAUSE_SECONDS", "0".into()),
        ];
        let apart = Apart::with(&lab, &pace).await;
        lab.standin
            .fault(ACCOUNT, When::next(ADD), Fault::Silence { applied });
        let id = begin(&apart.session, &people).await;
        within("the first are added", lab.standin.wait_iq(ADD, 1)).await;
        let apart = apart.kill().await.back(&lab).await;
        let told = ended(&apart.session, &id).await;
        assert_eq!(told["addition"]["status"], "done");
        assert_eq!(column(&told["data"], "outcome"), json!(vec!["added"; 5]));
        let group = lab.standin.group(GROUP);
        for phone in &people {
            assert_eq!(group.role(phone), Some(Role::Member));
        }
        // Two, two and one; those of whom nothing was done once more.
        let calls = if applied { 3 } else { 4 };
        assert_eq!(lab.standin.iq_count(ADD), calls);
        assert_eq!(apart.gateway.terminate().await, Some(0));
        lab.stop().await;
    }
}

/// One number without an account spoils the call for all: the others have another turn.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_costs_nobody_their_turn() {
    let (lab, session, clock) = lab(Pace::default()).await;
    lab.standin
        .group(GROUP)
        .set_odd(|odd| odd.refuses_strangers = true);
    let mut people = crowd(&lab, 2);
    people.insert(1, DECLINERS[2].0.to_owned());
    let id = begin(&session, &people).await;
    held(&session, &id, "pause").await;
    clock.advance(2 * MINUTE);
    let told = ended(&session, &id).await;
    let outcomes = json!(["added", "not_on_whatsapp", "added"]);
    assert_eq!(column(&told["data"], "outcome"), outcomes);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_and_a_session_can_slow_it_down() {
    let (lab, session, _) = lab(Pace::default()).await;
    let people = crowd(&lab, 4);
    let slow = json!({"limits": {"pace": {
        "batch": 2, "minPauseSeconds": 600, "maxPauseSeconds": 700, "perHour": 50, "perDay": 200,
    }}});
    let patch = session.caller.patch(session.path("")).json(&slow);
    assert_eq!(patch.send().await.json(200)["limits"], slow["limits"]);
    let id = begin(&session, &people).await;
    let addition = held(&session, &id, "pause").await;
    assert_eq!(addition["done"], 2);
    assert_eq!(lab.standin.iq_count(ADD), 1);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_addition_is_refused() {
    let (lab, session) = connected().await;
    let post = |gid: &str, people: Vec<String>| {
        let call = session.caller.post(additions(&session, gid));
        call.json(&json!({"participants": people}))
    };
    let details = post(UNKNOWN, vec![jid(ANNA)]).send().await;
    assert_eq!(
        details.error(404, "not_found"),
        json!({"resource": "group"})
    );
    let many: Vec<_> = (0..10_001).map(|n| jid(&format!("62877{n:07}"))).collect();
    post(GROUP, many)
        .send()
        .await
        .error(400, "validation_error");
    // Only what has begun is there, under its own group.
    let id = begin(&session, &[ANNA.to_owned()]).await;
    ended(&session, &id).await;
    for path in [
        format!("{}/nowhere", additions(&session, GROUP)),
        format!("{}/{id}", additions(&session, NOT_ADMIN)),
    ] {
        let answer = session.caller.get(path).send().await;
        let details = answer.error(404, "not_found");
        assert_eq!(details, json!({"resource": "addition"}));
    }
    // The same key, the same addition.
    let call = adding(&session, &[BUDI.to_owned()]).idempotent("addition");
    let first = call.clone().send().await.json(202);
    assert_eq!(call.send().await.json(202)["id"], first["id"]);
    let other = adding(&session, &[ANNA.to_owned()]).idempotent("addition");
    let details = other.send().await.error(409, "conflict");
    assert_eq!(details, json!({"reason": "key_reused"}));
    lab.stop().await;
}

/// Thousands at once are taken in and shown.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_are_taken() {
    let (lab, session) = connected().await;
    let people: Vec<_> = (0..10_000).map(|n| format!("62877{n:07}")).collect();
    cut_off(&lab);
    session.wait_status("connecting").await;
    let id = begin(&session, &people).await;
    held(&session, &id, "disconnected").await;
    let told = progress(&session, &id).await;
    assert_eq!(told["data"].as_array().unwrap().len(), 10_000);
    let erase = session.caller.post(session.path("/actions/erase"));
    let erase = |person: &str| erase.clone().json(&json!({"participant": jid(person)}));
    // Somebody who is still to be added stays.
    erase(&people[0]).send().await.expect_no_content();
    let path = format!("{}/{id}", additions(&session, GROUP));
    session.caller.delete(path).send().await.expect(202);
    erase(&people[1]).send().await.expect_no_content();
    let told = progress(&session, &id).await;
    assert_eq!(told["data"].as_array().unwrap().len(), 9_999);
    assert_eq!(told["data"][0]["participant"], jid(&people[0]));
    lab.stop().await;
}

/// A group that is gone by the time.
#[tokio::test(flavor = "multi_thread")]
async fn additions_of_two_groups_take_turns() {
    let (lab, session, clock) = lab(Pace::default()).await;
    let other = GroupSpec::new("Other").admin(ACCOUNT).superadmin(FRIEND);
    let other = lab.standin.add_group(other);
    assert_eq!(session.post("stop").await.status, 200);
    assert_eq!(session.post("start").await.status, 200);
    session.wait_working(&lab.standin, ACCOUNT).await;
    let people = crowd(&lab, 2);
    let first = begin(&session, &people).await;
    ended(&session, &first).await;
    let call = session.caller.post(additions(&session, &other));
    let call = call.json(&json!({"participants": [jid(&people[0])]}));
    let id = call.send().await.json(202)["id"].take();
    let path = format!("{}/{}", additions(&session, &other), id.as_str().unwrap());
    clock.advance(2 * MINUTE);
    eventually("it is done", async || {
        let told = session.caller.get(&path).send().await.json(200);
        (told["addition"]["status"] == "done").then_some(())
    })
    .await;
    assert_eq!(lab.standin.iq_count(ADD), 2);
    lab.stop().await;
}
