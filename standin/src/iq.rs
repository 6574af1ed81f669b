//! The answers to IQs, those about groups apart (see `group_iq`).
//!
//! Shapes as whatsapp-rust (`wacore::iq`) and Baileys read them. A kind that is not listed here is answered 501.

use crate::code;
use crate::group_iq;
use crate::keys;
use crate::mex;
use crate::node::{Refusal, attr, first, now};
use crate::passkey;
use crate::privacy_token;
use crate::state::{State, Who};
use crate::world::pn_jid;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

/// Who sent an IQ.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub connection: u64,
    pub who: Who,
}

impl Caller {
    pub(crate) fn of(state: &State, connection: u64) -> Option<Self> {
        let who = state.live.get(&connection)?.who.clone();
        Some(Self { connection, who })
    }

    /// The account's number, `None` before pairing.
    pub(crate) fn phone(&self) -> Option<&str> {
        match &self.who {
            Who::Device { phone, .. } => Some(phone),
            Who::Unpaired { .. } => None,
        }
    }
}

/// A successful answer: the content of the result, and what the server does next.
#[derive(Default)]
pub(crate) struct Reply {
    pub content: Vec<Node>,
    pub after: Vec<After>,
}

impl Reply {
    pub(crate) fn new(content: Node) -> Self {
        Self {
            content: vec![content],
            after: Vec::new(),
        }
    }
}

/// What follows an answer.
pub(crate) enum After {
    /// A stanza to the same connection.
    Send(Node),
    /// A stanza to all devices of an account, repeated until it is acknowledged.
    Deliver {
        phone: String,
        id: String,
        stanza: Node,
    },
    /// The device is no longer linked.
    Unlink { phone: String, device: u16 },
    /// All devices of the account are unlinked, a little later.
    EndSession { phone: String },
    /// The phone sends its app-state keys to a new device.
    ShareKeys { phone: String, device: u16 },
}

/// The kind of an IQ: type, namespace, first child. The name under which it is counted.
pub(crate) fn kind(node: &NodeRef<'_>) -> String {
    let mut kind = attr(node, "type").unwrap_or_default();
    kind.push(' ');
    kind.push_str(&attr(node, "xmlns").unwrap_or_default());
    if let Some(child) = first(node) {
        kind.push(' ');
        kind.push_str(&child.tag);
    }
    kind
}

/// Answers an IQ, changing the world as it asks.
pub(crate) fn answer(
    state: &mut State,
    caller: &Caller,
    node: &NodeRef<'_>,
) -> Result<Reply, Refusal> {
    let namespace = attr(node, "xmlns").unwrap_or_default();
    let set = attr(node, "type").as_deref() == Some("set");
    let child = first(node);
    let tag = child.map(|child| child.tag.as_ref());
    let (phone, device) = match (&caller.who, namespace.as_str(), tag) {
        (_, "w:p", _) => return Ok(Reply::default()),
        (Who::Unpaired { .. }, "md", Some("link_code_companion_reg")) => {
            let content = child
                .map(|reg| code::code_stage(state, caller.connection, reg))
                .transpose()?
                .flatten();
            return Ok(Reply {
                content: content.into_iter().collect(),
                after: Vec::new(),
            });
        }
        (Who::Unpaired { .. }, "md", Some(tag)) => {
            return passkey::answer(state, caller.connection, node, tag);
        }
        (Who::Unpaired { .. }, ..) => return Err(Refusal::new(401, "not-authorized")),
        (Who::Device { phone, device }, ..) => (phone.as_str(), *device),
    };
    match (namespace.as_str(), set, tag) {
        ("w:g2", ..) => {
            privacy_token::note(state, phone, node);
            group_iq::answer(state, phone, node)
        }
        ("encrypt", ..) => keys::answer(state, phone, device, node),
        ("w:mex", false, Some("query")) => mex::answer(state, phone, node),
        ("passive", true, Some("active")) => Ok(activate(state, caller, phone, device)),
        ("passive", true, Some("passive")) => {
            if let Some(live) = state.live.get_mut(&caller.connection) {
                live.active = false;
            }
            Ok(Reply::default())
        }
        ("abt", false, Some("props")) => Ok(Reply::new(
            NodeBuilder::new("props")
                .attr("protocol", "1")
                .attr("ab_key", "standin")
                .attr("hash", "standin")
                .attr("refresh", "86400")
                .children(privacy_token::props(&state.tokens))
                .build(),
        )),
        ("blocklist", false, _) => Ok(Reply::new(NodeBuilder::new("list").build())),
        ("privacy", false, Some("privacy")) => Ok(Reply::new(privacy())),
        // Trusted-contact tokens and the marks of what was synchronised are only noted.
        ("privacy", true, Some("tokens")) | ("urn:xmpp:whatsapp:dirty", true, Some("clean")) => {
            Ok(Reply::default())
        }
        ("usync", false, Some("usync")) => {
            child.map_or(Err(Refusal::bad_request()), |query| usync(state, query))
        }
        ("w:sync:app:state", true, Some("sync")) => child
            .map_or(Err(Refusal::bad_request()), |sync| {
                Ok(Reply::new(app_state(sync)))
            }),
        ("md", true, Some("remove-companion-device")) => remove_device(child, phone, device),
        _ => Err(Refusal::not_implemented()),
    }
}

/// The client leaves passive mode: what it has missed comes first, then the mark that this was all.
fn activate(state: &mut State, caller: &Caller, phone: &str, device: u16) -> Reply {
    if let Some(live) = state.live.get_mut(&caller.connection) {
        live.active = true;
    }
    let missed = state.queues.get(&(phone.to_owned(), device));
    let mut after: Vec<After> = missed
        .into_iter()
        .flatten()
        .map(|(_, stanza)| {
            let mut stanza = stanza.clone();
            stanza.attrs.insert("offline", "1");
            After::Send(stanza)
        })
        .collect();
    let count = after.len().to_string();
    let notice = |tag: &'static str| {
        let note = NodeBuilder::new(tag).attr("count", count.clone());
        let note = if tag == "offline_preview" {
            note.attr("message", "0")
                .attr("notification", count.clone())
                .attr("receipt", "0")
                .attr("appdata", "0")
        } else {
            note
        };
        After::Send(
            NodeBuilder::new("ib")
                .attr("from", crate::node::SERVER)
                .children([note.build()])
                .build(),
        )
    };
    if !after.is_empty() {
        after.insert(0, notice("offline_preview"));
    }
    after.push(notice("offline"));
    Reply {
        content: Vec::new(),
        after,
    }
}

fn privacy() -> Node {
    let categories = [
        ("last", "all"),
        ("online", "all"),
        ("profile", "all"),
        ("status", "contacts"),
        ("groupadd", "all"),
        ("readreceipts", "all"),
        ("calladd", "all"),
    ];
    let categories = categories.map(|(name, value)| {
        NodeBuilder::new("category")
            .attr("name", name)
            .attr("value", value)
            .build()
    });
    NodeBuilder::new("privacy").children(categories).build()
}

/// Answers the device, LID and contact questions about users. Only the phone (device 0) is listed: companions would
/// need a signed key-index list.
fn usync(state: &State, query: &NodeRef<'_>) -> Result<Reply, Refusal> {
    let wanted = query
        .get_optional_child("query")
        .ok_or_else(Refusal::bad_request)?;
    let asks = |protocol: &str| wanted.get_optional_child(protocol).is_some();
    let users = query
        .get_optional_child("list")
        .and_then(NodeRef::children)
        .unwrap_or_default();
    let users = users.iter().map(|user| {
        let contact = user.get_optional_child("contact").and_then(|contact| {
            let number = contact.content_as_string()?;
            Some(pn_jid(number.trim_start_matches('+')))
        });
        let jid = attr(user, "jid").or(contact).unwrap_or_default();
        let phone = state
            .world
            .phone_of(&jid)
            .filter(|_| state.world.is_on_whatsapp(&jid));
        let person = phone.and_then(|phone| state.world.people.get(&phone));
        let mut answers = Vec::new();
        if asks("contact") {
            let known = if person.is_some() { "in" } else { "out" };
            answers.push(NodeBuilder::new("contact").attr("type", known).build());
        }
        if let Some(person) = person {
            if asks("lid") {
                answers.push(
                    NodeBuilder::new("lid")
                        .attr("val", person.lid_jid())
                        .build(),
                );
            }
            if asks("devices") {
                let phone = NodeBuilder::new("device").attr("id", "0").build();
                let list = NodeBuilder::new("device-list").children([phone]).build();
                answers.push(NodeBuilder::new("devices").children([list]).build());
            }
        }
        NodeBuilder::new("user")
            .attr("jid", jid)
            .children(answers)
            .build()
    });
    let list = NodeBuilder::new("list").children(users).build();
    let mut answer = NodeBuilder::new("usync");
    for name in ["sid", "index", "last", "mode", "context"] {
        if let Some(value) = attr(query, name) {
            answer = answer.attr(name, value);
        }
    }
    let result = NodeBuilder::new("result").build();
    Ok(Reply::new(answer.children([result, list]).build()))
}

/// Every collection is empty and at version 0.
fn app_state(sync: &NodeRef<'_>) -> Node {
    let collections = sync.get_children_by_tag("collection").map(|collection| {
        NodeBuilder::new("collection")
            .attr("name", attr(collection, "name").unwrap_or_default())
            .attr("type", "result")
            .attr("version", "0")
            .attr("t", now().to_string())
            .build()
    });
    NodeBuilder::new("sync")
        .children(collections.collect::<Vec<_>>())
        .build()
}

/// A device unlinks itself, or (as WhatsApp Web can't) another one: refused.
fn remove_device(child: Option<&NodeRef<'_>>, phone: &str, device: u16) -> Result<Reply, Refusal> {
    let jid = child
        .and_then(|child| attr(child, "jid"))
        .unwrap_or_default();
    if jid != format!("{phone}:{device}@{}", wacore_binary::DEFAULT_USER_SERVER) {
        return Err(Refusal::forbidden());
    }
    Ok(Reply {
        content: Vec::new(),
        after: vec![After::Unlink {
            phone: phone.to_owned(),
            device,
        }],
    })
}
