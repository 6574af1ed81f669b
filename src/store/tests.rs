//! What holds of the store, whichever database it is: each test here runs on SQLite and on PostgreSQL.

use sqlx::{AnyConnection, Connection as _, Executor as _};
use tempfile::TempDir;

use super::*;
use crate::group::{GroupInfo, Participant, Role};
use crate::jid::{self, GroupJid, SessionId};

/// Runs each of these functions on a fresh database of either kind.
macro_rules! on_both {
    ($($test:ident,)+) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    let fresh = $crate::store::tests::Fresh::sqlite().await;
                    super::$test(fresh).await;
                }
            )+
        }
        mod on_postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    let fresh = $crate::store::tests::Fresh::postgres().await;
                    super::$test(fresh).await;
                }
            )+
        }
    };
}
pub(super) use on_both;

/// A store on a database of its own.
pub(super) struct Fresh {
    pub(super) store: Store,
    pub(super) database: Database,
    _dir: Option<TempDir>,
}

impl Fresh {
    pub(super) async fn sqlite() -> Self {
        let (store, dir) = store().await;
        Self {
            store,
            database: dir.path().join("db").into(),
            _dir: Some(dir),
        }
    }

    pub(super) async fn postgres() -> Self {
        let server = std::env::var("TEST_POSTGRES")
            .expect("TEST_POSTGRES names no server; `make unit` starts one and sets it");
        let mut url: url::Url = server.parse().expect("a URL");
        let name = format!("store_{}", SessionId::generate().as_str().to_lowercase());
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&server).await.expect("a server");
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        connection.execute(create).await.expect("a database");
        url.set_path(&name);
        let database = Database::Postgres(url, 4);
        Self {
            store: Store::open(&database).await.expect("a store"),
            database,
            _dir: None,
        }
    }

    /// The same with a session in it.
    pub(super) async fn with_session(self) -> (Self, SessionId) {
        let session = session("org");
        self.store.insert_session(&session).await.expect("inserted");
        (self, session.id)
    }
}

pub(super) async fn store() -> (Store, TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(&dir.path().join("db").into())
        .await
        .expect("a store");
    (store, dir)
}

pub(super) fn session(organization: &str) -> SessionRecord {
    SessionRecord {
        label: Some("a label".to_owned()),
        created_at: 1,
        updated_at: 1,
        status_changed_at: 1,
        ..SessionRecord::new(organization)
    }
}

/// WhatsApp has told of all groups.
pub(super) async fn sync(store: &Store, id: &SessionId, groups: Vec<GroupInfo>, now: i64) {
    let mut writes = GroupWrites::default();
    writes.replace(groups);
    record(store, id, &writes, now).await;
    let mut sessions = store.all_sessions().await.expect("sessions");
    let session = sessions.iter_mut().find(|session| session.id == *id);
    let session = session.expect("a session");
    session.groups_synced_at = Some(now);
    store.update_sessions([&*session]).await.expect("updated");
}

pub(super) async fn record(
    store: &Store,
    id: &SessionId,
    writes: &GroupWrites,
    now: i64,
) -> Vec<GroupJid> {
    let recorded = store.record_groups(id, writes, now).await;
    recorded.expect("recorded")
}

pub(super) fn person(jid: Option<u64>, lid: Option<u64>, role: Role) -> Participant {
    Participant {
        jid: jid.map(|user| format!("{user}@s.whatsapp.net").parse().expect("a JID")),
        lid: lid.map(|user| format!("{user}@lid").parse().expect("a LID")),
        role,
    }
}

pub(super) fn gid(n: u32) -> GroupJid {
    format!("12036300000000000{n}@g.us").parse().expect("a gid")
}

pub(super) fn group(n: u32, participants: Vec<Participant>) -> GroupInfo {
    GroupInfo {
        gid: gid(n),
        subject: Some(format!("group {n}")),
        description: Some("about".to_owned()),
        owner: None,
        is_announce: false,
        is_locked: false,
        members_add: false,
        approval: false,
        created_at: Some(7),
        size: None,
        participants: Some(participants),
    }
}

on_both! {
    sessions_round_trip_and_survive_a_reopening,
    api_keys_are_listed_by_organization_and_revoked_once,
    live_api_keys_count_for_their_organization,
    what_no_database_can_store_is_left_out,
}

async fn sessions_round_trip_and_survive_a_reopening(fresh: Fresh) {
    let store = &fresh.store;
    let mut one = session("a");
    let two = session("b");
    for session in [&one, &two] {
        store.insert_session(session).await.expect("inserted");
    }
    one.status = Status::Working;
    one.started = true;
    one.phone_number = Some("628111".to_owned());
    one.wa_jid = Some("628111@s.whatsapp.net".to_owned());
    one.last_connected_at = Some(9);
    one.status_reason = Some(StatusReason::Banned);
    one.status_detail = Some("banned for a time".to_owned());
    one.retry_at = Some(10);
    one.status_changed_at = 8;
    one.groups_synced_at = Some(11);
    one.logins = 3;
    one.updated_at = 12;
    store.update_sessions([&one]).await.expect("updated");
    let earlier = SessionRecord {
        status: Status::Connecting,
        updated_at: 11,
        ..one.clone()
    };
    store.update_sessions([&earlier]).await.expect("too late");
    store
        .delete_session(&two.id, Keys::Erase)
        .await
        .expect("deleted");
    store.close().await;

    let store = Store::open(&fresh.database).await.expect("a store");
    assert_eq!(store.all_sessions().await.expect("sessions"), [one]);
    for status in Status::ALL {
        assert_eq!(status.as_str().parse::<Status>().ok(), Some(*status));
    }
    for reason in StatusReason::ALL {
        assert_eq!(reason.as_str().parse::<StatusReason>().ok(), Some(*reason));
    }
}

async fn api_keys_are_listed_by_organization_and_revoked_once(Fresh { store, .. }: Fresh) {
    let mut ids = Vec::new();
    for (hash, organization) in [([1; 32], "a"), ([2; 32], "b"), ([3; 32], "a")] {
        let key = ApiKeyRecord::new(organization, "n", "read");
        let inserted = store.insert_api_key(&key, &hash, None).await;
        assert!(inserted.expect("inserted"));
        ids.push(key.id.clone());
        assert_eq!(store.find_api_key(&hash).await.expect("read"), Some(key));
    }
    assert_eq!(store.all_api_keys().await.expect("keys").len(), 3);
    let revoke = async |organization, now| {
        let revoked = store.revoke_api_key(organization, &ids[0], now).await;
        revoked.expect("revoked")
    };
    assert!(!revoke(Some("b"), 4).await, "another organization's");
    assert!(revoke(None, 5).await);
    assert!(revoke(Some("a"), 6).await);
    let none = jid::ApiKeyId::generate();
    let revoked = store.revoke_api_key(None, &none, 5).await;
    assert!(!revoked.expect("no such key"));
    store.note_api_key_use(&ids[0], 7).await.expect("noted");

    let first = store.list_api_keys("a", None, 1).await.expect("keys");
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].id, ids[0]);
    assert_eq!(first[0].revoked_at, Some(5));
    assert_eq!(first[0].last_used_at, Some(7));
    let after = Some(ids[0].as_str());
    let rest = store.list_api_keys("a", after, 9).await.expect("keys");
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].id, ids[2]);
    let foreign = store.get_api_key("b", &ids[0]).await.expect("read");
    assert_eq!(foreign, None);
    assert_eq!(store.find_api_key(&[0; 32]).await.expect("read"), None);
}

async fn live_api_keys_count_for_their_organization(Fresh { store, .. }: Fresh) {
    let insert = async |n: u8, organization: &str, expires_at| {
        let key = ApiKeyRecord {
            expires_at,
            ..ApiKeyRecord::new(organization, "n", "read")
        };
        let inserted = store.insert_api_key(&key, &[n; 32], Some(2)).await;
        (inserted.expect("an answer"), key.id)
    };
    assert!(insert(1, "a", Some(now())).await.0, "expired already");
    let (_, revoked) = insert(2, "a", None).await;
    assert!(insert(3, "a", Some(now() + 60_000)).await.0);
    assert!(!insert(4, "a", None).await.0, "there are two");
    assert!(insert(4, "b", None).await.0);
    let done = store.revoke_api_key(None, &revoked, 5).await;
    assert!(done.expect("revoked"));
    assert!(insert(5, "a", None).await.0);
}

async fn what_no_database_can_store_is_left_out(Fresh { store, .. }: Fresh) {
    let labelled = SessionRecord {
        label: Some("a\0b".to_owned()),
        ..session("org")
    };
    store.insert_session(&labelled).await.expect("inserted");
    let odd = GroupInfo {
        subject: Some("\0one".to_owned()),
        description: Some("t\0wo".to_owned()),
        ..group(1, vec![])
    };
    sync(&store, &labelled.id, vec![odd], 1).await;
    let stored = store.all_sessions().await.expect("sessions");
    assert_eq!(stored[0].label.as_deref(), Some("ab"));
    let group = store.get_group(&labelled.id, &gid(1)).await;
    let group = group.expect("read").expect("a group");
    assert_eq!(group.subject.as_deref(), Some("one"));
    assert_eq!(group.description.as_deref(), Some("two"));
}
