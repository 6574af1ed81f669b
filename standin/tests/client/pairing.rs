use crate::support::*;
use std::time::Instant;
use wacore::types::events::Event;
use whatsapp_rust::pair_code::PairCodeOptions;
use whatsapp_standin::{LinkError, Standin, StandinConfig};

#[tokio::test(flavor = "multi_thread")]
async fn qr_pairs_and_logs_in_again_from_the_store() {
    let standin = world().await;
    let store = store(&standin).await;
    let device = Device::start(&standin, &store).await;
    let qr = device.qr().await;
    assert_eq!(
        standin.phone(ME).scan("hello").await,
        Err(LinkError::NotAQr)
    );
    assert_eq!(
        standin.phone(ME).scan(&qr.replacen("2@", "2@x", 1)).await,
        Err(LinkError::UnknownQr)
    );
    assert_eq!(
        standin.phone("1555").scan(&qr).await,
        Err(LinkError::NoAccount)
    );
    assert_eq!(standin.connections(ME), 0);

    let started = Instant::now();
    let text = format!("https://wa.me/settings/linked_devices#{qr}");
    assert_eq!(soon("the scan", standin.phone(ME).scan(&text)).await, Ok(1));
    let id = device
        .event("PairSuccess", |event| match event {
            Event::PairSuccess(success) => Some(success.id.to_string()),
            _ => None,
        })
        .await;
    assert_eq!(id, format!("{ME}:1@s.whatsapp.net"));
    device.connected().await;
    assert!(
        started.elapsed().as_secs() < 8,
        "without the app-state keys the client waits ten seconds"
    );
    assert_eq!(standin.connections(ME), 1);
    assert_eq!(
        standin.phone(ME).scan(&qr).await,
        Err(LinkError::UnknownQr),
        "a QR is good once"
    );
    soon(
        "the pre-keys",
        standin.wait_iq("set encrypt registration", 1),
    )
    .await;
    soon("the digest", standin.wait_iq("get encrypt digest", 1)).await;
    device.stop().await;
    soon("the end", standin.wait_disconnected(ME)).await;

    let device = Device::start(&standin, &store).await;
    device.connected().await;
    soon("the digest", standin.wait_iq("get encrypt digest", 2)).await;
    assert_eq!(
        standin.iq_count("set encrypt registration"),
        1,
        "the digest was the real one"
    );
    assert_eq!(
        standin.unknown_iqs().keys().collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn code_pairs() {
    let standin = world().await;
    let store = store(&standin).await;
    let device = Device::start(&standin, &store).await;
    device.qr().await;
    let options = PairCodeOptions {
        phone_number: ME.to_owned(),
        ..Default::default()
    };
    assert_eq!(
        standin.phone(ME).enter_code("ABCD-1234").await,
        Err(LinkError::NoCode)
    );
    let code = soon("a code", device.client.pair_with_code(options))
        .await
        .unwrap();
    let wrong = if code.starts_with('A') {
        "BBBBBBBB"
    } else {
        "AAAAAAAA"
    };
    let entered = soon("a wrong code", standin.phone(ME).enter_code(wrong)).await;
    assert_eq!(entered, Err(LinkError::WrongCode));
    let hyphened = format!("{}-{}", &code[..4], &code[4..]).to_lowercase();
    soon("the code", standin.phone(ME).enter_code(&hyphened))
        .await
        .unwrap();
    device.connected().await;
    assert_eq!(standin.phone(ME).devices(), [1]);
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unlinking_on_the_phone_logs_out() {
    let standin = world().await;
    let (device, store) = paired(&standin).await;
    assert_eq!(standin.phone(ME).unlink(), 1);
    device
        .event("LoggedOut", |event| {
            matches!(event, Event::LoggedOut(_)).then_some(())
        })
        .await;
    device.stop().await;

    let device = Device::start(&standin, &store).await;
    device
        .event("LoggedOut", |event| {
            matches!(event, Event::LoggedOut(_)).then_some(())
        })
        .await;
    assert_eq!(standin.logins(ME), 1);
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logout_unlinks_the_device() {
    let standin = world().await;
    let (device, _store) = paired(&standin).await;
    soon("the logout", device.client.logout()).await;
    soon("the end", standin.wait_disconnected(ME)).await;
    assert_eq!(standin.iq_count("set md remove-companion-device"), 1);
    assert!(standin.phone(ME).devices().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_static_key_is_refused() {
    let standin = world().await;
    let (device, store) = paired(&standin).await;
    device.stop().await;
    // The same device number with a key that the phone never vouched for.
    use wacore::store::traits::DeviceStore as _;
    let mut stolen = store.load().await.unwrap().unwrap();
    stolen.noise_key = wacore::store::Device::new().noise_key;
    store.save(&stolen).await.unwrap();
    let thief = Device::start(&standin, &store).await;
    thief
        .event("LoggedOut", |event| {
            matches!(event, Event::LoggedOut(_)).then_some(())
        })
        .await;
    assert_eq!(
        standin.phone(ME).devices(),
        [1],
        "the real device stays linked"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_server_knows_its_devices() {
    let folder = tempfile::tempdir().unwrap();
    let config = StandinConfig::default().state(folder.path().join("state.json"));
    let standin = Standin::start(config.clone()).await.unwrap();
    seed(&standin);
    let group = standin.add_group(admin_group());
    let (key, addr) = (standin.server_key(), standin.addr());
    let (device, _store) = paired(&standin).await;
    standin.stop().await.unwrap();

    let standin = Standin::start(config.addr(addr)).await.unwrap();
    assert_eq!(standin.server_key(), key);
    assert_eq!(standin.group(&group).members().len(), 2);
    soon("the login", standin.wait_connected(ME)).await;
    device.connected().await;
    let groups = soon("the groups", device.client.groups().get_participating())
        .await
        .unwrap();
    assert_eq!(groups.len(), 1);
    device.stop().await;
}
