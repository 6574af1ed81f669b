//! Shows that the tests can fail, by putting them in front of one broken gateway after the other.
//!
//! Without an argument: behind each fault the one test that looks for it, which must fail, and all of these without a
//! fault. With `--whole`: both suites behind each fault, and as a table in Markdown what has noticed it.
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
    let whole = std::env::args()
        .skip(1)
        .any(|argument| argument == "--whole");
    let wrong = if whole { table().await } else { named().await };
    if wrong.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("\nnot as it should be: {}", wrong.join(", "));
    ExitCode::FAILURE
}

/// Runs the test that each fault names; gives the faults that it does not notice.
async fn named() -> Vec<&'static str> {
    let all: BTreeSet<&str> = FAULTS.iter().filter_map(|fault| fault.noticed_by).collect();
    let mut wrong = Vec::new();
    for fault in FAULTS {
        let wanted = match fault.noticed_by {
            Some(test) => vec![test],
            None => all.iter().copied().collect(),
        };
        let mut command = gateway_tests(fault);
        command.arg("--exact").args(&wanted);
        let noticed = tests(command, wanted.len()).await;
        println!("{:<26} {}", fault.name, cell(&noticed, ", "));
        if noticed.is_empty() != fault.is_none() {
            wrong.push(fault.name);
        }
    }
    wrong
}

/// Runs both suites behind each fault and prints what has noticed it; gives the faults that their test does not notice.
async fn table() -> Vec<&'static str> {
    println!("| Fault | The gateway, broken | Fuzzer | Rust tests |\n|---|---|---|---|");
    let mut wrong = Vec::new();
    for fault in FAULTS {
        let mut command = gateway_tests(fault);
        // Those on the gateway as a process of its own have no fault in front.
        command.args(["--test-threads", "8", "--skip", "process"]);
        let (fuzzer, tests) = tokio::join!(fuzzer(fault), tests(command, 1));
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
        let as_wanted = match fault.noticed_by {
            Some(test) => tests.iter().any(|noticed| noticed == test),
            None => fuzzer.is_empty() && tests.is_empty(),
        };
        if !as_wanted {
            wrong.push(fault.name);
        }
    }
    wrong
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
    .0
}

/// The tests on the booted gateway, with a fault in front.
fn gateway_tests(fault: &Fault) -> Command {
    let mut command = Command::new("cargo");
    command
        .args(["test", "--locked", "--workspace", "--test", "gateway"])
        .arg("--")
        .env("CONTRACT_FAULT", fault.name);
    command
}

/// The Rust tests that fail.
///
/// # Panics
/// Fewer tests ran than `least`: a name that no test has any more notices nothing.
async fn tests(command: Command, least: usize) -> Vec<String> {
    let (red, text) = red(command, "the tests", |line| {
        line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
    })
    .await;
    let ran = text.lines().filter(|line| {
        line.starts_with("test ") && (line.ends_with(" ... ok") || line.ends_with(" ... FAILED"))
    });
    assert!(ran.count() >= least, "a test is missing:\n{text}");
    red
}

/// Runs a command and picks from what it prints; nothing when it succeeds. Gives all that it printed, too.
///
/// # Panics
/// It fails and nothing can be picked: then it failed of something else.
async fn red(
    mut command: Command,
    what: &str,
    pick: impl Fn(&str) -> Option<&str>,
) -> (Vec<String>, String) {
    let output = command
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .output()
        .await
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return (Vec::new(), text);
    }
    let picked: BTreeSet<String> = text.lines().filter_map(pick).map(str::to_owned).collect();
    assert!(
        !picked.is_empty(),
        "{what} failed, but not of the fault:\n{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    (picked.into_iter().collect(), text)
}
