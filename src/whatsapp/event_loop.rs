//! A client's event loop: empties the queue of signals (see [`super::listener`]) and passes on what the session is to know.
//!
//! Whether the client is connected it does not take from signals, since some changes come without one (a dead socket, a
//! server out of reach): every signal and every tick makes it look. It ends with the first connection; the library's own
//! reconnecting is switched off, so that one place decides when to dial again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use whatsapp_rust::Client as Library;
use whatsapp_rust::bot::BotHandle;
use whatsapp_rust::wacore::iq::keepalive::KeepaliveSpec;

use super::connection::{call, is_usable};
use super::listener::Signal;
use super::redact::describe;
use super::{CallError, End, Event};
use crate::store::DeviceState;

/// How often to look whether the client is connected where no event tells.
const LOOK: Duration = Duration::from_millis(500);

/// How often to ask WhatsApp for a sign of life. The library pings too, but it can take over a minute to give up on a
/// server that stands still (whatsapp-rust, `keepalive.rs`); it leaves that be while answers to ours come in.
const PING_EVERY: Duration = Duration::from_secs(15);

/// How long WhatsApp may take to answer a ping: as long as the library grants it.
const PING_LIMIT: Duration = Duration::from_secs(20);

/// How long WhatsApp accepts a pairing code. Source: whatsapp-rust, `PairCodeUtils::code_validity`.
pub(super) const CODE_VALIDITY: Duration = Duration::from_secs(180);

/// How long the library shows QR codes and holds the connection for them, also when one of them has been scanned: six, the
/// first for 60 s and the others for 20 s (whatsapp-rust, `pair.rs`).
const CODES_SHOWN: Duration = Duration::from_secs(60 + 5 * 20);

/// How long the library may take to flush its state and to close the connection.
const END_LIMIT: Duration = Duration::from_secs(8);

/// A client's life, from the first dial to the end of the connection. It ends with the library's, when it is told to
/// stop, or when nobody takes its events any more.
pub(super) struct EventLoop {
    pub(super) client: Arc<Library>,
    pub(super) handle: BotHandle,
    pub(super) state: DeviceState,
    pub(super) pinned: bool,
    pub(super) signals: mpsc::UnboundedReceiver<Signal>,
    pub(super) events: mpsc::Sender<Event>,
    /// Whether [`Event::Connected`] has been told.
    pub(super) connected: bool,
    /// Whether [`Event::Paired`] has been told.
    pub(super) paired: bool,
}

/// The gateway has let go of the receiver.
struct Unheard;

impl EventLoop {
    pub(super) async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        let end = tokio::select! {
            biased;
            // Also when the sender is dropped.
            _ = &mut stop => None,
            end = self.follow() => end.ok(),
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
        if let Some(end) = end {
            tokio::select! {
                _ = &mut stop => {}
                _ = self.events.send(Event::Ended(end)) => {}
            }
        }
    }

    /// Passes events on, until the client ends or has to; then why.
    async fn follow(&mut self) -> Result<End, Unheard> {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut code_ends: Option<Instant> = None;
        let mut silence = Box::pin(silence(Arc::clone(&self.client)));
        let mut qr_ends: Option<Instant> = None;
        let mut passkey_asked = false;
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
                () = &mut self.handle => Signal::End(self.dropped()),
                () = code_end => Signal::End(End::QrExhausted),
                () = &mut silence => Signal::End(End::Unreachable),
                _ = look.tick() => Signal::Look,
            };
            match signal {
                Signal::Look => {}
                Signal::Ready => {
                    // The library has said that this device is online, which keeps the phone from notifying its owner.
                    let _ = timeout(LOOK, self.client.presence().set_unavailable()).await;
                }
                // The library goes on with its QR codes, but a phone has one already.
                Signal::Pass(Event::Qr { .. }) if passkey_asked => {}
                Signal::Pass(event) => {
                    if matches!(event, Event::Qr { .. }) {
                        qr_ends.get_or_insert_with(|| Instant::now() + CODES_SHOWN);
                    }
                    self.tell(event).await?;
                }
                Signal::Passkey(options) => {
                    passkey_asked = true;
                    let valid_for = code_ends.or(qr_ends).map_or(CODES_SHOWN, |end| {
                        end.saturating_duration_since(Instant::now())
                    });
                    self.tell(Event::PasskeyRequested { options, valid_for })
                        .await?;
                }
                Signal::Paired(event) => {
                    code_ends = None;
                    // The library saves in its own time, but a crash from here on must not lose the device.
                    if let Err(error) = self.client.persistence_manager().flush().await {
                        tracing::error!(session = %self.state.session(), error = describe(&error), "cannot save the device");
                        return Ok(End::Storage);
                    }
                    self.paired = true;
                    self.tell(event).await?;
                }
                Signal::CodeLeft => code_ends = Some(Instant::now() + CODE_VALIDITY),
                Signal::End(end) => return Ok(end),
            }
            if self.client.persistence_manager().is_saver_halted() {
                return Ok(End::Storage);
            }
            if let Some(end) = self.look().await? {
                return Ok(end);
            }
        }
    }

    /// Tells when the client has become connected; says when it is not any more.
    async fn look(&mut self) -> Result<Option<End>, Unheard> {
        let usable = is_usable(&self.client);
        if usable && !self.connected {
            self.connected = true;
            self.tell(Event::Connected).await?;
        }
        Ok((self.connected && !usable).then(|| self.dropped()))
    }

    /// Why there is no connection any more. The library may have said so, in a signal that is still in the queue.
    fn dropped(&mut self) -> End {
        while let Ok(signal) = self.signals.try_recv() {
            if let Signal::End(end) = signal {
                return end;
            }
        }
        if self.pin_is_lost() {
            End::ServerNotVerified
        } else if self.paired && !self.connected {
            End::Restart
        } else {
            End::Unreachable
        }
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

/// Completes when WhatsApp has left a ping unanswered.
async fn silence(client: Arc<Library>) {
    let mut pings = interval(PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pings.tick().await;
        let answer = call(&client, PING_LIMIT, client.execute(KeepaliveSpec::new())).await;
        if matches!(answer, Err(CallError::Unanswered)) {
            return;
        }
    }
}
