//! How the gateway is reached: health, TLS, web pages, reverse proxies.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use contract_tests::attacker::{Ask, Attacker};
use contract_tests::client::Client;
use contract_tests::database::Database;
use contract_tests::lab::Lab;
use contract_tests::process::{self, Process};
use contract_tests::wait::{eventually, within};
use hyper::Method;
use hyper::header::{HeaderMap, HeaderName, ORIGIN};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use whatsapp_gateway::config::TlsFiles;
use whatsapp_standin::Standin;

/// A route beside the document: status, headers, and the body where it is JSON.
async fn get(base: &str, path: &str) -> (u16, HeaderMap, Value) {
    let call = Client::new(base).call_raw(Method::GET, path);
    let (head, body) = call.send_unjudged().await;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    (head.status.as_u16(), head.headers, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn health_needs_no_credential() {
    let lab = Lab::start().await;
    for path in ["/healthz", "/readyz"] {
        let (status, headers, _) = get(&lab.url(), path).await;
        assert_eq!(status, 200, "{path}");
        assert_eq!(headers["cache-control"], "no-store", "{path}");
        let post = lab
            .anonymous()
            .call_raw(Method::POST, path)
            .send_unjudged()
            .await
            .0;
        assert_eq!(
            (post.status.as_u16(), &post.headers["allow"]),
            (405, &"GET,HEAD".parse().unwrap())
        );
    }
    lab.stop().await;
}

/// On a listener of its own, and there alone; the command asks it.
#[tokio::test(flavor = "multi_thread")]
async fn health_has_a_listener_of_its_own_by_choice() {
    let standin = Standin::start_default().await.unwrap();
    let database = Database::new().await;
    let mut environment = database.environment(&standin);
    // A port that is free now; nothing else on this address takes one by chance.
    let port = std::net::TcpListener::bind("127.0.0.77:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let health = format!("127.0.0.77:{port}");
    environment.push(("GATEWAY_HEALTH_LISTEN", OsString::from(&health)));
    let check = async |arguments: &[&str]| {
        let output = process::run(&[&["healthcheck"], arguments].concat(), &environment).await;
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, error) = check(&[]).await;
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains(&health), "{error}");

    let gateway = Process::serve(&environment).await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(
            get(&format!("http://{health}"), path).await.0,
            200,
            "{path}"
        );
        assert_eq!(get(&gateway.url(), path).await.0, 404, "{path}");
    }
    assert_eq!(
        get(&format!("http://{health}"), "/api/v1/sessions").await.0,
        404
    );
    assert_eq!(check(&[]).await, (Some(0), String::new()));
    assert_eq!(check(&["--ready"]).await, (Some(0), String::new()));
    assert_eq!(gateway.terminate().await, Some(0));
    assert_eq!(check(&["--ready"]).await.0, Some(1));
    standin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_root_leads_to_the_reference() {
    let lab = Lab::start().await;
    let (status, headers, _) = get(&lab.url(), "/").await;
    assert_eq!(
        (status, &headers["location"]),
        (307, &"/docs".parse().unwrap())
    );
    assert_eq!(get(&lab.url(), "/docs").await.0, 200);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_kept_or_guessed_at() {
    let lab = Lab::start().await;
    let caller = lab.manager().await;
    let session = contract_tests::session::Session::create(&caller).await;
    for call in [
        caller.get("/sessions"),
        caller.get(session.path("/qr")),
        caller.get("/nowhere"),
        lab.anonymous().get("/sessions"),
    ] {
        let answer = call.send().await;
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
    lab.stop().await;
}

/// A browser asks first, with `OPTIONS`, whether a page may.
#[tokio::test(flavor = "multi_thread")]
async fn pages_of_the_named_origins_may_call() {
    let ours = "https://app.example.com";
    let lab = Lab::with(|config| config.cors_origins = vec![ours.parse().unwrap()]).await;
    let caller = lab.manager().await;
    let ask = async |origin: &str, lab: &Lab| {
        let call = lab
            .anonymous()
            .call_raw(Method::OPTIONS, "/api/v1/sessions");
        let method = HeaderName::from_static("access-control-request-method");
        let names = HeaderName::from_static("access-control-request-headers");
        let call = call.header(ORIGIN, origin).header(method, "POST");
        call.header(names, "authorization,content-type,idempotency-key")
            .send_unjudged()
            .await
            .0
    };
    let listed = |headers: &HeaderMap, name: &str| headers[name].to_str().unwrap().to_lowercase();
    let told = ask(ours, &lab).await;
    assert_eq!(told.status, 200);
    assert_eq!(told.headers["access-control-allow-origin"], ours);
    assert!(
        !told
            .headers
            .contains_key("access-control-allow-credentials")
    );
    for name in ["authorization", "content-type", "idempotency-key", "prefer"] {
        assert!(
            listed(&told.headers, "access-control-allow-headers").contains(name),
            "{name}"
        );
    }
    for method in ["get", "post", "patch", "delete"] {
        assert!(
            listed(&told.headers, "access-control-allow-methods").contains(method),
            "{method}"
        );
    }
    // Answers can be read, refusals too.
    for (caller, status) in [(&caller, 200), (&lab.anonymous(), 401)] {
        let answer = caller
            .get("/sessions")
            .header(ORIGIN, ours)
            .send()
            .await
            .expect(status);
        assert_eq!(answer.headers["access-control-allow-origin"], ours);
        assert!(listed(&answer.headers, "access-control-expose-headers").contains("retry-after"));
    }
    for other in [
        "https://app.example.com.evil.example",
        "http://app.example.com",
        "null",
    ] {
        let told = ask(other, &lab).await;
        assert!(
            !told.headers.contains_key("access-control-allow-origin"),
            "{other}"
        );
    }
    lab.stop().await;

    // By default nobody may.
    let lab = Lab::start().await;
    let told = ask(ours, &lab).await;
    assert_eq!(told.status, 405);
    assert!(!told.headers.contains_key("access-control-allow-origin"));
    lab.stop().await;
}

/// Limits by address are for the callers behind a proxy that may say who they are, and for whoever connects otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_may_have_many_callers() {
    for (trusted, served) in [
        (vec![], false),
        (vec!["127.0.0.0/8".parse().unwrap()], true),
    ] {
        let lab = Lab::with(|config| {
            config.limits.max_connections_per_address = 1;
            config.trusted_proxies = trusted;
        })
        .await;
        let first = connect(&lab).await;
        let second = connect(&lab).await;
        let (_first, second) = (first.unwrap(), second);
        assert_eq!(second.is_ok(), served);
        drop((_first, second));
        lab.stop().await;
    }
}

/// A connection over which a request was answered.
async fn connect(lab: &Lab) -> io::Result<TcpStream> {
    let mut socket = TcpStream::connect(lab.address()).await?;
    socket
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .await?;
    let mut answer = [0; 12];
    within("an answer or the end", socket.read_exact(&mut answer)).await?;
    assert_eq!(&answer, b"HTTP/1.1 200");
    Ok(socket)
}

/// Over HTTP/1.1 and HTTP/2.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_idle_is_ended() {
    let lab = Lab::with(|config| config.limits.idle_timeout = Duration::from_secs(1)).await;
    let mut socket = connect(&lab).await.unwrap();
    let mut rest = Vec::new();
    let end = within("the end", socket.read_to_end(&mut rest)).await;
    end.unwrap();

    let SocketAddr::V4(address) = lab.address() else {
        panic!("IPv4")
    };
    let mut connection = Attacker::new(address).http2(1 << 16).await.unwrap();
    let stream = connection.open(&Ask::get("/healthz", None)).await.unwrap();
    let answer = within("an answer", stream.response).await.unwrap();
    assert_eq!(answer.status(), 200);
    within("the end", connection.ended()).await;
    lab.stop().await;
}

fn pem(name: &str) -> Vec<u8> {
    std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("keys")
            .join(name),
    )
    .unwrap()
}

fn certificate(number: u8) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(&pem(&format!("tls-{number}.pem"))).unwrap()
}

fn put(files: &TlsFiles, number: u8) {
    std::fs::write(&files.certificate, pem(&format!("tls-{number}.pem"))).unwrap();
    std::fs::write(&files.key, pem(&format!("tls-{number}-key.pem"))).unwrap();
}

/// A TLS connection to whoever has this certificate, and no other.
async fn handshake(lab: &Lab, number: u8) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate(number)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let socket = TcpStream::connect(lab.address()).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, socket)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn https_has_the_certificate_that_is_in_the_files_now() {
    let dir = TempDir::new().unwrap();
    let files = TlsFiles {
        certificate: dir.path().join("certificate.pem"),
        key: dir.path().join("key.pem"),
    };
    put(&files, 1);
    let lab = Lab::with(|config| config.tls = Some(files.clone())).await;
    let mut stream = handshake(&lab, 1).await.unwrap();
    let request = b"GET /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    within("the answer", stream.read_to_string(&mut answer))
        .await
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(handshake(&lab, 2).await.is_err(), "another certificate");
    assert!(connect(&lab).await.is_err(), "plain HTTP");

    put(&files, 2);
    eventually("the new certificate", async || {
        handshake(&lab, 2).await.ok()
    })
    .await;
    lab.stop().await;
}
