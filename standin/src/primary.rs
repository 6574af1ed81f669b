//! The phone as a Signal peer: it sends a newly linked device the app-state keys.

use crate::node::{now, random_hex};
use crate::signal::{Identity, Session, Signal};
use crate::state::Shared;
use crate::world::pn_jid;
use std::sync::Arc;
use wacore::libsignal::protocol::{
    IdentityKey, PreKeyBundle, ProtocolAddress, PublicKey, UsePQRatchet, message_encrypt,
    process_prekey_bundle,
};
use wacore::messages::MessageUtils;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;
use waproto::whatsapp::message::protocol_message::Type;
use waproto::whatsapp::message::{
    AppStateSyncKey, AppStateSyncKeyData, AppStateSyncKeyFingerprint, AppStateSyncKeyId,
    AppStateSyncKeyShare, ProtocolMessage,
};

/// Sends the account's app-state keys to a device that has uploaded its first pre-keys. Without them the client
/// waits ten seconds before it says that it is connected.
pub(crate) async fn share_keys(shared: Arc<Shared>, phone: String, device: u16) {
    let Some((sender, bundle, message)) = prepare(&shared, &phone, device) else {
        return;
    };
    match encrypt(sender, &bundle, &message).await {
        Ok(ciphertext) => {
            let id = random_hex(10).to_uppercase();
            let stanza = stanza(&id, &phone, ciphertext);
            shared.with(|state| state.deliver_to(&phone, device, &id, stanza));
        }
        Err(error) => tracing::warn!(%error, "can't encrypt the app-state keys"),
    }
}

/// Collects keys and message, and marks them as sent so that a second upload does not send them again.
fn prepare(shared: &Shared, phone: &str, device: u16) -> Option<(Identity, PreKeyBundle, Vec<u8>)> {
    shared.with(|state| {
        let account = state.world.accounts.get_mut(phone)?;
        let identity = account.identity().ok()?;
        let key = AppStateSyncKey {
            key_id: MessageField::some(AppStateSyncKeyId {
                key_id: Some(account.sync_key_id.to_vec()),
            }),
            key_data: MessageField::some(AppStateSyncKeyData {
                key_data: Some(account.sync_key.to_vec()),
                fingerprint: MessageField::some(AppStateSyncKeyFingerprint {
                    raw_id: Some(1),
                    current_index: Some(1),
                    device_indexes: vec![0, 1],
                }),
                timestamp: i64::try_from(now() * 1000).ok(),
            }),
        };
        let registration_id = account.bundle.registration_id;
        let target = account.devices.get_mut(&device)?;
        let bundle = target.bundle.as_mut()?;
        let one_time = (!bundle.one_time.is_empty()).then(|| bundle.one_time.remove(0));
        let one_time = match one_time {
            Some((id, key)) => Some((
                id.into(),
                PublicKey::from_djb_public_key_bytes(&key.0).ok()?,
            )),
            None => None,
        };
        let bundle = PreKeyBundle::new(
            bundle.registration_id,
            u32::from(device).into(),
            one_time,
            bundle.signed.id.into(),
            PublicKey::from_djb_public_key_bytes(&bundle.signed.public).ok()?,
            bundle.signed.signature.clone(),
            IdentityKey::new(PublicKey::from_djb_public_key_bytes(&target.identity).ok()?),
        );
        target.keys_shared = true;
        state.unsaved = true;
        let message = wa::Message {
            protocol_message: MessageField::some(ProtocolMessage {
                r#type: Some(Type::APP_STATE_SYNC_KEY_SHARE),
                app_state_sync_key_share: MessageField::some(AppStateSyncKeyShare {
                    keys: vec![key],
                }),
                ..Default::default()
            }),
            ..Default::default()
        };
        let sender = Identity::new(identity, registration_id, target.identity);
        Some((sender, bundle.ok()?, MessageUtils::encode_and_pad(&message)))
    })
}

async fn encrypt(mut sender: Identity, bundle: &PreKeyBundle, message: &[u8]) -> Signal<Vec<u8>> {
    let address = ProtocolAddress::new("companion", bundle.device_id()?);
    let mut session = Session::default();
    let mut rng = rand::make_rng::<rand::rngs::StdRng>();
    process_prekey_bundle(
        &address,
        &mut session,
        &mut sender,
        bundle,
        &mut rng,
        UsePQRatchet::No,
    )
    .await?;
    let ciphertext = message_encrypt(message, &address, &mut session, &mut sender).await?;
    Ok(ciphertext.serialize().to_vec())
}

/// `category="peer"`: from a device of one's own account.
fn stanza(id: &str, phone: &str, ciphertext: Vec<u8>) -> Node {
    NodeBuilder::new("message")
        .attr("from", pn_jid(phone))
        .attr("id", id.to_owned())
        .attr("type", "text")
        .attr("category", "peer")
        .attr("t", now().to_string())
        .children([NodeBuilder::new("enc")
            .attr("v", "2")
            .attr("type", "pkmsg")
            .bytes(ciphertext)
            .build()])
        .build()
}
