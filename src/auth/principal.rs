//! Who is calling, and what they may do.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::store::Caller;

/// One thing a caller may do. Each operation names the one it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Capability {
    /// See what is known of groups and members.
    Read,
    /// Act in WhatsApp: change the members of groups.
    Send,
    /// Create, pair, start, stop and delete sessions.
    Manage,
}

impl Capability {
    /// Every capability, in the document's order.
    pub const ALL: [Self; 3] = [Self::Read, Self::Send, Self::Manage];

    /// The capability as the document spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Send => "send",
            Self::Manage => "manage",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A word that is not a capability.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a capability; use read, send and manage, separated by commas")]
pub struct UnknownCapability(String);

impl FromStr for Capability {
    type Err = UnknownCapability;

    fn from_str(s: &str) -> Result<Self, UnknownCapability> {
        Self::ALL
            .into_iter()
            .find(|capability| capability.as_str() == s)
            .ok_or_else(|| UnknownCapability(s.to_owned()))
    }
}

/// A set of capabilities. Its text form is comma-separated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities(u8);

impl Capabilities {
    /// None at all.
    pub const NONE: Self = Self(0);

    /// Whether `capability` is in the set.
    #[must_use]
    pub const fn contains(self, capability: Capability) -> bool {
        self.0 & capability.bit() != 0
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        Self(
            capabilities
                .into_iter()
                .fold(0, |set, capability| set | capability.bit()),
        )
    }
}

impl FromStr for Capabilities {
    type Err = UnknownCapability;

    fn from_str(s: &str) -> Result<Self, UnknownCapability> {
        s.split(',').map(|word| word.trim().parse()).collect()
    }
}

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = Capability::ALL
            .into_iter()
            .filter(|capability| self.contains(*capability))
            .map(Capability::as_str)
            .collect();
        f.write_str(&words.join(","))
    }
}

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The organization they act for: they see its sessions and no other's.
    pub organization_id: String,
    /// The person, for a login token; none for an api key.
    pub user_id: Option<String>,
    /// The api key's id, not the key; none for a login token.
    pub api_key_id: Option<String>,
    /// What they may do.
    pub capabilities: Capabilities,
}

impl Principal {
    /// Who it is, for the log: `key <id>` or `user <id>`, then the organization. Ids that come from a login token are cut,
    /// and what could break a line or hide in it is replaced.
    #[must_use]
    pub fn log_name(&self) -> String {
        let (kind, id) = match (&self.api_key_id, &self.user_id) {
            (Some(id), _) => ("key", id.as_str()),
            (None, Some(id)) => ("user", id.as_str()),
            (None, None) => ("user", "-"),
        };
        format!("{kind} {} of {}", plain(id), plain(&self.organization_id))
    }

    /// Who it is, as records have it.
    #[must_use]
    pub fn caller(&self) -> Caller {
        match &self.api_key_id {
            Some(id) => Caller::ApiKey(id.clone()),
            None => Caller::User(self.user_id.clone()),
        }
    }

    /// Passes a caller who has `capability`.
    ///
    /// # Errors
    /// 403 `missing_capability`.
    pub fn require(&self, capability: Capability) -> Result<(), Error> {
        if self.capabilities.contains(capability) {
            Ok(())
        } else {
            Err(Error::missing_capability(capability.as_str()))
        }
    }
}

/// At most 64 characters, of which none is outside printable ASCII.
fn plain(id: &str) -> String {
    id.chars()
        .take(64)
        .map(|c| if c.is_ascii_graphic() { c } else { '?' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_a_set_of_known_words() {
        let some: Capabilities = "send, read,read".parse().expect("two capabilities");
        assert_eq!(some.to_string(), "read,send");
        assert!(!some.contains(Capability::Manage));
        for bad in ["", "read,", "Read", "admin", "read send"] {
            assert!(bad.parse::<Capabilities>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_log_gets_a_name_that_breaks_no_line() {
        let mut caller = Principal {
            organization_id: "org 1\n".to_owned(),
            user_id: Some(format!("a\u{202e}\r{}", "x".repeat(100))),
            api_key_id: None,
            capabilities: Capabilities::NONE,
        };
        let name = format!("user a??{} of org?1?", "x".repeat(61));
        assert_eq!(caller.log_name(), name);
        caller.api_key_id = Some("01K".to_owned());
        assert_eq!(caller.log_name(), "key 01K of org?1?");
    }

    #[test]
    fn a_missing_capability_is_named() {
        let caller = Principal {
            organization_id: "org".to_owned(),
            user_id: None,
            api_key_id: None,
            capabilities: Capabilities::from_iter([Capability::Read]),
        };
        assert!(caller.require(Capability::Read).is_ok());
        let error = caller.require(Capability::Send).expect_err("refused");
        assert_eq!(error.details["reason"], "missing_capability");
        assert_eq!(error.details["capability"], "send");
    }
}
