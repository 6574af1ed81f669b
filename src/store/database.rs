//! Which database: an SQLite file, or a PostgreSQL server.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use url::Url;

/// Connections to PostgreSQL unless the setting says otherwise.
pub const CONNECTIONS: u32 = 10;

/// Where everything is stored. Shown without the password.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// A file beside the process.
    Sqlite(PathBuf),
    /// A server, and how many connections to it are held at most.
    Postgres(Url, u32),
}

impl FromStr for Database {
    type Err = Infallible;

    /// `postgres://…` or `postgresql://…` is a server; all else is the path of a file.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let url = Url::parse(text).ok();
        let server = url.filter(|url| matches!(url.scheme(), "postgres" | "postgresql"));
        Ok(match server {
            Some(url) => Self::Postgres(url, CONNECTIONS),
            None => Self::Sqlite(text.into()),
        })
    }
}

impl From<PathBuf> for Database {
    fn from(path: PathBuf) -> Self {
        Self::Sqlite(path)
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(url, _) => {
                let host = url.host_str().unwrap_or("localhost");
                write!(f, "{} at {host}", url.path().trim_start_matches('/'))
            }
        }
    }
}

// A password must not reach a log through `{:?}`.
impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_server_and_all_else_a_file() {
        for (text, shown) in [
            ("gateway.db", "gateway.db"),
            ("/var/lib/gateway.db", "/var/lib/gateway.db"),
            ("postgres.db", "postgres.db"),
            (
                "postgres://me:secret@db:5433/gateway?sslmode=verify-full",
                "gateway at db",
            ),
            (
                "postgresql:///gateway?host=/run/postgresql",
                "gateway at localhost",
            ),
        ] {
            let Ok(database) = text.parse::<Database>();
            assert_eq!(database.to_string(), shown);
            assert_eq!(format!("{database:?}"), format!("Database({shown})"));
            let server = matches!(database, Database::Postgres(..));
            assert_eq!(server, text.starts_with("postgres") && text.contains("://"));
        }
    }
}
