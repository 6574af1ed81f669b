//! The database: sessions, api keys, groups, members and device state. The only module that knows SQL.

mod api_keys;
mod device_state;
mod forgetting;
mod groups;
mod members;
mod sessions;

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::error::{Code, Error};

pub use api_keys::ApiKeyRecord;
pub use device_state::{DeviceState, Row};
pub use forgetting::{Keys, Unlinking};
pub use groups::GroupRecord;
pub use members::MemberRecord;
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
    /// The file cannot be opened: what is wrong with it and what to do, for the operator.
    #[error("{0}")]
    Unusable(String),
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
    fn is_outage(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                // Primary result codes, <https://www.sqlite.org/rescode.html>:
                // BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN.
                let code = error.code().and_then(|code| code.parse::<i32>().ok());
                matches!(code.map(|code| code & 0xff), Some(5 | 6 | 8 | 10 | 13 | 14))
            }
            Self::Database(error) => matches!(
                error,
                sqlx::Error::Io(_)
                    | sqlx::Error::PoolTimedOut
                    | sqlx::Error::PoolClosed
                    | sqlx::Error::WorkerCrashed
            ),
            Self::Migration(_) | Self::Unreadable(_) | Self::Unusable(_) => false,
        }
    }
}

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pool: SqlitePool,
}

impl Store {
    /// Opens the SQLite file at `path`, creating it and bringing its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Unusable`]: the file cannot be opened, or is not a database of this version of the gateway.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        if path.is_dir() {
            let reason = "it is a directory; name a file in it";
            return Err(StoreError::Unusable(reason.to_owned()));
        }
        // For the owner alone: the file holds the keys of the linked devices. SQLite gives its side files the same mode.
        // Where this fails the file exists already, or what follows fails too and says why.
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            let mut new = std::fs::OpenOptions::new();
            let _ = new.write(true).create_new(true).mode(0o600).open(path);
        }
        Self::connect(path)
            .await
            .map_err(|error| StoreError::Unusable(explain(&error, path)))
    }

    async fn connect(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // With WAL a power cut can lose the last commits but never corrupts; a crash of the process loses nothing.
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            // Overwrites what is deleted: the keys of a device must not be left over in free pages.
            .pragma("secure_delete", "ON")
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options)
            .await?;
        sqlx::migrate!("migrations/sqlite").run(&pool).await?;
        Ok(Self { pool })
    }

    /// Closes the database: the write-ahead log is folded into the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// What to tell the operator about a database that does not open.
fn explain(error: &StoreError, path: &Path) -> String {
    use sqlx::migrate::MigrateError;
    match error {
        StoreError::Migration(MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..)) => {
            "its schema is newer than this version of the gateway; run the newer version, or restore a backup".to_owned()
        }
        StoreError::Migration(MigrateError::VersionMismatch(_)) => {
            "its schema is not the one of this version of the gateway; run the version that made it, or use another file".to_owned()
        }
        StoreError::Database(sqlx::Error::Database(error))
        | StoreError::Migration(MigrateError::Execute(sqlx::Error::Database(error))) => {
            let code = error.code().and_then(|code| code.parse::<i32>().ok());
            // <https://www.sqlite.org/rescode.html>
            match code.map(|code| code & 0xff) {
                Some(26) => "it is not an SQLite database; use another file".to_owned(),
                Some(11) => "it is damaged; restore a backup".to_owned(),
                Some(14) if path.parent().is_some_and(|dir| !dir.as_os_str().is_empty() && !dir.exists()) => {
                    "its directory does not exist; create it".to_owned()
                }
                Some(8 | 14) => "it cannot be read and written; check the permissions of the file and of its directory".to_owned(),
                Some(5 | 6) => "another process holds it locked; stop that process".to_owned(),
                _ => error.message().to_owned(),
            }
        }
        other => other.to_string(),
    }
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
mod forgetting_tests;
#[cfg(test)]
mod tests;
