//! Waiting, always with an end.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

/// How long a test waits for something that is on its way. Far above what it takes: the tests share two cores.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for an event.
///
/// # Panics
/// It does not happen.
pub async fn within<T>(what: &str, event: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, event).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: not within {PATIENCE:?}"),
    }
}

/// Asks until there is an answer: for what can be seen over HTTP only, where nothing tells of a change.
///
/// # Panics
/// The answer never comes.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(5);
    loop {
        match timeout_at(deadline, ask()).await {
            Ok(Some(answer)) => return answer,
            Ok(None) if Instant::now() + pause < deadline => sleep(pause).await,
            _ => panic!("{what}: not within {PATIENCE:?}"),
        }
        pause = (pause * 2).min(Duration::from_millis(200));
    }
}
