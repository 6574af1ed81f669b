//! What the page promises for a call that is granted.

use contract_tests::client::Client;
use contract_tests::lab::{ACCOUNT, Lab};
use contract_tests::wait::{eventually, within};
use serde_json::json;
use whatsapp_standin::{GroupSpec, Person, Role};

use crate::world::{
    ADD, ANNA, BUDI, DECLINERS, FRIEND, GROUP, MEMBER, connected, seed, sent, sent_since,
};

#[tokio::test(flavor = "multi_thread")]
async fn people_are_added() {
    let (lab, session) = connected().await;
    session
        .add(GROUP, &[ANNA, BUDI])
        .send()
        .await
        .expect_no_content();
    for person in [ANNA, BUDI] {
        assert_eq!(lab.standin.group(GROUP).role(person), Some(Role::Member));
    }
    // WhatsApp notifies the account of its own adds too.
    within("the notification", lab.standin.wait_acknowledged(ACCOUNT)).await;
    eventually("the new member is listed", async || {
        session.role(GROUP, ANNA).await
    })
    .await;
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_a_member_already_is_no_error() {
    let (lab, session) = connected().await;
    let before = lab.standin.group(GROUP).members();
    session
        .add(GROUP, &[FRIEND, ACCOUNT])
        .send()
        .await
        .expect_no_content();
    assert_eq!(lab.standin.group(GROUP).members(), before);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_declined_is_no_error() {
    let (lab, session) = connected().await;
    let before = lab.standin.group(GROUP).members();
    let decliners = DECLINERS.map(|(person, _)| person);
    for person in decliners {
        session
            .add(GROUP, &[person])
            .send()
            .await
            .expect_no_content();
    }
    session
        .add(GROUP, &decliners)
        .send()
        .await
        .expect_no_content();
    // A number that WhatsApp has never heard of.
    session
        .add(GROUP, &["628555000001"])
        .send()
        .await
        .expect_no_content();
    assert_eq!(lab.standin.group(GROUP).members(), before);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mixed_call_adds_those_it_can() {
    let (lab, session) = connected().await;
    let mut people = DECLINERS.map(|(person, _)| person).to_vec();
    people.extend([FRIEND, ANNA, "628555000001", BUDI]);
    session.add(GROUP, &people).send().await.expect_no_content();
    let members: Vec<String> = lab
        .standin
        .group(GROUP)
        .members()
        .into_iter()
        .map(|(phone, _)| phone)
        .collect();
    assert_eq!(members, [ACCOUNT, FRIEND, MEMBER, ANNA, BUDI]);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_group_is_no_error() {
    let lab = Lab::start().await;
    seed(&lab);
    let full = lab
        .standin
        .add_group(GroupSpec::new("Full").admin(ACCOUNT).size_limit(1));
    let session = lab.connected().await;
    session.add(&full, &[ANNA]).send().await.expect_no_content();
    assert_eq!(lab.standin.group(&full).role(ANNA), None);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_jid_counts_once() {
    let (lab, session) = connected().await;
    session
        .add(GROUP, &[ANNA, BUDI, ANNA, ANNA])
        .send()
        .await
        .expect_no_content();
    within("the notification", lab.standin.wait_acknowledged(ACCOUNT)).await;
    let members = lab.standin.group(GROUP).members();
    assert_eq!(members.len(), 5, "{members:?}");
    lab.stop().await;
}

/// The budget: session, group and the account's own role come from memory, so an add costs the add and nothing else,
/// neither before it nor after WhatsApp's notification of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_warm_call_costs_one_round_trip() {
    let (lab, session) = connected().await;
    for people in [vec![ANNA], vec![BUDI, DECLINERS[0].0], vec![ANNA, FRIEND]] {
        let before = sent(&lab);
        session.add(GROUP, &people).send().await.expect_no_content();
        within("the notification", lab.standin.wait_acknowledged(ACCOUNT)).await;
        assert_eq!(
            sent_since(&lab, &before),
            [(ADD.to_owned(), 1)],
            "adding {people:?}"
        );
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_people_go_in_one_call() {
    let lab = Lab::start().await;
    let people: Vec<String> = (0..1000).map(|n| format!("6287770{n:05}")).collect();
    for person in &people {
        lab.standin.add_person(Person::new(person.as_str()));
    }
    lab.standin.add_group(
        GroupSpec::new("Big")
            .gid(GROUP)
            .admin(ACCOUNT)
            .size_limit(2000),
    );
    let session = lab.connected().await;
    let before = sent(&lab);
    let all: Vec<&str> = people.iter().map(String::as_str).collect();
    session.add(GROUP, &all).send().await.expect_no_content();
    within("the notification", lab.standin.wait_acknowledged(ACCOUNT)).await;
    assert_eq!(sent_since(&lab, &before), [(ADD.to_owned(), 1)]);
    assert_eq!(lab.standin.group(GROUP).members().len(), 1001);
    eventually("all are listed", async || {
        (session.members(GROUP).await.len() == 1001).then_some(())
    })
    .await;
    let group = session
        .caller
        .get(session.path(&format!("/groups/{GROUP}")))
        .send()
        .await
        .json(200);
    assert_eq!(group["participantCount"], 1001);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_super_admin_is_an_admin() {
    let lab = Lab::start().await;
    lab.standin.add_person(Person::new(ANNA));
    let own = lab
        .standin
        .add_group(GroupSpec::new("Own").superadmin(ACCOUNT));
    let session = lab.connected().await;
    session.add(&own, &[ANNA]).send().await.expect_no_content();
    assert_eq!(lab.standin.group(&own).role(ANNA), Some(Role::Member));
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_with_an_old_jid_takes_members() {
    let lab = Lab::start().await;
    lab.standin.add_person(Person::new(ANNA));
    let old = format!("{ACCOUNT}-1400000000@g.us");
    lab.standin.add_group(
        GroupSpec::new("Since 2014")
            .gid(old.as_str())
            .admin(ACCOUNT),
    );
    let session = lab.connected().await;
    session.add(&old, &[ANNA]).send().await.expect_no_content();
    assert_eq!(lab.standin.group(&old).role(ANNA), Some(Role::Member));
    lab.stop().await;
}

/// In a group with LID addressing the account finds its own role under its LID, and answers name people by LID.
#[tokio::test(flavor = "multi_thread")]
async fn a_lid_group_takes_members() {
    let lab = Lab::start().await;
    seed(&lab);
    let group = lab.standin.add_group(
        GroupSpec::new("Hidden numbers")
            .lid()
            .admin(ACCOUNT)
            .superadmin(FRIEND),
    );
    let session = lab.connected().await;
    let before = sent(&lab);
    let people = [ANNA, DECLINERS[0].0, FRIEND];
    session
        .add(&group, &people)
        .send()
        .await
        .expect_no_content();
    within("the notification", lab.standin.wait_acknowledged(ACCOUNT)).await;
    assert_eq!(sent_since(&lab, &before), [(ADD.to_owned(), 1)]);
    assert_eq!(lab.standin.group(&group).role(ANNA), Some(Role::Member));
    let lid = lab.standin.person(ANNA).expect("seeded").lid_jid();
    let listed = eventually("the new member is listed", async || {
        session
            .members(&group)
            .await
            .into_iter()
            .find(|member| member["lid"] == *lid)
    });
    assert_eq!(listed.await["role"], "member");
    let members = session.members(&group).await;
    assert_eq!(
        members.len(),
        3,
        "nobody is listed twice, by number and by LID: {members:?}"
    );
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_at_sign_may_be_encoded_or_not() {
    let (lab, session) = connected().await;
    session.add(GROUP, &[ANNA]).send().await.expect_no_content();
    session
        .add(&GROUP.replace('@', "%40"), &[BUDI])
        .send()
        .await
        .expect_no_content();
    assert_eq!(lab.standin.group(GROUP).role(BUDI), Some(Role::Member));
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_is_served() {
    let (lab, session) = connected().await;
    let (_, token) = lab.api_key("org_42", "send", None).await;
    let session = session.by(&Client::http2(lab.url()).with_token(token));
    session.add(GROUP, &[ANNA]).send().await.expect_no_content();
    assert_eq!(lab.standin.group(GROUP).role(ANNA), Some(Role::Member));
    let details = session
        .add("nonsense", &[ANNA])
        .send()
        .await
        .error(400, "validation_error");
    assert_eq!(details["violations"][0]["field"], "gid");
    lab.stop().await;
}

/// Properties that the document does not name are ignored, and so are parameters of the media type.
#[tokio::test(flavor = "multi_thread")]
async fn a_generous_reading_of_the_body() {
    let (lab, session) = connected().await;
    let body = json!({"participants": [format!("{ANNA}@s.whatsapp.net")], "note": "hello"});
    session
        .add_json(GROUP, &body)
        .send()
        .await
        .expect_no_content();
    let call = session.add(GROUP, &[BUDI]).header(
        hyper::header::CONTENT_TYPE,
        "application/json; charset=utf-8",
    );
    call.send().await.expect_no_content();
    assert_eq!(lab.standin.group(GROUP).role(BUDI), Some(Role::Member));
    lab.stop().await;
}
