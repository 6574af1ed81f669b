//! Whether a client is let in: as a device that is linked, or to be linked.

use crate::fault::LoginFault;
use crate::node::{now, stream_error};
use crate::state::{Live, Out, State, Who};
use std::collections::HashMap;
use tokio::sync::mpsc;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use waproto::whatsapp::ClientPayload;

/// A client that pins the server's key must look registered to do IK, so before pairing it logs in as this number.
const PROVISIONAL_USERNAME: u64 = 0;

/// Registers a connection under a new id; the flag says that it is a registration.
pub(crate) fn admit(
    state: &mut State,
    noise: [u8; 32],
    payload: &ClientPayload,
    out: mpsc::UnboundedSender<Out>,
) -> Option<(u64, bool)> {
    let username = payload
        .username
        .filter(|username| *username != PROVISIONAL_USERNAME);
    let login = username.filter(|_| !payload.device_pairing_data.is_set());
    let mut live = Live {
        who: Who::Unpaired { noise },
        out,
        awaiting: HashMap::new(),
        active: false,
    };
    if let Some(username) = login {
        let phone = username.to_string();
        let device = payload
            .device
            .and_then(|device| u16::try_from(device).ok())
            .unwrap_or(0);
        let known = state
            .world
            .device(&phone, device)
            .is_some_and(|device| device.noise == noise);
        match refusal(state, &phone, known) {
            Some(Out::Abort) => return None,
            Some(end) => live.send(end),
            None => {
                if let Some(old) = state.connection(&phone, device) {
                    old.send(Out::End(stream_error(None, Some("replaced"))));
                }
                let lid = state
                    .world
                    .people
                    .get(&phone)
                    .map(|person| format!("{}:{device}@lid", person.lid));
                live.send(Out::Node(success(lid.unwrap_or_default())));
                *state.logins.entry(phone.clone()).or_default() += 1;
                state.login_counters.insert(phone.clone(), payload.lc);
                live.who = Who::Device { phone, device };
            }
        }
    }
    let id = state.next_id();
    state.live.insert(id, live);
    Some((id, login.is_none()))
}

/// Why a login is turned away, if it is.
fn refusal(state: &mut State, phone: &str, known: bool) -> Option<Out> {
    if !known {
        // An unlinked device, or one that claims to be somebody else (whatsmeow: 401 `LoggedOut`).
        return Some(Out::End(failure(401).build()));
    }
    let (times, how) = state.login_faults.get_mut(phone)?;
    let how = *how;
    if let Some(times) = times {
        *times = times.saturating_sub(1);
        if *times == 0 {
            state.login_faults.remove(phone);
        }
    }
    Some(match how {
        LoginFault::Drop => Out::Abort,
        LoginFault::Failure(reason) => Out::End(failure(reason).build()),
        LoginFault::TemporaryBan(seconds) => Out::End(
            failure(402)
                .attr("code", "101")
                .attr("expire", seconds.to_string())
                .build(),
        ),
    })
}

fn failure(reason: u16) -> NodeBuilder {
    NodeBuilder::new("failure")
        .attr("reason", reason.to_string())
        .attr("location", "rva")
}

fn success(lid: String) -> Node {
    NodeBuilder::new("success")
        .attr("t", now().to_string())
        .attr("props", "27")
        .attr("location", "rva")
        .attr("lid", lid)
        .build()
}
