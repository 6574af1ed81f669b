//! The registry and the supervisors, on a real database and a network where nobody answers.

use super::fake::{ALLOWED, nowhere, open, record};
use super::*;
use crate::error::Code;

async fn load(directory: &std::path::Path) -> Sessions {
    let limit = Duration::from_secs(20);
    Sessions::load(
        open(directory).await,
        nowhere(),
        limit,
        Clock::default(),
        ALLOWED,
    )
    .await
    .expect("sessions")
}

async fn create(sessions: &Sessions, start: bool) -> OwnedSession {
    let record = sessions
        .create("org", Some("user"), None, start, None)
        .await
        .expect("created");
    sessions.owned("org", record.id.as_str()).expect("owned")
}

/// What the database has of the only session.
async fn stored(sessions: &Sessions) -> SessionRecord {
    let mut all = sessions.0.store.all_sessions().await.expect("records");
    all.pop().expect("a record")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_seen_by_its_organization_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let sessions = load(directory.path()).await;
    let session = create(&sessions, false).await;
    let id = session.id().as_str();
    for (organization, id) in [
        ("other", id),
        ("org", "01HZ0SESSION0000000000000"),
        ("org", ""),
    ] {
        let error = sessions.owned(organization, id).err().expect("refused");
        assert_eq!(
            (error.code, &error.details["resource"]),
            (Code::NotFound, &"session".into())
        );
    }
    assert_eq!(sessions.list("other", None, 10).items, []);
    assert_eq!(sessions.list("org", None, 10).items, [session.record()]);
    assert_eq!(session.record().created_by_user_id.as_deref(), Some("user"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_read_page_by_page() {
    let directory = tempfile::tempdir().expect("a directory");
    let sessions = load(directory.path()).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(create(&sessions, false).await.id().to_string());
    }
    ids.sort();
    let mut seen = Vec::new();
    let mut sizes = Vec::new();
    let mut after = None;
    loop {
        let page = sessions.list("org", after.as_ref().map(SessionId::as_str), 2);
        sizes.push(page.items.len());
        seen.extend(page.items.into_iter().map(|record| record.id.to_string()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((seen, sizes), (ids, vec![2, 2, 1]));
    assert_eq!(
        sessions.list("org", Some("~"), 2).items,
        [],
        "a cursor of nobody's making"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn starting_and_stopping() {
    let directory = tempfile::tempdir().expect("a directory");
    let sessions = load(directory.path()).await;
    let session = create(&sessions, false).await;
    let refused = session.connected().err().expect("refused");
    assert_eq!(
        (refused.code, &refused.details["status"]),
        (Code::NotImplemented, &"stopped".into())
    );

    assert_eq!(
        session.start().await.expect("started").status,
        Status::Connecting
    );
    assert_eq!(
        session.start().await.expect("started still").status,
        Status::Connecting
    );
    let saved = stored(&sessions).await;
    assert!(saved.started);
    assert_eq!(saved, session.record());
    assert_eq!(
        session.connected().err().expect("refused").details["status"],
        "connecting"
    );

    assert_eq!(
        session.stop().await.expect("stopped").status,
        Status::Stopped
    );
    assert_eq!(
        session.stop().await.expect("stopped still").status,
        Status::Stopped
    );
    assert_eq!(stored(&sessions).await, session.record());

    assert_eq!(
        session.logout().await.expect("logged out").status,
        Status::LoggedOut
    );
    assert_eq!(
        session.stop().await.expect("stays").status,
        Status::LoggedOut
    );
    assert_eq!(stored(&sessions).await, session.record());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_session_is_gone_everywhere() {
    let directory = tempfile::tempdir().expect("a directory");
    let sessions = load(directory.path()).await;
    let session = create(&sessions, true).await;
    session.delete().await.expect("deleted");
    assert!(sessions.owned("org", session.id().as_str()).is_err());
    assert_eq!(sessions.0.store.all_sessions().await.expect("records"), []);
    // Whoever held it before finds out.
    assert_eq!(
        session.start().await.expect_err("gone").code,
        Code::NotFound
    );
    assert_eq!(
        session.qr().await.err().expect("gone").details["resource"],
        "session"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_supervisor_acts_also_when_the_caller_goes_away() {
    let directory = tempfile::tempdir().expect("a directory");
    let sessions = load(directory.path()).await;
    let session = create(&sessions, true).await;
    let mut view = session.entry.view.clone();
    // Polled once, so that the command is sent, then dropped.
    let stop = session.stop();
    tokio::select! { biased; _ = stop => {}, () = std::future::ready(()) => {} }
    let stopped = view.wait_for(|view| view.record.status == Status::Stopped);
    tokio::time::timeout(Duration::from_secs(10), stopped)
        .await
        .expect("in time")
        .expect("a session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_brings_back_who_was_started() {
    let directory = tempfile::tempdir().expect("a directory");
    {
        let store = open(directory.path()).await;
        // As a kill leaves them.
        let working = SessionRecord {
            status: Status::Working,
            started: true,
            ..record()
        };
        let stale = SessionRecord {
            status: Status::Working,
            started: false,
            ..record()
        };
        let failed = SessionRecord {
            status: Status::Failed,
            started: true,
            ..record()
        };
        let logged_out = SessionRecord {
            status: Status::LoggedOut,
            ..record()
        };
        for record in [&working, &stale, &failed, &logged_out] {
            store.insert_session(record).await.expect("a row");
        }
    }
    let sessions = load(directory.path()).await;
    let mut statuses: Vec<_> = sessions
        .list("org", None, 10)
        .items
        .iter()
        .map(|record| record.status.as_str())
        .collect();
    statuses.sort_unstable();
    assert_eq!(
        statuses,
        ["connecting", "connecting", "logged_out", "stopped"]
    );

    sessions
        .shutdown(Instant::now() + Duration::from_secs(10))
        .await;
    let after = open(directory.path())
        .await
        .all_sessions()
        .await
        .expect("records");
    assert_eq!(after.iter().filter(|record| record.started).count(), 2);
    let first = sessions.list("org", None, 1).items.remove(0);
    let session = sessions
        .owned("org", first.id.as_str())
        .expect("known still");
    assert_eq!(
        session.start().await.expect_err("ending").code,
        Code::Unavailable
    );
}
