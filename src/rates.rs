//! Rates: how often something may be asked for, by each of those who ask.

use std::hash::Hash;

use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::error::Error;

/// Who asked, as many as are remembered before those who may ask for all again are forgotten.
const REMEMBERED: usize = 10_000;

/// Counts by whoever asks, `K`.
#[derive(Debug)]
pub struct Rates<K: Eq + Hash + Clone> {
    asked: DefaultKeyedRateLimiter<K>,
    budget: &'static str,
    message: &'static str,
}

impl<K: Eq + Hash + Clone> Rates<K> {
    /// So often for each; over that the error names `budget`, and says `message` for people.
    pub fn new(quota: Quota, budget: &'static str, message: &'static str) -> Self {
        Self {
            asked: RateLimiter::keyed(quota),
            budget,
            message,
        }
    }

    /// Counts one more.
    ///
    /// # Errors
    /// 429 with the budget, and when there is room again.
    pub fn take(&self, who: &K) -> Result<(), Error> {
        if self.asked.len() > REMEMBERED {
            self.asked.retain_recent();
        }
        self.asked.check_key(who).map_err(|until| {
            let after = until.wait_time_from(self.asked.clock().now());
            Error::over_budget(self.budget, self.message, after)
        })
    }
}
