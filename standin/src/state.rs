//! The one shared state behind one lock, change notification, and the state file.

use crate::code::CodeFlow;
use crate::fault::{Fault, LoginFault, Planned, take};
use crate::link::QrRef;
use crate::message::Mail;
use crate::node::stream_error;
use crate::passkey::Ceremony;
use crate::privacy_token::Tokens;
use crate::world::World;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, oneshot, watch};
use wacore::libsignal::protocol::KeyPair;
use wacore_binary::Node;

/// Notifications kept for a device that is away; WhatsApp too keeps them for a while only.
const QUEUE_LIMIT: usize = 1000;

/// What a connection's task is told to do.
#[derive(Debug)]
pub(crate) enum Out {
    Node(Node),
    /// Send the node, which ends the stream, and close when the client does not.
    End(Node),
    /// Drop the TCP connection.
    Abort,
}

/// Whose connection it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// Not linked to an account yet; all that is known is its Noise key.
    Unpaired {
        noise: [u8; 32],
    },
    Device {
        phone: String,
        device: u16,
    },
}

/// An open connection.
pub(crate) struct Live {
    pub who: Who,
    pub out: mpsc::UnboundedSender<Out>,
    /// IQs of the server that wait for the client's answer.
    pub awaiting: HashMap<String, oneshot::Sender<Node>>,
    /// Whether the client has left passive mode; only then notifications flow.
    pub active: bool,
}

impl Live {
    pub(crate) fn send(&self, out: Out) {
        // A receiver that is gone means the connection is closing; the queue keeps what must not be lost.
        let _ = self.out.send(out);
    }
}

/// Everything that changes.
pub(crate) struct State {
    pub world: World,
    pub live: BTreeMap<u64, Live>,
    /// Phone number (empty before pairing) to IQ kind to count.
    pub counts: BTreeMap<String, BTreeMap<String, u64>>,
    /// Kinds of IQ that were answered 501.
    pub unknown: BTreeMap<String, u64>,
    pub logins: BTreeMap<String, u64>,
    /// What the last login of an account said of earlier ones.
    pub login_counters: HashMap<String, Option<i32>>,
    pub faults: HashMap<String, Vec<Planned>>,
    pub login_faults: HashMap<String, (Option<u32>, LoginFault)>,
    pub refs: HashMap<String, QrRef>,
    /// Pairing-code flows by phone number: a later one replaces an earlier one.
    pub codes: HashMap<String, CodeFlow>,
    /// Linkings that wait for a passkey, by connection.
    pub passkeys: HashMap<u64, Ceremony>,
    /// Notifications that a device has not acknowledged, by stanza id.
    pub queues: HashMap<(String, u16), VecDeque<(String, Node)>>,
    /// Until when an account is under the reach-out time-lock, in epoch seconds.
    pub timelocks: HashMap<String, u64>,
    pub tokens: Tokens,
    pub mail: Mail,
    /// Set when the world has changed since it was last written.
    pub unsaved: bool,
    next_id: u64,
}

impl State {
    fn new(world: World) -> Self {
        Self {
            world,
            live: BTreeMap::new(),
            counts: BTreeMap::new(),
            unknown: BTreeMap::new(),
            logins: BTreeMap::new(),
            login_counters: HashMap::new(),
            faults: HashMap::new(),
            login_faults: HashMap::new(),
            refs: HashMap::new(),
            codes: HashMap::new(),
            passkeys: HashMap::new(),
            queues: HashMap::new(),
            timelocks: HashMap::new(),
            tokens: Tokens::default(),
            mail: Mail::default(),
            unsaved: true,
            next_id: 1,
        }
    }

    pub(crate) fn next_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    pub(crate) fn count(&self, phone: &str, kind: &str) -> u64 {
        self.counts
            .get(phone)
            .and_then(|kinds| kinds.get(kind))
            .copied()
            .unwrap_or(0)
    }

    /// Connections that are logged in as this account.
    pub(crate) fn connections_of<'s>(
        &'s self,
        phone: &'s str,
    ) -> impl Iterator<Item = (u64, &'s Live)> {
        self.live
            .iter()
            .filter(move |(_, live)| matches!(&live.who, Who::Device { phone: owner, .. } if owner == phone))
            .map(|(id, live)| (*id, live))
    }

    /// The connection of one linked device.
    pub(crate) fn connection(&self, phone: &str, device: u16) -> Option<&Live> {
        // The newest: one that was just replaced may still be closing.
        self.live
            .values()
            .rev()
            .find(|live| matches!(&live.who, Who::Device { phone: p, device: d } if p == phone && *d == device))
    }

    /// Counts an IQ and says which fault it meets.
    pub(crate) fn meet(&mut self, phone: &str, kind: &str) -> Option<Fault> {
        let kinds = match self.counts.get_mut(phone) {
            Some(kinds) => kinds,
            None => self.counts.entry(phone.to_owned()).or_default(),
        };
        match kinds.get_mut(kind) {
            Some(count) => *count += 1,
            None => {
                kinds.insert(kind.to_owned(), 1);
            }
        }
        take(self.faults.get_mut(phone)?, kind)
    }

    /// Sends a stanza that the client must acknowledge to every linked device of an account, now or when it is back.
    pub(crate) fn deliver(&mut self, phone: &str, id: &str, stanza: &Node) {
        let Some(account) = self.world.accounts.get(phone) else {
            return;
        };
        let devices: Vec<u16> = account.devices.keys().copied().collect();
        for device in devices {
            self.deliver_to(phone, device, id, stanza.clone());
        }
    }

    /// [`State::deliver`] to one device.
    pub(crate) fn deliver_to(&mut self, phone: &str, device: u16, id: &str, stanza: Node) {
        let queue = self.queues.entry((phone.to_owned(), device)).or_default();
        if queue.len() == QUEUE_LIMIT {
            queue.pop_front();
        }
        queue.push_back((id.to_owned(), stanza.clone()));
        if let Some(live) = self.connection(phone, device).filter(|live| live.active) {
            live.send(Out::Node(stanza));
        }
    }

    /// Forgets a linked device and tells it so.
    pub(crate) fn unlink(&mut self, phone: &str, device: u16) -> bool {
        let removed = self
            .world
            .accounts
            .get_mut(phone)
            .is_some_and(|account| account.devices.remove(&device).is_some());
        if removed {
            self.unsaved = true;
            self.queues.remove(&(phone.to_owned(), device));
            if let Some(live) = self.connection(phone, device) {
                live.send(Out::End(stream_error(Some(401), Some("device_removed"))));
            }
        }
        removed
    }
}

/// The state, shared by all connections.
pub(crate) struct Shared {
    state: Mutex<State>,
    changed: watch::Sender<()>,
    pub server: KeyPair,
    pub chain: Vec<u8>,
    file: Option<PathBuf>,
    /// Whether connections are left unserved.
    pub frozen: watch::Sender<bool>,
}

impl Shared {
    pub(crate) fn new(
        world: World,
        server: KeyPair,
        chain: Vec<u8>,
        file: Option<PathBuf>,
    ) -> Self {
        Self {
            state: Mutex::new(State::new(world)),
            changed: watch::Sender::new(()),
            server,
            chain,
            file,
            frozen: watch::Sender::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panicked while holding the lock must not hide its own message behind a poisoned mutex.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads or changes the state, and wakes whoever waits for a change.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        let result = work(&mut self.lock());
        self.changed.send_replace(());
        result
    }

    /// Reads the state.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.lock())
    }

    /// Waits until the state gives an answer.
    pub(crate) async fn until<R>(&self, mut look: impl FnMut(&State) -> Option<R>) -> R {
        let mut changes = self.changed.subscribe();
        loop {
            if let Some(answer) = self.read(&mut look) {
                return answer;
            }
            if changes.changed().await.is_err() {
                // `self` owns the sender, so it can't be gone while this borrows it.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Writes the state file if something has changed since the last time.
    pub(crate) fn save(&self) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let mut state = self.lock();
        if !std::mem::take(&mut state.unsaved) {
            return Ok(());
        }
        // Written under the lock, so that two writers can't overtake each other; beside the file and renamed, so
        // that a crash leaves the old one.
        let written = serde_json::to_vec_pretty(&state.world)
            .map_err(io::Error::from)
            .and_then(|json| {
                let beside = file.with_extension("tmp");
                std::fs::write(&beside, json)?;
                std::fs::rename(&beside, file)
            });
        state.unsaved = written.is_err();
        written
    }

    /// Keeps the state file up to date until it is dropped.
    pub(crate) async fn keep_saved(&self) {
        while self.file.is_some() {
            self.until(|state| state.unsaved.then_some(())).await;
            if let Err(error) = self.save() {
                tracing::warn!(%error, "can't write the state file");
                return;
            }
        }
    }
}
