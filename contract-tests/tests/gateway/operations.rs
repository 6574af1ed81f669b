//! What an operator does with a database: one process at a time, its schema, backups, the end, the move to PostgreSQL.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use contract_tests::client::Client;
use contract_tests::database::{self, Database};
use contract_tests::lab::{ACCOUNT, ORGANIZATION};
use contract_tests::process::{self, Process};
use contract_tests::session::Session;
use contract_tests::wait::{eventually, within};
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};
use tempfile::TempDir;
use whatsapp_standin::{Fault, GroupSpec, Person, Standin, When};

use crate::process::assert_start_error;
use crate::world::{ADD, ANNA, BUDI, FRIEND, GROUP};

/// A stand-in with a group, and a folder for databases.
struct World {
    standin: Standin,
    dir: TempDir,
}

impl World {
    async fn new() -> Self {
        let standin = Standin::start_default().await.unwrap();
        for person in [ANNA, BUDI] {
            standin.add_person(Person::new(person));
        }
        let group = GroupSpec::new("Launch team").gid(GROUP);
        standin.add_group(group.admin(ACCOUNT).superadmin(FRIEND).member(BUDI));
        let dir = TempDir::new().unwrap();
        Self { standin, dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn settings(&self, database: impl AsRef<OsStr>) -> Vec<(&'static str, OsString)> {
        let mut settings = database::environment(database.as_ref(), &self.standin);
        settings.push(("GATEWAY_LISTEN", "127.0.0.1:0".into()));
        settings.push(("GATEWAY_SHUTDOWN_SECONDS", "1".into()));
        settings
    }

    /// Makes the database and a key, serves it and pairs a session.
    async fn paired(&self, database: impl AsRef<OsStr>) -> (Process, Session) {
        let settings = self.settings(database);
        succeeds(&["migrate"], &settings).await;
        let create = ["api-key", "create", "--org", ORGANIZATION, "--name", "test"];
        let create = [&create[..], &["--capabilities", "read,send,manage"]].concat();
        let token = succeeds(&create, &settings).await;
        let gateway = Process::serve(&settings).await;
        let caller = Client::new(gateway.url()).with_token(token.trim());
        let session = Session::create(&caller).await;
        session.pair(&self.standin, ACCOUNT).await;
        (gateway, session)
    }

    /// Serves another database that holds the session as well: it connects without a phone, and knows what it knew.
    async fn goes_on(&self, database: impl AsRef<OsStr>, session: &Session, known: &Known) {
        let gateway = Process::serve(&self.settings(database)).await;
        let session = session.by(&session.caller.at(gateway.url()));
        session.wait_working(&self.standin, ACCOUNT).await;
        assert_eq!(self.standin.phone(ACCOUNT).devices().len(), 1);
        assert_eq!(&Known::of(&session).await, known);
        session.add(GROUP, &[ANNA]).send().await.expect_no_content();
        assert_eq!(gateway.terminate().await, Some(0));
    }
}

/// What the lists say.
#[derive(Debug, PartialEq)]
struct Known {
    groups: Vec<serde_json::Value>,
    members: Vec<serde_json::Value>,
}

impl Known {
    async fn of(session: &Session) -> Self {
        let mut members = session.members(GROUP).await;
        for member in &mut members {
            // Each login sees them again.
            member["lastSeenAt"].take();
        }
        let groups = session.groups().await;
        Self { groups, members }
    }
}

/// Runs a command to its good end; gives what it prints.
async fn succeeds(arguments: &[&str], settings: &[(&str, OsString)]) -> String {
    let output = process::run(arguments, settings).await;
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

async fn the_second_process_is_refused(world: World, database: impl AsRef<OsStr>) {
    let settings = world.settings(database);
    let gateway = Process::serve(&settings).await;
    for command in ["serve", "migrate"] {
        let second = process::run(&[command], &settings).await;
        assert_start_error(&second, "GATEWAY_DATABASE");
        let error = String::from_utf8_lossy(&second.stderr).into_owned();
        let holder = format!("process {} ", gateway.id());
        assert!(error.contains(&holder), "{error}");
    }
    // What a killed process held is free again.
    gateway.kill().await;
    let next = Process::serve(&settings).await;
    assert_eq!(next.terminate().await, Some(0));
    world.standin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_process_on_a_file_is_refused() {
    let world = World::new().await;
    let database = world.path("gateway.db");
    the_second_process_is_refused(world, &database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_process_on_a_server_is_refused() {
    the_second_process_is_refused(
        World::new().await,
        Database::on_the_server().await.setting(),
    )
    .await;
}

/// Whoever has lost the database does not go on as if it had it.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_whose_database_is_taken_ends() {
    let world = World::new().await;
    let database = Database::on_the_server().await;
    let mut gateway = Process::serve(&world.settings(database.setting())).await;
    let mut connection = PgConnection::connect(database.setting().to_str().unwrap())
        .await
        .unwrap();
    let taken = "UPDATE lease SET holder = 'another'";
    connection.execute(taken).await.unwrap();
    assert_eq!(gateway.ended().await, Some(1));
    eventually("it says why", async || {
        let why = "error: GATEWAY_DATABASE";
        let log = gateway.log();
        (log.contains(why) && log.contains("another process has taken it")).then_some(())
    })
    .await;
    world.standin.stop().await.unwrap();
}

/// Each works or is refused for the other, never half of a schema.
#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_make_one_database() {
    let world = World::new().await;
    for round in 0..5 {
        let settings = world.settings(world.path(&format!("{round}.db")));
        let migrate = || process::run(&["migrate"], &settings);
        let (a, b, c, d) = tokio::join!(migrate(), migrate(), migrate(), migrate());
        let all = [a, b, c, d];
        assert!(all.iter().any(|output| output.status.success()));
        for refused in all.iter().filter(|output| !output.status.success()) {
            let error = String::from_utf8_lossy(&refused.stderr);
            assert!(error.contains("uses it"), "{error}");
        }
        succeeds(&["api-key", "list"], &settings).await;
    }
    world.standin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_the_running_gateway_is_a_gateway() {
    let world = World::new().await;
    let database = world.path("gateway.db");
    let (gateway, session) = world.paired(&database).await;
    let known = Known::of(&session).await;
    let copy = world.path("backup.db");
    let backup = ["backup", copy.to_str().unwrap()];
    succeeds(&backup, &world.settings(&database)).await;
    let again = process::run(&backup, &world.settings(&database)).await;
    assert_start_error(&again, "GATEWAY_DATABASE");
    gateway.kill().await;
    world.goes_on(&copy, &session, &known).await;

    let server = Database::on_the_server().await;
    let on_a_server = world.settings(server.setting());
    let refused = process::run(&["backup", "unused"], &on_a_server).await;
    assert!(String::from_utf8_lossy(&refused.stderr).contains("pg_dump"));
    world.standin.stop().await.unwrap();
}

/// With a request, a sync and many notifications under way: what is copied after the end is all there is.
#[tokio::test(flavor = "multi_thread")]
async fn after_the_end_the_file_alone_is_complete() {
    let world = World::new().await;
    let database = world.path("gateway.db");
    let (gateway, session) = world.paired(&database).await;
    let other = Session::create(&session.caller).await;
    other.pair(&world.standin, FRIEND).await;
    let silence = || Fault::Silence { applied: false };
    world.standin.fault(ACCOUNT, When::next(ADD), silence());
    let list = "get w:g2 participating";
    world.standin.fault(FRIEND, When::next(list), silence());
    assert_eq!(other.post("stop").await.status, 200);
    assert_eq!(other.post("start").await.status, 200);
    let call = tokio::spawn(session.add(GROUP, &[ANNA]).send());
    within("the add is asked", world.standin.wait_iq(ADD, 1)).await;
    within("a sync is asked", world.standin.wait_iq(list, 3)).await;
    let group = world.standin.group(GROUP);
    for _ in 0..50 {
        group.promote(FRIEND, &[BUDI]).unwrap();
        group.demote(FRIEND, &[BUDI]).unwrap();
    }
    assert_eq!(gateway.terminate().await, Some(0));
    call.abort();

    let log = world.path("gateway.db-wal").metadata();
    assert!(log.is_err(), "{} bytes left in the log", log.unwrap().len());
    let copy = world.path("copy.db");
    std::fs::copy(&database, &copy).unwrap();
    let url = format!("sqlite://{}", copy.display());
    let mut copy = SqliteConnection::connect(&url).await.unwrap();
    let groups = "SELECT COUNT(*) FROM groups WHERE session_id = $1";
    let groups: i64 = sqlx::query_scalar(groups)
        .bind(&session.id)
        .fetch_one(&mut copy)
        .await
        .unwrap();
    assert_eq!(groups, 1);
    world.standin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_move_to_postgres_and_stay_paired() {
    let world = World::new().await;
    let database = world.path("gateway.db");
    let server = Database::on_the_server().await;
    let (gateway, session) = world.paired(&database).await;
    let known = Known::of(&session).await;
    let paths = [database.as_os_str(), server.setting()].map(|path| path.to_str().unwrap());
    let copy = ["migrate-database", paths[0], paths[1]];
    let held_by = async |gateway: &Process| {
        let refused = process::run::<OsString>(&copy, &[]).await;
        let error = String::from_utf8_lossy(&refused.stderr);
        let holder = format!("process {} ", gateway.id());
        assert!(
            !refused.status.success() && error.contains(&holder),
            "{error}"
        );
    };
    held_by(&gateway).await;
    assert_eq!(gateway.terminate().await, Some(0));
    let other = Process::serve(&world.settings(server.setting())).await;
    held_by(&other).await;
    assert_eq!(other.terminate().await, Some(0));

    succeeds(&copy, &[]).await;
    let again = process::run::<OsString>(&copy, &[]).await;
    let error = String::from_utf8_lossy(&again.stderr);
    assert!(error.contains("not empty"), "{error}");
    assert!(!error.contains("only-for-tests"), "{error}");
    world.goes_on(server.setting(), &session, &known).await;
    world.standin.stop().await.unwrap();
}
