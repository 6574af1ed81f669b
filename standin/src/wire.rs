//! Frames over a WebSocket, and the encrypted channel of nodes on top of them.

use crate::noise::{self, Answer, HandshakeFailed, Secured};
use bytes::BytesMut;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use wacore::libsignal::protocol::KeyPair;
use wacore_binary::consts::WA_MAGIC_VALUE;
use wacore_binary::{Node, OwnedNodeRef};
use wacore_noise::NoiseCipher;
use wacore_noise::framing::{FrameDecoder, encode_frame};

/// What can go wrong on a connection. All of them end it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error("the client closed the connection")]
    Closed,
    #[error("WebSocket: {0}")]
    WebSocket(#[from] Box<tokio_tungstenite::tungstenite::Error>),
    #[error("no WhatsApp connection header")]
    Header,
    #[error("handshake: {0}")]
    Handshake(#[from] HandshakeFailed),
    #[error("a frame that does not decrypt or decode")]
    Frame,
}

/// A WebSocket that carries length-prefixed frames, in the clear.
struct Frames {
    socket: WebSocketStream<TcpStream>,
    decoder: FrameDecoder,
}

impl Frames {
    /// The next frame. Safe to cancel: nothing is lost between two polls.
    async fn next(&mut self) -> Result<BytesMut, WireError> {
        loop {
            if let Some(frame) = self.decoder.decode_frame() {
                return Ok(frame);
            }
            let chunk = self.chunk().await?;
            self.decoder.feed(&chunk);
        }
    }

    async fn chunk(&mut self) -> Result<bytes::Bytes, WireError> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Binary(chunk))) => return Ok(chunk),
                Some(Ok(Message::Close(_))) | None => return Err(WireError::Closed),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Box::new(error).into()),
            }
        }
    }

    /// Reads what comes before the first frame: an optional edge-routing block (`ED 00 01 len24 data`) and the
    /// four-byte header, which is also the Noise prologue.
    async fn header(&mut self) -> Result<[u8; 4], WireError> {
        let mut seen = Vec::new();
        loop {
            seen.extend_from_slice(&self.chunk().await?);
            let routing = match seen.as_slice() {
                [b'E', b'D', 0, 1, a, b, c, ..] => 7 + u32::from_be_bytes([0, *a, *b, *c]) as usize,
                [b'E', ..] if seen.len() < 7 => continue,
                _ => 0,
            };
            if let Some(&header) = seen.get(routing..).and_then(<[u8]>::first_chunk::<4>) {
                if header[..3] != [b'W', b'A', WA_MAGIC_VALUE] {
                    return Err(WireError::Header);
                }
                self.decoder.feed(&seen[routing + 4..]);
                return Ok(header);
            }
        }
    }

    async fn send(&mut self, payload: &[u8]) -> Result<(), WireError> {
        self.feed(payload).await?;
        self.flush().await
    }

    async fn feed(&mut self, payload: &[u8]) -> Result<(), WireError> {
        let frame = encode_frame(payload, None).map_err(|_| WireError::Frame)?;
        Ok(self
            .socket
            .feed(Message::binary(frame))
            .await
            .map_err(Box::new)?)
    }

    async fn flush(&mut self) -> Result<(), WireError> {
        Ok(self.socket.flush().await.map_err(Box::new)?)
    }
}

/// An encrypted channel of binary nodes.
pub(crate) struct Channel {
    frames: Frames,
    inbound: NoiseCipher,
    outbound: NoiseCipher,
    received: u32,
    sent: u32,
}

/// Takes a TCP connection through the WebSocket upgrade and the Noise handshake.
pub(crate) async fn accept(
    stream: TcpStream,
    server: &KeyPair,
    chain: &[u8],
) -> Result<(Channel, [u8; 32], waproto::whatsapp::ClientPayload), WireError> {
    // The defaults reserve 128 KiB a connection, too much for a test with hundreds of them.
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .write_buffer_size(4096);
    let socket = tokio_tungstenite::accept_async_with_config(stream, Some(config))
        .await
        .map_err(Box::new)?;
    let mut frames = Frames {
        socket,
        decoder: FrameDecoder::new(),
    };
    let header = frames.header().await?;
    let hello = frames.next().await?;
    let secured = match noise::answer(server, chain, &header, &hello)? {
        Answer::Done { reply, secured } => {
            frames.send(&reply).await?;
            *secured
        }
        Answer::Finish { reply, responder } => {
            frames.send(&reply).await?;
            responder.finish(&frames.next().await?)?
        }
    };
    let Secured {
        client_static,
        payload,
        inbound,
        outbound,
    } = secured;
    let channel = Channel {
        frames,
        inbound,
        outbound,
        received: 0,
        sent: 0,
    };
    Ok((channel, client_static, payload))
}

impl Channel {
    /// The next node from the client. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Result<OwnedNodeRef, WireError> {
        let mut frame = self.frames.next().await?;
        let counter = self.received;
        self.received = counter.checked_add(1).ok_or(WireError::Frame)?;
        self.inbound
            .decrypt_in_place_with_counter(counter, &mut frame)
            .map_err(|_| WireError::Frame)?;
        let bytes = wacore_binary::util::unpack_bytes(frame).map_err(|_| WireError::Frame)?;
        OwnedNodeRef::new(bytes).map_err(|_| WireError::Frame)
    }

    /// Queues a node; nothing is on the wire before [`Channel::flush`].
    pub(crate) async fn feed(&mut self, node: &Node) -> Result<(), WireError> {
        let mut frame = wacore_binary::marshal_auto(node).map_err(|_| WireError::Frame)?;
        let counter = self.sent;
        self.sent = counter.checked_add(1).ok_or(WireError::Frame)?;
        self.outbound
            .encrypt_in_place_with_counter(counter, &mut frame)
            .map_err(|_| WireError::Frame)?;
        self.frames.feed(&frame).await
    }

    /// Writes what was queued.
    pub(crate) async fn flush(&mut self) -> Result<(), WireError> {
        self.frames.flush().await
    }

    /// Closes the WebSocket in good order.
    pub(crate) async fn close(mut self) {
        // The client may be gone already; then there is nobody to be polite to.
        let _ = self.frames.socket.close(None).await;
    }
}
