//! The database of a test: a file of SQLite, or where `TEST_DATABASE=postgres` says so one in the server of
//! `TEST_POSTGRES`, which `scripts/postgres run` starts.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::thread;

use sqlx::postgres::{PgConnection, PgPool};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;
use whatsapp_gateway::{Database as Name, SessionId, Store};
use whatsapp_standin::Standin;

/// An empty database of a test's own, gone with it.
#[derive(Debug)]
pub struct Database {
    name: Name,
    /// How the gateway's setting names it.
    setting: OsString,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Folder { _dir: TempDir },
    Server { url: String, database: String },
}

impl Database {
    /// A new one, of the kind that this run is about.
    ///
    /// # Panics
    /// There is no place for it.
    pub async fn new() -> Self {
        match std::env::var("TEST_DATABASE").as_deref() {
            Err(_) | Ok("sqlite") => Self::sqlite(),
            Ok("postgres") => Self::on_the_server().await,
            Ok(other) => panic!("TEST_DATABASE is sqlite or postgres, not {other}"),
        }
    }

    /// One of SQLite.
    ///
    /// # Panics
    /// There is no place for it.
    #[must_use]
    pub fn sqlite() -> Self {
        let dir = TempDir::new().expect("a directory");
        let path = dir.path().join("gateway.db");
        Self {
            name: Name::Sqlite(path.clone()),
            setting: path.into(),
            place: Place::Folder { _dir: dir },
        }
    }

    /// One in the server that all tests have.
    ///
    /// # Panics
    /// There is none, or it does not do it.
    pub async fn on_the_server() -> Self {
        let url = std::env::var("TEST_POSTGRES");
        let url = url.expect("TEST_POSTGRES is not set: run the tests by `make unit`");
        Self::postgres(&url).await
    }

    /// One in this server: `url` names another database there, from which to make it.
    ///
    /// # Panics
    /// The server does not do it.
    pub async fn postgres(url: &str) -> Self {
        let database = format!("test_{}", SessionId::generate()).to_lowercase();
        let create = format!("CREATE DATABASE {database}");
        admin(url, create).await.expect("a database");
        let (server, _) = url.rsplit_once('/').expect("a database in the URL");
        let setting = format!("{server}/{database}");
        let Ok(name) = setting.parse();
        Self {
            name,
            setting: setting.into(),
            place: Place::Server {
                url: url.to_owned(),
                database,
            },
        }
    }

    /// As the gateway names it.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The file that it is.
    ///
    /// # Panics
    /// It is in a server.
    #[must_use]
    pub fn file(&self) -> &Path {
        match &self.name {
            Name::Sqlite(path) => path,
            Name::Postgres(..) => panic!("PostgreSQL is no file"),
        }
    }

    /// Opens it the way the command line does.
    ///
    /// # Panics
    /// It fails.
    pub async fn store(&self) -> Store {
        Store::open(&self.name).await.expect("a database")
    }

    /// How the gateway's setting names it.
    #[must_use]
    pub fn setting(&self) -> &OsStr {
        &self.setting
    }

    /// The settings of a gateway on it, at this stand-in.
    #[must_use]
    pub fn environment(&self, standin: &Standin) -> Vec<(&'static str, OsString)> {
        environment(&self.setting, standin)
    }

    /// Runs a statement in it, beside the gateway.
    ///
    /// # Panics
    /// It fails.
    pub async fn execute(&self, sql: &str) {
        let url = self.setting.to_str().expect("UTF-8");
        let done = match &self.place {
            Place::Folder { .. } => {
                let mut connection = SqliteConnection::connect(url).await.expect("a database");
                connection.execute(AssertSqlSafe(sql)).await.map(drop)
            }
            Place::Server { .. } => admin(url, sql.to_owned()).await,
        };
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Keeps everybody else from writing to `actions`, until it is dropped.
    ///
    /// # Panics
    /// It fails.
    pub async fn hold(&self) -> Held {
        let url = self.setting.to_str().expect("UTF-8");
        match &self.place {
            Place::Folder { .. } => {
                let mut connection = SqliteConnection::connect(url).await.expect("a database");
                let begun = connection.execute("BEGIN IMMEDIATE").await;
                begun.expect("the writer's turn");
                Held::File(connection)
            }
            Place::Server { .. } => {
                let mut connection = PgConnection::connect(url).await.expect("a database");
                let begin = "BEGIN; LOCK TABLE actions IN EXCLUSIVE MODE";
                connection.execute(begin).await.expect("a lock");
                Held::Server(connection)
            }
        }
    }

    /// All that it holds, to look for what must not be there: the file and its log as they are; of a server, which keeps
    /// its files to itself, the values of all rows that hold bytes.
    ///
    /// # Panics
    /// It cannot be read.
    pub async fn contents(&self) -> Vec<u8> {
        let setting = self.setting.to_str().expect("UTF-8");
        let Place::Server { .. } = &self.place else {
            let mut bytes = std::fs::read(setting).expect("the file");
            bytes.extend(std::fs::read(format!("{setting}-wal")).unwrap_or_default());
            return bytes;
        };
        let pool = PgPool::connect(setting).await.expect("a database");
        let columns: Vec<(String, String)> = sqlx::query_as(
            "SELECT table_name::text, column_name::text FROM information_schema.columns
             WHERE table_schema = 'public' AND data_type = 'bytea'",
        )
        .fetch_all(&pool)
        .await
        .expect("the schema");
        let mut bytes = Vec::new();
        for (table, column) in columns {
            let all = format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL");
            let values: Vec<Vec<u8>> = sqlx::query_scalar(AssertSqlSafe(all))
                .fetch_all(&pool)
                .await
                .expect("the rows");
            bytes.extend(values.concat());
        }
        pool.close().await;
        bytes
    }
}

/// A connection that keeps others from writing.
#[derive(Debug)]
pub enum Held {
    /// To a file.
    File(SqliteConnection),
    /// To a server.
    Server(PgConnection),
}

/// The settings of a gateway on the database that `setting` names, at this stand-in.
#[must_use]
pub fn environment(setting: &OsStr, standin: &Standin) -> Vec<(&'static str, OsString)> {
    vec![
        ("GATEWAY_DATABASE", setting.to_owned()),
        ("WHATSAPP_URL", standin.url().into()),
        ("WHATSAPP_SERVER_KEY", standin.server_key().into()),
    ]
}

impl Drop for Database {
    fn drop(&mut self) {
        let Place::Server { url, database } = &self.place else {
            return;
        };
        let (url, drop) = (
            url.clone(),
            format!("DROP DATABASE {database} WITH (FORCE)"),
        );
        // On a thread of its own, because a runtime waits for nothing while one of its tasks is dropped. What cannot be
        // dropped goes with the server.
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(admin(&url, drop))
        });
        let _ = dropped.join();
    }
}

/// Runs a statement on a connection of its own.
async fn admin(url: &str, sql: String) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    connection.execute(AssertSqlSafe(sql)).await?;
    connection.close().await
}
