//! Api keys: how they are made and how they are checked.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use governor::Quota;
use sha2::{Digest, Sha256};

use super::{AuthLimits, Capabilities, Principal};
use crate::error::Error;
use crate::jid::ApiKeyId;
use crate::rates::Rates;
use crate::store::{self, ApiKeyRecord, Store};

/// What every api key begins with, so that it is told from a JWT and found by secret scanners.
pub const PREFIX: &str = "wa_";

/// The length of a key: the prefix and 32 bytes in base64url.
const LEN: usize = PREFIX.len() + 43;

/// How long a lookup is believed. A revoked key works at most this much longer.
const BELIEVED: Duration = Duration::from_secs(5);

/// Lookups kept at most. Reached only by a flood of made-up keys; then all are forgotten, which costs a read each.
const KEPT: usize = 10_000;

/// How long after a use that was noted, in milliseconds, the next one is.
const NOTED_EVERY: i64 = 60_000;

/// Whether a key may be called so: 1 to 100 characters, none of them a control character and the first no space. The document
/// has the same rule as a pattern.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (1..=100).contains(&name.chars().count())
        && !name.starts_with([' ', '\u{a0}'])
        && !name.chars().any(char::is_control)
}

/// How often unknown keys are looked up: ten seconds' worth at once, since after a start every caller's key is new.
fn lookups(per_second: NonZeroU32) -> Quota {
    const BURST: NonZeroU32 = NonZeroU32::new(10).unwrap();
    Quota::per_second(per_second).allow_burst(per_second.saturating_mul(BURST))
}

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

/// The api keys: their check here, what callers do with them in `managing`. The database is asked once in a few seconds per
/// key, so it is not on the way of a warm call.
#[derive(Debug)]
pub struct ApiKeys {
    pub(super) store: Store,
    /// Live keys of an organization at most, those that the command line makes aside.
    pub(super) most: u32,
    /// Whose turn it is to make a key.
    pub(super) making: tokio::sync::Mutex<()>,
    believed: Duration,
    lookups: Mutex<Lookups>,
    /// Those whose keys are not known, so that nobody keeps the database busy with keys that are made up.
    strangers: Rates<IpAddr>,
}

#[derive(Debug, Default)]
struct Lookups {
    by_hash: HashMap<[u8; 32], Lookup>,
    /// How often keys were forgotten: what was looked up before the last time may be out of date.
    forgotten: u64,
}

#[derive(Debug, Clone)]
struct Lookup {
    at: Instant,
    key: Option<Key>,
}

#[derive(Debug, Clone)]
struct Key {
    id: ApiKeyId,
    principal: Principal,
    /// Epoch milliseconds.
    expires_at: Option<i64>,
    /// When a use was last noted, epoch milliseconds.
    noted_at: Option<i64>,
}

impl ApiKeys {
    pub(super) fn new(store: Store, limits: &AuthLimits) -> Self {
        Self {
            store,
            most: limits.api_keys,
            making: tokio::sync::Mutex::default(),
            believed: BELIEVED,
            lookups: Mutex::default(),
            strangers: Rates::new(
                lookups(limits.lookups_per_second),
                "unknownKeysPerAddress",
                "too many api keys that are not known",
            ),
        }
    }

    pub(super) async fn authenticate(&self, token: &str, from: IpAddr) -> Result<Principal, Error> {
        if token.len() != LEN {
            return Err(Error::unauthorized());
        }
        // Looked up by hash, so the time it takes says nothing about the key.
        let hash = hash(token);
        let key = self.look_up(hash, from).await?;
        let now = store::now();
        match key {
            Some(key) if key.expires_at.is_none_or(|at| now < at) => {
                if let Some(id) = self.due(&hash, now) {
                    self.note_use(id, now);
                }
                Ok(key.principal)
            }
            _ => Err(Error::unauthorized()),
        }
    }

    /// Believes nothing about a key any more, nor what is being looked up now.
    pub(super) fn forget(&self, id: &ApiKeyId) {
        let mut lookups = self.lookups();
        lookups.forgotten += 1;
        lookups
            .by_hash
            .retain(|_, lookup| lookup.key.as_ref().is_none_or(|key| key.id != *id));
    }

    /// The key whose use now is to be noted: the last one that was is a minute old.
    fn due(&self, hash: &[u8; 32], now: i64) -> Option<ApiKeyId> {
        let mut lookups = self.lookups();
        let key = lookups.by_hash.get_mut(hash)?.key.as_mut()?;
        if key.noted_at.is_some_and(|at| now - at < NOTED_EVERY) {
            return None;
        }
        key.noted_at = Some(now);
        Some(key.id.clone())
    }

    /// Writes in the background that a key was used. Whether that succeeds is no concern of the caller's.
    fn note_use(&self, id: ApiKeyId, now: i64) {
        let store = self.store.clone();
        tokio::spawn(async move {
            if let Err(error) = store.note_api_key_use(&id, now).await {
                tracing::warn!(%error, key = %id, "cannot note that an api key was used");
            }
        });
    }

    fn lookups(&self) -> MutexGuard<'_, Lookups> {
        self.lookups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look_up(&self, hash: [u8; 32], from: IpAddr) -> Result<Option<Key>, Error> {
        let now = Instant::now();
        let forgotten = {
            let lookups = self.lookups();
            let known = lookups.by_hash.get(&hash);
            if let Some(lookup) =
                known.filter(|lookup| now.duration_since(lookup.at) < self.believed)
            {
                return Ok(lookup.key.clone());
            }
            if known.is_none_or(|lookup| lookup.key.is_none()) {
                self.strangers.take(&from)?;
            }
            lookups.forgotten
        };
        let key = self
            .store
            .find_api_key(&hash)
            .await?
            .filter(|record| record.revoked_at.is_none())
            .map(Key::try_from)
            .transpose()?;
        let mut lookups = self.lookups();
        if lookups.forgotten == forgotten {
            if lookups.by_hash.len() >= KEPT {
                lookups.by_hash.clear();
            }
            let key = key.clone();
            lookups.by_hash.insert(hash, Lookup { at: now, key });
        }
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
                api_key_id: Some(record.id.to_string()),
                capabilities,
            },
            id: record.id,
            expires_at: record.expires_at,
            noted_at: record.last_used_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    use crate::auth::Capability;
    use crate::error::Code;

    const LIMITS: AuthLimits = AuthLimits {
        api_keys: 100,
        lookups_per_second: NonZeroU32::MIN,
    };
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    /// Where little is looked up: one at a time and ten at once.
    async fn keys(believed: Duration) -> (ApiKeys, tempfile::TempDir) {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(&dir.path().join("db").into())
            .await
            .expect("a store");
        let keys = ApiKeys {
            believed,
            ..ApiKeys::new(store, &LIMITS)
        };
        (keys, dir)
    }

    async fn create(keys: &ApiKeys, expires_at: Option<i64>) -> (ApiKeyId, String) {
        let (token, hash) = generate();
        let record = ApiKeyRecord {
            expires_at,
            ..ApiKeyRecord::new("org", "a key", "read,send")
        };
        let stored = keys.store.insert_api_key(&record, &hash, None).await;
        assert!(stored.expect("stored"));
        (record.id, token)
    }

    async fn used_at(keys: &ApiKeys, id: &ApiKeyId) -> Option<i64> {
        let key = keys.store.get_api_key("org", id).await.expect("read");
        key.expect("a key").last_used_at
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_key_is_its_organization_and_capabilities_until_it_expires() {
        let (keys, _dir) = keys(BELIEVED).await;
        let token = create(&keys, None).await.1;
        assert_eq!(token.len(), LEN);
        let principal = keys.authenticate(&token, HERE).await.expect("accepted");
        assert_eq!(principal.organization_id, "org");
        assert_eq!(principal.user_id, None);
        assert!(principal.require(Capability::Send).is_ok());
        assert!(principal.require(Capability::Manage).is_err());

        let later = create(&keys, Some(store::now() + 60_000)).await.1;
        assert!(keys.authenticate(&later, HERE).await.is_ok());
        let expired = create(&keys, Some(store::now())).await.1;
        for refused in [expired, generate().0, "wa_".to_owned(), format!("{token}A")] {
            let error = keys
                .authenticate(&refused, HERE)
                .await
                .expect_err("refused");
            assert_eq!(error.code, Code::Unauthorized);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_revoked_key_is_refused_when_the_lookup_has_aged() {
        let (keys, _dir) = keys(Duration::ZERO).await;
        let (id, token) = create(&keys, None).await;
        assert!(keys.authenticate(&token, HERE).await.is_ok());
        let revoked = keys.store.revoke_api_key(None, &id, 5).await;
        assert!(revoked.expect("revoked"));
        assert!(keys.authenticate(&token, HERE).await.is_err());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_warm_key_does_not_ask_the_database() {
        let (keys, _dir) = keys(Duration::MAX).await;
        let token = create(&keys, None).await.1;
        assert!(keys.authenticate(&token, HERE).await.is_ok());
        keys.store.close().await;
        assert!(keys.authenticate(&token, HERE).await.is_ok());
        let error = keys
            .authenticate(&generate().0, HERE)
            .await
            .expect_err("down");
        assert_eq!(error.code, Code::Unavailable);
    }

    /// What is told of the key is no older than its revocation, also where a look-up was under way.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_forgotten_key_is_looked_up_again() {
        let (keys, _dir) = keys(Duration::MAX).await;
        let (id, token) = create(&keys, None).await;
        let other = create(&keys, None).await.1;
        for token in [&token, &other] {
            assert!(keys.authenticate(token, HERE).await.is_ok());
        }
        let revoked = keys.store.revoke_api_key(None, &id, 5).await;
        assert!(revoked.expect("revoked"));
        keys.forget(&id);
        assert!(keys.authenticate(&token, HERE).await.is_err());
        keys.store.close().await;
        assert!(
            keys.authenticate(&other, HERE).await.is_ok(),
            "still believed"
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_use_is_noted_once_a_minute() {
        let (keys, _dir) = keys(BELIEVED).await;
        let (id, token) = create(&keys, None).await;
        assert_eq!(used_at(&keys, &id).await, None);
        keys.authenticate(&token, HERE).await.expect("accepted");
        let first = loop {
            match used_at(&keys, &id).await {
                Some(at) => break at,
                None => tokio::task::yield_now().await,
            }
        };
        let hash = hash(&token);
        assert_eq!(keys.due(&hash, first + NOTED_EVERY - 1), None);
        assert_eq!(keys.due(&hash, first + NOTED_EVERY), Some(id));
        assert_eq!(keys.due(&hash, first + NOTED_EVERY), None);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_use_that_cannot_be_noted_is_no_error() {
        let (keys, _dir) = keys(BELIEVED).await;
        let token = create(&keys, None).await.1;
        keys.store.refuse_writes(true).await;
        assert!(keys.authenticate(&token, HERE).await.is_ok());
    }

    #[test]
    fn names_are_of_one_line() {
        for good in ["ci", "Newsletter 2", &"é".repeat(100)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", " ", " x", "a\nb", "a\u{9f}", &"x".repeat(101)] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn keys_that_are_made_up_are_not_looked_up_for_ever() {
        let (keys, _dir) = keys(Duration::ZERO).await;
        let known = create(&keys, None).await.1;
        assert!(keys.authenticate(&known, HERE).await.is_ok());
        let mut codes = Vec::new();
        for _ in 0..30 {
            let error = keys.authenticate(&generate().0, HERE).await;
            codes.push(error.expect_err("made up").code);
        }
        let looked_up = codes.iter().filter(|code| **code == Code::Unauthorized);
        assert!((9..=20).contains(&looked_up.count()), "{codes:?}");
        assert_eq!(codes.last(), Some(&Code::RateLimited));
        // Who is known is looked up again all the same, and others are not concerned.
        assert!(keys.authenticate(&known, HERE).await.is_ok());
        let error = keys.authenticate(&generate().0, ELSEWHERE).await;
        assert_eq!(error.expect_err("made up").code, Code::Unauthorized);
    }
}
