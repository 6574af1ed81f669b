//! When the connection to WhatsApp fails: an answer always, and back to work afterwards.

use std::time::{Duration, Instant};

use contract_tests::client::Client;
use contract_tests::database::Database;
use contract_tests::lab::{ACCOUNT, Lab, ORGANIZATION, create_api_key};
use contract_tests::process::Process;
use contract_tests::session::Session;
use contract_tests::wait::{eventually, within};
use serde_json::json;
use whatsapp_standin::{Fault, Role, StandinConfig, When};

use crate::world::{ADD, ANNA, BUDI, FRIEND, GROUP, connected, cut_off, seed};

/// The connection drops while the add is on its way: what became of it is not known, and that is what the answer says.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_drops_in_mid_call() {
    let (lab, session) = connected().await;
    for (applied, person) in [(false, ANNA), (true, BUDI)] {
        let logins = lab.standin.logins(ACCOUNT);
        lab.standin
            .fault(ACCOUNT, When::next(ADD), Fault::Abort { applied });
        let begun = Instant::now();
        let answer = session.add(GROUP, &[person]).send().await;
        assert!(
            answer.status == 504 || answer.status == 501,
            "{}",
            answer.status
        );
        assert!(begun.elapsed() < Duration::from_secs(25), "a hang");
        within(
            "the reconnect",
            lab.standin.wait_logins(ACCOUNT, logins + 1),
        )
        .await;
        session.wait_working(&lab.standin, ACCOUNT).await;
        // Trying again is safe, whatever became of the first try.
        session
            .add(GROUP, &[person])
            .send()
            .await
            .expect_no_content();
        assert_eq!(lab.standin.group(GROUP).role(person), Some(Role::Member));
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_error_in_mid_call() {
    let (lab, session) = connected().await;
    lab.standin
        .fault(ACCOUNT, When::next(ADD), Fault::StreamError503);
    let answer = session.add(GROUP, &[ANNA]).send().await;
    assert!(
        answer.status == 504 || answer.status == 501,
        "{}",
        answer.status
    );
    within("the reconnect", lab.standin.wait_logins(ACCOUNT, 2)).await;
    session.wait_working(&lab.standin, ACCOUNT).await;
    session.add(GROUP, &[ANNA]).send().await.expect_no_content();
    lab.stop().await;
}

/// WhatsApp says nothing: 504 within the time-out, and the session stays of use.
#[tokio::test(flavor = "multi_thread")]
async fn silence_is_an_answer_in_the_end() {
    let lab = Lab::with(|config| config.whatsapp_timeout = Duration::from_secs(1)).await;
    seed(&lab);
    let session = lab.connected().await;
    lab.standin
        .fault(ACCOUNT, When::next(ADD), Fault::Silence { applied: false });
    let begun = Instant::now();
    session
        .add(GROUP, &[ANNA])
        .send()
        .await
        .error(504, "upstream_timeout");
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    session.wait_working(&lab.standin, ACCOUNT).await;
    session.add(GROUP, &[ANNA]).send().await.expect_no_content();
    lab.stop().await;
}

/// A slow answer does not hold up the calls behind it.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_is_waited_for() {
    let (lab, session) = connected().await;
    lab.standin.fault(
        ACCOUNT,
        When::next(ADD),
        Fault::Delay(Duration::from_secs(3)),
    );
    let slow = session.add(GROUP, &[ANNA]).send();
    let slow = tokio::spawn(slow);
    within("the slow add is asked", lab.standin.wait_iq(ADD, 1)).await;
    session.add(GROUP, &[BUDI]).send().await.expect_no_content();
    assert!(!slow.is_finished());
    slow.await.unwrap().expect_no_content();
    lab.stop().await;
}

/// What happened while the session was not connected is known once it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_reconnect_brings_the_groups_up_to_date() {
    let (lab, session) = connected().await;
    cut_off(&lab);
    session.wait_status("connecting").await;
    let details = session
        .add(GROUP, &[ANNA])
        .send()
        .await
        .error(501, "not_implemented");
    assert_eq!(details, json!({"status": "connecting"}));

    let group = lab.standin.group(GROUP);
    group.add(FRIEND, &[BUDI]).unwrap();
    group.demote(FRIEND, &[ACCOUNT]).unwrap();
    lab.standin.clear_faults(ACCOUNT);
    session.wait_working(&lab.standin, ACCOUNT).await;
    assert_eq!(session.role(GROUP, BUDI).await.as_deref(), Some("member"));
    session
        .add(GROUP, &[ANNA])
        .send()
        .await
        .error(403, "forbidden");
    lab.stop().await;
}

/// The server goes away for a while and comes back with its world and its key.
#[tokio::test(flavor = "multi_thread")]
async fn whatsapp_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let lab =
        Lab::with_standin(StandinConfig::default().state(dir.path().join("world.json"))).await;
    seed(&lab);
    let session = lab.connected().await;
    let again = StandinConfig::default()
        .state(dir.path().join("world.json"))
        .addr(lab.standin.addr());
    let lab = lab.replace_standin(again).await;
    session.wait_working(&lab.standin, ACCOUNT).await;
    session.add(GROUP, &[ANNA]).send().await.expect_no_content();
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_restart_needs_no_phone() {
    let (lab, session) = connected().await;
    let idle = Session::create(&session.caller).await;
    let lab = lab.restart_gateway().await;
    let caller = lab.manager().await;
    let (session, idle) = (session.by(&caller), idle.by(&caller));
    session.wait_working(&lab.standin, ACCOUNT).await;
    assert_eq!(
        idle.get().await["status"],
        "stopped",
        "what was not started stays so"
    );
    assert_eq!(lab.standin.phone(ACCOUNT).devices().len(), 1);
    assert_eq!(lab.standin.login_counter(ACCOUNT), Some(1));
    session.add(GROUP, &[ANNA]).send().await.expect_no_content();
    lab.stop().await;
}

/// kill -9 with paired sessions: working again after a restart, nobody pairs.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_gateway_comes_back_with_its_sessions() {
    let lab = Lab::start().await;
    seed(&lab);
    let database = Database::new().await;
    let store = database.store().await;
    let token = create_api_key(&store, ORGANIZATION, "read,send,manage", None)
        .await
        .1;
    let environment = database.environment(&lab.standin);
    let accounts = [ACCOUNT, FRIEND];

    let gateway = Process::serve(&environment).await;
    let caller = Client::new(gateway.url()).with_token(&token);
    let mut ids = Vec::new();
    for account in accounts {
        let session = Session::create(&caller).await;
        session.pair(&lab.standin, account).await;
        ids.push(session.id);
    }
    // Just paired is the worst moment: what was not written then is lost.
    gateway.kill().await;

    let gateway = Process::serve(&environment).await;
    let caller = Client::new(gateway.url()).with_token(&token);
    for (account, id) in accounts.into_iter().zip(&ids) {
        let session = Session {
            caller: caller.clone(),
            id: id.clone(),
        };
        session.wait_working(&lab.standin, account).await;
        assert_eq!(
            lab.standin.phone(account).devices().len(),
            1,
            "still the same device"
        );
    }
    let session = Session {
        caller,
        id: ids[0].clone(),
    };
    // In mid-call, too.
    lab.standin
        .fault(ACCOUNT, When::next(ADD), Fault::Silence { applied: true });
    let call = tokio::spawn(session.add(GROUP, &[ANNA]).send_unanswered());
    within("the add is asked", lab.standin.wait_iq(ADD, 1)).await;
    gateway.kill().await;
    call.await.unwrap();

    let gateway = Process::serve(&environment).await;
    let session = session.by(&Client::new(gateway.url()).with_token(&token));
    session.wait_working(&lab.standin, ACCOUNT).await;
    session
        .add(GROUP, &[ANNA, BUDI])
        .send()
        .await
        .expect_no_content();
    eventually("both are listed", async || session.role(GROUP, BUDI).await).await;
    assert_eq!(gateway.terminate().await, Some(0));
    lab.stop().await;
}

/// The far side stands still and closes nothing: within a minute the session says so, and it comes back by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_far_side_that_stands_still_is_noticed() {
    let (lab, session) = connected().await;
    lab.standin.freeze();
    session.wait_status("connecting").await;
    lab.standin.thaw();
    session.wait_working(&lab.standin, ACCOUNT).await;
    session.add(GROUP, &[ANNA]).send().await.expect_no_content();
    lab.stop().await;
}

/// A caller that goes away does not take the call with it half-way, nor leave the session in the lurch.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away() {
    let (lab, session) = connected().await;
    lab.standin.fault(
        ACCOUNT,
        When::next(ADD),
        Fault::Delay(Duration::from_secs(1)),
    );
    let call = tokio::spawn(session.add(GROUP, &[ANNA]).send());
    within("the add is asked", lab.standin.wait_iq(ADD, 1)).await;
    call.abort();
    within(
        "the add is done",
        lab.standin
            .group(GROUP)
            .wait_members(|m| m.iter().any(|(p, _)| p == ANNA)),
    )
    .await;
    session.add(GROUP, &[BUDI]).send().await.expect_no_content();
    // Deleting goes on to the end as well.
    let call = tokio::spawn(session.caller.delete(session.path("")).send());
    let begun = lab.standin.wait_iq("set md remove-companion-device", 1);
    within("the logout is asked", begun).await;
    call.abort();
    eventually("the session is gone", async || {
        (session.caller.get(session.path("")).send().await.status == 404).then_some(())
    })
    .await;
    lab.stop().await;
}
