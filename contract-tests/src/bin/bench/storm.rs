//! Many callers who add distinct people to the groups of one session, and how far the directory is behind them. WhatsApp
//! takes its time for an answer (`delay`, in milliseconds), and with it bounds how many adds come in a second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use contract_tests::session::Session;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use whatsapp_standin::{Fault, Person, When};

use crate::rig::{ADD, Bench, caught_up, counts, end, group, phone};
use crate::{Sizes, usage, verdict};

/// The directory may be behind by this much.
const BEHIND: Duration = Duration::from_secs(2);
/// How long it is waited for.
const PATIENCE: Duration = Duration::from_secs(90);

/// What the callers have done so far.
#[derive(Default)]
struct Done {
    next: AtomicUsize,
    /// Adds that were answered, by group.
    answered: BTreeMap<String, AtomicU64>,
    refused: AtomicU64,
    over: AtomicBool,
}

pub(crate) async fn run(sizes: &Sizes) {
    let (groups, members) = (sizes.get("groups"), sizes.get("members"));
    let bench = Arc::new(Bench::new().await);
    let account = phone(0);
    let gids: Vec<String> = (0..groups)
        .map(|n| {
            let group = group(&account, 1 + n * members, members);
            bench.standin.add_group(group)
        })
        .collect();
    let gateway = bench.serve().await;
    let session = bench.session(&bench.caller(&gateway), &account).await;
    let delay = Duration::from_millis(sizes.get("delay") as u64);
    if !delay.is_zero() {
        let (when, late) = (When::Every(ADD.to_owned()), Fault::Delay(delay));
        bench.standin.fault(&account, when, late);
    }
    let base = counts(&session).await;
    let done = Arc::new(Done {
        answered: gids
            .iter()
            .map(|gid| (gid.clone(), AtomicU64::default()))
            .collect(),
        ..Done::default()
    });

    let id = gateway.id();
    let (cpu, memory) = (usage::cpu(id), usage::resident(id));
    let lasts = Duration::from_secs(sizes.get("seconds") as u64);
    let begun = Instant::now();
    let follower = tokio::spawn(follow(session.clone(), base.clone(), Arc::clone(&done)));
    let mut callers = JoinSet::new();
    for _ in 0..sizes.get("callers") {
        let (bench, session) = (Arc::clone(&bench), session.clone());
        let (done, gids) = (Arc::clone(&done), gids.clone());
        callers.spawn(async move {
            while begun.elapsed() < lasts {
                add(&bench, &session, &gids, &done).await;
            }
        });
    }
    sleep(lasts / 2).await;
    let in_the_middle = usage::resident(id);
    callers.join_all().await;
    let (on_the_path, at_the_end) = (usage::cpu(id) - cpu, usage::resident(id));
    let took = begun.elapsed().as_secs_f64();
    done.over.store(true, Ordering::SeqCst);
    let behind = follower.await.expect("no panic");
    let spent = usage::cpu(id) - cpu;

    let adds = done
        .answered
        .values()
        .map(|n| n.load(Ordering::SeqCst))
        .sum::<u64>() as f64;
    let refused = done.refused.load(Ordering::SeqCst);
    println!(
        "  {:.0} adds/s: {adds} were answered, {refused} refused",
        adds / took
    );
    println!(
        "  gateway CPU per add {:.3} ms while they came, {:.3} ms until the directory had them",
        1000.0 * on_the_path / adds,
        1000.0 * spent / adds
    );
    println!(
        "  VmRSS {memory} KiB at the start, {in_the_middle} KiB in the middle, {at_the_end} KiB at the end, {} KiB when \
         the directory had them",
        usage::resident(id)
    );
    match behind {
        Some((longest, samples)) => verdict(
            &format!(
                "the directory was behind by at most {longest:.1?} in {samples} samples, at most {BEHIND:?}"
            ),
            longest <= BEHIND,
        ),
        None => {
            let known: u64 = counts(&session).await.values().sum();
            let missing = base.values().sum::<u64>() + adds as u64 - known;
            let late = format!(
                "the directory did not catch up within {PATIENCE:?}; {missing} are missing at the end"
            );
            verdict(&late, false);
        }
    }
    verdict(
        "memory at the end is at most 1.2 times that in the middle",
        5 * at_the_end <= 6 * in_the_middle,
    );
    verdict("no add was refused", refused == 0);
    end(gateway).await;
}

async fn add(bench: &Bench, session: &Session, gids: &[String], done: &Done) {
    let n = done.next.fetch_add(1, Ordering::SeqCst);
    let gid = &gids[n % gids.len()];
    let person = phone(10_000_000 + n);
    bench.standin.add_person(Person::new(&person));
    let (head, _) = session.add(gid, &[&person]).send_unjudged().await;
    let count = if head.status == 204 {
        &done.answered[gid]
    } else {
        &done.refused
    };
    count.fetch_add(1, Ordering::SeqCst);
}

/// Over and over: takes down which adds have been answered, and waits until the directory has them all. The longest that
/// it took and how many times it was looked at; none when the directory never caught up.
async fn follow(
    session: Session,
    base: BTreeMap<String, u64>,
    done: Arc<Done>,
) -> Option<(Duration, usize)> {
    let mut longest = Duration::ZERO;
    for samples in 1.. {
        let last = done.over.load(Ordering::SeqCst);
        let answered = |gid: &String| done.answered[gid].load(Ordering::SeqCst);
        let wanted = base
            .iter()
            .map(|(gid, count)| (gid.clone(), count + answered(gid)));
        longest = longest.max(caught_up(&session, &wanted.collect(), PATIENCE).await?);
        if last {
            return Some((longest, samples));
        }
    }
    None
}
