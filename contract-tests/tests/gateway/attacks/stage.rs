//! What every attack stands on: the gateway, whom it serves meanwhile, and what is seen of both.

use std::ffi::OsString;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use contract_tests::attacker::{Attacker, Fates};
use contract_tests::bystander::{Bystander, Met};
use contract_tests::client::{Call, Client};
use contract_tests::database::Database;
use contract_tests::lab::{ACCOUNT, ORGANIZATION, create_api_key};
use contract_tests::process::Process;
use contract_tests::session::Session;
use contract_tests::usage::{cpu, resident};
use hyper::header::CONNECTION;
use serde_json::Value;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use whatsapp_gateway::config::Limits;
use whatsapp_standin::{GroupSpec, Standin};

use crate::world::GROUP;

/// How often it is looked at what the gateway holds.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// So long before an attack gives up, what is held is counted.
const BEFORE: Duration = Duration::from_millis(500);

/// How large an attack is, and how exactly it is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Beside other tests, with short limits.
    Small,
    /// Alone on the machine, with the default limits.
    Full,
}

impl Scale {
    /// The one or the other.
    pub fn pick<T>(self, small: T, full: T) -> T {
        match self {
            Self::Small => small,
            Self::Full => full,
        }
    }

    /// How much longer than its limit something may take, because the machine is busy.
    pub fn slack(self) -> Duration {
        self.pick(Duration::from_secs(10), Duration::from_secs(3))
    }
}

/// A gateway that is about to be attacked with the key of [`ORGANIZATION`].
pub struct Stage {
    pub scale: Scale,
    pub limits: Limits,
    pub standin: Standin,
    pub gateway: Process,
    pub attacker: Attacker,
    /// A caller of the attacker's organization, from another address.
    pub colleague: Client,
    /// Its key, which the attacker has too.
    pub token: String,
    /// What is called all the while.
    pub bystanders: Vec<Call>,
    /// The memory of the gateway in KiB before the first attack.
    resident: OnceLock<u64>,
    /// What did not hold.
    broken: Mutex<Vec<String>>,
    _database: Database,
}

impl Stage {
    /// Starts it. The limits are the default ones, in small those that `small` makes of them.
    pub async fn with(scale: Scale, small: impl FnOnce(&mut Limits)) -> Self {
        Self::with_settings(scale, small, &[], Process::serve).await
    }

    /// The same with more settings, and another way of starting it.
    pub async fn with_settings(
        scale: Scale,
        small: impl FnOnce(&mut Limits),
        settings: &[(&'static str, OsString)],
        serve: impl AsyncFnOnce(&[(&'static str, OsString)]) -> Process,
    ) -> Self {
        let mut limits = Limits::default();
        if scale == Scale::Small {
            small(&mut limits);
        }
        let standin = Standin::start_default().await.unwrap();
        let database = Database::new().await;
        let store = database.store().await;
        let mut environment = database.environment(&standin);
        environment.extend(limit_settings(&limits));
        environment.extend_from_slice(settings);
        let gateway = serve(&environment).await;
        let address = gateway.url()["http://".len()..].parse().unwrap();
        let key = async |organization| {
            create_api_key(&store, organization, "read,send,manage", None)
                .await
                .1
        };
        let token = key(ORGANIZATION).await;
        let colleague = Client::new(gateway.url()).with_token(&token);
        let bystander = Client::new(gateway.url()).with_token(key("org_bystander").await);
        let session = Session::create(&bystander).await;
        let call = bystander.get(session.path(""));
        Self {
            scale,
            limits,
            standin,
            attacker: Attacker::new(address),
            gateway,
            colleague,
            token,
            // One on a connection that it has, one that needs a new one each time.
            bystanders: vec![call.clone(), call.header(CONNECTION, "close")],
            resident: OnceLock::new(),
            broken: Mutex::default(),
            _database: database,
        }
    }

    /// A connected session of the attacker's organization; [`GROUP`] has so many members.
    pub async fn connected(&self, members: usize) -> Session {
        let group = GroupSpec::new("Crowd").gid(GROUP).admin(ACCOUNT);
        let group = group.size_limit(usize::MAX);
        let people = (1..members).map(|n| format!("62877{n:07}"));
        self.standin
            .add_group(people.fold(group, GroupSpec::member));
        let session = Session::create(&self.colleague).await;
        session.pair(&self.standin, ACCOUNT).await;
        session
    }

    /// Waits until the attack is over, which gives up when `patience` is, and looks at what the gateway held of it. Prints
    /// what became of it, and holds what the bystanders met to what they have to.
    pub async fn under(
        &self,
        attack: &str,
        patience: Duration,
        made: impl Future<Output = Fates>,
    ) -> Report {
        let process = self.gateway.id();
        let before = *self.resident.get_or_init(|| resident(process));
        let spent = cpu(process);
        let bystanders = self.bystanders.iter().cloned().map(Bystander::begin);
        let bystanders: Vec<_> = bystanders.collect();
        let mut watch = Watch::begin(self.attacker, process);
        let begun = Instant::now();
        let (ended, over) = oneshot::channel();
        let made = async {
            let fates = made.await;
            drop(ended);
            fates
        };
        let (fates, (left, took)) = tokio::join!(made, async {
            // What it gives up itself is not the gateway's doing.
            let left = watch.released(over, begun + patience - BEFORE).await;
            let took = begun.elapsed();
            // Of too few calls the worst is no quantile.
            sleep_until(begun + self.scale.pick(Duration::ZERO, Duration::from_secs(4))).await;
            (left, took)
        });
        let Seen {
            most_held,
            most_resident,
            ..
        } = *watch.seen.borrow();
        let mut met = Met::default();
        for bystander in bystanders {
            met.join(bystander.end().await);
        }
        let report = Report {
            attack: format!("{attack} ({:?})", self.scale),
            fates,
            took,
            most_held,
            left,
            resident: [before, most_resident, resident(process)],
            cpu: cpu(process) - spent,
            met,
        };
        report.print();
        let failures: Fates = report.met.failures.iter().cloned().collect();
        self.holds(
            &report,
            report.met.failures.is_empty(),
            &format!("bystanders met {failures}"),
        );
        let bound = Duration::from_millis(self.scale.pick(1000, 50));
        let p99 = report.met.quantile(0.99);
        self.holds(&report, p99 < bound, &format!("bystanders' p99 is {p99:?}"));
        report
    }

    /// Says where something does not hold that has to: `otherwise` is what is instead.
    pub fn holds(&self, report: &Report, holds: bool, otherwise: &str) {
        if !holds {
            eprintln!("  does not hold: {otherwise}");
            let broken = format!("{}: {otherwise}", report.attack);
            self.broken.lock().unwrap().push(broken);
        }
    }

    /// Stops the gateway.
    ///
    /// # Panics
    /// Something did not hold.
    pub async fn end(self) {
        assert_eq!(self.gateway.terminate().await, Some(0));
        self.standin.stop().await.unwrap();
        let broken = self.broken.into_inner().unwrap();
        assert!(broken.is_empty(), "{}", broken.join("\n"));
    }

    /// Calls with the attacker's key from another address, until it is refused with 429 or `until` is: gives the details.
    pub async fn refused<T>(&self, until: &JoinHandle<T>) -> Option<Value> {
        while !until.is_finished() {
            let answer = self.colleague.get("/sessions").send_uncertain().await;
            if let Some(answer) = answer
                && answer.status == 429
            {
                assert!(answer.headers.contains_key("retry-after"));
                return Some(answer.error(429, "rate_limited"));
            }
            sleep(LOOK_AGAIN).await;
        }
        None
    }
}

/// The environment that gives these limits.
fn limit_settings(limits: &Limits) -> Vec<(&'static str, OsString)> {
    let seconds = |time: Duration| time.as_secs() as usize;
    let settings = [
        (
            "GATEWAY_HEADER_TIMEOUT_SECONDS",
            seconds(limits.header_timeout),
        ),
        ("GATEWAY_BODY_TIMEOUT_SECONDS", seconds(limits.body_timeout)),
        (
            "GATEWAY_ANSWER_TIMEOUT_SECONDS",
            seconds(limits.answer_timeout),
        ),
        ("GATEWAY_IDLE_TIMEOUT_SECONDS", seconds(limits.idle_timeout)),
        ("GATEWAY_MAX_CONNECTIONS", limits.max_connections),
        (
            "GATEWAY_MAX_CONNECTIONS_PER_ADDRESS",
            limits.max_connections_per_address,
        ),
        ("GATEWAY_MAX_REQUESTS", limits.max_requests),
        (
            "GATEWAY_MAX_REQUESTS_PER_ORGANIZATION",
            limits.max_requests_per_organization,
        ),
        (
            "GATEWAY_MAX_REQUESTS_PER_ADDRESS",
            limits.max_requests_per_address,
        ),
        (
            "GATEWAY_MAX_UNREAD_MIB_PER_ORGANIZATION",
            limits.max_unread_per_organization >> 20,
        ),
    ];
    let settings = settings.into_iter();
    settings
        .map(|(name, value)| (name, value.to_string().into()))
        .collect()
}

/// What the gateway holds.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    /// Connections of the attacker, now and at most.
    held: usize,
    most_held: usize,
    /// Memory at most, in KiB.
    most_resident: u64,
}

/// Looks at it all the while.
struct Watch {
    seen: watch::Receiver<Seen>,
    _looking: JoinSet<()>,
}

impl Watch {
    fn begin(attacker: Attacker, process: u32) -> Self {
        let (told, seen) = watch::channel(Seen::default());
        let mut looking = JoinSet::new();
        looking.spawn(async move {
            loop {
                // Reading all connections of the machine takes milliseconds, which are not the callers'.
                let look = spawn_blocking(move || (attacker.held(), resident(process)));
                let (held, resident) = look.await.expect("a running gateway");
                told.send_modify(|seen| {
                    seen.held = held;
                    seen.most_held = seen.most_held.max(held);
                    seen.most_resident = seen.most_resident.max(resident);
                });
                sleep(LOOK_AGAIN).await;
            }
        });
        Self {
            seen,
            _looking: looking,
        }
    }

    /// Waits until something was held and is no more, or the attack is `over` and nothing is, or it is `until`; gives how
    /// many are.
    async fn released(&mut self, over: oneshot::Receiver<()>, until: Instant) -> usize {
        let mut seen = self.seen.clone();
        let released = async {
            tokio::select! {
                _ = seen.wait_for(|seen| seen.most_held > 0) => {}
                _ = over => {}
            }
            drop(self.seen.wait_for(|seen| seen.held == 0).await);
        };
        let _ = timeout_at(until, released).await;
        self.seen.borrow().held
    }
}

/// What became of an attack.
pub struct Report {
    attack: String,
    pub fates: Fates,
    /// How long the gateway held any of its connections.
    pub took: Duration,
    /// The most connections of the attacker that the gateway held at once.
    pub most_held: usize,
    /// How many it still held at the end.
    pub left: usize,
    /// The memory of the gateway in KiB: before the first attack, at most, and after this one.
    resident: [u64; 3],
    /// The CPU seconds that the gateway spent, on the bystanders too.
    cpu: f64,
    met: Met,
}

impl Report {
    /// By how much the memory grew at most since before the first attack, in MiB.
    pub fn growth(&self) -> u64 {
        self.resident[1].saturating_sub(self.resident[0]) >> 10
    }

    fn print(&self) {
        let Self {
            attack,
            fates,
            took,
            most_held,
            left,
            resident: [before, most, after],
            cpu,
            met,
        } = self;
        let [p50, p99] = [0.5, 0.99].map(|share| met.quantile(share).as_secs_f64() * 1000.0);
        eprintln!(
            "\n| {attack} | {fates} | {most_held} held, {left} after {:.1} s | {p50:.1} | {p99:.1} | \
             {} of {} | {} / {} / {} | {cpu:.1} |",
            took.as_secs_f64(),
            met.failures.len(),
            met.latencies.len(),
            before >> 10,
            most >> 10,
            after >> 10,
        );
    }
}
