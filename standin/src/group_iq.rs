//! Group stanzas (`xmlns="w:g2"`) and group notifications (`type="w:gp2"`).
//!
//! Shapes as `wacore::iq::groups`, `wacore::stanza::groups` and whatsmeow (`group.go`) read them.

use crate::group::{Action, Addressing, Group, Outcome, Role};
use crate::iq::{After, Reply};
use crate::node::{Refusal, attr, first, now, random_hex};
use crate::state::State;
use crate::world::{World, pn_jid};
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

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
        (_, "invite") => invite(state, &gid, phone, set),
        (false, "membership_approval_requests") => requests(&state.world, &gid, phone),
        (true, "membership_requests_action") => decide(state, &gid, phone, child),
        (true, "subject") => {
            let subject = child.content_as_string().ok_or_else(Refusal::bad_request)?;
            let after = set_subject(state, &gid, phone, &subject, now())?;
            Ok(Reply {
                content: Vec::new(),
                after,
            })
        }
        (true, "leave") => leave(state, phone, child),
        (true, tag) => {
            let action = Action::parse(tag).ok_or_else(Refusal::not_implemented)?;
            let targets = participants(child);
            if targets.is_empty() {
                return Err(Refusal::bad_request());
            }
            let (outcomes, after) = change(state, &gid, phone, action, &targets)?;
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
        .map(|group| group_node(world, group, members, description));
    Reply::new(NodeBuilder::new("groups").children(groups).build())
}

fn invite(state: &mut State, gid: &str, phone: &str, reset: bool) -> Result<Reply, Refusal> {
    let group = state.world.group_for(gid, phone)?;
    if !is_admin(group, phone) {
        // whatsmeow: `ErrGroupInviteLinkUnauthorized`.
        return Err(Refusal::new(401, "not-authorized"));
    }
    let mut code = group.invite.clone();
    if reset && let Some(group) = state.world.groups.get_mut(gid) {
        code = random_hex(11);
        group.invite.clone_from(&code);
        state.unsaved = true;
    }
    Ok(Reply::new(
        NodeBuilder::new("invite").attr("code", code).build(),
    ))
}

fn requests(world: &World, gid: &str, phone: &str) -> Result<Reply, Refusal> {
    let group = world.group_for(gid, phone)?;
    if !is_admin(group, phone) {
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
    if !is_admin(state.world.group_for(gid, phone)?, phone) {
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
    state.unsaved = true;
    let after = announce(state, gid, by, action, &outcomes);
    Ok((outcomes, after))
}

/// Renames a group on behalf of somebody.
pub(crate) fn set_subject(
    state: &mut State,
    gid: &str,
    by: &str,
    subject: &str,
    at: u64,
) -> Result<Vec<After>, Refusal> {
    let group = state.world.group_for(gid, by)?;
    if group.locked && !is_admin(group, by) {
        return Err(Refusal::forbidden());
    }
    if let Some(group) = state.world.groups.get_mut(gid) {
        subject.clone_into(&mut group.subject);
        by.clone_into(&mut group.subject_by);
        group.subject_at = at;
        state.unsaved = true;
    }
    let group = state.world.groups.get(gid).ok_or_else(Refusal::not_found)?;
    let change = NodeBuilder::new("subject")
        .attr("subject", subject.to_owned())
        .attr("s_t", at.to_string())
        .attr("s_o", shown(&state.world, group, by))
        .build();
    let (id, stanza) = notification(&state.world, group, by, change);
    Ok(to_members(&state.world, group, &id, &stanza, &[]))
}

/// The notifications of a change that happened.
fn announce(
    state: &State,
    gid: &str,
    by: &str,
    action: Action,
    outcomes: &[Outcome],
) -> Vec<After> {
    let world = &state.world;
    let Some(group) = world.groups.get(gid) else {
        return Vec::new();
    };
    let done: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| outcome.error.is_none())
        .filter_map(|outcome| outcome.phone.as_deref())
        .collect();
    if done.is_empty() {
        return Vec::new();
    }
    let people = done
        .iter()
        .map(|phone| named(NodeBuilder::new("participant"), world, group, phone).build());
    let change = NodeBuilder::new(action.tag()).children(people).build();
    let (id, stanza) = notification(world, group, by, change);
    match action {
        // Who was added learns of the whole group (whatsmeow: `JoinedGroup`), the others of who was added.
        Action::Add => {
            let mut after = to_members(world, group, &id, &stanza, &done);
            let whole = NodeBuilder::new("create")
                .children([group_node(world, group, true, true)])
                .build();
            let (id, stanza) = notification(world, group, by, whole);
            after.extend(to(world, &done, &id, &stanza));
            after
        }
        Action::Remove => {
            let mut after = to_members(world, group, &id, &stanza, &[]);
            after.extend(to(world, &done, &id, &stanza));
            after
        }
        Action::Promote | Action::Demote => to_members(world, group, &id, &stanza, &[]),
    }
}

fn to_members(world: &World, group: &Group, id: &str, stanza: &Node, but: &[&str]) -> Vec<After> {
    // There are few accounts and there may be many members.
    let members: Vec<&str> = world
        .accounts
        .keys()
        .map(String::as_str)
        .filter(|account| group.members.contains_key(*account) && !but.contains(account))
        .collect();
    to(world, &members, id, stanza)
}

fn to(world: &World, phones: &[&str], id: &str, stanza: &Node) -> Vec<After> {
    phones
        .iter()
        .filter(|phone| world.accounts.contains_key(**phone))
        .map(|phone| After::Deliver {
            phone: (*phone).to_owned(),
            id: id.to_owned(),
            stanza: stanza.clone(),
        })
        .collect()
}

fn notification(world: &World, group: &Group, by: &str, change: Node) -> (String, Node) {
    let id = rand::random::<u32>().to_string();
    let mut node = NodeBuilder::new("notification")
        .attr("from", group.gid.clone())
        .attr("type", "w:gp2")
        .attr("id", id.clone())
        .attr("participant", shown(world, group, by))
        .attr("t", now().to_string());
    if group.addressing == Addressing::Lid {
        node = node
            .attr("addressing_mode", "lid")
            .attr("participant_pn", pn_jid(by));
    }
    (id, node.children([change]).build())
}

fn group_node(world: &World, group: &Group, members: bool, description: bool) -> Node {
    let mut node = NodeBuilder::new("group")
        // Only the user part, unlike everywhere else.
        .attr(
            "id",
            group.gid.split('@').next().unwrap_or_default().to_owned(),
        )
        .attr("subject", group.subject.clone())
        .attr("creation", group.created.to_string())
        .attr("s_t", group.subject_at.to_string())
        .attr("size", group.members.len().to_string());
    if !group.creator.is_empty() {
        node = node
            .attr("creator", shown(world, group, &group.creator))
            .attr("s_o", shown(world, group, &group.subject_by));
    }
    node = match group.addressing {
        Addressing::Pn => node.attr("addressing_mode", "pn"),
        Addressing::Lid => {
            let node = node.attr("addressing_mode", "lid");
            if group.creator.is_empty() {
                node
            } else {
                node.attr("creator_pn", pn_jid(&group.creator))
            }
        }
    };
    let mut children = Vec::new();
    if members {
        children.extend(group.members.iter().map(|(phone, role)| {
            let participant = named(NodeBuilder::new("participant"), world, group, phone);
            match role.wire() {
                Some(role) => participant.attr("type", role).build(),
                None => participant.build(),
            }
        }));
    }
    if let Some(text) = group.description.as_ref().filter(|_| description) {
        let body = NodeBuilder::new("body")
            .string_content(text.as_str())
            .build();
        let node = NodeBuilder::new("description")
            .attr("id", "1")
            .attr("t", group.created.to_string())
            .children([body])
            .build();
        children.push(node);
    }
    if group.announce {
        children.push(NodeBuilder::new("announcement").build());
    }
    if group.locked {
        children.push(NodeBuilder::new("locked").build());
    }
    let mode = if group.members_may_add {
        "all_member_add"
    } else {
        "admin_add"
    };
    children.push(
        NodeBuilder::new("member_add_mode")
            .string_content(mode)
            .build(),
    );
    node.children(children).build()
}

/// One participant of an answer. In LID groups the LID stands in `jid` and the number beside it.
fn outcome_node(world: &World, group: &Group, outcome: &Outcome) -> Node {
    let participant = NodeBuilder::new("participant");
    let mut participant = match &outcome.phone {
        Some(phone) => named(participant, world, group, phone),
        None => participant.attr("jid", outcome.asked.clone()),
    };
    if let Some(error) = outcome.error {
        participant = participant.attr("error", error.to_string());
    }
    if let Some((code, expiration)) = &outcome.add_request {
        participant = participant.children([NodeBuilder::new("add_request")
            .attr("code", code.clone())
            .attr("expiration", expiration.to_string())
            .build()]);
    }
    participant.build()
}

/// Names somebody as the group does.
fn named(node: NodeBuilder, world: &World, group: &Group, phone: &str) -> NodeBuilder {
    let node = node.attr("jid", shown(world, group, phone));
    match group.addressing {
        Addressing::Pn => node,
        Addressing::Lid => node.attr("phone_number", pn_jid(phone)),
    }
}

/// The JID by which a group shows somebody.
fn shown(world: &World, group: &Group, phone: &str) -> String {
    match (group.addressing, world.people.get(phone)) {
        (Addressing::Lid, Some(person)) => person.lid_jid(),
        _ => pn_jid(phone),
    }
}

fn is_admin(group: &Group, phone: &str) -> bool {
    group.members.get(phone).is_some_and(|role| role.is_admin())
}
