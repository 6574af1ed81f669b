//! The directory: who is in the groups, as rows.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::groups::{groups, seen_at};
use super::roster::{Difference, Member};
use super::{Store, StoreError};
use crate::group::Role;
use crate::jid::{GroupJid, SessionId};

/// Rows in one INSERT, and names or places in one list.
const ROWS_A_STATEMENT: usize = 500;

/// A member of a group as the database keeps it. Times are epoch milliseconds.
#[derive(Clone, PartialEq, Eq)]
pub struct MemberRecord {
    /// What the list is ordered by, and pages by: the order in which the gateway came to know them.
    pub place: i64,
    /// JID by phone number, where WhatsApp told it.
    pub jid: Option<String>,
    /// By LID, where WhatsApp told it.
    pub lid: Option<String>,
    /// What they may do.
    pub role: Role,
    /// When the gateway first saw them in the group.
    pub first_seen_at: i64,
    /// When WhatsApp last named them.
    pub last_seen_at: i64,
}

// A phone number must not reach a log through `{:?}`.
impl std::fmt::Debug for MemberRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemberRecord")
            .field("place", &self.place)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Members of a group in the order of their places, at most `limit` of them, those after the place `after`; none where
    /// the group is not known.
    ///
    /// # Errors
    /// The database failed, or holds what this version cannot read.
    pub async fn list_members(
        &self,
        session: &SessionId,
        gid: &GroupJid,
        after: i64,
        limit: u32,
    ) -> Result<Option<Vec<MemberRecord>>, StoreError> {
        // One value for the whole page: a row of its own for each member costs several times what finding them does.
        let row = sqlx::query(groups!(
            "(SELECT string_agg(place || ' ' || COALESCE(phone, '') || ' ' || COALESCE(lid, '') || ' ' || role || ' ' ||
                  first_seen_at || ' ' || last_seen_at, ',')
              FROM (SELECT * FROM group_members WHERE group_id = g.id AND place > $3 ORDER BY place LIMIT +$4) page
             ) AS members, g.size, g.seen_at",
            "g.group_jid = $2"
        ))
        .bind(session.as_str())
        .bind(gid.as_str())
        .bind(after)
        .bind(i64::from(limit))
        .fetch_optional(&self.pools.read)
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let group_seen_at = seen_at(&row)?;
        let page: Option<String> = row.try_get("members")?;
        let page = page.unwrap_or_default();
        let members = page.split(',').filter(|member| !member.is_empty());
        let members = members.map(|member| MemberRecord::of(member, group_seen_at));
        let mut members = members.collect::<Result<Vec<_>, _>>()?;
        // In this order already, as both databases do it, but they do not promise it.
        members.sort_unstable_by_key(|member| member.place);
        Ok(Some(members))
    }
}

impl MemberRecord {
    /// Reads what [`Store::list_members`] has made of a row. All members are seen when the group is: that is kept once, not
    /// in every row.
    fn of(text: &str, group_seen_at: i64) -> Result<Self, StoreError> {
        let unreadable = || StoreError::Unreadable("member");
        let mut parts = text.split(' ');
        let mut part = || parts.next().ok_or_else(unreadable);
        let number = |part: &str| part.parse::<i64>().map_err(|_| unreadable());
        let name = |part: &str, server| (!part.is_empty()).then(|| [part, server].concat());
        Ok(Self {
            place: number(part()?)?,
            jid: name(part()?, "@s.whatsapp.net"),
            lid: name(part()?, "@lid"),
            role: role_of(number(part()?)?)?,
            first_seen_at: number(part()?)?,
            last_seen_at: number(part()?)?.max(group_seen_at),
        })
    }
}

/// All members of a group.
pub(super) async fn all(db: &mut AnyConnection, group: i64) -> Result<Vec<Member>, StoreError> {
    let rows = sqlx::query("SELECT * FROM group_members WHERE group_id = $1")
        .bind(group)
        .fetch_all(db)
        .await?;
    rows.iter().map(Member::from_row).collect()
}

/// The members of a group who have one of these names: the digits of phone numbers, or of LIDs. Who has two of them comes
/// twice.
pub(super) async fn named(
    db: &mut AnyConnection,
    group: i64,
    phones: &[&str],
    lids: &[&str],
) -> Result<Vec<Member>, StoreError> {
    let mut members: Vec<Member> = Vec::new();
    // A statement for each kind of name, because each has its own index.
    for (column, names) in [("phone", phones), ("lid", lids)] {
        for names in names.chunks(ROWS_A_STATEMENT) {
            // Digits alone, by their types: they cannot be anything else to the database.
            let names = names.iter().map(|name| format!("'{name}'"));
            let names = names.collect::<Vec<_>>().join(",");
            let found = sqlx::query(AssertSqlSafe(format!(
                "SELECT * FROM group_members WHERE group_id = $1 AND {column} IN ({names})"
            )))
            .persistent(false)
            .bind(group)
            .fetch_all(&mut *db)
            .await?;
            for row in &found {
                members.push(Member::from_row(row)?);
            }
        }
    }
    Ok(members)
}

/// Writes what has changed in a group's rows.
pub(super) async fn write(
    db: &mut AnyConnection,
    group: i64,
    difference: &Difference,
) -> Result<(), StoreError> {
    for places in difference.gone.chunks(ROWS_A_STATEMENT) {
        let places = places.iter().map(ToString::to_string);
        let places = places.collect::<Vec<_>>().join(",");
        sqlx::query(AssertSqlSafe(format!(
            "DELETE FROM group_members WHERE group_id = $1 AND place IN ({places})"
        )))
        .persistent(false)
        .bind(group)
        .execute(&mut *db)
        .await?;
    }
    for rows in difference.written.chunks(ROWS_A_STATEMENT) {
        // Numbers and digits, by their types: one statement that is parsed once takes hundreds of them.
        let rows = rows.iter().map(|row| row.values(group));
        let rows = rows.collect::<Vec<_>>().join(",");
        sqlx::query(AssertSqlSafe(format!(
            "INSERT INTO group_members (group_id, place, phone, lid, role, first_seen_at, last_seen_at) VALUES {rows}"
        )))
        .persistent(false)
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

impl Member {
    fn from_row(row: &AnyRow) -> Result<Self, StoreError> {
        Ok(Self {
            place: row.try_get("place")?,
            phone: row.try_get("phone")?,
            lid: row.try_get("lid")?,
            role: role_of(row.try_get("role")?)?,
            first_seen_at: row.try_get("first_seen_at")?,
            last_seen_at: row.try_get("last_seen_at")?,
        })
    }

    fn values(&self, group: i64) -> String {
        let text = |digits: &Option<String>| match digits {
            Some(digits) => format!("'{digits}'"),
            None => "NULL".to_owned(),
        };
        let Self {
            place,
            first_seen_at,
            last_seen_at,
            ..
        } = self;
        let (phone, lid) = (text(&self.phone), text(&self.lid));
        let role = number_of(self.role);
        format!("({group},{place},{phone},{lid},{role},{first_seen_at},{last_seen_at})")
    }
}

/// The role that the database writes so.
pub(super) fn role_of(number: i64) -> Result<Role, StoreError> {
    Ok(match number {
        0 => Role::Member,
        1 => Role::Admin,
        2 => Role::SuperAdmin,
        _ => return Err(StoreError::Unreadable("member role")),
    })
}

/// How the database writes a role. A greater one may do more.
pub(super) const fn number_of(role: Role) -> i64 {
    match role {
        Role::Member => 0,
        Role::Admin => 1,
        Role::SuperAdmin => 2,
    }
}
