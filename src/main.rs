//! The command line: what there is, and where it is done.

mod cli;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;
use whatsapp_gateway::Database;

use cli::Failure;

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
    /// Ask the running gateway whether it is alive: exit code 0 when it is
    Healthcheck {
        /// Whether it can serve now, its database included
        #[arg(long)]
        ready: bool,
    },
    /// Make the database, or bring its schema up to date; not while the gateway runs, which does the same at its start
    Migrate,
    /// Create, list and revoke api keys; also while the gateway runs
    #[command(subcommand)]
    ApiKey(cli::api_key::Command),
    /// Copy an SQLite database into a new file, whole and consistent; also while the gateway runs
    Backup {
        /// The file to write
        file: PathBuf,
    },
    /// Encrypt the keys of linked devices with another key; the gateway must be stopped
    RotateKey(cli::rotate_key::Arguments),
    /// Copy a database into an empty one of the other kind, with the gateway stopped
    MigrateDatabase {
        /// The database to copy: a file of SQLite, or postgres://…
        from: Database,
        /// Where to: the same
        to: Database,
    },
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let done = Runtime::new().map_err(Failure::from).and_then(|runtime| {
        let done = runtime.block_on(run(command));
        // What is still being waited for, such as the look-up of a name, does not hold up the end.
        runtime.shutdown_background();
        done
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // To a closed standard error there is nothing to say.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve => cli::serve::run().await,
        Command::Healthcheck { ready } => cli::healthcheck::run(ready).await,
        Command::Migrate => cli::database::migrate().await,
        Command::ApiKey(command) => cli::api_key::run(command).await,
        Command::Backup { file } => cli::database::backup(&file).await,
        Command::RotateKey(arguments) => cli::rotate_key::run(arguments).await,
        Command::MigrateDatabase { from, to } => cli::database::copy(&from, &to).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
