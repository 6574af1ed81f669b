//! What is SQLite's alone: how a file is opened, what its errors mean, and how its log is emptied.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::AnyPool;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::time::sleep;
use url::Url;

use super::{Pools, StoreError};

/// What every connection is set to. <https://www.sqlite.org/pragma.html>
///
/// With these a power cut can lose the last commits but never corrupts; a crash of the process loses nothing. What is deleted is overwritten: the keys of a device must not be left over in free pages.
const SETTINGS: &str = "
    PRAGMA busy_timeout = 10000;
    PRAGMA synchronous = NORMAL;
    PRAGMA foreign_keys = ON;
    PRAGMA secure_delete = ON;
    PRAGMA cache_size = -8000;
";

/// How long to wait for another process that holds the file locked.
const BUSY: Duration = Duration::from_secs(10);

/// Longest to wait for a connection. Writers wait in turn for the only one they have.
const ACQUIRE: Duration = Duration::from_secs(30);

/// Connections on which callers read.
const READERS: u32 = 3;

/// Connections for what happens by itself.
const BACKGROUND_READERS: u32 = 2;

/// How long one checkpoint waits for readers. Writers wait with it.
const CHECKPOINT_WAIT: Duration = Duration::from_millis(250);

/// The longest pause between two checkpoints that readers have held up.
const CHECKPOINT_PAUSE: Duration = Duration::from_secs(60);

/// Opens the file at `path`, creating it and bringing its schema up to date.
pub(super) async fn open(path: &Path) -> Result<Pools, StoreError> {
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
    connect(path)
        .await
        .map_err(|error| StoreError::Unusable(explain(&error, path)))
}

async fn connect(path: &Path) -> Result<Pools, StoreError> {
    // A connection of its own first: a pool tries again and again where a file cannot be used.
    let options = SqliteConnectOptions::new().filename(path);
    let options = options
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(BUSY);
    let mut first = options.connect().await?;
    sqlx::migrate!("migrations/sqlite")
        .run_direct(None, &mut first, false)
        .await?;
    let pools = Pools {
        // One writer: SQLite has no more, and whoever waits for their turn here waits in order.
        write: pool(path, "rw", 1).await?,
        read: pool(path, "ro", READERS).await?,
        background: pool(path, "ro", BACKGROUND_READERS).await?,
    };
    first.close().await?;
    Ok(pools)
}

async fn pool(path: &Path, mode: &str, connections: u32) -> Result<AnyPool, StoreError> {
    let options = AnyConnectOptions::from_url(&url(path, mode)?)?;
    let pool = AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE)
        .after_connect(|connection, _| {
            Box::pin(async move { connection.execute(SETTINGS).await.map(drop) })
        })
        // SQLite ends a transaction by itself where the disk fails, which sqlx does not notice: it refuses to begin another
        // on that connection for good.
        .before_acquire(|connection, _| {
            Box::pin(async move { Ok(!connection.is_in_transaction()) })
        })
        .connect_with(options)
        .await?;
    Ok(pool)
}

/// The URL by which sqlx knows a file.
fn url(path: &Path, mode: &str) -> Result<Url, StoreError> {
    let unusable = || StoreError::Unusable("its path is not UTF-8; choose another".to_owned());
    let path = std::path::absolute(path).map_err(|_| unusable())?;
    path.to_str().ok_or_else(unusable)?;
    let file = Url::from_file_path(path).map_err(|()| unusable())?;
    let url = format!("sqlite://{}?mode={mode}", file.path());
    Url::parse(&url).map_err(|_| unusable())
}

/// Whether an error means that the database is down or busy, rather than the gateway wrong, by SQLite's result code.
/// <https://www.sqlite.org/rescode.html>
pub(super) fn is_outage(code: &str) -> bool {
    // BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN.
    matches!(primary(code), Some(5 | 6 | 8 | 10 | 13 | 14))
}

fn primary(code: &str) -> Option<i32> {
    code.parse::<i32>().ok().map(|code| code & 0xff)
}

/// What to tell the operator about a file that does not open.
fn explain(error: &StoreError, path: &Path) -> String {
    let Some(database) = error.of_database() else {
        return error.explain();
    };
    let directory = path.parent();
    match database.code().as_deref().and_then(primary) {
        Some(26) => "it is not an SQLite database; use another file".to_owned(),
        Some(11) => "it is damaged; restore a backup".to_owned(),
        Some(14) if directory.is_some_and(|dir| !dir.as_os_str().is_empty() && !dir.exists()) => {
            "its directory does not exist; create it".to_owned()
        }
        Some(8 | 14) => {
            "it cannot be read and written; check the permissions of the file and of its directory"
                .to_owned()
        }
        Some(5 | 6) => "another process holds it locked; stop that process".to_owned(),
        _ => database.message().to_owned(),
    }
}

/// A background job that folds the write-ahead log into the database file and empties it, so that what was erased is in
/// neither: the log holds copies of pages from before. Long readers, such as a backup, make it try again.
pub(super) fn empty_log(path: PathBuf, pool: AnyPool) {
    tokio::spawn(async move {
        let mut pause = Duration::from_secs(1);
        while !pool.is_closed() {
            match checkpoint(&path).await {
                Ok(true) => return,
                Ok(false) if pause > Duration::from_secs(1) => {}
                Ok(false) => tracing::warn!(
                    "what was erased is still in the database's log: a reader holds it up; trying again"
                ),
                Err(error) => {
                    tracing::warn!(%error, "cannot empty the database's log; trying again");
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(CHECKPOINT_PAUSE);
        }
    });
}

/// Says whether the log is empty now. <https://www.sqlite.org/pragma.html#pragma_wal_checkpoint>
async fn checkpoint(path: &Path) -> sqlx::Result<bool> {
    // A connection of its own, since one of the pools waits longer, and keeps writers waiting as long.
    let options = SqliteConnectOptions::new().filename(path);
    let mut connection: SqliteConnection = options.busy_timeout(CHECKPOINT_WAIT).connect().await?;
    let (busy, _, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(busy == 0)
}
