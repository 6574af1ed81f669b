//! What a session does when something happens to it, as a pure function: (state, input) → (state, effects).
//! The loop around it, which owns the client and the clock, is the supervisor.

use std::time::Duration;

use crate::store::{Status, StatusReason as Reason};
use crate::whatsapp::End;

/// The longest pause between two attempts to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long to leave WhatsApp alone that asks to slow down, or refuses the version, without saying for how long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The longest pause where WhatsApp refuses the version: it takes a release of WhatsApp Web to change that.
const LONGEST_OUTDATED: Duration = Duration::from_secs(3600);

/// The client of a session. One client is one connection: it is never opened twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// There is none, and none is wanted.
    Closed,
    /// One is being built.
    Opening,
    /// There is one, connected or on its way.
    Open,
    /// The last one ended; the next is opened after a pause.
    Waiting,
}

/// The fetch of all groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetch {
    /// There is none.
    Idle,
    /// It is under way.
    Fetching,
    /// The last one failed; the next is begun after a pause.
    Waiting,
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// As callers see it.
    pub status: Status,
    /// Why, where the status alone does not say.
    pub reason: Option<Reason>,
    /// What the operator asked for; survives a restart of the process.
    pub started: bool,
    /// The client.
    pub client: Client,
    /// The fetch of all groups.
    pub sync: Fetch,
    /// Attempts that failed since the last success: the measure of the pause.
    failures: u32,
}

/// Why all groups could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncFailure {
    /// WhatsApp asks to wait this long.
    RateLimited(Duration),
    /// WhatsApp does not answer, or not so that it can be read.
    Unavailable,
    /// They could not be stored.
    Storage,
}

/// What can happen to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The operator wants it connected, at once.
    Start,
    /// Somebody wants to pair it. They may ask every second: WhatsApp is dialled no faster for that.
    Pair,
    /// The operator wants it disconnected.
    Stop,
    /// The device was unlinked by us.
    Unlinked,
    /// The process has started; an earlier one was told by WhatsApp to wait this much longer.
    Resume(Reason, Duration),
    /// The client is built.
    Opened,
    /// The client has ended, or could not be built. `stable`: it had been `working` for a while.
    Ended {
        /// Why.
        end: End,
        /// Whether it had been `working` for long enough that this is no series of failures.
        stable: bool,
    },
    /// The pause before the next client is over.
    Reopen,
    /// WhatsApp handed out a QR code.
    Qr,
    /// WhatsApp asks for the account's passkey, or has told the code to compare.
    PasskeyRequested,
    /// Somebody has confirmed that code.
    PasskeyConfirmed,
    /// A phone has linked the device.
    Paired,
    /// Logged in.
    Connected,
    /// A change of the groups was missed.
    Behind,
    /// The groups are in memory and in the database.
    Synced,
    /// The groups could not be had.
    SyncFailed(SyncFailure),
    /// The groups of the last sync are in memory again: good enough to work with.
    Recalled,
    /// The pause before the next fetch of the groups is over.
    Resync,
}

impl Input {
    /// What to tell people, beside the reason.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Ended { end, .. } => Some(end.to_string()),
            Self::PasskeyRequested => Some(
                "WhatsApp asks for the account's passkey before it links the session".to_owned(),
            ),
            Self::SyncFailed(failure) => Some(
                match failure {
                    SyncFailure::RateLimited(_) => {
                        "WhatsApp asks to slow down and does not hand out the groups"
                    }
                    SyncFailure::Unavailable => "WhatsApp does not hand out the groups",
                    SyncFailure::Storage => "the groups cannot be stored",
                }
                .to_owned(),
            ),
            _ => None,
        }
    }
}

/// What the loop has to do, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Build a client.
    Open,
    /// Close the client and drop all work under way.
    Close,
    /// Come back with [`Input::Reopen`] after this long.
    ReopenAfter(Duration),
    /// Fetch the groups.
    Sync,
    /// Work with the groups of the last sync, if there was one, and come back with [`Input::Recalled`].
    Recall,
    /// Come back with [`Input::Resync`] after this long.
    ResyncAfter(Duration),
    /// Forget the account and its device state, so that the next start pairs anew.
    ForgetAccount,
}

impl State {
    /// As read from the database when the process starts. What was under way then is not any more.
    #[must_use]
    pub fn at_rest(status: Status, reason: Option<Reason>, started: bool) -> Self {
        let (status, reason) = match status {
            Status::Stopped | Status::LoggedOut | Status::Failed => (status, reason),
            Status::Connecting | Status::ScanQrCode | Status::PasskeyRequired | Status::Working => {
                (Status::Stopped, None)
            }
        };
        Self {
            status,
            reason,
            started,
            client: Client::Closed,
            sync: Fetch::Idle,
            failures: 0,
        }
    }

    /// Whether something is tried again after a pause.
    #[must_use]
    pub fn retries(&self) -> bool {
        self.client == Client::Waiting || self.sync == Fetch::Waiting
    }

    /// Takes in `input` and says what to do about it.
    pub fn step(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::Start => match self.client {
                Client::Closed | Client::Waiting => {
                    self.failures = 0;
                    self.open()
                }
                Client::Opening | Client::Open => vec![],
            },
            Input::Pair if self.client == Client::Closed && self.failures == 0 => self.open(),
            Input::Pair if self.client == Client::Closed => self.wait(self.reason, self.pause()),
            Input::Pair => vec![],
            Input::Resume(reason, pause) => self.wait(Some(reason), pause),
            Input::Stop => self.stop(),
            Input::Unlinked => {
                self.rest(Status::LoggedOut, None, false);
                vec![Effect::Close, Effect::ForgetAccount]
            }
            // What is left comes from the client or from work done for it: too late once that is closed.
            _ if self.client == Client::Closed => vec![],
            Input::Opened => {
                self.client = Client::Open;
                vec![]
            }
            Input::Ended { end, stable } => {
                if stable {
                    self.failures = 0;
                }
                self.ended(&end)
            }
            Input::Reopen if self.client == Client::Waiting => self.open(),
            Input::Reopen => vec![],
            Input::Qr => {
                self.failures = 0;
                self.stand(Status::ScanQrCode, None);
                vec![]
            }
            Input::PasskeyRequested => {
                self.stand(Status::PasskeyRequired, Some(Reason::PasskeyRequired));
                vec![]
            }
            Input::PasskeyConfirmed | Input::Paired => {
                self.stand(Status::Connecting, None);
                vec![]
            }
            Input::Connected => {
                self.stand(Status::Connecting, None);
                self.sync = Fetch::Fetching;
                vec![Effect::Sync]
            }
            Input::Behind if self.sync == Fetch::Idle => {
                self.sync = Fetch::Fetching;
                vec![Effect::Sync]
            }
            Input::Behind => vec![],
            Input::Synced => {
                self.sync = Fetch::Idle;
                // Not 0: a connection that drops after each login is not dialled without a pause.
                self.failures = self.failures.min(1);
                self.stand(Status::Working, None);
                vec![]
            }
            Input::SyncFailed(failure) => self.sync_failed(failure),
            Input::Recalled => {
                self.stand(Status::Working, self.reason);
                vec![]
            }
            Input::Resync if self.sync == Fetch::Waiting => {
                self.sync = Fetch::Fetching;
                vec![Effect::Sync]
            }
            Input::Resync => vec![],
        }
    }

    fn stand(&mut self, status: Status, reason: Option<Reason>) {
        self.status = status;
        self.reason = reason;
    }

    fn open(&mut self) -> Vec<Effect> {
        self.started = true;
        // Why there was a pause is the best that is known until the client says more.
        let reason = self.reason.filter(|_| self.client == Client::Waiting);
        self.stand(Status::Connecting, reason);
        self.client = Client::Opening;
        vec![Effect::Open]
    }

    fn stop(&mut self) -> Vec<Effect> {
        // Unlinked is the more telling of the two: a start will not connect but pair.
        let (status, reason) = match self.status {
            Status::LoggedOut => (Status::LoggedOut, self.reason),
            _ => (Status::Stopped, None),
        };
        let closed = self.client == Client::Closed;
        self.rest(status, reason, false);
        if closed { vec![] } else { vec![Effect::Close] }
    }

    /// What the end of the client means.
    fn ended(&mut self, end: &End) -> Vec<Effect> {
        match end {
            End::Unreachable => self.failed(Reason::Unreachable),
            End::Storage => self.failed(Reason::Storage),
            End::Internal => self.failed(Reason::Internal),
            End::Restart => self.reopen(None, Duration::ZERO),
            End::Banned(time) => {
                self.failures = 0;
                self.reopen(Some(Reason::Banned), *time)
            }
            End::Outdated => {
                let pause = PATIENCE * 4_u32.saturating_pow(self.failures.min(3));
                self.failures = self.failures.saturating_add(1);
                self.reopen(Some(Reason::Outdated), pause.min(LONGEST_OUTDATED))
            }
            // Nobody is there to scan: going on would ask WhatsApp for codes for ever.
            End::QrExhausted => self.give_up(Status::Stopped, Reason::PairingTimedOut, false),
            // Keys that half a pairing has left behind are of no use.
            End::PairingFailed => self.forget(Status::Failed, Reason::PairingFailed),
            End::LoggedOut => self.forget(Status::LoggedOut, Reason::LoggedOutOnPhone),
            // `started` stays: a restart of the process is a new try, as a start is.
            End::Replaced => self.give_up(Status::Failed, Reason::Replaced, self.started),
            End::Refused(_) => self.give_up(Status::Failed, Reason::Refused, self.started),
            End::ServerNotVerified => {
                self.give_up(Status::Failed, Reason::ServerNotVerified, self.started)
            }
        }
    }

    fn sync_failed(&mut self, failure: SyncFailure) -> Vec<Effect> {
        let (reason, wait) = match failure {
            SyncFailure::RateLimited(wait) => (Reason::RateLimited, wait),
            SyncFailure::Unavailable => (Reason::GroupsUnavailable, Duration::ZERO),
            SyncFailure::Storage => (Reason::Storage, Duration::ZERO),
        };
        self.failures = self.failures.saturating_add(1);
        self.sync = Fetch::Waiting;
        self.stand(self.status, Some(reason));
        let again = Effect::ResyncAfter(self.pause().max(wait));
        if self.status == Status::Working {
            vec![again]
        } else {
            vec![Effect::Recall, again]
        }
    }

    /// Another attempt, after a pause that grows with the failures before it.
    fn failed(&mut self, reason: Reason) -> Vec<Effect> {
        let pause = self.pause();
        self.failures = self.failures.saturating_add(1);
        self.reopen(Some(reason), pause)
    }

    fn reopen(&mut self, reason: Option<Reason>, pause: Duration) -> Vec<Effect> {
        let mut effects = vec![Effect::Close];
        effects.append(&mut self.wait(reason, pause));
        effects
    }

    fn wait(&mut self, reason: Option<Reason>, pause: Duration) -> Vec<Effect> {
        self.started = true;
        self.stand(Status::Connecting, reason);
        self.client = Client::Waiting;
        self.sync = Fetch::Idle;
        vec![Effect::ReopenAfter(pause)]
    }

    fn give_up(&mut self, status: Status, reason: Reason, started: bool) -> Vec<Effect> {
        self.rest(status, Some(reason), started);
        self.failures = self.failures.saturating_add(1);
        vec![Effect::Close]
    }

    fn forget(&mut self, status: Status, reason: Reason) -> Vec<Effect> {
        let mut effects = self.give_up(status, reason, false);
        effects.push(Effect::ForgetAccount);
        effects
    }

    /// Stays without a client. The failures are remembered, for who asks again and again for a code to pair with.
    fn rest(&mut self, status: Status, reason: Option<Reason>, started: bool) {
        *self = Self {
            failures: self.failures,
            ..Self::at_rest(status, reason, started)
        };
    }

    /// How long to wait before the next attempt: none, 1 s, 2 s, 4 s … up to [`LONGEST_PAUSE`].
    fn pause(&self) -> Duration {
        match self.failures {
            0 => Duration::ZERO,
            n => Duration::from_secs(1 << (n - 1).min(6)).min(LONGEST_PAUSE),
        }
    }
}

#[cfg(test)]
mod tests;
