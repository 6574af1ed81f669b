//! What tests do as people: with the account's own phone, or as other admins of a group.

use crate::code;
use crate::group::{Action, Outcome, Role};
use crate::group_iq;
use crate::group_spec::Odd;
use crate::iq::After;
use crate::link::{self, LinkError};
use crate::node::{Refusal, now};
use crate::state::{Shared, State};
use crate::webauthn;
use crate::world::pn_jid;
use std::sync::Arc;

/// The phone of an account.
#[derive(Clone)]
pub struct Phone {
    pub(crate) shared: Arc<Shared>,
    pub(crate) number: String,
}

impl Phone {
    /// Scans a QR code; the text may begin with `https://wa.me/settings/linked_devices#`. Returns the id of the
    /// linked device once the client has confirmed; the client then has to log in again. Where the account asks for a
    /// passkey that is when its code is confirmed.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn scan(&self, qr: &str) -> Result<u16, LinkError> {
        link::scan(&self.shared, &self.number, qr).await
    }

    /// Enters a pairing code, with or without the hyphen. Returns the id of the linked device.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn enter_code(&self, code: &str) -> Result<u16, LinkError> {
        code::enter_code(&self.shared, &self.number, code).await
    }

    /// What this phone's passkey, in a browser on WhatsApp's page, makes of the request options
    /// (`PublicKeyCredentialRequestOptionsJSON`): an `AuthenticationResponseJSON`. `None` where there is no passkey, or
    /// the options can't be read.
    pub fn assert_passkey(&self, options: &str) -> Option<String> {
        self.assert_passkey_on(webauthn::ORIGIN, options)
    }

    /// [`Phone::assert_passkey`] on a page of any origin. A browser would not let it.
    pub fn assert_passkey_on(&self, origin: &str, options: &str) -> Option<String> {
        self.shared.read(|state| {
            let account = state.world.accounts.get(&self.number)?;
            account.passkey.as_ref()?.assert(origin, options)
        })
    }

    /// Waits for the code that the phone shows while a device is being linked, to be compared with the one that the
    /// device shows. Bound it with a timeout.
    pub async fn passkey_code(&self) -> String {
        self.shared
            .until(|state| {
                let mut ceremonies = state.passkeys.values();
                ceremonies
                    .find(|ceremony| ceremony.phone == self.number)?
                    .code
                    .clone()
            })
            .await
    }

    /// Unlinks every companion device; connected ones are told. Returns how many there were.
    pub fn unlink(&self) -> usize {
        self.shared.with(|state| {
            let devices = devices(state, &self.number);
            devices
                .iter()
                .filter(|device| state.unlink(&self.number, **device))
                .count()
        })
    }

    /// The ids of the linked devices.
    pub fn devices(&self) -> Vec<u16> {
        self.shared.read(|state| devices(state, &self.number))
    }
}

fn devices(state: &State, number: &str) -> Vec<u16> {
    match state.world.accounts.get(number) {
        Some(account) => account.devices.keys().copied().collect(),
        None => Vec::new(),
    }
}

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
        self.shared
            .read(|state| match state.world.groups.get(&self.gid) {
                Some(group) => group
                    .members
                    .iter()
                    .map(|(phone, role)| (phone.clone(), *role))
                    .collect(),
                None => Vec::new(),
            })
    }

    /// The role of a phone number, `None` when it is not in the group.
    pub fn role(&self, phone: &str) -> Option<Role> {
        self.shared.read(|state| {
            state
                .world
                .groups
                .get(&self.gid)?
                .members
                .get(phone)
                .copied()
        })
    }

    /// The group's subject.
    pub fn subject(&self) -> Option<String> {
        self.shared
            .read(|state| Some(state.world.groups.get(&self.gid)?.subject.clone()))
    }

    /// The group's invitation link.
    pub fn invite(&self) -> Option<String> {
        self.shared.read(|state| {
            Some(format!(
                "https://chat.whatsapp.com/{}",
                state.world.groups.get(&self.gid)?.invite
            ))
        })
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
            let after = group_iq::set_subject(state, &self.gid, by, subject, now())?;
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
