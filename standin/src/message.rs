//! Messages from an account's client to people whose phones are at hand: decrypted as the phone would, and kept.
//!
//! Shapes as `wacore::send` writes them.

use crate::node::{attr, now};
use crate::phone::Phone;
use crate::server::Standin;
use crate::signal::{Identity, NoOneTimeKeys, Session, SignedKey};
use crate::state::{State, Who};
use crate::world::{FromPrivate as _, device_of};
use futures_util::FutureExt as _;
use std::collections::HashMap;
use std::error::Error;
use wacore::libsignal::protocol::{
    CiphertextMessage, GenericSignedPreKey as _, KeyPair, PreKeySignalMessage, ProtocolAddress,
    SessionRecord, SignalMessage, SignedPreKeyRecord, Timestamp, UsePQRatchet, message_decrypt,
};
use wacore::messages::decode_plaintext;
use wacore_binary::NodeRef;
use waproto::whatsapp as wa;

/// A message that a phone has received and decrypted.
#[derive(Debug, Clone)]
pub struct ReceivedMessage {
    /// The id that the sender gave it, which its `<ack>` has too.
    pub id: String,
    /// Phone number of the account that sent it.
    pub from: String,
    /// When it came, in epoch seconds.
    pub at: u64,
    /// What it says.
    pub message: wa::Message,
}

/// An invitation to a group in a message (`GroupInviteMessage`), as the sender wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The group's JID.
    pub gid: String,
    /// The code of the `<add_request>`.
    pub code: String,
    /// Until when the code is good, in epoch seconds.
    pub expiration: Option<i64>,
    /// The group's subject.
    pub group_name: Option<String>,
    /// What is written below it.
    pub caption: Option<String>,
}

impl ReceivedMessage {
    /// The invitation in it; `None` in other messages, and where group or code is left out.
    pub fn invitation(&self) -> Option<Invitation> {
        let invitation = self.message.group_invite_message.as_option()?;
        Some(Invitation {
            gid: invitation.group_jid.clone()?,
            code: invitation.invite_code.clone()?,
            expiration: invitation.invite_expiration,
            group_name: invitation.group_name.clone(),
            caption: invitation.caption.clone(),
        })
    }
}

/// What phones keep of the messages to them. Not in the state file: a client repeats the keys of a session until it is
/// answered, which no phone here does.
#[derive(Default)]
pub(crate) struct Mail {
    /// By the number of the receiver.
    received: HashMap<String, Vec<ReceivedMessage>>,
    /// By the numbers of receiver and sender, and the sender's device.
    sessions: HashMap<(String, String, u16), SessionRecord>,
    /// By the number of the receiver: the error that awaits the next message.
    refused: HashMap<String, u16>,
}

/// Delivers a `<message>` to the phone of the person that it is for. The answer is the `error` of its `<ack>`.
pub(crate) fn receive(state: &mut State, connection: u64, node: &NodeRef<'_>) -> Option<u16> {
    let Who::Device {
        phone: from,
        device,
    } = state.live.get(&connection)?.who.clone()
    else {
        return None;
    };
    let address = attr(node, "to")?;
    let to = state.world.phone_of(&address)?;
    if let Some(error) = state.mail.refused.remove(&to) {
        return Some(error);
    }
    let fanout = node.get_optional_child("participants");
    let copies = fanout
        .and_then(NodeRef::children)
        .unwrap_or_default()
        .iter()
        .filter_map(|copy| Some((attr(copy, "jid")?, copy)))
        .chain([(address, node)]);
    for (jid, copy) in copies {
        // There is one for the sender's own phone too. It is of the session in which that phone has sent the app-state
        // keys (see `primary`), which is not kept.
        let for_phone =
            device_of(&jid) == Some(0) && state.world.phone_of(&jid) == Some(to.clone());
        let Some(sealed) = copy.get_optional_child("enc").filter(|_| for_phone) else {
            continue;
        };
        match open(state, &to, &from, device, sealed) {
            Ok(message) => {
                let message = ReceivedMessage {
                    id: attr(node, "id").unwrap_or_default(),
                    from: from.clone(),
                    at: now(),
                    message,
                };
                let received = state.mail.received.entry(to.clone()).or_default();
                received.push(message);
            }
            Err(error) => tracing::warn!(error, to, "can't read a message"),
        }
    }
    None
}

/// Decrypts an `<enc>` with the keys of the phone of `to`.
fn open(
    state: &mut State,
    to: &str,
    from: &str,
    device: u16,
    sealed: &NodeRef<'_>,
) -> Result<wa::Message, Box<dyn Error>> {
    let account = state.world.accounts.get(to).ok_or("no such account")?;
    let sender = state.world.device(from, device).ok_or("no such device")?;
    let signed = account.signed_key.ok_or("the state file is too old")?;
    let signed = SignedPreKeyRecord::new(
        account.bundle.signed.id.into(),
        Timestamp::from_epoch_millis(0),
        &KeyPair::from_private(&signed.0)?,
        &account.bundle.signed.signature,
    );
    let mut identity = Identity::new(
        account.identity()?,
        account.bundle.registration_id,
        sender.identity,
    );
    let bytes = sealed.content_bytes().ok_or("no content")?;
    let ciphertext = match attr(sealed, "type").as_deref() {
        Some("pkmsg") => {
            CiphertextMessage::PreKeySignalMessage(PreKeySignalMessage::try_from(bytes)?)
        }
        Some("msg") => CiphertextMessage::SignalMessage(SignalMessage::try_from(bytes)?),
        _ => return Err("neither pkmsg nor msg".into()),
    };
    let key = (to.to_owned(), from.to_owned(), device);
    let mut session = Session(state.mail.sessions.get(&key).cloned());
    let opened = message_decrypt(
        &ciphertext,
        &ProtocolAddress::new(from, u32::from(device).into()),
        &mut session,
        &mut identity,
        &mut NoOneTimeKeys,
        &SignedKey(signed),
        &mut rand::make_rng::<rand::rngs::StdRng>(),
        UsePQRatchet::No,
    )
    // It has nothing to wait for, as the stores answer at once.
    .now_or_never()
    .ok_or("unfinished")??;
    if let Some(session) = session.0 {
        state.mail.sessions.insert(key, session);
    }
    let version = attr(sealed, "v").unwrap_or_default().parse()?;
    Ok(decode_plaintext(&opened.plaintext, version)?)
}

impl Standin {
    /// Has the next message to this person (phone number) refused with `<ack error>`, e.g. 463: WhatsApp wants a privacy
    /// token of somebody who does not know the account, or the account is under the reach-out time-lock (whatsapp-rust,
    /// `take_ack_waiter`). The phone does not receive it.
    pub fn refuse_next_message(&self, to: &str, code: u16) {
        self.shared
            .with(|state| state.mail.refused.insert(to.to_owned(), code));
    }
}

impl Phone {
    /// The messages to this account that its phone has received, in order. Only what other accounts' clients sent to the
    /// person is there, no messages to groups. They are not kept in the state file.
    pub fn messages(&self) -> Vec<ReceivedMessage> {
        self.shared.read(|state| {
            let received = state.mail.received.get(&self.number);
            received.cloned().unwrap_or_default()
        })
    }

    /// Waits until there are at least `n` of [`Phone::messages`], and gives them. Bound it with a timeout.
    pub async fn wait_messages(&self, n: usize) -> Vec<ReceivedMessage> {
        self.shared
            .until(|state| {
                let received = state.mail.received.get(&self.number);
                let received = received.map_or(&[][..], Vec::as_slice);
                (received.len() >= n).then(|| received.to_vec())
            })
            .await
    }
}
