//! Connections out of the gateway: straight, or through the proxy that the settings name.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::GaiResolver;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use reqwest::Url;
use tokio::net::{TcpStream, lookup_host};
use tower_service::Service as _;

/// How long all addresses of one family (IPv4, IPv6) may take together to answer.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The proxies for outgoing connections, and the hosts that need none. The default is no proxy at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For `http` and `ws`.
    pub http: Option<Proxy>,
    /// For `https` and `wss`.
    pub https: Option<Proxy>,
    /// Hosts that are reached straight: comma-separated names (with all below them), addresses, networks such as
    /// `10.0.0.0/8`, or `*`, as in curl's `NO_PROXY`.
    pub none: String,
}

/// The URL of a proxy: `http://` (asked to tunnel by CONNECT), `socks5://`, or `socks5h://` (the proxy resolves names).
/// It is read as curl reads it: no scheme is `http`, and SOCKS without a port is 1080.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(Url);

/// The text is no URL of a proxy that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be http://, socks5:// or socks5h://, a host and a port")]
pub struct BadProxy;

impl FromStr for Proxy {
    type Err = BadProxy;

    fn from_str(text: &str) -> Result<Self, BadProxy> {
        let mut url = if text.contains("://") {
            Url::parse(text)
        } else {
            Url::parse(&format!("http://{text}"))
        }
        .map_err(|_| BadProxy)?;
        let socks = matches!(url.scheme(), "socks5" | "socks5h");
        if !(socks || url.scheme() == "http") || !url.has_host() {
            return Err(BadProxy);
        }
        if socks && url.port().is_none() {
            url.set_port(Some(1080)).map_err(|()| BadProxy)?;
        }
        // A path means nothing.
        url.set_path("");
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self(url))
    }
}

/// Without user and password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.host_str().unwrap_or_default();
        let port = self.0.port_or_known_default().unwrap_or_default();
        write!(f, "{}://{host}:{port}", self.0.scheme())
    }
}

impl Proxies {
    /// The same settings for reqwest, which reads them with the same rules.
    ///
    /// # Errors
    /// reqwest cannot use a proxy.
    pub fn for_reqwest(&self) -> Result<Vec<reqwest::Proxy>, reqwest::Error> {
        let none = || reqwest::NoProxy::from_string(&self.none);
        let http = self
            .http
            .iter()
            .map(|proxy| reqwest::Proxy::http(proxy.0.clone()));
        let https = self
            .https
            .iter()
            .map(|proxy| reqwest::Proxy::https(proxy.0.clone()));
        http.chain(https)
            .map(|proxy| Ok(proxy?.no_proxy(none())))
            .collect()
    }

    /// Opens a TCP connection to the host of a `ws://` or `wss://` URL, with `TCP_NODELAY`. IPv4 and IPv6 race when the
    /// host (or the proxy) has both: the second starts 300 ms after the first (Happy Eyeballs, RFC 8305).
    ///
    /// # Errors
    /// The host or the proxy cannot be reached, or the proxy refuses. The text names the proxy, without its password.
    pub async fn connect(&self, url: &Uri) -> io::Result<TcpStream> {
        let target = target(url)?;
        let mut straight = connector(GaiResolver::new());
        let Some(proxy) = self.matcher().intercept(&target) else {
            let socket = straight.call(target).await.map_err(io::Error::other)?;
            return Ok(socket.into_inner());
        };
        through(&proxy, straight, target)
            .await
            .map_err(|error| io::Error::other(ProxyError(proxy.uri().clone(), error)))
    }

    fn matcher(&self) -> Matcher {
        let url = |proxy: &Option<Proxy>| {
            proxy
                .as_ref()
                .map_or_else(String::new, |proxy| proxy.0.as_str().to_owned())
        };
        Matcher::builder()
            .http(url(&self.http))
            .https(url(&self.https))
            .no(self.none.as_str())
            .build()
    }
}

/// Resolves with `resolver` and connects.
fn connector<R>(resolver: R) -> HttpConnector<R> {
    let mut connector = HttpConnector::new_with_resolver(resolver);
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector
}

/// What a proxy failed with.
#[derive(Debug, thiserror::Error)]
#[error("proxy {}", .0.to_string().trim_end_matches('/'))]
struct ProxyError(Uri, #[source] io::Error);

async fn through(proxy: &Intercept, straight: HttpConnector, target: Uri) -> io::Result<TcpStream> {
    let uri = proxy.uri().clone();
    if uri.scheme_str() == Some("http") {
        let mut tunnel = Tunnel::new(uri, straight);
        if let Some(auth) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(auth.clone());
        }
        let socket = tunnel.call(target).await.map_err(io::Error::other)?;
        return Ok(socket.into_inner());
    }
    let target = if uri.scheme_str() == Some("socks5") {
        resolved(&target).await?
    } else {
        target
    };
    let mut socks = SocksV5::new(uri, straight);
    if let Some((user, password)) = proxy.raw_auth() {
        socks = socks.with_auth(user.to_owned(), password.to_owned());
    }
    let socket = socks.call(target).await.map_err(io::Error::other)?;
    Ok(socket.into_inner())
}

/// The URL with the scheme that proxies and connectors know, and its port written out.
fn target(url: &Uri) -> io::Result<Uri> {
    let (scheme, default) = match url.scheme_str() {
        Some("wss" | "https") => ("https", 443),
        _ => ("http", 80),
    };
    let host = url.host().unwrap_or_default();
    let port = url.port_u16().unwrap_or(default);
    uri(scheme, &format!("{host}:{port}"))
}

/// The target by an address of its host: over `socks5` the client resolves names, over `socks5h` the proxy does.
/// Source: curl, `CURLOPT_PROXY`.
async fn resolved(target: &Uri) -> io::Result<Uri> {
    let authority = target
        .authority()
        .map_or("", |authority| authority.as_str());
    let address = lookup_host(authority).await?.next();
    let address = address.ok_or_else(|| io::Error::other("the name has no address"))?;
    uri("http", &address.to_string())
}

fn uri(scheme: &str, authority: &str) -> io::Result<Uri> {
    Uri::builder()
        .scheme(scheme)
        .authority(authority)
        .path_and_query("/")
        .build()
        .map_err(io::Error::other)
}

#[cfg(test)]
mod tests;
