//! How stanzas show a group and the people in it: numbers in some groups, LIDs in others.
//!
//! Shapes as `wacore::iq::groups` and whatsmeow (`group.go`) read them.

use crate::group::{Addressing, Group, Outcome};
use crate::group_settings::Setting;
use crate::world::{World, pn_jid};
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node};

/// A group in the list of groups.
pub(crate) fn listed(world: &World, group: &Group, members: bool, description: bool) -> Node {
    if group.odd.bare_in_list {
        written(begun(group).build(), &group.odd.attributes)
    } else {
        group_node(world, group, members, description)
    }
}

/// A `<group>` with what is never left out.
fn begun(group: &Group) -> NodeBuilder {
    NodeBuilder::new("group")
        // Only the user part, unlike everywhere else.
        .attr(
            "id",
            group.gid.split('@').next().unwrap_or_default().to_owned(),
        )
        .attr("size", group.members.len().to_string())
}

/// Writes attributes over those of a node, or beside them.
fn written(mut node: Node, attributes: &[(String, String)]) -> Node {
    for (name, value) in attributes {
        node.attrs.insert(name.clone(), value.clone());
    }
    node
}

/// A group; on demand with its members and its description.
pub(crate) fn group_node(world: &World, group: &Group, members: bool, description: bool) -> Node {
    let mut node = begun(group)
        .attr("creation", group.created.to_string())
        .attr("s_t", group.subject_at.to_string());
    if !group.subject.is_empty() {
        node = node.attr("subject", group.subject.clone());
    }
    if !group.creator.is_empty() {
        node = node
            .attr("creator", shown(world, group, &group.creator))
            .attr("s_o", shown(world, group, &group.subject_by));
    }
    node = match group.addressing {
        Addressing::Pn => node.attr("addressing_mode", "pn"),
        Addressing::Lid => {
            let node = node.attr("addressing_mode", "lid");
            if group.creator.is_empty() || group.odd.hides_numbers {
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
        children.extend(
            group
                .odd
                .participants
                .iter()
                .map(|attributes| written(NodeBuilder::new("participant").build(), attributes)),
        );
    }
    if let Some(text) = group.description.as_ref().filter(|_| description) {
        let body = NodeBuilder::new("body")
            // As text an `@` in it would make a JID of it (wacore-binary, `encoder.rs`).
            .bytes(text.as_bytes().to_vec())
            .build();
        let at = group
            .described
            .as_ref()
            .map_or(group.created, |described| described.at);
        let mut node = NodeBuilder::new("description")
            .attr("id", group.description_id().unwrap_or_default().to_owned())
            .attr("t", at.to_string());
        if let Some(described) = &group.described {
            node = node.attr("participant", shown(world, group, &described.by));
        }
        children.push(node.children([body]).build());
    }
    if group.announce {
        children.push(NodeBuilder::new("announcement").build());
    }
    if group.locked {
        children.push(NodeBuilder::new("locked").build());
    }
    children.push(Setting::MembersMayAdd(group.members_may_add).node());
    if group.approval {
        children.push(Setting::Approval(true).node());
    }
    written(node.children(children).build(), &group.odd.attributes)
}

/// One participant of an answer. In LID groups the LID stands in `jid` and the number beside it.
pub(crate) fn outcome_node(world: &World, group: &Group, outcome: &Outcome) -> Node {
    let participant = NodeBuilder::new("participant");
    let mut participant = match &outcome.phone {
        Some(phone) => named(participant, world, group, phone),
        None => participant.attr("jid", outcome.asked.clone()),
    };
    if let Some(error) = outcome.error {
        participant = participant.attr("error", error.to_string());
    }
    if let Some((code, expiration)) = &outcome.add_request {
        let mut request = NodeBuilder::new("add_request").attr("code", code.clone());
        if let Some(expiration) = expiration {
            request = request.attr("expiration", expiration.to_string());
        }
        participant = participant.children([request.build()]);
    }
    participant.build()
}

/// Names somebody as the group does.
pub(crate) fn named(node: NodeBuilder, world: &World, group: &Group, phone: &str) -> NodeBuilder {
    let node = node.attr("jid", shown(world, group, phone));
    match group.addressing {
        Addressing::Lid if !group.odd.hides_numbers => node.attr("phone_number", Jid::pn(phone)),
        Addressing::Pn | Addressing::Lid => node,
    }
}

/// The JID by which a group shows somebody. Not as text: that would be taken apart again for the wire, a dear thing in a
/// list of ten thousand people.
pub(crate) fn shown(world: &World, group: &Group, phone: &str) -> Jid {
    match (group.addressing, world.people.get(phone)) {
        (Addressing::Lid, Some(person)) => Jid::lid(person.lid.as_str()),
        _ => Jid::pn(phone),
    }
}
