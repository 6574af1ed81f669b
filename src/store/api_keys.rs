//! Api keys, by the hash of the key.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Store, StoreError};

/// An api key as the database keeps it: never the key itself. Times are epoch milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// Its id, a ULID: what `revoke` takes.
    pub id: String,
    /// Whose it is.
    pub organization_id: String,
    /// What the operator calls it.
    pub name: String,
    /// What it may do, comma-separated.
    pub capabilities: String,
    /// When it was created.
    pub created_at: i64,
    /// When it ends; none means never.
    pub expires_at: Option<i64>,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
}

impl Store {
    /// Adds a key under the SHA-256 of its token.
    ///
    /// # Errors
    /// The database failed.
    pub async fn insert_api_key(
        &self,
        key: &ApiKeyRecord,
        hash: &[u8; 32],
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO api_keys (id, organization_id, name, hash, capabilities, created_at, expires_at, revoked_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&key.id)
        .bind(&key.organization_id)
        .bind(&key.name)
        .bind(hash.as_slice())
        .bind(&key.capabilities)
        .bind(key.created_at)
        .bind(key.expires_at)
        .bind(key.revoked_at)
        .execute(&self.pools.write)
        .await?;
        Ok(())
    }

    /// The keys of one organization, or of all, by id; revoked and expired ones too.
    ///
    /// # Errors
    /// The database failed.
    pub async fn list_api_keys(
        &self,
        organization_id: Option<&str>,
    ) -> Result<Vec<ApiKeyRecord>, StoreError> {
        sqlx::query(
            "SELECT * FROM api_keys WHERE organization_id = COALESCE($1, organization_id) ORDER BY id",
        )
        .bind(organization_id)
        .fetch_all(&self.pools.read)
        .await?
        .iter()
        .map(ApiKeyRecord::from_row)
        .collect()
    }

    /// Revokes a key; `false` when there is none with this id. The first revocation's time stays.
    ///
    /// # Errors
    /// The database failed.
    pub async fn revoke_api_key(&self, id: &str, now: i64) -> Result<bool, StoreError> {
        let done =
            sqlx::query("UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1")
                .bind(id)
                .bind(now)
                .execute(&self.pools.write)
                .await?;
        Ok(done.rows_affected() > 0)
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

impl ApiKeyRecord {
    fn from_row(row: &AnyRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.try_get("id")?,
            organization_id: row.try_get("organization_id")?,
            name: row.try_get("name")?,
            capabilities: row.try_get("capabilities")?,
            created_at: row.try_get("created_at")?,
            expires_at: row.try_get("expires_at")?,
            revoked_at: row.try_get("revoked_at")?,
        })
    }
}
