//! From the library's view of groups and people to the gateway's.

use std::collections::HashMap;

use whatsapp_rust::features::{ParticipantChangeResponse, ReachoutTimelock};
use whatsapp_rust::wacore::stanza::groups::{
    GroupNotificationAction as Action, GroupParticipantInfo, GroupParticipantType,
};
use whatsapp_rust::wacore::types::events::GroupUpdate;
use whatsapp_rust::{Jid, Server};

use crate::group::{AddRequest, GroupChange, Operation, Outcome, Participant, PersonOutcome, Role};
use crate::jid::{GroupJid, Lid, PersonJid, UserJid};

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

/// The group, if this is the name of one.
pub(super) fn group(jid: &Jid) -> Option<GroupJid> {
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

/// What became of each of `asked`, in that order. Answers name people by phone number, or by LID with the number beside
/// it. The number may be spelled otherwise than it was asked for. The only answer is about the only one who was asked for,
/// also where it has another kind of name; of several, one that names nobody who was asked for says nothing about anyone.
pub(super) fn outcomes(
    operation: Operation,
    asked: &[PersonJid],
    answers: &[ParticipantChangeResponse],
) -> Vec<PersonOutcome> {
    if let ([name], [answer]) = (asked, answers) {
        return vec![person_outcome(operation, name, Some(answer))];
    }
    let mut by_number = HashMap::new();
    let mut by_lid = HashMap::new();
    for answer in answers {
        by_number.extend(answered_number(answer).map(|number| (number, answer)));
        by_lid.extend(lid(&answer.jid).map(|lid| (lid, answer)));
    }
    // Who is named to the letter comes first: both spellings may have been asked for.
    let exact: Vec<_> = asked
        .iter()
        .map(|name| match name {
            PersonJid::User(number) => by_number.remove(number),
            PersonJid::Lid(lid) => by_lid.remove(lid),
        })
        .collect();
    asked
        .iter()
        .zip(exact)
        .map(|(name, exact)| {
            let answer = exact.or_else(|| by_number.remove(&name.user()?.other_spelling()?));
            person_outcome(operation, name, answer)
        })
        .collect()
}

/// Whom an answer is about, by phone number.
fn answered_number(answer: &ParticipantChangeResponse) -> Option<UserJid> {
    let name = answer.phone_number.as_ref().and_then(user);
    name.or_else(|| user(&answer.jid))
}

fn person_outcome(
    operation: Operation,
    name: &PersonJid,
    answer: Option<&ParticipantChangeResponse>,
) -> PersonOutcome {
    let Some(answer) = answer else {
        return PersonOutcome::untold(name.clone(), Outcome::Unknown);
    };
    let code = answer.error.as_deref().filter(|code| *code != "200");
    let upstream_code = code.and_then(|code| code.parse().ok());
    PersonOutcome {
        participant: name.clone(),
        jid: answered_number(answer),
        lid: lid(&answer.jid),
        outcome: match (code, upstream_code) {
            (None, _) => operation.success(),
            (Some(_), Some(code)) => outcome(operation, code, answer.add_request.is_some()),
            // A code that is no number.
            (Some(_), None) => Outcome::Unknown,
        },
        upstream_code,
        request: answer.add_request.as_ref().map(|request| AddRequest {
            code: request.code.clone(),
            expires: i64::try_from(request.expiration).unwrap_or(i64::MAX),
        }),
        invite: None,
    }
}

/// What WhatsApp's code for one person means, and whether it came with a code to invite them with. Source: whatsapp-rust,
/// whatsmeow, Baileys and wa-js, for adds; for the others that 404 is somebody who is not there.
fn outcome(operation: Operation, code: u16, invitable: bool) -> Outcome {
    use Operation::{AddGroupMembers, ApproveGroupRequests, CreateGroup, RejectGroupRequests};
    match (operation, code) {
        (AddGroupMembers | CreateGroup, _) => match code {
            401 => Outcome::Blocked,
            403 if invitable => Outcome::InviteRequired,
            404 => Outcome::NotOnWhatsApp,
            408 => Outcome::RecentlyLeft,
            409 => Outcome::AlreadyMember,
            // Of a community: who is not in it can only be invited.
            417 => Outcome::InviteRequired,
            419 => Outcome::GroupFull,
            421 => Outcome::PendingApproval,
            _ => Outcome::Declined,
        },
        (ApproveGroupRequests | RejectGroupRequests, 404) => Outcome::NoRequest,
        (ApproveGroupRequests, 409) => Outcome::AlreadyMember,
        (ApproveGroupRequests, 419) => Outcome::GroupFull,
        (_, 404) => Outcome::NotAMember,
        _ => Outcome::Declined,
    }
}

/// How long a time-lock is believed that does not say when it ends, milliseconds.
const LOCK_WITHOUT_END: i64 = 60 * 60 * 1000;

/// When a reach-out time-lock ends, epoch milliseconds; none where there is none. WhatsApp writes the end in epoch seconds
/// (whatsapp-rust, `fetch_reachout_timelock`).
pub(super) fn time_lock(lock: &ReachoutTimelock, now: i64) -> Option<i64> {
    if lock.is_active != Some(true) {
        return None;
    }
    let ends = lock.time_enforcement_ends.as_deref();
    let ends = ends.and_then(|ends| ends.parse::<u32>().ok());
    let ends = ends.filter(|ends| *ends > 0);
    Some(ends.map_or(now + LOCK_WITHOUT_END, |ends| i64::from(ends) * 1000))
}

#[cfg(test)]
mod tests;
