//! Every setting, its default and its environment name. The only reader of the environment.
//!
//! The prefix says what a setting is about: `GATEWAY_` this process, `WHATSAPP_` the network on the far side, `JWKS_` and
//! `JWT_` the login tokens. A variable that is set but empty counts as not set. The proxy
//! variables have the names that curl reads; in lower case they win, as with curl.

mod env;
mod jwt;
mod key_file;
mod limits;
mod log;
mod pace;
mod serving;

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use http::HeaderValue;
use ipnet::IpNet;
use reqwest::Url;

use crate::clock::Clock;
use crate::outbound::{BadProxy, Proxies, Proxy};
use crate::pace::Pace;
use crate::store::{Database, EncryptionKey};
use crate::whatsapp::Network;

use env::Env;
pub use jwt::JwtConfig;
pub use key_file::key_file;
pub use limits::Limits;
pub use log::{DEFAULT_LOG, LogConfig, LogFormat};
pub use serving::TlsFiles;

/// As many sessions of one organization as a small machine bears.
pub const DEFAULT_MAX_SESSIONS: usize = 100;

/// Live api keys that one organization may have.
pub const DEFAULT_MAX_API_KEYS: u32 = 100;

/// Far more than callers need, whose keys are looked up once in a few seconds, and little work for a database.
pub const DEFAULT_KEY_LOOKUPS: NonZeroU32 = NonZeroU32::new(50).unwrap();

/// More than somebody who mistypes a code needs, and no nuisance to somebody whose number is not theirs.
pub const DEFAULT_PAIRING_CODES: NonZeroU32 = NonZeroU32::new(6).unwrap();

/// Below the ten seconds after which container engines kill.
pub const DEFAULT_SHUTDOWN: Duration = Duration::from_secs(8);

/// All settings.
///
/// | Variable | Default | Meaning |
/// |---|---|---|
/// | `GATEWAY_LISTEN` | `127.0.0.1:8080` | Address and port to serve on |
/// | `GATEWAY_HEALTH_LISTEN` | | Address and port for `/healthz` and `/readyz` alone, by plain HTTP; without it `GATEWAY_LISTEN` serves them too |
/// | `GATEWAY_TLS_CERTIFICATE_FILE` | | Certificate and the chain to its root, PEM, to serve HTTPS; read again when it changes. Needs `GATEWAY_TLS_KEY_FILE` |
/// | `GATEWAY_TLS_KEY_FILE` | | Its private key, PEM |
/// | `GATEWAY_TRUSTED_PROXIES` | | Reverse proxies whose `X-Forwarded-For` names the caller, so that limits by address are for callers: addresses and networks, comma-separated |
/// | `GATEWAY_CORS_ORIGINS` | | Origins whose web pages may call from a browser, comma-separated, such as `https://app.example.com` |
/// | `GATEWAY_DATABASE` | `whatsapp-gateway.db` | SQLite file, made when missing, or a PostgreSQL server: `postgres://user:password@host/database?sslmode=verify-full` |
/// | `GATEWAY_DATABASE_CONNECTIONS` | `10` | Connections to a PostgreSQL server at most, 2 or more |
/// | `GATEWAY_ENCRYPTION_KEY_FILE` | | File with the key that the keys of linked devices are encrypted with: 32 bytes in base64 or hex, readable by its owner alone |
/// | `GATEWAY_ACTIONS_DAYS` | `90` | How long the records of what was asked of WhatsApp are kept |
/// | `GATEWAY_ADDITIONS_BATCH` | `5` | People that an addition adds by one call to WhatsApp |
/// | `GATEWAY_ADDITIONS_MIN_PAUSE_SECONDS` | `40` | Shortest pause between two calls |
/// | `GATEWAY_ADDITIONS_MAX_PAUSE_SECONDS` | `90` | Longest pause between two calls |
/// | `GATEWAY_ADDITIONS_PER_HOUR` | `60` | People that an account adds within any hour before its additions wait |
/// | `GATEWAY_ADDITIONS_PER_DAY` | `250` | The same within any 24 hours |
/// | `GATEWAY_ACCEPT_PHONE_NUMBERS` | `false` | Whether new members of groups may be named by phone numbers as people write them; `true` or `false` |
/// | `GATEWAY_REQUEST_TIMEOUT_SECONDS` | `60` | Longest a request may take, reading its body included |
/// | `GATEWAY_HEADER_TIMEOUT_SECONDS` | `10` | Longest the head of a request may take; ends connections that send it byte by byte, or nothing |
/// | `GATEWAY_BODY_TIMEOUT_SECONDS` | `10` | Longest pause in the body of a request; ends requests whose body never comes |
/// | `GATEWAY_ANSWER_TIMEOUT_SECONDS` | `30` | Longest a caller may take to read an answer; ends connections that don't, and frees what is held for them |
/// | `GATEWAY_IDLE_TIMEOUT_SECONDS` | `75` | Longest a connection may be without a request; frees those that are forgotten |
/// | `GATEWAY_MAX_CONNECTIONS` | `4096` | Connections open at once, and at most a third of the descriptors that the process may have; more are closed |
/// | `GATEWAY_MAX_CONNECTIONS_PER_ADDRESS` | `256` | The same from one address (of IPv6, a /64 network), so that one does not use up all |
/// | `GATEWAY_MAX_REQUESTS` | `1024` | Requests of authenticated callers served at once, to bound memory; more are refused with 503 |
/// | `GATEWAY_MAX_REQUESTS_PER_ORGANIZATION` | `256` | The same of one organization, so that one does not shut out the others; more are refused with 429 |
/// | `GATEWAY_MAX_REQUESTS_PER_ADDRESS` | `512` | Requests from one address, authenticated or not; more are refused with 429 |
/// | `GATEWAY_MAX_UNREAD_MIB_PER_ORGANIZATION` | `32` | Memory for answers that the callers of one organization have not read yet; more of a GET is refused with 429 |
/// | `GATEWAY_MAX_SESSIONS_PER_ORGANIZATION` | `100` | Sessions of one organization, each of which takes a descriptor and memory; more are refused with 429 |
/// | `GATEWAY_MAX_API_KEYS_PER_ORGANIZATION` | `100` | Live api keys that an organization may have before `createApiKey` is refused with 429; protects the database from one of them. The command line has no such limit |
/// | `GATEWAY_KEY_LOOKUPS_PER_SECOND` | `50` | Unknown api keys from one address that are looked up in the database, ten times as many at once; protects it from made-up keys. More are 429 |
/// | `GATEWAY_PAIRING_CODES_PER_HOUR` | `6` | Pairing codes for one session, and for one number of an organization; protects whose phone shows them |
/// | `GATEWAY_SHUTDOWN_SECONDS` | `8` | Longest that stopping may take, in all; what is still running then is cut off |
/// | `GATEWAY_LOG` | [`DEFAULT_LOG`] | What to log, as `level` or `module=level`, comma-separated |
/// | `GATEWAY_LOG_FORMAT` | `text` | `text` or `json` |
/// | `WHATSAPP_URL` | WhatsApp itself | WebSocket URL of a stand-in; needs `WHATSAPP_SERVER_KEY` |
/// | `WHATSAPP_SERVER_KEY` | | The stand-in's public key, 64 hex digits; needs `WHATSAPP_URL` |
/// | `WHATSAPP_TIMEOUT_SECONDS` | `20` | Longest to wait for WhatsApp's answer, at most 75; must be below `GATEWAY_REQUEST_TIMEOUT_SECONDS` |
/// | `HTTPS_PROXY` | | Proxy to WhatsApp and to an `https` `JWKS_URL`: `http://`, `socks5://` or `socks5h://` (the proxy resolves names), `user:password@` where it asks for them |
/// | `HTTP_PROXY` | | The same for `ws://` |
/// | `ALL_PROXY` | | The same for whichever of the two is not set |
/// | `NO_PROXY` | | Hosts reached without a proxy: comma-separated names (with all below them), addresses, networks, or `*` |
/// | `JWKS_URL` | | Where the keys of login tokens are; `https`, or `http` on a loopback host, which is never asked through a proxy. Redirects are not followed. Needs `JWT_ISSUER` and `JWT_AUDIENCE`; without the three only api keys are accepted |
/// | `JWT_ISSUER` | | What `iss` must be |
/// | `JWT_AUDIENCE` | | What the claim of the audience must be, or contain where it is a list |
/// | `JWT_AUDIENCE_CLAIM` | `aud` | The claim that holds the audience; `client_id` for the access tokens of AWS Cognito |
/// | `JWT_USER_CLAIM` | `sub` | The claim that holds the user id; this one and the next two may be paths, such as `realm_access.roles` |
/// | `JWT_ORGANIZATION_CLAIM` | `org` | The claim that holds the organization id, alone or as a list of one |
/// | `JWT_ROLE_CLAIM` | `role` | The claim that holds the role, or a list of them: the most that any of them gives |
/// | `JWT_LEEWAY_SECONDS` | `30` | How far the clocks may differ, at most 300 |
/// | `JWKS_REFRESH_SECONDS` | `300` | How old the keys may get before they are fetched again; an issuer that publishes none for this long is believed |
/// | `JWKS_COOLDOWN_SECONDS` | `30` | Least time between two fetches that tokens make for, whatever they say |
#[derive(Debug, Clone)]
pub struct Config {
    /// `GATEWAY_LISTEN`.
    pub listen: SocketAddr,
    /// `GATEWAY_HEALTH_LISTEN`; none where the health routes are served with the others.
    pub health_listen: Option<SocketAddr>,
    /// `GATEWAY_TLS_CERTIFICATE_FILE` and `GATEWAY_TLS_KEY_FILE`; none for plain HTTP.
    pub tls: Option<TlsFiles>,
    /// `GATEWAY_TRUSTED_PROXIES`.
    pub trusted_proxies: Vec<IpNet>,
    /// `GATEWAY_CORS_ORIGINS`.
    pub cors_origins: Vec<HeaderValue>,
    /// `GATEWAY_DATABASE` and `GATEWAY_DATABASE_CONNECTIONS`.
    pub database: Database,
    /// `GATEWAY_ENCRYPTION_KEY_FILE`; none when the device state is not encrypted.
    pub encryption_key: Option<EncryptionKey>,
    /// `GATEWAY_ACTIONS_DAYS`.
    pub keep_actions: Duration,
    /// All of `GATEWAY_ADDITIONS_`.
    pub pace: Pace,
    /// What time it is for what waits long. Not a setting: tests move it.
    pub clock: Clock,
    /// `GATEWAY_ACCEPT_PHONE_NUMBERS`.
    pub accept_phone_numbers: bool,
    /// `GATEWAY_REQUEST_TIMEOUT_SECONDS` and what else bounds connections and requests.
    pub limits: Limits,
    /// `GATEWAY_MAX_SESSIONS_PER_ORGANIZATION`.
    pub max_sessions_per_organization: usize,
    /// `GATEWAY_MAX_API_KEYS_PER_ORGANIZATION`.
    pub max_api_keys: u32,
    /// `GATEWAY_KEY_LOOKUPS_PER_SECOND`.
    pub key_lookups_per_second: NonZeroU32,
    /// `GATEWAY_PAIRING_CODES_PER_HOUR`.
    pub pairing_codes_per_hour: NonZeroU32,
    /// `GATEWAY_SHUTDOWN_SECONDS`.
    pub shutdown_grace: Duration,
    /// `WHATSAPP_URL` and `WHATSAPP_SERVER_KEY`.
    pub network: Network,
    /// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    pub proxies: Proxies,
    /// `WHATSAPP_TIMEOUT_SECONDS`.
    pub whatsapp_timeout: Duration,
    /// `JWKS_URL` and all of `JWT_`; none when only api keys are accepted.
    pub jwt: Option<JwtConfig>,
}

/// A setting that cannot be used: one line that names it and the fix.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {fix}")]
pub struct ConfigError {
    name: &'static str,
    fix: String,
}

impl ConfigError {
    /// `fix` says what the setting must be.
    pub fn new(name: &'static str, fix: impl Into<String>) -> Self {
        Self {
            name,
            fix: fix.into(),
        }
    }
}

impl Config {
    /// Reads the settings from the environment.
    ///
    /// # Errors
    /// A setting that cannot be used.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(&Env(&|name| std::env::var_os(name)))
    }

    fn read(env: &Env) -> Result<Self, ConfigError> {
        let limits = limits::limits(env)?;
        Ok(Self {
            listen: serving::listen(env)?,
            health_listen: serving::health_listen(env)?,
            tls: serving::tls(env)?,
            trusted_proxies: serving::trusted_proxies(env)?,
            cors_origins: serving::cors_origins(env)?,
            database: database(env)?,
            encryption_key: encryption_key(env)?,
            keep_actions: keep_actions(env)?,
            pace: pace::pace(env)?,
            clock: Clock::default(),
            accept_phone_numbers: env
                .parsed("GATEWAY_ACCEPT_PHONE_NUMBERS", "true or false")?
                .unwrap_or(false),
            limits,
            max_sessions_per_organization: env
                .parsed(
                    "GATEWAY_MAX_SESSIONS_PER_ORGANIZATION",
                    "a number of at least 1",
                )?
                .map_or(DEFAULT_MAX_SESSIONS, NonZeroUsize::get),
            max_api_keys: env
                .parsed(
                    "GATEWAY_MAX_API_KEYS_PER_ORGANIZATION",
                    "a number of at least 1",
                )?
                .map_or(DEFAULT_MAX_API_KEYS, NonZeroU32::get),
            key_lookups_per_second: env
                .parsed("GATEWAY_KEY_LOOKUPS_PER_SECOND", "a number of at least 1")?
                .unwrap_or(DEFAULT_KEY_LOOKUPS),
            pairing_codes_per_hour: env
                .parsed("GATEWAY_PAIRING_CODES_PER_HOUR", "a number of at least 1")?
                .unwrap_or(DEFAULT_PAIRING_CODES),
            shutdown_grace: env.seconds("GATEWAY_SHUTDOWN_SECONDS", DEFAULT_SHUTDOWN, 1..=3600)?,
            network: network(env)?,
            proxies: proxies(env)?,
            whatsapp_timeout: whatsapp_timeout(env, limits.request_timeout)?,
            jwt: jwt::jwt(env)?,
        })
    }
}

/// The database alone, for commands that need nothing else.
///
/// # Errors
/// A setting that cannot be used.
pub fn database_from_env() -> Result<Database, ConfigError> {
    database(&Env(&|name| std::env::var_os(name)))
}

/// The key of the device state alone, for the command that changes it.
///
/// # Errors
/// A setting that cannot be used.
pub fn encryption_key_from_env() -> Result<Option<EncryptionKey>, ConfigError> {
    encryption_key(&Env(&|name| std::env::var_os(name)))
}

/// Where the health routes are served, for the command that asks them.
///
/// # Errors
/// A setting that cannot be used; with TLS, that they have no address of their own.
pub fn health_address_from_env() -> Result<SocketAddr, ConfigError> {
    let env = Env(&|name| std::env::var_os(name));
    match (serving::health_listen(&env)?, serving::tls(&env)?) {
        (Some(address), _) => Ok(address),
        (None, None) => serving::listen(&env),
        (None, Some(_)) => Err(ConfigError::new(
            "GATEWAY_HEALTH_LISTEN",
            "must be set for this command when the gateway serves HTTPS, such as 127.0.0.1:8081",
        )),
    }
}

fn database(env: &Env) -> Result<Database, ConfigError> {
    let text = env.text("GATEWAY_DATABASE")?;
    let Ok(database) = text.as_deref().unwrap_or("whatsapp-gateway.db").parse();
    let connections =
        env.parsed::<u32>("GATEWAY_DATABASE_CONNECTIONS", "a number of at least 2")?;
    Ok(match (database, connections) {
        (_, Some(0 | 1)) => {
            let fix = "must be a number of at least 2";
            return Err(ConfigError::new("GATEWAY_DATABASE_CONNECTIONS", fix));
        }
        (Database::Postgres(url, _), Some(connections)) => Database::Postgres(url, connections),
        (database, _) => database,
    })
}

fn encryption_key(env: &Env) -> Result<Option<EncryptionKey>, ConfigError> {
    const NAME: &str = "GATEWAY_ENCRYPTION_KEY_FILE";
    let path = env.text(NAME)?;
    path.map(|path| key_file(NAME, path.as_ref())).transpose()
}

fn keep_actions(env: &Env) -> Result<Duration, ConfigError> {
    const NAME: &str = "GATEWAY_ACTIONS_DAYS";
    let expected = "a number of days, from 1 to 3650";
    let days = env.parsed(NAME, expected)?.unwrap_or(90);
    if !(1..=3650).contains(&days) {
        return Err(ConfigError::new(NAME, format!("must be {expected}")));
    }
    Ok(Duration::from_secs(days * 24 * 60 * 60))
}

fn whatsapp_timeout(env: &Env, request_timeout: Duration) -> Result<Duration, ConfigError> {
    const NAME: &str = "WHATSAPP_TIMEOUT_SECONDS";
    // The client library gives up after 75 s by itself.
    let timeout = env.seconds(NAME, Duration::from_secs(20), 1..=75)?;
    // Else the caller hears 503, that the gateway is slow, where 504 would say that the outcome is not known.
    if timeout >= request_timeout {
        return Err(ConfigError::new(
            NAME,
            format!(
                "must be below GATEWAY_REQUEST_TIMEOUT_SECONDS, which is {}",
                request_timeout.as_secs()
            ),
        ));
    }
    Ok(timeout)
}

fn network(env: &Env) -> Result<Network, ConfigError> {
    match (env.text("WHATSAPP_URL")?, env.text("WHATSAPP_SERVER_KEY")?) {
        (None, None) => Ok(Network::WhatsApp),
        (Some(_), None) => Err(ConfigError::new(
            "WHATSAPP_SERVER_KEY",
            "must be set when WHATSAPP_URL is; to reach WhatsApp itself set neither",
        )),
        (None, Some(_)) => Err(ConfigError::new(
            "WHATSAPP_URL",
            "must be set when WHATSAPP_SERVER_KEY is; to reach WhatsApp itself set neither",
        )),
        (Some(url), Some(key)) => {
            let valid = Url::parse(&url)
                .is_ok_and(|url| matches!(url.scheme(), "ws" | "wss") && url.has_host());
            if !valid {
                return Err(ConfigError::new(
                    "WHATSAPP_URL",
                    "must be a WebSocket URL, such as ws://127.0.0.1:9090/ws/chat",
                ));
            }
            let server_key = hex_key(&key).ok_or_else(|| {
                ConfigError::new(
                    "WHATSAPP_SERVER_KEY",
                    "must be the stand-in's public key, 64 hex digits",
                )
            })?;
            Ok(Network::Standin { url, server_key })
        }
    }
}

fn proxies(env: &Env) -> Result<Proxies, ConfigError> {
    let proxy = |names: [&'static str; 2]| -> Result<Option<Proxy>, ConfigError> {
        let (name, text) = env.first(names)?;
        text.map(|text| text.trim().parse())
            .transpose()
            .map_err(|error: BadProxy| ConfigError::new(name, error.to_string()))
    };
    let all = proxy(["all_proxy", "ALL_PROXY"])?;
    Ok(Proxies {
        https: proxy(["https_proxy", "HTTPS_PROXY"])?.or_else(|| all.clone()),
        http: proxy(["http_proxy", "HTTP_PROXY"])?.or(all),
        none: env.first(["no_proxy", "NO_PROXY"])?.1.unwrap_or_default(),
    })
}

fn hex_key(hex: &str) -> Option<[u8; 32]> {
    if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = [0; 32];
    for (byte, at) in key.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests;
