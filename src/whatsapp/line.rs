//! The events of one client and its end.
//!
//! The library calls [`Listener`] inline and goes on only when it returns. So it does not wait: it puts a small
//! translation of the few events of interest into an unbounded queue, and nothing is lost. Only group notifications can
//! come in numbers; each is as large as the change it tells. The library handles each of them in a task of its own
//! (whatsapp-rust, `client/node_io.rs`), so that two can come here in the other order than they were sent.
//!
//! [`Line`] empties that queue. Whether the line is up it does not take from events, since some changes come without one
//! (a dead socket, a server out of reach): every event and every tick makes it look.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use whatsapp_rust::Client as Library;
use whatsapp_rust::bot::BotHandle;
use whatsapp_rust::wacore::types::events::{
    Event as LibraryEvent, EventHandler, EventInterest, EventKind,
};

use super::client::CODE_VALIDITY;
use super::connection::is_usable;
use super::redact::describe;
use super::{Event, translate};
use crate::store::DeviceState;

/// How often to look whether the line is up where no event tells.
const LOOK: Duration = Duration::from_millis(500);

/// How long the library may take to flush its state and to close the line.
const END_LIMIT: Duration = Duration::from_secs(8);

/// What the library has told.
pub(super) enum Signal {
    /// The line may be up, or down.
    Look,
    /// The library has finished its part of a login.
    Ready,
    /// To be passed on.
    Pass(Event),
    /// To be passed on once the device is on disk.
    Paired(Event),
    /// The QR codes are used up, but a pairing code is still good.
    CodeLeft,
    /// To be passed on when the client has ended, which it now must.
    End(Event),
}

/// The library's end of the queue.
pub(super) struct Listener {
    pub(super) signals: mpsc::UnboundedSender<Signal>,
    /// Set once WhatsApp has said that the device is unlinked.
    pub(super) unlinked: Arc<AtomicBool>,
}

impl EventHandler for Listener {
    fn handle_event(&self, event: Arc<LibraryEvent>) {
        if matches!(*event, LibraryEvent::LoggedOut(_)) {
            self.unlinked.store(true, Ordering::Release);
        }
        if let Some(signal) = signal(&event) {
            // Nobody listens any more when the client has ended.
            let _ = self.signals.send(signal);
        }
    }

    fn interest(&self) -> EventInterest {
        EventInterest::of(&[
            EventKind::Connected,
            EventKind::Disconnected,
            EventKind::PairSuccess,
            EventKind::PairError,
            EventKind::LoggedOut,
            EventKind::PairingQrCode,
            EventKind::PairingQrCodesExhausted,
            EventKind::ClientOutdated,
            EventKind::GroupUpdate,
            EventKind::StreamReplaced,
            EventKind::TemporaryBan,
            EventKind::ConnectFailure,
            EventKind::StreamError,
        ])
    }
}

fn signal(event: &LibraryEvent) -> Option<Signal> {
    Some(match event {
        LibraryEvent::Connected(_) => Signal::Ready,
        LibraryEvent::Disconnected(_) | LibraryEvent::StreamError(_) => Signal::Look,
        LibraryEvent::PairingQrCode(qr) => Signal::Pass(Event::Qr {
            code: qr.code.clone(),
            valid_for: qr.timeout,
        }),
        LibraryEvent::PairingQrCodesExhausted(codes) if codes.disconnected => {
            Signal::End(Event::QrExhausted)
        }
        LibraryEvent::PairingQrCodesExhausted(_) => Signal::CodeLeft,
        LibraryEvent::PairSuccess(device) => match translate::user(&device.id) {
            Some(jid) => Signal::Paired(Event::Paired {
                jid,
                lid: translate::lid(&device.lid),
            }),
            None => Signal::End(Event::PairingFailed),
        },
        LibraryEvent::PairError(_) => Signal::End(Event::PairingFailed),
        LibraryEvent::LoggedOut(_) => Signal::End(Event::LoggedOut),
        // What was missed is of no interest: each login fetches the groups, and asks later than those things happened.
        LibraryEvent::GroupUpdate(update) if update.offline.is_some() => return None,
        LibraryEvent::GroupUpdate(update) => {
            let (gid, change) = translate::group_change(update)?;
            let at = update.timestamp.timestamp();
            Signal::Pass(Event::Group { gid, change, at })
        }
        LibraryEvent::StreamReplaced(_) => failed("another client has taken over this device"),
        LibraryEvent::ClientOutdated(_) => failed("WhatsApp no longer accepts this version"),
        LibraryEvent::TemporaryBan(ban) => failed(&format!(
            "WhatsApp has banned the account for {} s ({:?})",
            ban.expire.num_seconds(),
            ban.code
        )),
        LibraryEvent::ConnectFailure(failure) if failure.reason.should_reconnect() => Signal::Look,
        LibraryEvent::ConnectFailure(failure) => failed(&format!(
            "WhatsApp refuses the login ({:?})",
            failure.reason
        )),
        _ => return None,
    })
}

fn failed(why: &str) -> Signal {
    Signal::End(Event::Failed(why.to_owned()))
}

/// A client's life. It ends with the library's, when it is told to stop, or when nobody takes its events any more.
pub(super) struct Line {
    pub(super) client: Arc<Library>,
    pub(super) handle: BotHandle,
    pub(super) state: DeviceState,
    /// Names the connection; see [`super::network::Sockets::dialled`].
    pub(super) dialled: Arc<AtomicU64>,
    pub(super) pinned: bool,
    pub(super) signals: mpsc::UnboundedReceiver<Signal>,
    pub(super) events: mpsc::Sender<Event>,
    /// The connection that was last told to be up.
    pub(super) up: Option<u64>,
}

/// The gateway has let go of the receiver.
struct Unheard;

impl Line {
    pub(super) async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        let last = tokio::select! {
            biased;
            // Also when the sender is dropped.
            _ = &mut stop => None,
            last = self.follow() => last.ok(),
        };
        // This flushes what the library still holds; its own tasks may be in the middle of what they received.
        let ended = timeout(END_LIMIT, self.client.disconnect()).await;
        // It may be in the middle of connecting, too, which it would finish first.
        self.handle.abort();
        let aborted = timeout(END_LIMIT, &mut self.handle).await;
        if self.client.is_connected() {
            self.client.disconnect().await;
        }
        if ended.is_err() || aborted.is_err() {
            tracing::warn!(session = %self.state.session(), "the client did not end in time");
        }
        self.state.close().await;
        if let Some(last) = last {
            tokio::select! {
                _ = &mut stop => {}
                _ = self.events.send(last) => {}
            }
        }
    }

    /// Passes events on, until the client has to end; then the last one.
    async fn follow(&mut self) -> Result<Event, Unheard> {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut code_ends: Option<Instant> = None;
        loop {
            let code_end = async {
                match code_ends {
                    Some(end) => sleep_until(end).await,
                    None => std::future::pending().await,
                }
            };
            let signal = tokio::select! {
                biased;
                signal = self.signals.recv() => signal.unwrap_or(Signal::Look),
                () = &mut self.handle => failed("the client has ended by itself"),
                () = code_end => Signal::End(Event::QrExhausted),
                _ = look.tick() => Signal::Look,
            };
            match signal {
                Signal::Look => {}
                Signal::Ready => {
                    // The library has said that this device is online, which keeps the phone from notifying its owner.
                    let _ = timeout(LOOK, self.client.presence().set_unavailable()).await;
                }
                Signal::Pass(event) => self.tell(event).await?,
                Signal::Paired(event) => {
                    code_ends = None;
                    // The library saves in its own time, but a crash from here on must not lose the device.
                    if let Err(error) = self.client.persistence_manager().flush().await {
                        return Ok(Event::Failed(describe(&error)));
                    }
                    self.tell(event).await?;
                }
                Signal::CodeLeft => code_ends = Some(Instant::now() + CODE_VALIDITY),
                Signal::End(event) => return Ok(event),
            }
            if self.pin_is_lost() {
                let why = "the server does not hold the configured key";
                return Ok(Event::Failed(why.to_owned()));
            }
            self.look().await?;
        }
    }

    /// Tells when the line has come up or gone down since it was last told. A connection that took another's place is
    /// both: notifications may have been missed in between.
    async fn look(&mut self) -> Result<(), Unheard> {
        let up = is_usable(&self.client).then(|| self.dialled.load(Ordering::Acquire));
        if up == self.up {
            return Ok(());
        }
        if self.up.take().is_some() {
            self.tell(Event::Disconnected).await?;
        }
        if up.is_some() {
            self.up = up;
            self.tell(Event::Connected).await?;
        }
        Ok(())
    }

    async fn tell(&self, event: Event) -> Result<(), Unheard> {
        self.events.send(event).await.map_err(|_| Unheard)
    }

    /// The library forgets a key that the server could not prove to hold, and would then ask for a certificate.
    fn pin_is_lost(&self) -> bool {
        let device = self.client.persistence_manager().get_device_snapshot();
        self.pinned && device.server_cert_chain.is_none()
    }
}
