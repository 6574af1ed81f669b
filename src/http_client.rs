//! The HTTP client for calls out of the gateway.

use std::time::Duration;

use crate::outbound::{CONNECT_TIMEOUT, Proxies};

/// A client builder with sane time limits and these proxies; reqwest itself looks for none. Its TLS is rustls on ring, the
/// provider that the WhatsApp client uses as well.
///
/// # Errors
/// reqwest cannot use a proxy.
pub fn builder(proxies: &Proxies) -> Result<reqwest::ClientBuilder, reqwest::Error> {
    // reqwest panics without a provider. One that is installed already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(Duration::from_secs(10))
        .user_agent(concat!("whatsapp-gateway/", env!("CARGO_PKG_VERSION")))
        .no_proxy();
    let proxies = proxies.for_reqwest()?;
    Ok(proxies
        .into_iter()
        .fold(builder, reqwest::ClientBuilder::proxy))
}
