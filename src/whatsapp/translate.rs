//! From the library's view of groups and people to the gateway's.

use whatsapp_rust::features::{GroupMetadata, ParticipantChangeResponse, ParticipantType};
use whatsapp_rust::wacore::stanza::groups::{
    GroupNotificationAction as Action, GroupParticipantInfo, GroupParticipantType,
};
use whatsapp_rust::wacore::types::events::GroupUpdate;
use whatsapp_rust::{Jid, Server};

use super::{AddOutcome, GroupChange, GroupInfo, Participant, Role};
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
fn participant(names: [Option<&Jid>; 3], role: Role) -> Option<Participant> {
    let jid = names.into_iter().flatten().find_map(user);
    let lid = names.into_iter().flatten().find_map(lid);
    (jid.is_some() || lid.is_some()).then_some(Participant { jid, lid, role })
}

fn role(kind: &ParticipantType) -> Role {
    match kind {
        ParticipantType::Member => Role::Member,
        ParticipantType::Admin => Role::Admin,
        ParticipantType::SuperAdmin => Role::SuperAdmin,
    }
}

/// The group, or `None` where its id is none that this gateway knows.
pub(super) fn group_info(group_data: &GroupMetadata) -> Option<GroupInfo> {
    let owner = group_data
        .creator_pn
        .as_ref()
        .or(group_data.creator.as_ref())
        .map(Jid::to_non_ad_string);
    let participants = group_data.participants.iter().filter_map(|person| {
        let names = [
            Some(&person.jid),
            person.phone_number.as_ref(),
            person.lid.as_ref(),
        ];
        participant(names, role(&person.participant_type))
    });
    Some(GroupInfo {
        gid: group(&group_data.id)?,
        subject: group_data.subject.clone(),
        description: group_data.description.clone(),
        owner,
        is_announce: group_data.is_announcement,
        is_locked: group_data.is_locked,
        created_at: group_data
            .creation_time
            .and_then(|seconds| i64::try_from(seconds).ok()?.checked_mul(1000)),
        participants: participants.collect(),
    })
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

/// The outcome for each of `asked`, in that order. Answers name people by phone number, by LID with the number beside it,
/// or by LID alone; those of the last kind are taken in the order of the people nobody else answers for.
pub(super) fn outcomes(
    asked: &[UserJid],
    answers: &[ParticipantChangeResponse],
) -> Vec<AddOutcome> {
    let mut named = std::collections::HashMap::new();
    let mut nameless = Vec::new();
    for answer in answers {
        let name = answer.phone_number.as_ref().and_then(user);
        match name.or_else(|| user(&answer.jid)) {
            Some(name) => {
                named.insert(name, answer);
            }
            None => nameless.push(answer),
        }
    }
    let mut nameless = nameless.into_iter();
    asked
        .iter()
        .map(|name| named.remove(name).or_else(|| nameless.next()))
        .map(|answer| match answer {
            Some(answer) => outcome(answer.error.as_deref()),
            None => AddOutcome::Declined(0),
        })
        .collect()
}

fn outcome(error: Option<&str>) -> AddOutcome {
    match error {
        None | Some("200") => AddOutcome::Added,
        Some("409") => AddOutcome::AlreadyMember,
        Some(code) => AddOutcome::Declined(code.parse().unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests;
