//! What the session, the account and WhatsApp refuse, and in which order.

use std::collections::BTreeSet;

use contract_tests::document::{Document, Need, Operation};
use contract_tests::lab::{ACCOUNT, Lab};
use contract_tests::session::Session;
use serde_json::json;
use whatsapp_standin::{Fault, LoginFault, When};

use crate::world::{
    ADD, ANNA, GROUP, NOT_ADMIN, UNKNOWN, act_error, call, call_at, connected, path, seed, sent,
    sent_since,
};

/// The operations that need at least this of WhatsApp.
fn live(need: Need) -> impl Iterator<Item = &'static Operation> {
    let operations = Document::get().operations().iter();
    operations.filter(move |operation| operation.live >= Some(need))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_admin_is_refused() {
    let (lab, session) = connected().await;
    let before = sent(&lab);
    for operation in live(Need::Admin) {
        let path = path(operation, &session.id, NOT_ADMIN);
        let answer = call_at(operation, &session.caller, path).send().await;
        let details = answer.error(403, "forbidden");
        assert_eq!(details, json!({"reason": "not_group_admin"}));
    }
    assert_eq!(sent_since(&lab, &before), [], "the role comes from memory");
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_not_connected_says_how_it_stands() {
    let lab = Lab::start().await;
    seed(&lab);
    let session = Session::create(&lab.manager().await).await;
    let refused = async || {
        let mut statuses = BTreeSet::new();
        for operation in live(Need::Session) {
            let answer = call(operation, &session.caller, &session.id).send().await;
            let details = answer.error(501, "not_implemented");
            statuses.insert(details["status"].as_str().unwrap().to_owned());
        }
        assert_eq!(statuses.len(), 1, "all see the same: {statuses:?}");
        statuses.pop_first().unwrap()
    };
    assert_eq!(refused().await, "stopped", "created");

    session.qr().await;
    assert_eq!(refused().await, "scan_qr_code");

    session.pair(&lab.standin, ACCOUNT).await;
    session.post("stop").await.expect(200);
    assert_eq!(refused().await, "stopped");

    lab.standin.refuse_logins(ACCOUNT, None, LoginFault::Drop);
    session.post("start").await.expect(200);
    assert_eq!(refused().await, "connecting");
    lab.standin.clear_faults(ACCOUNT);
    session.wait_working(&lab.standin, ACCOUNT).await;

    lab.standin.fault(ACCOUNT, When::Now, Fault::Replaced);
    session.wait_status("failed").await;
    assert_eq!(refused().await, "failed");
    session.post("start").await.expect(200);
    session.wait_working(&lab.standin, ACCOUNT).await;

    lab.standin.phone(ACCOUNT).unlink();
    session.wait_status("logged_out").await;
    assert_eq!(refused().await, "logged_out");
    assert_eq!(lab.standin.group(GROUP).role(ANNA), None);
    lab.stop().await;
}

/// The document's order, one step at a time: each call has every later fault as well.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_come_in_the_order_of_the_document() {
    let (lab, session) = connected().await;
    let reader = lab.caller("org_42", "read").await;
    let stopped = Session::create(&session.caller).await;
    let nowhere = Session {
        id: "nowhere".into(),
        ..session.clone()
    };
    let big = || "x".repeat((1 << 20) + 1);
    let bad_jid = json!({"participants": ["x"]});

    // No credential, no capability, body too big and of the wrong type, bad gid, no session.
    let call = |session: &Session| session.add("nonsense", &[]).body("text/plain", big());
    call(&nowhere.by(&lab.anonymous()))
        .send()
        .await
        .error(401, "unauthorized");
    call(&nowhere.by(&lab.anonymous().with_token("x")))
        .send()
        .await
        .error(401, "unauthorized");
    call(&nowhere.by(&reader))
        .send()
        .await
        .error(403, "forbidden");
    let status = call(&nowhere).send().await.status.as_u16();
    assert!([400, 413, 415].contains(&status), "{status}");
    // Bad gid, bad body, no session.
    nowhere
        .add("nonsense", &[ANNA])
        .send()
        .await
        .error(400, "validation_error");
    nowhere
        .add_json(GROUP, &bad_jid)
        .send()
        .await
        .error(400, "validation_error");
    nowhere
        .add_json(GROUP, &json!({}))
        .send()
        .await
        .error(400, "validation_error");
    nowhere
        .add(GROUP, &[ANNA])
        .body("text/plain", "x")
        .send()
        .await
        .error(415, "unsupported_media_type");
    nowhere
        .add(GROUP, &[ANNA])
        .body("application/json", big())
        .send()
        .await
        .error(413, "payload_too_large");
    // No session, no group.
    nowhere
        .add(UNKNOWN, &[ANNA])
        .send()
        .await
        .error(404, "not_found");
    // Not connected: bad body first, unknown group later.
    stopped
        .add_json(GROUP, &bad_jid)
        .send()
        .await
        .error(400, "validation_error");
    stopped
        .add(UNKNOWN, &[ANNA])
        .send()
        .await
        .error(501, "not_implemented");
    // Connected: bad body before the unknown group and before the role.
    session
        .add_json(UNKNOWN, &bad_jid)
        .send()
        .await
        .error(400, "validation_error");
    session
        .add_json(NOT_ADMIN, &json!({}))
        .send()
        .await
        .error(400, "validation_error");
    assert_eq!(
        session
            .add(UNKNOWN, &[ANNA])
            .send()
            .await
            .error(404, "not_found")["resource"],
        "group"
    );
    assert_eq!(
        session
            .add(NOT_ADMIN, &[ANNA])
            .send()
            .await
            .error(403, "forbidden")["reason"],
        "not_group_admin"
    );
    lab.stop().await;
}

/// What WhatsApp refuses, in the document's words.
#[tokio::test(flavor = "multi_thread")]
async fn whatsapp_s_refusals_are_translated() {
    let (lab, session) = connected().await;
    let refuse = |code: u16, text: &str| {
        lab.standin.fault(
            ACCOUNT,
            When::next(ADD),
            Fault::Refuse {
                code,
                text: text.into(),
            },
        );
        session.add(GROUP, &[ANNA])
    };
    // Asked for the group, WhatsApp says that the account is an admin of it: its role is not what is wrong.
    for (code, text) in [
        (400, "bad-request"),
        (401, "not-authorized"),
        (403, "forbidden"),
        (404, "item-not-found"),
        (406, "not-acceptable"),
        (500, "internal-server-error"),
    ] {
        let call = refuse(code, text);
        assert_eq!(
            act_error(&session, call, 502, "upstream_error").await,
            json!({"upstreamCode": code})
        );
    }
    session.add(GROUP, &[ANNA]).send().await.expect_no_content();
    // Last, for WhatsApp is left alone after it.
    let limited = refuse(429, "rate-overlimit");
    act_error(&session, limited, 429, "rate_limited").await;
    lab.stop().await;
}
