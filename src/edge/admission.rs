//! What is under way, by whom: connections, requests, and answers that wait for their readers.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::origin::{Origin, is_trusted};
use crate::config::Limits;
use crate::permits::{Permit, Permits};

/// The permits of the edge: those of each caller, and those for all.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) by_origin: Arc<Permits<Origin>>,
    pub(super) by_organization: Arc<Permits<String>>,
    pub(super) all: Arc<Permits<()>>,
    /// Bytes.
    pub(super) unread: Arc<Permits<String>>,
    connections_by_origin: Arc<Permits<Origin>>,
    connections: Arc<Permits<()>>,
    /// Reverse proxies that say for whom they ask.
    pub(super) trusted: Vec<IpNet>,
}

impl Admission {
    pub(super) fn new(limits: &Limits, trusted: Vec<IpNet>) -> Arc<Self> {
        Arc::new(Self {
            by_origin: Permits::new(limits.max_requests_per_address),
            by_organization: Permits::new(limits.max_requests_per_organization),
            all: Permits::new(limits.max_requests),
            unread: Permits::new(limits.max_unread_per_organization),
            connections_by_origin: Permits::new(limits.max_connections_per_address),
            connections: Permits::new(limits.max_connections),
            trusted,
        })
    }

    /// The permits of a connection, or why it gets none. A trusted proxy has many callers: all connections are for it.
    pub(super) fn connection(
        &self,
        peer: IpAddr,
    ) -> Result<(Permit<()>, Option<Permit<Origin>>), &'static str> {
        let by_origin = if is_trusted(peer, &self.trusted) {
            None
        } else {
            let permit = self.connections_by_origin.take(peer.into(), 1);
            Some(permit.ok_or("GATEWAY_MAX_CONNECTIONS_PER_ADDRESS")?)
        };
        let permit = self.connections.take((), 1);
        Ok((permit.ok_or("GATEWAY_MAX_CONNECTIONS")?, by_origin))
    }
}
