//! Groups: what they are, and the rules by which their membership changes.

use crate::group_spec::{GroupSpec, Odd};
use crate::node::{Refusal, now, random_hex};
use crate::world::{AddOutcome, Person, World};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a group names its participants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Addressing {
    /// By phone number.
    #[default]
    Pn,
    /// By LID, with the phone number beside it.
    Lid,
}

/// A participant's standing in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A plain member.
    Member,
    /// An admin.
    Admin,
    /// The creator; nobody can demote or remove them.
    SuperAdmin,
}

impl Role {
    /// Whether this role may change the membership.
    pub fn is_admin(self) -> bool {
        self >= Self::Admin
    }

    /// The `type` attribute of `<participant>`, `None` for plain members.
    pub(crate) fn wire(self) -> Option<&'static str> {
        match self {
            Self::Member => None,
            Self::Admin => Some("admin"),
            Self::SuperAdmin => Some("superadmin"),
        }
    }
}

/// A group as the server keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    pub gid: String,
    pub subject: String,
    pub subject_at: u64,
    /// Phone number of whoever set the subject.
    pub subject_by: String,
    pub description: Option<String>,
    /// How the description came about; `None` for one that the group was seeded with.
    #[serde(default)]
    pub described: Option<Described>,
    pub addressing: Addressing,
    pub announce: bool,
    pub locked: bool,
    pub members_may_add: bool,
    /// Whether who comes by the invitation link, or is added by a plain member, waits for an admin's approval.
    #[serde(default)]
    pub approval: bool,
    pub creator: String,
    pub created: u64,
    pub members: BTreeMap<String, Role>,
    pub size_limit: usize,
    pub invite: String,
    /// The codes that `invite` has replaced.
    #[serde(default)]
    pub replaced: Vec<String>,
    /// People who wait for approval: phone number and since when.
    pub requests: BTreeMap<String, u64>,
    #[serde(default)]
    pub odd: Odd,
}

/// Who set a description, when (epoch seconds), and under which id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Described {
    pub id: String,
    pub at: u64,
    pub by: String,
}

/// A change of membership, by its element name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Add,
    Remove,
    Promote,
    Demote,
}

impl Action {
    pub(crate) fn parse(tag: &str) -> Option<Self> {
        Some(match tag {
            "add" => Self::Add,
            "remove" => Self::Remove,
            "promote" => Self::Promote,
            "demote" => Self::Demote,
            _ => return None,
        })
    }

    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Promote => "promote",
            Self::Demote => "demote",
        }
    }
}

/// What became of one participant of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The JID as it was asked for.
    pub asked: String,
    /// The phone number, when the server knows the JID.
    pub phone: Option<String>,
    /// The `error` attribute; `None` means done.
    pub error: Option<u16>,
    /// For a privacy decline (403): the invitation code and its expiry in epoch seconds, where that is not left out.
    pub add_request: Option<(String, Option<u64>)>,
}

impl World {
    /// Seeds a group and returns its JID. A group that exists stays as it is.
    pub(crate) fn put_group(&mut self, spec: GroupSpec) -> String {
        let gid = spec.gid.unwrap_or_else(|| {
            // Groups of today have 18 digits beginning with 120363.
            format!(
                "120363{:012}@g.us",
                rand::random::<u64>() % 1_000_000_000_000
            )
        });
        if self.groups.contains_key(&gid) {
            return gid;
        }
        for (phone, _) in &spec.members {
            if !self.people.contains_key(phone) {
                self.put_person(Person::new(phone.clone()));
            }
        }
        let creator = spec.creator.or_else(|| {
            let highest = spec.members.iter().max_by_key(|(_, role)| *role)?.1;
            Some(
                spec.members
                    .iter()
                    .find(|(_, role)| *role == highest)?
                    .0
                    .clone(),
            )
        });
        let creator = creator.unwrap_or_default();
        let group = Group {
            gid: gid.clone(),
            subject: spec.subject,
            subject_at: now(),
            subject_by: creator.clone(),
            description: spec.description,
            described: None,
            addressing: spec.addressing,
            announce: spec.announce,
            locked: spec.locked,
            members_may_add: spec.members_may_add,
            approval: spec.approval,
            creator,
            created: now(),
            members: spec.members.into_iter().collect(),
            size_limit: spec.size_limit,
            invite: random_hex(11),
            replaced: Vec::new(),
            requests: BTreeMap::new(),
            odd: spec.odd,
        };
        for phone in group.members.keys() {
            self.came_home(phone, &gid);
        }
        self.groups.insert(gid.clone(), group);
        gid
    }

    /// The group, for somebody who must be in it: 404 when there is none, 403 for outsiders.
    ///
    /// whatsmeow names these two `ErrGroupNotFound` and `ErrNotInGroup` (`group.go`).
    pub(crate) fn group_for(&self, gid: &str, phone: &str) -> Result<&Group, Refusal> {
        let group = self.groups.get(gid).ok_or_else(Refusal::not_found)?;
        if group.members.contains_key(phone) {
            Ok(group)
        } else {
            Err(Refusal::forbidden())
        }
    }

    /// Applies a change of membership on behalf of `by`, a phone number.
    pub(crate) fn change(
        &mut self,
        gid: &str,
        by: &str,
        action: Action,
        targets: &[String],
    ) -> Result<Vec<Outcome>, Refusal> {
        let group = self.group_for(gid, by)?;
        let admin = group.is_admin(by);
        let may_add = action == Action::Add && group.members_may_add;
        if !admin && !may_add {
            return Err(Refusal::forbidden());
        }
        let strangers = || targets.iter().any(|jid| !self.is_on_whatsapp(jid));
        if action == Action::Add && group.odd.refuses_strangers && strangers() {
            return Err(Refusal::bad_request());
        }
        // `request_method="non_admin_add"` (`wacore::stanza::groups`): what a plain member adds, an admin approves.
        let approval = group.approval && !admin;
        Ok(targets
            .iter()
            .map(|jid| self.change_one(gid, action, jid, approval))
            .collect())
    }

    fn change_one(&mut self, gid: &str, action: Action, jid: &str, approval: bool) -> Outcome {
        let phone = self.phone_of(jid);
        let error = match (&phone, self.groups.get_mut(gid)) {
            (Some(phone), Some(group)) => {
                let outcome = self
                    .people
                    .get(phone)
                    .map_or(AddOutcome::NotOnWhatsApp, |person| person.outcome);
                let outcome = match outcome {
                    AddOutcome::Added if approval => AddOutcome::AwaitsApproval,
                    outcome => outcome,
                };
                group.apply(action, phone, outcome)
            }
            _ => Some(404),
        };
        if let (Action::Add, Some(phone), None) = (action, &phone, error) {
            self.came_home(phone, gid);
        }
        let expires = self
            .groups
            .get(gid)
            .is_none_or(|group| !group.odd.add_requests_lack_expiration)
            .then(|| now() + 3 * 86_400);
        let add_request =
            (action == Action::Add && error == Some(403)).then(|| (random_hex(8), expires));
        Outcome {
            asked: jid.to_owned(),
            phone,
            error,
            add_request,
        }
    }
}

impl Group {
    /// Whether somebody is in the group as one of its admins.
    pub(crate) fn is_admin(&self, phone: &str) -> bool {
        self.members.get(phone).is_some_and(|role| role.is_admin())
    }

    /// The id of the description that stands, `None` where there is none.
    pub(crate) fn description_id(&self) -> Option<&str> {
        let seeded = "1";
        self.description.as_ref()?;
        Some(
            self.described
                .as_ref()
                .map_or(seeded, |described| &described.id),
        )
    }

    /// Applies a change to one known person; the answer is the `error` attribute.
    fn apply(&mut self, action: Action, phone: &str, outcome: AddOutcome) -> Option<u16> {
        let full = self.members.len() >= self.size_limit;
        match (action, self.members.get_mut(phone)) {
            (Action::Add, Some(_)) => Some(409),
            (Action::Add, None) => {
                // A number without WhatsApp is refused as such even when the group is full.
                let error = outcome.code().or_else(|| full.then_some(419));
                match error {
                    None => {
                        self.members.insert(phone.to_owned(), Role::Member);
                        self.requests.remove(phone);
                    }
                    Some(421) => {
                        self.requests.insert(phone.to_owned(), now());
                    }
                    Some(_) => {}
                }
                error
            }
            (_, None) => Some(404),
            // That the creator is out of reach is certain, the number is not: no source names it.
            (Action::Remove | Action::Demote, Some(Role::SuperAdmin)) => Some(406),
            (Action::Remove, Some(_)) => {
                self.members.remove(phone);
                None
            }
            (Action::Promote, Some(role)) => {
                *role = (*role).max(Role::Admin);
                None
            }
            (Action::Demote, Some(role)) => {
                *role = Role::Member;
                None
            }
        }
    }
}
