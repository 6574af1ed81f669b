use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tokio::net::{TcpListener, TcpSocket};
use tokio::time::timeout;
use tower_service::Service;

use super::*;

fn proxy(text: &str) -> Proxy {
    text.parse().expect("a proxy")
}

#[test]
fn proxy_urls_are_read_as_curl_reads_them() {
    for (text, read) in [
        ("http://proxy.example:3128/", "http://proxy.example:3128"),
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("socks5h://[::1]", "socks5h://[::1]:1080"),
        ("socks5://127.0.0.1:9", "socks5://127.0.0.1:9"),
    ] {
        assert_eq!(format!("{:?}", proxy(text)), read);
    }
    for bad in [
        "https://h:1",
        "socks4://h:1",
        "socks4a://h:1",
        "ftp://h",
        "http://",
        "http://h:x",
        "//",
        " ",
    ] {
        assert_eq!(bad.parse::<Proxy>(), Err(BadProxy), "{bad}");
    }
}

#[test]
fn the_password_is_never_shown() {
    let proxies = Proxies {
        https: Some(proxy("http://user:hunter2@127.0.0.1:1")),
        http: Some(proxy("socks5h://user:hunter2@127.0.0.1:1")),
        ..Proxies::default()
    };
    let shown = format!("{proxies:?}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("user"),
        "{shown}"
    );
}

/// The schemes decide on the proxy, the exceptions go around it, and special characters of a password survive.
#[test]
fn the_right_proxy_is_taken() {
    let proxies = Proxies {
        https: Some(proxy("http://user:p%40ss@secure:1")),
        http: Some(proxy("socks5h://user:p%40ss@plain:2")),
        none: "internal.example, 10.0.0.0/8,::1".to_owned(),
    };
    let intercept = |url: &str| {
        let url = url.parse().expect("a URL");
        proxies
            .matcher()
            .intercept(&target(&url).expect("a target"))
    };
    let secure = intercept("wss://web.whatsapp.com/ws/chat").expect("a proxy");
    assert_eq!(secure.uri(), "http://secure:1/");
    assert_eq!(
        secure.basic_auth().expect("credentials"),
        "Basic dXNlcjpwQHNz"
    );
    let plain = intercept("ws://web.whatsapp.com/ws/chat").expect("a proxy");
    assert_eq!(plain.raw_auth(), Some(("user", "p@ss")));
    for around in [
        "wss://a.internal.example/",
        "ws://10.1.2.3/",
        "wss://[::1]:5/",
    ] {
        assert!(intercept(around).is_none(), "{around}");
    }
}

/// A proxy that cannot be reached is named in the error, without its credentials.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_names_the_proxy_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gone = listener.local_addr().expect("an address");
    drop(listener);
    for scheme in ["http", "socks5h"] {
        let proxies = Proxies {
            http: Some(proxy(&format!("{scheme}://user:hunter2@{gone}"))),
            ..Proxies::default()
        };
        let url = Uri::from_static("ws://web.whatsapp.com/");
        let error = proxies.connect(&url).await.expect_err("nobody listens");
        let mut text = format!("{error:?} {error}");
        let mut cause: &dyn std::error::Error = &error;
        while let Some(next) = cause.source() {
            text = format!("{text} {next} {next:?}");
            cause = next;
        }
        assert!(text.contains(&format!("proxy {scheme}://{gone}")), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_do_not_wait_to_fill_packets() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}/", listener.local_addr().expect("an address"));
    let socket = Proxies::default()
        .connect(&url.parse().expect("a URL"))
        .await
        .expect("a connection");
    assert!(socket.nodelay().expect("an option"));
}

/// Every name has the IPv6 loopback and then the IPv4 loopback for addresses.
#[derive(Debug, Clone)]
struct Both;

impl Service<Name> for Both {
    type Response = std::array::IntoIter<SocketAddr, 2>;
    type Error = io::Error;
    type Future = Ready<io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        let both = [
            IpAddr::from(Ipv6Addr::LOCALHOST),
            Ipv4Addr::LOCALHOST.into(),
        ];
        ready(Ok(both.map(|ip| SocketAddr::new(ip, 0)).into_iter()))
    }
}

/// The IPv6 address never answers, for its queue of connections is full; the IPv4 address does.
#[tokio::test(flavor = "multi_thread")]
async fn a_family_that_is_dead_costs_little_time() {
    let live = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let live_at = live.local_addr().expect("an address");
    let dead_at = SocketAddr::from((Ipv6Addr::LOCALHOST, live_at.port()));
    let dead = TcpSocket::new_v6().expect("IPv6");
    dead.bind(dead_at).expect("the same port");
    let _dead = dead.listen(1).expect("a listener");
    let mut queue = Vec::new();
    while let Ok(socket) = timeout(Duration::from_millis(300), TcpStream::connect(dead_at)).await {
        queue.push(socket.expect("a connection"));
    }
    let url = format!("http://both.example:{}/", live_at.port());
    let connecting = connector(Both).call(url.parse().expect("a URL"));
    let socket = timeout(CONNECT_TIMEOUT / 4, connecting)
        .await
        .expect("sooner than the dead family is given up")
        .expect("a connection")
        .into_inner();
    assert_eq!(socket.peer_addr().expect("an address"), live_at);
}
