//! What is under way, by whom: connections, requests, and answers that wait for their readers.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::origin::{Origin, is_trusted};
use crate::config::Limits;
use crate::permits::{Allowance, Allowances, Permit};

/// The permits of the edge: those of each caller, and those for all.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) by_origin: Allowances<Origin>,
    pub(super) by_organization: Allowances<String>,
    pub(super) all: Allowance,
    /// Bytes.
    pub(super) unread: Allowances<String>,
    connections_by_origin: Allowances<Origin>,
    connections: Allowance,
    /// Reverse proxies that say for whom they ask.
    pub(super) trusted: Vec<IpNet>,
}

impl Admission {
    pub(super) fn new(limits: &Limits, trusted: Vec<IpNet>) -> Arc<Self> {
        Arc::new(Self {
            by_origin: Allowances::new(limits.max_requests_per_address),
            by_organization: Allowances::new(limits.max_requests_per_organization),
            all: Allowance::new(limits.max_requests),
            unread: Allowances::new(limits.max_unread_per_organization),
            connections_by_origin: Allowances::new(limits.max_connections_per_address),
            connections: Allowance::new(limits.max_connections),
            trusted,
        })
    }

    /// The permits of a connection, or why it gets none. A trusted proxy has many callers: all connections are for it.
    pub(super) fn connection(
        &self,
        peer: IpAddr,
    ) -> Result<(Permit, Option<Permit>), &'static str> {
        let by_origin = if is_trusted(peer, &self.trusted) {
            None
        } else {
            let permit = self.connections_by_origin.of(&peer.into()).take(1);
            Some(permit.ok_or("GATEWAY_MAX_CONNECTIONS_PER_ADDRESS")?)
        };
        let permit = self.connections.take(1);
        Ok((permit.ok_or("GATEWAY_MAX_CONNECTIONS")?, by_origin))
    }
}
