//! A self-hosted WhatsApp gateway for group membership.
//!
//! The OpenAPI document (`openapi/gateway.yaml`) defines routes, models, capabilities and errors; the crate `gateway-api` is
//! generated from it; this crate fills in the logic.

pub mod error;
pub mod jid;
pub mod store;
pub mod whatsapp;
