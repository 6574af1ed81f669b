//! One task a session: it owns the client, hears its events in order, takes commands, and is the only writer of the
//! session's record, groups and members. What follows from what is decided in `state`; here it is done.

use std::collections::HashSet;
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Registry;
use super::clocks::Clocks;
use super::commands::Command;
use super::live::Live;
use super::owned::{Entry, View};
use super::pairing::Qr;
use super::questions::Questions;
use super::roles::Account;
use super::state::{Effect, Input, State};
use crate::error::Error;
use crate::group::GroupInfo;
use crate::jid::{GroupJid, Lid, UserJid};
use crate::store::{self, DeviceState, SessionRecord, Status, StoreError};
use crate::whatsapp::{CallError, Client, Connection, Event, OpenError};

/// Callers that may wait for the supervisor's ear before further ones wait to be heard.
const COMMANDS: usize = 8;

/// What work done aside brings back.
pub(super) enum Done {
    Opened(Result<(Client, mpsc::Receiver<Event>), OpenError>),
    Groups(Result<Vec<GroupInfo>, CallError>),
    Group(GroupJid, Result<GroupInfo, CallError>),
    /// WhatsApp may be asked for groups again.
    Quiet,
    Pause(Input),
}

pub(super) struct Line {
    pub(super) client: Client,
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
    pub(super) line: Option<Line>,
    /// What the present client writes to.
    device: Option<DeviceState>,
    /// Work under way for the present line; it ends with it.
    jobs: JoinSet<Done>,
    /// There from the first sync to the end of the connection.
    pub(super) live: Option<Arc<Live>>,
    /// Groups that changed while all groups were being fetched.
    pub(super) changed: HashSet<GroupJid>,
    /// How old what is known of the groups is.
    pub(super) clocks: Clocks,
    /// Groups that WhatsApp is asked for.
    pub(super) questions: Questions,
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
            device: None,
            jobs: JoinSet::new(),
            live: None,
            changed: HashSet::new(),
            clocks: Clocks::default(),
            questions: Questions::default(),
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
        while self.turn().await {}
    }

    /// Waits for the next thing to happen and deals with it; says whether the session goes on.
    pub(super) async fn turn(&mut self) -> bool {
        // The handlers are boxed for the sake of the many sessions that only wait here: their task stays small.
        tokio::select! {
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
        }
    }

    pub(super) async fn event(&mut self, event: Option<Event>) {
        let input = match event {
            Some(Event::Group { gid, change, at }) => {
                return self.group_event(gid, change, at).await;
            }
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
            Done::Quiet => {
                self.questions.quiet = false;
                self.ask();
            }
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
    pub(super) async fn take(&mut self, input: Input) -> Result<SessionRecord, Error> {
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
                let device = registry.store.device_state(&self.record.id);
                self.device = Some(device.clone());
                self.spawn_job(async move {
                    let Registry {
                        network,
                        whatsapp_timeout,
                        ..
                    } = &*registry;
                    Done::Opened(Client::open(network, *whatsapp_timeout, device).await)
                });
            }
            Effect::Close => self.close().await,
            Effect::ReopenAfter(pause) => self.pause(pause, Input::Reopen),
            Effect::ResyncAfter(pause) => self.pause(pause, Input::Resync),
            Effect::Sync => {
                if let Some(connection) = self.connection() {
                    self.clocks.asked_for_all();
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
        self.changed.clear();
        self.questions.clear();
    }

    pub(super) async fn close(&mut self) {
        self.abandon();
        if let Some(Line { client, events }) = self.line.take() {
            // Nobody listens any more: the client must not wait for room.
            drop(events);
            client.shutdown().await;
        }
        // One that was still being built ends by itself; it must not write over what its successor writes.
        if let Some(device) = self.device.take() {
            device.close().await;
        }
    }

    /// Runs a job aside that ends with the line.
    pub(super) fn spawn_job(&mut self, job: impl Future<Output = Done> + Send + 'static) {
        self.jobs.spawn(job);
    }

    /// What the next job to end brings back.
    #[cfg(test)]
    pub(super) async fn next_job(&mut self) -> Done {
        self.jobs
            .join_next()
            .await
            .expect("a job")
            .expect("no panic")
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
}

/// The next event; never, while there is no line.
pub(super) async fn next_event(line: &mut Option<Line>) -> Option<Event> {
    match line {
        Some(line) => line.events.recv().await,
        None => pending().await,
    }
}
