//! The library's storage contract, over a database in a file.

mod signal;

use tempfile::TempDir;
use whatsapp_rust::bytes::Bytes;
use whatsapp_rust::wacore::appstate::hash::HashState;
use whatsapp_rust::wacore::appstate::processor::AppStateMutationMAC;
use whatsapp_rust::wacore::store::traits::{
    AppStateSyncKey, AppSyncStore, DeviceInfo, DeviceListRecord, LidPnMappingEntry, ProtocolStore,
    SignalStore, TcTokenEntry,
};
use whatsapp_rust::{Jid, wacore};

use super::*;
use crate::whatsapp::testing;

const ANN: &str = "628111000001@s.whatsapp.net";
const BEN: &str = "628111000002@s.whatsapp.net";
const GROUP: &str = "120363041234567890@g.us";
const OTHER_GROUP: &str = "1203630412345678901@g.us";

async fn backend() -> (Backend, TempDir) {
    let (state, directory) = testing::device_state().await;
    (Backend::new(state, None, 0), directory)
}

#[tokio::test(flavor = "multi_thread")]
async fn lids_and_devices() -> Result<()> {
    let (backend, _directory) = backend().await;
    let entry = |lid: &str, phone: &str| LidPnMappingEntry {
        lid: lid.to_owned(),
        phone_number: phone.to_owned(),
        created_at: 1,
        updated_at: 2,
        learning_source: "usync".to_owned(),
    };
    let lid_of = |entry: Option<LidPnMappingEntry>| entry.map(|entry| entry.lid);
    backend
        .put_lid_mappings(&[entry("100", "6281"), entry("101", "6282")])
        .await?;
    assert_eq!(
        lid_of(backend.get_pn_mapping("6281").await?).as_deref(),
        Some("100")
    );
    backend.put_lid_mapping(&entry("100", "6283")).await?;
    assert_eq!(
        lid_of(backend.get_pn_mapping("6281").await?),
        None,
        "the number has changed hands"
    );
    assert_eq!(
        lid_of(backend.get_pn_mapping("6283").await?).as_deref(),
        Some("100")
    );
    backend.put_lid_mapping(&entry("102", "6282")).await?;
    assert_eq!(
        lid_of(backend.get_pn_mapping("6282").await?).as_deref(),
        Some("102"),
        "the latest"
    );
    let lid = backend.get_lid_mapping("101").await?;
    assert_eq!(lid.map(|entry| entry.phone_number).as_deref(), Some("6282"));
    assert_eq!(backend.get_all_lid_mappings().await?.len(), 3);

    let list = |user: &str, id| DeviceListRecord {
        user: user.to_owned(),
        devices: vec![DeviceInfo::new(id, Some(1))],
        timestamp: 3,
        phash: None,
        raw_id: Some(4),
    };
    backend.update_device_list(list("6281", 0)).await?;
    backend
        .update_device_lists(vec![list("6281", 2), list("6282", 0)])
        .await?;
    let devices = backend.get_devices("6281").await?;
    assert_eq!(devices.map(|list| list.devices[0].device_id), Some(2));
    backend.delete_devices("6281").await?;
    assert!(backend.get_devices("6281").await?.is_none());

    backend.save_base_key("a", "m", b"key").await?;
    assert!(backend.has_same_base_key("a", "m", b"key").await?);
    assert!(!backend.has_same_base_key("a", "m", b"other").await?);
    backend.delete_base_key("a", "m").await?;
    assert!(!backend.has_same_base_key("a", "m", b"key").await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens() -> Result<()> {
    let (backend, _directory) = backend().await;
    let parts = |entry: Option<TcTokenEntry>| {
        entry.map(|entry| (entry.token, entry.token_timestamp, entry.sender_timestamp))
    };
    backend.touch_tc_token_sender_timestamp(ANN, 50).await?;
    backend.touch_tc_token_sender_timestamp(ANN, 40).await?;
    assert_eq!(
        parts(backend.get_tc_token(ANN).await?),
        Some((vec![], 50, Some(50)))
    );
    backend.store_received_tc_token(ANN, b"new", 30).await?;
    backend.store_received_tc_token(ANN, b"old", 20).await?;
    let expected = Some((b"new".to_vec(), 30, Some(50)));
    assert_eq!(
        parts(backend.get_tc_token(ANN).await?),
        expected,
        "the newer token, the later time"
    );

    let of_ben = TcTokenEntry {
        token: b"b".to_vec(),
        token_timestamp: 10,
        sender_timestamp: None,
    };
    backend.put_tc_token(BEN, &of_ben).await?;
    assert_eq!(backend.get_all_tc_token_jids().await?, [ANN, BEN]);
    assert_eq!(
        backend.delete_expired_tc_tokens(30, 50).await?,
        1,
        "one is of use as long as either part is"
    );
    assert_eq!(backend.get_all_tc_token_jids().await?, [ANN]);
    backend.delete_tc_token(ANN).await?;
    assert!(backend.get_tc_token(ANN).await?.is_none());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn messages() -> Result<()> {
    let (backend, _directory) = backend().await;
    backend.store_sent_message(ANN, "1", b"hello").await?;
    backend.store_sent_message(ANN, "2", b"again").await?;
    let taken = tokio::join!(
        backend.take_sent_message(ANN, "1"),
        backend.take_sent_message(ANN, "1")
    );
    let taken = [taken.0?, taken.1?];
    assert_eq!(taken.iter().flatten().count(), 1, "taken once");
    let now = wacore::time::now_secs();
    assert_eq!(backend.delete_expired_sent_messages(now - 60).await?, 0);
    assert_eq!(backend.delete_expired_sent_messages(now + 60).await?, 1);

    let secret = |id: &str, secret, expires_at, message_ts| MsgSecretEntry {
        chat: GROUP.into(),
        sender: ANN.into(),
        msg_id: id.into(),
        secret: [secret; 32],
        expires_at,
        message_ts,
    };
    let batch = vec![
        secret("1", 1, 100, 7),
        secret("1", 2, 50, 0),
        secret("2", 3, 0, 0),
    ];
    assert_eq!(backend.put_msg_secrets(batch).await?, 3);
    backend.put_msg_secrets(vec![secret("1", 4, 90, 0)]).await?;
    let found = backend.get_msg_secret_with_ts(GROUP, ANN, "1").await?;
    assert_eq!(found, Some((vec![4; 32], 7)), "a known time is kept");
    assert_eq!(
        backend.delete_expired_msg_secrets(99).await?,
        0,
        "a deadline never comes nearer"
    );
    assert_eq!(backend.delete_expired_msg_secrets(100).await?, 1);
    backend.delete_expired_msg_secrets(i64::MAX - 1).await?;
    assert_eq!(
        backend.get_msg_secret(GROUP, ANN, "2").await?,
        Some(vec![3; 32]),
        "0 is never"
    );
    backend.put_msg_secret(GROUP, BEN, "1", &[5; 32]).await?;
    assert_eq!(
        backend.get_msg_secret(GROUP, BEN, "1").await?,
        Some(vec![5; 32])
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_device() -> Result<()> {
    let (backend, _directory) = backend().await;
    assert!(!backend.exists().await?);
    assert!(backend.load().await?.is_none());
    backend.create().await?;
    let mut device = backend.load().await?.expect("a device");
    device.pn = Some(Jid::pn("628111000001"));
    device.push_name = "Ann".to_owned();
    backend.save(&device).await?;
    backend.create().await?;
    let again = backend.load().await?.expect("a device");
    assert_eq!(
        (again.pn, again.push_name),
        (device.pn.clone(), device.push_name.clone()),
        "made once"
    );
    assert_eq!(again.registration_id, device.registration_id);

    backend.state.clear().await.map_err(failed)?;
    assert!(!backend.exists().await?);
    backend.state.close().await;
    assert!(
        backend.save(&device).await.is_err(),
        "a closed handle writes nothing"
    );
    assert!(!backend.exists().await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_leaves_no_trace() -> Result<()> {
    let (state, _directory) = testing::device_state().await;
    let pinned = Backend::new(state.clone(), Some(Pin::new([9; 32])), 0);
    let plain = Backend::new(state, None, 0);
    pinned.create().await?;
    let device = pinned.load().await?.expect("a device");
    assert!(
        device
            .pn
            .as_ref()
            .is_some_and(super::super::pin::is_provisional)
    );
    let chain = device.server_cert_chain.clone().expect("a chain");
    assert_eq!(chain.leaf.key, [9; 32]);
    pinned.save(&device).await?;
    let stored = plain.load().await?.expect("a device");
    assert_eq!((stored.pn, stored.server_cert_chain), (None, None));

    let paired = Device {
        pn: Some(Jid::pn("628111000001")),
        ..device
    };
    pinned.save(&paired).await?;
    assert_eq!(plain.load().await?.and_then(|device| device.pn), paired.pn);
    assert_eq!(pinned.load().await?.and_then(|device| device.pn), paired.pn);
    Ok(())
}

/// Each login saves the device and asks for the account's own devices: a thousand logins must not write a thousand pages.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_as_it_was_is_not_written_anew() -> Result<()> {
    let (backend, _directory) = backend().await;
    let mut device = Device::new();
    backend.save(&device).await?;
    let saved = backend.state.get(DEVICE, b"").await.map_err(failed)?;
    device.app_version_last_fetched_ms = 7;
    device.login_counter = 1;
    backend.save(&device).await?;
    assert_eq!(backend.state.get(DEVICE, b"").await.map_err(failed)?, saved);
    "Ann".clone_into(&mut device.push_name);
    backend.save(&device).await?;
    assert_ne!(backend.state.get(DEVICE, b"").await.map_err(failed)?, saved);

    const DAY: i64 = 24 * 60 * 60;
    for (timestamp, raw_id, stored) in [
        (100, 1, 100),
        (100 + DAY - 1, 1, 100),
        (200, 2, 200),
        (200 + DAY, 2, 200 + DAY),
        (200, 2, 200),
    ] {
        let list = DeviceListRecord {
            user: "6281".to_owned(),
            devices: vec![],
            timestamp,
            phash: None,
            raw_id: Some(raw_id),
        };
        backend.update_device_list(list).await?;
        let list = backend.get_devices("6281").await?.expect("a list");
        assert_eq!((list.timestamp, list.raw_id), (stored, Some(raw_id)));
    }
    Ok(())
}
