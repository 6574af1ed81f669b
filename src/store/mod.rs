//! The database: sessions, api keys, groups, members and device state, in SQLite or PostgreSQL. The only module that
//! knows SQL. Both take the same queries (`$1`, `ON CONFLICT`, `RETURNING`, flags as 0 and 1); what they do not share is
//! in `sqlite` and `postgres`.

mod action_record;
mod actions;
mod addition_record;
mod additions;
mod api_keys;
mod copying;
mod database;
mod device_state;
mod encryption;
mod forgetting;
mod group_writes;
mod groups;
mod idempotency;
mod invitations;
mod lease;
mod limits;
mod lock;
mod members;
mod postgres;
mod recording;
mod records;
mod roster;
mod schema;
mod sessions;
mod sqlite;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgDatabaseError;
use sqlx::{Any, AnyPool, Executor as _, Transaction};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::{Code, Error};
use crate::words::UnknownWord;

pub use action_record::{ActionRecord, ActionStatus, Caller, RecordedError};
pub use actions::ActionFilter;
pub use addition_record::{AdditionRecord, AdditionStatus, Part};
pub use api_keys::ApiKeyRecord;
pub use database::Database;
pub use device_state::DeviceState;
pub use encryption::EncryptionKey;
pub use forgetting::{Keys, Unlinking};
pub use group_writes::GroupWrites;
pub use groups::GroupRecord;
pub use idempotency::{Earlier, IdempotencyKey};
pub use limits::LimitsRecord;
pub use lock::Lock;
pub use members::MemberRecord;
pub use records::Row;
use schema::Schema;
pub use sessions::{SessionRecord, Status, StatusReason};

/// The database failed. For the log; callers see 500 or 503.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database could not answer.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error(transparent)]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A row holds what this version cannot read.
    #[error("unreadable {0} in the database")]
    Unreadable(&'static str),
    /// The device state is encrypted with another key, whose id this is.
    #[error("the device state is encrypted with the key {0}: name the file that holds it")]
    Locked(String),
    /// The database cannot be opened: what is wrong with it and what to do, for the operator.
    #[error("{0}")]
    Unusable(String),
}

impl From<UnknownWord> for StoreError {
    fn from(UnknownWord(what): UnknownWord) -> Self {
        Self::Unreadable(what)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        if error.is_outage() {
            Self::new(Code::Unavailable, "the database is not available")
                .retry_after(Duration::from_secs(1))
                .because(error)
        } else {
            Self::internal(error)
        }
    }
}

impl StoreError {
    /// Whether the database is down or busy, rather than the gateway wrong.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                let code = error.code().unwrap_or_default();
                match error.try_downcast_ref::<PgDatabaseError>() {
                    Some(_) => postgres::is_outage(&code),
                    None => sqlite::is_outage(&code),
                }
            }
            Self::Database(error) => matches!(
                error,
                sqlx::Error::Io(_)
                    | sqlx::Error::Tls(_)
                    | sqlx::Error::PoolTimedOut
                    | sqlx::Error::PoolClosed
                    // The connection broke off within an answer, or while a transaction began.
                    | sqlx::Error::Protocol(_)
                    | sqlx::Error::BeginFailed
                    | sqlx::Error::WorkerCrashed
            ),
            Self::Migration(_) | Self::Unreadable(_) | Self::Locked(_) | Self::Unusable(_) => false,
        }
    }

    /// What the database itself has said, if it has.
    fn of_database(&self) -> Option<&dyn DatabaseError> {
        match self {
            Self::Database(sqlx::Error::Database(error))
            | Self::Migration(MigrateError::Execute(sqlx::Error::Database(error))) => {
                Some(error.as_ref())
            }
            _ => None,
        }
    }

    /// What to tell the operator about a database that does not open, whichever it is.
    fn explain(&self) -> String {
        match self {
            Self::Migration(MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..)) => {
                "its schema is newer than this version of the gateway; run the newer version, or restore a backup".to_owned()
            }
            Self::Migration(MigrateError::VersionMismatch(_)) => {
                "its schema is not the one of this version of the gateway; run the version that made it, or use another database".to_owned()
            }
            other => other.to_string(),
        }
    }
}

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pools: Pools,
    /// The file, where it is SQLite.
    file: Option<PathBuf>,
    /// When the database last showed that it takes writes.
    proven: Arc<Mutex<Option<Instant>>>,
    /// What device state is encrypted with.
    key: Option<EncryptionKey>,
}

/// Connections by what they are for, so that one kind of work never waits behind another.
#[derive(Debug, Clone)]
struct Pools {
    write: AnyPool,
    /// For callers.
    read: AnyPool,
    /// For what happens by itself: clients read the state of their devices, syncs what is stored.
    background: AnyPool,
}

impl Store {
    /// Opens the database, creating an SQLite file and bringing the schema up to date. For whoever holds its [`Lock`].
    ///
    /// # Errors
    /// [`StoreError::Unusable`]: it cannot be opened, or is not a database of this version of the gateway.
    pub async fn open(database: &Database) -> Result<Self, StoreError> {
        Self::with(database, Schema::Update).await
    }

    /// Opens a database that is there already and has the schema of this version of the gateway, also beside the process
    /// that serves it.
    ///
    /// # Errors
    /// [`StoreError::Unusable`]: it cannot be opened, does not exist, or is not up to date.
    pub async fn open_existing(database: &Database) -> Result<Self, StoreError> {
        Self::with(database, Schema::Keep).await
    }

    async fn with(database: &Database, schema: Schema) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let (pools, file) = match database {
            Database::Sqlite(path) => {
                let file = sqlite::place(path)?;
                (sqlite::open(&file, schema).await?, Some(file))
            }
            Database::Postgres(url, connections) => {
                (postgres::open(url, *connections, schema).await?, None)
            }
        };
        Ok(Self {
            pools,
            file,
            proven: Arc::default(),
            key: None,
        })
    }

    /// Begins a transaction that writes. In SQLite it takes its turn at once: one that began with a read could not wait for
    /// another process, it would fail.
    async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        let write = &self.pools.write;
        Ok(match self.file {
            Some(_) => write.begin_with("BEGIN IMMEDIATE").await?,
            None => write.begin().await?,
        })
    }

    /// Empties SQLite's write-ahead log in the background, so that what was erased is gone from there too. Does nothing on
    /// PostgreSQL, whose log and free space are the server's.
    pub fn empty_log(&self) {
        if let Some(file) = &self.file {
            sqlite::empty_log(file.clone(), self.pools.write.clone());
        }
    }

    /// Has every write refused, as a disk that is mounted read-only does, or no more. For an SQLite file.
    #[cfg(test)]
    pub async fn refuse_writes(&self, refuse: bool) {
        let pragma = if refuse {
            "PRAGMA query_only = ON"
        } else {
            "PRAGMA query_only = OFF"
        };
        let done = self.pools.write.execute(pragma).await;
        done.expect("an SQLite file");
    }

    /// Sees to what updates have left of the rows of device state as they were. PostgreSQL keeps them in the table's file, so
    /// it writes that anew.
    async fn erase_old_rows(&self) -> Result<(), StoreError> {
        match &self.file {
            Some(file) if sqlite::checkpoint(file).await? => {}
            Some(_) => self.empty_log(),
            None => {
                self.pools.write.execute("VACUUM FULL device_state").await?;
            }
        }
        Ok(())
    }

    /// Asks the database for an answer.
    ///
    /// # Errors
    /// It gave none.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.pools.read).await?;
        Ok(())
    }

    /// Closes the database. SQLite's write-ahead log is folded into the file.
    pub async fn close(&self) {
        let Pools {
            write,
            read,
            background,
        } = &self.pools;
        // The last connection to go folds the log, for which it has to be one that may write.
        read.close().await;
        background.close().await;
        write.close().await;
    }
}

/// Copies an SQLite database into a new file, whole and as of one moment, also while the gateway runs.
///
/// # Errors
/// [`StoreError::Unusable`]: it is no SQLite database, cannot be read, or `to` exists or cannot be written.
pub async fn backup(database: &Database, to: &Path) -> Result<(), StoreError> {
    match database {
        Database::Sqlite(path) => sqlite::backup(&sqlite::place(path)?, to).await,
        Database::Postgres(..) => Err(StoreError::Unusable(
            "it is a PostgreSQL server; back it up with pg_dump".to_owned(),
        )),
    }
}

/// `$3, $4 …`: `count` parameters of a statement, the first of which is `$first`.
fn parameters(first: usize, count: usize) -> String {
    let numbers: Vec<String> = (first..first + count).map(|n| format!("${n}")).collect();
    numbers.join(", ")
}

/// Text from outside without the one character that PostgreSQL cannot store.
fn clean(text: &str) -> String {
    text.replace('\0', "")
}

/// The time now, in epoch milliseconds, as the database and the API keep it.
#[must_use]
pub fn now() -> i64 {
    let since_epoch = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod actions_tests;
#[cfg(test)]
mod copying_tests;
#[cfg(test)]
mod directory_tests;
#[cfg(test)]
mod encryption_tests;
#[cfg(test)]
mod forgetting_tests;
#[cfg(test)]
mod lock_tests;
#[cfg(all(test, unix))]
mod sqlite_tests;
#[cfg(test)]
mod tests;
