//! What is done to groups and their members beside adding.

use std::time::Duration;

use contract_tests::client::Call;
use contract_tests::lab::{ACCOUNT, Lab};
use contract_tests::session::Session;
use contract_tests::wait::eventually;
use serde_json::{Value, json};
use whatsapp_gateway::now;
use whatsapp_standin::{Fault, GroupSpec, Role, When};

use crate::world::{
    ANNA, BUDI, DECLINERS, FRIEND, GROUP, MEMBER, act_error, column, connected, jid, seed, sent,
    sent_since, settled,
};

const AWAITED: &str = DECLINERS[5].0;

fn member(session: &Session, gid: &str, person: &str, verb: &str) -> Call {
    let path = session.path(&format!("/groups/{gid}/members/{person}"));
    match verb {
        "remove" => session.caller.delete(path),
        verb => session.caller.post(format!("{path}/{verb}")),
    }
}

/// What became of the one person of an act, as its record has it.
async fn outcome(session: &Session, call: Call) -> Value {
    let id = call.send().await.action(204);
    let mut action = session.action(&id).await;
    assert_eq!(action["status"], "done");
    let people = action["people"].as_array_mut().unwrap();
    assert_eq!(people.len(), 1);
    people[0]["outcome"].take()
}

/// In groups addressed by number and by LID, by either name of the person; one round trip each.
#[tokio::test(flavor = "multi_thread")]
async fn members_are_promoted_demoted_and_removed() {
    let lab = Lab::start().await;
    seed(&lab);
    let by_lid = GroupSpec::new("By LID").lid().admin(ACCOUNT);
    let by_lid = by_lid.superadmin(FRIEND).member(MEMBER);
    let by_lid = lab.standin.add_group(by_lid);
    let session = lab.connected().await;
    let lid = lab.standin.person(MEMBER).unwrap().lid_jid();
    for (gid, name) in [
        (GROUP, jid(MEMBER)),
        (&by_lid, lid.clone()),
        (GROUP, lid),
        (&by_lid, jid(MEMBER)),
    ] {
        let group = lab.standin.group(gid);
        // The second of each finds it so already.
        for (verb, outcomes, role) in [
            ("promote", ["promoted", "promoted"], Some(Role::Admin)),
            ("demote", ["demoted", "demoted"], Some(Role::Member)),
            ("remove", ["removed", "not_a_member"], None),
        ] {
            for told in outcomes {
                let before = sent(&lab);
                let call = member(&session, gid, &name, verb);
                assert_eq!(outcome(&session, call).await, told, "{verb} {name}");
                // WhatsApp's notifications may make the gateway ask for the group, beside.
                let mut sent = sent_since(&lab, &before);
                sent.retain(|(kind, _)| kind.starts_with("set"));
                assert_eq!(sent, [(format!("set w:g2 {verb}"), 1)]);
                assert_eq!(group.role(MEMBER), role);
            }
        }
        for verb in ["promote", "demote"] {
            let call = member(&session, gid, &name, verb);
            let details = act_error(&session, call, 404, "not_found").await;
            assert_eq!(details, json!({"resource": "member"}));
        }
        session.add(gid, &[MEMBER]).send().await.expect_no_content();
    }
    // Who made the group is out of everybody's reach.
    for verb in ["demote", "remove"] {
        let call = member(&session, GROUP, &jid(FRIEND), verb);
        let details = act_error(&session, call, 502, "upstream_error").await;
        assert_eq!(details, json!({"upstreamCode": 406}));
    }
    assert_eq!(
        lab.standin.group(GROUP).role(FRIEND),
        Some(Role::SuperAdmin)
    );
    lab.stop().await;
}

/// An answer that does not come: the record tells it later, and nothing is sent a second time.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_of_a_member_is_found_out() {
    let lab = Lab::with(|config| config.whatsapp_timeout = Duration::from_secs(1)).await;
    seed(&lab);
    let session = lab.connected().await;
    for (verb, applied, outcome) in [
        ("promote", false, "not_done"),
        ("promote", true, "promoted"),
        ("demote", false, "not_done"),
        ("demote", true, "demoted"),
        ("remove", false, "not_done"),
        ("remove", true, "removed"),
    ] {
        let kind = format!("set w:g2 {verb}");
        let before = sent(&lab);
        let silence = Fault::Silence { applied };
        lab.standin.fault(ACCOUNT, When::next(&kind), silence);
        let call = member(&session, GROUP, &jid(MEMBER), verb);
        let details = call.send().await.error(504, "upstream_timeout");
        let action = settled(&session, details["action"].as_str().unwrap()).await;
        assert_eq!(column(&action["people"], "outcome"), json!([outcome]));
        let sent = sent_since(&lab, &before);
        assert!(sent.contains(&(kind, 1)), "once: {sent:?}");
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_invitation_link_is_told_and_replaced() {
    let (lab, session) = connected().await;
    let path = session.path(&format!("/groups/{GROUP}/invite"));
    let group = lab.standin.group(GROUP);
    let link = || group.invite().unwrap();
    let told = session.caller.get(&path).send().await.json(200);
    assert_eq!(told, json!({"invite": link()}));
    let answer = session.caller.delete(&path).send().await;
    let action = session.action(&answer.action(200)).await;
    assert_eq!(action["operation"], "revokeGroupInvite");
    assert_eq!(action["people"], json!([]));
    let new = answer.json(200);
    assert_ne!(new, told);
    assert_eq!(new, json!({"invite": link()}));
    assert_eq!(session.caller.get(&path).send().await.json(200), new);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_to_join_are_listed_and_decided() {
    let lab = Lab::start().await;
    seed(&lab);
    let by_lid = GroupSpec::new("By LID").lid().admin(ACCOUNT);
    let by_lid = lab.standin.add_group(by_lid);
    let session = lab.connected().await;
    for (gid, lids) in [(GROUP, false), (by_lid.as_str(), true)] {
        let requests = session.path(&format!("/groups/{gid}/requests"));
        let list = async || {
            let list = session.caller.get(&requests).send().await.json(200);
            assert_eq!(list["nextCursor"], Value::Null);
            list["data"].clone()
        };
        let lid = lab.standin.person(AWAITED).unwrap().lid_jid();
        let ask = async || {
            let told = session.add_told(gid, &[AWAITED]).await;
            assert_eq!(
                column(&told["data"], "outcome"),
                json!(["pending_approval"])
            );
        };
        assert_eq!(list().await, json!([]));
        let begun = now() / 1000 * 1000;
        ask().await;
        let one = list().await[0].clone();
        assert_eq!(one["jid"], jid(AWAITED));
        assert_eq!(one["lid"], json!(lids.then_some(&lid)));
        assert!((begun..=now()).contains(&one["requestedAt"].as_i64().unwrap()));

        let decide = |verb: &str, names: &[&str]| {
            let call = session.caller.post(format!("{requests}/{verb}"));
            call.json(&json!({"participants": names}))
        };
        let (awaited, anna) = (jid(AWAITED), jid(ANNA));
        let both = [awaited.as_str(), anna.as_str()];
        let told = decide("reject", &both).told().send().await.json(200);
        let outcomes = column(&told["data"], "outcome");
        assert_eq!(outcomes, json!(["rejected", "no_request"]));
        let action = session.action(told["action"].as_str().unwrap()).await;
        assert_eq!(action["people"], told["data"]);
        assert_eq!(list().await, json!([]));

        ask().await;
        let id = decide("approve", &[&lid]).send().await.action(204);
        let action = session.action(&id).await;
        assert_eq!(column(&action["people"], "outcome"), json!(["approved"]));
        assert_eq!(list().await, json!([]));
        assert_eq!(lab.standin.group(gid).role(AWAITED), Some(Role::Member));
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_left_is_forgotten() {
    let (lab, session) = connected().await;
    let leave = session.path(&format!("/groups/{GROUP}/leave"));
    let id = session.caller.post(&leave).send().await.action(204);
    assert_eq!(lab.standin.group(GROUP).role(ACCOUNT), None);
    eventually("the group is forgotten", async || {
        let group = session.path(&format!("/groups/{GROUP}"));
        let answer = session.caller.get(group).send().await;
        (answer.status == 404).then_some(())
    })
    .await;
    let action = session.action(&id).await;
    assert_eq!(action["groupJid"], GROUP, "the record stays");
    let again = session.caller.post(&leave).send().await;
    assert_eq!(again.error(404, "not_found"), json!({"resource": "group"}));
    lab.stop().await;
}

/// Who is declined is told, and is not in the group; all else can be done with it at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_made_with_whoever_can_be_added() {
    let (lab, session) = connected().await;
    let begun = now();
    let people = [ANNA, DECLINERS[0].0, DECLINERS[2].0];
    let names: Vec<_> = people.iter().map(|phone| jid(phone)).collect();
    let create = session.caller.post(session.path("/groups"));
    let create = create.json(&json!({"subject": "New team", "participants": names}));
    let before = sent(&lab);
    let answer = create.clone().told().idempotent("new").send().await;
    assert_eq!(
        sent_since(&lab, &before),
        [("set w:g2 create".to_owned(), 1)]
    );
    let action = session.action(&answer.action(201)).await;
    let mut made = answer.clone().json(201);
    let gid = made["groupJid"].as_str().unwrap().to_owned();
    let outcomes = made.as_object_mut().unwrap().remove("outcomes").unwrap();
    let words = json!(["added", "invite_required", "not_on_whatsapp"]);
    assert_eq!(column(&outcomes, "outcome"), words);
    assert_eq!(column(&outcomes, "participant"), json!(names));
    assert_eq!(action["people"], outcomes);
    assert_eq!(action["groupJid"], gid);
    assert_eq!(action["changes"], json!({"subject": "New team"}));
    assert_eq!(made["subject"], "New team");
    assert_eq!(made["ownerJid"], jid(ACCOUNT));
    assert_eq!(made["description"], Value::Null);
    assert_eq!(made["participantCount"], 2);
    assert_eq!(
        (&made["isAnnounce"], &made["isLocked"]),
        (&json!(false), &json!(false))
    );
    for time in ["createdAtWa", "firstSeenAt", "updatedAt"] {
        let at = made[time].as_i64().unwrap();
        assert!((begun / 1000 * 1000..=now()).contains(&at), "{time}: {at}");
    }
    let group = session.path(&format!("/groups/{gid}"));
    assert_eq!(session.caller.get(&group).send().await.json(200), made);
    let there = lab.standin.group(&gid);
    assert_eq!(there.role(ACCOUNT), Some(Role::SuperAdmin));
    assert_eq!(there.role(ANNA), Some(Role::Member));
    assert_eq!(there.members().len(), 2);
    // A repetition makes no second one.
    let again = create.clone().told().idempotent("new").send().await;
    assert_eq!(again.json(201)["groupJid"], gid);
    session.add(&gid, &[BUDI]).send().await.expect_no_content();

    let plain = create.send().await.json(201);
    assert_ne!(plain["groupJid"], gid);
    assert_eq!(plain["outcomes"], Value::Null);
    // A name that the stand-in can't show: the group is made, and shows the name that it got.
    for (subject, shown) in [("Team @ noon", "Team   noon"), ("@", "-")] {
        let odd = session.caller.post(session.path("/groups"));
        let odd = odd.json(&json!({"subject": subject})).send().await;
        assert_eq!(odd.json(201)["subject"], shown);
    }
    let alone = session.caller.post(session.path("/groups"));
    let alone = alone.json(&json!({"subject": "Alone"})).told().send().await;
    assert_eq!(alone.json(201)["outcomes"], json!([]));
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_of_a_group_changes_and_nothing_else() {
    let (lab, session) = connected().await;
    let path = session.path(&format!("/groups/{GROUP}"));
    let there = lab.standin.group(GROUP);
    let shown = async || session.caller.get(&path).send().await.json(200);
    let patch = |body: &Value| session.caller.patch(&path).json(body);
    let mut expected = shown().await;
    for (body, property, value) in [
        (json!({"subject": "Crew"}), "subject", json!("Crew")),
        (json!({"description": "All"}), "description", json!("All")),
        (json!({"description": "Us"}), "description", json!("Us")),
        (json!({"description": ""}), "description", Value::Null),
        (
            json!({"description": "me_1@"}),
            "description",
            json!("me_1@"),
        ),
        (json!({"announce": true}), "isAnnounce", json!(true)),
        (json!({"locked": true}), "isLocked", json!(true)),
        (json!({"announce": false}), "isAnnounce", json!(false)),
    ] {
        let answer = patch(&body).send().await;
        let action = session.action(&answer.action(200)).await;
        assert_eq!(action["changes"], body);
        assert_eq!(action["operation"], "updateGroup");
        expected[property] = value;
        let mut told = answer.json(200);
        told["updatedAt"] = expected["updatedAt"].clone();
        assert_eq!(told, expected);
        // WhatsApp's notification brings it into the directory.
        eventually("it is stored", async || {
            let stored = shown().await;
            (stored[property] == expected[property]).then_some(())
        })
        .await;
    }
    let modes = json!({"memberAddMode": "all_member_add", "approvalMode": "on"});
    patch(&modes).send().await.expect(200);
    assert!(there.members_may_add() && there.approval_required());
    let modes = json!({"memberAddMode": "admin_add", "approvalMode": "off"});
    patch(&modes).send().await.expect(200);
    assert!(!there.members_may_add() && !there.approval_required());

    // What comes before a refusal is done, and named.
    let refusal = Fault::Refuse {
        code: 405,
        text: "not-allowed".to_owned(),
    };
    lab.standin
        .fault(ACCOUNT, When::next("set w:g2 locked"), refusal);
    let all = json!({"subject": "Last", "locked": true, "announce": true});
    let details = act_error(&session, patch(&all), 502, "upstream_error").await;
    assert_eq!(
        details,
        json!({"upstreamCode": 405, "applied": ["subject", "announce"]})
    );
    assert_eq!(there.subject().as_deref(), Some("Last"));
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_joined_by_its_link() {
    let (lab, session) = connected().await;
    let open = lab
        .standin
        .add_group(GroupSpec::new("Open").superadmin(FRIEND));
    let mut closed = GroupSpec::new("Closed").superadmin(FRIEND);
    closed.approval = true;
    let closed = lab.standin.add_group(closed);
    let join = |invite: &str| {
        let call = session.caller.post(session.path("/groups/join"));
        call.json(&json!({"invite": invite}))
    };
    let link = lab.standin.group(&open).invite().unwrap();
    let code = link.rsplit('/').next().unwrap();
    // The second finds the account there already.
    for invite in [link.as_str(), code] {
        let answer = join(invite).send().await;
        let action = session.action(&answer.action(200)).await;
        assert_eq!(action["groupJid"], open);
        let joined = answer.json(200);
        assert_eq!(joined["groupJid"], open);
        assert_eq!(joined["subject"], "Open");
    }
    assert_eq!(lab.standin.group(&open).role(ACCOUNT), Some(Role::Member));
    assert_eq!(session.members(&open).await.len(), 2);

    let link = lab.standin.group(&closed).invite().unwrap();
    let answer = join(&link).send().await;
    let action = session.action(&answer.action(202)).await;
    assert_eq!(action["groupJid"], closed);
    assert_eq!(answer.json(202), json!({"groupJid": closed}));
    assert_eq!(lab.standin.group(&closed).role(ACCOUNT), None);

    // A link that was replaced, and one that never was.
    let reset = session.path(&format!("/groups/{GROUP}/invite"));
    let old = session.caller.get(&reset).send().await.json(200);
    session.caller.delete(&reset).send().await.expect(200);
    for invite in [old["invite"].as_str().unwrap(), "AbCdEfGhIjKl"] {
        let details = act_error(&session, join(invite), 404, "not_found").await;
        assert_eq!(details, json!({"resource": "invite"}));
    }
    lab.stop().await;
}

/// Whether a group was made that nobody was answered about: the list of groups tells, and a repetition makes no second one.
#[tokio::test(flavor = "multi_thread")]
async fn whether_a_group_was_made_is_found_out() {
    const CREATE: &str = "set w:g2 create";
    let lab = Lab::with(|config| config.whatsapp_timeout = Duration::from_secs(1)).await;
    seed(&lab);
    let session = lab.connected().await;
    for (applied, subject, outcome) in [(true, "One", "added"), (false, "Two", "not_added")] {
        lab.standin
            .fault(ACCOUNT, When::next(CREATE), Fault::Silence { applied });
        let create = session.caller.post(session.path("/groups"));
        let create = create.json(&json!({"subject": subject, "participants": [jid(ANNA)]}));
        let create = create.idempotent(subject);
        let details = create.clone().send().await.error(504, "upstream_timeout");
        let id = details["action"].as_str().unwrap();
        let action = eventually("it is settled", async || {
            let action = session.action(id).await;
            (action["status"] != "unknown").then_some(action)
        })
        .await;
        assert_eq!(column(&action["people"], "outcome"), json!([outcome]));
        let again = create.send().await;
        if applied {
            assert_eq!(action["status"], "done");
            let made = again.json(201);
            assert_eq!(made["groupJid"], action["groupJid"]);
            assert_eq!(made["subject"], subject);
        } else {
            assert_eq!(action["status"], "refused");
            assert_eq!(action["groupJid"], Value::Null);
            again.error(504, "upstream_timeout");
        }
    }
    assert_eq!(lab.standin.iq_count(CREATE), 2);
    lab.stop().await;
}
