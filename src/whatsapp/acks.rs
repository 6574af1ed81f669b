//! WhatsApp's answers to messages. The library sends a message and goes on; whether the server has taken it comes later, as
//! an event that names the message.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use whatsapp_rust::wacore::types::events::ServerAck;

/// Who waits for the answer to which message.
#[derive(Default)]
pub(super) struct Acks(Mutex<HashMap<String, oneshot::Sender<Answer>>>);

/// What the server has said: nothing, or a code.
type Answer = Option<u16>;

impl Acks {
    /// The answer to a message that is about to be sent.
    pub(super) fn of(&self, id: &str) -> oneshot::Receiver<Answer> {
        let (answered, answer) = oneshot::channel();
        let mut waiting = self.waiting();
        // Those who have given up.
        waiting.retain(|_, answered| !answered.is_closed());
        waiting.insert(id.to_owned(), answered);
        answer
    }

    /// An answer has come.
    pub(super) fn came(&self, ack: &ServerAck) {
        if let Some(answered) = self.waiting().remove(&ack.id) {
            // A code that is no number is a refusal all the same.
            let code = ack.error.as_deref().map(|code| code.parse().unwrap_or(0));
            let _ = answered.send(code);
        }
    }

    // A panic elsewhere can't leave it half changed: each change is one operation.
    fn waiting(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Answer>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
