//! A session whose account is gone keeps nothing of it, and its device is unlinked at WhatsApp, if not now then later.

use std::time::{Duration, Instant};

use contract_tests::client::Client;
use contract_tests::database::Database;
use contract_tests::lab::{ACCOUNT, Lab, ORGANIZATION, create_api_key};
use contract_tests::process::Process;
use contract_tests::session::Session;
use contract_tests::wait::eventually;
use whatsapp_gateway::Store;
use whatsapp_standin::{Fault, GroupSpec, When};

use crate::world::{FRIEND, GROUP, connected, cut_off, seed};

/// What unlinks a device.
const UNLINK: &str = "set md remove-companion-device";

/// Waits until WhatsApp knows no device of the account any more.
async fn unlinked(lab: &Lab) {
    eventually("the device is unlinked", async || {
        lab.standin
            .phone(ACCOUNT)
            .devices()
            .is_empty()
            .then_some(())
    })
    .await;
}

async fn no_groups(session: &Session) {
    assert_eq!(session.groups().await, Vec::<serde_json::Value>::new());
    let members = format!("/groups/{GROUP}/members");
    let answer = session.caller.get(session.path(&members)).send().await;
    answer.error(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_account_is_listed_after_it() {
    let (lab, session) = connected().await;
    session.post("logout").await.expect(200);
    no_groups(&session).await;

    session.pair(&lab.standin, ACCOUNT).await;
    assert!(!session.groups().await.is_empty());
    lab.standin.phone(ACCOUNT).unlink();
    session.wait_status("logged_out").await;
    no_groups(&session).await;

    // Another account sees its own groups alone.
    let own = lab
        .standin
        .add_group(GroupSpec::new("Friends").superadmin("628222000009"));
    session.pair(&lab.standin, "628222000009").await;
    let listed = session.groups().await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["groupJid"], *own);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_session_is_unlinked_too() {
    let (lab, session) = connected().await;
    session.post("stop").await.expect(200);
    let gone = session.post("logout").await.json(200);
    assert_eq!(gone["status"], "logged_out");
    no_groups(&session).await;
    unlinked(&lab).await;

    session.pair(&lab.standin, ACCOUNT).await;
    session.post("stop").await.expect(200);
    let deleted = session.caller.delete(session.path("")).send().await;
    deleted.expect_no_content();
    unlinked(&lab).await;
    lab.stop().await;
}

/// The session answers at once; the device is unlinked when WhatsApp is back, also by the next process.
#[tokio::test(flavor = "multi_thread")]
async fn what_whatsapp_could_not_be_told_is_told_later() {
    let (lab, session) = connected().await;
    cut_off(&lab);
    session.wait_status("connecting").await;
    let begun = Instant::now();
    let gone = session.post("logout").await.json(200);
    assert_eq!(gone["status"], "logged_out");
    assert!(begun.elapsed() < Duration::from_secs(5), "at once");
    let deleted = session.caller.delete(session.path("")).send().await;
    deleted.expect_no_content();

    let lab = lab.restart_gateway().await;
    assert_eq!(lab.standin.phone(ACCOUNT).devices().len(), 1);
    lab.standin.clear_faults(ACCOUNT);
    unlinked(&lab).await;
    eventually("the keys are erased", async || {
        let left = lab.store().unlinkings().await.unwrap();
        left.is_empty().then_some(())
    })
    .await;
    lab.stop().await;
}

/// A delete whose unlinking is not answered leaves it to the background job.
#[tokio::test(flavor = "multi_thread")]
async fn a_delete_without_an_answer_unlinks_later() {
    let (lab, session) = connected().await;
    let silence = Fault::Silence { applied: false };
    lab.standin.fault(ACCOUNT, When::next(UNLINK), silence);
    let deleted = session.caller.delete(session.path("")).send().await;
    deleted.expect_no_content();
    unlinked(&lab).await;
    lab.stop().await;
}

/// The keys that would let somebody be the device, as they are stored where nothing is encrypted.
pub async fn private_keys(store: &Store, session: &str) -> Vec<Vec<u8>> {
    let id = session.parse().unwrap();
    let device = store.device_state(&id).get("device", b"").await.unwrap();
    let device = String::from_utf8(device.expect("a device")).unwrap();
    [
        "noise_key",
        "identity_key",
        "signed_pre_key",
        "adv_secret_key",
    ]
    .iter()
    .map(|name| {
        let (_, rest) = device
            .split_once(&format!("\"{name}\":"))
            .unwrap_or_else(|| panic!("{name} in {device}"));
        rest.bytes().take(64).collect()
    })
    .collect()
}

/// How many of these keys the database holds.
pub async fn found(database: &Database, keys: &[Vec<u8>]) -> usize {
    let bytes = database.contents().await;
    keys.iter()
        .filter(|key| bytes.windows(key.len()).any(|part| part == key.as_slice()))
        .count()
}

/// Killed right after the answer, the gateway does not come back as the old account, and its database holds no key of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_gateway_does_not_come_back_as_the_old_account() {
    let lab = Lab::start().await;
    seed(&lab);
    let database = Database::new().await;
    let store = database.store().await;
    let token = create_api_key(&store, ORGANIZATION, "read,send,manage", None)
        .await
        .1;
    let environment = database.environment(&lab.standin);
    let gateway = Process::serve(&environment).await;
    let caller = Client::new(gateway.url()).with_token(&token);
    let session = Session::create(&caller).await;
    let other = Session::create(&caller).await;
    session.pair(&lab.standin, ACCOUNT).await;
    other.pair(&lab.standin, FRIEND).await;
    let mut keys = private_keys(&store, &session.id).await;
    keys.extend(private_keys(&store, &other.id).await);
    assert_eq!(
        found(&database, &keys).await,
        keys.len(),
        "there to be found"
    );
    session.post("logout").await.expect(200);
    gateway.kill().await;

    let gateway = Process::serve(&environment).await;
    let caller = Client::new(gateway.url()).with_token(&token);
    let session = session.by(&caller);
    assert_eq!(session.get().await["status"], "logged_out");
    assert_eq!(session.get().await["phoneNumber"], serde_json::Value::Null);
    no_groups(&session).await;
    let other = other.by(&caller);
    let deleted = other.caller.delete(other.path("")).send().await;
    deleted.expect_no_content();
    eventually("no key in the database", async || {
        (found(&database, &keys).await == 0).then_some(())
    })
    .await;
    assert_eq!(gateway.terminate().await, Some(0));
    lab.stop().await;
}
