//! What the WhatsApp client remembers of a linked device: rows of kind, key and value, a set per session.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyArguments;
use sqlx::{AnyConnection, Arguments as _, AssertSqlSafe};
use tokio::sync::{RwLock, RwLockReadGuard};
use tokio::time::Instant;

use super::encryption::Place;
use super::records::{self, Record, Row, Stored};
use super::{Store, StoreError, parameters};
use crate::jid::SessionId;

/// Keys per statement. SQLite takes 32,766 parameters, PostgreSQL 65,535.
const KEYS_A_STATEMENT: usize = 500;

/// How long a database that took a write is believed to take the next.
const PROVEN: Duration = Duration::from_secs(1);

/// The device state of one session. Clones are the same handle: closing one closes all.
#[derive(Debug, Clone)]
pub struct DeviceState {
    store: Store,
    session: SessionId,
    open: Arc<RwLock<bool>>,
}

impl Store {
    /// A new handle on the device state of `session`. Give each life of a client its own.
    #[must_use]
    pub fn device_state(&self, session: &SessionId) -> DeviceState {
        DeviceState {
            store: self.clone(),
            session: session.clone(),
            open: Arc::new(RwLock::new(true)),
        }
    }
}

/// The end of the range of keys that begin with `prefix`. A prefix of ours never ends in 0xFF.
fn after(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    end
}

impl DeviceState {
    /// Whose device this is.
    #[must_use]
    pub fn session(&self) -> &SessionId {
        &self.session
    }

    /// Ends this handle: waits for writes that are under way and fails those that come later, so that nothing of a
    /// client that has ended reaches the rows of its successor. Reads go on.
    pub async fn close(&self) {
        *self.open.write().await = false;
    }

    /// Writes and removes a row, to see whether the database takes writes now. One that did just before need not show it
    /// again: a thousand clients that are opened together ask once.
    ///
    /// # Errors
    /// It does not.
    pub async fn probe(&self) -> Result<(), StoreError> {
        let mut proven = self.store.proven.lock().await;
        if proven.is_none_or(|at| at.elapsed() >= PROVEN) {
            self.put(Row::new("probe", *b"probe", Vec::new())).await?;
            self.del("probe", &[b"probe"]).await?;
            *proven = Some(Instant::now());
        }
        Ok(())
    }

    async fn writing(&self) -> Result<RwLockReadGuard<'_, bool>, StoreError> {
        let open = self.open.read().await;
        if *open {
            Ok(open)
        } else {
            Err(StoreError::Database(sqlx::Error::PoolClosed))
        }
    }

    /// The record of `kind` under `key`.
    ///
    /// # Errors
    /// The database failed; so for every method here.
    pub async fn get(&self, kind: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let stored = sqlx::query_as(
            "SELECT value, key_id FROM device_state WHERE session_id = $1 AND kind = $2 AND key = $3",
        )
        .bind(self.session.as_str())
        .bind(kind)
        .bind(key)
        .fetch_optional(&self.store.pools.background)
        .await?;
        stored
            .map(|stored| self.open(kind, key, stored))
            .transpose()
    }

    /// The records of `kind` under any of `keys`, in no order.
    ///
    /// # Errors
    /// The database failed.
    pub async fn get_many<K: AsRef<[u8]>>(
        &self,
        kind: &'static str,
        keys: &[K],
    ) -> Result<Vec<Row>, StoreError> {
        let mut db = self.store.pools.background.acquire().await?;
        self.read(&mut db, kind, keys).await
    }

    async fn read<K: AsRef<[u8]>>(
        &self,
        db: &mut AnyConnection,
        kind: &'static str,
        keys: &[K],
    ) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(KEYS_A_STATEMENT) {
            let select = "SELECT key, at, value, key_id FROM device_state";
            let (sql, values) = self.of_keys(select, kind, chunk)?;
            let query = sqlx::query_as_with(sql, values).persistent(false);
            for row in query.fetch_all(&mut *db).await? {
                rows.push(self.row(kind, row)?);
            }
        }
        Ok(rows)
    }

    /// Writes one row, replacing what was there.
    ///
    /// # Errors
    /// The database failed, or the handle is closed; so for every method that writes.
    pub async fn put(&self, row: Row) -> Result<(), StoreError> {
        self.put_many(&[row]).await
    }

    /// Writes rows, all or none.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn put_many(&self, rows: &[Row]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let _open = self.writing().await?;
        // The last of those that have the same key: one statement writes no row twice.
        let rows = rows.iter().map(|row| ((row.kind, row.key.as_slice()), row));
        let rows: BTreeMap<_, _> = rows.collect();
        let mut tx = self.store.begin().await?;
        // What is encrypted anew is other bytes each time, so the database cannot tell where nothing has changed.
        let mut stored = HashSet::new();
        if self.store.key.is_some() {
            let mut kinds: BTreeMap<_, Vec<_>> = BTreeMap::new();
            for (kind, key) in rows.keys() {
                kinds.entry(*kind).or_default().push(*key);
            }
            for (kind, keys) in kinds {
                stored.extend(self.read(&mut tx, kind, &keys).await?);
            }
        }
        let changed = rows.into_values().filter(|row| !stored.contains(*row));
        let records = changed.map(|row| Record {
            kind: row.kind,
            key: &row.key,
            value: &row.value,
            at: row.at,
        });
        let records: Vec<_> = records.collect();
        let key = self.store.key.as_ref();
        records::write(&mut tx, self.session.as_str(), key, &records).await?;
        Ok(tx.commit().await?)
    }

    /// Sets `at` of those rows under `keys` that are there.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn set_at<K: AsRef<[u8]>>(
        &self,
        kind: &str,
        keys: &[K],
        at: i64,
    ) -> Result<(), StoreError> {
        self.execute(&format!("UPDATE device_state SET at = {at}"), kind, keys)
            .await
    }

    /// Removes a row and returns what it held; of two that take at once, one gets it.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn take(&self, kind: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let _open = self.writing().await?;
        let stored = sqlx::query_as(
            "DELETE FROM device_state WHERE session_id = $1 AND kind = $2 AND key = $3
             RETURNING value, key_id",
        )
        .bind(self.session.as_str())
        .bind(kind)
        .bind(key)
        .fetch_optional(&self.store.pools.write)
        .await?;
        stored
            .map(|stored| self.open(kind, key, stored))
            .transpose()
    }

    /// Removes the rows under `keys`, as far as they are there.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn del<K: AsRef<[u8]>>(&self, kind: &str, keys: &[K]) -> Result<(), StoreError> {
        self.execute("DELETE FROM device_state", kind, keys).await
    }

    /// Runs a statement for the rows of `kind` under `keys`.
    async fn execute<K: AsRef<[u8]>>(
        &self,
        statement: &str,
        kind: &str,
        keys: &[K],
    ) -> Result<(), StoreError> {
        let _open = self.writing().await?;
        for chunk in keys.chunks(KEYS_A_STATEMENT) {
            let (sql, values) = self.of_keys(statement, kind, chunk)?;
            let query = sqlx::query_with(sql, values).persistent(false);
            query.execute(&self.store.pools.write).await?;
        }
        Ok(())
    }

    /// `statement` for the rows of `kind` under `keys`, and the values of its parameters.
    fn of_keys<K: AsRef<[u8]>>(
        &self,
        statement: &str,
        kind: &str,
        keys: &[K],
    ) -> Result<(AssertSqlSafe<String>, AnyArguments), StoreError> {
        let list = parameters(3, keys.len());
        let sql = format!("{statement} WHERE session_id = $1 AND kind = $2 AND key IN ({list})");
        let mut values = AnyArguments::default();
        let added = [self.session.as_str(), kind]
            .into_iter()
            .try_for_each(|text| values.add(text))
            .and_then(|()| keys.iter().try_for_each(|key| values.add(key.as_ref())));
        added.map_err(sqlx::Error::Encode)?;
        Ok((AssertSqlSafe(sql), values))
    }

    /// The rows of `kind` whose key begins with `prefix`, in the order of their keys.
    ///
    /// # Errors
    /// The database failed.
    pub async fn scan(&self, kind: &'static str, prefix: &[u8]) -> Result<Vec<Row>, StoreError> {
        let rows = sqlx::query_as(if prefix.is_empty() {
            "SELECT key, at, value, key_id FROM device_state WHERE session_id = $1 AND kind = $2 ORDER BY key"
        } else {
            "SELECT key, at, value, key_id FROM device_state WHERE session_id = $1 AND kind = $2
             AND key >= $3 AND key < $4 ORDER BY key"
        })
        .bind(self.session.as_str())
        .bind(kind);
        let rows = if prefix.is_empty() {
            rows.fetch_all(&self.store.pools.background).await?
        } else {
            rows.bind(prefix)
                .bind(after(prefix))
                .fetch_all(&self.store.pools.background)
                .await?
        };
        rows.into_iter().map(|row| self.row(kind, row)).collect()
    }

    /// Whether a row of `kind` has a key that begins with `prefix`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn any(&self, kind: &str, prefix: &[u8]) -> Result<bool, StoreError> {
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM device_state WHERE session_id = $1 AND kind = $2
             AND key >= $3 AND key < $4 LIMIT 1",
        )
        .bind(self.session.as_str())
        .bind(kind)
        .bind(prefix)
        .bind(after(prefix))
        .fetch_optional(&self.store.pools.background)
        .await?;
        Ok(found.is_some())
    }

    /// The greatest key of `kind`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn last_key(&self, kind: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let key = sqlx::query_scalar(
            "SELECT key FROM device_state WHERE session_id = $1 AND kind = $2
             ORDER BY key DESC LIMIT 1",
        )
        .bind(self.session.as_str())
        .bind(kind)
        .fetch_optional(&self.store.pools.background)
        .await?;
        Ok(key)
    }

    /// Removes the rows of `kind` whose key begins with `prefix`; all of the kind for an empty one.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn del_all(&self, kind: &str, prefix: &[u8]) -> Result<(), StoreError> {
        let _open = self.writing().await?;
        let query = if prefix.is_empty() {
            sqlx::query("DELETE FROM device_state WHERE session_id = $1 AND kind = $2")
                .bind(self.session.as_str())
                .bind(kind)
        } else {
            sqlx::query(
                "DELETE FROM device_state WHERE session_id = $1 AND kind = $2 AND key >= $3 AND key < $4",
            )
            .bind(self.session.as_str())
            .bind(kind)
            .bind(prefix)
            .bind(after(prefix))
        };
        query.execute(&self.store.pools.write).await?;
        Ok(())
    }

    /// Removes the rows of `kind` with `at` before `cutoff`, but for those with 0 (never), and says how many.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn sweep(&self, kind: &str, cutoff: i64) -> Result<u64, StoreError> {
        let _open = self.writing().await?;
        let done = sqlx::query(
            "DELETE FROM device_state WHERE session_id = $1 AND kind = $2 AND at <> 0 AND at < $3",
        )
        .bind(self.session.as_str())
        .bind(kind)
        .bind(cutoff)
        .execute(&self.store.pools.write)
        .await?;
        Ok(done.rows_affected())
    }

    /// Removes all rows, and with them the device.
    #[cfg(test)]
    pub async fn clear(&self) -> Result<(), StoreError> {
        let _open = self.writing().await?;
        sqlx::query("DELETE FROM device_state WHERE session_id = $1")
            .bind(self.session.as_str())
            .execute(&self.store.pools.write)
            .await?;
        Ok(())
    }
}

impl DeviceState {
    fn open(&self, kind: &str, key: &[u8], stored: Stored) -> Result<Vec<u8>, StoreError> {
        let place = Place {
            session: self.session.as_str(),
            kind,
            key,
        };
        records::open(&[self.store.key.as_ref()], place, stored)
    }

    fn row(
        &self,
        kind: &'static str,
        (key, at, value, key_id): (Vec<u8>, i64, Vec<u8>, Option<String>),
    ) -> Result<Row, StoreError> {
        let value = self.open(kind, &key, (value, key_id))?;
        Ok(Row {
            kind,
            key,
            value,
            at,
        })
    }
}
