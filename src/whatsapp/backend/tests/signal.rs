//! Identities, sessions, keys and the state of the application.

use std::sync::Arc;

use super::*;

fn named<T>(entries: impl IntoIterator<Item = (&'static str, T)>) -> Vec<(Arc<str>, T)> {
    entries
        .into_iter()
        .map(|(name, value)| (name.into(), value))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn identities_and_sessions() -> Result<()> {
    let (backend, _directory) = backend().await;
    assert_eq!(backend.load_identity("628111000001@c.us").await?, None);
    backend.put_identity("628111000001@c.us", [1; 32]).await?;
    let more = named([
        ("628111000001@c.us", [2; 32]),
        ("628111000002:7@c.us", [3; 32]),
    ]);
    backend.put_identities_batch(&more).await?;
    assert_eq!(
        backend.load_identity("628111000001@c.us").await?,
        Some([2; 32])
    );

    backend.put_session("628111000003:1@c.us", b"one").await?;
    let more = named([
        ("628111000003:1@c.us", Bytes::from("two")),
        ("628111000004@c.us", Bytes::new()),
    ]);
    backend.put_sessions_batch(&more).await?;
    assert_eq!(
        backend.get_session("628111000003:1@c.us").await?,
        Some(Bytes::from("two"))
    );
    assert!(
        backend.has_session("628111000004@c.us").await?,
        "an empty record is one"
    );

    for user in ["628111000001", "628111000002", "628111000003"] {
        assert!(backend.has_signal_state_for_user(user).await?, "{user}");
    }
    assert!(
        !backend.has_signal_state_for_user("62811100000").await?,
        "not by a part of the number"
    );

    backend.delete_identity("628111000001@c.us").await?;
    backend.delete_session("628111000003:1@c.us").await?;
    assert!(!backend.has_signal_state_for_user("628111000001").await?);
    assert!(!backend.has_session("628111000003:1@c.us").await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn prekeys() -> Result<()> {
    let (backend, _directory) = backend().await;
    assert_eq!(backend.get_max_prekey_id().await?, 0);
    backend.store_prekey(1, b"a", false).await?;
    let many: Vec<_> = (2..=1200)
        .map(|id| (id, Bytes::from(id.to_string())))
        .collect();
    backend.store_prekeys_batch(&many, false).await?;
    assert_eq!(
        backend.get_max_prekey_id().await?,
        1200,
        "by number, not by text"
    );

    backend.remove_prekey(2).await?;
    backend.mark_prekeys_uploaded(&[1, 2, 3]).await?;
    assert_eq!(
        backend.load_prekey(2).await?,
        None,
        "a key that is used up stays so"
    );
    let all: Vec<u32> = (1..=1201).collect();
    let mut loaded = backend.load_prekeys_batch(&all).await?;
    loaded.sort();
    assert_eq!(loaded.len(), 1199);
    assert_eq!(loaded[0], (1, Bytes::from("a")));
    assert_eq!(loaded[1], (3, Bytes::from("3")));
    let uploaded = backend.state.scan("prekey", b"").await.map_err(failed)?;
    let uploaded: Vec<_> = uploaded.iter().filter(|row| row.at == 1).collect();
    assert_eq!(uploaded.len(), 2);

    backend.store_signed_prekey(7, b"s").await?;
    backend.store_signed_prekey(8, b"t").await?;
    backend.remove_signed_prekey(7).await?;
    assert_eq!(backend.load_signed_prekey(7).await?, None);
    assert_eq!(
        backend.load_all_signed_prekeys().await?,
        [(8, b"t".to_vec())]
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sender_keys() -> Result<()> {
    let (backend, _directory) = backend().await;
    backend.put_sender_key("g:a", b"one").await?;
    let more = named([("g:a", Bytes::from("two")), ("g:b", Bytes::from("three"))]);
    backend.put_sender_keys_batch(&more).await?;
    backend.delete_sender_key("g:b").await?;
    assert_eq!(backend.get_sender_key("g:a").await?, Some(b"two".to_vec()));
    assert_eq!(backend.get_sender_key("g:b").await?, None);

    backend
        .set_sender_key_status(GROUP, &[(ANN, true), (BEN, true)])
        .await?;
    backend
        .set_sender_key_status(GROUP, &[(BEN, false)])
        .await?;
    backend
        .set_sender_key_status(OTHER_GROUP, &[(ANN, true)])
        .await?;
    let devices = backend.get_sender_key_devices(GROUP).await?;
    assert_eq!(devices, [(ANN.to_owned(), true), (BEN.to_owned(), false)]);
    backend.delete_sender_key_device_rows(&[ANN]).await?;
    assert_eq!(
        backend.get_sender_key_devices(GROUP).await?,
        [(BEN.to_owned(), false)]
    );
    assert_eq!(backend.get_sender_key_devices(OTHER_GROUP).await?, []);
    backend
        .set_sender_key_status(OTHER_GROUP, &[(ANN, true)])
        .await?;
    backend.clear_sender_key_devices(GROUP).await?;
    assert_eq!(backend.get_sender_key_devices(GROUP).await?, []);
    assert_eq!(backend.get_sender_key_devices(OTHER_GROUP).await?.len(), 1);
    backend.clear_all_sender_key_devices().await?;
    assert_eq!(backend.get_sender_key_devices(OTHER_GROUP).await?, []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn application_state() -> Result<()> {
    let (backend, _directory) = backend().await;
    let sync_key = |timestamp| AppStateSyncKey {
        key_data: vec![1, 2],
        fingerprint: vec![3],
        timestamp,
    };
    assert_eq!(backend.get_latest_sync_key_id().await?, None);
    backend.set_sync_key(&[0, 9], sync_key(1)).await?;
    backend.set_sync_key(&[0, 1], sync_key(2)).await?;
    assert_eq!(
        backend.get_latest_sync_key_id().await?,
        Some(vec![0, 1]),
        "the last that was stored"
    );
    let first = backend.get_sync_key(&[0, 9]).await?;
    assert_eq!(first.map(|key| key.timestamp), Some(1));

    assert_eq!(backend.get_version("regular").await?.version, 0);
    let state = HashState {
        version: 5,
        hash: [7; 128],
        ..HashState::default()
    };
    backend.set_version("regular", state).await?;
    let state = backend.get_version("regular").await?;
    assert_eq!((state.version, state.hash), (5, [7; 128]));

    // Index MACs are arbitrary bytes: also such as look like the end of a name or of a range.
    let macs = [[0; 32], [0xFF; 32]];
    let mutations = macs.map(|index_mac| AppStateMutationMAC {
        index_mac: index_mac.to_vec(),
        value_mac: vec![index_mac[0]],
    });
    backend.put_mutation_macs("regular", 5, &mutations).await?;
    backend
        .put_mutation_macs("regular_low", 1, &mutations)
        .await?;
    let found = backend
        .get_mutation_macs("regular", &[macs[0], macs[1], [1; 32]])
        .await?;
    assert_eq!(found, [(macs[0], vec![0]), (macs[1], vec![0xFF])].into());
    backend
        .delete_mutation_macs("regular", &[macs[0].to_vec()])
        .await?;
    assert_eq!(backend.get_mutation_mac("regular", &macs[0]).await?, None);
    backend.clear_mutation_macs("regular").await?;
    assert_eq!(backend.get_mutation_mac("regular", &macs[1]).await?, None);
    assert_eq!(
        backend.get_mutation_mac("regular_low", &macs[1]).await?,
        Some(vec![0xFF])
    );
    Ok(())
}
