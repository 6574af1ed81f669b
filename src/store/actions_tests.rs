//! Records of actions: written, completed, found, erased and swept.

use std::slice::from_ref;

use super::tests::{Fresh, on_both};
use super::*;
use crate::group::{Action, GroupAction, Outcome};
use crate::jid::{GroupJid, SessionId};

on_both! {
    an_action_is_kept_as_it_is,
    actions_are_found_by_what_they_were,
    the_latest_come_first_and_in_pages,
    a_person_is_erased_from_all_of_them,
    old_ones_and_those_of_deleted_sessions_go,
    none_and_thousands_are_written_at_once,
}

const ANN: &str = "628111000001@s.whatsapp.net";
const BEN: &str = "628111000002@s.whatsapp.net";
const BENS_LID: &str = "100200300@lid";
const GROUP: &str = "120363041234567890@g.us";
const OTHER: &str = "120363049999999999@g.us";

fn action(session: &SessionId, gid: &str, people: &[&str]) -> ActionRecord {
    let people = people.iter().map(|jid| jid.parse().expect("a JID"));
    let gid: GroupJid = gid.parse().expect("a group JID");
    let add = Action::InGroup(gid, GroupAction::Add(people.collect()));
    ActionRecord::begun(session, &[add], Caller::ApiKey("01K".to_owned()))
}

async fn save(store: &Store, actions: &[ActionRecord]) {
    store.save_actions(actions).await.expect("saved");
}

/// A completed one, whose last person has a LID too.
async fn completed(store: &Store, session: &SessionId, gid: &str, people: &[&str]) -> ActionRecord {
    let mut action = action(session, gid, people);
    let person = action.people.last_mut().expect("somebody");
    person.lid = BENS_LID.parse().ok();
    person.outcome = Outcome::Declined;
    person.upstream_code = Some(999);
    action.complete(ActionStatus::Done);
    save(store, from_ref(&action)).await;
    action
}

async fn found(store: &Store, session: &SessionId, filter: ActionFilter) -> Vec<ActionRecord> {
    let found = store.list_actions(session, &filter, None, 100).await;
    found.expect("actions")
}

async fn an_action_is_kept_as_it_is(fresh: Fresh) {
    let (Fresh { store, .. }, session) = &fresh.with_session().await;
    let mut action = action(session, GROUP, &[ANN, BEN]);
    action.changes.insert("subject".to_owned(), "Crew".into());
    for caller in [
        Caller::ApiKey("01K".to_owned()),
        Caller::User(Some("user_7".to_owned())),
        Caller::User(None),
    ] {
        action.id = crate::jid::ActionId::generate();
        action.caller = caller;
        save(store, from_ref(&action)).await;
        let kept = store.get_action(session, &action.id).await;
        assert_eq!(kept.expect("read"), Some(action.clone()));
    }
    let person = &mut action.people[1];
    person.jid = BEN.parse().ok();
    person.lid = BENS_LID.parse().ok();
    person.outcome = Outcome::GroupFull;
    person.upstream_code = Some(419);
    action.upstream_code = Some(403);
    let error = Error::not_group_admin().retry_after(Duration::from_secs(7));
    action.error = Some(RecordedError::from(&error));
    action.answer.invite = Some("https://chat.whatsapp.com/AbCdEfGhIj".to_owned());
    action.answer.waits = true;
    for &status in ActionStatus::ALL {
        action.complete(status);
        save(store, from_ref(&action)).await;
        let kept = store.get_action(session, &action.id).await;
        assert_eq!(kept.expect("read"), Some(action.clone()));
    }
    let other = SessionId::generate();
    let foreign = store.get_action(&other, &action.id).await;
    assert_eq!(foreign.expect("read"), None);
}

async fn actions_are_found_by_what_they_were(fresh: Fresh) {
    let (Fresh { store, .. }, session) = &fresh.with_session().await;
    let one = completed(store, session, GROUP, &[ANN]).await;
    let two = completed(store, session, OTHER, &[ANN, BEN]).await;
    let running = action(session, OTHER, &[ANN]);
    save(store, from_ref(&running)).await;
    completed(store, &SessionId::generate(), GROUP, &[ANN]).await;

    let by = |filter| found(store, session, filter);
    assert_eq!(
        by(ActionFilter::default()).await,
        [running.clone(), two.clone(), one.clone()]
    );
    let gid = GROUP.parse().ok();
    let filter = ActionFilter {
        gid,
        ..ActionFilter::default()
    };
    assert_eq!(by(filter).await, from_ref(&one));
    for (operation, count) in [("addGroupMembers", 3), ("leaveGroup", 0), ("\0", 0)] {
        let filter = ActionFilter {
            operation: Some(operation.to_owned()),
            ..ActionFilter::default()
        };
        assert_eq!(by(filter).await.len(), count, "{operation}");
    }
    let time = |action: &ActionRecord| u64::try_from(action.created_at).expect("a time");
    // By any name; what is under way is not found by its people yet.
    for (person, actions) in [
        (ANN, vec![&two, &one]),
        (BEN, vec![&two]),
        ("1@lid", vec![]),
    ] {
        let filter = ActionFilter {
            person: Some(person.to_owned()),
            ..ActionFilter::default()
        };
        assert_eq!(by(filter).await.iter().collect::<Vec<_>>(), actions);
    }
    for (from, before, count) in [
        (Some(time(&one)), None, 3),
        (Some(time(&running) + 1), None, 0),
        (None, Some(time(&one)), 0),
        (None, Some(time(&running) + 1), 3),
        (Some(0), Some(u64::MAX), 3),
    ] {
        let filter = ActionFilter {
            from,
            before,
            ..ActionFilter::default()
        };
        assert_eq!(by(filter).await.len(), count, "{from:?} {before:?}");
    }
    let open = store.open_actions().await.expect("actions");
    assert_eq!(open, [running]);
}

async fn the_latest_come_first_and_in_pages(fresh: Fresh) {
    let (Fresh { store, .. }, session) = &fresh.with_session().await;
    let actions: Vec<_> = (0..5).map(|_| action(session, GROUP, &[ANN])).collect();
    save(store, &actions).await;
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let filter = ActionFilter {
            before: Some(u64::MAX),
            ..ActionFilter::default()
        };
        let page = store.list_actions(session, &filter, before.as_deref(), 2);
        let page = page.await.expect("a page");
        let Some(last) = page.last() else {
            break;
        };
        before = Some(last.id.to_string());
        seen.extend(page);
    }
    seen.reverse();
    assert_eq!(seen, actions);
}

async fn a_person_is_erased_from_all_of_them(fresh: Fresh) {
    let (Fresh { store, .. }, session) = &fresh.with_session().await;
    let one = completed(store, session, GROUP, &[ANN, BEN]).await;
    let two = completed(store, session, GROUP, &[ANN]).await;
    let other = SessionId::generate();
    let foreign = completed(store, &other, GROUP, &[ANN, BEN]).await;
    // By another name than they were asked for.
    store.erase_person(session, BENS_LID).await.expect("erased");
    let kept = |id| store.get_action(session, id);
    let one_kept = kept(&one.id).await.expect("read").expect("kept");
    assert_eq!(one_kept.people, one.people[..1]);
    // The same LID: it is Ann's in this one.
    let two_kept = kept(&two.id).await.expect("read").expect("kept");
    assert_eq!(two_kept.people, []);
    for person in [BEN, BENS_LID] {
        let filter = ActionFilter {
            person: Some(person.to_owned()),
            ..ActionFilter::default()
        };
        assert_eq!(found(store, session, filter.clone()).await, []);
        assert_eq!(found(store, &other, filter).await, from_ref(&foreign));
    }
}

async fn old_ones_and_those_of_deleted_sessions_go(fresh: Fresh) {
    let (Fresh { store, .. }, session) = &fresh.with_session().await;
    let kept = completed(store, session, GROUP, &[ANN]).await;
    let mut old = action(session, GROUP, &[BEN]);
    old.id = ulid::Ulid::from_parts(1_000, 7)
        .to_string()
        .parse()
        .expect("an id");
    old.complete(ActionStatus::Done);
    save(store, &[old]).await;
    completed(store, &SessionId::generate(), GROUP, &[ANN]).await;
    let swept = store.sweep_actions(kept.created_at).await;
    assert_eq!(swept.expect("swept"), 2);
    assert_eq!(
        found(store, session, ActionFilter::default()).await,
        from_ref(&kept)
    );
    let filter = ActionFilter {
        person: Some(BEN.to_owned()),
        ..ActionFilter::default()
    };
    assert_eq!(found(store, session, filter).await, []);

    let deleted = store.delete_session(session, Keys::Erase).await;
    deleted.expect("deleted");
    assert_eq!(found(store, session, ActionFilter::default()).await, []);
}

async fn none_and_thousands_are_written_at_once(fresh: Fresh) {
    let (Fresh { store, .. }, session) = &fresh.with_session().await;
    save(store, &[]).await;
    let mut actions: Vec<_> = (0..1000)
        .map(|_| action(session, GROUP, &[ANN, BEN]))
        .collect();
    save(store, &actions).await;
    for action in &mut actions {
        action.complete(ActionStatus::Done);
    }
    save(store, &actions).await;
    let filter = ActionFilter {
        person: Some(BEN.to_owned()),
        ..ActionFilter::default()
    };
    let all = store.list_actions(session, &filter, None, 5000).await;
    let mut all = all.expect("actions");
    all.reverse();
    assert_eq!(all, actions);
}
