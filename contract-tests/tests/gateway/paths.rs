//! Paths and queries that are not valid, or lead nowhere.

use contract_tests::document::Document;
use contract_tests::lab::Lab;
use contract_tests::session::Session;
use hyper::Method;
use serde_json::json;

use crate::world::{ANNA, GROUP, STRANGE, UNKNOWN, connected, path, violations};

#[tokio::test(flavor = "multi_thread")]
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
#[tokio::test(flavor = "multi_thread")]
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
#[tokio::test(flavor = "multi_thread")]
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

/// The client holds every one of them to `Allow` and to the envelope.
#[tokio::test(flavor = "multi_thread")]
async fn unknown_routes_and_methods_are_refused() {
    let (lab, session) = connected().await;
    let caller = &session.caller;
    for target in [
        "/api/v1",
        "/api/v1/",
        "/api/v2/sessions",
        "//",
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
    let emptied = caller.get(session.path("//members")).send().await;
    let details = emptied.error(404, "not_found");
    assert_eq!(details, json!({"resource": "route"}));
    for operation in Document::get().operations() {
        let path = path(operation, &session.id, GROUP);
        for method in [Method::PUT, Method::OPTIONS, Method::TRACE] {
            let answer = caller.call_raw(method, path.as_str()).send().await;
            answer.error(405, "method_not_allowed");
        }
    }
    lab.stop().await;
}

/// By its template: the path itself may hold a phone number.
#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_nearly_right_is_named() {
    let lab = Lab::start().await;
    let caller = lab.anonymous();
    let member = "{session}/groups/{gid}/members/{jid}";
    let members = "/sessions/x/groups/1@g.us/members";
    for (target, route) in [
        ("/api/v1/sessions/", "sessions"),
        ("/sessions", "sessions"),
        ("/v1/sessions", "sessions"),
        ("/api/sessions", "sessions"),
        ("//api//v1///sessions//", "sessions"),
        ("/api/v1/sessions/x/", "sessions/{session}"),
        ("/sessions/x/groups/join", "sessions/{session}/groups/join"),
        (
            &format!("{members}/{ANNA}@s.whatsapp.net"),
            &format!("sessions/{member}"),
        ),
        (
            &format!("/api/v1{members}/{ANNA}/?limit=1"),
            &format!("sessions/{member}"),
        ),
    ] {
        let answer = caller.call_raw(Method::GET, target).send().await;
        let route = format!("/api/v1/{route}");
        let message = answer.message();
        assert!(
            message.contains(&format!("did you mean {route}?")),
            "{message}"
        );
        assert!(!message.contains(ANNA), "{message}");
        let details = answer.error(404, "not_found");
        assert_eq!(
            details,
            json!({"resource": "route", "route": route}),
            "{target}"
        );
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
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
        // Those that page by numbers take nothing else.
        if path.contains("groups") {
            for bad in [ANNA, "AAAA", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAA%"] {
                let target = format!("{path}?cursor={}", bad.replace('%', "%25"));
                let answer = session.caller.get(target).send().await;
                let details = answer.error(400, "validation_error");
                assert_eq!(details["violations"][0]["field"], "cursor", "{bad}");
            }
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
