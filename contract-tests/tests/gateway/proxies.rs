//! Outgoing connections through a proxy: to WhatsApp, and to the keys of login tokens.

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contract_tests::client::Client;
use contract_tests::database::Database;
use contract_tests::gateway;
use contract_tests::lab::{ACCOUNT, Lab, ORGANIZATION, create_api_key};
use contract_tests::process::{self, Process};
use contract_tests::session::Session;
use contract_tests::tokens::{AUDIENCE, ISSUER, Jwks, SigningKey, claims};
use contract_tests::wait::eventually;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use whatsapp_gateway::Network;
use whatsapp_gateway::Proxies;
use whatsapp_standin::{GroupSpec, Person, Standin};

use crate::world::{ANNA, GROUP};

const USER: &str = "anna";
const PASSWORD: &str = "hunter2:@/";
/// The same in a URL.
const ESCAPED: &str = "anna:hunter2%3A%40%2F";

/// A host name that no resolver knows: only who goes through a proxy gets there.
const NOWHERE: &str = "whatsapp.invalid";

#[derive(Clone, Copy, PartialEq)]
enum Speaks {
    /// HTTP: tunnels by CONNECT, and forwards requests for `http://` URLs.
    Http,
    /// SOCKS 5, RFC 1928 and 1929.
    Socks,
    /// Nothing: it takes connections and never answers.
    Nothing,
}

/// A proxy on the loopback. It knows one host, itself: every name leads to 127.0.0.1.
struct Proxy {
    address: SocketAddr,
    /// Where it was asked to go, in order, `host:port`.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start(speaks: Speaks, locked: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let log = Arc::clone(&log);
                tokio::spawn(async move {
                    match speaks {
                        Speaks::Http => http(socket, locked, &log).await,
                        Speaks::Socks => socks(socket, locked, &log).await,
                        Speaks::Nothing => {
                            log.lock().unwrap().push(String::new());
                            let _socket = socket;
                            std::future::pending().await
                        }
                    }
                });
            }
        });
        Self { address, asked }
    }

    fn url(&self, scheme: &str, credentials: &str) -> String {
        let at = if credentials.is_empty() { "" } else { "@" };
        format!("{scheme}://{credentials}{at}{}", self.address)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn http(mut client: TcpStream, locked: bool, asked: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut words = text.split(' ');
    let (tunnel, target) = (words.next() == Some("CONNECT"), words.next().unwrap_or(""));
    let host = target
        .trim_start_matches("http://")
        .split('/')
        .next()
        .unwrap_or("");
    asked.lock().unwrap().push(host.to_owned());
    let credentials = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    if locked && !text.contains(&format!("Basic {credentials}\r\n")) {
        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
        return client.write_all(refusal).await;
    }
    let mut server = dial(host).await?;
    if tunnel {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    } else {
        server.write_all(&head).await?;
    }
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

async fn socks(mut client: TcpStream, locked: bool, asked: &Mutex<Vec<String>>) -> io::Result<()> {
    let [_version, methods] = bytes(&mut client).await?;
    let mut offered = vec![0; methods.into()];
    client.read_exact(&mut offered).await?;
    let method = if locked { 2 } else { 0 };
    if !offered.contains(&method) {
        asked.lock().unwrap().push(String::new());
        return client.write_all(&[5, 0xff]).await;
    }
    client.write_all(&[5, method]).await?;
    if locked {
        let [_version] = bytes(&mut client).await?;
        let user = counted(&mut client).await?;
        let password = counted(&mut client).await?;
        let right = user == USER && password == PASSWORD;
        client.write_all(&[1, u8::from(!right)]).await?;
        if !right {
            return Ok(());
        }
    }
    let [_version, _connect, _reserved, kind] = bytes(&mut client).await?;
    let host = match kind {
        1 => Ipv4Addr::from(bytes::<4>(&mut client).await?).to_string(),
        _ => counted(&mut client).await?,
    };
    let target = format!("{host}:{}", client.read_u16().await?);
    asked.lock().unwrap().push(target.clone());
    let mut server = dial(&target).await?;
    client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

async fn bytes<const N: usize>(client: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// A text after a byte that says how long it is.
async fn counted(client: &mut TcpStream) -> io::Result<String> {
    let mut text = vec![0; client.read_u8().await?.into()];
    client.read_exact(&mut text).await?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

async fn dial(target: &str) -> io::Result<TcpStream> {
    let port = target.rsplit(':').next().and_then(|port| port.parse().ok());
    TcpStream::connect((Ipv4Addr::LOCALHOST, port.unwrap_or(80))).await
}

/// Pairs a session and adds somebody, with these proxies and WhatsApp under this name. Gives WhatsApp's `host:port`.
async fn works(url: &str, host: &str) -> String {
    let mut target = String::new();
    let lab = Lab::with(|config| {
        config.proxies = Proxies {
            http: Some(url.parse().unwrap()),
            ..Proxies::default()
        };
        if let Network::Standin { url, .. } = &mut config.network {
            *url = url.replace("127.0.0.1", host);
            target = url.split('/').nth(2).unwrap_or("").to_owned();
        }
    })
    .await;
    lab.standin.add_person(Person::new(ANNA));
    lab.standin
        .add_group(GroupSpec::new("Launch team").gid(GROUP).admin(ACCOUNT));
    let session = lab.connected().await;
    session.add(GROUP, &[ANNA]).send().await.expect_no_content();
    lab.stop().await;
    target
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_work_through_proxies() {
    for (speaks, scheme, host) in [
        (Speaks::Http, "http", NOWHERE),
        (Speaks::Socks, "socks5h", NOWHERE),
        // The gateway resolves the name.
        (Speaks::Socks, "socks5", "127.0.0.1"),
    ] {
        for credentials in ["", ESCAPED] {
            let proxy = Proxy::start(speaks, !credentials.is_empty()).await;
            let target = works(&proxy.url(scheme, credentials), host).await;
            let asked = proxy.asked();
            assert!(asked.contains(&target), "{scheme}: {asked:?}");
        }
    }
}

/// A gateway of its own process, as an operator runs it, and a session of it.
struct Operated {
    standin: Standin,
    gateway: Process,
    session: Session,
    _database: Database,
}

impl Operated {
    async fn with(variables: &[(&'static str, String)]) -> Self {
        let standin = Standin::start_default().await.unwrap();
        let database = Database::new().await;
        let store = database.store().await;
        let (_, token) = create_api_key(&store, ORGANIZATION, "read,send,manage", None).await;
        let mut environment = database.environment(&standin);
        environment.extend(
            variables
                .iter()
                .map(|(name, value)| (*name, OsString::from(value))),
        );
        let gateway = Process::serve(&environment).await;
        let session = Session::create(&Client::new(gateway.url()).with_token(token)).await;
        Self {
            standin,
            gateway,
            session,
            _database: database,
        }
    }

    async fn stop(self) {
        assert_eq!(self.gateway.terminate().await, Some(0));
        self.standin.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_variables_are_read_as_curl_reads_them() {
    let proxy = Proxy::start(Speaks::Http, false).await;
    let url = || proxy.url("http", "");
    let dead = || "http://127.0.0.1:1".to_owned();
    for variables in [
        vec![("HTTP_PROXY", url())],
        vec![("ALL_PROXY", url())],
        vec![("HTTP_PROXY", dead()), ("http_proxy", url())],
        vec![
            ("all_proxy", dead()),
            ("HTTP_PROXY", url()),
            ("HTTPS_PROXY", dead()),
        ],
    ] {
        let before = proxy.asked().len();
        let operated = Operated::with(&variables).await;
        operated.session.pair(&operated.standin, ACCOUNT).await;
        assert!(proxy.asked().len() > before, "{variables:?}");
        operated.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exceptions_go_around_the_proxy() {
    let proxy = Proxy::start(Speaks::Http, false).await;
    let operated = Operated::with(&[
        ("ALL_PROXY", proxy.url("http", "")),
        ("NO_PROXY", "example.com, 127.0.0.0/8".to_owned()),
    ])
    .await;
    operated.session.pair(&operated.standin, ACCOUNT).await;
    assert!(proxy.asked().is_empty(), "{:?}", proxy.asked());
    operated.stop().await;
}

/// A proxy that refuses the password is named in the log; the password is not.
#[tokio::test(flavor = "multi_thread")]
async fn no_password_reaches_the_log() {
    for (speaks, scheme) in [(Speaks::Http, "http"), (Speaks::Socks, "socks5h")] {
        let proxy = Proxy::start(speaks, true).await;
        let operated = Operated::with(&[
            ("ALL_PROXY", proxy.url(scheme, "wrong-user:wrong-password")),
            ("GATEWAY_LOG", "trace".to_owned()),
        ])
        .await;
        operated.session.post("start").await;
        let named = format!("proxy {scheme}://{}", proxy.address);
        eventually("the log names the proxy", async || {
            operated.gateway.log().contains(&named).then_some(())
        })
        .await;
        let log = operated.gateway.log();
        let secret = STANDARD.encode("wrong-user:wrong-password");
        assert!(
            !log.contains("wrong-password") && !log.contains(&secret),
            "{log}"
        );
        operated.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_cannot_be_used_is_named_at_the_start() {
    let dir = TempDir::new().unwrap();
    for (name, url) in [
        ("HTTPS_PROXY", "https://anna:hunter2@proxy.example:1"),
        ("http_proxy", "socks4://anna:hunter2@proxy.example:1"),
        ("ALL_PROXY", "http://anna:hunter2@proxy.example:port"),
    ] {
        let environment = [
            ("GATEWAY_LISTEN", "127.0.0.1:0".into()),
            (
                "GATEWAY_DATABASE",
                dir.path().join("gateway.db").into_os_string(),
            ),
            (name, url.into()),
        ];
        let output = process::run(&["serve"], &environment).await;
        crate::process::assert_start_error(&output, name);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_login_tokens_come_through_the_proxy() {
    let key = SigningKey::ed();
    let jwks = Jwks::serving(std::slice::from_ref(&key)).await;
    for (speaks, scheme) in [(Speaks::Http, "http"), (Speaks::Socks, "socks5h")] {
        let proxy = Proxy::start(speaks, true).await;
        let lab = Lab::with(|config| {
            let mut jwt = gateway::jwt(&jwks);
            jwt.jwks_url.set_host(Some("login.invalid")).unwrap();
            config.jwt = Some(jwt);
            config.proxies.http = Some(proxy.url(scheme, ESCAPED).parse().unwrap());
        })
        .await;
        let caller = lab
            .anonymous()
            .with_token(key.sign(&claims(ORGANIZATION, "owner")));
        caller.get("/sessions").send().await.expect(200);
        let asked = proxy.asked();
        assert!(asked[0].starts_with("login.invalid:"), "{asked:?}");
        lab.stop().await;
    }
}

/// A proxy could give keys of its own, where they come by plain HTTP.
#[tokio::test(flavor = "multi_thread")]
async fn keys_on_the_loopback_never_come_through_a_proxy() {
    let key = SigningKey::ed();
    let jwks = Jwks::serving(std::slice::from_ref(&key)).await;
    for host in ["127.0.0.1", "localhost"] {
        let proxy = Proxy::start(Speaks::Http, false).await;
        let operated = Operated::with(&[
            ("HTTP_PROXY", proxy.url("http", "")),
            ("ALL_PROXY", proxy.url("http", "")),
            ("JWKS_URL", jwks.url().replace("127.0.0.1", host)),
            ("JWT_ISSUER", ISSUER.to_owned()),
            ("JWT_AUDIENCE", AUDIENCE.to_owned()),
        ])
        .await;
        let before = proxy.asked();
        let caller = Client::new(operated.gateway.url())
            .with_token(key.sign(&claims(ORGANIZATION, "owner")));
        caller.get("/sessions").send().await.expect(200);
        assert_eq!(proxy.asked(), before, "{host}");
        operated.stop().await;
    }
}

/// A fetch through a proxy that never answers has an end: who brings a token is told to come back.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_proxy_does_not_hold_a_caller() {
    let key = SigningKey::ed();
    let jwks = Jwks::serving(std::slice::from_ref(&key)).await;
    for scheme in ["http", "socks5h"] {
        let proxy = Proxy::start(Speaks::Nothing, false).await;
        let lab = Lab::with(|config| {
            let mut jwt = gateway::jwt(&jwks);
            jwt.jwks_url.set_host(Some("login.invalid")).unwrap();
            config.jwt = Some(jwt);
            config.proxies.http = Some(proxy.url(scheme, "").parse().unwrap());
        })
        .await;
        let call = lab
            .anonymous()
            .with_token(key.sign(&claims(ORGANIZATION, "owner")))
            .get("/sessions");
        let answer = tokio::time::timeout(Duration::from_secs(20), call.send()).await;
        answer.expect("an answer in time").error(503, "unavailable");
        assert_eq!(proxy.asked().len(), 1, "{scheme}");
        lab.stop().await;
    }
}
