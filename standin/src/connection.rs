//! One client connection: handshake, login or registration, stanzas, ending.

use crate::decline;
use crate::fault::Fault;
use crate::iq::{self, After, Caller, Reply};
use crate::link;
use crate::login::admit;
use crate::message;
use crate::node::{Refusal, SERVER, attr, error, now, result, stream_error};
use crate::primary;
use crate::state::{Live, Out, Shared, State, Who};
use crate::wire::{self, Channel, WireError};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

/// How long a client may take for WebSocket upgrade and handshake.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(20);
/// How long the client may take to close after a stream error.
const CLOSE_WITHIN: Duration = Duration::from_millis(300);
/// Old versions of Baileys lose a first frame that comes at once after their ClientFinish.
const FIRST_STANZA_AFTER: Duration = Duration::from_millis(20);

/// Serves a TCP connection until it ends.
pub(crate) async fn serve(shared: Arc<Shared>, stream: TcpStream) {
    let accepted = timeout(
        HANDSHAKE_WITHIN,
        wire::accept(stream, &shared.server, &shared.chain),
    )
    .await;
    let (channel, noise, payload) = match accepted {
        Ok(Ok(accepted)) => accepted,
        Ok(Err(error)) => return tracing::debug!(%error, "handshake failed"),
        Err(_) => return tracing::debug!("handshake timed out"),
    };
    let (out, inbox) = mpsc::unbounded_channel();
    let Some((id, registering)) = shared.with(|state| admit(state, noise, &payload, out)) else {
        return;
    };
    let registered = Registered(Peer { shared, id });
    if registering {
        sleep(FIRST_STANZA_AFTER).await;
        registered.0.shared.with(|state| {
            let offer = link::offer_refs(state, id);
            registered.0.send(state, Out::Node(offer));
        });
    }
    if let Err(error) = registered.0.run(channel, inbox).await {
        tracing::debug!(%error, "connection ended");
    }
}

/// Makes a fault that ends connections happen to every connection of an account.
pub(crate) fn strike(state: &mut State, account: &str, fault: &Fault) {
    match fault {
        Fault::Unlinked => {
            let devices: Vec<u16> = match state.world.accounts.get(account) {
                Some(account) => account.devices.keys().copied().collect(),
                None => Vec::new(),
            };
            for device in devices {
                state.unlink(account, device);
            }
        }
        Fault::Abort { .. } => state
            .connections_of(account)
            .for_each(|(_, live)| live.send(Out::Abort)),
        Fault::StreamError503 => end(state, account, &stream_error(Some(503), None)),
        // A `code` beside it makes other clients read another error (Baileys `getErrorCodeFromStreamError`).
        Fault::Replaced => end(state, account, &stream_error(None, Some("replaced"))),
        Fault::Silence { .. }
        | Fault::Delay(_)
        | Fault::Refuse { .. }
        | Fault::SlowDown(_)
        | Fault::Blank => {}
    }
}

fn end(state: &State, account: &str, node: &Node) {
    for (_, live) in state.connections_of(account) {
        live.send(Out::End(node.clone()));
    }
}

/// A connection by its id.
#[derive(Clone)]
struct Peer {
    shared: Arc<Shared>,
    id: u64,
}

/// A connection on the list; dropping it takes it off, also when its task is aborted.
struct Registered(Peer);

impl Drop for Registered {
    fn drop(&mut self) {
        let Peer { shared, id } = &self.0;
        shared.with(|state| {
            state.live.remove(id);
            link::withdraw(state, *id);
        });
    }
}

/// How much a client hears of what became of its IQ.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    All,
    /// That it was done, without content.
    Blank,
    Nothing,
}

/// What follows from a stanza for the connection itself.
enum Flow {
    Go,
    Abort,
}

impl Peer {
    async fn run(
        &self,
        mut channel: Channel,
        mut inbox: mpsc::UnboundedReceiver<Out>,
    ) -> Result<(), WireError> {
        let mut ending: Option<Instant> = None;
        let mut frozen = self.shared.frozen.subscribe();
        loop {
            tokio::select! {
                biased;
                () = sleep_until(ending.unwrap_or_else(Instant::now)), if ending.is_some() => {
                    channel.close().await;
                    return Ok(());
                }
                Some(out) = inbox.recv(), if ending.is_none() => {
                    let mut next = Some(out);
                    while let Some(out) = next {
                        match out {
                            Out::Node(node) => channel.feed(&node).await?,
                            Out::End(node) => {
                                channel.feed(&node).await?;
                                ending = Some(Instant::now() + CLOSE_WITHIN);
                                break;
                            }
                            Out::Abort => return Ok(()),
                        }
                        next = inbox.try_recv().ok();
                    }
                    channel.flush().await?;
                }
                stanza = channel.next() => {
                    let stanza = stanza?;
                    // It may have come between the last look at this and the read.
                    let _ = frozen.wait_for(|frozen| !frozen).await;
                    if ending.is_none() && matches!(self.stanza(stanza.get()), Flow::Abort) {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn stanza(&self, node: &NodeRef<'_>) -> Flow {
        match node.tag.as_ref() {
            "iq" => match attr(node, "type").as_deref() {
                Some("get" | "set") => return self.request(node),
                _ => self.answered(node),
            },
            "ack" => self.acknowledged(node),
            "receipt" => {
                self.acknowledged(node);
                self.acknowledge(node, "receipt", None);
            }
            "message" => {
                let error = self
                    .shared
                    .with(|state| message::receive(state, self.id, node));
                self.acknowledge(node, "message", error);
            }
            // Presence, chat state and unified-session notes want no answer.
            _ => {}
        }
        Flow::Go
    }

    /// An IQ from the client: counted, perhaps struck by a fault, answered.
    fn request(&self, node: &NodeRef<'_>) -> Flow {
        let kind = iq::kind(node);
        let fault = self.shared.with(|state| {
            let caller = Caller::of(state, self.id)?;
            let fault = state.meet(caller.phone().unwrap_or_default(), &kind);
            if fault.is_none() {
                self.perform(state, &caller, node, Told::All);
            }
            fault.map(|fault| (fault, caller))
        });
        let Some((fault, caller)) = fault else {
            return Flow::Go;
        };
        match fault {
            Fault::Silence { applied: false } => {}
            Fault::Silence { applied: true } => self
                .shared
                .with(|state| self.perform(state, &caller, node, Told::Nothing)),
            Fault::Abort { applied } => {
                if applied {
                    self.shared
                        .with(|state| self.perform(state, &caller, node, Told::Nothing));
                }
                return Flow::Abort;
            }
            Fault::Delay(delay) => {
                let late = self.clone();
                let node = node.to_owned();
                tokio::spawn(async move {
                    sleep(delay).await;
                    late.shared
                        .with(|state| late.perform(state, &caller, &node.as_node_ref(), Told::All));
                });
            }
            Fault::Refuse { code, text } => self.refuse(node, &Refusal::new(code, &text)),
            Fault::SlowDown(pause) => self.refuse(node, &Refusal::slow_down(pause)),
            Fault::Blank => self
                .shared
                .with(|state| self.perform(state, &caller, node, Told::Blank)),
            fault => self
                .shared
                .with(|state| strike(state, caller.phone().unwrap_or_default(), &fault)),
        }
        Flow::Go
    }

    fn refuse(&self, node: &NodeRef<'_>, refusal: &Refusal) {
        let refused = error(node, refusal);
        self.shared
            .read(|state| self.send(state, Out::Node(refused)));
    }

    /// Does what an IQ asks for, and tells the client as much of it as `told` says.
    fn perform(&self, state: &mut State, caller: &Caller, node: &NodeRef<'_>, told: Told) {
        match iq::answer(state, caller, node) {
            Ok(Reply { content, after }) => {
                if told != Told::Nothing {
                    let reply = result(node);
                    let reply = if content.is_empty() || told == Told::Blank {
                        reply
                    } else {
                        reply.children(content)
                    };
                    self.send(state, Out::Node(reply.build()));
                }
                for after in after {
                    self.follow_up(state, after);
                }
            }
            Err(refusal) => {
                if refusal.code == 501 {
                    *state.unknown.entry(iq::kind(node)).or_default() += 1;
                }
                if told != Told::Nothing {
                    self.send(state, Out::Node(error(node, &refusal)));
                }
            }
        }
    }

    fn follow_up(&self, state: &mut State, after: After) {
        match after {
            After::Send(node) => self.send(state, Out::Node(node)),
            After::Deliver { phone, id, stanza } => state.deliver(&phone, &id, &stanza),
            After::Unlink { phone, device } => {
                state.unlink(&phone, device);
            }
            After::EndSession { phone } => {
                tokio::spawn(decline::end_session(Arc::clone(&self.shared), phone));
            }
            After::ShareKeys { phone, device } => {
                tokio::spawn(primary::share_keys(Arc::clone(&self.shared), phone, device));
            }
        }
    }

    fn send(&self, state: &State, out: Out) {
        if let Some(live) = state.live.get(&self.id) {
            live.send(out);
        }
    }

    /// The answer to an IQ of the server.
    fn answered(&self, node: &NodeRef<'_>) {
        let Some(id) = attr(node, "id") else { return };
        let waiting = self
            .shared
            .with(|state| state.live.get_mut(&self.id)?.awaiting.remove(&id));
        if let Some(waiting) = waiting {
            // Whoever asked may have given up.
            let _ = waiting.send(node.to_owned());
        }
    }

    /// An `<ack>` or `<receipt>`: the stanza need not be sent again.
    fn acknowledged(&self, node: &NodeRef<'_>) {
        let mut ids: Vec<String> = attr(node, "id").into_iter().collect();
        if let Some(list) = node.get_optional_child("list") {
            ids.extend(
                list.get_children_by_tag("item")
                    .filter_map(|item| attr(item, "id")),
            );
        }
        self.shared.with(|state| {
            let Some(Live {
                who: Who::Device { phone, device },
                ..
            }) = state.live.get(&self.id)
            else {
                return;
            };
            let key = (phone.clone(), *device);
            if let Some(queue) = state.queues.get_mut(&key) {
                queue.retain(|(id, _)| !ids.contains(id));
            }
        });
    }

    /// The server's `<ack>` for a stanza of the client.
    fn acknowledge(&self, node: &NodeRef<'_>, class: &'static str, error: Option<u16>) {
        let mut ack = NodeBuilder::new("ack")
            .attr("class", class)
            .attr(
                "from",
                attr(node, "to").unwrap_or_else(|| SERVER.to_owned()),
            )
            .attr("id", attr(node, "id").unwrap_or_default())
            .attr("t", now().to_string());
        if let Some(error) = error {
            ack = ack.attr("error", error.to_string());
        }
        self.shared
            .read(|state| self.send(state, Out::Node(ack.build())));
    }
}
