//! One task a session: it owns the client, hears its events in order, takes commands, and is the only writer of the
//! session's record, groups and members. What follows from what is decided in `state`; here it is done.

use std::collections::{HashMap, VecDeque};
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Registry;
use super::live::{Live, call_refused};
use super::owned::{Entry, View};
use super::pairing::{PairingCode, Qr, already_paired, pairing_refused};
use super::roles::Account;
use super::state::{Effect, Input, State};
use crate::error::Error;
use crate::jid::{GroupJid, Lid, UserJid};
use crate::store::{self, SessionRecord, Status, StoreError};
use crate::whatsapp::{
    CallError, Client, Connection, Event, GroupChange, GroupInfo, OpenError,
};

/// How long a client may take to close its line.
const CLOSE: Duration = Duration::from_secs(5);
/// How long deleting a session waits for WhatsApp to unlink the device.
const FAREWELL: Duration = Duration::from_secs(5);
/// Callers that may wait for the supervisor's ear before further ones wait to be heard.
const COMMANDS: usize = 8;

/// What callers can ask of a session.
pub(super) enum Command {
    Start(Reply<SessionRecord>),
    Stop(Reply<SessionRecord>),
    Logout(Reply<SessionRecord>),
    Delete(Reply<()>),
    /// With this phone number.
    PairWithCode(String, Reply<PairingCode>),
    /// Close the line and end; the record stays as it is.
    Shutdown(oneshot::Sender<()>),
}

type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// What work done aside brings back.
pub(super) enum Done {
    Opened(Result<(Client, mpsc::Receiver<Event>), OpenError>),
    Groups(Result<Vec<GroupInfo>, CallError>),
    Group(GroupJid, Result<GroupInfo, CallError>),
    Pause(Input),
}

struct Line {
    client: Client,
    events: mpsc::Receiver<Event>,
}

pub(super) struct Supervisor {
    pub(super) registry: Arc<Registry>,
    pub(super) record: SessionRecord,
    /// Whether the database lacks what the record says.
    unsaved: bool,
    view: watch::Sender<View>,
    commands: mpsc::Receiver<Command>,
    pub(super) state: State,
    qr: Option<Qr>,
    line: Option<Line>,
    /// Events that came while the client was busy with a command.
    backlog: VecDeque<Event>,
    /// Work under way for the present line; it ends with it.
    jobs: JoinSet<Done>,
    /// There from the first sync to the end of the connection.
    pub(super) live: Option<Arc<Live>>,
    /// Changes to groups that came while all groups were being fetched.
    pub(super) unsynced: Vec<(GroupJid, GroupChange)>,
    /// Groups that are being asked for, each with the changes that came in the meantime.
    pub(super) asked: HashMap<GroupJid, Vec<GroupChange>>,
}

impl Supervisor {
    /// The supervisor of a session as read from the database, and what others see of it.
    pub(super) fn new(registry: Arc<Registry>, mut record: SessionRecord) -> (Self, Entry) {
        let state = State::at_rest(record.status, record.started);
        let stored = record.status;
        record.status = if record.started {
            Status::Connecting
        } else {
            state.status
        };
        let organization_id = record.organization_id.clone();
        let (view, seen) = watch::channel(View {
            record: record.clone(),
            live: None,
            qr: None,
        });
        let (commands, heard) = mpsc::channel(COMMANDS);
        let supervisor = Self {
            registry,
            unsaved: record.status != stored,
            record,
            view,
            commands: heard,
            state,
            qr: None,
            line: None,
            backlog: VecDeque::new(),
            jobs: JoinSet::new(),
            live: None,
            unsynced: Vec::new(),
            asked: HashMap::new(),
        };
        let entry = Entry {
            organization_id,
            view: seen,
            commands,
        };
        (supervisor, entry)
    }

    /// Connects the session if it is to run, and looks after it until it is deleted or the process ends.
    pub(super) async fn run(mut self) {
        if self.state.started {
            Box::pin(self.take_logged(Input::Start)).await;
        }
        // The handlers are boxed for the sake of the many sessions that only wait here: their task stays small.
        loop {
            if let Some(event) = self.backlog.pop_front() {
                Box::pin(self.event(Some(event))).await;
                continue;
            }
            let goes_on = tokio::select! {
                command = self.commands.recv() => match command {
                    Some(command) => Box::pin(self.command(command)).await,
                    None => false,
                },
                event = next_event(&mut self.line) => {
                    Box::pin(self.event(event)).await;
                    true
                }
                Some(done) = self.jobs.join_next() => {
                    match done {
                        Ok(done) => Box::pin(self.done(done)).await,
                        // Only a panic ends a job without a word; the line starts over.
                        Err(error) => {
                            tracing::error!(session = %self.record.id, %error, "work of a session broke off");
                            Box::pin(self.take_logged(Input::Ended)).await;
                        }
                    }
                    true
                }
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Does what a caller asks; says whether the session goes on. A caller who has gone away does not hear the answer.
    async fn command(&mut self, command: Command) -> bool {
        match command {
            Command::Start(reply) => {
                let _ = reply.send(self.take(Input::Start).await);
            }
            Command::Stop(reply) => {
                let _ = reply.send(self.take(Input::Stop).await);
            }
            Command::Logout(reply) => {
                let _ = reply.send(self.logout().await);
            }
            Command::PairWithCode(phone, reply) => {
                let _ = reply.send(self.pair_with_code(&phone).await);
            }
            Command::Delete(reply) => {
                let deleted = self.delete().await;
                let gone = deleted.is_ok();
                let _ = reply.send(deleted);
                return !gone;
            }
            Command::Shutdown(done) => {
                self.close().await;
                let _ = done.send(());
                return false;
            }
        }
        true
    }

    async fn event(&mut self, event: Option<Event>) {
        let input = match event {
            Some(Event::Group(gid, change)) => return self.group_event(gid, change).await,
            Some(Event::Qr { code, valid_for }) => {
                let valid_for = i64::try_from(valid_for.as_millis()).unwrap_or(0);
                let expires_at = store::now().saturating_add(valid_for);
                self.qr = Some(Qr { code, expires_at });
                Input::Qr
            }
            Some(Event::Paired { jid, lid }) => {
                self.remember(&jid, lid.as_ref());
                Input::Paired
            }
            Some(Event::Connected) => {
                if let Some((jid, lid)) = self.line.as_ref().and_then(|l| l.client.identity()) {
                    self.remember(&jid, lid.as_ref());
                }
                Input::Connected
            }
            Some(Event::Failed(reason)) => {
                tracing::warn!(session = %self.record.id, reason, "WhatsApp ended the session");
                Input::Failed
            }
            Some(Event::QrExhausted) => Input::QrExhausted,
            Some(Event::PairingFailed) => Input::PairingFailed,
            Some(Event::Disconnected) => Input::Disconnected,
            Some(Event::LoggedOut) => Input::Unlinked,
            None => Input::Ended,
        };
        self.take_logged(input).await;
    }

    pub(super) async fn done(&mut self, done: Done) {
        match done {
            Done::Opened(Ok((client, events))) => {
                self.line = Some(Line { client, events });
                self.take_logged(Input::Opened).await;
            }
            Done::Opened(Err(error)) => {
                tracing::warn!(session = %self.record.id, %error, "cannot open the line to WhatsApp");
                self.take_logged(Input::Ended).await;
            }
            Done::Groups(groups) => self.synced(groups).await,
            Done::Group(gid, group) => self.answered(gid, group).await,
            Done::Pause(input) => self.take_logged(input).await,
        }
    }

    /// Takes in what happened, where nobody waits for the result.
    pub(super) async fn take_logged(&mut self, input: Input) {
        if let Err(error) = self.take(input).await {
            let cause = error.source.map(|source| source.to_string());
            tracing::error!(session = %self.record.id, cause, "cannot save the session: {}", error.message);
        }
    }

    /// Takes in what happened: new state, shown and saved first, then done.
    async fn take(&mut self, input: Input) -> Result<SessionRecord, Error> {
        let before = self.state.status;
        let effects = self.state.step(input);
        let status = self.state.status;
        if effects.contains(&Effect::ForgetAccount) {
            self.record.phone_number = None;
            self.record.wa_jid = None;
            self.record.wa_lid = None;
        }
        if status == Status::Working && before != Status::Working {
            self.record.last_connected_at = Some(store::now());
        }
        if status != Status::Working {
            self.live = None;
        }
        if status != Status::ScanQrCode {
            self.qr = None;
        }
        if status != before {
            tracing::info!(session = %self.record.id, status = status.as_str(), "session changed");
        }
        let mut saved = self.publish().await;
        for effect in effects {
            if let Err(error) = self.perform(effect).await {
                saved = Err(error);
            }
        }
        saved?;
        Ok(self.record.clone())
    }

    /// Shows the session to callers, and writes it to the database where it has changed.
    async fn publish(&mut self) -> Result<(), StoreError> {
        self.record.status = self.state.status;
        self.record.started = self.state.started;
        if self.record != self.view.borrow().record {
            self.record.updated_at = store::now();
            self.unsaved = true;
        }
        self.view.send_replace(View {
            record: self.record.clone(),
            live: self.live.clone(),
            qr: self.qr.clone(),
        });
        if self.unsaved {
            self.registry.store.update_session(&self.record).await?;
            self.unsaved = false;
        }
        Ok(())
    }

    async fn perform(&mut self, effect: Effect) -> Result<(), StoreError> {
        match effect {
            Effect::Open => {
                let registry = Arc::clone(&self.registry);
                let state = registry.store.device_state(&self.record.id);
                self.jobs.spawn(async move {
                    Done::Opened(Client::open(&registry.network, state).await)
                });
            }
            Effect::Close => self.close().await,
            Effect::ReopenAfter(pause) => self.pause(pause, Input::Reopen),
            Effect::ResyncAfter(pause) => self.pause(pause, Input::Resync),
            Effect::Sync => {
                if let Some(connection) = self.connection() {
                    self.spawn_job(async move { Done::Groups(connection.groups().await) });
                }
            }
            Effect::AbandonQueries => self.abandon(),
            Effect::ForgetAccount => {
                let device = self.registry.store.device_state(&self.record.id);
                device.clear().await?;
            }
        }
        Ok(())
    }

    fn pause(&mut self, pause: Duration, then: Input) {
        self.jobs.spawn(async move {
            sleep(pause).await;
            Done::Pause(then)
        });
    }

    /// Drops all work under way: what it would bring back is about a line that is no more.
    fn abandon(&mut self) {
        self.jobs = JoinSet::new();
        self.unsynced.clear();
        self.asked.clear();
    }

    async fn close(&mut self) {
        self.abandon();
        self.backlog.clear();
        if let Some(Line { client, events }) = self.line.take() {
            // Nobody listens any more: the client must not wait for room.
            drop(events);
            if timeout(CLOSE, client.shutdown()).await.is_err() {
                tracing::warn!(session = %self.record.id, "the line did not close in time");
            }
        }
    }

    /// Runs a job aside that ends with the line.
    pub(super) fn spawn_job(&mut self, job: impl Future<Output = Done> + Send + 'static) {
        self.jobs.spawn(job);
    }

    /// What the next job to end brings back.
    #[cfg(test)]
    pub(super) async fn next_job(&mut self) -> Done {
        self.jobs.join_next().await.expect("a job").expect("no panic")
    }

    /// The calls of the line, while there is one.
    pub(super) fn connection(&self) -> Option<Arc<dyn Connection>> {
        Some(self.line.as_ref()?.client.connection())
    }

    /// The account, once paired.
    pub(super) fn account(&self) -> Option<Account> {
        Some(Account {
            jid: self.record.wa_jid.as_ref()?.parse().ok()?,
            lid: self.record.wa_lid.as_ref().and_then(|lid| lid.parse().ok()),
        })
    }

    fn remember(&mut self, jid: &UserJid, lid: Option<&Lid>) {
        self.record.phone_number = Some(jid.phone_number().to_owned());
        self.record.wa_jid = Some(jid.to_string());
        if let Some(lid) = lid {
            self.record.wa_lid = Some(lid.to_string());
        }
    }

    /// Unlinks the device. Where there is no connection WhatsApp can't be told: the keys are forgotten all the same, and
    /// the phone goes on listing a device that nobody can use until it is removed there or expires.
    async fn logout(&mut self) -> Result<SessionRecord, Error> {
        match self.unlink().await {
            Ok(()) | Err(CallError::NotConnected) => self.take(Input::Unlinked).await,
            Err(error) => Err(call_refused(error)),
        }
    }

    async fn delete(&mut self) -> Result<(), Error> {
        match timeout(FAREWELL, self.unlink()).await {
            Ok(Ok(()) | Err(CallError::NotConnected)) => {}
            Ok(Err(error)) => {
                tracing::warn!(session = %self.record.id, %error, "deleted without unlinking the device");
            }
            Err(_) => {
                tracing::warn!(session = %self.record.id, "deleted without unlinking the device: no answer");
            }
        }
        // Should the next step fail, what is left is a session without an account.
        self.take(Input::Unlinked).await?;
        self.registry.store.delete_session(&self.record.id).await?;
        self.registry.remove(&self.record.id);
        tracing::info!(session = %self.record.id, "session deleted");
        Ok(())
    }

    async fn unlink(&mut self) -> Result<(), CallError> {
        match &mut self.line {
            Some(Line { client, events }) if client.is_usable() => {
                hearing(events, &mut self.backlog, client.logout()).await
            }
            _ => Err(CallError::NotConnected),
        }
    }

    async fn pair_with_code(&mut self, phone: &str) -> Result<PairingCode, Error> {
        if self.record.wa_jid.is_some() {
            return Err(already_paired());
        }
        let Some(Line { client, events }) = &mut self.line else {
            return Err(Error::not_connected(self.state.status.as_str()));
        };
        let pairing = client.pair_with_code(phone);
        let given = hearing(events, &mut self.backlog, pairing)
            .await
            .map_err(pairing_refused)?;
        let valid_for = i64::try_from(given.valid_for.as_millis()).unwrap_or(0);
        Ok(PairingCode {
            code: given.code,
            expires_at: store::now().saturating_add(valid_for),
        })
    }
}

/// The next event; never, while there is no line.
async fn next_event(line: &mut Option<Line>) -> Option<Event> {
    match line {
        Some(line) => line.events.recv().await,
        None => pending().await,
    }
}

/// Waits for `call` while keeping the events that come in the meantime: the client must not be held up by its own
/// events while it waits for an answer.
async fn hearing<T>(
    events: &mut mpsc::Receiver<Event>,
    backlog: &mut VecDeque<Event>,
    call: impl Future<Output = T>,
) -> T {
    tokio::pin!(call);
    loop {
        tokio::select! {
            answer = &mut call => return answer,
            Some(event) = events.recv() => backlog.push_back(event),
        }
    }
}
