//! Credentials: a bearer token in, a [`Principal`] out.
//!
//! Two kinds of token: an api key (`wa_…`, looked up by its hash) and a login JWT (verified against a JWKS).

pub mod api_key;
mod id;
mod jwks;
mod jwt;
mod managing;
mod principal;

pub use id::{BadId, valid_id};
pub use managing::Wanted;
pub use principal::{Capabilities, Capability, Principal};

use std::net::IpAddr;
use std::num::NonZeroU32;

use crate::config::JwtConfig;
use crate::error::Error;
use crate::outbound::Proxies;
use crate::store::Store;

/// How much callers may have, and cause, of credentials.
#[derive(Debug, Clone, Copy)]
pub struct AuthLimits {
    /// Live api keys of one organization, those that the command line makes aside.
    pub api_keys: u32,
    /// Look-ups of unknown api keys from one address.
    pub lookups_per_second: NonZeroU32,
}

/// Verifies credentials.
#[derive(Debug)]
pub struct Auth {
    api_keys: api_key::ApiKeys,
    jwt: Option<jwt::Verifier>,
}

impl Auth {
    /// Checks api keys against `store` and, when `jwt` is configured, login tokens against its JWKS, which is fetched
    /// through `proxies`. Nothing is fetched yet.
    ///
    /// # Errors
    /// The HTTP client for the JWKS cannot be built.
    pub fn new(
        store: Store,
        limits: &AuthLimits,
        jwt: Option<&JwtConfig>,
        proxies: &Proxies,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self {
            api_keys: api_key::ApiKeys::new(store, limits),
            jwt: jwt
                .map(|jwt| jwt::Verifier::new(jwt, proxies))
                .transpose()?,
        })
    }

    /// The api keys, for callers who manage them.
    #[must_use]
    pub fn api_keys(&self) -> &api_key::ApiKeys {
        &self.api_keys
    }

    /// Who the bearer of this token is. `token` is what follows `Bearer ` in the `Authorization` header, and `from` where it
    /// comes from.
    ///
    /// # Errors
    /// 401 for no token or one that does not verify; 429 where too many that are not known came from there; 503 when it
    /// cannot be told now.
    pub async fn authenticate(
        &self,
        token: Option<&str>,
        from: IpAddr,
    ) -> Result<Principal, Error> {
        let token = token.ok_or_else(Error::unauthorized)?;
        if token.starts_with(api_key::PREFIX) {
            return self.api_keys.authenticate(token, from).await;
        }
        match &self.jwt {
            Some(verifier) => verifier.authenticate(token).await,
            None => Err(Error::unauthorized()),
        }
    }
}
