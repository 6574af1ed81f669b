//! The document's schemas.

use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use validator::{Validate, ValidateRegex, ValidationError, ValidationErrors};

#[allow(unused_imports)]
use crate::{
    models,
    object::{not_absent, not_null, object},
};

/// What was asked of WhatsApp. It is recorded before anything is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct Action {
    /// Id of the action, a ULID.
    #[serde(rename = "id")]
    pub id: String,
    /// The operation that asked for it, by its `operationId`.
    #[serde(rename = "operation")]
    pub operation: String,
    /// JID of the group. Null where the group was to be created or joined, and WhatsApp has not told it.
    #[serde(rename = "groupJid", deserialize_with = "not_absent")]
    pub group_jid: Option<String>,
    /// What was to be set, as the request had it: of `updateGroup` its properties, of `createGroup` the subject. Null for all other operations.
    #[serde(rename = "changes", deserialize_with = "not_absent")]
    pub changes: Option<serde_json::Map<String, serde_json::Value>>,
    /// See [`models::ActionCaller`].
    #[serde(rename = "requestedBy")]
    #[validate(nested)]
    pub requested_by: models::ActionCaller,
    /// See [`models::ActionStatus`].
    #[serde(rename = "status")]
    pub status: models::ActionStatus,
    /// The `error.code` that the caller was answered with. Null where the call succeeded, or nobody was answered.
    #[serde(rename = "errorCode", deserialize_with = "not_absent")]
    pub error_code: Option<String>,
    /// WhatsApp's own code, where it has refused the whole. Null otherwise.
    #[serde(rename = "upstreamCode", deserialize_with = "not_absent")]
    pub upstream_code: Option<i32>,
    /// What became of each person, in the order of the request.
    #[serde(rename = "people")]
    #[validate(nested)]
    pub people: Vec<models::PersonOutcome>,
    /// When it was asked for, in milliseconds since the Unix epoch.
    #[serde(rename = "createdAt")]
    pub created_at: i64,
    /// When it was answered, or settled later, in milliseconds since the Unix epoch. Null while it is under way.
    #[serde(rename = "completedAt", deserialize_with = "not_absent")]
    pub completed_at: Option<i64>,
}

object!(Action);

/// Who asked. Both are null for a login token that names nobody, and for the gateway's command line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct ActionCaller {
    /// Id of the api key. Null for a person.
    #[serde(rename = "apiKeyId", deserialize_with = "not_absent")]
    pub api_key_id: Option<String>,
    /// Id of the person, as the login token gives it. Null for an api key.
    #[serde(rename = "userId", deserialize_with = "not_absent")]
    pub user_id: Option<String>,
}

object!(ActionCaller);

/// A page of actions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct ActionList {
    /// The actions of this page.
    #[serde(rename = "data")]
    #[validate(nested)]
    pub data: Vec<models::Action>,
    /// Where the next page begins. Null on the last page.
    #[serde(rename = "nextCursor", deserialize_with = "not_absent")]
    pub next_cursor: Option<String>,
}

object!(ActionList);

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct ActionResult {
    /// Id of the action, the record of the call.
    #[serde(rename = "action")]
    pub action: String,
    /// What became of each person, in the order of the request. Who was given twice is there once.
    #[serde(rename = "data")]
    #[validate(nested)]
    pub data: Vec<models::PersonOutcome>,
}

object!(ActionResult);

/// How far an action has come.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ActionStatus {
    /// It is under way.
    Running,
    /// WhatsApp has done it, or has answered for each person, or was asked afterwards.
    Done,
    /// Nothing was done, because WhatsApp has refused the whole, or because it could not be sent.
    Refused,
    /// It was sent, and what became of it is not known yet. The gateway asks WhatsApp as soon as it can.
    Unknown,
    /// A word that the document did not have yet when this was generated.
    Undocumented(String),
}

impl ActionStatus {
    /// Every value that is documented, in the document's order.
    pub const ALL: &[Self] = &[Self::Running, Self::Done, Self::Refused, Self::Unknown];

    /// The value as the document writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Undocumented(word) => word,
        }
    }
}

impl std::str::FromStr for ActionStatus {
    type Err = std::convert::Infallible;

    /// The value that is written so, be it documented or not.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(word.to_owned()))
    }
}

impl From<String> for ActionStatus {
    /// The value that is written so, be it documented or not.
    fn from(word: String) -> Self {
        let documented = Self::ALL.iter().find(|value| value.as_str() == word);
        documented.cloned().unwrap_or(Self::Undocumented(word))
    }
}

impl From<ActionStatus> for String {
    fn from(value: ActionStatus) -> Self {
        value.as_str().to_owned()
    }
}

/// Who is to be added to a group. Properties not named here are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct AddMembers {
    /// The people to add, by their JIDs, each ending in `@s.whatsapp.net`. Required by the service: absent, null or empty is 400.
    #[serde(
        rename = "participants",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[validate(nested)]
    #[validate(length(max = 1024))]
    pub participants: Option<Vec<models::NewMember>>,
    /// Whether those whom their privacy settings let only be invited are sent WhatsApp's own invitation to the group. Nobody is sent one unless this asks for it, and nobody is sent the public link. Where it is not given: false.
    #[serde(
        rename = "inviteDeclined",
        default = "AddMembers::default_invite_declined"
    )]
    pub invite_declined: bool,
}

object!(AddMembers);

impl AddMembers {
    fn default_invite_declined() -> bool {
        false
    }
}

/// A background job that adds people to a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct Addition {
    /// Id of the addition, a ULID.
    #[serde(rename = "id")]
    pub id: String,
    /// JID of the group.
    #[serde(rename = "groupJid")]
    pub group_jid: String,
    /// See [`models::AdditionStatus`].
    #[serde(rename = "status")]
    pub status: models::AdditionStatus,
    /// See [`models::HoldReason`].
    #[serde(rename = "holdReason", deserialize_with = "not_absent")]
    pub hold_reason: Option<models::HoldReason>,
    /// Until when it waits, in milliseconds since the Unix epoch. Null where that is not known, or it does not wait.
    #[serde(rename = "holdUntil", deserialize_with = "not_absent")]
    pub hold_until: Option<i64>,
    /// The `error.code` that WhatsApp's refusal would be told with. Null unless the addition has failed.
    #[serde(rename = "errorCode", deserialize_with = "not_absent")]
    pub error_code: Option<String>,
    /// How many people are to be added. Who is given twice counts once.
    #[serde(rename = "total")]
    pub total: i32,
    /// How many of them have had their turn.
    #[serde(rename = "done")]
    pub done: i32,
    /// See [`models::ActionCaller`].
    #[serde(rename = "requestedBy")]
    #[validate(nested)]
    pub requested_by: models::ActionCaller,
    /// When it was asked for, in milliseconds since the Unix epoch.
    #[serde(rename = "createdAt")]
    pub created_at: i64,
    /// When it ended, in milliseconds since the Unix epoch. Null while it runs.
    #[serde(rename = "completedAt", deserialize_with = "not_absent")]
    pub completed_at: Option<i64>,
}

object!(Addition);

/// A page of additions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct AdditionList {
    /// The additions of this page.
    #[serde(rename = "data")]
    #[validate(nested)]
    pub data: Vec<models::Addition>,
    /// Where the next page begins. Null on the last page.
    #[serde(rename = "nextCursor", deserialize_with = "not_absent")]
    pub next_cursor: Option<String>,
}

object!(AdditionList);

/// An addition, and what became of each person so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct AdditionProgress {
    /// See [`models::Addition`].
    #[serde(rename = "addition")]
    #[validate(nested)]
    pub addition: models::Addition,
    /// Everybody, in the order of the request.
    #[serde(rename = "data")]
    #[validate(nested)]
    pub data: Vec<models::PersonOutcome>,
}

object!(AdditionProgress);

/// How far an addition has come.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum AdditionStatus {
    /// Some people have not had their turn.
    Running,
    /// Everybody has had their turn.
    Done,
    /// Somebody has canceled the rest.
    Canceled,
    /// The rest can't be added; `errorCode` says why.
    Failed,
    /// A word that the document did not have yet when this was generated.
    Undocumented(String),
}

impl AdditionStatus {
    /// Every value that is documented, in the document's order.
    pub const ALL: &[Self] = &[Self::Running, Self::Done, Self::Canceled, Self::Failed];

    /// The value as the document writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Canceled => "canceled",
            Self::Failed => "failed",
            Self::Undocumented(word) => word,
        }
    }
}

impl std::str::FromStr for AdditionStatus {
    type Err = std::convert::Infallible;

    /// The value that is written so, be it documented or not.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(word.to_owned()))
    }
}

impl From<String> for AdditionStatus {
    /// The value that is written so, be it documented or not.
    fn from(word: String) -> Self {
        let documented = Self::ALL.iter().find(|value| value.as_str() == word);
        documented.cloned().unwrap_or(Self::Undocumented(word))
    }
}

impl From<AdditionStatus> for String {
    fn from(value: AdditionStatus) -> Self {
        value.as_str().to_owned()
    }
}

/// A credential of a program, without the secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct ApiKey {
    /// Id of the api key, a ULID.
    #[serde(rename = "id")]
    pub id: String,
    /// Name for people to read.
    #[serde(rename = "name")]
    pub name: String,
    /// What the key may do.
    #[serde(rename = "capabilities")]
    pub capabilities: Vec<models::Capability>,
    /// See [`models::ActionCaller`].
    #[serde(rename = "createdBy")]
    #[validate(nested)]
    pub created_by: models::ActionCaller,
    /// When the key was created, in milliseconds since the Unix epoch.
    #[serde(rename = "createdAt")]
    pub created_at: i64,
    /// When the key ends, in milliseconds since the Unix epoch. Null where it does not end by itself.
    #[serde(rename = "expiresAt", deserialize_with = "not_absent")]
    pub expires_at: Option<i64>,
    /// When the key was revoked, in milliseconds since the Unix epoch. Null where it was not.
    #[serde(rename = "revokedAt", deserialize_with = "not_absent")]
    pub revoked_at: Option<i64>,
    /// When the key was last used, to the minute, in milliseconds since the Unix epoch. Null where it never was.
    #[serde(rename = "lastUsedAt", deserialize_with = "not_absent")]
    pub last_used_at: Option<i64>,
}

object!(ApiKey);

/// A page of api keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct ApiKeyList {
    /// The api keys of this page.
    #[serde(rename = "data")]
    #[validate(nested)]
    pub data: Vec<models::ApiKey>,
    /// Where the next page begins. Null on the last page.
    #[serde(rename = "nextCursor", deserialize_with = "not_absent")]
    pub next_cursor: Option<String>,
}

object!(ApiKeyList);

/// Name for people to read, without control characters. It begins with no space.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ApiKeyName(pub String);

static API_KEY_NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^[^\x00-\x20\x7f-\xa0][^\x00-\x1f\x7f-\x9f]{0,99}$"#)
        .expect("ApiKeyName has a pattern that Rust's regex can read")
});

impl Validate for ApiKeyName {
    fn validate(&self) -> Result<(), ValidationErrors> {
        if self.0.validate_regex(&*API_KEY_NAME) {
            return Ok(());
        }
        let mut error = ValidationError::new("pattern");
        error.add_param("value".into(), &self.0);
        let mut errors = ValidationErrors::new();
        // No name of its own: whatever holds the string names it.
        errors.add("", error);
        Err(errors)
    }
}

impl std::str::FromStr for ApiKeyName {
    type Err = std::convert::Infallible;

    /// Takes the text as it is: the pattern is checked by [`Validate`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// Whether an admin has to approve who joins by link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ApprovalMode {
    /// An admin has to.
    #[serde(rename = "on")]
    On,
    /// Whoever has the link can join.
    #[serde(rename = "off")]
    Off,
}

impl ApprovalMode {
    /// Every value, in the document's order.
    pub const ALL: &[Self] = &[Self::On, Self::Off];

    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

impl std::str::FromStr for ApprovalMode {
    type Err = ();

    /// The value that is written so.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .find(|value| value.as_str() == word)
            .copied()
            .ok_or(())
    }
}

/// What the authenticator has signed, and its signature. Properties not named here are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct AssertionResponse {
    /// Bytes in base64url, without padding (RFC 4648, 5).
    #[serde(rename = "clientDataJSON")]
    #[validate(nested)]
    pub client_data_json: models::Base64Url,
    /// Bytes in base64url, without padding (RFC 4648, 5).
    #[serde(rename = "authenticatorData")]
    #[validate(nested)]
    pub authenticator_data: models::Base64Url,
    /// Bytes in base64url, without padding (RFC 4648, 5).
    #[serde(rename = "signature")]
    #[validate(nested)]
    pub signature: models::Base64Url,
    /// Whose passkey it is, like Base64Url. Left out, null or empty where the authenticator does not tell.
    #[serde(
        rename = "userHandle",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[validate(nested)]
    pub user_handle: Option<models::UserHandle>,
}

object!(AssertionResponse);

/// Bytes in base64url, without padding (RFC 4648, 5).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Base64Url(pub String);

static BASE64_URL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^([A-Za-z0-9_-]{4}){0,1023}[A-Za-z0-9_-]{2,4}$"#)
        .expect("Base64Url has a pattern that Rust's regex can read")
});

impl Validate for Base64Url {
    fn validate(&self) -> Result<(), ValidationErrors> {
        if self.0.validate_regex(&*BASE64_URL) {
            return Ok(());
        }
        let mut error = ValidationError::new("pattern");
        error.add_param("value".into(), &self.0);
        let mut errors = ValidationErrors::new();
        // No name of its own: whatever holds the string names it.
        errors.add("", error);
        Err(errors)
    }
}

impl std::str::FromStr for Base64Url {
    type Err = std::convert::Infallible;

    /// Takes the text as it is: the pattern is checked by [`Validate`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// What a credential may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Capability {
    /// See what is known of groups, their members and what was asked of WhatsApp.
    #[serde(rename = "read")]
    Read,
    /// Act in WhatsApp.
    #[serde(rename = "send")]
    Send,
    /// Set up sessions and api keys.
    #[serde(rename = "manage")]
    Manage,
}

impl Capability {
    /// Every value, in the document's order.
    pub const ALL: &[Self] = &[Self::Read, Self::Send, Self::Manage];

    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Send => "send",
            Self::Manage => "manage",
        }
    }
}

impl std::str::FromStr for Capability {
    type Err = ();

    /// The value that is written so.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .find(|value| value.as_str() == word)
            .copied()
            .ok_or(())
    }
}

/// Who is to be added to a group. Properties not named here are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct CreateAddition {
    /// JIDs of the people to add, or their phone numbers where the operator has turned that on. Required by the service: absent, null or empty is 400.
    #[serde(
        rename = "participants",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[validate(nested)]
    #[validate(length(max = 10000))]
    pub participants: Option<Vec<models::NewMember>>,
    /// See [`models::Pace`].
    #[serde(
        rename = "pace",
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[validate(nested)]
    pub pace: Option<models::Pace>,
    /// Whether those whom their privacy settings let only be invited are sent WhatsApp's own invitation to the group. Nobody is sent one unless this asks for it, and nobody is sent the public link. Where it is not given: false.
    #[serde(
        rename = "inviteDeclined",
        default = "CreateAddition::default_invite_declined"
    )]
    pub invite_declined: bool,
}

object!(CreateAddition);

impl CreateAddition {
    fn default_invite_declined() -> bool {
        false
    }
}

/// What an api key is called and what it may do. Properties not named here are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct CreateApiKey {
    /// Name for people to read, without control characters. It begins with no space.
    #[serde(rename = "name")]
    #[validate(nested)]
    pub name: models::ApiKeyName,
    /// What the key may do. Each has to be a capability of whoever creates it, else 403.
    #[serde(rename = "capabilities")]
    #[validate(length(min = 1, max = 3))]
    pub capabilities: Vec<models::Capability>,
    /// When the key ends by itself, in milliseconds since the Unix epoch: in the future, and not after the end of the key that creates it. Left out or null, it does not.
    #[serde(rename = "expiresAt", default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 0, max = 9007199254740991_u64))]
    pub expires_at: Option<u64>,
}

object!(CreateApiKey);

/// What a new group is called and who is in it. Properties not named here are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct CreateGroup {
    /// The group's name.
    #[serde(rename = "subject")]
    #[validate(length(min = 1, max = 100))]
    pub subject: String,
    /// The people who are in it from the start, beside the account itself. Left out, nobody else is.
    #[serde(
        rename = "participants",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[validate(nested)]
    #[validate(length(max = 1024))]
    pub participants: Option<Vec<models::NewMember>>,
}

object!(CreateGroup);

/// Which account to link by a code. Properties not named here are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct CreatePairingCode {
    /// A phone number as E.164 writes it, without the `+`. It begins with its country code, so never with 0.
    #[serde(rename = "phone")]
    #[validate(nested)]
    pub phone: models::PhoneNumber,
}

object!(CreatePairingCode);

/// How a session is created. Properties not named here are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct CreateSession {
    /// Name for people to read.
    #[serde(rename = "label", default, skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 100))]
    pub label: Option<String>,
    /// Whether the session starts at once. Where it is not given: false.
    #[serde(rename = "start", default = "CreateSession::default_start")]
    pub start: bool,
}

object!(CreateSession);

impl CreateSession {
    fn default_start() -> bool {
        false
    }
}

/// An api key that was just created, with the secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct CreatedApiKey {
    /// Id of the api key, a ULID.
    #[serde(rename = "id")]
    pub id: String,
    /// Name for people to read.
    #[serde(rename = "name")]
    pub name: String,
    /// What the key may do.
    #[serde(rename = "capabilities")]
    pub capabilities: Vec<models::Capability>,
    /// See [`models::ActionCaller`].
    #[serde(rename = "createdBy")]
    #[validate(nested)]
    pub created_by: models::ActionCaller,
    /// When the key was created, in milliseconds since the Unix epoch.
    #[serde(rename = "createdAt")]
    pub created_at: i64,
    /// When the key ends, in milliseconds since the Unix epoch. Null where it does not end by itself.
    #[serde(rename = "expiresAt", deserialize_with = "not_absent")]
    pub expires_at: Option<i64>,
    /// When the key was revoked, in milliseconds since the Unix epoch. Null where it was not.
    #[serde(rename = "revokedAt", deserialize_with = "not_absent")]
    pub revoked_at: Option<i64>,
    /// When the key was last used, to the minute, in milliseconds since the Unix epoch. Null where it never was.
    #[serde(rename = "lastUsedAt", deserialize_with = "not_absent")]
    pub last_used_at: Option<i64>,
    /// The key itself, to be sent as `Authorization: Bearer <token>`. It is shown this once and stored nowhere.
    #[serde(rename = "token")]
    pub token: String,
}

object!(CreatedApiKey);

/// A group that was just created, with what became of the people it was to begin with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct CreatedGroup {
    /// JID of the group.
    #[serde(rename = "groupJid")]
    pub group_jid: String,
    /// The group's name. Null where WhatsApp does not tell.
    #[serde(rename = "subject", deserialize_with = "not_absent")]
    pub subject: Option<String>,
    /// The group's description. Null where it has none.
    #[serde(rename = "description", deserialize_with = "not_absent")]
    pub description: Option<String>,
    /// Who created the group. Null where WhatsApp does not say.
    #[serde(rename = "ownerJid", deserialize_with = "not_absent")]
    pub owner_jid: Option<String>,
    /// Whether admins alone may write.
    #[serde(rename = "isAnnounce")]
    pub is_announce: bool,
    /// Whether admins alone may change name, picture and description.
    #[serde(rename = "isLocked")]
    pub is_locked: bool,
    /// How many members the group has.
    #[serde(rename = "participantCount")]
    pub participant_count: i64,
    /// When the group was created at WhatsApp, in milliseconds since the Unix epoch. Null where WhatsApp does not say.
    #[serde(rename = "createdAtWa", deserialize_with = "not_absent")]
    pub created_at_wa: Option<i64>,
    /// When the gateway first saw the group, in milliseconds since the Unix epoch.
    #[serde(rename = "firstSeenAt")]
    pub first_seen_at: i64,
    /// When the stored group last changed, in milliseconds since the Unix epoch.
    #[serde(rename = "updatedAt")]
    pub updated_at: i64,
    /// What became of each person, in the order of the request. Null where it was not asked for.
    #[serde(rename = "outcomes", deserialize_with = "not_absent")]
    #[validate(nested)]
    pub outcomes: Option<Vec<models::PersonOutcome>>,
}

object!(CreatedGroup);

/// What kind of credential it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CredentialType {
    /// A public key, the one kind that WebAuthn has.
    #[serde(rename = "public-key")]
    PublicKey,
}

impl CredentialType {
    /// Every value, in the document's order.
    pub const ALL: &[Self] = &[Self::PublicKey];

    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PublicKey => "public-key",
        }
    }
}

impl std::str::FromStr for CredentialType {
    type Err = ();

    /// The value that is written so.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .find(|value| value.as_str() == word)
            .copied()
            .ok_or(())
    }
}

/// A place in a list. What it is made of is the gateway's own business and may change.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cursor(pub String);

static CURSOR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^[!-~]{1,256}$"#).expect("Cursor has a pattern that Rust's regex can read")
});

impl Validate for Cursor {
    fn validate(&self) -> Result<(), ValidationErrors> {
        if self.0.validate_regex(&*CURSOR) {
            return Ok(());
        }
        let mut error = ValidationError::new("pattern");
        error.add_param("value".into(), &self.0);
        let mut errors = ValidationErrors::new();
        // No name of its own: whatever holds the string names it.
        errors.add("", error);
        Err(errors)
    }
}

impl std::str::FromStr for Cursor {
    type Err = std::convert::Infallible;

    /// Takes the text as it is: the pattern is checked by [`Validate`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// What every error looks like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct Error {
    /// See [`models::ErrorBody`].
    #[serde(rename = "error")]
    #[validate(nested)]
    pub error: models::ErrorBody,
}

object!(Error);

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct ErrorBody {
    /// See [`models::ErrorCode`].
    #[serde(rename = "code")]
    pub code: models::ErrorCode,
    /// One sentence for a person to read. That of a `validation_error` says what the first wrong field has to be, with an example, and never what was sent. Programs go by `code` and `details`.
    #[serde(rename = "message")]
    pub message: String,
    /// See [`models::ErrorDetails`].
    #[serde(rename = "details")]
    #[validate(nested)]
    pub details: models::ErrorDetails,
}

object!(ErrorBody);

/// What kind of error it is; each code belongs to one HTTP status.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ErrorCode {
    /// 400. The request is not valid.
    ValidationError,
    /// 401. No credential, or one that does not verify.
    Unauthorized,
    /// 403. The credential may not do this, or the account may not.
    Forbidden,
    /// 404. It does not exist, or belongs to another organization.
    NotFound,
    /// 405. The path does not take this method.
    MethodNotAllowed,
    /// 409. Another request had the same `Idempotency-Key`, or one still runs that has it.
    Conflict,
    /// 413. The body is too large.
    PayloadTooLarge,
    /// 415. The body is not `application/json`.
    UnsupportedMediaType,
    /// 429. Too many requests.
    RateLimited,
    /// 500. A fault of the gateway.
    Internal,
    /// 501. The session is not connected.
    NotImplemented,
    /// 502. WhatsApp refused.
    UpstreamError,
    /// 503. The gateway can't serve this now.
    Unavailable,
    /// 504. WhatsApp did not answer in time.
    UpstreamTimeout,
    /// A word that the document did not have yet when this was generated.
    Undocumented(String),
}

impl ErrorCode {
    /// Every value that is documented, in the document's order.
    pub const ALL: &[Self] = &[
        Self::ValidationError,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::RateLimited,
        Self::Internal,
        Self::NotImplemented,
        Self::UpstreamError,
        Self::Unavailable,
        Self::UpstreamTimeout,
    ];

    /// The value as the document writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::ValidationError => "validation_error",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Conflict => "conflict",
            Self::PayloadTooLarge => "payload_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::RateLimited => "rate_limited",
            Self::Internal => "internal",
            Self::NotImplemented => "not_implemented",
            Self::UpstreamError => "upstream_error",
            Self::Unavailable => "unavailable",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::Undocumented(word) => word,
        }
    }
}

impl std::str::FromStr for ErrorCode {
    type Err = std::convert::Infallible;

    /// The value that is written so, be it documented or not.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(word.to_owned()))
    }
}

impl From<String> for ErrorCode {
    /// The value that is written so, be it documented or not.
    fn from(word: String) -> Self {
        let documented = Self::ALL.iter().find(|value| value.as_str() == word);
        documented.cloned().unwrap_or(Self::Undocumented(word))
    }
}

impl From<ErrorCode> for String {
    fn from(value: ErrorCode) -> Self {
        value.as_str().to_owned()
    }
}

/// Particulars, by code. `conflict`: `reason`. `rate_limited`: `budget` where it is the gateway's own. `validation_error`: `violations`. `forbidden`: `reason`, with `capability` where one is missing. `not_found`: `resource`, with `reason` where it is known why a session has no QR code, and of a path with `route` where it is known which was meant. `not_implemented`: `status`. `upstream_error`: `upstreamCode`, with `notOnWhatsApp` where numbers without an account were the cause, with `applied` where a part was done, or with the `reason` `passkey_not_accepted`. `unavailable`: `reason` where a session can't be paired now; this and that of `not_found` are a StatusReason. Empty otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct ErrorDetails {
    /// Everything that is wrong with the request, as far as it was read.
    #[serde(
        rename = "violations",
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[validate(nested)]
    pub violations: Option<Vec<models::Violation>>,
}

object!(ErrorDetails);

/// A group that the session's account is in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct Group {
    /// JID of the group.
    #[serde(rename = "groupJid")]
    pub group_jid: String,
    /// The group's name. Null where WhatsApp does not tell.
    #[serde(rename = "subject", deserialize_with = "not_absent")]
    pub subject: Option<String>,
    /// The group's description. Null where it has none.
    #[serde(rename = "description", deserialize_with = "not_absent")]
    pub description: Option<String>,
    /// Who created the group. Null where WhatsApp does not say.
    #[serde(rename = "ownerJid", deserialize_with = "not_absent")]
    pub owner_jid: Option<String>,
    /// Whether admins alone may write.
    #[serde(rename = "isAnnounce")]
    pub is_announce: bool,
    /// Whether admins alone may change name, picture and description.
    #[serde(rename = "isLocked")]
    pub is_locked: bool,
    /// How many members the group has.
    #[serde(rename = "participantCount")]
    pub participant_count: i64,
    /// When the group was created at WhatsApp, in milliseconds since the Unix epoch. Null where WhatsApp does not say.
    #[serde(rename = "createdAtWa", deserialize_with = "not_absent")]
    pub created_at_wa: Option<i64>,
    /// When the gateway first saw the group, in milliseconds since the Unix epoch.
    #[serde(rename = "firstSeenAt")]
    pub first_seen_at: i64,
    /// When the stored group last changed, in milliseconds since the Unix epoch.
    #[serde(rename = "updatedAt")]
    pub updated_at: i64,
}

object!(Group);

/// How anybody can join a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct GroupInvite {
    /// The invitation link.
    #[serde(rename = "invite")]
    pub invite: String,
}

object!(GroupInvite);

/// JID of a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GroupJid(pub String);

static GROUP_JID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^[0-9]+(-[0-9]+)?@g\.us$"#)
        .expect("GroupJid has a pattern that Rust's regex can read")
});

impl Validate for GroupJid {
    fn validate(&self) -> Result<(), ValidationErrors> {
        if self.0.validate_regex(&*GROUP_JID) {
            return Ok(());
        }
        let mut error = ValidationError::new("pattern");
        error.add_param("value".into(), &self.0);
        let mut errors = ValidationErrors::new();
        // No name of its own: whatever holds the string names it.
        errors.add("", error);
        Err(errors)
    }
}

impl std::str::FromStr for GroupJid {
    type Err = std::convert::Infallible;

    /// Takes the text as it is: the pattern is checked by [`Validate`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// A page of groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct GroupList {
    /// The groups of this page.
    #[serde(rename = "data")]
    #[validate(nested)]
    pub data: Vec<models::Group>,
    /// Where the next page begins. Null on the last page.
    #[serde(rename = "nextCursor", deserialize_with = "not_absent")]
    pub next_cursor: Option<String>,
}

object!(GroupList);

/// A person who has asked to join a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct GroupRequest {
    /// JID of the person. Null where WhatsApp tells the LID alone.
    #[serde(rename = "jid", deserialize_with = "not_absent")]
    pub jid: Option<String>,
    /// LID of the person. Null where WhatsApp has not told it.
    #[serde(rename = "lid", deserialize_with = "not_absent")]
    pub lid: Option<String>,
    /// Since when they wait, in milliseconds since the Unix epoch. Null where WhatsApp does not say.
    #[serde(rename = "requestedAt", deserialize_with = "not_absent")]
    pub requested_at: Option<i64>,
}

object!(GroupRequest);

/// The people who have asked to join a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct GroupRequestList {
    /// The people of this page.
    #[serde(rename = "data")]
    #[validate(nested)]
    pub data: Vec<models::GroupRequest>,
    /// Where the next page begins. Null on the last page.
    #[serde(rename = "nextCursor", deserialize_with = "not_absent")]
    pub next_cursor: Option<String>,
}

object!(GroupRequestList);

/// What an addition waits for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum HoldReason {
    /// The pause between two calls.
    Pause,
    /// What the account may add in an hour is used up.
    Hour,
    /// What the account may add in a day is used up.
    Day,
    /// WhatsApp asks to slow down.
    RateLimited,
    /// WhatsApp holds the account back from reaching out to strangers.
    TimeLock,
    /// The session is not connected.
    Disconnected,
    /// It is not known what became of the last call; WhatsApp is asked as soon as it can be.
    Outcome,
    /// An earlier addition of the session goes first.
    Queue,
    /// A word that the document did not have yet when this was generated.
    Undocumented(String),
}

impl HoldReason {
    /// Every value that is documented, in the document's order.
    pub const ALL: &[Self] = &[
        Self::Pause,
        Self::Hour,
        Self::Day,
        Self::RateLimited,
        Self::TimeLock,
        Self::Disconnected,
        Self::Outcome,
        Self::Queue,
    ];

    /// The value as the document writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pause => "pause",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::RateLimited => "rate_limited",
            Self::TimeLock => "time_lock",
            Self::Disconnected => "disconnected",
            Self::Outcome => "outcome",
            Self::Queue => "queue",
            Self::Undocumented(word) => word,
        }
    }
}

impl std::str::FromStr for HoldReason {
    type Err = std::convert::Infallible;

    /// The value that is written so, be it documented or not.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(word.to_owned()))
    }
}

impl From<String> for HoldReason {
    /// The value that is written so, be it documented or not.
    fn from(word: String) -> Self {
        let documented = Self::ALL.iter().find(|value| value.as_str() == word);
        documented.cloned().unwrap_or(Self::Undocumented(word))
    }
}

impl From<HoldReason> for String {
    fn from(value: HoldReason) -> Self {
        value.as_str().to_owned()
    }
}

/// What tells a repetition from another request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IdempotencyKey(pub String);

static IDEMPOTENCY_KEY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^[!-~]{1,255}$"#)
        .expect("IdempotencyKey has a pattern that Rust's regex can read")
});

impl Validate for IdempotencyKey {
    fn validate(&self) -> Result<(), ValidationErrors> {
        if self.0.validate_regex(&*IDEMPOTENCY_KEY) {
            return Ok(());
        }
        let mut error = ValidationError::new("pattern");
        error.add_param("value".into(), &self.0);
        let mut errors = ValidationErrors::new();
        // No name of its own: whatever holds the string names it.
        errors.add("", error);
        Err(errors)
    }
}

impl std::str::FromStr for IdempotencyKey {
    type Err = std::convert::Infallible;

    /// Takes the text as it is: the pattern is checked by [`Validate`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// What became of an invitation that was asked for. It is there for those alone whom their privacy settings let only be invited; the people of an addition have it in the action that they were part of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct Invitation {
    /// See [`models::InvitationState`].
    #[serde(rename = "state")]
    pub state: models::InvitationState,
    /// Until when it can be accepted, in milliseconds since the Unix epoch. Null where WhatsApp has not told it, or none was sent.
    #[serde(rename = "expiresAt", deserialize_with = "not_absent")]
    pub expires_at: Option<i64>,
    /// See [`models::InvitationReason`].
    #[serde(rename = "reason", deserialize_with = "not_absent")]
    pub reason: Option<models::InvitationReason>,
}

object!(Invitation);

/// Why no invitation was sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum InvitationReason {
    /// WhatsApp gave no code to invite the person with.
    NoCode,
    /// WhatsApp did not take the message, as it does where it holds the account back from strangers.
    Refused,
    /// It is not certain that the message was sent.
    Failed,
    /// A word that the document did not have yet when this was generated.
    Undocumented(String),
}

impl InvitationReason {
    /// Every value that is documented, in the document's order.
    pub const ALL: &[Self] = &[Self::NoCode, Self::Refused, Self::Failed];

    /// The value as the document writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::NoCode => "no_code",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Undocumented(word) => word,
        }
    }
}

impl std::str::FromStr for InvitationReason {
    type Err = std::convert::Infallible;

    /// The value that is written so, be it documented or not.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(word.to_owned()))
    }
}

impl From<String> for InvitationReason {
    /// The value that is written so, be it documented or not.
    fn from(word: String) -> Self {
        let documented = Self::ALL.iter().find(|value| value.as_str() == word);
        documented.cloned().unwrap_or(Self::Undocumented(word))
    }
}

impl From<InvitationReason> for String {
    fn from(value: InvitationReason) -> Self {
        value.as_str().to_owned()
    }
}

/// How far an invitation has come.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum InvitationState {
    /// It was sent.
    Invited,
    /// The person is in the group, or has been since.
    Joined,
    /// It can't be accepted any more.
    Expired,
    /// It was not sent; `reason` says why.
    NotSent,
    /// A word that the document did not have yet when this was generated.
    Undocumented(String),
}

impl InvitationState {
    /// Every value that is documented, in the document's order.
    pub const ALL: &[Self] = &[Self::Invited, Self::Joined, Self::Expired, Self::NotSent];

    /// The value as the document writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Invited => "invited",
            Self::Joined => "joined",
            Self::Expired => "expired",
            Self::NotSent => "not_sent",
            Self::Undocumented(word) => word,
        }
    }
}

impl std::str::FromStr for InvitationState {
    type Err = std::convert::Infallible;

    /// The value that is written so, be it documented or not.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(word.to_owned()))
    }
}

impl From<String> for InvitationState {
    /// The value that is written so, be it documented or not.
    fn from(word: String) -> Self {
        let documented = Self::ALL.iter().find(|value| value.as_str() == word);
        documented.cloned().unwrap_or(Self::Undocumented(word))
    }
}

impl From<InvitationState> for String {
    fn from(value: InvitationState) -> Self {
        value.as_str().to_owned()
    }
}

/// An invitation link, or its code alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Invite(pub String);

static INVITE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^(https://chat\.whatsapp\.com/)?[0-9A-Za-z_-]{10,64}$"#)
        .expect("Invite has a pattern that Rust's regex can read")
});

impl Validate for Invite {
    fn validate(&self) -> Result<(), ValidationErrors> {
        if self.0.validate_regex(&*INVITE) {
            return Ok(());
        }
        let mut error = ValidationError::new("pattern");
        error.add_param("value".into(), &self.0);
        let mut errors = ValidationErrors::new();
        // No name of its own: whatever holds the string names it.
        errors.add("", error);
        Err(errors)
    }
}

impl std::str::FromStr for Invite {
    type Err = std::convert::Infallible;

    /// Takes the text as it is: the pattern is checked by [`Validate`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// Which group to join. Properties not named here are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct JoinGroup {
    /// An invitation link, or its code alone.
    #[serde(rename = "invite")]
    #[validate(nested)]
    pub invite: models::Invite,
}

object!(JoinGroup);

/// A request to join that waits for an admin of the group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct JoinRequest {
    /// JID of the group.
    #[serde(rename = "groupJid")]
    pub group_jid: String,
}

object!(JoinRequest);

/// Someone in a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct Member {
    /// JID of the person, made of the phone number. Null where WhatsApp has not told it.
    #[serde(rename = "jid", deserialize_with = "not_absent")]
    pub jid: Option<String>,
    /// LID of the person, the id that hides the number. Null where WhatsApp has not told it.
    #[serde(rename = "lid", deserialize_with = "not_absent")]
    pub lid: Option<String>,
    /// See [`models::MemberRole`].
    #[serde(rename = "role")]
    pub role: models::MemberRole,
    /// When the gateway first saw the person in the group, in milliseconds since the Unix epoch.
    #[serde(rename = "firstSeenAt")]
    pub first_seen_at: i64,
    /// When WhatsApp last told the gateway that the person is in the group, in milliseconds since the Unix epoch.
    #[serde(rename = "lastSeenAt")]
    pub last_seen_at: i64,
}

object!(Member);

/// Who may add members by WhatsApp's own rules. This gateway adds where the session's account is an admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MemberAddMode {
    /// Admins alone.
    #[serde(rename = "admin_add")]
    AdminAdd,
    /// Every member.
    #[serde(rename = "all_member_add")]
    AllMemberAdd,
}

impl MemberAddMode {
    /// Every value, in the document's order.
    pub const ALL: &[Self] = &[Self::AdminAdd, Self::AllMemberAdd];

    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AdminAdd => "admin_add",
            Self::AllMemberAdd => "all_member_add",
        }
    }
}

impl std::str::FromStr for MemberAddMode {
    type Err = ();

    /// The value that is written so.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .find(|value| value.as_str() == word)
            .copied()
            .ok_or(())
    }
}

/// A page of members.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct MemberList {
    /// The members of this page.
    #[serde(rename = "data")]
    #[validate(nested)]
    pub data: Vec<models::Member>,
    /// Where the next page begins. Null on the last page.
    #[serde(rename = "nextCursor", deserialize_with = "not_absent")]
    pub next_cursor: Option<String>,
}

object!(MemberList);

/// What a member may do in the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MemberRole {
    /// What the group's settings let every member do.
    #[serde(rename = "member")]
    Member,
    /// Add and remove members, and change the group.
    #[serde(rename = "admin")]
    Admin,
    /// An admin whom the others can't remove.
    #[serde(rename = "superadmin")]
    Superadmin,
}

impl MemberRole {
    /// Every value, in the document's order.
    pub const ALL: &[Self] = &[Self::Member, Self::Admin, Self::Superadmin];

    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Superadmin => "superadmin",
        }
    }
}

impl std::str::FromStr for MemberRole {
    type Err = ();

    /// The value that is written so.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .find(|value| value.as_str() == word)
            .copied()
            .ok_or(())
    }
}

/// Somebody who is to be in a group: the JID made of the phone number. Only where the operator of the gateway has turned it on, a phone number as people write it is taken too: `+` and the country code first, then digits, spaces, dots, dashes and parentheses, such as `+62 812-3456-7890`. A `(0)` right after the country code is left out where the country dials 0 within. Anything else is 400, and so is a number that its country does not have. A number and its JID are the same person, whom answers and records name by the JID.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NewMember(pub String);

static NEW_MEMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^"#).expect("NewMember has a pattern that Rust's regex can read")
});

impl Validate for NewMember {
    fn validate(&self) -> Result<(), ValidationErrors> {
        if self.0.validate_regex(&*NEW_MEMBER) {
            return Ok(());
        }
        let mut error = ValidationError::new("pattern");
        error.add_param("value".into(), &self.0);
        let mut errors = ValidationErrors::new();
        // No name of its own: whatever holds the string names it.
        errors.add("", error);
        Err(errors)
    }
}

impl std::str::FromStr for NewMember {
    type Err = std::convert::Infallible;

    /// Takes the text as it is: the pattern is checked by [`Validate`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// A person. Properties not named here are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct OnePerson {
    /// JID of a person, made of the phone number, or the person's LID.
    #[serde(rename = "participant")]
    #[validate(nested)]
    pub participant: models::PersonJid,
}

object!(OnePerson);

/// What became of one person.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Outcome {
    /// A member now, who was none before.
    Added,
    /// A member already.
    AlreadyMember,
    /// The person's privacy settings allow an invitation only.
    InviteRequired,
    /// The person was sent an invitation.
    Invited,
    /// An admin has to approve the person first.
    PendingApproval,
    /// The person left the group a short while ago, and can't be added so soon.
    RecentlyLeft,
    /// The number has no WhatsApp account.
    NotOnWhatsapp,
    /// The person has blocked the session's account.
    Blocked,
    /// The group has no room.
    GroupFull,
    /// WhatsApp declined for a reason that has no word here; `upstreamCode` is its code.
    Declined,
    /// Nothing was done about somebody who was to be added.
    NotAdded,
    /// No member any more.
    Removed,
    /// No member, so that there was nothing to do.
    NotAMember,
    /// An admin now.
    Promoted,
    /// An ordinary member now.
    Demoted,
    /// The request to join is granted: a member now.
    Approved,
    /// The request to join is turned down.
    Rejected,
    /// The person has not asked to join.
    NoRequest,
    /// Nothing was done, whatever was asked for.
    NotDone,
    /// Their turn has not come.
    Pending,
    /// It is not known.
    Unknown,
    /// A word that the document did not have yet when this was generated.
    Undocumented(String),
}

impl Outcome {
    /// Every value that is documented, in the document's order.
    pub const ALL: &[Self] = &[
        Self::Added,
        Self::AlreadyMember,
        Self::InviteRequired,
        Self::Invited,
        Self::PendingApproval,
        Self::RecentlyLeft,
        Self::NotOnWhatsapp,
        Self::Blocked,
        Self::GroupFull,
        Self::Declined,
        Self::NotAdded,
        Self::Removed,
        Self::NotAMember,
        Self::Promoted,
        Self::Demoted,
        Self::Approved,
        Self::Rejected,
        Self::NoRequest,
        Self::NotDone,
        Self::Pending,
        Self::Unknown,
    ];

    /// The value as the document writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Added => "added",
            Self::AlreadyMember => "already_member",
            Self::InviteRequired => "invite_required",
            Self::Invited => "invited",
            Self::PendingApproval => "pending_approval",
            Self::RecentlyLeft => "recently_left",
            Self::NotOnWhatsapp => "not_on_whatsapp",
            Self::Blocked => "blocked",
            Self::GroupFull => "group_full",
            Self::Declined => "declined",
            Self::NotAdded => "not_added",
            Self::Removed => "removed",
            Self::NotAMember => "not_a_member",
            Self::Promoted => "promoted",
            Self::Demoted => "demoted",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::NoRequest => "no_request",
            Self::NotDone => "not_done",
            Self::Pending => "pending",
            Self::Unknown => "unknown",
            Self::Undocumented(word) => word,
        }
    }
}

impl std::str::FromStr for Outcome {
    type Err = std::convert::Infallible;

    /// The value that is written so, be it documented or not.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(word.to_owned()))
    }
}

impl From<String> for Outcome {
    /// The value that is written so, be it documented or not.
    fn from(word: String) -> Self {
        let documented = Self::ALL.iter().find(|value| value.as_str() == word);
        documented.cloned().unwrap_or(Self::Undocumented(word))
    }
}

impl From<Outcome> for String {
    fn from(value: Outcome) -> Self {
        value.as_str().to_owned()
    }
}

/// How fast an addition goes at most. What is null, or faster than what stands above it (the session's for an addition, the deployment's for a session), is as there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct Pace {
    /// How many people are added by one call to WhatsApp.
    #[serde(rename = "batch", default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 1, max = 100))]
    pub batch: Option<u32>,
    /// The shortest pause between two calls.
    #[serde(
        rename = "minPauseSeconds",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[validate(range(min = 0, max = 86400))]
    pub min_pause_seconds: Option<u32>,
    /// The longest pause between two calls; each has another length between the two.
    #[serde(
        rename = "maxPauseSeconds",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[validate(range(min = 0, max = 86400))]
    pub max_pause_seconds: Option<u32>,
    /// How many people the account adds within any hour, by direct calls included.
    #[serde(rename = "perHour", default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 1, max = 100000))]
    pub per_hour: Option<u32>,
    /// The same within any 24 hours.
    #[serde(rename = "perDay", default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 1, max = 100000))]
    pub per_day: Option<u32>,
}

object!(Pace);

/// A code that pairs a session when typed into the phone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct PairingCode {
    /// The code as the phone shows it, with the hyphen.
    #[serde(rename = "code")]
    pub code: String,
    /// When the code stops working, in milliseconds since the Unix epoch.
    #[serde(rename = "expiresAt")]
    pub expires_at: i64,
}

object!(PairingCode);

/// A QR code that pairs a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct PairingQr {
    /// What the QR has to hold, to the letter.
    #[serde(rename = "code")]
    pub code: String,
    /// When the code stops working, in milliseconds since the Unix epoch.
    #[serde(rename = "expiresAt")]
    pub expires_at: i64,
}

object!(PairingQr);

/// AuthenticationResponseJSON as WebAuthn Level 3 defines it. Properties not named here are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct PasskeyAssertion {
    /// Bytes in base64url, without padding (RFC 4648, 5).
    #[serde(rename = "id")]
    #[validate(nested)]
    pub id: models::Base64Url,
    /// Bytes in base64url, without padding (RFC 4648, 5).
    #[serde(rename = "rawId")]
    #[validate(nested)]
    pub raw_id: models::Base64Url,
    /// See [`models::CredentialType`].
    #[serde(rename = "type")]
    pub r_type: models::CredentialType,
    /// See [`models::AssertionResponse`].
    #[serde(rename = "response")]
    #[validate(nested)]
    pub response: models::AssertionResponse,
}

object!(PasskeyAssertion);

/// What WhatsApp asks of a passkey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct PasskeyRequest {
    /// PublicKeyCredentialRequestOptionsJSON as WebAuthn Level 3 defines it, for `PublicKeyCredential.parseRequestOptionsFromJSON`.
    #[serde(rename = "publicKey")]
    pub public_key: serde_json::Map<String, serde_json::Value>,
    /// The only origin at which a browser makes the assertion.
    #[serde(rename = "origin")]
    pub origin: String,
    /// Until when the session waits at least for the linking to be confirmed, in milliseconds since the Unix epoch.
    #[serde(rename = "expiresAt")]
    pub expires_at: i64,
}

object!(PasskeyRequest);

/// Whose requests to join are meant. Properties not named here are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct PeopleOfRequests {
    /// JIDs or LIDs of the people. Required by the service, absent, null or empty is 400.
    #[serde(
        rename = "participants",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[validate(nested)]
    #[validate(length(max = 1024))]
    pub participants: Option<Vec<models::PersonJid>>,
}

object!(PeopleOfRequests);

/// JID of a person, made of the phone number, or the person's LID.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PersonJid(pub String);

static PERSON_JID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^([0-9]{5,20}@s\.whatsapp\.net|[0-9]+@lid)$"#)
        .expect("PersonJid has a pattern that Rust's regex can read")
});

impl Validate for PersonJid {
    fn validate(&self) -> Result<(), ValidationErrors> {
        if self.0.validate_regex(&*PERSON_JID) {
            return Ok(());
        }
        let mut error = ValidationError::new("pattern");
        error.add_param("value".into(), &self.0);
        let mut errors = ValidationErrors::new();
        // No name of its own: whatever holds the string names it.
        errors.add("", error);
        Err(errors)
    }
}

impl std::str::FromStr for PersonJid {
    type Err = std::convert::Infallible;

    /// Takes the text as it is: the pattern is checked by [`Validate`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// What became of one person of an action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct PersonOutcome {
    /// JID of the person, as it was asked for.
    #[serde(rename = "participant")]
    pub participant: String,
    /// JID of the person as WhatsApp writes it, which may spell the number otherwise. Null where WhatsApp has not told it.
    #[serde(rename = "jid", deserialize_with = "not_absent")]
    pub jid: Option<String>,
    /// LID of the person, the id that hides the number. Null where WhatsApp has not told it.
    #[serde(rename = "lid", deserialize_with = "not_absent")]
    pub lid: Option<String>,
    /// See [`models::Outcome`].
    #[serde(rename = "outcome")]
    pub outcome: models::Outcome,
    /// WhatsApp's own code for the person. Null where it gave none.
    #[serde(rename = "upstreamCode", deserialize_with = "not_absent")]
    pub upstream_code: Option<i32>,
    /// See [`models::Invitation`].
    #[serde(
        rename = "invite",
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[validate(nested)]
    pub invite: Option<models::Invitation>,
}

object!(PersonOutcome);

/// A phone number as E.164 writes it, without the `+`. It begins with its country code, so never with 0.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PhoneNumber(pub String);

static PHONE_NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^[1-9][0-9]{6,14}$"#)
        .expect("PhoneNumber has a pattern that Rust's regex can read")
});

impl Validate for PhoneNumber {
    fn validate(&self) -> Result<(), ValidationErrors> {
        if self.0.validate_regex(&*PHONE_NUMBER) {
            return Ok(());
        }
        let mut error = ValidationError::new("pattern");
        error.add_param("value".into(), &self.0);
        let mut errors = ValidationErrors::new();
        // No name of its own: whatever holds the string names it.
        errors.add("", error);
        Err(errors)
    }
}

impl std::str::FromStr for PhoneNumber {
    type Err = std::convert::Infallible;

    /// Takes the text as it is: the pattern is checked by [`Validate`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// One WhatsApp account, linked or to be linked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct Session {
    /// Id of the session, a ULID.
    #[serde(rename = "id")]
    pub id: String,
    /// Name for people to read. Null where none was given.
    #[serde(rename = "label", deserialize_with = "not_absent")]
    pub label: Option<String>,
    /// See [`models::SessionStatus`].
    #[serde(rename = "status")]
    pub status: models::SessionStatus,
    /// See [`models::StatusReason`].
    #[serde(rename = "statusReason", deserialize_with = "not_absent")]
    pub status_reason: Option<models::StatusReason>,
    /// Why, in a sentence for people. Null where the status says it all.
    #[serde(rename = "statusDetail", deserialize_with = "not_absent")]
    pub status_detail: Option<String>,
    /// Since when the session has this status, in milliseconds since the Unix epoch.
    #[serde(rename = "statusChangedAt")]
    pub status_changed_at: i64,
    /// When the gateway tries again by itself, in milliseconds since the Unix epoch. Null where it does not.
    #[serde(rename = "retryAt", deserialize_with = "not_absent")]
    pub retry_at: Option<i64>,
    /// The code to compare with the one that the phone shows, while linking by passkey waits for it to be confirmed. Null otherwise.
    #[serde(rename = "passkeyCode", deserialize_with = "not_absent")]
    pub passkey_code: Option<String>,
    /// See [`models::SessionLimits`].
    #[serde(rename = "limits")]
    #[validate(nested)]
    pub limits: models::SessionLimits,
    /// The organization that the session belongs to.
    #[serde(rename = "organizationId")]
    pub organization_id: String,
    /// The person who created the session. Null where an api key did.
    #[serde(rename = "createdByUserId", deserialize_with = "not_absent")]
    pub created_by_user_id: Option<String>,
    /// Phone number of the linked account, digits only. Null until paired.
    #[serde(rename = "phoneNumber", deserialize_with = "not_absent")]
    pub phone_number: Option<String>,
    /// JID of the linked account. Null until paired.
    #[serde(rename = "waJid", deserialize_with = "not_absent")]
    pub wa_jid: Option<String>,
    /// LID of the linked account, the id that hides its number. Null until known.
    #[serde(rename = "waLid", deserialize_with = "not_absent")]
    pub wa_lid: Option<String>,
    /// When the session was created, in milliseconds since the Unix epoch.
    #[serde(rename = "createdAt")]
    pub created_at: i64,
    /// When the session last changed, in milliseconds since the Unix epoch.
    #[serde(rename = "updatedAt")]
    pub updated_at: i64,
    /// When the session last became connected, in milliseconds since the Unix epoch. Null where it never did.
    #[serde(rename = "lastConnectedAt", deserialize_with = "not_absent")]
    pub last_connected_at: Option<i64>,
}

object!(Session);

/// How many people the session's account may add. All of it is set at once, what is not given is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct SessionLimits {
    /// How many people may be added by direct calls (`addGroupMembers`, `createGroup`) within any hour. Null for no limit.
    #[serde(
        rename = "addsPerHour",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[validate(range(min = 1, max = 100000))]
    pub adds_per_hour: Option<u32>,
    /// The same within any 24 hours.
    #[serde(
        rename = "addsPerDay",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[validate(range(min = 1, max = 100000))]
    pub adds_per_day: Option<u32>,
    /// See [`models::Pace`].
    #[serde(
        rename = "pace",
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[validate(nested)]
    pub pace: Option<models::Pace>,
}

object!(SessionLimits);

/// A page of sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct SessionList {
    /// The sessions of this page.
    #[serde(rename = "data")]
    #[validate(nested)]
    pub data: Vec<models::Session>,
    /// Where the next page begins. Null on the last page.
    #[serde(rename = "nextCursor", deserialize_with = "not_absent")]
    pub next_cursor: Option<String>,
}

object!(SessionList);

/// Where a session stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum SessionStatus {
    /// Not connected, by request or because nobody paired it in time.
    Stopped,
    /// On the way, or waiting for the next try.
    Connecting,
    /// Waits to be paired.
    ScanQrCode,
    /// Waits for a passkey, which WhatsApp asks for before it links the device.
    PasskeyRequired,
    /// Connected, the status that live operations need.
    Working,
    /// Unlinked, has to be paired again.
    LoggedOut,
    /// Gave up; starting it tries again.
    Failed,
    /// A word that the document did not have yet when this was generated.
    Undocumented(String),
}

impl SessionStatus {
    /// Every value that is documented, in the document's order.
    pub const ALL: &[Self] = &[
        Self::Stopped,
        Self::Connecting,
        Self::ScanQrCode,
        Self::PasskeyRequired,
        Self::Working,
        Self::LoggedOut,
        Self::Failed,
    ];

    /// The value as the document writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Stopped => "stopped",
            Self::Connecting => "connecting",
            Self::ScanQrCode => "scan_qr_code",
            Self::PasskeyRequired => "passkey_required",
            Self::Working => "working",
            Self::LoggedOut => "logged_out",
            Self::Failed => "failed",
            Self::Undocumented(word) => word,
        }
    }
}

impl std::str::FromStr for SessionStatus {
    type Err = std::convert::Infallible;

    /// The value that is written so, be it documented or not.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(word.to_owned()))
    }
}

impl From<String> for SessionStatus {
    /// The value that is written so, be it documented or not.
    fn from(word: String) -> Self {
        let documented = Self::ALL.iter().find(|value| value.as_str() == word);
        documented.cloned().unwrap_or(Self::Undocumented(word))
    }
}

impl From<SessionStatus> for String {
    fn from(value: SessionStatus) -> Self {
        value.as_str().to_owned()
    }
}

/// Why a session stands where it does. Null where the status says it all.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum StatusReason {
    /// The phone, or WhatsApp, has unlinked the device.
    LoggedOutOnPhone,
    /// Another client has taken over this device; the gateway does not fight for it.
    Replaced,
    /// WhatsApp has banned the account for a time.
    Banned,
    /// WhatsApp no longer accepts the version that the gateway claims to be.
    Outdated,
    /// WhatsApp refuses the login for a reason that has no word here.
    Refused,
    /// There is no connection to WhatsApp.
    Unreachable,
    /// WhatsApp asks to slow down.
    RateLimited,
    /// Logged in, but WhatsApp does not hand out the groups.
    GroupsUnavailable,
    /// Nobody has paired the session while its codes were good.
    PairingTimedOut,
    /// WhatsApp or the phone has broken off the pairing.
    PairingFailed,
    /// WhatsApp asks for a passkey.
    PasskeyRequired,
    /// The server does not hold the key that is configured.
    ServerNotVerified,
    /// The gateway cannot read or write what it stores of the device.
    Storage,
    /// A fault of the gateway.
    Internal,
    /// A word that the document did not have yet when this was generated.
    Undocumented(String),
}

impl StatusReason {
    /// Every value that is documented, in the document's order.
    pub const ALL: &[Self] = &[
        Self::LoggedOutOnPhone,
        Self::Replaced,
        Self::Banned,
        Self::Outdated,
        Self::Refused,
        Self::Unreachable,
        Self::RateLimited,
        Self::GroupsUnavailable,
        Self::PairingTimedOut,
        Self::PairingFailed,
        Self::PasskeyRequired,
        Self::ServerNotVerified,
        Self::Storage,
        Self::Internal,
    ];

    /// The value as the document writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::LoggedOutOnPhone => "logged_out_on_phone",
            Self::Replaced => "replaced",
            Self::Banned => "banned",
            Self::Outdated => "outdated",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::RateLimited => "rate_limited",
            Self::GroupsUnavailable => "groups_unavailable",
            Self::PairingTimedOut => "pairing_timed_out",
            Self::PairingFailed => "pairing_failed",
            Self::PasskeyRequired => "passkey_required",
            Self::ServerNotVerified => "server_not_verified",
            Self::Storage => "storage",
            Self::Internal => "internal",
            Self::Undocumented(word) => word,
        }
    }
}

impl std::str::FromStr for StatusReason {
    type Err = std::convert::Infallible;

    /// The value that is written so, be it documented or not.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(word.to_owned()))
    }
}

impl From<String> for StatusReason {
    /// The value that is written so, be it documented or not.
    fn from(word: String) -> Self {
        let documented = Self::ALL.iter().find(|value| value.as_str() == word);
        documented.cloned().unwrap_or(Self::Undocumented(word))
    }
}

impl From<StatusReason> for String {
    fn from(value: StatusReason) -> Self {
        value.as_str().to_owned()
    }
}

/// What is to change of a group. Properties not named here are ignored, and what is not given stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct UpdateGroup {
    /// The group's name.
    #[serde(rename = "subject", default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 100))]
    pub subject: Option<String>,
    /// The group's description. An empty one takes it away.
    #[serde(
        rename = "description",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[validate(length(max = 2048))]
    pub description: Option<String>,
    /// Whether admins alone may write.
    #[serde(rename = "announce", default, skip_serializing_if = "Option::is_none")]
    pub announce: Option<bool>,
    /// Whether admins alone may change name, picture and description.
    #[serde(rename = "locked", default, skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
    /// See [`models::MemberAddMode`].
    #[serde(
        rename = "memberAddMode",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub member_add_mode: Option<models::MemberAddMode>,
    /// See [`models::ApprovalMode`].
    #[serde(
        rename = "approvalMode",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub approval_mode: Option<models::ApprovalMode>,
}

object!(UpdateGroup);

/// What is to change of a session. Properties not named here are ignored, and what is not given stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct UpdateSession {
    /// Name for people to read. An empty one takes it away.
    #[serde(rename = "label", default, skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 100))]
    pub label: Option<String>,
    /// See [`models::SessionLimits`].
    #[serde(
        rename = "limits",
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[validate(nested)]
    pub limits: Option<models::SessionLimits>,
}

object!(UpdateSession);

/// Whose passkey it is, like Base64Url. Left out, null or empty where the authenticator does not tell.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UserHandle(pub String);

static USER_HANDLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^([A-Za-z0-9_-]{4}){0,32}([A-Za-z0-9_-]{2,3})?$"#)
        .expect("UserHandle has a pattern that Rust's regex can read")
});

impl Validate for UserHandle {
    fn validate(&self) -> Result<(), ValidationErrors> {
        if self.0.validate_regex(&*USER_HANDLE) {
            return Ok(());
        }
        let mut error = ValidationError::new("pattern");
        error.add_param("value".into(), &self.0);
        let mut errors = ValidationErrors::new();
        // No name of its own: whatever holds the string names it.
        errors.add("", error);
        Err(errors)
    }
}

impl std::str::FromStr for UserHandle {
    type Err = std::convert::Infallible;

    /// Takes the text as it is: the pattern is checked by [`Validate`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// One thing that is wrong with a request. `value` is what was sent, cut to 100 characters, where it helps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(remote = "Self")]
pub struct Violation {
    /// Where, a parameter or a property such as `participants[3]`, or `body` for the body as a whole.
    #[serde(rename = "field")]
    pub field: String,
    /// See [`models::ViolationRule`].
    #[serde(rename = "rule")]
    pub rule: models::ViolationRule,
}

object!(Violation);

/// Which rule is broken.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ViolationRule {
    /// It has to be there.
    Required,
    /// It has to be of another type, or another word.
    Type,
    /// The body has to be JSON.
    Json,
    /// It has to be UTF-8, percent-encoded.
    Utf8,
    /// It has to be there once.
    Duplicate,
    /// It has to be written in another way.
    Pattern,
    /// It has to be longer or shorter.
    Length,
    /// It has to be greater or less.
    Range,
    /// The body has to come as a whole.
    Unreadable,
    /// The session has to be one that is not paired.
    Unpaired,
    /// The time has to be in the future.
    Future,
    /// The key has to end no later than the one that creates it.
    OwnEnd,
    /// It has to name something that is to change.
    Empty,
    /// A word that the document did not have yet when this was generated.
    Undocumented(String),
}

impl ViolationRule {
    /// Every value that is documented, in the document's order.
    pub const ALL: &[Self] = &[
        Self::Required,
        Self::Type,
        Self::Json,
        Self::Utf8,
        Self::Duplicate,
        Self::Pattern,
        Self::Length,
        Self::Range,
        Self::Unreadable,
        Self::Unpaired,
        Self::Future,
        Self::OwnEnd,
        Self::Empty,
    ];

    /// The value as the document writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Required => "required",
            Self::Type => "type",
            Self::Json => "json",
            Self::Utf8 => "utf8",
            Self::Duplicate => "duplicate",
            Self::Pattern => "pattern",
            Self::Length => "length",
            Self::Range => "range",
            Self::Unreadable => "unreadable",
            Self::Unpaired => "unpaired",
            Self::Future => "future",
            Self::OwnEnd => "own_end",
            Self::Empty => "empty",
            Self::Undocumented(word) => word,
        }
    }
}

impl std::str::FromStr for ViolationRule {
    type Err = std::convert::Infallible;

    /// The value that is written so, be it documented or not.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(word.to_owned()))
    }
}

impl From<String> for ViolationRule {
    /// The value that is written so, be it documented or not.
    fn from(word: String) -> Self {
        let documented = Self::ALL.iter().find(|value| value.as_str() == word);
        documented.cloned().unwrap_or(Self::Undocumented(word))
    }
}

impl From<ViolationRule> for String {
    fn from(value: ViolationRule) -> Self {
        value.as_str().to_owned()
    }
}

/// Compiles every pattern now: a bad one is found at the start, and no request waits for it.
pub(crate) fn compile_patterns() {
    LazyLock::force(&API_KEY_NAME);
    LazyLock::force(&BASE64_URL);
    LazyLock::force(&CURSOR);
    LazyLock::force(&GROUP_JID);
    LazyLock::force(&IDEMPOTENCY_KEY);
    LazyLock::force(&INVITE);
    LazyLock::force(&NEW_MEMBER);
    LazyLock::force(&PERSON_JID);
    LazyLock::force(&PHONE_NUMBER);
    LazyLock::force(&USER_HANDLE);
}
