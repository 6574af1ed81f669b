//! Subject, description and settings.

use crate::support::*;
use wacore::stanza::groups::GroupNotificationAction as Change;
use whatsapp_rust::ErrorChainExt as _;
use whatsapp_rust::features::{
    GroupDescription, GroupError, MemberAddMode, MembershipApprovalMode, PreviousDescription,
};
use whatsapp_standin::{GroupSpec, Setting};

#[tokio::test(flavor = "multi_thread")]
async fn a_description_replaces_the_one_that_its_setter_has_seen() {
    let standin = world().await;
    let group = standin.add_group(admin_group());
    let (device, _store) = paired(&standin).await;
    let groups = device.client.groups();
    let text = |text: &str| Some(GroupDescription::new(text).unwrap());

    groups
        .set_description(gid(&group), text("One"), PreviousDescription::Absent)
        .await
        .unwrap();
    let Change::Description { id, description } = change(&device).await else {
        panic!("not a description")
    };
    assert_eq!(description.as_deref(), Some("One"));
    let metadata = groups.get_metadata(&gid(&group)).await.unwrap();
    assert_eq!(metadata.description.as_deref(), Some("One"));
    assert_eq!(metadata.description_id.as_deref(), Some(id.as_str()));
    assert_eq!(metadata.description_owner.unwrap().user, ME);

    standin
        .group(&group)
        .set_description(BOSS, Some("Two"))
        .unwrap();
    for seen in [PreviousDescription::Absent, PreviousDescription::Id(&id)] {
        let error = groups
            .set_description(gid(&group), text("Three"), seen)
            .await
            .unwrap_err();
        assert!(matches!(error, GroupError::DescriptionConflict));
    }
    assert_eq!(standin.group(&group).description().as_deref(), Some("Two"));
    groups
        .set_description(gid(&group), None, PreviousDescription::Resolve)
        .await
        .unwrap();
    assert_eq!(standin.group(&group).description(), None);
    assert!(
        matches!(change(&device).await, Change::Description { description: Some(text), .. } if text == "Two")
    );
    assert!(matches!(
        change(&device).await,
        Change::Description {
            description: None,
            ..
        }
    ));
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_change_settings_and_members_hear_of_it() {
    let standin = world().await;
    let group = standin.add_group(admin_group());
    let (device, _store) = paired(&standin).await;
    let groups = device.client.groups();
    let to = gid(&group);

    groups.set_announce(to.clone(), true).await.unwrap();
    assert!(matches!(change(&device).await, Change::Announce));
    groups.set_locked(to.clone(), true).await.unwrap();
    assert!(matches!(change(&device).await, Change::Locked { .. }));
    groups
        .set_member_add_mode(to.clone(), MemberAddMode::AllMemberAdd)
        .await
        .unwrap();
    assert!(
        matches!(change(&device).await, Change::MemberAddMode { mode } if mode == "all_member_add")
    );
    groups
        .set_membership_approval(to.clone(), MembershipApprovalMode::On)
        .await
        .unwrap();
    assert!(matches!(
        change(&device).await,
        Change::MembershipApprovalMode { enabled: true }
    ));
    let seen = standin.group(&group);
    assert!(seen.is_announce() && seen.is_locked());
    assert!(seen.members_may_add() && seen.approval_required());
    let metadata = groups.get_metadata(&to).await.unwrap();
    assert!(metadata.is_announcement && metadata.is_locked && metadata.membership_approval);

    for (setting, tag) in [
        (Setting::Announce(false), "not_announcement"),
        (Setting::Locked(false), "unlocked"),
        (Setting::MembersMayAdd(false), "member_add_mode"),
        (Setting::Approval(false), "membership_approval_mode"),
    ] {
        seen.set(BOSS, setting).unwrap();
        assert_eq!(change(&device).await.wire_tag(), tag);
    }
    let metadata = groups.get_metadata(&to).await.unwrap();
    assert!(!metadata.is_announcement && !metadata.is_locked && !metadata.membership_approval);
    soon("the acknowledgements", standin.wait_acknowledged(ME)).await;
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_members_change_no_settings_and_describe_only_where_nothing_is_locked() {
    let standin = world().await;
    let group = standin.add_group(GroupSpec::new("Plain").superadmin(BOSS).member(ME));
    let (device, _store) = paired(&standin).await;
    let groups = device.client.groups();
    let describe = || {
        let text = GroupDescription::new("Ours").unwrap();
        groups.set_description(gid(&group), Some(text), PreviousDescription::Resolve)
    };
    describe().await.unwrap();
    for error in [
        groups.set_announce(gid(&group), true).await.unwrap_err(),
        groups.set_locked(gid(&group), true).await.unwrap_err(),
    ] {
        assert_eq!(error.server_rejection().unwrap().code, 403);
    }
    standin
        .group(&group)
        .set(BOSS, Setting::Locked(true))
        .unwrap();
    let error = describe().await.unwrap_err();
    assert_eq!(error.server_rejection().unwrap().code, 403);
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plain_member_adds_waits_where_approval_is_required() {
    let standin = world().await;
    let mut spec = GroupSpec::new("Open").superadmin(BOSS).member(ME);
    spec.members_may_add = true;
    spec.approval = true;
    let group = standin.add_group(spec);
    let (device, _store) = paired(&standin).await;
    let answers = device
        .client
        .groups()
        .add_participants(gid(&group), &jids(&[friend(0)]))
        .await
        .unwrap();
    assert_eq!(answers[0].error.as_deref(), Some("421"));
    let added = standin.group(&group).add(BOSS, &[&friend(1)]).unwrap();
    assert_eq!(added[0].error, None, "an admin needs no approval");
    device.stop().await;
}
