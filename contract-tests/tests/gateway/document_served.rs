//! The document as the gateway serves it, and the reference that shows it.

use contract_tests::lab::Lab;
use hyper::Method;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

const YAML: &str = include_str!("../../../openapi/gateway.yaml");

/// Without a credential and past the judge, who knows the document's own operations alone.
async fn get(lab: &Lab, path: &str) -> (HeaderMap, String) {
    let answer = lab.anonymous().call_raw(Method::GET, path);
    let (head, body) = answer.send_unjudged().await;
    assert_eq!(head.status, 200, "{path}");
    assert!(head.headers.contains_key("x-request-id"), "{path}");
    (head.headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_served_as_it_is_and_as_json() {
    let lab = Lab::start().await;
    let (headers, yaml) = get(&lab, "/openapi.yaml").await;
    assert_eq!(headers["content-type"], "application/yaml");
    assert_eq!(yaml, YAML);

    let (headers, json) = get(&lab, "/openapi.json").await;
    assert_eq!(headers["content-type"], "application/json");
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json, serde_saphyr::from_str::<Value>(YAML).unwrap());
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_works_without_a_network() {
    let lab = Lab::start().await;
    let (headers, page) = get(&lab, "/docs").await;
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    assert!(!page.contains("//"), "an address: {page}");
    // The script knows addresses of its maker's; the policy is what keeps the browser from them.
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    let sources = policy
        .split(';')
        .flat_map(|part| part.split_whitespace().skip(1));
    for source in sources {
        let local = ["'none'", "'self'", "'unsafe-inline'", "data:", "blob:"];
        assert!(local.contains(&source), "{source}");
    }

    let attribute = |name: &str| {
        let (_, rest) = page.split_once(&format!("{name}=\"")).unwrap();
        format!("/{}", rest.split_once('"').unwrap().0)
    };
    assert_eq!(get(&lab, &attribute("data-url")).await.1, YAML);
    let (headers, script) = get(&lab, &attribute("src")).await;
    assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
    assert!(script.contains("api-reference"));
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_method_or_path_is_refused_in_the_envelope() {
    let lab = Lab::start().await;
    for path in ["/openapi.yaml", "/openapi.json", "/docs", "/docs/scalar.js"] {
        let call = lab.anonymous().call_raw(Method::POST, path);
        let (head, body) = call.send_unjudged().await;
        assert_eq!(head.status, 405, "{path}");
        assert_eq!(
            head.headers.get("allow"),
            Some(&HeaderValue::from_static("GET,HEAD")),
            "{path}"
        );
        assert!(
            head.headers
                .contains_key(HeaderName::from_static("x-request-id"))
        );
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["error"]["code"], "method_not_allowed", "{path}");
        assert!(body["error"]["details"].is_object(), "{path}");

        let below = format!("{path}/nowhere");
        let answer = lab.anonymous().call_raw(Method::GET, below).send().await;
        answer.expect(404);
    }
    lab.stop().await;
}
