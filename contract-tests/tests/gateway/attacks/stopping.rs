//! What keeps a gateway from stopping.

use contract_tests::attacker::Ask;
use contract_tests::lab::ACCOUNT;
use contract_tests::process::Process;
use contract_tests::wait::{eventually, within};
use tokio::time::Instant;
use whatsapp_standin::{Fault, When};

use super::stage::{Scale, Stage};
use crate::world::{ADD, ANNA, GROUP};

/// A WhatsApp that is silent, a body that does not come, an answer that is not read and a head that does not end hold a
/// stop up for as long as was granted, and no longer; and the log says what was left.
pub async fn held_up(scale: Scale) {
    let grace = scale.pick(2, 8);
    let settings = [("GATEWAY_SHUTDOWN_SECONDS", grace.to_string().into())];
    let mut stage = Stage::with_settings(scale, |_| {}, &settings, Process::serve).await;
    let session = stage.connected(1000).await;
    let silence = Fault::Silence { applied: false };
    stage.standin.fault(ACCOUNT, When::next(ADD), silence);
    let add = tokio::spawn(session.add(GROUP, &[ANNA]).send_uncertain());
    within("the add is asked", stage.standin.wait_iq(ADD, 1)).await;

    let path = session.path(&format!("/groups/{GROUP}/members?limit=1000"));
    let members = Ask::get(format!("/api/v1{path}"), Some(&stage.token));
    let hung = Ask::hung("/api/v1/sessions", Some(&stage.token));
    let mut connection = stage.attacker.http2(0).await.unwrap();
    let _body = connection.open(&hung).await.unwrap();
    let unread = connection.open(&members).await.unwrap();
    let unread = within("the head of an answer", unread.response).await;
    assert_eq!(unread.as_ref().unwrap().status(), 200);
    let _idle = stage.attacker.connect().await.unwrap();

    let begun = Instant::now();
    stage.gateway.tell_to_stop().await;
    let code = stage.gateway.ended().await;
    let took = begun.elapsed().as_secs_f64();
    eprintln!(
        "\n| stop that is held up ({scale:?}) | ended with {code:?} after {took:.1} s of {grace} | | | | | | |"
    );
    assert_eq!(code, Some(0));
    let most = grace as f64 + scale.pick(4.0, 0.5);
    assert!(took < most, "{took:.1} s");
    eventually("the log says what was left", async || {
        let log = stage.gateway.log();
        let mut left = log.lines().skip_while(|line| !line.contains("stopping"));
        left.any(|line| line.contains("with requests still running"))
            .then_some(())
    })
    .await;
    drop(add.await);
}
