//! What WhatsApp's own protocol adds: devices of people, LIDs, sender keys handed out, tokens, messages sent.

use whatsapp_rust::async_trait;
use whatsapp_rust::wacore::store::error::Result;
use whatsapp_rust::wacore::store::traits::{
    DeviceListRecord, LidPnMappingEntry, ProtocolStore, TcTokenEntry,
};
use whatsapp_rust::wacore::time;

use super::{Backend, Row, count, decode, encode, failed, key, text, under};

const SENDER_KEY_DEVICE: &str = "sender_key_device";
const LID: &str = "lid";
const PHONE: &str = "phone";
const BASE_KEY: &str = "base_key";
const DEVICES: &str = "devices";

/// In seconds, as the records have it.
const DAY: i64 = 24 * 60 * 60;
const TOKEN: &str = "token";
const SENT_MESSAGE: &str = "sent_message";

impl Backend {
    async fn token(&self, jid: &str) -> Result<Option<TcTokenEntry>> {
        let value = self.state.get(TOKEN, jid.as_bytes()).await;
        value
            .map_err(failed)?
            .map(|value| decode(&value))
            .transpose()
    }

    async fn set_token(&self, jid: &str, entry: &TcTokenEntry) -> Result<()> {
        let row = Row::new(TOKEN, jid, encode(entry)?);
        self.state.put(row).await.map_err(failed)
    }

    /// Removes the rows of `kind` that `gone` names.
    async fn delete_where(
        &self,
        kind: &'static str,
        gone: impl Fn(&Row) -> Result<bool> + Send,
    ) -> Result<u32> {
        let mut keys = Vec::new();
        for row in self.state.scan(kind, b"").await.map_err(failed)? {
            if gone(&row)? {
                keys.push(row.key);
            }
        }
        self.state.del(kind, &keys).await.map_err(failed)?;
        Ok(count(keys.len() as u64))
    }
}

/// Whether a list of a user's devices says the same as one of the last day. Each login asks for the account's own; what it
/// has stored then is good enough.
fn is_same(known: &DeviceListRecord, record: &DeviceListRecord) -> bool {
    let of_the_same_time = DeviceListRecord {
        timestamp: record.timestamp,
        ..known.clone()
    };
    encode(&of_the_same_time).ok() == encode(record).ok()
        && (0..DAY).contains(&(record.timestamp - known.timestamp))
}

#[async_trait]
impl ProtocolStore for Backend {
    async fn get_sender_key_devices(&self, group_jid: &str) -> Result<Vec<(String, bool)>> {
        let group = under(group_jid);
        let rows = self.state.scan(SENDER_KEY_DEVICE, &group).await;
        rows.map_err(failed)?
            .into_iter()
            .map(|row| {
                let device = text(row.key.get(group.len()..).unwrap_or_default())?;
                Ok((device.to_owned(), row.value == [1]))
            })
            .collect()
    }

    async fn set_sender_key_status(&self, group_jid: &str, entries: &[(&str, bool)]) -> Result<()> {
        let rows: Vec<_> = entries
            .iter()
            .map(|(device, has_key)| {
                let key = key(&[group_jid, device]);
                Row::new(SENDER_KEY_DEVICE, key, [u8::from(*has_key)])
            })
            .collect();
        self.state.put_many(&rows).await.map_err(failed)
    }

    async fn clear_sender_key_devices(&self, group_jid: &str) -> Result<()> {
        self.state
            .del_all(SENDER_KEY_DEVICE, &under(group_jid))
            .await
            .map_err(failed)
    }

    async fn delete_sender_key_device_rows(&self, device_jids: &[&str]) -> Result<()> {
        let of_one = |row: &Row| {
            let mut names = row.key.splitn(2, |byte| *byte == 0);
            let device = names.nth(1).unwrap_or_default();
            Ok(device_jids.iter().any(|jid| jid.as_bytes() == device))
        };
        self.delete_where(SENDER_KEY_DEVICE, of_one).await?;
        Ok(())
    }

    async fn clear_all_sender_key_devices(&self) -> Result<()> {
        self.state
            .del_all(SENDER_KEY_DEVICE, b"")
            .await
            .map_err(failed)
    }

    async fn get_lid_mapping(&self, lid: &str) -> Result<Option<LidPnMappingEntry>> {
        let value = self.state.get(LID, lid.as_bytes()).await.map_err(failed)?;
        value.map(|value| decode(&value)).transpose()
    }

    async fn get_pn_mapping(&self, phone: &str) -> Result<Option<LidPnMappingEntry>> {
        let lid = self.state.get(PHONE, phone.as_bytes()).await;
        let Some(lid) = lid.map_err(failed)? else {
            return Ok(None);
        };
        // The row of a number that its LID has left since is stale.
        let entry = self.get_lid_mapping(text(&lid)?).await?;
        Ok(entry.filter(|entry| entry.phone_number == phone))
    }

    async fn put_lid_mapping(&self, entry: &LidPnMappingEntry) -> Result<()> {
        self.put_lid_mappings(std::slice::from_ref(entry)).await
    }

    async fn put_lid_mappings(&self, entries: &[LidPnMappingEntry]) -> Result<()> {
        let mut rows = Vec::with_capacity(entries.len() * 2);
        for entry in entries {
            rows.push(Row::new(LID, entry.lid.as_str(), encode(entry)?));
            rows.push(Row::new(
                PHONE,
                entry.phone_number.as_str(),
                entry.lid.as_str(),
            ));
        }
        self.state.put_many(&rows).await.map_err(failed)
    }

    async fn get_all_lid_mappings(&self) -> Result<Vec<LidPnMappingEntry>> {
        let rows = self.state.scan(LID, b"").await.map_err(failed)?;
        rows.iter().map(|row| decode(&row.value)).collect()
    }

    async fn save_base_key(&self, address: &str, message_id: &str, base_key: &[u8]) -> Result<()> {
        let row = Row::new(BASE_KEY, key(&[address, message_id]), base_key);
        self.state.put(row).await.map_err(failed)
    }

    async fn has_same_base_key(
        &self,
        address: &str,
        message_id: &str,
        current_base_key: &[u8],
    ) -> Result<bool> {
        let saved = self.state.get(BASE_KEY, &key(&[address, message_id])).await;
        Ok(saved
            .map_err(failed)?
            .is_some_and(|saved| saved == current_base_key))
    }

    async fn delete_base_key(&self, address: &str, message_id: &str) -> Result<()> {
        self.state
            .del(BASE_KEY, &[key(&[address, message_id])])
            .await
            .map_err(failed)
    }

    async fn update_device_list(&self, record: DeviceListRecord) -> Result<()> {
        self.update_device_lists(vec![record]).await
    }

    async fn update_device_lists(&self, records: Vec<DeviceListRecord>) -> Result<()> {
        let users: Vec<_> = records.iter().map(|record| record.user.as_str()).collect();
        let known = self.state.get_many(DEVICES, &users).await.map_err(failed)?;
        let known = known
            .iter()
            .map(|row| decode::<DeviceListRecord>(&row.value));
        let known: Vec<_> = known.collect::<Result<_>>()?;
        let news = records
            .iter()
            .filter(|record| !known.iter().any(|known| is_same(known, record)));
        let rows = news.map(|record| Ok(Row::new(DEVICES, record.user.as_str(), encode(record)?)));
        let rows: Vec<_> = rows.collect::<Result<_>>()?;
        self.state.put_many(&rows).await.map_err(failed)
    }

    async fn get_devices(&self, user: &str) -> Result<Option<DeviceListRecord>> {
        let value = self.state.get(DEVICES, user.as_bytes()).await;
        value
            .map_err(failed)?
            .map(|value| decode(&value))
            .transpose()
    }

    async fn delete_devices(&self, user: &str) -> Result<()> {
        self.state.del(DEVICES, &[user]).await.map_err(failed)
    }

    async fn get_tc_token(&self, jid: &str) -> Result<Option<TcTokenEntry>> {
        self.token(jid).await
    }

    async fn put_tc_token(&self, jid: &str, entry: &TcTokenEntry) -> Result<()> {
        let _merging = self.merging.lock().await;
        self.set_token(jid, entry).await
    }

    async fn delete_tc_token(&self, jid: &str) -> Result<()> {
        let _merging = self.merging.lock().await;
        self.state.del(TOKEN, &[jid]).await.map_err(failed)
    }

    async fn get_all_tc_token_jids(&self) -> Result<Vec<String>> {
        let rows = self.state.scan(TOKEN, b"").await.map_err(failed)?;
        rows.iter()
            .map(|row| Ok(text(&row.key)?.to_owned()))
            .collect()
    }

    async fn delete_expired_tc_tokens(&self, token_cutoff: i64, sender_cutoff: i64) -> Result<u32> {
        let _merging = self.merging.lock().await;
        self.delete_where(TOKEN, |row| {
            let entry: TcTokenEntry = decode(&row.value)?;
            let received = !entry.token.is_empty() && entry.token_timestamp >= token_cutoff;
            let sent = entry.sender_timestamp.is_some_and(|at| at >= sender_cutoff);
            Ok(!received && !sent)
        })
        .await
    }

    async fn touch_tc_token_sender_timestamp(&self, jid: &str, at: i64) -> Result<()> {
        let _merging = self.merging.lock().await;
        let mut entry = self.token(jid).await?.unwrap_or(TcTokenEntry {
            token: Vec::new(),
            token_timestamp: at,
            sender_timestamp: None,
        });
        entry.sender_timestamp = entry.sender_timestamp.max(Some(at));
        self.set_token(jid, &entry).await
    }

    async fn store_received_tc_token(&self, jid: &str, token: &[u8], at: i64) -> Result<()> {
        let _merging = self.merging.lock().await;
        let known = self.token(jid).await?;
        let newer = |known: &TcTokenEntry| !known.token.is_empty() && at < known.token_timestamp;
        if known.as_ref().is_some_and(newer) {
            return Ok(());
        }
        let entry = TcTokenEntry {
            token: token.to_vec(),
            token_timestamp: at,
            sender_timestamp: known.and_then(|known| known.sender_timestamp),
        };
        self.set_token(jid, &entry).await
    }

    async fn store_sent_message(
        &self,
        chat_jid: &str,
        message_id: &str,
        payload: &[u8],
    ) -> Result<()> {
        let row = Row::new(SENT_MESSAGE, key(&[chat_jid, message_id]), payload);
        let row = row.at(time::now_secs());
        self.state.put(row).await.map_err(failed)
    }

    async fn take_sent_message(&self, chat_jid: &str, message_id: &str) -> Result<Option<Vec<u8>>> {
        let key = key(&[chat_jid, message_id]);
        self.state.take(SENT_MESSAGE, &key).await.map_err(failed)
    }

    async fn delete_expired_sent_messages(&self, cutoff_timestamp: i64) -> Result<u32> {
        let gone = self.state.sweep(SENT_MESSAGE, cutoff_timestamp).await;
        Ok(count(gone.map_err(failed)?))
    }
}
