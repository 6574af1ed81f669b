//! The server: starting, stopping, and the handle that tests hold.

use crate::connection;
use crate::fault::{Fault, LoginFault, Planned, When};
use crate::group_handle::GroupHandle;
use crate::group_spec::GroupSpec;
use crate::listen;
use crate::noise::certificate_chain;
use crate::phone::Phone;
use crate::state::{Out, Shared};
use crate::webauthn::Credential;
use crate::world::{FromPrivate as _, Person, World};
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use wacore::libsignal::protocol::KeyPair;

/// Where the server listens and what it remembers.
#[derive(Debug, Clone)]
pub struct StandinConfig {
    /// Address to listen on; port 0 picks a free one.
    pub addr: SocketAddr,
    /// A JSON file that the world (server key, accounts with linked devices, people, groups) is read from and kept
    /// in. `None` keeps everything in memory.
    pub state: Option<PathBuf>,
}

impl Default for StandinConfig {
    /// A free port on the loopback, nothing on disk.
    fn default() -> Self {
        Self {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            state: None,
        }
    }
}

impl StandinConfig {
    /// Sets the address to listen on.
    #[must_use]
    pub fn addr(mut self, addr: impl Into<SocketAddr>) -> Self {
        self.addr = addr.into();
        self
    }

    /// Sets the state file.
    #[must_use]
    pub fn state(mut self, file: impl Into<PathBuf>) -> Self {
        self.state = Some(file.into());
        self
    }
}

/// A running WhatsApp server. Dropping it drops every connection.
pub struct Standin {
    pub(crate) shared: Arc<Shared>,
    addr: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Standin {
    /// Starts listening.
    ///
    /// # Errors
    /// When the address can't be bound, or the state file can't be read or is not one.
    pub async fn start(config: StandinConfig) -> io::Result<Self> {
        let world = load(&config)?;
        let server = KeyPair::from_private(&world.server).map_err(io::Error::other)?;
        let chain = certificate_chain(&server).map_err(io::Error::other)?;
        let listener = TcpListener::bind(config.addr).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared::new(world, server, chain, config.state));
        shared.save()?;
        let keeper = Arc::clone(&shared);
        let tasks = vec![
            tokio::spawn(listen::accept(listener, Arc::clone(&shared))),
            tokio::spawn(async move { keeper.keep_saved().await }),
        ];
        Ok(Self {
            shared,
            addr,
            tasks,
        })
    }

    /// Starts on a free loopback port with nothing on disk.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start_default() -> io::Result<Self> {
        Self::start(StandinConfig::default()).await
    }

    /// Stops listening, drops every connection and writes the state file.
    ///
    /// # Errors
    /// When the state file can't be written.
    pub async fn stop(mut self) -> io::Result<()> {
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
            // Waiting for it means that the port is free when this returns.
            let _ = task.await;
        }
        self.shared.save()
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The WebSocket URL for clients.
    pub fn url(&self) -> String {
        format!("ws://{}/ws/chat", self.addr)
    }

    /// The static X25519 public key, 64 hex digits: what a client pins.
    pub fn server_key(&self) -> String {
        hex::encode(self.shared.server.public_key.public_key_bytes())
    }

    /// Seeds an account (a phone number whose phone is at hand, see [`Standin::phone`]). One that exists stays.
    ///
    /// # Errors
    /// When no key pair can be generated.
    pub fn add_account(&self, phone: &str) -> io::Result<()> {
        self.shared.with(|state| {
            state.unsaved = true;
            state.world.put_account(phone).map_err(io::Error::other)
        })
    }

    /// Has linking a device to this account ask for a passkey from now on. The account is seeded where it does not exist;
    /// its phone has the passkey, see [`Phone::assert_passkey`].
    ///
    /// # Errors
    /// When no key pair can be generated.
    pub fn require_passkey(&self, phone: &str) -> io::Result<()> {
        self.add_account(phone)?;
        self.shared.with(|state| {
            let Some(account) = state.world.accounts.get_mut(phone) else {
                return Ok(());
            };
            if account.passkey.is_none() {
                let passkey = Credential::generate();
                account.passkey = Some(passkey.ok_or(io::ErrorKind::Other)?);
            }
            Ok(())
        })
    }

    /// Adds or replaces a person. Every number that nobody seeded is not on WhatsApp.
    pub fn add_person(&self, person: Person) {
        self.shared.with(|state| {
            state.unsaved = true;
            state.world.put_person(person);
        });
    }

    /// The person with this phone number.
    pub fn person(&self, phone: &str) -> Option<Person> {
        self.shared
            .read(|state| state.world.people.get(phone).cloned())
    }

    /// Seeds a group and returns its JID. One that exists (by [`GroupSpec::gid`]) stays as it is.
    pub fn add_group(&self, spec: GroupSpec) -> String {
        self.shared.with(|state| {
            state.unsaved = true;
            state.world.put_group(spec)
        })
    }

    /// A group, to look at or to act on as one of its admins.
    pub fn group(&self, gid: &str) -> GroupHandle {
        GroupHandle {
            shared: Arc::clone(&self.shared),
            gid: gid.to_owned(),
        }
    }

    /// The phone of an account.
    pub fn phone(&self, number: &str) -> Phone {
        Phone {
            shared: Arc::clone(&self.shared),
            number: number.to_owned(),
        }
    }

    /// Plans a fault for an account, or makes it happen now.
    pub fn fault(&self, account: &str, when: When, fault: Fault) {
        self.shared.with(|state| {
            let (kind, once) = match when {
                When::Now if fault.is_connection_fault() => {
                    return connection::strike(state, account, &fault);
                }
                When::Now => (None, false),
                When::Next(kind) => (Some(kind), true),
                When::Every(kind) => (Some(kind), false),
            };
            let planned = Planned { kind, once, fault };
            state
                .faults
                .entry(account.to_owned())
                .or_default()
                .push(planned);
        });
    }

    /// Forgets every planned fault of an account, those of its logins too.
    pub fn clear_faults(&self, account: &str) {
        self.shared.with(|state| {
            state.faults.remove(account);
            state.login_faults.remove(account);
        });
    }

    /// Turns the next `times` logins of an account away; `None` means all until [`Standin::clear_faults`].
    pub fn refuse_logins(&self, account: &str, times: Option<u32>, how: LoginFault) {
        self.shared
            .with(|state| state.login_faults.insert(account.to_owned(), (times, how)));
    }

    /// Drops every open connection, as a server that crashes does.
    pub fn drop_connections(&self) {
        self.shared
            .with(|state| state.live.values().for_each(|live| live.send(Out::Abort)));
    }

    /// Stops serving, as SIGSTOP does to a server: connections stay open, nothing is read, answered or sent, and who
    /// connects is taken in by the operating system alone. [`Standin::thaw`] goes on.
    pub fn freeze(&self) {
        self.shared.frozen.send_replace(true);
    }

    /// Ends what [`Standin::freeze`] began. What came in the meantime is served now.
    pub fn thaw(&self) {
        self.shared.frozen.send_replace(false);
    }

    /// How many IQs of each kind were received, over all accounts. A kind is type, namespace and first child, e.g.
    /// `set w:g2 add`, `get w:g2 participating`, `set encrypt registration`, `get w:p` (pings).
    pub fn iq_counts(&self) -> BTreeMap<String, u64> {
        self.shared.read(|state| {
            let mut sum = BTreeMap::new();
            for (kind, count) in state.counts.values().flatten() {
                *sum.entry(kind.clone()).or_default() += count;
            }
            sum
        })
    }

    /// How many IQs of a kind were received, over all accounts.
    pub fn iq_count(&self, kind: &str) -> u64 {
        self.shared.read(|state| {
            state
                .counts
                .keys()
                .map(|phone| state.count(phone, kind))
                .sum()
        })
    }

    /// How many IQs of each kind an account has sent; the empty number stands for clients not yet paired.
    pub fn iq_counts_of(&self, account: &str) -> BTreeMap<String, u64> {
        self.shared
            .read(|state| state.counts.get(account).cloned().unwrap_or_default())
    }

    /// How many IQs a client received error 501 for: kinds this server does not know.
    pub fn unknown_iqs(&self) -> BTreeMap<String, u64> {
        self.shared.read(|state| state.unknown.clone())
    }

    /// Waits until at least `n` IQs of a kind were received. Bound it with a timeout.
    pub async fn wait_iq(&self, kind: &str, n: u64) {
        self.shared
            .until(|state| {
                let seen: u64 = state
                    .counts
                    .keys()
                    .map(|phone| state.count(phone, kind))
                    .sum();
                (seen >= n).then_some(())
            })
            .await;
    }

    /// How many connections are logged in as this account.
    pub fn connections(&self, account: &str) -> usize {
        self.shared
            .read(|state| state.connections_of(account).count())
    }

    /// How many times the account's devices have logged in.
    pub fn logins(&self, account: &str) -> u64 {
        self.shared
            .read(|state| state.logins.get(account).copied().unwrap_or(0))
    }

    /// How often its device had logged in before, as the last login of the account says.
    pub fn login_counter(&self, account: &str) -> Option<i32> {
        self.shared
            .read(|state| state.login_counters.get(account).copied().flatten())
    }

    /// Waits until a device of the account is logged in. Bound it with a timeout.
    pub async fn wait_connected(&self, account: &str) {
        self.shared
            .until(|state| state.connections_of(account).next().map(drop))
            .await;
    }

    /// Waits until no device of the account is logged in. Bound it with a timeout.
    pub async fn wait_disconnected(&self, account: &str) {
        self.shared
            .until(|state| state.connections_of(account).next().is_none().then_some(()))
            .await;
    }

    /// Waits until the account's devices have logged in `n` times in all. Bound it with a timeout.
    pub async fn wait_logins(&self, account: &str, n: u64) {
        self.shared
            .until(|state| (state.logins.get(account).copied().unwrap_or(0) >= n).then_some(()))
            .await;
    }

    /// Notifications that the account's devices have not acknowledged.
    pub fn unacknowledged(&self, account: &str) -> usize {
        self.shared.read(|state| unacknowledged(state, account))
    }

    /// Waits until every notification to the account's devices is acknowledged. Bound it with a timeout.
    pub async fn wait_acknowledged(&self, account: &str) {
        self.shared
            .until(|state| (unacknowledged(state, account) == 0).then_some(()))
            .await;
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        if let Err(error) = self.shared.save() {
            tracing::warn!(%error, "can't write the state file");
        }
    }
}

fn unacknowledged(state: &crate::state::State, account: &str) -> usize {
    state
        .queues
        .iter()
        .filter(|((phone, _), _)| phone == account)
        .map(|(_, queue)| queue.len())
        .sum()
}

/// Reads the state file, or makes a new world when there is none.
fn load(config: &StandinConfig) -> io::Result<World> {
    if let Some(file) = &config.state {
        match std::fs::read(file) {
            Ok(json) => {
                let mut world: World =
                    serde_json::from_slice(&json).map_err(|error| in_file(file, &error.into()))?;
                world.reindex();
                return Ok(world);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(in_file(file, &error)),
        }
    }
    let key = KeyPair::generate(&mut rand::make_rng::<rand::rngs::StdRng>());
    Ok(World::new(*key.private_key.serialize()))
}

fn in_file(file: &Path, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("state file {}: {error}", file.display()),
    )
}
