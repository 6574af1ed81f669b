//! A stock client on an in-memory store, pinned to the stand-in's key.

use async_channel::Receiver;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use wacore::net::{HttpClient, HttpRequest, HttpResponse};
use wacore::stanza::groups::GroupNotificationAction as Change;
use wacore::store::device::{CachedNoiseCert, CachedServerCertChain};
use wacore::store::in_memory::InMemoryBackend;
use wacore::store::traits::{Backend, DeviceStore as _};
use wacore::types::events::{ChannelEventHandler, Event, EventHandler};
use whatsapp_rust::bot::{Bot, BotHandle};
use whatsapp_rust::transport::TokioWebSocketTransportFactory;
use whatsapp_rust::{Client, Jid};
use whatsapp_standin::{GroupSpec, Person, Standin};

/// The account of most tests.
pub const ME: &str = "628110000001";
/// An admin of groups who is somebody else.
pub const BOSS: &str = "628110000002";

const PATIENCE: Duration = Duration::from_secs(30);

/// Bounds a wait.
pub async fn soon<T>(what: &str, wait: impl Future<Output = T>) -> T {
    timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("waited too long for {what}"))
}

struct NoHttp;

#[async_trait::async_trait]
impl HttpClient for NoHttp {
    async fn execute(&self, _: HttpRequest) -> anyhow::Result<HttpResponse> {
        anyhow::bail!("no network in tests")
    }
}

/// What a client keeps over restarts.
pub type Store = Arc<InMemoryBackend>;

/// A store whose device knows the server's key, as the gateway's pinning makes it look.
pub async fn store(standin: &Standin) -> Store {
    let key: [u8; 32] = hex::decode(standin.server_key())
        .unwrap()
        .try_into()
        .unwrap();
    let certificate = CachedNoiseCert {
        key,
        not_before: 0,
        not_after: i64::MAX,
    };
    let mut device = wacore::store::Device::new();
    device.pn = Some(Jid::pn("0"));
    device.server_cert_chain = Some(CachedServerCertChain {
        intermediate: certificate.clone(),
        leaf: certificate,
    });
    let store = Arc::new(InMemoryBackend::new());
    store.save(&device).await.unwrap();
    store
}

struct Forward(Arc<ChannelEventHandler>);

impl EventHandler for Forward {
    fn handle_event(&self, event: Arc<Event>) {
        self.0.handle_event(event);
    }
}

/// A running client.
pub struct Device {
    pub client: Arc<Client>,
    pub events: Receiver<Arc<Event>>,
    handle: BotHandle,
}

impl Device {
    pub async fn start(standin: &Standin, store: &Store) -> Self {
        let (channel, events) = ChannelEventHandler::new();
        let backend: Arc<dyn Backend> = store.clone();
        let bot = Bot::builder()
            .with_backend_arc(backend)
            .with_transport_factory(TokioWebSocketTransportFactory::new().with_url(standin.url()))
            .with_http_client(NoHttp)
            .with_event_handler(Forward(channel))
            .with_version((2, 3000, 1_030_000_000))
            .with_wanted_pre_key_count(10)
            .skip_history_sync()
            .build()
            .await
            .unwrap();
        let handle = bot.spawn();
        Self {
            client: handle.client(),
            events,
            handle,
        }
    }

    /// Waits for an event that `pick` accepts, and skips the others.
    pub async fn event<T>(&self, what: &str, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        soon(what, async {
            loop {
                let event = self.events.recv().await.unwrap();
                if let Some(picked) = pick(&event) {
                    return picked;
                }
            }
        })
        .await
    }

    pub async fn qr(&self) -> String {
        self.event("a QR code", |event| match event {
            Event::PairingQrCode(qr) => Some(qr.code.clone()),
            _ => None,
        })
        .await
    }

    pub async fn connected(&self) {
        self.event("Connected", |event| {
            matches!(event, Event::Connected(_)).then_some(())
        })
        .await;
    }

    pub async fn stop(self) {
        self.handle.shutdown().await;
    }
}

/// A stand-in with the account, another admin, and some people.
pub async fn world() -> Standin {
    let standin = Standin::start_default().await.unwrap();
    seed(&standin);
    standin
}

pub fn seed(standin: &Standin) {
    standin.add_account(ME).unwrap();
    standin.add_person(Person::new(BOSS));
    for phone in 0..10 {
        standin.add_person(Person::new(friend(phone)));
    }
}

/// Somebody who can be added.
pub fn friend(n: usize) -> String {
    format!("62822000{n:04}")
}

/// A paired and connected device.
pub async fn paired(standin: &Standin) -> (Device, Store) {
    let store = store(standin).await;
    let device = Device::start(standin, &store).await;
    let qr = device.qr().await;
    soon("the scan", standin.phone(ME).scan(&qr)).await.unwrap();
    device.connected().await;
    (device, store)
}

/// Waits for a group notification and gives what changed.
pub async fn change(device: &Device) -> Change {
    device
        .event("a group notification", |event| match event {
            Event::GroupUpdate(update) => Some(update.action.clone()),
            _ => None,
        })
        .await
}

/// A group with the account as admin and [`BOSS`] as superadmin.
pub fn admin_group() -> GroupSpec {
    GroupSpec::new("Team").superadmin(BOSS).admin(ME)
}

pub fn gid(text: &str) -> Jid {
    text.parse().unwrap()
}

pub fn jids(phones: &[String]) -> Vec<Jid> {
    phones.iter().map(Jid::pn).collect()
}
