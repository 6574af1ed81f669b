//! The cache of verified tokens: a signature is verified once, not on every request.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use sha2::{Digest, Sha256};

use crate::auth::Principal;
use crate::auth::jwks::Key;

/// Tokens kept at most, a few hundred bytes each; those that were not used for longest make room. Only who has a token that
/// passes gets one in.
const KEPT: NonZeroUsize = match NonZeroUsize::new(10_000) {
    Some(kept) => kept,
    None => NonZeroUsize::MIN,
};

/// Longest token that is kept, in bytes. Most servers take no longer header, so a longer token is rare; it is verified
/// each time.
const MAX_LEN: usize = 8 << 10;

/// A token that was verified.
#[derive(Debug, Clone)]
pub(super) struct Verified {
    /// Who it is of.
    pub(super) principal: Principal,
    /// The key that verified it.
    pub(super) key: Arc<Key>,
    /// The last second in which it is valid, since the epoch.
    pub(super) until: u64,
}

/// Verified tokens by their hash: what is kept is of no use to who reads it.
#[derive(Debug)]
pub(super) struct Cache(Mutex<LruCache<[u8; 32], Verified>>);

impl Cache {
    pub(super) fn new() -> Self {
        Self(Mutex::new(LruCache::new(KEPT)))
    }

    /// Who the token is of, if it was verified, has not expired at `now` (seconds since the epoch), and the key that verified
    /// it is still among `keys`.
    pub(super) fn get(&self, token: &str, keys: &[Arc<Key>], now: u64) -> Option<Principal> {
        let hash = hash(token)?;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(&hash)?;
        if now <= found.until && keys.contains(&found.key) {
            return Some(found.principal.clone());
        }
        kept.pop(&hash);
        None
    }

    /// Keeps a token that was verified.
    pub(super) fn put(&self, token: &str, verified: Verified) {
        if let Some(hash) = hash(token) {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.put(hash, verified);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// The hash that a token is kept under; none for one that is too long.
fn hash(token: &str) -> Option<[u8; 32]> {
    (token.len() <= MAX_LEN).then(|| Sha256::digest(token).into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::auth::Capabilities;

    /// A key of this name. No two names make the same key.
    fn key(kid: &str) -> Arc<Key> {
        let point = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": point, "kid": kid});
        Arc::new(Key::usable(jwk).expect("a key"))
    }

    fn verified(by: &Arc<Key>) -> Verified {
        Verified {
            principal: Principal {
                organization_id: "org".to_owned(),
                user_id: None,
                api_key_id: None,
                capabilities: Capabilities::NONE,
            },
            key: Arc::clone(by),
            until: 100,
        }
    }

    #[test]
    fn a_token_is_kept_until_it_expires() {
        let (cache, keys) = (Cache::new(), [key("1")]);
        cache.put("token", verified(&keys[0]));
        assert!(cache.get("token", &keys, 100).is_some());
        assert!(cache.get("another", &keys, 100).is_none());
        assert!(cache.get("token", &keys, 101).is_none());
        assert!(cache.get("token", &keys, 100).is_none(), "it was dropped");
    }

    #[test]
    fn a_token_is_dropped_with_the_key_that_verified_it() {
        let (cache, keys) = (Cache::new(), [key("1"), key("2")]);
        cache.put("token", verified(&keys[0]));
        // Fetched anew, in another order: the same keys.
        assert!(cache.get("token", &[key("2"), key("1")], 100).is_some());
        assert!(cache.get("token", &[key("2")], 100).is_none());
        assert!(cache.get("token", &keys, 100).is_none(), "it was dropped");
    }

    #[test]
    fn it_is_bounded() {
        let (cache, keys) = (Cache::new(), [key("1")]);
        let tokens: Vec<String> = (0..=KEPT.get()).map(|n| n.to_string()).collect();
        let (first, rest) = tokens.split_first().expect("tokens");
        for token in &tokens {
            cache.put(token, verified(&keys[0]));
            // Whoever comes all the time stays.
            assert!(cache.get(first, &keys, 0).is_some());
        }
        assert_eq!(cache.len(), KEPT.get());
        assert!(cache.get(&rest[0], &keys, 0).is_none(), "it made room");
        for (length, kept) in [(MAX_LEN, true), (MAX_LEN + 1, false)] {
            let token = "x".repeat(length);
            cache.put(&token, verified(&keys[0]));
            assert_eq!(cache.get(&token, &keys, 0).is_some(), kept);
        }
    }
}
