//! What a session does when something happens to it, as a pure function: (state, input) → (state, effects).
//! The loop around it, which owns the client and the clock, is `supervisor`.

use std::time::Duration;

use crate::store::Status;

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The client of a session. One client is one life of the line: it is never opened twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// There is none, and none is wanted.
    Closed,
    /// One is being built.
    Opening,
    /// There is one. It connects and reconnects by itself.
    Open,
    /// The last one ended; the next is opened after a pause.
    Waiting,
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// As callers see it.
    pub status: Status,
    /// What the operator asked for; survives a restart of the process.
    pub started: bool,
    /// The client.
    pub line: Line,
    /// Whether the groups are being fetched, or will be after a pause.
    pub syncing: bool,
    /// Attempts that failed since the last success: the measure of the pause.
    failures: u32,
}

/// What can happen to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The operator wants it connected.
    Start,
    /// The operator wants it disconnected.
    Stop,
    /// The device is unlinked, whoever did it.
    Unlinked,
    /// The client is built.
    Opened,
    /// The client could not be built, or ended without a word.
    Ended,
    /// The pause before the next client is over.
    Reopen,
    /// WhatsApp handed out a QR code.
    Qr,
    /// Nobody scanned any of them.
    QrExhausted,
    /// A phone has linked the device.
    Paired,
    /// Pairing went wrong.
    PairingFailed,
    /// Logged in.
    Connected,
    /// The groups are in memory and in the database.
    Synced,
    /// The groups could not be had.
    SyncFailed,
    /// The pause before the next try to have the groups is over.
    Resync,
    /// The line dropped; the client reconnects by itself.
    Disconnected,
    /// The client has ended for a reason that trying again does not cure.
    Failed,
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
    /// Come back with [`Input::Resync`] after this long.
    ResyncAfter(Duration),
    /// Drop all queries under way: their line is gone.
    AbandonQueries,
    /// Forget the account and its device state, so that the next start pairs anew.
    ForgetAccount,
}

impl State {
    /// As read from the database when the process starts. What was under way then is not any more.
    #[must_use]
    pub fn at_rest(status: Status, started: bool) -> Self {
        let status = match status {
            Status::LoggedOut | Status::Failed => status,
            Status::Stopped
            | Status::Connecting
            | Status::ScanQrCode
            | Status::PasskeyRequired
            | Status::Working => Status::Stopped,
        };
        Self {
            status,
            started,
            line: Line::Closed,
            syncing: false,
            failures: 0,
        }
    }

    /// Takes in `input` and says what to do about it.
    pub fn step(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::Start => self.start(),
            Input::Stop => self.stop(),
            Input::Unlinked => {
                self.rest(Status::LoggedOut, false);
                vec![Effect::Close, Effect::ForgetAccount]
            }
            // What is left comes from the client or from work done for it: too late once the line is closed.
            _ if self.line == Line::Closed => vec![],
            Input::Opened => {
                self.line = Line::Open;
                vec![]
            }
            Input::Ended => {
                let pause = self.failed();
                self.status = Status::Connecting;
                self.line = Line::Waiting;
                self.syncing = false;
                vec![Effect::Close, Effect::ReopenAfter(pause)]
            }
            Input::Reopen => {
                self.line = Line::Opening;
                vec![Effect::Open]
            }
            Input::Qr => {
                self.status = Status::ScanQrCode;
                vec![]
            }
            Input::Paired => {
                self.status = Status::Connecting;
                vec![]
            }
            // Nobody is there to scan: going on would ask WhatsApp for codes for ever.
            Input::QrExhausted => {
                self.rest(Status::Stopped, false);
                vec![Effect::Close]
            }
            // Keys that half a pairing has left behind are of no use.
            Input::PairingFailed => {
                self.rest(Status::Failed, false);
                vec![Effect::Close, Effect::ForgetAccount]
            }
            // `started` stays: a restart of the process is a new try, as a start is.
            Input::Failed => {
                self.rest(Status::Failed, self.started);
                vec![Effect::Close]
            }
            Input::Connected => self.connected(),
            Input::Synced => {
                self.syncing = false;
                self.failures = 0;
                self.status = Status::Working;
                vec![]
            }
            Input::SyncFailed => vec![Effect::ResyncAfter(self.failed())],
            Input::Resync => vec![Effect::Sync],
            Input::Disconnected => {
                self.status = Status::Connecting;
                self.syncing = false;
                vec![Effect::AbandonQueries]
            }
        }
    }

    fn start(&mut self) -> Vec<Effect> {
        if self.line != Line::Closed {
            return vec![];
        }
        self.started = true;
        self.status = Status::Connecting;
        self.line = Line::Opening;
        self.failures = 0;
        vec![Effect::Open]
    }

    fn stop(&mut self) -> Vec<Effect> {
        // Unlinked is the more telling of the two: a start will not connect but pair.
        let status = match self.status {
            Status::LoggedOut => Status::LoggedOut,
            _ => Status::Stopped,
        };
        let closed = self.line == Line::Closed;
        self.rest(status, false);
        if closed { vec![] } else { vec![Effect::Close] }
    }

    /// A session that works already may be told again, after a reconnect that went unnoticed: it goes on working while
    /// the groups are fetched anew.
    fn connected(&mut self) -> Vec<Effect> {
        if self.syncing {
            return vec![];
        }
        if self.status != Status::Working {
            self.status = Status::Connecting;
        }
        self.syncing = true;
        self.failures = 0;
        vec![Effect::Sync]
    }

    fn rest(&mut self, status: Status, started: bool) {
        *self = Self {
            started,
            ..Self::at_rest(status, started)
        };
    }

    /// Counts a failure; says how long to wait: 1 s, 2 s, 4 s … up to a minute.
    fn failed(&mut self) -> Duration {
        let pause = Duration::from_secs(1 << self.failures.min(6)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn state(status: Status, started: bool, line: Line, syncing: bool) -> State {
        State {
            status,
            started,
            line,
            syncing,
            failures: 0,
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    /// Every situation with every input that means something in it.
    #[test]
    fn transitions() {
        use Effect as E;
        use Input as I;
        use Line::{Closed, Open, Opening, Waiting};
        use Status::{Connecting, Failed, LoggedOut, ScanQrCode, Stopped, Working};

        let stopped = state(Stopped, false, Closed, false);
        let logged_out = state(LoggedOut, false, Closed, false);
        let failed = state(Failed, true, Closed, false);
        let opening = state(Connecting, true, Opening, false);
        let open = state(Connecting, true, Open, false);
        let scanning = state(ScanQrCode, true, Open, false);
        let syncing = state(Connecting, true, Open, true);
        let working = state(Working, true, Open, false);
        let resyncing = state(Working, true, Open, true);
        let waiting = state(Connecting, true, Waiting, false);
        let once = |s: State| State { failures: 1, ..s };

        #[rustfmt::skip]
        let table: &[(State, I, State, &[E])] = &[
            // Starting: from rest only.
            (stopped,    I::Start, opening,    &[E::Open]),
            (logged_out, I::Start, opening,    &[E::Open]),
            (failed,     I::Start, opening,    &[E::Open]),
            (opening,    I::Start, opening,    &[]),
            (scanning,   I::Start, scanning,   &[]),
            (working,    I::Start, working,    &[]),
            (waiting,    I::Start, waiting,    &[]),
            // Stopping: from anywhere.
            (stopped,    I::Stop,  stopped,    &[]),
            (logged_out, I::Stop,  logged_out, &[]),
            (failed,     I::Stop,  stopped,    &[]),
            (opening,    I::Stop,  stopped,    &[E::Close]),
            (scanning,   I::Stop,  stopped,    &[E::Close]),
            (syncing,    I::Stop,  stopped,    &[E::Close]),
            (working,    I::Stop,  stopped,    &[E::Close]),
            (waiting,    I::Stop,  stopped,    &[E::Close]),
            // Unlinked: by the phone, or by a logout.
            (working,    I::Unlinked, logged_out, &[E::Close, E::ForgetAccount]),
            (open,       I::Unlinked, logged_out, &[E::Close, E::ForgetAccount]),
            (stopped,    I::Unlinked, logged_out, &[E::Close, E::ForgetAccount]),
            // Pairing.
            (opening,    I::Opened,        open,       &[]),
            (open,       I::Qr,            scanning,   &[]),
            (scanning,   I::Qr,            scanning,   &[]),
            (scanning,   I::Paired,        open,       &[]),
            (scanning,   I::QrExhausted,   stopped,    &[E::Close]),
            (scanning,   I::PairingFailed, state(Failed, false, Closed, false), &[E::Close, E::ForgetAccount]),
            (scanning,   I::Disconnected,  open,       &[E::AbandonQueries]),
            // Connecting: working only when the groups are there.
            (open,       I::Connected,     syncing,    &[E::Sync]),
            (syncing,    I::Connected,     syncing,    &[]),
            (syncing,    I::Synced,        working,    &[]),
            (syncing,    I::SyncFailed,    once(syncing), &[E::ResyncAfter(SECOND)]),
            (once(syncing), I::SyncFailed, State { failures: 2, ..syncing }, &[E::ResyncAfter(2 * SECOND)]),
            (once(syncing), I::Resync,     once(syncing), &[E::Sync]),
            (once(syncing), I::Synced,     working,    &[]),
            (working,    I::Connected,     resyncing,  &[E::Sync]),
            (resyncing,  I::Synced,        working,    &[]),
            // Losing the line: the client reconnects by itself, or has ended and is replaced.
            (working,    I::Disconnected,  open,       &[E::AbandonQueries]),
            (resyncing,  I::Disconnected,  open,       &[E::AbandonQueries]),
            (syncing,    I::Disconnected,  open,       &[E::AbandonQueries]),
            (working,    I::Ended,         once(waiting), &[E::Close, E::ReopenAfter(SECOND)]),
            (opening,    I::Ended,         once(waiting), &[E::Close, E::ReopenAfter(SECOND)]),
            (waiting,    I::Reopen,        opening,    &[E::Open]),
            (once(opening), I::Ended,      State { failures: 2, ..waiting }, &[E::Close, E::ReopenAfter(2 * SECOND)]),
            (once(open), I::Connected,     syncing,    &[E::Sync]),
            (working,    I::Failed,        failed,     &[E::Close]),
            // Too late.
            (stopped,    I::Opened,        stopped,    &[]),
            (stopped,    I::Ended,         stopped,    &[]),
            (stopped,    I::Synced,        stopped,    &[]),
            (stopped,    I::Connected,     stopped,    &[]),
            (logged_out, I::Reopen,        logged_out, &[]),
            (failed,     I::Disconnected,  failed,     &[]),
        ];
        for (before, input, after, effects) in table {
            let mut state = *before;
            assert_eq!(state.step(*input), *effects, "{before:?} {input:?}");
            assert_eq!(state, *after, "{before:?} {input:?}");
        }
    }

    #[test]
    fn pauses_grow_to_a_minute() {
        let mut state = state(Status::Connecting, true, Line::Opening, false);
        let mut pauses = Vec::new();
        for _ in 0..9 {
            pauses.extend(
                state
                    .step(Input::Ended)
                    .into_iter()
                    .filter_map(|e| match e {
                        Effect::ReopenAfter(pause) => Some(pause.as_secs()),
                        _ => None,
                    }),
            );
            state.step(Input::Reopen);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn a_restart_of_the_process_keeps_what_lasts() {
        for (stored, read) in [
            (Status::Working, Status::Stopped),
            (Status::Connecting, Status::Stopped),
            (Status::ScanQrCode, Status::Stopped),
            (Status::Stopped, Status::Stopped),
            (Status::LoggedOut, Status::LoggedOut),
            (Status::Failed, Status::Failed),
        ] {
            let state = State::at_rest(stored, true);
            assert_eq!(
                (state.status, state.started, state.line),
                (read, true, Line::Closed)
            );
        }
    }
}
