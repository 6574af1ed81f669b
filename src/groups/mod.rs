//! What is done to groups, and what is known of them.

mod directory;

use std::collections::HashSet;

pub use directory::{get, list, members};

use crate::error::{Error, Violation};
use crate::group::GroupAction;
use crate::jid::{GroupJid, UserJid};
use crate::sessions::{Acted, OwnedSession};
use crate::store::Caller;

/// The most people in one call. WhatsApp's own limit on a group's size is another matter, and WhatsApp's to enforce.
pub const MOST_PARTICIPANTS: usize = 1024;

/// Whom a call is about: at least one person, at most [`MOST_PARTICIPANTS`], nobody twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participants(Vec<UserJid>);

impl Participants {
    /// Drops repetitions.
    ///
    /// # Errors
    /// 400 for nobody and for too many.
    pub fn new(mut users: Vec<UserJid>) -> Result<Self, Error> {
        let rule = match users.len() {
            0 => "required",
            1..=MOST_PARTICIPANTS => {
                let mut seen = HashSet::with_capacity(users.len());
                let first: Vec<bool> = users.iter().map(|user| seen.insert(user)).collect();
                let mut first = first.into_iter();
                users.retain(|_| first.next().unwrap_or(true));
                return Ok(Self(users));
            }
            _ => "length",
        };
        Err(Error::validation(&[Violation::new("participants", rule)]))
    }

    /// The people, in the order of the call.
    #[cfg(test)]
    pub fn as_slice(&self) -> &[UserJid] {
        &self.0
    }
}

/// Adds people to a group: one WhatsApp round trip, nothing else. That WhatsApp declines some of them, or all, is no
/// failure; who is a member already stays one.
///
/// # Errors
/// In this order: 501 where the session is not connected, 404 `group`, 403 `not_group_admin`, 503 where it cannot be
/// recorded, what WhatsApp refuses (with `notOnWhatsApp` where it refuses all for the sake of some); 504 where it does not
/// answer in time, so that the outcome is not known.
pub async fn add_members(
    session: &OwnedSession,
    gid: &GroupJid,
    participants: Participants,
    caller: Caller,
) -> Result<Acted, Error> {
    let group = session.admin_group(gid).await?;
    group.act(GroupAction::Add(participants.0), caller).await
}

#[cfg(test)]
mod tests;
