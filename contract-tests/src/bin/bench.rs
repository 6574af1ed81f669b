//! Measures the gateway, as a process of its own, against the stand-in in this one: `make bench`.
//!
//! What it prints: how long sequential warm adds take over loopback, how many WhatsApp round trips each costs, and how
//! much memory the gateway holds with connected sessions.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement prints, and gives up with a message"
)]

use std::ffi::OsString;
use std::time::{Duration, Instant};

use contract_tests::client::Client;
use contract_tests::lab::{ORGANIZATION, create_api_key};
use contract_tests::process::Process;
use contract_tests::session::Session;
use contract_tests::wait::within;
use tempfile::TempDir;
use whatsapp_gateway::Store;
use whatsapp_standin::{GroupSpec, Person, Standin};

/// Adds to measure; a tenth as many go before to warm up.
const ADDS: usize = 2000;
/// How many connected sessions the memory is measured with.
const SESSIONS: [usize; 2] = [1, 100];
/// How many people are in each group of those.
const MEMBERS: usize = 50;
const ADD: &str = "set w:g2 add";

#[tokio::main]
async fn main() {
    latency().await;
    for sessions in SESSIONS {
        memory(sessions).await;
    }
}

/// A stand-in, a database with a key to it, and the settings of a gateway between them.
struct Bench {
    standin: Standin,
    environment: Vec<(&'static str, OsString)>,
    token: String,
    _dir: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let standin = Standin::start_default().await.expect("a stand-in");
        let dir = TempDir::new().expect("a directory");
        let database = dir.path().join("gateway.db");
        let store = Store::open(&database.clone().into())
            .await
            .expect("a database");
        let token = create_api_key(&store, ORGANIZATION, "read,send,manage", None)
            .await
            .1;
        let environment = vec![
            ("GATEWAY_DATABASE", database.into()),
            ("WHATSAPP_URL", standin.url().into()),
            ("WHATSAPP_SERVER_KEY", standin.server_key().into()),
        ];
        Self {
            standin,
            environment,
            token,
            _dir: dir,
        }
    }

    fn caller(&self, gateway: &Process) -> Client {
        Client::new(gateway.url()).with_token(&self.token)
    }
}

async fn latency() {
    let bench = Bench::new().await;
    let account = phone(0);
    let group = bench
        .standin
        .add_group(GroupSpec::new("Bench").admin(&account).size_limit(2 * ADDS));
    let gateway = Process::serve(&bench.environment).await;
    let session = Session::create(&bench.caller(&gateway)).await;
    session.pair(&bench.standin, &account).await;

    let warm_up = ADDS / 10;
    let mut times = Vec::with_capacity(ADDS);
    let mut asked = 0;
    for n in 0..warm_up + ADDS {
        if n == warm_up {
            asked = bench.standin.iq_counts_of(&account).values().sum();
        }
        let person = phone(1 + n);
        bench.standin.add_person(Person::new(&person));
        let call = session.add(&group, &[&person]);
        let begun = Instant::now();
        call.send().await.expect_no_content();
        if n >= warm_up {
            times.push(begun.elapsed());
        }
    }
    let counts = bench.standin.iq_counts_of(&account);
    let all: u64 = counts.values().sum();
    times.sort_unstable();
    let at = |share: f64| in_ms(times[((ADDS - 1) as f64 * share) as usize]);
    println!(
        "sequential warm adds of one person each, {ADDS} calls, gateway and caller on loopback:"
    );
    println!(
        "  median {:.3} ms, p99 {:.3} ms, longest {:.3} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    println!(
        "  {:.3} IQs a call, pings included",
        (all - asked) as f64 / ADDS as f64
    );
    println!(
        "  {} adds in all, of which {} to warm up",
        counts[ADD], warm_up
    );
    end(gateway).await;
}

async fn memory(sessions: usize) {
    let bench = Bench::new().await;
    let accounts: Vec<String> = (0..sessions).map(phone).collect();
    for (n, account) in accounts.iter().enumerate() {
        let mut group = GroupSpec::new("Bench").admin(account);
        for member in 1..MEMBERS {
            group = group.member(phone(100_000 + n * MEMBERS + member));
        }
        bench.standin.add_group(group);
    }
    let gateway = Process::serve(&bench.environment).await;
    let idle = resident(&gateway);
    let caller = bench.caller(&gateway);
    let mut ids = Vec::new();
    for account in &accounts {
        let session = Session::create(&caller).await;
        session.pair(&bench.standin, account).await;
        ids.push(session.id);
    }
    let paired = resident(&gateway);
    end(gateway).await;

    let gateway = Process::serve(&bench.environment).await;
    let caller = bench.caller(&gateway);
    for (account, id) in accounts.iter().zip(ids) {
        let session = Session {
            caller: caller.clone(),
            id,
        };
        session.wait_working(&bench.standin, account).await;
    }
    let restarted = resident(&gateway);
    println!(
        "memory of the gateway (VmRSS) with {sessions} connected, each in one group of {MEMBERS}:"
    );
    println!("  {idle} KiB before, {paired} KiB just paired, {restarted} KiB after a restart");
    end(gateway).await;
}

async fn end(gateway: Process) {
    let code = within("the gateway ends", gateway.terminate()).await;
    assert_eq!(code, Some(0));
}

fn phone(n: usize) -> String {
    format!("62877{n:07}")
}

fn in_ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Resident memory in KiB, as Linux tells it.
fn resident(gateway: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.id())).expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("VmRSS");
    line.split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse().ok())
        .expect("a number of KiB")
}
