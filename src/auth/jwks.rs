//! The keys that login tokens are verified with, as their issuer publishes them.
//!
//! Fetched when the first token comes and from then on in the background. A token that names an unknown key makes for
//! one more fetch, but not within the cool-down. Keys that were fetched stay in use while the issuer is down.

use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;

use crate::config::JwtConfig;
use crate::error::{Code, Error};
use crate::http_client;
use crate::outbound::Proxies;

/// A JWKS is a few kilobytes; this much is a mistake.
const MAX_BYTES: usize = 1 << 20;

/// RFC 7518, section 3.3.
const MIN_RSA_BYTES: usize = 2048 / 8;

/// A key that verifies signatures with one algorithm.
#[derive(Debug, Clone)]
pub(super) struct Key {
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

/// The published keys.
#[derive(Debug)]
pub(super) struct Jwks {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    url: Url,
    refresh: Duration,
    cooldown: Duration,
    /// None until they have been fetched once.
    keys: RwLock<Option<Arc<[Key]>>>,
    /// When a token last made for a fetch; locked while it runs.
    asked_at: tokio::sync::Mutex<Option<Instant>>,
    refreshing: std::sync::Once,
}

/// Why the keys could not be fetched. For the log.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("the answer is larger than a JWKS can be")]
    TooLarge,
    #[error("the answer is not a JWKS")]
    NotJwks(#[from] serde_json::Error),
}

impl Jwks {
    pub(super) fn new(config: &JwtConfig, proxies: &Proxies) -> Result<Self, reqwest::Error> {
        let http = http_client::builder(proxies)?
            .timeout(Duration::from_secs(5))
            .https_only(config.jwks_url.scheme() == "https")
            .build()?;
        Ok(Self {
            inner: Arc::new(Inner {
                http,
                url: config.jwks_url.clone(),
                refresh: config.refresh,
                cooldown: config.cooldown,
                keys: RwLock::default(),
                asked_at: tokio::sync::Mutex::default(),
                refreshing: std::sync::Once::new(),
            }),
        })
    }

    /// The key a token names, or the only key there is when it names none. `None`: there is no such key.
    ///
    /// # Errors
    /// 503 while the keys have never been fetched.
    pub(super) async fn find(&self, id: Option<&str>) -> Result<Option<Key>, Error> {
        self.inner.refreshing.call_once(|| {
            tokio::spawn(keep_fresh(
                Arc::downgrade(&self.inner),
                self.inner.refresh,
                self.inner.cooldown,
            ));
        });
        if let Some(keys) = self.inner.keys() {
            match id {
                Some(id) => {
                    if let Some(key) = named(&keys, id) {
                        return Ok(Some(key));
                    }
                }
                None => return Ok(only(&keys)),
            }
        }
        // In a task of its own: a caller who hangs up must not break off what others wait for.
        let inner = Arc::clone(&self.inner);
        let wait = tokio::spawn(async move { inner.ask().await })
            .await
            .map_err(Error::internal)?;
        match self.inner.keys() {
            Some(keys) => Ok(id.map_or_else(|| only(&keys), |id| named(&keys, id))),
            None => Err(
                Error::new(Code::Unavailable, "login tokens cannot be verified now")
                    .retry_after(wait),
            ),
        }
    }
}

fn named(keys: &[Key], id: &str) -> Option<Key> {
    keys.iter()
        .find(|key| key.id.as_deref() == Some(id))
        .cloned()
}

fn only(keys: &[Key]) -> Option<Key> {
    match keys {
        [key] => Some(key.clone()),
        _ => None,
    }
}

impl Inner {
    fn keys(&self) -> Option<Arc<[Key]>> {
        self.keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Fetches because a token needs it, unless one did so within the cool-down. Tells how long until the next may.
    async fn ask(&self) -> Duration {
        let mut asked_at = self.asked_at.lock().await;
        let since = asked_at.map(|at| at.elapsed());
        if let Some(since) = since
            && since < self.cooldown
        {
            return self.cooldown - since;
        }
        *asked_at = Some(Instant::now());
        self.fetch_and_keep().await;
        self.cooldown
    }

    /// Fetches the keys; on failure those at hand stay.
    async fn fetch_and_keep(&self) -> bool {
        match self.fetch().await {
            Ok(keys) => {
                if keys.is_empty() {
                    tracing::warn!(
                        "JWKS_URL holds no key that this gateway can use (RS256, ES256, EdDSA)"
                    );
                }
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(keys.into());
                true
            }
            Err(error) => {
                tracing::warn!(error = %describe(&error), "JWKS_URL cannot be fetched");
                false
            }
        }
    }

    async fn fetch(&self) -> Result<Vec<Key>, FetchError> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let mut response = self
            .http
            .get(self.url.clone())
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(reqwest::Error::without_url)?;
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(reqwest::Error::without_url)?
        {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let set: Set = serde_json::from_slice(&body)?;
        // Key by key: one of a kind that is unknown here must not spoil the others.
        Ok(set.keys.into_iter().filter_map(usable).collect())
    }
}

/// The reason of a failed fetch with its innermost cause ("connection refused" rather than "error sending request").
fn describe(error: &FetchError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if cause.to_string() == error.to_string() {
        error.to_string()
    } else {
        format!("{error}: {cause}")
    }
}

/// Fetches again and again for as long as the keys are in use.
async fn keep_fresh(inner: Weak<Inner>, refresh: Duration, cooldown: Duration) {
    let mut wait = refresh;
    loop {
        tokio::time::sleep(wait).await;
        let Some(inner) = inner.upgrade() else { return };
        wait = if inner.fetch_and_keep().await {
            refresh
        } else {
            refresh.min(cooldown)
        };
    }
}

/// The key of a JWK that may verify signatures with an algorithm we accept. The key decides on the algorithm, never the
/// token: that is what keeps a public key from being taken for an HMAC secret.
fn usable(jwk: Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(jwk).ok()?;
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        _ => return None,
    };
    let common = &jwk.common;
    let fits = common
        .key_algorithm
        .is_none_or(|named| named == KeyAlgorithm::from(algorithm))
        && matches!(common.public_key_use, None | Some(PublicKeyUse::Signature))
        && common
            .key_operations
            .as_ref()
            .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    let decoding = DecodingKey::from_jwk(&jwk).ok()?;
    let weak = matches!(decoding.kind(), DecodingKeyKind::RsaModulusExponent { n, .. }
        if n.iter().skip_while(|byte| **byte == 0).count() < MIN_RSA_BYTES);
    (fits && !weak).then_some(Key {
        id: jwk.common.key_id,
        algorithm,
        decoding,
    })
}
