//! Keys that callers give to requests, so that a repetition is known and acts no second time.

use std::slice::from_ref;

use sqlx::{AnyConnection, Row as _};

use super::action_record::ActionRecord;
use super::actions::upsert;
use super::addition_record::Part;
use super::additions::begin_part;
use super::{Store, StoreError, now};
use crate::jid::SessionId;
use crate::store::SessionRecord;

/// How long a key is known, in milliseconds: a day.
const KEPT: i64 = 24 * 60 * 60 * 1000;

/// The key of a request. No two requests of an organization have the same, but for repetitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Whose key it is.
    pub organization_id: String,
    /// As the caller gave it.
    pub key: String,
    /// Of the request: a digest of the operation, the path and the body.
    pub fingerprint: String,
}

/// The request that had the same key before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// Of that request.
    pub fingerprint: String,
    /// The session it was about, or that it made.
    pub session: SessionId,
    /// The action that it led to, or the addition; none where it made a session.
    pub action: Option<String>,
}

impl Store {
    /// Writes an action that is about to be sent, takes its key for it and its people out of the addition it is a part of, in
    /// one transaction. Where the key is taken nothing is written, and the request that has it is given.
    ///
    /// # Errors
    /// The database failed: nothing is written.
    pub async fn begin_action(
        &self,
        action: &ActionRecord,
        key: Option<&IdempotencyKey>,
        part: Option<&Part>,
    ) -> Result<Option<Earlier>, StoreError> {
        if key.is_none() && part.is_none() {
            self.save_actions(from_ref(action)).await?;
            return Ok(None);
        }
        let mut tx = self.begin().await?;
        let earlier = match key {
            Some(key) => take(&mut tx, key, &action.session, Some(action.id.as_str())).await?,
            None => None,
        };
        if earlier.is_none() {
            upsert(&mut tx, from_ref(action)).await?;
            if let Some(part) = part {
                begin_part(&mut tx, action, part).await?;
            }
        }
        tx.commit().await?;
        Ok(earlier)
    }

    /// The same for a session that is made.
    ///
    /// # Errors
    /// As [`Self::begin_action`].
    pub async fn begin_session(
        &self,
        session: &SessionRecord,
        key: &IdempotencyKey,
    ) -> Result<Option<Earlier>, StoreError> {
        let mut tx = self.begin().await?;
        let earlier = take(&mut tx, key, &session.id, None).await?;
        if earlier.is_none() {
            super::sessions::insert(&mut tx, session).await?;
        }
        tx.commit().await?;
        Ok(earlier)
    }

    /// The request that has this key, if one has.
    ///
    /// # Errors
    /// The database failed.
    pub async fn find_key(&self, key: &IdempotencyKey) -> Result<Option<Earlier>, StoreError> {
        let mut db = self.pools.read.acquire().await?;
        find(&mut db, key, now() - KEPT).await
    }

    /// Gives a key back: nothing was done, so that a repetition may do it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn free_key(&self, key: &IdempotencyKey) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM idempotency_keys WHERE organization_id = $1 AND key = $2")
            .bind(&key.organization_id)
            .bind(&key.key)
            .execute(&self.pools.write)
            .await?;
        Ok(())
    }

    /// Removes keys that are known no longer.
    ///
    /// # Errors
    /// The database failed.
    pub async fn sweep_keys(&self) -> Result<u64, StoreError> {
        let swept = sqlx::query("DELETE FROM idempotency_keys WHERE created_at < $1")
            .bind(now() - KEPT)
            .execute(&self.pools.write)
            .await?;
        Ok(swept.rows_affected())
    }
}

/// Takes a key, unless it is taken. It is written before anything is read: of two requests at once the database lets one
/// through.
pub(super) async fn take(
    db: &mut AnyConnection,
    key: &IdempotencyKey,
    session: &SessionId,
    action: Option<&str>,
) -> Result<Option<Earlier>, StoreError> {
    let now = now();
    // One that is older than a day is as good as none.
    let taken = sqlx::query(
        "INSERT INTO idempotency_keys (organization_id, key, fingerprint, session_id, action_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (organization_id, key) DO UPDATE SET fingerprint = excluded.fingerprint,
             session_id = excluded.session_id, action_id = excluded.action_id, created_at = excluded.created_at
         WHERE idempotency_keys.created_at < $7",
    )
    .bind(&key.organization_id)
    .bind(&key.key)
    .bind(&key.fingerprint)
    .bind(session.as_str())
    .bind(action)
    .bind(now)
    .bind(now - KEPT)
    .execute(&mut *db)
    .await?;
    if taken.rows_affected() > 0 {
        return Ok(None);
    }
    find(db, key, now - KEPT).await
}

async fn find(
    db: &mut AnyConnection,
    key: &IdempotencyKey,
    since: i64,
) -> Result<Option<Earlier>, StoreError> {
    let row = sqlx::query(
        "SELECT fingerprint, session_id, action_id FROM idempotency_keys
         WHERE organization_id = $1 AND key = $2 AND created_at >= $3",
    )
    .bind(&key.organization_id)
    .bind(&key.key)
    .bind(since)
    .fetch_optional(db)
    .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let unreadable = |_| StoreError::Unreadable("idempotency key");
    Ok(Some(Earlier {
        fingerprint: row.try_get("fingerprint")?,
        session: row
            .try_get::<&str, _>("session_id")?
            .parse()
            .map_err(unreadable)?,
        action: row.try_get("action_id")?,
    }))
}
