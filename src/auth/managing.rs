//! Making, reading and revoking api keys, by callers and for their organization alone.

use std::time::Duration;

use super::api_key::{ApiKeys, generate};
use super::{Capabilities, Capability, Principal};
use crate::error::{Error, Rule, Violation};
use crate::jid::ApiKeyId;
use crate::page::Page;
use crate::store::{self, ApiKeyRecord};

/// When to try again where there are too many keys. What makes room, a revocation or a key's end, comes at any time.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// What a key is to be.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub capabilities: Capabilities,
    /// When it ends, epoch milliseconds; none means never.
    pub expires_at: Option<i64>,
}

impl ApiKeys {
    /// The keys of the caller's organization, oldest first, revoked and expired ones too: at most `limit` of them, those
    /// after the id `after`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn list(
        &self,
        caller: &Principal,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<ApiKeyRecord, ApiKeyId>, Error> {
        let organization = &caller.organization_id;
        let keys = self
            .store
            .list_api_keys(organization, after, limit.saturating_add(1))
            .await?;
        Ok(Page::of(keys, limit, |key| key.id.clone()))
    }

    /// One key of the caller's organization.
    ///
    /// # Errors
    /// 404 `api_key`, or the database failed.
    pub async fn get(&self, caller: &Principal, id: &str) -> Result<ApiKeyRecord, Error> {
        let id = parsed(id)?;
        let key = self.store.get_api_key(&caller.organization_id, &id).await?;
        key.ok_or_else(not_found)
    }

    /// Makes a key for the caller's organization; gives its record and the key, which nothing keeps. It may no more than the
    /// caller, and ends no later.
    ///
    /// # Errors
    /// 403 `missing_capability`, 400 `expiresAt`, 429 with as many live keys as there may be, or the database failed.
    pub async fn create(
        &self,
        caller: &Principal,
        wanted: Wanted,
    ) -> Result<(ApiKeyRecord, String), Error> {
        for capability in Capability::ALL {
            if wanted.capabilities.contains(capability) {
                caller.require(capability)?;
            }
        }
        let key = ApiKeyRecord {
            created_by: caller.caller(),
            expires_at: wanted.expires_at,
            ..ApiKeyRecord::new(
                &caller.organization_id,
                &wanted.name,
                &wanted.capabilities.to_string(),
            )
        };
        if !key.is_live(key.created_at) {
            return Err(expiry(Rule::Future));
        }
        if let Some(own) = &caller.api_key_id {
            let own = parsed(own)?;
            let own = self
                .store
                .get_api_key(&caller.organization_id, &own)
                .await?;
            // A look-up is believed for seconds. What was revoked meanwhile must not live on in a new key.
            let own = own.filter(|own| own.is_live(key.created_at));
            let own = own.ok_or_else(Error::unauthorized)?;
            if own
                .expires_at
                .is_some_and(|end| key.expires_at.is_none_or(|at| at > end))
            {
                return Err(expiry(Rule::OwnEnd));
            }
        }
        let (token, hash) = generate();
        // One at a time, so that each counts those before it.
        let _turn = self.making.lock().await;
        let made = self.store.insert_api_key(&key, &hash, Some(self.most));
        if made.await? {
            Ok((key, token))
        } else {
            Err(too_many())
        }
    }

    /// Revokes a key of the caller's organization, at once in this process.
    ///
    /// # Errors
    /// 404 `api_key`, or the database failed.
    pub async fn revoke(&self, caller: &Principal, id: &str) -> Result<(), Error> {
        let id = parsed(id)?;
        let organization = Some(caller.organization_id.as_str());
        let found = self.store.revoke_api_key(organization, &id, store::now());
        if !found.await? {
            return Err(not_found());
        }
        self.forget(&id);
        Ok(())
    }
}

fn parsed(id: &str) -> Result<ApiKeyId, Error> {
    id.parse().map_err(|_| not_found())
}

fn not_found() -> Error {
    let mut error = Error::not_found("api_key");
    error.message = "api key not found".into();
    error
}

fn expiry(rule: Rule) -> Error {
    Error::validation(vec![Violation::new("expiresAt", rule)])
}

fn too_many() -> Error {
    let message =
        "the organization has as many live api keys as it may have; revoke one to make room";
    Error::over_budget("apiKeysPerOrganization", message, TRY_AGAIN)
}
