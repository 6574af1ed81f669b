use crate::support::*;
use std::collections::BTreeMap;
use wacore::stanza::groups::GroupNotificationAction as Change;
use whatsapp_rust::ErrorChainExt as _;
use whatsapp_standin::{AddOutcome, GroupSpec, Person, Role};

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_listed_and_queried() {
    let standin = world().await;
    let mut spec = admin_group().member(friend(1));
    spec.description = Some("All hands".to_owned());
    spec.announce = true;
    let team = standin.add_group(spec);
    let foreign = standin.add_group(GroupSpec::new("Foreign").superadmin(BOSS));
    let (device, _store) = paired(&standin).await;

    let groups = device.client.groups().get_participating().await.unwrap();
    assert_eq!(groups.len(), 1);
    let group = &groups[&gid(&team)];
    assert_eq!(group.subject, "Team");
    assert_eq!(group.description.as_deref(), Some("All hands"));
    assert!(group.is_announcement && !group.is_locked);
    assert_eq!(group.creator.as_ref().unwrap().user, BOSS);
    let admins: BTreeMap<_, _> = group
        .participants
        .iter()
        .map(|p| (p.jid.user.as_str(), p.is_admin()))
        .collect();
    assert_eq!(
        admins,
        BTreeMap::from([(BOSS, true), (ME, true), (friend(1).as_str(), false)])
    );

    assert_eq!(
        device
            .client
            .groups()
            .get_metadata(&gid(&team))
            .await
            .unwrap()
            .participants
            .len(),
        3
    );
    for (asked, code) in [(foreign.as_str(), 403), ("120363000000000000@g.us", 404)] {
        let error = device
            .client
            .groups()
            .get_metadata(&gid(asked))
            .await
            .unwrap_err();
        assert_eq!(error.server_rejection().unwrap().code, code);
    }
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_add_answers_for_each_person() {
    let standin = world().await;
    let people = [
        AddOutcome::Added,
        AddOutcome::PrivacyDeclined,
        AddOutcome::Blocked,
        AddOutcome::NotOnWhatsApp,
        AddOutcome::LeftRecently,
        AddOutcome::Full,
        AddOutcome::AwaitsApproval,
    ];
    for (n, outcome) in people.into_iter().enumerate() {
        standin.add_person(Person::new(friend(n)).with_outcome(outcome));
    }
    let group = standin.add_group(admin_group());
    let (device, _store) = paired(&standin).await;
    let mut asked: Vec<String> = (0..people.len()).map(friend).collect();
    asked.extend([BOSS.to_owned(), "4900000000".to_owned()]);

    let answers = device
        .client
        .groups()
        .add_participants(gid(&group), &jids(&asked))
        .await
        .unwrap();
    let codes: Vec<_> = answers
        .iter()
        .map(|answer| answer.error.as_deref())
        .collect();
    let expected = [
        None,
        Some("403"),
        Some("401"),
        Some("404"),
        Some("408"),
        Some("419"),
        Some("421"),
    ];
    assert_eq!(codes, [&expected[..], &[Some("409"), Some("404")]].concat());
    assert!(
        answers[1].add_request.is_some(),
        "who only takes invitations comes with one"
    );
    assert_eq!(standin.group(&group).role(&friend(0)), Some(Role::Member));
    assert_eq!(standin.group(&group).members().len(), 3);
    assert_eq!(standin.iq_count("set w:g2 add"), 1);

    let Change::Add { participants, .. } = change(&device).await else {
        panic!("not an add")
    };
    assert_eq!(
        participants
            .iter()
            .map(|p| p.jid.user.as_str())
            .collect::<Vec<_>>(),
        [friend(0)]
    );
    soon("the acknowledgement", standin.wait_acknowledged(ME)).await;

    let waiting = device
        .client
        .groups()
        .get_membership_requests(gid(&group))
        .await
        .unwrap();
    assert_eq!(waiting.len(), 1);
    device
        .client
        .groups()
        .approve_membership_requests(gid(&group), &jids(&[friend(6)]))
        .await
        .unwrap();
    assert_eq!(standin.group(&group).role(&friend(6)), Some(Role::Member));
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_group_takes_nobody() {
    let standin = world().await;
    let group = standin.add_group(admin_group().size_limit(3));
    let (device, _store) = paired(&standin).await;
    let answers = device
        .client
        .groups()
        .add_participants(gid(&group), &jids(&[friend(0), friend(1)]))
        .await
        .unwrap();
    assert_eq!(
        answers
            .iter()
            .map(|a| a.error.as_deref())
            .collect::<Vec<_>>(),
        [None, Some("419")]
    );
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_admins_of_the_group_change_it() {
    let standin = world().await;
    let plain = standin.add_group(GroupSpec::new("Plain").superadmin(BOSS).member(ME));
    let mut spec = GroupSpec::new("Open").superadmin(BOSS).member(ME);
    spec.members_may_add = true;
    let open = standin.add_group(spec);
    let foreign = standin.add_group(GroupSpec::new("Foreign").superadmin(BOSS));
    let (device, _store) = paired(&standin).await;
    let groups = device.client.groups();
    for (group, code) in [
        (plain.as_str(), 403),
        (foreign.as_str(), 403),
        ("120363000000000000@g.us", 404),
    ] {
        let error = groups
            .add_participants(gid(group), &jids(&[friend(0)]))
            .await
            .unwrap_err();
        assert_eq!(error.server_rejection().unwrap().code, code);
    }
    assert!(
        groups
            .add_participants(gid(&open), &jids(&[friend(0)]))
            .await
            .unwrap()[0]
            .is_ok()
    );
    let error = groups
        .get_invite_link(gid(&plain), false)
        .await
        .unwrap_err();
    assert_eq!(error.server_rejection().unwrap().code, 401);
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_members_and_invitation_change() {
    let standin = world().await;
    let group = standin.add_group(admin_group().member(friend(1)));
    let (device, _store) = paired(&standin).await;
    let groups = device.client.groups();
    let one = jids(&[friend(1)]);
    assert!(
        groups
            .promote_participants(gid(&group), &one)
            .await
            .unwrap()[0]
            .is_ok()
    );
    assert_eq!(standin.group(&group).role(&friend(1)), Some(Role::Admin));
    assert!(matches!(change(&device).await, Change::Promote { .. }));
    assert!(groups.demote_participants(gid(&group), &one).await.unwrap()[0].is_ok());
    assert_eq!(standin.group(&group).role(&friend(1)), Some(Role::Member));
    assert!(matches!(change(&device).await, Change::Demote { .. }));
    assert!(groups.remove_participants(gid(&group), &one).await.unwrap()[0].is_ok());
    assert_eq!(standin.group(&group).role(&friend(1)), None);
    assert!(matches!(change(&device).await, Change::Remove { .. }));
    let again = groups.remove_participants(gid(&group), &one).await.unwrap();
    assert_eq!(again[0].error.as_deref(), Some("404"));
    let boss = groups
        .demote_participants(gid(&group), &jids(&[BOSS.to_owned()]))
        .await
        .unwrap();
    assert!(!boss[0].is_ok());

    let link = groups.get_invite_link(gid(&group), false).await.unwrap();
    assert_eq!(Some(&link), standin.group(&group).invite().as_ref());
    assert_ne!(
        groups.get_invite_link(gid(&group), true).await.unwrap(),
        link
    );
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_other_admins_do_is_notified() {
    let standin = world().await;
    let group = standin.add_group(GroupSpec::new("Team").superadmin(BOSS));
    let (device, _store) = paired(&standin).await;
    let group = standin.group(&group);
    group.add(BOSS, &[ME]).unwrap();
    let Change::Create { raw } = change(&device).await else {
        panic!("whoever is added learns of the group")
    };
    assert!(raw.get_optional_child("group").is_some());
    group.add(BOSS, &[&friend(0)]).unwrap();
    assert!(matches!(change(&device).await, Change::Add { .. }));
    group.promote(BOSS, &[ME]).unwrap();
    assert!(matches!(change(&device).await, Change::Promote { .. }));
    group.demote(BOSS, &[ME]).unwrap();
    assert!(matches!(change(&device).await, Change::Demote { .. }));
    group.set_subject(BOSS, "Crew").unwrap();
    assert!(matches!(change(&device).await, Change::Subject { subject, .. } if subject == "Crew"));
    group.remove(BOSS, &[ME]).unwrap();
    assert!(matches!(change(&device).await, Change::Remove { .. }));
    assert_eq!(group.add(&friend(5), &[ME]).unwrap_err().code, 403);
    soon("the acknowledgements", standin.wait_acknowledged(ME)).await;
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_comes_at_reconnect() {
    let standin = world().await;
    let group = standin.add_group(admin_group());
    let (device, store) = paired(&standin).await;
    // Else what came with the pairing would be missed too.
    soon("the acknowledgements", standin.wait_acknowledged(ME)).await;
    device.stop().await;
    soon("the end", standin.wait_disconnected(ME)).await;
    standin.group(&group).add(BOSS, &[&friend(0)]).unwrap();
    assert_eq!(standin.unacknowledged(ME), 1);
    let device = Device::start(&standin, &store).await;
    assert!(matches!(change(&device).await, Change::Add { .. }));
    soon("the acknowledgement", standin.wait_acknowledged(ME)).await;
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lid_groups_name_people_by_lid_and_number() {
    let standin = world().await;
    let group = standin.add_group(admin_group().lid());
    let (device, _store) = paired(&standin).await;
    let me = standin.person(ME).unwrap();
    let groups = device.client.groups().get_participating().await.unwrap();
    let own = groups[&gid(&group)]
        .participants
        .iter()
        .find(|p| p.jid.user == me.lid.as_str())
        .unwrap()
        .clone();
    assert_eq!(own.phone_number.unwrap().user, ME);

    let asked = jids(&[friend(0), "4900000000".to_owned()]);
    let answers = device
        .client
        .groups()
        .add_participants(gid(&group), &asked)
        .await
        .unwrap();
    assert_eq!(answers[0].jid.user, standin.person(&friend(0)).unwrap().lid);
    assert_eq!(answers[0].phone_number.as_ref().unwrap().user, friend(0));
    assert_eq!(
        answers[1].jid.user, "4900000000",
        "a number without WhatsApp has no LID"
    );
    let Change::Add { participants, .. } = change(&device).await else {
        panic!("not an add")
    };
    assert_eq!(
        participants[0].phone_number.as_ref().unwrap().user,
        friend(0)
    );
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_people_fit_in_one_call() {
    let standin = world().await;
    let asked: Vec<String> = (0..1000).map(|n| format!("62833{n:06}")).collect();
    for phone in &asked {
        standin.add_person(Person::new(phone.clone()));
    }
    let group = standin.add_group(admin_group());
    let (device, _store) = paired(&standin).await;
    let answers = device
        .client
        .groups()
        .add_participants(gid(&group), &jids(&asked))
        .await
        .unwrap();
    assert!(answers.len() == 1000 && answers.iter().all(|answer| answer.is_ok()));
    assert_eq!(standin.iq_count("set w:g2 add"), 1);
    assert_eq!(standin.group(&group).members().len(), 1002);
    device.stop().await;
}
