//! What is refused before WhatsApp is asked.

use contract_tests::client::{Call, Client};
use contract_tests::document::{Document, Need, Operation};
use contract_tests::gateway;
use contract_tests::lab::{Lab, ORGANIZATION};
use contract_tests::session::Session;
use contract_tests::tokens::{Jwks, SigningKey, claims};
use contract_tests::wait::eventually;
use hyper::header::HeaderName;
use serde_json::{Value, json};
use whatsapp_gateway::now;
use wiremock::ResponseTemplate;

use super::invalid::{Wrong, invalid};
use super::{Provoked, provoke};
use crate::world::{GROUP, NOT_ADMIN, UNKNOWN, body, call, call_at, fill, path, seed};

/// All that is refused without WhatsApp, by a gateway whose JWKS and then whose database fail.
pub async fn provoked() -> Vec<Provoked> {
    let jwks = Jwks::serving(&[]).await;
    jwks.answer(ResponseTemplate::new(500)).await;
    let lab = Lab::with(|config| {
        config.jwt = Some(gateway::jwt(&jwks));
        config.max_api_keys = 1;
    })
    .await;
    seed(&lab);
    let session = lab.connected().await;
    let login = SigningKey::ec().sign(&claims(ORGANIZATION, "owner"));
    let login = lab.anonymous().with_token(login);
    let mut provoked = Vec::new();

    for operation in Document::get().operations() {
        for (name, call) in refused(&lab, &session, &login, operation).await {
            provoked.push(provoke(operation, name, call).await);
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

/// What has to be refused before WhatsApp is asked. The JWKS was never reached.
async fn refused(
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
    if operation.path.contains("{addition}") {
        calls.push(("no addition", by(&session.caller)));
    }
    if operation.path.contains("{action}") {
        calls.push(("no action", by(&session.caller)));
    }
    if operation.path.contains("{key}") {
        calls.push(("no api key", by(&session.caller)));
    }
    match operation.id.as_str() {
        "createApiKey" => {
            let end = Some(now() + 3_600_000);
            let ending = lab.api_key(ORGANIZATION, "manage", end).await.1;
            let ending = anonymous.with_token(ending);
            calls.extend([
                ("too many keys", by(&session.caller)),
                ("by a key that ends sooner", by(&ending)),
            ]);
        }
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
    if operation
        .fields
        .iter()
        .any(|field| field == "Idempotency-Key")
    {
        let key = format!("of-another-{}", operation.id);
        let other = session.caller.post("/sessions").idempotent(&key);
        other
            .json(&json!({"label": "Other"}))
            .send()
            .await
            .expect(201);
        calls.push((
            "another request's key",
            by(&session.caller).idempotent(&key),
        ));
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
                    at(fill(&template, id, GROUP))
                }
                Wrong::Header(name, values) => {
                    let name = HeaderName::from_static(name);
                    let call = by(&session.caller);
                    values
                        .iter()
                        .fold(call, |call, value| call.header_line(name.clone(), value))
                }
                Wrong::Query(query) => at(format!("{}?{query}", path(operation, id, GROUP))),
                Wrong::Body(body) => by(&session.caller).body("application/json", body),
            };
            calls.push((format!("{field}: {how}"), call));
        }
    }
    calls
}
