//! The directory: who is in the groups.
//!
//! A member is one person, whether seen by phone-number JID, by LID or by both. Wherever people are compared here, either
//! name is enough, and a row learns the other name as soon as WhatsApp tells it.

use std::collections::{BTreeMap, HashMap};

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::{Store, StoreError};
use crate::group::{Participant, Role};
use crate::jid::{GroupJid, SessionId};

/// Rows in one INSERT: eight values each stay far below the least limit on bound values (SQLite: 32,766).
const ROWS_PER_INSERT: usize = 500;

/// A member of a group as the database keeps it. Times are epoch milliseconds.
#[derive(Clone, PartialEq, Eq)]
pub struct MemberRecord {
    /// What the list is ordered by, and pages by: the LID where known, else the JID.
    pub member_key: String,
    /// By phone number, where WhatsApp told it.
    pub jid: Option<String>,
    /// By LID, where WhatsApp told it.
    pub lid: Option<String>,
    /// What they may do.
    pub role: Role,
    /// When the gateway first saw them in the group.
    pub first_seen_at: i64,
    /// When a sync or a notification last named them.
    pub last_seen_at: i64,
}

// A phone number must not reach a log through `{:?}`.
impl std::fmt::Debug for MemberRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemberRecord")
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Members of a group, ordered by key, at most `limit` of them, those after the key `after`.
    ///
    /// # Errors
    /// The database failed, or holds what this version cannot read.
    pub async fn list_members(
        &self,
        session: &SessionId,
        gid: &GroupJid,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<MemberRecord>, StoreError> {
        sqlx::query(
            "SELECT * FROM group_members WHERE session_id = $1 AND group_jid = $2 AND member_key > $3
             ORDER BY member_key LIMIT $4",
        )
        .bind(session.as_str())
        .bind(gid.as_str())
        .bind(after.unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(MemberRecord::from_row)
        .collect()
    }
}

/// Makes the members of a group `participants`.
pub(super) async fn replace_members(
    db: &mut SqliteConnection,
    session: &SessionId,
    gid: &GroupJid,
    participants: &[Participant],
    now: i64,
) -> Result<(), StoreError> {
    let before = sqlx::query(
        "DELETE FROM group_members WHERE session_id = $1 AND group_jid = $2 RETURNING *",
    )
    .bind(session.as_str())
    .bind(gid.as_str())
    .fetch_all(&mut *db)
    .await?
    .iter()
    .map(MemberRecord::from_row)
    .collect::<Result<Vec<_>, _>>()?;
    let by_name: HashMap<&str, &MemberRecord> = before
        .iter()
        .flat_map(|member| member.names().map(move |name| (name, member)))
        .collect();
    // By key, because WhatsApp naming one person twice must not fail the sync.
    let mut members: BTreeMap<String, MemberRecord> = BTreeMap::new();
    for person in participants {
        let same = names(person).filter_map(|name| by_name.get(name).copied());
        let member = merge(same, person, now);
        members.insert(member.member_key.clone(), member);
    }
    insert_members(db, session, gid, members.values()).await
}

/// Writes a person as they are seen now, into the one row that is theirs.
pub(super) async fn put_member(
    db: &mut SqliteConnection,
    session: &SessionId,
    gid: &GroupJid,
    person: &Participant,
    now: i64,
) -> Result<(), StoreError> {
    let before = take_member(db, session, gid, person).await?;
    let member = merge(&before, person, now);
    insert_members(db, session, gid, std::iter::once(&member)).await
}

/// Removes the rows of a person, who can have two while WhatsApp has not told that both names are one person's.
pub(super) async fn take_member(
    db: &mut SqliteConnection,
    session: &SessionId,
    gid: &GroupJid,
    person: &Participant,
) -> Result<Vec<MemberRecord>, StoreError> {
    sqlx::query(
        "DELETE FROM group_members WHERE session_id = $1 AND group_jid = $2 AND (jid = $3 OR lid = $4) RETURNING *",
    )
    .bind(session.as_str())
    .bind(gid.as_str())
    .bind(person.jid.as_ref().map(|jid| jid.as_str()))
    .bind(person.lid.as_ref().map(|lid| lid.as_str()))
    .fetch_all(db)
    .await?
    .iter()
    .map(MemberRecord::from_row)
    .collect()
}

async fn insert_members<'m>(
    db: &mut SqliteConnection,
    session: &SessionId,
    gid: &GroupJid,
    members: impl Iterator<Item = &'m MemberRecord>,
) -> Result<(), StoreError> {
    let members: Vec<&MemberRecord> = members.collect();
    for chunk in members.chunks(ROWS_PER_INSERT) {
        QueryBuilder::<Sqlite>::new(
            "INSERT INTO group_members (session_id, group_jid, member_key, jid, lid, role, first_seen_at, last_seen_at) ",
        )
        .push_values(chunk, |mut row, member| {
            row.push_bind(session.as_str())
                .push_bind(gid.as_str())
                .push_bind(&member.member_key)
                .push_bind(&member.jid)
                .push_bind(&member.lid)
                .push_bind(role_name(member.role))
                .push_bind(member.first_seen_at)
                .push_bind(member.last_seen_at);
        })
        .build()
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// The row of a person seen now, with what their earlier rows knew.
fn merge<'m>(
    before: impl IntoIterator<Item = &'m MemberRecord>,
    person: &Participant,
    now: i64,
) -> MemberRecord {
    let mut jid = person.jid.as_ref().map(ToString::to_string);
    let mut lid = person.lid.as_ref().map(ToString::to_string);
    let mut first_seen_at = now;
    for earlier in before {
        jid = jid.or_else(|| earlier.jid.clone());
        lid = lid.or_else(|| earlier.lid.clone());
        first_seen_at = first_seen_at.min(earlier.first_seen_at);
    }
    MemberRecord {
        member_key: lid.clone().or_else(|| jid.clone()).unwrap_or_default(),
        jid,
        lid,
        role: person.role,
        first_seen_at,
        last_seen_at: now,
    }
}

fn names(person: &Participant) -> impl Iterator<Item = &str> {
    let jid = person.jid.as_ref().map(|jid| jid.as_str());
    let lid = person.lid.as_ref().map(|lid| lid.as_str());
    jid.into_iter().chain(lid)
}

impl MemberRecord {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.jid.as_deref().into_iter().chain(self.lid.as_deref())
    }

    fn from_row(row: &SqliteRow) -> Result<Self, StoreError> {
        Ok(Self {
            member_key: row.try_get("member_key")?,
            jid: row.try_get("jid")?,
            lid: row.try_get("lid")?,
            role: role_of(row.try_get("role")?)?,
            first_seen_at: row.try_get("first_seen_at")?,
            last_seen_at: row.try_get("last_seen_at")?,
        })
    }
}

/// The role that the database spells so.
pub(super) fn role_of(word: &str) -> Result<Role, StoreError> {
    Ok(match word {
        "member" => Role::Member,
        "admin" => Role::Admin,
        "superadmin" => Role::SuperAdmin,
        _ => return Err(StoreError::Unreadable("member role")),
    })
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Member => "member",
        Role::Admin => "admin",
        Role::SuperAdmin => "superadmin",
    }
}
