//! One process, one database.

use sqlx::Executor as _;

use super::tests::{Fresh, on_both};
use super::*;

on_both! {
    whoever_comes_second_is_told_of_the_first,
}

async fn whoever_comes_second_is_told_of_the_first(fresh: Fresh) {
    let first = Lock::take(&fresh.database).await.expect("the lock");
    let refused = Lock::take(&fresh.database).await;
    let error = refused.expect_err("taken").to_string();
    let holder = format!("process {}", std::process::id());
    assert!(error.contains(&holder) && !error.contains('\n'), "{error}");
    first.release().await;
    let next = Lock::take(&fresh.database).await.expect("free again");
    next.release().await;
}

async fn lease_of_another(fresh: &Fresh, expires_in: i64) {
    let other = sqlx::query(
        "INSERT INTO lease VALUES (1, 'other', 'process 1', (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT + $1)",
    );
    let other = other.bind(expires_in).execute(&fresh.store.pools.write);
    other.await.expect("a lease");
}

/// What a process that was killed leaves is waited out.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_nobody_renews_is_taken_over() {
    let fresh = Fresh::postgres().await;
    lease_of_another(&fresh, 1500).await;
    let mut lock = Lock::take(&fresh.database).await.expect("taken over");
    let other = "UPDATE lease SET holder = 'other'";
    fresh.store.pools.write.execute(other).await.expect("taken");
    let error = lock.lost().await.to_string();
    assert!(error.contains("another process"), "{error}");
    lock.release().await;
    let left = sqlx::query("SELECT holder FROM lease");
    let left = left.fetch_all(&fresh.store.pools.read).await.expect("rows");
    assert_eq!(left.len(), 1, "the other's lease is not released");
}

/// A server that was away for longer than a lease lasts.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_expired_is_kept_when_nobody_has_taken_it() {
    let fresh = Fresh::postgres().await;
    let mut lock = Lock::take(&fresh.database).await.expect("the lock");
    // The connection that renews is ended too.
    let away = "WITH expired AS (UPDATE lease SET expires_at = 0)
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE '%lease%' AND pid <> pg_backend_pid()";
    fresh
        .store
        .pools
        .write
        .execute(away)
        .await
        .expect("expired");
    let renewed = async {
        loop {
            let expiry: i64 = sqlx::query_scalar("SELECT expires_at FROM lease")
                .fetch_one(&fresh.store.pools.read)
                .await
                .expect("a lease");
            if expiry > 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = renewed => {}
        error = lock.lost() => panic!("{error}"),
    }
    lock.release().await;
}

/// The tables are made by whoever comes first, and nobody fails for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_server_is_taken_by_one_of_many() {
    let fresh = Fresh::postgres().await;
    let anew = "DROP SCHEMA public CASCADE; CREATE SCHEMA public";
    fresh.store.pools.write.execute(anew).await.expect("empty");
    let mut taking = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let database = fresh.database.clone();
        taking.spawn(async move { Lock::take(&database).await });
    }
    let results = taking.join_all().await;
    let taken = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(taken, 1, "{results:?}");
}
