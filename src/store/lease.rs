//! Who holds a PostgreSQL database: the one row of the table `lease`, by the server's clock. A process that holds it
//! renews it; one that is gone stops, and the row expires.

use std::time::Duration;

use sqlx::PgConnection;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use url::Url;

use super::schema::{Schema, is_missing_table};
use super::{StoreError, postgres};

/// The server's time, in epoch milliseconds. A macro, so that queries are texts known beforehand.
macro_rules! server_time {
    () => {
        "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT"
    };
}

/// For how long a lease is taken and renewed.
macro_rules! expiry {
    () => {
        concat!(server_time!(), " + 10000")
    };
}

/// Takes the lease, unless it is another's.
const TAKE: &str = concat!(
    "INSERT INTO lease (id, holder, process, expires_at) VALUES (1, $1, $2, ",
    expiry!(),
    ") ON CONFLICT (id) DO UPDATE SET holder = EXCLUDED.holder, process = EXCLUDED.process,
         expires_at = EXCLUDED.expires_at
     WHERE lease.expires_at < ",
    server_time!()
);

/// Also when it has expired, as long as nobody else has taken it: the server may have been down.
const RENEW: &str = concat!(
    "UPDATE lease SET expires_at = ",
    expiry!(),
    " WHERE holder = $1"
);

/// How often it is renewed: a few times in the life of a lease.
const RENEWAL: Duration = Duration::from_secs(2);

/// How often to look whether another's lease has expired.
const LOOK: Duration = Duration::from_secs(1);

/// Longest to wait for the server's answer.
const ANSWER: Duration = Duration::from_secs(5);

/// A lease that is renewed until it is released or lost.
#[derive(Debug)]
pub(super) struct Lease {
    stop: oneshot::Sender<()>,
    /// Ends when the lease is lost, or released after `stop`.
    renewing: JoinHandle<()>,
}

impl Lease {
    /// Takes the lease of the database that `url` names. Where it is another's, waits until that one renews it, and is
    /// refused, or does not: then that process is gone.
    pub(super) async fn take(url: &Url) -> Result<Self, StoreError> {
        let unusable = |error: StoreError| StoreError::Unusable(postgres::explain(&error));
        let mut connection = postgres::single(url).await.map_err(unusable)?;
        let holder = ulid::Ulid::generate().to_string();
        take(&mut connection, &holder).await.map_err(unusable)?;
        let (stop, stopped) = oneshot::channel();
        let renewing = Renewing {
            url: url.clone(),
            holder,
            connection: Some(connection),
        };
        Ok(Self {
            stop,
            renewing: tokio::spawn(renewing.run(stopped)),
        })
    }

    /// Completes when another process has taken the lease.
    pub(super) async fn lost(&mut self) -> StoreError {
        let _ = (&mut self.renewing).await;
        let reason = "another process has taken it, since this one could not reach it for a while; run one process a database";
        StoreError::Unusable(reason.to_owned())
    }

    pub(super) async fn release(self) {
        // Refused where the lease is lost, and then there is nothing to wait for.
        if self.stop.send(()).is_ok() {
            let _ = timeout(ANSWER, self.renewing).await;
        }
    }
}

async fn take(connection: &mut PgConnection, holder: &str) -> Result<(), StoreError> {
    let mut seen = None;
    loop {
        let taken = sqlx::query(TAKE)
            .bind(holder)
            .bind(format!("process {}", std::process::id()))
            .execute(&mut *connection)
            .await;
        match taken {
            Ok(done) if done.rows_affected() == 1 => return Ok(()),
            Ok(_) => {}
            // No process that knows of leases has been here: nobody holds the database.
            Err(sqlx::Error::Database(error)) if is_missing_table(error.code().as_deref()) => {
                Schema::Update
                    .apply(&postgres::MIGRATIONS, connection)
                    .await?;
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        let found: Option<(String, i64)> = sqlx::query_as("SELECT process, expires_at FROM lease")
            .fetch_optional(&mut *connection)
            .await?;
        let Some((process, expiry)) = found else {
            // Released just now.
            continue;
        };
        match seen {
            None => sleep(RENEWAL + LOOK).await,
            Some(before) if before == expiry => {
                tracing::info!(
                    holder = process,
                    "waiting for the lease of the database to expire"
                );
                sleep(LOOK).await;
            }
            Some(_) => {
                return Err(StoreError::Unusable(format!(
                    "{process} uses it, on this machine or another; stop that process first"
                )));
            }
        }
        seen = Some(expiry);
    }
}

/// What keeps a lease.
struct Renewing {
    url: Url,
    holder: String,
    connection: Option<PgConnection>,
}

impl Renewing {
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        loop {
            tokio::select! {
                _ = &mut stopped => break,
                () = sleep(RENEWAL) => {}
            }
            match self.execute(RENEW).await {
                Ok(1..) => {}
                Ok(0) => return,
                Err(error) => {
                    tracing::warn!(%error, "cannot renew the lease of the database; trying again")
                }
            }
        }
        if let Err(error) = self.execute("DELETE FROM lease WHERE holder = $1").await {
            tracing::warn!(%error, "cannot release the lease of the database; it expires");
        }
    }

    /// Runs a query about the holder, on a new connection where the last one has failed; says how many rows it met.
    async fn execute(&mut self, query: &'static str) -> Result<u64, StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => postgres::single(&self.url).await?,
        };
        let done = sqlx::query(query)
            .bind(&self.holder)
            .execute(&mut connection);
        let done = timeout(ANSWER, done)
            .await
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
        self.connection = Some(connection);
        Ok(done.rows_affected())
    }
}
