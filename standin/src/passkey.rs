//! Linking to an account that asks for a passkey. After the QR code or the pairing code the server wants a WebAuthn
//! assertion of the companion, phone and companion then agree on a code for people to compare, and the companion sends
//! its keys and a new ADV secret, encrypted, once it is told that the codes are equal. Then as without (see `link`).
//!
//! Stanzas and key derivations as in whatsapp-rust (`passkey/flow.rs`, `wacore::shortcake`), which has them from WhatsApp
//! Web. None of the sources says with which codes WhatsApp refuses, nor how long it waits: both are made up here. A
//! `<pairing_handoff_proof>` is ignored: this server lets nobody skip the comparing.

use crate::iq::Reply;
use crate::link::{LinkError, within};
use crate::node::{Refusal, SERVER, blob, bytes, fixed, now, random_hex};
use crate::state::{Out, Shared, State, Who};
use crate::webauthn::request_options;
use crate::world::public_bytes;
use rand::rngs::StdRng;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use wacore::libsignal::crypto::aes_256_gcm_decrypt;
use wacore::libsignal::protocol::{KeyPair, PublicKey};
use wacore::shortcake::ShortcakeUtils;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};
use waproto::buffa::Message as _;
use waproto::whatsapp as wa;

/// How long the server waits for what a person has to do: use the passkey, compare the codes.
const PERSON_WITHIN: Duration = Duration::from_secs(180);
/// How long server and phone take between them. The client takes note of an answer before it takes what follows from it.
const ROUND_TRIP: Duration = Duration::from_millis(100);

/// A linking that waits for its companion, by connection in [`State::passkeys`].
pub(crate) struct Ceremony {
    pub phone: String,
    /// The code that the phone shows, grouped.
    pub code: Option<String>,
    challenge: [u8; 32],
    /// The ref that the companion was given last.
    reference: Option<String>,
    /// While the phone waits for the companion's `passkey_prologue`.
    prologue: Option<oneshot::Sender<Prologue>>,
    /// While the phone waits for the companion's `companion_nonce`.
    nonce: Option<oneshot::Sender<[u8; 32]>>,
    /// While the phone waits for the companion's `encrypted_pairing_request`.
    request: Option<oneshot::Sender<Vec<u8>>>,
}

/// What came with an assertion that holds.
struct Prologue {
    /// The encoded `CompanionEphemeralIdentity`: what the commitment is about.
    identity: Vec<u8>,
    commitment: Vec<u8>,
    public_key: [u8; 32],
    device_type: wa::device_props::PlatformType,
    reference: String,
}

impl Ceremony {
    fn options(&self) -> String {
        request_options(&self.challenge, PERSON_WITHIN.as_millis())
    }
}

/// An IQ of the namespace `md` from an unpaired client that is being linked.
pub(crate) fn answer(
    state: &mut State,
    connection: u64,
    node: &NodeRef<'_>,
    tag: &str,
) -> Result<Reply, Refusal> {
    let ceremony = state
        .passkeys
        .get_mut(&connection)
        .ok_or_else(Refusal::not_found)?;
    match tag {
        "ref" => {
            let reference = format!("4@{}", random_hex(16));
            ceremony.reference = Some(reference.clone());
            Ok(Reply::new(blob("ref", reference)))
        }
        "passkey_request_options" => Ok(Reply::new(blob(
            "passkey_request_options",
            ceremony.options(),
        ))),
        "passkey_prologue" => {
            let credential = state
                .world
                .accounts
                .get(&ceremony.phone)
                .and_then(|account| account.passkey.as_ref())
                .ok_or_else(Refusal::not_found)?;
            let child = node
                .get_optional_child(tag)
                .ok_or_else(Refusal::bad_request)?;
            let field = |name| bytes(child, name).ok_or_else(Refusal::bad_request);
            let id = field("credential_id")?;
            if !credential.verify(&ceremony.challenge, id, field("webauthn_assertion")?) {
                return Err(Refusal::new(401, "not-authorized"));
            }
            let prologue = read_prologue(field("prologue_payload")?)
                .filter(|prologue| ceremony.reference.as_ref() == Some(&prologue.reference))
                .ok_or_else(Refusal::bad_request)?;
            hand_over(&mut ceremony.prologue, prologue)
        }
        "companion_nonce" => {
            let nonce = fixed(node, tag).ok_or_else(Refusal::bad_request)?;
            hand_over(&mut ceremony.nonce, nonce)
        }
        "encrypted_pairing_request" => {
            let request = bytes(node, tag).ok_or_else(Refusal::bad_request)?;
            hand_over(&mut ceremony.request, request.to_vec())
        }
        _ => Err(Refusal::not_implemented()),
    }
}

/// Gives the phone what it waits for; what it does not wait for is refused.
fn hand_over<T>(waiting: &mut Option<oneshot::Sender<T>>, what: T) -> Result<Reply, Refusal> {
    waiting
        .take()
        .and_then(|phone| phone.send(what).ok())
        .map(|()| Reply::default())
        .ok_or_else(Refusal::bad_request)
}

fn read_prologue(payload: &[u8]) -> Option<Prologue> {
    let payload = wa::ProloguePayload::decode_from_slice(payload).ok()?;
    let identity = payload.companion_ephemeral_identity?;
    let commitment = payload.commitment.into_option()?.hash?;
    let read = wa::CompanionEphemeralIdentity::decode_from_slice(identity.as_slice()).ok()?;
    Some(Prologue {
        identity,
        commitment,
        public_key: read.public_key?.try_into().ok()?,
        device_type: read.device_type?,
        reference: read.r#ref?,
    })
}

/// Goes the whole way with a companion, where the account asks for a passkey: gives the identity and the ADV secret that
/// the companion then has. `None` where the account does not ask.
pub(crate) async fn ask(
    shared: &Arc<Shared>,
    connection: u64,
    phone: &str,
) -> Result<Option<([u8; 32], [u8; 32])>, LinkError> {
    let asked = shared.with(|state| {
        state.world.accounts.get(phone)?.passkey.as_ref()?;
        let (sent, prologue) = oneshot::channel();
        let ceremony = Ceremony {
            phone: phone.to_owned(),
            code: None,
            challenge: rand::random(),
            reference: None,
            prologue: Some(sent),
            nonce: None,
            request: None,
        };
        let options = blob("passkey_request_options", ceremony.options());
        state.passkeys.insert(connection, ceremony);
        notify(state, connection, "passkey_prologue_request", options);
        Some(prologue)
    });
    let Some(prologue) = asked else {
        return Ok(None);
    };
    let keys = agree(shared, connection, prologue).await;
    shared.with(|state| state.passkeys.remove(&connection));
    sleep(ROUND_TRIP).await;
    keys.map(Some)
}

/// The phone's part.
async fn agree(
    shared: &Arc<Shared>,
    connection: u64,
    prologue: oneshot::Receiver<Prologue>,
) -> Result<([u8; 32], [u8; 32]), LinkError> {
    let prologue = person(prologue).await?;
    sleep(ROUND_TRIP).await;
    let ephemeral = KeyPair::generate(&mut rand::make_rng::<StdRng>());
    let (public_key, nonce) = (public_bytes(&ephemeral), rand::random::<[u8; 32]>());
    let identity = wa::PrimaryEphemeralIdentity {
        public_key: Some(public_key.to_vec()),
        nonce: Some(nonce.to_vec()),
    };
    let identity = blob("primary_ephemeral_identity", identity.encode_to_vec());
    let (sent, companion_nonce) = oneshot::channel();
    shared.with(|state| {
        let ceremony = state.passkeys.get_mut(&connection)?;
        ceremony.nonce = Some(sent);
        notify(state, connection, "crsc_continuation", identity);
        Some(())
    });

    let companion_nonce = within(companion_nonce).await?;
    // The companion had to settle on its nonce before it saw the phone's, so that it could not pick the code.
    let committed = ShortcakeUtils::commitment_hash(&prologue.identity, &companion_nonce);
    if committed.as_slice() != prologue.commitment {
        return Err(LinkError::Incomplete);
    }
    let code = ShortcakeUtils::derive_verification_code(&companion_nonce, &public_key, &nonce);
    let (head, tail) = code.split_at(4);
    let (sent, request) = oneshot::channel();
    shared.with(|state| {
        let ceremony = state.passkeys.get_mut(&connection)?;
        ceremony.code = Some(format!("{head}-{tail}"));
        ceremony.request = Some(sent);
        Some(())
    });

    let request = person(request).await?;
    let opened = open_request(&request, &prologue, &ephemeral).ok_or(LinkError::Incomplete)?;
    let (noise, identity, secret) = opened;
    let ours = shared.read(|state| {
        let live = state.live.get(&connection);
        live.is_some_and(|live| live.who == Who::Unpaired { noise })
    });
    ours.then_some((identity, secret))
        .ok_or(LinkError::Incomplete)
}

/// Decrypts a `PairingRequest`: the companion's Noise key, its identity, and its new ADV secret.
fn open_request(
    request: &[u8],
    prologue: &Prologue,
    ephemeral: &KeyPair,
) -> Option<([u8; 32], [u8; 32], [u8; 32])> {
    let request = wa::EncryptedPairingRequest::decode_from_slice(request).ok()?;
    let companion = PublicKey::from_djb_public_key_bytes(&prologue.public_key).ok()?;
    let agreed = ephemeral.calculate_agreement(&companion).ok()?;
    let key = ShortcakeUtils::derive_encryption_key_from_shared_secret(
        agreed.as_slice().try_into().ok()?,
        prologue.device_type,
        &prologue.reference,
    )
    .ok()?;
    let iv: [u8; 12] = request.iv?.try_into().ok()?;
    let mut opened = Vec::new();
    aes_256_gcm_decrypt(&key, &iv, b"", &request.encrypted_payload?, &mut opened).ok()?;
    let request = wa::PairingRequest::decode_from_slice(opened.as_slice()).ok()?;
    Some((
        request.companion_public_key?.try_into().ok()?,
        request.companion_identity_key?.try_into().ok()?,
        request.adv_secret?.try_into().ok()?,
    ))
}

/// What a person has to bring about.
async fn person<T>(answer: oneshot::Receiver<T>) -> Result<T, LinkError> {
    match timeout(PERSON_WITHIN, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        _ => Err(LinkError::Incomplete),
    }
}

fn notify(state: &mut State, connection: u64, kind: &'static str, content: Node) {
    let stanza = NodeBuilder::new("notification")
        .attr("from", SERVER)
        .attr("id", state.next_id().to_string())
        .attr("type", kind)
        .attr("t", now().to_string())
        .children([content])
        .build();
    if let Some(live) = state.live.get(&connection) {
        live.send(Out::Node(stanza));
    }
}
