//! Wires the parts and serves a listener until told to stop.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::actions;
use crate::additions::Additions;
use crate::api::health::{self, Health};
use crate::api::{Api, document};
use crate::auth::{Auth, AuthLimits};
use crate::config::Config;
use crate::edge::{self, Server, Tls, TlsError};
use crate::sessions::{Allowed, Sessions};
use crate::store::{Database, Lock, Store, StoreError};
use crate::whatsapp::Dialer;

/// Why the gateway does not start: one line that names the setting and the fix.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("{setting}: cannot listen on {address}: {source}; free the port or choose another")]
    Listen {
        /// The setting.
        setting: &'static str,
        /// The address of the setting.
        address: std::net::SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The database cannot be used.
    #[error("GATEWAY_DATABASE: cannot use {database}: {source}")]
    Database {
        /// The database of the setting.
        database: Database,
        /// What the database says.
        source: StoreError,
    },
    /// The device state is encrypted with a key that is not the one of the setting.
    #[error("GATEWAY_ENCRYPTION_KEY_FILE: {0}")]
    EncryptionKey(StoreError),
    /// The HTTP client that fetches the keys of login tokens cannot be built.
    #[error("JWKS_URL: cannot prepare to fetch it: {0}")]
    Jwks(#[from] reqwest::Error),
    /// The TLS certificate cannot be used.
    #[error("GATEWAY_TLS_CERTIFICATE_FILE: {0}")]
    Tls(#[from] TlsError),
}

impl StartError {
    /// Why the store of this database cannot be used.
    #[must_use]
    pub fn of_store(database: &Database, source: StoreError) -> Self {
        match source {
            StoreError::Locked(_) => Self::EncryptionKey(source),
            source => Self::Database {
                database: database.clone(),
                source,
            },
        }
    }
}

/// Where callers come in.
#[derive(Debug)]
pub struct Listeners {
    /// `GATEWAY_LISTEN`.
    pub api: TcpListener,
    /// `GATEWAY_HEALTH_LISTEN`.
    pub health: Option<TcpListener>,
}

/// Takes the addresses the configuration names, so that a taken port is told before anything else begins.
///
/// # Errors
/// [`StartError::Listen`].
pub async fn bind(config: &Config) -> Result<Listeners, StartError> {
    let listen = async |setting, address| {
        let bound = TcpListener::bind(address).await;
        bound.map_err(|source| StartError::Listen {
            setting,
            address,
            source,
        })
    };
    Ok(Listeners {
        api: listen("GATEWAY_LISTEN", config.listen).await?,
        health: match config.health_listen {
            Some(address) => Some(listen("GATEWAY_HEALTH_LISTEN", address).await?),
            None => None,
        },
    })
}

/// Serves until `shutdown` completes; then lets running requests finish, closes every session's connection and the database,
/// all within the time that the configuration grants. Sessions that are started stay so: the next start connects them again.
///
/// # Errors
/// The database is another process's or cannot be used, the TLS certificate cannot, or the JWKS client cannot be built.
pub async fn serve(
    config: Config,
    listeners: Listeners,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), StartError> {
    let Listeners { api, health } = listeners;
    let state = Health::default();
    let mut beside = JoinSet::new();
    if let Some(listener) = health {
        // To the very end, and whatever the other listener has to bear.
        let server = Server::new(config.limits, Vec::new());
        let router = edge::wrap(health::alone(state.clone()), config.limits, &[]);
        beside.spawn(async move {
            let (_never, stopping) = watch::channel(None);
            server.serve(listener, None, router, stopping).await;
        });
    }
    let lock = Lock::take(&config.database).await;
    let mut lock = lock.map_err(|source| StartError::of_store(&config.database, source))?;
    let (stop, stopping) = watch::channel(None);
    let served = serve_locked(&config, api, state, shutdown, stop, &mut lock).await;
    let end = stopping.borrow().unwrap_or_else(Instant::now);
    if timeout_at(end.max(Instant::now() + LAST), lock.release())
        .await
        .is_err()
    {
        tracing::warn!("the database did not close in time");
    }
    served
}

/// How long the last step of stopping may take where no time is left.
const LAST: Duration = Duration::from_millis(100);

async fn serve_locked(
    config: &Config,
    listener: TcpListener,
    health: Health,
    shutdown: impl Future<Output = ()> + Send + 'static,
    stop: watch::Sender<Option<Instant>>,
    lock: &mut Lock,
) -> Result<(), StartError> {
    let database = |source| StartError::of_store(&config.database, source);
    let store = Store::open(&config.database).await.map_err(database)?;
    let key = config.encryption_key.clone();
    let store = store.unlock(key, None).await.map_err(database)?;
    let auth = Auth::new(
        store.clone(),
        &AuthLimits {
            api_keys: config.max_api_keys,
            lookups_per_second: config.key_lookups_per_second,
        },
        config.jwt.as_ref(),
        &config.proxies,
    )?;
    let tls = config.tls.clone().map(Tls::load).transpose()?;
    let sessions = Sessions::load(
        store.clone(),
        Dialer::new(config.network.clone(), config.proxies.clone()),
        config.whatsapp_timeout,
        config.clock.clone(),
        Allowed {
            sessions: config.max_sessions_per_organization,
            pairing_codes_per_hour: config.pairing_codes_per_hour,
        },
    )
    .await
    .map_err(database)?;
    let clock = config.clock.clone();
    let additions = Additions::start(sessions.clone(), store.clone(), clock, config.pace)
        .await
        .map_err(database)?;
    let mut sweeping = JoinSet::new();
    sweeping.spawn(actions::sweep(store.clone(), config.keep_actions));
    let api = Api::new(
        Arc::new(auth),
        sessions.clone(),
        additions.clone(),
        config.accept_phone_numbers,
    );
    let mut router = gateway_api::router(Arc::new(api)).merge(document::routes());
    if config.health_listen.is_none() {
        router = router.merge(health::routes(health.clone()));
    }
    let router = edge::wrap(router, config.limits, &config.cors_origins);

    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "serving");
    }
    health.serving(store.clone());
    let server = Server::new(config.limits, config.trusted_proxies.clone());
    let serving = server.serve(listener, tls, router, stop.subscribe());
    let requests_end = async {
        shutdown.await;
        tracing::info!("stopping");
        health.stopping();
        let grace = config.shutdown_grace;
        let now = Instant::now();
        stop.send_replace(Some(now + grace));
        // The rest is for the sessions and the database.
        sleep_until(now + grace / 4 * 3).await;
    };
    let served = tokio::select! {
        () = serving => Ok(()),
        () = requests_end => {
            tracing::warn!("stopping with requests still running");
            Ok(())
        }
        lost = lock.lost() => {
            // What this process would still write is out of date: the database and its sessions are another's.
            store.close().await;
            Err(database(lost))
        }
    };
    let end = stop
        .borrow()
        .unwrap_or_else(|| Instant::now() + config.shutdown_grace);
    sweeping.shutdown().await;
    additions.shutdown().await;
    sessions.shutdown(end).await;
    if timeout_at(end, store.close()).await.is_err() {
        tracing::warn!("the database did not close in time");
    }
    served
}
