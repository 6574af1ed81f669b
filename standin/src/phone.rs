//! What tests do with an account's own phone.

use crate::code;
use crate::link::{self, LinkError};
use crate::state::{Shared, State};
use crate::webauthn;
use std::sync::Arc;

/// The phone of an account.
#[derive(Clone)]
pub struct Phone {
    pub(crate) shared: Arc<Shared>,
    pub(crate) number: String,
}

impl Phone {
    /// Scans a QR code; the text may begin with `https://wa.me/settings/linked_devices#`. Returns the id of the
    /// linked device once the client has confirmed; the client then has to log in again. Where the account asks for a
    /// passkey that is when its code is confirmed.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn scan(&self, qr: &str) -> Result<u16, LinkError> {
        link::scan(&self.shared, &self.number, qr).await
    }

    /// Enters a pairing code, with or without the hyphen. Returns the id of the linked device.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn enter_code(&self, code: &str) -> Result<u16, LinkError> {
        code::enter_code(&self.shared, &self.number, code).await
    }

    /// What this phone's passkey, in a browser on WhatsApp's page, makes of the request options
    /// (`PublicKeyCredentialRequestOptionsJSON`): an `AuthenticationResponseJSON`. `None` where there is no passkey, or
    /// the options can't be read.
    pub fn assert_passkey(&self, options: &str) -> Option<String> {
        self.assert_passkey_on(webauthn::ORIGIN, options)
    }

    /// [`Phone::assert_passkey`] on a page of any origin. A browser would not let it.
    pub fn assert_passkey_on(&self, origin: &str, options: &str) -> Option<String> {
        self.shared.read(|state| {
            let account = state.world.accounts.get(&self.number)?;
            account.passkey.as_ref()?.assert(origin, options)
        })
    }

    /// Waits for the code that the phone shows while a device is being linked, to be compared with the one that the
    /// device shows. Bound it with a timeout.
    pub async fn passkey_code(&self) -> String {
        self.shared
            .until(|state| {
                let mut ceremonies = state.passkeys.values();
                ceremonies
                    .find(|ceremony| ceremony.phone == self.number)?
                    .code
                    .clone()
            })
            .await
    }

    /// Unlinks every companion device; connected ones are told. Returns how many there were.
    pub fn unlink(&self) -> usize {
        self.shared.with(|state| {
            let devices = devices(state, &self.number);
            devices
                .iter()
                .filter(|device| state.unlink(&self.number, **device))
                .count()
        })
    }

    /// The ids of the linked devices.
    pub fn devices(&self) -> Vec<u16> {
        self.shared.read(|state| devices(state, &self.number))
    }
}

fn devices(state: &State, number: &str) -> Vec<u16> {
    match state.world.accounts.get(number) {
        Some(account) => account.devices.keys().copied().collect(),
        None => Vec::new(),
    }
}
