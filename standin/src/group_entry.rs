//! Groups that an account makes, and groups that it comes into by an invitation link.
//!
//! Shapes as `wacore::iq::groups` sends and reads them.

use crate::group::{Action, Group, Outcome, Role};
use crate::group_node::{group_node, outcome_node};
use crate::group_notification::announce;
use crate::group_settings::acceptable_subject;
use crate::group_spec::GroupSpec;
use crate::iq::{After, Reply};
use crate::node::{Refusal, attr, now};
use crate::state::State;
use crate::world::pn_jid;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{NodeContent, NodeRef};

/// Makes a group; who creates it is its superadmin. People are added to it by the rules of any add: those who are declined
/// stand in the answer too, with the reason.
pub(crate) fn create(
    state: &mut State,
    phone: &str,
    asked: &NodeRef<'_>,
) -> Result<Reply, Refusal> {
    let subject = attr(asked, "subject").unwrap_or_default();
    acceptable_subject(&subject)?;
    let mut spec = GroupSpec::new(subject).superadmin(phone);
    spec.members_may_add = asked
        .get_optional_child("member_add_mode")
        .and_then(|mode| mode.content_as_string())
        .is_some_and(|mode| mode == "all_member_add");
    let gid = state.world.put_group(spec);
    let people = asked.get_children_by_tag("participant");
    let people: Vec<_> = people.filter_map(|person| attr(person, "jid")).collect();
    let outcomes = state.world.change(&gid, phone, Action::Add, &people)?;
    state.unsaved = true;
    let mut after = announce(state, &gid, phone, Action::Add, &outcomes);
    // Who makes it learns of it from the answer.
    after.retain(|after| !matches!(after, After::Deliver { phone: to, .. } if to == phone));
    let group = state
        .world
        .groups
        .get(&gid)
        .ok_or_else(Refusal::not_found)?;
    let mut node = group_node(&state.world, group, true, true);
    let declined = outcomes.iter().filter(|outcome| outcome.error.is_some());
    let declined = declined.map(|outcome| outcome_node(&state.world, group, outcome));
    if let Some(NodeContent::Nodes(children)) = &mut node.content {
        children.extend(declined);
    }
    Ok(Reply {
        content: vec![node],
        after,
    })
}

/// Lets an account into the group that a code leads to, or has it wait where admins approve who comes.
pub(crate) fn join(state: &mut State, phone: &str, asked: &NodeRef<'_>) -> Result<Reply, Refusal> {
    let gid = led_to(state, asked)?.gid.clone();
    let group = state
        .world
        .groups
        .get_mut(&gid)
        .ok_or_else(Refusal::not_found)?;
    if group.members.contains_key(phone) {
        // wacore, `GroupJoinError::AlreadyMember`.
        return Err(Refusal::new(304, "not-modified"));
    }
    if group.members.len() >= group.size_limit {
        return Err(Refusal::new(419, "resource-limit"));
    }
    state.unsaved = true;
    if group.approval {
        group.requests.insert(phone.to_owned(), now());
        let request = NodeBuilder::new("membership_approval_request").attr("jid", gid);
        return Ok(Reply::new(request.build()));
    }
    group.members.insert(phone.to_owned(), Role::Member);
    state.world.came_home(phone, &gid);
    let own = Outcome {
        asked: pn_jid(phone),
        phone: Some(phone.to_owned()),
        error: None,
        add_request: None,
    };
    let after = announce(state, &gid, phone, Action::Add, &[own]);
    let joined = NodeBuilder::new("group").attr("jid", gid).build();
    Ok(Reply {
        content: vec![joined],
        after,
    })
}

/// The group that a code leads to, for somebody who need not be in it.
pub(crate) fn info(state: &State, asked: &NodeRef<'_>) -> Result<Reply, Refusal> {
    let group = led_to(state, asked)?;
    Ok(Reply::new(group_node(&state.world, group, true, true)))
}

/// The group that a code leads to. Codes of links that were replaced are known: whatsmeow's `ErrInviteLinkRevoked` (410)
/// and `ErrInviteLinkInvalid` (406).
fn led_to<'s>(state: &'s State, asked: &NodeRef<'_>) -> Result<&'s Group, Refusal> {
    let code = attr(asked, "code").unwrap_or_default();
    let mut groups = state.world.groups.values();
    if let Some(group) = groups.find(|group| group.invite == code) {
        return Ok(group);
    }
    let mut groups = state.world.groups.values();
    Err(if groups.any(|group| group.replaced.contains(&code)) {
        Refusal::new(410, "gone")
    } else {
        Refusal::not_acceptable()
    })
}
