//! Session records.

use std::str::FromStr;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Store, StoreError};
use crate::jid::SessionId;

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Not running, by the operator's wish.
    Stopped,
    /// On its way to [`Status::Working`].
    Connecting,
    /// Unpaired, and showing a QR code.
    ScanQrCode,
    /// Connected, and its groups known: the only status in which WhatsApp can be asked for something.
    Working,
    /// The device was unlinked; it must be paired again.
    LoggedOut,
    /// Ended for a reason that does not pass by itself; the log has it.
    Failed,
}

impl Status {
    /// Every status, in the document's order.
    pub const ALL: [Self; 6] = [
        Self::Stopped,
        Self::Connecting,
        Self::ScanQrCode,
        Self::Working,
        Self::LoggedOut,
        Self::Failed,
    ];

    /// The status as the document and the database spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Connecting => "connecting",
            Self::ScanQrCode => "scan_qr_code",
            Self::Working => "working",
            Self::LoggedOut => "logged_out",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for Status {
    type Err = StoreError;

    fn from_str(s: &str) -> Result<Self, StoreError> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == s)
            .ok_or(StoreError::Unreadable("session status"))
    }
}

/// A session as the database keeps it. Times are epoch milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub organization_id: String,
    /// The person who created it; none when that was an api key.
    pub created_by_user_id: Option<String>,
    /// The operator's own name for it.
    pub label: Option<String>,
    /// Where it stood when last written.
    pub status: Status,
    /// Whether it is to run; survives a restart.
    pub started: bool,
    /// The account's phone number, digits only, once paired.
    pub phone_number: Option<String>,
    /// The account's JID, once paired.
    pub wa_jid: Option<String>,
    /// The account's LID, once paired and told.
    pub wa_lid: Option<String>,
    /// When it was created.
    pub created_at: i64,
    /// When it was last written.
    pub updated_at: i64,
    /// When it last became usable.
    pub last_connected_at: Option<i64>,
}

impl Store {
    /// Adds a session.
    ///
    /// # Errors
    /// The database failed, or the id is taken.
    pub async fn insert_session(&self, session: &SessionRecord) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO sessions (id, organization_id, created_by_user_id, label, status, started, phone_number, wa_jid,
                 wa_lid, created_at, updated_at, last_connected_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(session.id.as_str())
        .bind(&session.organization_id)
        .bind(&session.created_by_user_id)
        .bind(&session.label)
        .bind(session.status.as_str())
        .bind(session.started)
        .bind(&session.phone_number)
        .bind(&session.wa_jid)
        .bind(&session.wa_lid)
        .bind(session.created_at)
        .bind(session.updated_at)
        .bind(session.last_connected_at)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Writes everything of a session that can change. A session that is not there is left so.
    ///
    /// # Errors
    /// The database failed.
    pub async fn update_session(&self, session: &SessionRecord) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE sessions SET label = $2, status = $3, started = $4, phone_number = $5, wa_jid = $6, wa_lid = $7,
                 updated_at = $8, last_connected_at = $9
             WHERE id = $1",
        )
        .bind(session.id.as_str())
        .bind(&session.label)
        .bind(session.status.as_str())
        .bind(session.started)
        .bind(&session.phone_number)
        .bind(&session.wa_jid)
        .bind(&session.wa_lid)
        .bind(session.updated_at)
        .bind(session.last_connected_at)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Removes a session with its groups, members and device state.
    ///
    /// # Errors
    /// The database failed.
    pub async fn delete_session(&self, id: &SessionId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sessions WHERE id = $1")
            .bind(id.as_str())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Every session of every organization, by id: for the start.
    ///
    /// # Errors
    /// The database failed, or holds what this version cannot read.
    pub async fn all_sessions(&self) -> Result<Vec<SessionRecord>, StoreError> {
        sqlx::query("SELECT * FROM sessions ORDER BY id")
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(SessionRecord::from_row)
            .collect()
    }
}

impl SessionRecord {
    fn from_row(row: &SqliteRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row
                .try_get::<&str, _>("id")?
                .parse()
                .map_err(|_| StoreError::Unreadable("session id"))?,
            organization_id: row.try_get("organization_id")?,
            created_by_user_id: row.try_get("created_by_user_id")?,
            label: row.try_get("label")?,
            status: row.try_get::<&str, _>("status")?.parse()?,
            started: row.try_get("started")?,
            phone_number: row.try_get("phone_number")?,
            wa_jid: row.try_get("wa_jid")?,
            wa_lid: row.try_get("wa_lid")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
            last_connected_at: row.try_get("last_connected_at")?,
        })
    }
}
