//! Records of actions: who asked WhatsApp for what, for whom, and what became of it.

use sqlx::any::AnyArguments;
use sqlx::{AnyConnection, Arguments as _, AssertSqlSafe};

use super::action_record::{ActionRecord, ActionStatus};
use super::{Store, StoreError, additions, clean, invitations, parameters};
use crate::group::PersonOutcome;
use crate::jid::{ActionId, GroupJid, SessionId};

/// Rows in one statement: SQLite looks each parameter up among all that came before.
const ROWS_A_STATEMENT: usize = 16;

/// Which actions of a session are wanted.
#[derive(Debug, Clone, Default)]
pub struct ActionFilter {
    /// Those of this group.
    pub gid: Option<GroupJid>,
    /// Those of this operation.
    pub operation: Option<String>,
    /// Those about this person, by any name that is recorded.
    pub person: Option<String>,
    /// Those asked for at this time or later, epoch milliseconds.
    pub from: Option<u64>,
    /// Those asked for before this time, epoch milliseconds.
    pub before: Option<u64>,
}

fn first_id(at: u64) -> String {
    ActionId::first_at(i64::try_from(at).unwrap_or(i64::MAX)).to_string()
}

impl Store {
    /// Writes actions, all or none: those that begin, and those that are there already as they are now. No id twice.
    ///
    /// # Errors
    /// The database failed.
    pub async fn save_actions(&self, actions: &[ActionRecord]) -> Result<(), StoreError> {
        if actions.is_empty() {
            return Ok(());
        }
        let completed = actions
            .iter()
            .filter(|action| action.status != ActionStatus::Running);
        let people = completed.flat_map(names).collect::<Vec<_>>();
        if people.is_empty() && actions.len() <= ROWS_A_STATEMENT {
            // One statement is a transaction of its own, at a third of the way to the database and back.
            let mut db = self.pools.write.acquire().await?;
            return upsert(&mut db, actions).await;
        }
        let mut tx = self.begin().await?;
        for actions in actions.chunks(ROWS_A_STATEMENT) {
            upsert(&mut tx, actions).await?;
        }
        for people in people.chunks(ROWS_A_STATEMENT) {
            index(&mut tx, people).await?;
        }
        Ok(tx.commit().await?)
    }

    /// One action of a session.
    ///
    /// # Errors
    /// The database failed, or holds what this version cannot read; so for all that follow.
    pub async fn get_action(
        &self,
        session: &SessionId,
        id: &ActionId,
    ) -> Result<Option<ActionRecord>, StoreError> {
        let row = sqlx::query("SELECT * FROM actions WHERE session_id = $1 AND id = $2")
            .bind(session.as_str())
            .bind(id.as_str())
            .fetch_optional(&self.pools.read)
            .await?;
        row.as_ref().map(ActionRecord::from_row).transpose()
    }

    /// Actions of a session, the latest first, at most `limit` of them, those before the id `before`.
    ///
    /// # Errors
    /// As [`Self::get_action`].
    pub async fn list_actions(
        &self,
        session: &SessionId,
        filter: &ActionFilter,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ActionRecord>, StoreError> {
        // The earlier of the two: an id is in order of time.
        let until = filter.before.map(first_id);
        let until = match (until, before) {
            (Some(until), Some(before)) => Some(until.min(before.to_owned())),
            (until, before) => until.or(before.map(ToOwned::to_owned)),
        };
        let rows = sqlx::query(
            "SELECT * FROM actions WHERE session_id = $1
             AND id >= $2 AND ($3 IS NULL OR id < $3)
             AND ($4 IS NULL OR group_jid = $4) AND ($5 IS NULL OR operation = $5)
             AND ($6 IS NULL OR id IN (SELECT action_id FROM action_people WHERE session_id = $1 AND name = $6))
             ORDER BY id DESC LIMIT +$7",
        )
        .bind(session.as_str())
        .bind(filter.from.map_or_else(String::new, first_id))
        .bind(until)
        .bind(filter.gid.as_ref().map(GroupJid::as_str))
        .bind(filter.operation.as_deref().map(clean))
        .bind(filter.person.as_deref())
        .bind(i64::from(limit))
        .fetch_all(&self.pools.read)
        .await?;
        rows.iter().map(ActionRecord::from_row).collect()
    }

    /// All actions of all sessions that are under way, or whose outcome is not known.
    ///
    /// # Errors
    /// As [`Self::get_action`].
    pub async fn open_actions(&self) -> Result<Vec<ActionRecord>, StoreError> {
        let rows = sqlx::query("SELECT * FROM actions WHERE status IN ('running', 'unknown')")
            .fetch_all(&self.pools.background)
            .await?;
        rows.iter().map(ActionRecord::from_row).collect()
    }

    /// Takes a person out of all actions of a session that are completed, and out of all additions that have ended.
    ///
    /// # Errors
    /// As [`Self::get_action`].
    pub async fn erase_person(&self, session: &SessionId, person: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query(
            "SELECT * FROM actions WHERE session_id = $1
             AND id IN (SELECT action_id FROM action_people WHERE session_id = $1 AND name = $2)",
        )
        .bind(session.as_str())
        .bind(person)
        .fetch_all(&mut *tx)
        .await?;
        for row in &rows {
            let mut action = ActionRecord::from_row(row)?;
            let gone: Vec<_> = action
                .people
                .extract_if(.., |other| names_of(other).any(|name| name == person))
                .collect();
            for name in gone.iter().flat_map(names_of) {
                sqlx::query(
                    "DELETE FROM action_people WHERE session_id = $1 AND name = $2 AND action_id = $3",
                )
                .bind(session.as_str())
                .bind(name)
                .bind(action.id.as_str())
                .execute(&mut *tx)
                .await?;
            }
            upsert(&mut tx, &[action]).await?;
        }
        additions::erase(&mut tx, session, person).await?;
        invitations::erase(&mut tx, session, person).await?;
        tx.commit().await?;
        self.empty_log();
        Ok(())
    }

    /// Removes actions that were asked for before `cutoff`, epoch milliseconds, and those of sessions that are no more; and
    /// additions likewise, once they have ended.
    ///
    /// # Errors
    /// As [`Self::get_action`].
    pub async fn sweep_actions(&self, cutoff: i64) -> Result<u64, StoreError> {
        let cutoff = ActionId::first_at(cutoff).to_string();
        let mut swept = 0;
        let mut tx = self.begin().await?;
        for (sql, counts) in [
            (
                "DELETE FROM action_people WHERE action_id < $1 OR session_id NOT IN (SELECT id FROM sessions)",
                false,
            ),
            (
                "DELETE FROM actions WHERE id < $1 OR session_id NOT IN (SELECT id FROM sessions)",
                true,
            ),
        ] {
            let done = sqlx::query(sql).bind(&cutoff).execute(&mut *tx).await?;
            swept += if counts { done.rows_affected() } else { 0 };
        }
        additions::sweep(&mut tx, &cutoff).await?;
        invitations::sweep(&mut tx, &cutoff).await?;
        tx.commit().await?;
        Ok(swept)
    }
}

/// Removes all actions of a session.
pub(super) async fn forget(db: &mut AnyConnection, session: &SessionId) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM actions WHERE session_id = $1",
        "DELETE FROM action_people WHERE session_id = $1",
        "DELETE FROM invitations WHERE session_id = $1",
    ] {
        sqlx::query(sql)
            .bind(session.as_str())
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

/// Every name of a person.
fn names_of(person: &PersonOutcome) -> impl Iterator<Item = &str> {
    let asked = person.participant.as_str();
    let jid = person.jid.as_ref().map(|jid| jid.as_str());
    let lid = person.lid.as_ref().map(|lid| lid.as_str());
    let others = jid.into_iter().chain(lid);
    std::iter::once(asked).chain(others.filter(move |name| *name != asked))
}

/// Every name of everyone whom an action was about, with the session and the action.
fn names(action: &ActionRecord) -> impl Iterator<Item = [&str; 3]> {
    let (session, id) = (action.session.as_str(), action.id.as_str());
    let names = action.people.iter().flat_map(names_of);
    names.map(move |name| [session, name, id])
}

/// Writes actions as they are now.
pub(super) async fn upsert(
    db: &mut AnyConnection,
    actions: &[ActionRecord],
) -> Result<(), StoreError> {
    const COLUMNS: usize = 15;
    let rows = (0..actions.len()).map(|n| format!("({})", parameters(1 + COLUMNS * n, COLUMNS)));
    let rows = rows.collect::<Vec<_>>().join(", ");
    let sql = format!(
        "INSERT INTO actions (session_id, id, operation, group_jid, changes, api_key_id, user_id, status, error,
             error_body, upstream_code, people, answer, created_at, completed_at) VALUES {rows}
         ON CONFLICT (session_id, id) DO UPDATE SET group_jid = excluded.group_jid, status = excluded.status,
             error = excluded.error, error_body = excluded.error_body, upstream_code = excluded.upstream_code,
             people = excluded.people, answer = excluded.answer, completed_at = excluded.completed_at"
    );
    let mut query =
        sqlx::query(AssertSqlSafe(sql)).persistent([1, ROWS_A_STATEMENT].contains(&actions.len()));
    for action in actions {
        let (api_key, user) = action.caller.columns();
        query = query
            .bind(action.session.as_str())
            .bind(action.id.as_str())
            .bind(action.operation.as_str())
            .bind(action.gid.as_ref().map(GroupJid::as_str))
            .bind(action.changes_json()?)
            .bind(api_key)
            .bind(user)
            .bind(action.status.as_str())
            .bind(action.error.as_ref().map(|error| error.code.as_str()))
            .bind(action.error_json()?)
            .bind(action.upstream_code.map(i64::from))
            .bind(action.people_json()?)
            .bind(action.answer_json()?)
            .bind(action.created_at)
            .bind(action.completed_at);
    }
    query.execute(&mut *db).await?;
    Ok(())
}

async fn index(db: &mut AnyConnection, people: &[[&str; 3]]) -> Result<(), StoreError> {
    let rows = (0..people.len()).map(|n| format!("({})", parameters(1 + 3 * n, 3)));
    let rows = rows.collect::<Vec<_>>().join(", ");
    let sql = format!(
        "INSERT INTO action_people (session_id, name, action_id) VALUES {rows} ON CONFLICT DO NOTHING"
    );
    let mut values = AnyArguments::default();
    let added = people
        .iter()
        .flatten()
        .try_for_each(|value| values.add(*value));
    added.map_err(sqlx::Error::Encode)?;
    sqlx::query_with(AssertSqlSafe(sql), values)
        .persistent([1, ROWS_A_STATEMENT].contains(&people.len()))
        .execute(db)
        .await?;
    Ok(())
}
