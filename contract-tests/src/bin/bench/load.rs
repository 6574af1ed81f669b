//! Callers in the background, who read what they always read while something else goes on.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contract_tests::client::{Call, Client};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

/// An api key is looked up so often.
const LOOKUP_EVERY: Duration = Duration::from_millis(5);
/// So long after each answer a reader asks again.
const READ_AFTER: Duration = Duration::from_millis(10);
/// Look-ups under way at most; those that are due meanwhile are late from the moment when they were due.
const AT_ONCE: usize = 64;

/// What callers have met.
#[derive(Default)]
pub(crate) struct Met {
    pub(crate) answers: AtomicU64,
    /// Answers of 500 and above.
    pub(crate) failures: AtomicU64,
    /// How long each look-up took, from the moment when it was due.
    pub(crate) lookups: Mutex<Vec<Duration>>,
    over: AtomicBool,
}

impl Met {
    /// Sends a request and counts its answer.
    pub(crate) async fn send(&self, call: Call) -> axum::body::Bytes {
        let (head, body) = call.send_unjudged().await;
        self.answers.fetch_add(1, Ordering::SeqCst);
        if head.status.is_server_error() {
            self.failures.fetch_add(1, Ordering::SeqCst);
        }
        body
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }
}

/// The callers, until [`Load::end`].
pub(crate) struct Load {
    pub(crate) met: Arc<Met>,
    callers: JoinSet<()>,
}

impl Load {
    /// Sets out to read `paths` in turn, and to get `path` with each of `tokens` once. (After a minute they come again: by
    /// then no answer about them is remembered.)
    pub(crate) fn begin(
        caller: &Client,
        paths: Vec<String>,
        path: String,
        tokens: &[String],
    ) -> Self {
        let met = Arc::new(Met::default());
        let mut callers = JoinSet::new();
        callers.spawn(read(Arc::clone(&met), caller.clone(), paths));
        let calls = tokens
            .iter()
            .map(|token| caller.with_token(token).get(&path));
        callers.spawn(look_up(Arc::clone(&met), calls.collect()));
        Self { met, callers }
    }

    /// Ends when all requests are answered.
    pub(crate) async fn end(self) -> Arc<Met> {
        self.met.over.store(true, Ordering::SeqCst);
        self.callers.join_all().await;
        self.met
    }
}

async fn read(met: Arc<Met>, caller: Client, paths: Vec<String>) {
    for path in paths.iter().cycle() {
        if met.is_over() {
            break;
        }
        met.send(caller.get(path)).await;
        sleep(READ_AFTER).await;
    }
}

async fn look_up(met: Arc<Met>, calls: Vec<Call>) {
    let free = Arc::new(Semaphore::new(AT_ONCE));
    let mut due = interval(LOOKUP_EVERY);
    let mut under_way = JoinSet::new();
    for call in calls.into_iter().cycle() {
        let due = due.tick().await;
        if met.is_over() {
            break;
        }
        let turn = Arc::clone(&free).acquire_owned().await;
        let met = Arc::clone(&met);
        under_way.spawn(async move {
            met.send(call).await;
            met.lookups.lock().expect("no panic").push(due.elapsed());
            drop(turn);
        });
    }
    under_way.join_all().await;
}
