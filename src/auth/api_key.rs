//! Api keys: how they are made and how they are checked.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::{Capabilities, Principal};
use crate::error::Error;
use crate::store::{self, ApiKeyRecord, Store};

/// What every api key begins with, so that it is told from a JWT and found by secret scanners.
pub const PREFIX: &str = "wa_";

/// The length of a key: the prefix and 32 bytes in base64url.
const LEN: usize = PREFIX.len() + 43;

/// How long a lookup is believed. A revoked key works at most this much longer.
const BELIEVED: Duration = Duration::from_secs(5);

/// Lookups kept at most. Reached only by a flood of made-up keys; then all are forgotten, which costs a read each.
const KEPT: usize = 10_000;

/// A new key and the hash it is stored under. The key is shown once and never stored.
#[must_use]
pub fn generate() -> (String, [u8; 32]) {
    let secret: [u8; 32] = rand::random();
    let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret));
    let hash = hash(&token);
    (token, hash)
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// The check of api keys. The database is asked once in a few seconds per key, so it is not on the way of a warm call.
#[derive(Debug)]
pub(super) struct ApiKeys {
    store: Store,
    believed: Duration,
    lookups: Mutex<HashMap<[u8; 32], Lookup>>,
}

#[derive(Debug, Clone)]
struct Lookup {
    at: Instant,
    key: Option<Key>,
}

#[derive(Debug, Clone)]
struct Key {
    principal: Principal,
    /// Epoch milliseconds.
    expires_at: Option<i64>,
}

impl ApiKeys {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            believed: BELIEVED,
            lookups: Mutex::default(),
        }
    }

    pub(super) async fn authenticate(&self, token: &str) -> Result<Principal, Error> {
        if token.len() != LEN {
            return Err(Error::unauthorized());
        }
        // Looked up by hash, so the time it takes says nothing about the key.
        let key = self.look_up(hash(token)).await?;
        match key {
            Some(key) if key.expires_at.is_none_or(|at| store::now() < at) => Ok(key.principal),
            _ => Err(Error::unauthorized()),
        }
    }

    async fn look_up(&self, hash: [u8; 32]) -> Result<Option<Key>, Error> {
        let now = Instant::now();
        let known = {
            let lookups = self.lookups.lock().unwrap_or_else(PoisonError::into_inner);
            lookups
                .get(&hash)
                .filter(|lookup| now.duration_since(lookup.at) < self.believed)
                .cloned()
        };
        if let Some(lookup) = known {
            return Ok(lookup.key);
        }
        let key = self
            .store
            .find_api_key(&hash)
            .await?
            .filter(|record| record.revoked_at.is_none())
            .map(Key::try_from)
            .transpose()?;
        let mut lookups = self.lookups.lock().unwrap_or_else(PoisonError::into_inner);
        if lookups.len() >= KEPT {
            lookups.clear();
        }
        lookups.insert(
            hash,
            Lookup {
                at: now,
                key: key.clone(),
            },
        );
        Ok(key)
    }
}

impl TryFrom<ApiKeyRecord> for Key {
    type Error = Error;

    fn try_from(record: ApiKeyRecord) -> Result<Self, Error> {
        let capabilities: Capabilities = record.capabilities.parse().map_err(Error::internal)?;
        Ok(Self {
            principal: Principal {
                organization_id: record.organization_id,
                user_id: None,
                api_key_id: Some(record.id),
                capabilities,
            },
            expires_at: record.expires_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Capability;
    use crate::error::Code;

    async fn keys(believed: Duration) -> (ApiKeys, tempfile::TempDir) {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(&dir.path().join("db").into())
            .await
            .expect("a store");
        let keys = ApiKeys {
            believed,
            ..ApiKeys::new(store)
        };
        (keys, dir)
    }

    async fn create(keys: &ApiKeys, id: &str, expires_at: Option<i64>) -> String {
        let (token, hash) = generate();
        let record = ApiKeyRecord {
            id: id.to_owned(),
            organization_id: "org".to_owned(),
            name: "a key".to_owned(),
            capabilities: "read,send".to_owned(),
            created_at: store::now(),
            expires_at,
            revoked_at: None,
        };
        keys.store
            .insert_api_key(&record, &hash)
            .await
            .expect("stored");
        token
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_key_is_its_organization_and_capabilities_until_it_expires() {
        let (keys, _dir) = keys(BELIEVED).await;
        let token = create(&keys, "1", None).await;
        assert_eq!(token.len(), LEN);
        let principal = keys.authenticate(&token).await.expect("accepted");
        assert_eq!(principal.organization_id, "org");
        assert_eq!(principal.user_id, None);
        assert!(principal.require(Capability::Send).is_ok());
        assert!(principal.require(Capability::Manage).is_err());

        let later = create(&keys, "2", Some(store::now() + 60_000)).await;
        assert!(keys.authenticate(&later).await.is_ok());
        let expired = create(&keys, "3", Some(store::now())).await;
        for refused in [expired, generate().0, "wa_".to_owned(), format!("{token}A")] {
            let error = keys.authenticate(&refused).await.expect_err("refused");
            assert_eq!(error.code, Code::Unauthorized);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_revoked_key_is_refused_when_the_lookup_has_aged() {
        let (keys, _dir) = keys(Duration::ZERO).await;
        let token = create(&keys, "1", None).await;
        assert!(keys.authenticate(&token).await.is_ok());
        assert!(keys.store.revoke_api_key("1", 5).await.expect("revoked"));
        assert!(keys.authenticate(&token).await.is_err());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_warm_key_does_not_ask_the_database() {
        let (keys, _dir) = keys(Duration::MAX).await;
        let token = create(&keys, "1", None).await;
        assert!(keys.authenticate(&token).await.is_ok());
        keys.store.close().await;
        assert!(keys.authenticate(&token).await.is_ok());
        let error = keys.authenticate(&generate().0).await.expect_err("down");
        assert_eq!(error.code, Code::Unavailable);
    }
}
