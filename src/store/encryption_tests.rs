//! Device state that is encrypted: what is stored, which keys open it, and how it gets another key.

use sqlx::Row as _;

use super::forgetting_tests::{carve, paired};
use super::tests::{Fresh, on_both, session};
use super::*;
use crate::jid::SessionId;

on_both! {
    records_are_read_as_they_were_written,
    what_is_not_changed_is_not_written,
    a_value_opens_in_its_own_row_alone,
    a_device_that_is_set_aside_can_be_used,
    turning_it_on_encrypts_what_is_there,
    a_missing_or_another_key_is_refused,
    a_rotation_goes_on_where_it_was_stopped,
}

/// Not `assert_eq`, which would print all of them.
async fn all_there(device: &DeviceState) {
    let rows = device.scan("prekey", b"").await.expect("read");
    assert!(rows == many(), "{} rows, or others", rows.len());
}

fn key(n: u8) -> EncryptionKey {
    EncryptionKey::new(&[n; 32])
}

async fn unlocked(store: &Store, n: u8) -> Store {
    store
        .clone()
        .unlock(Some(key(n)), None)
        .await
        .expect("the right key")
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_nothing_in_the_clear_is_left_over() {
    let (store, dir) = tests::store().await;
    paired(&store).await;
    unlocked(&store, 1).await;
    assert_eq!(carve(&dir.path().join("db")), 0);
}

/// The table's file still has the rows from before, until it is written anew.
#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_the_table_is_written_anew() {
    let (fresh, id) = Fresh::postgres().await.with_session().await;
    let device = fresh.store.device_state(&id);
    device.put_many(&many()).await.expect("written");
    let file = async |store: &Store| -> String {
        sqlx::query_scalar("SELECT pg_relation_filepath('device_state')")
            .fetch_one(&store.pools.read)
            .await
            .expect("a path")
    };
    let before = file(&fresh.store).await;
    let store = unlocked(&fresh.store, 1).await;
    let after = file(&store).await;
    assert_ne!(after, before);
    let store = unlocked(&store, 1).await;
    assert_eq!(file(&store).await, after, "once is enough");
}

/// What is stored of a session: the id of the key and the value of each row.
async fn stored(store: &Store, session: &SessionId) -> Vec<(Option<String>, Vec<u8>)> {
    let rows = sqlx::query(
        "SELECT key_id, value FROM device_state WHERE session_id = $1 ORDER BY kind, key",
    )
    .bind(session.as_str())
    .fetch_all(&store.pools.read)
    .await
    .expect("rows");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// More rows than one statement takes.
fn many() -> Vec<Row> {
    (0..1100u32)
        .map(|n| Row::new("prekey", n.to_be_bytes(), format!("secret {n}")).at(7))
        .collect()
}

async fn records_are_read_as_they_were_written(fresh: Fresh) {
    let (fresh, id) = fresh.with_session().await;
    let store = unlocked(&fresh.store, 1).await;
    let device = store.device_state(&id);
    // The last of one key is what stays.
    let mut twice = many();
    twice.insert(0, Row::new("prekey", 1099u32.to_be_bytes(), "before"));
    device.put_many(&twice).await.expect("written");
    for (found, value) in stored(&store, &id).await {
        assert_eq!(found.as_deref(), Some(key(1).id()));
        assert!(!value.windows(6).any(|part| part == b"secret"));
    }

    all_there(&device).await;
    let keys: Vec<_> = many().into_iter().map(|row| row.key).collect();
    let mut found = device.get_many("prekey", &keys).await.expect("read");
    found.sort_by(|a, b| a.key.cmp(&b.key));
    assert!(found == many(), "{} rows, or others", found.len());
    for (key, value) in [(&keys[3], Some(b"secret 3".to_vec())), (&vec![9], None)] {
        assert_eq!(device.get("prekey", key).await.expect("read"), value);
        assert_eq!(device.take("prekey", key).await.expect("taken"), value);
        assert_eq!(device.get("prekey", key).await.expect("read"), None);
    }
    device.probe().await.expect("writes are taken");
}

async fn what_is_not_changed_is_not_written(fresh: Fresh) {
    let (fresh, id) = fresh.with_session().await;
    let store = unlocked(&fresh.store, 1).await;
    let device = store.device_state(&id);
    let rows = [
        Row::new("one", "a", "value"),
        Row::new("one", "b", "value"),
        Row::new("two", "a", "value"),
    ];
    device.put_many(&rows).await.expect("written");
    let before = stored(&store, &id).await;
    device.put_many(&rows).await.expect("written");
    assert_eq!(stored(&store, &id).await, before);

    let [one, other, third] = rows;
    let changed = [one, Row::new("one", "b", "other"), third.at(5)];
    device.put_many(&changed).await.expect("written");
    let after = stored(&store, &id).await;
    assert_eq!(after[0], before[0]);
    assert_ne!(after[1], before[1]);
    assert_ne!(after[2], before[2]);
    device.put(other).await.expect("written");
    let value = device.get("one", b"b").await.expect("read");
    assert_eq!(value, Some(b"value".to_vec()));
}

async fn a_value_opens_in_its_own_row_alone(fresh: Fresh) {
    let (fresh, one) = fresh.with_session().await;
    let store = unlocked(&fresh.store, 1).await;
    let other = session("org");
    store.insert_session(&other).await.expect("inserted");
    for id in [&one, &other.id] {
        let device = store.device_state(id);
        let rows = [Row::new("one", "a", "1"), Row::new("one", "b", "2")];
        device.put_many(&rows).await.expect("written");
    }
    for swap in [
        "UPDATE device_state SET value = (SELECT value FROM device_state
             WHERE session_id <> $1 AND kind = 'one' AND key = $2)
         WHERE session_id = $1 AND kind = 'one' AND key = $2",
        "UPDATE device_state SET kind = 'two' WHERE session_id = $1 AND key = $2",
        "UPDATE device_state SET key_id = NULL WHERE session_id = $1 AND key = $2",
    ] {
        let device = store.device_state(&one);
        assert!(device.scan("one", b"").await.is_ok());
        let changed = sqlx::query(swap)
            .bind(one.as_str())
            .bind(b"a".as_slice())
            .execute(&store.pools.write)
            .await;
        assert_eq!(changed.expect("swapped").rows_affected(), 1);
        for kind in ["one", "two"] {
            if let Ok(Some(value)) = device.get(kind, b"a").await {
                panic!("{swap}: opened {value:?}");
            }
        }
        device.clear().await.expect("cleared");
        let rows = [Row::new("one", "a", "1"), Row::new("one", "b", "2")];
        device.put_many(&rows).await.expect("written");
    }
}

async fn a_device_that_is_set_aside_can_be_used(fresh: Fresh) {
    let (fresh, id) = fresh.with_session().await;
    let store = unlocked(&fresh.store, 1).await;
    let device = store.device_state(&id);
    device.put_many(&many()).await.expect("written");
    let kept = store.delete_session(&id, Keys::KeepToUnlink).await;
    let kept = kept.expect("deleted").expect("kept");
    assert_eq!(stored(&store, &id).await, []);
    let device = store.device_state(&kept.id);
    all_there(&device).await;
}

async fn turning_it_on_encrypts_what_is_there(fresh: Fresh) {
    let (fresh, id) = fresh.with_session().await;
    let device = fresh.store.device_state(&id);
    device.put_many(&many()).await.expect("written");
    for (found, value) in stored(&fresh.store, &id).await {
        assert_eq!(found, None);
        assert!(value.starts_with(b"secret"));
    }

    let store = unlocked(&fresh.store, 1).await;
    for (found, value) in stored(&store, &id).await {
        assert_eq!(found.as_deref(), Some(key(1).id()));
        assert!(!value.windows(6).any(|part| part == b"secret"));
    }
    let device = store.device_state(&id);
    all_there(&device).await;
    // Once is enough.
    let before = stored(&store, &id).await;
    let store = unlocked(&store, 1).await;
    assert_eq!(stored(&store, &id).await, before);
}

async fn a_missing_or_another_key_is_refused(fresh: Fresh) {
    let (fresh, id) = fresh.with_session().await;
    let store = unlocked(&fresh.store, 1).await;
    let device = store.device_state(&id);
    device.put_many(&many()).await.expect("written");
    let plain = session("org");
    store.insert_session(&plain).await.expect("inserted");
    let device = fresh.store.device_state(&plain.id);
    device.put(many().remove(0)).await.expect("written");
    let before = stored(&store, &plain.id).await;

    for (new, old) in [(None, None), (Some(2), None), (Some(2), Some(3))] {
        let unlocked = fresh.store.clone().unlock(new.map(key), old.map(key)).await;
        let error = unlocked.expect_err("another key").to_string();
        assert!(error.contains(key(1).id()), "{error}");
    }
    assert_eq!(stored(&store, &plain.id).await, before, "nothing changed");
    let device = fresh.store.device_state(&id);
    assert!(device.get("prekey", &[0; 4]).await.is_err(), "not unlocked");
}

async fn a_rotation_goes_on_where_it_was_stopped(fresh: Fresh) {
    let (fresh, one) = fresh.with_session().await;
    let other = session("org");
    fresh.store.insert_session(&other).await.expect("inserted");
    let store = unlocked(&fresh.store, 1).await;
    for id in [&one, &other.id] {
        let device = store.device_state(id);
        device.put_many(&many()).await.expect("written");
    }
    // One session is done, the other is not.
    let mut tx = store.begin().await.expect("a transaction");
    let id = one.as_str();
    records::reseal(&mut tx, id, &[Some(&key(1))], id, Some(&key(2)))
        .await
        .expect("sealed anew");
    tx.commit().await.expect("committed");
    for n in [1, 2] {
        let half = fresh.store.clone().unlock(Some(key(n)), None).await;
        assert!(half.is_err(), "a key of some rows alone");
    }

    // To another key, and to none.
    for (old, new) in [(Some(key(1)), Some(key(2))), (Some(key(2)), None)] {
        let rotated = fresh.store.clone().unlock(new.clone(), old).await;
        rotated.expect("rotated");
        let store = fresh.store.clone().unlock(new, None).await;
        let store = store.expect("the key of all rows");
        for id in [&one, &other.id] {
            let device = store.device_state(id);
            all_there(&device).await;
        }
    }
}
