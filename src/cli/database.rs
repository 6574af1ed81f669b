//! What is done to a whole database: `migrate`, `backup` and `migrate-database`.

use std::io::{self, Write as _};
use std::path::Path;

use whatsapp_gateway::app::StartError;
use whatsapp_gateway::{Database, Lock, Store, config};

use super::{Failure, unusable};

/// Opens a database with its schema up to date, as the one process that may change it.
pub async fn alone(database: &Database) -> Result<(Lock, Store), StartError> {
    let lock = Lock::take(database).await.map_err(unusable(database))?;
    match Store::open(database).await {
        Ok(store) => Ok((lock, store)),
        Err(error) => {
            lock.release().await;
            Err(unusable(database)(error))
        }
    }
}

/// Makes the database, or brings its schema up to date.
pub async fn migrate() -> Result<(), Failure> {
    let database = config::database_from_env()?;
    let (lock, store) = alone(&database).await?;
    store.close().await;
    lock.release().await;
    writeln!(io::stderr(), "{database} is up to date")?;
    Ok(())
}

/// Copies the database into a new file.
pub async fn backup(file: &Path) -> Result<(), Failure> {
    let database = config::database_from_env()?;
    whatsapp_gateway::backup(&database, file)
        .await
        .map_err(unusable(&database))?;
    writeln!(io::stderr(), "wrote {}", file.display())?;
    Ok(())
}

/// Copies one database into another, which has to be empty.
pub async fn copy(from: &Database, to: &Database) -> Result<(), Failure> {
    let lock = Lock::take(from).await.map_err(unusable(from))?;
    let copied = copy_held(from, to).await;
    lock.release().await;
    let sessions = copied?;
    writeln!(
        io::stderr(),
        "copied {from} to {to}, with {sessions} session(s). Set GATEWAY_DATABASE to the new one, and never serve the old one again: two that log in as one device end each other"
    )?;
    Ok(())
}

async fn copy_held(from: &Database, to: &Database) -> Result<u64, Failure> {
    let source = Store::open_existing(from).await.map_err(unusable(from))?;
    let (lock, target) = alone(to).await?;
    let copied = source.copy_to(&target).await;
    target.close().await;
    source.close().await;
    lock.release().await;
    Ok(copied.map_err(unusable(to))?)
}
