//! Login tokens: what passes, what does not, and what happens when the JWKS changes or is away.

use contract_tests::client::{Answer, Client};
use contract_tests::gateway;
use contract_tests::lab::{Lab, ORGANIZATION};
use contract_tests::tokens::{AUDIENCE, ISSUER, Jwks, SigningKey, claims, forge, now};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// A gateway that takes the login tokens of this issuer.
pub async fn lab_with(jwks: &Jwks) -> Lab {
    Lab::with(|config| config.jwt = Some(gateway::jwt(jwks))).await
}

/// A call by whoever has this token.
pub async fn list(lab: &Lab, token: &str) -> Answer {
    lab.anonymous()
        .with_token(token)
        .get("/sessions")
        .send()
        .await
}

/// 401, whatever is wrong with the token.
pub async fn refused(lab: &Lab, what: &str, token: &str) {
    let answer = list(lab, token).await;
    assert_eq!(answer.status, 401, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_algorithm_is_accepted() {
    let keys = [SigningKey::rsa(), SigningKey::ec(), SigningKey::ed()];
    let jwks = Jwks::serving(&keys).await;
    let lab = lab_with(&jwks).await;
    for key in keys {
        list(&lab, &key.sign(&claims(ORGANIZATION, "owner")))
            .await
            .expect(200);
    }
    assert_eq!(jwks.fetches().await, 1, "the keys are kept");
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_claims_say_who_it_is() {
    let key = SigningKey::ed();
    let jwks = Jwks::serving(std::slice::from_ref(&key)).await;
    let lab = lab_with(&jwks).await;
    let as_role = |role: &str| {
        lab.anonymous()
            .with_token(key.sign(&claims(ORGANIZATION, role)))
    };
    let created = as_role("admin")
        .post("/sessions")
        .json(&json!({"label": "x"}))
        .send()
        .await
        .json(201);
    assert_eq!(created["organizationId"], ORGANIZATION);
    assert_eq!(created["createdByUserId"], "user_7");

    let groups = format!("/sessions/{}/groups", created["id"].as_str().unwrap());
    let may = async |caller: Client, manage: u16, read: u16, send: u16| {
        caller.get("/sessions").send().await.expect(manage);
        caller.get(&groups).send().await.expect(read);
        caller
            .post(format!("{groups}/1@g.us/members"))
            .json(&json!({}))
            .send()
            .await
            .expect(send);
    };
    may(as_role("owner"), 200, 200, 400).await;
    may(as_role("admin"), 200, 200, 400).await;
    may(as_role("member"), 403, 200, 400).await;
    for role in ["guest", "", "Owner"] {
        may(as_role(role), 403, 403, 403).await;
    }
    let mut no_role = claims(ORGANIZATION, "owner");
    no_role.as_object_mut().unwrap().remove("role");
    may(
        lab.anonymous().with_token(key.sign(&no_role)),
        403,
        403,
        403,
    )
    .await;
    // An audience may be a list.
    let mut audiences = claims(ORGANIZATION, "owner");
    audiences["aud"] = json!(["another", AUDIENCE]);
    list(&lab, &key.sign(&audiences)).await.expect(200);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_that_do_not_fit_are_refused() {
    let key = SigningKey::ec();
    let jwks = Jwks::serving(std::slice::from_ref(&key)).await;
    let lab = lab_with(&jwks).await;
    let cases = [
        ("expired", "exp", json!(now() - 60)),
        ("no end", "exp", Value::Null),
        ("an end that is text", "exp", json!("tomorrow")),
        ("not yet valid", "nbf", json!(now() + 300)),
        ("another issuer", "iss", json!("https://evil.example")),
        ("no issuer", "iss", Value::Null),
        ("a longer issuer", "iss", json!(format!("{ISSUER}/"))),
        ("another audience", "aud", json!("another")),
        ("no audience", "aud", Value::Null),
        ("audiences without ours", "aud", json!(["a", "b"])),
        ("no organization", "org", Value::Null),
        ("an empty organization", "org", json!("")),
        ("an organization that is no text", "org", json!(42)),
        ("several organizations", "org", json!([ORGANIZATION, "b"])),
        ("white space in it", "org", json!("org 42")),
        ("white space around it", "org", json!(" org_42")),
        ("a line feed after it", "org", json!("org_42\n")),
        ("a zero-width space in it", "org", json!("org\u{200b}_42")),
        (
            "a user whose text is reversed",
            "sub",
            json!("\u{202e}7_resu"),
        ),
    ];
    for (what, claim, value) in cases {
        let mut claims = claims(ORGANIZATION, "owner");
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(claim);
        } else {
            claims[claim] = value;
        }
        refused(&lab, what, &key.sign(&claims)).await;
    }
    // The clocks may differ a little.
    let mut early = claims(ORGANIZATION, "owner");
    early["nbf"] = json!(now() + 10);
    early["exp"] = json!(now() - 10);
    list(&lab, &key.sign(&early)).await.expect(200);
    lab.stop().await;
}

/// As Keycloak has roles and AWS Cognito the audience of access tokens.
#[tokio::test(flavor = "multi_thread")]
async fn claims_are_read_where_the_settings_say() {
    let key = SigningKey::ed();
    let jwks = Jwks::serving(std::slice::from_ref(&key)).await;
    let lab = Lab::with(|config| {
        let mut jwt = gateway::jwt(&jwks);
        jwt.audience_claim = "client_id".into();
        jwt.organization_claim = "https://front.example/org".into();
        jwt.role_claim = "realm_access.roles".into();
        config.jwt = Some(jwt);
    })
    .await;
    let with = |organization: Value, roles: Value, client: &str| {
        let mut claims = claims("elsewhere", "owner");
        claims["aud"] = json!("elsewhere");
        claims["client_id"] = json!(client);
        claims["https://front.example/org"] = organization;
        claims["realm_access"] = json!({"roles": roles});
        key.sign(&claims)
    };
    let roles = json!(["offline_access", "member", "admin"]);
    let manager = with(json!([ORGANIZATION]), roles.clone(), AUDIENCE);
    let created = lab
        .anonymous()
        .with_token(manager)
        .post("/sessions")
        .json(&json!({"label": "x"}))
        .send()
        .await
        .json(201);
    assert_eq!(created["organizationId"], ORGANIZATION);
    let member = with(json!(ORGANIZATION), json!(["member"]), AUDIENCE);
    list(&lab, &member).await.error(403, "forbidden");
    let stranger = with(json!(ORGANIZATION), roles.clone(), "elsewhere");
    refused(&lab, "another client", &stranger).await;
    let several = with(json!([ORGANIZATION, "b"]), roles, AUDIENCE);
    refused(&lab, "several organizations", &several).await;
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_that_do_not_fit_are_refused() {
    let keys = [SigningKey::rsa(), SigningKey::ec(), SigningKey::ed()];
    let jwks = Jwks::serving(&keys).await;
    let lab = lab_with(&jwks).await;
    let claims = claims(ORGANIZATION, "owner");

    // Another key under a known `kid`.
    let impostors = [
        SigningKey::other_rsa(),
        SigningKey::other_ec(),
        SigningKey::other_ed(),
    ];
    for (impostor, key) in impostors.into_iter().zip(&keys) {
        refused(&lab, "another key", &impostor.named(&key.kid).sign(&claims)).await;
    }
    // A key's `kid` with another kind of key.
    refused(
        &lab,
        "an EC signature under an RSA kid",
        &SigningKey::ec().named("rsa-1").sign(&claims),
    )
    .await;
    refused(
        &lab,
        "an Ed signature under an EC kid",
        &SigningKey::ed().named("ec-1").sign(&claims),
    )
    .await;
    // An RSA key, but another algorithm than the JWKS names.
    for algorithm in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
        let mut header = Header::new(algorithm);
        header.kid = Some("rsa-1".into());
        refused(
            &lab,
            "another RSA algorithm",
            &SigningKey::rsa().sign_with(&header, &claims),
        )
        .await;
    }
    // The public key as an HMAC secret.
    for key in &keys {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(key.kid.clone());
        let secrets = [
            key.public_bytes(),
            key.jwk().to_string().into_bytes(),
            key.jwk()["n"].as_str().unwrap_or("x").into(),
        ];
        for secret in secrets {
            let token =
                jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&secret)).unwrap();
            refused(&lab, "HMAC with the public key", &token).await;
        }
    }
    // No signature at all.
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        for kid in ["rsa-1", "ec-1", "x"] {
            refused(
                &lab,
                "alg none",
                &forge(&json!({"alg": alg, "typ": "JWT", "kid": kid}), &claims, b""),
            )
            .await;
        }
    }
    refused(
        &lab,
        "no alg",
        &forge(&json!({"kid": "ec-1"}), &claims, b""),
    )
    .await;
    // A key that the token brings along.
    let brought = json!({"alg": "ES256", "kid": "ec-1", "jwk": SigningKey::other_ec().jwk()});
    let signature = SigningKey::other_ec().sign(&claims);
    let signature = signature.rsplit('.').next().unwrap();
    refused(
        &lab,
        "a jwk in the header",
        &forge(&brought, &claims, signature.as_bytes()),
    )
    .await;

    // Tampered with.
    for key in &keys {
        let token = key.sign(&claims);
        let [header, body, signature]: [&str; 3] =
            token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let other = key.sign(&contract_tests::tokens::claims("org_other", "owner"));
        let other_body = other.split('.').nth(1).unwrap();
        refused(
            &lab,
            "other claims",
            &format!("{header}.{other_body}.{signature}"),
        )
        .await;
        refused(&lab, "a cut signature", &token[..token.len() - 4]).await;
        refused(&lab, "an empty signature", &format!("{header}.{body}.")).await;
        refused(&lab, "two parts", &format!("{header}.{body}")).await;
        refused(&lab, "four parts", &format!("{token}.{signature}")).await;
        refused(&lab, "no claims", &format!("{header}..{signature}")).await;
        list(&lab, &token).await.expect(200);
    }
    lab.stop().await;
}

/// Without a `kid` the key is clear only where there is one.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_kid_needs_a_jwks_with_one_key() {
    let jwks = Jwks::serving(&[SigningKey::ec()]).await;
    let lab = lab_with(&jwks).await;
    let token = SigningKey::ec().sign_with(
        &Header::new(Algorithm::ES256),
        &claims(ORGANIZATION, "owner"),
    );
    list(&lab, &token).await.expect(200);
    lab.stop().await;

    let jwks = Jwks::serving(&[SigningKey::ec(), SigningKey::other_ec()]).await;
    let lab = lab_with(&jwks).await;
    refused(&lab, "no kid, two keys", &token).await;
    lab.stop().await;
}

/// Without a JWKS there are no login tokens, well-signed or not.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_jwks_no_login_token_passes() {
    let lab = Lab::start().await;
    refused(
        &lab,
        "no JWKS",
        &SigningKey::ec().sign(&claims(ORGANIZATION, "owner")),
    )
    .await;
    lab.stop().await;
}
