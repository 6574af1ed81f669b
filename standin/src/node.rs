//! Small helpers to read and build nodes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

/// The server's own JID, the sender of most of its stanzas.
pub(crate) const SERVER: &str = wacore_binary::SERVER_JID;

/// An attribute as text.
pub(crate) fn attr(node: &NodeRef<'_>, name: &str) -> Option<String> {
    node.get_attr(name).map(|value| value.as_str().into_owned())
}

/// The first child, if the content is a list of nodes.
pub(crate) fn first<'n, 'a>(node: &'n NodeRef<'a>) -> Option<&'n NodeRef<'a>> {
    node.children()?.first()
}

/// The bytes of a named child.
pub(crate) fn bytes<'n>(node: &'n NodeRef<'_>, child: &str) -> Option<&'n [u8]> {
    node.get_optional_child(child)?.content_bytes()
}

/// The bytes of a named child, of a fixed length.
pub(crate) fn fixed<const N: usize>(node: &NodeRef<'_>, child: &str) -> Option<[u8; N]> {
    bytes(node, child)?.try_into().ok()
}

/// A node that holds bytes.
pub(crate) fn blob(tag: &'static str, bytes: impl Into<Vec<u8>>) -> Node {
    NodeBuilder::new(tag).bytes(bytes).build()
}

/// A result IQ without content.
pub(crate) fn result(request: &NodeRef<'_>) -> NodeBuilder {
    NodeBuilder::new("iq")
        .attr(
            "from",
            attr(request, "to").unwrap_or_else(|| SERVER.to_owned()),
        )
        .attr("id", attr(request, "id").unwrap_or_default())
        .attr("type", "result")
}

/// An error IQ: `<iq type="error"><error code text/></iq>`.
pub(crate) fn error(request: &NodeRef<'_>, refusal: &Refusal) -> Node {
    let mut error = NodeBuilder::new("error")
        .attr("code", refusal.code.to_string())
        .attr("text", refusal.text.clone());
    if let Some(backoff) = refusal.backoff {
        error = error.attr("backoff", backoff.to_string());
    }
    NodeBuilder::new("iq")
        .attr(
            "from",
            attr(request, "to").unwrap_or_else(|| SERVER.to_owned()),
        )
        .attr("id", attr(request, "id").unwrap_or_default())
        .attr("type", "error")
        .children([error.build()])
        .build()
}

/// A stream error of the given kind.
pub(crate) fn stream_error(code: Option<u16>, conflict: Option<&'static str>) -> Node {
    let mut node = NodeBuilder::new("stream:error");
    if let Some(code) = code {
        node = node.attr("code", code.to_string());
    }
    if let Some(kind) = conflict {
        node = node.children([NodeBuilder::new("conflict").attr("type", kind).build()]);
    }
    node.build()
}

/// Why the server will not do what an IQ asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code} {text}")]
pub struct Refusal {
    /// The `code` attribute, e.g. 403.
    pub code: u16,
    /// The `text` attribute, e.g. `forbidden`.
    pub text: String,
    /// The `backoff` attribute: how many seconds WhatsApp asks to be left alone.
    pub backoff: Option<u64>,
}

impl Refusal {
    pub(crate) fn new(code: u16, text: &str) -> Self {
        Self {
            code,
            text: text.to_owned(),
            backoff: None,
        }
    }

    pub(crate) fn slow_down(pause: Duration) -> Self {
        Self {
            backoff: Some(pause.as_secs()),
            ..Self::new(429, "rate-overlimit")
        }
    }

    pub(crate) fn bad_request() -> Self {
        Self::new(400, "bad-request")
    }

    pub(crate) fn forbidden() -> Self {
        Self::new(403, "forbidden")
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, "item-not-found")
    }

    pub(crate) fn not_acceptable() -> Self {
        Self::new(406, "not-acceptable")
    }

    pub(crate) fn not_implemented() -> Self {
        Self::new(501, "feature-not-implemented")
    }
}

/// Seconds since the epoch, as WhatsApp's `t` attributes count.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}

/// A random lower-case hex string of `2 * bytes` characters.
pub(crate) fn random_hex(bytes: usize) -> String {
    (0..bytes)
        .map(|_| format!("{:02x}", rand::random::<u8>()))
        .collect()
}
