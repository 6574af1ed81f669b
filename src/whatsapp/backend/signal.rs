//! Keys and sessions of the Signal protocol, and the application state that phones share with their devices.

use std::collections::HashMap;
use std::sync::Arc;

use whatsapp_rust::async_trait;
use whatsapp_rust::bytes::Bytes;
use whatsapp_rust::wacore::appstate::hash::HashState;
use whatsapp_rust::wacore::appstate::processor::AppStateMutationMAC;
use whatsapp_rust::wacore::store::error::Result;
use whatsapp_rust::wacore::store::traits::{AppStateSyncKey, AppSyncStore, SignalStore};

use super::{Backend, Row, decode, encode, failed, not_valid, number, under};

const IDENTITY: &str = "identity";
const SESSION: &str = "session";
const PREKEY: &str = "prekey";
const SIGNED_PREKEY: &str = "signed_prekey";
const SENDER_KEY: &str = "sender_key";
const SYNC_KEY: &str = "sync_key";
const LATEST_SYNC_KEY: &str = "latest_sync_key";
const SYNC_VERSION: &str = "sync_version";
const MUTATION: &str = "mutation";

/// `at` of a pre-key that WhatsApp has; of one that it has not it is 0.
const UPLOADED: i64 = 1;

impl Backend {
    async fn value(&self, kind: &str, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>> {
        self.state.get(kind, key.as_ref()).await.map_err(failed)
    }

    async fn set(
        &self,
        kind: &'static str,
        key: impl Into<Vec<u8>>,
        value: impl Into<Vec<u8>>,
    ) -> Result<()> {
        self.state
            .put(Row::new(kind, key, value))
            .await
            .map_err(failed)
    }

    async fn set_all(
        &self,
        kind: &'static str,
        records: impl Iterator<Item = (&Arc<str>, &[u8])> + Send,
    ) -> Result<()> {
        let rows: Vec<_> = records
            .map(|(key, value)| Row::new(kind, key.as_bytes(), value))
            .collect();
        self.state.put_many(&rows).await.map_err(failed)
    }

    async fn remove(&self, kind: &str, key: impl AsRef<[u8]>) -> Result<()> {
        self.state.del(kind, &[key.as_ref()]).await.map_err(failed)
    }
}

fn ids(ids: &[u32]) -> Vec<[u8; 4]> {
    ids.iter().map(|id| id.to_be_bytes()).collect()
}

#[async_trait]
impl SignalStore for Backend {
    async fn put_identity(&self, address: &str, key: [u8; 32]) -> Result<()> {
        self.set(IDENTITY, address, key).await
    }

    async fn put_identities_batch(&self, identities: &[(Arc<str>, [u8; 32])]) -> Result<()> {
        let records = identities.iter().map(|(a, key)| (a, key.as_slice()));
        self.set_all(IDENTITY, records).await
    }

    async fn load_identity(&self, address: &str) -> Result<Option<[u8; 32]>> {
        match self.value(IDENTITY, address).await? {
            Some(key) => Ok(Some(key.try_into().map_err(|_| not_valid("identity key"))?)),
            None => Ok(None),
        }
    }

    async fn delete_identity(&self, address: &str) -> Result<()> {
        self.remove(IDENTITY, address).await
    }

    async fn get_session(&self, address: &str) -> Result<Option<Bytes>> {
        Ok(self.value(SESSION, address).await?.map(Bytes::from))
    }

    async fn put_session(&self, address: &str, session: &[u8]) -> Result<()> {
        self.set(SESSION, address, session).await
    }

    async fn put_sessions_batch(&self, sessions: &[(Arc<str>, Bytes)]) -> Result<()> {
        let records = sessions.iter().map(|(a, session)| (a, session.as_ref()));
        self.set_all(SESSION, records).await
    }

    async fn delete_session(&self, address: &str) -> Result<()> {
        self.remove(SESSION, address).await
    }

    async fn has_signal_state_for_user(&self, user: &str) -> Result<bool> {
        // Addresses are `user@server` and `user:device@server`.
        for kind in [SESSION, IDENTITY] {
            for end in ["@", ":"] {
                let prefix = format!("{user}{end}");
                if self
                    .state
                    .any(kind, prefix.as_bytes())
                    .await
                    .map_err(failed)?
                {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    async fn store_prekey(&self, id: u32, record: &[u8], uploaded: bool) -> Result<()> {
        let row = Row::new(PREKEY, id.to_be_bytes(), record);
        let at = if uploaded { UPLOADED } else { 0 };
        self.state.put(row.at(at)).await.map_err(failed)
    }

    async fn store_prekeys_batch(&self, keys: &[(u32, Bytes)], uploaded: bool) -> Result<()> {
        let at = if uploaded { UPLOADED } else { 0 };
        let rows: Vec<_> = keys
            .iter()
            .map(|(id, record)| Row::new(PREKEY, id.to_be_bytes(), record.as_ref()).at(at))
            .collect();
        self.state.put_many(&rows).await.map_err(failed)
    }

    async fn load_prekey(&self, id: u32) -> Result<Option<Bytes>> {
        let record = self.value(PREKEY, id.to_be_bytes()).await?;
        Ok(record.map(Bytes::from))
    }

    async fn load_prekeys_batch(&self, wanted: &[u32]) -> Result<Vec<(u32, Bytes)>> {
        let rows = self.state.get_many(PREKEY, &ids(wanted)).await;
        rows.map_err(failed)?
            .into_iter()
            .map(|row| Ok((number(&row.key)?, Bytes::from(row.value))))
            .collect()
    }

    async fn mark_prekeys_uploaded(&self, marked: &[u32]) -> Result<()> {
        self.state
            .set_at(PREKEY, &ids(marked), UPLOADED)
            .await
            .map_err(failed)
    }

    async fn remove_prekey(&self, id: u32) -> Result<()> {
        self.remove(PREKEY, id.to_be_bytes()).await
    }

    async fn get_max_prekey_id(&self) -> Result<u32> {
        let last = self.state.last_key(PREKEY).await.map_err(failed)?;
        last.map_or(Ok(0), |key| number(&key))
    }

    async fn store_signed_prekey(&self, id: u32, record: &[u8]) -> Result<()> {
        self.set(SIGNED_PREKEY, id.to_be_bytes(), record).await
    }

    async fn load_signed_prekey(&self, id: u32) -> Result<Option<Vec<u8>>> {
        self.value(SIGNED_PREKEY, id.to_be_bytes()).await
    }

    async fn load_all_signed_prekeys(&self) -> Result<Vec<(u32, Vec<u8>)>> {
        let rows = self.state.scan(SIGNED_PREKEY, b"").await.map_err(failed)?;
        rows.into_iter()
            .map(|row| Ok((number(&row.key)?, row.value)))
            .collect()
    }

    async fn remove_signed_prekey(&self, id: u32) -> Result<()> {
        self.remove(SIGNED_PREKEY, id.to_be_bytes()).await
    }

    async fn put_sender_key(&self, address: &str, record: &[u8]) -> Result<()> {
        self.set(SENDER_KEY, address, record).await
    }

    async fn put_sender_keys_batch(&self, sender_keys: &[(Arc<str>, Bytes)]) -> Result<()> {
        let records = sender_keys.iter().map(|(a, record)| (a, record.as_ref()));
        self.set_all(SENDER_KEY, records).await
    }

    async fn get_sender_key(&self, address: &str) -> Result<Option<Vec<u8>>> {
        self.value(SENDER_KEY, address).await
    }

    async fn delete_sender_key(&self, address: &str) -> Result<()> {
        self.remove(SENDER_KEY, address).await
    }
}

/// The key of a mutation: its collection and the MAC of its index.
fn mutation(collection: &str, index_mac: &[u8]) -> Vec<u8> {
    [under(collection).as_slice(), index_mac].concat()
}

#[async_trait]
impl AppSyncStore for Backend {
    async fn get_sync_key(&self, key_id: &[u8]) -> Result<Option<AppStateSyncKey>> {
        let value = self.value(SYNC_KEY, key_id).await?;
        value.map(|value| decode(&value)).transpose()
    }

    async fn set_sync_key(&self, key_id: &[u8], key: AppStateSyncKey) -> Result<()> {
        let rows = [
            Row::new(SYNC_KEY, key_id, encode(&key)?),
            Row::new(LATEST_SYNC_KEY, "", key_id),
        ];
        self.state.put_many(&rows).await.map_err(failed)
    }

    async fn get_latest_sync_key_id(&self) -> Result<Option<Vec<u8>>> {
        self.value(LATEST_SYNC_KEY, "").await
    }

    async fn get_version(&self, name: &str) -> Result<HashState> {
        match self.value(SYNC_VERSION, name).await? {
            Some(value) => decode(&value),
            None => Ok(HashState::default()),
        }
    }

    async fn set_version(&self, name: &str, state: HashState) -> Result<()> {
        self.set(SYNC_VERSION, name, encode(&state)?).await
    }

    async fn put_mutation_macs(
        &self,
        name: &str,
        _version: u64,
        mutations: &[AppStateMutationMAC],
    ) -> Result<()> {
        let rows: Vec<_> = mutations
            .iter()
            .map(|mac| {
                Row::new(
                    MUTATION,
                    mutation(name, &mac.index_mac),
                    mac.value_mac.as_slice(),
                )
            })
            .collect();
        self.state.put_many(&rows).await.map_err(failed)
    }

    async fn get_mutation_mac(&self, name: &str, index_mac: &[u8]) -> Result<Option<Vec<u8>>> {
        self.value(MUTATION, mutation(name, index_mac)).await
    }

    async fn get_mutation_macs(
        &self,
        name: &str,
        index_macs: &[[u8; 32]],
    ) -> Result<HashMap<[u8; 32], Vec<u8>>> {
        let keys: Vec<_> = index_macs.iter().map(|mac| mutation(name, mac)).collect();
        let rows = self.state.get_many(MUTATION, &keys).await.map_err(failed)?;
        rows.into_iter()
            .map(|row| {
                let index = row.key.last_chunk().ok_or_else(|| not_valid("index MAC"))?;
                Ok((*index, row.value))
            })
            .collect()
    }

    async fn delete_mutation_macs(&self, name: &str, index_macs: &[Vec<u8>]) -> Result<()> {
        let keys: Vec<_> = index_macs.iter().map(|mac| mutation(name, mac)).collect();
        self.state.del(MUTATION, &keys).await.map_err(failed)
    }

    async fn clear_mutation_macs(&self, name: &str) -> Result<()> {
        self.state
            .del_all(MUTATION, &under(name))
            .await
            .map_err(failed)
    }
}
