//! The directory: the groups a session's account is in.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::members::{put_member, replace_members, role_of, take_member};
use super::{Store, StoreError};
use crate::group::{GroupChange, GroupInfo, Role};
use crate::jid::{GroupJid, Lid, SessionId, UserJid};

/// A group as the database keeps it. Times are epoch milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRecord {
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
    /// When it was last synced or changed.
    pub updated_at: i64,
}

impl Store {
    /// Replaces all that is known of the session's groups by `groups`, in one transaction. What stays keeps its
    /// `first_seen_at`; what is not in `groups` goes.
    ///
    /// # Errors
    /// The database failed; nothing has changed.
    pub async fn sync_groups(
        &self,
        session: &SessionId,
        groups: &[GroupInfo],
        now: i64,
    ) -> Result<(), StoreError> {
        // Every transaction here begins with a write: one that begins with a read cannot wait for another writer in
        // SQLite, it fails.
        let mut tx = self.pool.begin().await?;
        sqlx::query("UPDATE groups SET updated_at = $2 WHERE session_id = $1")
            .bind(session.as_str())
            .bind(now)
            .execute(&mut *tx)
            .await?;
        let known: Vec<String> =
            sqlx::query_scalar("SELECT group_jid FROM groups WHERE session_id = $1")
                .bind(session.as_str())
                .fetch_all(&mut *tx)
                .await?;
        let stay: std::collections::HashSet<&str> =
            groups.iter().map(|group| group.gid.as_str()).collect();
        for gone in known.iter().filter(|gid| !stay.contains(gid.as_str())) {
            delete_group(&mut tx, session, gone).await?;
        }
        for group in groups {
            write_group(&mut tx, session, group, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Replaces all that is known of one group.
    ///
    /// # Errors
    /// The database failed; nothing has changed.
    pub async fn sync_group(
        &self,
        session: &SessionId,
        group: &GroupInfo,
        now: i64,
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        write_group(&mut tx, session, group, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Forgets a group and its members.
    ///
    /// # Errors
    /// The database failed.
    pub async fn delete_group(
        &self,
        session: &SessionId,
        gid: &GroupJid,
    ) -> Result<(), StoreError> {
        let mut connection = self.pool.acquire().await?;
        delete_group(&mut connection, session, gid.as_str()).await
    }

    /// Applies a change to a known group; `false` when the group is not known, so that the caller can ask for it.
    /// `GroupChange::Unknown` says nothing that could be applied: asking is the caller's.
    ///
    /// # Errors
    /// The database failed; nothing has changed.
    pub async fn change_group(
        &self,
        session: &SessionId,
        gid: &GroupJid,
        change: &GroupChange,
        now: i64,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        // COALESCE leaves alone what the change does not name; a description can also go, so it has a flag of its own.
        let (subject, describes, description, announce, locked) = match change {
            GroupChange::Subject(subject) => (Some(subject.as_str()), false, None, None, None),
            GroupChange::Description(text) => (None, true, text.as_deref(), None, None),
            GroupChange::Announce(on) => (None, false, None, Some(*on), None),
            GroupChange::Locked(on) => (None, false, None, None, Some(*on)),
            _ => (None, false, None, None, None),
        };
        let known = sqlx::query(
            "UPDATE groups SET updated_at = $3, subject = COALESCE($4, subject),
                 description = CASE WHEN $5 THEN $6 ELSE description END,
                 is_announce = COALESCE($7, is_announce), is_locked = COALESCE($8, is_locked)
             WHERE session_id = $1 AND group_jid = $2",
        )
        .bind(session.as_str())
        .bind(gid.as_str())
        .bind(now)
        .bind(subject)
        .bind(describes)
        .bind(description)
        .bind(announce)
        .bind(locked)
        .execute(&mut *tx)
        .await?
        .rows_affected()
            > 0;
        if !known {
            return Ok(false);
        }
        match change {
            GroupChange::Added(people) | GroupChange::Roles(people) => {
                for person in people {
                    put_member(&mut tx, session, gid, person, now).await?;
                }
            }
            GroupChange::Removed(people) => {
                for person in people {
                    take_member(&mut tx, session, gid, person).await?;
                }
            }
            GroupChange::Subject(_)
            | GroupChange::Description(_)
            | GroupChange::Announce(_)
            | GroupChange::Locked(_)
            | GroupChange::Unknown => {}
        }
        tx.commit().await?;
        Ok(true)
    }

    /// What a person, the account itself, may do in each group of the session; none where WhatsApp told no members.
    ///
    /// # Errors
    /// The database failed, or holds what this version cannot read.
    pub async fn stored_roles(
        &self,
        session: &SessionId,
        jid: &UserJid,
        lid: Option<&Lid>,
    ) -> Result<Vec<(GroupJid, Option<Role>)>, StoreError> {
        sqlx::query(
            "SELECT g.group_jid, m.role, g.size FROM groups g LEFT JOIN group_members m
                 ON m.session_id = g.session_id AND m.group_jid = g.group_jid AND (m.jid = $2 OR m.lid = $3)
             WHERE g.session_id = $1",
        )
        .bind(session.as_str())
        .bind(jid.as_str())
        .bind(lid.map(Lid::as_str))
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|row| {
            let gid = row.try_get::<&str, _>("group_jid")?.parse();
            let role = row.try_get::<Option<&str>, _>("role")?.map(role_of);
            let size: Option<i64> = row.try_get("size")?;
            // Who is not among the members that were told may do nothing special.
            let role = role.transpose()?.or(size.is_none().then_some(Role::Member));
            Ok((gid.map_err(|_| StoreError::Unreadable("group JID"))?, role))
        })
        .collect()
    }

    /// Groups of a session, ordered by JID, at most `limit` of them, those after the JID `after`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn list_groups(
        &self,
        session: &SessionId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<GroupRecord>, StoreError> {
        sqlx::query(
            "SELECT g.*, COALESCE(g.size, (SELECT COUNT(*) FROM group_members m
                          WHERE m.session_id = g.session_id AND m.group_jid = g.group_jid)) AS participant_count
             FROM groups g WHERE session_id = $1 AND group_jid > $2 ORDER BY group_jid LIMIT $3",
        )
        .bind(session.as_str())
        .bind(after.unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(GroupRecord::from_row)
        .collect()
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
        sqlx::query(
            "SELECT g.*, COALESCE(g.size, (SELECT COUNT(*) FROM group_members m
                          WHERE m.session_id = g.session_id AND m.group_jid = g.group_jid)) AS participant_count
             FROM groups g WHERE session_id = $1 AND group_jid = $2",
        )
        .bind(session.as_str())
        .bind(gid.as_str())
        .fetch_optional(&self.pool)
        .await?
        .as_ref()
        .map(GroupRecord::from_row)
        .transpose()
    }
}

/// Writes a group and makes its members those of `group`.
async fn write_group(
    db: &mut SqliteConnection,
    session: &SessionId,
    group: &GroupInfo,
    now: i64,
) -> Result<(), StoreError> {
    if group.participants.is_none() {
        // Not told is not gone: what is known of it stays, and so does who is in it.
        let known = sqlx::query(
            "UPDATE groups SET size = $3, updated_at = $4 WHERE session_id = $1 AND group_jid = $2",
        )
        .bind(session.as_str())
        .bind(group.gid.as_str())
        .bind(group.size)
        .bind(now)
        .execute(&mut *db)
        .await?
        .rows_affected()
            > 0;
        if known {
            return Ok(());
        }
    }
    sqlx::query(
        "INSERT INTO groups (session_id, group_jid, subject, description, owner_jid, is_announce, is_locked, created_at_wa,
             first_seen_at, updated_at, size)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)
         ON CONFLICT (session_id, group_jid) DO UPDATE SET subject = excluded.subject, description = excluded.description,
             owner_jid = excluded.owner_jid, is_announce = excluded.is_announce, is_locked = excluded.is_locked,
             created_at_wa = excluded.created_at_wa, updated_at = excluded.updated_at, size = excluded.size",
    )
    .bind(session.as_str())
    .bind(group.gid.as_str())
    .bind(group.subject.as_deref().unwrap_or_default())
    .bind(&group.description)
    .bind(&group.owner)
    .bind(group.is_announce)
    .bind(group.is_locked)
    .bind(group.created_at)
    .bind(now)
    // Counted where they are told.
    .bind(group.size.filter(|_| group.participants.is_none()))
    .execute(&mut *db)
    .await?;

    match &group.participants {
        Some(participants) => replace_members(db, session, &group.gid, participants, now).await,
        None => Ok(()),
    }
}

async fn delete_group(
    db: &mut SqliteConnection,
    session: &SessionId,
    gid: &str,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM groups WHERE session_id = $1 AND group_jid = $2")
        .bind(session.as_str())
        .bind(gid)
        .execute(db)
        .await?;
    Ok(())
}

impl GroupRecord {
    fn from_row(row: &SqliteRow) -> Result<Self, StoreError> {
        Ok(Self {
            gid: row.try_get("group_jid")?,
            subject: Some(row.try_get("subject")?).filter(|subject: &String| !subject.is_empty()),
            description: row.try_get("description")?,
            owner: row.try_get("owner_jid")?,
            is_announce: row.try_get("is_announce")?,
            is_locked: row.try_get("is_locked")?,
            participant_count: row.try_get("participant_count")?,
            created_at_wa: row.try_get("created_at_wa")?,
            first_seen_at: row.try_get("first_seen_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}
