//! The database of a test.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use whatsapp_gateway::Store;
use whatsapp_standin::Standin;

/// An empty database of a test's own, gone with it.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    _dir: TempDir,
}

impl Database {
    /// A new one.
    ///
    /// # Panics
    /// There is no place for it.
    #[must_use]
    pub fn new() -> Self {
        let dir = TempDir::new().expect("a directory");
        Self {
            path: dir.path().join("gateway.db"),
            _dir: dir,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it the way the command line does.
    ///
    /// # Panics
    /// It fails.
    pub async fn store(&self) -> Store {
        Store::open(&self.path).await.expect("a database")
    }

    /// The settings of a gateway on it, at this stand-in.
    #[must_use]
    pub fn environment(&self, standin: &Standin) -> Vec<(&'static str, OsString)> {
        vec![
            ("GATEWAY_DATABASE", self.path.clone().into()),
            ("WHATSAPP_URL", standin.url().into()),
            ("WHATSAPP_SERVER_KEY", standin.server_key().into()),
        ]
    }
}
