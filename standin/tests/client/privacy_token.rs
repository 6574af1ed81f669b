use crate::support::*;
use std::collections::BTreeMap;
use whatsapp_rust::Jid;
use whatsapp_standin::Standin;

/// Adds somebody who has handed out a token, and somebody who has not; gives what came with each, and that token.
async fn add(standin: &Standin) -> (BTreeMap<String, Option<String>>, String) {
    let group = standin.add_group(admin_group());
    let (device, _store) = paired(standin).await;
    // That of the login may still be under way.
    device.client.fetch_props().await.unwrap();
    let token = standin.phone(&friend(0)).give_privacy_token(ME);
    soon("the token", standin.wait_acknowledged(ME)).await;
    let people = [0, 1].map(|n| Jid::lid(standin.person(&friend(n)).unwrap().lid));
    let answers = device
        .client
        .groups()
        .add_participants(gid(&group), &people)
        .await
        .unwrap();
    assert!(answers.iter().all(|answer| answer.is_ok()));
    device.stop().await;
    (standin.tokens_of_last_add(ME), token)
}

fn lid(standin: &Standin, n: usize) -> String {
    standin.person(&friend(n)).unwrap().lid_jid()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_add_carries_the_tokens_that_people_gave() {
    let standin = world().await;
    standin.send_privacy_tokens_on_add();
    let (tokens, token) = add(&standin).await;
    let expected = [(lid(&standin, 0), Some(token)), (lid(&standin, 1), None)];
    assert_eq!(tokens, BTreeMap::from(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_add_carries_no_tokens_unless_they_are_wanted() {
    let standin = world().await;
    let (tokens, _) = add(&standin).await;
    let expected = [(lid(&standin, 0), None), (lid(&standin, 1), None)];
    assert_eq!(tokens, BTreeMap::from(expected));
}
