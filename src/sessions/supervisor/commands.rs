//! What callers can ask of a session, done by its supervisor: to the end, also when the caller goes away.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};

use super::super::settling::Creation;
use super::super::view::PairingCode;
use super::questions::RefusedBy;
use super::record::Saved;
use super::state::Input;
use super::{Happening, Supervisor, next, until};
use crate::error::Error;
use crate::group::GroupInfo;
use crate::jid::{ActionId, GroupJid};
use crate::store::{Keys, SessionRecord, Status};
use crate::whatsapp::{CallError, Event, PasskeyAssertion};

/// How long to wait for WhatsApp to unlink the device when deleting a session.
const FAREWELL: Duration = Duration::from_secs(5);

/// What callers can ask of a session.
pub(in crate::sessions) enum Command {
    Start(Reply<SessionRecord>),
    /// Call the session another name, or none.
    Label(Option<String>, Reply<SessionRecord>),
    /// Start where nothing is under way, for who wants to pair the session.
    Pair(Reply<SessionRecord>),
    Stop(Reply<SessionRecord>),
    Logout(Reply<SessionRecord>),
    Delete(Reply<()>),
    /// With this phone number.
    PairWithCode(String, Reply<PairingCode>),
    /// With what the account's passkey signed.
    AnswerPasskey(PasskeyAssertion, Reply<()>),
    /// The codes have been compared.
    ConfirmPasskey(Reply<SessionRecord>),
    /// Have WhatsApp asked for this group, about which a caller was refused.
    Confirm(GroupJid, RefusedBy, oneshot::Sender<()>),
    /// Look up, as soon as WhatsApp can be asked, what became of this action on this group.
    Settle(GroupJid, ActionId),
    /// Look, as soon as WhatsApp can be asked, whether this group was made.
    SettleCreation(Creation),
    /// Take in a group of which WhatsApp has told just now.
    Learn(Box<GroupInfo>, Reply<()>),
    /// Close the connection and end; the record stays as it is.
    Shutdown(oneshot::Sender<()>),
}

pub(super) type Reply<T> = oneshot::Sender<Result<T, Error>>;

impl Supervisor {
    /// Does what a caller asks; says whether the session goes on. A caller who has gone away does not hear the answer.
    pub(super) async fn command(&mut self, command: Command) -> bool {
        match command {
            Command::Start(reply) => {
                let _ = reply.send(self.take(Input::Start).await);
            }
            Command::Label(label, reply) => {
                let _ = reply.send(self.label(label).await);
            }
            Command::Pair(reply) => {
                let _ = reply.send(self.take(Input::Pair).await);
            }
            Command::Stop(reply) => {
                let _ = reply.send(self.take(Input::Stop).await);
            }
            Command::Logout(reply) => {
                let _ = reply.send(self.logout().await);
            }
            Command::PairWithCode(phone, reply) => {
                let _ = reply.send(self.pair_with_code(&phone).await);
            }
            Command::AnswerPasskey(assertion, reply) => {
                let _ = reply.send(self.answer_passkey(&assertion).await);
            }
            Command::ConfirmPasskey(reply) => {
                let _ = reply.send(self.confirm_passkey().await);
            }
            Command::Confirm(gid, refused, told) => {
                self.questions.confirm(gid, refused, told);
                self.ask();
            }
            Command::Settle(gid, action) => {
                self.unsettled(gid.clone(), action);
                if self.online.is_some() {
                    self.ask_for(gid);
                }
            }
            Command::SettleCreation(creation) => {
                self.unsettled_creation(creation);
                if self.online.is_some() {
                    self.behind(&CallError::Unanswered).await;
                }
            }
            Command::Learn(group, learned) => self.learn(*group, learned),
            Command::Delete(reply) => {
                let deleted = self.delete().await;
                let gone = deleted.is_ok();
                let _ = reply.send(deleted);
                return !gone;
            }
            Command::Shutdown(done) => {
                self.close().await;
                let _ = done.send(());
                return false;
            }
        }
        true
    }

    /// Unlinks the device. Where there is no connection a background job does so later: the session has no account any
    /// more either way.
    async fn logout(&mut self) -> Result<SessionRecord, Error> {
        let deadline = Instant::now() + self.registry.whatsapp_timeout;
        match self.unlink().await {
            Ok(()) => self.take(Input::Unlinked).await,
            Err(CallError::NotConnected) => {
                self.forget = self.keys_to_unlink();
                self.take(Input::Unlinked).await
            }
            // It was asked for: that WhatsApp did it is no news from the phone.
            Err(CallError::Unanswered) if self.was_unlinked(deadline).await => {
                self.take(Input::Unlinked).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn label(&mut self, label: Option<String>) -> Result<SessionRecord, Error> {
        self.record.label = label;
        self.publish(Saved::Now).await?;
        Ok(self.record.clone())
    }

    /// Whether there are keys of a linked device to keep.
    fn keys_to_unlink(&self) -> Option<Keys> {
        let paired = self.record.wa_jid.is_some();
        paired.then_some(Keys::KeepToUnlink).or(self.forget)
    }

    /// Whether the connection says until `deadline` what the missing answer did not: WhatsApp ends the connection of a
    /// device that it unlinks, which may be noticed before its answer is, and refuses its next login.
    async fn was_unlinked(&mut self, deadline: Instant) -> bool {
        // The time limit is on the waiting alone: what happens is dealt with to the end.
        loop {
            let happening = next(&mut self.running, &mut self.jobs, &mut self.recording);
            let Ok(happening) = timeout_at(deadline, happening).await else {
                break;
            };
            let back = matches!(happening, Happening::Event(Some(Event::Connected)));
            self.happened(happening).await;
            if back || self.state.status == Status::LoggedOut {
                break;
            }
        }
        self.state.status == Status::LoggedOut
    }

    /// Deletes the session; a background job unlinks the device where that could not be done on the spot.
    async fn delete(&mut self) -> Result<(), Error> {
        let keys = match timeout(FAREWELL, self.unlink()).await {
            Ok(Ok(())) => {
                self.take(Input::Unlinked).await?;
                None
            }
            _ => self.keys_to_unlink(),
        };
        // Should the next step fail, what is left is a stopped session.
        self.take(Input::Stop).await?;
        let store = &self.registry.store;
        let keys = keys.unwrap_or(Keys::Erase);
        let kept = store.delete_session(&self.record.id, keys).await?;
        self.registry.remove(&self.record.id);
        tracing::info!(session = %self.record.id, "session deleted");
        if let Some(device) = kept {
            self.registry.unlink(device);
        }
        Ok(())
    }

    async fn unlink(&mut self) -> Result<(), CallError> {
        match &self.running {
            Some(running) if running.client.is_usable() => running.client.logout().await,
            _ => Err(CallError::NotConnected),
        }
    }

    async fn pair_with_code(&mut self, phone: &str) -> Result<PairingCode, Error> {
        if self.record.wa_jid.is_some() {
            return Err(Error::already_paired());
        }
        let Some(running) = &self.running else {
            return Err(Error::connection_dropped());
        };
        let pairing = running.client.pair_with_code(phone).await;
        let given = pairing?;
        Ok(PairingCode {
            code: given.code,
            expires_at: until(given.valid_for),
        })
    }
}
