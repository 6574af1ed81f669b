//! What tests see of a group, and do in it as one of its members.

use crate::group::{Action, Group, Outcome, Role};
use crate::group_iq;
use crate::group_settings::{self, Setting};
use crate::group_spec::Odd;
use crate::iq::After;
use crate::node::{Refusal, now, random_hex};
use crate::state::{Shared, State};
use crate::world::pn_jid;
use std::sync::Arc;

/// A group. What is done here on behalf of somebody follows the same rules as what clients do, and connected
/// accounts in the group are notified.
#[derive(Clone)]
pub struct GroupHandle {
    pub(crate) shared: Arc<Shared>,
    pub(crate) gid: String,
}

impl GroupHandle {
    /// The group's JID.
    pub fn gid(&self) -> &str {
        &self.gid
    }

    /// Phone numbers and roles of the members, by number; empty when there is no such group.
    pub fn members(&self) -> Vec<(String, Role)> {
        self.look(|group| {
            let members = group.members.iter();
            members
                .map(|(phone, role)| (phone.clone(), *role))
                .collect()
        })
        .unwrap_or_default()
    }

    /// The role of a phone number, `None` when it is not in the group.
    pub fn role(&self, phone: &str) -> Option<Role> {
        self.look(|group| group.members.get(phone).copied())?
    }

    /// The group's subject.
    pub fn subject(&self) -> Option<String> {
        self.look(|group| group.subject.clone())
    }

    /// The group's invitation link.
    pub fn invite(&self) -> Option<String> {
        self.look(|group| format!("https://chat.whatsapp.com/{}", group.invite))
    }

    /// The group's description, `None` where it has none.
    pub fn description(&self) -> Option<String> {
        self.look(|group| group.description.clone())?
    }

    /// Whether only admins may send messages.
    pub fn is_announce(&self) -> bool {
        self.look(|group| group.announce) == Some(true)
    }

    /// Whether only admins may edit subject and description.
    pub fn is_locked(&self) -> bool {
        self.look(|group| group.locked) == Some(true)
    }

    /// Whether plain members may add others.
    pub fn members_may_add(&self) -> bool {
        self.look(|group| group.members_may_add) == Some(true)
    }

    /// Whether an admin has to approve who comes by the link or is added by a plain member.
    pub fn approval_required(&self) -> bool {
        self.look(|group| group.approval) == Some(true)
    }

    /// Waits until the group's members satisfy a condition. Bound it with a timeout.
    pub async fn wait_members(&self, mut holds: impl FnMut(&[(String, Role)]) -> bool) {
        self.shared
            .until(|state| {
                let members = match state.world.groups.get(&self.gid) {
                    Some(group) => group
                        .members
                        .iter()
                        .map(|(phone, role)| (phone.clone(), *role))
                        .collect(),
                    None => Vec::new(),
                };
                holds(&members).then_some(())
            })
            .await;
    }

    /// Somebody adds people.
    ///
    /// # Errors
    /// When `by` may not: 403; when there is no such group: 404.
    pub fn add(&self, by: &str, phones: &[&str]) -> Result<Vec<Outcome>, Refusal> {
        self.act(by, Action::Add, phones)
    }

    /// Somebody removes people.
    ///
    /// # Errors
    /// As [`GroupHandle::add`].
    pub fn remove(&self, by: &str, phones: &[&str]) -> Result<Vec<Outcome>, Refusal> {
        self.act(by, Action::Remove, phones)
    }

    /// Somebody makes people admins.
    ///
    /// # Errors
    /// As [`GroupHandle::add`].
    pub fn promote(&self, by: &str, phones: &[&str]) -> Result<Vec<Outcome>, Refusal> {
        self.act(by, Action::Promote, phones)
    }

    /// Somebody makes admins plain members.
    ///
    /// # Errors
    /// As [`GroupHandle::add`].
    pub fn demote(&self, by: &str, phones: &[&str]) -> Result<Vec<Outcome>, Refusal> {
        self.act(by, Action::Demote, phones)
    }

    /// Somebody renames the group.
    ///
    /// # Errors
    /// As [`GroupHandle::add`]; in a group that is not locked every member may.
    pub fn set_subject(&self, by: &str, subject: &str) -> Result<(), Refusal> {
        self.shared.with(|state| {
            let after = group_settings::set_subject(state, &self.gid, by, subject, now())?;
            deliver(state, after);
            Ok(())
        })
    }

    /// Somebody sets the description; `None` deletes it.
    ///
    /// # Errors
    /// As [`GroupHandle::set_subject`].
    pub fn set_description(&self, by: &str, text: Option<&str>) -> Result<(), Refusal> {
        self.shared.with(|state| {
            let id = random_hex(4).to_uppercase();
            let group = state.world.group_for(&self.gid, by)?;
            let previous = group.description_id().map(str::to_owned);
            let previous = previous.as_deref();
            let after = group_settings::set_description(state, &self.gid, by, &id, previous, text)?;
            deliver(state, after);
            Ok(())
        })
    }

    /// An admin changes a setting.
    ///
    /// # Errors
    /// As [`GroupHandle::add`], for plain members always.
    pub fn set(&self, by: &str, setting: Setting) -> Result<(), Refusal> {
        self.shared.with(|state| {
            let after = group_settings::set_setting(state, &self.gid, by, setting)?;
            deliver(state, after);
            Ok(())
        })
    }

    /// Changes what answers leave out of the group or write differently; nobody is notified.
    pub fn set_odd(&self, set: impl FnOnce(&mut Odd)) {
        self.shared.with(|state| {
            if let Some(group) = state.world.groups.get_mut(&self.gid) {
                set(&mut group.odd);
                state.unsaved = true;
            }
        });
    }

    /// WhatsApp moves the group to LID addressing: its members are told that everybody was removed, by number and
    /// themselves included, and not that anybody was added. From then on the group names them by LID.
    pub fn move_to_lid(&self) {
        self.shared.with(|state| {
            let after = group_iq::move_to_lid(state, &self.gid);
            deliver(state, after);
        });
    }

    fn look<R>(&self, look: impl FnOnce(&Group) -> R) -> Option<R> {
        self.shared
            .read(|state| state.world.groups.get(&self.gid).map(look))
    }

    fn act(&self, by: &str, action: Action, phones: &[&str]) -> Result<Vec<Outcome>, Refusal> {
        let targets: Vec<String> = phones.iter().map(|phone| pn_jid(phone)).collect();
        self.shared.with(|state| {
            let (outcomes, after) = group_iq::change(state, &self.gid, by, action, &targets)?;
            deliver(state, after);
            Ok(outcomes)
        })
    }
}

fn deliver(state: &mut State, after: Vec<After>) {
    for after in after {
        if let After::Deliver { phone, id, stanza } = after {
            state.deliver(&phone, &id, &stanza);
        }
    }
}
