//! A whole database copied into an empty one of the other kind.

use futures_util::TryStreamExt as _;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Executor as _, Row as _};

use super::{Store, StoreError, clean, parameters};

/// All tables, those that others refer to first. The lease is no part of what is copied: it is about a process.
pub(super) const TABLES: [&str; 12] = [
    "sessions",
    "api_keys",
    "groups",
    "group_members",
    "device_state",
    "actions",
    "action_people",
    "idempotency_keys",
    "session_limits",
    "additions",
    "addition_people",
    "invitations",
];

/// Parameters of one statement. Both take more, but SQLite looks each up among all that came before.
const PARAMETERS: usize = 2_000;

/// What a column holds, as PostgreSQL names it.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Number,
    Text,
    Bytes,
}

/// A column and what it holds.
type Column = (String, Kind);

impl Store {
    /// Copies everything into `target`, in one transaction there; gives the number of sessions. Hold the [`super::Lock`] of
    /// both meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Unusable`]: `target` is not empty, or both are of one kind. A database failed: `target` stays empty.
    pub async fn copy_to(&self, target: &Self) -> Result<u64, StoreError> {
        let server = match (&self.file, &target.file) {
            (Some(_), None) => target,
            (None, Some(_)) => self,
            _ => return Err(refused("both are of one kind: use `backup`, or pg_dump")),
        };
        let mut from = match self.file {
            Some(_) => self.pools.read.begin().await?,
            None => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                self.pools.read.begin_with(begin).await?
            }
        };
        let mut to = target.begin().await?;
        let mut sessions = 0;
        for table in TABLES {
            let rows = format!("SELECT COUNT(*) FROM {table}");
            let rows: i64 = sqlx::query_scalar(AssertSqlSafe(rows))
                .fetch_one(&mut *to)
                .await?;
            if rows > 0 {
                return Err(refused("it is not empty; name a new one"));
            }
        }
        for table in TABLES {
            let columns = columns(server, table).await?;
            let copied = copy(&mut from, &mut to, table, &columns).await?;
            if table == "sessions" {
                sessions = copied;
            }
        }
        if target.file.is_none() {
            // SQLite notes by itself which number was the last.
            let next = "SELECT setval(pg_get_serial_sequence('groups', 'id'), COALESCE(MAX(id), 0) + 1, false) FROM groups";
            to.execute(next).await?;
        }
        to.commit().await?;
        Ok(sessions)
    }
}

fn refused(reason: &str) -> StoreError {
    StoreError::Unusable(reason.to_owned())
}

/// The columns of a table, by the server's own account of them: SQLite's types say less.
async fn columns(server: &Store, table: &str) -> Result<Vec<Column>, StoreError> {
    // Its names are of a type of their own, which not every driver reads.
    let rows = sqlx::query(
        "SELECT column_name::TEXT AS name, data_type::TEXT AS kind FROM information_schema.columns
         WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position",
    )
    .bind(table)
    .fetch_all(&server.pools.read)
    .await?;
    rows.iter()
        .map(|row| {
            let kind = match row.try_get::<&str, _>("kind")? {
                "bigint" | "integer" | "smallint" => Kind::Number,
                "text" => Kind::Text,
                "bytea" => Kind::Bytes,
                _ => return Err(StoreError::Unreadable("column type")),
            };
            Ok((row.try_get("name")?, kind))
        })
        .collect()
}

/// Copies the rows of a table, many in a statement; says how many there were.
async fn copy(
    from: &mut AnyConnection,
    to: &mut AnyConnection,
    table: &str,
    columns: &[Column],
) -> Result<u64, StoreError> {
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(", ");
    let select = AssertSqlSafe(format!("SELECT {names} FROM {table}"));
    let many = PARAMETERS / columns.len();
    let mut rows = sqlx::query(select).fetch(from).try_chunks(many);
    let mut copied = 0;
    while let Some(rows) = rows.try_next().await.map_err(|error| error.1)? {
        let tuples: Vec<String> = (0..rows.len())
            .map(|row| format!("({})", parameters(row * columns.len() + 1, columns.len())))
            .collect();
        let tuples = tuples.join(", ");
        let insert = AssertSqlSafe(format!("INSERT INTO {table} ({names}) VALUES {tuples}"));
        let mut insert = sqlx::query(insert);
        for row in &rows {
            insert = bind(insert, row, columns)?;
        }
        copied += insert.execute(&mut *to).await?.rows_affected();
    }
    Ok(copied)
}

fn bind<'q>(
    mut insert: Query<'q, Any, AnyArguments>,
    row: &AnyRow,
    columns: &[Column],
) -> Result<Query<'q, Any, AnyArguments>, StoreError> {
    for (at, (_, kind)) in columns.iter().enumerate() {
        insert = match kind {
            Kind::Number => insert.bind(row.try_get::<Option<i64>, _>(at)?),
            Kind::Text => {
                let text: Option<&str> = row.try_get(at)?;
                insert.bind(text.map(clean))
            }
            Kind::Bytes => insert.bind(row.try_get::<Option<Vec<u8>>, _>(at)?),
        };
    }
    Ok(insert)
}
