//! Invitations of people who take nothing else: the codes of `<add_request>`s, and who comes in with one.

use crate::group::{Action, Outcome, Role};
use crate::group_notification::announce;
use crate::iq::After;
use crate::node::{Refusal, now};
use crate::phone::Phone;
use crate::state::State;
use crate::world::{World, pn_jid};
use serde::{Deserialize, Serialize};

/// What a code is good for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Issued {
    gid: String,
    /// Phone number of the one person who can use it.
    phone: String,
    /// Epoch seconds; `None` where the answer to the add left it out.
    until: Option<u64>,
}

impl Issued {
    fn is_for(&self, gid: &str, phone: &str) -> bool {
        self.gid == gid && self.phone == phone
    }

    fn has_expired(&self, now: u64) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// Keeps the codes that an add was answered with.
pub(crate) fn issue(world: &mut World, gid: &str, outcomes: &[Outcome]) {
    let issued = outcomes.iter().filter_map(|outcome| {
        let (code, until) = outcome.add_request.clone()?;
        let issued = Issued {
            gid: gid.to_owned(),
            phone: outcome.phone.clone()?,
            until,
        };
        Some((code, issued))
    });
    world.invitations.extend(issued);
}

/// Somebody comes in with a code; says who has to be told.
///
/// The refusals are those of an invitation link in whatsmeow (`group.go`: invalid 406, revoked 410) and of a group that is
/// full; what WhatsApp answers to a code is in no source.
pub(crate) fn accept(
    state: &mut State,
    phone: &str,
    gid: &str,
    code: &str,
) -> Result<Vec<After>, Refusal> {
    let world = &mut state.world;
    let group = world.groups.get_mut(gid).ok_or_else(Refusal::not_found)?;
    if group.members.contains_key(phone) {
        return Err(Refusal::new(409, "conflict"));
    }
    let issued = world.invitations.get(code);
    let issued = issued
        .filter(|issued| issued.is_for(gid, phone))
        .ok_or_else(|| Refusal::new(406, "not-acceptable"))?;
    if issued.has_expired(now()) {
        return Err(Refusal::new(410, "gone"));
    }
    if group.members.len() >= group.size_limit {
        return Err(Refusal::new(419, "resource-limit"));
    }
    group.members.insert(phone.to_owned(), Role::Member);
    group.requests.remove(phone);
    world
        .invitations
        .retain(|_, issued| !issued.is_for(gid, phone));
    world.came_home(phone, gid);
    state.unsaved = true;
    let joined = Outcome {
        asked: pn_jid(phone),
        phone: Some(phone.to_owned()),
        error: None,
        add_request: None,
    };
    Ok(announce(state, gid, phone, Action::Add, &[joined]))
}

impl Phone {
    /// Takes an invitation that this person was sent: joins the group, whose members are notified of an `add`. The code is
    /// that of an `<add_request>` for this person; all of them for the group are used up with it.
    ///
    /// # Errors
    /// 404 when there is no such group, 409 when the person is in it, 406 when the code was not issued to the person for
    /// it, 410 when the code has expired, 419 when the group is full.
    pub fn accept_invitation(&self, gid: &str, code: &str) -> Result<(), Refusal> {
        self.shared.with(|state| {
            for after in accept(state, &self.number, gid, code)? {
                if let After::Deliver { phone, id, stanza } = after {
                    state.deliver(&phone, &id, &stanza);
                }
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Issued;

    #[test]
    fn a_code_is_for_one_person_one_group_and_a_while() {
        let mut issued = Issued {
            gid: "1@g.us".to_owned(),
            phone: "628110000001".to_owned(),
            until: Some(100),
        };
        assert!(issued.is_for("1@g.us", "628110000001"));
        assert!(!issued.is_for("2@g.us", "628110000001"));
        assert!(!issued.is_for("1@g.us", "628110000002"));
        assert!(!issued.has_expired(99) && issued.has_expired(100));
        issued.until = None;
        assert!(!issued.has_expired(u64::MAX));
    }
}
