//! Subject, description and settings of a group, and who may change them.
//!
//! Shapes as `wacore::iq::groups` sends and `wacore::stanza::groups` reads them.

use crate::group::{Described, Group};
use crate::group_node::shown;
use crate::group_notification::announce_change;
use crate::iq::After;
use crate::node::{Refusal, attr, now};
use crate::state::State;
use wacore::iq::groups::{GROUP_DESCRIPTION_MAX_LENGTH, GROUP_SUBJECT_MAX_LENGTH};
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

/// A setting of a group that only its admins may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// Whether only admins may send messages: `<announcement/>`, `<not_announcement/>`.
    Announce(bool),
    /// Whether only admins may edit subject and description: `<locked/>`, `<unlocked/>`.
    Locked(bool),
    /// Whether plain members may add others: `<member_add_mode>`.
    MembersMayAdd(bool),
    /// Whether an admin has to approve who comes by the link or is added by a plain member:
    /// `<membership_approval_mode>`.
    Approval(bool),
}

impl Setting {
    /// Reads a setting; `None` for an element that is none.
    fn parse(node: &NodeRef<'_>) -> Option<Result<Self, Refusal>> {
        let setting = match node.tag.as_ref() {
            "announcement" => Some(Self::Announce(true)),
            "not_announcement" => Some(Self::Announce(false)),
            "locked" => Some(Self::Locked(true)),
            "unlocked" => Some(Self::Locked(false)),
            "member_add_mode" => match node.content_as_string().as_deref() {
                Some("all_member_add") => Some(Self::MembersMayAdd(true)),
                Some("admin_add") => Some(Self::MembersMayAdd(false)),
                _ => None,
            },
            "membership_approval_mode" => {
                let join = node.get_optional_child("group_join");
                match join.and_then(|join| attr(join, "state")).as_deref() {
                    Some("on") => Some(Self::Approval(true)),
                    Some("off") => Some(Self::Approval(false)),
                    _ => None,
                }
            }
            _ => return None,
        };
        Some(setting.ok_or_else(Refusal::bad_request))
    }

    /// The element: the same in requests, notifications and groups.
    pub(crate) fn node(self) -> Node {
        match self {
            Self::Announce(true) => NodeBuilder::new("announcement"),
            Self::Announce(false) => NodeBuilder::new("not_announcement"),
            Self::Locked(true) => NodeBuilder::new("locked"),
            Self::Locked(false) => NodeBuilder::new("unlocked"),
            Self::MembersMayAdd(all) => {
                let mode = if all { "all_member_add" } else { "admin_add" };
                NodeBuilder::new("member_add_mode").string_content(mode)
            }
            Self::Approval(on) => {
                let state = if on { "on" } else { "off" };
                let join = NodeBuilder::new("group_join").attr("state", state).build();
                NodeBuilder::new("membership_approval_mode").children([join])
            }
        }
        .build()
    }

    pub(crate) fn apply(self, group: &mut Group) {
        match self {
            Self::Announce(on) => group.announce = on,
            Self::Locked(on) => group.locked = on,
            Self::MembersMayAdd(on) => group.members_may_add = on,
            Self::Approval(on) => group.approval = on,
        }
    }
}

/// Changes what an element of an IQ names; `None` when it is nothing that is set here.
pub(crate) fn set(
    state: &mut State,
    gid: &str,
    by: &str,
    node: &NodeRef<'_>,
) -> Option<Result<Vec<After>, Refusal>> {
    Some(match node.tag.as_ref() {
        "subject" => match node.content_as_string() {
            Some(subject) => set_subject(state, gid, by, &subject, now()),
            None => Err(Refusal::bad_request()),
        },
        "description" => {
            let body = node.get_optional_child("body");
            let text = body.and_then(|body| body.content_as_string());
            let delete = attr(node, "delete").as_deref() == Some("true");
            match (attr(node, "id"), text, delete) {
                (Some(id), text, delete) if text.is_some() != delete => {
                    let previous = attr(node, "prev");
                    set_description(state, gid, by, &id, previous.as_deref(), text.as_deref())
                }
                _ => Err(Refusal::bad_request()),
            }
        }
        _ => match Setting::parse(node)? {
            Ok(setting) => set_setting(state, gid, by, setting),
            Err(refusal) => Err(refusal),
        },
    })
}

/// Renames a group on behalf of somebody.
pub(crate) fn set_subject(
    state: &mut State,
    gid: &str,
    by: &str,
    subject: &str,
    at: u64,
) -> Result<Vec<After>, Refusal> {
    may_edit(state, gid, by)?;
    acceptable_subject(subject)?;
    edit(
        state,
        gid,
        by,
        |group| {
            subject.clone_into(&mut group.subject);
            by.clone_into(&mut group.subject_by);
            group.subject_at = at;
        },
        |setter| {
            NodeBuilder::new("subject")
                .attr("subject", subject.to_owned())
                .attr("s_t", at.to_string())
                .attr("s_o", setter)
                .build()
        },
    )
}

/// 406 for a subject that is empty or too long; the limit is whatsapp-rust's, the code whatsmeow's
/// (`ErrIQNotAcceptable`).
pub(crate) fn acceptable_subject(subject: &str) -> Result<(), Refusal> {
    let length = subject.chars().count();
    // One with an `@` this server could not show: the library that it writes stanzas with makes a JID of it.
    if (1..=GROUP_SUBJECT_MAX_LENGTH).contains(&length) && !subject.contains('@') {
        Ok(())
    } else {
        Err(Refusal::not_acceptable())
    }
}

/// Sets or deletes the description on behalf of somebody, who says which one it replaces: 409 when another one stands
/// by now (`GroupError::DescriptionConflict` of whatsapp-rust).
pub(crate) fn set_description(
    state: &mut State,
    gid: &str,
    by: &str,
    id: &str,
    previous: Option<&str>,
    text: Option<&str>,
) -> Result<Vec<After>, Refusal> {
    may_edit(state, gid, by)?;
    if state.world.group_for(gid, by)?.description_id() != previous {
        return Err(Refusal::new(409, "conflict"));
    }
    if text.is_some_and(|text| text.chars().count() > GROUP_DESCRIPTION_MAX_LENGTH) {
        return Err(Refusal::not_acceptable());
    }
    edit(
        state,
        gid,
        by,
        |group| {
            group.description = text.map(str::to_owned);
            group.described = Some(Described {
                id: id.to_owned(),
                at: now(),
                by: by.to_owned(),
            });
        },
        |_| {
            let content = match text {
                Some(text) => NodeBuilder::new("body").bytes(text.as_bytes().to_vec()),
                None => NodeBuilder::new("delete"),
            };
            NodeBuilder::new("description")
                .attr("id", id.to_owned())
                .children([content.build()])
                .build()
        },
    )
}

/// Changes a setting on behalf of somebody.
pub(crate) fn set_setting(
    state: &mut State,
    gid: &str,
    by: &str,
    setting: Setting,
) -> Result<Vec<After>, Refusal> {
    if !state.world.group_for(gid, by)?.is_admin(by) {
        return Err(Refusal::forbidden());
    }
    edit(
        state,
        gid,
        by,
        |group| setting.apply(group),
        |_| setting.node(),
    )
}

/// Subject and description are every member's to edit, unless the group is locked.
fn may_edit(state: &State, gid: &str, by: &str) -> Result<(), Refusal> {
    let group = state.world.group_for(gid, by)?;
    if group.locked && !group.is_admin(by) {
        return Err(Refusal::forbidden());
    }
    Ok(())
}

/// Makes a change that is allowed; `told` says it in a notification, given the JID by which the group shows `by`.
fn edit(
    state: &mut State,
    gid: &str,
    by: &str,
    change: impl FnOnce(&mut Group),
    told: impl FnOnce(wacore_binary::Jid) -> Node,
) -> Result<Vec<After>, Refusal> {
    let group = state.world.groups.get_mut(gid);
    change(group.ok_or_else(Refusal::not_found)?);
    state.unsaved = true;
    let group = state.world.groups.get(gid).ok_or_else(Refusal::not_found)?;
    let told = told(shown(&state.world, group, by));
    Ok(announce_change(&state.world, group, by, told))
}
