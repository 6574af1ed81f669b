use tempfile::TempDir;

use super::*;
use crate::group::{GroupChange, GroupInfo, Participant, Role};
use crate::jid::{GroupJid, SessionId};

const GID: &str = "120363000000000001@g.us";

pub(super) async fn store() -> (Store, TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(&dir.path().join("db")).await.expect("a store");
    (store, dir)
}

pub(super) fn session(organization: &str) -> SessionRecord {
    SessionRecord {
        label: Some("a label".to_owned()),
        created_at: 1,
        updated_at: 1,
        status_changed_at: 1,
        ..SessionRecord::new(organization)
    }
}

async fn store_with_session() -> (Store, SessionId, TempDir) {
    let (store, dir) = store().await;
    let session = session("org");
    store.insert_session(&session).await.expect("inserted");
    (store, session.id, dir)
}

pub(super) fn person(jid: Option<u64>, lid: Option<u64>, role: Role) -> Participant {
    Participant {
        jid: jid.map(|user| format!("{user}@s.whatsapp.net").parse().expect("a JID")),
        lid: lid.map(|user| format!("{user}@lid").parse().expect("a LID")),
        role,
    }
}

fn gid(n: u32) -> GroupJid {
    format!("12036300000000000{n}@g.us").parse().expect("a gid")
}

pub(super) fn group(n: u32, participants: Vec<Participant>) -> GroupInfo {
    GroupInfo {
        gid: gid(n),
        subject: Some(format!("group {n}")),
        description: Some("about".to_owned()),
        owner: None,
        is_announce: false,
        is_locked: false,
        created_at: Some(7),
        size: None,
        participants: Some(participants),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_round_trip_and_survive_a_reopening() {
    let (store, dir) = store().await;
    let mut one = session("a");
    let two = session("b");
    for session in [&one, &two] {
        store.insert_session(session).await.expect("inserted");
    }
    one.status = Status::Working;
    one.started = true;
    one.phone_number = Some("628111".to_owned());
    one.wa_jid = Some("628111@s.whatsapp.net".to_owned());
    one.last_connected_at = Some(9);
    one.status_reason = Some(StatusReason::Banned);
    one.status_detail = Some("banned for a time".to_owned());
    one.retry_at = Some(10);
    one.status_changed_at = 8;
    store.update_session(&one).await.expect("updated");
    store
        .delete_session(&two.id, Keys::Erase)
        .await
        .expect("deleted");
    store.close().await;

    let store = Store::open(&dir.path().join("db")).await.expect("a store");
    assert_eq!(store.all_sessions().await.expect("sessions"), [one]);
    for status in Status::ALL {
        assert_eq!(status.as_str().parse::<Status>().ok(), Some(*status));
    }
    for reason in StatusReason::ALL {
        assert_eq!(reason.as_str().parse::<StatusReason>().ok(), Some(*reason));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_replaces_and_remembers_who_was_there() {
    let (store, id, _dir) = store_with_session().await;
    let before = [
        group(
            1,
            vec![
                person(Some(62_811), None, Role::Member),
                person(None, Some(2), Role::Admin),
            ],
        ),
        group(2, vec![person(Some(62_811), None, Role::Member)]),
    ];
    store.sync_groups(&id, &before, 10).await.expect("synced");

    // One person is now known by both names, one came, and a group went.
    let after = [group(
        1,
        vec![
            person(Some(62_811), Some(1), Role::Admin),
            person(None, Some(2), Role::Admin),
            person(Some(62_833), Some(3), Role::Member),
        ],
    )];
    store.sync_groups(&id, &after, 20).await.expect("synced");

    let groups = store.list_groups(&id, None, 10).await.expect("groups");
    assert_eq!(groups.len(), 1);
    assert_eq!(
        (groups[0].gid.as_str(), groups[0].participant_count),
        (GID, 3)
    );
    assert_eq!((groups[0].first_seen_at, groups[0].updated_at), (10, 20));
    assert_eq!(groups[0].created_at_wa, Some(7));
    let members = store
        .list_members(&id, &gid(1), None, 10)
        .await
        .expect("members");
    let seen: Vec<_> = members
        .iter()
        .map(|m| {
            (
                m.member_key.as_str(),
                m.jid.is_some(),
                m.role,
                m.first_seen_at,
                m.last_seen_at,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("1@lid", true, Role::Admin, 10, 20),
            ("2@lid", false, Role::Admin, 10, 20),
            ("3@lid", true, Role::Member, 20, 20),
        ]
    );
    store.sync_groups(&id, &[], 30).await.expect("synced");
    assert_eq!(store.list_groups(&id, None, 10).await.expect("groups"), []);
    assert_eq!(store.get_group(&id, &gid(1)).await.expect("no group"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_match_a_person_by_either_name() {
    let (store, id, _dir) = store_with_session().await;
    let both = person(Some(62_811), Some(1), Role::Member);
    let by_number = person(Some(62_822), None, Role::Member);
    store
        .sync_group(&id, &group(1, vec![both, by_number]), 10)
        .await
        .expect("synced");
    let change = async |change: GroupChange| {
        store
            .change_group(&id, &gid(1), &change, 20)
            .await
            .expect("changed")
    };

    assert!(change(GroupChange::Roles(vec![person(None, Some(1), Role::Admin)])).await);
    // The other name of a member who is there is learnt, not added.
    assert!(
        change(GroupChange::Added(vec![person(
            Some(62_822),
            Some(2),
            Role::Member
        )]))
        .await
    );
    let members = store
        .list_members(&id, &gid(1), None, 10)
        .await
        .expect("members");
    let seen: Vec<_> = members
        .iter()
        .map(|m| {
            (
                m.member_key.as_str(),
                m.jid.as_deref().unwrap_or("-"),
                m.role,
                m.first_seen_at,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("1@lid", "62811@s.whatsapp.net", Role::Admin, 10),
            ("2@lid", "62822@s.whatsapp.net", Role::Member, 10),
        ]
    );
    assert!(
        !format!("{members:?}").contains("628"),
        "Debug hides numbers"
    );

    assert!(
        change(GroupChange::Removed(vec![person(
            Some(62_811),
            None,
            Role::Member
        )]))
        .await
    );
    assert!(change(GroupChange::Subject("new".to_owned())).await);
    assert!(change(GroupChange::Description(None)).await);
    assert!(change(GroupChange::Announce(true)).await);
    assert!(change(GroupChange::Locked(true)).await);
    let group = store
        .get_group(&id, &gid(1))
        .await
        .expect("read")
        .expect("a group");
    assert_eq!(group.subject.as_deref(), Some("new"));
    assert_eq!((group.description, group.participant_count), (None, 1));
    assert!(group.is_announce && group.is_locked);
    assert_eq!((group.first_seen_at, group.updated_at), (10, 20));

    let unknown = store
        .change_group(&id, &gid(9), &GroupChange::Announce(true), 20)
        .await;
    assert!(!unknown.expect("nothing done"), "an unknown group is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_page_by_key_and_large_groups_fit() {
    let (store, id, _dir) = store_with_session().await;
    let people = (0..1200)
        .map(|n| person(Some(6_281_000_000 + n), None, Role::Member))
        .collect();
    let groups = [group(1, people), group(2, vec![]), group(3, vec![])];
    store.sync_groups(&id, &groups, 1).await.expect("synced");

    let page = store.list_groups(&id, None, 2).await.expect("a page");
    assert_eq!(page.len(), 2);
    assert_eq!(page[0].participant_count, 1200);
    let rest = store
        .list_groups(&id, Some(&page[1].gid), 2)
        .await
        .expect("a page");
    assert_eq!(rest.len(), 1);

    let mut after: Option<String> = None;
    let mut seen = 0;
    loop {
        let page = store
            .list_members(&id, &gid(1), after.as_deref(), 500)
            .await
            .expect("a page");
        seen += page.len();
        match page.last() {
            Some(last) => after = Some(last.member_key.clone()),
            None => break,
        }
    }
    assert_eq!(seen, 1200);

    store
        .delete_session(&id, Keys::Erase)
        .await
        .expect("deleted");
    assert_eq!(store.list_groups(&id, None, 10).await.expect("groups"), []);
}

/// A transaction that began with a read would fail here instead of waiting for its turn.
#[tokio::test(flavor = "multi_thread")]
async fn writers_wait_for_each_other() {
    let (store, id, _dir) = store_with_session().await;
    let mut writers = tokio::task::JoinSet::new();
    for n in 1..=8 {
        let (store, id) = (store.clone(), id.clone());
        writers.spawn(async move {
            let people = vec![person(Some(62_811), None, Role::Member)];
            store.sync_group(&id, &group(n, people.clone()), 1).await?;
            store
                .change_group(&id, &gid(n), &GroupChange::Roles(people), 2)
                .await
        });
    }
    for written in writers.join_all().await {
        assert!(written.expect("written"));
    }
    assert_eq!(
        store
            .list_groups(&id, None, 10)
            .await
            .expect("groups")
            .len(),
        8
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn api_keys_are_listed_by_organization_and_revoked_once() {
    let (store, _dir) = store().await;
    for (id, organization) in [("1", "a"), ("2", "b")] {
        let key = ApiKeyRecord {
            id: id.to_owned(),
            organization_id: organization.to_owned(),
            name: "n".to_owned(),
            capabilities: "read".to_owned(),
            created_at: 1,
            expires_at: None,
            revoked_at: None,
        };
        let hash = [id.as_bytes()[0]; 32];
        store.insert_api_key(&key, &hash).await.expect("inserted");
        assert_eq!(store.find_api_key(&hash).await.expect("read"), Some(key));
    }
    assert_eq!(store.list_api_keys(None).await.expect("keys").len(), 2);
    assert!(store.revoke_api_key("1", 5).await.expect("revoked"));
    assert!(store.revoke_api_key("1", 6).await.expect("again"));
    assert!(!store.revoke_api_key("3", 5).await.expect("no such key"));
    let listed = store.list_api_keys(Some("a")).await.expect("keys");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].revoked_at, Some(5));
    assert_eq!(store.find_api_key(&[0; 32]).await.expect("read"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_used_is_told_with_the_fix() {
    let dir = tempfile::tempdir().expect("a directory");
    let not_a_database = dir.path().join("text");
    std::fs::write(&not_a_database, "this is not a database, ".repeat(100)).expect("written");
    let newer = dir.path().join("newer");
    let store = Store::open(&newer).await.expect("a store");
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', TRUE, x'00', 1)",
    )
    .execute(&store.pool)
    .await
    .expect("a newer schema");
    store.close().await;

    for (path, says) in [
        (dir.path().to_owned(), "directory"),
        (dir.path().join("no/such/db"), "does not exist"),
        (not_a_database, "not an SQLite database"),
        (newer, "newer"),
    ] {
        let error = Store::open(&path).await.expect_err(says).to_string();
        assert!(error.contains(says) && !error.contains('\n'), "{error}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_new_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_store, dir) = store().await;
    let mode = std::fs::metadata(dir.path().join("db"))
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}
