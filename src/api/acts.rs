//! What all operations that act on WhatsApp have in common: who asks and by which key, whom it is about, and what is
//! answered.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway_api::{Rejection, models};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::actions::person;
use crate::auth::Principal;
use crate::error::Error;
use crate::groups::{MOST_IN_A_CALL, MOST_IN_AN_ADDITION, Participants};
use crate::jid::PersonJid;
use crate::pace::PaceWish;
use crate::sessions::Asker;
use crate::store::{ActionRecord, IdempotencyKey};

/// A request, as far as it tells a repetition from another request.
pub(super) struct Request<'a, P, B> {
    operation: &'static str,
    path: P,
    body: &'a B,
}

impl<'a, P: Serialize, B: Serialize> Request<'a, P, B> {
    /// By the operation, what its path says and its body.
    pub(super) fn new(operation: &'static str, path: P, body: &'a B) -> Self {
        Self {
            operation,
            path,
            body,
        }
    }

    /// Who asks so, and with which key.
    pub(super) fn by(self, principal: &Principal, key: Option<models::IdempotencyKey>) -> Asker {
        Asker {
            caller: principal.caller(),
            key: key.map(|key| self.key(principal, key)),
            part: None,
            invite_declined: false,
        }
    }

    /// The key of the request. Only one that has a key is written out for its fingerprint.
    pub(super) fn key(self, principal: &Principal, key: models::IdempotencyKey) -> IdempotencyKey {
        // Models as the document has them: they can always be written.
        let text = serde_json::to_vec(&(self.operation, self.path, self.body)).unwrap_or_default();
        IdempotencyKey {
            organization_id: principal.organization_id.clone(),
            key: key.0,
            fingerprint: URL_SAFE_NO_PAD.encode(Sha256::digest(text)),
        }
    }
}

/// How fast an addition is to go.
pub(super) fn wish(pace: models::Pace) -> PaceWish {
    PaceWish {
        batch: pace.batch,
        min_pause: pace.min_pause_seconds,
        max_pause: pace.max_pause_seconds,
        per_hour: pace.per_hour,
        per_day: pace.per_day,
    }
}

/// The `Location` of a success: the record.
pub(super) fn location(action: &ActionRecord) -> String {
    format!("/api/v1/sessions/{}/actions/{}", action.session, action.id)
}

/// What became of each person, as a body.
pub(super) fn result(action: ActionRecord) -> models::ActionResult {
    models::ActionResult {
        action: action.id.to_string(),
        data: action.people.into_iter().map(person).collect(),
    }
}

/// Whom `participants` of a call names, each one by `person`; 400 with each name that is none.
pub(super) fn people<'a>(
    names: impl Iterator<Item = &'a String>,
    person: impl Fn(&str) -> Option<PersonJid>,
) -> Result<Participants, Error> {
    named(names, person, MOST_IN_A_CALL)
}

/// The same for an addition, which takes more.
pub(super) fn many<'a>(
    names: impl Iterator<Item = &'a String>,
    person: impl Fn(&str) -> Option<PersonJid>,
) -> Result<Participants, Error> {
    named(names, person, MOST_IN_AN_ADDITION)
}

fn named<'a>(
    names: impl Iterator<Item = &'a String>,
    person: impl Fn(&str) -> Option<PersonJid>,
    most: usize,
) -> Result<Participants, Error> {
    let mut violations = Vec::new();
    let mut people = Vec::new();
    for (index, name) in names.enumerate() {
        match person(name) {
            Some(person) => people.push(person),
            None => violations.push(
                gateway_api::Violation::new(
                    format!("participants[{index}]"),
                    gateway_api::Rule::Pattern,
                )
                .with_value(name.as_str().into()),
            ),
        }
    }
    if violations.is_empty() {
        Participants::new(people, most)
    } else {
        Err(Rejection::Invalid(violations).into())
    }
}
