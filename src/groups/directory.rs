//! The groups and members of a session, as last stored: also for one that is not connected.

use crate::error::Error;
use crate::jid::GroupJid;
use crate::sessions::{OwnedSession, Page};
use crate::store::{GroupRecord, MemberRecord};

/// The groups that the session's account is in, by JID: at most `limit` of them, those after the JID `after`.
///
/// # Errors
/// The database failed.
pub async fn list(
    session: &OwnedSession,
    after: Option<&str>,
    limit: u32,
) -> Result<Page<GroupRecord>, Error> {
    let store = session.store();
    let groups = store
        .list_groups(session.id(), after, limit.saturating_add(1))
        .await?;
    Ok(Page::of(groups, limit, |group| &group.gid))
}

/// One group.
///
/// # Errors
/// 404 `group`, or the database failed.
pub async fn get(session: &OwnedSession, gid: &GroupJid) -> Result<GroupRecord, Error> {
    let group = session.store().get_group(session.id(), gid).await?;
    group.ok_or_else(|| Error::not_found("group"))
}

/// The members of a group, by key: at most `limit` of them, those after the key `after`.
///
/// # Errors
/// 404 `group`, or the database failed.
pub async fn members(
    session: &OwnedSession,
    gid: &GroupJid,
    after: Option<&str>,
    limit: u32,
) -> Result<Page<MemberRecord>, Error> {
    get(session, gid).await?;
    let store = session.store();
    let members = store
        .list_members(session.id(), gid, after, limit.saturating_add(1))
        .await?;
    Ok(Page::of(members, limit, |member| &member.member_key))
}
