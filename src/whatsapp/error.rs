//! What can go wrong with a client, and what callers are told of it.

use std::time::Duration;

use crate::error::{Code, Error, Rule, Violation};

/// What to tell a caller who was refused for haste where WhatsApp does not say how long to wait.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why WhatsApp did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There was no connection, so nothing was sent.
    #[error("not connected")]
    NotConnected,
    /// No answer in time, or the connection dropped after sending: the outcome is unknown.
    #[error("no answer")]
    Unanswered,
    /// WhatsApp answered with an error.
    #[error("refused with {code}")]
    Refused {
        /// The `code` of the IQ error: 403, 404, 429 …
        code: u16,
        /// How long WhatsApp asks to wait, where it says so.
        backoff: Option<Duration>,
    },
    /// WhatsApp answered with something that cannot be read: what it did is unknown.
    #[error("unreadable answer: {0}")]
    Unreadable(Box<dyn std::error::Error + Send + Sync>),
    /// The client library failed in a way that is none of the above.
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
}

/// A client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the device state: {0}")]
pub struct OpenError(pub(super) String);

/// There is no pairing code.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// The device is paired already.
    #[error("already paired")]
    AlreadyPaired,
    /// WhatsApp takes no such phone number: at least seven digits, the first not 0.
    #[error("not a phone number in international format")]
    PhoneNumber,
    /// WhatsApp cannot be asked, or does not answer, or refuses (400 and 429: too many codes for this number).
    #[error(transparent)]
    Call(#[from] CallError),
}

impl From<CallError> for Error {
    /// For calls whose refusal means nothing particular.
    fn from(error: CallError) -> Self {
        match error {
            // Known to the call before it is known to the session: the client is reconnecting.
            CallError::NotConnected => Self::not_connected("connecting"),
            CallError::Unanswered => Self::new(
                Code::UpstreamTimeout,
                "WhatsApp did not answer in time: whether it was done is not known",
            ),
            CallError::Unreadable(source) => Self::new(
                Code::UpstreamTimeout,
                "WhatsApp's answer cannot be read: whether it was done is not known",
            )
            .because(source),
            CallError::Refused { code: 429, backoff } => {
                Self::new(Code::RateLimited, "WhatsApp asks to slow down")
                    .retry_after(backoff.unwrap_or(PATIENCE))
            }
            CallError::Refused { code, .. } => {
                Self::new(Code::UpstreamError, "WhatsApp refused the request")
                    .with("upstreamCode", code)
            }
            CallError::Other(source) => Self::internal(source),
        }
    }
}

impl From<PairError> for Error {
    fn from(error: PairError) -> Self {
        match error {
            PairError::AlreadyPaired => Self::already_paired(),
            PairError::PhoneNumber => {
                Self::validation(vec![Violation::new("phone", Rule::Pattern)])
            }
            PairError::Call(CallError::NotConnected) => Self::connection_dropped(),
            PairError::Call(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals() {
        let refused = |code, backoff| Error::from(CallError::Refused { code, backoff });
        let limited = refused(429, Some(Duration::from_secs(7)));
        assert_eq!(limited.code, Code::RateLimited);
        assert_eq!(limited.retry_after, Some(Duration::from_secs(7)));
        assert!(refused(429, None).retry_after.is_some());

        let other = refused(406, None);
        assert_eq!(other.code, Code::UpstreamError);
        assert_eq!(other.details["upstreamCode"], 406);

        let dropped = Error::from(CallError::NotConnected);
        assert_eq!(dropped.code, Code::NotImplemented);
        assert_eq!(dropped.details["status"], "connecting");

        assert_eq!(
            Error::from(CallError::Unanswered).code,
            Code::UpstreamTimeout
        );
        for (error, code) in [
            (
                CallError::Unreadable("inside".into()),
                Code::UpstreamTimeout,
            ),
            (CallError::Other("inside".into()), Code::Internal),
        ] {
            let told = Error::from(error);
            assert_eq!(told.code, code);
            assert!(!told.message.contains("inside"));
        }
    }
}
