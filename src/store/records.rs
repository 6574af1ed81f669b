//! Rows of device state as they are stored: encrypted, where the database is.

use sqlx::{AnyConnection, AssertSqlSafe};

use super::encryption::{EncryptionKey, Place};
use super::{Store, StoreError, parameters};

/// Rows per statement. SQLite takes 32,766 parameters, PostgreSQL 65,535.
const ROWS_A_STATEMENT: usize = 500;

/// One record of a linked device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Row {
    /// What it is; each kind has its own keys.
    pub kind: &'static str,
    /// Which one it is.
    pub key: Vec<u8>,
    /// The record itself.
    pub value: Vec<u8>,
    /// A number the kind gives a meaning to, a time in most; see [`DeviceState::sweep`].
    pub at: i64,
}

impl Row {
    /// A row that no sweep removes.
    pub fn new(kind: &'static str, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self {
            kind,
            key: key.into(),
            value: value.into(),
            at: 0,
        }
    }

    /// The same row with `at`.
    #[must_use]
    pub fn at(mut self, at: i64) -> Self {
        self.at = at;
        self
    }
}

/// A value and the id of the key that it is encrypted with.
pub(super) type Stored = (Vec<u8>, Option<String>);

/// Its kind, key and `at`, then what is [`Stored`].
type StoredRow = (String, Vec<u8>, i64, Vec<u8>, Option<String>);

/// What `stored` holds at `place`, with the one of `keys` that it is encrypted with. No key is for what is not encrypted.
pub(super) fn open(
    keys: &[Option<&EncryptionKey>],
    place: Place<'_>,
    (value, key_id): Stored,
) -> Result<Vec<u8>, StoreError> {
    let id = key_id.as_deref();
    match keys.iter().find(|key| key.map(EncryptionKey::id) == id) {
        Some(Some(key)) => key.open(place, &value),
        Some(None) => Ok(value),
        None => Err(StoreError::Unreadable("encrypted device state")),
    }
}

/// A row to be written.
pub(super) struct Record<'a> {
    pub(super) kind: &'a str,
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
    pub(super) at: i64,
}

/// Writes records of a session, none of them twice, encrypted where there is a key.
pub(super) async fn write(
    db: &mut AnyConnection,
    session: &str,
    key: Option<&EncryptionKey>,
    records: &[Record<'_>],
) -> Result<(), StoreError> {
    for records in records.chunks(ROWS_A_STATEMENT) {
        let rows = (0..records.len()).map(|n| format!("($1, $2, {})", parameters(3 + 4 * n, 4)));
        let rows = rows.collect::<Vec<_>>().join(", ");
        let sql = format!(
            "INSERT INTO device_state (session_id, key_id, kind, key, value, at) VALUES {rows}
             ON CONFLICT (session_id, kind, key) DO UPDATE
                 SET value = excluded.value, at = excluded.at, key_id = excluded.key_id
                 WHERE device_state.value <> excluded.value OR device_state.at <> excluded.at"
        );
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .persistent(records.len() == 1)
            .bind(session)
            .bind(key.map(EncryptionKey::id));
        for record in records {
            let place = Place {
                session,
                kind: record.kind,
                key: record.key,
            };
            let value = match key {
                Some(key) => key.seal(place, record.value)?,
                None => record.value.to_vec(),
            };
            query = query
                .bind(record.kind)
                .bind(record.key)
                .bind(value)
                .bind(record.at);
        }
        query.execute(&mut *db).await?;
    }
    Ok(())
}

/// Writes all rows of the session `from` anew as rows of `to`, encrypted with `key`; says how many. `keys` are those that
/// they may be encrypted with. A value is bound to its row, so it cannot just be moved.
pub(super) async fn reseal(
    db: &mut AnyConnection,
    from: &str,
    keys: &[Option<&EncryptionKey>],
    to: &str,
    key: Option<&EncryptionKey>,
) -> Result<usize, StoreError> {
    let rows: Vec<StoredRow> = sqlx::query_as(
        "SELECT kind, key, at, value, key_id FROM device_state WHERE session_id = $1",
    )
    .bind(from)
    .fetch_all(&mut *db)
    .await?;
    let mut opened = Vec::with_capacity(rows.len());
    for (kind, key, at, value, key_id) in rows {
        let place = Place {
            session: from,
            kind: &kind,
            key: &key,
        };
        let value = open(keys, place, (value, key_id))?;
        opened.push((kind, key, value, at));
    }
    let records = opened.iter().map(|(kind, key, value, at)| Record {
        kind,
        key,
        value,
        at: *at,
    });
    let records: Vec<_> = records.collect();
    write(db, to, key, &records).await?;
    Ok(records.len())
}

impl Store {
    /// Takes the key that device state is encrypted with into use, before anything else touches it. What is not
    /// encrypted with it yet, but not at all or with `old`, is encrypted anew, a session at a time; what an earlier run
    /// has left is taken up. Without a key nothing is encrypted.
    ///
    /// # Errors
    /// [`StoreError::Locked`]: something is encrypted with a third key; nothing has changed. Or the database failed, or
    /// holds what cannot be decrypted.
    pub async fn unlock(
        mut self,
        key: Option<EncryptionKey>,
        old: Option<EncryptionKey>,
    ) -> Result<Self, StoreError> {
        let keys = [None, key.as_ref(), old.as_ref()];
        let id = |key: Option<&EncryptionKey>| key.map(|key| key.id().to_owned());
        let found: Vec<(String, Option<String>)> =
            sqlx::query_as("SELECT DISTINCT session_id, key_id FROM device_state")
                .fetch_all(&self.pools.read)
                .await?;
        let other = found
            .iter()
            .find(|(_, found)| !keys.map(id).contains(found));
        if let Some((_, Some(other))) = other {
            return Err(StoreError::Locked(other.clone()));
        }
        let key = key.as_ref();
        let stale = found.iter().filter(|(_, found)| *found != id(key));
        let stale: Vec<_> = stale.collect();
        for (session, _) in &stale {
            let mut tx = self.begin().await?;
            reseal(&mut tx, session, &keys, session, key).await?;
            tx.commit().await?;
        }
        if !stale.is_empty() {
            let key = key.map_or("none", EncryptionKey::id);
            tracing::info!(
                sessions = stale.len(),
                key,
                "encrypted the device state anew"
            );
            self.erase_old_rows().await?;
        }
        self.key = key.cloned();
        Ok(self)
    }
}
