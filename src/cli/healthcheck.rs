//! `healthcheck`, for supervisors that run a command: no other program has to be in the image.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use whatsapp_gateway::{config, http_client};

use super::Failure;

/// Longer than the gateway asks its database for an answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// Asks the gateway that has the same environment.
pub async fn run(ready: bool) -> Result<(), Failure> {
    let address = reachable(config::health_address_from_env()?);
    let path = if ready { "readyz" } else { "healthz" };
    let url = format!("http://{address}/{path}");
    let http = http_client::builder(&Default::default())?
        .timeout(PATIENCE)
        .build()?;
    let answer = http.get(&url).send().await;
    let status = answer
        .map_err(|_| format!("{url} does not answer"))?
        .status();
    if status.is_success() {
        Ok(())
    } else {
        Err(format!("{url} answers {status}").into())
    }
}

/// An address to ask for what listens on `listen`, which may be all addresses of the machine.
fn reachable(mut listen: SocketAddr) -> SocketAddr {
    if listen.ip().is_unspecified() {
        listen.set_ip(match listen.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    listen
}
