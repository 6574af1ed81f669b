//! Api keys over REST: made, used, listed, revoked, and never more than who makes them.

use contract_tests::client::{Call, Client};
use contract_tests::gateway;
use contract_tests::lab::Lab;
use contract_tests::tokens::{Jwks, SigningKey, claims};
use contract_tests::wait::eventually;
use futures_util::future::join_all;
use serde_json::{Value, json};
use whatsapp_gateway::{api_key, now};

use crate::world::{column, violations};

/// An organization that has no other keys than the test's.
const OWN: &str = "org_of_keys";
const HOUR: i64 = 60 * 60 * 1000;

/// A caller who may do everything, with the first key there is.
async fn manager(lab: &Lab) -> Client {
    lab.caller(OWN, "read,send,manage").await
}

/// Asks for a key.
fn create(caller: &Client, wanted: &Value) -> Call {
    caller.post("/api-keys").json(wanted)
}

async fn get(caller: &Client, id: &Value) -> Value {
    let path = format!("/api-keys/{}", id.as_str().unwrap());
    caller.get(path).send().await.json(200)
}

fn revoke(caller: &Client, id: &Value) -> Call {
    caller.delete(format!("/api-keys/{}", id.as_str().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_shown_and_used() {
    let lab = Lab::start().await;
    let (maker, token) = lab.api_key(OWN, "read,send,manage", None).await;
    let manager = lab.anonymous().with_token(token);
    let (before, end) = (now(), now() + HOUR);
    let wanted =
        json!({"name": "Newsletter", "capabilities": ["send", "read", "send"], "expiresAt": end});
    let mut made = create(&manager, &wanted).send().await.json(201);
    let token = made.as_object_mut().unwrap().remove("token").unwrap();
    let id = made["id"].clone();
    let created_at = made["createdAt"].as_i64().unwrap();
    assert!((before..=now()).contains(&created_at), "{created_at}");
    let known = json!({
        "id": id, "name": "Newsletter", "capabilities": ["read", "send"],
        "createdBy": {"apiKeyId": maker, "userId": null}, "createdAt": created_at, "expiresAt": end,
        "revokedAt": null, "lastUsedAt": null,
    });
    assert_eq!(made, known);
    assert_eq!(get(&manager, &id).await, known);

    let caller = lab.anonymous().with_token(token.as_str().unwrap());
    let before = now();
    let groups = caller.get("/sessions/nowhere/groups").send().await;
    groups.error(404, "not_found");
    let sessions = caller.get("/sessions").send().await;
    sessions.error(403, "forbidden");
    let used_at = eventually("the use is noted", async || {
        get(&manager, &id).await["lastUsedAt"].as_i64()
    })
    .await;
    assert!((before..=now()).contains(&used_at), "{used_at}");
    let listed = manager.get("/api-keys").send().await.json(200);
    let mut known = known;
    known["lastUsedAt"] = json!(used_at);
    assert_eq!(listed["data"][1], known);
    assert!(!listed.to_string().contains(token.as_str().unwrap()));
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_come_in_pages_oldest_first() {
    let lab = Lab::start().await;
    let manager = manager(&lab).await;
    let mut names = Vec::new();
    for n in 0..3 {
        let wanted = json!({"name": format!("key {n}"), "capabilities": ["read"]});
        names.push(wanted["name"].clone());
        let made = create(&manager, &wanted).send().await.json(201);
        revoke(&manager, &made["id"])
            .send()
            .await
            .expect_no_content();
    }
    let page = manager.get("/api-keys?limit=2").send().await.json(200);
    assert_eq!(column(&page["data"], "name"), json!(["test", names[0]]));
    let cursor = page["nextCursor"].as_str().expect("a second page");
    let page = manager
        .get(format!("/api-keys?limit=2&cursor={cursor}"))
        .send()
        .await
        .json(200);
    assert_eq!(column(&page["data"], "name"), json!([names[1], names[2]]));
    assert_eq!(page["nextCursor"], json!(null));
    lab.stop().await;
}

/// Not within the seconds that a look-up is believed.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_refused_at_once() {
    let lab = Lab::start().await;
    let manager = manager(&lab).await;
    let wanted = json!({"name": "CI", "capabilities": ["manage"]});
    let made = create(&manager, &wanted).send().await.json(201);
    let caller = lab.anonymous().with_token(made["token"].as_str().unwrap());
    caller.get("/sessions").send().await.expect(200);
    let before = now();
    // By itself, as one who finds that the key has leaked.
    revoke(&caller, &made["id"])
        .send()
        .await
        .expect_no_content();
    let refused = caller.get("/sessions").send().await;
    refused.error(401, "unauthorized");
    let revoked = get(&manager, &made["id"]).await;
    let at = revoked["revokedAt"].as_i64().expect("a time");
    assert!((before..=now()).contains(&at), "{at}");
    revoke(&manager, &made["id"])
        .send()
        .await
        .expect_no_content();
    assert_eq!(get(&manager, &made["id"]).await["revokedAt"], json!(at));
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_a_key_that_can_do_more() {
    let lab = Lab::start().await;
    let caller = lab.caller(OWN, "read,manage").await;
    let wanted = |capabilities: &[&str]| json!({"name": "CI", "capabilities": capabilities});
    let all = create(&caller, &wanted(&["manage", "send", "read"]));
    let details = all.send().await.error(403, "forbidden");
    let missing = json!({"reason": "missing_capability", "capability": "send"});
    assert_eq!(details, missing);
    create(&caller, &wanted(&["manage", "read"]))
        .send()
        .await
        .expect(201);
    let listed = caller.get("/api-keys").send().await.json(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_makes_none_that_outlives_it() {
    let jwks = Jwks::serving(&[SigningKey::ec()]).await;
    let lab = Lab::with(|config| config.jwt = Some(gateway::jwt(&jwks))).await;
    let end = now() + HOUR;
    let ending = lab.api_key(OWN, "manage", Some(end)).await.1;
    let ending = lab.anonymous().with_token(ending);
    let wanted = |at: Value| json!({"name": "CI", "capabilities": ["manage"], "expiresAt": at});
    for at in [json!(end + 1), Value::Null] {
        let told = violations(create(&ending, &wanted(at))).await;
        assert_eq!(told, json!([{"field": "expiresAt", "rule": "own_end"}]));
    }
    create(&ending, &wanted(json!(end)))
        .send()
        .await
        .expect(201);
    let past = violations(create(&ending, &wanted(json!(now())))).await;
    assert_eq!(past, json!([{"field": "expiresAt", "rule": "future"}]));

    // The end of a login token is the end of a login, and no limit to what its bearer sets up.
    let login = SigningKey::ec().sign(&claims(OWN, "admin"));
    let login = lab.anonymous().with_token(login);
    let made = create(&login, &wanted(Value::Null)).send().await.json(201);
    assert_eq!(made["expiresAt"], Value::Null);
    assert_eq!(
        made["createdBy"],
        json!({"apiKeyId": null, "userId": "user_7"})
    );
    lab.stop().await;
}

/// It is still believed when it asks: nothing may live on from it.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_makes_no_other() {
    let lab = Lab::start().await;
    let (id, token) = lab.api_key(OWN, "manage", None).await;
    let caller = lab.anonymous().with_token(token);
    caller.get("/sessions").send().await.expect(200);
    lab.revoke_api_key(&id).await;
    let wanted = json!({"name": "CI", "capabilities": ["manage"]});
    let refused = create(&caller, &wanted).send().await;
    refused.error(401, "unauthorized");
    let listed = manager(&lab).await.get("/api-keys").send().await.json(200);
    assert_eq!(column(&listed["data"], "name"), json!(["test", "test"]));
    lab.stop().await;
}

/// Many at once: exactly as many as may be.
#[tokio::test(flavor = "multi_thread")]
async fn an_organization_has_so_many_live_keys() {
    let lab = Lab::with(|config| config.max_api_keys = 5).await;
    let manager = manager(&lab).await;
    let wanted = json!({"name": "CI", "capabilities": ["read"]});
    let answers = join_all((0..20).map(|_| create(&manager, &wanted).send())).await;
    let (made, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(made.len(), 4, "the manager has one");
    for answer in refused {
        assert_eq!(answer.headers["retry-after"], "60");
        let details = answer.error(429, "rate_limited");
        assert_eq!(details, json!({"budget": "apiKeysPerOrganization"}));
    }
    let other = lab.caller("org_other", "manage,read").await;
    create(&other, &wanted).send().await.expect(201);
    // What the command line makes is not refused, but counts.
    let by_hand = lab.api_key(OWN, "read", None).await.0;
    revoke(&manager, &json!(by_hand))
        .send()
        .await
        .expect_no_content();
    create(&manager, &wanted).send().await.expect(429);
    let one = made.into_iter().next().unwrap().json(201);
    revoke(&manager, &one["id"])
        .send()
        .await
        .expect_no_content();
    create(&manager, &wanted).send().await.expect(201);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_have_the_rule_of_the_command_line() {
    let lab = Lab::start().await;
    let manager = manager(&lab).await;
    let long = "é".repeat(100);
    let longer = "é".repeat(101);
    for name in [
        "ci", "a b", "x ", "", " ", " x", "\u{a0}x", "a\nb", "a\u{7f}", "a\u{85}b", "a\u{0}",
        &long, &longer,
    ] {
        let wanted = json!({"name": name, "capabilities": ["read"]});
        let status = if api_key::is_name(name) { 201 } else { 400 };
        create(&manager, &wanted).send().await.expect(status);
    }
    lab.stop().await;
}
