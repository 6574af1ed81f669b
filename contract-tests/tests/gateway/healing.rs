//! What the gateway believes of a group stays what WhatsApp says, whatever order that comes in.

use contract_tests::lab::ACCOUNT;
use contract_tests::wait::{eventually, within};
use whatsapp_standin::{Fault, GroupHandle, When};

use crate::world::{ANNA, BUDI, FRIEND, GROUP, connected, cut_off};

/// How often the account is demoted and promoted again.
const TIMES: usize = 200;

fn demote_and_promote(group: &GroupHandle) {
    for _ in 0..TIMES {
        group.demote(FRIEND, &[ACCOUNT]).unwrap();
        group.promote(FRIEND, &[ACCOUNT]).unwrap();
    }
}

/// Notifications of one second, in whatever order they come: the last word is WhatsApp's.
#[tokio::test(flavor = "multi_thread")]
async fn roles_that_change_often_end_as_whatsapp_has_them() {
    let (lab, session) = connected().await;
    let group = lab.standin.group(GROUP);
    demote_and_promote(&group);
    within("acknowledged", lab.standin.wait_acknowledged(ACCOUNT)).await;
    let add = || session.add(GROUP, &[ANNA]).send();
    eventually("an admin again", async || {
        (add().await.status == 204).then_some(())
    })
    .await;
    group.demote(FRIEND, &[ACCOUNT]).unwrap();
    eventually("no admin any more", async || {
        (add().await.status == 403).then_some(())
    })
    .await;
    lab.stop().await;
}

/// The same while the session is not connected: what is replayed at the login is older than what the login fetches.
#[tokio::test(flavor = "multi_thread")]
async fn roles_that_changed_meanwhile_do_not_overtake_the_login() {
    let (lab, session) = connected().await;
    let group = lab.standin.group(GROUP);
    for _ in 0..3 {
        cut_off(&lab);
        within("gone", lab.standin.wait_disconnected(ACCOUNT)).await;
        session.wait_status("connecting").await;
        demote_and_promote(&group);
        lab.standin.clear_faults(ACCOUNT);
        session.wait_working(&lab.standin, ACCOUNT).await;
        within("acknowledged", lab.standin.wait_acknowledged(ACCOUNT)).await;
        for person in [ANNA, BUDI] {
            session
                .add(GROUP, &[person])
                .send()
                .await
                .expect_no_content();
        }
    }
    lab.stop().await;
}

/// WhatsApp refuses, and when asked for the group says that the account is an admin of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_act_does_not_blame_an_admin() {
    let (lab, session) = connected().await;
    let refused = Fault::Refuse {
        code: 403,
        text: "forbidden".into(),
    };
    lab.standin
        .fault(ACCOUNT, When::next(crate::world::ADD), refused);
    let details = session
        .add(GROUP, &[ANNA])
        .send()
        .await
        .error(502, "upstream_error");
    assert_eq!(details["upstreamCode"], 403);
    assert_eq!(
        lab.standin.iq_counts_of(ACCOUNT)["get w:g2 query"],
        1,
        "asked for the group once"
    );
    lab.stop().await;
}
