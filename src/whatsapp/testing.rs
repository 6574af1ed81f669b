//! What the tests of this module share.

use tempfile::TempDir;

use crate::jid::SessionId;
use crate::store::{DeviceState, SessionRecord, Store};

/// A database in a directory of its own, with one session.
pub(super) async fn store() -> (Store, SessionId, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(&directory.path().join("test.db").into()).await;
    let store = store.expect("a database");
    let session = SessionRecord::new("org");
    store.insert_session(&session).await.expect("a session");
    (store, session.id, directory)
}

/// The device state of a session of its own.
pub(super) async fn device_state() -> (DeviceState, TempDir) {
    let (store, session, directory) = store().await;
    (store.device_state(&session), directory)
}
