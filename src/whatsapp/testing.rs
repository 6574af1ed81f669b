//! What the tests of this module share.

use tempfile::TempDir;

use crate::jid::SessionId;
use crate::store::{DeviceState, SessionRecord, Status, Store, now};

/// A database in a directory of its own, with one session.
pub(super) async fn store() -> (Store, SessionId, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(&directory.path().join("test.db")).await;
    let store = store.expect("a database");
    let session = SessionRecord {
        id: SessionId::generate(),
        organization_id: "org".to_owned(),
        created_by_user_id: None,
        label: None,
        status: Status::Stopped,
        started: false,
        phone_number: None,
        wa_jid: None,
        wa_lid: None,
        created_at: now(),
        updated_at: now(),
        last_connected_at: None,
    };
    store.insert_session(&session).await.expect("a session");
    (store, session.id, directory)
}

/// The device state of a session of its own.
pub(super) async fn device_state() -> (DeviceState, TempDir) {
    let (store, session, directory) = store().await;
    (store.device_state(&session), directory)
}
