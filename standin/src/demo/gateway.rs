//! The gateway as a process of its own, as it would be anywhere else.

use std::error::Error;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use whatsapp_standin::Standin;

/// A running gateway.
pub struct Gateway {
    endpoint: Endpoint,
    log: PathBuf,
    child: Child,
}

/// What others need to use it.
#[derive(Clone)]
pub struct Endpoint {
    program: PathBuf,
    database: PathBuf,
    address: SocketAddr,
}

impl Gateway {
    /// Starts `program` with its state in `dir`, connected to `standin`.
    pub fn start(program: &Path, dir: &Path, standin: &Standin) -> Result<Self, Box<dyn Error>> {
        let address = address()?;
        let database = dir.join("gateway.db");
        let log = dir.join("gateway.log");
        let child = Command::new(program)
            .arg("serve")
            .env("GATEWAY_LISTEN", address.to_string())
            .env("GATEWAY_DATABASE", &database)
            .env("WHATSAPP_URL", standin.url())
            .env("WHATSAPP_SERVER_KEY", standin.server_key())
            // The stand-in is on this machine: no proxy reaches it. In lower case, which wins.
            .env("no_proxy", "127.0.0.1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            // Ctrl-C reaches every process of the terminal's group: the demo alone decides when the gateway stops.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        let endpoint = Endpoint {
            program: program.to_owned(),
            database,
            address,
        };
        Ok(Self {
            endpoint,
            log,
            child,
        })
    }

    /// How to use it.
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint.clone()
    }

    /// Completes when the gateway has ended by itself, with what it said last.
    pub async fn ended(&mut self) -> Box<dyn Error> {
        let status = self.child.wait().await;
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let last = log.lines().last().unwrap_or_default();
        match status {
            Ok(status) => format!("the gateway has ended ({status}): {last}").into(),
            Err(error) => error.into(),
        }
    }

    /// Asks it to stop and waits until it has.
    pub async fn stop(mut self) -> Result<(), Box<dyn Error>> {
        // No id: it has ended already.
        if let Some(pid) = self
            .child
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()))
        {
            kill_process(pid, Signal::TERM)?;
        }
        self.child.wait().await?;
        Ok(())
    }
}

impl Endpoint {
    /// Where it serves.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes an API key with its own command line.
    pub async fn create_key(&self) -> Result<String, Box<dyn Error>> {
        let made = Command::new(&self.program)
            .args([
                "api-key",
                "create",
                "--org",
                "demo",
                "--name",
                "demo",
                "--capabilities",
                "read,send,manage",
            ])
            .env("GATEWAY_DATABASE", &self.database)
            .output()
            .await?;
        if !made.status.success() {
            return Err(String::from_utf8_lossy(&made.stderr).into());
        }
        Ok(String::from_utf8(made.stdout)?.trim().to_owned())
    }
}

/// `GATEWAY_LISTEN` if it is set, else port 8080 if it is free, else any other.
fn address() -> Result<SocketAddr, Box<dyn Error>> {
    if let Ok(address) = std::env::var("GATEWAY_LISTEN") {
        return address.parse().map_err(|_| {
            "GATEWAY_LISTEN: must be an address and a port, such as 127.0.0.1:8080".into()
        });
    }
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 8080))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    Ok(free.local_addr()?)
}
