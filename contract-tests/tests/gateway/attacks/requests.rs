//! More requests than are served at once.

use std::ffi::OsString;
use std::time::Duration;

use contract_tests::attacker::{Ask, Fates, Over};
use contract_tests::client::Client;
use contract_tests::lab::ACCOUNT;
use contract_tests::process::Process;
use contract_tests::tokens::{AUDIENCE, ISSUER, Jwks, SigningKey, claims};
use contract_tests::wait::eventually;
use futures_util::future::join_all;
use serde_json::json;
use tokio::time::{Instant, timeout_at};
use whatsapp_standin::{Fault, When};
use wiremock::ResponseTemplate;

use super::stage::{Scale, Stage};
use crate::world::GROUP;

/// Login tokens of keys that nobody knows make the gateway ask for the keys. While that hangs, whoever needs no new key is
/// served.
pub async fn unknown_keys(scale: Scale) {
    let key = SigningKey::ec();
    let jwks = Jwks::serving(std::slice::from_ref(&key)).await;
    let settings = [
        ("JWKS_URL", jwks.url()),
        ("JWT_ISSUER", ISSUER.to_owned()),
        ("JWT_AUDIENCE", AUDIENCE.to_owned()),
        ("JWKS_COOLDOWN_SECONDS", "1".to_owned()),
    ];
    let settings = settings.map(|(name, value)| (name, OsString::from(value)));
    let mut stage = Stage::with_settings(scale, |_| {}, &settings, Process::serve).await;
    let known = key.sign(&claims("org_bystander", "owner"));
    let known = Client::new(stage.gateway.url()).with_token(known);
    let call = known.get("/sessions");
    call.clone().send().await.expect(200);
    stage.bystanders.push(call);
    let hang = ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
    jwks.answer(hang).await;
    let unknown = |n: usize| {
        let unknown = key.clone().named(&format!("unknown-{n}"));
        unknown.sign(&claims("org_bystander", "owner"))
    };
    // Until the cool-down is over, such a token is refused unasked.
    let stranger = known.with_token(unknown(0)).get("/sessions");
    let fetches = jwks.fetches().await;
    eventually("the keys are asked for", async || {
        tokio::spawn(stranger.clone().send_uncertain());
        (jwks.fetches().await > fetches).then_some(())
    })
    .await;

    let patience = Duration::from_secs(10) + scale.slack();
    let made = async {
        let asks = (0..11).map(|n| {
            let ask = Ask::get("/api/v1/sessions", Some(&unknown(n)));
            async move { stage.attacker.ask(Over::Http2, &ask, 100, patience).await }
        });
        join_all(asks).await.into_iter().collect()
    };
    let report = stage
        .under("login tokens of unknown keys", patience, made)
        .await;
    let refused = report.fates.but(&["401", "429", "503"]) == 0;
    stage.holds(&report, refused, "answered otherwise, or not at all");
    stage.end().await;
}

/// Requests that WhatsApp does not answer are held, but for one organization no more than it may have.
pub async fn many(scale: Scale) {
    let settings = [("WHATSAPP_TIMEOUT_SECONDS", "5".into())];
    let small = |limits: &mut whatsapp_gateway::config::Limits| {
        limits.max_requests = 60;
        limits.max_requests_per_organization = 20;
        limits.max_requests_per_address = 40;
    };
    let stage = Stage::with_settings(scale, small, &settings, Process::serve).await;
    let session = stage.connected(2).await;
    let silence = Fault::Silence { applied: false };
    let invite = When::every("get w:g2 invite");
    stage.standin.fault(ACCOUNT, invite, silence);
    let path = session.path(&format!("/groups/{GROUP}/invite"));
    let ask = Ask::get(format!("/api/v1{path}"), Some(&stage.token));
    let patience = Duration::from_secs(5) + scale.slack();
    let (attacker, count) = (stage.attacker, scale.pick(100, 600));
    let attack =
        tokio::spawn(async move { attacker.ask(Over::Http2, &ask, count, patience).await });
    let mut refused = None;
    let made = async {
        refused = stage.refused(&attack).await;
        attack.await.unwrap()
    };
    let report = stage
        .under("requests that WhatsApp does not answer", patience, made)
        .await;
    let fates = &report.fates;
    let known = fates.but(&["429", "504"]) == 0;
    stage.holds(&report, known, "answered otherwise, or not at all");
    let most = stage.limits.max_requests_per_organization;
    let taken_on = fates.but(&["429"]);
    stage.holds(&report, taken_on <= most, "too many taken on");
    let budget = Some(json!({"budget": "requestsPerOrganization"}));
    stage.holds(&report, refused == budget, "a colleague is not refused");
    let after = stage.colleague.get("/sessions").send().await.status;
    stage.holds(&report, after == 200, "a colleague is refused afterwards");
    stage.end().await;
}

/// Streams that are opened and reset at once (CVE-2023-44487).
pub async fn reset(scale: Scale) {
    let stage = Stage::with(scale, |_| {}).await;
    let ask = Ask::get("/api/v1/sessions", Some(&stage.token));
    let patience = Duration::from_secs(20) + scale.slack();
    let until = Instant::now() + patience;
    let made = async {
        let mut fates = Fates::default();
        let mut connection = stage.attacker.http2(1 << 16).await.unwrap();
        for _ in 0..scale.pick(2_000, 10_000) {
            match timeout_at(until, connection.open(&ask)).await {
                Ok(Ok(stream)) => {
                    stream.reset();
                    fates.add("reset");
                }
                _ => {
                    fates.add("closed");
                    break;
                }
            }
        }
        fates
    };
    let report = stage.under("streams that are reset", patience, made).await;
    stage.holds(&report, report.growth() < 32, "too much memory");
    stage.end().await;
}
