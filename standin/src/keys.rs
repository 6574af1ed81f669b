//! Pre-key bundles: what devices upload, and what others may fetch (`xmlns="encrypt"`).

use crate::iq::{After, Reply};
use crate::node::{Refusal, attr, blob, bytes, first, fixed};
use crate::state::State;
use crate::world::{Bundle, HexKey, SignedPreKey, device_of, public_bytes};
use wacore::prekeys::compute_key_bundle_digest;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

/// The type byte of Curve25519 keys.
const DJB: u8 = 5;

/// Answers an `encrypt` IQ.
pub(crate) fn answer(
    state: &mut State,
    phone: &str,
    device: u16,
    node: &NodeRef<'_>,
) -> Result<Reply, Refusal> {
    let set = attr(node, "type").as_deref() == Some("set");
    match (set, first(node)) {
        (true, Some(child)) if child.tag == "rotate" => rotate(state, phone, device, child),
        (true, Some(_)) if node.get_optional_child("skey").is_some() => {
            upload(state, phone, device, node)
        }
        (false, Some(child)) if child.tag == "count" => {
            let count = bundle(state, phone, device).map_or(0, |bundle| bundle.one_time.len());
            Ok(Reply::new(
                NodeBuilder::new("count")
                    .attr("value", count.to_string())
                    .build(),
            ))
        }
        (false, Some(child)) if child.tag == "digest" => digest(state, phone, device),
        (false, Some(child)) if child.tag == "key" => Ok(fetch(state, child)),
        _ => Err(Refusal::not_implemented()),
    }
}

fn bundle<'s>(state: &'s State, phone: &str, device: u16) -> Option<&'s Bundle> {
    state.world.device(phone, device)?.bundle.as_ref()
}

fn upload(
    state: &mut State,
    phone: &str,
    device: u16,
    node: &NodeRef<'_>,
) -> Result<Reply, Refusal> {
    let identity: [u8; 32] = fixed(node, "identity").ok_or_else(Refusal::bad_request)?;
    let registration_id = fixed(node, "registration")
        .map(u32::from_be_bytes)
        .ok_or_else(Refusal::bad_request)?;
    let signed = node
        .get_optional_child("skey")
        .and_then(signed_key)
        .ok_or_else(Refusal::bad_request)?;
    let list = node
        .get_optional_child("list")
        .and_then(NodeRef::children)
        .unwrap_or_default();
    let keys: Option<Vec<_>> = list
        .iter()
        .map(|key| Some((id(key)?, HexKey(fixed(key, "value")?))))
        .collect();
    let keys = keys.ok_or_else(Refusal::bad_request)?;
    let entry = state
        .world
        .device_mut(phone, device)
        .ok_or_else(Refusal::not_found)?;
    // The account has vouched for one identity at pairing; keys of another are not this device's.
    if entry.identity != identity {
        return Err(Refusal::not_acceptable());
    }
    let mut one_time = entry
        .bundle
        .take()
        .map(|bundle| bundle.one_time)
        .unwrap_or_default();
    one_time.retain(|(old, _)| keys.iter().all(|(new, _)| new != old));
    one_time.extend(keys);
    entry.bundle = Some(Bundle {
        registration_id,
        signed,
        one_time,
    });
    let share = !entry.keys_shared;
    state.unsaved = true;
    let mut reply = Reply::default();
    if share {
        reply.after.push(After::ShareKeys {
            phone: phone.to_owned(),
            device,
        });
    }
    Ok(reply)
}

fn rotate(
    state: &mut State,
    phone: &str,
    device: u16,
    rotate: &NodeRef<'_>,
) -> Result<Reply, Refusal> {
    let signed = rotate
        .get_optional_child("skey")
        .and_then(signed_key)
        .ok_or_else(Refusal::bad_request)?;
    let bundle = state
        .world
        .device_mut(phone, device)
        .and_then(|device| device.bundle.as_mut());
    bundle.ok_or_else(Refusal::not_found)?.signed = signed;
    state.unsaved = true;
    Ok(Reply::default())
}

/// The bundle as the server has it, with its SHA-1; the client uploads again when it differs from its own
/// (WhatsApp Web, `WAWebDigestKeyJob`).
fn digest(state: &State, phone: &str, device: u16) -> Result<Reply, Refusal> {
    let entry = state
        .world
        .device(phone, device)
        .ok_or_else(Refusal::not_found)?;
    let bundle = entry.bundle.as_ref().ok_or_else(Refusal::not_found)?;
    let keys: Vec<&[u8]> = bundle
        .one_time
        .iter()
        .map(|(_, key)| key.0.as_slice())
        .collect();
    let hash = compute_key_bundle_digest(
        &entry.identity,
        &bundle.signed.public,
        &bundle.signed.signature,
        &keys,
    );
    let ids = bundle.one_time.iter().map(|(id, _)| blob("id", short(*id)));
    Ok(Reply::new(
        NodeBuilder::new("digest")
            .children([
                blob("registration", bundle.registration_id.to_be_bytes()),
                blob("type", [DJB]),
                blob("identity", entry.identity),
                signed_node(&bundle.signed),
                NodeBuilder::new("list").children(ids).build(),
                blob("hash", hash),
            ])
            .build(),
    ))
}

/// Hands out the bundles of the asked devices, each one-time key once.
fn fetch(state: &mut State, asked: &NodeRef<'_>) -> Reply {
    let users = asked.children().unwrap_or_default().iter().map(|user| {
        let jid = attr(user, "jid").unwrap_or_default();
        match user_bundle(state, &jid) {
            Some(children) => NodeBuilder::new("user")
                .attr("jid", jid)
                .children(children)
                .build(),
            // 406: no such device (whatsapp-rust then refreshes its device list).
            None => {
                let error = NodeBuilder::new("error")
                    .attr("code", "406")
                    .attr("text", "not-acceptable")
                    .build();
                NodeBuilder::new("user")
                    .attr("jid", jid)
                    .children([error])
                    .build()
            }
        }
    });
    let list = NodeBuilder::new("list")
        .children(users.collect::<Vec<_>>())
        .build();
    Reply::new(list)
}

fn user_bundle(state: &mut State, jid: &str) -> Option<Vec<Node>> {
    let phone = state.world.phone_of(jid)?;
    let device = device_of(jid)?;
    let account = state.world.accounts.get_mut(&phone)?;
    let (identity, bundle) = if device == 0 {
        (public_bytes(&account.identity().ok()?), &mut account.bundle)
    } else {
        let device = account.devices.get_mut(&device)?;
        (device.identity, device.bundle.as_mut()?)
    };
    let mut children = vec![
        blob("registration", bundle.registration_id.to_be_bytes()),
        blob("type", [DJB]),
        blob("identity", identity),
        signed_node(&bundle.signed),
    ];
    if !bundle.one_time.is_empty() {
        let (id, key) = bundle.one_time.remove(0);
        let key = [blob("id", short(id)), blob("value", key.0)];
        children.push(NodeBuilder::new("key").children(key).build());
        state.unsaved = true;
    }
    Some(children)
}

fn signed_node(signed: &SignedPreKey) -> Node {
    NodeBuilder::new("skey")
        .children([
            blob("id", short(signed.id)),
            blob("value", signed.public),
            blob("signature", signed.signature.clone()),
        ])
        .build()
}

fn signed_key(node: &NodeRef<'_>) -> Option<SignedPreKey> {
    let signature = bytes(node, "signature")
        .filter(|bytes| bytes.len() == 64)?
        .to_vec();
    Some(SignedPreKey {
        id: id(node)?,
        public: fixed(node, "value")?,
        signature,
    })
}

/// Key ids are three bytes, big-endian.
fn id(node: &NodeRef<'_>) -> Option<u32> {
    let [a, b, c] = fixed(node, "id")?;
    Some(u32::from_be_bytes([0, a, b, c]))
}

fn short(id: u32) -> [u8; 3] {
    let [_, rest @ ..] = id.to_be_bytes();
    rest
}
