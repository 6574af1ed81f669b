//! What is PostgreSQL's alone: how a server is reached, and what its errors mean.

use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::Migrator;
use sqlx::{AnyPool, ConnectOptions as _, Connection as _, PgConnection};
use tokio::time::timeout;
use url::Url;

use super::{Pools, Schema, StoreError};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// Longest to wait for a connection: the server may be down.
const ACQUIRE: Duration = Duration::from_secs(5);

/// Connects to the database that `url` names.
pub(super) async fn open(url: &Url, connections: u32, schema: Schema) -> Result<Pools, StoreError> {
    connect(url, connections, schema)
        .await
        .map_err(|error| StoreError::Unusable(explain(&error)))
}

/// A connection outside of the pools.
pub(super) async fn single(url: &Url) -> Result<PgConnection, StoreError> {
    Ok(timeout(ACQUIRE, PgConnection::connect(url.as_str()))
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))?)
}

async fn connect(url: &Url, connections: u32, schema: Schema) -> Result<Pools, StoreError> {
    // Callers have connections of their own, so that they never wait behind many syncs.
    let for_callers = (connections / 2).max(1);
    // A connection of its own first: a pool tries again and again where a server cannot be used.
    let mut first = single(url).await?;
    schema.apply(&MIGRATIONS, &mut first).await?;
    first.close().await?;
    let write = pool(url, connections.saturating_sub(for_callers).max(1)).await?;
    Ok(Pools {
        read: pool(url, for_callers).await?,
        background: write.clone(),
        write,
    })
}

async fn pool(url: &Url, connections: u32) -> Result<AnyPool, StoreError> {
    let options = AnyConnectOptions::from_url(url)?;
    let pool = AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE)
        .connect_with(options)
        .await?;
    Ok(pool)
}

/// Whether an error means that the server is down, full or busy, rather than the gateway wrong, by its SQLSTATE.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
pub(super) fn is_outage(code: &str) -> bool {
    // Connections, resources (disk full, too many connections), the operator's intervention, the system.
    let class = ["08", "53", "57", "58"];
    // A read-only transaction, a serialization failure, a deadlock, a lock that is not to be had.
    let state = ["25006", "40001", "40P01", "55P03"];
    class.iter().any(|class| code.starts_with(class)) || state.contains(&code)
}

/// What to tell the operator about a server that cannot be used.
pub(super) fn explain(error: &StoreError) -> String {
    let Some(database) = error.of_database() else {
        return match error {
            StoreError::Database(sqlx::Error::Io(error)) => {
                format!("the server does not answer ({error}); start it, or correct the address")
            }
            StoreError::Database(sqlx::Error::PoolTimedOut) => {
                "the server does not answer; start it, or correct the address".to_owned()
            }
            StoreError::Database(sqlx::Error::Tls(error)) => {
                format!("no TLS with the server ({error}); see sslmode and sslrootcert")
            }
            error => error.explain(),
        };
    };
    match database.code().as_deref() {
        Some("28P01" | "28000") => "the server refuses the user or the password".to_owned(),
        Some("3D000") => "the server has no database of that name; create it".to_owned(),
        Some("53300") => {
            "the server has no connections left; raise max_connections there".to_owned()
        }
        Some("42501") => "the user may not create tables there; grant it the schema".to_owned(),
        _ => database.message().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_an_outage() {
        // A server that starts or ends, no connections left, a full disk, an I/O error, a read-only standby, a
        // serialization failure, a deadlock.
        for code in [
            "57P03", "57P01", "08006", "53300", "53100", "58030", "25006", "40001", "40P01",
        ] {
            assert!(is_outage(code), "{code}");
        }
        // No such table, a duplicate, a value that is no text.
        for code in ["42P01", "23505", "22021", ""] {
            assert!(!is_outage(code), "{code}");
        }
    }
}
