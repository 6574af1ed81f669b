use crate::support::*;
use wacore::stanza::groups::GroupNotificationAction as Change;
use wacore::types::events::Event;
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;
use whatsapp_rust::Jid;
use whatsapp_standin::{AddOutcome, Invitation, Person, Role, Standin, StandinConfig};

/// Somebody who only takes invitations, and whose phone is at hand.
fn guest(standin: &Standin, n: usize) -> String {
    let phone = friend(n);
    standin.add_account(&phone).unwrap();
    standin.add_person(Person::new(&phone).with_outcome(AddOutcome::PrivacyDeclined));
    phone
}

fn text(text: &str) -> wa::Message {
    wa::Message {
        conversation: Some(text.to_owned()),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_reaches_the_phone_and_lets_its_owner_in() {
    let standin = world().await;
    let (guest, other) = (guest(&standin, 0), guest(&standin, 1));
    let group = standin.add_group(admin_group());
    let (device, _store) = paired(&standin).await;
    let groups = device.client.groups();
    let answers = groups
        .add_participants(gid(&group), &jids(&[guest.clone(), other.clone()]))
        .await
        .unwrap();
    let [request, others] = [0, 1].map(|n| answers[n].add_request.clone().unwrap());
    let written = wa::message::GroupInviteMessage {
        group_jid: Some(group.clone()),
        invite_code: Some(request.code.clone()),
        invite_expiration: i64::try_from(request.expiration).ok(),
        group_name: Some("Team".to_owned()),
        caption: Some("Join us".to_owned()),
        ..Default::default()
    };
    let message = wa::Message {
        group_invite_message: MessageField::some(written),
        ..Default::default()
    };
    let sent = device
        .client
        .send_message(Jid::pn(&guest), message)
        .await
        .unwrap();

    let phone = standin.phone(&guest);
    let received = soon("the message", phone.wait_messages(1)).await;
    assert_eq!(received.len(), 1, "only the phone's copy");
    assert_eq!(
        (received[0].id.as_str(), received[0].from.as_str()),
        (sent.message_id.as_str(), ME)
    );
    let invitation = received[0].invitation().unwrap();
    let expected = Invitation {
        gid: group.clone(),
        code: request.code.clone(),
        expiration: i64::try_from(request.expiration).ok(),
        group_name: Some("Team".to_owned()),
        caption: Some("Join us".to_owned()),
    };
    assert_eq!(invitation, expected);
    assert!(standin.phone(ME).messages().is_empty());

    for code in ["none", others.code.as_str()] {
        let refusal = phone.accept_invitation(&group, code).unwrap_err();
        assert_eq!(refusal.code, 406, "{code}");
    }
    let nowhere = phone.accept_invitation("120363000000000000@g.us", &request.code);
    assert_eq!(nowhere.unwrap_err().code, 404);
    phone
        .accept_invitation(&invitation.gid, &invitation.code)
        .unwrap();
    assert_eq!(standin.group(&group).role(&guest), Some(Role::Member));
    let joined = device
        .event("the add", |event| match event {
            Event::GroupUpdate(update) => match &update.action {
                Change::Add { participants, .. } => Some(participants[0].jid.clone()),
                _ => None,
            },
            _ => None,
        })
        .await;
    assert_eq!(joined.user, guest.as_str());
    let again = phone.accept_invitation(&group, &request.code);
    assert_eq!(again.unwrap_err().code, 409);
    standin.group(&group).remove(BOSS, &[&guest]).unwrap();
    let used = phone.accept_invitation(&group, &request.code);
    assert_eq!(used.unwrap_err().code, 406, "a code is used once");
    device.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_group_takes_no_guest() {
    let standin = world().await;
    let guest = guest(&standin, 0);
    let group = standin.add_group(admin_group().size_limit(2));
    let outcomes = standin.group(&group).add(BOSS, &[&guest]).unwrap();
    let (code, _) = outcomes[0].add_request.clone().unwrap();
    let refusal = standin.phone(&guest).accept_invitation(&group, &code);
    assert_eq!(refusal.unwrap_err().code, 419);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_may_be_refused_and_the_next_ones_come_through() {
    let standin = world().await;
    let guest = guest(&standin, 0);
    let (device, _store) = paired(&standin).await;
    standin.refuse_next_message(&guest, 463);
    let lid = Jid::lid(standin.person(&guest).unwrap().lid);
    let people = [Jid::pn(&guest), Jid::pn(&guest), lid];
    let mut errors = Vec::new();
    for (n, to) in people.into_iter().enumerate() {
        let message = text(&format!("Message {n}"));
        let sent = device.client.send_message(to, message).await.unwrap();
        let error = device
            .event("the ack", |event| match event {
                Event::ServerAck(ack) if ack.id == sent.message_id => Some(ack.error.clone()),
                _ => None,
            })
            .await;
        errors.push(error);
    }
    assert_eq!(errors, [Some("463".to_owned()), None, None]);
    let received = standin.phone(&guest).messages();
    let texts = received
        .iter()
        .map(|received| received.message.conversation.as_deref());
    let expected = [Some("Message 1"), Some("Message 2")];
    assert_eq!(texts.collect::<Vec<_>>(), expected);
    assert!(
        received
            .iter()
            .all(|received| received.invitation().is_none())
    );
    device.stop().await;
}

/// The phone has lost the session then, and what it needs for a new one is in every message.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_reads_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let config = StandinConfig::default().state(folder.path().join("state.json"));
    let mut standin = Standin::start(config.clone()).await.unwrap();
    seed(&standin);
    let guest = guest(&standin, 0);
    let group = standin.add_group(admin_group());
    let outcomes = standin.group(&group).add(BOSS, &[&guest]).unwrap();
    let (code, _) = outcomes[0].add_request.clone().unwrap();
    let (device, _store) = paired(&standin).await;
    for n in 0..2 {
        if n == 1 {
            let addr = standin.addr();
            standin.stop().await.unwrap();
            standin = Standin::start(config.clone().addr(addr)).await.unwrap();
            soon("the login", standin.wait_connected(ME)).await;
            device.connected().await;
        }
        let message = text(&format!("Message {n}"));
        let sent = device.client.send_message(Jid::pn(&guest), message);
        soon("the send", sent).await.unwrap();
        let phone = standin.phone(&guest);
        let received = soon("the message", phone.wait_messages(1)).await;
        assert_eq!(
            received[0].message.conversation,
            Some(format!("Message {n}"))
        );
    }
    standin
        .phone(&guest)
        .accept_invitation(&group, &code)
        .unwrap();
    device.stop().await;
}
