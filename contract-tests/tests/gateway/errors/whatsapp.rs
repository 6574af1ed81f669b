//! What WhatsApp refuses, or leaves without an answer.

use std::time::Duration;

use contract_tests::client::Call;
use contract_tests::document::{Document, Need, Operation};
use contract_tests::lab::{ACCOUNT, Lab};
use contract_tests::session::Session;
use tokio::net::TcpListener;
use whatsapp_gateway::Network;
use whatsapp_standin::{Fault, GroupSpec, When};

use super::{Provoked, provoke};
use crate::passkey::Asked;
use crate::world::{ADD, DECLINERS, GROUP, call, call_at, path, seed};

/// An account that WhatsApp asks for a passkey.
const PASSKEY_ACCOUNT: &str = "628555000001";

/// All that a gateway refuses because of WhatsApp.
pub async fn provoked() -> Vec<Provoked> {
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mute_at = format!("ws://{}/", mute.local_addr().unwrap());
    let (mut provoked, others, silent, mute, alone) = tokio::join!(
        refused(),
        refused_by_its_own(),
        silent(),
        no_code("WhatsApp does not say hello", mute_at),
        no_code("WhatsApp is out of reach", "ws://127.0.0.1:1/".to_owned()),
    );
    for more in [others, silent, mute, alone] {
        provoked.extend(more);
    }
    provoked
}

/// WhatsApp refuses what any operation asks.
async fn refused() -> Vec<Provoked> {
    let lab = Lab::start().await;
    seed(&lab);
    let session = lab.connected().await;
    let mut provoked = Vec::new();
    for operation in Document::get().operations() {
        for (name, fault) in [
            ("WhatsApp limits", Fault::rate_limited()),
            ("WhatsApp refuses", refusal(406, "not-acceptable")),
        ] {
            if let Some(call) = struck(&lab, &session, operation, fault).await {
                provoked.push(provoke(operation, name, call).await);
            }
        }
    }
    lab.stop().await;
    provoked
}

/// WhatsApp refuses for a reason that one operation has.
async fn refused_by_its_own() -> Vec<Provoked> {
    let lab = Lab::start().await;
    seed(&lab);
    let session = lab.connected().await;
    let document = Document::get();

    lab.standin
        .group(GROUP)
        .set_odd(|odd| odd.refuses_strangers = true);
    let strangers = session.add(GROUP, &[DECLINERS[2].0]);
    let add = document.operation("addGroupMembers");
    let strangers = provoke(add, "somebody is not on WhatsApp", strangers).await;

    let asked = Asked::by_qr(&lab, PASSKEY_ACCOUNT).await;
    let answer = document.operation("answerSessionPasskey");
    let wrong = call(answer, &asked.session.caller, &asked.session.id);
    let wrong = provoke(answer, "another passkey", wrong).await;
    lab.stop().await;
    vec![strangers, wrong]
}

/// WhatsApp does not answer, nor does it tell what the account may do in one of the groups.
async fn silent() -> Vec<Provoked> {
    let lab = Lab::with(|config| config.whatsapp_timeout = Duration::from_secs(1)).await;
    seed(&lab);
    let bare = GroupSpec::new("Large").admin(ACCOUNT);
    let bare = bare.odd(|odd| odd.bare_in_list = true);
    let bare = lab.standin.add_group(bare);
    lab.standin.add_account(ACCOUNT).unwrap();
    let busy = Fault::SlowDown(Duration::from_secs(600));
    let query = When::every("get w:g2 query");
    lab.standin.fault(ACCOUNT, query, busy);
    let session = lab.connected().await;
    let mut provoked = Vec::new();
    for operation in Document::get().operations() {
        if operation.live == Some(Need::Admin) {
            let path = path(operation, &session.id, &bare);
            let call = call_at(operation, &session.caller, path);
            provoked.push(provoke(operation, "the role is not known yet", call).await);
        }
        let fault = Fault::Silence { applied: false };
        if let Some(call) = struck(&lab, &session, operation, fault).await {
            provoked.push(provoke(operation, "WhatsApp is silent", call).await);
        }
    }
    lab.stop().await;
    provoked
}

/// There is no code to pair with, because of what is where WhatsApp should be.
async fn no_code(name: &'static str, at: String) -> Vec<Provoked> {
    let lab = Lab::with(|config| {
        config.whatsapp_timeout = Duration::from_secs(1);
        if let Network::Standin { url, .. } = &mut config.network {
            *url = at;
        }
    })
    .await;
    let mut provoked = Vec::new();
    for id in ["getSessionQr", "createPairingCode"] {
        let session = Session::create(&lab.manager().await).await;
        let operation = Document::get().operation(id);
        let call = call(operation, &session.caller, &session.id);
        provoked.push(provoke(operation, name, call).await);
    }
    lab.stop().await;
    provoked
}

fn refusal(code: u16, text: &str) -> Fault {
    Fault::Refuse {
        code,
        text: text.to_owned(),
    }
}

/// A call that meets this fault on its way to WhatsApp, of an operation that goes there.
async fn struck(lab: &Lab, session: &Session, operation: &Operation, fault: Fault) -> Option<Call> {
    let caller = &session.caller;
    let (account, asked, session) = match operation.id.as_str() {
        "addGroupMembers" => (ACCOUNT, ADD, session.clone()),
        "logoutSession" => (ACCOUNT, "set md remove-companion-device", session.clone()),
        // A device that is not linked has no account.
        "createPairingCode" => (
            "",
            "set md link_code_companion_reg",
            Session::create(caller).await,
        ),
        "answerSessionPasskey" => {
            let asked = Asked::by_qr(lab, PASSKEY_ACCOUNT).await;
            ("", "set md passkey_prologue", asked.session)
        }
        "confirmSessionPasskey" => {
            let asked = Asked::by_qr(lab, PASSKEY_ACCOUNT).await;
            asked.answered().await;
            ("", "set md encrypted_pairing_request", asked.session)
        }
        id => {
            assert_eq!(operation.live, None, "{id}: say what it asks of WhatsApp");
            return None;
        }
    };
    lab.standin.fault(account, When::next(asked), fault);
    Some(call(operation, caller, &session.id))
}
