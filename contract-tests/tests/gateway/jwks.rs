//! The keys of login tokens: where they come from, how they change, and what happens while their issuer is away or wrong.

use std::time::Duration;

use contract_tests::gateway;
use contract_tests::lab::{Lab, ORGANIZATION};
use contract_tests::tokens::{Jwks, SigningKey, claims};
use contract_tests::wait::eventually;
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::jwt::{lab_with, list, refused};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_found_and_an_old_one_forgotten() {
    let jwks = Jwks::serving(&[SigningKey::ec()]).await;
    let lab = lab_with(&jwks).await;
    let claims = claims(ORGANIZATION, "owner");
    let (old, new) = (
        SigningKey::ec().sign(&claims),
        SigningKey::other_ec().sign(&claims),
    );
    list(&lab, &old).await.expect(200);
    refused(&lab, "a key that is not published yet", &new).await;
    jwks.publish(&[SigningKey::other_ec()]).await;
    eventually("the new key is fetched", async || {
        (list(&lab, &new).await.status == 200).then_some(())
    })
    .await;
    refused(&lab, "a key that is published no more", &old).await;
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_kids_fetch_at_most_once_a_cool_down() {
    let jwks = Jwks::serving(&[SigningKey::ec()]).await;
    // Far longer than the flood takes.
    let lab = Lab::with(|config| {
        let mut jwt = gateway::jwt(&jwks);
        jwt.cooldown = std::time::Duration::from_secs(600);
        config.jwt = Some(jwt);
    })
    .await;
    let claims = claims(ORGANIZATION, "owner");
    list(&lab, &SigningKey::ec().sign(&claims))
        .await
        .expect(200);
    let flood = (0..50).map(|n| {
        SigningKey::other_ec()
            .named(&format!("unknown-{n}"))
            .sign(&claims)
    });
    for token in flood {
        refused(&lab, "an unknown kid", &token).await;
    }
    let fetches = jwks.fetches().await;
    assert!(
        fetches <= 2,
        "{fetches} fetches: one at first and one for the flood"
    );
    list(&lab, &SigningKey::ec().sign(&claims))
        .await
        .expect(200);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn known_keys_work_while_the_jwks_is_away() {
    let jwks = Jwks::serving(&[SigningKey::ec()]).await;
    let lab = lab_with(&jwks).await;
    let claims = claims(ORGANIZATION, "owner");
    let token = SigningKey::ec().sign(&claims);
    list(&lab, &token).await.expect(200);
    let outages = [
        ResponseTemplate::new(500),
        ResponseTemplate::new(200).set_body_string("<html>"),
    ];
    for outage in outages {
        jwks.answer(outage).await;
        let before = jwks.fetches().await;
        // Unknown, so that it is fetched.
        let unknown = SigningKey::other_ec().sign(&claims);
        eventually("a fetch in vain", async || {
            let answer = list(&lab, &unknown).await;
            assert!(
                answer.status == 401 || answer.status == 503,
                "{}",
                answer.status
            );
            (jwks.fetches().await > before).then_some(())
        })
        .await;
        list(&lab, &token).await.expect(200);
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jwks_that_was_never_reached_is_not_the_caller_s_fault() {
    let jwks = Jwks::serving(&[SigningKey::ec()]).await;
    jwks.answer(ResponseTemplate::new(503)).await;
    let lab = lab_with(&jwks).await;
    let token = SigningKey::ec().sign(&claims(ORGANIZATION, "owner"));
    list(&lab, &token).await.error(503, "unavailable");
    refused(&lab, "no token at all", "nonsense").await;
    // Api keys do not need it.
    lab.manager()
        .await
        .get("/sessions")
        .send()
        .await
        .expect(200);
    jwks.publish(&[SigningKey::ec()]).await;
    eventually("the keys are fetched", async || {
        (list(&lab, &token).await.status == 200).then_some(())
    })
    .await;
    lab.stop().await;
}

/// An issuer that takes another key and keeps its name.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_replaced_under_its_kid_is_found() {
    let (old, new) = (SigningKey::ec(), SigningKey::other_ec().named("ec-1"));
    let jwks = Jwks::serving(std::slice::from_ref(&old)).await;
    let lab = lab_with(&jwks).await;
    let claims = claims(ORGANIZATION, "owner");
    let [old_token, new_token] = [old, new.clone()].map(|key| key.sign(&claims));
    list(&lab, &old_token).await.expect(200);
    jwks.publish(&[new]).await;
    eventually("the new key is fetched", async || {
        (list(&lab, &new_token).await.status == 200).then_some(())
    })
    .await;
    refused(&lab, "a token that passed before", &old_token).await;
    lab.stop().await;
}

/// Else whoever can redirect a caller, or answer in the place of the host it is redirected to, could mint tokens.
#[tokio::test(flavor = "multi_thread")]
async fn keys_behind_a_redirect_are_not_trusted() {
    let key = SigningKey::ec();
    let elsewhere = Jwks::serving(std::slice::from_ref(&key)).await;
    let jwks = Jwks::serving(&[]).await;
    let redirect = ResponseTemplate::new(302).insert_header("location", elsewhere.url().as_str());
    jwks.answer(redirect).await;
    let lab = lab_with(&jwks).await;
    let token = key.sign(&claims(ORGANIZATION, "owner"));
    list(&lab, &token).await.error(503, "unavailable");
    assert_eq!(jwks.fetches().await, 1);
    assert_eq!(elsewhere.fetches().await, 0);
    lab.stop().await;
}

/// A mishap of the issuer logs nobody out; that it has no keys any more is believed when it lasts.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_jwks_is_believed_when_it_lasts() {
    let jwks = Jwks::serving(&[SigningKey::ec()]).await;
    let lab = Lab::with(|config| {
        let mut jwt = gateway::jwt(&jwks);
        jwt.refresh = Duration::from_secs(2);
        config.jwt = Some(jwt);
    })
    .await;
    let token = SigningKey::ec().sign(&claims(ORGANIZATION, "owner"));
    list(&lab, &token).await.expect(200);
    jwks.answer(ResponseTemplate::new(200).set_body_json(json!({"keys": []})))
        .await;
    let before = jwks.fetches().await;
    eventually("the keys are believed to be gone", async || {
        let answer = list(&lab, &token).await;
        (answer.status == 401).then_some(())
    })
    .await;
    let fetches = jwks.fetches().await - before;
    assert!(fetches >= 2, "{fetches} fetch");
    jwks.publish(&[SigningKey::ec()]).await;
    eventually("the keys are back", async || {
        (list(&lab, &token).await.status == 200).then_some(())
    })
    .await;
    lab.stop().await;
}
