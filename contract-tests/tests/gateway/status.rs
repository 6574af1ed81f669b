//! A session says why it stands where it does, and comes back by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use contract_tests::lab::{ACCOUNT, Lab};
use contract_tests::session::Session;
use contract_tests::wait::eventually;
use serde_json::Value;
use tokio::net::TcpListener;
use whatsapp_gateway::Network;
use whatsapp_gateway::now;
use whatsapp_standin::{Fault, LoginFault, When};

use crate::world::{connected, cut_off};

/// Waits until the session stands so, for this reason.
async fn wait_reason(session: &Session, status: &str, reason: &str) -> Value {
    eventually(&format!("{status}: {reason}"), async || {
        let session = session.get().await;
        (session["status"] == status && session["statusReason"] == reason).then_some(session)
    })
    .await
}

fn at(session: &Value, field: &str) -> i64 {
    session[field]
        .as_i64()
        .unwrap_or_else(|| panic!("no {field}"))
}

/// Nothing is left of a reason once the session works.
async fn back_at_work(lab: &Lab, session: &Session) -> Value {
    let session = session.wait_working(&lab.standin, ACCOUNT).await;
    for field in ["statusReason", "statusDetail", "retryAt", "passkeyCode"] {
        assert_eq!(session[field], Value::Null, "{field}");
    }
    session
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_told_and_start_dials_at_once() {
    let (lab, session) = connected().await;
    let before = back_at_work(&lab, &session).await;
    cut_off(&lab);
    let down = wait_reason(&session, "connecting", "unreachable").await;
    assert!(at(&down, "statusChangedAt") > at(&before, "statusChangedAt"));
    assert!(down["statusDetail"].is_string());
    let far = eventually("a longer pause", async || {
        let session = session.get().await;
        (session["retryAt"].as_i64()? > now() + 3000).then_some(session)
    })
    .await;
    lab.standin.clear_faults(ACCOUNT);
    session.post("start").await.expect(200);
    let up = back_at_work(&lab, &session).await;
    assert!(at(&up, "lastConnectedAt") < at(&far, "retryAt"), "at once");
    lab.stop().await;
}

/// A ban ends, and so does the waiting; a restart of the gateway is no way around it.
#[tokio::test(flavor = "multi_thread")]
async fn a_ban_is_waited_out() {
    let (mut lab, mut session) = connected().await;
    for restart in [false, true] {
        let logins = lab.standin.logins(ACCOUNT);
        lab.standin
            .refuse_logins(ACCOUNT, Some(1), LoginFault::TemporaryBan(3));
        lab.standin.drop_connections();
        let banned = wait_reason(&session, "connecting", "banned").await;
        if restart {
            lab = lab.restart_gateway().await;
            session = session.by(&lab.manager().await);
        }
        let up = back_at_work(&lab, &session).await;
        assert!(at(&up, "lastConnectedAt") >= at(&banned, "retryAt"));
        assert_eq!(lab.standin.logins(ACCOUNT), logins + 1);
    }
    lab.stop().await;
}

/// Who is refused for the version waits long, unless somebody says that something has changed.
#[tokio::test(flavor = "multi_thread")]
async fn an_outdated_client_waits_or_is_started() {
    let (lab, session) = connected().await;
    lab.standin
        .refuse_logins(ACCOUNT, Some(1), LoginFault::Failure(405));
    lab.standin.drop_connections();
    let outdated = wait_reason(&session, "connecting", "outdated").await;
    assert!(at(&outdated, "retryAt") > now() + 50_000);
    session.post("start").await.expect(200);
    back_at_work(&lab, &session).await;
    lab.stop().await;
}

/// What does not pass by itself ends in `failed` or `logged_out`, with the reason; a start is a new try.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_pass_is_told() {
    let (lab, session) = connected().await;
    lab.standin.fault(ACCOUNT, When::Now, Fault::Replaced);
    let replaced = wait_reason(&session, "failed", "replaced").await;
    assert_eq!(replaced["retryAt"], Value::Null, "nobody fights");
    session.post("start").await.expect(200);
    back_at_work(&lab, &session).await;

    lab.standin
        .refuse_logins(ACCOUNT, Some(1), LoginFault::Failure(409));
    lab.standin.drop_connections();
    let refused = wait_reason(&session, "failed", "refused").await;
    let detail = refused["statusDetail"].as_str().unwrap();
    assert!(detail.contains("409"), "{detail}");
    session.post("start").await.expect(200);
    back_at_work(&lab, &session).await;

    lab.standin.phone(ACCOUNT).unlink();
    let unlinked = wait_reason(&session, "logged_out", "logged_out_on_phone").await;
    assert_eq!(unlinked["phoneNumber"], Value::Null);
    lab.stop().await;
}

/// WhatsApp does not hand out the groups for now: the session says so, and works with those of its last sync. A connection
/// that drops meanwhile is no way around it.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_told_to_slow_down_says_so() {
    const LIST: &str = "get w:g2 participating";
    let (lab, session) = connected().await;
    let busy = Fault::SlowDown(Duration::from_secs(600));
    lab.standin.fault(ACCOUNT, When::next(LIST), busy);
    for _ in 0..2 {
        let before = session.get().await;
        lab.standin.drop_connections();
        // It may be back before anybody sees it gone.
        let slowed = eventually("back, and slowed down", async || {
            let session = session.get().await;
            let again = session["status"] == "working"
                && at(&session, "statusChangedAt") > at(&before, "statusChangedAt");
            (again && session["statusReason"] == "rate_limited").then_some(session)
        })
        .await;
        assert!(at(&slowed, "retryAt") > now() + 500_000);
    }
    assert_eq!(lab.standin.iq_count(LIST), 2, "not asked again");
    lab.stop().await;
}

/// However often somebody asks for a code, WhatsApp is dialled no faster than the pauses allow.
#[tokio::test(flavor = "multi_thread")]
async fn asking_for_a_code_dials_no_faster() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", server.local_addr().unwrap());
    let dials = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&dials);
    tokio::spawn(async move {
        while let Ok((socket, _)) = server.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            drop(socket);
        }
    });
    let lab = Lab::with(|config| {
        // How long each of them waits for a code.
        config.whatsapp_timeout = Duration::from_millis(50);
        if let Network::Standin { url: standin, .. } = &mut config.network {
            *standin = url;
        }
    })
    .await;
    let session = Session::create(&lab.manager().await).await;
    let begun = Instant::now();
    let (mut asked, mut told) = (0, false);
    while begun.elapsed() < Duration::from_secs(3) || asked <= 20 {
        let answer = session.caller.get(session.path("/qr")).send().await;
        let details = answer.error(404, "not_found");
        assert_eq!(details["resource"], "qr");
        // The first may come before the first dial has failed.
        let why = details["reason"] == "unreachable";
        assert!(why || !told, "{details}");
        told = why;
        asked += 1;
    }
    assert!(told, "why there is no code");
    // At 0, 0, 1, 3, 7 and 15 seconds; one more may be under way.
    let most = 3 + (begun.elapsed().as_secs() + 1).ilog2() as usize;
    let dials = dials.load(Ordering::Relaxed);
    assert!((2..=most).contains(&dials), "{dials} of {most}");
    lab.stop().await;
}
