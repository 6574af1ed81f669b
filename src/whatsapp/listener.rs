//! The library's end of a client's queue of signals.
//!
//! The library calls [`Listener`] inline and goes on only when it returns. So it does not wait: it puts a small
//! translation of the few events of interest into an unbounded queue, and nothing is lost. Only group notifications can
//! come in numbers; each is as large as the change it tells. The library handles each of them in a task of its own
//! (whatsapp-rust, `client/node_io.rs`), so that two can come here in the other order than they were sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value};
use tokio::sync::mpsc;
use whatsapp_rust::wacore::types::events::{
    Event as LibraryEvent, EventHandler, EventInterest, EventKind,
};

use super::acks::Acks;
use super::redact::redact;
use super::versions::{Version, Versions};
use super::{End, Event, translate};

/// What the library has told.
pub(super) enum Signal {
    /// The client may be connected now, or not any more.
    Look,
    /// The library has finished its part of a login.
    Ready,
    /// To be passed on.
    Pass(Event),
    /// WhatsApp asks for a passkey, with these options.
    Passkey(Map<String, Value>),
    /// To be passed on once the device is on disk.
    Paired(Event),
    /// The QR codes are used up, but a pairing code is still good.
    CodeLeft,
    /// The client has ended, or now must.
    End(End),
}

/// The library's end of the queue.
pub(super) struct Listener {
    pub(super) signals: mpsc::UnboundedSender<Signal>,
    pub(super) acks: Arc<Acks>,
    /// Set once WhatsApp has said that the device is unlinked.
    pub(super) unlinked: Arc<AtomicBool>,
    pub(super) versions: Arc<Versions>,
    /// The version that the client claims.
    pub(super) version: Version,
}

impl EventHandler for Listener {
    fn handle_event(&self, event: Arc<LibraryEvent>) {
        if matches!(*event, LibraryEvent::ClientOutdated(_)) {
            self.versions.refresh_after(self.version);
        }
        if matches!(*event, LibraryEvent::LoggedOut(_)) {
            self.unlinked.store(true, Ordering::Release);
        }
        if let LibraryEvent::ServerAck(ack) = &*event {
            self.acks.came(ack);
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
            EventKind::PairPasskeyRequest,
            EventKind::PairPasskeyConfirmation,
            EventKind::PairPasskeyError,
            EventKind::LoggedOut,
            EventKind::PairingQrCode,
            EventKind::PairingQrCodesExhausted,
            EventKind::ClientOutdated,
            EventKind::GroupUpdate,
            EventKind::StreamReplaced,
            EventKind::TemporaryBan,
            EventKind::ConnectFailure,
            EventKind::StreamError,
            EventKind::ServerAck,
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
            Signal::End(End::QrExhausted)
        }
        LibraryEvent::PairingQrCodesExhausted(_) => Signal::CodeLeft,
        LibraryEvent::PairSuccess(device) => match translate::user(&device.id) {
            Some(jid) => Signal::Paired(Event::Paired {
                jid,
                lid: translate::lid(&device.lid),
            }),
            None => Signal::End(End::PairingFailed),
        },
        LibraryEvent::PairError(_) => Signal::End(End::PairingFailed),
        LibraryEvent::LoggedOut(_) => Signal::End(End::LoggedOut),
        // What was missed is of no interest: each login fetches the groups, and asks later than those things happened.
        LibraryEvent::GroupUpdate(update) if update.offline.is_some() => return None,
        LibraryEvent::GroupUpdate(update) => {
            let (gid, change) = translate::group_change(update)?;
            let at = update.timestamp.timestamp();
            Signal::Pass(Event::Group { gid, change, at })
        }
        LibraryEvent::StreamReplaced(_) => Signal::End(End::Replaced),
        LibraryEvent::ClientOutdated(_) => Signal::End(End::Outdated),
        LibraryEvent::TemporaryBan(ban) => {
            Signal::End(End::Banned(ban.expire.to_std().unwrap_or_default()))
        }
        // The client ends by itself and the next one tries again.
        LibraryEvent::ConnectFailure(failure) if failure.reason.should_reconnect() => Signal::Look,
        LibraryEvent::ConnectFailure(failure) => Signal::End(End::Refused(failure.reason.code())),
        LibraryEvent::PairPasskeyRequest(request) => {
            match serde_json::from_str(&request.request_options_json) {
                Ok(options) => Signal::Passkey(options),
                Err(_) => Signal::End(End::PairingFailed),
            }
        }
        LibraryEvent::PairPasskeyConfirmation(confirmation) => Signal::Pass(Event::PasskeyCode {
            code: confirmation.code.clone(),
        }),
        // What the phone sent does not fit, or did not come: the library has dropped the linking.
        LibraryEvent::PairPasskeyError(error) => {
            let error = redact(&error.error);
            tracing::warn!(error, "linking with a passkey failed");
            Signal::End(End::PairingFailed)
        }
        _ => return None,
    })
}
