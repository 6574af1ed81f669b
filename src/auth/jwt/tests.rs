use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::error::Code;

mod fetching;

const HOUR: Duration = Duration::from_secs(3600);

/// A key of the issuer, or of somebody else.
struct Signer {
    kid: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
}

// Fixed keys, worthless elsewhere: making RSA keys in a test build takes seconds. The contract tests have them too.
fn rsa() -> Signer {
    let key =
        EncodingKey::from_rsa_der(&der(include_str!("../../../contract-tests/keys/rsa-1.pem")));
    Signer {
        kid: "rsa",
        algorithm: Algorithm::RS256,
        key,
    }
}
fn ec() -> Signer {
    let key = EncodingKey::from_ec_der(&der(include_str!("../../../contract-tests/keys/ec-1.pem")));
    Signer {
        kid: "ec",
        algorithm: Algorithm::ES256,
        key,
    }
}
fn ed() -> Signer {
    let key = EncodingKey::from_ed_der(&der(include_str!("../../../contract-tests/keys/ed-1.pem")));
    Signer {
        kid: "ed",
        algorithm: Algorithm::EdDSA,
        key,
    }
}
fn other_ed(kid: &'static str) -> Signer {
    let key = EncodingKey::from_ed_der(&der(include_str!("../../../contract-tests/keys/ed-2.pem")));
    Signer {
        kid,
        algorithm: Algorithm::EdDSA,
        key,
    }
}

fn der(pem: &str) -> Vec<u8> {
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(base64).expect("base64")
}

impl Signer {
    fn jwk(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.key, self.algorithm).expect("a JWK");
        let mut jwk = json!(jwk);
        jwk["kid"] = json!(self.kid);
        jwk
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_as(Some(self.kid), claims)
    }

    fn sign_as(&self, kid: Option<&str>, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = kid.map(str::to_owned);
        jsonwebtoken::encode(&header, claims, &self.key).expect("a token")
    }
}

fn seconds_from_now(seconds: i64) -> i64 {
    crate::store::now() / 1000 + seconds
}

/// Claims that pass, changed by those of `change`; a null takes one away.
fn claims(change: Value) -> Value {
    let mut claims = json!({
        "iss": "https://issuer.example", "aud": "gateway", "exp": seconds_from_now(600),
        "sub": "user", "org": "org", "role": "member",
    });
    for (name, value) in change.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    let claims = claims.as_object_mut().expect("an object");
    claims.retain(|_, value| !value.is_null());
    json!(claims)
}

/// Answers every fetch with this from now on, and counts them anew.
async fn answer(server: &MockServer, template: ResponseTemplate) {
    server.reset().await;
    Mock::given(any())
        .respond_with(template)
        .mount(server)
        .await;
}

fn key_set(keys: &[Value]) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "keys": keys }))
}

async fn publish(server: &MockServer, keys: &[Value]) {
    answer(server, key_set(keys)).await;
}

async fn fetches(server: &MockServer) -> usize {
    server.received_requests().await.expect("recorded").len()
}

async fn issuer(keys: &[Value], cooldown: Duration) -> (MockServer, Verifier) {
    issuer_with(keys, |config| config.cooldown = cooldown).await
}

/// An issuer, and a verifier with other settings.
async fn issuer_with(
    keys: &[Value],
    adjust: impl FnOnce(&mut JwtConfig),
) -> (MockServer, Verifier) {
    let server = MockServer::start().await;
    publish(&server, keys).await;
    let mut config = JwtConfig {
        jwks_url: server.uri().parse().expect("a URL"),
        issuer: "https://issuer.example".to_owned(),
        audience: "gateway".to_owned(),
        audience_claim: "aud".to_owned(),
        user_claim: "sub".to_owned(),
        organization_claim: "org".to_owned(),
        role_claim: "role".to_owned(),
        leeway: Duration::from_secs(30),
        refresh: HOUR,
        cooldown: HOUR,
    };
    adjust(&mut config);
    let verifier = Verifier::new(&config, &Proxies::default()).expect("a verifier");
    (server, verifier)
}

async fn code(verifier: &Verifier, token: &str) -> Code {
    match verifier.authenticate(token).await {
        Ok(principal) => panic!("accepted: {principal:?}"),
        Err(error) => error.code,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_algorithm_verifies_and_claims_become_the_principal() {
    let signers = [rsa(), ec(), ed()];
    let (server, verifier) = issuer(&signers.each_ref().map(Signer::jwk), HOUR).await;
    for signer in &signers {
        let token = signer.sign(&claims(
            json!({"aud": ["another", "gateway"], "nbf": seconds_from_now(20)}),
        ));
        let principal = verifier.authenticate(&token).await.expect("accepted");
        assert_eq!(principal.organization_id, "org");
        assert_eq!(principal.user_id.as_deref(), Some("user"));
        assert_eq!(principal.capabilities.to_string(), "read,send");
    }
    for (role, may) in [
        (json!("owner"), "read,send,manage"),
        (json!("admin"), "read,send,manage"),
        (json!(["guest", "member", 7, "admin"]), "read,send,manage"),
        (json!(["member", "member"]), "read,send"),
        (json!(["guest", ["owner"]]), ""),
        (json!([]), ""),
        (json!({"owner": true}), ""),
        (json!("Owner"), ""),
        (json!(" owner"), ""),
        (json!("owner\u{200b}"), ""),
        (json!("owner member"), ""),
        (json!(null), ""),
    ] {
        let token = ed().sign(&claims(json!({"role": role})));
        let principal = verifier.authenticate(&token).await.expect("accepted");
        assert_eq!(principal.capabilities.to_string(), may, "{role}");
    }
    assert_eq!(fetches(&server).await, 1, "fetched once for all");
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_that_do_not_hold_are_refused() {
    let (_server, verifier) = issuer(&[ed().jwk()], HOUR).await;
    assert!(
        verifier
            .authenticate(&ed().sign(&claims(json!({}))))
            .await
            .is_ok()
    );
    for change in [
        json!({"iss": "https://other.example"}),
        json!({"iss": null}),
        json!({"aud": "other"}),
        json!({"aud": []}),
        json!({"aud": null}),
        json!({"exp": seconds_from_now(-60)}),
        json!({"exp": null}),
        json!({"exp": "tomorrow"}),
        json!({"nbf": seconds_from_now(300)}),
        json!({"nbf": "yesterday"}),
        json!({"org": null}),
        json!({"org": ""}),
        json!({"org": 7}),
        json!({"org": []}),
        json!({"org": ["org", "other"]}),
        json!({"org": [["org"]]}),
        json!({"org": "my org"}),
        json!({"org": " org"}),
        json!({"org": "org\n"}),
        json!({"org": ["o\u{200b}rg"]}),
        json!({"org": "o".repeat(129)}),
        json!({"sub": "user "}),
        json!({"sub": "us\u{0}er"}),
        json!({"aud": ["gateway2", "Gateway", "gateway "]}),
        json!({"aud": {"gateway": true}}),
    ] {
        let token = ed().sign(&claims(change.clone()));
        assert_eq!(
            code(&verifier, &token).await,
            Code::Unauthorized,
            "{change}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_are_where_the_settings_say() {
    let (_server, verifier) = issuer_with(&[ed().jwk()], |config| {
        config.audience_claim = "client_id".to_owned();
        config.user_claim = "https://login.example/user".to_owned();
        config.organization_claim = "tenants.ids".to_owned();
        config.role_claim = "realm_access.roles".to_owned();
    })
    .await;
    let elsewhere = json!({
        "aud": null, "sub": null, "org": null, "role": null, "client_id": "gateway",
        "https://login.example/user": "user", "tenants": {"ids": ["org"]},
        "realm_access": {"roles": ["offline_access", "owner"]},
    });
    let token = ed().sign(&claims(elsewhere.clone()));
    let principal = verifier.authenticate(&token).await.expect("accepted");
    assert_eq!(principal.organization_id, "org");
    assert_eq!(principal.user_id.as_deref(), Some("user"));
    assert_eq!(principal.capabilities.to_string(), "read,send,manage");

    for (claim, value) in [
        ("client_id", json!("other")),
        ("client_id", json!(null)),
        ("tenants", json!({"ids": ["org", "other"]})),
        ("tenants", json!("org")),
    ] {
        let mut change = elsewhere.clone();
        change[claim] = value;
        // The claims of the defaults are nothing here.
        change["aud"] = json!("gateway");
        change["org"] = json!("org");
        let token = ed().sign(&claims(change));
        assert_eq!(code(&verifier, &token).await, Code::Unauthorized, "{claim}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verified_token_is_kept_for_as_long_as_its_key_is_published() {
    let (server, verifier) = issuer(&[ed().jwk(), ec().jwk()], Duration::ZERO).await;
    let refused = ed().sign(&claims(json!({"aud": "other"})));
    assert_eq!(code(&verifier, &refused).await, Code::Unauthorized);
    assert_eq!(verifier.verified.len(), 0, "what is refused is not kept");

    let [by_ed, by_ec] = [ed(), ec()].map(|signer| signer.sign(&claims(json!({}))));
    for token in [&by_ed, &by_ec, &by_ed] {
        assert!(verifier.authenticate(token).await.is_ok());
    }
    assert_eq!(verifier.verified.len(), 2);
    // No signature is looked at again: something that has none passes once it is kept.
    let kept = verifier.verified.get(&by_ec, &verifier.jwks.keys(), 0);
    let kept = Verified {
        principal: kept.expect("kept"),
        key: verifier.jwks.find(Some("ec")).expect("published"),
        until: u64::MAX,
    };
    verifier.verified.put("no token at all", kept);
    assert!(verifier.authenticate("no token at all").await.is_ok());

    // Another key in the place of one: its tokens go, those of the key that stays do not.
    publish(&server, &[other_ed("ed").jwk(), ec().jwk()]).await;
    let new = other_ed("ed").sign(&claims(json!({})));
    assert!(verifier.authenticate(&new).await.is_ok());
    assert!(verifier.authenticate("no token at all").await.is_ok());
    assert_eq!(code(&verifier, &by_ed).await, Code::Unauthorized);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_decides_on_the_algorithm_and_the_signature_must_be_its() {
    let secret = b"an HMAC secret that was published by mistake";
    let oct =
        json!({"kty": "oct", "kid": "oct", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(secret)});
    let (_server, verifier) = issuer(&[rsa().jwk(), ec().jwk(), ed().jwk(), oct], HOUR).await;
    let good = claims(json!({}));

    // The public key, as bytes that anyone has, taken for an HMAC secret.
    let modulus = URL_SAFE_NO_PAD
        .decode(rsa().jwk()["n"].as_str().expect("n"))
        .expect("base64");
    let ed_public = URL_SAFE_NO_PAD
        .decode(ed().jwk()["x"].as_str().expect("x"))
        .expect("base64");
    let hmac = |kid, secret: &[u8]| Signer {
        kid,
        algorithm: Algorithm::HS256,
        key: EncodingKey::from_secret(secret),
    };
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = |alg: &str| {
        format!(
            "{}.{}.",
            part(&json!({"alg": alg, "kid": "ed"})),
            part(&good)
        )
    };
    let true_token = ed().sign(&good);
    let (head, signature) = true_token.rsplit_once('.').expect("three parts");
    let (header, _) = head.split_once('.').expect("three parts");
    let promoted = part(&claims(json!({"role": "owner"})));

    for (what, token) in [
        ("HS256 with the RSA key", hmac("rsa", &modulus).sign(&good)),
        (
            "HS256 with the Ed25519 key",
            hmac("ed", &ed_public).sign(&good),
        ),
        (
            "HS256 with a published secret",
            hmac("oct", secret).sign(&good),
        ),
        ("none", unsigned("none")),
        ("None", unsigned("None")),
        ("no signature", unsigned("EdDSA")),
        ("another key under a known kid", other_ed("ed").sign(&good)),
        (
            "an algorithm that is not the key's",
            ec().sign_as(Some("ed"), &good),
        ),
        (
            "no kid where there are several keys",
            ed().sign_as(None, &good),
        ),
        (
            "other claims under a true signature",
            format!("{header}.{promoted}.{signature}"),
        ),
    ] {
        assert_eq!(code(&verifier, &token).await, Code::Unauthorized, "{what}");
    }
    assert!(verifier.authenticate(&true_token).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_that_must_be_understood_is_refused() {
    let (_server, verifier) = issuer(&[ed().jwk()], HOUR).await;
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some("ed".to_owned());
    header.crit = Some(vec!["b64".to_owned()]);
    let token = jsonwebtoken::encode(&header, &claims(json!({})), &ed().key).expect("a token");
    assert_eq!(code(&verifier, &token).await, Code::Unauthorized);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_unknown_kinds_are_passed_over_and_a_single_key_needs_no_kid() {
    let mut for_encryption = other_ed("enc").jwk();
    for_encryption["use"] = json!("enc");
    let odd = [
        json!({"kty": "EC", "crv": "secp256k1", "x": "", "y": ""}),
        json!(7),
        for_encryption,
        ed().jwk(),
    ];
    let (_server, verifier) = issuer(&odd, HOUR).await;
    let token = ed().sign_as(None, &claims(json!({})));
    assert!(verifier.authenticate(&token).await.is_ok());
    let token = other_ed("enc").sign(&claims(json!({})));
    assert_eq!(code(&verifier, &token).await, Code::Unauthorized);
}
