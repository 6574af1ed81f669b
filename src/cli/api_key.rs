//! `api-key create`, `list` and `revoke`.

use std::io::{self, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Subcommand;
use whatsapp_gateway::{ApiKeyRecord, BadId, Capabilities, Store, api_key, config, now, valid_id};

use super::{Failure, unusable};

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a key and print it, once, on standard output
    Create {
        /// The organization it acts for
        #[arg(long, value_parser = organization)]
        org: String,
        /// What to call it in the list
        #[arg(long, value_parser = name)]
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
        #[arg(long, value_parser = organization)]
        org: Option<String>,
    },
    /// Revoke a key; takes effect within seconds
    Revoke {
        /// The id that the list shows
        id: String,
    },
}

/// Does what the command says.
pub async fn run(command: Command) -> Result<(), Failure> {
    let database = config::database_from_env()?;
    let store = Store::open_existing(&database)
        .await
        .map_err(unusable(&database))?;
    match command {
        Command::Create {
            org,
            name,
            capabilities,
            expires,
        } => {
            let (token, hash) = api_key::generate();
            let key = ApiKeyRecord {
                expires_at: expires,
                ..ApiKeyRecord::new(&org, &name, &capabilities.to_string())
            };
            store.insert_api_key(&key, &hash, None).await?;
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
        Command::List { org } => {
            let mut out = io::stdout().lock();
            writeln!(
                out,
                "ID\tORGANIZATION\tNAME\tCAPABILITIES\tCREATED\tEXPIRES\tREVOKED\tLAST USED"
            )?;
            let keys = match org {
                Some(org) => store.list_api_keys(&org, None, u32::MAX).await?,
                None => store.all_api_keys().await?,
            };
            for key in keys {
                writeln!(
                    out,
                    "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
                    key.id,
                    key.organization_id,
                    key.name,
                    key.capabilities,
                    time(Some(key.created_at)),
                    time(key.expires_at),
                    time(key.revoked_at),
                    time(key.last_used_at),
                )?;
            }
        }
        Command::Revoke { id } => {
            let revoked = match id.parse() {
                Ok(id) => store.revoke_api_key(None, &id, now()).await?,
                Err(_) => false,
            };
            if !revoked {
                return Err(
                    format!("no api key {id} in {database}; `api-key list` shows the ids").into(),
                );
            }
        }
    }
    store.close().await;
    Ok(())
}

/// The id of an organization, as login tokens have it.
fn organization(value: &str) -> Result<String, BadId> {
    valid_id(value).map(str::to_owned)
}

/// What a key is called.
fn name(value: &str) -> Result<String, &'static str> {
    if api_key::is_name(value) {
        Ok(value.to_owned())
    } else {
        Err("must be 1 to 100 characters without control characters, the first of them no space")
    }
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
}
