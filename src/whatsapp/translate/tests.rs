//! Stanzas as the wire has them, through the library's parsers.

use whatsapp_rust::wacore::protocol::ProtocolNode;
use whatsapp_rust::wacore::stanza::groups::GroupNotification;
use whatsapp_rust::wacore_binary::Node;
use whatsapp_rust::{NodeBuilder, wacore};

use super::*;

const GROUP: &str = "120363041234567890@g.us";

fn person(attributes: &[(&'static str, &str)]) -> Node {
    NodeBuilder::new("participant")
        .attrs(attributes.iter().map(|(name, value)| (*name, *value)))
        .build()
}

fn user_jid(phone: &str) -> UserJid {
    format!("{phone}@s.whatsapp.net").parse().expect("a user")
}

fn known(phone: Option<&str>, lid: Option<&str>, role: Role) -> Participant {
    Participant {
        jid: phone.map(user_jid),
        lid: lid.map(|lid| format!("{lid}@lid").parse().expect("a LID")),
        role,
    }
}

fn changes(actions: Vec<Node>) -> Vec<Option<GroupChange>> {
    let node = NodeBuilder::new("notification")
        .attr("from", GROUP)
        .attr("type", "w:gp2")
        .attr("id", "1")
        .attr("t", "1700000000")
        .children(actions)
        .build();
    let told = GroupNotification::try_from_node_ref(&node.as_node_ref()).expect("a notification");
    told.actions
        .into_iter()
        .map(|action| {
            let update = GroupUpdate::builder()
                .group_jid(told.group_jid.clone())
                .timestamp(wacore::time::now_utc())
                .is_lid_addressing_mode(told.is_lid_addressing_mode)
                .has_incomplete_participant_information(told.has_incomplete_participant_information)
                .action(action)
                .build();
            group_change(&update).map(|(gid, change)| {
                assert_eq!(gid.as_str(), GROUP);
                change
            })
        })
        .collect()
}

fn change(action: &'static str, people: Vec<Node>) -> Option<GroupChange> {
    let action = NodeBuilder::new(action).children(people).build();
    changes(vec![action]).remove(0)
}

#[test]
fn people_come_and_go() {
    let both = || {
        person(&[
            ("jid", "100200300:4@lid"),
            ("phone_number", "628111000002@s.whatsapp.net"),
        ])
    };
    let member = known(Some("628111000002"), Some("100200300"), Role::Member);
    let admin = Participant {
        role: Role::Admin,
        ..member.clone()
    };
    assert_eq!(
        change("add", vec![both()]),
        Some(GroupChange::Added(vec![member.clone()]))
    );
    assert_eq!(
        change("remove", vec![both()]),
        Some(GroupChange::Removed(vec![member.clone()]))
    );
    assert_eq!(
        change("promote", vec![both()]),
        Some(GroupChange::Roles(vec![admin]))
    );
    assert_eq!(
        change("demote", vec![both()]),
        Some(GroupChange::Roles(vec![member]))
    );
    let creator = person(&[
        ("jid", "628111000001@s.whatsapp.net"),
        ("type", "superadmin"),
    ]);
    assert_eq!(
        change("promote", vec![creator]),
        Some(GroupChange::Roles(vec![known(
            Some("628111000001"),
            None,
            Role::SuperAdmin
        )]))
    );
}

#[test]
fn what_only_a_query_tells() {
    assert_eq!(
        change("add", vec![person(&[("jid", "somebody@bot")])]),
        Some(GroupChange::Unknown)
    );
    assert_eq!(change("modify", vec![]), Some(GroupChange::Unknown));
    assert_eq!(change("delete", vec![]), Some(GroupChange::Unknown));
    assert_eq!(
        change("never_seen_before", vec![]),
        Some(GroupChange::Unknown)
    );
    assert_eq!(change("revoke", vec![]), None);
    assert_eq!(change("not_ephemeral", vec![]), None);
}

#[test]
fn settings_in_their_order() {
    let setting = |tag: &'static str| NodeBuilder::new(tag).build();
    let subject = NodeBuilder::new("subject").attr("subject", "New").build();
    let gone = NodeBuilder::new("description")
        .attr("id", "2")
        .children([setting("delete")])
        .build();
    let told = changes(vec![
        subject,
        gone,
        setting("announcement"),
        setting("not_announcement"),
        setting("locked"),
        setting("unlocked"),
    ]);
    let expected = [
        GroupChange::Subject("New".to_owned()),
        GroupChange::Description(None),
        GroupChange::Announce(true),
        GroupChange::Announce(false),
        GroupChange::Locked(true),
        GroupChange::Locked(false),
    ];
    assert_eq!(told, expected.map(Some));
}

const ADD: Operation = Operation::AddGroupMembers;

fn told(attributes: &[(&'static str, &str)]) -> ParticipantChangeResponse {
    ParticipantChangeResponse::try_from_node_ref(&person(attributes).as_node_ref())
        .expect("an answer")
}

fn asked(phones: &[&str]) -> Vec<PersonJid> {
    let users = phones.iter().map(|phone| user_jid(phone));
    users.map(PersonJid::User).collect()
}

#[test]
fn outcomes_follow_the_question() {
    let answers = [
        told(&[("jid", "100200301@lid"), ("error", "419")]),
        told(&[
            ("jid", "100200300@lid"),
            ("phone_number", "628111000002@s.whatsapp.net"),
            ("error", "409"),
        ]),
        told(&[("jid", "628111000001@s.whatsapp.net")]),
        told(&[("jid", "628111000005@s.whatsapp.net"), ("error", "odd")]),
    ];
    let asked = asked(&[
        "628111000001",
        "628111000002",
        "628111000003",
        "628111000005",
    ]);
    let people = outcomes(ADD, &asked, &answers);
    assert_eq!(
        outcomes_of(&people),
        [
            Outcome::Added,
            Outcome::AlreadyMember,
            // The answer that names a LID alone could be about anyone.
            Outcome::Unknown,
            Outcome::Unknown,
        ]
    );
    let ben = &people[1];
    assert_eq!(ben.participant, PersonJid::User(user_jid("628111000002")));
    assert_eq!(ben.jid, Some(user_jid("628111000002")));
    assert_eq!(ben.lid, "100200300@lid".parse().ok());
    assert_eq!(ben.upstream_code, Some(409));
}

fn outcomes_of(people: &[PersonOutcome]) -> Vec<Outcome> {
    people.iter().map(|person| person.outcome).collect()
}

/// Every code that the sources know, as WhatsApp writes it, and some that they do not.
#[test]
fn each_code_has_its_word() {
    for (code, request, word) in [
        (None, false, Outcome::Added),
        (Some("200"), false, Outcome::Added),
        (Some("401"), false, Outcome::Blocked),
        (Some("403"), true, Outcome::InviteRequired),
        (Some("403"), false, Outcome::Declined),
        (Some("404"), false, Outcome::NotOnWhatsApp),
        (Some("408"), false, Outcome::RecentlyLeft),
        (Some("409"), false, Outcome::AlreadyMember),
        (Some("417"), false, Outcome::InviteRequired),
        (Some("419"), false, Outcome::GroupFull),
        (Some("421"), false, Outcome::PendingApproval),
        (Some("500"), false, Outcome::Declined),
        (Some("999"), false, Outcome::Declined),
        (Some("odd"), false, Outcome::Unknown),
    ] {
        let mut attributes = vec![("jid", "628111000001@s.whatsapp.net")];
        attributes.extend(code.map(|code| ("error", code)));
        let mut answer = person(&attributes);
        if request {
            let child = NodeBuilder::new("add_request")
                .attr("code", "AbCdEfGh")
                .attr("expiration", "1718000000");
            answer = NodeBuilder::new("participant")
                .attrs(attributes)
                .children([child.build()])
                .build();
        }
        let answer = ParticipantChangeResponse::try_from_node_ref(&answer.as_node_ref());
        let people = outcomes(
            ADD,
            &asked(&["628111000001"]),
            &[answer.expect("an answer")],
        );
        assert_eq!(outcomes_of(&people), [word], "{code:?}");
        let number = code
            .filter(|code| *code != "200")
            .and_then(|code| code.parse().ok());
        assert_eq!(people[0].upstream_code, number);
    }
}

/// That nobody is there means something else for each, and what stands for itself means the same.
#[test]
fn codes_of_other_acts() {
    use Operation::*;
    let of = |operation, code: Option<&'static str>| {
        let mut attributes = vec![("jid", "100200300@lid")];
        attributes.extend(code.map(|code| ("error", code)));
        let asked = ["100200300@lid".parse().expect("a LID")];
        outcomes(operation, &asked, &[told(&attributes)])[0].outcome
    };
    for (operation, done, nobody) in [
        (RemoveGroupMember, Outcome::Removed, Outcome::NotAMember),
        (PromoteGroupMember, Outcome::Promoted, Outcome::NotAMember),
        (DemoteGroupMember, Outcome::Demoted, Outcome::NotAMember),
        (ApproveGroupRequests, Outcome::Approved, Outcome::NoRequest),
        (RejectGroupRequests, Outcome::Rejected, Outcome::NoRequest),
        (CreateGroup, Outcome::Added, Outcome::NotOnWhatsApp),
    ] {
        assert_eq!(of(operation, None), done);
        assert_eq!(of(operation, Some("200")), done);
        assert_eq!(of(operation, Some("404")), nobody);
        assert_eq!(of(operation, Some("406")), Outcome::Declined);
    }
    assert_eq!(
        of(ApproveGroupRequests, Some("409")),
        Outcome::AlreadyMember
    );
    assert_eq!(of(ApproveGroupRequests, Some("419")), Outcome::GroupFull);
}

#[test]
fn another_spelling_of_the_number_is_the_same_person() {
    for (one, other) in [
        ("5511987654321", "551187654321"),
        ("5215512345678", "525512345678"),
    ] {
        for (one, other) in [(one, other), (other, one)] {
            let answer = |phone: &str| {
                told(&[
                    ("jid", &format!("{phone}@s.whatsapp.net")),
                    ("error", "403"),
                ])
            };
            let alone = outcomes(ADD, &asked(&[one]), &[answer(other)]);
            assert_eq!(outcomes_of(&alone), [Outcome::Declined]);
            assert_eq!(alone[0].jid, Some(user_jid(other)), "as WhatsApp writes it");
            // Both were asked for, and one is answered: it is that one's.
            let both = outcomes(ADD, &asked(&[other, one]), &[answer(one)]);
            assert_eq!(outcomes_of(&both), [Outcome::Unknown, Outcome::Declined]);
        }
    }
}
