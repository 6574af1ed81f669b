//! Shows that the suite can fail: puts it in front of one broken gateway after the other and prints, as a table in
//! Markdown, what has noticed each fault. Fails when a fault goes unnoticed, or when the suite is red without one.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test runner: a failure is a panic with a message"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use contract_tests::faults::{FAULTS, Fault};
use tokio::process::Command;

#[tokio::main]
async fn main() -> ExitCode {
    println!("| Fault | The gateway, broken | Fuzzer | Rust tests |\n|---|---|---|---|");
    let mut wrong = Vec::new();
    for fault in FAULTS {
        let (fuzzer, tests) = tokio::join!(fuzzer(fault), tests(fault));
        println!(
            "| `{}` | {} | {} | {} |",
            fault.name,
            fault.what,
            cell(&fuzzer, "; "),
            match tests.len() {
                0 | 1 => cell(&tests, ""),
                n => format!("{n}, among them {}", cell(&tests[..1], "")),
            }
        );
        let caught = !fuzzer.is_empty() || !tests.is_empty();
        if caught == fault.is_none() {
            wrong.push(fault.name);
        }
    }
    if wrong.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("\nnot as it should be: {}", wrong.join(", "));
    ExitCode::FAILURE
}

fn cell(noticed: &[String], separator: &str) -> String {
    if noticed.is_empty() {
        "–".into()
    } else {
        noticed.join(separator)
    }
}

/// The checks of the fuzzer that fail, up to the first operation where one does.
async fn fuzzer(fault: &Fault) -> Vec<String> {
    let contract = std::env::current_exe()
        .expect("this program")
        .with_file_name("contract");
    let mut command = Command::new(contract);
    command.args(["--fault", fault.name, "--max-failures", "1", "--no-shrink"]);
    red(command, "the fuzzer", |line| {
        // `- ST108 Response violates schema`
        Some(line.strip_prefix("- ST")?.split_once(' ')?.1)
    })
    .await
}

/// The Rust tests that fail; those on the gateway as a process of its own have no fault in front.
async fn tests(fault: &Fault) -> Vec<String> {
    let mut command = Command::new("cargo");
    command
        .args(["test", "--locked", "--workspace", "--test", "gateway"])
        .args(["--", "--test-threads", "8", "--skip", "process"])
        .env("CONTRACT_FAULT", fault.name);
    red(command, "the tests", |line| {
        line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
    })
    .await
}

/// Runs a command and picks from what it prints; nothing when it succeeds.
///
/// # Panics
/// It fails and nothing can be picked: then it failed of something else.
async fn red(mut command: Command, what: &str, pick: impl Fn(&str) -> Option<&str>) -> Vec<String> {
    let output = command
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .output()
        .await
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    if output.status.success() {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let picked: BTreeSet<String> = text.lines().filter_map(pick).map(str::to_owned).collect();
    assert!(
        !picked.is_empty(),
        "{what} failed, but not of the fault:\n{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    picked.into_iter().collect()
}
