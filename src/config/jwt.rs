//! The settings of login tokens.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;

use super::ConfigError;
use super::env::Env;

/// How login tokens are verified. Claims are named as they stand, or by the path to them: `realm_access.roles`.
#[derive(Debug, Clone)]
pub struct JwtConfig {
    /// Where the keys are.
    pub jwks_url: Url,
    /// What `iss` must be.
    pub issuer: String,
    /// What the claim of the audience must contain.
    pub audience: String,
    /// The claim that holds the audience.
    pub audience_claim: String,
    /// The claim that holds the user id.
    pub user_claim: String,
    /// The claim that holds the organization id.
    pub organization_claim: String,
    /// The claim that holds the role.
    pub role_claim: String,
    /// How far the clocks may differ.
    pub leeway: Duration,
    /// How old the keys may get before they are fetched again, and for how long an issuer must publish none to be believed.
    pub refresh: Duration,
    /// Least time between two fetches that tokens make for.
    pub cooldown: Duration,
}

impl JwtConfig {
    /// Whether the keys are on this machine. They may come by plain HTTP then, so they must not pass a proxy.
    #[must_use]
    pub fn on_loopback(&self) -> bool {
        is_loopback(&self.jwks_url)
    }
}

/// Reads `JWKS_URL` and all of `JWT_` and `JWKS_`; none of them means no login tokens.
pub(super) fn jwt(env: &Env) -> Result<Option<JwtConfig>, ConfigError> {
    const TOGETHER: [&str; 3] = ["JWKS_URL", "JWT_ISSUER", "JWT_AUDIENCE"];
    let [url, issuer, audience] = TOGETHER.map(|name| env.text(name));
    let (jwks_url, issuer, audience) = match (url?, issuer?, audience?) {
        (None, None, None) => return Ok(None),
        (Some(url), Some(issuer), Some(audience)) => (jwks_url(&url)?, issuer, audience),
        (url, issuer, _) => {
            let missing = match (url, issuer) {
                (None, _) => "JWKS_URL",
                (_, None) => "JWT_ISSUER",
                _ => "JWT_AUDIENCE",
            };
            return Err(ConfigError::new(
                missing,
                "must be set: login tokens need JWKS_URL, JWT_ISSUER and JWT_AUDIENCE; for api keys alone set none of them",
            ));
        }
    };
    let claim = |name, default: &str| -> Result<String, ConfigError> {
        Ok(env.text(name)?.unwrap_or_else(|| default.to_owned()))
    };
    Ok(Some(JwtConfig {
        jwks_url,
        issuer,
        audience,
        audience_claim: claim("JWT_AUDIENCE_CLAIM", "aud")?,
        user_claim: claim("JWT_USER_CLAIM", "sub")?,
        organization_claim: claim("JWT_ORGANIZATION_CLAIM", "org")?,
        role_claim: claim("JWT_ROLE_CLAIM", "role")?,
        leeway: env.seconds("JWT_LEEWAY_SECONDS", Duration::from_secs(30), 0..=300)?,
        refresh: env.seconds("JWKS_REFRESH_SECONDS", Duration::from_secs(300), 1..=86_400)?,
        cooldown: env.seconds("JWKS_COOLDOWN_SECONDS", Duration::from_secs(30), 1..=3600)?,
    }))
}

fn jwks_url(url: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(url).map_err(|_| {
        ConfigError::new(
            "JWKS_URL",
            "must be a URL, such as https://login.example.com/jwks.json",
        )
    })?;
    // Whoever can change the keys on the way can mint tokens.
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(ConfigError::new(
            "JWKS_URL",
            "must be an https:// URL (http:// is for a loopback host only)",
        )),
    }
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<IpAddr>()
                .is_ok_and(|ip| ip.is_loopback())
    })
}
