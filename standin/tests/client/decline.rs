use crate::support::*;
use wacore::types::events::Event;
use whatsapp_standin::{AddOutcome, Person};

#[tokio::test(flavor = "multi_thread")]
async fn a_decline_may_end_the_session_after_its_answer() {
    let standin = world().await;
    standin.add_person(Person::new(friend(1)).with_outcome(AddOutcome::PrivacyDeclined));
    let group = standin.add_group(admin_group().odd(|odd| odd.ends_session_after_decline = true));
    let (device, _store) = paired(&standin).await;
    let groups = device.client.groups();
    let add = async |n| {
        groups
            .add_participants(gid(&group), &jids(&[friend(n)]))
            .await
            .unwrap()
    };
    assert!(add(0).await[0].is_ok());
    assert_eq!(standin.phone(ME).devices().len(), 1, "nobody was declined");
    let answer = add(1).await;
    assert_eq!(answer[0].error.as_deref(), Some("403"));
    assert!(answer[0].add_request.is_some());
    device
        .event("LoggedOut", |event| {
            matches!(event, Event::LoggedOut(_)).then_some(())
        })
        .await;
    assert!(standin.phone(ME).devices().is_empty());
}
