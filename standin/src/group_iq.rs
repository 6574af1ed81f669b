//! What an account asks of its groups (`xmlns="w:g2"`), and what it changes in them.
//!
//! Shapes as `wacore::iq::groups` and whatsmeow (`group.go`) read them.

use crate::decline;
use crate::group::{Action, Addressing, Outcome, Role};
use crate::group_entry;
use crate::group_node::{group_node, listed, named, outcome_node};
use crate::group_notification::{announce, announce_move};
use crate::group_settings;
use crate::invitation;
use crate::iq::{After, Reply};
use crate::node::{Refusal, attr, first, random_hex};
use crate::state::State;
use crate::world::{World, pn_jid};
use wacore_binary::NodeRef;
use wacore_binary::builder::NodeBuilder;

/// What is asked of no group in particular is sent to.
const NO_GROUP: &str = "g.us";

/// Answers a `w:g2` IQ of an account.
pub(crate) fn answer(state: &mut State, phone: &str, node: &NodeRef<'_>) -> Result<Reply, Refusal> {
    let gid = attr(node, "to").unwrap_or_default();
    let set = attr(node, "type").as_deref() == Some("set");
    let child = first(node).ok_or_else(Refusal::bad_request)?;
    match (set, child.tag.as_ref()) {
        (false, "participating") => Ok(participating(&state.world, phone, child)),
        (false, "query") => {
            let group = state.world.group_for(&gid, phone)?;
            Ok(Reply::new(group_node(&state.world, group, true, true)))
        }
        // To a group it is about its link, to no group about what a link leads to.
        (true, "invite") if gid == NO_GROUP => group_entry::join(state, phone, child),
        (false, "invite") if gid == NO_GROUP => group_entry::info(state, child),
        (_, "invite") => invite(state, &gid, phone, set),
        (true, "create") => group_entry::create(state, phone, child),
        (false, "membership_approval_requests") => requests(&state.world, &gid, phone),
        (true, "membership_requests_action") => decide(state, &gid, phone, child),
        (true, "leave") => leave(state, phone, child),
        (true, tag) => {
            if let Some(after) = group_settings::set(state, &gid, phone, child) {
                return Ok(Reply {
                    content: Vec::new(),
                    after: after?,
                });
            }
            let action = Action::parse(tag).ok_or_else(Refusal::not_implemented)?;
            let targets = participants(child);
            if targets.is_empty() {
                return Err(Refusal::bad_request());
            }
            let (outcomes, mut after) = change(state, &gid, phone, action, &targets)?;
            after.extend(decline::consequence(state, &gid, phone, &outcomes));
            let group = state
                .world
                .groups
                .get(&gid)
                .ok_or_else(Refusal::not_found)?;
            let content = outcomes
                .iter()
                .map(|outcome| outcome_node(&state.world, group, outcome));
            let content = NodeBuilder::new(action.tag()).children(content).build();
            Ok(Reply {
                content: vec![content],
                after,
            })
        }
        _ => Err(Refusal::not_implemented()),
    }
}

fn participants(node: &NodeRef<'_>) -> Vec<String> {
    node.get_children_by_tag("participant")
        .filter_map(|participant| attr(participant, "jid"))
        .collect()
}

fn participating(world: &World, phone: &str, asked: &NodeRef<'_>) -> Reply {
    let members = asked.get_optional_child("participants").is_some();
    let description = asked.get_optional_child("description").is_some();
    let groups = world
        .groups_of(phone)
        .map(|group| listed(world, group, members, description));
    Reply::new(NodeBuilder::new("groups").children(groups).build())
}

fn invite(state: &mut State, gid: &str, phone: &str, reset: bool) -> Result<Reply, Refusal> {
    let group = state.world.group_for(gid, phone)?;
    if !group.is_admin(phone) {
        // whatsmeow: `ErrGroupInviteLinkUnauthorized`.
        return Err(Refusal::new(401, "not-authorized"));
    }
    let mut code = group.invite.clone();
    if reset && let Some(group) = state.world.groups.get_mut(gid) {
        code = random_hex(11);
        let old = std::mem::replace(&mut group.invite, code.clone());
        group.replaced.push(old);
        state.unsaved = true;
    }
    Ok(Reply::new(
        NodeBuilder::new("invite").attr("code", code).build(),
    ))
}

fn requests(world: &World, gid: &str, phone: &str) -> Result<Reply, Refusal> {
    let group = world.group_for(gid, phone)?;
    if !group.is_admin(phone) {
        return Err(Refusal::forbidden());
    }
    let requests = group.requests.iter().map(|(requester, since)| {
        named(
            NodeBuilder::new("membership_approval_request"),
            world,
            group,
            requester,
        )
        .attr("request_time", since.to_string())
        .build()
    });
    Ok(Reply::new(
        NodeBuilder::new("membership_approval_requests")
            .children(requests)
            .build(),
    ))
}

/// Lets people in who wait for approval, or turns them away.
fn decide(
    state: &mut State,
    gid: &str,
    phone: &str,
    decision: &NodeRef<'_>,
) -> Result<Reply, Refusal> {
    if !state.world.group_for(gid, phone)?.is_admin(phone) {
        return Err(Refusal::forbidden());
    }
    let verdict = first(decision).ok_or_else(Refusal::bad_request)?;
    let (tag, approve) = match verdict.tag.as_ref() {
        "approve" => ("approve", true),
        "reject" => ("reject", false),
        _ => return Err(Refusal::bad_request()),
    };
    let mut outcomes = Vec::new();
    for asked in participants(verdict) {
        let requester = state.world.phone_of(&asked);
        let waiting = match (state.world.groups.get_mut(gid), &requester) {
            (Some(group), Some(requester)) => {
                let waiting = group.requests.remove(requester).is_some();
                if waiting && approve {
                    group.members.insert(requester.clone(), Role::Member);
                }
                waiting
            }
            _ => false,
        };
        if let Some(requester) = requester.as_ref().filter(|_| waiting && approve) {
            state.world.came_home(requester, gid);
        }
        outcomes.push(Outcome {
            asked,
            phone: requester,
            error: (!waiting).then_some(404),
            add_request: None,
        });
    }
    state.unsaved = true;
    let after = if approve {
        announce(state, gid, phone, Action::Add, &outcomes)
    } else {
        Vec::new()
    };
    let group = state.world.groups.get(gid).ok_or_else(Refusal::not_found)?;
    let content = outcomes
        .iter()
        .map(|outcome| outcome_node(&state.world, group, outcome));
    let verdict = NodeBuilder::new(tag).children(content).build();
    let content = NodeBuilder::new("membership_requests_action")
        .children([verdict])
        .build();
    Ok(Reply {
        content: vec![content],
        after,
    })
}

fn leave(state: &mut State, phone: &str, leave: &NodeRef<'_>) -> Result<Reply, Refusal> {
    let mut content = Vec::new();
    let mut after = Vec::new();
    for group in leave.get_children_by_tag("group") {
        let gid = attr(group, "id").unwrap_or_default();
        state.world.group_for(&gid, phone)?;
        let own = Outcome {
            asked: pn_jid(phone),
            phone: Some(phone.to_owned()),
            error: None,
            add_request: None,
        };
        if let Some(group) = state.world.groups.get_mut(&gid) {
            group.members.remove(phone);
        }
        state.unsaved = true;
        after.extend(announce(state, &gid, phone, Action::Remove, &[own]));
        content.push(NodeBuilder::new("group").attr("id", gid).build());
    }
    let content = NodeBuilder::new("leave").children(content).build();
    Ok(Reply {
        content: vec![content],
        after,
    })
}

/// Changes the membership on behalf of somebody, and says who has to be told.
pub(crate) fn change(
    state: &mut State,
    gid: &str,
    by: &str,
    action: Action,
    targets: &[String],
) -> Result<(Vec<Outcome>, Vec<After>), Refusal> {
    let outcomes = state.world.change(gid, by, action, targets)?;
    invitation::issue(&mut state.world, gid, &outcomes);
    state.unsaved = true;
    let after = announce(state, gid, by, action, &outcomes);
    Ok((outcomes, after))
}

/// Moves a group to LID addressing, and says who has to be told what.
pub(crate) fn move_to_lid(state: &mut State, gid: &str) -> Vec<After> {
    let Some(group) = state.world.groups.get(gid) else {
        return Vec::new();
    };
    let after = announce_move(&state.world, group);
    if let Some(group) = state.world.groups.get_mut(gid) {
        group.addressing = Addressing::Lid;
        state.unsaved = true;
    }
    after
}
