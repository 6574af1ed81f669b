//! What every scenario stands on: a stand-in, a database with keys to it, and a gateway between them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use contract_tests::client::Client;
use contract_tests::database::environment;
use contract_tests::lab::{ORGANIZATION, create_api_key};
use contract_tests::process::Process;
use contract_tests::session::Session;
use contract_tests::wait::within;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::time::Instant;
use whatsapp_gateway::Store;
use whatsapp_standin::{GroupSpec, Standin};

/// What adding a person asks of WhatsApp.
pub(crate) const ADD: &str = "set w:g2 add";

/// How soon it is looked again whether the directory is up to date: seldom, since looking costs the gateway CPU too.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The stand-in's threads. Callers have others, or an answer of ten thousand people would hold up their clocks.
static STANDIN: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("threads"));

pub(crate) struct Bench {
    pub(crate) standin: Standin,
    pub(crate) database: PathBuf,
    environment: Vec<(&'static str, OsString)>,
    token: String,
    _dir: TempDir,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let started = STANDIN.spawn(Standin::start_default()).await;
        let standin = started.expect("no panic").expect("a stand-in");
        let dir = TempDir::new().expect("a directory");
        let database = dir.path().join("gateway.db");
        let mut environment = environment(database.as_os_str(), &standin);
        environment.push(("GATEWAY_MAX_SESSIONS_PER_ORGANIZATION", "100000".into()));
        let mut bench = Self {
            standin,
            database,
            environment,
            token: String::new(),
            _dir: dir,
        };
        bench.token = bench.tokens(1).await.remove(0);
        bench
    }

    /// Fresh api keys. Only while no gateway runs.
    pub(crate) async fn tokens(&self, count: usize) -> Vec<String> {
        let store = Store::open(&self.database.clone().into())
            .await
            .expect("a database");
        let mut tokens = Vec::with_capacity(count);
        for _ in 0..count {
            let key = create_api_key(&store, ORGANIZATION, "read,send,manage", None).await;
            tokens.push(key.1);
        }
        store.close().await;
        tokens
    }

    pub(crate) async fn serve(&self) -> Process {
        Process::serve(&self.environment).await
    }

    pub(crate) fn caller(&self, gateway: &Process) -> Client {
        Client::new(gateway.url()).with_token(&self.token)
    }

    /// A new session, paired and working.
    pub(crate) async fn session(&self, caller: &Client, account: &str) -> Session {
        let session = Session::create(caller).await;
        session.pair(&self.standin, account).await;
        session
    }
}

pub(crate) async fn end(gateway: Process) {
    let code = within("the gateway ends", gateway.terminate()).await;
    assert_eq!(code, Some(0));
}

pub(crate) fn phone(n: usize) -> String {
    format!("62877{n:08}")
}

/// A group that names people as WhatsApp's do today, by LID with the number beside it: an account, who is its admin, and
/// as many others as make `size`, those from number `first` on. Any number more fits in.
pub(crate) fn group(account: &str, first: usize, size: usize) -> GroupSpec {
    let group = GroupSpec::new("Bench")
        .lid()
        .admin(account)
        .size_limit(usize::MAX);
    (first..first + size - 1).fold(group, |group, n| group.member(phone(n)))
}

pub(crate) fn in_ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// How many people the directory has in each group of a session.
pub(crate) async fn counts(session: &Session) -> BTreeMap<String, u64> {
    let list = session.caller.get(session.path("/groups?limit=1000"));
    let (head, body) = list.send_unjudged().await;
    assert_eq!(head.status, 200, "{}", String::from_utf8_lossy(&body));
    let page: Value = serde_json::from_slice(&body).expect("JSON");
    let groups = page["data"].as_array().expect("a list").iter();
    let count = |group: &Value| {
        let gid = group["groupJid"].as_str()?.to_owned();
        Some((gid, group["participantCount"].as_u64()?))
    };
    let counts = groups.map(|group| count(group).expect("a group with a count"));
    counts.collect()
}

/// Waits until the directory has at least these many people in each group; how long that took, none where it did not
/// come to be within `patience`.
pub(crate) async fn caught_up(
    session: &Session,
    wanted: &BTreeMap<String, u64>,
    patience: Duration,
) -> Option<Duration> {
    let begun = Instant::now();
    loop {
        let known = counts(session).await;
        if wanted
            .iter()
            .all(|(gid, count)| known.get(gid) >= Some(count))
        {
            return Some(begun.elapsed());
        }
        if begun.elapsed() > patience {
            return None;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
