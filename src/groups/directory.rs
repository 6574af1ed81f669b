//! The groups and members of a session, as last stored: also for one that is not connected.

use crate::error::Error;
use crate::jid::GroupJid;
use crate::page::Page;
use crate::sessions::OwnedSession;
use crate::store::{GroupRecord, MemberRecord};

/// The groups that the session's account is in, in the order in which the gateway came to know them: at most `limit` of
/// them, those after the number `after`.
///
/// # Errors
/// The database failed.
pub async fn list(
    session: &OwnedSession,
    after: i64,
    limit: u32,
) -> Result<Page<GroupRecord, i64>, Error> {
    let store = session.store();
    let groups = store
        .list_groups(session.id(), after, limit.saturating_add(1))
        .await?;
    Ok(Page::of(groups, limit, |group| group.id))
}

/// One group.
///
/// # Errors
/// 404 `group`, or the database failed.
pub async fn get(session: &OwnedSession, gid: &GroupJid) -> Result<GroupRecord, Error> {
    let group = session.store().get_group(session.id(), gid).await?;
    group.ok_or_else(|| Error::not_found("group"))
}

/// The members of a group, in the order in which the gateway came to know them: at most `limit` of them, those after the
/// place `after`.
///
/// # Errors
/// 404 `group`, or the database failed.
pub async fn members(
    session: &OwnedSession,
    gid: &GroupJid,
    after: i64,
    limit: u32,
) -> Result<Page<MemberRecord, i64>, Error> {
    let store = session.store();
    let members = store
        .list_members(session.id(), gid, after, limit.saturating_add(1))
        .await?;
    let members = members.ok_or_else(|| Error::not_found("group"))?;
    Ok(Page::of(members, limit, |member| member.place))
}
