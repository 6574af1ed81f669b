//! What is known of groups and members, and how it stays fresh.

use contract_tests::lab::{ACCOUNT, Lab};
use contract_tests::wait::{eventually, within};
use serde_json::{Value, json};
use whatsapp_gateway::now;
use whatsapp_standin::{GroupSpec, Person, Role};

use crate::world::{
    ANNA, BUDI, FRIEND, GROUP, MEMBER, NOT_ADMIN, connected, seed, sent, sent_since,
};

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_listed_as_whatsapp_describes_them() {
    const OTHER: &str = "120363041234567893@g.us";
    let begun = now();
    let lab = Lab::start().await;
    seed(&lab);
    let mut other = GroupSpec::new("News").gid(OTHER).lid();
    other.description = Some("What is new".to_owned());
    (other.announce, other.locked) = (true, true);
    lab.standin
        .add_group(other.admin(ACCOUNT).superadmin(FRIEND).member(MEMBER));
    let session = lab.connected().await;
    let groups = session.groups().await;
    let jids: Vec<&Value> = groups.iter().map(|group| &group["groupJid"]).collect();
    assert_eq!(jids, [GROUP, NOT_ADMIN, OTHER]);
    let told = ["description", "isAnnounce", "isLocked"].map(|told| groups[2][told].clone());
    assert_eq!(told, [json!("What is new"), json!(true), json!(true)]);
    let group = session
        .caller
        .get(session.path(&format!("/groups/{}", GROUP.replace('@', "%40"))))
        .send()
        .await
        .json(200);
    assert_eq!(group, groups[0]);
    insta::assert_json_snapshot!(group, {
        ".createdAtWa" => "[time]", ".firstSeenAt" => "[time]", ".updatedAt" => "[time]",
    }, @r#"
    {
      "createdAtWa": "[time]",
      "description": null,
      "firstSeenAt": "[time]",
      "groupJid": "120363041234567890@g.us",
      "isAnnounce": false,
      "isLocked": false,
      "ownerJid": "628222000001@s.whatsapp.net",
      "participantCount": 3,
      "subject": "Launch team",
      "updatedAt": "[time]"
    }
    "#);
    let told_within = |object: &Value, time: &str, begun: i64| {
        let at = object[time].as_i64().unwrap();
        assert!((begun..=now()).contains(&at), "{time}: {at}");
    };
    // WhatsApp tells it in seconds.
    told_within(&group, "createdAtWa", begun / 1000 * 1000);
    for time in ["firstSeenAt", "updatedAt"] {
        told_within(&group, time, begun);
    }
    // Only a group that addresses people by LID shows both.
    for (gid, lids) in [(GROUP, false), (OTHER, true)] {
        let mut members = session.members(gid).await;
        members.sort_by_key(|member| member["jid"].to_string());
        let lid = |phone: &str| lids.then(|| lab.standin.person(phone).unwrap().lid_jid());
        let told = |phone: &str, role| {
            let jid = format!("{phone}@s.whatsapp.net");
            json!({"jid": jid, "lid": lid(phone), "role": role})
        };
        for member in &mut members {
            for time in ["firstSeenAt", "lastSeenAt"] {
                told_within(member, time, begun);
                member.as_object_mut().unwrap().remove(time);
            }
        }
        let expected = [
            told(ACCOUNT, "admin"),
            told(FRIEND, "superadmin"),
            told(MEMBER, "member"),
        ];
        assert_eq!(members, expected);
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages() {
    let lab = Lab::start().await;
    let mut spec = GroupSpec::new("Big").gid(GROUP).admin(ACCOUNT);
    for n in 0..249 {
        spec = spec.member(format!("6287770{n:05}"));
    }
    lab.standin.add_group(spec);
    for n in 0..4 {
        lab.standin
            .add_group(GroupSpec::new(format!("Small {n}")).member(ACCOUNT));
    }
    let session = lab.connected().await;
    for (path, key, all) in [
        ("/groups".to_owned(), "groupJid", 5),
        (format!("/groups/{GROUP}/members"), "jid", 250),
    ] {
        for limit in [1, 2, 100, 1000] {
            if limit == 1 && all > 100 {
                continue;
            }
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let target = session.path(&format!("{path}?limit={limit}{cursor}"));
                let page = session.caller.get(target).send().await.json(200);
                let data = page["data"].as_array().unwrap();
                assert!(data.len() <= limit && !data.is_empty());
                seen.extend(data.iter().map(|entry| entry[key].to_string()));
                match page["nextCursor"].as_str() {
                    // Eight bytes, so that no phone number or group stands in a query string.
                    Some(next) if next.len() == 11 => cursor = format!("&cursor={next}"),
                    Some(next) => panic!("{next} is no number"),
                    None => break,
                }
            }
            assert_eq!(seen.len(), all, "{path} by {limit}");
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), all, "{path} by {limit}: something came twice");
        }
        let page = session
            .caller
            .get(session.path(&path))
            .send()
            .await
            .json(200);
        assert_eq!(
            page["data"].as_array().unwrap().len(),
            all.min(100),
            "a hundred a page where nothing is said"
        );
    }
    lab.stop().await;
}

/// What others do arrives by notification; nothing is asked. (Two changes of one thing in one second are: see `healing`.)
#[tokio::test(flavor = "multi_thread")]
async fn changes_by_others_show_without_a_query() {
    const NEW: &str = "628333000003";
    let lab = Lab::start().await;
    lab.standin.add_person(Person::new(NEW));
    lab.standin.add_group(
        GroupSpec::new("Launch team")
            .gid(GROUP)
            .admin(ACCOUNT)
            .superadmin(FRIEND)
            .member(ANNA)
            .member(BUDI),
    );
    let session = lab.connected().await;
    let before = sent(&lab);
    let group = lab.standin.group(GROUP);
    group.add(FRIEND, &[NEW]).unwrap();
    eventually("who is new is listed", async || {
        session.role(GROUP, NEW).await
    })
    .await;
    assert_eq!(session.members(GROUP).await.len(), 5);
    group.promote(FRIEND, &[ANNA]).unwrap();
    eventually("Anna is an admin", async || {
        session
            .role(GROUP, ANNA)
            .await
            .filter(|role| role == "admin")
    })
    .await;
    group.remove(FRIEND, &[BUDI]).unwrap();
    eventually("Budi is gone", async || {
        session.role(GROUP, BUDI).await.is_none().then_some(())
    })
    .await;
    group.set_subject(FRIEND, "Landing team").unwrap();
    eventually("the new subject", async || {
        let group = session
            .caller
            .get(session.path(&format!("/groups/{GROUP}")))
            .send()
            .await
            .json(200);
        (group["subject"] == "Landing team" && group["participantCount"] == 4).then_some(())
    })
    .await;
    assert_eq!(sent_since(&lab, &before), []);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demoted_account_may_add_no_more() {
    let (lab, session) = connected().await;
    session.add(GROUP, &[ANNA]).send().await.expect_no_content();
    let group = lab.standin.group(GROUP);
    group.demote(FRIEND, &[ACCOUNT]).unwrap();
    // The role in memory changes before the one that is listed.
    eventually("the demotion", async || {
        session
            .role(GROUP, ACCOUNT)
            .await
            .filter(|role| role == "member")
    })
    .await;
    let before = sent(&lab);
    let details = session
        .add(GROUP, &[BUDI])
        .send()
        .await
        .error(403, "forbidden");
    assert_eq!(details["reason"], "not_group_admin");
    assert_eq!(sent_since(&lab, &before), [], "no round trip");
    group.promote(FRIEND, &[ACCOUNT]).unwrap();
    eventually("the promotion", async || {
        session
            .role(GROUP, ACCOUNT)
            .await
            .filter(|role| role == "admin")
    })
    .await;
    session.add(GROUP, &[BUDI]).send().await.expect_no_content();
    assert_eq!(group.role(BUDI), Some(Role::Member));
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_come_and_go_with_the_account() {
    let (lab, session) = connected().await;
    let late = lab
        .standin
        .add_group(GroupSpec::new("Late").superadmin(FRIEND));
    session
        .add(&late, &[ANNA])
        .send()
        .await
        .error(404, "not_found");
    lab.standin.group(&late).add(FRIEND, &[ACCOUNT]).unwrap();
    eventually("the new group", async || {
        let found = session
            .caller
            .get(session.path(&format!("/groups/{late}")))
            .send()
            .await;
        (found.status == 200).then_some(())
    })
    .await;
    session
        .add(&late, &[ANNA])
        .send()
        .await
        .error(403, "forbidden");
    lab.standin
        .group(&late)
        .promote(FRIEND, &[ACCOUNT])
        .unwrap();
    eventually("the promotion", async || {
        session
            .role(&late, ACCOUNT)
            .await
            .filter(|role| role == "admin")
    })
    .await;
    session.add(&late, &[ANNA]).send().await.expect_no_content();

    lab.standin.group(GROUP).remove(FRIEND, &[ACCOUNT]).unwrap();
    eventually("the lost group", async || {
        let lost = session
            .caller
            .get(session.path(&format!("/groups/{GROUP}")))
            .send()
            .await;
        (lost.status == 404).then_some(())
    })
    .await;
    within(
        "the acknowledgement",
        lab.standin.wait_acknowledged(ACCOUNT),
    )
    .await;
    let before = sent(&lab);
    assert_eq!(
        session
            .add(GROUP, &[ANNA])
            .send()
            .await
            .error(404, "not_found")["resource"],
        "group"
    );
    assert_eq!(sent_since(&lab, &before), []);
    lab.stop().await;
}
