//! XX and XXfallback, which a stock client ends at the certificate: here a client that does not look at it.

use crate::support::*;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use wacore::libsignal::protocol::KeyPair;
use wacore_binary::consts::{NOISE_PATTERN_XX, NOISE_PATTERN_XXFALLBACK, WA_CONN_HEADER};
use wacore_binary::{Node, OwnedNodeRef};
use wacore_noise::framing::{FrameDecoder, encode_frame};
use wacore_noise::{NoiseCipher, NoiseHandshake, build_handshake_header};
use waproto::buffa::{Message as _, MessageField};
use waproto::whatsapp as wa;
use waproto::whatsapp::handshake_message::{ClientFinish, ClientHello};
use whatsapp_standin::Standin;

struct Raw {
    socket: WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>,
    frames: FrameDecoder,
}

impl Raw {
    async fn frame(&mut self) -> Vec<u8> {
        loop {
            if let Some(frame) = self.frames.decode_frame() {
                return frame.to_vec();
            }
            let message = soon("a message", self.socket.next())
                .await
                .unwrap()
                .unwrap();
            self.frames.feed(&message.into_data());
        }
    }

    /// Registers over XX; with `ik` the ClientHello is one of IK for a key that is not the server's.
    async fn register(standin: &Standin, statics: &KeyPair, ik: bool) -> (Self, NoiseCipher) {
        let (socket, _) = tokio_tungstenite::connect_async(standin.url())
            .await
            .unwrap();
        let mut raw = Self {
            socket,
            frames: FrameDecoder::new(),
        };
        let mut rng = rand::make_rng::<rand::rngs::StdRng>();
        let ephemeral = KeyPair::generate(&mut rng);
        let pattern = if ik {
            NOISE_PATTERN_XXFALLBACK
        } else {
            NOISE_PATTERN_XX
        };
        let mut noise = NoiseHandshake::new(pattern, &WA_CONN_HEADER).unwrap();
        noise.authenticate(ephemeral.public_key.public_key_bytes());
        let hello = wa::HandshakeMessage {
            client_hello: MessageField::some(ClientHello {
                ephemeral: Some(ephemeral.public_key.public_key_bytes().to_vec()),
                r#static: ik.then(|| vec![7; 48]),
                payload: ik.then(|| vec![7; 48]),
                ..Default::default()
            }),
            ..Default::default()
        };
        let (header, routed) = build_handshake_header(Some(&[1, 2, 3]));
        assert!(routed);
        let first = encode_frame(&hello.encode_to_vec(), Some(&header)).unwrap();
        // In two pieces, as a network may deliver it.
        raw.socket
            .send(Message::binary(first[..5].to_vec()))
            .await
            .unwrap();
        raw.socket
            .send(Message::binary(first[5..].to_vec()))
            .await
            .unwrap();

        let hello = wa::HandshakeMessage::decode_from_slice(&raw.frame().await).unwrap();
        let hello = hello.server_hello.into_option().unwrap();
        let server_ephemeral = hello.ephemeral.unwrap();
        noise.authenticate(&server_ephemeral);
        noise
            .mix_shared_secret(ephemeral.private_key.serialize(), &server_ephemeral)
            .unwrap();
        let server_static = noise.decrypt(&hello.r#static.unwrap()).unwrap();
        assert_eq!(hex::encode(&server_static), standin.server_key());
        noise
            .mix_shared_secret(ephemeral.private_key.serialize(), &server_static)
            .unwrap();
        noise.decrypt(&hello.payload.unwrap()).unwrap();
        let own = noise
            .encrypt(statics.public_key.public_key_bytes())
            .unwrap();
        noise
            .mix_shared_secret(statics.private_key.serialize(), &server_ephemeral)
            .unwrap();
        let payload = wacore::store::Device::new().get_client_payload();
        assert!(payload.device_pairing_data.is_set());
        let payload = noise.encrypt(&payload.encode_to_vec()).unwrap();
        let finish = wa::HandshakeMessage {
            client_finish: MessageField::some(ClientFinish {
                r#static: Some(own),
                payload: Some(payload),
                ..Default::default()
            }),
            ..Default::default()
        };
        let finish = encode_frame(&finish.encode_to_vec(), None).unwrap();
        raw.socket.send(Message::binary(finish)).await.unwrap();
        let (_, read) = noise.finish().unwrap();
        (raw, read)
    }

    async fn node(&mut self, cipher: &NoiseCipher, counter: u32) -> Node {
        let mut frame = bytes::BytesMut::from(self.frame().await.as_slice());
        cipher
            .decrypt_in_place_with_counter(counter, &mut frame)
            .unwrap();
        let bytes = wacore_binary::util::unpack_bytes(frame).unwrap();
        OwnedNodeRef::new(bytes).unwrap().to_owned_node()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_goes_over_xx_and_xxfallback() {
    let standin = world().await;
    for ik in [false, true] {
        let statics = KeyPair::generate(&mut rand::make_rng::<rand::rngs::StdRng>());
        let (mut raw, cipher) = Raw::register(&standin, &statics, ik).await;
        let offer = raw.node(&cipher, 0).await;
        let refs: Vec<_> = offer
            .get_optional_child("pair-device")
            .unwrap()
            .get_children_by_tag("ref")
            .collect();
        assert_eq!(refs.len(), 6);
        // A QR with another Noise key than the connection's is no use.
        let reference = refs[0].content_as_string().unwrap();
        let key = BASE64_STANDARD.encode([9; 32]);
        let scanned = standin
            .phone(ME)
            .scan(&format!("{reference},{key},{key},{key},1"))
            .await;
        assert_eq!(scanned, Err(whatsapp_standin::LinkError::UnknownQr));
    }
}
