//! Linking a companion device to an account, by QR: the server's part and the phone's. By code: see `code`.
//!
//! Stanzas and signatures as in whatsmeow (`pair.go`, `pair-code.go`) and `wacore::pair`, `wacore::pair_code`.

use crate::node::{SERVER, attr, blob, bytes, now, random_hex, stream_error};
use crate::passkey;
use crate::state::{Out, Shared, State, Who};
use crate::world::Device;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rand::rngs::StdRng;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use wacore::libsignal::crypto::hmac_sha256;
use wacore::libsignal::protocol::{KeyPair, PublicKey};
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};
use waproto::buffa::Message as _;
use waproto::whatsapp as wa;

/// The first ref is shown for a minute, the five after it for 20 seconds each.
const REFS: u64 = 6;
const FIRST_REF: Duration = Duration::from_secs(60);
const LATER_REF: Duration = Duration::from_secs(20);
/// How long the phone waits for the device's answers.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// The client stores what it was told at pairing; an earlier 515 finds it in the middle of that.
const RESTART_AFTER: Duration = Duration::from_millis(150);
/// A camera app opens a QR with this in front of it.
const DEEP_LINK: &str = "https://wa.me/settings/linked_devices#";

/// A QR ref that was handed out.
pub(crate) struct QrRef {
    connection: u64,
    until: Instant,
}

/// Why a phone could not link a device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The phone number has no account here.
    #[error("no such account")]
    NoAccount,
    /// The text is not a QR code of WhatsApp (five comma-separated fields).
    #[error("not a WhatsApp QR code")]
    NotAQr,
    /// This server did not issue the QR code, it has expired, or its client is gone.
    #[error("the QR code is unknown or has expired")]
    UnknownQr,
    /// No client waits for a code for this number, or the code has expired.
    #[error("no pairing code is open for this account")]
    NoCode,
    /// The code is not the one that the client shows.
    #[error("wrong pairing code")]
    WrongCode,
    /// The client refused what it was sent.
    #[error("the client refused: {0}")]
    Refused(String),
    /// The client did not answer, or what it answered does not verify.
    #[error("the client did not complete the pairing")]
    Incomplete,
}

/// The IQ that offers QR refs to an unpaired client.
pub(crate) fn offer_refs(state: &mut State, connection: u64) -> Node {
    let mut until = Instant::now() + FIRST_REF;
    let mut refs = Vec::new();
    for _ in 0..REFS {
        let text = format!("2@{}", BASE64_STANDARD.encode(rand::random::<[u8; 32]>()));
        state.refs.insert(text.clone(), QrRef { connection, until });
        refs.push(blob("ref", text));
        until += LATER_REF;
    }
    NodeBuilder::new("iq")
        .attr("from", SERVER)
        .attr("id", state.next_id().to_string())
        .attr("type", "set")
        .attr("xmlns", "md")
        .children([NodeBuilder::new("pair-device").children(refs).build()])
        .build()
}

/// Forgets what was offered on a connection that is gone.
pub(crate) fn withdraw(state: &mut State, connection: u64) {
    state
        .refs
        .retain(|_, offered| offered.connection != connection);
    state.codes.retain(|_, flow| flow.connection != connection);
    state.passkeys.remove(&connection);
}

/// Scans a QR code with the phone of an account.
pub(crate) async fn scan(shared: &Arc<Shared>, phone: &str, qr: &str) -> Result<u16, LinkError> {
    let qr = qr.trim().strip_prefix(DEEP_LINK).unwrap_or(qr.trim());
    // WhatsApp refuses the older form without the client type (whatsmeow pull request 1110).
    let [reference, noise, identity, secret, client] = qr.split(',').collect::<Vec<_>>()[..] else {
        return Err(LinkError::NotAQr);
    };
    if client.is_empty() {
        return Err(LinkError::NotAQr);
    }
    let (noise, identity, secret) = (decode(noise)?, decode(identity)?, decode(secret)?);
    let connection = shared.read(|state| {
        let offered = state
            .refs
            .get(reference)
            .filter(|offered| offered.until > Instant::now())?;
        let live = state.live.get(&offered.connection)?;
        // A QR is only good for the connection that it was made on.
        (live.who == Who::Unpaired { noise }).then_some(offered.connection)
    });
    let connection = connection.ok_or(LinkError::UnknownQr)?;
    link(shared, connection, phone, identity, &secret).await
}

fn decode(field: &str) -> Result<[u8; 32], LinkError> {
    BASE64_STANDARD
        .decode(field)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(LinkError::NotAQr)
}

/// Vouches for a companion's identity with the account's key, and tells it who it is now; before that it asks for a
/// passkey, where the account wants that.
pub(crate) async fn link(
    shared: &Arc<Shared>,
    connection: u64,
    phone: &str,
    identity: [u8; 32],
    secret: &[u8; 32],
) -> Result<u16, LinkError> {
    let (identity, secret) = passkey::ask(shared, connection, phone)
        .await?
        .unwrap_or((identity, *secret));
    let id = format!("link-{}", random_hex(4));
    let (sent, answer) = oneshot::channel();
    let (device, noise, account_key, details) = shared.with(|state| {
        let person = state
            .world
            .people
            .get(phone)
            .cloned()
            .ok_or(LinkError::NoAccount)?;
        let account = state
            .world
            .accounts
            .get_mut(phone)
            .ok_or(LinkError::NoAccount)?;
        let key = account.identity().map_err(|_| LinkError::NoAccount)?;
        let live = state
            .live
            .get_mut(&connection)
            .ok_or(LinkError::UnknownQr)?;
        let Who::Unpaired { noise } = live.who else {
            return Err(LinkError::UnknownQr);
        };
        let device = account.next_device;
        account.next_device += 1;
        let details = wa::ADVDeviceIdentity {
            raw_id: Some(rand::random()),
            timestamp: Some(now()),
            key_index: Some(device.into()),
            ..Default::default()
        }
        .encode_to_vec();
        let signed = sign(&key, &details, &identity, &secret).ok_or(LinkError::Incomplete)?;
        let stanza = NodeBuilder::new("iq")
            .attr("from", SERVER)
            .attr("id", id.clone())
            .attr("type", "set")
            .attr("xmlns", "md")
            .children([NodeBuilder::new("pair-success")
                .children([
                    blob("device-identity", signed),
                    // Without a name every login repeats the bootstrap that fetches one.
                    NodeBuilder::new("biz")
                        .attr("name", format!("Account {device}"))
                        .build(),
                    NodeBuilder::new("device")
                        .attr("jid", format!("{phone}:{device}@s.whatsapp.net"))
                        .attr("lid", format!("{}:{device}@lid", person.lid))
                        .build(),
                    NodeBuilder::new("platform").attr("name", "android").build(),
                ])
                .build()])
            .build();
        live.awaiting.insert(id.clone(), sent);
        live.send(Out::Node(stanza));
        Ok((device, noise, key, details))
    })?;

    let answer = within(answer).await?;
    let answer = answer.as_node_ref();
    if attr(&answer, "type").as_deref() != Some("result") {
        let text = answer
            .get_optional_child("error")
            .and_then(|node| attr(node, "text"));
        return Err(LinkError::Refused(text.unwrap_or_default()));
    }
    if !device_signature_holds(&answer, &account_key, &details, &identity) {
        return Err(LinkError::Incomplete);
    }
    shared.with(|state| {
        let account = state
            .world
            .accounts
            .get_mut(phone)
            .ok_or(LinkError::NoAccount)?;
        account.devices.insert(
            device,
            Device {
                noise,
                identity,
                bundle: None,
                keys_shared: false,
            },
        );
        state.unsaved = true;
        withdraw(state, connection);
        Ok(())
    })?;
    if let Err(error) = shared.save() {
        tracing::warn!(%error, "can't write the state file");
    }
    let later = Arc::clone(shared);
    tokio::spawn(async move {
        tokio::time::sleep(RESTART_AFTER).await;
        later.read(|state| {
            if let Some(live) = state.live.get(&connection) {
                live.send(Out::End(stream_error(Some(515), None)));
            }
        });
    });
    Ok(device)
}

/// The `ADVSignedDeviceIdentityHMAC`: the account signs `06 00 ‖ details ‖ companion identity` (XEdDSA).
fn sign(key: &KeyPair, details: &[u8], identity: &[u8; 32], secret: &[u8; 32]) -> Option<Vec<u8>> {
    let message = [&[6, 0], details, identity].concat();
    let signature = key
        .calculate_signature(&message, &mut rand::make_rng::<StdRng>())
        .ok()?;
    let signed = wa::ADVSignedDeviceIdentity {
        details: Some(details.to_vec()),
        account_signature_key: Some(key.public_key.public_key_bytes().to_vec()),
        account_signature: Some(signature.to_vec()),
        ..Default::default()
    }
    .encode_to_vec();
    let container = wa::ADVSignedDeviceIdentityHMAC {
        hmac: Some(hmac_sha256(secret, &signed).to_vec()),
        details: Some(signed),
        ..Default::default()
    };
    Some(container.encode_to_vec())
}

/// The device must sign back: `06 01 ‖ details ‖ companion identity ‖ account key`.
fn device_signature_holds(
    answer: &NodeRef<'_>,
    key: &KeyPair,
    details: &[u8],
    identity: &[u8; 32],
) -> bool {
    let signature = answer
        .get_optional_child("pair-device-sign")
        .and_then(|node| bytes(node, "device-identity"))
        .and_then(|bytes| wa::ADVSignedDeviceIdentity::decode_from_slice(bytes).ok())
        .and_then(|signed| signed.device_signature);
    let message = [
        &[6, 1],
        details,
        identity,
        key.public_key.public_key_bytes(),
    ]
    .concat();
    match (signature, PublicKey::from_djb_public_key_bytes(identity)) {
        (Some(signature), Ok(identity)) => identity.verify_signature(&message, &signature),
        _ => false,
    }
}

pub(crate) async fn within<T>(answer: oneshot::Receiver<T>) -> Result<T, LinkError> {
    match tokio::time::timeout(ANSWER_WITHIN, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        _ => Err(LinkError::Incomplete),
    }
}
