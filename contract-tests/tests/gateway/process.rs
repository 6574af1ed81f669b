//! The process: the command line, start-up errors, the end.

use std::ffi::OsString;
use std::process::Output;

use contract_tests::client::Client;
use contract_tests::database::Database;
use contract_tests::lab::ACCOUNT;
use contract_tests::process::{self, Process};
use contract_tests::session::Session;
use contract_tests::wait::{eventually, within};
use tempfile::TempDir;
use tokio::net::TcpListener;
use whatsapp_standin::{Fault, GroupSpec, Person, Standin, When};

use crate::world::{ADD, ANNA, GROUP};

/// One line that names the setting, and an exit code that says no.
pub fn assert_start_error(output: &Output, setting: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{setting}: it starts");
    assert_eq!(output.status.code(), Some(1), "{setting}: {error}");
    assert_eq!(
        error.trim_end().lines().count(),
        1,
        "{setting}: one line, not {error}"
    );
    assert!(error.contains(setting), "{setting} is not named: {error}");
    assert!(!error.contains("panicked"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_cannot_be_used_is_named() {
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name).into_os_string();
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    std::fs::write(
        dir.path().join("text"),
        "no database at all, but long enough to look at as one",
    )
    .unwrap();
    let key = "ab".repeat(32);
    let cases: Vec<(&str, Vec<(&str, OsString)>)> = vec![
        (
            "GATEWAY_LISTEN",
            vec![("GATEWAY_LISTEN", taken.clone().into())],
        ),
        ("GATEWAY_LISTEN", vec![("GATEWAY_LISTEN", "8080".into())]),
        (
            "GATEWAY_DATABASE",
            vec![("GATEWAY_DATABASE", at("missing/gateway.db"))],
        ),
        (
            "GATEWAY_DATABASE",
            vec![("GATEWAY_DATABASE", dir.path().into())],
        ),
        ("GATEWAY_DATABASE", vec![("GATEWAY_DATABASE", at("text"))]),
        (
            "WHATSAPP_SERVER_KEY",
            vec![("WHATSAPP_URL", "ws://127.0.0.1:1/ws".into())],
        ),
        (
            "WHATSAPP_URL",
            vec![("WHATSAPP_SERVER_KEY", key.clone().into())],
        ),
        (
            "WHATSAPP_SERVER_KEY",
            vec![
                ("WHATSAPP_URL", "ws://h/".into()),
                ("WHATSAPP_SERVER_KEY", "ab".into()),
            ],
        ),
        (
            "WHATSAPP_URL",
            vec![
                ("WHATSAPP_URL", "http://h/".into()),
                ("WHATSAPP_SERVER_KEY", key.into()),
            ],
        ),
        (
            "WHATSAPP_TIMEOUT_SECONDS",
            vec![("GATEWAY_REQUEST_TIMEOUT_SECONDS", "20".into())],
        ),
        (
            "JWT_ISSUER",
            vec![
                ("JWKS_URL", "https://h/".into()),
                ("JWT_AUDIENCE", "a".into()),
            ],
        ),
        (
            "JWKS_URL",
            vec![
                ("JWKS_URL", "http://h/".into()),
                ("JWT_AUDIENCE", "a".into()),
                ("JWT_ISSUER", "i".into()),
            ],
        ),
        (
            "JWT_LEEWAY_SECONDS",
            vec![
                ("JWKS_URL", "https://h/".into()),
                ("JWT_AUDIENCE", "a".into()),
                ("JWT_ISSUER", "i".into()),
                ("JWT_LEEWAY_SECONDS", "much".into()),
            ],
        ),
        (
            "GATEWAY_LOG_FORMAT",
            vec![("GATEWAY_LOG_FORMAT", "xml".into())],
        ),
    ];
    for (n, (setting, settings)) in cases.into_iter().enumerate() {
        let mut environment = vec![
            ("GATEWAY_LISTEN", "127.0.0.1:0".into()),
            ("GATEWAY_DATABASE", at(&format!("{n}.db"))),
        ];
        environment.retain(|(name, _)| !settings.iter().any(|(other, _)| other == name));
        environment.extend(settings);
        assert_start_error(&process::run(&["serve"], &environment).await, setting);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn api_keys_are_made_listed_and_revoked() {
    let standin = Standin::start_default().await.unwrap();
    let database = Database::new().await;
    let environment = database.environment(&standin);
    let run = async |arguments: &[&str]| {
        let output = process::run(arguments, &environment).await;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
            error,
        )
    };
    let create = [
        "api-key",
        "create",
        "--org",
        "org_42",
        "--name",
        "ci",
        "--capabilities",
    ];

    // Before there is a database: nothing is made.
    let (done, _, error) = run(&[&create[..], &["read"]].concat()).await;
    assert!(
        !done && error.contains("whatsapp-gateway migrate"),
        "{error}"
    );
    if let whatsapp_gateway::Database::Sqlite(file) = database.name() {
        assert!(!file.exists());
    }
    let (done, _, error) = run(&["migrate"]).await;
    assert!(done, "{error}");

    let (done, made, error) = run(&[&create[..], &["read,manage"]].concat()).await;
    assert!(done, "{error}");
    let tokens: Vec<&str> = made
        .split_whitespace()
        .filter(|word| word.starts_with("wa_"))
        .collect();
    let [token] = tokens[..] else {
        panic!("one token in {made:?}")
    };
    assert_eq!(token.len(), 46);
    let (done, other, _) = run(&[
        "api-key",
        "create",
        "--org",
        "org_1",
        "--name",
        "x",
        "--capabilities",
        "send",
    ])
    .await;
    assert!(done && !other.contains(token));

    let (_, all, _) = run(&["api-key", "list"]).await;
    assert!(
        all.contains("org_42") && all.contains("org_1") && !all.contains(token),
        "{all}"
    );
    let (_, own, _) = run(&["api-key", "list", "--org", "org_42"]).await;
    assert!(
        own.contains("read,manage") && !own.contains("org_1 "),
        "{own}"
    );
    let id = own
        .split_whitespace()
        .find(|word| word.len() == 26)
        .expect("an id")
        .to_owned();

    // Beside the running gateway.
    let gateway = Process::serve(&environment).await;
    let caller = Client::new(gateway.url()).with_token(token);
    Session::create(&caller).await;
    let (done, _, error) = run(&["api-key", "revoke", &id]).await;
    assert!(done, "{error}");
    eventually("the key is refused", async || {
        (caller.get("/sessions").send().await.status == 401).then_some(())
    })
    .await;
    assert_eq!(gateway.terminate().await, Some(0));

    let organization = |id| {
        let create = ["api-key", "create", "--org", id, "--name", "x"];
        [&create[..], &["--capabilities", "read"]].concat()
    };
    for bad in [
        vec!["api-key", "revoke", "01ARZ3NDEKTSV4RRFFQ69G5FAV"],
        [&create[..], &["read,fly"]].concat(),
        [&create[..], &[""]].concat(),
        [&create[..], &["read", "--expires", "yesterday-ish"]].concat(),
        organization(""),
        vec!["api-key", "create", "--name", "x", "--capabilities", "read"],
        organization("org 42"),
        organization("org_42 "),
        organization("org_\u{200b}42"),
        vec!["api-key", "list", "--org", "org_42\n"],
        vec!["nonsense"],
    ] {
        let (done, _, error) = run(&bad).await;
        assert!(
            !done && !error.is_empty() && !error.contains("panicked"),
            "{bad:?}: {error}"
        );
    }
    standin.stop().await.unwrap();
}

/// Ctrl-C and SIGTERM let a running call finish.
#[tokio::test(flavor = "multi_thread")]
async fn stopping_is_polite() {
    let standin = Standin::start_default().await.unwrap();
    let database = Database::new().await;
    standin.add_person(Person::new(ANNA));
    standin.add_group(GroupSpec::new("Launch team").gid(GROUP).admin(ACCOUNT));
    let environment = database.environment(&standin);
    let store = database.store().await;
    let token = contract_tests::lab::create_api_key(&store, "org_42", "read,send,manage", None)
        .await
        .1;
    let gateway = Process::serve(&environment).await;
    let session = Session::create(&Client::new(gateway.url()).with_token(token)).await;
    session.pair(&standin, ACCOUNT).await;
    standin.fault(
        ACCOUNT,
        When::next(ADD),
        Fault::Delay(std::time::Duration::from_secs(2)),
    );
    let call = tokio::spawn(session.add(GROUP, &[ANNA]).send());
    within("the add is asked", standin.wait_iq(ADD, 1)).await;
    let ended = tokio::spawn(gateway.terminate());
    call.await.unwrap().expect_no_content();
    assert_eq!(ended.await.unwrap(), Some(0));
    standin.stop().await.unwrap();
}

/// The stand-in is reached with a pinned key and a stock client: nothing in the tree may switch verification off.
#[test]
fn no_dangerous_feature_is_in_the_tree() {
    let tree = std::process::Command::new(env!("CARGO"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args([
            "tree",
            "--locked",
            "--workspace",
            "--edges",
            "features,normal,build,dev",
            "--target",
            "all",
        ])
        .output()
        .unwrap();
    assert!(
        tree.status.success(),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    let tree = String::from_utf8_lossy(&tree.stdout);
    assert!(
        tree.contains("whatsapp-rust feature"),
        "the tree shows features"
    );
    let dangerous: Vec<&str> = tree
        .lines()
        .filter(|line| line.contains("danger-") || line.contains("\"danger"))
        .collect();
    assert!(dangerous.is_empty(), "{}", dangerous.join("\n"));
}
