//! How the client is brought to talk to a server that is not WhatsApp, without weakening it: the server must prove that
//! it holds a key that the operator has named.
//!
//! The library opens with Noise IK when it knows the server's static key from an earlier connection, and then asks for no
//! certificate: only who holds that key can answer. So that key is put into the device as if it had been learnt. IK needs
//! an account too, so an unpaired device gets a provisional one, which the server reads as "not registered".

use std::sync::Arc;

use whatsapp_rust::Jid;
use whatsapp_rust::wacore::store::Device;
use whatsapp_rust::wacore::store::device::{CachedNoiseCert, CachedServerCertChain};

/// The user part of the provisional account. No phone number is 0.
const PROVISIONAL_USER: &str = "0";

/// Whether this is the account of a device that is not paired.
pub(super) fn is_provisional(account: &Jid) -> bool {
    account.user == PROVISIONAL_USER
}

/// The key of the server that is configured.
#[derive(Debug, Clone)]
pub(super) struct Pin {
    key: Arc<[u8; 32]>,
}

impl Pin {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self { key: Arc::new(key) }
    }

    /// The device as the library is to see it.
    pub(super) fn apply(&self, mut device: Device) -> Device {
        let certificate = CachedNoiseCert {
            key: *self.key,
            not_before: 0,
            not_after: i64::MAX,
        };
        device.server_cert_chain = Some(CachedServerCertChain {
            intermediate: certificate.clone(),
            leaf: certificate,
        });
        device.pn.get_or_insert_with(|| Jid::pn(PROVISIONAL_USER));
        device
    }

    /// The device as it is: what is stored depends on no setting.
    pub(super) fn remove(&self, mut device: Device) -> Device {
        device.server_cert_chain = None;
        device.pn = device.pn.filter(|account| !is_provisional(account));
        device
    }
}
