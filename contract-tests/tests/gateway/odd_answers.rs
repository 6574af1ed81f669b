//! What WhatsApp leaves out or writes differently costs what it is about, and nothing else.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use contract_tests::client::Client;
use contract_tests::database::Database;
use contract_tests::lab::{ACCOUNT, Lab, ORGANIZATION, create_api_key};
use contract_tests::process::Process;
use contract_tests::session::Session;
use contract_tests::wait::{eventually, within};
use serde_json::{Value, json};
use whatsapp_standin::{AddOutcome, Fault, GroupSpec, LoginFault, Person, Role, Standin, When};

use crate::world::{
    ADD, ANNA, BUDI, DECLINERS, FRIEND, GROUP, UNKNOWN, act_error, column, connected, jid,
};

/// What asking for one group, and for all, is called in the stand-in's counters.
const QUERY: &str = "get w:g2 query";
const LIST: &str = "get w:g2 participating";
/// The question who of some people is on WhatsApp.
const WHO: &str = "get usync usync";

/// A group as getGroup gives it.
async fn group(session: &Session, gid: &str) -> Value {
    let path = session.path(&format!("/groups/{gid}"));
    session.caller.get(path).send().await.json(200)
}

/// Has the connection drop and waits until the session is back.
async fn reconnect(lab: &Lab, session: &Session) {
    lab.standin
        .refuse_logins(ACCOUNT, Some(1), LoginFault::Drop);
    let logins = lab.standin.logins(ACCOUNT);
    lab.standin.drop_connections();
    within("a login", lab.standin.wait_logins(ACCOUNT, logins + 1)).await;
    session.wait_working(&lab.standin, ACCOUNT).await;
}

/// A connected session of a gateway that runs as a process, for what only the log tells.
struct Logged {
    standin: Standin,
    session: Session,
    gateway: Process,
    _database: Database,
}

impl Logged {
    async fn connected(standin: Standin) -> Self {
        let database = Database::new().await;
        let store = database.store().await;
        let token = create_api_key(&store, ORGANIZATION, "read,send,manage", None)
            .await
            .1;
        let mut environment = database.environment(&standin);
        environment.push(("GATEWAY_LOG_FORMAT", OsString::from("json")));
        let gateway = Process::serve(&environment).await;
        let session = Session::create(&Client::new(gateway.url()).with_token(token)).await;
        session.pair(&standin, ACCOUNT).await;
        Self {
            standin,
            session,
            gateway,
            _database: database,
        }
    }

    /// The fields of the lines with this message, once there are as many: the log comes through a pipe.
    async fn lines(&self, message: &str, least: usize) -> Vec<Value> {
        eventually("the lines are in the log", async || {
            let log = self.gateway.log();
            let lines: Vec<Value> = log
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok())
                .map(|mut line| line["fields"].take())
                .filter(|fields| fields["message"] == message)
                .collect();
            (lines.len() >= least).then_some(lines)
        })
        .await
    }

    async fn stop(self) {
        assert_eq!(self.gateway.terminate().await, Some(0));
        self.standin.stop().await.unwrap();
    }
}

/// Large accounts get some groups with hardly more than a size. WhatsApp is asked for each of them; until it tells, what is
/// known stays, and an admin is not taken for a member.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_the_list_shows_bare_is_asked_for() {
    let (lab, session) = connected().await;
    let told = group(&session, GROUP).await;
    let bare = lab.standin.group(GROUP);
    bare.set_odd(|odd| {
        odd.bare_in_list = true;
        odd.attribute("size", "2000");
    });
    let busy = Fault::SlowDown(Duration::from_secs(1));
    lab.standin.fault(ACCOUNT, When::every(QUERY), busy);
    reconnect(&lab, &session).await;

    let left = group(&session, GROUP).await;
    assert_eq!(left["participantCount"], 2000);
    for known in ["subject", "ownerJid", "createdAtWa", "firstSeenAt"] {
        assert_eq!(left[known], told[known], "{known}");
    }
    assert_eq!(session.members(GROUP).await.len(), 3, "stored members stay");
    session
        .add(GROUP, &[ANNA])
        .send()
        .await
        .error(503, "unavailable");

    lab.standin.clear_faults(ACCOUNT);
    let added = eventually("WhatsApp tells the role", async || {
        let answer = session.add(GROUP, &[ANNA]).send().await;
        (answer.status != 503).then_some(answer)
    });
    added.await.expect_no_content();
    assert_eq!(bare.role(ANNA), Some(Role::Member));
    lab.stop().await;
}

/// The same from the first list on.
#[tokio::test(flavor = "multi_thread")]
async fn an_admin_of_a_bare_group_may_add() {
    let lab = Lab::start().await;
    lab.standin.add_person(Person::new(ANNA));
    let mut bare = Vec::new();
    for n in 0..20 {
        let spec = GroupSpec::new(format!("Large {n}"))
            .admin(ACCOUNT)
            .member(FRIEND);
        bare.push(
            lab.standin
                .add_group(spec.odd(|odd| odd.bare_in_list = true)),
        );
    }
    let session = lab.connected().await;
    for gid in &bare {
        let added = eventually("WhatsApp tells the role", async || {
            let answer = session.add(gid, &[ANNA]).send().await;
            (answer.status != 503).then_some(answer)
        });
        added.await.expect_no_content();
        eventually("what WhatsApp told is stored", async || {
            let group = group(&session, gid).await;
            group["subject"].is_string().then_some(())
        })
        .await;
    }
    assert_eq!(lab.standin.iq_count(QUERY), 20, "each is asked for once");
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_without_a_subject_has_none() {
    let lab = Lab::start().await;
    let nameless = lab.standin.add_group(GroupSpec::new("").admin(ACCOUNT));
    let session = lab.connected().await;
    assert_eq!(group(&session, &nameless).await["subject"], Value::Null);
    lab.stop().await;
}

/// One line in the log, and the session works.
#[tokio::test(flavor = "multi_thread")]
async fn an_odd_group_or_member_costs_itself_alone() {
    let standin = Standin::start_default().await.unwrap();
    standin.add_person(Person::new(ANNA));
    let spec = |subject: &str| GroupSpec::new(subject).superadmin(FRIEND).admin(ACCOUNT);
    standin.add_group(
        spec("No id")
            .gid(UNKNOWN)
            .odd(|odd| odd.attribute("id", "not a group")),
    );
    let odd = [
        spec("Nameless").odd(|odd| odd.participant(&[("type", "admin")])),
        spec("Too large").odd(|odd| odd.attribute("size", "99999999999")),
        spec("Pigeons").odd(|odd| odd.attribute("addressing_mode", "carrier pigeon")),
        spec("At sea").odd(|odd| {
            let captain = format!("{BUDI}@s.whatsapp.net");
            odd.participant(&[("jid", &captain), ("type", "captain")]);
        }),
    ];
    let odd = odd.map(|spec| standin.add_group(spec));
    let lab = Logged::connected(standin).await;
    let session = &lab.session;
    let mut listed: Vec<Value> = session.groups().await;
    let mut listed: Vec<Value> = listed.iter_mut().map(|g| g["groupJid"].take()).collect();
    let mut expected = odd.clone().map(Value::from).to_vec();
    listed.sort_by_key(ToString::to_string);
    expected.sort_by_key(ToString::to_string);
    assert_eq!(listed, expected);
    assert_eq!(session.role(&odd[3], BUDI).await.as_deref(), Some("member"));
    for gid in &odd {
        session.add(gid, &[ANNA]).send().await.expect_no_content();
        assert_eq!(lab.standin.group(gid).role(ANNA), Some(Role::Member));
    }
    let told = lab
        .lines("left out groups or members that cannot be read", 1)
        .await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["odd"], 2, "a group and a member");
    lab.stop().await;
}

/// What WhatsApp did is then not known, and that is what the answer says.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_read_leaves_the_outcome_open() {
    let (lab, session) = connected().await;
    lab.standin.fault(ACCOUNT, When::next(ADD), Fault::Blank);
    session
        .add(GROUP, &[ANNA])
        .send()
        .await
        .error(504, "upstream_timeout");
    let odd = lab.standin.group(GROUP);
    odd.set_odd(|odd| odd.add_requests_lack_expiration = true);
    session
        .add(GROUP, &[BUDI, DECLINERS[0].0])
        .send()
        .await
        .error(504, "upstream_timeout");
    // Both were done, so that trying again is safe.
    session
        .add(GROUP, &[ANNA, BUDI])
        .send()
        .await
        .expect_no_content();
    for person in [ANNA, BUDI] {
        assert_eq!(odd.role(person), Some(Role::Member));
    }
    lab.stop().await;
}

/// People are told apart by name alone, in either spelling of it: never by their place in the answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_about_whom_it_names() {
    let standin = Standin::start_default().await.unwrap();
    for (known, asked) in [
        ("551187654321", "5511987654321"),
        ("5521987654321", "552187654321"),
        ("5215512345678", "525512345678"),
        ("525587654321", "5215587654321"),
    ] {
        standin.add_person(Person::new(known).also_written(asked));
    }
    standin.add_person(Person::new(ANNA));
    let declined = Person::new(BUDI).with_outcome(AddOutcome::Blocked);
    standin.add_person(declined);
    standin.add_group(GroupSpec::new("Launch team").gid(GROUP).admin(ACCOUNT));
    let hidden = GroupSpec::new("Hidden").lid().admin(ACCOUNT);
    let hidden = standin.add_group(hidden.odd(|odd| odd.hides_numbers = true));
    let lab = Logged::connected(standin).await;
    let people = [
        "5511987654321",
        "552187654321",
        "525512345678",
        "5215587654321",
        BUDI,
    ];
    let told = lab.session.add_told(GROUP, &people).await["data"].take();
    let added = json!(["added", "added", "added", "added", "blocked"]);
    assert_eq!(column(&told, "outcome"), added);
    assert_eq!(column(&told, "participant"), json!(people.map(jid)));
    let known = [
        "551187654321",
        "5521987654321",
        "5215512345678",
        "525587654321",
        BUDI,
    ];
    assert_eq!(
        column(&told, "jid"),
        json!(known.map(jid)),
        "as WhatsApp writes it"
    );
    assert_eq!(lab.standin.group(GROUP).members().len(), 5);
    // This one answers by LIDs that nobody asked for.
    let told = lab.session.add_told(&hidden, &[BUDI, ANNA]).await;
    assert_eq!(
        column(&told["data"], "outcome"),
        json!(["unknown", "unknown"])
    );
    lab.stop().await;
}

/// A hundred and fifty thousand people of whom WhatsApp shows the LID alone.
#[tokio::test(flavor = "multi_thread")]
async fn many_large_groups_without_numbers_are_synced_in_time() {
    let lab = Lab::start().await;
    for n in 0..500 {
        let mut spec = GroupSpec::new(format!("Group {n}")).lid().admin(ACCOUNT);
        for person in 0..299 {
            // Everybody is in several groups, as people are.
            spec = spec.member(format!("62877{:07}", (n * 100 + person) % 20_000));
        }
        lab.standin
            .add_group(spec.odd(|odd| odd.hides_numbers = true));
    }
    let begun = Instant::now();
    let session = lab.connected().await;
    eprintln!(
        "500 groups of 300: working {:?} after it began to pair",
        begun.elapsed()
    );
    assert_eq!(lab.standin.iq_count(LIST), 1, "within the time limit");
    let groups = session.groups().await;
    assert_eq!(groups.len(), 500);
    assert!(groups.iter().all(|group| group["participantCount"] == 300));
    lab.stop().await;
}

/// Everybody is "removed" by number, the account too, and nobody added: WhatsApp is asked before anybody counts as gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_moves_to_lids_loses_nobody() {
    for hides_numbers in [false, true] {
        let (lab, session) = connected().await;
        let moved = lab.standin.group(GROUP);
        moved.set_odd(|odd| odd.hides_numbers = hides_numbers);
        let busy = Fault::SlowDown(Duration::from_secs(1));
        lab.standin.fault(ACCOUNT, When::every(QUERY), busy);
        moved.move_to_lid();
        within("the question", lab.standin.wait_iq(QUERY, 1)).await;
        let members = session.members(GROUP).await;
        assert_eq!(members.len(), 3, "before WhatsApp tells: {members:?}");
        assert!(members.iter().all(|member| member["jid"].is_string()));
        session.add(GROUP, &[ANNA]).send().await.expect_no_content();

        lab.standin.clear_faults(ACCOUNT);
        let members = eventually("WhatsApp tells of LIDs", async || {
            let members = session.members(GROUP).await;
            let all = members.iter().all(|member| member["lid"].is_string());
            all.then_some(members)
        });
        let members = members.await;
        assert_eq!(members.len(), 4, "nobody is lost or doubled: {members:?}");
        for person in [ACCOUNT, FRIEND, ANNA] {
            let lid = lab.standin.person(person).unwrap().lid_jid();
            assert!(members.iter().any(|m| m["lid"] == *lid), "{members:?}");
        }
        session.add(GROUP, &[BUDI]).send().await.expect_no_content();
        lab.stop().await;
    }
}

/// WhatsApp refuses all for the sake of some: who they are is asked, once, and told to the caller alone.
#[tokio::test(flavor = "multi_thread")]
async fn an_add_that_one_number_spoils_names_it() {
    let (lab, session) = connected().await;
    let strict = lab.standin.group(GROUP);
    strict.set_odd(|odd| odd.refuses_strangers = true);
    // The library's own query, which comes some time after the login.
    within("the own devices are asked for", lab.standin.wait_iq(WHO, 1)).await;
    let (unheard, left) = ("628555000001", DECLINERS[2].0);
    let people = [ANNA, unheard, BUDI, left];
    let refused = || act_error(&session, session.add(GROUP, &people), 502, "upstream_error");
    assert_eq!(
        refused().await,
        json!({
            "upstreamCode": 400,
            "notOnWhatsApp": [format!("{unheard}@s.whatsapp.net"), format!("{left}@s.whatsapp.net")],
        })
    );
    assert_eq!(
        (lab.standin.iq_count(ADD), lab.standin.iq_count(WHO)),
        (1, 2)
    );
    assert_eq!(strict.role(ANNA), None);
    // Where that cannot be told, the refusal is.
    lab.standin
        .fault(ACCOUNT, When::next(WHO), Fault::rate_limited());
    assert_eq!(refused().await, json!({"upstreamCode": 400}));
    session
        .add(GROUP, &[ANNA, BUDI])
        .send()
        .await
        .expect_no_content();
    lab.stop().await;
}

/// WhatsApp asks to slow down: the list is left alone for as long as it says, and what the last sync stored is good enough to
/// work with.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_whatsapp_withholds_is_asked_for_later() {
    let (lab, session) = connected().await;
    let busy = |seconds| Fault::SlowDown(Duration::from_secs(seconds));
    lab.standin.fault(ACCOUNT, When::every(LIST), busy(600));
    reconnect(&lab, &session).await;
    session.add(GROUP, &[ANNA]).send().await.expect_no_content();
    assert_eq!(lab.standin.group(GROUP).role(ANNA), Some(Role::Member));
    assert_eq!(lab.standin.iq_count(LIST), 2, "once for each login");
    lab.stop().await;

    let (lab, session) = connected().await;
    lab.standin.fault(ACCOUNT, When::next(LIST), busy(2));
    reconnect(&lab, &session).await;
    within("the list is asked for again", lab.standin.wait_iq(LIST, 3)).await;
    session.add(GROUP, &[BUDI]).send().await.expect_no_content();
    lab.stop().await;
}
