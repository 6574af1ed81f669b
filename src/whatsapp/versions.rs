//! The version of WhatsApp Web that clients claim: a cache that all sessions share.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use whatsapp_rust::anyhow::{self, Context as _};
use whatsapp_rust::version::parse_sw_js;

use crate::http_client;
use crate::outbound::Proxies;

/// Primary, secondary and tertiary.
pub(super) type Version = (u32, u32, u32);

/// The script of WhatsApp Web that names its version. Source: whatsapp-rust, `version::SW_URL`.
const URL: &str = "https://web.whatsapp.com/sw.js";

/// The site gives the script to browsers only. Source: whatsapp-rust, `version`.
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";

/// What is claimed as long as none could be fetched, and to a stand-in.
pub(super) const BUILT_IN: Version = (2, 3000, 1_042_742_319);

/// How long a fetched version is good. Source: whatsapp-rust, `resolve_and_update_version`.
const FRESH: Duration = Duration::from_secs(24 * 60 * 60);

/// Least time between two fetches, also after a failed one.
const COOLDOWN: Duration = Duration::from_secs(5 * 60);

#[derive(Debug)]
pub(super) struct Versions {
    url: String,
    proxies: Proxies,
    cooldown: Duration,
    known: std::sync::Mutex<Known>,
    /// Held while one fetches for all.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    version: Version,
    /// When a fetch last ended, well or not.
    tried_at: Option<Instant>,
    /// The next one may ask sooner than after [`FRESH`].
    stale: bool,
}

impl Versions {
    pub(super) fn new(proxies: Proxies) -> Self {
        Self::at(URL, proxies, COOLDOWN)
    }

    fn at(url: &str, proxies: Proxies, cooldown: Duration) -> Self {
        Self {
            url: url.to_owned(),
            proxies,
            cooldown,
            known: std::sync::Mutex::new(Known {
                version: BUILT_IN,
                tried_at: None,
                stale: true,
            }),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    /// The current version, fetched if need be. While it cannot be fetched: the last one, at first [`BUILT_IN`].
    pub(super) async fn current(&self) -> Version {
        if let Some(version) = self.settled() {
            return version;
        }
        let _fetching = self.fetching.lock().await;
        // Another session has fetched it meanwhile.
        if let Some(version) = self.settled() {
            return version;
        }
        let fetched = self.fetch().await;
        let mut known = self.known();
        known.tried_at = Some(Instant::now());
        match fetched {
            Ok(version) => (known.version, known.stale) = (version, false),
            Err(error) => {
                known.stale = true;
                tracing::warn!(
                    "cannot fetch the version of WhatsApp Web, {:?} is claimed: {error:#}",
                    known.version
                );
            }
        }
        known.version
    }

    /// WhatsApp refuses this version as outdated: the next [`Versions::current`] fetches anew, once for all sessions and
    /// not within minutes of the last fetch. Nothing happens when another version is known already.
    pub(super) fn refresh_after(&self, outdated: Version) {
        let mut known = self.known();
        known.stale |= known.version == outdated;
    }

    /// The version that may be claimed without a fetch.
    fn settled(&self) -> Option<Version> {
        let known = *self.known();
        let age = known.tried_at?.elapsed();
        let good_for = if known.stale { self.cooldown } else { FRESH };
        (age < good_for).then_some(known.version)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(&self) -> anyhow::Result<Version> {
        let response = http_client::builder(&self.proxies)?
            .user_agent(BROWSER)
            .build()?
            .get(&self.url)
            .header("sec-fetch-site", "none")
            .send()
            .await?
            .error_for_status()?;
        parse_sw_js(&response.text().await?)
            // The library reads 0 where it finds no revision but a manifest.
            .filter(|(_, _, revision)| *revision != 0)
            .context("the script names no version")
    }
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::any;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    async fn serve(server: &MockServer, answer: ResponseTemplate) {
        server.reset().await;
        Mock::given(any()).respond_with(answer).mount(server).await;
    }

    fn script(revision: u32) -> ResponseTemplate {
        ResponseTemplate::new(200).set_body_string(format!("client_revision:{revision};"))
    }

    async fn fetches(server: &MockServer) -> usize {
        server.received_requests().await.expect("recorded").len()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_fetch_serves_all_sessions() {
        let server = MockServer::start().await;
        serve(&server, script(1234)).await;
        let versions = Versions::at(&server.uri(), Proxies::default(), COOLDOWN);
        let (a, b, c) = tokio::join!(versions.current(), versions.current(), versions.current());
        assert_eq!([a, b, c], [(2, 3000, 1234); 3]);
        // Fetched a moment ago: to ask again would bring the same.
        versions.refresh_after(a);
        versions.current().await;
        assert_eq!(fetches(&server).await, 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_outdated_version_is_fetched_anew_once() {
        let server = MockServer::start().await;
        serve(&server, script(1)).await;
        let versions = Versions::at(&server.uri(), Proxies::default(), Duration::ZERO);
        let old = versions.current().await;
        serve(&server, script(2)).await;
        versions.refresh_after(old);
        assert_eq!(versions.current().await, (2, 3000, 2));
        // A second session is told the same about the old one.
        versions.refresh_after(old);
        versions.current().await;
        assert_eq!(fetches(&server).await, 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_last_one_is_claimed_while_none_can_be_fetched() {
        let server = MockServer::start().await;
        let versions = Versions::at(&server.uri(), Proxies::default(), Duration::ZERO);
        serve(&server, ResponseTemplate::new(403)).await;
        assert_eq!(versions.current().await, BUILT_IN);
        serve(&server, script(3)).await;
        let fetched = versions.current().await;
        assert_eq!(fetched, (2, 3000, 3), "a failure is not kept");
        serve(
            &server,
            ResponseTemplate::new(200).set_body_string("nothing"),
        )
        .await;
        versions.refresh_after(fetched);
        assert_eq!(versions.current().await, fetched);
        assert_eq!(fetches(&server).await, 1);
    }
}
