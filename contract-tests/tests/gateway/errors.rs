//! Every error that the document gives an operation: provoked, and kept to the letter as callers see it, a snapshot an
//! operation. `INSTA_UPDATE=always` writes them anew.

use std::time::Duration;

use contract_tests::client::{Answer, Call, Client};
use contract_tests::document::{Document, Need, Operation};
use contract_tests::gateway;
use contract_tests::lab::{ACCOUNT, Lab, ORGANIZATION};
use contract_tests::session::Session;
use contract_tests::tokens::{Jwks, SigningKey, claims};
use contract_tests::wait::eventually;
use hyper::Method;
use serde_json::{Map, Value, json};
use whatsapp_gateway::Network;
use whatsapp_standin::{Fault, When};
use wiremock::ResponseTemplate;

use crate::passkey::Asked;
use crate::world::{ADD, ANNA, GROUP, NOT_ADMIN, UNKNOWN, body, call, call_at, path, seed};

/// An account that WhatsApp asks for a passkey.
const PASSKEY_ACCOUNT: &str = "628555000001";

/// An error that was provoked: of which operation, how, and what came back.
type Provoked = (&'static str, String, Answer);

/// Why an error is documented and can't be provoked yet.
fn excuse(operation: &Operation, status: u16) -> Option<&'static str> {
    let reaches_whatsapp = operation.statuses().any(|status| status == 504);
    (status == 429 && !reaches_whatsapp).then_some("the gateway has no pacing of its own yet")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_error_is_provoked() {
    let (mut provoked, silent, alone) = tokio::join!(refused(), silent(), alone());
    provoked.extend(silent);
    provoked.extend(alone);
    let of = |operation: &Operation| {
        let id = operation.id.clone();
        provoked.iter().filter(move |(other, ..)| *other == id)
    };

    let mut wrong = Vec::new();
    for operation in Document::get().operations() {
        for status in operation.statuses().filter(|status| *status >= 400) {
            let seen = of(operation).any(|(.., answer)| answer.status == status);
            match (seen, excuse(operation, status)) {
                (false, None) => wrong.push(format!("{} {status}: no provoker", operation.id)),
                (true, Some(excuse)) => {
                    wrong.push(format!(
                        "{} {status}: provoked, although excused: {excuse}",
                        operation.id
                    ));
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    for operation in Document::get().operations() {
        let answers: Map<String, Value> = of(operation)
            .map(|(_, name, answer)| (name.clone(), shown(answer)))
            .collect();
        assert_eq!(answers.len(), of(operation).count(), "a name is used twice");
        insta::assert_json_snapshot!(operation.id.as_str(), answers);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_router_s_errors_are_kept() {
    let lab = Lab::start().await;
    let caller = lab.manager().await;
    let (nowhere, put) = (
        caller.get("/nowhere"),
        caller.call(Method::PUT, "/sessions"),
    );
    let answers = json!({
        "no route": shown(&nowhere.send().await),
        "no method": shown(&put.send().await),
    });
    insta::assert_json_snapshot!("router", answers);
    lab.stop().await;
}

/// What callers go by.
fn shown(answer: &Answer) -> Value {
    let mut shown = json!({"status": answer.status.as_u16()});
    for header in ["www-authenticate", "allow", "retry-after"] {
        if let Some(value) = answer.headers.get(header) {
            shown[header] = value.to_str().unwrap().into();
        }
    }
    shown["body"] = serde_json::from_slice(&answer.body).unwrap();
    shown
}

async fn provoke(operation: &'static Operation, name: impl Into<String>, call: Call) -> Provoked {
    let name = name.into();
    let answer = call.send().await;
    assert_eq!(answer.operation, Some(operation.id.as_str()), "{name}");
    assert!(
        answer.status.as_u16() >= 400,
        "{}, {name}: {}",
        operation.id,
        answer.status
    );
    (&operation.id, name, answer)
}

/// All that a gateway refuses whose JWKS and database fail, and whose WhatsApp answers.
async fn refused() -> Vec<Provoked> {
    let jwks = Jwks::serving(&[]).await;
    jwks.answer(ResponseTemplate::new(500)).await;
    let lab = Lab::with(|config| config.jwt = Some(gateway::jwt(&jwks))).await;
    seed(&lab);
    let session = lab.connected().await;
    let login = SigningKey::ec().sign(&claims(ORGANIZATION, "owner"));
    let login = lab.anonymous().with_token(login);
    let mut provoked = Vec::new();

    for operation in Document::get().operations() {
        for (name, call) in refused_before_whatsapp(&lab, &session, &login, operation).await {
            provoked.push(provoke(operation, name, call).await);
        }
        for (name, fault) in [
            ("WhatsApp limits", Fault::rate_limited()),
            ("WhatsApp refuses", refusal(406, "not-acceptable")),
        ] {
            if let Some(call) = struck(&lab, &session, operation, fault).await {
                provoked.push(provoke(operation, name, call).await);
            }
        }
    }

    jwks.publish(&[SigningKey::ec()]).await;
    eventually("login tokens are verified", async || {
        let answer = login.get("/sessions").send().await;
        (answer.status == 200).then_some(())
    })
    .await;
    let unused = lab.manager().await;
    // One each: what is started in spite of the failure soon has a code to hand out.
    let mut stopped = Vec::new();
    for _ in Document::get().operations() {
        stopped.push(Session::create(&login).await);
    }
    for table in ["api_keys", "sessions", "groups"] {
        let gone = format!("ALTER TABLE {table} RENAME TO {table}_gone");
        lab.database().execute(&gone).await;
    }
    for (operation, stopped) in Document::get().operations().iter().zip(&stopped) {
        let request = call(operation, &unused, &session.id);
        provoked.push(provoke(operation, "the key cannot be looked up", request).await);
        // Stopping what is stopped writes nothing.
        let started = operation.id == "stopSession";
        let id = if started { &session.id } else { &stopped.id };
        let answer = call(operation, &login, id).send().await;
        // Some operations answer from memory.
        if answer.status == 500 {
            provoked.push((&operation.id, "the database fails".to_owned(), answer));
        }
    }
    lab.stop().await;
    provoked
}

/// WhatsApp does not answer.
async fn silent() -> Vec<Provoked> {
    let lab = Lab::with(|config| config.whatsapp_timeout = Duration::from_secs(1)).await;
    seed(&lab);
    let session = lab.connected().await;
    let mut provoked = Vec::new();
    for operation in Document::get().operations() {
        let fault = Fault::Silence { applied: false };
        if let Some(call) = struck(&lab, &session, operation, fault).await {
            provoked.push(provoke(operation, "WhatsApp is silent", call).await);
        }
    }
    lab.stop().await;
    provoked
}

/// Nothing listens where WhatsApp should be, so there is no code to pair with.
async fn alone() -> Vec<Provoked> {
    let lab = Lab::with(|config| {
        config.whatsapp_timeout = Duration::from_secs(1);
        if let Network::Standin { url, .. } = &mut config.network {
            *url = "ws://127.0.0.1:1/".to_owned();
        }
    })
    .await;
    let session = Session::create(&lab.manager().await).await;
    let mut provoked = Vec::new();
    for id in ["getSessionQr", "createPairingCode"] {
        let operation = Document::get().operation(id);
        let call = call(operation, &session.caller, &session.id);
        provoked.push(provoke(operation, "WhatsApp is out of reach", call).await);
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

/// What has to be refused before WhatsApp is asked. The JWKS was never reached.
async fn refused_before_whatsapp(
    lab: &Lab,
    session: &Session,
    login: &Client,
    operation: &Operation,
) -> Vec<(String, Call)> {
    let (anonymous, id) = (lab.anonymous(), session.id.as_str());
    let others = ["read", "send", "manage"]
        .into_iter()
        .filter(|capability| *capability != operation.capability);
    let others = others.collect::<Vec<_>>().join(",");
    let incapable = lab.caller(ORGANIZATION, &others).await;
    let by = |caller: &Client| call(operation, caller, id);
    let at = |path: String| call_at(operation, &session.caller, path);

    let mut calls = vec![
        ("no credential", by(&anonymous)),
        ("bad credential", by(&anonymous.with_token("wa_x"))),
        ("no capability", by(&incapable)),
        ("the JWKS was never reached", by(login)),
    ];
    if operation.path.contains("{session}") {
        calls.push(("no session", at(path(operation, "nowhere", GROUP))));
    }
    if operation.path.contains("{gid}") {
        calls.push(("no group", at(path(operation, id, UNKNOWN))));
    }
    if operation.has_body {
        let json = |body: String| by(&session.caller).body("application/json", body);
        let values = body(operation)
            .as_object()
            .unwrap()
            .values()
            .cloned()
            .collect();
        calls.extend([
            ("too large", json(" ".repeat((1 << 20) + 1))),
            ("media type", by(&session.caller).body("text/plain", "x")),
            ("body: no JSON", json("{".to_owned())),
            ("body: an array", json(Value::Array(values).to_string())),
        ]);
    }
    match operation.id.as_str() {
        "getSessionPasskey" | "answerSessionPasskey" | "confirmSessionPasskey" => {
            calls.push(("no passkey asked for", by(&session.caller)));
        }
        "getSessionQr" | "createPairingCode" => {
            calls.push(("paired already", by(&session.caller)));
        }
        _ => {}
    }
    if operation.live.is_some() {
        let stopped = Session::create(&session.caller).await;
        let call = call(operation, &session.caller, &stopped.id);
        calls.push(("not connected", call));
    }
    if operation.live == Some(Need::Admin) {
        calls.push(("not admin", at(path(operation, id, NOT_ADMIN))));
    }
    let mut calls: Vec<(String, Call)> = calls
        .into_iter()
        .map(|(name, call)| (name.to_owned(), call))
        .collect();
    for field in &operation.fields {
        for (how, wrong) in invalid(field) {
            let call = match wrong {
                Wrong::Path(text) => {
                    let template = operation.path.replace(&format!("{{{field}}}"), text);
                    at(template.replace("{session}", id).replace("{gid}", GROUP))
                }
                Wrong::Query(query) => at(format!("{}?{query}", path(operation, id, GROUP))),
                Wrong::Body(body) => by(&session.caller).body("application/json", body),
            };
            calls.push((format!("{field}: {how}"), call));
        }
    }
    calls
}

/// Where a request is wrong, and what stands there.
enum Wrong {
    Path(&'static str),
    Query(&'static str),
    Body(String),
}

/// How a field of a request can be wrong.
fn invalid(field: &str) -> Vec<(&'static str, Wrong)> {
    use Wrong::{Path, Query};
    let body = |text: &str| Wrong::Body(text.to_owned());
    let json = |value: Value| Wrong::Body(value.to_string());
    let jid = format!("{ANNA}@s.whatsapp.net");
    match field {
        "session" => vec![("no UTF-8", Path("%ff"))],
        "gid" => vec![("no JID", Path("nonsense")), ("no UTF-8", Path("%ff"))],
        "limit" => vec![
            ("no number", Query("limit=x")),
            ("out of range", Query("limit=1001")),
            ("given twice", Query("limit=1&limit=2")),
        ],
        "cursor" => vec![
            ("empty", Query("cursor=")),
            ("given twice", Query("cursor=a&cursor=b")),
        ],
        "label" => vec![
            ("no string", body(r#"{"label":7}"#)),
            ("too long", json(json!({"label": "x".repeat(101)}))),
            ("given twice", body(r#"{"label":"a","label":"b"}"#)),
        ],
        "start" => vec![("no boolean", body(r#"{"start":"yes"}"#))],
        "phone" => vec![
            ("no body", body("")),
            ("missing", body("{}")),
            ("no string", body(r#"{"phone":628123456789}"#)),
            ("no phone number", body(r#"{"phone":"+62 812"}"#)),
            (
                "given twice",
                body(r#"{"phone":"628123456789","phone":""}"#),
            ),
        ],
        "participants" => vec![
            ("no body", body("")),
            ("missing", body("{}")),
            ("null", body(r#"{"participants":null}"#)),
            ("empty", body(r#"{"participants":[]}"#)),
            ("no array", json(json!({"participants": jid}))),
            ("no JIDs", json(json!({"participants": ["x", jid, "y"]}))),
            ("no string", json(json!({"participants": [jid, 7]}))),
            ("too many", json(json!({"participants": vec![jid; 1025]}))),
            (
                "given twice",
                body(r#"{"participants":[],"participants":[]}"#),
            ),
        ],
        "id" | "rawId" => vec![
            ("missing", assertion(field, None)),
            ("no string", assertion(field, Some(json!(7)))),
            ("no base64url", assertion(field, Some(json!("a+b=")))),
        ],
        "type" => vec![
            ("missing", assertion(field, None)),
            ("another kind", assertion(field, Some(json!("password")))),
        ],
        "response" => vec![
            ("missing", assertion(field, None)),
            ("no object", assertion(field, Some(json!("AAAA")))),
            ("without a signature", assertion(field, Some(signed(None)))),
            (
                "with a signature that is no base64url",
                assertion(field, Some(signed(Some("")))),
            ),
        ],
        other => panic!("{other}: say how it can be wrong"),
    }
}

/// An assertion with something else in place of a property, or without it.
fn assertion(field: &str, value: Option<Value>) -> Wrong {
    let mut assertion = body(Document::get().operation("answerSessionPasskey"));
    match value {
        Some(value) => assertion[field] = value,
        None => drop(assertion.as_object_mut().unwrap().remove(field)),
    }
    Wrong::Body(assertion.to_string())
}

fn signed(signature: Option<&str>) -> Value {
    let mut response = json!({"clientDataJSON": "AAAA", "authenticatorData": "AAAA"});
    if let Some(signature) = signature {
        response["signature"] = signature.into();
    }
    response
}
