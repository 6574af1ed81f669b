//! How each field of a request can be wrong.

use contract_tests::document::Document;
use serde_json::{Value, json};

use crate::world::{ANNA, body};

/// Where a request is wrong, and what stands there.
pub enum Wrong {
    Path(&'static str),
    Query(&'static str),
    /// A header with these values, one line each.
    Header(&'static str, &'static [&'static str]),
    Body(String),
}

/// How a field of a request can be wrong.
pub fn invalid(field: &str) -> Vec<(&'static str, Wrong)> {
    use Wrong::{Header, Path, Query};
    let body = |text: &str| Wrong::Body(text.to_owned());
    let json = |value: Value| Wrong::Body(value.to_string());
    let jid = format!("{ANNA}@s.whatsapp.net");
    match field {
        "session" | "action" | "addition" | "key" => vec![("no UTF-8", Path("%ff"))],
        "jid" => vec![("no JID", Path("nonsense")), ("no UTF-8", Path("%ff"))],
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
        "group" => vec![
            ("no JID", Query("group=nonsense")),
            ("given twice", Query("group=1@g.us&group=2@g.us")),
        ],
        "operation" => vec![("given twice", Query("operation=a&operation=b"))],
        "from" => vec![
            ("no number", Query("from=yesterday")),
            ("negative", Query("from=-1")),
            ("out of range", Query("from=9007199254740992")),
        ],
        "before" => vec![
            ("no number", Query("before=yesterday")),
            ("negative", Query("before=-1")),
            ("out of range", Query("before=9007199254740992")),
        ],
        "Idempotency-Key" => vec![
            ("empty", Header("idempotency-key", &[""])),
            ("two words", Header("idempotency-key", &["a b"])),
            ("given twice", Header("idempotency-key", &["a", "b"])),
        ],
        "subject" => vec![
            ("no string", body(r#"{"subject":7}"#)),
            ("empty", body(r#"{"subject":""}"#)),
            ("too long", json(json!({"subject": "x".repeat(101)}))),
            ("given twice", body(r#"{"subject":"a","subject":"b"}"#)),
        ],
        "description" => vec![
            ("no string", body(r#"{"description":7}"#)),
            ("too long", json(json!({"description": "x".repeat(2049)}))),
        ],
        "announce" => vec![("no boolean", body(r#"{"announce":"yes"}"#))],
        "locked" => vec![("no boolean", body(r#"{"locked":1}"#))],
        "memberAddMode" => vec![("no such word", body(r#"{"memberAddMode":"all"}"#))],
        "approvalMode" => vec![
            ("no such word", body(r#"{"approvalMode":"yes"}"#)),
            ("nothing to change", body("{}")),
        ],
        "invite" => vec![
            ("no body", body("")),
            ("missing", body("{}")),
            ("no string", body(r#"{"invite":7}"#)),
            (
                "no link",
                body(r#"{"invite":"https://example.com/AbCdEfGhIjKl"}"#),
            ),
        ],
        "Prefer" => vec![("given twice", Header("prefer", &["wait=1", "wait=2"]))],
        "participant" => vec![
            ("no body", body("")),
            ("missing", body("{}")),
            ("no string", body(r#"{"participant":628123456789}"#)),
            ("no JID", body(r#"{"participant":"+62 812"}"#)),
            (
                "given twice",
                body(r#"{"participant":"1@lid","participant":"2@lid"}"#),
            ),
        ],
        "limits" => vec![
            ("no object", body(r#"{"limits":7}"#)),
            ("out of range", body(r#"{"limits":{"addsPerHour":0}}"#)),
            (
                "of a pace out of range",
                body(r#"{"limits":{"pace":{"batch":101}}}"#),
            ),
        ],
        "pace" => vec![
            ("no object", body(r#"{"pace":"slow"}"#)),
            ("out of range", body(r#"{"pace":{"minPauseSeconds":-1}}"#)),
        ],
        "label" => vec![
            ("no string", body(r#"{"label":7}"#)),
            ("too long", json(json!({"label": "x".repeat(101)}))),
            ("given twice", body(r#"{"label":"a","label":"b"}"#)),
        ],
        "inviteDeclined" => vec![("no boolean", body(r#"{"inviteDeclined":"yes"}"#))],
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
        "name" => vec![
            ("no body", body("")),
            ("missing", body(r#"{"capabilities":["read"]}"#)),
            ("no string", json(json!({"name": 7, "capabilities": []}))),
            ("two lines", json(key("a\nb", &["read"]))),
            ("too long", json(key(&"x".repeat(101), &["read"]))),
        ],
        "capabilities" => vec![
            ("missing", body(r#"{"name":"CI"}"#)),
            ("none", json(key("CI", &[]))),
            ("no such word", json(key("CI", &["read", "fly"]))),
            ("too many", json(key("CI", &["read"; 4]))),
        ],
        "expiresAt" => vec![
            ("no number", json(ending(json!("tomorrow")))),
            ("negative", json(ending(json!(-1)))),
            ("in the past", json(ending(json!(1)))),
            (
                "out of range",
                json(ending(json!(9_007_199_254_740_992_u64))),
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
            ("too many", json(json!({"participants": vec![jid; 10_001]}))),
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

/// What asks for an api key.
fn key(name: &str, capabilities: &[&str]) -> Value {
    json!({"name": name, "capabilities": capabilities})
}

/// What asks for one that ends.
fn ending(at: Value) -> Value {
    let mut key = key("CI", &["manage"]);
    key["expiresAt"] = at;
    key
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
