//! Who may call what: every operation against every kind of caller, and the life of an api key.

use contract_tests::document::{Document, Operation};
use contract_tests::lab::{Lab, ORGANIZATION};
use contract_tests::session::Session;
use contract_tests::wait::{eventually, within};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use whatsapp_gateway::now;

use crate::world::{FRIEND, GROUP, call, connected};

/// What each operation answers whom it is granted to.
fn granted(operation: &Operation) -> u16 {
    match operation.id.as_str() {
        // Past the credential there is no passkey that is asked for.
        "getSessionPasskey" | "answerSessionPasskey" | "confirmSessionPasskey" => 404,
        "getAction" | "getAddition" | "cancelAddition" | "getApiKey" | "revokeApiKey" => 404,
        // Nor a link that leads anywhere.
        "joinGroup" => 404,
        // Which of its successes is the caller's wish.
        "addGroupMembers" | "approveGroupRequests" | "rejectGroupRequests" => 204,
        _ => operation.success(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_needs_a_credential() {
    let (lab, session) = connected().await;
    let expired = lab
        .api_key(ORGANIZATION, "read,send,manage", Some(now() - 1))
        .await
        .1;
    let (id, revoked) = lab.api_key(ORGANIZATION, "read,send,manage", None).await;
    lab.revoke_api_key(&id).await;
    let never_made = "wa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for operation in Document::get().operations() {
        call(operation, &lab.anonymous(), &session.id)
            .send()
            .await
            .error(401, "unauthorized");
        for token in ["x", "wa_", never_made, "a.b.c", &expired, &revoked] {
            let caller = lab.anonymous().with_token(token);
            call(operation, &caller, &session.id)
                .send()
                .await
                .error(401, "unauthorized");
        }
    }
    assert_eq!(session.get().await["status"], "working");
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_needs_its_capability() {
    let (lab, session) = connected().await;
    for operation in Document::get().operations() {
        let others: Vec<&str> = ["read", "send", "manage"]
            .into_iter()
            .filter(|c| *c != operation.capability)
            .collect();
        assert_eq!(
            others.len(),
            2,
            "{}: {}",
            operation.id,
            operation.capability
        );
        let caller = lab.caller(ORGANIZATION, &others.join(",")).await;
        for session in [session.id.as_str(), "nowhere"] {
            let details = call(operation, &caller, session)
                .send()
                .await
                .error(403, "forbidden");
            assert_eq!(
                details,
                json!({"reason": "missing_capability", "capability": operation.capability})
            );
        }
    }
    assert_eq!(session.get().await["status"], "working");
    lab.stop().await;
}

/// Its own capability is enough, and none of the refusals above comes from anything but the credential.
#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_granted_to_whoever_has_its_capability() {
    let (lab, session) = connected().await;
    let manager = lab.manager().await;
    let fresh = Session::create(&manager).await;
    fresh.qr().await;
    lab.standin.add_account(FRIEND).unwrap();
    // What ends a session, or a membership, comes last.
    let order = |o: &&Operation| match o.id.as_str() {
        "deleteSession" => 4,
        "stopSession" | "logoutSession" => 3,
        "leaveGroup" => 2,
        "removeGroupMember" => 1,
        _ => 0,
    };
    let mut operations: Vec<&Operation> = Document::get().operations().iter().collect();
    operations.sort_by_key(order);
    for operation in operations {
        let caller = lab.caller(ORGANIZATION, &operation.capability).await;
        let unpaired = ["getSessionQr", "createPairingCode"].contains(&operation.id.as_str());
        let session = if unpaired { &fresh.id } else { &session.id };
        call(operation, &caller, session)
            .send()
            .await
            .expect(granted(operation));
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scheme_has_to_be_bearer() {
    let (lab, session) = connected().await;
    let token = lab.api_key(ORGANIZATION, "manage", None).await.1;
    let authorized = |value: &str| {
        lab.anonymous()
            .get(session.path(""))
            .header(hyper::header::AUTHORIZATION, value)
            .send()
    };
    // RFC 9110: the scheme's name is case-insensitive.
    for value in [
        format!("Bearer {token}"),
        format!("bearer {token}"),
        format!("BEARER {token}"),
    ] {
        authorized(&value).await.expect(200);
    }
    let bad = [
        token.clone(),
        format!("Basic {token}"),
        format!("Token {token}"),
        "Bearer".into(),
        "Bearer ".into(),
    ];
    for value in bad {
        authorized(&value).await.error(401, "unauthorized");
    }
    lab.stop().await;
}

/// "Within seconds": a lookup may be believed for five.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_stops_working() {
    let lab = Lab::start().await;
    let (id, token) = lab.api_key(ORGANIZATION, "manage", None).await;
    let caller = lab.anonymous().with_token(token);
    caller.get("/sessions").send().await.expect(200);
    lab.revoke_api_key(&id).await;
    eventually("the key is refused", async || {
        (caller.get("/sessions").send().await.status == 401).then_some(())
    })
    .await;
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stops_working_when_it_expires() {
    let lab = Lab::start().await;
    let end = now() + 2000;
    let token = lab.api_key(ORGANIZATION, "manage", Some(end)).await.1;
    let caller = lab.anonymous().with_token(token);
    let early = caller.get("/sessions").send().await;
    // Where the machine is so slow that it has expired already, there is no early.
    assert!(early.status == 200 || now() >= end, "{}", early.status);
    eventually("the key is refused", async || {
        (caller.get("/sessions").send().await.status == 401).then_some(())
    })
    .await;
    lab.stop().await;
}

/// The body of an unauthenticated request is never read: the answer comes while most of it is still to be sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_without_a_credential_is_refused_before_the_body() {
    let (lab, session) = connected().await;
    let reader = lab.api_key(ORGANIZATION, "read", None).await.1;
    for (authorization, status) in [
        (String::new(), "401"),
        (format!("Authorization: Bearer {reader}\r\n"), "403"),
    ] {
        let mut socket = TcpStream::connect(lab.address()).await.unwrap();
        let path = session.path(&format!("/groups/{GROUP}/members"));
        let head = format!(
            "POST /api/v1{path} HTTP/1.1\r\nHost: x\r\n{authorization}Content-Type: application/json\r\n\
             Content-Length: 1000000\r\n\r\n{{"
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        within(
            "an answer to half a request",
            socket.read_exact(&mut answer),
        )
        .await
        .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&answer),
            format!("HTTP/1.1 {status}")
        );
    }
    lab.stop().await;
}
