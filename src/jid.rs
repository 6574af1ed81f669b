//! The names of things, as newtypes. Parsing is validation: whoever holds one holds a well-formed one.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

/// The domain of phone-number JIDs.
const USER_SERVER: &str = "@s.whatsapp.net";
/// The domain of groups.
const GROUP_SERVER: &str = "@g.us";
/// The domain of LIDs, WhatsApp's identifiers that hide the phone number.
const LID_SERVER: &str = "@lid";

/// A string that is not the JID or id it was taken for. It carries no value: phone numbers stay out of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a {0}")]
pub struct ParseError(&'static str);

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// The name as it is written on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// A person by phone number, `<digits>@s.whatsapp.net`, without a device suffix.
    UserJid
}
name! {
    /// A person by LID, `<digits>@lid`, without a device suffix.
    Lid
}
name! {
    /// A group, `<digits>[-<digits>]@g.us`.
    GroupJid
}

/// The id of something that this gateway makes: a ULID.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        name! {
            $(#[$doc])*
            $name
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            fn from_str(s: &str) -> Result<Self, ParseError> {
                // The canonical spelling only, so that one thing has one name.
                match ulid::Ulid::from_string(s) {
                    Ok(id) if id.to_string() == s => Ok(Self(s.into())),
                    _ => Err(ParseError($what)),
                }
            }
        }

        impl $name {
            /// A new id, greater than all that this process has generated: lists are in order of creation, also within one
            /// millisecond.
            #[must_use]
            pub fn generate() -> Self {
                static IDS: Mutex<ulid::Generator> = Mutex::new(ulid::Generator::new());
                let mut ids = IDS.lock().unwrap_or_else(PoisonError::into_inner);
                let id = ids
                    .generate()
                    .unwrap_or_else(ulid::Overflow::commit_overflow_increment);
                Self(id.to_string().into())
            }

            /// The least id of this time, epoch milliseconds. A ULID has 48 bits for it.
            #[must_use]
            pub fn first_at(at: i64) -> Self {
                let at = u64::try_from(at).unwrap_or(0).min((1 << 48) - 1);
                Self(ulid::Ulid::from_parts(at, 0).to_string().into())
            }

            /// When it was made, epoch milliseconds.
            #[must_use]
            pub fn made_at(&self) -> i64 {
                let id = ulid::Ulid::from_string(&self.0).unwrap_or_default();
                i64::try_from(id.timestamp_ms()).unwrap_or(i64::MAX)
            }
        }
    };
}

id! {
    /// A session's id, a ULID.
    SessionId, "session id"
}
id! {
    /// An action's id, a ULID.
    ActionId, "action id"
}
id! {
    /// An addition's id, a ULID.
    AdditionId, "addition id"
}
id! {
    /// An api key's id, a ULID. It is no secret.
    ApiKeyId, "api key id"
}

// A phone number must not reach a log through `{:?}` either.
impl fmt::Debug for UserJid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserJid(…)")
    }
}
impl fmt::Debug for Lid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lid(…)")
    }
}
impl fmt::Debug for GroupJid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An old group's JID begins with its creator's number.
        f.write_str("GroupJid(…)")
    }
}
fn is_digits(s: &str) -> bool {
    !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit())
}

impl FromStr for UserJid {
    type Err = ParseError;

    fn from_str(s: &str) -> Result<Self, ParseError> {
        match s.strip_suffix(USER_SERVER) {
            Some(user) if is_digits(user) && (5..=20).contains(&user.len()) => Ok(Self(s.into())),
            _ => Err(ParseError("user JID")),
        }
    }
}

impl UserJid {
    /// Of a phone number: digits, country code first, no `+`.
    ///
    /// # Errors
    /// It is no such number.
    pub fn of_phone_number(digits: &str) -> Result<Self, ParseError> {
        format!("{digits}{USER_SERVER}").parse()
    }

    /// The phone number: digits, country code first, no `+`.
    #[must_use]
    pub fn phone_number(&self) -> &str {
        self.0.strip_suffix(USER_SERVER).unwrap_or(&self.0)
    }
}

impl UserJid {
    /// The other way to write the same number, where its country has two: mobile numbers in Brazil with and without the
    /// ninth digit, in Mexico with and without the 1. WhatsApp answers with the one that the account was made with. Source:
    /// reports of other gateways (evolution-api 2541).
    #[must_use]
    pub fn other_spelling(&self) -> Option<Self> {
        let number = self.phone_number();
        let other = match (number.get(..2)?, number.len()) {
            ("55", 13) if number[4..].starts_with('9') => {
                format!("{}{}", &number[..4], &number[5..])
            }
            ("55", 12) => format!("{}9{}", &number[..4], &number[4..]),
            ("52", 13) if number[2..].starts_with('1') => format!("52{}", &number[3..]),
            ("52", 12) => format!("521{}", &number[2..]),
            _ => return None,
        };
        Self::of_phone_number(&other).ok()
    }
}

impl FromStr for Lid {
    type Err = ParseError;

    fn from_str(s: &str) -> Result<Self, ParseError> {
        match s.strip_suffix(LID_SERVER) {
            Some(user) if is_digits(user) => Ok(Self(s.into())),
            _ => Err(ParseError("LID")),
        }
    }
}

impl Lid {
    /// The digits before the server.
    #[must_use]
    pub fn digits(&self) -> &str {
        self.0.strip_suffix(LID_SERVER).unwrap_or(&self.0)
    }
}

/// A person by either name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PersonJid {
    /// By phone number.
    User(UserJid),
    /// By LID.
    Lid(Lid),
}

impl PersonJid {
    /// The name as it is written on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::User(user) => user.as_str(),
            Self::Lid(lid) => lid.as_str(),
        }
    }

    /// By phone number, if that is the name.
    #[must_use]
    pub const fn user(&self) -> Option<&UserJid> {
        match self {
            Self::User(user) => Some(user),
            Self::Lid(_) => None,
        }
    }

    /// By LID, if that is the name.
    #[must_use]
    pub const fn lid(&self) -> Option<&Lid> {
        match self {
            Self::User(_) => None,
            Self::Lid(lid) => Some(lid),
        }
    }
}

impl fmt::Display for PersonJid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for PersonJid {
    type Err = ParseError;

    fn from_str(s: &str) -> Result<Self, ParseError> {
        let user = s.parse().map(Self::User);
        user.or_else(|_| s.parse().map(Self::Lid))
            .map_err(|_| ParseError("JID of a person"))
    }
}

impl FromStr for GroupJid {
    type Err = ParseError;

    fn from_str(s: &str) -> Result<Self, ParseError> {
        // Old groups are `<creator>-<creation time>`, new ones a single number.
        let well_formed = s
            .strip_suffix(GROUP_SERVER)
            .is_some_and(|user| user.splitn(2, '-').all(is_digits));
        if well_formed {
            Ok(Self(s.into()))
        } else {
            Err(ParseError("group JID"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_jids() {
        let jid: UserJid = "6281234567890@s.whatsapp.net".parse().expect("a user JID");
        assert_eq!(jid.phone_number(), "6281234567890");
        assert!(
            !format!("{jid:?}").contains("628"),
            "Debug hides the number"
        );
        for bad in [
            "",
            "1234@s.whatsapp.net",
            "123456789012345678901@s.whatsapp.net",
            "+62812345678@s.whatsapp.net",
            "62812345678@lid",
            "62812345678:1@s.whatsapp.net",
            "62812345678",
            " 62812345678@s.whatsapp.net",
        ] {
            assert!(bad.parse::<UserJid>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn group_jids() {
        for good in ["120363041234567890@g.us", "6281234567890-1400000000@g.us"] {
            assert_eq!(
                good.parse::<GroupJid>().map(|g| g.to_string()),
                Ok(good.to_owned())
            );
        }
        for bad in [
            "@g.us",
            "-1@g.us",
            "1-@g.us",
            "1-2-3@g.us",
            "abc@g.us",
            "1@s.whatsapp.net",
            "1",
        ] {
            assert!(bad.parse::<GroupJid>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn session_ids() {
        let id = SessionId::generate();
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert!("01HZ0SESSION0000000000000".parse::<SessionId>().is_err());
        assert!(id.as_str().to_lowercase().parse::<SessionId>().is_err());
    }

    #[test]
    fn session_ids_are_in_order() {
        let ids: Vec<SessionId> = (0..1000).map(|_| SessionId::generate()).collect();
        assert!(ids.is_sorted_by(|a, b| a.as_str() < b.as_str()));
    }
}
