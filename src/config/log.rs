//! The settings of what is logged, and how.

use super::ConfigError;
use super::env::Env;

/// What is logged unless `GATEWAY_LOG` says otherwise.
///
/// The WhatsApp client writes phone numbers, through the crate `log` and under names that no filter could list
/// (`Client/Group`, `usync` …). So `log` is not bridged to `tracing`: none of its lines come out, at any level.
pub const DEFAULT_LOG: &str = "info,sqlx=warn";

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// `GATEWAY_LOG`.
    pub filter: String,
    /// `GATEWAY_LOG_FORMAT`.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines, an object a line.
    Json,
}

impl LogConfig {
    /// Reads what is to be logged from the environment.
    ///
    /// # Errors
    /// A setting that cannot be used.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(&Env(&|name| std::env::var_os(name)))
    }

    fn read(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            filter: env
                .text("GATEWAY_LOG")?
                .unwrap_or_else(|| DEFAULT_LOG.to_owned()),
            format: match env.text("GATEWAY_LOG_FORMAT")?.as_deref() {
                None | Some("text") => LogFormat::Text,
                Some("json") => LogFormat::Json,
                Some(_) => {
                    return Err(ConfigError::new(
                        "GATEWAY_LOG_FORMAT",
                        "must be text or json",
                    ));
                }
            },
        })
    }
}
