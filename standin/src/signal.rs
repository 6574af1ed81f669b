//! The stores that libsignal wants of a phone. They answer at once, so that nothing ever waits in them.

use async_trait::async_trait;
use wacore::libsignal::protocol::{
    Direction, IdentityChange, IdentityKey, IdentityKeyPair, IdentityKeyStore, KeyPair, PreKeyId,
    PreKeyRecord, PreKeyStore, ProtocolAddress, SessionRecord, SessionStore, SignalProtocolError,
    SignedPreKeyId, SignedPreKeyRecord, SignedPreKeyStore,
};

pub(crate) type Signal<T> = Result<T, SignalProtocolError>;

/// The phone's identity, and that of the one device it deals with.
pub(crate) struct Identity {
    own: IdentityKeyPair,
    registration_id: u32,
    device: [u8; 32],
}

impl Identity {
    /// `device` is the identity that was vouched for when the device was linked; no other is trusted.
    pub(crate) fn new(own: KeyPair, registration_id: u32, device: [u8; 32]) -> Self {
        Self {
            own: IdentityKeyPair::new(IdentityKey::new(own.public_key), own.private_key),
            registration_id,
            device,
        }
    }
}

#[async_trait]
impl IdentityKeyStore for Identity {
    async fn get_identity_key_pair(&self) -> Signal<IdentityKeyPair> {
        Ok(self.own.clone())
    }

    async fn get_local_registration_id(&self) -> Signal<u32> {
        Ok(self.registration_id)
    }

    async fn save_identity(
        &mut self,
        _: &ProtocolAddress,
        _: &IdentityKey,
    ) -> Signal<IdentityChange> {
        Ok(IdentityChange::NewOrUnchanged)
    }

    async fn is_trusted_identity(
        &self,
        _: &ProtocolAddress,
        identity: &IdentityKey,
        _: Direction,
    ) -> Signal<bool> {
        Ok(identity.public_key().public_key_bytes() == self.device)
    }

    async fn get_identity(&self, _: &ProtocolAddress) -> Signal<Option<IdentityKey>> {
        Ok(None)
    }
}

/// The session with the one device.
#[derive(Default)]
pub(crate) struct Session(pub Option<SessionRecord>);

#[async_trait]
impl SessionStore for Session {
    async fn load_session(&self, _: &ProtocolAddress) -> Signal<Option<SessionRecord>> {
        Ok(self.0.clone())
    }

    async fn has_session(&self, _: &ProtocolAddress) -> Signal<bool> {
        Ok(self.0.is_some())
    }

    async fn store_session(&mut self, _: &ProtocolAddress, record: SessionRecord) -> Signal<()> {
        self.0 = Some(record);
        Ok(())
    }
}

/// The phone's signed pre-key; it is never changed.
pub(crate) struct SignedKey(pub SignedPreKeyRecord);

#[async_trait]
impl SignedPreKeyStore for SignedKey {
    async fn get_signed_pre_key(&self, _: SignedPreKeyId) -> Signal<SignedPreKeyRecord> {
        Ok(self.0.clone())
    }

    async fn save_signed_pre_key(
        &mut self,
        _: SignedPreKeyId,
        _: &SignedPreKeyRecord,
    ) -> Signal<()> {
        Ok(())
    }
}

/// Phones here have no one-time pre-keys; a session can do without.
pub(crate) struct NoOneTimeKeys;

#[async_trait]
impl PreKeyStore for NoOneTimeKeys {
    async fn get_pre_key(&self, _: PreKeyId) -> Signal<PreKeyRecord> {
        Err(SignalProtocolError::InvalidPreKeyId)
    }

    async fn save_pre_key(&mut self, _: PreKeyId, _: &PreKeyRecord) -> Signal<()> {
        Ok(())
    }

    async fn remove_pre_key(&mut self, _: PreKeyId) -> Signal<()> {
        Ok(())
    }
}
