//! Every reason that the document gives an operation for an error: provoked, and kept to the letter as callers see it, a
//! snapshot an operation. `INSTA_UPDATE=always` writes them anew.

mod before;
mod invalid;
mod whatsapp;

use std::collections::BTreeSet;

use contract_tests::client::{Answer, Call};
use contract_tests::document::{Document, Operation};
use contract_tests::lab::Lab;
use hyper::Method;
use serde_json::{Map, Value, json};

/// An error that was provoked: of which operation, how, and what came back.
type Provoked = (&'static str, String, Answer);

/// Why an error is documented and can't be provoked yet.
fn excuse(operation: &Operation, status: u16, reason: &str) -> Option<&'static str> {
    let reaches_whatsapp = operation.statuses().any(|status| status == 504);
    let is_general = status == 429 && reason == "rate_limited";
    (is_general && !reaches_whatsapp).then_some("the gateway has no pacing of its own yet")
}

/// Where a provoker of this status goes, in `contract-tests/tests/gateway/errors/`.
fn place(status: u16) -> &'static str {
    match status {
        400 => "`invalid` in invalid.rs",
        429 | 502 | 504 => "whatsapp.rs: `struck` says what the operation asks of WhatsApp",
        _ => "`refused` in before.rs, or whatsapp.rs where it takes something of WhatsApp",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_error_is_provoked() {
    let (mut provoked, by_whatsapp) = tokio::join!(before::provoked(), whatsapp::provoked());
    provoked.extend(by_whatsapp);
    let of = |operation: &Operation| {
        let id = operation.id.clone();
        provoked.iter().filter(move |(other, ..)| *other == id)
    };

    let mut wrong = Vec::new();
    for operation in Document::get().operations() {
        let seen: BTreeSet<(u16, String)> = of(operation)
            .flat_map(|(.., answer)| {
                let error: Value = serde_json::from_slice(&answer.body).unwrap();
                let status = answer.status.as_u16();
                let reasons = operation.reasons_of(&error["error"]);
                reasons.into_iter().map(move |reason| (status, reason))
            })
            .collect();
        for (status, reason) in operation.reasons() {
            let case = format!("{} {status} {reason}", operation.id);
            let excuse = excuse(operation, status, &reason);
            match (seen.contains(&(status, reason)), excuse) {
                (false, None) => {
                    wrong.push(format!("{case}: nothing provokes it; {}", place(status)));
                }
                (true, Some(excuse)) => {
                    wrong.push(format!("{case}: provoked, although excused: {excuse}"));
                }
                _ => {}
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "contract-tests/tests/gateway/errors/ provokes what the document's examples name, or not yet:\n{}",
        wrong.join("\n")
    );

    for (operation, name, answer) in &provoked {
        let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
        let violations = body["error"]["details"]["violations"].take();
        let message = answer.message();
        assert!(
            !message.contains("what the document says"),
            "{operation}, {name}: the document says what the field must be: {message}"
        );
        for violation in violations.as_array().into_iter().flatten() {
            let sent = violation["value"].as_str().unwrap_or_default();
            let told = sent.len() > 3 && message.contains(sent);
            assert!(
                !told,
                "{operation}, {name}: it may be a phone number: {message}"
            );
        }
    }

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
    let (nowhere, nearly, put) = (
        caller.get("/nowhere"),
        caller.get("/sessions/"),
        caller.call(Method::PUT, "/sessions"),
    );
    let answers = json!({
        "no route": shown(&nowhere.send().await),
        "nearly a route": shown(&nearly.send().await),
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
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
    if let Some(action) = body.pointer_mut("/error/details/action") {
        // Another one each time.
        *action = "[action]".into();
    }
    shown["body"] = body;
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
