//! Queries about groups, with a reader of our own for the answers.
//!
//! The library reads a list of groups as a whole or not at all: one participant without a name, one number out of range,
//! and an account has no groups (wacore, `iq/groups.rs`). This reader leaves out what it cannot read and counts it.

use whatsapp_rust::anyhow::{self, Context as _};
use whatsapp_rust::features::ParticipantChangeResponse;
use whatsapp_rust::wacore::iq::groups::{
    GetGroupInviteInfoIq, GetMembershipRequestsIq, GroupCreateIq, GroupParticipatingIq,
    GroupQueryIq,
};
use whatsapp_rust::wacore::iq::spec::IqSpec;
use whatsapp_rust::wacore::protocol::ProtocolNode as _;
use whatsapp_rust::wacore::request::InfoQuery;
use whatsapp_rust::wacore_binary::{Node, NodeContent, NodeRef};
use whatsapp_rust::{GroupCreateOptions, GroupParticipantOptions, Jid};

use super::translate::{lid, participant, user};
use crate::group::{GroupInfo, JoinRequest, Participant, Role};

/// What was read, and how much of it was left out.
#[derive(Debug)]
pub(super) struct Read<T> {
    pub(super) value: T,
    /// Groups and participants that could not be read.
    pub(super) odd: usize,
}

/// All groups of the account.
pub(super) struct AllGroups;

impl IqSpec for AllGroups {
    type Response = Read<Vec<GroupInfo>>;

    fn build_iq(&self) -> InfoQuery<'static> {
        GroupParticipatingIq::new().build_iq()
    }

    fn parse_response(&self, response: &NodeRef<'_>) -> anyhow::Result<Self::Response> {
        let list = response
            .get_optional_child("groups")
            .context("an answer without a list of groups")?;
        let mut odd = 0;
        let groups = list
            .get_children_by_tag("group")
            .filter_map(|group| {
                let read = group_info(group, &mut odd);
                odd += usize::from(read.is_none());
                read
            })
            .collect();
        Ok(Read { value: groups, odd })
    }
}

/// One group.
pub(super) struct OneGroup(pub(super) Jid);

impl IqSpec for OneGroup {
    type Response = Read<GroupInfo>;

    fn build_iq(&self) -> InfoQuery<'static> {
        GroupQueryIq::new(&self.0).build_iq()
    }

    fn parse_response(&self, response: &NodeRef<'_>) -> anyhow::Result<Self::Response> {
        let group = response
            .get_optional_child("group")
            .or_else(|| response.get_optional_child("community"))
            .context("an answer without a group")?;
        read_group(group)
    }
}

/// The group that the code of an invitation link leads to.
pub(super) struct InvitedGroup(pub(super) String);

impl IqSpec for InvitedGroup {
    type Response = Read<GroupInfo>;

    fn build_iq(&self) -> InfoQuery<'static> {
        GetGroupInviteInfoIq::new(self.0.as_str()).build_iq()
    }

    fn parse_response(&self, response: &NodeRef<'_>) -> anyhow::Result<Self::Response> {
        OneGroup(Jid::default()).parse_response(response)
    }
}

/// A group that is to be made. The library does not tell what became of the people it is to begin with.
pub(super) struct NewGroup(GroupCreateOptions);

impl NewGroup {
    pub(super) fn new(subject: &str, people: Vec<Jid>) -> Self {
        Self(GroupCreateOptions {
            participants: people
                .into_iter()
                .map(GroupParticipantOptions::new)
                .collect(),
            ..GroupCreateOptions::new(subject)
        })
    }
}

/// A group that was made, and what became of the people it was to begin with.
#[derive(Debug)]
pub(super) struct Created {
    pub(super) group: GroupInfo,
    pub(super) people: Vec<ParticipantChangeResponse>,
}

impl IqSpec for NewGroup {
    type Response = Read<Created>;

    fn build_iq(&self) -> InfoQuery<'static> {
        GroupCreateIq::new(self.0.clone()).build_iq()
    }

    fn parse_response(&self, response: &NodeRef<'_>) -> anyhow::Result<Self::Response> {
        let node = response
            .get_optional_child("group")
            .context("an answer without a group")?;
        let people = node.get_children_by_tag("participant");
        let people = people.filter_map(|person| {
            let read = ParticipantChangeResponse::try_from_node_ref(person);
            read.ok()
        });
        let people = people.collect();
        let Read { value: group, odd } = read_group(node)?;
        let value = Created { group, people };
        Ok(Read { value, odd })
    }
}

/// A query with its texts as bytes. The library writes a text with an `@` in it as a JID (wacore-binary, `encoder.rs`),
/// which no server can read back where no server's name follows.
pub(super) struct Texts<S>(pub(super) S);

impl<S: IqSpec> IqSpec for Texts<S> {
    type Response = S::Response;

    fn build_iq(&self) -> InfoQuery<'static> {
        let mut query = self.0.build_iq();
        if let Some(NodeContent::Nodes(nodes)) = &mut query.content {
            nodes.iter_mut().for_each(texts_as_bytes);
        }
        query
    }

    fn parse_response(&self, response: &NodeRef<'_>) -> anyhow::Result<Self::Response> {
        self.0.parse_response(response)
    }
}

fn texts_as_bytes(node: &mut Node) {
    match &mut node.content {
        Some(NodeContent::Nodes(nodes)) => nodes.iter_mut().for_each(texts_as_bytes),
        Some(content @ NodeContent::String(_)) => {
            if let NodeContent::String(text) = content {
                *content = NodeContent::Bytes(text.as_bytes().to_vec());
            }
        }
        _ => {}
    }
}

/// Who has asked to join a group. The library reads one name of each, and all or none.
pub(super) struct JoinRequests(pub(super) Jid);

impl IqSpec for JoinRequests {
    type Response = Read<Vec<JoinRequest>>;

    fn build_iq(&self) -> InfoQuery<'static> {
        GetMembershipRequestsIq::new(&self.0).build_iq()
    }

    fn parse_response(&self, response: &NodeRef<'_>) -> anyhow::Result<Self::Response> {
        let list = response
            .get_optional_child("membership_approval_requests")
            .context("an answer without a list of requests")?;
        let mut odd = 0;
        let requests = list.get_children_by_tag("membership_approval_request");
        let value = requests.filter_map(|request| {
            let read = read_request(request);
            odd += usize::from(read.is_none());
            read
        });
        let value = value.collect();
        Ok(Read { value, odd })
    }
}

/// Reads a `<membership_approval_request>`; `None` where it has no name that this gateway knows.
fn read_request(node: &NodeRef<'_>) -> Option<JoinRequest> {
    let Participant { jid, lid, .. } = read_participant(node)?;
    let since = node.attrs().optional_string("request_time");
    let since = since.and_then(|seconds| seconds.parse::<u32>().ok());
    Some(JoinRequest {
        jid,
        lid,
        since: since.map(|seconds| i64::from(seconds) * 1000),
    })
}

fn read_group(node: &NodeRef<'_>) -> anyhow::Result<Read<GroupInfo>> {
    let mut odd = 0;
    let value = group_info(node, &mut odd).context("a group without a group's id")?;
    Ok(Read { value, odd })
}

/// Reads a `<group>`; `None` where its id is none that this gateway knows. Counts the participants it leaves out.
///
/// Attributes and children as `wacore::iq::groups` and whatsmeow (`group.go`) read them.
pub(super) fn group_info(node: &NodeRef<'_>, odd: &mut usize) -> Option<GroupInfo> {
    let mut attrs = node.attrs();
    let id = attrs.optional_string("id")?;
    // The user part alone, unlike everywhere else.
    let gid = if id.contains('@') {
        id.parse().ok()?
    } else {
        format!("{id}@g.us").parse().ok()?
    };
    let number = |text: Option<std::borrow::Cow<'_, str>>| text?.parse::<u32>().ok().map(i64::from);
    let owner = attrs
        .optional_jid("creator_pn")
        .or_else(|| attrs.optional_jid("creator"))
        .map(|jid| match (user(&jid), lid(&jid)) {
            (Some(user), _) => user.to_string(),
            (None, Some(lid)) => lid.to_string(),
            (None, None) => jid.to_non_ad_string(),
        });
    // Of a group that was just made also those who are not in it, with the reason.
    let mut listed = node
        .get_children_by_tag("participant")
        .filter(|person| person.attrs().optional_string("error").is_none())
        .peekable();
    // Somebody is in every group: one that names nobody has been cut short.
    let participants = listed.peek().is_some().then(|| {
        listed
            .filter_map(|person| {
                let read = read_participant(person);
                *odd += usize::from(read.is_none());
                read
            })
            .collect()
    });
    Some(GroupInfo {
        gid,
        subject: attrs
            .optional_string("subject")
            .filter(|subject| !subject.is_empty())
            .map(std::borrow::Cow::into_owned),
        description: node
            .get_optional_child("description")
            .and_then(|description| description.get_optional_child("body"))
            .and_then(|body| body.content_as_string())
            .map(|text| text.to_string()),
        owner,
        is_announce: node.get_optional_child("announcement").is_some(),
        is_locked: node.get_optional_child("locked").is_some(),
        members_add: node
            .get_optional_child("member_add_mode")
            .and_then(|mode| mode.content_as_string())
            .is_some_and(|mode| mode == "all_member_add"),
        approval: node
            .get_optional_child("membership_approval_mode")
            .and_then(|mode| mode.get_optional_child("group_join"))
            .and_then(|join| join.attrs().optional_string("state"))
            .is_some_and(|state| state == "on"),
        created_at: number(attrs.optional_string("creation")).map(|seconds| seconds * 1000),
        size: number(attrs.optional_string("size")),
        participants,
    })
}

/// Reads a `<participant>`; `None` where it has no name that this gateway knows. A standing that nobody knows is an
/// ordinary member's: it allows nothing.
fn read_participant(node: &NodeRef<'_>) -> Option<Participant> {
    let mut attrs = node.attrs();
    let names = ["jid", "phone_number", "lid"].map(|name| attrs.optional_jid(name));
    let role = match attrs.optional_string("type").as_deref() {
        Some("superadmin") => Role::SuperAdmin,
        Some("admin") => Role::Admin,
        _ => Role::Member,
    };
    participant(names.each_ref().map(Option::as_ref), role)
}

#[cfg(test)]
mod tests {
    use whatsapp_rust::NodeBuilder;

    use super::*;

    fn person(attributes: &[(&'static str, &str)]) -> Node {
        NodeBuilder::new("participant")
            .attrs(attributes.iter().map(|(name, value)| (*name, *value)))
            .build()
    }

    fn known(phone: Option<&str>, lid: Option<&str>, role: Role) -> Participant {
        Participant {
            jid: phone.map(|phone| format!("{phone}@s.whatsapp.net").parse().expect("a user")),
            lid: lid.map(|lid| format!("{lid}@lid").parse().expect("a LID")),
            role,
        }
    }

    /// The answer with these groups, read.
    fn read(groups: Vec<NodeBuilder>) -> Read<Vec<GroupInfo>> {
        let groups = groups.into_iter().map(NodeBuilder::build);
        let list = NodeBuilder::new("groups").children(groups).build();
        let answer = NodeBuilder::new("iq").children([list]).build();
        AllGroups
            .parse_response(&answer.as_node_ref())
            .expect("a list")
    }

    fn group() -> NodeBuilder {
        NodeBuilder::new("group")
            .attr("id", "120363041234567890")
            .attr("subject", "Crew")
    }

    #[test]
    fn a_group() {
        let whole = group()
            .attr("size", "3")
            .attr("creator", "628111000001:3@s.whatsapp.net")
            .attr("creation", "1700000000")
            .attr("addressing_mode", "lid")
            .children([
                NodeBuilder::new("announcement").build(),
                NodeBuilder::new("description")
                    .attr("id", "1")
                    .children([NodeBuilder::new("body").string_content("All of us").build()])
                    .build(),
                person(&[
                    ("jid", "628111000001@s.whatsapp.net"),
                    ("type", "superadmin"),
                ]),
                person(&[
                    ("jid", "100200300@lid"),
                    ("phone_number", "628111000002@s.whatsapp.net"),
                    ("type", "admin"),
                ]),
                person(&[("jid", "100200301@lid")]),
            ]);
        let read = read(vec![whole]);
        let expected = GroupInfo {
            gid: "120363041234567890@g.us".parse().expect("a group"),
            subject: Some("Crew".to_owned()),
            description: Some("All of us".to_owned()),
            owner: Some("628111000001@s.whatsapp.net".to_owned()),
            is_announce: true,
            is_locked: false,
            members_add: false,
            approval: false,
            created_at: Some(1_700_000_000_000),
            size: Some(3),
            participants: Some(vec![
                known(Some("628111000001"), None, Role::SuperAdmin),
                known(Some("628111000002"), Some("100200300"), Role::Admin),
                known(None, Some("100200301"), Role::Member),
            ]),
        };
        assert_eq!((read.value, read.odd), (vec![expected], 0));
    }

    #[test]
    fn what_is_odd_costs_itself_alone() {
        let read = read(vec![
            NodeBuilder::new("group").attr("id", "not a group"),
            NodeBuilder::new("group").attr("subject", "no id"),
            group()
                .attr("size", "99999999999")
                .attr("creation", "yesterday")
                .attr("addressing_mode", "carrier pigeon")
                .children([
                    person(&[]),
                    person(&[("jid", "somebody@bot")]),
                    person(&[("jid", "628111000001@s.whatsapp.net"), ("type", "captain")]),
                ]),
            // As lists of large accounts have it.
            NodeBuilder::new("group")
                .attr("id", "120363041234567891")
                .attr("size", "20000"),
        ]);
        assert_eq!(read.odd, 4, "two groups and two participants");
        let [odd, bare] = read.value.as_slice() else {
            panic!("{:?}", read.value);
        };
        let somebody = known(Some("628111000001"), None, Role::Member);
        assert_eq!(odd.participants, Some(vec![somebody]));
        assert_eq!((odd.size, odd.created_at), (None, None));
        assert_eq!((&bare.subject, &bare.participants), (&None, &None));
        assert_eq!(bare.size, Some(20_000));
    }
}
