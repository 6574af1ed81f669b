//! Starts the two, pairs them and says how to go on.

mod gateway;
mod rest;
mod world;

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};
use whatsapp_standin::{Standin, StandinConfig};

use gateway::{Endpoint, Gateway};
use rest::Rest;

/// What the demo session is called; a second run finds it by this.
const LABEL: &str = "demo";

/// How long each step of the start may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts a stand-in for WhatsApp and a gateway, paired and ready to try.
#[derive(clap::Parser)]
pub struct Args {
    /// The gateway's program.
    #[arg(long)]
    gateway: PathBuf,
    /// Where both keep their state, the gateway its log, and `env` the values to try.
    #[arg(long)]
    dir: PathBuf,
}

/// Runs until Ctrl-C, SIGTERM or the end of the gateway.
pub async fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;

    fs::create_dir_all(&args.dir)?;
    let standin =
        Standin::start(StandinConfig::default().state(args.dir.join("standin.json"))).await?;
    world::seed(&standin)?;
    let mut gateway = Gateway::start(&args.gateway, &args.dir, &standin)?;

    let endpoint = gateway.endpoint();

    let outcome = tokio::select! {
        ready = prepare(&args.dir, &standin, &endpoint) => match ready {
            Ok(env) => {
                announce(&env, &args.dir)?;
                tokio::select! {
                    _ = interrupt.recv() => Ok(()),
                    _ = terminate.recv() => Ok(()),
                    ended = gateway.ended() => Err(ended),
                }
            }
            Err(error) => Err(error),
        },
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        ended = gateway.ended() => Err(ended),
    };
    gateway.stop().await?;
    standin.stop().await?;
    outcome
}

/// Brings the session to `working` and returns what `.demo/env` is to hold.
async fn prepare(
    dir: &Path,
    standin: &Standin,
    gateway: &Endpoint,
) -> Result<Vec<(&'static str, String)>, Box<dyn Error>> {
    let url = gateway.url();
    within("the gateway to answer", async {
        while Rest::new(&url, "").get("/sessions").await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    })
    .await?;

    let env_file = dir.join("env");
    let key = match known_key(&env_file) {
        Some(key) if Rest::new(&url, &key).get("/sessions").await?.0 == 200 => key,
        _ => gateway.create_key().await?,
    };
    let rest = Rest::new(&url, &key);
    let session = session(&rest).await?;
    within("the session to connect", connect(&rest, &session, standin)).await?;

    let env = vec![
        ("GATEWAY_URL", url),
        ("GATEWAY_API_KEY", key),
        ("GATEWAY_SESSION", session),
        ("GATEWAY_GROUP", world::GROUP.to_owned()),
        ("GATEWAY_GROUP_NOT_ADMIN", world::GROUP_NOT_ADMIN.to_owned()),
        ("GATEWAY_MEMBER", world::jid(world::MEMBER)),
        (
            "GATEWAY_MEMBER_DECLINES",
            world::jid(world::MEMBER_DECLINES),
        ),
    ];
    let lines: String = env
        .iter()
        .map(|(name, value)| format!("{name}='{value}'\n"))
        .collect();
    // It holds a key: for its owner alone.
    fs::OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&env_file)?
        .write_all(lines.as_bytes())?;
    Ok(env)
}

/// The key that an earlier run has left.
fn known_key(env_file: &Path) -> Option<String> {
    let text = fs::read_to_string(env_file).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("GATEWAY_API_KEY="))?;
    Some(line.trim_matches('\'').to_owned())
}

/// The demo's session: the one of an earlier run, or a new one.
async fn session(rest: &Rest) -> Result<String, Box<dyn Error>> {
    let (_, list) = rest.get("/sessions").await?;
    let known = list["data"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|session| session["label"] == LABEL);
    let created;
    let session = if let Some(session) = known {
        session
    } else {
        created = rest.post("/sessions", &json!({"label": LABEL})).await?.1;
        &created
    };
    Ok(session["id"]
        .as_str()
        .ok_or("the gateway did not tell the session's id")?
        .to_owned())
}

/// Starts the session, scans its code if it has one, and waits until it works.
async fn connect(rest: &Rest, session: &str, standin: &Standin) -> Result<(), Box<dyn Error>> {
    let path = format!("/sessions/{session}");
    let (_, mut now) = rest.post(&format!("{path}/start"), &json!({})).await?;
    while now["status"] != "working" {
        if now["phoneNumber"] == Value::Null
            && let (200, qr) = rest.get(&format!("{path}/qr")).await?
        {
            let code = qr["code"].as_str().ok_or("the gateway gave no code")?;
            standin.phone(world::ACCOUNT).scan(code).await?;
            // The device comes back by itself; asking for another code meanwhile would pair it twice.
            standin.wait_connected(world::ACCOUNT).await;
        }
        sleep(Duration::from_millis(50)).await;
        now = rest.get(&path).await?.1;
    }
    Ok(())
}

/// Bounds a step of the start.
async fn within(
    what: &str,
    step: impl Future<Output = Result<(), Box<dyn Error>>>,
) -> Result<(), Box<dyn Error>> {
    timeout(PATIENCE, step).await.map_err(|_| {
        format!(
            "waited {} s for {what}; the gateway's log says more",
            PATIENCE.as_secs()
        )
    })?
}

/// Says what there is and how to try it.
fn announce(env: &[(&str, String)], dir: &Path) -> std::io::Result<()> {
    let value = |name| {
        env.iter()
            .find(|(known, _)| *known == name)
            .map_or("", |(_, value)| value.as_str())
    };
    writeln!(
        std::io::stdout(),
        "
The gateway is ready, with a paired session. Add someone to a group:

curl -i -X POST \"{url}/api/v1/sessions/{session}/groups/{group}/members\" \\
  -H \"Authorization: Bearer {key}\" -H \"Content-Type: application/json\" \\
  -d '{{\"participants\":[\"{member}\"]}}'

With -H \"Prefer: return=representation\" the answer says what became of each person. Many people are added slowly, in the background:

curl -s -X POST \"{url}/api/v1/sessions/{session}/groups/{group}/additions\" \\
  -H \"Authorization: Bearer {key}\" -H \"Content-Type: application/json\" \\
  -d '{{\"participants\":[\"{member}\",\"{declines}\"],\"pace\":{{\"batch\":1}}}}'

More to try is in {dir}/env, every operation at {url}/docs; the gateway logs to {dir}/gateway.log. Ctrl-C stops both.",
        url = value("GATEWAY_URL"),
        session = value("GATEWAY_SESSION"),
        group = value("GATEWAY_GROUP"),
        key = value("GATEWAY_API_KEY"),
        member = value("GATEWAY_MEMBER"),
        declines = value("GATEWAY_MEMBER_DECLINES"),
        dir = dir.display(),
    )
}
