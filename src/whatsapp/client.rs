//! One WhatsApp client: one connection of a linked device.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use whatsapp_rust::bot::Bot;
use whatsapp_rust::pair_code::{PairCodeError, PairCodeOptions, PairError as LibraryPairError};
use whatsapp_rust::wacore::iq::devices::RemoveCompanionDeviceSpec;
use whatsapp_rust::wacore::store::DevicePropsOverride;
use whatsapp_rust::waproto::whatsapp::device_props::PlatformType;
use whatsapp_rust::{CacheConfig, CacheEntryConfig, Client as Library, MsgSecretPolicy};

use super::acks::Acks;
use super::backend::Backend;
use super::connection::{LibraryConnection, call, call_error, is_usable};
use super::event_loop::{CODE_VALIDITY, EventLoop};
use super::listener::{Listener, Signal};
use super::network::{Dialer, Network, Sockets};
use super::pin::{Pin, is_provisional};
use super::redact::describe;
use super::{CallError, Connection, End, Event, OpenError, PairError, translate};
use crate::jid::{Lid, SessionId, UserJid};
use crate::store::DeviceState;

/// The name in the phone's list of linked devices.
const DEVICE_NAME: &str = "WhatsApp Gateway";

/// What a pairing code shows on the phone beside "Desktop": WhatsApp takes names of operating systems only.
/// Source: whatsapp-rust, `CompanionOs`.
const PAIRING_OS: &str = "Linux";

/// One-time keys for people who write to this device first. A gateway reads no messages, so a small supply does.
const PRE_KEYS: usize = 30;

/// Events that may wait for the session to take them. More wait inside, see [`super::listener`].
const EVENTS: usize = 32;

/// A pairing code, to be typed into the phone.
#[derive(Clone)]
pub struct PairingCode {
    /// Eight characters, a dash in the middle.
    pub code: String,
    /// How long it is good.
    pub valid_for: Duration,
}

/// One WhatsApp client, for one connection: when that ends, for whatever reason, a new one is needed. Dropping it ends it
/// too, in the background.
pub struct Client {
    pub(super) client: Arc<Library>,
    session: SessionId,
    pub(super) call_limit: Duration,
    pub(super) signals: mpsc::UnboundedSender<Signal>,
    unlinked: Arc<AtomicBool>,
    acks: Arc<Acks>,
    stop: oneshot::Sender<()>,
    event_loop: JoinHandle<()>,
}

impl Client {
    /// Makes a client over `state`, whose device has logged in `logins` times, and starts it; each call of it may take
    /// `call_limit`. Events arrive in order; the last one is [`Event::Ended`].
    ///
    /// # Errors
    /// The device state cannot be read or written. That is tried first: the library goes on for minutes without it, and
    /// what it could not save then is lost.
    pub async fn open(
        dialer: &Dialer,
        call_limit: Duration,
        state: DeviceState,
        logins: i64,
    ) -> Result<(Self, mpsc::Receiver<Event>), OpenError> {
        state
            .probe()
            .await
            .map_err(|error| OpenError(error.to_string()))?;
        let pin = match dialer.network() {
            Network::WhatsApp => None,
            Network::Standin { server_key, .. } => Some(Pin::new(*server_key)),
        };
        let pinned = pin.is_some();
        let session = state.session().clone();
        let sockets = Sockets::new(dialer, session.clone());
        let unlinked = Arc::<AtomicBool>::default();
        let acks = Arc::<Acks>::default();
        let (to_loop, signals) = mpsc::unbounded_channel();
        let (events, received) = mpsc::channel(EVENTS);
        let version = dialer.version().await;
        let bot = Bot::builder()
            .with_version(version)
            .with_backend(Backend::new(state.clone(), pin, logins))
            .with_transport_factory(sockets)
            .with_http_client(dialer.web())
            .with_event_handler(Listener {
                signals: to_loop.clone(),
                acks: Arc::clone(&acks),
                versions: dialer.versions(),
                version,
                unlinked: Arc::clone(&unlinked),
            })
            .with_device_props(
                DevicePropsOverride::new()
                    .with_os(DEVICE_NAME)
                    .with_platform_type(PlatformType::DESKTOP),
            )
            .with_cache_config(caches())
            .with_wanted_pre_key_count(PRE_KEYS)
            .skip_history_sync();
        let bot = bot.build().await;
        let bot = bot.map_err(|error| OpenError(describe(&error)))?;
        let client = bot.client();
        client.enable_auto_reconnect.store(false, Ordering::Relaxed);
        let (stop, stopped) = oneshot::channel();
        let event_loop = EventLoop {
            client: Arc::clone(&client),
            handle: bot.spawn(),
            state,
            pinned,
            signals,
            events,
            connected: false,
            paired: false,
        };
        let opened = Self {
            client,
            session,
            call_limit,
            signals: to_loop,
            unlinked,
            acks,
            stop,
            event_loop: tokio::spawn(event_loop.run(stopped)),
        };
        Ok((opened, received))
    }

    /// The calls of this client. They fail as not connected before the login and after the end.
    #[must_use]
    pub fn connection(&self) -> Arc<dyn Connection> {
        Arc::new(LibraryConnection::new(
            Arc::clone(&self.client),
            self.session.clone(),
            self.call_limit,
            Arc::clone(&self.acks),
        ))
    }

    /// The account this device is linked to; `None` when it is not paired.
    #[must_use]
    pub fn identity(&self) -> Option<(UserJid, Option<Lid>)> {
        let account = self
            .client
            .pn()
            .filter(|account| !is_provisional(account))?;
        let lid = self.client.lid().as_ref().and_then(translate::lid);
        Some((translate::user(&account)?, lid))
    }

    /// Whether it is connected and logged in.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        is_usable(&self.client)
    }

    /// Asks WhatsApp for a pairing code for the phone with this number, once the first [`Event::Qr`] has come. It takes
    /// the place of an earlier code; QR codes go on beside it.
    ///
    /// # Errors
    /// See [`PairError`].
    pub async fn pair_with_code(&self, phone: &str) -> Result<PairingCode, PairError> {
        if self.identity().is_some() {
            return Err(PairError::AlreadyPaired);
        }
        if !self.client.is_connected() {
            return Err(CallError::NotConnected.into());
        }
        self.client.cancel_pair_code().await;
        let asked = Instant::now();
        let options = PairCodeOptions {
            phone_number: phone.to_owned(),
            display_os: Some(PAIRING_OS.to_owned()),
            ..PairCodeOptions::default()
        };
        let code = match timeout(self.call_limit, self.client.pair_with_code(options)).await {
            Ok(Ok(code)) => code,
            Ok(Err(error)) => return Err(pair_error(&error)),
            Err(_) => return Err(CallError::Unanswered.into()),
        };
        let (head, tail) = code.split_at_checked(4).unwrap_or((&code, ""));
        Ok(PairingCode {
            code: format!("{head}-{tail}"),
            valid_for: CODE_VALIDITY.saturating_sub(asked.elapsed()),
        })
    }

    /// Unlinks this device at WhatsApp. The client ends with [`End::LoggedOut`].
    ///
    /// # Errors
    /// It is not certain that the device has been unlinked; the client goes on.
    pub async fn logout(&self) -> Result<(), CallError> {
        let device = self.client.pn().ok_or(CallError::NotConnected)?;
        let unlink = RemoveCompanionDeviceSpec::new(&device);
        match call(&self.client, self.call_limit, self.client.execute(unlink)).await {
            Ok(()) => {
                let _ = self.signals.send(Signal::End(End::LoggedOut));
                Ok(())
            }
            // WhatsApp closes the stream at once, and the library may see that before the answer.
            Err(CallError::Unanswered) if self.unlinked.load(Ordering::Acquire) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Closes the connection, having saved what there is to save. The device stays linked. Bounded to a few seconds.
    pub async fn shutdown(self) {
        drop(self.stop);
        if let Err(error) = self.event_loop.await {
            tracing::error!(%error, "a client did not end well");
        }
    }
}

fn pair_error(error: &LibraryPairError) -> PairError {
    match error {
        LibraryPairError::PairCode(
            PairCodeError::PhoneNumberRequired
            | PairCodeError::PhoneNumberTooShort
            | PairCodeError::PhoneNumberNotInternational,
        ) => PairError::PhoneNumber,
        // Another request has taken the place of this one.
        LibraryPairError::PairCode(PairCodeError::Cancelled) => CallError::Unanswered.into(),
        error => call_error(error).into(),
    }
}

/// Small caches: a gateway sends no messages, and what it receives it only acknowledges.
fn caches() -> CacheConfig {
    let minutes = |minutes: u64, capacity| {
        CacheEntryConfig::new(Some(Duration::from_secs(minutes * 60)), capacity)
    };
    CacheConfig {
        group_cache: minutes(10, 16),
        device_registry_cache: minutes(10, 256),
        lid_pn_cache: CacheEntryConfig::new(None, 8192),
        sender_key_devices_cache: minutes(10, 16),
        message_retry_counts: minutes(60, 128),
        undecryptable_dispatched: minutes(5, 128),
        session_recreate_history: minutes(60, 128),
        resend_rate_limiter_capacity: 64,
        msg_secret_policy: MsgSecretPolicy::Disabled,
        seed_msg_secrets_from_history: false,
        ..CacheConfig::default()
    }
}
