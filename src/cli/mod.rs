//! What the commands do, a file a theme.

pub mod api_key;
pub mod database;
pub mod healthcheck;
pub mod rotate_key;
pub mod serve;

use whatsapp_gateway::app::StartError;
use whatsapp_gateway::{Database, StoreError};

/// Why a command fails: one line for the operator.
pub type Failure = Box<dyn std::error::Error>;

/// A database that cannot be used, as the start tells it.
fn unusable(database: &Database) -> impl Fn(StoreError) -> StartError {
    |source| StartError::of_store(database, source)
}
