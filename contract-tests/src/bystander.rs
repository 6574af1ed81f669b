//! Somebody of another organization, who calls while something else goes on.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::client::Call;

/// So long after each answer it calls again.
const PAUSE: Duration = Duration::from_millis(25);
/// What takes longer is a failure.
const PATIENCE: Duration = Duration::from_secs(10);

/// A caller in the background, over one connection that is kept, until [`Bystander::end`].
#[derive(Debug)]
pub struct Bystander {
    over: watch::Sender<bool>,
    task: JoinHandle<Met>,
}

/// What it has met.
#[derive(Debug, Default)]
pub struct Met {
    /// How long each call took, the shortest first.
    pub latencies: Vec<Duration>,
    /// What came instead of 200: a status, or nothing.
    pub failures: Vec<String>,
}

impl Bystander {
    /// Sets out to make this call over and over.
    #[must_use]
    pub fn begin(call: Call) -> Self {
        let (over, told) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut met = Met::default();
            while !*told.borrow() {
                let begun = Instant::now();
                match timeout(PATIENCE, call.clone().send_uncertain()).await {
                    Ok(Some(answer)) if answer.status == 200 => {}
                    Ok(Some(answer)) => met.failures.push(answer.status.as_str().to_owned()),
                    Ok(None) => met.failures.push("no answer".to_owned()),
                    Err(_) => met.failures.push(format!("nothing within {PATIENCE:?}")),
                }
                met.latencies.push(begun.elapsed());
                sleep(PAUSE).await;
            }
            met.latencies.sort_unstable();
            met
        });
        Self { over, task }
    }

    /// Ends with its last answer.
    ///
    /// # Panics
    /// An answer was not in the document.
    pub async fn end(self) -> Met {
        self.over.send_replace(true);
        self.task.await.expect("answers of the document")
    }
}

impl Met {
    /// Adds what another has met.
    pub fn join(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.latencies.sort_unstable();
        self.failures.extend(other.failures);
    }

    /// The latency that this share of the calls is not above.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        quantile(&self.latencies, share)
    }
}

/// The value that this share of the sorted ones is not above.
#[must_use]
pub fn quantile(sorted: &[Duration], share: f64) -> Duration {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}
