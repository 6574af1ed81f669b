//! The gateway in this process: the same `app::bind` and `app::serve` that the command line calls.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use whatsapp_gateway::Clock;
use whatsapp_gateway::Database;
use whatsapp_gateway::Network;
use whatsapp_gateway::Pace;
use whatsapp_gateway::Proxies;
use whatsapp_gateway::app::{self, StartError};
use whatsapp_gateway::config::{
    Config, DEFAULT_KEY_LOOKUPS, DEFAULT_MAX_API_KEYS, DEFAULT_MAX_SESSIONS, DEFAULT_PAIRING_CODES,
    DEFAULT_SHUTDOWN, JwtConfig, Limits,
};
use whatsapp_standin::Standin;

use crate::tokens::{AUDIENCE, ISSUER, Jwks};
use crate::wait::within;

/// The defaults, on a free port of the loopback, against this stand-in.
///
/// # Panics
/// The stand-in's key is not 64 hex digits.
#[must_use]
pub fn config(database: &Database, standin: &Standin) -> Config {
    Config {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        health_listen: None,
        tls: None,
        trusted_proxies: Vec::new(),
        cors_origins: Vec::new(),
        database: database.clone(),
        encryption_key: None,
        limits: Limits::default(),
        max_sessions_per_organization: DEFAULT_MAX_SESSIONS,
        max_api_keys: DEFAULT_MAX_API_KEYS,
        key_lookups_per_second: DEFAULT_KEY_LOOKUPS,
        pairing_codes_per_hour: DEFAULT_PAIRING_CODES,
        shutdown_grace: DEFAULT_SHUTDOWN,
        network: Network::Standin {
            url: standin.url(),
            server_key: key(&standin.server_key()),
        },
        proxies: Proxies::default(),
        keep_actions: Duration::from_secs(90 * 24 * 60 * 60),
        pace: Pace::default(),
        clock: Clock::default(),
        accept_phone_numbers: false,
        whatsapp_timeout: Duration::from_secs(20),
        jwt: None,
    }
}

/// Login tokens as `tokens` mints them. The cool-down is a second: short enough to wait for.
///
/// # Panics
/// The JWKS has no URL.
#[must_use]
pub fn jwt(jwks: &Jwks) -> JwtConfig {
    JwtConfig {
        jwks_url: jwks.url().parse().expect("a URL"),
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
        audience_claim: "aud".into(),
        user_claim: "sub".into(),
        organization_claim: "org".into(),
        role_claim: "role".into(),
        leeway: Duration::from_secs(30),
        refresh: Duration::from_secs(300),
        cooldown: Duration::from_secs(1),
    }
}

fn key(hex: &str) -> [u8; 32] {
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex digits"))
        .collect();
    bytes.try_into().expect("32 bytes")
}

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), StartError>>,
}

impl Gateway {
    /// Starts it. It listens when this returns.
    ///
    /// # Panics
    /// It does not start.
    pub async fn start(config: Config) -> Self {
        let listeners = app::bind(&config).await.expect("a free port");
        let address = listeners.api.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(app::serve(config, listeners, async move {
            let _ = stopped.await;
        }));
        Self {
            address,
            stop,
            task,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops it the way Ctrl-C does.
    ///
    /// # Panics
    /// It does not stop cleanly.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        within("the gateway stops", self.task)
            .await
            .expect("no panic")
            .expect("a clean stop");
    }
}
