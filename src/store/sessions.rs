//! Session records.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{Store, StoreError, clean};
use crate::jid::SessionId;
use crate::words::words;

words! {
    /// Where a session stands.
    Status, "session status":
    /// Not running, by the operator's wish or because nobody paired it.
    Stopped = "stopped",
    /// On its way to [`Status::Working`].
    Connecting = "connecting",
    /// Unpaired, and showing a QR code.
    ScanQrCode = "scan_qr_code",
    /// Unpaired, and WhatsApp asks for a passkey before it links the device.
    PasskeyRequired = "passkey_required",
    /// Connected, and its groups known: the only status in which WhatsApp can be asked for something.
    Working = "working",
    /// The device was unlinked; it must be paired again.
    LoggedOut = "logged_out",
    /// Ended for a reason that does not pass by itself.
    Failed = "failed",
}

words! {
    /// Why a session stands where it does, where the status alone does not say.
    StatusReason, "status reason":
    /// The phone, or WhatsApp, has unlinked the device.
    LoggedOutOnPhone = "logged_out_on_phone",
    /// Another client has taken over this device. The gateway does not fight for it.
    Replaced = "replaced",
    /// WhatsApp has banned the account for a time.
    Banned = "banned",
    /// WhatsApp no longer accepts the version that the gateway claims to be.
    Outdated = "outdated",
    /// WhatsApp refuses the login for a reason that has no word here.
    Refused = "refused",
    /// There is no connection to WhatsApp.
    Unreachable = "unreachable",
    /// WhatsApp asks to slow down.
    RateLimited = "rate_limited",
    /// Logged in, but WhatsApp does not hand out the groups.
    GroupsUnavailable = "groups_unavailable",
    /// Nobody has paired the session while its codes were good.
    PairingTimedOut = "pairing_timed_out",
    /// WhatsApp or the phone has broken off the pairing.
    PairingFailed = "pairing_failed",
    /// WhatsApp asks for a passkey.
    PasskeyRequired = "passkey_required",
    /// The server does not hold the key that is configured.
    ServerNotVerified = "server_not_verified",
    /// The gateway cannot read or write what it stores of the device.
    Storage = "storage",
    /// A fault of the gateway.
    Internal = "internal",
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
    /// Why, where the status alone does not say.
    pub status_reason: Option<StatusReason>,
    /// The same for people, in a sentence.
    pub status_detail: Option<String>,
    /// When the gateway tries again by itself.
    pub retry_at: Option<i64>,
    /// Since when it has stood there.
    pub status_changed_at: i64,
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
    /// When WhatsApp last told of all groups.
    pub groups_synced_at: Option<i64>,
    /// How often its device has logged in since it was paired, which each login tells WhatsApp.
    pub logins: i64,
}

impl SessionRecord {
    /// A session of an organization, created now and stopped.
    #[must_use]
    pub fn new(organization_id: &str) -> Self {
        let now = super::now();
        Self {
            id: SessionId::generate(),
            organization_id: organization_id.to_owned(),
            created_by_user_id: None,
            label: None,
            status: Status::Stopped,
            status_reason: None,
            status_detail: None,
            retry_at: None,
            status_changed_at: now,
            started: false,
            phone_number: None,
            wa_jid: None,
            wa_lid: None,
            created_at: now,
            updated_at: now,
            last_connected_at: None,
            groups_synced_at: None,
            logins: 0,
        }
    }

    fn from_row(row: &AnyRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row
                .try_get::<&str, _>("id")?
                .parse()
                .map_err(|_| StoreError::Unreadable("session id"))?,
            organization_id: row.try_get("organization_id")?,
            created_by_user_id: row.try_get("created_by_user_id")?,
            label: row.try_get("label")?,
            status: row.try_get::<&str, _>("status")?.parse()?,
            status_reason: row
                .try_get::<Option<&str>, _>("status_reason")?
                .map(str::parse)
                .transpose()?,
            status_detail: row.try_get("status_detail")?,
            retry_at: row.try_get("retry_at")?,
            status_changed_at: row.try_get("status_changed_at")?,
            started: row.try_get::<i64, _>("started")? != 0,
            phone_number: row.try_get("phone_number")?,
            wa_jid: row.try_get("wa_jid")?,
            wa_lid: row.try_get("wa_lid")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
            last_connected_at: row.try_get("last_connected_at")?,
            groups_synced_at: row.try_get("groups_synced_at")?,
            logins: row.try_get("logins")?,
        })
    }
}

impl Store {
    /// Adds a session.
    ///
    /// # Errors
    /// The database failed, or the id is taken.
    pub async fn insert_session(&self, session: &SessionRecord) -> Result<(), StoreError> {
        let mut db = self.pools.write.acquire().await?;
        insert(&mut db, session).await
    }

    /// Writes everything that can change of sessions, all or none. One that is not there is left so, and one that was
    /// written later than this stays.
    ///
    /// # Errors
    /// The database failed.
    pub async fn update_sessions<'r>(
        &self,
        sessions: impl IntoIterator<Item = &'r SessionRecord>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for session in sessions {
            update_session(&mut tx, session).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Every session of every organization, by id: for the start.
    ///
    /// # Errors
    /// The database failed, or holds what this version cannot read.
    pub async fn all_sessions(&self) -> Result<Vec<SessionRecord>, StoreError> {
        sqlx::query("SELECT * FROM sessions WHERE unlinking_since IS NULL ORDER BY id")
            .fetch_all(&self.pools.read)
            .await?
            .iter()
            .map(SessionRecord::from_row)
            .collect()
    }
}

/// Writes everything of a session that can change.
pub(super) async fn update_session(
    db: &mut AnyConnection,
    session: &SessionRecord,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE sessions SET label = $2, status = $3, started = $4, phone_number = $5, wa_jid = $6, wa_lid = $7,
             updated_at = $8, last_connected_at = $9, status_reason = $10, status_detail = $11, retry_at = $12,
             status_changed_at = $13, groups_synced_at = $14, logins = $15
         WHERE id = $1 AND updated_at <= $8",
    )
    .bind(session.id.as_str())
    .bind(session.label.as_deref().map(clean))
    .bind(session.status.as_str())
    .bind(i64::from(session.started))
    .bind(&session.phone_number)
    .bind(&session.wa_jid)
    .bind(&session.wa_lid)
    .bind(session.updated_at)
    .bind(session.last_connected_at)
    .bind(session.status_reason.map(StatusReason::as_str))
    .bind(&session.status_detail)
    .bind(session.retry_at)
    .bind(session.status_changed_at)
    .bind(session.groups_synced_at)
    .bind(session.logins)
    .execute(db)
    .await?;
    Ok(())
}

/// Writes a session that was not there.
pub(super) async fn insert(
    db: &mut AnyConnection,
    session: &SessionRecord,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO sessions (id, organization_id, created_by_user_id, label, status, started, phone_number, wa_jid,
             wa_lid, created_at, updated_at, last_connected_at, status_reason, status_detail, retry_at,
             status_changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(session.id.as_str())
    .bind(clean(&session.organization_id))
    .bind(session.created_by_user_id.as_deref().map(clean))
    .bind(session.label.as_deref().map(clean))
    .bind(session.status.as_str())
    .bind(i64::from(session.started))
    .bind(&session.phone_number)
    .bind(&session.wa_jid)
    .bind(&session.wa_lid)
    .bind(session.created_at)
    .bind(session.updated_at)
    .bind(session.last_connected_at)
    .bind(session.status_reason.map(StatusReason::as_str))
    .bind(&session.status_detail)
    .bind(session.retry_at)
    .bind(session.status_changed_at)
    .execute(db)
    .await?;
    Ok(())
}
