//! Keys that callers give to requests, so that a repetition is known and acts no second time.

use sqlx::{AnyConnection, Row as _};

use super::action_record::ActionRecord;
use super::actions::upsert;
use super::{Store, StoreError, now};
use crate::jid::{ActionId, SessionId};
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
    /// The record of what became of it; none where it made a session.
    pub action: Option<ActionId>,
}

impl Store {
    /// Writes an action that is about to be sent, and takes its key for it, in one transaction. Where the key is taken
    /// nothing is written, and the request that has it is given.
    ///
    /// # Errors
    /// The database failed: nothing is written.
    pub async fn begin_action(
        &self,
        action: &ActionRecord,
        key: Option<&IdempotencyKey>,
    ) -> Result<Option<Earlier>, StoreError> {
        let Some(key) = key else {
            self.save_actions(std::slice::from_ref(action)).await?;
            return Ok(None);
        };
        let mut tx = self.begin().await?;
        let earlier = take(&mut tx, key, &action.session, Some(&action.id)).await?;
        if earlier.is_none() {
            upsert(&mut tx, std::slice::from_ref(action)).await?;
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
async fn take(
    db: &mut AnyConnection,
    key: &IdempotencyKey,
    session: &SessionId,
    action: Option<&ActionId>,
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
    .bind(action.map(ActionId::as_str))
    .bind(now)
    .bind(now - KEPT)
    .execute(&mut *db)
    .await?;
    if taken.rows_affected() > 0 {
        return Ok(None);
    }
    let row = sqlx::query(
        "SELECT fingerprint, session_id, action_id FROM idempotency_keys WHERE organization_id = $1 AND key = $2",
    )
    .bind(&key.organization_id)
    .bind(&key.key)
    .fetch_one(db)
    .await?;
    let unreadable = |_| StoreError::Unreadable("idempotency key");
    let action: Option<String> = row.try_get("action_id")?;
    Ok(Some(Earlier {
        fingerprint: row.try_get("fingerprint")?,
        session: row
            .try_get::<&str, _>("session_id")?
            .parse()
            .map_err(unreadable)?,
        action: action
            .map(|id| id.parse().map_err(unreadable))
            .transpose()?,
    }))
}
