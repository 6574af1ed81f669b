//! Why a client has ended. One client is one connection: it never reconnects by itself.

use std::fmt;
use std::time::Duration;

/// Why a client has ended. Its text is for people who run the session: no phone number, nothing of the inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// WhatsApp could not be reached, or the connection to it dropped.
    Unreachable,
    /// WhatsApp closed the connection to have it opened anew by the device that was just linked (stream error 515).
    Restart,
    /// The device state cannot be read or written.
    Storage,
    /// Nobody scanned any of the QR codes, nor typed a pairing code.
    QrExhausted,
    /// The phone or WhatsApp broke off the pairing.
    PairingFailed,
    /// The device was unlinked, by the phone, by WhatsApp or by [`super::Client::logout`]: its state is of no use any more.
    LoggedOut,
    /// Another client has logged in as this device.
    Replaced,
    /// WhatsApp has banned the account for this long.
    Banned(Duration),
    /// WhatsApp no longer accepts the version that the client claims.
    Outdated,
    /// WhatsApp refuses the login, with the `reason` of its `<failure>`.
    Refused(i32),
    /// The server does not hold the key that is configured.
    ServerNotVerified,
    /// The client went away without a word: a fault of ours or of the library's.
    Internal,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "WhatsApp cannot be reached, or the connection to it dropped",
            Self::Restart => "WhatsApp asks the device it has just linked to connect anew",
            Self::Storage => "what is stored of the device cannot be read or written",
            Self::QrExhausted => "nobody linked the session while its codes were good",
            Self::PairingFailed => "the phone or WhatsApp broke off the pairing",
            Self::LoggedOut => "the device was unlinked on the phone or by WhatsApp",
            Self::Replaced => "another client has logged in as this device",
            Self::Banned(time) => {
                return write!(
                    f,
                    "WhatsApp has banned the account for {}",
                    humantime::format_duration(*time)
                );
            }
            Self::Outdated => "WhatsApp no longer accepts the version that the gateway claims",
            Self::Refused(reason) => {
                return write!(f, "WhatsApp refuses the login with {reason}");
            }
            Self::ServerNotVerified => "the server does not hold the configured key",
            Self::Internal => "the WhatsApp client broke off; the log has more",
        })
    }
}
