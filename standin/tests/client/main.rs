//! What a stock whatsapp-rust client sees of the stand-in.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy's leave for tests does not reach the helpers of an integration test"
)]

mod decline;
mod faults;
mod group_settings;
mod groups;
mod messages;
mod pairing;
mod passkey;
mod privacy_token;
mod support;
mod timelock;
mod xx;
