//! `rotate-key`.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::Args;
use whatsapp_gateway::config;

use super::database::alone;
use super::{Failure, unusable};

/// Which key to change to.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Arguments {
    /// The file with the new key; GATEWAY_ENCRYPTION_KEY_FILE names the one with the old key, if there is any
    #[arg(long, value_name = "FILE")]
    new_key_file: Option<PathBuf>,
    /// Encrypt nothing any more
    #[arg(long)]
    decrypt: bool,
}

/// Encrypts the device state with another key.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let database = config::database_from_env()?;
    let old = config::encryption_key_from_env()?;
    let file = arguments.new_key_file.as_deref();
    let new = file.map(|file| config::key_file("--new-key-file", file));
    let new = new.transpose()?;
    let (lock, store) = alone(&database).await?;
    let changed = store.unlock(new.clone(), old).await;
    if let Ok(store) = &changed {
        store.close().await;
    }
    lock.release().await;
    changed.map_err(unusable(&database))?;
    let mut out = io::stderr();
    match (new, file) {
        (Some(key), Some(file)) => writeln!(
            out,
            "{database} is encrypted with the key {}: set GATEWAY_ENCRYPTION_KEY_FILE to {}",
            key.id(),
            file.display()
        )?,
        _ => writeln!(
            out,
            "{database} is not encrypted: unset GATEWAY_ENCRYPTION_KEY_FILE"
        )?,
    }
    Ok(())
}
