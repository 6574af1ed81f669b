//! Who learns of a change in a group, and how (`type="w:gp2"`).
//!
//! Shapes as `wacore::stanza::groups` and whatsmeow (`group.go`) read them.

use crate::group::{Action, Addressing, Group, Outcome};
use crate::group_node::{group_node, named, shown};
use crate::iq::After;
use crate::node::now;
use crate::state::State;
use crate::world::{World, pn_jid};
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

/// The notifications of a change of the membership that happened.
pub(crate) fn announce(
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
            if !done.iter().any(|phone| world.accounts.contains_key(*phone)) {
                return after;
            }
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

/// The notifications of anything else about a group that somebody has changed.
pub(crate) fn announce_change(world: &World, group: &Group, by: &str, change: Node) -> Vec<After> {
    let (id, stanza) = notification(world, group, by, change);
    to_members(world, group, &id, &stanza, &[])
}

/// The notifications that a group sends when it moves to LID addressing, while it still names people by number.
pub(crate) fn announce_move(world: &World, group: &Group) -> Vec<After> {
    let people = group
        .members
        .keys()
        .map(|phone| named(NodeBuilder::new("participant"), world, group, phone).build());
    let change = NodeBuilder::new(Action::Remove.tag())
        .children(people)
        .build();
    announce_change(world, group, &group.creator, change)
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
