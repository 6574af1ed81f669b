//! The judge itself: it has to let right answers pass and to notice each kind of wrong one. A judge that accepts
//! everything would leave every other test green.

use std::collections::BTreeSet;

use contract_tests::document::{Document, Exchange};
use contract_tests::faults;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

const SESSION: &str = "/api/v1/sessions/01HZ0SESSION0000000000000";
const MEMBERS: &str =
    "/api/v1/sessions/01HZ0SESSION0000000000000/groups/120363041234567890@g.us/members";

fn judge(
    method: Method,
    target: &str,
    status: u16,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<(), String> {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            (
                name.parse::<HeaderName>().unwrap(),
                HeaderValue::from_str(value).unwrap(),
            )
        })
        .collect();
    let status = StatusCode::from_u16(status).unwrap();
    let exchange = Exchange {
        method: &method,
        target,
        status,
        headers: &headers,
        body,
    };
    Document::get().check(&exchange).map(|_| ())
}

fn error(code: &str, details: Value) -> Value {
    json!({"error": {"code": code, "message": "no", "details": details}})
}

const JSON: (&str, &str) = ("content-type", "application/json");

fn session() -> Value {
    json!({
        "id": "01HZ0SESSION0000000000000", "label": null, "status": "working", "statusReason": null,
        "statusDetail": null, "statusChangedAt": 1, "retryAt": null, "passkeyCode": null, "limits": {}, "organizationId": "org_42",
        "createdByUserId": null, "phoneNumber": "628111222333", "waJid": null, "waLid": null,
        "createdAt": 1, "updatedAt": 1, "lastConnectedAt": null,
    })
}

fn got_session(body: &Value) -> Result<(), String> {
    judge(
        Method::GET,
        SESSION,
        200,
        &[JSON],
        body.to_string().as_bytes(),
    )
}

fn added(status: u16, headers: &[(&str, &str)], body: &Value) -> Result<(), String> {
    judge(
        Method::POST,
        MEMBERS,
        status,
        headers,
        body.to_string().as_bytes(),
    )
}

#[test]
fn right_answers_pass() {
    assert_eq!(got_session(&session()), Ok(()));
    let mut waiting = session();
    waiting["statusReason"] = json!("unreachable");
    assert_eq!(got_session(&waiting), Ok(()));
    let qr = format!("{SESSION}/qr");
    let details = json!({"resource": "qr", "reason": "unreachable"});
    let body = error("not_found", details).to_string();
    assert_eq!(
        judge(Method::GET, &qr, 404, &[JSON], body.as_bytes()),
        Ok(())
    );
    let location = ("location", "/api/v1/sessions/x/actions/y");
    assert_eq!(judge(Method::POST, MEMBERS, 204, &[location], b""), Ok(()));
    let body = error("unauthorized", json!({}));
    assert_eq!(
        added(401, &[JSON, ("www-authenticate", "Bearer")], &body),
        Ok(())
    );
    let body = error(
        "forbidden",
        json!({"reason": "missing_capability", "capability": "send"}),
    );
    assert_eq!(added(403, &[JSON], &body), Ok(()));
    let body = error("rate_limited", json!({}));
    assert_eq!(added(429, &[JSON, ("retry-after", "5")], &body), Ok(()));
    let body = error("not_found", json!({"resource": "route"})).to_string();
    assert_eq!(
        judge(Method::GET, "/nowhere", 404, &[JSON], body.as_bytes()),
        Ok(())
    );
    let body = error("method_not_allowed", json!({})).to_string();
    let headers = [JSON, ("allow", "GET,HEAD,DELETE,PATCH")];
    assert_eq!(
        judge(Method::PUT, SESSION, 405, &headers, body.as_bytes()),
        Ok(())
    );
}

#[test]
fn a_body_off_the_schema_is_noticed() {
    let mut missing = session();
    missing.as_object_mut().unwrap().remove("updatedAt");
    let mut wrong_type = session();
    wrong_type["createdAt"] = json!("yesterday");
    let mut not_in_enum = session();
    not_in_enum["status"] = json!("WORKING");
    let mut not_in_open_set = session();
    not_in_open_set["statusReason"] = json!("tired");
    let mut not_nullable = session();
    not_nullable["id"] = Value::Null;
    let mut undocumented = session();
    undocumented["secret"] = json!("x");
    for body in [
        missing,
        wrong_type,
        not_in_enum,
        not_in_open_set,
        not_nullable,
        undocumented,
        json!([]),
        Value::Null,
    ] {
        assert!(got_session(&body).is_err(), "{body}");
    }
    assert!(
        judge(Method::GET, SESSION, 200, &[JSON], b"").is_err(),
        "an empty body"
    );
}

#[test]
fn a_wrong_status_or_media_type_is_noticed() {
    let session = session().to_string();
    assert!(judge(Method::GET, SESSION, 201, &[JSON], session.as_bytes()).is_err());
    assert!(
        judge(
            Method::GET,
            SESSION,
            200,
            &[("content-type", "text/plain")],
            session.as_bytes()
        )
        .is_err()
    );
    assert!(judge(Method::GET, SESSION, 200, &[], session.as_bytes()).is_err());
    let gone = error("not_implemented", json!({"status": "stopped"})).to_string();
    assert!(
        judge(Method::GET, SESSION, 501, &[JSON], gone.as_bytes()).is_err(),
        "501 on an operation that is not live"
    );
    let qr = format!("{SESSION}/qr");
    assert!(
        judge(
            Method::GET,
            &qr,
            200,
            &[("content-type", "image/png")],
            b"GIF89a"
        )
        .is_err()
    );
}

#[test]
fn an_error_off_the_envelope_is_noticed() {
    let plain = json!({"message": "no"});
    let no_details = json!({"error": {"code": "not_found", "message": "no"}});
    let unknown_code = error("gone", json!({"resource": "session"}));
    let other_status = error("forbidden", json!({"reason": "not_group_admin"}));
    let unnamed = error("not_found", json!({}));
    for body in [plain, no_details, unknown_code, other_status, unnamed] {
        assert!(added(404, &[JSON], &body).is_err(), "{body}");
    }
    let other_capability = error(
        "forbidden",
        json!({"reason": "missing_capability", "capability": "read"}),
    );
    assert!(
        added(403, &[JSON], &other_capability).is_err(),
        "the capability is not the operation's"
    );
    assert!(
        added(
            400,
            &[JSON],
            &error("validation_error", json!({"violations": []}))
        )
        .is_err()
    );
    assert!(
        added(
            501,
            &[JSON],
            &error("not_implemented", json!({"status": "working"}))
        )
        .is_err()
    );
    assert!(added(502, &[JSON], &error("upstream_error", json!({}))).is_err());
    let no_reason = error("unavailable", json!({"reason": "tired"}));
    assert!(added(503, &[JSON, ("retry-after", "5")], &no_reason).is_err());
    let html = added(
        404,
        &[("content-type", "text/html")],
        &error("not_found", json!({"resource": "session"})),
    );
    assert!(html.is_err(), "an error that is not application/json");
}

#[test]
fn a_missing_header_or_a_204_with_a_body_is_noticed() {
    assert!(added(401, &[JSON], &error("unauthorized", json!({}))).is_err());
    assert!(added(429, &[JSON], &error("rate_limited", json!({}))).is_err());
    assert!(
        added(
            503,
            &[JSON, ("retry-after", "soon")],
            &error("unavailable", json!({}))
        )
        .is_err()
    );
    assert!(judge(Method::POST, MEMBERS, 204, &[], b"{}").is_err());
    assert!(judge(Method::POST, MEMBERS, 204, &[JSON], b"").is_err());
}

#[test]
fn a_route_that_is_not_documented_is_noticed() {
    assert!(judge(Method::GET, "/api/v1/debug", 200, &[JSON], b"{}").is_err());
    let body = error("method_not_allowed", json!({})).to_string();
    assert!(
        judge(Method::PUT, SESSION, 405, &[JSON], body.as_bytes()).is_err(),
        "no Allow"
    );
    let headers = [JSON, ("allow", "GET")];
    assert!(
        judge(Method::PUT, SESSION, 405, &headers, body.as_bytes()).is_err(),
        "Allow leaves DELETE out"
    );
    assert!(judge(Method::PUT, SESSION, 200, &[JSON], b"{}").is_err());
}

/// A value that no fault falsifies may be one that no test looks at.
#[test]
fn every_value_of_an_answer_has_a_fault() {
    let document = Document::get();
    let shapes = document
        .operations()
        .iter()
        .flat_map(|operation| document.shapes(&operation.id));
    let told: BTreeSet<String> = shapes
        .flat_map(|(name, shape)| {
            shape
                .values
                .iter()
                .map(move |value| format!("{name}.{value}"))
        })
        .collect();
    let falsified: BTreeSet<String> = faults::VALUES
        .iter()
        .map(|fault| fault.name)
        .chain(faults::ALWAYS_NULL.iter().copied())
        .map(str::to_owned)
        .collect();
    let differ: Vec<&String> = told.symmetric_difference(&falsified).collect();
    assert_eq!(
        differ,
        Vec::<&String>::new(),
        "contract-tests/src/faults/values.rs names each with its test"
    );
}

/// The gateway's table of codes, the document's enum and the judge's table are one.
#[test]
fn the_codes_are_the_document_s() {
    for code in whatsapp_gateway::Code::ALL {
        let name = serde_json::to_value(code).unwrap();
        let operation = Document::get()
            .operations()
            .iter()
            .find(|o| o.statuses().any(|s| s == code.status()));
        // 405 stands under "Beyond the operations".
        assert!(
            operation.is_some() || code.status() == 405,
            "no operation documents {name}"
        );
    }
}
