//! What is SQLite's alone: how a file is opened, what its errors mean, and how its log is emptied.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{AnyPool, ConnectOptions as _, Connection as _, Executor as _};
use tokio::time::sleep;
use url::Url;

use super::{Pools, Schema, StoreError};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// What every connection is set to. <https://www.sqlite.org/pragma.html>
///
/// With these a power cut can lose the last commits but never corrupts; a crash of the process loses nothing. What is
/// deleted is overwritten: the keys of a device must not be left over in free pages. The time-out is [`BUSY`].
const SETTINGS: &str = "
    PRAGMA busy_timeout = 10000;
    PRAGMA synchronous = NORMAL;
    PRAGMA foreign_keys = ON;
    PRAGMA secure_delete = ON;
    PRAGMA cache_size = -8000;
";

/// How long to wait for another process that holds the file locked.
const BUSY: Duration = Duration::from_secs(10);

/// What is wrong where the system lets us do nothing.
const NO_ACCESS: &str =
    "it cannot be read and written; check the permissions of the file and of its directory";

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

/// Where the file at `path` is, behind all links: two names of one file are one database. It need not exist yet.
pub(super) fn place(path: &Path) -> Result<PathBuf, StoreError> {
    let unusable = |reason: &str| StoreError::Unusable(reason.to_owned());
    if path.is_dir() {
        return Err(unusable("it is a directory; name a file in it"));
    }
    if path.exists() {
        let real = path.canonicalize().map_err(|_| unusable(NO_ACCESS))?;
        private(&real)?;
        return Ok(real);
    }
    if path.is_symlink() {
        let reason = "it is a link to what does not exist; correct or remove the link";
        return Err(unusable(reason));
    }
    let path = std::path::absolute(path).map_err(|_| unusable(NO_ACCESS))?;
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(unusable(NO_ACCESS));
    };
    if !directory.exists() {
        return Err(unusable("its directory does not exist; create it"));
    }
    let directory = directory.canonicalize();
    Ok(directory.map_err(|_| unusable(NO_ACCESS))?.join(name))
}

/// Refuses a file that others than its owner may read or write: it holds the keys of the linked devices.
fn private(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = path.metadata().map(|data| data.permissions().mode());
        if mode.is_ok_and(|mode| mode & 0o077 != 0) {
            let path = path.display();
            return Err(StoreError::Unusable(format!(
                "others than its owner have access to it; run `chmod 600 {path}`"
            )));
        }
    }
    Ok(())
}

/// Makes an empty file for its owner alone. SQLite gives its side files the same mode.
pub(super) fn create(path: &Path) -> std::io::Result<()> {
    let mut new = std::fs::OpenOptions::new();
    new.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        new.mode(0o600);
    }
    new.open(path).map(drop)
}

/// Opens the file at `path`, which is its [`place`].
pub(super) async fn open(path: &Path, schema: Schema) -> Result<Pools, StoreError> {
    match schema {
        // Where this fails the file exists already, or what follows fails too and says why.
        Schema::Update => drop(create(path)),
        Schema::Keep => existing(path)?,
    }
    connect(path, schema)
        .await
        .map_err(|error| StoreError::Unusable(explain(&error)))
}

fn existing(path: &Path) -> Result<(), StoreError> {
    if path.exists() {
        return Ok(());
    }
    let reason = "it does not exist; run `whatsapp-gateway migrate` to make it";
    Err(StoreError::Unusable(reason.to_owned()))
}

async fn connect(path: &Path, schema: Schema) -> Result<Pools, StoreError> {
    // A connection of its own first: a pool tries again and again where a file cannot be used.
    let mut options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY);
    if schema == Schema::Update {
        options = options.journal_mode(SqliteJournalMode::Wal);
    }
    let mut first = options.connect().await?;
    schema.apply(&MIGRATIONS, &mut first).await?;
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
        // A file does not hang up, and the question costs as much as a look-up.
        .test_before_acquire(false)
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
fn explain(error: &StoreError) -> String {
    let Some(database) = error.of_database() else {
        return error.explain();
    };
    match database.code().as_deref().and_then(primary) {
        Some(26) => "it is not an SQLite database; use another file".to_owned(),
        Some(11) => "it is damaged; restore a backup".to_owned(),
        Some(8 | 14) => NO_ACCESS.to_owned(),
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

/// Empties the log, and says whether it is empty now: readers can be in the way.
/// <https://www.sqlite.org/pragma.html#pragma_wal_checkpoint>
pub(super) async fn checkpoint(path: &Path) -> sqlx::Result<bool> {
    // A connection of its own, since one of the pools waits longer, and keeps writers waiting as long.
    let options = SqliteConnectOptions::new().filename(path);
    let mut connection: SqliteConnection = options.busy_timeout(CHECKPOINT_WAIT).connect().await?;
    let (busy, _, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(busy == 0)
}

/// Copies the database at `path` into a new file `to`, as of one moment, while others read and write it.
pub(super) async fn backup(path: &Path, to: &Path) -> Result<(), StoreError> {
    existing(path)?;
    let cannot = |error: &dyn std::fmt::Display| {
        StoreError::Unusable(format!("cannot write {}: {error}", to.display()))
    };
    let name = to
        .to_str()
        .ok_or_else(|| cannot(&"its path is not UTF-8"))?;
    create(to).map_err(|error| cannot(&error))?;
    let copied = vacuum_into(path, name).await;
    if copied.is_err() {
        // It is of no use to anyone.
        let _ = std::fs::remove_file(to);
    }
    copied.map_err(|error| StoreError::Unusable(explain(&error)))
}

/// Writes into a file that is there and empty. <https://www.sqlite.org/lang_vacuum.html#vacuuminto>
async fn vacuum_into(path: &Path, to: &str) -> Result<(), StoreError> {
    let options = SqliteConnectOptions::new().filename(path);
    let mut connection = options.busy_timeout(BUSY).connect().await?;
    sqlx::query("VACUUM INTO $1")
        .bind(to)
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    // SQLite leaves it to the system when that reaches the disk.
    let written = std::fs::File::open(to).and_then(|file| file.sync_all());
    Ok(written.map_err(sqlx::Error::Io)?)
}
