//! A start with many sessions that have many groups: how long, at what cost, and what callers notice of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use contract_tests::bystander::quantile;
use contract_tests::process::Process;
use serde_json::Value;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep};
use whatsapp_standin::Person;

use crate::load::{Load, Met};
use crate::rig::{Bench, end, group, in_ms, phone};
use crate::{Sizes, usage, verdict};

/// What asks WhatsApp for all groups of an account.
const LIST: &str = "get w:g2 participating";
/// What asks WhatsApp for one group.
const QUERY: &str = "get w:g2 query";
/// Sessions that are paired at once.
const PAIRED_AT_ONCE: usize = 4;
/// People in all the groups: more would be memory of the stand-in alone.
const PEOPLE: usize = 100_000;
/// Fresh keys for a minute of look-ups.
const TOKENS: usize = 12_000;
/// What the sessions write once they are working is over by then.
const SETTLED: Duration = Duration::from_secs(3);

/// What must hold.
const WITHIN: Duration = Duration::from_secs(15);
const LOOKUP_WITHIN: Duration = Duration::from_millis(50);
const WRITES: u64 = 1_000_000;

/// An account, its groups and its session.
#[derive(Clone)]
struct Member {
    account: String,
    gids: Vec<String>,
    session: String,
}

pub(crate) async fn run(sizes: &Sizes) {
    let bench = Arc::new(Bench::new().await);
    let tokens = bench.tokens(TOKENS).await;
    let mut members = seed(&bench, sizes);

    let gateway = bench.serve().await;
    let (own, begun) = (usage::cpu(std::process::id()), Instant::now());
    pair(&bench, &gateway, &mut members).await;
    println!(
        "  paired in {:.1} s: gateway {:.1} s of CPU, VmHWM {} KiB; stand-in and callers {:.1} s of CPU",
        begun.elapsed().as_secs_f64(),
        usage::cpu(gateway.id()),
        usage::peak(gateway.id()),
        usage::cpu(std::process::id()) - own,
    );
    end(gateway).await;

    let changed = sizes.get("changed");
    for (n, member) in members.iter().enumerate() {
        for gid in member.gids.iter().take(changed) {
            let person = phone(20_000_000 + n);
            bench.standin.add_person(Person::new(&person));
            let group = bench.standin.group(gid);
            group.add(&member.account, &[&person]).expect("an admin");
        }
    }
    let patience = Duration::from_secs(sizes.get("patience") as u64);
    println!("  first start, {changed} groups of each session have changed:");
    start(&bench, &members, &tokens, patience).await;
    println!("  second start, nothing has changed:");
    let written = start(&bench, &members, &tokens, patience).await;
    verdict(
        &format!("the second start wrote {written} bytes, less than {WRITES}"),
        written < WRITES,
    );
}

fn seed(bench: &Bench, sizes: &Sizes) -> Vec<Member> {
    let (groups, size) = (sizes.get("groups"), sizes.get("members"));
    let mut number = 0;
    let mut group_of = |account: &str| {
        let first = 1_000_000 + number % PEOPLE;
        number += size;
        bench.standin.add_group(group(account, first, size))
    };
    (0..sizes.get("sessions"))
        .map(|n| {
            let account = phone(n);
            Member {
                gids: (0..groups).map(|_| group_of(&account)).collect(),
                account,
                session: String::new(),
            }
        })
        .collect()
}

async fn pair(bench: &Arc<Bench>, gateway: &Process, members: &mut [Member]) {
    let caller = bench.caller(gateway);
    // On one thread: what a session waits for over HTTP cannot be sent to another.
    let here = LocalSet::new();
    for chunk in members.chunks_mut(PAIRED_AT_ONCE) {
        let mut pairing = JoinSet::new();
        for (n, member) in chunk.iter().enumerate() {
            let (bench, caller) = (Arc::clone(bench), caller.clone());
            let account = member.account.clone();
            let pair = async move { (n, bench.session(&caller, &account).await.id) };
            pairing.spawn_local_on(pair, &here);
        }
        for (n, id) in here.run_until(pairing.join_all()).await {
            chunk[n].session = id;
        }
    }
}

/// Starts the gateway, waits until every session is working, tells what it took, and stops it; how many bytes it wrote.
async fn start(bench: &Bench, members: &[Member], tokens: &[String], patience: Duration) -> u64 {
    let asked = asked(bench, members);
    let files = files(bench);
    let own = usage::cpu(std::process::id());
    let begun = Instant::now();
    let gateway = bench.serve().await;
    let id = gateway.id();
    let load = load(bench, &gateway, members, tokens);
    let working = all_working(bench, &gateway, &load.met, members.len(), begun + patience).await;
    let took = begun.elapsed();
    let (cpu, own) = (usage::cpu(id), usage::cpu(std::process::id()) - own);
    let met = load.end().await;

    println!(
        "    {working} of {} working after {:.1} s: gateway {cpu:.1} s of CPU, VmHWM {} KiB, VmRSS {} KiB; stand-in and \
         callers {own:.1} s of CPU",
        members.len(),
        took.as_secs_f64(),
        usage::peak(id),
        usage::resident(id)
    );
    let all = working == members.len();
    verdict(
        &format!("all working within {WITHIN:?}"),
        all && took <= WITHIN,
    );
    fetched(&asked, &self::asked(bench, members));
    noticed(&met);
    sleep(SETTLED).await;
    let written = usage::written(id);
    println!("    {written} bytes written in all until {SETTLED:?} later (write_bytes)");
    for ((name, before), (_, after)) in files.iter().zip(self::files(bench)) {
        println!("    {name} grew from {before} to {after} bytes");
    }
    end(gateway).await;
    written
}

fn load(bench: &Bench, gateway: &Process, members: &[Member], tokens: &[String]) -> Load {
    let path = |member: &Member| {
        // A group each session, another one than its neighbours'.
        let number = member.session.bytes().map(usize::from).sum::<usize>();
        let gid = &member.gids[number % member.gids.len()];
        format!("/sessions/{}/groups/{gid}/members", member.session)
    };
    let looked_up = format!("/sessions/{}", members[0].session);
    let paths = members.iter().map(path).collect();
    Load::begin(&bench.caller(gateway), paths, looked_up, tokens)
}

/// Lists the sessions until all are working with the groups of this start; how many are when it is given up. (Where the
/// sync failed, a session works with the groups of the last one, and has a reason.)
async fn all_working(
    bench: &Bench,
    gateway: &Process,
    met: &Met,
    sessions: usize,
    until: Instant,
) -> usize {
    let caller = bench.caller(gateway);
    loop {
        let mut working = 0;
        let mut cursor = String::new();
        loop {
            let page = met
                .send(caller.get(format!("/sessions?limit=1000{cursor}")))
                .await;
            let page: Value = serde_json::from_slice(&page).expect("JSON");
            let listed = page["data"].as_array().into_iter().flatten();
            working += listed
                .filter(|session| {
                    session["status"] == "working" && session["statusReason"].is_null()
                })
                .count();
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        if working == sessions || Instant::now() > until {
            return working;
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// How many times each account's groups were asked for: all, and single ones.
fn asked(bench: &Bench, members: &[Member]) -> Vec<[u64; 2]> {
    let of = |counts: BTreeMap<String, u64>| {
        [LIST, QUERY].map(|kind| counts.get(kind).copied().unwrap_or(0))
    };
    let accounts = members.iter().map(|member| &member.account);
    accounts
        .map(|account| of(bench.standin.iq_counts_of(account)))
        .collect()
}

fn fetched(before: &[[u64; 2]], after: &[[u64; 2]]) {
    let since = |kind: usize| {
        after
            .iter()
            .zip(before)
            .map(move |(after, before)| after[kind] - before[kind])
    };
    println!("    {} single groups were asked for", since(1).sum::<u64>());
    let most = since(0).max().unwrap_or(0);
    verdict(
        &format!(
            "all groups were fetched once for each session: {} times for {}, {most} times at most",
            since(0).sum::<u64>(),
            after.len()
        ),
        since(0).all(|times| times == 1),
    );
}

fn noticed(met: &Met) {
    let failures = met.failures.load(Ordering::SeqCst);
    let answers = met.answers.load(Ordering::SeqCst);
    verdict(
        &format!("no 5xx: {failures} of {answers} answers"),
        failures == 0,
    );
    let mut lookups = met.lookups.lock().expect("no panic");
    lookups.sort_unstable();
    let p99 = quantile(&lookups, 0.99);
    verdict(
        &format!(
            "{} api-key look-ups: median {:.1} ms, p99 {:.1} ms, longest {:.1} ms; p99 under {LOOKUP_WITHIN:?}",
            lookups.len(),
            in_ms(quantile(&lookups, 0.5)),
            in_ms(p99),
            in_ms(quantile(&lookups, 1.0))
        ),
        p99 < LOOKUP_WITHIN,
    );
}

/// The files of the database and their sizes in bytes.
fn files(bench: &Bench) -> Vec<(&'static str, u64)> {
    let beside = |suffix: &str| {
        let mut name = bench.database.clone().into_os_string();
        name.push(suffix);
        usage::size(&PathBuf::from(name))
    };
    vec![
        ("the database file", beside("")),
        ("its write-ahead log", beside("-wal")),
    ]
}
