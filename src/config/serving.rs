//! The settings of how the gateway is reached: TLS, reverse proxies, web pages.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use http::HeaderValue;
use ipnet::IpNet;
use reqwest::Url;

use super::ConfigError;
use super::env::Env;

/// The files of a TLS certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that lead to its root, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// Reads `GATEWAY_LISTEN`.
pub(super) fn listen(env: &Env) -> Result<SocketAddr, ConfigError> {
    let listen = env.parsed(
        "GATEWAY_LISTEN",
        "an address and a port, such as 127.0.0.1:8080",
    )?;
    Ok(listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080))))
}

/// Reads `GATEWAY_HEALTH_LISTEN`.
pub(super) fn health_listen(env: &Env) -> Result<Option<SocketAddr>, ConfigError> {
    env.parsed(
        "GATEWAY_HEALTH_LISTEN",
        "an address and a port, such as 0.0.0.0:8081",
    )
}

/// Reads `GATEWAY_TLS_CERTIFICATE_FILE` and `GATEWAY_TLS_KEY_FILE`.
pub(super) fn tls(env: &Env) -> Result<Option<TlsFiles>, ConfigError> {
    const NAMES: [&str; 2] = ["GATEWAY_TLS_CERTIFICATE_FILE", "GATEWAY_TLS_KEY_FILE"];
    let [certificate, key] = NAMES.map(|name| env.text(name));
    let [certificate_name, key_name] = NAMES;
    let missing = |name, other| {
        let fix = format!("must be set when {other} is; for plain HTTP set neither");
        Err(ConfigError::new(name, fix))
    };
    match (certificate?, key?) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles {
            certificate: certificate.into(),
            key: key.into(),
        })),
        (None, Some(_)) => missing(certificate_name, key_name),
        (Some(_), None) => missing(key_name, certificate_name),
    }
}

/// Reads `GATEWAY_TRUSTED_PROXIES`.
pub(super) fn trusted_proxies(env: &Env) -> Result<Vec<IpNet>, ConfigError> {
    const NAME: &str = "GATEWAY_TRUSTED_PROXIES";
    env.list(NAME, |item| {
        let address = item.parse::<IpAddr>().map(IpNet::from).ok();
        item.parse().ok().or(address).ok_or_else(|| {
            ConfigError::new(
                NAME,
                "must be addresses and networks, separated by commas, such as 127.0.0.1,10.0.0.0/8",
            )
        })
    })
}

/// Reads `GATEWAY_CORS_ORIGINS`.
pub(super) fn cors_origins(env: &Env) -> Result<Vec<HeaderValue>, ConfigError> {
    const NAME: &str = "GATEWAY_CORS_ORIGINS";
    env.list(NAME, |item| {
        // As a browser writes it: anything else would match nothing.
        let is_origin = Url::parse(item).is_ok_and(|url| url.origin().ascii_serialization() == item);
        let value = HeaderValue::try_from(item).ok().filter(|_| is_origin);
        value.ok_or_else(|| {
            ConfigError::new(
                NAME,
                "must be origins as browsers write them, separated by commas, such as https://app.example.com,http://localhost:3000",
            )
        })
    })
}
