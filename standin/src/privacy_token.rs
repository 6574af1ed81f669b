//! Privacy tokens (trusted-contact tokens): people hand them to accounts that they know, and accounts show them when they
//! add these people to groups.
//!
//! Shapes as `wacore::iq::tctoken` and `wacore::iq::groups` read and write them.

use crate::node::{attr, now};
use crate::phone::Phone;
use crate::server::Standin;
use crate::state::State;
use crate::world::pn_jid;
use std::collections::{BTreeMap, HashMap};
use wacore::iq::abprops::web::PRIVACY_TOKEN_SENDING_ON_GROUP_PARTICIPANT_ADD;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

/// What the server asks of clients, and what they sent.
#[derive(Default)]
pub(crate) struct Tokens {
    sent_on_add: bool,
    last_add: HashMap<String, BTreeMap<String, Option<String>>>,
}

/// The A/B property that has clients send tokens with an add, where that is on.
pub(crate) fn props(tokens: &Tokens) -> Option<Node> {
    let prop = NodeBuilder::new("prop")
        .attr(
            "config_code",
            PRIVACY_TOKEN_SENDING_ON_GROUP_PARTICIPANT_ADD
                .code
                .to_string(),
        )
        .attr("config_value", "1");
    tokens.sent_on_add.then(|| prop.build())
}

/// Takes down the tokens that came with an IQ about groups, if it is an add.
pub(crate) fn note(state: &mut State, phone: &str, node: &NodeRef<'_>) {
    let Some(add) = node.get_optional_child("add") else {
        return;
    };
    let participants = add.get_children_by_tag("participant").map(|participant| {
        let jid = attr(participant, "jid").unwrap_or_default();
        let token = participant
            .get_optional_child("privacy")
            .and_then(|privacy| privacy.content_as_string());
        (jid, token.map(Into::into))
    });
    let tokens = participants.collect();
    state.tokens.last_add.insert(phone.to_owned(), tokens);
}

impl Standin {
    /// Has clients send privacy tokens with the people whom they add to groups: the A/B property
    /// `privacy_token_sending_on_group_participant_add`, which is off otherwise. Clients ask for the properties when they
    /// log in (`get abt props`), so it is for those that log in from now on. It is not kept in the state file.
    pub fn send_privacy_tokens_on_add(&self) {
        self.shared.with(|state| state.tokens.sent_on_add = true);
    }

    /// Whom the last add of an account's client named, by JID as it wrote it, and the privacy token (hex digits) that it
    /// sent for each. An add that was refused counts too.
    pub fn tokens_of_last_add(&self, account: &str) -> BTreeMap<String, Option<String>> {
        self.shared.read(|state| {
            let last = state.tokens.last_add.get(account);
            last.cloned().unwrap_or_default()
        })
    }
}

impl Phone {
    /// Hands the devices of an account a new privacy token of this person, as a phone does that has the account among its
    /// contacts. The phone may be that of a [`crate::Person`] who has no account. Returns the token (hex digits).
    ///
    /// [`Standin::wait_acknowledged`] tells when the client has it.
    pub fn give_privacy_token(&self, to_account: &str) -> String {
        let token: [u8; 16] = rand::random();
        self.shared.with(|state| {
            let id = rand::random::<u32>().to_string();
            let stanza = notification(state, &self.number, &id, &token);
            state.deliver(to_account, &id, &stanza);
        });
        hex::encode(token)
    }
}

fn notification(state: &State, from: &str, id: &str, token: &[u8]) -> Node {
    let token = NodeBuilder::new("token")
        .attr("type", "trusted_contact")
        .attr("t", now().to_string())
        .bytes(token)
        .build();
    let mut node = NodeBuilder::new("notification")
        .attr("from", pn_jid(from))
        .attr("type", "privacy_token")
        .attr("id", id.to_owned())
        .attr("t", now().to_string());
    if let Some(person) = state.world.people.get(from) {
        node = node.attr("sender_lid", person.lid_jid());
    }
    let tokens = NodeBuilder::new("tokens").children([token]).build();
    node.children([tokens]).build()
}
