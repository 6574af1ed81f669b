//! What the server knows: people, accounts with their linked devices, groups. All of it survives in the state file.

use crate::group::Group;
use crate::invitation::Issued;
use crate::webauthn::Credential;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use wacore::libsignal::protocol::{KeyPair, PrivateKey};

/// What happens when somebody else adds a person to a group.
///
/// The codes are those of the `error` attribute of `<participant>`, as whatsmeow, Baileys and wa-js read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AddOutcome {
    /// The person is added.
    #[default]
    Added,
    /// 403 with an `<add_request>`: the person's privacy settings only allow an invitation.
    PrivacyDeclined,
    /// 401: the person has blocked whoever adds.
    Blocked,
    /// 404: the number has no WhatsApp account.
    NotOnWhatsApp,
    /// 408: the person left the group recently.
    LeftRecently,
    /// 419: the group is full. (A group that has reached its own limit answers so for everybody.)
    Full,
    /// 421: the person waits for an admin's approval.
    AwaitsApproval,
}

impl AddOutcome {
    /// The `error` attribute, `None` for success.
    pub fn code(self) -> Option<u16> {
        match self {
            Self::Added => None,
            Self::PrivacyDeclined => Some(403),
            Self::Blocked => Some(401),
            Self::NotOnWhatsApp => Some(404),
            Self::LeftRecently => Some(408),
            Self::Full => Some(419),
            Self::AwaitsApproval => Some(421),
        }
    }
}

/// Somebody with a phone number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Phone number, digits only.
    pub phone: String,
    /// Linked identity (LID), digits only. Groups with LID addressing show this instead of the number.
    pub lid: String,
    /// What happens when somebody adds this person to a group.
    pub outcome: AddOutcome,
    /// Another way to write the number that reaches the same person; answers name them by `phone`. Brazil's mobile
    /// numbers have one with the ninth digit and one without, Mexico's one with 521 and one with 52: evolution-api 2541.
    #[serde(default)]
    pub other_spelling: Option<String>,
}

impl Person {
    /// A person who can be added. The LID is derived from the number.
    pub fn new(phone: impl Into<String>) -> Self {
        let phone = phone.into();
        let lid = derived_lid(&phone);
        Self {
            phone,
            lid,
            outcome: AddOutcome::Added,
            other_spelling: None,
        }
    }

    /// Sets what happens when somebody adds this person.
    #[must_use]
    pub fn with_outcome(mut self, outcome: AddOutcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// Sets another way to write the number (digits) that reaches the same person.
    #[must_use]
    pub fn also_written(mut self, phone: impl Into<String>) -> Self {
        self.other_spelling = Some(phone.into());
        self
    }

    /// Sets the LID (digits).
    #[must_use]
    pub fn with_lid(mut self, lid: impl Into<String>) -> Self {
        self.lid = lid.into();
        self
    }

    /// `<phone>@s.whatsapp.net`.
    pub fn jid(&self) -> String {
        pn_jid(&self.phone)
    }

    /// `<lid>@lid`.
    pub fn lid_jid(&self) -> String {
        format!("{}@lid", self.lid)
    }
}

/// The JID of a phone number.
pub(crate) fn pn_jid(phone: &str) -> String {
    format!("{phone}@{}", wacore_binary::DEFAULT_USER_SERVER)
}

/// The device that a user JID names, 0 (the phone) where it names none.
pub(crate) fn device_of(jid: &str) -> Option<u16> {
    match jid.split('@').next()?.split_once(':') {
        Some((_, device)) => device.parse().ok(),
        None => Some(0),
    }
}

/// LIDs are opaque 15-digit numbers; a fixed function of the number keeps tests reproducible.
fn derived_lid(phone: &str) -> String {
    let mut hasher = DefaultHasher::new();
    phone.hash(&mut hasher);
    (100_000_000_000_000 + hasher.finish() % 899_999_999_999_999).to_string()
}

/// A companion device linked to an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Device {
    /// The Noise static key that the device must log in with.
    #[serde(with = "hex")]
    pub noise: [u8; 32],
    #[serde(with = "hex")]
    pub identity: [u8; 32],
    /// The keys that the device has uploaded.
    pub bundle: Option<Bundle>,
    /// Whether the phone has sent the app-state keys.
    pub keys_shared: bool,
}

/// A pre-key bundle as it was uploaded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Bundle {
    pub registration_id: u32,
    pub signed: SignedPreKey,
    /// One-time keys, in the order of upload.
    pub one_time: Vec<(u32, HexKey)>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct HexKey(#[serde(with = "hex")] pub [u8; 32]);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SignedPreKey {
    pub id: u32,
    #[serde(with = "hex")]
    pub public: [u8; 32],
    #[serde(with = "hex")]
    pub signature: Vec<u8>,
}

/// An account: a person whose phone the tests hold.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    /// Private part of the account's identity key; it signs the identities of linked devices.
    #[serde(with = "hex")]
    identity: [u8; 32],
    pub bundle: Bundle,
    /// Private part of the signed pre-key in the bundle; `None` in state files of before phones read messages.
    #[serde(default)]
    pub signed_key: Option<HexKey>,
    /// The app-state key: id and data.
    #[serde(with = "hex")]
    pub sync_key_id: [u8; 6],
    #[serde(with = "hex")]
    pub sync_key: [u8; 32],
    pub devices: BTreeMap<u16, Device>,
    /// Device ids are not used twice.
    pub next_device: u16,
    /// The passkey that is asked for when a device is linked; `None` where none is.
    #[serde(default)]
    pub passkey: Option<Credential>,
}

impl Account {
    fn generate() -> Result<Self, wacore::libsignal::protocol::CurveError> {
        let mut rng = rand::make_rng::<rand::rngs::StdRng>();
        let identity = KeyPair::generate(&mut rng);
        let signed = KeyPair::generate(&mut rng);
        let signature = identity.calculate_signature(&signed.public_key.serialize(), &mut rng)?;
        Ok(Self {
            identity: *identity.private_key.serialize(),
            bundle: Bundle {
                registration_id: rand::random::<u32>() & 0x3fff | 1,
                signed: SignedPreKey {
                    id: 1,
                    public: public_bytes(&signed),
                    signature: signature.to_vec(),
                },
                one_time: Vec::new(),
            },
            signed_key: Some(HexKey(*signed.private_key.serialize())),
            sync_key_id: rand::random(),
            sync_key: rand::random(),
            devices: BTreeMap::new(),
            next_device: 1,
            passkey: None,
        })
    }

    /// The account's identity key pair.
    pub fn identity(&self) -> Result<KeyPair, wacore::libsignal::protocol::CurveError> {
        KeyPair::from_private(&self.identity)
    }
}

/// Rebuilds key pairs from stored private keys.
pub(crate) trait FromPrivate: Sized {
    fn from_private(private: &[u8; 32]) -> Result<Self, wacore::libsignal::protocol::CurveError>;
}

impl FromPrivate for KeyPair {
    fn from_private(private: &[u8; 32]) -> Result<Self, wacore::libsignal::protocol::CurveError> {
        let private = PrivateKey::deserialize(private)?;
        Ok(Self::new(private.public_key()?, private))
    }
}

/// The 32 bytes of a public key.
pub(crate) fn public_bytes(pair: &KeyPair) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(pair.public_key.public_key_bytes());
    bytes
}

/// Everything the server remembers.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct World {
    /// Private part of the server's static Noise key.
    #[serde(with = "hex")]
    pub server: [u8; 32],
    pub people: HashMap<String, Person>,
    pub accounts: BTreeMap<String, Account>,
    pub groups: BTreeMap<String, Group>,
    /// The codes that privacy declines came with.
    #[serde(default)]
    pub invitations: BTreeMap<String, Issued>,
    /// LID to phone number.
    #[serde(skip)]
    lids: HashMap<String, String>,
    /// The other spelling of a phone number to the one that answers have.
    #[serde(skip)]
    spellings: HashMap<String, String>,
    /// The groups that an account is in, and some that it has left: so that not all groups are looked through for it.
    #[serde(skip)]
    homes: HashMap<String, BTreeSet<String>>,
}

impl World {
    pub(crate) fn new(server: [u8; 32]) -> Self {
        Self {
            server,
            people: HashMap::new(),
            accounts: BTreeMap::new(),
            groups: BTreeMap::new(),
            invitations: BTreeMap::new(),
            lids: HashMap::new(),
            spellings: HashMap::new(),
            homes: HashMap::new(),
        }
    }

    /// Rebuilds what the state file leaves out.
    pub(crate) fn reindex(&mut self) {
        self.lids = self
            .people
            .values()
            .map(|p| (p.lid.clone(), p.phone.clone()))
            .collect();
        self.spellings = self
            .people
            .values()
            .filter_map(|p| Some((p.other_spelling.clone()?, p.phone.clone())))
            .collect();
        let accounts = self.accounts.keys();
        self.homes = accounts
            .map(|phone| (phone.clone(), self.homes_of(phone)))
            .collect();
    }

    fn homes_of(&self, phone: &str) -> BTreeSet<String> {
        let homes = self.groups.values();
        let homes = homes.filter(|group| group.members.contains_key(phone));
        homes.map(|group| group.gid.clone()).collect()
    }

    /// Takes down that somebody has come into a group.
    pub(crate) fn came_home(&mut self, phone: &str, gid: &str) {
        if let Some(homes) = self.homes.get_mut(phone) {
            homes.insert(gid.to_owned());
        }
    }

    /// The groups that an account is in.
    pub(crate) fn groups_of<'w>(&'w self, phone: &'w str) -> impl Iterator<Item = &'w Group> {
        let homes = self.homes.get(phone).into_iter().flatten();
        homes
            .filter_map(|gid| self.groups.get(gid))
            .filter(move |group| group.members.contains_key(phone))
    }

    /// Adds or replaces a person.
    pub(crate) fn put_person(&mut self, person: Person) {
        if let Some(old) = self.people.get(&person.phone) {
            self.lids.remove(&old.lid);
        }
        self.lids.insert(person.lid.clone(), person.phone.clone());
        if let Some(other) = &person.other_spelling {
            self.spellings.insert(other.clone(), person.phone.clone());
        }
        self.people.insert(person.phone.clone(), person);
    }

    /// Adds an account, and the person it belongs to; an account that exists stays as it is.
    pub(crate) fn put_account(
        &mut self,
        phone: &str,
    ) -> Result<(), wacore::libsignal::protocol::CurveError> {
        if !self.accounts.contains_key(phone) {
            self.accounts.insert(phone.to_owned(), Account::generate()?);
            self.homes.insert(phone.to_owned(), self.homes_of(phone));
        }
        if !self.people.contains_key(phone) {
            self.put_person(Person::new(phone));
        }
        Ok(())
    }

    pub(crate) fn device(&self, phone: &str, device: u16) -> Option<&Device> {
        self.accounts.get(phone)?.devices.get(&device)
    }

    pub(crate) fn device_mut(&mut self, phone: &str, device: u16) -> Option<&mut Device> {
        self.accounts.get_mut(phone)?.devices.get_mut(&device)
    }

    /// The phone number behind a user JID of either kind, if this server knows it.
    pub(crate) fn phone_of(&self, jid: &str) -> Option<String> {
        let (user, server) = jid.split_once('@')?;
        let user = user.split(':').next().unwrap_or(user);
        match server {
            wacore_binary::DEFAULT_USER_SERVER if self.people.contains_key(user) => {
                Some(user.to_owned())
            }
            wacore_binary::DEFAULT_USER_SERVER => self.spellings.get(user).cloned(),
            wacore_binary::HIDDEN_USER_SERVER => self.lids.get(user).cloned(),
            _ => None,
        }
    }

    /// Whether a user JID of either kind is that of somebody with an account on WhatsApp.
    pub(crate) fn is_on_whatsapp(&self, jid: &str) -> bool {
        self.phone_of(jid)
            .and_then(|phone| self.people.get(&phone))
            .is_some_and(|person| person.outcome != AddOutcome::NotOnWhatsApp)
    }
}
