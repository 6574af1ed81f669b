//! Connections by which a process runs out of descriptors.

use std::time::Duration;

use contract_tests::process::Process;

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
