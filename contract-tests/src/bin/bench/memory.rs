//! How much memory the gateway holds with connected sessions.

use contract_tests::session::Session;

use crate::Sizes;
use crate::rig::{Bench, end, group, phone};
use crate::usage::resident;

/// How many connected sessions it is measured with.
const SESSIONS: [usize; 2] = [1, 100];

pub(crate) async fn run(sizes: &Sizes) {
    for sessions in SESSIONS {
        with(sessions, sizes.get("members")).await;
    }
}

async fn with(sessions: usize, members: usize) {
    let bench = Bench::new().await;
    let accounts: Vec<String> = (0..sessions).map(phone).collect();
    for (n, account) in accounts.iter().enumerate() {
        let first = 100_000 + n * members;
        bench.standin.add_group(group(account, first, members));
    }
    let gateway = bench.serve().await;
    let idle = resident(gateway.id());
    let caller = bench.caller(&gateway);
    let mut ids = Vec::new();
    for account in &accounts {
        ids.push(bench.session(&caller, account).await.id);
    }
    let paired = resident(gateway.id());
    end(gateway).await;

    let gateway = bench.serve().await;
    let caller = bench.caller(&gateway);
    for (account, id) in accounts.iter().zip(ids) {
        let session = Session {
            caller: caller.clone(),
            id,
        };
        session.wait_working(&bench.standin, account).await;
    }
    let restarted = resident(gateway.id());
    println!(
        "  the gateway (VmRSS) with {sessions} connected: {idle} KiB before, {paired} KiB just paired, {restarted} KiB \
         after a restart"
    );
    end(gateway).await;
}
