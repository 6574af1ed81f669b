//! Answers that are never read, or hardly.

use std::io;
use std::time::Duration;

use contract_tests::attacker::{Ask, Attacker, EVERY};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::stage::{Scale, Stage};
use crate::world::GROUP;

/// How somebody does not read.
#[derive(Debug, Clone, Copy)]
enum Reading {
    /// 200 streams over HTTP/2, each with a window of so many bytes that is never made larger.
    Window(u32),
    /// 200 requests over HTTP/1.1, one after the other. Of the answers, nothing is read, or a byte ten times a second.
    Pipelined { byte_by_byte: bool },
}

/// Many large answers: what is kept of them is bounded, and not for longer than their time.
pub async fn unread(scale: Scale) {
    let stage = Stage::with(scale, |limits| {
        limits.answer_timeout = Duration::from_secs(2);
    })
    .await;
    let session = stage.connected(1000).await;
    let members = format!(
        "/api/v1{}",
        session.path(&format!("/groups/{GROUP}/members?limit=1000"))
    );
    let members = Ask::get(members, Some(&stage.token));
    let pipelined = |byte_by_byte| Reading::Pipelined { byte_by_byte };
    let script = Ask::get("/docs/scalar.js", None);
    let patience = stage.limits.answer_timeout + scale.slack();
    let streams = scale.pick(1, 3);
    for (ask, reading, connections) in [
        (&members, Reading::Window(0), streams),
        (&members, Reading::Window(1), streams),
        // More of them keep the processor busy, whoever asks.
        (&members, pipelined(false), 8),
        (&members, pipelined(true), 8),
        (&script, Reading::Window(0), streams),
    ] {
        let until = Instant::now() + patience;
        let made = async {
            let mut all = JoinSet::new();
            for _ in 0..connections {
                all.spawn(ignore(stage.attacker, ask.clone(), reading, until));
            }
            all.join_all().await.into_iter().flatten().collect()
        };
        let name = format!(
            "unread answer: {} {reading:?}",
            ask.path.split('/').next_back().unwrap()
        );
        let report = stage.under(&name, patience, made).await;
        stage.holds(&report, report.left == 0, "held too long");
        // The pages themselves, and what is held beside them. What an attack leaves counts against the next.
        let most = 2 * (stage.limits.max_unread_per_organization as u64 >> 20);
        stage.holds(&report, report.growth() < most, "too much memory");
    }
    stage.end().await;
}

/// What became of the requests of one connection, and of itself.
async fn ignore(attacker: Attacker, ask: Ask, reading: Reading, until: Instant) -> Vec<String> {
    match reading {
        Reading::Window(window) => streams(attacker, &ask, window, until).await,
        Reading::Pipelined { byte_by_byte } => {
            vec![pipeline(attacker, &ask, byte_by_byte, until).await]
        }
    }
}

async fn streams(attacker: Attacker, ask: &Ask, window: u32, until: Instant) -> Vec<String> {
    let Ok(mut connection) = attacker.http2(window).await else {
        return vec!["closed".to_owned()];
    };
    let mut open = Vec::new();
    for _ in 0..200 {
        match timeout_at(until, connection.open(ask)).await {
            Ok(Ok(stream)) => open.push(stream),
            _ => break,
        }
    }
    let mut fates = Vec::new();
    // The answers are kept too: dropped, they would be taken back.
    let mut answers = Vec::new();
    for stream in open {
        match timeout_at(until, stream.response).await {
            Ok(Ok(answer)) => {
                fates.push(answer.status().as_str().to_owned());
                answers.push(answer);
            }
            Ok(Err(_)) => fates.push("closed".to_owned()),
            Err(_) => fates.push("nothing".to_owned()),
        }
    }
    let _ = timeout_at(until, connection.ended()).await;
    fates
}

async fn pipeline(attacker: Attacker, ask: &Ask, byte_by_byte: bool, until: Instant) -> String {
    let made = async {
        let mut socket = attacker.connect_deaf().await?;
        socket.write_all(ask.head().repeat(200).as_bytes()).await?;
        loop {
            if byte_by_byte {
                socket.read_u8().await?;
            } else {
                // Whoever reads nothing sees the end by what is written.
                socket.write_all(b"GET").await?;
            }
            sleep(EVERY).await;
        }
    };
    let ended: Result<io::Result<()>, _> = timeout_at(until, made).await;
    ended.map_or("open", |_| "closed").to_owned()
}
