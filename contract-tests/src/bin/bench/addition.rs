//! What one addition costs, from the call to the row in the directory, in a small group and in a large one.

use std::time::Duration;

use contract_tests::process::Process;
use contract_tests::session::Session;
use whatsapp_standin::Person;

use crate::rig::{Bench, caught_up, counts, end, group, phone};
use crate::{Sizes, usage, verdict};

/// In turn, so that whatever else the machine does meets both.
const ROUNDS: usize = 5;
/// The small groups take turns, so that they stay small.
const SMALL_GROUPS: usize = 10;
/// How long the directory may take to have the additions of one round.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) async fn run(sizes: &Sizes) {
    let (small, large) = (sizes.get("small"), sizes.get("large"));
    let bench = Bench::new().await;
    let account = phone(0);
    let small_groups: Vec<String> = (0..SMALL_GROUPS)
        .map(|n| {
            bench
                .standin
                .add_group(group(&account, 1 + n * small, small))
        })
        .collect();
    let large_group = vec![bench.standin.add_group(group(&account, 1, large))];
    let gateway = bench.serve().await;
    let session = bench.session(&bench.caller(&gateway), &account).await;

    let each = sizes.get("adds") / ROUNDS;
    let mut next = 10_000_000;
    let mut cost = [0.0; 2];
    // The first round warms up.
    for round in 0..=ROUNDS {
        for (cost, groups) in cost.iter_mut().zip([&small_groups, &large_group]) {
            let spent = additions(&bench, &gateway, &session, groups, next, each).await;
            next += each;
            if round > 0 {
                *cost += 1000.0 * spent / (each * ROUNDS) as f64;
            }
        }
    }
    let [in_small, in_large] = cost;
    println!(
        "  gateway CPU per addition: {in_small:.3} ms in groups of {small}, {in_large:.3} ms in one of {large}"
    );
    verdict(
        &format!("ratio {:.2}, at most 1.5", in_large / in_small),
        in_large <= 1.5 * in_small,
    );
    end(gateway).await;
}

/// Adds people one after the other, and waits until the directory has them; the gateway's CPU seconds for it.
async fn additions(
    bench: &Bench,
    gateway: &Process,
    session: &Session,
    groups: &[String],
    first: usize,
    adds: usize,
) -> f64 {
    let mut wanted = counts(session).await;
    wanted.retain(|gid, _| groups.contains(gid));
    let before = usage::cpu(gateway.id());
    for (n, gid) in (first..first + adds).zip(groups.iter().cycle()) {
        bench.standin.add_person(Person::new(phone(n)));
        let (head, _) = session.add(gid, &[&phone(n)]).send_unjudged().await;
        assert_eq!(head.status, 204);
        *wanted.get_mut(gid).expect("a group that was synced") += 1;
    }
    let caught_up = caught_up(session, &wanted, PATIENCE).await;
    caught_up.expect("a directory that catches up");
    usage::cpu(gateway.id()) - before
}
