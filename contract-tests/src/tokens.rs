//! A front end that mints login JWTs: signing keys, and the JWKS that it publishes (a wiremock server).

use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// The issuer of every token that is meant to pass.
pub const ISSUER: &str = "https://front.example";
/// The audience of every token that is meant to pass.
pub const AUDIENCE: &str = "whatsapp-gateway";

/// A private key with its `kid`. The keys are fixed and worthless: making an RSA key in a test build takes seconds.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// `kid`, in the JWKS and in every token's header.
    pub kid: String,
    /// The algorithm it signs with.
    pub algorithm: Algorithm,
    key: EncodingKey,
}

macro_rules! keys {
    ($($name:ident: $algorithm:ident, $from:ident, $file:literal;)*) => {
        impl SigningKey {
            $(
                #[doc = concat!("The key in `keys/", $file, ".pem`.")]
                #[must_use]
                pub fn $name() -> Self {
                    let der = der(include_str!(concat!("../keys/", $file, ".pem")));
                    Self { kid: $file.into(), algorithm: Algorithm::$algorithm, key: EncodingKey::$from(&der) }
                }
            )*
        }
    };
}

keys! {
    rsa: RS256, from_rsa_der, "rsa-1";
    other_rsa: RS256, from_rsa_der, "rsa-2";
    ec: ES256, from_ec_der, "ec-1";
    other_ec: ES256, from_ec_der, "ec-2";
    ed: EdDSA, from_ed_der, "ed-1";
    other_ed: EdDSA, from_ed_der, "ed-2";
}

impl SigningKey {
    /// The same key under another `kid`.
    #[must_use]
    pub fn named(self, kid: &str) -> Self {
        Self {
            kid: kid.into(),
            ..self
        }
    }

    /// The public half, as it stands in a JWKS.
    ///
    /// # Panics
    /// The key file is no key.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).expect("a key");
        jwk.common.key_id = Some(self.kid.clone());
        serde_json::to_value(jwk).expect("JSON")
    }

    /// The public half's bytes, as an attacker takes them for an HMAC secret.
    #[must_use]
    pub fn public_bytes(&self) -> Vec<u8> {
        let jwk = self.jwk();
        let part = jwk["n"]
            .as_str()
            .or(jwk["x"].as_str())
            .expect("a public key");
        URL_SAFE_NO_PAD.decode(part).expect("base64url")
    }

    /// Signs any claims, with the header this key calls for.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.kid.clone());
        self.sign_with(&header, claims)
    }

    /// Signs any claims under any header.
    ///
    /// # Panics
    /// The header's algorithm is not the key's.
    #[must_use]
    pub fn sign_with(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).expect("a token")
    }
}

/// A token made by hand from its parts, for what no honest library signs.
#[must_use]
pub fn forge(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (header, claims) = (header.to_string(), claims.to_string());
    format!(
        "{}.{}.{}",
        part(header.as_bytes()),
        part(claims.as_bytes()),
        part(signature)
    )
}

/// Claims that pass: `sub` and `org` as given, the role, valid for an hour.
#[must_use]
pub fn claims(organization: &str, role: &str) -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "user_7",
        "org": organization,
        "role": role,
        "iat": now(),
        "exp": now() + 3600,
    })
}

/// Seconds since the epoch, as JWTs count.
///
/// # Panics
/// The clock is before 1970.
#[must_use]
pub fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock");
    i64::try_from(since.as_secs()).expect("a time")
}

fn der(pem: &str) -> Vec<u8> {
    let base64: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    STANDARD.decode(base64).expect("PEM")
}

/// The server that publishes the public keys.
pub struct Jwks {
    server: MockServer,
    mounted: Mutex<Option<wiremock::MockGuard>>,
}

impl Jwks {
    /// Starts it, with these keys.
    pub async fn serving(keys: &[SigningKey]) -> Self {
        let jwks = Self {
            server: MockServer::start().await,
            mounted: Mutex::new(None),
        };
        jwks.publish(keys).await;
        jwks
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/jwks.json", self.server.uri())
    }

    /// Replaces the published keys.
    pub async fn publish(&self, keys: &[SigningKey]) {
        let keys: Vec<Value> = keys.iter().map(SigningKey::jwk).collect();
        self.answer(ResponseTemplate::new(200).set_body_json(json!({ "keys": keys })))
            .await;
    }

    /// Answers every fetch with this from now on.
    ///
    /// # Panics
    /// A test has panicked while it changed the answer.
    pub async fn answer(&self, template: ResponseTemplate) {
        self.mounted.lock().expect("not poisoned").take();
        let mock = Mock::given(method("GET"))
            .and(path("/jwks.json"))
            .respond_with(template);
        let guard = self.server.register_as_scoped(mock).await;
        *self.mounted.lock().expect("not poisoned") = Some(guard);
    }

    /// How many fetches there were since the start.
    ///
    /// # Panics
    /// Never: recording is on.
    pub async fn fetches(&self) -> usize {
        self.server
            .received_requests()
            .await
            .expect("recording")
            .len()
    }
}
