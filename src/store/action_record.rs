//! A record of an action, and how the database writes it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{StoreError, clean};
use crate::error::{Code, Error};
use crate::group::{Action, Invitation, Operation, Outcome, PersonOutcome};
use crate::jid::{ActionId, GroupJid, SessionId};
use crate::words::words;

words! {
    /// How far an action has come.
    ActionStatus, "action status":
    /// It is under way.
    Running = "running",
    /// WhatsApp has answered for each person, or was asked afterwards.
    Done = "done",
    /// Nothing was done: WhatsApp has refused the whole, or it was never sent.
    Refused = "refused",
    /// It was sent, and what became of it is not known yet. The gateway asks for the group as soon as it can.
    Unknown = "unknown",
}

/// Who asked for an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A program, by the id of its api key.
    ApiKey(String),
    /// A person, by the id that their login token gives, if it does; of an api key, the command line too.
    User(Option<String>),
}

impl Caller {
    /// The columns `api_key_id` and `user_id`.
    pub(super) fn columns(&self) -> (Option<&str>, Option<String>) {
        match self {
            Self::ApiKey(id) => (Some(id), None),
            Self::User(id) => (None, id.as_deref().map(clean)),
        }
    }

    /// Reads those columns.
    pub(super) fn from_row(row: &AnyRow) -> Result<Self, StoreError> {
        Ok(match row.try_get("api_key_id")? {
            Some(id) => Self::ApiKey(id),
            None => Self::User(row.try_get("user_id")?),
        })
    }
}

/// An action as the database keeps it. Times are epoch milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRecord {
    /// Its id, by time.
    pub id: ActionId,
    /// The session whose account it was asked of.
    pub session: SessionId,
    /// The operation of the document.
    pub operation: Operation,
    /// The group; none where it is to be made or joined and WhatsApp has not told it.
    pub gid: Option<GroupJid>,
    /// What was to be set, by the property of the document.
    pub changes: Map<String, Value>,
    /// Who asked.
    pub caller: Caller,
    /// How far it has come.
    pub status: ActionStatus,
    /// The error that answered it; none where it was answered otherwise, or not yet.
    pub error: Option<RecordedError>,
    /// WhatsApp's own code, where it has refused the whole.
    pub upstream_code: Option<u16>,
    /// Whom it was about and what became of each, in the order of the call.
    pub people: Vec<PersonOutcome>,
    /// What else WhatsApp answered.
    pub answer: RecordedAnswer,
    /// When it was asked for.
    pub created_at: i64,
    /// When it was answered, or settled.
    pub completed_at: Option<i64>,
}

/// What WhatsApp answered beside what became of people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedAnswer {
    /// The new invitation link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invite: Option<String>,
    /// An admin of the group has to approve the account first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
}

/// An error that a caller was answered with.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedError {
    /// Its code.
    pub code: Code,
    /// For people.
    pub message: String,
    /// For programs, without the people who are in the record anyhow.
    pub details: Map<String, Value>,
    /// When the caller was to come back.
    pub retry_after: Option<Duration>,
}

impl Eq for RecordedError {}

impl From<&Error> for RecordedError {
    fn from(error: &Error) -> Self {
        let mut details = error.details.clone();
        // The record has them among its people, where they can be erased.
        details.remove("notOnWhatsApp");
        Self {
            code: error.code,
            message: error.message.clone().into_owned(),
            details,
            retry_after: error.retry_after,
        }
    }
}

impl From<&RecordedError> for Error {
    fn from(recorded: &RecordedError) -> Self {
        let mut error = Self::new(recorded.code, recorded.message.clone());
        error.details = recorded.details.clone();
        error.retry_after = recorded.retry_after;
        error
    }
}

/// [`RecordedError`] in the database, without its code.
#[derive(Default, Serialize, Deserialize)]
struct ErrorBody {
    message: String,
    details: Map<String, Value>,
    #[serde(rename = "retryAfter", skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

/// [`PersonOutcome`] in the database.
#[derive(Serialize, Deserialize)]
struct Person {
    participant: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    jid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lid: Option<String>,
    outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invite: Option<Invite>,
}

/// [`Invitation`] in the database.
#[derive(Serialize, Deserialize)]
struct Invite {
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl ActionRecord {
    /// An action that is about to be sent, in one step or in several of one operation.
    #[must_use]
    pub fn begun(session: &SessionId, steps: &[Action], caller: Caller) -> Self {
        let first = &steps[0];
        let people = first.people().iter().cloned();
        let changes = steps.iter().filter_map(Action::change);
        let id = ActionId::generate();
        Self {
            // The same time, for who looks for one by the other.
            created_at: id.made_at(),
            id,
            session: session.clone(),
            operation: first.operation(),
            gid: first.gid().cloned(),
            changes: changes
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            caller,
            status: ActionStatus::Running,
            error: None,
            upstream_code: None,
            people: people
                .map(|person| PersonOutcome::untold(person, Outcome::Unknown))
                .collect(),
            answer: RecordedAnswer::default(),
            completed_at: None,
        }
    }

    /// The group that shows afterwards what became of it, if one does.
    #[must_use]
    pub fn shown_in(&self) -> Option<&GroupJid> {
        self.gid
            .as_ref()
            .filter(|_| self.operation.shows_in_group())
    }

    /// What has become of it is known, or known to be unknown.
    pub fn complete(&mut self, status: ActionStatus) {
        self.status = status;
        self.completed_at = Some(super::now());
    }

    /// All people as JSON.
    pub(super) fn people_json(&self) -> Result<String, StoreError> {
        let people = self.people.iter().map(|person| Person {
            participant: person.participant.to_string(),
            jid: person.jid.as_ref().map(ToString::to_string),
            lid: person.lid.as_ref().map(ToString::to_string),
            outcome: person.outcome.as_str().to_owned(),
            code: person.upstream_code,
            invite: person.invite.map(|invite| Invite {
                state: invite.state.as_str().to_owned(),
                expires_at: invite.expires_at,
                reason: invite.reason.map(|reason| reason.as_str().to_owned()),
            }),
        });
        json("people of an action", &people.collect::<Vec<_>>())
    }

    /// What was to be set, as JSON; none where that was nothing.
    pub(super) fn changes_json(&self) -> Result<Option<String>, StoreError> {
        let changes = (!self.changes.is_empty()).then_some(&self.changes);
        let text = changes.map(|changes| json("changes of an action", changes));
        text.transpose()
    }

    /// The error without its code, as JSON; none where there is none.
    pub(super) fn error_json(&self) -> Result<Option<String>, StoreError> {
        let body = self.error.as_ref().map(|error| ErrorBody {
            message: error.message.clone(),
            details: error.details.clone(),
            retry_after: error.retry_after.map(|after| after.as_secs()),
        });
        let text = body.map(|body| json("error of an action", &body));
        text.transpose()
    }

    /// What else WhatsApp answered, as JSON; none where that is nothing.
    pub(super) fn answer_json(&self) -> Result<Option<String>, StoreError> {
        let answer = (self.answer != RecordedAnswer::default()).then_some(&self.answer);
        let text = answer.map(|answer| json("answer of an action", answer));
        text.transpose()
    }

    /// Reads a row.
    pub(super) fn from_row(row: &AnyRow) -> Result<Self, StoreError> {
        let unreadable = |what| move |_| StoreError::Unreadable(what);
        let text = |column| row.try_get::<&str, _>(column);
        let optional = |column| row.try_get::<Option<String>, _>(column);
        let people: Vec<Person> = parsed("people of an action", text("people")?)?;
        let changes = optional("changes")?
            .map(|text| parsed("changes of an action", &text))
            .transpose()?;
        let answer = optional("answer")?
            .map(|text| parsed("answer of an action", &text))
            .transpose()?;
        let gid = optional("group_jid")?.map(|gid| gid.parse());
        let upstream_code: Option<i64> = row.try_get("upstream_code")?;
        Ok(Self {
            id: text("id")?.parse().map_err(unreadable("action id"))?,
            session: text("session_id")?
                .parse()
                .map_err(unreadable("session id"))?,
            operation: text("operation")?.parse()?,
            gid: gid.transpose().map_err(unreadable("group JID"))?,
            changes: changes.unwrap_or_default(),
            caller: Caller::from_row(row)?,
            status: text("status")?.parse()?,
            error: error_of(optional("error")?, optional("error_body")?)?,
            upstream_code: upstream_code.and_then(|code| u16::try_from(code).ok()),
            people: people
                .into_iter()
                .map(Person::read)
                .collect::<Result<_, _>>()?,
            answer: answer.unwrap_or_default(),
            created_at: row.try_get("created_at")?,
            completed_at: row.try_get("completed_at")?,
        })
    }
}

fn error_of(
    code: Option<String>,
    body: Option<String>,
) -> Result<Option<RecordedError>, StoreError> {
    let Some(code) = code else {
        return Ok(None);
    };
    let body = body.map(|text| parsed::<ErrorBody>("error of an action", &text));
    let body = body.transpose()?.unwrap_or_default();
    Ok(Some(RecordedError {
        code: code.parse()?,
        message: body.message,
        details: body.details,
        retry_after: body.retry_after.map(Duration::from_secs),
    }))
}

fn json(what: &'static str, value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Unreadable(what))
}

fn parsed<T: for<'de> Deserialize<'de>>(what: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Unreadable(what))
}

impl Invite {
    fn read(self) -> Result<Invitation, StoreError> {
        Ok(Invitation {
            state: self.state.parse()?,
            expires_at: self.expires_at,
            reason: self.reason.map(|reason| reason.parse()).transpose()?,
        })
    }
}

impl Person {
    fn read(self) -> Result<PersonOutcome, StoreError> {
        let unreadable = |_| StoreError::Unreadable("person of an action");
        let jid = self.jid.map(|jid| jid.parse().map_err(unreadable));
        let lid = self.lid.map(|lid| lid.parse().map_err(unreadable));
        Ok(PersonOutcome {
            participant: self.participant.parse().map_err(unreadable)?,
            jid: jid.transpose()?,
            lid: lid.transpose()?,
            outcome: self.outcome.parse()?,
            upstream_code: self.code,
            request: None,
            invite: self.invite.map(Invite::read).transpose()?,
        })
    }
}
