//! Which WhatsApp the gateway talks to, and how its sockets are opened.

use std::sync::{Arc, OnceLock};

use http::header::ORIGIN;
use http::{HeaderValue, Uri};
use tokio_websockets::{ClientBuilder, Connector};
use whatsapp_rust::anyhow::{self, Context};
use whatsapp_rust::async_channel::Receiver;
use whatsapp_rust::async_trait;
use whatsapp_rust::http::{HttpClient, HttpRequest, HttpResponse};
use whatsapp_rust::transport::{
    Transport, TransportEvent, TransportFactory, default_tls_connector, from_websocket,
};
use whatsapp_rust::wacore::net::{WHATSAPP_WEB_ORIGIN, WHATSAPP_WEB_WS_URL};

use super::versions::{BUILT_IN, Version, Versions};
use crate::http_client;
use crate::jid::SessionId;
use crate::outbound::Proxies;

/// The network that sessions connect to.
#[derive(Debug, Clone)]
pub enum Network {
    /// WhatsApp itself.
    WhatsApp,
    /// A server that stands in for it, and proves that it is the one by its static key.
    Standin {
        /// Where it listens, `ws://…` or `wss://…`.
        url: String,
        /// Its X25519 public key.
        server_key: [u8; 32],
    },
}

impl Network {
    fn url(&self) -> &str {
        match self {
            Self::WhatsApp => WHATSAPP_WEB_WS_URL,
            Self::Standin { url, .. } => url,
        }
    }
}

/// What every client needs to reach the network: which it is, through which proxies, and the version to claim.
#[derive(Debug, Clone)]
pub struct Dialer {
    network: Network,
    proxies: Arc<Proxies>,
    versions: Arc<Versions>,
}

impl Dialer {
    /// Nothing is dialled yet.
    #[must_use]
    pub fn new(network: Network, proxies: Proxies) -> Self {
        Self {
            network,
            versions: Arc::new(Versions::new(proxies.clone())),
            proxies: Arc::new(proxies),
        }
    }

    pub(super) fn network(&self) -> &Network {
        &self.network
    }

    /// The library's way to the web.
    pub(super) fn web(&self) -> Web {
        Web {
            proxies: Arc::clone(&self.proxies),
            client: OnceLock::new(),
        }
    }

    /// The version to claim.
    pub(super) async fn version(&self) -> Version {
        match self.network {
            Network::WhatsApp => self.versions.current().await,
            Network::Standin { .. } => BUILT_IN,
        }
    }

    /// The versions, which are told what WhatsApp refuses.
    pub(super) fn versions(&self) -> Arc<Versions> {
        Arc::clone(&self.versions)
    }
}

/// Opens the sockets of one client: like the library's own factory, but through the proxies and with `TCP_NODELAY`. Without it every request
/// after an answered notification waits for the delayed ACK of the client's own ack, some 40 ms.
pub(super) struct Sockets {
    url: String,
    proxies: Arc<Proxies>,
    session: SessionId,
}

impl Sockets {
    pub(super) fn new(dialer: &Dialer, session: SessionId) -> Self {
        Self {
            url: dialer.network.url().to_owned(),
            proxies: Arc::clone(&dialer.proxies),
            session,
        }
    }

    async fn dial(&self) -> anyhow::Result<(Arc<dyn Transport>, Receiver<TransportEvent>)> {
        let uri: Uri = self.url.parse()?;
        let tls = uri.scheme_str() == Some("wss");
        let host = uri.host().context("the URL names no host")?;
        // An IPv6 address stands in brackets in a URL and without them everywhere else.
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let socket = self.proxies.connect(&uri).await?;
        let connector = if tls {
            tls_connector()
        } else {
            &Connector::Plain
        };
        let socket = connector.wrap(&host, socket).await?;
        let (socket, _) = ClientBuilder::from_uri(uri)
            .add_header(ORIGIN, HeaderValue::from_static(WHATSAPP_WEB_ORIGIN))?
            .connect_on(socket)
            .await?;
        Ok(from_websocket(socket))
    }
}

/// One TLS configuration for all sessions.
fn tls_connector() -> &'static Connector {
    static CONNECTOR: OnceLock<Connector> = OnceLock::new();
    CONNECTOR.get_or_init(default_tls_connector)
}

#[async_trait]
impl TransportFactory for Sockets {
    async fn create_transport(
        &self,
    ) -> anyhow::Result<(Arc<dyn Transport>, Receiver<TransportEvent>)> {
        let dialled = self.dial().await;
        if let Err(error) = &dialled {
            // The library ends without saying why.
            tracing::warn!(session = %self.session, "cannot reach WhatsApp at {}: {error:#}", self.url);
        }
        dialled
    }
}

/// The library's way to the web. It is given a version and fetches none; media is neither sent nor received.
pub(super) struct Web {
    proxies: Arc<Proxies>,
    client: OnceLock<reqwest::Client>,
}

impl Web {
    fn client(&self) -> anyhow::Result<&reqwest::Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = http_client::builder(&self.proxies)?.build()?;
        Ok(self.client.get_or_init(|| client))
    }
}

#[async_trait]
impl HttpClient for Web {
    async fn execute(&self, request: HttpRequest) -> anyhow::Result<HttpResponse> {
        let method = request.method.parse()?;
        let mut call = self.client()?.request(method, request.url);
        for (name, value) in request.headers {
            call = call.header(name, value);
        }
        if let Some(body) = request.body {
            call = call.body(body);
        }
        let response = call.send().await?;
        Ok(HttpResponse {
            status_code: response.status().as_u16(),
            body: response.bytes().await?.to_vec(),
        })
    }
}
