//! Linking by pairing code: three stages between client, server and phone, then as by QR (see `link`).
//!
//! Stanzas and key derivations as in whatsmeow (`pair-code.go`) and `wacore::pair_code`.

use crate::link::{LinkError, link, within};
use crate::node::{Refusal, SERVER, attr, blob, bytes, fixed, now, random_hex};
use crate::state::{Out, Shared, State, Who};
use rand::rngs::StdRng;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use wacore::libsignal::protocol::{KeyPair, PublicKey};
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

/// How long a pairing code can be entered (`wacore::pair_code::PairCodeUtils::code_validity`).
const CODE_VALID: Duration = Duration::from_secs(180);

/// A pairing code that a client shows and waits to be entered on the phone.
pub(crate) struct CodeFlow {
    pub connection: u64,
    reference: Vec<u8>,
    /// The companion's ephemeral key, encrypted with the code.
    wrapped_ephemeral: [u8; 80],
    until: Instant,
    /// Set while the phone waits for the companion's `companion_finish`.
    finish: Option<oneshot::Sender<Finish>>,
}

/// What a `companion_finish` carries.
struct Finish {
    bundle: Vec<u8>,
    identity: [u8; 32],
}

/// `<link_code_companion_reg>` from an unpaired client, either of its stages; the content of the answer.
pub(crate) fn code_stage(
    state: &mut State,
    connection: u64,
    reg: &NodeRef<'_>,
) -> Result<Option<Node>, Refusal> {
    let jid = attr(reg, "jid").unwrap_or_default();
    let phone = jid.split('@').next().unwrap_or_default();
    match attr(reg, "stage").as_deref() {
        Some("companion_hello") => companion_hello(state, connection, phone, reg),
        Some("companion_finish") => companion_finish(state, connection, phone, reg),
        _ => Err(Refusal::bad_request()),
    }
}

fn companion_hello(
    state: &mut State,
    connection: u64,
    phone: &str,
    reg: &NodeRef<'_>,
) -> Result<Option<Node>, Refusal> {
    let wrapped_ephemeral = fixed(reg, "link_code_pairing_wrapped_companion_ephemeral_pub");
    let noise = fixed(reg, "companion_server_auth_key_pub");
    let (Some(wrapped_ephemeral), Some(noise)) = (wrapped_ephemeral, noise) else {
        return Err(Refusal::bad_request());
    };
    let ours = state
        .live
        .get(&connection)
        .is_some_and(|live| live.who == Who::Unpaired { noise });
    if !ours || !state.world.accounts.contains_key(phone) {
        return Err(Refusal::bad_request());
    }
    let reference = format!("3@{}", random_hex(16)).into_bytes();
    let flow = CodeFlow {
        connection,
        reference: reference.clone(),
        wrapped_ephemeral,
        until: Instant::now() + CODE_VALID,
        finish: None,
    };
    state.codes.insert(phone.to_owned(), flow);
    Ok(Some(
        NodeBuilder::new("link_code_companion_reg")
            .attr("stage", "companion_hello")
            .children([blob("link_code_pairing_ref", reference)])
            .build(),
    ))
}

fn companion_finish(
    state: &mut State,
    connection: u64,
    phone: &str,
    reg: &NodeRef<'_>,
) -> Result<Option<Node>, Refusal> {
    let bundle = bytes(reg, "link_code_pairing_wrapped_key_bundle");
    let identity = fixed(reg, "companion_identity_public");
    let (Some(bundle), Some(identity)) = (bundle, identity) else {
        return Err(Refusal::bad_request());
    };
    let flow = state
        .codes
        .get_mut(phone)
        .filter(|flow| flow.connection == connection)
        .filter(|flow| bytes(reg, "link_code_pairing_ref") == Some(&flow.reference))
        .ok_or_else(Refusal::bad_request)?;
    let finish = flow.finish.take().ok_or_else(Refusal::bad_request)?;
    // The phone may have given up waiting; the client learns that by hearing no more.
    let _ = finish.send(Finish {
        bundle: bundle.to_vec(),
        identity,
    });
    Ok(None)
}

/// Enters a pairing code on the phone of an account.
pub(crate) async fn enter_code(
    shared: &Arc<Shared>,
    phone: &str,
    code: &str,
) -> Result<u16, LinkError> {
    use wacore::pair_code::PairCodeUtils;
    let code: String = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_uppercase();
    if !PairCodeUtils::validate_code(&code) {
        return Err(LinkError::WrongCode);
    }
    let (key, wrapped) = shared.read(|state| {
        let account = state
            .world
            .accounts
            .get(phone)
            .ok_or(LinkError::NoAccount)?;
        let flow = state
            .codes
            .get(phone)
            .filter(|flow| flow.until > Instant::now());
        let wrapped = flow.ok_or(LinkError::NoCode)?.wrapped_ephemeral;
        Ok((
            account.identity().map_err(|_| LinkError::NoAccount)?,
            wrapped,
        ))
    })?;
    // Key derivation from the code is slow by design.
    let derived = tokio::task::spawn_blocking(move || {
        let companion = PairCodeUtils::decrypt_primary_ephemeral_pub(&wrapped, &code).ok()?;
        let ephemeral = KeyPair::generate(&mut rand::make_rng::<StdRng>());
        let public = ephemeral.public_key.public_key_bytes().try_into().ok()?;
        let wrapped = PairCodeUtils::encrypt_ephemeral_pub(public, &code);
        Some((companion, ephemeral, wrapped))
    });
    let Ok(Some((companion, ephemeral, wrapped))) = derived.await else {
        return Err(LinkError::Incomplete);
    };

    let (sent, finish) = oneshot::channel();
    let connection = shared.with(|state| {
        let id = state.next_id().to_string();
        let flow = state.codes.get_mut(phone).ok_or(LinkError::NoCode)?;
        flow.finish = Some(sent);
        let live = state.live.get(&flow.connection).ok_or(LinkError::NoCode)?;
        live.send(Out::Node(primary_hello(
            id,
            &flow.reference,
            &wrapped,
            &key,
        )));
        Ok(flow.connection)
    })?;
    let finish = within(finish).await?;
    let secret = open_bundle(&finish, &key, &ephemeral, &companion).ok_or(LinkError::WrongCode)?;
    link(shared, connection, phone, finish.identity, &secret).await
}

fn primary_hello(id: String, reference: &[u8], wrapped: &[u8; 80], key: &KeyPair) -> Node {
    NodeBuilder::new("notification")
        .attr("from", SERVER)
        .attr("id", id)
        .attr("type", "link_code_companion_reg")
        .attr("t", now().to_string())
        .children([NodeBuilder::new("link_code_companion_reg")
            .attr("stage", "primary_hello")
            .children([
                blob(
                    "link_code_pairing_wrapped_primary_ephemeral_pub",
                    wrapped.to_vec(),
                ),
                blob("primary_identity_pub", key.public_key.public_key_bytes()),
                blob("link_code_pairing_ref", reference),
            ])
            .build()])
        .build()
}

/// Opens the companion's key bundle and derives the secret that both sides share from now on. A wrong code shows
/// here: the ephemeral keys then do not agree and nothing decrypts.
fn open_bundle(
    finish: &Finish,
    key: &KeyPair,
    ephemeral: &KeyPair,
    companion: &[u8; 32],
) -> Option<[u8; 32]> {
    use wacore::crypto::hkdf_sha256_into;
    use wacore::libsignal::crypto::aes_256_gcm_decrypt;
    let agreed = ephemeral
        .calculate_agreement(&PublicKey::from_djb_public_key_bytes(companion).ok()?)
        .ok()?;
    let (salt, rest) = finish.bundle.split_first_chunk::<32>()?;
    let (iv, sealed) = rest.split_first_chunk::<12>()?;
    let info = b"link_code_pairing_key_bundle_encryption_key";
    let mut bundle_key = [0; 32];
    hkdf_sha256_into(&agreed, Some(salt), info, &mut bundle_key).ok()?;
    let mut opened = Vec::new();
    aes_256_gcm_decrypt(&bundle_key, iv, b"", sealed, &mut opened).ok()?;
    let [companion_identity, own_identity, random] = opened.chunks(32).collect::<Vec<_>>()[..]
    else {
        return None;
    };
    if companion_identity != finish.identity || own_identity != key.public_key.public_key_bytes() {
        return None;
    }
    let identities = key
        .calculate_agreement(&PublicKey::from_djb_public_key_bytes(&finish.identity).ok()?)
        .ok()?;
    let combined = [agreed.as_slice(), identities.as_slice(), random].concat();
    let mut secret = [0; 32];
    hkdf_sha256_into(&combined, None, b"adv_secret", &mut secret).ok()?;
    Some(secret)
}
