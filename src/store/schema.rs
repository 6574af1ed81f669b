//! What is done about a schema that is not the one of this version of the gateway.

use sqlx::migrate::{Migrate, MigrateError, Migrator};

use super::StoreError;

/// Where sqlx notes which migrations have run.
pub(super) const NOTES: &str = "_sqlx_migrations";

/// Whether opening a database may change its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Schema {
    /// Bring it up to date.
    Update,
    /// Refuse any other than this version's.
    Keep,
}

impl Schema {
    /// Brings the schema up to date, or sees whether it is.
    pub(super) async fn apply<C: Migrate>(
        self,
        migrations: &Migrator,
        connection: &mut C,
    ) -> Result<(), StoreError> {
        if self == Self::Update {
            return Ok(migrations.run_direct(None, connection, false).await?);
        }
        let applied = match connection.list_applied_migrations(NOTES).await {
            Ok(applied) => applied,
            Err(MigrateError::Execute(sqlx::Error::Database(error)))
                if is_missing_table(error.code().as_deref()) =>
            {
                Vec::new()
            }
            Err(error) => return Err(error.into()),
        };
        for done in &applied {
            let Some(known) = migrations.iter().find(|m| m.version == done.version) else {
                return Err(MigrateError::VersionMissing(done.version).into());
            };
            if known.checksum != done.checksum {
                return Err(MigrateError::VersionMismatch(done.version).into());
            }
        }
        if applied.len() < migrations.iter().count() {
            let reason = if applied.is_empty() {
                "it has no tables yet; run `whatsapp-gateway migrate`"
            } else {
                "its schema is older than this version of the gateway; stop the gateway and run `whatsapp-gateway migrate`"
            };
            return Err(StoreError::Unusable(reason.to_owned()));
        }
        Ok(())
    }
}

/// By SQLite's result code, which has no narrower one, or PostgreSQL's SQLSTATE.
pub(super) fn is_missing_table(code: Option<&str>) -> bool {
    matches!(code, Some("1" | "42P01"))
}
