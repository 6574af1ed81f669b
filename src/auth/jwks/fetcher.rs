//! The task that fetches the keys. There is one, so there is one fetch at a time, and no caller who hangs up breaks it off.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{StatusCode, Url, redirect};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::{Key, Keys};
use crate::config::JwtConfig;
use crate::http_client;
use crate::outbound::Proxies;

/// Longest fetch, and so the longest that a caller waits for one.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// A JWKS is a few kilobytes; this much is a mistake.
const MAX_BYTES: usize = 1 << 20;

/// Somebody who waits for a fetch. They are told how long it is until they may ask for the next one.
pub(super) type Ask = oneshot::Sender<Duration>;

/// Why the keys could not be fetched. For the log.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("the answer is {0} rather than 200; redirects are not followed")]
    Status(StatusCode),
    #[error("the answer is larger than a JWKS can be")]
    TooLarge,
    #[error("the answer is not a JWKS")]
    NotJwks(#[from] serde_json::Error),
}

#[derive(Debug)]
pub(super) struct Fetcher {
    http: reqwest::Client,
    url: Url,
    refresh: Duration,
    cooldown: Duration,
    keys: watch::Sender<Option<Keys>>,
    /// Since when the issuer publishes no key that can be used.
    none_since: Option<Instant>,
}

impl Fetcher {
    pub(super) fn new(
        config: &JwtConfig,
        proxies: &Proxies,
        keys: watch::Sender<Option<Keys>>,
    ) -> Result<Self, reqwest::Error> {
        // Whoever can change the keys on the way can mint tokens: what comes by plain HTTP must not leave this machine,
        // neither by a proxy nor by a redirect.
        let straight = Proxies::default();
        let proxies = if config.on_loopback() {
            &straight
        } else {
            proxies
        };
        let http = http_client::builder(proxies)?
            .timeout(FETCH_TIMEOUT)
            .redirect(redirect::Policy::none())
            .https_only(config.jwks_url.scheme() == "https")
            .build()?;
        Ok(Self {
            http,
            url: config.jwks_url.clone(),
            refresh: config.refresh,
            cooldown: config.cooldown,
            keys,
            none_since: None,
        })
    }

    /// Fetches when asked and when the keys have got old, for as long as somebody can ask.
    pub(super) async fn run(mut self, mut asks: UnboundedReceiver<Ask>) {
        let mut due = Instant::now() + self.refresh;
        let mut asked_at: Option<Instant> = None;
        loop {
            let mut waiting = Vec::new();
            tokio::select! {
                ask = asks.recv() => {
                    let Some(ask) = ask else { return };
                    let next = self.next_ask(asked_at);
                    if !next.is_zero() {
                        let _ = ask.send(next);
                        continue;
                    }
                    asked_at = Some(Instant::now());
                    waiting.push(ask);
                }
                () = sleep_until(due) => {}
            }
            let fetched = self.fetch_and_keep().await;
            let now = Instant::now();
            due = if fetched {
                now + self.refresh
            } else {
                due.max(now + self.refresh.min(self.cooldown))
            };
            // Who asked meanwhile has what they asked for.
            while let Ok(ask) = asks.try_recv() {
                waiting.push(ask);
            }
            for ask in waiting {
                let _ = ask.send(self.next_ask(asked_at));
            }
        }
    }

    /// How long until the next fetch may be asked for.
    fn next_ask(&self, asked_at: Option<Instant>) -> Duration {
        asked_at.map_or(Duration::ZERO, |at| {
            self.cooldown.saturating_sub(at.elapsed())
        })
    }

    /// Fetches the keys; on failure those at hand stay.
    async fn fetch_and_keep(&mut self) -> bool {
        match self.fetch().await {
            Ok(keys) => {
                self.keep(keys);
                true
            }
            Err(error) => {
                tracing::warn!(error = %describe(&error), "JWKS_URL cannot be fetched");
                false
            }
        }
    }

    /// Puts fetched keys to use. That there are none is more often a mishap of the issuer than the end of all keys, and would
    /// refuse everybody: it is believed once it has been so for as long as keys may be old anyway. The time decides, not
    /// the number of fetches, because strangers can make for fetches.
    fn keep(&mut self, keys: Vec<Arc<Key>>) {
        if keys.is_empty() {
            let since = *self.none_since.get_or_insert_with(Instant::now);
            let at_hand = self
                .keys
                .borrow()
                .as_ref()
                .is_some_and(|keys| !keys.is_empty());
            if at_hand && since.elapsed() < self.refresh {
                tracing::warn!(
                    "JWKS_URL holds no key that this gateway can use (RS256, ES256, EdDSA); \
                     the keys at hand stay in use for now"
                );
                return;
            }
            tracing::warn!(
                "JWKS_URL holds no key that this gateway can use (RS256, ES256, EdDSA); \
                 all login tokens are refused"
            );
        } else {
            self.none_since = None;
        }
        self.keys.send_replace(Some(keys.into()));
    }

    async fn fetch(&self) -> Result<Vec<Arc<Key>>, FetchError> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let mut response = self
            .http
            .get(self.url.clone())
            .send()
            .await
            .map_err(reqwest::Error::without_url)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
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
        let usable = set.keys.into_iter().filter_map(Key::usable);
        Ok(usable.map(Arc::new).collect())
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
