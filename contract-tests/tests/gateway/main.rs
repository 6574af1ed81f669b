//! Tests against the booted gateway, a module a theme.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests and their helpers: a failure is a panic with a message"
)]

mod actions;
mod add_members;
mod additions;
mod api_keys;
mod attacks;
mod bodies;
mod concurrency;
mod credentials;
mod directory;
mod document;
mod document_served;
mod edge;
mod encryption;
mod errors;
mod forgetting;
mod group_acts;
mod healing;
mod idempotency;
mod invitations;
mod jwks;
mod jwt;
mod limits;
mod log;
mod odd_answers;
mod operations;
mod outages;
mod pairing;
mod panics;
mod passkey;
mod paths;
mod phone_numbers;
mod process;
mod proxies;
mod qr;
mod raw;
mod refusals;
mod resilience;
mod status;
mod tenancy;
mod world;
