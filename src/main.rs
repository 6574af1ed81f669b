//! The command line: `serve`, `api-key create`, `list` and `revoke`, and `rotate-key`.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;
use whatsapp_gateway::app;
use whatsapp_gateway::config::{self, Config, ConfigError, LogConfig, LogFormat};
use whatsapp_gateway::{ApiKeyRecord, Store, now};
use whatsapp_gateway::{Capabilities, api_key};

/// A self-hosted WhatsApp gateway. Settings come from the environment.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API until told to stop (Ctrl-C or SIGTERM)
    Serve,
    /// Create, list and revoke api keys; also while the gateway runs
    #[command(subcommand)]
    ApiKey(ApiKeyCommand),
    /// Encrypt the keys of linked devices with another key; the gateway must be stopped
    RotateKey(RotateKey),
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct RotateKey {
    /// The file with the new key; GATEWAY_ENCRYPTION_KEY_FILE names the one with the old key, if there is any
    #[arg(long, value_name = "FILE")]
    new_key_file: Option<PathBuf>,
    /// Encrypt nothing any more
    #[arg(long)]
    decrypt: bool,
}

#[derive(Debug, Subcommand)]
enum ApiKeyCommand {
    /// Create a key and print it, once, on standard output
    Create {
        /// The organization it acts for
        #[arg(long, value_parser = text)]
        org: String,
        /// What to call it in the list
        #[arg(long, value_parser = text)]
        name: String,
        /// What it may do: read, send and manage, separated by commas
        #[arg(long)]
        capabilities: Capabilities,
        /// When it ends: a duration from now such as 90d or 12h, or a time such as 2030-01-31T00:00:00Z; never, when absent
        #[arg(long, value_parser = expiry)]
        expires: Option<i64>,
    },
    /// List the keys, revoked and expired ones too
    List {
        /// Those of this organization only
        #[arg(long)]
        org: Option<String>,
    },
    /// Revoke a key; takes effect within seconds
    Revoke {
        /// The id that the list shows
        id: String,
    },
}

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve => serve().await,
        Command::ApiKey(command) => api_key(command).await,
        Command::RotateKey(command) => rotate_key(command).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // To a closed standard error there is nothing to say.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Failure> {
    log(&LogConfig::from_env()?)?;
    let config = Config::from_env()?;
    let shutdown = told_to_stop()?;
    let listener = app::bind(&config).await?;
    Ok(app::serve(config, listener, shutdown).await?)
}

/// Completes on Ctrl-C or SIGTERM. The handlers are in place when this returns, not only when it is first polled.
fn told_to_stop() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

fn log(config: &LogConfig) -> Result<(), ConfigError> {
    let filter = EnvFilter::builder()
        .parse(&config.filter)
        .map_err(|error| {
            ConfigError::new(
                "GATEWAY_LOG",
                format!("must be like info or info,sqlx=warn: {error}"),
            )
        })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(false);
    match config.format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    Ok(())
}

async fn api_key(command: ApiKeyCommand) -> Result<(), Failure> {
    let database = config::database_from_env()?;
    let store = Store::open(&database)
        .await
        .map_err(|source| app::StartError::of_store(&database, source))?;
    match command {
        ApiKeyCommand::Create {
            org,
            name,
            capabilities,
            expires,
        } => {
            let (token, hash) = api_key::generate();
            let key = ApiKeyRecord {
                id: ulid::Ulid::generate().to_string(),
                organization_id: org,
                name,
                capabilities: capabilities.to_string(),
                created_at: now(),
                expires_at: expires,
                revoked_at: None,
            };
            store.insert_api_key(&key, &hash).await?;
            // The token alone goes to standard output, so that KEY=$(… api-key create …) works.
            writeln!(
                io::stderr(),
                "created {} for {} in {}: {}, expires {}. Shown once:",
                key.id,
                key.organization_id,
                database,
                key.capabilities,
                time(key.expires_at),
            )?;
            writeln!(io::stdout(), "{token}")?;
        }
        ApiKeyCommand::List { org } => {
            let mut out = io::stdout().lock();
            writeln!(
                out,
                "ID\tORGANIZATION\tNAME\tCAPABILITIES\tCREATED\tEXPIRES\tREVOKED"
            )?;
            for key in store.list_api_keys(org.as_deref()).await? {
                writeln!(
                    out,
                    "{}\t{}\t{}\t{}\t{}\t{}\t{}",
                    key.id,
                    key.organization_id,
                    key.name,
                    key.capabilities,
                    time(Some(key.created_at)),
                    time(key.expires_at),
                    time(key.revoked_at),
                )?;
            }
        }
        ApiKeyCommand::Revoke { id } => {
            if !store.revoke_api_key(&id, now()).await? {
                return Err(
                    format!("no api key {id} in {database}; `api-key list` shows the ids").into(),
                );
            }
        }
    }
    store.close().await;
    Ok(())
}

async fn rotate_key(command: RotateKey) -> Result<(), Failure> {
    let database = config::database_from_env()?;
    let old = config::encryption_key_from_env()?;
    let file = command.new_key_file.as_deref();
    let new = file.map(|file| config::key_file("--new-key-file", file));
    let new = new.transpose()?;
    let failed = |source| app::StartError::of_store(&database, source);
    let store = Store::open(&database).await.map_err(failed)?;
    let store = store.unlock(new.clone(), old).await.map_err(failed)?;
    store.close().await;
    let mut out = io::stderr();
    match (new, file) {
        (Some(key), Some(file)) => writeln!(
            out,
            "{database} is encrypted with the key {}: set GATEWAY_ENCRYPTION_KEY_FILE to {}",
            key.id(),
            file.display()
        )?,
        _ => writeln!(
            out,
            "{database} is not encrypted: unset GATEWAY_ENCRYPTION_KEY_FILE"
        )?,
    }
    Ok(())
}

/// A name for the list, where control characters would break the lines.
fn text(value: &str) -> Result<String, &'static str> {
    if value.trim().is_empty() || value.chars().any(char::is_control) {
        return Err("must not be empty, nor hold control characters");
    }
    Ok(value.to_owned())
}

/// When a key ends, epoch milliseconds.
fn expiry(value: &str) -> Result<i64, &'static str> {
    let at = match humantime::parse_duration(value) {
        Ok(duration) => SystemTime::now().checked_add(duration),
        Err(_) => humantime::parse_rfc3339(value).ok(),
    };
    at.and_then(|at| at.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .filter(|at| *at > now())
        .ok_or(
            "must be a duration such as 90d or 12h, or a time to come such as 2030-01-31T00:00:00Z",
        )
}

/// Epoch milliseconds for people.
fn time(at: Option<i64>) -> String {
    at.and_then(|at| u64::try_from(at).ok())
        .and_then(|at| UNIX_EPOCH.checked_add(Duration::from_millis(at)))
        .map_or_else(
            || "never".to_owned(),
            |at| humantime::format_rfc3339_seconds(at).to_string(),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_end_after_a_duration_or_at_a_time() {
        let day = 24 * 60 * 60 * 1000;
        let in_90_days = expiry("90d").expect("a duration") - now();
        assert!((in_90_days - 90 * day).abs() < 60_000);
        assert_eq!(expiry("2100-01-01T00:00:00Z"), Ok(4_102_444_800_000));
        assert_eq!(time(Some(4_102_444_800_000)), "2100-01-01T00:00:00Z");
        for bad in ["", "0s", "90", "-1d", "2001-01-01T00:00:00Z", "tomorrow"] {
            assert!(expiry(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
        let create = [
            "gateway",
            "api-key",
            "create",
            "--org",
            "o",
            "--name",
            "n",
            "--capabilities",
        ];
        assert!(Cli::try_parse_from(create.iter().chain(&["read,send"])).is_ok());
        assert!(Cli::try_parse_from(create.iter().chain(&["admin"])).is_err());
    }
}
