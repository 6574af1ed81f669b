//! Clients against the stand-in, over its real wire.

mod passkey;
mod rig;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use whatsapp_rust::store::commands::DeviceCommand;
use whatsapp_standin::{Fault, GroupSpec, LoginFault, Person, Standin, StandinConfig, When};

use super::{CallError, Client, Connection, Dialer, End, Event, Network, PairError};
use crate::group::{Action, GroupAction, GroupChange, Outcome, Participant, Role};
use crate::jid::{GroupJid, PersonJid, UserJid};
use crate::outbound::Proxies;
use rig::{OWN, PATIENCE, Rig, open, user};

const BEN: &str = "628111000002";
const EVE: &str = "628111000003";

async fn add(
    connection: &dyn Connection,
    gid: &GroupJid,
    people: &[UserJid],
) -> Result<Vec<Outcome>, CallError> {
    let people = people.iter().cloned().map(PersonJid::User);
    let add = Action::InGroup(gid.clone(), GroupAction::Add(people.collect()));
    let told = connection.act(&add).await?;
    Ok(told.people.iter().map(|person| person.outcome).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn pairs_restarts_and_unlinks() {
    let rig = Rig::new().await;
    let (client, mut events) = rig.open().await;
    let code = events.qr().await;
    assert!(
        client.identity().is_none(),
        "the provisional account stays hidden"
    );
    assert!(!client.is_usable());
    let connection = client.connection();
    assert!(matches!(
        connection.groups().await,
        Err(CallError::NotConnected)
    ));
    assert!(matches!(
        client.logout().await,
        Err(CallError::NotConnected)
    ));

    rig.phone().scan(&code).await.expect("linked");
    let told = events
        .until(|event| !matches!(event, Event::Qr { .. }))
        .await;
    let Event::Paired { jid, lid } = told else {
        panic!("{told:?} before the pairing");
    };
    assert_eq!(jid, user(OWN));
    assert!(lid.is_some());
    let (client, mut events) = rig.restarted(client, events).await;
    let connection = client.connection();
    assert_eq!(client.identity(), Some((jid, lid)));
    assert!(client.is_usable());
    assert!(matches!(
        client.pair_with_code(OWN).await,
        Err(PairError::AlreadyPaired)
    ));

    client.shutdown().await;
    while events.next().await.is_some() {}
    assert!(matches!(
        connection.groups().await,
        Err(CallError::NotConnected)
    ));

    let (client, mut events) = rig.open().await;
    assert_eq!(
        client.identity().map(|(jid, _)| jid),
        Some(user(OWN)),
        "known before the login"
    );
    assert!(
        matches!(events.next().await, Some(Event::Connected)),
        "without pairing"
    );
    client.logout().await.expect("unlinked");
    assert_eq!(events.end().await, End::LoggedOut);
    assert!(rig.phone().devices().is_empty());
    client.shutdown().await;

    rig.state().clear().await.expect("cleared");
    let (client, mut events) = rig.open().await;
    events.qr().await;
    client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_their_changes() {
    let rig = Rig::new().await;
    for person in [BEN, EVE] {
        rig.standin.add_person(Person::new(person));
    }
    let crew = rig.group(GroupSpec::new("Crew").superadmin(BEN).admin(OWN));
    let by_lid = rig.group(GroupSpec::new("By LID").lid().superadmin(OWN).member(BEN));
    let foreign = rig.group(GroupSpec::new("Foreign").superadmin(BEN));
    let (client, mut events) = rig.paired().await;
    let own_lid = client.identity().and_then(|(_, lid)| lid).expect("a LID");
    let connection = client.connection();

    let groups = connection.groups().await.expect("groups");
    assert_eq!(groups.len(), 2);
    let group = |gid| {
        groups
            .iter()
            .find(|group| group.gid == gid)
            .expect("the group")
    };
    let own = group(crew.clone())
        .participants
        .iter()
        .flatten()
        .find(|person| person.jid == Some(user(OWN)));
    assert_eq!(own.map(|own| own.role), Some(Role::Admin));
    let own = group(by_lid.clone())
        .participants
        .iter()
        .flatten()
        .find(|person| person.lid.as_ref() == Some(&own_lid));
    let own = own.expect("the account by LID");
    assert_eq!((own.role, &own.jid), (Role::SuperAdmin, &Some(user(OWN))));

    for gid in [&crew, &by_lid] {
        let before = rig.standin.iq_counts();
        let stranger = user("628999000000");
        let people = [user(EVE), user(BEN), stranger];
        let outcomes = add(&*connection, gid, &people).await.expect("an answer");
        assert_eq!(
            outcomes,
            [
                Outcome::Added,
                Outcome::AlreadyMember,
                Outcome::NotOnWhatsApp
            ]
        );
        let (changed, change) = events.change().await;
        assert_eq!(&changed, gid);
        let GroupChange::Added(people) = change else {
            panic!("{change:?}");
        };
        assert!(
            matches!(people.as_slice(), [Participant { jid: Some(jid), .. }] if *jid == user(EVE))
        );
        assert_eq!(rig.asked_since(&before), [("set w:g2 add".to_owned(), 1)]);
    }
    let again = connection.group(&crew).await.expect("the group");
    assert_eq!(again.participants.map(|people| people.len()), Some(3));

    let refused = add(&*connection, &foreign, &[user(EVE)]).await;
    assert!(
        matches!(refused, Err(CallError::Refused { code: 403, .. })),
        "{refused:?}"
    );
    let unknown = "120363000000000001@g.us".parse().expect("a group");
    let refused = connection.group(&unknown).await;
    assert!(
        matches!(refused, Err(CallError::Refused { code: 404, .. })),
        "{refused:?}"
    );
    rig.standin
        .fault(OWN, When::next("set w:g2 add"), Fault::rate_limited());
    let refused = add(&*connection, &crew, &[user(EVE)]).await;
    assert!(
        matches!(refused, Err(CallError::Refused { code: 429, .. })),
        "{refused:?}"
    );

    let crew_phone = rig.standin.group(crew.as_str());
    crew_phone.demote(BEN, &[OWN]).expect("demoted");
    let (_, change) = events.change().await;
    assert!(
        matches!(&change, GroupChange::Roles(people) if people[0].role == Role::Member && people[0].jid == Some(user(OWN))),
        "{change:?}"
    );
    crew_phone.set_subject(BEN, "Crew of 2").expect("renamed");
    assert_eq!(
        events.change().await,
        (crew.clone(), GroupChange::Subject("Crew of 2".to_owned()))
    );
    crew_phone.remove(BEN, &[OWN]).expect("removed");
    assert!(matches!(
        events.change().await,
        (_, GroupChange::Removed(_))
    ));
    rig.standin
        .group(foreign.as_str())
        .add(BEN, &[OWN])
        .expect("added");
    let (joined, _) = events.change().await;
    assert_eq!(joined, foreign);
    timeout(PATIENCE, rig.standin.wait_acknowledged(OWN))
        .await
        .expect("acknowledged");
    client.shutdown().await;
}

/// One client is one connection: it says that it has ended and never comes back.
#[tokio::test(flavor = "multi_thread")]
async fn ends_with_its_connection() {
    let rig = Rig::new().await;
    rig.standin.add_person(Person::new(BEN));
    let crew = rig.group(GroupSpec::new("Crew").superadmin(OWN));
    let (client, mut events) = rig.paired().await;
    rig.standin.drop_connections();
    assert_eq!(events.end().await, End::Unreachable);
    assert!(!client.is_usable());
    let calls = client.connection().groups().await;
    assert!(matches!(calls, Err(CallError::NotConnected)), "{calls:?}");
    client.shutdown().await;

    let (client, mut events) = rig.connected().await;
    let connection = client.connection();
    let dropped = Fault::Abort { applied: true };
    rig.standin.fault(OWN, When::next("set w:g2 add"), dropped);
    let answer = add(&*connection, &crew, &[user(BEN)]).await;
    assert!(
        matches!(answer, Err(CallError::Unanswered)),
        "it may have happened: {answer:?}"
    );
    assert_eq!(events.end().await, End::Unreachable);
    client.shutdown().await;

    let (client, mut events) = rig.connected().await;
    let again = add(&*client.connection(), &crew, &[user(BEN)]).await;
    assert_eq!(again.expect("an answer"), [Outcome::AlreadyMember]);
    rig.standin.fault(OWN, When::Now, Fault::StreamError503);
    assert_eq!(events.end().await, End::Unreachable);
    client.shutdown().await;
    assert_eq!(rig.standin.logins(OWN), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn outlives_its_server() {
    let mut rig = Rig::new().await;
    let (client, mut events) = rig.paired().await;
    let addr = rig.standin.addr();
    rig.standin.stop().await.expect("stopped");
    assert_eq!(events.end().await, End::Unreachable);
    client.shutdown().await;
    let (client, mut events) = open(&rig.dialer, rig.store.device_state(&rig.session)).await;
    assert_eq!(events.end().await, End::Unreachable, "nobody is there");
    client.shutdown().await;

    // A client without a server ends no later than another.
    let (other, _events) = open(&rig.dialer, rig.store.device_state(&rig.session)).await;
    timeout(PATIENCE, other.shutdown()).await.expect("ended");

    let config = StandinConfig::default()
        .addr(addr)
        .state(rig.directory.path().join("world.json"));
    rig.standin = Standin::start(config).await.expect("a stand-in");
    let (client, _events) = rig.connected().await;
    client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn needs_a_database_that_takes_writes() {
    let rig = Rig::new().await;
    let state = rig.state();
    state.close().await;
    let opened = Client::open(&rig.dialer, PATIENCE, state, 0).await;
    assert!(opened.is_err(), "what it saves would be lost");
}

/// The library stops saving for good after ten failures; the client must not go on without it.
#[tokio::test(flavor = "multi_thread")]
async fn ends_when_the_library_has_stopped_saving() {
    let rig = Rig::new().await;
    rig.paired().await.0.shutdown().await;
    let state = rig.state();
    let (client, mut events) = open(&rig.dialer, state.clone()).await;
    events.connected().await;
    state.close().await;
    let library = Arc::clone(&client.client);
    let saves = tokio::spawn(async move {
        for name in 0_u64.. {
            let rename = DeviceCommand::SetPushName(name.to_string());
            library.persistence_manager().process_command(rename).await;
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(events.end().await, End::Storage);
    saves.abort();
    client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pairs_by_code() {
    let rig = Rig::new().await;
    let (client, mut events) = rig.open().await;
    let early = client.pair_with_code(OWN).await;
    assert!(matches!(
        early,
        Err(PairError::Call(CallError::NotConnected)) | Ok(_)
    ));
    events.qr().await;
    let bad = client.pair_with_code("0123").await;
    assert!(matches!(bad, Err(PairError::PhoneNumber)));
    let first = client.pair_with_code(OWN).await.expect("a code");
    let code = client.pair_with_code(OWN).await.expect("another code");
    assert_ne!(first.code, code.code);
    assert_eq!((code.code.len(), code.code.find('-')), (9, Some(4)));
    assert!(code.valid_for > Duration::from_secs(150));
    rig.phone().enter_code(&code.code).await.expect("linked");
    let told = events
        .until(|event| !matches!(event, Event::Qr { .. }))
        .await;
    assert!(matches!(told, Event::Paired { jid, .. } if jid == user(OWN)));
    let (client, _events) = rig.restarted(client, events).await;
    client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_for_good() {
    let rig = Rig::new().await;
    let (client, mut events) = rig.paired().await;
    rig.standin.fault(OWN, When::Now, Fault::Replaced);
    assert_eq!(events.end().await, End::Replaced);
    client.shutdown().await;

    for (how, why) in [
        (
            LoginFault::TemporaryBan(3600),
            End::Banned(Duration::from_secs(3600)),
        ),
        (LoginFault::Failure(405), End::Outdated),
        (LoginFault::Failure(409), End::Refused(409)),
        (LoginFault::Failure(503), End::Unreachable),
        (LoginFault::Drop, End::Unreachable),
    ] {
        rig.standin.refuse_logins(OWN, Some(1), how);
        let (client, mut events) = rig.open().await;
        assert_eq!(events.end().await, why);
        client.shutdown().await;
    }

    let (client, mut events) = rig.connected().await;
    rig.phone().unlink();
    assert_eq!(events.end().await, End::LoggedOut);
    client.shutdown().await;

    let (client, mut events) = rig.open().await;
    assert_eq!(
        events.end().await,
        End::LoggedOut,
        "the state is of no use any more"
    );
    client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trusts_only_the_configured_key() {
    let rig = Rig::new().await;
    let other_key = Network::Standin {
        url: rig.standin.url(),
        server_key: [7; 32],
    };
    let (client, mut events) = open(&Dialer::new(other_key, Proxies::default()), rig.state()).await;
    // Either the server can't read what is meant for the holder of that key, or it offers a certificate, which is not
    // WhatsApp's: no code is ever shown. The library tells the two apart, and tells us of the first one alone.
    let told = events.next().await;
    assert!(
        matches!(
            told,
            Some(Event::Ended(End::ServerNotVerified | End::Unreachable))
        ),
        "{told:?}"
    );
    client.shutdown().await;
}
