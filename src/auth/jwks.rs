//! The keys that login tokens are verified with, as their issuer publishes them.
//!
//! One task fetches them (`fetcher.rs`): when the first token comes, from then on in the background, and when a token comes
//! that none of the keys at hand verifies, but not within the cool-down. Keys that were fetched stay in use while the issuer is down.

mod fetcher;

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};

use crate::config::JwtConfig;
use crate::error::{Code, Error};
use crate::outbound::Proxies;

use fetcher::{Ask, Fetcher};

/// RFC 7518, section 3.3.
const MIN_RSA_BYTES: usize = 2048 / 8;

/// A key that verifies signatures with one algorithm.
#[derive(Debug)]
pub(super) struct Key {
    jwk: Jwk,
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

/// The same key is one that is published the same.
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.jwk == other.jwk
    }
}

/// All keys that are published and can be used.
pub(super) type Keys = Arc<[Arc<Key>]>;

/// The published keys.
#[derive(Debug)]
pub(super) struct Jwks {
    /// None until they have been fetched once.
    keys: watch::Receiver<Option<Keys>>,
    asks: mpsc::UnboundedSender<Ask>,
}

impl Jwks {
    /// Needs a tokio runtime. Nothing is fetched yet.
    pub(super) fn new(config: &JwtConfig, proxies: &Proxies) -> Result<Self, reqwest::Error> {
        let (published, keys) = watch::channel(None);
        // As many can wait in it as there are requests under way, which the edge limits.
        let (asks, asked) = mpsc::unbounded_channel();
        let fetcher = Fetcher::new(config, proxies, published)?;
        tokio::spawn(fetcher.run(asked));
        Ok(Self { keys, asks })
    }

    /// The keys at hand.
    pub(super) fn keys(&self) -> Keys {
        self.keys.borrow().clone().unwrap_or_default()
    }

    /// The key at hand that a token names, or the only one there is when it names none.
    pub(super) fn find(&self, id: Option<&str>) -> Option<Arc<Key>> {
        let keys = self.keys();
        match (id, &*keys) {
            (Some(_), keys) => keys
                .iter()
                .find(|key| key.jwk.common.key_id.as_deref() == id)
                .cloned(),
            (None, [only]) => Some(Arc::clone(only)),
            (None, _) => None,
        }
    }

    /// Has the keys fetched, or waits for a fetch that is under way. Does nothing within the cool-down after the last fetch
    /// that was asked for.
    ///
    /// # Errors
    /// 503 while the keys have never been fetched.
    pub(super) async fn fetch(&self) -> Result<(), Error> {
        let (answer, answered) = oneshot::channel();
        self.asks.send(answer).map_err(Error::internal)?;
        let next: Duration = answered.await.map_err(Error::internal)?;
        if self.keys.borrow().is_some() {
            return Ok(());
        }
        Err(Error::new(Code::Unavailable, "login tokens cannot be verified now").retry_after(next))
    }
}

impl Key {
    /// The key of a JWK that may verify signatures with an algorithm we accept. The key decides on the algorithm, never the
    /// token: that is what keeps a public key from being taken for an HMAC secret.
    pub(super) fn usable(jwk: Value) -> Option<Self> {
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
        (fits && !weak).then_some(Self {
            jwk,
            algorithm,
            decoding,
        })
    }
}
