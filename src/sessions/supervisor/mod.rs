//! One task a session: it owns the client, takes its events in order, takes commands, and is the only writer of the
//! session's record, groups and members. What follows from what is decided in `state`; here it is done.

mod clocks;
pub(super) mod commands;
mod passkey;
pub(super) mod questions;
mod record;
mod recording;
pub(super) mod state;
mod sync;
#[cfg(test)]
mod sync_tests;

use std::collections::{HashMap, HashSet};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep};

use super::Registry;
use super::access::Entry;
use super::limits::Limits;
use super::settling::Creation;
use super::view::{Online, Passkey, Qr, View};
use crate::group::GroupInfo;
use crate::jid::{ActionId, GroupJid};
use crate::store::{
    self, DeviceState, Keys, LimitsRecord, SessionRecord, Status, StatusReason, StoreError,
};
use crate::whatsapp::{CallError, Client, Connection, End, Event, OpenError};
use clocks::Clocks;
use commands::Command;
use questions::Questions;
use recording::{Recorded, Recording};
use state::{Effect, Input, State, SyncFailure};

/// Commands that may wait in the channel before further callers wait to send theirs.
const COMMANDS: usize = 8;

/// How long a session must have been `working` for the end of its connection to be no failure of a series. WhatsApp Web
/// resets its own pauses after as long (whatsapp-rust, `STABLE_CONNECTION_RESET_MS`).
const STABLE: Duration = Duration::from_secs(30);

/// What a background job brings back.
pub(super) enum Done {
    Opened(Result<(Client, mpsc::Receiver<Event>), OpenError>),
    Groups(
        Result<Vec<GroupInfo>, CallError>,
        Option<OwnedSemaphorePermit>,
    ),
    Group(GroupJid, Result<GroupInfo, CallError>),
    /// WhatsApp may be asked for groups again.
    Quiet,
    /// Changes have had time to gather.
    Lingered,
    /// What could not be written may be written again.
    Rewrite,
    Pause(Input),
}

/// What happens to a session by itself.
enum Happening {
    Event(Option<Event>),
    Done(Result<Done, JoinError>),
    Recorded(Result<Recorded, JoinError>),
}

/// A client and the receiver of its events.
pub(super) struct Running {
    pub(super) client: Client,
    events: mpsc::Receiver<Event>,
}

pub(super) struct Supervisor {
    pub(super) registry: Arc<Registry>,
    pub(super) record: SessionRecord,
    /// Whether the database still has the account that the record has lost, and what becomes of its keys.
    forget: Option<Keys>,
    view: watch::Sender<View>,
    commands: mpsc::Receiver<Command>,
    pub(super) state: State,
    qr: Option<Qr>,
    passkey: Option<Passkey>,
    pub(super) running: Option<Running>,
    /// What the present client writes to.
    device: Option<DeviceState>,
    /// Background jobs for the present client; they end with it.
    jobs: JoinSet<Done>,
    /// There from the first sync to the end of the connection.
    pub(super) online: Option<Arc<Online>>,
    /// Since when the session has been `working`.
    working_since: Option<Instant>,
    /// Groups that changed while all groups were being fetched.
    changed: HashSet<GroupJid>,
    /// How old what is known of the groups is.
    clocks: Clocks,
    /// Groups that WhatsApp is asked for.
    questions: Questions,
    /// What the database is still to learn of the groups.
    recording: Recording,
    /// Actions whose outcome is not known, by their group.
    unsettled: HashMap<GroupJid, Vec<ActionId>>,
    /// Groups that may have been made.
    creations: Vec<Creation>,
}

impl Supervisor {
    /// The supervisor of a session as read from the database, and what others see of it.
    pub(super) fn new(
        registry: Arc<Registry>,
        mut record: SessionRecord,
        limits: LimitsRecord,
    ) -> (Self, Entry) {
        let state = State::at_rest(record.status, record.status_reason, record.started);
        record.status = if record.started {
            Status::Connecting
        } else {
            state.status
        };
        let organization_id = record.organization_id.clone();
        let limits = Limits::new(record.id.clone(), registry.clock.clone(), limits);
        let (view, seen) = watch::channel(View {
            record: record.clone(),
            online: None,
            qr: None,
            passkey: None,
        });
        let (commands, heard) = mpsc::channel(COMMANDS);
        let supervisor = Self {
            registry,
            forget: None,
            record,
            view,
            commands: heard,
            state,
            qr: None,
            passkey: None,
            running: None,
            device: None,
            jobs: JoinSet::new(),
            online: None,
            working_since: None,
            changed: HashSet::new(),
            clocks: Clocks::default(),
            questions: Questions::default(),
            recording: Recording::default(),
            unsettled: HashMap::new(),
            creations: Vec::new(),
        };
        let entry = Entry {
            organization_id,
            view: seen,
            commands,
            limits,
            place: None,
        };
        (supervisor, entry)
    }

    /// Connects the session if it is to run, and looks after it until it is deleted or the process ends.
    pub(super) async fn run(mut self) {
        if self.state.started {
            let input = self.begin();
            Box::pin(self.take_logged(input)).await;
        }
        while self.turn().await {}
    }

    /// How a session that is to run begins: a ban goes on, also where the process was restarted to get around it.
    fn begin(&self) -> Input {
        let left = self.record.retry_at.unwrap_or(0) - store::now();
        match (self.record.status_reason, u64::try_from(left)) {
            (Some(reason @ StatusReason::Banned), Ok(left)) => {
                Input::Resume(reason, Duration::from_millis(left))
            }
            _ => Input::Start,
        }
    }

    /// Waits for the next thing to happen and deals with it; says whether the session goes on.
    pub(super) async fn turn(&mut self) -> bool {
        // The handlers are boxed for the sake of the many sessions that only wait here: their task stays small.
        let Self {
            commands,
            running,
            jobs,
            recording,
            ..
        } = self;
        tokio::select! {
            command = commands.recv() => match command {
                Some(command) => Box::pin(self.command(command)).await,
                None => false,
            },
            happening = next(running, jobs, recording) => {
                Box::pin(self.happened(happening)).await;
                true
            }
        }
    }

    async fn happened(&mut self, happening: Happening) {
        match happening {
            Happening::Event(event) => self.event(event).await,
            Happening::Done(Ok(done)) => self.done(done).await,
            Happening::Recorded(Ok(recorded)) => self.recorded(recorded).await,
            // Only a panic ends a job without a word; the client is replaced.
            Happening::Done(Err(error)) | Happening::Recorded(Err(error)) => {
                tracing::error!(session = %self.record.id, %error, "a background job of a session broke off");
                self.ended(End::Internal).await;
            }
        }
    }

    async fn event(&mut self, event: Option<Event>) {
        let input = match event {
            Some(Event::Group { gid, change, at }) => {
                return self.group_event(gid, change, at).await;
            }
            Some(Event::Qr { code, valid_for }) => {
                let expires_at = until(valid_for);
                self.qr = Some(Qr { code, expires_at });
                Input::Qr
            }
            Some(Event::Paired { jid, lid }) => {
                self.remember(&jid, lid.as_ref());
                self.record.logins = 0;
                Input::Paired
            }
            Some(Event::Connected) => {
                if let Some((jid, lid)) = self.running.as_ref().and_then(|r| r.client.identity()) {
                    self.remember(&jid, lid.as_ref());
                }
                self.record.logins = self.record.logins.saturating_add(1);
                Input::Connected
            }
            Some(Event::PasskeyRequested { options, valid_for }) => {
                return self.passkey_requested(options, valid_for).await;
            }
            Some(Event::PasskeyCode { code }) => return self.passkey_code(code).await,
            Some(Event::Ended(end)) => return self.ended(end).await,
            None => return self.ended(End::Internal).await,
        };
        self.take_logged(input).await;
    }

    async fn ended(&mut self, end: End) {
        match end {
            End::Restart | End::QrExhausted => {}
            _ => tracing::warn!(session = %self.record.id, "disconnected: {end}"),
        }
        let stable = self.working_since.is_some_and(|at| at.elapsed() >= STABLE);
        self.take_logged(Input::Ended { end, stable }).await;
    }

    pub(super) async fn done(&mut self, done: Done) {
        match done {
            Done::Opened(Ok((client, events))) => {
                self.running = Some(Running { client, events });
                self.take_logged(Input::Opened).await;
            }
            Done::Opened(Err(error)) => {
                tracing::error!(session = %self.record.id, %error, "cannot open the client");
                self.ended(End::Storage).await;
            }
            Done::Groups(groups, turn) => self.synced(groups, turn).await,
            Done::Group(gid, group) => self.answered(gid, group).await,
            Done::Quiet => self.ask(),
            Done::Lingered => self.lingered(),
            Done::Rewrite => self.write_again(),
            Done::Pause(input) => self.take_logged(input).await,
        }
    }

    async fn perform(&mut self, effect: Effect) -> Result<(), StoreError> {
        match effect {
            Effect::Open => {
                // A client over the keys of the former account would log in as that.
                if let Err(error) = self.forget_account().await {
                    Box::pin(self.ended(End::Storage)).await;
                    return Err(error);
                }
                // A pause that was cut short must not end later.
                self.abandon();
                let registry = Arc::clone(&self.registry);
                let device = registry.store.device_state(&self.record.id);
                self.device = Some(device.clone());
                let logins = self.record.logins;
                self.jobs.spawn(async move {
                    let Registry {
                        dialer,
                        whatsapp_timeout,
                        ..
                    } = &*registry;
                    Done::Opened(Client::open(dialer, *whatsapp_timeout, device, logins).await)
                });
            }
            Effect::Close => self.close().await,
            Effect::ReopenAfter(pause) => self.pause(pause, Done::Pause(Input::Reopen)),
            Effect::ResyncAfter(pause) => self.pause(pause, Done::Pause(Input::Resync)),
            Effect::Sync => {
                if self.recording.is_sync_waiting() {
                    self.write_again();
                } else if let Some(left) = self.questions.quiet_for() {
                    let failure = SyncFailure::RateLimited(left);
                    self.take_logged(Input::SyncFailed(failure)).await;
                } else if let Some(connection) = self.connection() {
                    self.clocks.asked_for_all();
                    let turns = Arc::clone(&self.registry.syncs);
                    self.jobs.spawn(async move {
                        let turn = turns.acquire_owned().await.ok();
                        Done::Groups(connection.groups().await, turn)
                    });
                }
            }
            Effect::Recall => self.recall().await?,
            // Done with the save.
            Effect::ForgetAccount => {}
        }
        Ok(())
    }

    fn pause(&mut self, pause: Duration, then: Done) {
        self.jobs.spawn(async move {
            sleep(pause).await;
            then
        });
    }

    /// Drops all background jobs: what they would bring back is about a client that is no more.
    fn abandon(&mut self) {
        self.jobs = JoinSet::new();
        self.changed.clear();
        self.questions.clear();
        self.recording.clear();
    }

    pub(super) async fn close(&mut self) {
        self.abandon();
        if let Some(Running { client, events }) = self.running.take() {
            // Nobody listens any more: the client must not wait for room.
            drop(events);
            client.shutdown().await;
        }
        // One that was still being built ends by itself; it must not write over what its successor writes.
        if let Some(device) = self.device.take() {
            device.close().await;
        }
    }

    /// Lets a minute pass since WhatsApp last told of any group.
    #[cfg(test)]
    pub(super) fn forget_when_told(&mut self) {
        self.questions.forget_when_told();
    }

    /// Waits until all is written, or a write has failed.
    #[cfg(test)]
    pub(super) async fn write_all(&mut self) {
        while let Some(recorded) = self.recording.next().await {
            let recorded = recorded.expect("no panic");
            let written = recorded.1.is_ok();
            self.recorded(recorded).await;
            if written {
                self.lingered();
            }
        }
    }

    /// What the next job to end brings back, but for the time that changes have to gather.
    #[cfg(test)]
    pub(super) async fn next_job(&mut self) -> Done {
        loop {
            let done = self.jobs.join_next().await.expect("a job");
            match done.expect("no panic") {
                Done::Lingered => self.lingered(),
                done => return done,
            }
        }
    }

    /// The calls of the client, while there is one.
    fn connection(&self) -> Option<Arc<dyn Connection>> {
        Some(self.running.as_ref()?.client.connection())
    }
}

/// What happens next, to the client or to a background job.
async fn next(
    running: &mut Option<Running>,
    jobs: &mut JoinSet<Done>,
    recording: &mut Recording,
) -> Happening {
    let event = async {
        match running {
            Some(running) => running.events.recv().await,
            None => pending().await,
        }
    };
    tokio::select! {
        event = event => Happening::Event(event),
        Some(done) = jobs.join_next() => Happening::Done(done),
        Some(recorded) = recording.next() => Happening::Recorded(recorded),
    }
}

/// When something that is good for this long ends, epoch milliseconds.
fn until(valid_for: Duration) -> i64 {
    store::now().saturating_add(i64::try_from(valid_for.as_millis()).unwrap_or(0))
}
