//! What was asked of WhatsApp, as it is recorded: reading it, erasing people from it, and letting it go in time.

use std::time::Duration;

use tokio::time::sleep;

use crate::error::Error;
use crate::jid::ActionId;
use crate::page::Page;
use crate::sessions::OwnedSession;
use crate::store::{self, ActionFilter, ActionRecord, Store};

/// The pause between two sweeps.
const SWEEP: Duration = Duration::from_secs(60 * 60);

/// Actions of a session, the latest first: at most `limit` of them, those before the id `before`.
///
/// # Errors
/// The database failed.
pub async fn list(
    session: &OwnedSession,
    filter: &ActionFilter,
    before: Option<&str>,
    limit: u32,
) -> Result<Page<ActionRecord, ActionId>, Error> {
    session.actions_saved().await?;
    let store = session.store();
    let mut actions = store
        .list_actions(session.id(), filter, before, limit.saturating_add(1))
        .await?;
    store.follow_invitations(session.id(), &mut actions).await?;
    Ok(Page::of(actions, limit, |action| action.id.clone()))
}

/// One action of a session.
///
/// # Errors
/// 404 `action`, or the database failed.
pub async fn get(session: &OwnedSession, id: &str) -> Result<ActionRecord, Error> {
    let id = id.parse().map_err(|_| Error::not_found("action"))?;
    session.actions_saved().await?;
    let store = session.store();
    let mut action = store.get_action(session.id(), &id).await?;
    store
        .follow_invitations(session.id(), action.as_mut_slice())
        .await?;
    action.ok_or_else(|| Error::not_found("action"))
}

/// Takes a person, by any name that is recorded, out of all actions of a session that are completed.
///
/// # Errors
/// The database failed.
pub async fn erase(session: &OwnedSession, person: &str) -> Result<(), Error> {
    session.actions_saved().await?;
    let (store, session) = (session.store().clone(), session.id().clone());
    let person = person.to_owned();
    // A task, so that a caller who goes away leaves nothing half done.
    let erased = tokio::spawn(async move { store.erase_person(&session, &person).await });
    Ok(erased.await.map_err(Error::internal)??)
}

/// Removes actions that are older than `keep`, and idempotency keys that are known no longer, now and every hour. Never
/// ends.
pub async fn sweep(store: Store, keep: Duration) {
    let keep = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
    loop {
        match store.sweep_actions(store::now().saturating_sub(keep)).await {
            Ok(0) => {}
            Ok(swept) => tracing::info!(swept, "removed old actions"),
            Err(error) => tracing::error!(%error, "cannot remove old actions"),
        }
        if let Err(error) = store.sweep_keys().await {
            tracing::error!(%error, "cannot remove old idempotency keys");
        }
        sleep(SWEEP).await;
    }
}
