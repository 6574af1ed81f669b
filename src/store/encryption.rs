//! Encryption of the values of device state: AES-256-GCM with a nonce of chance, bound to the row that holds the value.

use std::fmt;
use std::sync::Arc;

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _};
use sha2::{Digest as _, Sha256};

use super::StoreError;

/// What comes before a ciphertext. With 96 bits of chance a key is good for 2³² values, more than a gateway writes.
const NONCE: usize = 12;

/// A key that device state is encrypted with. Cheap to clone; shown as its id, and zeroed when the last clone goes.
#[derive(Clone)]
pub struct EncryptionKey(Arc<Parts>);

struct Parts {
    id: String,
    cipher: Aes256Gcm,
}

/// The row that a value belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) session: &'a str,
    pub(super) kind: &'a str,
    pub(super) key: &'a [u8],
}

impl EncryptionKey {
    /// A key of 32 bytes of chance.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        // Tells nothing of a key that nobody can guess.
        let hash = Sha256::digest(bytes);
        let id = hash.iter().take(8).map(|byte| format!("{byte:02x}"));
        Self(Arc::new(Parts {
            id: id.collect(),
            cipher: Aes256Gcm::new(bytes.into()),
        }))
    }

    /// What tells it from other keys, 16 hex digits; no secret.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// A value as it is stored at `place`: the nonce, the ciphertext and its tag.
    pub(super) fn seal(&self, place: Place<'_>, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.seal_with(rand::random(), place, value)
    }

    fn seal_with(
        &self,
        nonce: [u8; NONCE],
        place: Place<'_>,
        value: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let aad = &place.bytes();
        let sealed = self
            .0
            .cipher
            .encrypt(&nonce.into(), Payload { msg: value, aad });
        // Only a value of more than 64 GB cannot be encrypted.
        let sealed = sealed.map_err(|_| StoreError::Unreadable("value"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// The value that is stored at `place` as `sealed`.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`]: it was sealed with another key or for another place, or has been changed since.
    pub(super) fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let unreadable = || StoreError::Unreadable("encrypted device state");
        let (nonce, msg) = sealed.split_first_chunk::<NONCE>().ok_or_else(unreadable)?;
        let aad = &place.bytes();
        let opened = self
            .0
            .cipher
            .decrypt(&(*nonce).into(), Payload { msg, aad });
        opened.map_err(|_| unreadable())
    }
}

// The key itself must not reach a log through `{:?}`.
impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptionKey({})", self.id())
    }
}

impl Place<'_> {
    /// Each part after its length, so that no two places are the same bytes.
    fn bytes(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in [self.session.as_bytes(), self.kind.as_bytes(), self.key] {
            bytes.extend((part.len() as u64).to_be_bytes());
            bytes.extend(part);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'static> = Place {
        session: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        kind: "device",
        key: b"\x00\x01",
    };

    fn key() -> EncryptionKey {
        EncryptionKey::new(&std::array::from_fn(|n| u8::try_from(n).expect("32 bytes")))
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// As another implementation gives it.
    #[test]
    fn a_known_answer() {
        assert_eq!(key().id(), "630dcd2966c43366");
        let sealed = key().seal_with([7; 12], PLACE, b"the private key");
        assert_eq!(
            hex(&sealed.expect("sealed")),
            "0707070707070707070707077b02c37c1f7dbe82a7e976a0eb348de3c79e4b2e939f196588780e0d055fa9"
        );
    }

    #[test]
    fn what_is_sealed_opens_and_never_looks_the_same() {
        for value in [b"".as_slice(), b"v", &[9; 5000]] {
            let sealed = key().seal(PLACE, value).expect("sealed");
            assert_eq!(key().open(PLACE, &sealed).expect("opened"), value);
            assert_ne!(key().seal(PLACE, value).expect("sealed"), sealed);
        }
    }

    #[test]
    fn whatever_is_changed_does_not_open() {
        let sealed = key().seal(PLACE, b"value").expect("sealed");
        let refused = |place, sealed: &[u8]| {
            let opened = key().open(place, sealed);
            assert!(matches!(opened, Err(StoreError::Unreadable(_))));
        };
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            refused(PLACE, &changed);
            refused(PLACE, &sealed[..at]);
        }
        let session = "01ARZ3NDEKTSV4RRFFQ69G5FAW";
        refused(Place { session, ..PLACE }, &sealed);
        let kind = "devic";
        refused(Place { kind, ..PLACE }, &sealed);
        refused(
            Place {
                key: b"\x00",
                ..PLACE
            },
            &sealed,
        );
        // The same bytes, divided in another way.
        let (kind, key) = ("device\x00", b"\x01".as_slice());
        refused(Place { kind, key, ..PLACE }, &sealed);
        let other = EncryptionKey::new(&[1; 32]);
        assert!(other.open(PLACE, &sealed).is_err());
    }

    #[test]
    fn a_key_is_shown_as_its_id() {
        assert_eq!(format!("{:?}", key()), "EncryptionKey(630dcd2966c43366)");
    }
}
