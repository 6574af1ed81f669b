//! One test's world: a stand-in, a gateway on an empty database, and whoever calls it.

use std::net::SocketAddr;

use whatsapp_gateway::api_key;
use whatsapp_gateway::config::Config;
use whatsapp_gateway::{ApiKeyRecord, Store, now};
use whatsapp_standin::{Standin, StandinConfig};

use crate::client::Client;
use crate::database::Database;
use crate::faults::{self, Fault};
use crate::gateway::{self, Gateway};
use crate::session::Session;

/// The organization that the tests act for, unless they need a second one.
pub const ORGANIZATION: &str = "org_42";
/// The phone number of the account that [`Lab::connected`] links.
pub const ACCOUNT: &str = "628111222333";

/// A stand-in and a gateway, both fresh, both in this process.
pub struct Lab {
    /// WhatsApp.
    pub standin: Standin,
    gateway: Gateway,
    /// Where callers find it: itself, or a fault in front of it.
    front: SocketAddr,
    config: Config,
    store: Store,
    database: Database,
}

impl Lab {
    /// Starts both.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// Starts both, the gateway with other settings.
    pub async fn with(adjust: impl FnOnce(&mut Config)) -> Self {
        Self::new(StandinConfig::default(), adjust).await
    }

    /// Starts both, the stand-in with other settings.
    pub async fn with_standin(standin: StandinConfig) -> Self {
        Self::new(standin, |_| {}).await
    }

    async fn new(standin: StandinConfig, adjust: impl FnOnce(&mut Config)) -> Self {
        let standin = Standin::start(standin).await.expect("a stand-in");
        let database = Database::new().await;
        let mut config = gateway::config(database.name(), &standin);
        adjust(&mut config);
        let store = database.store().await;
        let gateway = Gateway::start(config.clone()).await;
        let lab = Self {
            standin,
            front: gateway.address(),
            gateway,
            config,
            store,
            database,
        };
        match Fault::from_env() {
            Some(fault) => lab.spoiled(fault).await,
            None => lab,
        }
    }

    /// The same with a fault in front of the gateway.
    pub async fn spoiled(self, fault: Fault) -> Self {
        let (_, owner) = self.api_key(ORGANIZATION, "read,send,manage", None).await;
        let front = faults::put_in_front(fault, self.gateway.address(), owner).await;
        Self { front, ..self }
    }

    /// Where the gateway is, `http://host:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.front)
    }

    /// Where the gateway is, for raw sockets.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.front
    }

    /// The gateway's database.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The gateway's database, opened a second time.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// A caller without a credential.
    #[must_use]
    pub fn anonymous(&self) -> Client {
        Client::new(self.url())
    }

    /// A caller of [`ORGANIZATION`] who may do everything.
    pub async fn manager(&self) -> Client {
        self.caller(ORGANIZATION, "read,send,manage").await
    }

    /// A caller with a fresh api key.
    pub async fn caller(&self, organization: &str, capabilities: &str) -> Client {
        self.anonymous()
            .with_token(self.api_key(organization, capabilities, None).await.1)
    }

    /// Makes an api key the way the command line does; gives its id and the token.
    pub async fn api_key(
        &self,
        organization: &str,
        capabilities: &str,
        expires_at: Option<i64>,
    ) -> (String, String) {
        create_api_key(&self.store, organization, capabilities, expires_at).await
    }

    /// Revokes an api key the way the command line does.
    ///
    /// # Panics
    /// There is no such key.
    pub async fn revoke_api_key(&self, id: &str) {
        assert!(
            self.store
                .revoke_api_key(None, &id.parse().expect("an id"), now())
                .await
                .expect("a database"),
            "no such key"
        );
    }

    /// A session of [`ORGANIZATION`], linked to [`ACCOUNT`] and connected. Seed its groups before.
    pub async fn connected(&self) -> Session {
        self.connected_as(ACCOUNT).await
    }

    /// A session of [`ORGANIZATION`], linked to this account and connected.
    pub async fn connected_as(&self, account: &str) -> Session {
        let session = Session::create(&self.manager().await).await;
        session.pair(&self.standin, account).await;
        session
    }

    /// Stops the gateway cleanly and starts it again on the same database, on another port.
    pub async fn restart_gateway(self) -> Self {
        self.gateway.stop().await;
        let gateway = Gateway::start(self.config.clone()).await;
        let front = gateway.address();
        Self {
            gateway,
            front,
            ..self
        }
    }

    /// Stops the stand-in and starts another one in its place.
    ///
    /// # Panics
    /// It does not stop or start.
    pub async fn replace_standin(self, by: StandinConfig) -> Self {
        self.standin.stop().await.expect("a clean stop");
        let standin = Standin::start(by).await.expect("a stand-in");
        Self { standin, ..self }
    }

    /// Stops both.
    ///
    /// # Panics
    /// The gateway does not stop cleanly, or has asked something that the stand-in does not know.
    pub async fn stop(self) {
        self.gateway.stop().await;
        let unknown = self.standin.unknown_iqs();
        assert!(
            unknown.is_empty(),
            "the stand-in knows no answer to {unknown:?}"
        );
        self.standin.stop().await.expect("a clean stop");
    }
}

/// Makes an api key the way the command line does; gives its id and the token.
///
/// # Panics
/// The database fails.
pub async fn create_api_key(
    store: &Store,
    organization: &str,
    capabilities: &str,
    expires_at: Option<i64>,
) -> (String, String) {
    let (token, hash) = api_key::generate();
    let record = ApiKeyRecord {
        expires_at,
        ..ApiKeyRecord::new(organization, "test", capabilities)
    };
    let made = store.insert_api_key(&record, &hash, None).await;
    assert!(made.expect("a database"));
    (record.id.to_string(), token)
}
