//! The table of the session's states.

use super::*;
use crate::store::StatusReason as R;

fn state(status: Status, started: bool, client: Client, sync: Fetch) -> State {
    State {
        status,
        client,
        sync,
        ..State::at_rest(Status::Stopped, None, started)
    }
}

impl State {
    fn with(self, status: Status, reason: Option<R>) -> Self {
        Self {
            status,
            reason,
            ..self
        }
    }

    /// After so many more failures.
    fn failing(self, times: u32) -> Self {
        Self {
            failures: self.failures + times,
            ..self
        }
    }
}

fn ended(end: End) -> Input {
    Input::Ended { end, stable: false }
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Every situation with every input that means something in it.
#[test]
fn transitions() {
    use Client::{Closed, Open, Opening, Waiting};
    use Effect as E;
    use Fetch::{Fetching, Idle};
    use Input as I;
    use Status::{Connecting, Failed, LoggedOut, PasskeyRequired, ScanQrCode, Stopped, Working};

    let stopped = state(Stopped, false, Closed, Idle);
    let logged_out = state(LoggedOut, false, Closed, Idle);
    let failed = state(Failed, true, Closed, Idle).with(Failed, Some(R::Replaced));
    let opening = state(Connecting, true, Opening, Idle);
    let open = state(Connecting, true, Open, Idle);
    let scanning = state(ScanQrCode, true, Open, Idle);
    let asked = scanning.with(PasskeyRequired, Some(R::PasskeyRequired));
    let syncing = state(Connecting, true, Open, Fetching);
    let working = state(Working, true, Open, Idle);
    let resyncing = state(Working, true, Open, Fetching);
    let waiting = state(Connecting, true, Waiting, Idle);
    let unreachable = waiting.with(Connecting, Some(R::Unreachable));
    let slowed = |s: State, status| State {
        sync: Fetch::Waiting,
        ..s.with(status, Some(R::RateLimited)).failing(1)
    };
    let gave_up = |status, reason, started| {
        state(status, started, Closed, Idle)
            .with(status, Some(reason))
            .failing(1)
    };
    let limited = SyncFailure::RateLimited(MINUTE);
    let stable = |end| I::Ended { end, stable: true };

    #[rustfmt::skip]
    let table: Vec<(State, I, State, Vec<E>)> = vec![
        // Starting: from rest, and out of a pause.
        (stopped,    I::Start, opening,    vec![E::Open]),
        (logged_out, I::Start, opening,    vec![E::Open]),
        (failed,     I::Start, opening,    vec![E::Open]),
        (opening,    I::Start, opening,    vec![]),
        (scanning,   I::Start, scanning,   vec![]),
        (working,    I::Start, working,    vec![]),
        (unreachable.failing(6), I::Start, opening.with(Connecting, Some(R::Unreachable)), vec![E::Open]),
        // Asking for a code: no faster than the pauses allow.
        (stopped,    I::Pair,  opening,    vec![E::Open]),
        (scanning,   I::Pair,  scanning,   vec![]),
        (unreachable.failing(6), I::Pair, unreachable.failing(6), vec![]),
        (gave_up(Failed, R::ServerNotVerified, true), I::Pair,
            waiting.with(Connecting, Some(R::ServerNotVerified)).failing(1), vec![E::ReopenAfter(SECOND)]),
        // Stopping: from anywhere.
        (stopped,    I::Stop,  stopped,    vec![]),
        (logged_out, I::Stop,  logged_out, vec![]),
        (failed,     I::Stop,  stopped,    vec![]),
        (opening,    I::Stop,  stopped,    vec![E::Close]),
        (scanning,   I::Stop,  stopped,    vec![E::Close]),
        (syncing,    I::Stop,  stopped,    vec![E::Close]),
        (working,    I::Stop,  stopped,    vec![E::Close]),
        (unreachable, I::Stop, stopped,    vec![E::Close]),
        // Unlinked by us.
        (working,    I::Unlinked, logged_out, vec![E::Close, E::ForgetAccount]),
        (stopped,    I::Unlinked, logged_out, vec![E::Close, E::ForgetAccount]),
        // Pairing.
        (opening,    I::Opened,   open,     vec![]),
        (open,       I::Qr,       scanning, vec![]),
        (scanning,   I::Qr,       scanning, vec![]),
        (open.failing(3), I::Qr,  scanning, vec![]),
        (scanning,   I::Paired,   open,     vec![]),
        (open,       ended(End::Restart), waiting, vec![E::Close, E::ReopenAfter(Duration::ZERO)]),
        (scanning,   ended(End::QrExhausted), gave_up(Stopped, R::PairingTimedOut, false), vec![E::Close]),
        (scanning,   ended(End::PairingFailed), gave_up(Failed, R::PairingFailed, false),
            vec![E::Close, E::ForgetAccount]),
        (scanning,   ended(End::Unreachable), unreachable.failing(1),
            vec![E::Close, E::ReopenAfter(Duration::ZERO)]),
        // Pairing where WhatsApp asks for a passkey.
        (scanning,   I::PasskeyRequested, asked, vec![]),
        (asked,      I::PasskeyRequested, asked, vec![]),
        (asked,      I::PasskeyConfirmed, open,  vec![]),
        (asked,      I::Paired,           open,  vec![]),
        (asked,      I::Start,            asked, vec![]),
        (asked,      I::Pair,             asked, vec![]),
        (asked,      I::Stop,             stopped, vec![E::Close]),
        (asked,      ended(End::QrExhausted), gave_up(Stopped, R::PairingTimedOut, false), vec![E::Close]),
        (asked,      ended(End::PairingFailed), gave_up(Failed, R::PairingFailed, false),
            vec![E::Close, E::ForgetAccount]),
        (asked,      ended(End::Unreachable), unreachable.failing(1),
            vec![E::Close, E::ReopenAfter(Duration::ZERO)]),
        (stopped,    I::PasskeyRequested, stopped, vec![]),
        // Connecting: working only when the groups are there.
        (open,       I::Connected, syncing, vec![E::Sync]),
        (open.with(Connecting, Some(R::Unreachable)), I::Connected, syncing, vec![E::Sync]),
        (syncing,    I::Synced,    working, vec![]),
        (syncing.failing(5), I::Synced, working.failing(1), vec![]),
        (working,    I::Behind,    resyncing, vec![E::Sync]),
        (resyncing,  I::Behind,    resyncing, vec![]),
        (resyncing,  I::Synced,    working, vec![]),
        // The groups can't be had: with those of the last sync it works all the same.
        (syncing,    I::SyncFailed(limited), slowed(syncing, Connecting), vec![E::Recall, E::ResyncAfter(MINUTE)]),
        (slowed(syncing, Connecting), I::Recalled, slowed(working, Working), vec![]),
        (slowed(working, Working), I::Resync,
            resyncing.with(Working, Some(R::RateLimited)).failing(1), vec![E::Sync]),
        (resyncing.failing(1), I::Synced, working.failing(1), vec![]),
        (resyncing,  I::SyncFailed(limited), slowed(working, Working), vec![E::ResyncAfter(MINUTE)]),
        (syncing,    I::SyncFailed(SyncFailure::Unavailable),
            State { sync: Fetch::Waiting, ..syncing.with(Connecting, Some(R::GroupsUnavailable)).failing(1) },
            vec![E::Recall, E::ResyncAfter(SECOND)]),
        (syncing,    I::SyncFailed(SyncFailure::Storage),
            State { sync: Fetch::Waiting, ..syncing.with(Connecting, Some(R::Storage)).failing(1) },
            vec![E::Recall, E::ResyncAfter(SECOND)]),
        // The client ends, and is replaced or not.
        (working,    ended(End::Unreachable), unreachable.failing(1), vec![E::Close, E::ReopenAfter(Duration::ZERO)]),
        (working.failing(4), stable(End::Unreachable), unreachable.failing(1),
            vec![E::Close, E::ReopenAfter(Duration::ZERO)]),
        (opening.failing(1), ended(End::Unreachable), unreachable.failing(2), vec![E::Close, E::ReopenAfter(SECOND)]),
        (unreachable, I::Reopen, opening.with(Connecting, Some(R::Unreachable)), vec![E::Open]),
        (working,    I::Reopen,  working, vec![]),
        (working,    ended(End::Storage), waiting.with(Connecting, Some(R::Storage)).failing(1),
            vec![E::Close, E::ReopenAfter(Duration::ZERO)]),
        (opening,    ended(End::Internal), waiting.with(Connecting, Some(R::Internal)).failing(1),
            vec![E::Close, E::ReopenAfter(Duration::ZERO)]),
        (open.failing(3), ended(End::Banned(9 * MINUTE)), waiting.with(Connecting, Some(R::Banned)),
            vec![E::Close, E::ReopenAfter(9 * MINUTE)]),
        (stopped,    I::Resume(R::Banned, MINUTE), waiting.with(Connecting, Some(R::Banned)),
            vec![E::ReopenAfter(MINUTE)]),
        (open,       ended(End::Outdated), waiting.with(Connecting, Some(R::Outdated)).failing(1),
            vec![E::Close, E::ReopenAfter(MINUTE)]),
        (open.failing(1), ended(End::Outdated), waiting.with(Connecting, Some(R::Outdated)).failing(2),
            vec![E::Close, E::ReopenAfter(4 * MINUTE)]),
        (open.failing(9), ended(End::Outdated), waiting.with(Connecting, Some(R::Outdated)).failing(10),
            vec![E::Close, E::ReopenAfter(60 * MINUTE)]),
        (working,    ended(End::Replaced),  gave_up(Failed, R::Replaced, true), vec![E::Close]),
        (open,       ended(End::Refused(409)), gave_up(Failed, R::Refused, true), vec![E::Close]),
        (open,       ended(End::ServerNotVerified), gave_up(Failed, R::ServerNotVerified, true), vec![E::Close]),
        (working,    ended(End::LoggedOut), gave_up(LoggedOut, R::LoggedOutOnPhone, false),
            vec![E::Close, E::ForgetAccount]),
        // Too late.
        (stopped,    I::Opened,             stopped,    vec![]),
        (stopped,    ended(End::Unreachable), stopped,  vec![]),
        (stopped,    I::Synced,             stopped,    vec![]),
        (stopped,    I::Connected,          stopped,    vec![]),
        (logged_out, I::Reopen,             logged_out, vec![]),
        (failed,     I::Behind,             failed,     vec![]),
    ];
    for (before, input, after, effects) in table {
        let mut state = before;
        assert_eq!(state.step(input.clone()), effects, "{before:?} {input:?}");
        assert_eq!(state, after, "{before:?} {input:?}");
    }
}

#[test]
fn pauses_grow_to_half_a_minute() {
    let mut state = state(Status::Connecting, true, Client::Opening, Fetch::Idle);
    let mut pauses = Vec::new();
    for _ in 0..9 {
        for effect in state.step(ended(End::Unreachable)) {
            if let Effect::ReopenAfter(pause) = effect {
                pauses.push(pause.as_secs());
            }
        }
        state.step(Input::Reopen);
    }
    assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 30, 30, 30]);
}

#[test]
fn a_restart_of_the_process_keeps_what_lasts() {
    let reason = Some(R::Replaced);
    for (stored, read, kept) in [
        (Status::Working, Status::Stopped, None),
        (Status::Connecting, Status::Stopped, None),
        (Status::ScanQrCode, Status::Stopped, None),
        (Status::PasskeyRequired, Status::Stopped, None),
        (Status::Stopped, Status::Stopped, reason),
        (Status::LoggedOut, Status::LoggedOut, reason),
        (Status::Failed, Status::Failed, reason),
    ] {
        let state = State::at_rest(stored, reason, true);
        assert_eq!(
            (state.status, state.reason, state.started, state.client),
            (read, kept, true, Client::Closed)
        );
    }
}
