//! The server's half of WhatsApp's Noise handshake: XX, IK and XXfallback.
//!
//! Message layouts and the order of the mixes follow the client side in
//! `wacore-noise` (`handshake.rs`) and whatsmeow (`socket/noisehandshake.go`).

use rand::rngs::StdRng;
use wacore::libsignal::protocol::KeyPair;
use wacore_binary::consts::{NOISE_PATTERN_IK, NOISE_PATTERN_XX, NOISE_PATTERN_XXFALLBACK};
use wacore_noise::{HandshakeError, NoiseCipher, NoiseHandshake};
use waproto::buffa::{Message as _, MessageField};
use waproto::whatsapp as wa;
use waproto::whatsapp::cert_chain::{NoiseCertificate, noise_certificate};
use waproto::whatsapp::handshake_message::{ClientHello, ServerHello};

/// Why a handshake came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeFailed {
    #[error("the message is not a handshake message")]
    Malformed,
    #[error(transparent)]
    Noise(#[from] HandshakeError),
}

/// A finished handshake: who the client proved to be, what it asks for, and the ciphers.
pub(crate) struct Secured {
    /// The static key that the client proved to hold.
    pub client_static: [u8; 32],
    pub payload: wa::ClientPayload,
    /// Decrypts what the client writes.
    pub inbound: NoiseCipher,
    /// Encrypts what the client reads.
    pub outbound: NoiseCipher,
}

/// The answer to a ClientHello.
pub(crate) enum Answer {
    /// IK went through: send `reply`, the channel is up.
    Done {
        reply: Vec<u8>,
        secured: Box<Secured>,
    },
    /// XX, or IK that could not be read: send `reply`, then read a ClientFinish.
    Finish {
        reply: Vec<u8>,
        responder: Box<Responder>,
    },
}

/// An XX or XXfallback handshake that waits for the ClientFinish.
pub(crate) struct Responder {
    noise: NoiseHandshake,
    ephemeral: KeyPair,
}

/// Answers a ClientHello. `prologue` is the connection header that the client sent.
pub(crate) fn answer(
    server: &KeyPair,
    chain: &[u8],
    prologue: &[u8],
    message: &[u8],
) -> Result<Answer, HandshakeFailed> {
    let hello = decode(message)?
        .client_hello
        .into_option()
        .ok_or(HandshakeFailed::Malformed)?;
    let client_ephemeral = key(hello.ephemeral.as_deref())?;
    if hello.r#static.is_none() {
        return xx(NOISE_PATTERN_XX, server, chain, prologue, &client_ephemeral);
    }
    match ik(server, chain, prologue, &client_ephemeral, &hello) {
        Ok(done) => Ok(done),
        // The client pinned another key than ours: WhatsApp then goes on as XXfallback and the client notices by
        // the static key in the reply (WhatsApp Web, `doFallbackHandshake`).
        Err(_) => xx(
            NOISE_PATTERN_XXFALLBACK,
            server,
            chain,
            prologue,
            &client_ephemeral,
        ),
    }
}

fn ik(
    server: &KeyPair,
    chain: &[u8],
    prologue: &[u8],
    client_ephemeral: &[u8; 32],
    hello: &ClientHello,
) -> Result<Answer, HandshakeFailed> {
    let mut noise = NoiseHandshake::new(NOISE_PATTERN_IK, prologue)?;
    noise.authenticate(server.public_key.public_key_bytes());
    noise.authenticate(client_ephemeral);
    noise.mix_shared_secret(server.private_key.serialize(), client_ephemeral)?;
    let client_static = key(Some(&noise.decrypt(present(hello.r#static.as_deref())?)?))?;
    noise.mix_shared_secret(server.private_key.serialize(), &client_static)?;
    let payload = noise.decrypt(present(hello.payload.as_deref())?)?;

    let ephemeral = KeyPair::generate(&mut rand::make_rng::<StdRng>());
    noise.authenticate(ephemeral.public_key.public_key_bytes());
    noise.mix_shared_secret(ephemeral.private_key.serialize(), client_ephemeral)?;
    noise.mix_shared_secret(ephemeral.private_key.serialize(), &client_static)?;
    let chain = noise.encrypt(chain)?;
    let reply = server_hello(&ephemeral, None, chain);
    Ok(Answer::Done {
        reply,
        secured: Box::new(secured(noise, client_static, &payload)?),
    })
}

fn xx(
    pattern: &str,
    server: &KeyPair,
    chain: &[u8],
    prologue: &[u8],
    client_ephemeral: &[u8; 32],
) -> Result<Answer, HandshakeFailed> {
    let mut noise = NoiseHandshake::new(pattern, prologue)?;
    noise.authenticate(client_ephemeral);
    let ephemeral = KeyPair::generate(&mut rand::make_rng::<StdRng>());
    noise.authenticate(ephemeral.public_key.public_key_bytes());
    noise.mix_shared_secret(ephemeral.private_key.serialize(), client_ephemeral)?;
    let encrypted_static = noise.encrypt(server.public_key.public_key_bytes())?;
    noise.mix_shared_secret(server.private_key.serialize(), client_ephemeral)?;
    let chain = noise.encrypt(chain)?;
    let reply = server_hello(&ephemeral, Some(encrypted_static), chain);
    Ok(Answer::Finish {
        reply,
        responder: Box::new(Responder { noise, ephemeral }),
    })
}

impl Responder {
    /// Reads the ClientFinish and ends the handshake.
    pub(crate) fn finish(mut self, message: &[u8]) -> Result<Secured, HandshakeFailed> {
        let finish = decode(message)?
            .client_finish
            .into_option()
            .ok_or(HandshakeFailed::Malformed)?;
        let client_static = key(Some(
            &self.noise.decrypt(present(finish.r#static.as_deref())?)?,
        ))?;
        self.noise
            .mix_shared_secret(self.ephemeral.private_key.serialize(), &client_static)?;
        let payload = self.noise.decrypt(present(finish.payload.as_deref())?)?;
        secured(self.noise, client_static, &payload)
    }
}

/// A certificate chain of our own making. A client that pins the static key (IK) never checks it; one that does
/// XX refuses it, because only WhatsApp can sign a chain that verifies.
pub(crate) fn certificate_chain(server: &KeyPair) -> Result<Vec<u8>, HandshakeError> {
    let mut rng = rand::make_rng::<StdRng>();
    let root = KeyPair::generate(&mut rng);
    let intermediate = KeyPair::generate(&mut rng);
    let mut certificate = |signer: &KeyPair, subject: &KeyPair, serial: u32, issuer: u32| {
        let details = noise_certificate::Details {
            serial: Some(serial),
            issuer_serial: Some(issuer),
            key: Some(subject.public_key.public_key_bytes().to_vec()),
            not_before: Some(1_600_000_000),
            not_after: Some(4_000_000_000),
        }
        .encode_to_vec();
        let signature = signer
            .calculate_signature(&details, &mut rng)
            .map_err(|error| HandshakeError::Crypto(error.to_string()))?;
        Ok::<_, HandshakeError>(NoiseCertificate {
            details: Some(details),
            signature: Some(signature.to_vec()),
        })
    };
    Ok(wa::CertChain {
        intermediate: MessageField::some(certificate(&root, &intermediate, 1, 0)?),
        leaf: MessageField::some(certificate(&intermediate, server, 2, 1)?),
    }
    .encode_to_vec())
}

fn secured(
    noise: NoiseHandshake,
    client_static: [u8; 32],
    payload: &[u8],
) -> Result<Secured, HandshakeFailed> {
    let payload =
        wa::ClientPayload::decode_from_slice(payload).map_err(|_| HandshakeFailed::Malformed)?;
    // The split names the keys from the initiator's side: the first is the one the client writes with.
    let (inbound, outbound) = noise.finish()?;
    Ok(Secured {
        client_static,
        payload,
        inbound,
        outbound,
    })
}

fn server_hello(
    ephemeral: &KeyPair,
    encrypted_static: Option<Vec<u8>>,
    payload: Vec<u8>,
) -> Vec<u8> {
    wa::HandshakeMessage {
        server_hello: MessageField::some(ServerHello {
            ephemeral: Some(ephemeral.public_key.public_key_bytes().to_vec()),
            r#static: encrypted_static,
            payload: Some(payload),
            ..Default::default()
        }),
        ..Default::default()
    }
    .encode_to_vec()
}

fn decode(message: &[u8]) -> Result<wa::HandshakeMessage, HandshakeFailed> {
    wa::HandshakeMessage::decode_from_slice(message).map_err(|_| HandshakeFailed::Malformed)
}

fn present(field: Option<&[u8]>) -> Result<&[u8], HandshakeFailed> {
    field.ok_or(HandshakeFailed::Malformed)
}

fn key(field: Option<&[u8]>) -> Result<[u8; 32], HandshakeFailed> {
    present(field)?
        .try_into()
        .map_err(|_| HandshakeFailed::Malformed)
}
