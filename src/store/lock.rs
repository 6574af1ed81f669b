//! One process, one database: whoever serves it or changes its schema holds it meanwhile.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::Path;

use super::lease::Lease;
use super::{Database, StoreError, sqlite};

/// The hold of this process on a database.
///
/// An SQLite file is held by a lock of the operating system on a file beside it, `<file>.lock`, which is gone with the
/// process however that ends. A PostgreSQL database is held by a lease, a row that is renewed.
#[derive(Debug)]
pub struct Lock(Held);

#[derive(Debug)]
enum Held {
    File(File),
    Lease(Lease),
}

impl Lock {
    /// Takes hold of a database; creates neither file nor server, but the table of the lease with all others.
    ///
    /// # Errors
    /// [`StoreError::Unusable`]: another process holds it, or it cannot be reached.
    pub async fn take(database: &Database) -> Result<Self, StoreError> {
        Ok(Self(match database {
            Database::Sqlite(path) => Held::File(lock(&sqlite::place(path)?)?),
            Database::Postgres(url, _) => Held::Lease(Lease::take(url).await?),
        }))
    }

    /// Completes, with the reason, when another process has taken the database: only a lease can be lost.
    pub async fn lost(&mut self) -> StoreError {
        match &mut self.0 {
            Held::File(_) => std::future::pending().await,
            Held::Lease(lease) => lease.lost().await,
        }
    }

    /// Lets go, so that the next process need not wait.
    pub async fn release(self) {
        match self.0 {
            Held::File(file) => drop(file),
            Held::Lease(lease) => lease.release().await,
        }
    }
}

/// Locks the file beside `database` and writes this process's id into it.
fn lock(database: &Path) -> Result<File, StoreError> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let cannot = |error: std::io::Error| {
        let path = Path::new(&path).display();
        StoreError::Unusable(format!(
            "cannot lock {path} ({error}); check the permissions of its directory, which has to be on a local disk"
        ))
    };
    let mut options = File::options();
    // It stays when this process ends: to remove it could take it away from under the next one.
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&path).map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(held_by(&mut file)),
        Err(TryLockError::Error(error)) => return Err(cannot(error)),
    }
    let id = std::process::id();
    file.set_len(0)
        .and_then(|()| writeln!(file, "{id}"))
        .map_err(cannot)?;
    Ok(file)
}

fn held_by(file: &mut File) -> StoreError {
    let mut text = String::new();
    // It may be so new that it has not written its id yet.
    let read = file.read_to_string(&mut text);
    let id = read.ok().and_then(|_| text.trim().parse::<u32>().ok());
    let holder = id.map_or("another process".to_owned(), |id| format!("process {id}"));
    StoreError::Unusable(format!("{holder} uses it; stop that process first"))
}
