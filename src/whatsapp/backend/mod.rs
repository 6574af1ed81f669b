//! The client library's storage over [`DeviceState`]: what is kept, and under which kind and key.
//!
//! Keys made of several names join them with a NUL, which occurs in no JID, address or message id. Records of the
//! library that are bytes are kept as they are, the others as JSON. What the library only keeps for sending messages
//! (group snapshots) or for hooks that this gateway does not use is not kept at all: the library's defaults do nothing.

mod protocol;
mod signal;
#[cfg(test)]
mod tests;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use whatsapp_rust::async_trait;
use whatsapp_rust::wacore::store::Device;
use whatsapp_rust::wacore::store::error::{Result, StoreError};
use whatsapp_rust::wacore::store::traits::{
    DeviceStore, MsgSecretEntry, MsgSecretStore, merge_msg_secret_expiry,
    merge_msg_secret_message_ts,
};

use super::pin::Pin;
use crate::store::{self, DeviceState, Row};

const DEVICE: &str = "device";
const MESSAGE_SECRET: &str = "message_secret";

/// The storage of one client.
#[derive(Debug)]
pub(super) struct Backend {
    state: DeviceState,
    pin: Option<Pin>,
    /// How often the device has logged in before this client.
    logins: i32,
    /// Held over every read-modify-write. A session has one client, so its rows have no other writer.
    merging: Mutex<()>,
}

impl Backend {
    pub(super) fn new(state: DeviceState, pin: Option<Pin>, logins: i64) -> Self {
        Self {
            state,
            pin,
            logins: i32::try_from(logins).unwrap_or(i32::MAX),
            merging: Mutex::new(()),
        }
    }
}

fn failed(error: store::StoreError) -> StoreError {
    StoreError::Database(Box::new(error))
}

fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(record).map_err(|error| StoreError::Serialization(Box::new(error)))
}

fn decode<T: DeserializeOwned>(value: &[u8]) -> Result<T> {
    serde_json::from_slice(value).map_err(|error| StoreError::Serialization(Box::new(error)))
}

fn text(value: &[u8]) -> Result<&str> {
    std::str::from_utf8(value).map_err(|error| StoreError::Serialization(Box::new(error)))
}

fn number(value: &[u8]) -> Result<u32> {
    let bytes = value.try_into().map_err(|_| not_valid("number"))?;
    Ok(u32::from_be_bytes(bytes))
}

fn not_valid(what: &str) -> StoreError {
    StoreError::Validation(format!("a stored {what} has a wrong length"))
}

/// Names joined to a key.
fn key(names: &[&str]) -> Vec<u8> {
    names.join("\0").into_bytes()
}

/// The beginning of all keys whose first name is `name`.
fn under(name: &str) -> Vec<u8> {
    key(&[name, ""])
}

fn count(rows: u64) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}

#[async_trait]
impl DeviceStore for Backend {
    async fn save(&self, device: &Device) -> Result<()> {
        let mut device = device.clone();
        // What changes at each login without need: with it none would find the row as it is. When the version was set is
        // known to a cache of all sessions; the logins are counted in the session's own row.
        device.app_version_last_fetched_ms = 0;
        device.login_counter = 0;
        let value = match &self.pin {
            Some(pin) => encode(&pin.remove(device))?,
            None => encode(&device)?,
        };
        self.state
            .put(Row::new(DEVICE, "", value))
            .await
            .map_err(failed)
    }

    async fn load(&self) -> Result<Option<Device>> {
        let Some(value) = self.state.get(DEVICE, b"").await.map_err(failed)? else {
            return Ok(None);
        };
        let mut device: Device = decode(&value)?;
        device.login_counter = self.logins;
        Ok(Some(match &self.pin {
            Some(pin) => pin.apply(device),
            None => device,
        }))
    }

    async fn exists(&self) -> Result<bool> {
        let device = self.state.get(DEVICE, b"").await.map_err(failed)?;
        Ok(device.is_some())
    }

    async fn create(&self) -> Result<i32> {
        if !self.exists().await? {
            self.save(&Device::new()).await?;
        }
        // One session has one device, so every device is number one of its own.
        Ok(1)
    }
}

/// A message secret's record is the secret and then the time of its message, eight bytes, big end first. `at` is its
/// deadline.
fn secret_parts(value: &[u8]) -> Result<(&[u8], i64)> {
    let (secret, time) = value
        .split_last_chunk()
        .ok_or_else(|| not_valid("message secret"))?;
    Ok((secret, i64::from_be_bytes(*time)))
}

#[async_trait]
impl MsgSecretStore for Backend {
    async fn put_msg_secrets(&self, entries: Vec<MsgSecretEntry>) -> Result<usize> {
        let _merging = self.merging.lock().await;
        let keys: Vec<_> = entries
            .iter()
            .map(|entry| key(&[&entry.chat, &entry.sender, &entry.msg_id]))
            .collect();
        let known = self.state.get_many(MESSAGE_SECRET, &keys).await;
        let mut known: std::collections::HashMap<_, _> = known
            .map_err(failed)?
            .into_iter()
            .map(|row| (row.key.clone(), row))
            .collect();
        for (key, entry) in keys.into_iter().zip(&entries) {
            let (mut deadline, mut time) = (entry.expires_at, entry.message_ts);
            if let Some(row) = known.get(&key) {
                deadline = merge_msg_secret_expiry(row.at, deadline);
                time = merge_msg_secret_message_ts(secret_parts(&row.value)?.1, time);
            }
            let value = [entry.secret.as_slice(), &time.to_be_bytes()].concat();
            let row = Row::new(MESSAGE_SECRET, key.clone(), value).at(deadline);
            known.insert(key, row);
        }
        let rows: Vec<_> = known.into_values().collect();
        self.state.put_many(&rows).await.map_err(failed)?;
        Ok(entries.len())
    }

    async fn get_msg_secret(
        &self,
        chat: &str,
        sender: &str,
        msg_id: &str,
    ) -> Result<Option<Vec<u8>>> {
        let found = self.get_msg_secret_with_ts(chat, sender, msg_id).await?;
        Ok(found.map(|(secret, _)| secret))
    }

    async fn get_msg_secret_with_ts(
        &self,
        chat: &str,
        sender: &str,
        msg_id: &str,
    ) -> Result<Option<(Vec<u8>, i64)>> {
        let key = key(&[chat, sender, msg_id]);
        match self.state.get(MESSAGE_SECRET, &key).await.map_err(failed)? {
            Some(value) => {
                let (secret, time) = secret_parts(&value)?;
                Ok(Some((secret.to_vec(), time)))
            }
            None => Ok(None),
        }
    }

    async fn delete_expired_msg_secrets(&self, cutoff_timestamp: i64) -> Result<u32> {
        // A deadline that has come is over: at or before the cutoff.
        let cutoff = cutoff_timestamp.saturating_add(1);
        let gone = self.state.sweep(MESSAGE_SECRET, cutoff).await;
        Ok(count(gone.map_err(failed)?))
    }
}
