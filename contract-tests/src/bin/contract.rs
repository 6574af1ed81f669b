//! Boots a gateway with something to find in it, lets schemathesis loose on it with each kind of token, and counts what
//! it has reached. `--fault NAME` puts a fault in front of the gateway; all other arguments go to schemathesis.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test runner: a failure is a panic with a message"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use contract_tests::document::Document;
use contract_tests::faults::Fault;
use contract_tests::gateway;
use contract_tests::lab::{ACCOUNT, Lab, ORGANIZATION};
use contract_tests::session::Session;
use contract_tests::tokens::{self, Jwks, SigningKey};
use hyper::Method;
use serde_json::{Value, json};
use tokio::process::Command;
use whatsapp_standin::{AddOutcome, GroupSpec, Person};

/// How many sessions the operations that end sessions have to begin with.
const DISPOSABLE: usize = 40;
/// How many groups the account can leave.
const LEAVABLE: usize = 40;
/// How many api keys there are to be revoked.
const REVOCABLE: usize = 40;
/// Where the stopped session is among the sessions.
const STOPPED: usize = 2;
/// Where the group that the account is no admin of is among the groups.
const NOT_ADMIN: usize = 2;

/// Operations that a fuzzer can't have succeed, and why. One that does is none.
const UNREACHABLE: [(&str, &str); 3] = [
    ("getSessionPasskey", ONLY_A_PERSON),
    ("answerSessionPasskey", ONLY_A_PERSON),
    ("confirmSessionPasskey", ONLY_A_PERSON),
];
const ONLY_A_PERSON: &str = "it takes a phone that asks for a passkey, and the person who has it";

/// One run of schemathesis. Its phases without chance take the first id of each dictionary, so each run has another one
/// first: the later ones find what is refused to whoever is no admin or not connected.
struct Run {
    name: &'static str,
    /// A login token rather than an api key.
    login: bool,
    /// How far the sessions and the groups are rotated.
    first: (usize, usize),
    arguments: &'static [&'static str],
}

const BRIEF: &[&str] = &["--phases", "examples,coverage"];
const RUNS: [Run; 3] = [
    Run {
        name: "api-key",
        login: false,
        first: (0, 0),
        arguments: &[],
    },
    Run {
        name: "login-jwt",
        login: true,
        first: (0, NOT_ADMIN),
        arguments: BRIEF,
    },
    Run {
        name: "stopped",
        login: false,
        first: (STOPPED, 0),
        arguments: BRIEF,
    },
];

#[tokio::main]
async fn main() -> ExitCode {
    let mut given: Vec<String> = std::env::args().skip(1).collect();
    let fault = given
        .iter()
        .position(|argument| argument == "--fault")
        .map(|at| {
            let name = given.drain(at..=at + 1).nth(1);
            Fault::named(&name.expect("a name after --fault"))
        });
    let mut reached = Reached::default();
    for run in RUNS {
        println!("== {}", run.name);
        if !run.go(&given, fault, &mut reached).await {
            return ExitCode::FAILURE;
        }
    }
    reached.report()
}

impl Run {
    /// Whether schemathesis is content. Each run has a gateway of its own, so that the same seed sees the same answers.
    async fn go(&self, given: &[String], fault: Option<Fault>, reached: &mut Reached) -> bool {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("the workspace");
        let seeded = root.join("target/contract");
        // What a broken gateway leaves must not pass for the report of the real one.
        let reports = match fault {
            Some(fault) => root.join("target/contract-selftest").join(fault.name),
            None => seeded.clone(),
        };
        fs::create_dir_all(&reports).unwrap();
        let signer = SigningKey::ec();
        let jwks = Jwks::serving(std::slice::from_ref(&signer)).await;
        let mut lab = Lab::with(|config| {
            config.jwt = Some(gateway::jwt(&jwks));
            // The fuzzer makes and asks more than one caller may.
            config.max_sessions_per_organization = usize::MAX;
            config.max_api_keys = u32::MAX;
            config.key_lookups_per_second = NonZeroU32::MAX;
            config.pairing_codes_per_hour = NonZeroU32::MAX;
        })
        .await;
        seed(&lab, &seeded, self.first).await;
        let token = if self.login {
            signer.sign(&tokens::claims(ORGANIZATION, "owner"))
        } else {
            lab.api_key(ORGANIZATION, "read,send,manage", None).await.1
        };
        if let Some(fault) = fault {
            lab = lab.spoiled(fault).await;
        }

        let har = reports.join(format!("{}.har", self.name));
        let status = Command::new(root.join(".tools/schemathesis/bin/schemathesis"))
            .arg("run")
            .arg(format!("{}/openapi.yaml", lab.url()))
            .arg("--url")
            .arg(format!("{}/api/v1", lab.url()))
            .arg("--report-junit-path")
            .arg(reports.join(format!("{}.xml", self.name)))
            .arg("--report-har-path")
            .arg(&har)
            .args(self.arguments)
            .args(given)
            .env("CONTRACT_TOKEN", token)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            // The configuration names its neighbours relative to this folder.
            .current_dir(root.join("contract-tests"))
            .status()
            .await
            .expect("schemathesis: `make contract` installs it");
        lab.stop().await;
        if status.success() {
            reached.read(&har);
        }
        status.success()
    }
}

/// Sessions connected, stopped, disposable and somebody else's; groups of every kind; people who can be added and who can't.
async fn seed(lab: &Lab, folder: &Path, first: (usize, usize)) {
    const FRIEND: &str = "628222000001";
    // That of the document's examples, which are tried as they stand: what is left or removed there is none of the others'.
    const EXAMPLE: &str = "120363041234567890@g.us";
    const GROUPS: [&str; 4] = [
        "120363041234567894@g.us",
        "120363041234567891@g.us",
        "120363041234567892@g.us",
        "120363041234567893@g.us",
    ];
    let people = [
        ("628333000001", AddOutcome::Added),
        ("628333000002", AddOutcome::Added),
        ("628444000001", AddOutcome::PrivacyDeclined),
        ("628444000002", AddOutcome::NotOnWhatsApp),
    ];
    for (phone, outcome) in people {
        lab.standin
            .add_person(Person::new(phone).with_outcome(outcome));
    }
    let [admin, lid, not_admin, strange] = GROUPS;
    // The number of the document's example is one of them.
    let phones = [ACCOUNT, "628123456789"];
    for phone in phones {
        lab.standin.add_account(phone).expect("an account");
    }
    lab.standin.add_group(
        GroupSpec::new("Admin")
            .gid(admin)
            .admin(ACCOUNT)
            .superadmin(FRIEND),
    );
    lab.standin.add_group(
        GroupSpec::new("LID")
            .gid(lid)
            .lid()
            .admin(ACCOUNT)
            .superadmin(FRIEND),
    );
    lab.standin.add_group(
        GroupSpec::new("Not admin")
            .gid(not_admin)
            .member(ACCOUNT)
            .superadmin(FRIEND),
    );
    lab.standin
        .add_group(GroupSpec::new("Strange").gid(strange).superadmin(FRIEND));

    let ours = lab.manager().await;
    let mut leavable = Vec::new();
    for n in 0..LEAVABLE {
        let group = GroupSpec::new(format!("Leavable {n}")).admin(ACCOUNT);
        leavable.push(lab.standin.add_group(group));
    }
    let example = GroupSpec::new("Example").gid(EXAMPLE).admin(ACCOUNT);
    leavable.push(lab.standin.add_group(example));
    let open = GroupSpec::new("Open").superadmin(FRIEND);
    let open = lab.standin.add_group(open);
    let open = lab.standin.group(&open).invite();
    let connected = lab.connected().await;
    let addition = connected
        .caller
        .post(connected.path(&format!("/groups/{admin}/additions")))
        .json(&json!({"participants": [format!("{}@s.whatsapp.net", people[1].0)]}));
    let addition = addition.send().await.json(202)["id"].take();
    let action = connected.add_told(admin, &[people[0].0]).await["action"].take();
    let connected = connected.id;
    let stopped = Session::create(&ours).await.id;
    let theirs = Session::create(&lab.caller("org_7", "manage").await)
        .await
        .id;
    let mut disposable = Vec::new();
    for _ in 0..DISPOSABLE {
        disposable.push(Session::create(&ours).await.id);
    }

    let mut revocable = Vec::new();
    for _ in 0..REVOCABLE {
        revocable.push(lab.api_key(ORGANIZATION, "read", None).await.0);
    }

    fs::create_dir_all(folder).unwrap();
    dictionary(folder.join("api-keys.dict"), revocable);
    dictionary(folder.join("disposable.dict"), disposable);
    // The connected one twice: most is to be found behind it.
    let mut sessions = [connected.clone(), connected, stopped, theirs];
    sessions.rotate_left(first.0);
    dictionary(folder.join("sessions.dict"), sessions);
    let mut groups = GROUPS;
    groups.rotate_left(first.1);
    dictionary(folder.join("groups.dict"), groups);
    dictionary(folder.join("actions.dict"), action.as_str());
    dictionary(folder.join("additions.dict"), addition.as_str());
    dictionary(folder.join("leavable.dict"), leavable);
    dictionary(folder.join("invites.dict"), open);
    dictionary(folder.join("phones.dict"), phones);
    dictionary(
        folder.join("people.dict"),
        people.map(|(phone, _)| format!("{phone}@s.whatsapp.net")),
    );
}

/// Writes a dictionary as schemathesis reads it (libFuzzer's format).
fn dictionary(path: PathBuf, values: impl IntoIterator<Item = impl std::fmt::Display>) {
    let lines: String = values
        .into_iter()
        .map(|value| format!("\"{value}\"\n"))
        .collect();
    fs::write(path, lines).unwrap();
}

/// Which status of which operation was seen, and how often.
#[derive(Default)]
struct Reached(BTreeMap<String, BTreeMap<u16, u64>>);

impl Reached {
    fn read(&mut self, har: &Path) {
        let har: Value = serde_json::from_slice(&fs::read(har).unwrap()).expect("a HAR file");
        for entry in har["log"]["entries"].as_array().expect("entries") {
            let method: Method = entry["request"]["method"]
                .as_str()
                .unwrap()
                .parse()
                .expect("a method");
            let url = entry["request"]["url"].as_str().unwrap();
            let path = url
                .splitn(4, '/')
                .nth(3)
                .map_or_else(|| "/".to_owned(), |path| format!("/{path}"));
            let status =
                u16::try_from(entry["response"]["status"].as_u64().unwrap()).expect("a status");
            if let Some(operation) = Document::get().find(&method, &path) {
                *self
                    .0
                    .entry(operation.id.clone())
                    .or_default()
                    .entry(status)
                    .or_default() += 1;
            }
        }
    }

    /// Prints what was reached and fails when an operation never succeeded.
    fn report(&self) -> ExitCode {
        println!("\nSeen: each documented status of each operation, and how often");
        let mut wrong = Vec::new();
        for operation in Document::get().operations() {
            let seen = self.0.get(&operation.id).cloned().unwrap_or_default();
            let statuses: BTreeSet<u16> = operation.statuses().collect();
            let row: Vec<String> = statuses
                .iter()
                .map(|status| format!("{status}×{}", seen.get(status).unwrap_or(&0)))
                .collect();
            println!("{:<20} {}", operation.id, row.join("  "));
            let succeeded = seen.keys().any(|status| (200..300).contains(status));
            let excuse = UNREACHABLE.iter().find(|(id, _)| *id == operation.id);
            match (succeeded, excuse) {
                (false, None) => wrong.push(format!("{} never succeeded", operation.id)),
                (true, Some((id, why))) => wrong.push(format!("{id} succeeded, although {why}")),
                _ => {}
            }
        }
        for wrong in &wrong {
            println!("{wrong}");
        }
        if wrong.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
