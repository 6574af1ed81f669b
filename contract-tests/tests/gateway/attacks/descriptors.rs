//! Connections and sessions by which a process runs out of descriptors.

use std::time::Duration;

use contract_tests::attacker::Fates;
use contract_tests::process::Process;
use serde_json::json;

use super::stage::{Scale, Stage};

/// Whatever one address opens, there is a descriptor left for others.
pub async fn used_up(scale: Scale) {
    let serve = async |environment: &[_]| Process::serve_with_descriptors(256, environment).await;
    let small = |limits: &mut whatsapp_gateway::config::Limits| {
        limits.header_timeout = Duration::from_secs(2);
    };
    let stage = Stage::with_settings(scale, small, &[], serve).await;
    let patience = stage.limits.header_timeout + scale.slack();
    let made = stage.attacker.hold(300, b"", b"", patience);
    let report = stage
        .under("connections beyond the descriptors", patience, made)
        .await;
    let log = stage.gateway.log();
    let told = |line: &str| line.contains("WARN") && line.contains("connections");
    stage.holds(&report, log.lines().any(told), "nothing is said of it");
    stage.end().await;
}

/// Whatever sessions one organization makes, each with a connection to WhatsApp, there is a descriptor left for others.
pub async fn used_up_by_sessions(scale: Scale) {
    const ALLOWED: usize = 100;
    const BEYOND: usize = 150;
    let serve = async |environment: &[_]| Process::serve_with_descriptors(256, environment).await;
    let stage = Stage::with_settings(scale, |_| {}, &[], serve).await;
    let made = async {
        let mut fates = Fates::default();
        let create = stage.colleague.post("/sessions");
        let create = create.json(&json!({"start": true}));
        for _ in 0..ALLOWED + BEYOND {
            let Some(answer) = create.clone().send_uncertain().await else {
                fates.add("nothing");
                continue;
            };
            fates.add(answer.status.as_str());
            if answer.status == 429 {
                assert!(answer.headers.contains_key("retry-after"));
                let details = answer.error(429, "rate_limited");
                assert_eq!(details, json!({"budget": "sessionsPerOrganization"}));
            }
        }
        fates
    };
    let patience = Duration::from_secs(60);
    let report = stage.under("sessions until refused", patience, made).await;
    let fates = &report.fates;
    let exact = (fates.of("201"), fates.of("429")) == (ALLOWED, BEYOND);
    stage.holds(&report, exact, "not as many as allowed");
    stage.end().await;
}
