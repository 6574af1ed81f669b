//! Login tokens: JWTs that a front end mints.

mod claims;
mod verified;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};

use super::Principal;
use super::jwks::{Jwks, Key};
use crate::config::JwtConfig;
use crate::error::Error;
use crate::outbound::Proxies;

use claims::Claims;
use verified::{Cache, Verified};

/// How often, at most, the log says at `info` why a token was refused.
const HINT_EVERY: Duration = Duration::from_secs(60);

/// The check of login tokens.
#[derive(Debug)]
pub(super) struct Verifier {
    config: JwtConfig,
    jwks: Jwks,
    verified: Cache,
    hinted_at: Mutex<Option<Instant>>,
}

/// Why a token is refused, for the log.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    /// No key at hand verifies it. The issuer may have published another one since.
    #[error("{0}")]
    Key(&'static str),
    /// Whatever the keys are.
    #[error("{0}")]
    Token(String),
}

impl Verifier {
    pub(super) fn new(config: &JwtConfig, proxies: &Proxies) -> Result<Self, reqwest::Error> {
        Ok(Self {
            config: config.clone(),
            jwks: Jwks::new(config, proxies)?,
            verified: Cache::new(),
            hinted_at: Mutex::default(),
        })
    }

    pub(super) async fn authenticate(&self, token: &str) -> Result<Principal, Error> {
        let now = jsonwebtoken::get_current_timestamp();
        if let Some(principal) = self.verified.get(token, &self.jwks.keys(), now) {
            return Ok(principal);
        }
        // What is no JWT of a kind we accept is refused before anything is fetched for it. `none` does not even parse.
        let header = jsonwebtoken::decode_header(token).map_err(|_| Error::unauthorized())?;
        if !matches!(
            header.alg,
            Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA
        ) {
            return Err(self.refuse(format_args!(
                "its alg is {:?}; RS256, ES256 or EdDSA are accepted",
                header.alg
            )));
        }
        // RFC 7515, section 4.1.11: an extension that must be understood, and none is.
        if header.crit.is_some() {
            return Err(self.refuse("it has a crit header"));
        }
        let verified = self.verify(token, header.kid.as_deref()).await?;
        let principal = verified.principal.clone();
        self.verified.put(token, verified);
        Ok(principal)
    }

    /// Verifies with the key at hand, and if that does not, with what a fetch brings instead: a key that is new, or one that
    /// has taken the place of another under the same `kid`.
    async fn verify(&self, token: &str, kid: Option<&str>) -> Result<Verified, Error> {
        let known = self.jwks.find(kid);
        let mut verified = self.verify_with(token, known.clone());
        if matches!(verified, Err(Refusal::Key(_))) {
            self.jwks.fetch().await?;
            let fetched = self.jwks.find(kid);
            // Else a forged token would cost two verifications.
            if fetched != known {
                verified = self.verify_with(token, fetched);
            }
        }
        verified.map_err(|refusal| self.refuse(refusal))
    }

    fn verify_with(&self, token: &str, key: Option<Arc<Key>>) -> Result<Verified, Refusal> {
        let key = key.ok_or(Refusal::Key("JWKS_URL has no key with its kid"))?;
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = self.config.leeway.as_secs();
        validation.validate_nbf = true;
        // Read with the other claims that the settings name.
        validation.validate_aud = false;
        validation.set_issuer(&[&self.config.issuer]);
        validation.set_required_spec_claims(&["exp", "iss"]);
        let claims = jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation)
            .map_err(|error| explain(error.kind(), token))?
            .claims;
        let principal = claims::principal(&claims, &self.config).map_err(Refusal::Token)?;
        Ok(Verified {
            principal,
            key,
            until: claims::expiry(&claims).saturating_add(validation.leeway),
        })
    }

    /// 401. Tells the operator why: once in a while at `info`, always at `debug`. Callers learn nothing.
    fn refuse(&self, reason: impl fmt::Display) -> Error {
        let mut hinted_at = self
            .hinted_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if hinted_at.is_none_or(|at| at.elapsed() >= HINT_EVERY) {
            *hinted_at = Some(Instant::now());
            tracing::info!(%reason, "login token refused");
        } else {
            tracing::debug!(%reason, "login token refused");
        }
        Error::unauthorized()
    }
}

/// Why a token is refused.
fn explain(error: &ErrorKind, token: &str) -> Refusal {
    // The times are looked at only after the signature, so it is a true token that has them.
    let seconds = |claim: &str| {
        let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        let claims: Claims = serde_json::from_slice(&payload).ok()?;
        let at = claims.get(claim)?.as_f64()?;
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .ok()?;
        Some((at - now.as_secs_f64()).abs().round())
    };
    Refusal::Token(match error {
        ErrorKind::InvalidSignature => {
            return Refusal::Key("its signature is not by the key that it names");
        }
        ErrorKind::InvalidAlgorithm => {
            return Refusal::Key("its alg is not that of the key that it names");
        }
        ErrorKind::ImmatureSignature => format!(
            "it is not valid for another {} s: check this machine's clock and the issuer's",
            seconds("nbf").unwrap_or_default()
        ),
        ErrorKind::ExpiredSignature => format!(
            "it expired {} s ago; if it is fresh, check this machine's clock and the issuer's",
            seconds("exp").unwrap_or_default()
        ),
        ErrorKind::InvalidIssuer => "its iss is not JWT_ISSUER".to_owned(),
        ErrorKind::MissingRequiredClaim(claim) => format!("it has no valid claim {claim}"),
        _ => "it is malformed".to_owned(),
    })
}

#[cfg(test)]
mod tests;
