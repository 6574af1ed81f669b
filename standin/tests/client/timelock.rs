use crate::support::*;
use std::time::{SystemTime, UNIX_EPOCH};

#[tokio::test(flavor = "multi_thread")]
async fn the_reach_out_timelock_is_told() {
    let standin = world().await;
    let (device, _store) = paired(&standin).await;
    let mex = device.client.mex();
    let lock = mex.fetch_reachout_timelock().await.unwrap();
    assert_eq!(lock.is_active, Some(false));
    assert_eq!(lock.time_enforcement_ends, None);

    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let until = now.as_secs() + 86_400;
    standin.set_reachout_timelock(ME, Some(until));
    let lock = mex.fetch_reachout_timelock().await.unwrap();
    assert_eq!(lock.is_active, Some(true));
    assert_eq!(lock.time_enforcement_ends, Some(until.to_string()));
    assert!(lock.enforcement_type.is_some());

    for until in [Some(now.as_secs() - 1), None] {
        standin.set_reachout_timelock(ME, until);
        let lock = mex.fetch_reachout_timelock().await.unwrap();
        assert_eq!(lock.is_active, Some(false), "{until:?}");
    }
    device.stop().await;
}
