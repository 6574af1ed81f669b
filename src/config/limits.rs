//! The settings of how much the edge takes on, from one caller and from all.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::ConfigError;
use super::env::Env;

/// What the edge allows. What one caller may have is below what all may have, so that one alone does not shut out the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest a request may take.
    pub request_timeout: Duration,
    /// Longest the head of a request may take: from the start of its connection, or from its first byte.
    pub header_timeout: Duration,
    /// Longest pause in the body of a request.
    pub body_timeout: Duration,
    /// Longest an answer may take to be read by its caller.
    pub answer_timeout: Duration,
    /// Longest a connection may be without a request.
    pub idle_timeout: Duration,
    /// Connections open at once.
    pub max_connections: usize,
    /// Connections open at once from one address.
    pub max_connections_per_address: usize,
    /// Requests of authenticated callers served at once.
    pub max_requests: usize,
    /// Requests of one organization served at once.
    pub max_requests_per_organization: usize,
    /// Requests from one address served at once, authenticated or not.
    pub max_requests_per_address: usize,
    /// Bytes of answers that the callers of one organization have not read yet.
    pub max_unread_per_organization: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(60),
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(30),
            // Longer than the usual 60 s of a load balancer, which would otherwise send on a connection that is just closing.
            idle_timeout: Duration::from_secs(75),
            max_connections: 4096,
            max_connections_per_address: 256,
            max_requests: 1024,
            max_requests_per_organization: 256,
            max_requests_per_address: 512,
            max_unread_per_organization: 32 << 20,
        }
    }
}

/// Reads them.
pub(super) fn limits(env: &Env) -> Result<Limits, ConfigError> {
    const LONGEST: u64 = 3600;
    let limits = Limits::default();
    let seconds = |name, default, range: RangeInclusive<u64>| env.seconds(name, default, range);
    let number = |name, default| -> Result<usize, ConfigError> {
        let number = env.parsed::<NonZeroUsize>(name, "a number of at least 1")?;
        Ok(number.map_or(default, NonZeroUsize::get))
    };
    let max_unread = number(
        "GATEWAY_MAX_UNREAD_MIB_PER_ORGANIZATION",
        limits.max_unread_per_organization >> 20,
    )?;
    Ok(Limits {
        // Longer than the least time for WhatsApp.
        request_timeout: seconds(
            "GATEWAY_REQUEST_TIMEOUT_SECONDS",
            limits.request_timeout,
            2..=LONGEST,
        )?,
        header_timeout: seconds(
            "GATEWAY_HEADER_TIMEOUT_SECONDS",
            limits.header_timeout,
            1..=LONGEST,
        )?,
        body_timeout: seconds(
            "GATEWAY_BODY_TIMEOUT_SECONDS",
            limits.body_timeout,
            1..=LONGEST,
        )?,
        answer_timeout: seconds(
            "GATEWAY_ANSWER_TIMEOUT_SECONDS",
            limits.answer_timeout,
            1..=LONGEST,
        )?,
        idle_timeout: seconds(
            "GATEWAY_IDLE_TIMEOUT_SECONDS",
            limits.idle_timeout,
            1..=LONGEST,
        )?,
        max_connections: number("GATEWAY_MAX_CONNECTIONS", limits.max_connections)?,
        max_connections_per_address: number(
            "GATEWAY_MAX_CONNECTIONS_PER_ADDRESS",
            limits.max_connections_per_address,
        )?,
        max_requests: number("GATEWAY_MAX_REQUESTS", limits.max_requests)?,
        max_requests_per_organization: number(
            "GATEWAY_MAX_REQUESTS_PER_ORGANIZATION",
            limits.max_requests_per_organization,
        )?,
        max_requests_per_address: number(
            "GATEWAY_MAX_REQUESTS_PER_ADDRESS",
            limits.max_requests_per_address,
        )?,
        max_unread_per_organization: max_unread.saturating_mul(1 << 20),
    })
}
