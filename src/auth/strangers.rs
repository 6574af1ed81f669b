//! Credentials that are not known here: how many of them one address may have looked up.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::error::Error;

/// How many seconds' worth may come at once: after a start, every caller's key is new.
const BURST: u32 = 10;

/// Addresses remembered before those that may ask for all again are forgotten.
const REMEMBERED: usize = 10_000;

/// Counts look-ups in the database, so that nobody keeps it busy with keys that are made up.
#[derive(Debug)]
pub(super) struct Strangers(DefaultKeyedRateLimiter<IpAddr>);

impl Strangers {
    pub(super) fn new(per_second: NonZeroU32) -> Self {
        let burst = per_second.saturating_mul(NonZeroU32::MIN.saturating_add(BURST - 1));
        Self(RateLimiter::keyed(
            Quota::per_second(per_second).allow_burst(burst),
        ))
    }

    /// Counts one more.
    ///
    /// # Errors
    /// 429 `unknownKeysPerAddress`.
    pub(super) fn admit(&self, from: IpAddr) -> Result<(), Error> {
        if self.0.len() > REMEMBERED {
            self.0.retain_recent();
        }
        self.0.check_key(&from).map_err(|until| {
            let message = "too many api keys that are not known";
            let after = until.wait_time_from(self.0.clock().now());
            Error::over_budget("unknownKeysPerAddress", message, after)
        })
    }
}
