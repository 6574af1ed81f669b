//! Accepting connections, and standing still on demand.

use crate::connection;
use crate::state::Shared;
use std::pin::pin;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Accepts connections; aborting it drops them all.
pub(crate) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    let accepting = async {
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        // Small stanzas in both directions: without this every answer after a notification waits for
                        // the client's delayed TCP acknowledgement (40 ms).
                        if let Err(error) = stream.set_nodelay(true) {
                            tracing::debug!(%error, "can't set TCP_NODELAY");
                        }
                        let served = connection::serve(Arc::clone(&shared), stream);
                        connections.spawn(unless_frozen(shared.frozen.subscribe(), served));
                    }
                    Err(error) => tracing::warn!(%error, "can't accept a connection"),
                },
                Some(_) = connections.join_next() => {}
            }
        }
    };
    unless_frozen(shared.frozen.subscribe(), accepting).await;
}

/// Does `work`, but none of it while the server is frozen.
async fn unless_frozen<T>(mut frozen: watch::Receiver<bool>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        // The sender is never gone before the server is, which ends this too.
        let _ = frozen.wait_for(|frozen| !frozen).await;
        tokio::select! {
            biased;
            Ok(_) = frozen.wait_for(|frozen| *frozen) => {}
            done = &mut work => return done,
        }
    }
}
