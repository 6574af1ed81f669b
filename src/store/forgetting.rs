//! Forgetting an account: in one transaction, and gone from the file too.

use sqlx::AnyConnection;

use super::records::reseal;
use super::sessions::update_session;
use super::{EncryptionKey, Store, StoreError, actions, additions, now};
use crate::jid::SessionId;
use crate::store::SessionRecord;

/// What becomes of the device state of an account that is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Erase it: WhatsApp has unlinked the device, or never linked it.
    Erase,
    /// Keep it out of sight until WhatsApp has been told to unlink the device.
    KeepToUnlink,
}

/// The device of an account that is forgotten but for what it takes to unlink it. Its device state is under `id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlinking {
    /// An id of its own: the session that had the device may have another one by now.
    pub id: SessionId,
    /// Since when, epoch milliseconds.
    pub since: i64,
    /// How often the device has logged in.
    pub logins: i64,
}

impl Store {
    /// Forgets the account of a session: its groups, its members and its device state go, and the row becomes `session`,
    /// whose account has to be empty. Says what is left to unlink.
    ///
    /// # Errors
    /// The database failed; nothing has changed.
    pub async fn forget_account(
        &self,
        session: &SessionRecord,
        keys: Keys,
    ) -> Result<Option<Unlinking>, StoreError> {
        let mut tx = self.begin().await?;
        // First, because a transaction that begins with a write waits for its turn.
        update_session(&mut tx, session).await?;
        let kept = set_aside(&mut tx, &session.id, keys, self.key.as_ref()).await?;
        for forget in [
            "DELETE FROM device_state WHERE session_id = $1",
            "DELETE FROM groups WHERE session_id = $1",
        ] {
            sqlx::query(forget)
                .bind(session.id.as_str())
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        self.empty_log();
        Ok(kept)
    }

    /// Removes a session with its groups, members and device state. Says what is left to unlink.
    ///
    /// # Errors
    /// The database failed; nothing has changed.
    pub async fn delete_session(
        &self,
        id: &SessionId,
        keys: Keys,
    ) -> Result<Option<Unlinking>, StoreError> {
        let mut tx = self.begin().await?;
        let kept = set_aside(&mut tx, id, keys, self.key.as_ref()).await?;
        actions::forget(&mut tx, id).await?;
        additions::forget(&mut tx, id).await?;
        sqlx::query("DELETE FROM sessions WHERE id = $1")
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        self.empty_log();
        Ok(kept)
    }

    /// The devices that are still to be unlinked, oldest first: for the start.
    ///
    /// # Errors
    /// The database failed, or holds what this version cannot read.
    pub async fn unlinkings(&self) -> Result<Vec<Unlinking>, StoreError> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT id, unlinking_since, logins FROM sessions WHERE unlinking_since IS NOT NULL
             ORDER BY unlinking_since, id",
        )
        .fetch_all(&self.pools.read)
        .await?;
        rows.into_iter()
            .map(|(id, since, logins)| {
                let id = id
                    .parse()
                    .map_err(|_| StoreError::Unreadable("session id"))?;
                Ok(Unlinking { id, since, logins })
            })
            .collect()
    }
}

/// Copies the device state of a session to a row of its own, where it is to be kept and there is any. The caller removes
/// it where it was.
async fn set_aside(
    db: &mut AnyConnection,
    session: &SessionId,
    keys: Keys,
    key: Option<&EncryptionKey>,
) -> Result<Option<Unlinking>, StoreError> {
    if keys == Keys::Erase {
        return Ok(None);
    }
    let (id, since) = (SessionId::generate(), now());
    let logins: Option<i64> = sqlx::query_scalar(
        "INSERT INTO sessions (id, organization_id, status, started, created_at, updated_at, status_changed_at,
             unlinking_since, logins)
         SELECT $2, organization_id, 'logged_out', 0, $3, $3, $3, $3, logins FROM sessions WHERE id = $1
         RETURNING logins",
    )
    .bind(session.as_str())
    .bind(id.as_str())
    .bind(since)
    .fetch_optional(&mut *db)
    .await?;
    let Some(logins) = logins else {
        return Ok(None);
    };
    let kept = Unlinking { id, since, logins };
    let copied = reseal(db, session.as_str(), &[key], kept.id.as_str(), key).await?;
    if copied > 0 {
        return Ok(Some(kept));
    }
    sqlx::query("DELETE FROM sessions WHERE id = $1")
        .bind(kept.id.as_str())
        .execute(db)
        .await?;
    Ok(None)
}
