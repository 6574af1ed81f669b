//! What follows for an account when somebody whom it adds declines.

use crate::connection::strike;
use crate::fault::Fault;
use crate::group::Outcome;
use crate::iq::After;
use crate::state::{Shared, State};
use std::sync::Arc;
use std::time::Duration;

/// Clients read answers and the end of the stream side by side (whatsapp-rust, `processes_inline`); one that comes right
/// behind the answer overtakes it.
const AFTER: Duration = Duration::from_millis(150);

/// What the group's [`crate::Odd::ends_session_after_decline`] makes of a change by an account.
pub(crate) fn consequence(
    state: &State,
    gid: &str,
    phone: &str,
    outcomes: &[Outcome],
) -> Option<After> {
    let odd = &state.world.groups.get(gid)?.odd;
    let declined = outcomes.iter().any(|outcome| outcome.add_request.is_some());
    (odd.ends_session_after_decline && declined).then(|| After::EndSession {
        phone: phone.to_owned(),
    })
}

/// Unlinks the account's devices, once the client has had the time to read the answer.
pub(crate) async fn end_session(shared: Arc<Shared>, phone: String) {
    tokio::time::sleep(AFTER).await;
    shared.with(|state| strike(state, &phone, &Fault::Unlinked));
}
