//! Measures the gateway, as a process of its own, against the stand-in in this one: `make bench` runs every scenario,
//! `make bench ONLY="page addition"` some, and `SIZES="sessions=10 members=20"` makes them smaller or larger.
//!
//! What has to hold are ratios and counts of one run. Each is told in a line of its own: it holds, or it does not.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement prints, and gives up with a message"
)]

mod addition;
mod latency;
mod load;
mod memory;
mod page;
mod rig;
mod start;
mod storm;

use std::collections::BTreeMap;

use contract_tests::usage;

/// The scenarios in the order in which they run, each with its sizes: a name and how large it is by default.
const SCENARIOS: &[(&str, &[(&str, usize)])] = &[
    ("latency", &[("adds", 2000)]),
    ("memory", &[("members", 50)]),
    (
        "page",
        &[
            ("size", 1000),
            ("limit", 100),
            ("callers", 8),
            ("rounds", 3),
            ("seconds", 3),
        ],
    ),
    (
        "addition",
        &[("small", 100), ("large", 10_000), ("adds", 500)],
    ),
    (
        "storm",
        &[
            ("groups", 50),
            ("members", 100),
            ("callers", 32),
            ("seconds", 60),
            ("delay", 25),
        ],
    ),
    (
        "start",
        &[
            ("sessions", 300),
            ("groups", 50),
            ("members", 200),
            ("changed", 1),
            ("patience", 300),
        ],
    ),
];

/// How large a scenario is, by the names in [`SCENARIOS`].
struct Sizes(BTreeMap<&'static str, usize>);

impl Sizes {
    fn get(&self, name: &str) -> usize {
        self.0[name]
    }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == page::BARE) {
        return page::serve_bare().await;
    }
    let (given, only): (Vec<&str>, Vec<&str>) = arguments
        .iter()
        .map(String::as_str)
        .partition(|argument| argument.contains('='));
    let given: BTreeMap<&str, usize> = given.into_iter().map(size).collect();
    for name in &only {
        let known = SCENARIOS.iter().any(|(scenario, _)| scenario == name);
        assert!(known, "no scenario {name}: {SCENARIOS:?}");
    }
    for (scenario, defaults) in SCENARIOS {
        if !only.is_empty() && !only.contains(scenario) {
            continue;
        }
        let sizes = defaults
            .iter()
            .map(|(name, default)| (*name, given.get(name).copied().unwrap_or(*default)));
        let sizes = Sizes(sizes.collect());
        println!("\n{scenario} {:?}", sizes.0);
        match *scenario {
            "latency" => latency::run(&sizes).await,
            "memory" => memory::run(&sizes).await,
            "page" => page::run(&sizes).await,
            "addition" => addition::run(&sizes).await,
            "storm" => storm::run(&sizes).await,
            "start" => start::run(&sizes).await,
            _ => unreachable!("a scenario of the list"),
        }
    }
}

/// `name=number`.
fn size(argument: &str) -> (&str, usize) {
    let (name, number) = argument.split_once('=').expect("name=number");
    let known = SCENARIOS
        .iter()
        .flat_map(|(_, sizes)| sizes.iter())
        .any(|(size, _)| *size == name);
    assert!(known, "no size {name}: {SCENARIOS:?}");
    let Ok(number) = number.parse() else {
        panic!("{argument}: not a number");
    };
    (name, number)
}

/// Says whether something that has to hold does.
fn verdict(what: &str, holds: bool) {
    let word = if holds { "holds" } else { "does not hold" };
    println!("  {word}: {what}");
}
