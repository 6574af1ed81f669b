//! The directory: the groups a session's account is in.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::members::role_of;
use super::{Store, StoreError};
use crate::group::Role;
use crate::jid::{GroupJid, Lid, SessionId, UserJid};

/// A group as the database keeps it. Times are epoch milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRecord {
    /// Its number in the database: what the list is ordered by, and pages by.
    pub id: i64,
    /// Its JID.
    pub gid: String,
    /// Its name, if it has one.
    pub subject: Option<String>,
    /// Its description, if it has one.
    pub description: Option<String>,
    /// Who created it, a user JID or a LID.
    pub owner: Option<String>,
    /// Only admins may write.
    pub is_announce: bool,
    /// Only admins may change what describes the group.
    pub is_locked: bool,
    /// How many members it has: those that are known, or what WhatsApp says where it told none of them.
    pub participant_count: i64,
    /// When WhatsApp says it was created.
    pub created_at_wa: Option<i64>,
    /// When the gateway first saw it.
    pub first_seen_at: i64,
    /// When what is stored of it last changed.
    pub updated_at: i64,
}

/// A query for something of groups of the session $1, with when WhatsApp last told of all of its groups at once.
///
/// A page is `LIMIT +$n`: SQLite plans a query with a bare `LIMIT $n` by the parameter's value, anew at each execution.
macro_rules! groups {
    ($what:literal, $which:literal) => {
        concat!(
            "SELECT s.groups_synced_at, ",
            $what,
            " FROM groups g JOIN sessions s ON s.id = g.session_id WHERE g.session_id = $1 AND ",
            $which
        )
    };
}
pub(super) use groups;

impl Store {
    /// What a person, the account itself, may do in each group of the session; none where WhatsApp told no members.
    ///
    /// # Errors
    /// The database failed, or holds what this version cannot read.
    pub async fn stored_roles(
        &self,
        session: &SessionId,
        account: (&UserJid, Option<&Lid>),
    ) -> Result<Vec<(GroupJid, Option<Role>)>, StoreError> {
        let (jid, lid) = account;
        // A look-up for each name, because each has its own index.
        let rows = sqlx::query(
            "SELECT g.group_jid, g.size,
                 (SELECT MAX(role) FROM group_members m WHERE m.group_id = g.id AND m.phone = $2) AS by_phone,
                 (SELECT MAX(role) FROM group_members m WHERE m.group_id = g.id AND m.lid = $3) AS by_lid
             FROM groups g WHERE g.session_id = $1",
        )
        .bind(session.as_str())
        .bind(jid.phone_number())
        .bind(lid.map(Lid::digits))
        .fetch_all(&self.pools.read)
        .await?;
        let roles = rows.iter().map(|row| {
            let gid = row.try_get::<String, _>("group_jid")?.parse();
            let by_phone: Option<i64> = row.try_get("by_phone")?;
            let by_lid: Option<i64> = row.try_get("by_lid")?;
            let size: Option<i64> = row.try_get("size")?;
            let role = by_lid.or(by_phone).map(role_of).transpose()?;
            // Who is not among the members that were told may do nothing special.
            let role = role.or(size.is_none().then_some(Role::Member));
            Ok((gid.map_err(|_| StoreError::Unreadable("group JID"))?, role))
        });
        roles.collect()
    }

    /// Groups of a session in the order in which the gateway came to know them, at most `limit` of them, those after the
    /// number `after`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn list_groups(
        &self,
        session: &SessionId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<GroupRecord>, StoreError> {
        let rows = sqlx::query(groups!("g.*", "g.id > $2 ORDER BY g.id LIMIT +$3"))
            .bind(session.as_str())
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&self.pools.read)
            .await?;
        rows.iter().map(GroupRecord::from_row).collect()
    }

    /// One group of a session.
    ///
    /// # Errors
    /// The database failed.
    pub async fn get_group(
        &self,
        session: &SessionId,
        gid: &GroupJid,
    ) -> Result<Option<GroupRecord>, StoreError> {
        let row = sqlx::query(groups!("g.*", "g.group_jid = $2"))
            .bind(session.as_str())
            .bind(gid.as_str())
            .fetch_optional(&self.pools.read)
            .await?;
        row.as_ref().map(GroupRecord::from_row).transpose()
    }
}

impl GroupRecord {
    fn from_row(row: &AnyRow) -> Result<Self, StoreError> {
        let size: Option<i64> = row.try_get("size")?;
        Ok(Self {
            id: row.try_get("id")?,
            gid: row.try_get("group_jid")?,
            subject: row.try_get("subject")?,
            description: row.try_get("description")?,
            owner: row.try_get("owner_jid")?,
            is_announce: row.try_get::<i64, _>("is_announce")? != 0,
            is_locked: row.try_get::<i64, _>("is_locked")? != 0,
            participant_count: match size {
                Some(size) => size,
                None => row.try_get("member_count")?,
            },
            created_at_wa: row.try_get("created_at_wa")?,
            first_seen_at: row.try_get("first_seen_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

/// When WhatsApp last told who is in a group. A list of all groups tells of those alone whose members are in it.
pub(super) fn seen_at(row: &AnyRow) -> Result<i64, StoreError> {
    let size: Option<i64> = row.try_get("size")?;
    let seen_at: i64 = row.try_get("seen_at")?;
    let synced_at: Option<i64> = row.try_get("groups_synced_at")?;
    Ok(seen_at.max(synced_at.filter(|_| size.is_none()).unwrap_or(seen_at)))
}
