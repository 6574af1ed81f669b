//! A handler that panics: its caller is told so, and nobody else notices.

use std::io;

use hyper::header::HeaderName;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::world::{ANNA, BUDI, GROUP, connected};

/// A log that cannot be written: the one part of a handler that is not the gateway's own.
fn broken_log() -> io::Sink {
    panic!("on purpose")
}

/// On one thread: the log that breaks is the thread's, and the gateway has to run on it.
#[tokio::test(flavor = "current_thread")]
async fn a_panic_in_a_handler_is_an_internal_error() {
    let (lab, session) = connected().await;
    let log = tracing_subscriber::fmt()
        .with_env_filter("whatsapp_gateway::sessions::acting=info")
        .with_writer(broken_log)
        .finish();
    let guard = log.set_default();
    let id = HeaderName::from_static("x-request-id");
    let answer = session
        .add(GROUP, &[ANNA])
        .header(id.clone(), "abc-123")
        .send()
        .await;
    drop(guard);
    assert_eq!(answer.headers[&id], "abc-123");
    let text = String::from_utf8_lossy(&answer.body);
    assert!(!text.contains("purpose"), "{text}");
    answer.error(500, "internal");
    assert!(
        lab.standin.group(GROUP).role(ANNA).is_some(),
        "it came as far as the log"
    );
    session.add(GROUP, &[BUDI]).send().await.expect_no_content();
    assert_eq!(session.get().await["status"], "working");
    lab.stop().await;
}
