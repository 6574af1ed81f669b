//! What clients ask in GraphQL (`xmlns="w:mex"`): whether the account may write to people who never wrote to it.
//!
//! Shapes as `wacore::iq::mex` and `wacore::iq::mex_operations` read them.

use crate::iq::Reply;
use crate::node::{Refusal, attr, blob, first, now};
use crate::server::Standin;
use crate::state::State;
use serde_json::{Value, json};
use wacore::iq::mex_operations::fetch_reachout_timelock;
use wacore_binary::NodeRef;

/// Answers a `w:mex` IQ of an account; other queries than the one about the time-lock are refused with 501.
pub(crate) fn answer(state: &State, phone: &str, node: &NodeRef<'_>) -> Result<Reply, Refusal> {
    let query = first(node).ok_or_else(Refusal::bad_request)?;
    if attr(query, "query_id").as_deref() != Some(fetch_reachout_timelock::DOC_ID) {
        return Err(Refusal::not_implemented());
    }
    let lock = timelock(state.timelocks.get(phone).copied());
    let answer = json!({ "data": { "xwa2_fetch_account_reachout_timelock": lock } });
    Ok(Reply::new(blob("result", answer.to_string())))
}

/// One that has run out counts as none.
fn timelock(until: Option<u64>) -> Value {
    match until.filter(|until| *until > now()) {
        Some(until) => json!({
            "is_active": true,
            "time_enforcement_ends": until.to_string(),
            "enforcement_type": "DEFAULT",
        }),
        None => json!({
            "is_active": false,
            "time_enforcement_ends": null,
            "enforcement_type": null,
        }),
    }
}

impl Standin {
    /// Puts an account under WhatsApp's reach-out time-lock until then (epoch seconds), as it is for reaching out to too
    /// many people who don't know it; `None` lifts it. Only the answer to the question about it changes
    /// (`WAWebMexFetchReachoutTimelockJobQuery`), not what the account may do. It is not kept in the state file.
    pub fn set_reachout_timelock(&self, account: &str, until: Option<u64>) {
        self.shared.with(|state| match until {
            Some(until) => state.timelocks.insert(account.to_owned(), until),
            None => state.timelocks.remove(account),
        });
    }
}
