//! What is refused, with which words, and in which order.

use contract_tests::client::Call;
use contract_tests::document::Document;
use contract_tests::lab::{ACCOUNT, Lab};
use contract_tests::session::Session;
use hyper::Method;
use serde_json::{Value, json};
use whatsapp_standin::{Fault, LoginFault, Role, When};

use crate::world::{
    ADD, ANNA, GROUP, NOT_ADMIN, STRANGE, UNKNOWN, connected, seed, sent, sent_since,
};

const JID: &str = "628333000001@s.whatsapp.net";

async fn violations(call: Call) -> Value {
    call.send().await.error(400, "validation_error")["violations"].take()
}

#[tokio::test]
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
#[tokio::test]
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

#[tokio::test]
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

#[tokio::test]
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

#[tokio::test]
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

#[tokio::test]
async fn a_malformed_group_jid_is_refused() {
    let (lab, session) = connected().await;
    let bad = [
        "120363041234567890",
        "120363041234567890@s.whatsapp.net",
        "@g.us",
        "abc@g.us",
        "1-2-3@g.us",
        "120363041234567890@g.us%0a",
        "120363041234567890%2540g.us",
        "%ff",
        "%ff@g.us",
        "120363041234567890@g.us%00",
        "%D9%A1@g.us",
    ];
    for bad in bad {
        let violations = violations(session.add(bad, &[ANNA])).await;
        assert_eq!(violations[0]["field"], "gid", "{bad}");
        let stored = session.caller.get(session.path(&format!("/groups/{bad}")));
        stored.send().await.error(400, "validation_error");
    }
    lab.stop().await;
}

/// A session is any string: what is no session of yours is not found, whatever it looks like.
#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let (lab, session) = connected().await;
    let caller = &session.caller;
    let lower = session.id.to_lowercase();
    let ids = [
        "01HZ0SESSION0000000000000",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "x",
        "%20",
        "..%2f..",
        "%E2%9C%93",
        &lower,
    ];
    for id in ids {
        let other = Session {
            caller: caller.clone(),
            id: id.into(),
        };
        assert_eq!(
            other
                .add(GROUP, &[ANNA])
                .send()
                .await
                .error(404, "not_found"),
            json!({"resource": "session"}),
            "{id}"
        );
        assert_eq!(
            caller
                .get(other.path(""))
                .send()
                .await
                .error(404, "not_found"),
            json!({"resource": "session"}),
            "{id}"
        );
    }
    for gid in [STRANGE, UNKNOWN] {
        assert_eq!(
            session
                .add(gid, &[ANNA])
                .send()
                .await
                .error(404, "not_found"),
            json!({"resource": "group"}),
            "{gid}"
        );
        let stored = caller
            .get(session.path(&format!("/groups/{gid}")))
            .send()
            .await;
        assert_eq!(
            stored.error(404, "not_found"),
            json!({"resource": "group"}),
            "{gid}"
        );
        let stored = caller
            .get(session.path(&format!("/groups/{gid}/members")))
            .send()
            .await;
        assert_eq!(
            stored.error(404, "not_found"),
            json!({"resource": "group"}),
            "{gid}"
        );
    }
    lab.stop().await;
}

/// A path segment that is no UTF-8 names nothing: refused by the envelope, as 400 or as 404.
#[tokio::test]
async fn a_session_id_that_is_no_text_is_refused() {
    let (lab, session) = connected().await;
    for path in ["/sessions/%ff", "/sessions/%ff/qr", "/sessions/%ff/groups"] {
        let answer = session.caller.get(path).send().await;
        assert!(
            answer.status == 400 || answer.status == 404,
            "{path}: {}",
            answer.status
        );
    }
    lab.stop().await;
}

#[tokio::test]
async fn who_is_no_admin_may_not_add() {
    let (lab, session) = connected().await;
    let before = sent(&lab);
    let details = session
        .add(NOT_ADMIN, &[ANNA])
        .send()
        .await
        .error(403, "forbidden");
    assert_eq!(details, json!({"reason": "not_group_admin"}));
    assert_eq!(sent_since(&lab, &before), [], "the role comes from memory");
    lab.stop().await;
}

#[tokio::test]
async fn a_session_that_is_not_connected_says_how_it_stands() {
    let lab = Lab::start().await;
    seed(&lab);
    let session = Session::create(&lab.manager().await).await;
    let refused = async || {
        let details = session
            .add(GROUP, &[ANNA])
            .send()
            .await
            .error(501, "not_implemented");
        details["status"].as_str().unwrap().to_owned()
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
#[tokio::test]
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

#[tokio::test]
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

/// The client holds every one of them to `Allow` and to the envelope.
#[tokio::test]
async fn unknown_routes_and_methods_are_refused() {
    let (lab, session) = connected().await;
    let caller = &session.caller;
    for target in [
        "/",
        "/api/v1",
        "/api/v1/",
        "/api/v2/sessions",
        "/api/v1/sessions/",
        "/api/v1/groups",
        "/metrics/x",
    ] {
        for caller in [caller, &lab.anonymous()] {
            let answer = caller.call_raw(Method::GET, target).send().await;
            assert_eq!(
                answer.error(404, "not_found"),
                json!({"resource": "route"}),
                "{target}"
            );
        }
    }
    caller
        .get(session.path("//members"))
        .send()
        .await
        .error(404, "not_found");
    for operation in Document::get().operations() {
        let path = operation
            .path
            .replace("{session}", &session.id)
            .replace("{gid}", GROUP);
        for method in [Method::PUT, Method::PATCH, Method::OPTIONS, Method::TRACE] {
            let answer = caller.call_raw(method, path.as_str()).send().await;
            answer.error(405, "method_not_allowed");
        }
    }
    lab.stop().await;
}

#[tokio::test]
async fn query_parameters_are_checked() {
    let (lab, session) = connected().await;
    let paths = [
        "/sessions".to_owned(),
        session.path("/groups"),
        session.path(&format!("/groups/{GROUP}/members")),
    ];
    let bad = [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "limit=",
        "limit=99999999999999999999",
        "cursor=%ff",
        "cursor=",
    ];
    for path in &paths {
        for query in bad {
            let answer = session.caller.get(format!("{path}?{query}")).send().await;
            let details = answer.error(400, "validation_error");
            let field = query.split('=').next().unwrap();
            assert_eq!(details["violations"][0]["field"], field, "{path}?{query}");
        }
        session
            .caller
            .get(format!("{path}?limit=1000&unknown=1"))
            .send()
            .await
            .expect(200);
    }
    lab.stop().await;
}

/// What WhatsApp refuses, in the document's words.
#[tokio::test]
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
        session.add(GROUP, &[ANNA]).send()
    };
    refuse(429, "rate-overlimit")
        .await
        .error(429, "rate_limited");
    assert_eq!(
        refuse(403, "forbidden").await.error(403, "forbidden"),
        json!({"reason": "not_group_admin"})
    );
    assert_eq!(
        refuse(404, "item-not-found").await.error(404, "not_found"),
        json!({"resource": "group"})
    );
    for (code, text) in [
        (400, "bad-request"),
        (406, "not-acceptable"),
        (500, "internal-server-error"),
    ] {
        assert_eq!(
            refuse(code, text).await.error(502, "upstream_error"),
            json!({"upstreamCode": code})
        );
    }
    session.add(GROUP, &[ANNA]).send().await.expect_no_content();
    lab.stop().await;
}
