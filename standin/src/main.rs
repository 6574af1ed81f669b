//! The demo: a stand-in with a small world, a gateway in front of it, and a session that is paired. Ctrl-C stops both.

mod demo;

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    match demo::run(demo::Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
