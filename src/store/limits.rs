//! How many people each session's account may add, and until when WhatsApp is to be left alone.

use sqlx::Row as _;

use super::{Store, StoreError};
use crate::group::Operation;
use crate::jid::{ActionId, SessionId};
use crate::pace::AddLimits;

/// What limits a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitsRecord {
    /// What the caller has set.
    pub limits: AddLimits,
    /// Until when WhatsApp has asked to be left alone, epoch milliseconds.
    pub quiet_until: Option<i64>,
}

impl Store {
    /// The limits of all sessions that have some.
    ///
    /// # Errors
    /// The database failed, or holds what this version cannot read.
    pub async fn all_limits(&self) -> Result<Vec<(SessionId, LimitsRecord)>, StoreError> {
        let rows = sqlx::query("SELECT session_id, limits, quiet_until FROM session_limits")
            .fetch_all(&self.pools.background)
            .await?;
        let unreadable = |what| move |_| StoreError::Unreadable(what);
        rows.iter()
            .map(|row| {
                let id: &str = row.try_get("session_id")?;
                let limits = serde_json::from_str(row.try_get("limits")?);
                let record = LimitsRecord {
                    limits: limits.map_err(|_| StoreError::Unreadable("limits of a session"))?,
                    quiet_until: row.try_get("quiet_until")?,
                };
                Ok((id.parse().map_err(unreadable("session id"))?, record))
            })
            .collect()
    }

    /// Writes what limits a session.
    ///
    /// # Errors
    /// The database failed, or there is no such session.
    pub async fn save_limits(
        &self,
        session: &SessionId,
        record: &LimitsRecord,
    ) -> Result<(), StoreError> {
        let limits = serde_json::to_string(&record.limits)
            .map_err(|_| StoreError::Unreadable("limits of a session"))?;
        sqlx::query(
            "INSERT INTO session_limits (session_id, limits, quiet_until) VALUES ($1, $2, $3)
             ON CONFLICT (session_id) DO UPDATE SET limits = excluded.limits, quiet_until = excluded.quiet_until",
        )
        .bind(session.as_str())
        .bind(limits)
        .bind(record.quiet_until)
        .execute(&self.pools.write)
        .await?;
        Ok(())
    }

    /// How many people a session was asked to add since `since`, and when, oldest first, epoch milliseconds. What was never
    /// sent does not count.
    ///
    /// # Errors
    /// As [`Self::all_limits`].
    pub async fn adds_since(
        &self,
        session: &SessionId,
        since: i64,
    ) -> Result<Vec<(i64, u32)>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM actions WHERE session_id = $1 AND id >= $2 AND operation IN ($3, $4) AND status <> 'refused'
             ORDER BY id",
        )
        .bind(session.as_str())
        .bind(ActionId::first_at(since).as_str())
        .bind(Operation::AddGroupMembers.as_str())
        .bind(Operation::CreateGroup.as_str())
        .fetch_all(&self.pools.read)
        .await?;
        rows.iter()
            .map(|row| {
                let action = super::ActionRecord::from_row(row)?;
                let people = u32::try_from(action.people.len()).unwrap_or(u32::MAX);
                Ok((action.created_at, people))
            })
            .collect()
    }
}
