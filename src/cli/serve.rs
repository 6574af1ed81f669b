//! `serve`.

use std::io;

use tracing_subscriber::EnvFilter;
use whatsapp_gateway::app;
use whatsapp_gateway::config::{Config, ConfigError, Limits, LogConfig, LogFormat};

use super::Failure;

/// Serves until told to stop.
pub async fn run() -> Result<(), Failure> {
    log(&LogConfig::from_env()?)?;
    let mut config = Config::from_env()?;
    bound_by_descriptors(&mut config.limits);
    let shutdown = told_to_stop()?;
    let listeners = app::bind(&config).await?;
    Ok(app::serve(config, listeners, shutdown).await?)
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

/// Gets the process all the descriptors that it may have, and leaves two thirds of them for what is not a connection to it:
/// sessions, the database.
fn bound_by_descriptors(limits: &mut Limits) {
    let descriptors = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX);
    let third = usize::try_from(descriptors / 3).unwrap_or(usize::MAX);
    if third < limits.max_connections {
        tracing::warn!(
            max_connections = third,
            "GATEWAY_MAX_CONNECTIONS is more than a third of the descriptors that this process may have (ulimit -n)"
        );
        limits.max_connections = third;
        // Still, one address does not get all of them.
        limits.max_connections_per_address = limits.max_connections_per_address.min(third / 2);
    }
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
