//! A WhatsApp multi-device server for tests and the demo, on the real wire protocol.

mod connection;
mod fault;
mod group;
mod group_iq;
mod iq;
mod keys;
mod link;
mod node;
mod noise;
mod phone;
mod primary;
mod server;
mod state;
mod wire;
mod world;

pub use fault::{Fault, LoginFault, When};
pub use group::{Addressing, GroupSpec, Outcome, Role};
pub use link::LinkError;
pub use node::Refusal;
pub use phone::{GroupHandle, Phone};
pub use server::{Standin, StandinConfig};
pub use world::{AddOutcome, Person};
