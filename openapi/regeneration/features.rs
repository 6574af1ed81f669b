//! Holds the server that is generated from features.yaml to it. scripts/check-regeneration makes it the gateway's library in
//! a scratch copy, and runs it there.

#![cfg(test)]

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::Request;
use axum::response::{IntoResponse, Response};
use gateway_api::apis::features::*;
use gateway_api::{Authenticator, Capability, OPERATIONS, Operation, Rejection, models};
use http_body_util::BodyExt;
use tower_service::Service;

/// What is refused, as Rust shows it.
struct Refused(String);

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        Self(match rejection {
            Rejection::Invalid(violations) => {
                let said = violations
                    .iter()
                    .map(|one| format!("{} {}", one.field, format!("{:?}", one.rule).to_lowercase()));
                said.collect::<Vec<_>>().join(", ")
            }
            other => format!("{other:?}"),
        })
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

/// Answers with what it was given.
struct Echo;

impl Authenticator for Echo {
    type Principal = ();
    type Error = Refused;

    async fn authenticate(&self, _: &Parts) -> Result<(), Refused> {
        Ok(())
    }

    fn authorize(&self, _: &(), _: Capability) -> Result<(), Refused> {
        Ok(())
    }

    /// The operation, where it is asked for by what the implementation says.
    fn explain(Refused(said): Refused, operation: &'static Operation) -> Refused {
        Refused(said.replace("[operation]", operation.id))
    }
}

fn feature(read: String) -> models::Feature {
    models::Feature {
        read,
        note: None,
        colors: Some(vec![models::Color::Red]),
        key_json: None,
        free: None,
        r_enum: None,
        more: false,
        most: 0,
    }
}

impl Features for Echo {
    async fn delete_count(
        &self,
        _: &(),
        path: DeleteCountPathParams,
    ) -> Result<DeleteCountResponse, Refused> {
        let DeleteCountPathParams {
            number,
            color,
            state,
        } = path;
        Err(Refused(format!("{number} {color:?} {state:?} [operation]")))
    }

    async fn read_feature(
        &self,
        _: &(),
        path: ReadFeaturePathParams,
        query: ReadFeatureQueryParams,
    ) -> Result<ReadFeatureResponse, Refused> {
        if path.id.0 == "nothing" {
            return Ok(ReadFeatureResponse::Status204);
        }
        let ReadFeatureQueryParams {
            needed,
            since,
            flag,
            color,
            state,
            key,
            text,
            colors,
            keys,
            numbers,
        } = query;
        let (needed, since): (i64, Option<i64>) = (needed, since);
        let words = (
            color.map(models::Color::as_str),
            state,
            key.map(|key| key.0),
            text,
        );
        let keys: Vec<String> = keys.into_iter().map(|key| key.0).collect();
        Ok(ReadFeatureResponse::Status200(feature(format!(
            "{needed} {since:?} {flag} {words:?} {colors:?} {keys:?} {numbers:?}"
        ))))
    }

    async fn create_feature(
        &self,
        _: &(),
        _: CreateFeaturePathParams,
        body: models::Feature,
    ) -> Result<CreateFeatureResponse, Refused> {
        Err(Refused(format!(
            "{} {} {:?}",
            body.more, body.most, body.r_enum
        )))
    }

    async fn write_feature(
        &self,
        _: &(),
        path: WriteFeaturePathParams,
        _: WriteFeatureQueryParams,
        headers: WriteFeatureHeaderParams,
        accept: WriteFeatureAccept,
        _: Option<models::Feature>,
    ) -> Result<WriteFeatureResponse, Refused> {
        let WriteFeatureHeaderParams {
            idempotency_key,
            prefer,
            x_color,
            x_state,
            x_count,
        } = headers;
        let read = format!(
            "{:?} {prefer:?} {x_color:?} {x_state:?} {x_count}",
            idempotency_key.map(|key| key.0)
        );
        let location = "/there".to_owned();
        Ok(match path.id.0.as_str() {
            "both" => WriteFeatureResponse::Status200 {
                body: feature(read),
                location,
                preference_applied: Some("x".to_owned()),
            },
            "one" => WriteFeatureResponse::Status200 {
                body: feature(read),
                location,
                preference_applied: None,
            },
            "broken" => WriteFeatureResponse::Status204 {
                location: "/a\r\nSet-Cookie: b".to_owned(),
            },
            "gone" => WriteFeatureResponse::Status204 { location },
            "made" => match accept {
                WriteFeatureAccept::ApplicationJson => {
                    WriteFeatureResponse::Status201ApplicationJson {
                        body: feature(read),
                        location,
                    }
                }
                WriteFeatureAccept::TextPlain => WriteFeatureResponse::Status201TextPlain {
                    body: read,
                    location,
                },
            },
            _ => WriteFeatureResponse::Status202(feature(read)),
        })
    }
}

/// The answer to a request: its status, the headers that the document has, and its body.
async fn ask(method: &str, path: &str, headers: &[(&str, &[u8])]) -> String {
    send(
        method,
        &format!("features/{path}"),
        headers,
        if method == "PUT" {
            r#"{"read": "body", "note": null}"#
        } else {
            ""
        },
    )
    .await
}

async fn send(method: &str, path: &str, headers: &[(&str, &[u8])], body: &'static str) -> String {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/api/v1/{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .header("content-type", "application/json")
        .body(Body::from(body))
        .expect("a request");
    let mut router = gateway_api::router(Arc::new(Echo));
    let response: Result<Response, Infallible> = router.call(request).await;
    let (parts, body) = response.expect("an answer").into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let mut answer = parts.status.as_u16().to_string();
    for name in ["location", "preference-applied"] {
        if let Some(value) = parts.headers.get(name) {
            answer += &format!(" {name}={}", value.to_str().expect("a text"));
        }
    }
    match serde_json::from_slice::<models::Feature>(&body) {
        Ok(feature) => format!("{answer} {}", feature.read),
        Err(_) => format!("{answer} {}", String::from_utf8_lossy(&body)),
    }
}

#[tokio::test]
async fn query_parameters_are_read_and_checked() {
    for (query, answer) in [
        (
            "needed=7",
            r#"200 7 None true (None, None, None, None) [] [] []"#,
        ),
        (
            "needed=7&since=-5&flag=false&color=light-blue&state=steady&key=abc&text=abcd",
            r#"200 7 Some(-5) false (Some("light-blue"), Some(Steady), Some("abc"), Some("abcd")) [] [] []"#,
        ),
        (
            "needed=7&state=new&colors=red&colors=red&keys=abc&keys=de&numbers=1&numbers=9000000000",
            r#"200 7 None true (None, Some(Undocumented("new")), None, None) [Red, Red] ["abc", "de"] [1, 9000000000]"#,
        ),
        ("", "200 needed required"),
        ("needed=x", "200 needed type"),
        ("needed=1&needed=2", "200 needed duplicate"),
        ("needed=10", "200 needed range"),
        (
            "needed=1&since=x&flag=1&color=green",
            "200 since type, flag type, color type",
        ),
        ("needed=1&key=A&text=abcde", "200 key pattern, text length"),
        (
            "needed=1&numbers=1&numbers=x&colors=green",
            "200 colors type, numbers type",
        ),
        (
            "needed=1&colors=red&colors=red&colors=red&keys=ab&keys=A",
            "200 colors length, keys[1] pattern",
        ),
    ] {
        assert_eq!(
            ask("GET", &format!("some?{query}"), &[]).await,
            answer,
            "{query}"
        );
    }
    assert_eq!(ask("GET", "nothing?needed=1", &[]).await, "204 ");
}

#[tokio::test]
async fn path_parameters_are_read_and_checked() {
    for (path, answer) in [
        (
            "9000000000/light-blue/new",
            r#"200 9000000000 LightBlue Undocumented("new") deleteCount"#,
        ),
        ("0/red/steady", "200 number range"),
        ("x/red/steady", "200 number type"),
        // axum does not say which of the parameters has no such word.
        ("1/green/steady", "200 path type"),
    ] {
        assert_eq!(
            send("DELETE", &format!("counts/{path}"), &[], "").await,
            answer,
            "{path}"
        );
    }
}

#[tokio::test]
async fn properties_are_read_and_checked() {
    for (body, answer) in [
        (r#"{"read": "", "note": null}"#, "200 true -1 None"),
        (
            r#"{"read": "", "note": null, "more": false, "most": 5, "enum": "ab"}"#,
            r#"200 false 5 Some("ab")"#,
        ),
        (
            r#"{"read": "", "note": null, "enum": "abc"}"#,
            "200 enum length",
        ),
        (
            r#"{"read": "", "note": null, "more": null}"#,
            "200 more type",
        ),
        (
            r#"{"read": "", "note": null, "keyJSON": "A"}"#,
            "200 keyJSON pattern",
        ),
        (
            r#"{"read": "", "note": null, "free": "A\nB"}"#,
            "200 true -1 None",
        ),
    ] {
        assert_eq!(
            send("POST", "features/some", &[], body).await,
            answer,
            "{body}"
        );
    }
}

#[tokio::test]
async fn headers_are_read_and_checked() {
    let all: &[(&str, &[u8])] = &[
        ("idempotency-key", b"abc"),
        ("PREFER", "respond-async, ü".as_bytes()),
        ("x-color", b"red"),
        ("x-state", b"new"),
        ("x-count", b"9"),
    ];
    let everything =
        r#"202 Some("abc") Some("respond-async, ü") Some(Red) Some(Undocumented("new")) 9"#;
    assert_eq!(ask("PUT", "some", all).await, everything);
    assert_eq!(ask("PUT", "some", &[]).await, "202 None None None None 3");
    let refused: &[(&[(&str, &[u8])], &str)] = &[
        (
            &[("idempotency-key", b"ABC")],
            "200 Idempotency-Key pattern",
        ),
        (
            &[("prefer", b"more than twenty characters")],
            "200 Prefer length",
        ),
        (&[("prefer", b"\xff")], "200 Prefer type"),
        (
            &[("prefer", b"a"), ("prefer", b"b")],
            "200 Prefer duplicate",
        ),
        (
            &[("x-color", b"green"), ("x-count", b"x")],
            "200 X-Color type, X-Count type",
        ),
        (&[("x-count", b"10")], "200 X-Count range"),
    ];
    for (headers, answer) in refused {
        assert_eq!(ask("PUT", "some", headers).await, *answer);
    }
    // The order of refusals.
    assert_eq!(
        ask("PUT", "some?needed=x", &[("x-count", b"x")]).await,
        "200 needed type"
    );
    assert_eq!(
        ask(
            "PUT",
            "some",
            &[("x-count", b"x"), ("content-type", b"text/plain")]
        )
        .await,
        "200 X-Count type"
    );
}

#[tokio::test]
async fn successes_have_their_headers() {
    for (path, answer) in [
        (
            "both",
            "200 location=/there preference-applied=x None None None None 3",
        ),
        ("one", "200 location=/there None None None None 3"),
        ("made", "201 location=/there None None None None 3"),
        ("gone", "204 location=/there "),
        (
            "broken",
            r#"200 InvalidResponseHeader { name: "Location" }"#,
        ),
    ] {
        assert_eq!(ask("PUT", path, &[]).await, answer);
    }
    assert_eq!(
        ask("PUT", "made", &[("accept", b"text/plain")]).await,
        "201 location=/there None None None None 3"
    );
}

#[test]
fn fields_say_what_they_must_be() {
    let operation = |id| OPERATIONS.iter().find(|operation| operation.id == id);
    for (id, field, must_be) in [
        ("deleteCount", "number", "an integer of at least 1"),
        ("deleteCount", "color", "red or light-blue"),
        ("deleteCount", "state", "steady"),
        ("readFeature", "id", "2 to 8 small letters, such as abc"),
        ("readFeature", "needed", "an integer of at most 9"),
        ("readFeature", "flag", "true or false"),
        ("readFeature", "text", "a string of 2 to 4 characters"),
        ("readFeature", "colors", r#"an array of at most 2 items, such as ["red"]"#),
        ("readFeature", "keys", r#"an array, such as ["abc"]"#),
        ("readFeature", "keys[12]", "2 to 8 small letters, such as abc"),
        ("writeFeature", "X-Count", "an integer from 1 to 9, such as 3"),
        ("writeFeature", "body", "a JSON object"),
        ("createFeature", "body", r#"a JSON object, such as {"read":"","note":null}"#),
        ("createFeature", "read", "a string"),
        ("createFeature", "note", "a string or null"),
        ("createFeature", "colors[0]", "red or light-blue"),
        ("createFeature", "keyJSON", "2 to 8 small letters, such as abc"),
        ("createFeature", "most", "an integer, such as -1"),
    ] {
        let operation = operation(id).expect("an operation");
        assert_eq!(operation.must_be(field), Some(must_be), "{id} {field}");
    }
    let operation = operation("createFeature").expect("an operation");
    for unknown in ["text", "keyJSON[0]", "colors[0].x", ""] {
        assert_eq!(operation.must_be(unknown), None, "{unknown}");
    }
}

#[tokio::test]
async fn a_path_that_is_nearly_right_is_known() {
    for (path, answer) in [
        ("features/x/", r#"200 NotFound { meant: Some("/api/v1/features/{id}") }"#),
        ("/features//x", r#"200 NotFound { meant: Some("/api/v1/features/{id}") }"#),
        ("features/x/y", "200 NotFound { meant: None }"),
        ("features/", "200 NotFound { meant: None }"),
    ] {
        assert_eq!(send("GET", path, &[], "").await, answer, "{path}");
    }
}
