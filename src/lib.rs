//! A self-hosted WhatsApp gateway for group membership.
//!
//! The OpenAPI document (`openapi/gateway.yaml`) defines routes, models, capabilities and errors; the crate `gateway-api` is
//! generated from it; this crate fills in the logic.

pub mod api;
pub mod app;
pub mod auth;
pub mod config;
pub mod edge;
pub mod error;
pub mod group;
pub mod groups;
pub mod http_client;
pub mod jid;
pub mod outbound;
pub mod sessions;
pub mod store;
pub mod whatsapp;
