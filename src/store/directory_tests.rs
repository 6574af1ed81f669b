//! The directory of groups and members, on either database.

use super::tests::{Fresh, gid, group, on_both, person, record, session, sync};
use super::*;
use crate::group::{GroupChange, GroupInfo, Role};
use crate::jid::SessionId;

on_both! {
    a_sync_replaces_and_remembers_who_was_there,
    what_has_not_changed_is_not_written,
    changes_match_a_person_by_either_name,
    later_writes_fold_into_earlier_ones,
    a_group_that_is_told_bare_keeps_what_is_known,
    pages_are_stable_while_names_are_learnt,
    the_own_roles_are_found_by_either_name,
    writers_wait_for_each_other,
}

async fn members(store: &Store, id: &SessionId, n: u32) -> Vec<MemberRecord> {
    let group = store.get_group(id, &gid(n)).await.expect("read");
    let group = group.expect("a group");
    let members = listed(store, id, n, 0, 10_000).await;
    assert_eq!(
        group.participant_count,
        members.len() as i64,
        "kept, not counted"
    );
    members
}

async fn listed(
    store: &Store,
    id: &SessionId,
    n: u32,
    after: i64,
    limit: u32,
) -> Vec<MemberRecord> {
    let members = store.list_members(id, &gid(n), after, limit).await;
    members.expect("read").expect("a group")
}

async fn groups(store: &Store, id: &SessionId) -> Vec<GroupRecord> {
    store.list_groups(id, 0, 100).await.expect("groups")
}

/// Who is in a group, for people to read: phone, LID, role, first and last seen.
async fn shown(store: &Store, id: &SessionId, n: u32) -> Vec<String> {
    let members = members(store, id, n).await;
    let shown = members.iter().map(|member| {
        let name = |name: &Option<String>| match name {
            Some(name) => name.split('@').next().unwrap_or_default().to_owned(),
            None => "-".to_owned(),
        };
        let MemberRecord {
            jid,
            lid,
            role,
            first_seen_at,
            last_seen_at,
            ..
        } = member;
        let (jid, lid) = (name(jid), name(lid));
        format!("{jid} {lid} {role:?} {first_seen_at} {last_seen_at}")
    });
    shown.collect()
}

async fn a_sync_replaces_and_remembers_who_was_there(fresh: Fresh) {
    let (Fresh { store, .. }, id) = &fresh.with_session().await;
    let before = vec![
        group(
            1,
            vec![
                person(Some(62_811), None, Role::Member),
                person(None, Some(2), Role::Admin),
            ],
        ),
        group(2, vec![person(Some(62_811), None, Role::Member)]),
    ];
    sync(store, id, before, 10).await;

    // One person is now known by both names, one came, one is named twice, and a group went.
    let after = group(
        1,
        vec![
            person(Some(62_833), Some(3), Role::Member),
            person(Some(62_811), Some(1), Role::Admin),
            person(None, Some(2), Role::Admin),
            person(Some(62_833), Some(3), Role::Member),
        ],
    );
    sync(store, id, vec![after], 20).await;
    let stored = groups(store, id).await;
    assert_eq!(stored.len(), 1);
    assert_eq!(
        (stored[0].gid.as_str(), stored[0].participant_count),
        (gid(1).as_str(), 3)
    );
    assert_eq!((stored[0].first_seen_at, stored[0].updated_at), (10, 20));
    assert_eq!(stored[0].created_at_wa, Some(7));
    assert_eq!(
        shown(store, id, 1).await,
        [
            "62811 1 Admin 10 20",
            "- 2 Admin 10 20",
            "62833 3 Member 20 20",
        ]
    );
    sync(store, id, vec![], 30).await;
    assert_eq!(groups(store, id).await, []);
    assert_eq!(store.get_group(id, &gid(1)).await.expect("no group"), None);
}

async fn what_has_not_changed_is_not_written(fresh: Fresh) {
    let (Fresh { store, .. }, id) = &fresh.with_session().await;
    let told = |n| {
        let people = (0..n).map(|n| person(Some(62_811 + n), Some(n), Role::Member));
        vec![group(1, people.collect())]
    };
    sync(store, id, told(3), 10).await;
    // In another order it is the same.
    let mut turned = told(3);
    if let Some(people) = &mut turned[0].participants {
        people.reverse();
    }
    sync(store, id, turned, 20).await;
    let unchanged = &groups(store, id).await[0];
    assert_eq!(unchanged.updated_at, 10);
    assert_eq!(
        shown(store, id, 1).await[0],
        "62811 0 Member 10 20",
        "seen again"
    );

    // After a change the members are compared, and still only what is new is written.
    let mut writes = GroupWrites::default();
    writes.change(
        gid(1),
        GroupChange::Added(vec![person(Some(62_814), Some(3), Role::Member)]),
    );
    record(store, id, &writes, 30).await;
    sync(store, id, told(4), 40).await;
    assert_eq!(groups(store, id).await[0].updated_at, 30);
    sync(store, id, told(5), 50).await;
    assert_eq!(groups(store, id).await[0].updated_at, 50);
    let seen: Vec<_> = members(store, id, 1)
        .await
        .iter()
        .map(|m| m.first_seen_at)
        .collect();
    assert_eq!(seen, [10, 10, 10, 30, 50]);
}

async fn changes_match_a_person_by_either_name(fresh: Fresh) {
    let (Fresh { store, .. }, id) = &fresh.with_session().await;
    let both = person(Some(62_811), Some(1), Role::Member);
    let by_number = person(Some(62_822), None, Role::Member);
    sync(store, id, vec![group(1, vec![both, by_number])], 10).await;
    let change = async |change: GroupChange| {
        let mut writes = GroupWrites::default();
        writes.change(gid(1), change);
        assert_eq!(record(store, id, &writes, 20).await, []);
    };

    change(GroupChange::Roles(vec![person(None, Some(1), Role::Admin)])).await;
    // The other name of a member who is there is learnt, not added.
    change(GroupChange::Added(vec![person(
        Some(62_822),
        Some(2),
        Role::Member,
    )]))
    .await;
    assert_eq!(
        shown(store, id, 1).await,
        ["62811 1 Admin 10 20", "62822 2 Member 10 20"]
    );
    let members = members(store, id, 1).await;
    assert!(
        !format!("{members:?}").contains("628"),
        "Debug hides numbers"
    );

    change(GroupChange::Removed(vec![person(
        Some(62_811),
        None,
        Role::Member,
    )]))
    .await;
    change(GroupChange::Subject("new".to_owned())).await;
    change(GroupChange::Description(None)).await;
    change(GroupChange::Announce(true)).await;
    change(GroupChange::Locked(true)).await;
    let group = &groups(store, id).await[0];
    assert_eq!(group.subject.as_deref(), Some("new"));
    assert_eq!((&group.description, group.participant_count), (&None, 1));
    assert!(group.is_announce && group.is_locked);
    assert_eq!((group.first_seen_at, group.updated_at), (10, 20));

    let mut writes = GroupWrites::default();
    writes.change(gid(9), GroupChange::Announce(true));
    assert_eq!(
        record(store, id, &writes, 20).await,
        [gid(9)],
        "an unknown group is told"
    );
}

async fn later_writes_fold_into_earlier_ones(fresh: Fresh) {
    let (Fresh { store, .. }, id) = &fresh.with_session().await;
    let one = |n: u64| person(Some(62_810 + n), None, Role::Member);
    let mut first = GroupWrites::default();
    first.replace(vec![
        group(1, vec![one(1)]),
        group(2, vec![one(1)]),
        group(3, vec![one(1)]),
    ]);
    first.change(gid(1), GroupChange::Added(vec![one(2)]));
    let mut later = GroupWrites::default();
    later.change(gid(1), GroupChange::Removed(vec![one(1)]));
    later.tell(group(2, vec![one(7), one(8)]));
    later.change(
        gid(2),
        GroupChange::Roles(vec![person(Some(62_817), None, Role::Admin)]),
    );
    later.remove(gid(3));
    first.then(later);
    assert!(first.is_sync());
    assert_eq!(record(store, id, &first, 10).await, []);
    // Once more, as after a failure of which nobody knows what it left.
    assert_eq!(record(store, id, &first, 10).await, []);
    assert_eq!(groups(store, id).await.len(), 2);
    assert_eq!(shown(store, id, 1).await, ["62812 - Member 10 10"]);
    assert_eq!(
        shown(store, id, 2).await,
        ["62817 - Admin 10 10", "62818 - Member 10 10"]
    );
    let mut anew = GroupWrites::default();
    anew.replace(vec![]);
    first.then(anew);
    record(store, id, &first, 20).await;
    assert_eq!(
        groups(store, id).await,
        [],
        "all groups take the place of what was before"
    );
}

async fn a_group_that_is_told_bare_keeps_what_is_known(fresh: Fresh) {
    let (Fresh { store, .. }, id) = &fresh.with_session().await;
    let bare = GroupInfo {
        subject: None,
        size: Some(2000),
        participants: None,
        ..group(1, vec![])
    };
    sync(store, id, vec![bare.clone()], 10).await;
    let new = &groups(store, id).await[0];
    assert_eq!((&new.subject, new.participant_count), (&None, 2000));
    let told = group(1, vec![person(Some(62_811), None, Role::Member)]);
    sync(store, id, vec![told.clone()], 20).await;
    sync(store, id, vec![told], 25).await;
    assert_eq!(shown(store, id, 1).await, ["62811 - Member 20 25"]);
    sync(store, id, vec![bare], 30).await;
    let known = &groups(store, id).await[0];
    assert_eq!(known.participant_count, 2000);
    assert_eq!(known.subject.as_deref(), Some("group 1"));
    let members = listed(store, id, 1, 0, 10).await;
    assert_eq!(
        (members.len(), members[0].last_seen_at),
        (1, 25),
        "not seen since"
    );
}

async fn pages_are_stable_while_names_are_learnt(fresh: Fresh) {
    let (Fresh { store, .. }, id) = &fresh.with_session().await;
    let people = (0..1200).map(|n| person(Some(6_281_000_000 + n), None, Role::Member));
    let told = vec![
        group(1, people.collect()),
        group(2, vec![]),
        group(3, vec![]),
    ];
    sync(store, id, told, 1).await;
    let page = store.list_groups(id, 0, 2).await.expect("a page");
    assert_eq!((page.len(), page[0].participant_count), (2, 1200));
    let rest = store.list_groups(id, page[1].id, 2).await.expect("a page");
    assert_eq!(rest.len(), 1);

    let mut after = 0;
    let mut seen = Vec::new();
    for begins in (0..1200).step_by(300) {
        let page = listed(store, id, 1, after, 300).await;
        after = page.last().expect("a member").place;
        seen.extend(page.into_iter().filter_map(|member| member.jid));
        // Somebody of the next page is told by another name, and somebody of this one leaves and comes back.
        let mut writes = GroupWrites::default();
        let learnt = person(
            Some(6_281_000_000 + begins + 300),
            Some(begins),
            Role::Admin,
        );
        let back = person(Some(6_281_000_000 + begins), None, Role::Member);
        writes.change(gid(1), GroupChange::Removed(vec![back.clone()]));
        writes.change(gid(1), GroupChange::Roles(vec![learnt]));
        writes.change(gid(1), GroupChange::Added(vec![back]));
        record(store, id, &writes, 2).await;
    }
    seen.sort_unstable();
    let all: Vec<_> = (0..1200)
        .map(|n| format!("{}@s.whatsapp.net", 6_281_000_000_u64 + n))
        .collect();
    assert_eq!(seen, all, "each once");

    store
        .delete_session(id, Keys::Erase)
        .await
        .expect("deleted");
    assert_eq!(groups(store, id).await, []);
}

async fn the_own_roles_are_found_by_either_name(fresh: Fresh) {
    let (Fresh { store, .. }, id) = &fresh.with_session().await;
    let bare = GroupInfo {
        size: Some(9),
        participants: None,
        ..group(4, vec![])
    };
    let told = vec![
        group(1, vec![person(Some(62_811), None, Role::Admin)]),
        group(2, vec![person(None, Some(1), Role::SuperAdmin)]),
        group(3, vec![person(Some(62_822), None, Role::Admin)]),
        bare,
    ];
    sync(store, id, told, 1).await;
    let jid = "62811@s.whatsapp.net".parse().expect("a JID");
    let lid = "1@lid".parse().expect("a LID");
    let mut roles = store
        .stored_roles(id, (&jid, Some(&lid)))
        .await
        .expect("roles");
    roles.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        roles,
        [
            (gid(1), Some(Role::Admin)),
            (gid(2), Some(Role::SuperAdmin)),
            (gid(3), Some(Role::Member)),
            (gid(4), None),
        ]
    );
}

/// A transaction that began with a read would fail here instead of waiting for its turn.
async fn writers_wait_for_each_other(fresh: Fresh) {
    let store = fresh.store;
    let mut writers = tokio::task::JoinSet::new();
    for n in 1..=8 {
        let store = store.clone();
        writers.spawn(async move {
            let session = session("org");
            store.insert_session(&session).await?;
            let mut writes = GroupWrites::default();
            let people = vec![person(Some(62_811), None, Role::Member)];
            writes.tell(group(n, people.clone()));
            store.record_groups(&session.id, &writes, 1).await?;
            writes.change(gid(n), GroupChange::Roles(people));
            store.record_groups(&session.id, &writes, 2).await
        });
    }
    for written in writers.join_all().await {
        assert_eq!(written.expect("written"), []);
    }
    assert_eq!(store.all_sessions().await.expect("sessions").len(), 8);
}
