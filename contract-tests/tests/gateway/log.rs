//! What the log tells, and what it keeps to itself.

use std::ffi::OsString;
use std::time::Duration;

use contract_tests::client::Client;
use contract_tests::database::Database;
use contract_tests::lab::{ACCOUNT, create_api_key};
use contract_tests::process::Process;
use contract_tests::session::Session;
use contract_tests::tokens::{self, AUDIENCE, ISSUER, Jwks, SigningKey, claims};
use contract_tests::wait::{eventually, within};
use serde_json::json;
use whatsapp_standin::{Fault, GroupSpec, Person, Standin, When};

use crate::outages::Setting;
use crate::world::{ADD, ANNA, BUDI, DECLINERS, FRIEND, GROUP};

/// A phone number as people write it.
const WRITTEN: &str = "+62 812-3456-7890";

/// The settings of a gateway that takes login tokens, too.
fn with_logins(
    database: &Database,
    standin: &Standin,
    jwks: &Jwks,
) -> Vec<(&'static str, OsString)> {
    let mut environment = database.environment(standin);
    environment.extend([
        ("JWKS_URL", jwks.url().into()),
        ("JWT_ISSUER", ISSUER.into()),
        ("JWT_AUDIENCE", AUDIENCE.into()),
    ]);
    environment
}

/// Everything that is said to the gateway in confidence, in every way that it can go wrong, and then the log is read.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_keeps_secrets() {
    for format in ["text", "json"] {
        let standin = Standin::start_default().await.unwrap();
        for person in [ANNA, BUDI] {
            standin.add_person(Person::new(person));
        }
        let (declined, outcome) = DECLINERS[0];
        standin.add_person(Person::new(declined).with_outcome(outcome));
        standin.add_group(
            GroupSpec::new("Launch team")
                .gid(GROUP)
                .admin(ACCOUNT)
                .superadmin(FRIEND),
        );
        let hidden = standin.add_group(
            GroupSpec::new("Hidden")
                .lid()
                .admin(ACCOUNT)
                .superadmin(FRIEND),
        );
        let jwks = Jwks::serving(&[SigningKey::ec()]).await;
        let database = Database::new().await;
        let mut environment = with_logins(&database, &standin, &jwks);
        environment.push(("GATEWAY_LOG_FORMAT", format.into()));
        environment.push(("GATEWAY_ACCEPT_PHONE_NUMBERS", "true".into()));
        let gateway = Process::serve(&environment).await;
        let anonymous = Client::new(gateway.url());
        let login = SigningKey::ec().sign(&claims("org_42", "owner"));
        let mut expired = claims("org_42", "owner");
        expired["exp"] = json!(1_000_000);
        let expired = SigningKey::ec().sign(&expired);
        let never_made = "wa_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";

        let session = Session::create(&anonymous.with_token(&login)).await;
        session.pair(&standin, ACCOUNT).await;
        let qr = session.caller.get(session.path("/qr")).send().await;
        qr.error(400, "validation_error");
        let second = Session::create(&session.caller).await;
        standin.add_account(FRIEND).unwrap();
        let code = second
            .caller
            .post(second.path("/pairing-code"))
            .json(&json!({"phone": FRIEND}))
            .send()
            .await
            .json(200);
        let code = code["code"].as_str().unwrap();
        within("the phone", standin.phone(FRIEND).enter_code(code))
            .await
            .unwrap();
        second.wait_working(&standin, FRIEND).await;

        session
            .add(GROUP, &[ANNA, declined, "628555000001"])
            .send()
            .await
            .expect_no_content();
        session
            .add(&hidden, &[ANNA, declined])
            .send()
            .await
            .expect_no_content();
        session
            .add(GROUP, &["12"])
            .send()
            .await
            .error(400, "validation_error");
        session
            .add_json(GROUP, &json!({"participants": [format!("+{ANNA}")]}))
            .send()
            .await
            .expect_no_content();
        session
            .add_json(
                GROUP,
                &json!({"participants": [format!("+{BUDI} x1"), WRITTEN]}),
            )
            .send()
            .await
            .error(400, "validation_error");
        session
            .add(GROUP, &[])
            .body("application/json", format!("{{\"participants\":[{BUDI}"))
            .send()
            .await;
        session
            .add(&format!("{BUDI}-1@g.us"), &[ANNA])
            .send()
            .await
            .error(404, "not_found");
        for token in [expired.as_str(), never_made, BUDI] {
            session
                .by(&anonymous.with_token(token))
                .add(GROUP, &[BUDI])
                .send()
                .await
                .error(401, "unauthorized");
        }
        anonymous
            .get(format!("/sessions/{BUDI}/{login}"))
            .send()
            .await
            .error(404, "not_found");
        anonymous
            .get(format!("/sessions?cursor={BUDI}&token={login}"))
            .send()
            .await
            .error(401, "unauthorized");
        let faults = [
            Fault::Refuse {
                code: 406,
                text: format!("not-acceptable {BUDI}"),
            },
            Fault::SlowDown(Duration::ZERO),
            Fault::Abort { applied: true },
        ];
        for fault in faults {
            session.wait_working(&standin, ACCOUNT).await;
            standin.fault(ACCOUNT, When::next(ADD), fault);
            let answer = session.add(GROUP, &[BUDI]).send().await;
            assert!(answer.status.as_u16() >= 400);
        }
        session.wait_working(&standin, ACCOUNT).await;
        let strict = standin.group(GROUP);
        strict.set_odd(|odd| odd.refuses_strangers = true);
        session
            .add(GROUP, &[BUDI, "628555000001"])
            .send()
            .await
            .error(502, "upstream_error");
        standin.group(GROUP).remove(FRIEND, &[ANNA]).unwrap();
        standin.group(&hidden).add(FRIEND, &[BUDI]).unwrap();
        eventually("the notifications", async || {
            session.role(GROUP, ANNA).await.is_none().then_some(())
        })
        .await;
        within("the session answers", standin.wait_acknowledged(ACCOUNT)).await;
        standin.phone(ACCOUNT).unlink();
        session.wait_status("logged_out").await;
        second.post("logout").await.expect(200);
        second
            .caller
            .delete(second.path(""))
            .send()
            .await
            .expect_no_content();

        let log = gateway.log();
        assert_eq!(gateway.terminate().await, Some(0));
        assert!(log.lines().count() > 10, "there is a log to read:\n{log}");
        let lids =
            [ACCOUNT, FRIEND, ANNA, BUDI, declined].map(|phone| standin.person(phone).unwrap().lid);
        let mut secrets: Vec<&str> = vec![&login, &expired, never_made, code, "628555000001"];
        secrets.push(WRITTEN);
        secrets.extend([ACCOUNT, FRIEND, ANNA, BUDI, declined]);
        secrets.extend(lids.iter().map(String::as_str));
        // Neither whole nor the part that signs.
        secrets.extend([&login, &expired].map(|token| token.rsplit('.').next().unwrap()));
        for secret in secrets {
            let told: Vec<&str> = log.lines().filter(|line| line.contains(secret)).collect();
            assert!(
                told.is_empty(),
                "{secret} is in the log ({format}):\n{}",
                told.join("\n")
            );
        }
        standin.stop().await.unwrap();
    }
}

/// A token that fails for the clock tells the operator so, and nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn clock_skew_is_told_to_the_operator() {
    let standin = Standin::start_default().await.unwrap();
    let jwks = Jwks::serving(&[SigningKey::ec()]).await;
    let database = Database::new().await;
    let environment = with_logins(&database, &standin, &jwks);
    let gateway = Process::serve(&environment).await;
    let mut early = claims("org_42", "owner");
    early["nbf"] = json!(tokens::now() + 300);
    let token = SigningKey::ec().sign(&early);
    let answer = Client::new(gateway.url())
        .with_token(&token)
        .get("/sessions")
        .send()
        .await;
    answer.error(401, "unauthorized");
    eventually("a hint", async || {
        gateway.log().contains("clock").then_some(())
    })
    .await;
    assert!(!gateway.log().contains(&token));
    assert_eq!(gateway.terminate().await, Some(0));
    standin.stop().await.unwrap();
}

/// A line of the access log names who called, by an id and never by the token.
/// One line for a caller who hangs up too.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_hangs_up_is_in_the_log() {
    let setting = Setting::new(Database::new().await).await;
    let standin = &setting.lab.standin;
    let gateway = Process::serve(&setting.environment).await;
    let session = Session::create(&setting.caller(&gateway)).await;
    session.pair(standin, ACCOUNT).await;
    let late = Fault::Delay(Duration::from_secs(1));
    standin.fault(ACCOUNT, When::next(ADD), late);
    let call = tokio::spawn(session.add(GROUP, &[ANNA]).send());
    within("the add is asked", standin.wait_iq(ADD, 1)).await;
    call.abort();
    let lines = eventually("the action is done", async || {
        let log = gateway.log();
        let done = log.contains("acted on WhatsApp");
        let of_adds = log.lines().filter(|line| line.contains("/members"));
        done.then(|| of_adds.map(str::to_owned).collect::<Vec<_>>())
    });
    let lines = lines.await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("status=499"), "{lines:?}");
    assert!(lines[0].contains("caller="), "{lines:?}");
    assert_eq!(gateway.terminate().await, Some(0));
    setting.lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_names_the_caller() {
    let standin = Standin::start_default().await.unwrap();
    let jwks = Jwks::serving(&[SigningKey::ec()]).await;
    let database = Database::new().await;
    let store = database.store().await;
    let (key, token) = create_api_key(&store, "org_7", "manage", None).await;
    let environment = with_logins(&database, &standin, &jwks);
    let gateway = Process::serve(&environment).await;
    let mut odd = claims("org_42", "owner");
    odd["sub"] = json!("user-ü");
    let login = SigningKey::ec().sign(&odd);
    for token in [&token, &login] {
        let caller = Client::new(gateway.url()).with_token(token);
        caller.get("/sessions").send().await.expect(200);
    }
    for name in [
        format!("key {key} of org_7"),
        "user user-? of org_42".to_owned(),
    ] {
        eventually("the line", async || {
            let log = gateway.log();
            let line = log.lines().find(|line| line.contains(&name))?;
            line.contains("served").then_some(())
        })
        .await;
    }
    assert!(!gateway.log().contains(&token));
    assert_eq!(gateway.terminate().await, Some(0));
    standin.stop().await.unwrap();
}
