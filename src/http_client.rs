//! The HTTP client for calls out of the gateway.

use std::time::Duration;

/// A client builder with sane time limits. Its TLS is rustls on ring, the provider that the WhatsApp client uses as well.
pub fn builder() -> reqwest::ClientBuilder {
    // reqwest panics without a provider. One that is installed already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(10))
        .user_agent(concat!("whatsapp-gateway/", env!("CARGO_PKG_VERSION")))
}
