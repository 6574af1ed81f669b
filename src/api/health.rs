//! Health: whether the process is alive, and whether it can serve. Open to everybody, for supervisors and load balancers.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use gateway_api::Rejection;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::error::{Code, Error};
use crate::store::Store;

/// How long the database may take to be seen as reachable.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long that is believed: asking costs nobody anything, however often.
const BELIEVED: Duration = Duration::from_secs(1);

/// Where the process stands. Clones see the same.
#[derive(Clone, Default)]
pub struct Health(Arc<Inner>);

#[derive(Default)]
struct Inner {
    phase: RwLock<Phase>,
    /// When the database was last asked, and whether it answered.
    asked: Mutex<Option<(Instant, bool)>>,
}

#[derive(Clone, Default)]
enum Phase {
    #[default]
    Starting,
    Serving(Store),
    Stopping,
}

impl Health {
    /// The database is open, and its schema up to date.
    pub fn serving(&self, store: Store) {
        self.enter(Phase::Serving(store));
    }

    /// The process ends soon.
    pub fn stopping(&self) {
        self.enter(Phase::Stopping);
    }

    fn enter(&self, phase: Phase) {
        *self.0.phase.write().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    async fn ready(&self) -> Result<(), Error> {
        let phase = self
            .0
            .phase
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let unready = |why| Error::new(Code::Unavailable, why).retry_after(BELIEVED);
        match phase {
            Phase::Starting => Err(unready("the gateway is starting")),
            Phase::Stopping => Err(unready("the gateway is stopping")),
            Phase::Serving(store) if self.is_reachable(&store).await => Ok(()),
            Phase::Serving(_) => Err(unready("the database cannot be reached")),
        }
    }

    async fn is_reachable(&self, store: &Store) -> bool {
        // One asks, all others wait for its answer.
        let mut asked = self.0.asked.lock().await;
        if let Some((at, reachable)) = *asked
            && at.elapsed() < BELIEVED
        {
            return reachable;
        }
        let reachable = timeout(PATIENCE, store.ping())
            .await
            .is_ok_and(|pong| pong.is_ok());
        *asked = Some((Instant::now(), reachable));
        reachable
    }
}

/// The routes, to be merged into the generated router.
pub fn routes(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(async || Json(json!({"status": "alive"}))))
        .route("/readyz", get(ready))
        .method_not_allowed_fallback(async || Error::from(Rejection::MethodNotAllowed))
        .with_state(health)
}

/// The routes by themselves.
pub fn alone(health: Health) -> Router {
    routes(health).fallback(async || Error::from(Rejection::NotFound { meant: None }))
}

async fn ready(State(health): State<Health>) -> Result<Json<Value>, Error> {
    health.ready().await?;
    Ok(Json(json!({"status": "ready"})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn it_is_ready_from_the_open_database_to_the_end() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(&dir.path().join("db").into())
            .await
            .expect("a store");
        let health = Health::default();
        let unready = async |health: &Health| {
            let error = health.ready().await.expect_err("not ready");
            assert_eq!(error.code, Code::Unavailable);
            error.message
        };
        assert_eq!(unready(&health).await, "the gateway is starting");
        health.serving(store.clone());
        assert!(health.ready().await.is_ok());

        store.close().await;
        assert!(
            health.ready().await.is_ok(),
            "the last answer is believed for a moment"
        );
        *health.0.asked.lock().await = None;
        assert_eq!(unready(&health).await, "the database cannot be reached");
        health.stopping();
        assert_eq!(unready(&health).await, "the gateway is stopping");
    }
}
