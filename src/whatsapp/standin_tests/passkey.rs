//! Linking an account that asks for a passkey.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use serde_json::Value;
use whatsapp_standin::{Fault, When};

use super::rig::{Events, OWN, Rig};
use crate::whatsapp::listener::Signal;
use crate::whatsapp::passkey::PasskeyError;
use crate::whatsapp::{CallError, Client, Event, PasskeyAssertion};

/// A client whose code has been scanned, and the assertion that WhatsApp wants.
async fn asked(rig: &Rig) -> (Client, Events, PasskeyAssertion) {
    rig.standin.require_passkey(OWN).expect("a passkey");
    let (client, mut events) = rig.open().await;
    let code = events.qr().await;
    let phone = rig.phone();
    tokio::spawn(async move { phone.scan(&code).await });
    let asked = |event: &Event| matches!(event, Event::PasskeyRequested { .. });
    let Event::PasskeyRequested { options, .. } = events.until(asked).await else {
        unreachable!()
    };
    let assertion = rig
        .phone()
        .assert_passkey(&Value::Object(options).to_string())
        .expect("an assertion");
    (client, events, read(&assertion))
}

fn read(assertion: &str) -> PasskeyAssertion {
    let assertion: Value = serde_json::from_str(assertion).expect("JSON");
    let decode = |field: &Value| {
        BASE64URL
            .decode(field.as_str().expect("text"))
            .expect("base64url")
    };
    let response = &assertion["response"];
    PasskeyAssertion {
        credential_id: decode(&assertion["rawId"]),
        client_data: decode(&response["clientDataJSON"]),
        authenticator_data: decode(&response["authenticatorData"]),
        signature: decode(&response["signature"]),
        user_handle: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_once_the_code_is_confirmed() {
    let rig = Rig::new().await;
    let (client, mut events, assertion) = asked(&rig).await;
    let mut wrong = assertion.clone();
    wrong.client_data.push(b' ');
    assert!(matches!(
        client.answer_passkey(&wrong).await,
        Err(PasskeyError::NotAccepted(_))
    ));
    client.answer_passkey(&assertion).await.expect("accepted");
    let Some(Event::PasskeyCode { code }) = events.next().await else {
        panic!("no code")
    };
    assert_eq!(code, rig.phone().passkey_code().await);
    assert!(rig.phone().devices().is_empty(), "nobody has confirmed");
    client.confirm_passkey().await.expect("confirmed");
    assert!(matches!(events.next().await, Some(Event::Paired { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn confirming_before_there_is_a_code_spoils_nothing() {
    let rig = Rig::new().await;
    let (client, mut events, assertion) = asked(&rig).await;
    assert!(client.confirm_passkey().await.is_err());
    client.answer_passkey(&assertion).await.expect("accepted");
    assert!(matches!(
        events.next().await,
        Some(Event::PasskeyCode { .. })
    ));
}

/// The library goes on with its QR codes; to a caller they would look like the way on.
#[tokio::test(flavor = "multi_thread")]
async fn no_qr_code_follows_the_request() {
    let rig = Rig::new().await;
    let (client, mut events, assertion) = asked(&rig).await;
    let next = Event::Qr {
        code: "the next".to_owned(),
        valid_for: Duration::from_secs(20),
    };
    client.signals.send(Signal::Pass(next)).expect("queued");
    client.answer_passkey(&assertion).await.expect("accepted");
    let told = events.next().await;
    assert!(matches!(told, Some(Event::PasskeyCode { .. })), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_connection_is_told_as_such() {
    let rig = Rig::new().await;
    let (client, _events, assertion) = asked(&rig).await;
    // A device that is not linked has no account.
    let abort = Fault::Abort { applied: false };
    rig.standin
        .fault("", When::next("set md passkey_prologue"), abort);
    let answer = client.answer_passkey(&assertion).await;
    assert!(matches!(
        answer,
        Err(PasskeyError::Call(CallError::NotConnected))
    ));
}
