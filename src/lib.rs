//! A self-hosted WhatsApp gateway for group membership.
//!
//! The OpenAPI document (`openapi/gateway.yaml`) defines routes, models, capabilities and errors; the crate `gateway-api` is
//! generated from it; this crate fills in the logic.

// Public is what the command line and the tests of the booted gateway use; of the rest rustc sees what is dead.
mod actions;
mod additions;
mod api;
pub mod app;
mod auth;
mod clock;
pub mod config;
mod edge;
mod error;
mod group;
mod groups;
pub mod http_client;
mod jid;
#[cfg(test)]
mod layers_tests;
mod outbound;
mod pace;
mod page;
mod permits;
mod rates;
mod sessions;
mod store;
mod whatsapp;
mod words;

pub use auth::{BadId, Capabilities, api_key, valid_id};
pub use clock::Clock;
pub use error::Code;
pub use jid::{ApiKeyId, SessionId};
pub use outbound::Proxies;
pub use pace::Pace;
pub use store::{ApiKeyRecord, Database, EncryptionKey, Lock, Store, StoreError, backup, now};
pub use whatsapp::Network;
