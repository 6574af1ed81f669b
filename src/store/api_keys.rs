//! Api keys, by the hash of the key.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Caller, Store, StoreError};
use crate::jid::ApiKeyId;

/// An api key as the database keeps it: never the key itself. Times are epoch milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// Its id: what `revoke` takes.
    pub id: ApiKeyId,
    /// Whose it is.
    pub organization_id: String,
    /// What people call it.
    pub name: String,
    /// What it may do, comma-separated.
    pub capabilities: String,
    /// Who made it.
    pub created_by: Caller,
    /// When it was created.
    pub created_at: i64,
    /// When it ends; none means never.
    pub expires_at: Option<i64>,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<i64>,
}

impl ApiKeyRecord {
    /// A key that the command line makes now, with a new id. It does not end.
    #[must_use]
    pub fn new(organization_id: &str, name: &str, capabilities: &str) -> Self {
        Self {
            id: ApiKeyId::generate(),
            organization_id: organization_id.to_owned(),
            name: name.to_owned(),
            capabilities: capabilities.to_owned(),
            created_by: Caller::User(None),
            created_at: super::now(),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        }
    }

    /// Whether it is accepted at this time.
    #[must_use]
    pub fn is_live(&self, now: i64) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| now < at)
    }

    fn from_row(row: &AnyRow) -> Result<Self, StoreError> {
        let id: &str = row.try_get("id")?;
        Ok(Self {
            id: id
                .parse()
                .map_err(|_| StoreError::Unreadable("api key id"))?,
            organization_id: row.try_get("organization_id")?,
            name: row.try_get("name")?,
            capabilities: row.try_get("capabilities")?,
            created_by: Caller::from_row(row)?,
            created_at: row.try_get("created_at")?,
            expires_at: row.try_get("expires_at")?,
            revoked_at: row.try_get("revoked_at")?,
            last_used_at: row.try_get("last_used_at")?,
        })
    }
}

impl Store {
    /// Adds a key under the SHA-256 of its token; `false` where its organization has `most` live ones already. Two calls at
    /// once may not count each other's key.
    ///
    /// # Errors
    /// The database failed.
    pub async fn insert_api_key(
        &self,
        key: &ApiKeyRecord,
        hash: &[u8; 32],
        most: Option<u32>,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        if let Some(most) = most {
            let live: i64 = sqlx::query_scalar(
                "SELECT COUNT(*) FROM api_keys
                 WHERE organization_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
            )
            .bind(&key.organization_id)
            .bind(key.created_at)
            .fetch_one(&mut *transaction)
            .await?;
            if live >= i64::from(most) {
                return Ok(false);
            }
        }
        let (api_key_id, user_id) = key.created_by.columns();
        sqlx::query(
            "INSERT INTO api_keys (id, organization_id, name, hash, capabilities, api_key_id, user_id, created_at,
                 expires_at, revoked_at, last_used_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(key.id.as_str())
        .bind(&key.organization_id)
        .bind(&key.name)
        .bind(hash.as_slice())
        .bind(&key.capabilities)
        .bind(api_key_id)
        .bind(user_id)
        .bind(key.created_at)
        .bind(key.expires_at)
        .bind(key.revoked_at)
        .bind(key.last_used_at)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// The keys of all organizations, oldest first; revoked and expired ones too.
    ///
    /// # Errors
    /// The database failed.
    pub async fn all_api_keys(&self) -> Result<Vec<ApiKeyRecord>, StoreError> {
        let rows = sqlx::query("SELECT * FROM api_keys ORDER BY id")
            .fetch_all(&self.pools.read)
            .await?;
        rows.iter().map(ApiKeyRecord::from_row).collect()
    }

    /// The keys of one organization, oldest first, revoked and expired ones too: at most `limit` of them, those after the
    /// id `after`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn list_api_keys(
        &self,
        organization_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ApiKeyRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM api_keys WHERE organization_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        )
        .bind(organization_id)
        .bind(after.unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(&self.pools.read)
        .await?;
        rows.iter().map(ApiKeyRecord::from_row).collect()
    }

    /// A key of one organization, also when it is revoked or expired.
    ///
    /// # Errors
    /// The database failed.
    pub async fn get_api_key(
        &self,
        organization_id: &str,
        id: &ApiKeyId,
    ) -> Result<Option<ApiKeyRecord>, StoreError> {
        let row = sqlx::query("SELECT * FROM api_keys WHERE id = $1 AND organization_id = $2")
            .bind(id.as_str())
            .bind(organization_id)
            .fetch_optional(&self.pools.read)
            .await?;
        row.as_ref().map(ApiKeyRecord::from_row).transpose()
    }

    /// Revokes a key, of this organization where one is named; `false` when there is none with this id. The first
    /// revocation's time stays.
    ///
    /// # Errors
    /// The database failed.
    pub async fn revoke_api_key(
        &self,
        organization_id: Option<&str>,
        id: &ApiKeyId,
        now: i64,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $3)
             WHERE id = $1 AND organization_id = COALESCE($2, organization_id)",
        )
        .bind(id.as_str())
        .bind(organization_id)
        .bind(now)
        .execute(&self.pools.write)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Notes that a key was used.
    ///
    /// # Errors
    /// The database failed.
    pub async fn note_api_key_use(&self, id: &ApiKeyId, now: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE api_keys SET last_used_at = $2 WHERE id = $1")
            .bind(id.as_str())
            .bind(now)
            .execute(&self.pools.write)
            .await?;
        Ok(())
    }

    /// The key whose token has this SHA-256, also when it is revoked or expired.
    ///
    /// # Errors
    /// The database failed.
    pub async fn find_api_key(&self, hash: &[u8; 32]) -> Result<Option<ApiKeyRecord>, StoreError> {
        sqlx::query("SELECT * FROM api_keys WHERE hash = $1")
            .bind(hash.as_slice())
            .fetch_optional(&self.pools.read)
            .await?
            .as_ref()
            .map(ApiKeyRecord::from_row)
            .transpose()
    }
}
