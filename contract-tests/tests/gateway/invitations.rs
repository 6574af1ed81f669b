//! Those whom their privacy settings let only be invited: WhatsApp's own invitation, on request, and what becomes of it.

use std::time::Duration;

use contract_tests::client::Call;
use contract_tests::lab::{ACCOUNT, Lab};
use contract_tests::session::Session;
use contract_tests::wait::{eventually, within};
use serde_json::{Value, json};
use whatsapp_gateway::{Clock, now};
use whatsapp_standin::{AddOutcome, Person, Role};

use crate::world::{ADD, ANNA, BUDI, DECLINERS, GROUP, column, connected, jid, seed};

/// Who only takes invitations.
const GUEST: &str = DECLINERS[0].0;

/// The world with a phone in the guest's hands.
async fn with_guest() -> (Lab, Session) {
    let lab = Lab::start().await;
    seed(&lab);
    guest(&lab, GUEST);
    let session = lab.connected().await;
    (lab, session)
}

fn guest(lab: &Lab, phone: &str) {
    lab.standin.add_account(phone).unwrap();
    let person = Person::new(phone).with_outcome(AddOutcome::PrivacyDeclined);
    lab.standin.add_person(person);
}

fn inviting(session: &Session, people: &[&str]) -> Call {
    let people: Vec<_> = people.iter().map(|phone| jid(phone)).collect();
    let body = json!({"participants": people, "inviteDeclined": true});
    session.add_json(GROUP, &body).told()
}

async fn invite_of(session: &Session, action: &Value) -> Value {
    let mut action = session.action(action.as_str().unwrap()).await;
    let people = action["people"].as_array_mut().unwrap();
    people.last_mut().unwrap()["invite"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_declined_is_invited_and_followed() {
    let (lab, session) = with_guest().await;
    let begun = now();
    let told = inviting(&session, &[ANNA, GUEST]).send().await.json(200);
    let outcomes = column(&told["data"], "outcome");
    assert_eq!(outcomes, json!(["added", "invited"]));
    assert_eq!(told["data"][0].get("invite"), None);
    let invite = &told["data"][1]["invite"];
    assert_eq!(invite["state"], "invited");
    assert_eq!(invite["reason"], Value::Null);
    assert_eq!(told["data"][1]["upstreamCode"], 403);

    let phone = lab.standin.phone(GUEST);
    let received = within("the message", phone.wait_messages(1)).await;
    assert_eq!(received[0].from, ACCOUNT);
    let invitation = received[0].invitation().unwrap();
    assert_eq!(invitation.gid, GROUP);
    assert_eq!(invitation.group_name.as_deref(), Some("Launch team"));
    let expires = invitation.expiration.unwrap() * 1000;
    assert_eq!(invite["expiresAt"], expires);
    assert!(expires > begun);
    assert_eq!(&invite_of(&session, &told["action"]).await, invite);

    phone.accept_invitation(GROUP, &invitation.code).unwrap();
    eventually("it is told who joined", async || {
        let invite = invite_of(&session, &told["action"]).await;
        (invite["state"] == "joined").then_some(())
    })
    .await;
    // Who has joined once has.
    let group = lab.standin.group(GROUP);
    assert_eq!(group.role(GUEST), Some(Role::Member));
    group.remove(ACCOUNT, &[GUEST]).unwrap();
    let lab = lab.restart_gateway().await;
    let session = session.by(&lab.manager().await);
    let invite = invite_of(&session, &told["action"]).await;
    assert_eq!(invite["state"], "joined");
    assert_eq!(phone.messages().len(), 1);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_invited_unless_it_is_asked_for() {
    let (lab, session) = with_guest().await;
    let told = session.add_told(GROUP, &[GUEST]).await;
    assert_eq!(told["data"][0]["outcome"], "invite_required");
    assert_eq!(told["data"][0].get("invite"), None);
    // Who is not declined for privacy is not invited either.
    let others = DECLINERS.map(|(phone, _)| phone);
    let told = inviting(&session, &others[1..]).send().await.json(200);
    assert!(
        told["data"]
            .as_array()
            .unwrap()
            .iter()
            .all(|person| { person.get("invite").is_none() && person["outcome"] != "invited" })
    );
    assert!(lab.standin.phone(GUEST).messages().is_empty());
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_is_not_sent_says_why() {
    let (lab, session) = with_guest().await;
    // As WhatsApp refuses what goes to strangers while it holds an account back.
    lab.standin.refuse_next_message(GUEST, 463);
    let told = inviting(&session, &[GUEST]).send().await.json(200);
    assert_eq!(told["data"][0]["outcome"], "invite_required");
    let refused = json!({"state": "not_sent", "expiresAt": null, "reason": "refused"});
    assert_eq!(told["data"][0]["invite"], refused);
    assert_eq!(invite_of(&session, &told["action"]).await, refused);
    assert!(lab.standin.phone(GUEST).messages().is_empty());
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_is_too_old_is_expired() {
    let (lab, session) = with_guest().await;
    let told = inviting(&session, &[GUEST]).send().await.json(200);
    let at = &told["data"][0]["invite"]["expiresAt"];
    invite_of(&session, &told["action"]).await;
    let age = format!("UPDATE actions SET people = REPLACE(people, '{at}', '1000')");
    lab.database().execute(&age).await;
    let invite = invite_of(&session, &told["action"]).await;
    assert_eq!(invite["state"], "expired");
    assert_eq!(invite["expiresAt"], 1000);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_addition_invites_too() {
    let (lab, session) = with_guest().await;
    let additions = session.path(&format!("/groups/{GROUP}/additions"));
    let body = json!({"participants": [jid(GUEST)], "inviteDeclined": true});
    let call = session.caller.post(&additions).json(&body);
    let id = call.send().await.json(202)["id"].take();
    let path = format!("{additions}/{}", id.as_str().unwrap());
    let told = eventually("it is done", async || {
        let told = session.caller.get(&path).send().await.json(200);
        (told["addition"]["status"] == "done").then_some(told)
    })
    .await;
    assert_eq!(column(&told["data"], "outcome"), json!(["invited"]));
    within("the message", lab.standin.phone(GUEST).wait_messages(1)).await;
    lab.stop().await;
}

/// WhatsApp holds the account back from strangers: an addition waits until it does not.
#[tokio::test(flavor = "multi_thread")]
async fn an_addition_waits_for_the_end_of_a_time_lock() {
    let clock = Clock::default();
    let lab = Lab::with(|config| config.clock = clock.clone()).await;
    seed(&lab);
    let session = lab.connected().await;
    let until = u64::try_from(clock.now() / 1000).unwrap() + 600;
    lab.standin.set_reachout_timelock(ACCOUNT, Some(until));
    let additions = session.path(&format!("/groups/{GROUP}/additions"));
    let body = json!({"participants": [jid(ANNA)]});
    let call = session.caller.post(&additions).json(&body);
    let id = call.send().await.json(202)["id"].take();
    let path = format!("{additions}/{}", id.as_str().unwrap());
    let progress = async || session.caller.get(&path).send().await.json(200);
    eventually("it waits", async || {
        let addition = progress().await["addition"].take();
        (addition["holdReason"] == "time_lock" && addition["holdUntil"] == until * 1000)
            .then_some(())
    })
    .await;
    assert_eq!(lab.standin.iq_count(ADD), 0);
    lab.standin.set_reachout_timelock(ACCOUNT, None);
    clock.advance(Duration::from_secs(601));
    eventually("it is done", async || {
        (progress().await["addition"]["status"] == "done").then_some(())
    })
    .await;
    lab.stop().await;
}

/// Reported of other gateways (WAHA 2002, GOWA 618): an add is declined, and WhatsApp unlinks the device. Both are told.
#[tokio::test(flavor = "multi_thread")]
async fn a_decline_that_ends_the_session_is_told() {
    let (lab, session) = connected().await;
    lab.standin
        .group(GROUP)
        .set_odd(|odd| odd.ends_session_after_decline = true);
    let told = session.add_told(GROUP, &[GUEST]).await;
    assert_eq!(told["data"][0]["outcome"], "invite_required");
    let ended = session.wait_status("logged_out").await;
    assert_eq!(ended["statusReason"], "logged_out_on_phone");
    let action = session.action(told["action"].as_str().unwrap()).await;
    assert_eq!(action["people"], told["data"]);
    let details = session.add(GROUP, &[ANNA]).send().await;
    let details = details.error(501, "not_implemented");
    assert_eq!(details, json!({"status": "logged_out"}));
    lab.stop().await;
}

/// Where WhatsApp's property asks for it, the token that somebody's phone has given goes with their add.
#[tokio::test(flavor = "multi_thread")]
async fn privacy_tokens_go_with_an_add() {
    let lab = Lab::start().await;
    seed(&lab);
    guest(&lab, GUEST);
    lab.standin.send_privacy_tokens_on_add();
    let session = lab.connected().await;
    let asked = lab.standin.wait_iq("get abt props", 1);
    within("the properties", asked).await;
    // The client files a token under the LID, and learns whose that is when it writes to them.
    inviting(&session, &[GUEST]).send().await.expect(200);
    let token = lab.standin.phone(GUEST).give_privacy_token(ACCOUNT);
    within("the token", lab.standin.wait_acknowledged(ACCOUNT)).await;
    let people = [GUEST, BUDI];
    session.add(GROUP, &people).send().await.expect_no_content();
    let sent = lab.standin.tokens_of_last_add(ACCOUNT);
    assert_eq!(sent.get(&jid(GUEST)), Some(&Some(token)));
    assert_eq!(sent.get(&jid(BUDI)), Some(&None));
    lab.stop().await;
}
