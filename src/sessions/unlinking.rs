//! Background jobs that unlink devices: those of accounts that were forgotten while WhatsApp could not be told.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Registry;
use crate::store::{self, Keys, Unlinking};
use crate::whatsapp::{Client, End, Event};

/// When to give up, in milliseconds: 14 days. WhatsApp disconnects a linked device by itself after 30 days of inactivity,
/// and all of them once the phone was not used for 14 (<https://faq.whatsapp.com/378279804439436/>).
const GIVE_UP: i64 = 14 * 24 * 60 * 60 * 1000;

/// How long one attempt may take to log in and unlink.
const ATTEMPT: Duration = Duration::from_secs(60);

/// The first pause between two attempts; each is twice as long as the one before.
const PAUSE: Duration = Duration::from_secs(1);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// The jobs that are under way, one a device.
#[derive(Default)]
pub(super) struct Unlinkings {
    jobs: Mutex<JoinSet<()>>,
    stop: watch::Sender<bool>,
}

impl Unlinkings {
    /// Ends all jobs, having closed their connections. The next start of the process goes on with them.
    pub(super) async fn shutdown(&self) {
        self.stop.send_replace(true);
        let jobs = std::mem::take(&mut *self.jobs.lock().unwrap_or_else(PoisonError::into_inner));
        jobs.join_all().await;
    }
}

impl Registry {
    /// Starts the job that unlinks a device and then erases its keys.
    pub(super) fn unlink(self: &Arc<Self>, device: Unlinking) {
        let job = Job {
            registry: Arc::clone(self),
            device,
        };
        let mut stop = self.unlinkings.stop.subscribe();
        let mut jobs = self
            .unlinkings
            .jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Lets go of those that are done.
        while jobs.try_join_next().is_some() {}
        jobs.spawn(async move { job.run(&mut stop).await });
    }
}

struct Job {
    registry: Arc<Registry>,
    device: Unlinking,
}

impl Job {
    async fn run(&self, stop: &mut watch::Receiver<bool>) {
        let id = &self.device.id;
        let mut pause = PAUSE;
        loop {
            let unlinked = self.attempt(stop).await;
            if unlinked {
                tracing::info!(device = %id, "device unlinked");
            } else if store::now().saturating_sub(self.device.since) >= GIVE_UP {
                tracing::warn!(device = %id, "device not unlinked: WhatsApp could not be told for too long");
            }
            if unlinked || store::now().saturating_sub(self.device.since) >= GIVE_UP {
                match self.registry.store.delete_session(id, Keys::Erase).await {
                    Ok(_) => return,
                    // The next attempt finds it unlinked.
                    Err(error) => {
                        tracing::error!(device = %id, %error, "cannot erase the keys of a device");
                    }
                }
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
    }

    /// Logs in and unlinks the device; says whether it is unlinked now.
    async fn attempt(&self, stop: &mut watch::Receiver<bool>) -> bool {
        let Registry {
            store,
            dialer,
            whatsapp_timeout,
            ..
        } = &*self.registry;
        let state = store.device_state(&self.device.id);
        let (client, mut events) =
            match Client::open(dialer, *whatsapp_timeout, state, self.device.logins).await {
                Ok(opened) => opened,
                Err(error) => {
                    tracing::error!(device = %self.device.id, %error, "cannot open the client");
                    return false;
                }
            };
        let unlinked = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => false,
            unlinked = timeout(ATTEMPT, unlink(&client, &mut events)) => unlinked.unwrap_or(false),
        };
        // Nobody listens any more: the client must not wait for room.
        drop(events);
        client.shutdown().await;
        unlinked
    }
}

async fn unlink(client: &Client, events: &mut mpsc::Receiver<Event>) -> bool {
    // A device that was never linked has nothing to unlink.
    if client.identity().is_none() {
        return true;
    }
    while let Some(event) = events.recv().await {
        match event {
            Event::Connected if client.logout().await.is_ok() => return true,
            // An answer that did not come may have been lost: WhatsApp says by its end whether it has unlinked the device.
            Event::Ended(end) => return end == End::LoggedOut,
            _ => {}
        }
    }
    false
}
