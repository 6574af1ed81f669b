//! What is done to groups, and what is known of them.

mod directory;

use std::collections::HashSet;
use std::time::Duration;

pub use directory::{get, list, members};

use crate::error::{Code, Error, Rule, Violation};
use crate::group::{GroupAction, JoinRequest, Setting};
use crate::jid::{GroupJid, PersonJid};
use crate::sessions::{Asker, OwnedSession};
use crate::store::{ActionRecord, GroupRecord};

/// The most people in one call. WhatsApp's own limit on a group's size is another matter, and WhatsApp's to enforce.
pub const MOST_IN_A_CALL: usize = 1024;

/// The most people in one addition.
pub const MOST_IN_AN_ADDITION: usize = 10_000;

/// Whom a request is about: at least one person, nobody twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participants(Vec<PersonJid>);

impl Participants {
    /// Drops repetitions.
    ///
    /// # Errors
    /// 400 for nobody and for more than `most`.
    pub fn new(mut users: Vec<PersonJid>, most: usize) -> Result<Self, Error> {
        let rule = match users.len() {
            0 => Rule::Required,
            given if given <= most => {
                let mut seen = HashSet::with_capacity(users.len());
                let first: Vec<bool> = users.iter().map(|user| seen.insert(user)).collect();
                let mut first = first.into_iter();
                users.retain(|_| first.next().unwrap_or(true));
                return Ok(Self(users));
            }
            _ => Rule::Length,
        };
        Err(Error::validation(vec![Violation::new(
            "participants",
            rule,
        )]))
    }

    /// The people, in the order of the call.
    #[must_use]
    pub fn into_vec(self) -> Vec<PersonJid> {
        self.0
    }
}

/// Acts on a group: one WhatsApp round trip, nothing else. That WhatsApp declines some of many people, or all, is no
/// failure, nor that somebody is a member already who is added, or none who is removed.
///
/// # Errors
/// In this order: 501 where the session is not connected, 404 `group`, 403 `not_group_admin`, 503 where it cannot be
/// recorded, what WhatsApp refuses (with `notOnWhatsApp` where it refuses an add for the sake of some); 504 where it does
/// not answer in time, so that the outcome is not known.
pub async fn act(
    session: &OwnedSession,
    gid: &GroupJid,
    action: GroupAction,
    asker: Asker,
) -> Result<ActionRecord, Error> {
    if let Some(record) = session.answered_before(&asker).await? {
        return Ok(record);
    }
    session.admin_group(gid).await?.act(action, asker).await
}

/// Changes settings of a group, one round trip for each, two for the description. Gives the group as it is now.
///
/// # Errors
/// Those of [`act`]; `details.applied` names the settings that were changed before.
pub async fn update(
    session: &OwnedSession,
    gid: &GroupJid,
    settings: Vec<Setting>,
    asker: Asker,
) -> Result<(ActionRecord, GroupRecord), Error> {
    let record = match session.answered_before(&asker).await? {
        Some(record) => record,
        None => {
            let group = session.admin_group(gid).await?;
            group.update(settings.clone(), asker).await?
        }
    };
    let mut group = get(session, gid).await?;
    // WhatsApp's notifications bring them into the database.
    for setting in settings {
        match setting {
            Setting::Subject(text) => group.subject = Some(text),
            Setting::Description(text) => group.description = text,
            Setting::Announce(on) => group.is_announce = on,
            Setting::Locked(on) => group.is_locked = on,
            Setting::MembersAdd(_) | Setting::Approval(_) => {}
        }
    }
    Ok((record, group))
}

/// Takes the account out of a group.
///
/// # Errors
/// Those of [`act`], but for 403.
pub async fn leave(
    session: &OwnedSession,
    gid: &GroupJid,
    asker: Asker,
) -> Result<ActionRecord, Error> {
    if let Some(record) = session.answered_before(&asker).await? {
        return Ok(record);
    }
    session.known_group(gid).await?.leave(asker).await
}

/// Makes a group with these people. Gives the group too.
///
/// # Errors
/// Those of [`act`], but for 404 and 403.
pub async fn create(
    session: &OwnedSession,
    subject: String,
    people: Vec<PersonJid>,
    asker: Asker,
) -> Result<(ActionRecord, GroupRecord), Error> {
    let record = match session.answered_before(&asker).await? {
        Some(record) => record,
        None => session.connected()?.create(subject, people, asker).await?,
    };
    let group = entered(session, &record).await?;
    Ok((record, group))
}

/// Joins a group by the code of its invitation link. Gives the group, unless an admin has to approve the account first.
///
/// # Errors
/// Those of [`act`], but for 403; 404 `invite` where the link leads nowhere.
pub async fn join(
    session: &OwnedSession,
    code: String,
    asker: Asker,
) -> Result<(ActionRecord, Option<GroupRecord>), Error> {
    let record = match session.answered_before(&asker).await? {
        Some(record) => record,
        None => session.connected()?.join(code, asker).await?,
    };
    let group = if record.answer.waits {
        None
    } else {
        Some(entered(session, &record).await?)
    };
    Ok((record, group))
}

/// The group that the account has come into by an action.
async fn entered(session: &OwnedSession, record: &ActionRecord) -> Result<GroupRecord, Error> {
    let found = match &record.gid {
        Some(gid) => get(session, gid).await,
        None => Err(Error::not_found("group")),
    };
    found.map_err(|error| {
        Error::new(
            Code::Unavailable,
            "it was done, but the group is not known yet",
        )
        .retry_after(Duration::from_secs(5))
        .with("action", record.id.as_str())
        .because(error)
    })
}

/// The invitation link of a group, as WhatsApp tells it now.
///
/// # Errors
/// Those of [`act`].
pub async fn invite(session: &OwnedSession, gid: &GroupJid) -> Result<String, Error> {
    session.admin_group(gid).await?.invite().await
}

/// Who has asked to join a group, as WhatsApp tells it now.
///
/// # Errors
/// Those of [`act`].
pub async fn join_requests(
    session: &OwnedSession,
    gid: &GroupJid,
) -> Result<Vec<JoinRequest>, Error> {
    session.admin_group(gid).await?.join_requests().await
}

#[cfg(test)]
mod tests;
