//! What a page of members costs, next to a handler that returns the same bytes out of memory.

use std::io::Read as _;
use std::process::Stdio;
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use contract_tests::client::{Call, Client};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::rig::{Bench, end, group, phone};
use crate::{Sizes, usage, verdict};

/// The argument by which this binary, run a second time, is the bare handler.
pub(crate) const BARE: &str = "bare";

pub(crate) async fn run(sizes: &Sizes) {
    let bench = Bench::new().await;
    let account = phone(0);
    let gid = bench
        .standin
        .add_group(group(&account, 1, sizes.get("size")));
    let gateway = bench.serve().await;
    let session = bench.session(&bench.caller(&gateway), &account).await;
    let limit = sizes.get("limit");
    let path = session.path(&format!("/groups/{gid}/members?limit={limit}"));
    let page = session.caller.get(&path);
    let body = page.clone().send().await.expect(200).body;
    let (bare, bare_url) = bare(&body).await;
    let bare_page = Client::new(bare_url).get(&path);

    let mut spent = [Spent::default(), Spent::default()];
    // In turn, so that whatever else the machine does meets both.
    for _ in 0..sizes.get("rounds") {
        spent[0].add(ask(&page, gateway.id(), sizes).await);
        spent[1].add(ask(&bare_page, bare.id().expect("running"), sizes).await);
    }
    for (name, spent) in ["gateway", "bare handler"].iter().zip(&spent) {
        println!(
            "  {name}: {:.0} requests/s, {:.3} ms of CPU each; {} bytes a page",
            spent.requests / spent.seconds,
            spent.each(),
            body.len()
        );
    }
    let ratio = spent[0].each() / spent[1].each();
    // The same answer without a database, the page kept in memory, takes 4.5 to 6 times the bare handler: HTTP, the access
    // line, the look-up of the api key and the JSON of a hundred members. The rest is SQLite, and the way to its thread.
    verdict(&format!("CPU ratio {ratio:.1}, at most 20"), ratio <= 20.0);
    end(gateway).await;
}

/// What some requests took.
#[derive(Default)]
struct Spent {
    requests: f64,
    seconds: f64,
    /// CPU seconds of who answered.
    cpu: f64,
}

impl Spent {
    fn add(&mut self, more: Self) {
        self.requests += more.requests;
        self.seconds += more.seconds;
        self.cpu += more.cpu;
    }

    /// CPU milliseconds of one request.
    fn each(&self) -> f64 {
        1000.0 * self.cpu / self.requests
    }
}

/// Asks for the page over and over, some callers at once, each on a connection that is kept.
async fn ask(page: &Call, process: u32, sizes: &Sizes) -> Spent {
    let before = usage::cpu(process);
    let begun = Instant::now();
    let until = begun + Duration::from_secs(sizes.get("seconds") as u64);
    let mut callers = JoinSet::new();
    for _ in 0..sizes.get("callers") {
        let page = page.clone();
        callers.spawn(async move {
            let mut asked = 0;
            while Instant::now() < until {
                let (head, _) = page.clone().send_unjudged().await;
                assert_eq!(head.status, 200);
                asked += 1;
            }
            asked
        });
    }
    let requests: u32 = callers.join_all().await.into_iter().sum();
    Spent {
        requests: requests.into(),
        seconds: begun.elapsed().as_secs_f64(),
        cpu: usage::cpu(process) - before,
    }
}

/// The bare handler as a process of its own, and its URL.
async fn bare(body: &[u8]) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().expect("a path"))
        .arg(BARE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("this binary runs");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(body).await.expect("a reader");
    drop(stdin);
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let url = lines.next_line().await.expect("a line");
    (child, url.expect("a URL"))
}

/// The bare handler: answers whatever is asked for with what came on stdin, and tells its URL on stdout.
pub(crate) async fn serve_bare() {
    let mut body = Vec::new();
    let read = std::io::stdin().read_to_end(&mut body);
    read.expect("a body");
    let body = axum::body::Bytes::from(body);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("http://{}", listener.local_addr().expect("an address"));
    let answer = move || async move { ([(CONTENT_TYPE, "application/json")], body) };
    let router = Router::new().route("/{*path}", get(answer));
    axum::serve(listener, router).await.expect("no end");
}
