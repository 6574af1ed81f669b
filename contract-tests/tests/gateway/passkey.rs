//! Linking an account where WhatsApp asks for a passkey.

use std::time::{Duration, Instant};

use contract_tests::client::Call;
use contract_tests::document::Document;
use contract_tests::lab::{ACCOUNT, Lab};
use contract_tests::session::Session;
use contract_tests::wait::within;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use whatsapp_gateway::now;
use whatsapp_standin::{Fault, LinkError, Phone, When};

use crate::world::{FRIEND, body};

/// A session whose code a phone has, and which WhatsApp asks for the passkey.
pub struct Asked {
    pub session: Session,
    pub phone: Phone,
    /// Ends when the phone has linked the session.
    linking: JoinHandle<Result<u16, LinkError>>,
}

impl Asked {
    /// By QR code.
    pub async fn by_qr(lab: &Lab, account: &str) -> Self {
        let (session, phone) = unpaired(lab, account).await;
        let code = session.qr().await["code"].as_str().unwrap().to_owned();
        let scanning = phone.clone();
        let linking = tokio::spawn(async move { scanning.scan(&code).await });
        Self::asked(session, phone, linking).await
    }

    /// By a code typed into the phone.
    async fn by_code(lab: &Lab, account: &str) -> Self {
        let (session, phone) = unpaired(lab, account).await;
        let code = session
            .caller
            .post(session.path("/pairing-code"))
            .json(&json!({"phone": account}))
            .send()
            .await
            .json(200)["code"]
            .as_str()
            .unwrap()
            .to_owned();
        let typing = phone.clone();
        let linking = tokio::spawn(async move { typing.enter_code(&code).await });
        Self::asked(session, phone, linking).await
    }

    async fn asked(
        session: Session,
        phone: Phone,
        linking: JoinHandle<Result<u16, LinkError>>,
    ) -> Self {
        let waiting = session.wait_status("passkey_required").await;
        assert_eq!(waiting["passkeyCode"], json!(null));
        assert_eq!(waiting["waJid"], json!(null));
        Self {
            session,
            phone,
            linking,
        }
    }

    /// What the account's passkey answers.
    pub async fn assertion(&self) -> Value {
        let request = self.session.caller.get(self.session.path("/passkey"));
        let request = request.send().await.json(200);
        let options = &request["publicKey"];
        assert_eq!(options["rpId"], "whatsapp.com");
        assert_eq!(request["origin"], "https://web.whatsapp.com");
        let in_seconds = (request["expiresAt"].as_i64().unwrap() - now()) / 1000;
        assert!((100..=160).contains(&in_seconds), "{in_seconds}");
        let assertion = self.phone.assert_passkey(&options.to_string()).unwrap();
        serde_json::from_str(&assertion).unwrap()
    }

    /// An answerSessionPasskey that is not sent yet.
    pub fn answer(&self, assertion: &Value) -> Call {
        let path = self.session.path("/passkey");
        self.session.caller.post(path).json(assertion)
    }

    /// A confirmSessionPasskey that is not sent yet.
    pub fn confirm(&self) -> Call {
        self.session
            .caller
            .post(self.session.path("/passkey/confirm"))
    }

    /// Answers as WhatsApp wants it.
    pub async fn answered(&self) -> Value {
        self.answer(&self.assertion().await).send().await.json(200)
    }

    /// Goes on to the end.
    async fn link(self, lab: &Lab, account: &str) {
        let answered = self.answered().await;
        let code = within("a code", self.phone.passkey_code()).await;
        assert_eq!(answered["status"], "passkey_required");
        assert_eq!(answered["passkeyCode"], code, "the answer has it already");
        assert_eq!(self.session.get().await["passkeyCode"], code);
        let again = self.session.caller.get(self.session.path("/passkey"));
        let gone = again.send().await.error(404, "not_found");
        assert_eq!(
            gone["resource"], "passkey",
            "there is nothing to answer now"
        );
        assert!(self.phone.devices().is_empty(), "nobody has compared yet");

        let confirmed = self.confirm().send().await.json(200);
        assert_eq!(confirmed["passkeyCode"], json!(null));
        within("the phone links", self.linking)
            .await
            .unwrap()
            .unwrap();
        let working = self.session.wait_working(&lab.standin, account).await;
        assert_eq!(working["phoneNumber"], account);
    }
}

async fn unpaired(lab: &Lab, account: &str) -> (Session, Phone) {
    lab.standin.require_passkey(account).unwrap();
    let session = Session::create(&lab.manager().await).await;
    (session, lab.standin.phone(account))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scanned_code_links_with_the_passkey() {
    let lab = Lab::start().await;
    Asked::by_qr(&lab, ACCOUNT).await.link(&lab, ACCOUNT).await;
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_code_links_with_the_passkey() {
    let lab = Lab::start().await;
    Asked::by_code(&lab, ACCOUNT)
        .await
        .link(&lab, ACCOUNT)
        .await;
    lab.stop().await;
}

/// WhatsApp says no, and the right answer is taken after it.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_answer_can_be_corrected() {
    let lab = Lab::start().await;
    let asked = Asked::by_qr(&lab, ACCOUNT).await;
    let mut wrong = asked.assertion().await;
    wrong["response"]["authenticatorData"] = wrong["response"]["clientDataJSON"].clone();
    let refused = asked.answer(&wrong).send().await;
    assert_eq!(
        refused.error(502, "upstream_error")["reason"],
        "passkey_not_accepted"
    );
    asked.link(&lab, ACCOUNT).await;
    lab.stop().await;
}

/// Nothing is confirmed that nobody could compare.
#[tokio::test(flavor = "multi_thread")]
async fn there_is_nothing_to_confirm_before_the_answer() {
    let lab = Lab::start().await;
    let asked = Asked::by_qr(&lab, ACCOUNT).await;
    let refused = asked.confirm().send().await.error(404, "not_found");
    assert_eq!(refused["resource"], "passkey");
    assert_eq!(lab.standin.iq_count("set md encrypted_pairing_request"), 0);
    asked.link(&lab, ACCOUNT).await;
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_not_asked_has_no_request() {
    let lab = Lab::start().await;
    let session = Session::create(&lab.manager().await).await;
    let path = session.path("/passkey");
    let none = session.caller.get(path).send().await;
    assert_eq!(none.error(404, "not_found")["resource"], "passkey");
    assert_eq!(
        session.get().await["status"],
        "stopped",
        "asking starts nothing"
    );
    lab.stop().await;
}

/// Each has its own request and its own code; one's answer is none for the other.
#[tokio::test(flavor = "multi_thread")]
async fn two_sessions_at_once_keep_apart() {
    let lab = Lab::start().await;
    let (one, other) = tokio::join!(Asked::by_qr(&lab, ACCOUNT), Asked::by_qr(&lab, FRIEND));
    let (ours, theirs) = (one.assertion().await, other.assertion().await);
    assert_ne!(ours["response"], theirs["response"]);
    for (asked, wrong) in [(&one, &theirs), (&other, &ours)] {
        let refused = asked.answer(wrong).send().await;
        refused.error(502, "upstream_error");
    }
    tokio::join!(one.link(&lab, ACCOUNT), other.link(&lab, FRIEND));
    lab.stop().await;
}

/// The request is for one connection: where that is lost, the codes begin anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_begins_anew() {
    let lab = Lab::start().await;
    let asked = Asked::by_qr(&lab, ACCOUNT).await;
    lab.standin.drop_connections();
    asked.session.wait_status("scan_qr_code").await;
    let stale = body(Document::get().operation("answerSessionPasskey"));
    let refused = asked.answer(&stale);
    refused.send().await.error(404, "not_found");
    lab.stop().await;
}

/// There is no other code to be had meanwhile, and who asks is told why, at once.
#[tokio::test(flavor = "multi_thread")]
async fn other_ways_to_pair_say_what_is_asked_for() {
    let begun = Instant::now();
    let lab = Lab::with(|config| config.whatsapp_timeout = Duration::from_secs(50)).await;
    let asked = Asked::by_qr(&lab, ACCOUNT).await;
    let qr = asked.session.caller.get(asked.session.path("/qr")).send();
    let code = asked
        .session
        .caller
        .post(asked.session.path("/pairing-code"));
    let code = code.json(&json!({"phone": ACCOUNT})).send();
    for (refused, status, word) in [
        (within("no QR code", qr).await, 404, "not_found"),
        (within("no pairing code", code).await, 503, "unavailable"),
    ] {
        assert_eq!(refused.error(status, word)["reason"], "passkey_required");
    }
    assert!(begun.elapsed().as_secs() < 40, "nobody waits for nothing");
    asked.link(&lab, ACCOUNT).await;
    lab.stop().await;
}

/// WhatsApp takes the confirmation and is not heard of again: the linking cannot be saved, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn an_unanswered_confirmation_fails_the_pairing() {
    let lab = Lab::with(|config| config.whatsapp_timeout = Duration::from_secs(2)).await;
    let asked = Asked::by_qr(&lab, ACCOUNT).await;
    asked.answered().await;
    let silence = Fault::Silence { applied: false };
    let kind = When::next("set md encrypted_pairing_request");
    lab.standin.fault("", kind, silence);
    let unanswered = asked.confirm().send().await;
    unanswered.error(504, "upstream_timeout");
    let failed = asked.session.wait_status("failed").await;
    assert_eq!(failed["statusReason"], "pairing_failed");
    lab.stop().await;
}
