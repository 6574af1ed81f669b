//! Linking an account to a session and unlinking it again.

use contract_tests::lab::{ACCOUNT, Lab};
use contract_tests::session::Session;
use contract_tests::wait::{eventually, within};
use serde_json::json;
use whatsapp_gateway::now;
use whatsapp_standin::{Fault, LinkError, When};

use crate::qr::{read_picture, read_terminal};
use crate::world::{ANNA, FRIEND, GROUP, seed};

const OTHER_ACCOUNT: &str = "628111000009";

async fn unpaired() -> (Lab, Session) {
    let lab = Lab::start().await;
    seed(&lab);
    lab.standin.add_account(ACCOUNT).unwrap();
    let session = Session::create(&lab.manager().await).await;
    (lab, session)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_paired_by_qr() {
    let begun = now();
    let (lab, session) = unpaired().await;
    let created = session.get().await;
    let created_at = created["createdAt"].as_i64().unwrap();
    assert!((begun..=now()).contains(&created_at), "{created_at}");
    assert_eq!(created["updatedAt"], created_at);
    assert_eq!(created["status"], "stopped");
    assert_eq!(
        (
            &created["phoneNumber"],
            &created["waJid"],
            &created["lastConnectedAt"]
        ),
        (&json!(null), &json!(null), &json!(null))
    );

    let qr = session.qr().await;
    let in_seconds = (qr["expiresAt"].as_i64().unwrap() - now()) / 1000;
    assert!((0..=60).contains(&in_seconds), "{in_seconds}");
    let waiting = session.get().await;
    assert_eq!(waiting["status"], "scan_qr_code");
    assert_eq!(
        waiting["waJid"],
        json!(null),
        "the provisional number is hidden"
    );
    assert_eq!(
        session.qr().await["code"],
        qr["code"],
        "asking again does not begin again"
    );

    within(
        "the scan",
        lab.standin
            .phone(ACCOUNT)
            .scan(qr["code"].as_str().unwrap()),
    )
    .await
    .unwrap();
    let working = session.wait_working(&lab.standin, ACCOUNT).await;
    assert_eq!(working["phoneNumber"], ACCOUNT);
    assert_eq!(working["waJid"], format!("{ACCOUNT}@s.whatsapp.net"));
    assert_eq!(
        working["waLid"],
        lab.standin.person(ACCOUNT).unwrap().lid_jid()
    );
    assert_eq!(working["createdAt"], created_at);
    for changed in ["lastConnectedAt", "updatedAt"] {
        let at = working[changed].as_i64().unwrap();
        assert!(at > created_at, "{changed}: {at}");
    }

    let paired = session
        .caller
        .get(session.path("/qr"))
        .send()
        .await
        .error(400, "validation_error");
    assert_eq!(paired["violations"][0]["field"], "session");
    let call = session
        .caller
        .post(session.path("/pairing-code"))
        .json(&json!({"phone": ACCOUNT}));
    assert_eq!(call.send().await.error(400, "validation_error"), paired);
    // `working` means that the groups are there already.
    assert_eq!(session.groups().await.len(), 2);
    session.add(GROUP, &[ANNA]).send().await.expect_no_content();
    lab.stop().await;
}

/// The picture and the text are not only there: they scan, and say what the JSON says.
#[tokio::test(flavor = "multi_thread")]
async fn the_qr_scans_from_a_picture_and_from_a_terminal() {
    let (lab, session) = unpaired().await;
    let code = session.qr().await["code"].as_str().unwrap().to_owned();
    let get = |accept: &str| {
        session
            .caller
            .get(session.path("/qr"))
            .accept(accept)
            .send()
    };

    let picture = get("image/png").await.expect(200);
    assert_eq!(picture.headers["content-type"], "image/png");
    assert_eq!(read_picture(&picture.body), code);

    let text = get("text/plain").await.expect(200);
    assert_eq!(
        read_terminal(std::str::from_utf8(&text.body).unwrap()),
        code
    );

    // Preferences as RFC 9110 has them; JSON where there are none.
    for (accept, media) in [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("image/*", "image/png"),
        ("text/plain;q=0.5, image/png;q=0.9", "image/png"),
        ("image/png;q=0, text/plain", "text/plain"),
    ] {
        let answer = get(accept).await.expect(200);
        assert!(
            answer.headers["content-type"]
                .to_str()
                .unwrap()
                .starts_with(media),
            "{accept}"
        );
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_paired_by_code() {
    let (lab, session) = unpaired().await;
    let ask = |phone: &str| {
        session
            .caller
            .post(session.path("/pairing-code"))
            .json(&json!({"phone": phone}))
            .send()
    };
    for bad in [
        "",
        "+628111222333",
        "628 111",
        "abc",
        "1234",
        "123456789012345678901",
    ] {
        let details = ask(bad).await.error(400, "validation_error");
        assert_eq!(details["violations"][0]["field"], "phone", "{bad:?}");
    }
    let answer = ask(ACCOUNT).await.json(200);
    let code = answer["code"].as_str().unwrap();
    let shape: String = code
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { 'x' } else { c })
        .collect();
    assert_eq!(shape, "xxxx-xxxx");
    let in_seconds = (answer["expiresAt"].as_i64().unwrap() - now()) / 1000;
    assert!((100..=180).contains(&in_seconds), "{in_seconds}");

    let wrong = within(
        "the phone",
        lab.standin.phone(ACCOUNT).enter_code("1111-1111"),
    )
    .await;
    assert_eq!(wrong, Err(LinkError::WrongCode));
    within("the phone", lab.standin.phone(ACCOUNT).enter_code(code))
        .await
        .unwrap();
    let working = session.wait_working(&lab.standin, ACCOUNT).await;
    assert_eq!(working["phoneNumber"], ACCOUNT);
    session.add(GROUP, &[ANNA]).send().await.expect_no_content();
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn start_and_stop_keep_the_pairing() {
    let (lab, session) = unpaired().await;
    session.pair(&lab.standin, ACCOUNT).await;
    for _ in 0..2 {
        assert_eq!(
            session.post("start").await.json(200)["status"],
            "working",
            "no-op when started"
        );
    }
    for _ in 0..2 {
        let stopped = session.post("stop").await.json(200);
        assert_eq!(
            (&stopped["status"], &stopped["phoneNumber"]),
            (&json!("stopped"), &json!(ACCOUNT))
        );
    }
    within(
        "the connection closes",
        lab.standin.wait_disconnected(ACCOUNT),
    )
    .await;
    // What is stored answers for a session that is not connected too.
    assert_eq!(session.groups().await.len(), 2);
    assert_eq!(session.members(GROUP).await.len(), 3);
    let paired = session.caller.get(session.path("/qr")).send().await;
    paired.error(400, "validation_error");
    assert_eq!(
        session.post("start").await.json(200)["status"],
        "connecting"
    );
    session.wait_working(&lab.standin, ACCOUNT).await;
    assert_eq!(
        lab.standin.phone(ACCOUNT).devices().len(),
        1,
        "still the same device"
    );
    session.add(GROUP, &[ANNA]).send().await.expect_no_content();
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logout_unlinks_the_device() {
    let (lab, session) = unpaired().await;
    session.pair(&lab.standin, ACCOUNT).await;
    let gone = session.post("logout").await.json(200);
    assert_eq!(
        (&gone["status"], &gone["phoneNumber"]),
        (&json!("logged_out"), &json!(null))
    );
    assert!(
        lab.standin.phone(ACCOUNT).devices().is_empty(),
        "the phone shows the device no more"
    );
    assert_eq!(
        session
            .add(GROUP, &[ANNA])
            .send()
            .await
            .error(501, "not_implemented")["status"],
        "logged_out"
    );
    assert_eq!(
        session.post("logout").await.json(200)["status"],
        "logged_out"
    );
    // Again, with another account: nothing of the first is left.
    lab.standin.add_account(OTHER_ACCOUNT).unwrap();
    session.pair(&lab.standin, OTHER_ACCOUNT).await;
    assert_eq!(session.get().await["phoneNumber"], OTHER_ACCOUNT);
    assert_eq!(session.groups().await, Vec::<serde_json::Value>::new());
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_can_unlink_the_device() {
    let (lab, session) = unpaired().await;
    session.pair(&lab.standin, ACCOUNT).await;
    assert_eq!(lab.standin.phone(ACCOUNT).unlink(), 1);
    let gone = session.wait_status("logged_out").await;
    assert_eq!(gone["waJid"], json!(null));
    session.pair(&lab.standin, ACCOUNT).await;
    session.add(GROUP, &[ANNA]).send().await.expect_no_content();
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delete_logs_out_first_and_leaves_nothing() {
    let (lab, session) = unpaired().await;
    session.pair(&lab.standin, ACCOUNT).await;
    session
        .caller
        .delete(session.path(""))
        .send()
        .await
        .expect_no_content();
    assert!(lab.standin.phone(ACCOUNT).devices().is_empty());
    for path in ["", "/qr", "/groups"] {
        let details = session
            .caller
            .get(session.path(path))
            .send()
            .await
            .error(404, "not_found");
        assert_eq!(details["resource"], "session");
    }
    session
        .caller
        .delete(session.path(""))
        .send()
        .await
        .error(404, "not_found");
    assert_eq!(
        session.caller.get("/sessions").send().await.json(200)["data"],
        json!([])
    );
    // Not after a restart either.
    let lab = lab.restart_gateway().await;
    assert_eq!(
        lab.manager().await.get("/sessions").send().await.json(200)["data"],
        json!([])
    );
    lab.stop().await;
}

/// Also where WhatsApp does not answer the logout, or the session is not connected.
#[tokio::test(flavor = "multi_thread")]
async fn delete_works_without_whatsapp() {
    let (lab, session) = unpaired().await;
    session.pair(&lab.standin, ACCOUNT).await;
    lab.standin.fault(
        ACCOUNT,
        When::every("set md remove-companion-device"),
        Fault::Silence { applied: false },
    );
    session
        .caller
        .delete(session.path(""))
        .send()
        .await
        .expect_no_content();
    session
        .caller
        .get(session.path(""))
        .send()
        .await
        .expect(404);
    within(
        "the connection closes",
        lab.standin.wait_disconnected(ACCOUNT),
    )
    .await;
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_starts_at_once_soon_has_a_code() {
    let lab = Lab::start().await;
    let caller = lab.manager().await;
    let created = caller
        .post("/sessions")
        .json(&json!({"label": "Support <b>&</b> 支持", "start": true}))
        .send()
        .await
        .json(201);
    assert_eq!(created["label"], "Support <b>&</b> 支持");
    let session = Session {
        caller,
        id: created["id"].as_str().unwrap().into(),
    };
    session.wait_status("scan_qr_code").await;
    // The body may be left out, and the label has a limit.
    session.caller.post("/sessions").send().await.expect(201);
    let long = session
        .caller
        .post("/sessions")
        .json(&json!({"label": "x".repeat(101)}))
        .send()
        .await;
    assert_eq!(
        long.error(400, "validation_error")["violations"][0]["field"],
        "label"
    );
    lab.stop().await;
}

/// Two sessions of one gateway keep to their own accounts.
#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_side_by_side() {
    let (lab, first) = unpaired().await;
    first.pair(&lab.standin, ACCOUNT).await;
    let second = lab.connected_as(FRIEND).await;
    assert_eq!(second.groups().await.len(), 3);
    assert_eq!(first.groups().await.len(), 2);
    second.add(GROUP, &[ANNA]).send().await.expect_no_content();
    eventually("the first is told", async || first.role(GROUP, ANNA).await).await;
    first.post("stop").await.expect(200);
    assert_eq!(second.get().await["status"], "working");
    lab.stop().await;
}

/// A code shows on the phone with that number, whoever's it is: no session gets many, and no organization for one number.
#[tokio::test(flavor = "multi_thread")]
async fn pairing_codes_are_limited_for_a_session_and_for_a_number() {
    let lab = Lab::start().await;
    lab.standin.add_account(FRIEND).unwrap();
    let manager = lab.manager().await;
    let sessions = [
        Session::create(&manager).await,
        Session::create(&manager).await,
    ];
    let ask = async |session: &Session, phone: &str| {
        let call = session.caller.post(session.path("/pairing-code"));
        call.json(&json!({ "phone": phone })).send().await
    };
    let mut given = 0;
    for _ in 0..50 {
        for session in &sessions {
            let answer = ask(session, FRIEND).await;
            if answer.status == 200 {
                given += 1;
                continue;
            }
            let seconds = answer.headers["retry-after"]
                .to_str()
                .unwrap()
                .parse::<u64>();
            assert!((1..=600).contains(&seconds.unwrap()));
            let details = answer.error(429, "rate_limited");
            assert_eq!(details, json!({"budget": "pairingCodesPerHour"}));
        }
    }
    assert_eq!(given, 6, "the number's");
    assert_eq!(
        ask(&sessions[0], ACCOUNT).await.status,
        429,
        "the session's"
    );

    // Another organization pairs its phone undisturbed, be it the same number.
    let other = Session::create(&lab.caller("org_other", "manage").await).await;
    ask(&other, FRIEND).await.expect(200);
    lab.stop().await;
}
