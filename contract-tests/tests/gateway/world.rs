//! The people, groups and requests that the tests share.

use std::ffi::OsString;

use contract_tests::client::{Call, Client};
use contract_tests::database::Database;
use contract_tests::document::Operation;
use contract_tests::lab::{ACCOUNT, Lab, ORGANIZATION, create_api_key};
use contract_tests::process::Process;
use contract_tests::session::Session;
use contract_tests::wait::eventually;
use serde_json::{Value, json};
use whatsapp_standin::{AddOutcome, GroupSpec, LoginFault, Person};

/// A group that the account is an admin of.
pub const GROUP: &str = "120363041234567890@g.us";
/// A group that the account is a plain member of, where WhatsApp would let any member add.
pub const NOT_ADMIN: &str = "120363041234567891@g.us";
/// A group that the account is not in.
pub const STRANGE: &str = "120363041234567892@g.us";
/// A group that nobody has made.
pub const UNKNOWN: &str = "120363041234567899@g.us";

/// Another admin of [`GROUP`] and the superadmin of [`NOT_ADMIN`].
pub const FRIEND: &str = "628222000001";
/// An ordinary member of [`GROUP`].
pub const MEMBER: &str = "628222000002";
/// People who can be added.
pub const ANNA: &str = "628333000001";
pub const BUDI: &str = "628333000002";
/// People who can't be, each for another reason.
pub const DECLINERS: [(&str, AddOutcome); 6] = [
    ("628444000001", AddOutcome::PrivacyDeclined),
    ("628444000002", AddOutcome::Blocked),
    ("628444000003", AddOutcome::NotOnWhatsApp),
    ("628444000004", AddOutcome::LeftRecently),
    ("628444000005", AddOutcome::Full),
    ("628444000006", AddOutcome::AwaitsApproval),
];

/// What an add is called in the stand-in's counters.
pub const ADD: &str = "set w:g2 add";

/// Seeds all of them.
pub fn seed(lab: &Lab) {
    let standin = &lab.standin;
    for person in [ANNA, BUDI] {
        standin.add_person(Person::new(person));
    }
    for (person, outcome) in DECLINERS {
        standin.add_person(Person::new(person).with_outcome(outcome));
    }
    standin.add_group(
        GroupSpec::new("Launch team")
            .gid(GROUP)
            .admin(ACCOUNT)
            .superadmin(FRIEND)
            .member(MEMBER),
    );
    let mut open = GroupSpec::new("Book club")
        .gid(NOT_ADMIN)
        .member(ACCOUNT)
        .superadmin(FRIEND);
    open.members_may_add = true;
    standin.add_group(open);
    standin.add_group(GroupSpec::new("Strangers").gid(STRANGE).superadmin(FRIEND));
}

/// Ends the account's connection and lets none come back.
pub fn cut_off(lab: &Lab) {
    lab.standin.refuse_logins(ACCOUNT, None, LoginFault::Drop);
    lab.standin.drop_connections();
}

/// A lab with that world and a connected session in it.
pub async fn connected() -> (Lab, Session) {
    let lab = Lab::start().await;
    seed(&lab);
    let session = lab.connected().await;
    (lab, session)
}

/// A request of any operation that is as it has to be, about this session and [`GROUP`].
pub fn call(operation: &Operation, caller: &Client, session: &str) -> Call {
    call_at(operation, caller, path(operation, session, GROUP))
}

/// The same with any path.
pub fn call_at(operation: &Operation, caller: &Client, path: String) -> Call {
    let call = caller.call_raw(operation.method.clone(), path);
    if operation.has_body {
        call.json(&body(operation))
    } else {
        call
    }
}

/// The path of an operation, filled in.
pub fn path(operation: &Operation, session: &str, gid: &str) -> String {
    fill(&operation.path, session, gid)
}

/// A path with the parameters filled in that are still in it. The action is none, nor is the addition or the api key.
pub fn fill(path: &str, session: &str, gid: &str) -> String {
    let path = path
        .replace("{session}", session)
        .replace("{gid}", gid)
        .replace("{jid}", &jid(MEMBER))
        .replace("{action}", "nowhere")
        .replace("{addition}", "nowhere")
        .replace("{key}", "nowhere");
    assert!(!path.contains('{'), "{path}: say what to fill in");
    path
}

/// An error of an act that came after its record was made: its details but for the record, which has the same error.
pub async fn act_error(session: &Session, call: Call, status: u16, code: &str) -> Value {
    let mut details = call.send().await.error(status, code);
    let action = details.as_object_mut().unwrap().remove("action").unwrap();
    let record = session.action(action.as_str().unwrap()).await;
    assert_eq!(record["errorCode"], code, "{record}");
    if let Some(upstream_code) = details.get("upstreamCode") {
        assert_eq!(&record["upstreamCode"], upstream_code, "{record}");
    }
    details
}

/// The action once it is known what became of it.
pub async fn settled(session: &Session, id: &str) -> Value {
    eventually("the action is settled", async || {
        let action = session.action(id).await;
        (action["status"] == "done").then_some(action)
    })
    .await
}

/// What an operation takes for a body.
pub fn body(operation: &Operation) -> Value {
    match operation.id.as_str() {
        "createSession" => json!({"label": "Support line", "start": false}),
        "createPairingCode" => json!({"phone": FRIEND}),
        "answerSessionPasskey" => json!({
            "id": "AAAA",
            "rawId": "AAAA",
            "type": "public-key",
            "response": {"clientDataJSON": "AAAA", "authenticatorData": "AAAA", "signature": "AAAA"},
        }),
        "createGroup" => json!({"subject": "New team", "participants": [jid(ANNA)]}),
        "updateGroup" => json!({"subject": "Launch team"}),
        "joinGroup" => json!({"invite": "AbCdEfGhIjKlMnOpQrStUv"}),
        "createApiKey" => json!({"name": "CI", "capabilities": ["manage"]}),
        "updateSession" => json!({"label": "Support line"}),
        "addGroupMembers" | "createAddition" | "approveGroupRequests" | "rejectGroupRequests" => {
            json!({"participants": [format!("{ANNA}@s.whatsapp.net")]})
        }
        "searchActions" | "eraseFromActions" => {
            json!({"participant": format!("{ANNA}@s.whatsapp.net")})
        }
        other => panic!("{other} has no body here"),
    }
}

/// The JID of a phone number.
pub fn jid(phone: &str) -> String {
    format!("{phone}@s.whatsapp.net")
}

/// One property of each entry of a list.
pub fn column(list: &Value, property: &str) -> Value {
    let list = list.as_array().unwrap().iter();
    list.map(|entry| entry[property].clone()).collect()
}

/// What is told to be wrong with a call.
pub async fn violations(call: Call) -> Value {
    call.send().await.error(400, "validation_error")["violations"].take()
}

/// What the account has asked WhatsApp so far about groups. What else the client asks (pings, keys, devices) comes when its
/// library likes.
pub fn sent(lab: &Lab) -> Vec<(String, u64)> {
    lab.standin
        .iq_counts_of(ACCOUNT)
        .into_iter()
        .filter(|(kind, _)| kind.contains(" w:g2"))
        .collect()
}

/// What it has sent since `before`.
pub fn sent_since(lab: &Lab, before: &[(String, u64)]) -> Vec<(String, u64)> {
    let old = |kind: &str| {
        before
            .iter()
            .find(|(k, _)| k == kind)
            .map_or(0, |(_, n)| *n)
    };
    sent(lab)
        .into_iter()
        .map(|(kind, n)| (n - old(&kind), kind))
        .filter(|(n, _)| *n > 0)
        .map(|(n, k)| (k, n))
        .collect()
}

/// A gateway in a process of its own, on a database of its own, in front of the stand-in of a lab; with a connected session.
pub struct Apart {
    pub gateway: Process,
    pub session: Session,
    environment: Vec<(&'static str, OsString)>,
    database: Database,
}

impl Apart {
    /// Starts it and pairs the session.
    pub async fn start(lab: &Lab) -> Self {
        Self::with(lab, &[]).await
    }

    /// The same with more settings.
    pub async fn with(lab: &Lab, settings: &[(&'static str, OsString)]) -> Self {
        let database = Database::new().await;
        let store = database.store().await;
        let key = create_api_key(&store, ORGANIZATION, "read,send,manage", None);
        let (_, token) = key.await;
        let mut environment = database.environment(&lab.standin);
        environment.extend_from_slice(settings);
        let gateway = Process::serve(&environment).await;
        let caller = Client::new(gateway.url()).with_token(&token);
        let session = Session::create(&caller).await;
        session.pair(&lab.standin, ACCOUNT).await;
        Self {
            gateway,
            session,
            environment,
            database,
        }
    }

    /// What it writes to.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Kills it with -9.
    pub async fn kill(self) -> Killed {
        self.gateway.kill().await;
        Killed {
            session: self.session,
            environment: self.environment,
            database: self.database,
        }
    }
}

/// What is left of a gateway that was killed.
pub struct Killed {
    session: Session,
    environment: Vec<(&'static str, OsString)>,
    database: Database,
}

impl Killed {
    /// Serves what is left; its session is connected again.
    pub async fn back(self, lab: &Lab) -> Apart {
        let gateway = Process::serve(&self.environment).await;
        let session = self.session.by(&self.session.caller.at(gateway.url()));
        session.wait_working(&lab.standin, ACCOUNT).await;
        Apart {
            gateway,
            session,
            environment: self.environment,
            database: self.database,
        }
    }
}
