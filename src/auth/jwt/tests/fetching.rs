//! When keys are fetched, what a fetch is worth, and who waits for it.

use std::sync::Arc;

use super::*;
use crate::outbound::Proxy;

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_unknown_keys_fetches_once_a_cooldown() {
    let (server, verifier) = issuer(&[ed().jwk()], HOUR).await;
    let verifier = std::sync::Arc::new(verifier);
    let mut flood = tokio::task::JoinSet::new();
    for n in 0..50 {
        let verifier = std::sync::Arc::clone(&verifier);
        let token = ed().sign_as(Some(&format!("kid-{n}")), &claims(json!({})));
        flood.spawn(async move { code(&verifier, &token).await });
    }
    assert_eq!(flood.join_all().await, [Code::Unauthorized; 50]);
    assert_eq!(fetches(&server).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_fetched_when_a_token_names_it() {
    let (server, verifier) = issuer(&[ed().jwk()], Duration::ZERO).await;
    let old = ed().sign(&claims(json!({})));
    let new = other_ed("new").sign(&claims(json!({})));
    assert!(verifier.authenticate(&old).await.is_ok());
    assert_eq!(code(&verifier, &new).await, Code::Unauthorized);

    publish(&server, &[other_ed("new").jwk()]).await;
    assert!(verifier.authenticate(&new).await.is_ok());
    assert_eq!(
        code(&verifier, &old).await,
        Code::Unauthorized,
        "the old key is gone"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn known_keys_stay_usable_while_the_issuer_is_down() {
    let (server, verifier) = issuer(&[ed().jwk()], Duration::ZERO).await;
    let token = ed().sign(&claims(json!({})));
    assert!(verifier.authenticate(&token).await.is_ok());

    answer(&server, ResponseTemplate::new(500)).await;
    let unknown = other_ed("new").sign(&claims(json!({})));
    assert_eq!(code(&verifier, &unknown).await, Code::Unauthorized);
    assert_eq!(fetches(&server).await, 1, "it was asked, in vain");
    assert!(verifier.authenticate(&token).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_was_never_reached_is_503_for_what_could_be_a_token() {
    let (server, verifier) = issuer(&[], HOUR).await;
    answer(&server, ResponseTemplate::new(500)).await;
    for garbage in ["", "x", "a.b.c", "..", &hs256()] {
        assert_eq!(
            code(&verifier, garbage).await,
            Code::Unauthorized,
            "{garbage:?}"
        );
    }
    assert_eq!(fetches(&server).await, 0, "garbage is not worth a fetch");

    let token = ed().sign(&claims(json!({})));
    for _ in 0..2 {
        let error = verifier
            .authenticate(&token)
            .await
            .expect_err("cannot tell");
        assert_eq!(error.code, Code::Unavailable);
        assert!(
            error
                .retry_after
                .is_some_and(|after| !after.is_zero() && after <= HOUR)
        );
    }
    assert_eq!(fetches(&server).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_replaced_under_its_kid_is_fetched_when_a_token_needs_it() {
    for (old, new) in [(ed(), other_ed("ed")), (named(ec(), "ed"), ed())] {
        let (server, verifier) = issuer(&[old.jwk()], Duration::ZERO).await;
        let [by_old, by_new] = [&old, &new].map(|signer| signer.sign(&claims(json!({}))));
        assert!(verifier.authenticate(&by_old).await.is_ok());
        publish(&server, &[new.jwk()]).await;
        assert!(verifier.authenticate(&by_new).await.is_ok());
        assert_eq!(code(&verifier, &by_old).await, Code::Unauthorized);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_tokens_fetch_once_a_cooldown() {
    let (server, verifier) = issuer(&[ed().jwk()], HOUR).await;
    for n in 0..50 {
        let forged = other_ed("ed").sign(&claims(json!({"jti": n})));
        assert_eq!(code(&verifier, &forged).await, Code::Unauthorized);
    }
    assert_eq!(fetches(&server).await, 1);
}

/// The fetch that a forged token makes for hangs: whose key is known does not notice.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_the_fetch_of_another() {
    let (server, verifier) = issuer(&[ed().jwk()], Duration::ZERO).await;
    let verifier = Arc::new(verifier);
    let token = |n| ed().sign(&claims(json!({"jti": n})));
    assert!(verifier.authenticate(&token(1)).await.is_ok());
    answer(&server, key_set(&[ed().jwk()]).set_delay(HOUR)).await;
    let attack = tokio::spawn({
        let verifier = Arc::clone(&verifier);
        async move { code(&verifier, &other_ed("ed").sign(&claims(json!({})))).await }
    });
    fetched(&server, 1).await;
    let begun = Instant::now();
    assert!(verifier.authenticate(&token(1)).await.is_ok());
    assert!(verifier.authenticate(&token(2)).await.is_ok());
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert!(!attack.is_finished(), "it still waits");
    assert_eq!(attack.await.expect("an answer"), Code::Unauthorized);
}

/// Far more callers than fetches, each of which takes as long as it may: all wait for the same one.
#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_hangs_holds_nobody_longer_than_one_fetch() {
    let (server, verifier) = issuer(&[], Duration::ZERO).await;
    answer(&server, key_set(&[]).set_delay(HOUR)).await;
    let verifier = Arc::new(verifier);
    let begun = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..8 {
        let verifier = Arc::clone(&verifier);
        let token = ed().sign(&claims(json!({"jti": n})));
        callers.spawn(async move { code(&verifier, &token).await });
    }
    assert_eq!(callers.join_all().await, [Code::Unavailable; 8]);
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(15), "{took:?}");
    assert_eq!(fetches(&server).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_hangs_up_does_not_break_off_a_fetch() {
    let (server, verifier) = issuer(&[], HOUR).await;
    let slow = key_set(&[ed().jwk()]).set_delay(Duration::from_millis(500));
    answer(&server, slow).await;
    let verifier = Arc::new(verifier);
    let token = ed().sign(&claims(json!({})));
    let caller = tokio::spawn({
        let (verifier, token) = (Arc::clone(&verifier), token.clone());
        async move { verifier.authenticate(&token).await }
    });
    fetched(&server, 1).await;
    caller.abort();
    assert!(verifier.authenticate(&token).await.is_ok());
    assert_eq!(fetches(&server).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_waits_for_the_refresh_that_is_under_way() {
    let (server, verifier) = issuer_with(&[ed().jwk()], |config| {
        config.cooldown = Duration::ZERO;
        config.refresh = Duration::from_secs(1);
    })
    .await;
    assert!(
        verifier
            .authenticate(&ed().sign(&claims(json!({}))))
            .await
            .is_ok()
    );
    let slow = key_set(&[ed().jwk(), ec().jwk()]).set_delay(Duration::from_secs(1));
    answer(&server, slow).await;
    fetched(&server, 1).await;
    let token = ec().sign(&claims(json!({})));
    assert!(verifier.authenticate(&token).await.is_ok());
    assert_eq!(fetches(&server).await, 1, "no second one beside it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed_and_its_body_not_read() {
    let elsewhere = MockServer::start().await;
    publish(&elsewhere, &[ed().jwk()]).await;
    for status in [301, 302, 303, 307, 308] {
        let (server, verifier) = issuer(&[], HOUR).await;
        let redirect = ResponseTemplate::new(status)
            .insert_header("location", elsewhere.uri().as_str())
            .set_body_json(json!({"keys": [ed().jwk()]}));
        answer(&server, redirect).await;
        let token = ed().sign(&claims(json!({})));
        assert_eq!(code(&verifier, &token).await, Code::Unavailable, "{status}");
    }
    assert_eq!(fetches(&elsewhere).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_on_this_machine_are_fetched_without_a_proxy() {
    let (server, verifier) = issuer(&[ed().jwk()], HOUR).await;
    let dead: Proxy = "http://127.0.0.1:1".parse().expect("a proxy");
    let proxies = Proxies {
        http: Some(dead),
        ..Proxies::default()
    };
    let verifier = Verifier::new(&verifier.config, &proxies).expect("a verifier");
    let token = ed().sign(&claims(json!({})));
    assert!(verifier.authenticate(&token).await.is_ok());
    assert_eq!(fetches(&server).await, 1);
}

/// An issuer that publishes no key is taken to have none only when that lasts.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_jwks_does_not_replace_keys_at_once() {
    let unusable = json!({"kty": "oct", "kid": "ed", "k": "AAAA"});
    for none in [vec![], vec![unusable]] {
        let (server, verifier) = issuer(&[ed().jwk()], Duration::ZERO).await;
        let token = |n| ed().sign(&claims(json!({"jti": n})));
        assert!(verifier.authenticate(&token(0)).await.is_ok());
        publish(&server, &none).await;
        for n in 1..5 {
            // As many fetches as strangers like.
            let unknown = other_ed("new").sign(&claims(json!({})));
            assert_eq!(code(&verifier, &unknown).await, Code::Unauthorized);
            assert_eq!(fetches(&server).await, n);
            assert!(verifier.authenticate(&token(n)).await.is_ok());
            assert!(verifier.authenticate(&token(0)).await.is_ok());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_jwks_is_believed_when_it_lasts() {
    let (server, verifier) = issuer_with(&[ed().jwk()], |config| {
        config.refresh = Duration::from_millis(200);
    })
    .await;
    let token = ed().sign(&claims(json!({})));
    assert!(verifier.authenticate(&token).await.is_ok());
    publish(&server, &[]).await;
    let passes = async || verifier.authenticate(&token).await.is_ok();
    eventually(async || !passes().await).await;
    assert!(fetches(&server).await >= 2, "at the first it was not");

    publish(&server, &[ed().jwk()]).await;
    eventually(passes).await;
}

/// Waits until the issuer was asked this often.
async fn fetched(server: &MockServer, times: usize) {
    eventually(async || fetches(server).await >= times).await;
}

async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let patience = Duration::from_secs(60);
    tokio::time::timeout(patience, waiting)
        .await
        .expect("it happens");
}

fn named(signer: Signer, kid: &'static str) -> Signer {
    Signer { kid, ..signer }
}

fn hs256() -> String {
    let key = EncodingKey::from_secret(b"secret");
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims(json!({})), &key).expect("a token")
}
