//! An account that is forgotten is gone: from the tables, at once and for good, and from the file.

use std::path::Path;
use std::time::Duration;

use super::tests::{group, person, session, store, sync};
use super::*;
use crate::group::Role;

/// A session with an account, a group with a member, and two records of a device.
pub(super) async fn paired(store: &Store) -> SessionRecord {
    let mut session = session("org");
    session.wa_jid = Some("628111@s.whatsapp.net".to_owned());
    store.insert_session(&session).await.expect("inserted");
    let people = vec![person(Some(62_811), None, Role::Member)];
    sync(store, &session.id, vec![group(1, people)], 1).await;
    let device = store.device_state(&session.id);
    let rows = [
        Row::new("device", "", secret()),
        Row::new("pre_key", "1", secret().repeat(300)),
    ];
    device.put_many(&rows).await.expect("written");
    session
}

fn secret() -> String {
    ["the", "private", "key"].join("-")
}

/// How often the secret is in the file and in its log.
pub(super) fn carve(database: &Path) -> usize {
    let mut found = 0;
    for end in ["", "-wal"] {
        let mut file = database.as_os_str().to_owned();
        file.push(end);
        let bytes = std::fs::read(file).unwrap_or_default();
        let secret = secret().into_bytes();
        found += bytes
            .windows(secret.len())
            .filter(|part| *part == secret)
            .count();
    }
    found
}

async fn eventually_carved_clean(database: &Path) {
    let clean = async {
        while carve(database) > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), clean)
        .await
        .expect("nothing left in the file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_account_leaves_nothing_behind() {
    let (store, dir) = store().await;
    let mut session = paired(&store).await;
    assert!(carve(&dir.path().join("db")) > 0, "there is a key to find");
    session.wa_jid = None;
    session.status = Status::LoggedOut;
    let kept = store.forget_account(&session, Keys::Erase).await;
    assert_eq!(kept.expect("forgotten"), None);

    let groups = store.list_groups(&session.id, 0, 10).await;
    assert_eq!(groups.expect("groups"), []);
    let device = store.device_state(&session.id);
    assert_eq!(device.get("device", b"").await.expect("read"), None);
    assert_eq!(store.unlinkings().await.expect("none"), []);
    assert_eq!(store.all_sessions().await.expect("sessions"), [session]);
    eventually_carved_clean(&dir.path().join("db")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_unlinked_is_kept_out_of_sight() {
    let (store, dir) = store().await;
    let mut out = paired(&store).await;
    let gone = paired(&store).await;
    out.wa_jid = None;
    let first = store.forget_account(&out, Keys::KeepToUnlink).await;
    let first = first.expect("forgotten").expect("kept");
    let second = store.delete_session(&gone.id, Keys::KeepToUnlink).await;
    let second = second.expect("deleted").expect("kept");
    // Nothing to keep is nothing kept.
    let again = store.forget_account(&out, Keys::KeepToUnlink).await;
    assert_eq!(again.expect("forgotten"), None);
    store.close().await;

    let store = Store::open(&dir.path().join("db").into())
        .await
        .expect("a store");
    assert_eq!(store.all_sessions().await.expect("sessions"), [out.clone()]);
    let groups = store.list_groups(&out.id, 0, 10).await;
    assert_eq!(groups.expect("groups"), []);
    let mut kept = store.unlinkings().await.expect("kept");
    kept.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
    assert_eq!(kept, [first, second], "ids are generated in order");
    for Unlinking { id, .. } in kept {
        let value = store.device_state(&id).get("device", b"").await;
        assert_eq!(value.expect("read"), Some(secret().into_bytes()));
        let erased = store.delete_session(&id, Keys::Erase).await;
        assert_eq!(erased.expect("erased"), None);
    }
    assert_eq!(store.unlinkings().await.expect("none"), []);
    eventually_carved_clean(&dir.path().join("db")).await;
}

/// A reader that began before holds the log up for as long as it reads, and no longer.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_holds_up_the_emptying_of_the_log_only_for_a_while() {
    let (store, dir) = store().await;
    let session = paired(&store).await;
    let mut reader = store.pools.read.begin().await.expect("a transaction");
    sqlx::query("SELECT * FROM sessions")
        .fetch_all(&mut *reader)
        .await
        .expect("a snapshot");
    let deleted = store.delete_session(&session.id, Keys::Erase).await;
    deleted.expect("deleted");
    assert!(
        carve(&dir.path().join("db")) > 0,
        "the reader sees it still"
    );
    reader.rollback().await.expect("ended");
    eventually_carved_clean(&dir.path().join("db")).await;
}
