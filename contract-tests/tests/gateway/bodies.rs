//! Bodies that are not valid.

use serde_json::{Value, json};
use whatsapp_standin::Role;

use crate::world::{ANNA, GROUP, connected, sent, sent_since, violations};

const JID: &str = "628333000001@s.whatsapp.net";

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_participant_list_is_refused() {
    let (lab, session) = connected().await;
    let before = sent(&lab);
    for body in [
        json!({}),
        json!({"participants": null}),
        json!({"participants": []}),
    ] {
        let violations = violations(session.add_json(GROUP, &body)).await;
        assert_eq!(
            violations,
            json!([{"field": "participants", "rule": "required"}]),
            "{body}"
        );
    }
    assert_eq!(
        sent_since(&lab, &before),
        [],
        "a refused call reaches WhatsApp"
    );
    lab.stop().await;
}

/// Every bad index is named, and nobody is added by half.
#[tokio::test(flavor = "multi_thread")]
async fn malformed_jids_are_named() {
    let (lab, session) = connected().await;
    let before = sent(&lab);
    let bad = [
        "628333000001",
        "+628333000001@s.whatsapp.net",
        "1234@s.whatsapp.net",
        "123456789012345678901@s.whatsapp.net",
        "628333000001:1@s.whatsapp.net",
        "628333000001@lid",
        "628333000001@g.us",
        "628333000001@s.whatsapp.net ",
        "628333000001@s.whatsapp.net\n",
        "",
        "٦٢٨٣٣٣٠٠٠٠٠١@s.whatsapp.net",
    ];
    for bad in bad {
        let violations = violations(session.add_json(GROUP, &json!({"participants": [bad]}))).await;
        assert_eq!(violations[0]["field"], "participants[0]", "{bad:?}");
        assert_eq!(violations.as_array().unwrap().len(), 1, "{bad:?}");
    }
    let violations =
        violations(session.add_json(GROUP, &json!({"participants": [JID, "x", JID, "y"]}))).await;
    let fields: Vec<&Value> = violations
        .as_array()
        .unwrap()
        .iter()
        .map(|v| &v["field"])
        .collect();
    assert_eq!(fields, ["participants[1]", "participants[3]"]);
    assert_eq!(sent_since(&lab, &before), []);
    assert_eq!(lab.standin.group(GROUP).role(ANNA), None);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_no_string_is_named() {
    let (lab, session) = connected().await;
    for other in [json!(7), json!(null), json!({}), json!([JID]), json!(true)] {
        let participants = json!([JID, "x", other, JID]);
        let violations =
            violations(session.add_json(GROUP, &json!({"participants": participants}))).await;
        assert_eq!(
            violations,
            json!([{"field": "participants[2]", "rule": "type"}]),
            "{other}"
        );
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_has_a_limit() {
    let (lab, session) = connected().await;
    let jids: Vec<String> = (0..1025)
        .map(|n| format!("6287770{n:05}@s.whatsapp.net"))
        .collect();
    let violations = violations(session.add_json(GROUP, &json!({"participants": jids}))).await;
    assert_eq!(violations[0]["field"], "participants");
    session
        .add_json(GROUP, &json!({"participants": jids[..1024]}))
        .send()
        .await
        .expect_no_content();
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_another_shape_is_refused() {
    let (lab, session) = connected().await;
    let before = sent(&lab);
    let shapes = [
        json!({"participants": JID}),
        json!({"participants": {"0": JID}}),
        json!({"participants": [42]}),
        json!({"participants": [null]}),
        json!({"participants": [[JID]]}),
        json!([JID]),
        // What serde takes for a struct unless it is told otherwise.
        json!([[JID]]),
        json!(JID),
        json!(null),
        json!(42),
    ];
    for body in shapes {
        let violations = violations(session.add_json(GROUP, &body)).await;
        assert!(!violations.as_array().unwrap().is_empty(), "{body}");
    }
    let texts = [
        "",
        "{",
        "{\"participants\":[}",
        "participants=x",
        "{\"participants\":[\"\\ud800\"]}",
        "{} {}",
        "nul",
    ];
    for text in texts {
        violations(session.add(GROUP, &[]).body("application/json", text)).await;
    }
    let call = session.add(GROUP, &[]).body(
        "application/json",
        b"{\"participants\":[\"\xff\"]}".as_slice(),
    );
    violations(call).await;
    // A name that is given twice is ambiguous: which list would count?
    let twice = format!("{{\"participants\":[\"{JID}\"],\"participants\":[]}}");
    violations(session.add(GROUP, &[]).body("application/json", twice)).await;
    assert_eq!(sent_since(&lab, &before), []);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_another_media_type_or_too_large_is_refused() {
    let (lab, session) = connected().await;
    let body = json!({"participants": [JID]}).to_string();
    for media in [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "json",
    ] {
        session
            .add(GROUP, &[])
            .body(media, body.clone())
            .send()
            .await
            .error(415, "unsupported_media_type");
    }
    let just = |size: usize| format!("{body}{}", " ".repeat(size - body.len()));
    let call = |size| session.add(GROUP, &[]).body("application/json", just(size));
    call((1 << 20) + 1)
        .send()
        .await
        .error(413, "payload_too_large");
    call(1 << 20).send().await.expect_no_content();
    assert_eq!(lab.standin.group(GROUP).role(ANNA), Some(Role::Member));
    lab.stop().await;
}
