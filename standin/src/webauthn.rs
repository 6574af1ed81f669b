//! The passkey of an account: what an authenticator signs, and how the server checks it.
//!
//! WebAuthn Level 3, sections 6.1 (authenticator data), 6.3.3 (assertion) and 7.2 (verifying an assertion), as far as
//! one ES256 credential without extensions needs them.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// Whom the passkeys of WhatsApp are for. Source: what people who were asked for one have published.
pub(crate) const RP_ID: &str = "whatsapp.com";
/// The page that may ask for them.
pub(crate) const ORIGIN: &str = "https://web.whatsapp.com";

/// Authenticator data flags: a person was there, and was verified (fingerprint, PIN).
const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;

/// A passkey, both halves: the account's authenticator signs with it, the server checks.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Credential {
    #[serde(with = "hex")]
    id: [u8; 16],
    #[serde(with = "hex")]
    private: [u8; 32],
}

/// An `AuthenticationResponseJSON`, what of it is checked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assertion {
    raw_id: String,
    r#type: String,
    response: AssertionResponse,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssertionResponse {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    authenticator_data: String,
    signature: String,
}

#[derive(Deserialize)]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
}

/// A `PublicKeyCredentialRequestOptionsJSON`, what of it an authenticator needs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    challenge: String,
    rp_id: String,
}

/// `PublicKeyCredentialRequestOptionsJSON` for this challenge. No credential is named: the authenticator finds its own.
pub(crate) fn request_options(challenge: &[u8], timeout_ms: u128) -> String {
    json!({
        "challenge": BASE64URL.encode(challenge),
        "timeout": timeout_ms,
        "rpId": RP_ID,
        "allowCredentials": [],
        "userVerification": "required",
    })
    .to_string()
}

impl Credential {
    /// A new one; `None` when chance gives no valid key.
    pub(crate) fn generate() -> Option<Self> {
        let private: [u8; 32] = rand::random();
        SigningKey::from_slice(&private).ok()?;
        Some(Self {
            id: rand::random(),
            private,
        })
    }

    /// What browser and authenticator make of request options on a page of this origin, an
    /// `AuthenticationResponseJSON`; `None` where the options can't be read.
    pub(crate) fn assert(&self, origin: &str, options: &str) -> Option<String> {
        let options: Options = serde_json::from_str(options).ok()?;
        let client_data = json!({
            "type": "webauthn.get",
            "challenge": options.challenge,
            "origin": origin,
            "crossOrigin": false,
        })
        .to_string();
        let mut authenticator_data = Sha256::digest(&options.rp_id).to_vec();
        authenticator_data.push(USER_PRESENT | USER_VERIFIED);
        // The count of signatures: synchronised passkeys keep none.
        authenticator_data.extend([0; 4]);
        let key = SigningKey::from_slice(&self.private).ok()?;
        let signature: Signature = key.sign(&signed(&authenticator_data, client_data.as_bytes()));
        let id = BASE64URL.encode(self.id);
        let assertion = json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "authenticatorAttachment": "cross-platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": BASE64URL.encode(client_data),
                "authenticatorData": BASE64URL.encode(authenticator_data),
                "signature": BASE64URL.encode(signature.to_der().as_bytes()),
                "userHandle": null,
            },
        });
        Some(assertion.to_string())
    }

    /// Whether this credential has signed the challenge for WhatsApp, on WhatsApp's page, by a verified person.
    pub(crate) fn verify(&self, challenge: &[u8], credential_id: &[u8], assertion: &[u8]) -> bool {
        self.holds(challenge, credential_id, assertion)
            .unwrap_or(false)
    }

    fn holds(&self, challenge: &[u8], credential_id: &[u8], assertion: &[u8]) -> Option<bool> {
        let assertion: Assertion = serde_json::from_slice(assertion).ok()?;
        let decode = |text: &str| BASE64URL.decode(text).ok();
        let client_data = decode(&assertion.response.client_data)?;
        let authenticator_data = decode(&assertion.response.authenticator_data)?;
        let signature = Signature::from_der(&decode(&assertion.response.signature)?).ok()?;
        let said: ClientData = serde_json::from_slice(&client_data).ok()?;
        let (rp_id_hash, rest) = authenticator_data.split_first_chunk::<32>()?;
        let flags = *rest.first()?;
        let key = SigningKey::from_slice(&self.private).ok()?;
        Some(
            assertion.r#type == "public-key"
                && decode(&assertion.raw_id)? == self.id
                && credential_id == self.id
                && said.r#type == "webauthn.get"
                && decode(&said.challenge)? == challenge
                && said.origin == ORIGIN
                && rp_id_hash == Sha256::digest(RP_ID).as_slice()
                && flags & USER_PRESENT != 0
                && flags & USER_VERIFIED != 0
                && VerifyingKey::from(&key)
                    .verify(&signed(&authenticator_data, &client_data), &signature)
                    .is_ok(),
        )
    }
}

/// What an assertion's signature is over: `authenticatorData ‖ SHA-256(clientDataJSON)`.
fn signed(authenticator_data: &[u8], client_data: &[u8]) -> Vec<u8> {
    [authenticator_data, &Sha256::digest(client_data)].concat()
}
