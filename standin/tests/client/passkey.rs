//! Linking where the account asks for a passkey, as the library's own flow does it.

use crate::support::*;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use serde_json::Value;
use tokio::task::JoinHandle;
use wacore::types::events::Event;
use whatsapp_rust::pair_code::PairCodeOptions;
use whatsapp_rust::passkey::{Assertion, PasskeyError};
use whatsapp_standin::{LinkError, Phone, Standin};

/// A device that a phone has scanned, and what it was asked for.
struct Scanned {
    device: Device,
    phone: Phone,
    options: String,
    linked: JoinHandle<Result<u16, LinkError>>,
}

async fn scanned(standin: &Standin, account: &str) -> Scanned {
    standin.require_passkey(account).unwrap();
    let store = store(standin).await;
    let device = Device::start(standin, &store).await;
    let qr = device.qr().await;
    let phone = standin.phone(account);
    let scanning = phone.clone();
    let linked = tokio::spawn(async move { scanning.scan(&qr).await });
    let options = options(&device).await;
    Scanned {
        device,
        phone,
        options,
        linked,
    }
}

async fn options(device: &Device) -> String {
    device
        .event("PairPasskeyRequest", |event| match event {
            Event::PairPasskeyRequest(request) => Some(request.request_options_json.clone()),
            _ => None,
        })
        .await
}

impl Scanned {
    async fn answer(&self, assertion: String) -> Result<(), PasskeyError> {
        let read: Value = serde_json::from_str(&assertion).unwrap();
        let assertion = Assertion {
            credential_id: BASE64URL.decode(read["rawId"].as_str().unwrap()).unwrap(),
            assertion_json: assertion.into_bytes(),
        };
        soon(
            "an answer",
            self.device.client.send_passkey_response(assertion),
        )
        .await
    }

    /// Goes on to the end, with the right assertion.
    async fn link(self) {
        let assertion = self.phone.assert_passkey(&self.options).unwrap();
        self.answer(assertion).await.unwrap();
        let shown = self
            .device
            .event("PairPasskeyConfirmation", |event| match event {
                Event::PairPasskeyConfirmation(confirmation) => Some(confirmation.code.clone()),
                _ => None,
            })
            .await;
        assert_eq!(soon("a code", self.phone.passkey_code()).await, shown);
        assert!(self.phone.devices().is_empty(), "nobody has compared yet");
        soon("confirming", self.device.client.send_passkey_confirmation())
            .await
            .unwrap();
        assert_eq!(soon("linking", self.linked).await.unwrap(), Ok(1));
        self.device.connected().await;
        self.device.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_links() {
    let standin = world().await;
    let scanned = scanned(&standin, ME).await;
    let options: Value = serde_json::from_str(&scanned.options).unwrap();
    assert_eq!(options["rpId"], "whatsapp.com");
    assert_eq!(options["allowCredentials"], Value::Array(vec![]));
    scanned.link().await;
    assert!(standin.unknown_iqs().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pairing_code_asks_for_the_passkey_too() {
    let standin = world().await;
    standin.require_passkey(ME).unwrap();
    let store = store(&standin).await;
    let device = Device::start(&standin, &store).await;
    device.qr().await;
    let asked = PairCodeOptions {
        phone_number: ME.to_owned(),
        ..Default::default()
    };
    let code = soon("a code", device.client.pair_with_code(asked))
        .await
        .unwrap();
    let phone = standin.phone(ME);
    let entering = phone.clone();
    let linked = tokio::spawn(async move { entering.enter_code(&code).await });
    let options = options(&device).await;
    let scanned = Scanned {
        device,
        phone,
        options,
        linked,
    };
    scanned.link().await;
}

/// Each is refused, and the right one is taken after it.
#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_that_does_not_hold_is_refused() {
    let standin = world().await;
    standin.require_passkey(BOSS).unwrap();
    let scanned = scanned(&standin, ME).await;
    let mut altered: Value = serde_json::from_str(&scanned.options).unwrap();
    altered["challenge"] = BASE64URL.encode([7; 32]).into();
    let mut other_site = altered.clone();
    other_site["rpId"] = "example.com".into();
    other_site["challenge"] =
        serde_json::from_str::<Value>(&scanned.options).unwrap()["challenge"].clone();
    let right = scanned.phone.assert_passkey(&scanned.options).unwrap();
    let mut forged: Value = serde_json::from_str(&right).unwrap();
    let stolen = standin
        .phone(BOSS)
        .assert_passkey(&scanned.options)
        .unwrap();
    let stolen_signature: Value = serde_json::from_str(&stolen).unwrap();
    forged["response"]["signature"] = stolen_signature["response"]["signature"].clone();
    let phone = &scanned.phone;
    for (what, wrong) in [
        ("another's passkey", stolen),
        ("signature", forged.to_string()),
        (
            "challenge",
            phone.assert_passkey(&altered.to_string()).unwrap(),
        ),
        (
            "relying party",
            phone.assert_passkey(&other_site.to_string()).unwrap(),
        ),
        (
            "origin",
            phone
                .assert_passkey_on("https://example.com", &scanned.options)
                .unwrap(),
        ),
    ] {
        let refused = scanned.answer(wrong).await;
        let Err(PasskeyError::Flow(text)) = &refused else {
            panic!("{what}: {refused:?}");
        };
        assert!(text.contains("code=401"), "{what}: {text}");
        assert!(phone.devices().is_empty(), "{what}");
    }
    scanned.link().await;
}

/// Without an assertion the client gets no further, whatever it sends.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_links_before_the_assertion() {
    let standin = world().await;
    let scanned = scanned(&standin, ME).await;
    assert!(
        scanned
            .device
            .client
            .send_passkey_confirmation()
            .await
            .is_err()
    );
    assert_eq!(standin.iq_count("set md encrypted_pairing_request"), 0);
    scanned.device.stop().await;
    assert_eq!(
        soon("giving up", scanned.linked).await.unwrap(),
        Err(LinkError::Incomplete)
    );
    assert!(scanned.phone.devices().is_empty());
}
