//! What is SQLite's alone: the file.

use sqlx::Executor as _;

use super::tests::store;
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_used_is_told_with_the_fix() {
    let dir = tempfile::tempdir().expect("a directory");
    let not_a_database = dir.path().join("text");
    std::fs::write(&not_a_database, "this is not a database, ".repeat(100)).expect("written");
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
    ] {
        let error = Store::open(&path.into()).await.expect_err(says).to_string();
        assert!(error.contains(says) && !error.contains('\n'), "{error}");
    }
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
