//! Wires the parts and serves a listener until told to stop.

use std::future::{Future, IntoFuture as _};
use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::actions;
use crate::additions::Additions;
use crate::api::{Api, document};
use crate::auth::Auth;
use crate::config::Config;
use crate::edge;
use crate::sessions::Sessions;
use crate::store::{Database, Lock, Store, StoreError};
use crate::whatsapp::Dialer;

/// Why the gateway does not start: one line that names the setting and the fix.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error(
        "GATEWAY_LISTEN: cannot listen on {address}: {source}; free the port or choose another"
    )]
    Listen {
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
    /// The listener failed while serving.
    #[error("serving failed: {0}")]
    Serve(io::Error),
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

/// Takes the address the configuration names, so that a taken port is told before anything else begins.
///
/// # Errors
/// [`StartError::Listen`].
pub async fn bind(config: &Config) -> Result<TcpListener, StartError> {
    TcpListener::bind(config.listen)
        .await
        .map_err(|source| StartError::Listen {
            address: config.listen,
            source,
        })
}

/// Serves `listener` until `shutdown` completes, then lets running requests finish for the time the configuration grants and
/// closes every session's connection. Sessions that are started stay so: the next start connects them again.
///
/// # Errors
/// The database is another process's or cannot be used, the JWKS client cannot be built, or the listener fails.
pub async fn serve(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), StartError> {
    let lock = Lock::take(&config.database).await;
    let mut lock = lock.map_err(|source| StartError::of_store(&config.database, source))?;
    let served = serve_locked(&config, listener, shutdown, &mut lock).await;
    lock.release().await;
    served
}

async fn serve_locked(
    config: &Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
    lock: &mut Lock,
) -> Result<(), StartError> {
    let database = |source| StartError::of_store(&config.database, source);
    let store = Store::open(&config.database).await.map_err(database)?;
    let key = config.encryption_key.clone();
    let store = store.unlock(key, None).await.map_err(database)?;
    let auth = Auth::new(store.clone(), config.jwt.as_ref(), &config.proxies)?;
    let sessions = Sessions::load(
        store.clone(),
        Dialer::new(config.network.clone(), config.proxies.clone()),
        config.whatsapp_timeout,
        config.clock.clone(),
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
    let router = gateway_api::router(Arc::new(api)).merge(document::routes());
    let router = edge::wrap(router, config.limits);

    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "serving");
    }
    let (stopping, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        shutdown.await;
        tracing::info!("stopping");
        drop(stopping);
    });
    let grace = async {
        let _ = stopped.await;
        tokio::time::sleep(config.shutdown_grace).await;
    };
    let served = tokio::select! {
        served = server.into_future() => served.map_err(StartError::Serve),
        () = grace => {
            tracing::warn!("stopping with requests still running");
            Ok(())
        }
        lost = lock.lost() => {
            // What this process would still write is out of date: the database and its sessions are another's.
            store.close().await;
            Err(database(lost))
        }
    };
    sweeping.shutdown().await;
    additions.shutdown().await;
    sessions.shutdown().await;
    store.close().await;
    served
}
