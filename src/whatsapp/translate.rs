//! From the library's view of groups and people to the gateway's.

use std::collections::HashMap;

use whatsapp_rust::features::ParticipantChangeResponse;
use whatsapp_rust::wacore::stanza::groups::{
    GroupNotificationAction as Action, GroupParticipantInfo, GroupParticipantType,
};
use whatsapp_rust::wacore::types::events::GroupUpdate;
use whatsapp_rust::{Jid, Server};

use super::AddOutcome;
use crate::group::{GroupChange, Participant, Role};
use crate::jid::{GroupJid, Lid, UserJid};

/// The person by phone number, if this is such a name; the device is left off.
pub(super) fn user(jid: &Jid) -> Option<UserJid> {
    // `c.us` is how older servers spell it, `hosted` is a business whose messages somebody else keeps.
    match jid.server {
        Server::Pn | Server::Legacy | Server::Hosted => {
            format!("{}@s.whatsapp.net", jid.user_base()).parse().ok()
        }
        _ => None,
    }
}

/// The person by LID, if this is such a name; the device is left off.
pub(super) fn lid(jid: &Jid) -> Option<Lid> {
    match jid.server {
        Server::Lid | Server::HostedLid => format!("{}@lid", jid.user_base()).parse().ok(),
        _ => None,
    }
}

fn group(jid: &Jid) -> Option<GroupJid> {
    jid.to_non_ad_string().parse().ok()
}

/// A person by all the names given, in whichever attribute each came. `None` when there is none that we know.
pub(super) fn participant(names: [Option<&Jid>; 3], role: Role) -> Option<Participant> {
    let jid = names.into_iter().flatten().find_map(user);
    let lid = names.into_iter().flatten().find_map(lid);
    (jid.is_some() || lid.is_some()).then_some(Participant { jid, lid, role })
}

/// What a notification says, or `None` where it is of no interest.
pub(super) fn group_change(update: &GroupUpdate) -> Option<(GroupJid, GroupChange)> {
    let change = match &update.action {
        Action::Add { participants, .. } => people(participants, None).map(GroupChange::Added),
        Action::Remove { participants, .. } => people(participants, None).map(GroupChange::Removed),
        Action::Promote { participants } => {
            people(participants, Some(Role::Admin)).map(GroupChange::Roles)
        }
        Action::Demote { participants } => {
            people(participants, Some(Role::Member)).map(GroupChange::Roles)
        }
        Action::Subject { subject, .. } => Some(GroupChange::Subject(subject.clone())),
        Action::Description { description, .. } => {
            Some(GroupChange::Description(description.clone()))
        }
        Action::Announce => Some(GroupChange::Announce(true)),
        Action::NotAnnounce => Some(GroupChange::Announce(false)),
        Action::Locked { .. } => Some(GroupChange::Locked(true)),
        Action::Unlocked => Some(GroupChange::Locked(false)),
        Action::Modify { .. }
        | Action::Create { .. }
        | Action::Delete { .. }
        | Action::Link { .. }
        | Action::Unlink { .. }
        | Action::LinkedGroupPromote { .. }
        | Action::LinkedGroupDemote { .. }
        | Action::ChangeNumber { .. }
        | Action::Unknown { .. } => None,
        // Settings, invitations and reports: nothing that this gateway keeps.
        _ => return None,
    };
    // Somebody without a name, or a change of many things at once: only a query tells.
    let change = change.filter(|_| !update.has_incomplete_participant_information);
    Some((
        group(&update.group_jid)?,
        change.unwrap_or(GroupChange::Unknown),
    ))
}

/// The people of a notification, or `None` where one of them has no name, or nobody is named. A promotion says the role by its own name, and
/// a super admin stays one.
fn people(given: &[GroupParticipantInfo], becomes: Option<Role>) -> Option<Vec<Participant>> {
    if given.is_empty() {
        return None;
    }
    given
        .iter()
        .map(|person| {
            let role = match (person.r#type, becomes) {
                (Some(GroupParticipantType::SuperAdmin), None | Some(Role::Admin)) => {
                    Role::SuperAdmin
                }
                (_, Some(role)) => role,
                (Some(GroupParticipantType::Admin), None) => Role::Admin,
                (_, None) => Role::Member,
            };
            let names = [
                Some(&person.jid),
                person.phone_number.as_ref(),
                person.lid.as_ref(),
            ];
            participant(names, role)
        })
        .collect()
}

/// The outcome for each of `asked`, in that order. Answers name people by phone number, or by LID with the number beside
/// it. The number may be spelled otherwise than it was asked for; an answer that names nobody who was asked for says
/// nothing about anyone.
pub(super) fn outcomes(
    asked: &[UserJid],
    answers: &[ParticipantChangeResponse],
) -> Vec<AddOutcome> {
    let mut named: HashMap<UserJid, &ParticipantChangeResponse> = answers
        .iter()
        .filter_map(|answer| {
            let name = answer.phone_number.as_ref().and_then(user);
            Some((name.or_else(|| user(&answer.jid))?, answer))
        })
        .collect();
    // Who is named to the letter comes first: both spellings may have been asked for.
    let exact: Vec<_> = asked.iter().map(|name| named.remove(name)).collect();
    asked
        .iter()
        .zip(exact)
        .map(|(name, exact)| exact.or_else(|| named.remove(&other_spelling(name)?)))
        .map(|answer| match answer {
            Some(answer) => outcome(answer.error.as_deref()),
            None => AddOutcome::Unknown,
        })
        .collect()
}

/// The other way to write the same number, where its country has two: mobile numbers in Brazil with and without the ninth
/// digit, in Mexico with and without the 1. WhatsApp answers with the one that the account was made with. Source: reports
/// of other gateways (evolution-api 2541).
fn other_spelling(name: &UserJid) -> Option<UserJid> {
    let number = name.phone_number();
    let other = match (number.get(..2)?, number.len()) {
        ("55", 13) if number[4..].starts_with('9') => format!("{}{}", &number[..4], &number[5..]),
        ("55", 12) => format!("{}9{}", &number[..4], &number[4..]),
        ("52", 13) if number[2..].starts_with('1') => format!("52{}", &number[3..]),
        ("52", 12) => format!("521{}", &number[2..]),
        _ => return None,
    };
    format!("{other}@s.whatsapp.net").parse().ok()
}

fn outcome(error: Option<&str>) -> AddOutcome {
    match error {
        None | Some("200") => AddOutcome::Added,
        Some("409") => AddOutcome::AlreadyMember,
        Some(code) => code
            .parse()
            .map_or(AddOutcome::Unknown, AddOutcome::Declined),
    }
}

#[cfg(test)]
mod tests;
