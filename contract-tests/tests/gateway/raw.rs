//! Requests that no decent client sends, over a bare socket.

use contract_tests::client::Client;
use contract_tests::document::{Document, Exchange};
use contract_tests::lab::Lab;
use contract_tests::wait::within;
use hyper::body::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Sends a request, takes what comes until the gateway hangs up, and holds it to the document.
async fn exchange(
    lab: &Lab,
    method: Method,
    target: &str,
    version: &str,
    headers: &[&str],
) -> StatusCode {
    exchange_body(lab, method, target, version, headers, b"").await
}

/// The same with a body, sent whole before anything is read.
async fn exchange_body(
    lab: &Lab,
    method: Method,
    target: &str,
    version: &str,
    headers: &[&str],
    body: &[u8],
) -> StatusCode {
    let mut socket = TcpStream::connect(lab.address()).await.unwrap();
    let mut request = format!("{method} {target} {version}\r\n");
    for header in headers.iter().chain(&["Connection: close"]) {
        request.push_str(&format!("{header}\r\n"));
    }
    request.push_str("\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    within("the body to be taken", socket.write_all(body))
        .await
        .unwrap();
    let mut bytes = Vec::new();
    within("the answer", socket.read_to_end(&mut bytes))
        .await
        .unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {text:?}"));
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .unwrap()
        .parse()
        .unwrap();
    let headers: HeaderMap = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| {
            (
                name.parse::<HeaderName>().unwrap(),
                HeaderValue::from_str(value).unwrap(),
            )
        })
        .collect();
    let exchange = Exchange {
        method: &method,
        target,
        status,
        headers: &headers,
        body: body.as_bytes(),
    };
    Document::get()
        .check(&exchange)
        .unwrap_or_else(|broken| panic!("{target} {version}: {broken}\n{text}"));
    status
}

/// A host is what HTTP/1.1 asks for, once (RFC 9112, 3.2); HTTP/1.0 does not.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_one_host() {
    let lab = Lab::start().await;
    let token = lab.api_key("org_42", "manage", None).await.1;
    let bearer = format!("Authorization: Bearer {token}");
    let get = async |target, version, headers: &[&str]| {
        exchange(&lab, Method::GET, target, version, headers).await
    };
    for version in ["HTTP/1.1", "HTTP/1.0"] {
        let host: &[&str] = if version == "HTTP/1.1" {
            &["Host: x"]
        } else {
            &[]
        };
        let with_key = [host, &[&bearer]].concat();
        assert_eq!(
            get("/api/v1/sessions", version, &with_key).await,
            200,
            "{version}"
        );
        assert_eq!(
            get("/api/v1/sessions", version, host).await,
            401,
            "{version}"
        );
        assert_eq!(
            get("/api/v1/nowhere", version, &with_key).await,
            404,
            "{version}"
        );
        let put = exchange(&lab, Method::PUT, "/api/v1/sessions", version, &with_key).await;
        assert_eq!(put, 405, "{version}");
    }
    for headers in [
        vec![],
        vec!["Host: x", "Host: x"],
        vec!["Host: x", "host: y"],
    ] {
        let headers = [&headers[..], &[bearer.as_str()]].concat();
        let answer = get("/api/v1/sessions", "HTTP/1.1", &headers).await;
        assert_eq!(answer, 400, "{headers:?}");
    }
    lab.stop().await;
}

/// Whatever stands in front of the gateway may have looked at the other one.
#[tokio::test(flavor = "multi_thread")]
async fn two_credentials_are_as_good_as_none() {
    let lab = Lab::start().await;
    let token = lab.api_key("org_42", "manage", None).await.1;
    let bearer = format!("Authorization: Bearer {token}");
    let (lower, junk) = (
        format!("authorization: bearer {token}"),
        "Authorization: Bearer x",
    );
    for (headers, status) in [
        (vec![bearer.as_str()], 200),
        (vec![&bearer, &bearer], 401),
        (vec![&bearer, &lower], 401),
        (vec![&bearer, junk], 401),
        (vec![junk, &bearer], 401),
    ] {
        let headers = [&["Host: x"], &headers[..]].concat();
        assert_eq!(
            exchange(&lab, Method::GET, "/api/v1/sessions", "HTTP/1.1", &headers).await,
            status,
            "{headers:?}"
        );
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_paths_are_refused_in_the_envelope() {
    let lab = Lab::start().await;
    let token = lab.api_key("org_42", "read,send,manage", None).await.1;
    let bearer = format!("Authorization: Bearer {token}");
    for target in [
        "/%ff",
        "//",
        "/api/v1/sessions%2fx",
        "/api/v1/../v1/sessions",
        "/api/v1/sessions/x/groups/%ff%fe/people/y",
    ] {
        assert_eq!(
            exchange(&lab, Method::GET, target, "HTTP/1.1", &["Host: x", &bearer]).await,
            404,
            "{target}"
        );
    }
    let gid = "/api/v1/sessions/x/groups/%ff";
    assert_eq!(
        exchange(&lab, Method::GET, gid, "HTTP/1.1", &["Host: x", &bearer]).await,
        400
    );
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_has_the_same_envelope() {
    let lab = Lab::start().await;
    let anonymous = Client::http2(lab.url());
    anonymous
        .get("/sessions")
        .send()
        .await
        .error(401, "unauthorized");
    anonymous
        .get("/nowhere")
        .send()
        .await
        .error(404, "not_found");
    anonymous
        .call(Method::PUT, "/sessions")
        .send()
        .await
        .error(405, "method_not_allowed");
    let token = lab.api_key("org_42", "manage", None).await.1;
    let caller = anonymous.with_token(token);
    caller.get("/sessions").send().await.expect(200);
    caller.get("/sessions/%ff").send().await;
    caller
        .get("/sessions/x")
        .send()
        .await
        .error(404, "not_found");
    lab.stop().await;
}

/// Some clients read nothing before they have sent everything, and all of them lose an answer that comes with a reset.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_that_is_refused_costs_nobody_the_answer() {
    let lab = Lab::start().await;
    let token = lab.api_key("org_42", "manage", None).await.1;
    let bearer = format!("Authorization: Bearer {token}");
    let body = Bytes::from(" ".repeat(30 << 20));
    let length = format!("Content-Length: {}", body.len());
    let anonymous = Client::http2(lab.url());
    let known = anonymous.with_token(&token);
    for (method, target, media, caller, status) in [
        (Method::POST, "/sessions", "application/json", &known, 413),
        (Method::POST, "/sessions", "text/plain", &known, 415),
        (
            Method::POST,
            "/sessions",
            "application/json",
            &anonymous,
            401,
        ),
        (Method::POST, "/nowhere", "application/json", &known, 404),
        (Method::PUT, "/sessions", "application/json", &known, 405),
    ] {
        let call = caller.call(method.clone(), target);
        let answer = call.body(media, body.clone()).send().await;
        assert_eq!(answer.status, status, "HTTP/2 {method} {target} {media}");

        let media = format!("Content-Type: {media}");
        let mut headers = vec!["Host: x", media.as_str(), &length];
        if status != 401 {
            headers.push(&bearer);
        }
        let target = format!("/api/v1{target}");
        let got = exchange_body(&lab, method, &target, "HTTP/1.1", &headers, &body).await;
        assert_eq!(got, status, "HTTP/1.1 {target} {media}");
    }
    lab.stop().await;
}

/// Such a client waits for a word before it sends its body: a refusal is the word.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_waits_for_a_word_is_refused_unsent() {
    let lab = Lab::start().await;
    let headers = ["Host: x", "Expect: 100-continue", "Content-Length: 1000"];
    let target = "/api/v1/sessions";
    let status = exchange(&lab, Method::POST, target, "HTTP/1.1", &headers).await;
    assert_eq!(status, 401);
    lab.stop().await;
}

/// A request id that the caller gives comes back; one that is no decent id does not.
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_a_request_id() {
    let lab = Lab::start().await;
    let anonymous = lab.anonymous();
    let id = HeaderName::from_static("x-request-id");
    let mut seen = Vec::new();
    for path in ["/sessions", "/nowhere"] {
        let answer = anonymous.get(path).send().await;
        seen.push(answer.headers[&id].to_str().unwrap().to_owned());
        let answer = anonymous
            .get(path)
            .header(id.clone(), "abc-123")
            .send()
            .await;
        assert_eq!(answer.headers[&id], "abc-123");
        let long = "x".repeat(1000);
        let answer = anonymous.get(path).header(id.clone(), &long).send().await;
        assert_ne!(answer.headers[&id], *long);
    }
    assert_ne!(seen[0], seen[1]);
    lab.stop().await;
}
