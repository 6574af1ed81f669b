//! What is SQLite's alone: the file.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use sqlx::Executor as _;

use super::tests::{gid, person, record, store};
use super::*;
use crate::group::{GroupChange, Role};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_used_is_told_with_the_fix() {
    let dir = tempfile::tempdir().expect("a directory");
    let not_a_database = dir.path().join("text");
    std::fs::write(&not_a_database, "this is not a database, ".repeat(100)).expect("written");
    let private = Permissions::from_mode(0o600);
    std::fs::set_permissions(&not_a_database, private).expect("allowed");
    let readable = dir.path().join("readable");
    std::fs::write(&readable, "").expect("written");
    let group = Permissions::from_mode(0o640);
    std::fs::set_permissions(&readable, group).expect("allowed");
    let dangling = dir.path().join("dangling");
    symlink(dir.path().join("nothing"), &dangling).expect("a link");
    let newer = dir.path().join("newer");
    let store = Store::open(&newer.clone().into()).await.expect("a store");
    let later =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', TRUE, x'00', 1)";
    store
        .pools
        .write
        .execute(later)
        .await
        .expect("a newer schema");
    store.close().await;

    for (path, says) in [
        (dir.path().to_owned(), "directory"),
        (dir.path().join("no/such/db"), "does not exist"),
        (not_a_database, "not an SQLite database"),
        (newer, "newer"),
        (readable, "chmod 600"),
        (dangling, "link"),
    ] {
        let error = Store::open(&path.into()).await.expect_err(says).to_string();
        assert!(error.contains(says) && !error.contains('\n'), "{error}");
    }
}

/// It has a lock whatever it is called.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_the_file_that_it_leads_to() {
    let (_store, dir) = store().await;
    let link = dir.path().join("link");
    symlink(dir.path().join("db"), &link).expect("a link");
    let _held = Lock::take(&dir.path().join("db").into()).await;
    let refused = Lock::take(&link.clone().into()).await;
    let error = refused.expect_err("the same file").to_string();
    assert!(error.contains("process"), "{error}");
    let opened = Store::open_existing(&link.into()).await;
    opened.expect("another name of it").close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_no_schema_makes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("db");
    let database = Database::from(path.clone());
    let refused = async || {
        let opened = Store::open_existing(&database).await;
        opened.expect_err("not up to date").to_string()
    };
    assert!(refused().await.contains("whatsapp-gateway migrate"));
    assert!(!path.exists());

    sqlite::create(&path).expect("an empty file");
    assert!(refused().await.contains("whatsapp-gateway migrate"));
    let size = path.metadata().expect("a file").len();
    assert_eq!(size, 0, "nothing is written into it");

    let store = Store::open(&database).await.expect("a store");
    let older = "DELETE FROM _sqlx_migrations WHERE version > 1";
    store.pools.write.execute(older).await.expect("older");
    assert!(refused().await.contains("older"));
    let changed = "UPDATE _sqlx_migrations SET checksum = x'00'";
    store.pools.write.execute(changed).await.expect("another");
    assert!(refused().await.contains("not the one of this version"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_whole_private_and_new() {
    let (store, dir) = store().await;
    let database = dir.path().join("db").into();
    let copy = dir.path().join("copy");
    let record = tests::session("org");
    store.insert_session(&record).await.expect("inserted");
    backup(&database, &copy).await.expect("a backup");
    let mode = copy.metadata().expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let restored = Store::open(&copy.clone().into()).await.expect("a store");
    assert_eq!(restored.all_sessions().await.expect("sessions"), [record]);

    let again = backup(&database, &copy).await;
    again.expect_err("the file exists");
    assert_eq!(restored.all_sessions().await.expect("kept").len(), 1);
    let none = dir.path().join("none");
    let nothing = backup(&none.clone().into(), &dir.path().join("copy 2")).await;
    nothing.expect_err("no database");
    assert!(!none.exists() && !dir.path().join("copy 2").exists());
}

/// Of a path with everything in it that a URL writes otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_has_the_name_that_was_given() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("ä b?c#d%20e.db");
    let store = Store::open(&path.clone().into()).await.expect("a store");
    store.close().await;
    assert!(path.exists());
    let files = std::fs::read_dir(dir.path()).expect("a directory").count();
    assert_eq!(files, 1, "and its log is gone with the last connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_file_is_for_its_owner_alone() {
    let (_store, dir) = store().await;
    let mode = std::fs::metadata(dir.path().join("db"))
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// What the version before groups had numbers has stored is there after it.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_file_is_brought_up_to_date() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("old.db");
    std::fs::File::create(&path).expect("a file");
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("its mode");
    let old = sqlx::SqlitePool::connect(path.to_str().expect("UTF-8")).await;
    let old = old.expect("a database");
    sqlite::MIGRATIONS.run_to(4, &old).await.expect("a schema");
    let session = "01HZ0000000000000000000000";
    let rows = "
        INSERT INTO sessions (id, organization_id, status, started, created_at, updated_at, status_changed_at)
        VALUES ('01HZ0000000000000000000000', 'org', 'working', TRUE, 1, 2, 2);
        INSERT INTO groups (session_id, group_jid, subject, is_announce, is_locked, first_seen_at, updated_at)
        VALUES ('01HZ0000000000000000000000', '120363000000000001@g.us', '', TRUE, FALSE, 3, 4);
        INSERT INTO group_members (session_id, group_jid, member_key, jid, lid, role, first_seen_at, last_seen_at) VALUES
        ('01HZ0000000000000000000000', '120363000000000001@g.us', '1@lid', '62811@s.whatsapp.net', '1@lid', 'admin', 5, 6),
        ('01HZ0000000000000000000000', '120363000000000001@g.us', '62822@s.whatsapp.net', '62822@s.whatsapp.net', NULL, 'member', 7, 8);
        INSERT INTO device_state (session_id, kind, key, value, at)
        VALUES ('01HZ0000000000000000000000', 'device', x'00', x'01', 0);";
    old.execute(rows).await.expect("rows");
    old.close().await;

    let store = Store::open(&path.into()).await.expect("a store");
    let id = session.parse().expect("a session id");
    assert!(store.all_sessions().await.expect("sessions")[0].started);
    let known = gid(1);
    let group = store.get_group(&id, &known).await.expect("read");
    let group = group.expect("a group");
    assert_eq!((group.subject, group.participant_count), (None, 2));
    assert!(group.is_announce && !group.is_locked);
    let members = store.list_members(&id, &known, 0, 10).await.expect("read");
    let members = members.expect("a group").into_iter();
    let members: Vec<_> = members
        .map(|m| (m.jid, m.lid, m.role, m.first_seen_at))
        .collect();
    assert_eq!(
        members,
        [
            (
                Some("62811@s.whatsapp.net".to_owned()),
                Some("1@lid".to_owned()),
                Role::Admin,
                5
            ),
            (
                Some("62822@s.whatsapp.net".to_owned()),
                None,
                Role::Member,
                7
            ),
        ]
    );
    let device = store.device_state(&id).get("device", b"\0").await;
    assert_eq!(device.expect("read"), Some(vec![1]));
    // And it goes on from there.
    let mut writes = GroupWrites::default();
    writes.change(
        known.clone(),
        GroupChange::Added(vec![person(Some(62_833), None, Role::Member)]),
    );
    record(&store, &id, &writes, 9).await;
    let group = store.get_group(&id, &known).await.expect("read");
    assert_eq!(group.expect("a group").participant_count, 3);
}
