//! Faults on command, per account.

use std::time::Duration;

/// Something that goes wrong for one account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The IQ is never answered; the connection stays up.
    Silence {
        /// Whether the server still does what the IQ asks for.
        applied: bool,
    },
    /// The IQ is done and answered after this long. Later IQs do not wait for it.
    Delay(Duration),
    /// The TCP connection is dropped in mid-IQ, without a closing handshake.
    Abort {
        /// Whether the server has done what the IQ asks for before it drops.
        applied: bool,
    },
    /// The IQ is refused, e.g. 429 `rate-overlimit`.
    Refuse {
        /// The `code` attribute.
        code: u16,
        /// The `text` attribute.
        text: String,
    },
    /// The IQ is refused with 429 `rate-overlimit` and a `backoff`: how long WhatsApp asks to be left alone, in whole
    /// seconds (whatsapp-rust, `IqError::ServerError`).
    SlowDown(Duration),
    /// The IQ is done, and the answer says nothing of it: a result without content.
    Blank,
    /// `<stream:error code="503">`, then the server closes; the IQ is not done.
    StreamError503,
    /// `<conflict type="replaced">`: another client took the session over. Terminal for the client.
    Replaced,
    /// `<conflict type="device_removed">`: the phone unlinked the device, which the server forgets.
    Unlinked,
}

impl Fault {
    /// WhatsApp's answer to a client that asks too much (429 `rate-overlimit`).
    pub fn rate_limited() -> Self {
        Self::Refuse {
            code: 429,
            text: "rate-overlimit".to_owned(),
        }
    }

    /// Whether the fault needs no IQ to happen.
    pub(crate) fn is_connection_fault(&self) -> bool {
        matches!(
            self,
            Self::Abort { .. } | Self::StreamError503 | Self::Replaced | Self::Unlinked
        )
    }
}

/// When a [`Fault`] happens. A kind is that of [`crate::Standin::iq_count`], e.g. `set w:g2 add`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// At once, to every connection of the account. The faults that need an IQ (silence, delay, refusal) hit every
    /// IQ from now on, until [`crate::Standin::clear_faults`].
    Now,
    /// At the next IQ of this kind, once.
    Next(String),
    /// At every IQ of this kind, until [`crate::Standin::clear_faults`].
    Every(String),
}

impl When {
    /// [`When::Next`] of a kind.
    pub fn next(kind: impl Into<String>) -> Self {
        Self::Next(kind.into())
    }

    /// [`When::Every`] of a kind.
    pub fn every(kind: impl Into<String>) -> Self {
        Self::Every(kind.into())
    }
}

/// How logins of an account are turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginFault {
    /// The connection is dropped right after the handshake.
    Drop,
    /// `<failure reason="…">`. 401 logs the client out; 503 lets it come back; 405 means it is out of date.
    Failure(u16),
    /// `<failure reason="402" code="101" expire="…">`: banned for this many seconds.
    TemporaryBan(u32),
}

/// A fault that waits for its IQ.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    /// `None` matches every kind.
    pub kind: Option<String>,
    pub once: bool,
    pub fault: Fault,
}

/// Takes the fault that this IQ meets, if any; the first planned wins.
pub(crate) fn take(planned: &mut Vec<Planned>, kind: &str) -> Option<Fault> {
    let at = planned
        .iter()
        .position(|plan| plan.kind.as_deref().is_none_or(|wanted| wanted == kind))?;
    if planned[at].once {
        Some(planned.remove(at).fault)
    } else {
        Some(planned[at].fault.clone())
    }
}
