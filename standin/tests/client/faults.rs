use crate::support::*;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use wacore::types::events::Event;
use whatsapp_rust::ErrorChainExt as _;
use whatsapp_standin::{Fault, LoginFault, When};

const ADD: &str = "set w:g2 add";

#[tokio::test(flavor = "multi_thread")]
async fn an_iq_meets_its_fault_once() {
    let standin = world().await;
    let group = standin.add_group(admin_group());
    let (device, _store) = paired(&standin).await;
    let add = |n: usize| {
        let groups = device.client.clone();
        let gid = gid(&group);
        async move {
            groups
                .groups()
                .add_participants(gid, &jids(&[friend(n)]))
                .await
        }
    };

    standin.fault(ME, When::next(ADD), Fault::rate_limited());
    let error = add(0).await.unwrap_err();
    assert_eq!(error.server_rejection().unwrap().code, 429);
    assert!(add(0).await.unwrap()[0].is_ok());

    standin.fault(
        ME,
        When::next(ADD),
        Fault::Delay(Duration::from_millis(300)),
    );
    let started = Instant::now();
    assert!(add(1).await.unwrap()[0].is_ok());
    assert!(started.elapsed() >= Duration::from_millis(300));

    for applied in [false, true] {
        standin.fault(ME, When::next(ADD), Fault::Silence { applied });
        let silent = timeout(Duration::from_millis(300), add(2)).await;
        assert!(silent.is_err(), "answered");
        assert_eq!(standin.group(&group).role(&friend(2)).is_some(), applied);
    }

    for applied in [false, true] {
        let logins = standin.logins(ME);
        standin.fault(ME, When::next(ADD), Fault::Abort { applied });
        let error = soon("the abort", add(3)).await.unwrap_err();
        assert!(error.server_rejection().is_none());
        assert_eq!(standin.group(&group).role(&friend(3)).is_some(), applied);
        soon("the reconnect", standin.wait_logins(ME, logins + 1)).await;
        device.connected().await;
    }
    assert_eq!(standin.iq_count(ADD), 7);
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_503_ends_the_stream_and_the_client_comes_back() {
    let standin = world().await;
    let (device, _store) = paired(&standin).await;
    standin.fault(ME, When::Now, Fault::StreamError503);
    device
        .event("Disconnected", |event| {
            matches!(event, Event::Disconnected(_)).then_some(())
        })
        .await;
    soon("the reconnect", standin.wait_logins(ME, 2)).await;
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_session_is_over() {
    let standin = world().await;
    let (device, store) = paired(&standin).await;
    let other = Device::start(&standin, &store).await;
    device
        .event("StreamReplaced", |event| {
            matches!(event, Event::StreamReplaced(_)).then_some(())
        })
        .await;
    other.connected().await;
    standin.fault(ME, When::Now, Fault::Replaced);
    other
        .event("StreamReplaced", |event| {
            matches!(event, Event::StreamReplaced(_)).then_some(())
        })
        .await;
    soon("the end", standin.wait_disconnected(ME)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_are_refused_for_a_while() {
    let standin = world().await;
    let (device, store) = paired(&standin).await;
    standin.refuse_logins(ME, Some(1), LoginFault::Drop);
    standin.drop_connections();
    soon("the second login", standin.wait_logins(ME, 2)).await;
    device.stop().await;

    standin.refuse_logins(ME, None, LoginFault::TemporaryBan(3600));
    let device = Device::start(&standin, &store).await;
    device
        .event("TemporaryBan", |event| {
            matches!(event, Event::TemporaryBan(_)).then_some(())
        })
        .await;
    device.stop().await;
    standin.clear_faults(ME);
    let device = Device::start(&standin, &store).await;
    device.connected().await;
    device.stop().await;
}

/// As under SIGSTOP: what is open stays open and nothing comes back; afterwards all of it is served.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_says_nothing_until_it_thaws() {
    let standin = world().await;
    let group = standin.add_group(admin_group());
    let (device, _store) = paired(&standin).await;
    standin.freeze();
    let (groups, people) = (device.client.groups(), jids(&[friend(0)]));
    let mut add = Box::pin(groups.add_participants(gid(&group), &people));
    let pause = Duration::from_millis(300);
    assert!(timeout(pause, &mut add).await.is_err(), "answered");
    assert_eq!(standin.iq_count(ADD), 0, "nothing is read");
    let dial = tokio_tungstenite::connect_async(standin.url());
    assert!(timeout(pause, dial).await.is_err(), "a handshake");
    assert_eq!(standin.connections(ME), 1, "nothing is closed");
    standin.thaw();
    assert!(soon("the answer", add).await.unwrap()[0].is_ok());
    device.stop().await;
}
