//! What a group is seeded with, what is odd about it included.

use crate::group::{Addressing, Role};
use serde::{Deserialize, Serialize};

/// A group to be seeded. [`GroupSpec::new`] gives an empty one with phone-number addressing.
#[derive(Debug, Clone)]
pub struct GroupSpec {
    /// The group's JID, e.g. `120363041234567890@g.us`; made up when `None`.
    pub gid: Option<String>,
    /// Subject (the group's name). A group without one has an empty one here, and stanzas leave the attribute out.
    pub subject: String,
    /// Description.
    pub description: Option<String>,
    /// How participants are named.
    pub addressing: Addressing,
    /// Only admins may send messages.
    pub announce: bool,
    /// Only admins may edit subject and description.
    pub locked: bool,
    /// Plain members may add others too (`member_add_mode` = `all_member_add`).
    pub members_may_add: bool,
    /// Who comes by the invitation link, or is added by a plain member, waits for an admin's approval
    /// (`membership_approval_mode`).
    pub approval: bool,
    /// Phone number of the creator; by default the first superadmin, else the first admin.
    pub creator: Option<String>,
    /// Members: phone number and role. Numbers the server does not know become people who can be added.
    pub members: Vec<(String, Role)>,
    /// How many participants fit in; above it adds are answered 419.
    pub size_limit: usize,
    /// What answers leave out of it or write differently.
    pub odd: Odd,
}

impl GroupSpec {
    /// An empty group.
    pub fn new(subject: impl Into<String>) -> Self {
        Self {
            gid: None,
            subject: subject.into(),
            description: None,
            addressing: Addressing::Pn,
            announce: false,
            locked: false,
            members_may_add: false,
            approval: false,
            creator: None,
            members: Vec::new(),
            size_limit: 1024,
            odd: Odd::default(),
        }
    }

    /// Fixes the group's JID.
    #[must_use]
    pub fn gid(mut self, gid: impl Into<String>) -> Self {
        self.gid = Some(gid.into());
        self
    }

    /// Uses LID addressing.
    #[must_use]
    pub fn lid(mut self) -> Self {
        self.addressing = Addressing::Lid;
        self
    }

    /// Adds somebody with a role.
    #[must_use]
    pub fn with(mut self, phone: impl Into<String>, role: Role) -> Self {
        self.members.push((phone.into(), role));
        self
    }

    /// Adds a plain member.
    #[must_use]
    pub fn member(self, phone: impl Into<String>) -> Self {
        self.with(phone, Role::Member)
    }

    /// Adds an admin.
    #[must_use]
    pub fn admin(self, phone: impl Into<String>) -> Self {
        self.with(phone, Role::Admin)
    }

    /// Adds the superadmin.
    #[must_use]
    pub fn superadmin(self, phone: impl Into<String>) -> Self {
        self.with(phone, Role::SuperAdmin)
    }

    /// Limits how many participants fit in.
    #[must_use]
    pub fn size_limit(mut self, limit: usize) -> Self {
        self.size_limit = limit;
        self
    }

    /// Sets what answers leave out of it or write differently.
    #[must_use]
    pub fn odd(mut self, set: impl FnOnce(&mut Odd)) -> Self {
        set(&mut self.odd);
        self
    }
}

/// What answers about a group leave out or write differently. By default nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Odd {
    /// The list of groups shows hardly more than its id and `size`; asked for alone, it is whole. Seen with large
    /// accounts: WAHA 1765, 1888, 2027; Baileys 2224, 2243.
    pub bare_in_list: bool,
    /// In LID addressing `phone_number` is left out everywhere, also of the answer to an add. That it is optional:
    /// `wacore::iq::groups`; seen: Baileys 1737.
    pub hides_numbers: bool,
    /// Attributes of `<group>` that stand in place of the true ones, or beside them: as no client expects them. (None of
    /// these was reported; a later version of WhatsApp may bring any.)
    pub attributes: Vec<(String, String)>,
    /// One more `<participant>` for each, with these attributes and no others. As above.
    pub participants: Vec<Vec<(String, String)>>,
    /// The `<add_request>` of a privacy decline has no `expiration`, which fails the whole answer for clients that insist
    /// on it (whatsapp-rust, `ParticipantChangeResponse`).
    pub add_requests_lack_expiration: bool,
    /// An add that names anybody who is not on WhatsApp is refused as a whole, with 400 `bad-request`: Baileys 520,
    /// WAHA 266. Elsewhere each of them is answered 404.
    pub refuses_strangers: bool,
    /// After the answer to an account's add of which somebody was declined with 403, the account's devices are unlinked as
    /// [`crate::Fault::Unlinked`] does it: WAHA 2002, GOWA 618.
    pub ends_session_after_decline: bool,
}

impl Odd {
    /// Sets one of [`Odd::attributes`].
    pub fn attribute(&mut self, name: &str, value: &str) {
        self.attributes.push((name.to_owned(), value.to_owned()));
    }

    /// Adds one of [`Odd::participants`].
    pub fn participant(&mut self, attributes: &[(&str, &str)]) {
        let owned = attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.participants.push(owned.collect());
    }
}
