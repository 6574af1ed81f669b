//! When the database fails, or the process in the middle of using it: clear answers, nothing lost, and back to work by
//! itself.

use std::ffi::OsString;

use contract_tests::client::Client;
use contract_tests::database::Database;
use contract_tests::lab::{ACCOUNT, Lab, ORGANIZATION, create_api_key};
use contract_tests::process::Process;
use contract_tests::session::Session;
use contract_tests::wait::{eventually, within};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use whatsapp_standin::{GroupSpec, Person};

use crate::world::{ANNA, BUDI, FRIEND, GROUP, cut_off, seed, sent, sent_since};

/// A stand-in, and what a gateway as a process of its own is started with.
pub struct Setting {
    pub lab: Lab,
    pub environment: Vec<(&'static str, OsString)>,
    token: String,
    database: Database,
}

impl Setting {
    pub async fn new(database: Database) -> Self {
        let lab = Lab::start().await;
        seed(&lab);
        let store = database.store().await;
        let token = create_api_key(&store, ORGANIZATION, "read,send,manage", None)
            .await
            .1;
        Self {
            environment: database.environment(&lab.standin),
            token,
            lab,
            database,
        }
    }

    pub fn caller(&self, gateway: &Process) -> Client {
        Client::new(gateway.url()).with_token(&self.token)
    }
}

/// Refused with 503, when to come back included.
pub async fn refuses_writes(caller: &Client) {
    let refused = caller.post("/sessions").json(&json!({})).send().await;
    assert!(refused.headers.contains_key("retry-after"));
    refused.error(503, "unavailable");
}

/// Reads go on where the database takes no write, and what WhatsApp tells is kept; nothing is sent that cannot be recorded.
pub async fn goes_on_without_writing(lab: &Lab, session: &Session) {
    lab.standin.group(GROUP).add(FRIEND, &[ANNA]).unwrap();
    within("told", lab.standin.wait_acknowledged(ACCOUNT)).await;
    refuses_writes(&session.caller).await;
    let before = sent(lab);
    let refused = session.add(GROUP, &[BUDI]).send().await;
    refused.error(503, "unavailable");
    assert_eq!(sent_since(lab, &before), []);
    assert_eq!(session.get().await["status"], "working");
    assert_eq!(session.role(GROUP, ANNA).await, None, "not written yet");
}

/// Waits until the directory has the members that WhatsApp has.
pub async fn same_as_whatsapp(lab: &Lab, session: &Session, gid: &str) {
    let mut wanted: Vec<String> = lab
        .standin
        .group(gid)
        .members()
        .into_iter()
        .map(|(phone, _)| format!("{phone}@s.whatsapp.net"))
        .collect();
    wanted.sort();
    let what = format!("the {} members of {gid} are listed", wanted.len());
    eventually(&what, async || {
        let members = session.members(gid).await;
        let mut listed: Vec<&str> = members
            .iter()
            .filter_map(|member| member["jid"].as_str())
            .collect();
        listed.sort_unstable();
        (listed == wanted).then_some(())
    })
    .await;
}

/// kill -9 with adds at every stage. What was answered holds, and the directory has all that WhatsApp has.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_killed_in_the_middle_of_adds() {
    const CALLERS: usize = 8;
    const ANSWERED: usize = 60;
    let setting = Setting::new(Database::new().await).await;
    let lab = &setting.lab;
    let groups: Vec<String> = (0..4)
        .map(|n| {
            let spec = GroupSpec::new(format!("Group {n}")).admin(ACCOUNT);
            lab.standin.add_group(spec)
        })
        .collect();
    let mut gateway = Process::serve(&setting.environment).await;
    let session = Session::create(&setting.caller(&gateway)).await;
    session.pair(&lab.standin, ACCOUNT).await;

    let mut created = Vec::new();
    for round in 0..3 {
        let session = session.by(&setting.caller(&gateway));
        let (done, mut answered) = mpsc::unbounded_channel();
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let (session, done) = (session.clone(), done.clone());
            let group = groups[caller % groups.len()].clone();
            let people: Vec<String> = (0..1000)
                .map(|n| format!("62877{round}{caller}{n:05}"))
                .collect();
            for person in &people {
                lab.standin.add_person(Person::new(person));
            }
            callers.spawn(async move {
                for person in people {
                    let add = session.add(&group, &[&person]).send_uncertain();
                    let Some(answer) = add.await else { return };
                    answer.expect_no_content();
                    let _ = done.send((group.clone(), person));
                }
            });
        }
        let mut added = Vec::new();
        while added.len() < ANSWERED {
            let one = within("an add is answered", answered.recv()).await;
            added.push(one.unwrap());
        }
        created.push(Session::create(&session.caller).await.id);
        gateway.kill().await;
        within("the callers notice", callers.join_all()).await;

        gateway = Process::serve(&setting.environment).await;
        let session = session.by(&setting.caller(&gateway));
        session.wait_working(&lab.standin, ACCOUNT).await;
        for (group, person) in added {
            let there = lab.standin.group(&group).role(&person);
            assert!(there.is_some(), "{person} was answered to be in {group}");
        }
        for group in &groups {
            same_as_whatsapp(lab, &session, group).await;
        }
        for id in &created {
            let path = format!("/sessions/{id}");
            session.caller.get(path).send().await.expect(200);
        }
    }
    assert_eq!(lab.standin.phone(ACCOUNT).devices().len(), 1);
    assert_eq!(gateway.terminate().await, Some(0));
    setting.lab.stop().await;
}

/// Those of SQLite alone.
mod sqlite {
    use super::*;
    use sqlx::{Connection as _, Executor as _, SqliteConnection};

    /// Another program writes for so long that the gateway's patience ends: reads go on, adds and writes are refused, and
    /// what could not be written is written once it can be.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_database_that_another_program_locks() {
        let setting = Setting::new(Database::sqlite()).await;
        let lab = &setting.lab;
        let gateway = Process::serve(&setting.environment).await;
        let session = Session::create(&setting.caller(&gateway)).await;
        session.pair(&lab.standin, ACCOUNT).await;

        let path = setting.database.file().to_str().unwrap();
        let mut other = SqliteConnection::connect(path).await.unwrap();
        other.execute("BEGIN EXCLUSIVE").await.unwrap();
        goes_on_without_writing(lab, &session).await;
        other.execute("ROLLBACK").await.unwrap();

        Session::create(&session.caller).await;
        same_as_whatsapp(lab, &session, GROUP).await;
        assert_eq!(gateway.terminate().await, Some(0));
        setting.lab.stop().await;
    }

    /// No byte more can be written: the same, and what is acknowledged afterwards outlives a violent end.
    #[cfg(target_os = "linux")]
    #[tokio::test(flavor = "multi_thread")]
    async fn a_disk_that_is_full() {
        let setting = Setting::new(Database::sqlite()).await;
        let lab = &setting.lab;
        let gateway = Process::serve_on_a_disk(&setting.environment).await;
        let session = Session::create(&setting.caller(&gateway)).await;
        session.pair(&lab.standin, ACCOUNT).await;

        gateway.fill_disk().await;
        goes_on_without_writing(lab, &session).await;
        // A connection that ends now has nothing to save its end in.
        cut_off(lab);
        within("gone", lab.standin.wait_disconnected(ACCOUNT)).await;
        gateway.free_disk().await;
        lab.standin.clear_faults(ACCOUNT);

        session.wait_working(&lab.standin, ACCOUNT).await;
        Session::create(&session.caller).await;
        same_as_whatsapp(lab, &session, GROUP).await;
        gateway.kill().await;
        let gateway = Process::serve(&setting.environment).await;
        let session = session.by(&setting.caller(&gateway));
        session.wait_working(&lab.standin, ACCOUNT).await;
        same_as_whatsapp(lab, &session, GROUP).await;
        assert_eq!(lab.standin.phone(ACCOUNT).devices().len(), 1);
        assert_eq!(gateway.terminate().await, Some(0));
        setting.lab.stop().await;
    }
}

/// Those of PostgreSQL alone.
mod postgres {
    use super::*;
    use contract_tests::client::Call;
    use contract_tests::process;
    use contract_tests::server::Server;
    use tokio::sync::watch;

    use crate::process::assert_start_error;

    /// One line says what is wrong with the server or the URL, and never the password.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_that_cannot_be_used_is_named_at_the_start() {
        let server = Server::start().await;
        let url = server.url();
        let (_, rest) = url.split_once('@').unwrap();
        let (address, _) = rest.split_once('/').unwrap();
        for (wrong, told) in [
            (format!("postgres://gateway:hunter2@{rest}"), "password"),
            (format!("{url}_missing"), "create it"),
            (format!("{url}?sslmode=require"), "TLS"),
            (url.replace(address, "127.0.0.1:1"), "does not answer"),
        ] {
            let environment = [
                ("GATEWAY_LISTEN", "127.0.0.1:0".to_owned()),
                ("GATEWAY_DATABASE", wrong),
            ];
            let output = process::run(&["serve"], &environment).await;
            assert_start_error(&output, "GATEWAY_DATABASE");
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(error.contains(told), "{told} is not in {error}");
            for secret in ["hunter2", "only-for-tests"] {
                assert!(!error.contains(secret), "{error}");
            }
        }
    }

    /// How often a caller was answered: done, and 503.
    type Told = watch::Sender<(u64, u64)>;

    /// Asks until told to stop; gives the ids of what it has created.
    async fn keep_asking(
        told: Told,
        mut on: watch::Receiver<bool>,
        mut ask: impl FnMut(usize) -> Call,
    ) -> Vec<String> {
        let mut created = Vec::new();
        for n in 0.. {
            if !*on.borrow_and_update() {
                break;
            }
            let answer = ask(n).send().await;
            if answer.status == 201 {
                let id = answer.json(201)["id"].as_str().unwrap().to_owned();
                created.push(id);
            } else if !answer.status.is_success() {
                let is_told = answer.headers.contains_key("retry-after");
                assert!(is_told, "{} without Retry-After", answer.status);
                answer.error(503, "unavailable");
                told.send_modify(|(_, refused)| *refused += 1);
                continue;
            }
            told.send_modify(|(done, _)| *done += 1);
        }
        created
    }

    /// The server stops and starts under load: whoever needs it is told to come back, the sessions stay connected, and all
    /// goes on by itself.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_that_restarts_under_load() {
        let server = Server::start().await;
        let setting = Setting::new(Database::postgres(server.url()).await).await;
        let lab = &setting.lab;
        let gateway = Process::serve(&setting.environment).await;
        let session = Session::create(&setting.caller(&gateway)).await;
        session.pair(&lab.standin, ACCOUNT).await;

        let (on, running) = watch::channel(true);
        let mut told = Vec::new();
        let mut callers = JoinSet::new();
        let mut caller = |ask: Box<dyn FnMut(usize) -> Call + Send>| {
            let (tell, heard) = watch::channel((0, 0));
            told.push(heard);
            callers.spawn(keep_asking(tell, running.clone(), ask));
        };
        for n in 0..4 {
            let people: Vec<String> = (0..5000).map(|i| format!("62877{n}{i:06}")).collect();
            for person in &people {
                lab.standin.add_person(Person::new(person));
            }
            let session = session.clone();
            let person = move |n: usize| people[n % people.len()].clone();
            caller(Box::new(move |n| session.add(GROUP, &[&person(n)])));
        }
        let members = session.path(&format!("/groups/{GROUP}/members"));
        let reader = session.caller.clone();
        caller(Box::new(move |_| reader.get(&members)));
        let writer = session.caller.clone();
        caller(Box::new(move |_| writer.post("/sessions").json(&json!({}))));

        let mut more = async |what: &str, count: fn(&(u64, u64)) -> u64| {
            for heard in &mut told {
                let before = count(&heard.borrow());
                within(what, heard.wait_for(|now| count(now) > before))
                    .await
                    .unwrap();
            }
        };
        more("all are served", |(done, _)| *done).await;
        server.stop().await;
        more("all are refused", |(_, refused)| *refused).await;
        assert_eq!(lab.standin.connections(ACCOUNT), 1);
        server.start_again().await;
        more("all are served again", |(done, _)| *done).await;
        // Shorter than anybody notices but those in the middle of something.
        server.stop().await;
        server.start_again().await;
        more("all are served once more", |(done, _)| *done).await;

        on.send_replace(false);
        let created = within("the callers end", callers.join_all()).await.concat();
        assert!(!created.is_empty());
        for id in created {
            let path = format!("/sessions/{id}");
            session.caller.get(path).send().await.expect(200);
        }
        same_as_whatsapp(lab, &session, GROUP).await;
        assert_eq!(lab.standin.logins(ACCOUNT), 1, "never connected anew");
        assert_eq!(gateway.terminate().await, Some(0));
        setting.lab.stop().await;
    }
}
