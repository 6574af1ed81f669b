//! Heads of requests that never end.

use std::time::Duration;

use contract_tests::attacker::Ask;

use super::stage::{Scale, Stage};

/// The preface of HTTP/2 and the client's empty SETTINGS (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// HEADERS of stream 1 with `:method: GET` and END_STREAM, but without END_HEADERS (RFC 9113, 6.2).
const UNFINISHED: &[u8] = b"\0\0\x01\x01\x01\0\0\0\x01\x82";
/// CONTINUATION of them, empty (RFC 9113, 6.10).
const CONTINUATION: &[u8] = b"\0\0\0\x09\0\0\0\0\x01";
/// PING (RFC 9113, 6.7).
const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0harmless";

/// Each kind, what it begins with, and what it goes on with ten times a second.
fn kinds() -> Vec<(&'static str, Vec<u8>, &'static [u8])> {
    let whole = Ask::get("/api/v1/sessions", None).head();
    let begun = "GET / HTTP/1.1\r\nx: ";
    vec![
        ("nothing", Vec::new(), b""),
        ("byte by byte", begun.into(), b"x"),
        ("PRI alone", b"PRI * HTTP".to_vec(), b""),
        ("after a request", (whole + begun).into(), b"x"),
        ("HTTP/2 without a request", PREFACE.to_vec(), b""),
        ("HTTP/2 with pings alone", PREFACE.to_vec(), PING),
        ("HTTP/2 unfinished", [PREFACE, UNFINISHED].concat(), b""),
        (
            "HTTP/2 piece by piece",
            [PREFACE, UNFINISHED].concat(),
            CONTINUATION,
        ),
    ]
}

/// Many more connections than an address may have, none of which ever gets to the end of a head.
pub async fn slow(scale: Scale) {
    let stage = Stage::with(scale, |limits| {
        limits.header_timeout = Duration::from_secs(1);
        limits.max_connections_per_address = 32;
    })
    .await;
    let patience = stage.limits.header_timeout + scale.slack();
    for (kind, first, more) in kinds() {
        let count = scale.pick(100, 1500);
        let made = stage.attacker.hold(count, &first, more, patience);
        let name = format!("slow head: {kind}");
        let report = stage.under(&name, patience, made).await;
        stage.holds(&report, report.left == 0, "held too long");
        // Beside those that are being turned away while it is counted.
        let most = stage.limits.max_connections_per_address + 16;
        stage.holds(&report, report.most_held <= most, "too many held");
    }
    stage.end().await;
}

/// A head that is longer than any may be is refused before it is long, not when its time is over.
pub async fn long(scale: Scale) {
    let stage = Stage::with(scale, |limits| {
        limits.header_timeout = Duration::from_secs(60);
    })
    .await;
    let head = format!("GET / HTTP/1.1\r\nx: {}", "x".repeat(395 << 10));
    let patience = stage.limits.header_timeout / 2;
    let made = stage.attacker.hold(200, head.as_bytes(), b"", patience);
    let report = stage.under("head of 395 KiB", patience, made).await;
    let refused = report.fates.but(&["431", "closed"]) == 0;
    stage.holds(&report, refused, "not refused");
    stage.holds(&report, report.growth() < 32, "too much memory");
    stage.end().await;
}
