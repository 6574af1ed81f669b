//! What time it is for what waits long: a clock that a test can move, so that no test waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::store;

/// The system's clock, as far ahead as it was moved. Clones move together.
#[derive(Debug, Clone, Default)]
pub struct Clock(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Milliseconds.
    ahead: AtomicI64,
    moved: Notify,
}

impl Clock {
    /// The time, epoch milliseconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        store::now().saturating_add(self.0.ahead.load(Ordering::Acquire))
    }

    /// Moves it ahead, and wakes whoever sleeps by it.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.ahead.fetch_add(by, Ordering::AcqRel);
        self.0.moved.notify_waiters();
    }

    /// Completes at this time, epoch milliseconds.
    pub async fn sleep_until(&self, at: i64) {
        loop {
            // First of all: what moves the clock after this wakes it.
            let moved = self.0.moved.notified();
            let Ok(left) = u64::try_from(at.saturating_sub(self.now())) else {
                return;
            };
            if left == 0 {
                return;
            }
            let _ = timeout(Duration::from_millis(left), moved).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_sleeps_wakes_when_it_is_moved() {
        let clock = Clock::default();
        let hour = Duration::from_secs(60 * 60);
        let at = clock.now() + 60 * 60 * 1000;
        let sleeping = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(at).await }
        });
        clock.advance(hour / 2);
        assert!(!sleeping.is_finished());
        clock.advance(hour / 2);
        sleeping.await.expect("awake");
        assert!(clock.now() >= at);
        clock.sleep_until(at).await;
    }
}
