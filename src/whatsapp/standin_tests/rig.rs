//! What the tests against the stand-in share: a stand-in beside a database, and a client's events one by one.

use std::collections::BTreeMap;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;
use whatsapp_standin::{GroupSpec, Phone, Standin, StandinConfig};

use crate::group::GroupChange;
use crate::jid::{GroupJid, SessionId, UserJid};
use crate::outbound::Proxies;
use crate::store::{DeviceState, Store};
use crate::whatsapp::{Client, Dialer, End, Event, Network, testing};

pub(super) const OWN: &str = "628111000001";

/// Longer than anything takes that works.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// What a call may take.
const CALL_LIMIT: Duration = Duration::from_secs(20);

pub(super) fn user(phone: &str) -> UserJid {
    format!("{phone}@s.whatsapp.net").parse().expect("a user")
}

/// A stand-in with an account, and a gateway's database with one session.
pub(super) struct Rig {
    pub(super) standin: Standin,
    pub(super) dialer: Dialer,
    pub(super) store: Store,
    pub(super) session: SessionId,
    pub(super) directory: TempDir,
}

impl Rig {
    pub(super) async fn new() -> Self {
        let (store, session, directory) = testing::store().await;
        let config = StandinConfig::default().state(directory.path().join("world.json"));
        let standin = Standin::start(config).await.expect("a stand-in");
        standin.add_account(OWN).expect("an account");
        let network = Network::Standin {
            url: standin.url(),
            server_key: key(&standin.server_key()),
        };
        Self {
            standin,
            dialer: Dialer::new(network, Proxies::default()),
            store,
            session,
            directory,
        }
    }

    pub(super) fn state(&self) -> DeviceState {
        self.store.device_state(&self.session)
    }

    pub(super) fn phone(&self) -> Phone {
        self.standin.phone(OWN)
    }

    pub(super) async fn open(&self) -> (Client, Events) {
        open(&self.dialer, self.state()).await
    }

    /// A client that is connected, of a device that has been paired by QR.
    pub(super) async fn paired(&self) -> (Client, Events) {
        let (client, mut events) = self.open().await;
        let code = events.qr().await;
        self.phone().scan(&code).await.expect("linked");
        events
            .until(|event| matches!(event, Event::Paired { .. }))
            .await;
        self.restarted(client, events).await
    }

    /// A client that is connected, after the one that has just been paired.
    pub(super) async fn restarted(&self, client: Client, mut events: Events) -> (Client, Events) {
        assert_eq!(events.end().await, End::Restart);
        client.shutdown().await;
        self.connected().await
    }

    /// A client that is connected, of a device that is paired already.
    pub(super) async fn connected(&self) -> (Client, Events) {
        let (client, mut events) = self.open().await;
        events.connected().await;
        (client, events)
    }

    pub(super) fn group(&self, spec: GroupSpec) -> GroupJid {
        self.standin.add_group(spec).parse().expect("a group")
    }

    /// What the client has asked about groups since `before`. After a pairing the library still fetches other things.
    pub(super) fn asked_since(&self, before: &BTreeMap<String, u64>) -> Vec<(String, u64)> {
        let now = self.standin.iq_counts().into_iter();
        now.map(|(kind, count)| {
            let asked = count - before.get(&kind).unwrap_or(&0);
            (kind, asked)
        })
        .filter(|(kind, asked)| *asked > 0 && kind.contains(" w:g2"))
        .collect()
    }
}

fn key(hex: &str) -> [u8; 32] {
    let digit = |byte| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let mut key = [0; 32];
    for (byte, pair) in key.iter_mut().zip(hex.as_bytes().chunks(2)) {
        *byte = digit(pair[0]).expect("hex") * 16 + digit(pair[1]).expect("hex");
    }
    key
}

/// What happens to a client, one after the other.
pub(super) struct Events(pub(super) Receiver<Event>);

impl Events {
    pub(super) async fn next(&mut self) -> Option<Event> {
        timeout(PATIENCE, self.0.recv())
            .await
            .expect("an event in time")
    }

    pub(super) async fn until(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self.next().await.expect("not the end");
            if wanted(&event) {
                return event;
            }
        }
    }

    pub(super) async fn qr(&mut self) -> String {
        match self.until(|event| matches!(event, Event::Qr { .. })).await {
            Event::Qr { code, .. } => code,
            _ => unreachable!(),
        }
    }

    pub(super) async fn connected(&mut self) {
        self.until(|event| matches!(event, Event::Connected)).await;
    }

    pub(super) async fn change(&mut self) -> (GroupJid, GroupChange) {
        match self
            .until(|event| matches!(event, Event::Group { .. }))
            .await
        {
            Event::Group { gid, change, .. } => (gid, change),
            _ => unreachable!(),
        }
    }

    pub(super) async fn end(&mut self) -> End {
        match self.until(|event| matches!(event, Event::Ended(_))).await {
            Event::Ended(end) => {
                assert!(self.next().await.is_none(), "an end is the last event");
                end
            }
            _ => unreachable!(),
        }
    }
}

/// A client of any network, also once the rig's stand-in is gone.
pub(super) async fn open(dialer: &Dialer, state: DeviceState) -> (Client, Events) {
    let (client, events) = Client::open(dialer, CALL_LIMIT, state, 0)
        .await
        .expect("a client");
    (client, Events(events))
}
