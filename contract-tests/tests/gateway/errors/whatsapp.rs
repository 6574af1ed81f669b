//! What WhatsApp refuses, or leaves without an answer.

use std::time::Duration;

use contract_tests::client::Call;
use contract_tests::document::{Document, Need, Operation};
use contract_tests::lab::{ACCOUNT, Lab};
use contract_tests::session::Session;
use contract_tests::wait::within;
use serde_json::json;
use tokio::net::TcpListener;
use whatsapp_gateway::Network;
use whatsapp_standin::{Fault, GroupSpec, When};

use super::{Provoked, provoke};
use crate::passkey::Asked;
use crate::world::{ADD, DECLINERS, GROUP, call, call_at, jid, path, seed};

/// An account that WhatsApp asks for a passkey.
const PASSKEY_ACCOUNT: &str = "628555000001";

/// All that a gateway refuses because of WhatsApp.
pub async fn provoked() -> Vec<Provoked> {
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mute_at = format!("ws://{}/", mute.local_addr().unwrap());
    let (mut provoked, others, silent, running, mute, alone) = tokio::join!(
        refused(),
        refused_by_its_own(),
        silent(),
        still_running(),
        no_code("WhatsApp does not say hello", mute_at),
        no_code("WhatsApp is out of reach", "ws://127.0.0.1:1/".to_owned()),
    );
    for more in [others, silent, running, mute, alone] {
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
            ("WhatsApp limits", Fault::SlowDown(Duration::ZERO)),
            ("WhatsApp refuses", refusal(405, "not-allowed")),
        ] {
            if let Some((_, call)) = struck(&lab, &session, operation, fault).await {
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

    let mut by_their_own = vec![strangers];
    for verb in ["promote", "demote"] {
        let operation = document.operation(&format!("{verb}GroupMember"));
        let nobody = jid(DECLINERS[2].0);
        let path = session.path(&format!("/groups/{GROUP}/members/{nobody}/{verb}"));
        let call = session.caller.post(path);
        by_their_own.push(provoke(operation, "no member", call).await);
    }
    let join = document.operation("joinGroup");
    let nowhere = call(join, &session.caller, &session.id);
    by_their_own.push(provoke(join, "the link leads nowhere", nowhere).await);

    let limits = session.caller.patch(session.path(""));
    let limits = limits.json(&json!({"limits": {"addsPerHour": 1}}));
    limits.send().await.expect(200);
    let spent = session.add(GROUP, &[DECLINERS[0].0]);
    spent.send().await.expect_no_content();
    for id in ["addGroupMembers", "createGroup"] {
        let operation = document.operation(id);
        let call = call(operation, &session.caller, &session.id);
        by_their_own.push(provoke(operation, "the budget is spent", call).await);
    }

    let asked = Asked::by_qr(&lab, PASSKEY_ACCOUNT).await;
    let answer = document.operation("answerSessionPasskey");
    let wrong = call(answer, &asked.session.caller, &asked.session.id);
    by_their_own.push(provoke(answer, "another passkey", wrong).await);
    lab.stop().await;
    by_their_own
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
        if let Some((_, call)) = struck(&lab, &session, operation, fault).await {
            provoked.push(provoke(operation, "WhatsApp is silent", call).await);
        }
    }
    lab.stop().await;
    provoked
}

/// The first request with the same key waits for WhatsApp.
async fn still_running() -> Vec<Provoked> {
    let lab = Lab::start().await;
    seed(&lab);
    let session = lab.connected().await;
    let mut provoked = Vec::new();
    for operation in Document::get().operations() {
        let takes_a_key = operation
            .fields
            .iter()
            .any(|field| field == "Idempotency-Key");
        let silence = Fault::Silence { applied: false };
        if !takes_a_key || operation.live.is_none() {
            continue;
        }
        let struck = struck(&lab, &session, operation, silence).await;
        let (asked, call) = struck.expect("a live operation");
        let call = call.idempotent(&operation.id);
        let before = lab.standin.iq_count(asked);
        let first = tokio::spawn(call.clone().send());
        within("the first is sent", lab.standin.wait_iq(asked, before + 1)).await;
        provoked.push(provoke(operation, "the first is still running", call).await);
        first.abort();
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

/// A call that meets this fault on its way to WhatsApp, of an operation that goes there; and what it asks there.
async fn struck(
    lab: &Lab,
    session: &Session,
    operation: &Operation,
    fault: Fault,
) -> Option<(&'static str, Call)> {
    let caller = &session.caller;
    let (account, asked, session) = match operation.id.as_str() {
        "addGroupMembers" => (ACCOUNT, ADD, session.clone()),
        "removeGroupMember" => (ACCOUNT, "set w:g2 remove", session.clone()),
        "promoteGroupMember" => (ACCOUNT, "set w:g2 promote", session.clone()),
        "demoteGroupMember" => (ACCOUNT, "set w:g2 demote", session.clone()),
        "createGroup" => (ACCOUNT, "set w:g2 create", session.clone()),
        "updateGroup" => (ACCOUNT, "set w:g2 subject", session.clone()),
        "leaveGroup" => (ACCOUNT, "set w:g2 leave", session.clone()),
        "getGroupInvite" => (ACCOUNT, "get w:g2 invite", session.clone()),
        "revokeGroupInvite" | "joinGroup" => (ACCOUNT, "set w:g2 invite", session.clone()),
        "listGroupRequests" => (
            ACCOUNT,
            "get w:g2 membership_approval_requests",
            session.clone(),
        ),
        "approveGroupRequests" | "rejectGroupRequests" => (
            ACCOUNT,
            "set w:g2 membership_requests_action",
            session.clone(),
        ),
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
    Some((asked, call(operation, caller, &session.id)))
}
