//! A database copied into one of the other kind.

use sqlx::Executor as _;

use super::tests::{Fresh, gid, group, person, session, sync};
use super::*;
use crate::group::Role;

/// More members than fit into one statement.
const MEMBERS: u64 = 5000;

/// A session with a group, a row of its device, and an api key.
async fn fill(store: &Store) -> SessionRecord {
    let record = session("org");
    store.insert_session(&record).await.expect("inserted");
    let number = |n| Some(628_000_000_000 + n);
    let people = (1..=MEMBERS).map(|n| person(number(n), number(n + MEMBERS), Role::Member));
    sync(store, &record.id, vec![group(1, people.collect())], 1).await;
    let device = store.device_state(&record.id);
    let row = Row::new("identity", *b"\0key", *b"\0\xffvalue").at(7);
    device.put(row).await.expect("written");
    let key = ApiKeyRecord {
        created_by: Caller::User(Some("user".to_owned())),
        expires_at: Some(2),
        last_used_at: Some(3),
        ..ApiKeyRecord::new("org", "n", "read")
    };
    let made = store.insert_api_key(&key, &[7; 32], None).await;
    assert!(made.expect("a key"));
    record
}

async fn everything_is_copied(from: Fresh, to: Fresh) {
    let record = fill(&from.store).await;
    assert_eq!(from.store.copy_to(&to.store).await.expect("copied"), 1);
    let there = async |store: &Store| {
        let device = store.device_state(&record.id);
        let group = store.get_group(&record.id, &gid(1)).await;
        let group = group.expect("read").expect("a group");
        let members = store.list_members(&record.id, &gid(1), 0, u32::MAX).await;
        (
            store.all_sessions().await.expect("sessions"),
            store.all_api_keys().await.expect("keys"),
            members.expect("members").expect("a group"),
            group,
            device.get("identity", b"\0key").await.expect("a value"),
        )
    };
    let copy = there(&to.store).await;
    assert!(copy == there(&from.store).await, "something is not copied");
    assert_eq!(copy.4.as_deref(), Some(&b"\0\xffvalue"[..]));

    // It goes on from there: no number is given twice.
    sync(
        &to.store,
        &record.id,
        vec![group(1, vec![]), group(2, vec![])],
        2,
    )
    .await;
    let again = from.store.copy_to(&to.store).await;
    let error = again.expect_err("not empty").to_string();
    assert!(error.contains("not empty"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_copied_to_postgres() {
    everything_is_copied(Fresh::sqlite().await, Fresh::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_copied_to_sqlite() {
    everything_is_copied(Fresh::postgres().await, Fresh::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_fails_leaves_nothing() {
    let (from, to) = (Fresh::sqlite().await, Fresh::postgres().await);
    fill(&from.store).await;
    // The last table of all.
    let refuse = "ALTER TABLE device_state ADD CHECK (at < 7)";
    to.store.pools.write.execute(refuse).await.expect("altered");
    from.store.copy_to(&to.store).await.expect_err("refused");
    assert_eq!(to.store.all_sessions().await.expect("sessions"), []);
    let same = from.store.copy_to(&Fresh::sqlite().await.store).await;
    same.expect_err("of the same kind");
}

/// A table that a later schema adds has to be copied too.
#[tokio::test(flavor = "multi_thread")]
async fn no_table_is_left_out() {
    let fresh = Fresh::postgres().await;
    let mut known: Vec<&str> = copying::TABLES.to_vec();
    known.extend([schema::NOTES, "lease"]);
    known.sort_unstable();
    let found: Vec<String> = sqlx::query_scalar(
        "SELECT table_name::TEXT FROM information_schema.tables WHERE table_schema = current_schema()
         ORDER BY table_name::TEXT COLLATE \"C\"",
    )
    .fetch_all(&fresh.store.pools.read)
    .await
    .expect("tables");
    assert_eq!(found, known);
}
