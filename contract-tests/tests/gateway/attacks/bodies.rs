//! Bodies that are announced and never come.

use std::time::Duration;

use contract_tests::attacker::{Ask, Over};
use serde_json::json;

use super::stage::{Scale, Stage};

const PATH: &str = "/api/v1/sessions";

async fn stage(scale: Scale) -> Stage {
    Stage::with(scale, |limits| {
        limits.body_timeout = Duration::from_secs(2);
        limits.max_requests = 60;
        limits.max_requests_per_organization = 20;
        limits.max_requests_per_address = 40;
    })
    .await
}

/// So many requests: over HTTP/1.1 as many as an address may have connections.
fn count(scale: Scale, over: Over) -> usize {
    match over {
        Over::Http1 => scale.pick(100, 256),
        Over::Http2 => scale.pick(200, 6 * 200),
    }
}

/// What is held is bounded for their organization, and nobody else pays for it.
pub async fn with_a_key(scale: Scale) {
    let stage = stage(scale).await;
    let patience = stage.limits.body_timeout + scale.slack();
    for over in [Over::Http2, Over::Http1] {
        let (attacker, token) = (stage.attacker, stage.token.clone());
        let attack = tokio::spawn(async move {
            let ask = Ask::hung(PATH, Some(&token));
            attacker.ask(over, &ask, count(scale, over), patience).await
        });
        let mut refused = None;
        let made = async {
            refused = stage.refused(&attack).await;
            attack.await.unwrap()
        };
        let name = format!("body that never comes, {over:?}");
        let report = stage.under(&name, patience, made).await;
        let fates = &report.fates;
        let known = fates.but(&["400", "429", "closed"]) == 0;
        stage.holds(&report, known, "answered otherwise, or not at all");
        let most = stage.limits.max_requests_per_organization;
        let taken_on = fates.but(&["429"]);
        stage.holds(&report, taken_on <= most, "too many taken on");
        let budget = Some(json!({"budget": "requestsPerOrganization"}));
        // Where an address cannot have more than the organization may, it depends on who comes first.
        let refused = refused == budget || count(scale, over) <= most;
        stage.holds(&report, refused, "a colleague is not refused");
        let after = stage.colleague.get("/sessions").send().await.status;
        stage.holds(&report, after == 200, "a colleague is refused afterwards");
    }
    stage.end().await;
}

/// Strangers are told so, and nothing is held for them.
pub async fn without_a_key(scale: Scale) {
    let stage = stage(scale).await;
    let patience = stage.limits.body_timeout + scale.slack();
    for over in [Over::Http2, Over::Http1] {
        let ask = Ask::hung(PATH, None);
        let made = stage.attacker.ask(over, &ask, count(scale, over), patience);
        let name = format!("body that never comes, no key, {over:?}");
        let report = stage.under(&name, patience, made).await;
        // As many as come at once are more than an address may have.
        let refused = report.fates.but(&["401", "429"]) == 0;
        stage.holds(&report, refused, "answered otherwise, or not at all");
    }
    stage.end().await;
}
