//! Shows that the tests can fail, by putting them in front of one broken gateway after the other.
//!
//! Without an argument: behind each fault the one test that looks for it, which must fail of a spoiled answer, and all of
//! these without a fault. With names: the same of these faults alone. With `--whole`: both suites behind each fault of the
//! table, and as a table in Markdown what has noticed it.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test runner: a failure is a panic with a message"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use contract_tests::faults::{FAULTS, Fault, SPOILED};
use tokio::process::Command;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wrong = if arguments.iter().any(|argument| argument == "--whole") {
        table().await
    } else {
        named(&arguments).await
    };
    if wrong.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("\nnot as it should be: {}", wrong.join(", "));
    ExitCode::FAILURE
}

/// Runs the test that each fault names, of all faults or of these; gives the faults that it does not notice.
async fn named(names: &[String]) -> Vec<&'static str> {
    let mut faults: Vec<Fault> = names.iter().map(|name| Fault::named(name)).collect();
    faults.retain(|fault| !fault.is_none());
    if faults.is_empty() {
        faults = Fault::all()
            .filter(|fault| !fault.is_none())
            .copied()
            .collect();
    }
    let looking: BTreeSet<&str> = faults.iter().filter_map(|fault| fault.noticed_by).collect();
    faults.insert(0, Fault::named("none"));
    let mut wrong = Vec::new();
    for fault in &faults {
        let tests = match fault.noticed_by {
            Some(test) => BTreeSet::from([test]),
            None => looking.clone(),
        };
        let mut command = gateway_tests(fault);
        command.arg("--exact").args(&tests);
        let red = red_tests(command, tests.len()).await;
        println!("{:<26} {}", fault.name, cell(&shown(&red), ", "));
        if !as_wanted(fault, &red) {
            wrong.push(fault.name);
        }
    }
    wrong
}

/// Runs both suites behind each fault of the table and prints what has noticed it; gives the faults that their test does
/// not notice.
async fn table() -> Vec<&'static str> {
    println!("| Fault | The gateway, broken | Fuzzer | Rust tests |\n|---|---|---|---|");
    let mut wrong = Vec::new();
    for fault in FAULTS {
        let mut command = gateway_tests(fault);
        // Those on the gateway as a process of its own have no fault in front.
        command.args(["--test-threads", "8", "--skip", "process"]);
        let (fuzzer, red) = tokio::join!(fuzzer(fault), red_tests(command, 1));
        let tests = shown(&red);
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
        if !as_wanted(fault, &red) || (fault.is_none() && !fuzzer.is_empty()) {
            wrong.push(fault.name);
        }
    }
    wrong
}

/// Whether the fault's own test has failed of what it saw; and without a fault, whether nothing has failed.
fn as_wanted(fault: &Fault, red: &[Red]) -> bool {
    match fault.noticed_by {
        Some(test) => red.iter().any(|red| red.test == test && red.of_the_answer),
        None => red.is_empty(),
    }
}

/// A test that has failed.
struct Red {
    test: String,
    /// Whether it had been given a spoiled answer before: else it did not get that far, or failed of something else.
    of_the_answer: bool,
}

fn shown(red: &[Red]) -> Vec<String> {
    let shown = red.iter().map(|red| match red.of_the_answer {
        true => red.test.clone(),
        false => format!("{} (not of the answer)", red.test),
    });
    shown.collect()
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
async fn red_tests(command: Command, least: usize) -> Vec<Red> {
    let (red, text) = red(command, "the tests", |line| {
        line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
    })
    .await;
    let ran = text.lines().filter(|line| {
        line.starts_with("test ") && (line.ends_with(" ... ok") || line.ends_with(" ... FAILED"))
    });
    assert!(ran.count() >= least, "a test is missing:\n{text}");
    red.into_iter()
        .map(|test| {
            let of_the_answer = of_the_answer(&text, &test);
            Red {
                test,
                of_the_answer,
            }
        })
        .collect()
}

/// Whether what a test has printed names a spoiled answer before it panics.
fn of_the_answer(text: &str, test: &str) -> bool {
    let (_, printed) = text
        .split_once(&format!("---- {test} stdout ----"))
        .unwrap_or_default();
    let own = printed.split("\n---- ").next().unwrap_or_default();
    let (before, _) = own.split_once(" panicked at ").unwrap_or((own, ""));
    before.lines().any(|line| line.starts_with(SPOILED))
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
