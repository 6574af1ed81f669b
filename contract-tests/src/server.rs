//! A PostgreSQL server of a test's own, to stop and start.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::wait::within;

/// A running server, gone with it.
#[derive(Debug)]
pub struct Server {
    url: String,
    folder: String,
    /// Ends, and takes the server with it, when this does.
    _run: Child,
}

impl Server {
    /// A new one.
    ///
    /// # Panics
    /// It does not start.
    pub async fn start() -> Self {
        let mut run = script()
            .args(["run", "sh", "-c"])
            .arg("echo $TEST_POSTGRES $TEST_POSTGRES_FOLDER; exec cat")
            .env_remove("TEST_POSTGRES")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("scripts/postgres runs");
        let mut lines = BufReader::new(run.stdout.take().expect("piped")).lines();
        let line = within("the server starts", lines.next_line()).await;
        let line = line.expect("a pipe").expect("a server");
        let (url, folder) = line.split_once(' ').expect("two words");
        Self {
            url: url.to_owned(),
            folder: folder.to_owned(),
            _run: run,
        }
    }

    /// The URL of the database that every server has.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops it, as an administrator does: connections are ended, new ones refused.
    pub async fn stop(&self) {
        self.told("stop").await;
    }

    /// Starts it again, with its data and at its URL.
    pub async fn start_again(&self) {
        self.told("start").await;
    }

    async fn told(&self, verb: &str) {
        let told = script().args([verb, &self.folder]).status();
        let told = within(verb, told).await.expect("scripts/postgres runs");
        assert!(told.success(), "scripts/postgres {verb} failed");
    }
}

fn script() -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Command::new(root.join("scripts/postgres"))
}
