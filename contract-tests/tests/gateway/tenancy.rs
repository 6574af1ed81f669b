//! Another organization's token can't see, list, start or use a session, by any operation.

use contract_tests::document::{Document, Operation};
use contract_tests::gateway;
use contract_tests::lab::{Lab, ORGANIZATION};
use contract_tests::session::Session;
use contract_tests::tokens::{Jwks, SigningKey, claims};
use hyper::Method;
use serde_json::json;

use crate::world::{call, column, seed, sent, sent_since};

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_session_looks_like_none() {
    let jwks = Jwks::serving(&[SigningKey::ec()]).await;
    let lab = Lab::with(|config| config.jwt = Some(gateway::jwt(&jwks))).await;
    seed(&lab);
    let session = lab.connected().await;
    let stopped = Session::create(&session.caller).await;
    let before = (session.get().await, stopped.get().await, sent(&lab));

    let key = lab.caller("org_other", "read,send,manage").await;
    let login = lab
        .anonymous()
        .with_token(SigningKey::ec().sign(&claims("org_other", "owner")));
    // Organizations are told apart to the letter.
    let upper = lab
        .caller(&ORGANIZATION.to_uppercase(), "read,send,manage")
        .await;
    let prefix = lab.caller("org", "read,send,manage").await;
    for caller in [key, login, upper, prefix] {
        for operation in below_a_session() {
            let mut bodies = Vec::new();
            for id in [&session.id, &stopped.id, "01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
                let call = call(operation, &caller, id);
                let answer = call.send().await.expect(404);
                bodies.push(answer.body.clone());
                assert_eq!(
                    answer.error(404, "not_found"),
                    json!({"resource": "session"}),
                    "{}",
                    operation.id
                );
            }
            bodies.dedup();
            assert_eq!(
                bodies.len(),
                1,
                "{}: a foreign session differs from none",
                operation.id
            );
        }
        assert_eq!(
            caller.get("/sessions").send().await.json(200)["data"],
            json!([])
        );
        let cursor = format!("/sessions?cursor={}", &session.id[..25]);
        assert_eq!(caller.get(cursor).send().await.json(200)["data"], json!([]));
    }
    assert_eq!(
        sent_since(&lab, &before.2),
        [],
        "a foreign caller has reached WhatsApp"
    );
    assert_eq!(
        (session.get().await, stopped.get().await),
        (before.0, before.1)
    );
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_see_their_own() {
    let lab = Lab::start().await;
    let callers = [lab.manager().await, lab.caller("org_other", "manage").await];
    let mut sessions = Vec::new();
    for caller in &callers {
        sessions.push([
            Session::create(caller).await.id,
            Session::create(caller).await.id,
        ]);
    }
    for (caller, ids) in callers.iter().zip(&sessions) {
        let page = caller.get("/sessions").send().await.json(200);
        let listed: Vec<&str> = page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["id"].as_str().unwrap())
            .collect();
        assert_eq!(listed, *ids, "oldest first");
        // A page at a time.
        let first = caller.get("/sessions?limit=1").send().await.json(200);
        assert_eq!(first["data"][0]["id"], *ids[0]);
        let cursor = first["nextCursor"].as_str().expect("a second page");
        let second = caller
            .get(format!("/sessions?limit=1&cursor={cursor}"))
            .send()
            .await
            .json(200);
        assert_eq!(second["data"][0]["id"], *ids[1]);
        assert_eq!(second["nextCursor"], json!(null));
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_api_key_looks_like_none() {
    let lab = Lab::start().await;
    let (id, token) = lab.api_key(ORGANIZATION, "manage", None).await;
    let foreigner = lab.caller("org_other", "read,send,manage").await;
    for id in [&id, "01ARZ3NDEKTSV4RRFFQ69G5FAV", &id.to_lowercase(), "%00"] {
        for method in [Method::GET, Method::DELETE] {
            let call = foreigner.call(method, format!("/api-keys/{id}"));
            let details = call.send().await.error(404, "not_found");
            assert_eq!(details, json!({"resource": "api_key"}), "{id}");
        }
    }
    let listed = foreigner.get("/api-keys").send().await.json(200);
    let listed = column(&listed["data"], "id");
    assert!(!listed.as_array().unwrap().contains(&json!(id)));
    let cursor = format!("/api-keys?cursor={}", &id[..25]);
    let listed = foreigner.get(cursor).send().await.json(200);
    assert!(!listed.to_string().contains(&id));
    let own = lab.anonymous().with_token(token);
    let key = own.get(format!("/api-keys/{id}")).send().await.json(200);
    assert_eq!(key["revokedAt"], json!(null));
    lab.stop().await;
}

fn below_a_session() -> impl Iterator<Item = &'static Operation> {
    Document::get()
        .operations()
        .iter()
        .filter(|operation| operation.path.contains("{session}"))
}
