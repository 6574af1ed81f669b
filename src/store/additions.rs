//! Background jobs that add people to a group: who is to be added, and what became of each so far.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{AnyConnection, Arguments as _, AssertSqlSafe, Row as _};

use super::action_record::{ActionRecord, ActionStatus};
use super::addition_record::{AdditionRecord, AdditionStatus, Part};
use super::idempotency::{Earlier, IdempotencyKey, take};
use super::{Store, StoreError, now, parameters};
use crate::error::Code;
use crate::group::{Outcome, PersonOutcome};
use crate::jid::{ActionId, AdditionId, GroupJid, PersonJid, SessionId};

/// How often somebody is tried about whom nothing turned out to be done.
const TRIES: i64 = 2;

/// People in one statement.
const ROWS_A_STATEMENT: usize = 200;

impl Store {
    /// Writes an addition with its people, and takes its key for it. Where the key is taken nothing is written, and the
    /// request that has it is given.
    ///
    /// # Errors
    /// The database failed: nothing is written.
    pub async fn begin_addition(
        &self,
        addition: &AdditionRecord,
        people: &[PersonJid],
        key: Option<&IdempotencyKey>,
    ) -> Result<Option<Earlier>, StoreError> {
        let mut tx = self.begin().await?;
        if let Some(key) = key {
            let id = Some(addition.id.as_str());
            if let Some(earlier) = take(&mut tx, key, &addition.session, id).await? {
                return Ok(Some(earlier));
            }
        }
        insert(&mut tx, addition).await?;
        let places: Vec<_> = (0_i64..).zip(people).collect();
        for chunk in places.chunks(ROWS_A_STATEMENT) {
            insert_people(&mut tx, addition, chunk).await?;
        }
        tx.commit().await?;
        Ok(None)
    }

    /// One addition to a group.
    ///
    /// # Errors
    /// The database failed, or holds what this version cannot read; so for all that follow.
    pub async fn get_addition(
        &self,
        session: &SessionId,
        id: &AdditionId,
    ) -> Result<Option<AdditionRecord>, StoreError> {
        let row = sqlx::query("SELECT * FROM additions WHERE session_id = $1 AND id = $2")
            .bind(session.as_str())
            .bind(id.as_str())
            .fetch_optional(&self.pools.read)
            .await?;
        row.as_ref().map(AdditionRecord::from_row).transpose()
    }

    /// Additions to a group, the latest first, at most `limit` of them, those before the id `before`.
    ///
    /// # Errors
    /// As [`Self::get_addition`].
    pub async fn list_additions(
        &self,
        session: &SessionId,
        gid: &GroupJid,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AdditionRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM additions WHERE session_id = $1 AND group_jid = $2 AND ($3 IS NULL OR id < $3)
             ORDER BY id DESC LIMIT +$4",
        )
        .bind(session.as_str())
        .bind(gid.as_str())
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(&self.pools.read)
        .await?;
        rows.iter().map(AdditionRecord::from_row).collect()
    }

    /// The addition of a session whose turn it is: the first that runs.
    ///
    /// # Errors
    /// As [`Self::get_addition`].
    pub async fn next_addition(
        &self,
        session: &SessionId,
    ) -> Result<Option<AdditionRecord>, StoreError> {
        let row = sqlx::query(
            "SELECT * FROM additions WHERE session_id = $1 AND status = 'running' ORDER BY id LIMIT 1",
        )
        .bind(session.as_str())
        .fetch_optional(&self.pools.background)
        .await?;
        row.as_ref().map(AdditionRecord::from_row).transpose()
    }

    /// The sessions that have additions which run.
    ///
    /// # Errors
    /// As [`Self::get_addition`].
    pub async fn adding_sessions(&self) -> Result<Vec<SessionId>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT session_id FROM additions WHERE status = 'running'",
        )
        .fetch_all(&self.pools.background)
        .await?;
        let unreadable = |_| StoreError::Unreadable("session id");
        ids.iter()
            .map(|id| id.parse().map_err(unreadable))
            .collect()
    }

    /// Everybody of an addition, in the order of the request, with what became of them so far.
    ///
    /// # Errors
    /// As [`Self::get_addition`].
    pub async fn addition_people(
        &self,
        addition: &AdditionRecord,
    ) -> Result<Vec<PersonOutcome>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM addition_people WHERE session_id = $1 AND addition_id = $2 ORDER BY place",
        )
        .bind(addition.session.as_str())
        .bind(addition.id.as_str())
        .fetch_all(&self.pools.read)
        .await?;
        rows.iter().map(person_of).collect()
    }

    /// The next people of an addition, at most `limit` of them, with their places.
    ///
    /// # Errors
    /// As [`Self::get_addition`].
    pub async fn next_people(
        &self,
        addition: &AdditionRecord,
        limit: u32,
    ) -> Result<Vec<(i64, PersonJid)>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM addition_people WHERE session_id = $1 AND addition_id = $2 AND outcome IS NULL
             AND action_id IS NULL ORDER BY place LIMIT +$3",
        )
        .bind(addition.session.as_str())
        .bind(addition.id.as_str())
        .bind(i64::from(limit))
        .fetch_all(&self.pools.background)
        .await?;
        rows.iter()
            .map(|row| Ok((row.try_get("place")?, person_of(row)?.participant)))
            .collect()
    }

    /// The action of an addition whose people have not been told what became of them, if there is one.
    ///
    /// # Errors
    /// As [`Self::get_addition`].
    pub async fn open_part(
        &self,
        addition: &AdditionRecord,
    ) -> Result<Option<ActionId>, StoreError> {
        let id: Option<String> = sqlx::query_scalar(
            "SELECT action_id FROM addition_people WHERE session_id = $1 AND addition_id = $2
             AND outcome IS NULL AND action_id IS NOT NULL LIMIT 1",
        )
        .bind(addition.session.as_str())
        .bind(addition.id.as_str())
        .fetch_optional(&self.pools.background)
        .await?;
        let unreadable = |_| StoreError::Unreadable("action id");
        id.map(|id| id.parse().map_err(unreadable)).transpose()
    }

    /// Takes what became of the people of a completed action into the addition, which pauses until `next_at`. Those about
    /// whom nothing was done have another turn.
    ///
    /// # Errors
    /// As [`Self::get_addition`].
    pub async fn finish_part(
        &self,
        addition: &AdditionRecord,
        action: &ActionRecord,
        next_at: i64,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        // Where it was not even sent it was no try.
        let error = action.error.as_ref();
        let unsent = action.status == ActionStatus::Refused
            && error.is_some_and(|error| error.code.is_passing());
        for person in &action.people {
            let again = person.outcome == Outcome::NotAdded;
            sqlx::query(
                "UPDATE addition_people SET jid = $4, lid = $5, code = $6, tries = tries - $7,
                     outcome = CASE WHEN $8 = 1 AND tries - $7 < $9 THEN NULL ELSE $10 END,
                     action_id = CASE WHEN $8 = 1 AND tries - $7 < $9 THEN NULL ELSE action_id END
                 WHERE session_id = $1 AND addition_id = $2 AND action_id = $3 AND participant = $11",
            )
            .bind(addition.session.as_str())
            .bind(addition.id.as_str())
            .bind(action.id.as_str())
            .bind(person.jid.as_ref().map(|jid| jid.as_str()))
            .bind(person.lid.as_ref().map(|lid| lid.as_str()))
            .bind(person.upstream_code.map(i64::from))
            .bind(i64::from(unsent))
            .bind(i64::from(again))
            .bind(TRIES)
            .bind(person.outcome.as_str())
            .bind(person.participant.as_str())
            .execute(&mut *tx)
            .await?;
        }
        sqlx::query(
            "UPDATE additions SET next_at = $3, done = (SELECT COUNT(*) FROM addition_people
                 WHERE session_id = $1 AND addition_id = $2 AND outcome IS NOT NULL)
             WHERE session_id = $1 AND id = $2",
        )
        .bind(addition.session.as_str())
        .bind(addition.id.as_str())
        .bind(next_at)
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    /// Ends an addition that runs. Who has not had their turn is not added; who is part of an action that is under way is
    /// told later.
    ///
    /// # Errors
    /// As [`Self::get_addition`].
    pub async fn end_addition(
        &self,
        addition: &AdditionRecord,
        status: AdditionStatus,
        error: Option<Code>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let ended = sqlx::query(
            "UPDATE additions SET status = $3, error = $4, completed_at = $5
             WHERE session_id = $1 AND id = $2 AND status = 'running'",
        )
        .bind(addition.session.as_str())
        .bind(addition.id.as_str())
        .bind(status.as_str())
        .bind(error.map(Code::as_str))
        .bind(now())
        .execute(&mut *tx)
        .await?;
        if ended.rows_affected() > 0 {
            sqlx::query(
                "UPDATE addition_people SET outcome = 'not_added'
                 WHERE session_id = $1 AND addition_id = $2 AND outcome IS NULL AND action_id IS NULL",
            )
            .bind(addition.session.as_str())
            .bind(addition.id.as_str())
            .execute(&mut *tx)
            .await?;
        }
        Ok(tx.commit().await?)
    }
}

/// Takes the people of a part out of the queue: the action is about them.
pub(super) async fn begin_part(
    db: &mut AnyConnection,
    action: &ActionRecord,
    part: &Part,
) -> Result<(), StoreError> {
    let places = parameters(4, part.places.len());
    let sql = format!(
        "UPDATE addition_people SET action_id = $3, tries = tries + 1
         WHERE session_id = $1 AND addition_id = $2 AND place IN ({places})"
    );
    let mut query = sqlx::query(AssertSqlSafe(sql))
        .persistent(false)
        .bind(action.session.as_str())
        .bind(part.addition.as_str())
        .bind(action.id.as_str());
    for place in &part.places {
        query = query.bind(place);
    }
    query.execute(db).await?;
    Ok(())
}

/// Takes a person, by any name that is recorded, out of all additions of a session that have ended.
pub(super) async fn erase(
    db: &mut AnyConnection,
    session: &SessionId,
    person: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM addition_people WHERE session_id = $1 AND (participant = $2 OR jid = $2 OR lid = $2)
         AND addition_id NOT IN (SELECT id FROM additions WHERE session_id = $1 AND status = 'running')",
    )
    .bind(session.as_str())
    .bind(person)
    .execute(db)
    .await?;
    Ok(())
}

/// Removes additions that have ended and whose id is before `cutoff`, and those of sessions that are no more.
pub(super) async fn sweep(db: &mut AnyConnection, cutoff: &str) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM additions WHERE id < $1 AND status <> 'running' OR session_id NOT IN (SELECT id FROM sessions)",
        "DELETE FROM addition_people WHERE (addition_id < $1 OR session_id NOT IN (SELECT id FROM sessions))
         AND addition_id NOT IN (SELECT id FROM additions)",
    ] {
        sqlx::query(sql).bind(cutoff).execute(&mut *db).await?;
    }
    Ok(())
}

/// Removes all additions of a session.
pub(super) async fn forget(db: &mut AnyConnection, session: &SessionId) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM additions WHERE session_id = $1",
        "DELETE FROM addition_people WHERE session_id = $1",
    ] {
        sqlx::query(sql)
            .bind(session.as_str())
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

async fn insert(db: &mut AnyConnection, addition: &AdditionRecord) -> Result<(), StoreError> {
    let (api_key, user) = addition.caller.columns();
    let pace = serde_json::to_string(&addition.pace)
        .map_err(|_| StoreError::Unreadable("pace of an addition"))?;
    sqlx::query(
        "INSERT INTO additions (session_id, id, group_jid, api_key_id, user_id, pace, status, total, done, next_at,
             created_at, invite_declined) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(addition.session.as_str())
    .bind(addition.id.as_str())
    .bind(addition.gid.as_str())
    .bind(api_key)
    .bind(user)
    .bind(pace)
    .bind(addition.status.as_str())
    .bind(i64::from(addition.total))
    .bind(i64::from(addition.done))
    .bind(addition.next_at)
    .bind(addition.created_at)
    .bind(i64::from(addition.invite_declined))
    .execute(db)
    .await?;
    Ok(())
}

async fn insert_people(
    db: &mut AnyConnection,
    addition: &AdditionRecord,
    people: &[(i64, &PersonJid)],
) -> Result<(), StoreError> {
    let rows = (0..people.len()).map(|n| format!("($1, $2, {}, 0)", parameters(3 + 2 * n, 2)));
    let rows = rows.collect::<Vec<_>>().join(", ");
    let sql = format!(
        "INSERT INTO addition_people (session_id, addition_id, place, participant, tries) VALUES {rows}"
    );
    let mut values = AnyArguments::default();
    let mut added = values
        .add(addition.session.as_str())
        .and_then(|()| values.add(addition.id.as_str()));
    for (place, person) in people {
        added = added
            .and_then(|()| values.add(*place))
            .and_then(|()| values.add(person.as_str()));
    }
    added.map_err(sqlx::Error::Encode)?;
    sqlx::query_with(AssertSqlSafe(sql), values)
        .persistent(people.len() == ROWS_A_STATEMENT)
        .execute(db)
        .await?;
    Ok(())
}

fn person_of(row: &AnyRow) -> Result<PersonOutcome, StoreError> {
    let unreadable = |_| StoreError::Unreadable("person of an addition");
    let optional = |column| row.try_get::<Option<String>, _>(column);
    let outcome = optional("outcome")?.map(|word| word.parse());
    let code: Option<i64> = row.try_get("code")?;
    Ok(PersonOutcome {
        participant: row
            .try_get::<&str, _>("participant")?
            .parse()
            .map_err(unreadable)?,
        jid: optional("jid")?
            .map(|jid| jid.parse().map_err(unreadable))
            .transpose()?,
        lid: optional("lid")?
            .map(|lid| lid.parse().map_err(unreadable))
            .transpose()?,
        outcome: outcome.transpose()?.unwrap_or(Outcome::Pending),
        upstream_code: code.and_then(|code| u16::try_from(code).ok()),
        request: None,
        invite: None,
    })
}
