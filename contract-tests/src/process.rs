//! The gateway as a process of its own: for what only a process has, such as an exit code, a log and a violent end.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::{Arc, LazyLock, Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::wait::within;

/// The binary, built once a test run: cargo gives tests of another package no path to it.
static BINARY: LazyLock<Result<PathBuf, String>> = LazyLock::new(|| {
    // Not `env!("CARGO")`, which is the toolchain's own: without rustup's, crates choose toolchains for themselves.
    let mut build = std::process::Command::new("cargo");
    build
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args([
            "build",
            "--locked",
            "--workspace",
            "--bin",
            "whatsapp-gateway",
            "--message-format=json",
        ]);
    // What cargo tells a test of its own package is no business of this build: ring would be compiled again for it.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            build.env_remove(&*name);
        }
    }
    // What is measured is a release build, and so is what it is measured with.
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let built = build.output().map_err(|error| error.to_string())?;
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&built.stderr).into_owned());
    }
    String::from_utf8_lossy(&built.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "whatsapp-gateway")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or_else(|| "cargo names no executable".to_owned())
});

/// The gateway's command line with nothing but these variables in its environment.
fn command<V: AsRef<OsStr>>(arguments: &[&str], environment: &[(&str, V)]) -> Command {
    let binary = BINARY
        .as_ref()
        .unwrap_or_else(|error| panic!("cargo build: {error}"));
    let mut command = command_of(binary.as_ref(), environment);
    command.args(arguments);
    command
}

/// Any program with nothing but these variables in its environment.
fn command_of<V: AsRef<OsStr>>(program: &OsStr, environment: &[(&str, V)]) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs a command to its end.
///
/// # Panics
/// It does not end.
pub async fn run<V: AsRef<OsStr>>(arguments: &[&str], environment: &[(&str, V)]) -> Output {
    let child = command(arguments, environment)
        .spawn()
        .expect("the gateway runs");
    within("the command ends", child.wait_with_output())
        .await
        .expect("an exit code")
}

/// `whatsapp-gateway serve`, running.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: Arc<Mutex<String>>,
    url: String,
}

impl Process {
    /// Starts it on a free port and waits until it listens.
    ///
    /// # Panics
    /// It does not come up.
    pub async fn serve<V: AsRef<OsStr>>(environment: &[(&str, V)]) -> Self {
        Self::listening(command(&["serve"], environment)).await
    }

    /// The same, with a disk that can be [filled](Self::fill_disk).
    ///
    /// # Panics
    /// It does not come up.
    pub async fn serve_on_a_disk<V: AsRef<OsStr>>(environment: &[(&str, V)]) -> Self {
        // What is over a limit of the size of files is to fail, as on a full disk, rather than to end the process.
        let shell = ["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"];
        Self::serve_by(&shell, environment).await
    }

    /// The same, with so many descriptors at most.
    ///
    /// # Panics
    /// It does not come up.
    pub async fn serve_with_descriptors<V: AsRef<OsStr>>(
        most: usize,
        environment: &[(&str, V)],
    ) -> Self {
        let limit = format!("--nofile={most}:{most}");
        Self::serve_by(&["prlimit", &limit], environment).await
    }

    /// Starts it by another program, which becomes it.
    async fn serve_by<V: AsRef<OsStr>>(by: &[&str], environment: &[(&str, V)]) -> Self {
        let direct = command(&["serve"], environment);
        let mut command = command_of(by[0].as_ref(), environment);
        command
            .args(&by[1..])
            .arg(direct.as_std().get_program())
            .args(direct.as_std().get_args());
        Self::listening(command).await
    }

    async fn listening(mut command: Command) -> Self {
        let mut child = command
            .env("GATEWAY_LISTEN", "127.0.0.1:0")
            .spawn()
            .expect("the gateway runs");
        let log = Arc::default();
        let (found, mut address) = watch::channel(None);
        collect(
            child.stdout.take().expect("piped"),
            Arc::clone(&log),
            found.clone(),
        );
        collect(child.stderr.take().expect("piped"), Arc::clone(&log), found);
        let listening = address.wait_for(Option::is_some);
        let address = match within("the gateway listens", listening).await {
            Ok(address) => address.clone().unwrap_or_default(),
            Err(_) => panic!("the gateway ended: {}", log.lock().unwrap()),
        };
        Self {
            child,
            log,
            url: format!("http://{address}"),
        }
    }

    /// Where it is, `http://host:port`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Its process id.
    ///
    /// # Panics
    /// It has ended.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id().expect("a running process")
    }

    /// Everything it has written so far, to either stream.
    ///
    /// # Panics
    /// A reader has panicked.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Lets no write to a file succeed any more.
    pub async fn fill_disk(&self) {
        self.limit_files("0").await;
    }

    /// Ends what [`Self::fill_disk`] began.
    pub async fn free_disk(&self) {
        self.limit_files("unlimited").await;
    }

    /// A soft limit: so the process, or one of the same user, may raise it again.
    async fn limit_files(&self, most: &str) {
        let id = self.id().to_string();
        let set = Command::new("prlimit")
            .args(["--pid", &id, &format!("--fsize={most}:")])
            .status()
            .await
            .expect("prlimit runs");
        assert!(set.success(), "the limit cannot be set");
    }

    /// `kill -9`.
    ///
    /// # Panics
    /// It has ended already.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("a running process");
    }

    /// Waits until it ends by itself; gives the exit code.
    ///
    /// # Panics
    /// It does not end.
    pub async fn ended(&mut self) -> Option<i32> {
        let ended = within("the gateway ends", self.child.wait());
        ended.await.expect("an exit code").code()
    }

    /// SIGTERM, as a supervisor stops a service; gives the exit code.
    ///
    /// # Panics
    /// It does not end.
    pub async fn terminate(mut self) -> Option<i32> {
        self.tell_to_stop().await;
        self.ended().await
    }

    /// SIGTERM alone.
    ///
    /// # Panics
    /// It has ended.
    pub async fn tell_to_stop(&self) {
        let id = self.id().to_string();
        let sent = Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .await
            .expect("kill runs");
        assert!(sent.success(), "no such process");
    }
}

/// Keeps what a stream says, and looks out for the line that tells the address.
fn collect(
    stream: impl AsyncRead + Unpin + Send + 'static,
    log: Arc<Mutex<String>>,
    found: watch::Sender<Option<String>>,
) {
    let mut lines = BufReader::new(stream).lines();
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            if line.contains("serving")
                && let Some(port) = port(&line)
            {
                found.send_replace(Some(format!("127.0.0.1:{port}")));
            }
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    });
}

/// The port in a line that tells the address, whatever the format of the log.
fn port(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("127.0.0.1:")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()
}
