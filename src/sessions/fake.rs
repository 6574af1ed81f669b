//! For unit tests: a connection without WhatsApp, and a session that is connected by it.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::access::OwnedSession;
use super::pairing::PairingCodes;
use super::roles::{Account, Roles};
use super::supervisor::Supervisor;
use super::supervisor::state::{Input, State};
use super::view::Online;
use super::{Allowed, Registry, Sessions};
use crate::clock::Clock;
use crate::group::{
    Action, AddRequest, Answer, GroupInfo, JoinRequest, Outcome, Participant, PersonOutcome, Role,
    Told,
};
use crate::jid::{GroupJid, PersonJid, UserJid};
use crate::outbound::Proxies;
use crate::permits::Allowances;
use crate::store::{LimitsRecord, SessionRecord, Status, Store};
use crate::whatsapp::{CallError, Connection, Dialer, Network};

/// Answers what it is told to, in order, and remembers what it was asked.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) acts: Mutex<VecDeque<Result<Vec<Outcome>, CallError>>>,
    pub(crate) groups: Mutex<VecDeque<Result<GroupInfo, CallError>>>,
    pub(crate) not_on_whatsapp: Mutex<VecDeque<Result<Vec<UserJid>, CallError>>>,
    /// Every call: the group and the people.
    pub(crate) asked: Mutex<Vec<(GroupJid, Vec<PersonJid>)>>,
}

#[async_trait]
impl Connection for Fake {
    async fn groups(&self) -> Result<Vec<GroupInfo>, CallError> {
        Err(CallError::NotConnected)
    }

    async fn group(&self, gid: &GroupJid) -> Result<GroupInfo, CallError> {
        self.asked
            .lock()
            .expect("no panic")
            .push((gid.clone(), vec![]));
        let answer = self.groups.lock().expect("no panic").pop_front();
        answer.unwrap_or(Err(CallError::NotConnected))
    }

    async fn act(&self, action: &Action) -> Result<Told, CallError> {
        let gid = action.gid().cloned().unwrap_or_else(gid);
        let people = action.people().to_vec();
        self.asked.lock().expect("no panic").push((gid, people));
        let answer = self.acts.lock().expect("no panic").pop_front();
        let outcomes = answer.unwrap_or(Err(CallError::NotConnected))?;
        let people = action.people().iter().cloned().zip(outcomes);
        Ok(Told {
            people: people
                .map(|(person, outcome)| PersonOutcome::untold(person, outcome))
                .collect(),
            answer: Answer::Done,
        })
    }

    async fn invite_person(
        &self,
        _: &GroupJid,
        _: &str,
        _: &PersonJid,
        _: &AddRequest,
    ) -> Result<(), CallError> {
        Err(CallError::NotConnected)
    }

    async fn invite(&self, _: &GroupJid) -> Result<String, CallError> {
        Err(CallError::NotConnected)
    }

    async fn join_requests(&self, _: &GroupJid) -> Result<Vec<JoinRequest>, CallError> {
        Err(CallError::NotConnected)
    }

    async fn time_lock(&self) -> Result<Option<i64>, CallError> {
        Ok(None)
    }

    async fn not_on_whatsapp(&self, _: &[UserJid]) -> Result<Vec<UserJid>, CallError> {
        let answer = self.not_on_whatsapp.lock().expect("no panic").pop_front();
        answer.unwrap_or(Err(CallError::NotConnected))
    }
}

/// A working session that belongs to the organization `org`, with the task that would look after it held still.
pub(crate) struct Rig {
    pub(crate) connection: Arc<Fake>,
    pub(crate) session: OwnedSession,
    pub(super) supervisor: Supervisor,
    _directory: TempDir,
}

/// More than a test needs.
pub(crate) const ALLOWED: Allowed = Allowed {
    sessions: 100,
    pairing_codes_per_hour: NonZeroU32::MAX,
};

impl Rig {
    /// Whose account is in `groups`.
    pub(crate) async fn new(groups: Vec<GroupInfo>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let registry = Arc::new(Registry {
            store: open(directory.path()).await,
            dialer: nowhere(),
            whatsapp_timeout: Duration::from_secs(20),
            clock: Clock::default(),
            entries: RwLock::default(),
            unlinkings: Default::default(),
            saving: Default::default(),
            actions: Default::default(),
            syncs: Arc::new(Semaphore::new(1)),
            places: Allowances::new(ALLOWED.sessions),
            pairing_codes: PairingCodes::new(ALLOWED.pairing_codes_per_hour),
        });
        let mut record = record();
        record.wa_jid = Some(ME.to_owned());
        record.wa_lid = Some(MY_LID.to_owned());
        registry.store.insert_session(&record).await.expect("a row");
        let id = record.id.clone();
        let (mut supervisor, entry) =
            Supervisor::new(Arc::clone(&registry), record, LimitsRecord::default());
        registry.write().insert(id.clone(), Arc::new(entry));

        let connection = Arc::new(Fake::default());
        supervisor.state = State::at_rest(Status::Stopped, None, true);
        for input in [Input::Start, Input::Opened, Input::Connected, Input::Synced] {
            supervisor.state.step(input);
        }
        supervisor.online = Some(Arc::new(Online {
            connection: Arc::clone(&connection) as Arc<dyn Connection>,
            account: Account {
                jid: ME.parse().expect("a user JID"),
                lid: Some(MY_LID.parse().expect("a LID")),
            },
            roles: Roles::default(),
        }));
        supervisor.synced(Ok(groups), None).await;
        supervisor.write_all().await;
        let session = Sessions(registry)
            .owned("org", id.as_str())
            .expect("a session");
        Self {
            connection,
            session,
            supervisor,
            _directory: directory,
        }
    }

    /// Does `work` with the task awake.
    pub(crate) async fn awake<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                _ = self.supervisor.turn() => {}
            }
        }
    }

    /// What WhatsApp is to tell of the group when it is asked.
    pub(crate) fn answer(&self, group: Result<GroupInfo, CallError>) {
        let mut answers = self.connection.groups.lock().expect("no panic");
        answers.push_back(group);
    }

    /// Lets a minute pass since WhatsApp last told of any group.
    pub(crate) fn forget_when_told(&mut self) {
        self.supervisor.forget_when_told();
    }

    /// What was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<(GroupJid, Vec<PersonJid>)> {
        std::mem::take(&mut *self.connection.asked.lock().expect("no panic"))
    }
}

/// The account of a [`Rig`].
pub(crate) const ME: &str = "628111222333@s.whatsapp.net";
/// Its other name.
pub(crate) const MY_LID: &str = "123456789012345@lid";
/// A group.
pub(crate) const GROUP: &str = "120363041234567890@g.us";

pub(crate) fn gid() -> GroupJid {
    GROUP.parse().expect("a group JID")
}

pub(crate) fn person(jid: &str, role: Role) -> Participant {
    Participant {
        jid: Some(jid.parse().expect("a user JID")),
        lid: None,
        role,
    }
}

/// [`GROUP`] with these people in it.
pub(crate) fn group(participants: Vec<Participant>) -> GroupInfo {
    GroupInfo {
        gid: gid(),
        subject: Some("Launch team".to_owned()),
        description: None,
        owner: None,
        is_announce: false,
        is_locked: false,
        members_add: false,
        approval: false,
        created_at: None,
        size: None,
        participants: Some(participants),
    }
}

pub(crate) async fn open(directory: &Path) -> Store {
    Store::open(&directory.join("test.db").into())
        .await
        .expect("a database")
}

/// A network without a server: no client ever connects.
pub(crate) fn nowhere() -> Dialer {
    let network = Network::Standin {
        // The discard port; nobody listens there.
        url: "ws://127.0.0.1:9".to_owned(),
        server_key: [9; 32],
    };
    Dialer::new(network, Proxies::default())
}

pub(crate) fn record() -> SessionRecord {
    SessionRecord::new("org")
}
