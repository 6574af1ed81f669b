//! Boots the real gateway against the stand-in, talks to it over HTTP, and refuses every answer that is not in the
//! OpenAPI document: a test that goes through [`client::Client`] is a contract test, whatever else it asserts.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test harness a failure is a panic with a message"
)]

pub mod attacker;
pub mod bystander;
pub mod client;
pub mod database;
pub mod document;
pub mod faults;
pub mod gateway;
pub mod lab;
pub mod process;
pub mod server;
pub mod session;
pub mod tokens;
pub mod usage;
pub mod wait;
