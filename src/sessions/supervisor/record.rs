//! What callers and the database see of a session: the state taken into the record, shown and saved.

use std::time::Duration;

use tokio::time::Instant;

use super::super::Registry;
use super::super::roles::Account;
use super::super::view::View;
use super::Supervisor;
use super::state::{Effect, Input, State};
use crate::error::Error;
use crate::jid::{Lid, UserJid};
use crate::store::{self, Keys, SessionRecord, Status, StatusReason, StoreError};

/// The most that chance adds to a pause.
const SPREAD: Duration = Duration::from_secs(3);

/// When a record is in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Saved {
    /// Before the caller hears of it.
    Now,
    /// Soon: nobody waits for it.
    Later,
}

impl Supervisor {
    /// Takes in what happened, where nobody waits for the result. The record is saved soon.
    pub(super) async fn take_logged(&mut self, input: Input) {
        if let Err(error) = self.take_in(input, Saved::Later).await {
            tracing::error!(session = %self.record.id, %error, "cannot save the session");
        }
    }

    /// Takes in what happened: new state, shown and saved first, then done.
    pub(super) async fn take(&mut self, input: Input) -> Result<SessionRecord, Error> {
        self.take_in(input, Saved::Now).await?;
        Ok(self.record.clone())
    }

    async fn take_in(&mut self, input: Input, saved: Saved) -> Result<(), StoreError> {
        let before = self.state;
        let detail = input.detail();
        let effects: Vec<Effect> = self.state.step(input).into_iter().map(spread).collect();
        self.note(before, detail, &effects);
        if self.forget.is_some() {
            // What the client still writes has to come before what is erased.
            self.close().await;
        }
        let mut done = self.publish(saved).await;
        for effect in effects {
            if let Err(error) = Box::pin(self.perform(effect)).await {
                done = Err(error);
            }
        }
        done
    }

    /// Brings the record and what is in memory into line with the new state.
    fn note(&mut self, before: State, detail: Option<String>, effects: &[Effect]) {
        let now = store::now();
        let State { status, reason, .. } = self.state;
        if effects.contains(&Effect::ForgetAccount) {
            self.record.phone_number = None;
            self.record.wa_jid = None;
            self.record.wa_lid = None;
            self.forget.get_or_insert(Keys::Erase);
        }
        if status != Status::Working {
            self.online = None;
            self.working_since = None;
        } else if before.status != Status::Working {
            self.record.last_connected_at = Some(now);
            self.working_since = Some(Instant::now());
        }
        if status != Status::ScanQrCode {
            self.qr = None;
        }
        if status != Status::PasskeyRequired {
            self.passkey = None;
        }
        let retry = effects.iter().find_map(|effect| match effect {
            Effect::ReopenAfter(pause) | Effect::ResyncAfter(pause) => Some(*pause),
            _ => None,
        });
        let retry = retry.and_then(|pause| i64::try_from(pause.as_millis()).ok());
        self.record.retry_at = retry
            .map(|pause| now.saturating_add(pause))
            .or(self.record.retry_at)
            .filter(|_| self.state.retries());
        let told = detail.or_else(|| self.record.status_detail.take());
        self.record.status_detail = reason.and(told);
        if (status, reason) != (before.status, before.reason) {
            self.record.status_changed_at = now;
            let reason = reason.map(StatusReason::as_str);
            tracing::info!(session = %self.record.id, status = status.as_str(), reason, "session changed");
        }
    }

    /// Shows the session to callers, and saves it where it has changed. An account is forgotten before that is shown, so
    /// that nobody who sees it finds groups of that account.
    pub(super) async fn publish(&mut self, saved: Saved) -> Result<(), StoreError> {
        self.record.status = self.state.status;
        self.record.status_reason = self.state.reason;
        self.record.started = self.state.started;
        let changed = self.record != self.view.borrow().record;
        if changed {
            // Each later than the one before, which is how the database tells them apart.
            self.record.updated_at = store::now().max(self.record.updated_at + 1);
        }
        let forgets = self.forget.is_some();
        let forgotten = self.forget_account().await;
        self.view.send_replace(View {
            record: self.record.clone(),
            online: self.online.clone(),
            qr: self.qr.clone(),
            passkey: self.passkey.clone(),
        });
        forgotten?;
        if !changed || forgets {
            return Ok(());
        }
        let Registry { saving, store, .. } = &*self.registry;
        let done = match saved {
            Saved::Later => {
                saving.later(&self.record);
                Ok(())
            }
            Saved::Now => store.update_sessions([&self.record]).await,
        };
        if done.is_err() {
            saving.later(&self.record);
        }
        done
    }

    /// Erases what the database still has of an account that the record has lost, and saves the record with it.
    pub(super) async fn forget_account(&mut self) -> Result<(), StoreError> {
        let Some(keys) = self.forget else {
            return Ok(());
        };
        let store = &self.registry.store;
        let kept = store.forget_account(&self.record, keys).await?;
        self.forget = None;
        if let Some(device) = kept {
            self.registry.unlink(device);
        }
        Ok(())
    }

    /// The account, once paired.
    pub(super) fn account(&self) -> Option<Account> {
        Some(Account {
            jid: self.record.wa_jid.as_ref()?.parse().ok()?,
            lid: self.record.wa_lid.as_ref().and_then(|lid| lid.parse().ok()),
        })
    }

    pub(super) fn remember(&mut self, jid: &UserJid, lid: Option<&Lid>) {
        self.record.phone_number = Some(jid.phone_number().to_owned());
        self.record.wa_jid = Some(jid.to_string());
        if let Some(lid) = lid {
            self.record.wa_lid = Some(lid.to_string());
        }
    }
}

/// Makes a pause up to a tenth longer, and at most [`SPREAD`], by chance: a thousand sessions that lost WhatsApp together
/// do not all come back in one moment.
fn spread(effect: Effect) -> Effect {
    match effect {
        Effect::ReopenAfter(pause) => {
            let most = (pause / 10).min(SPREAD);
            Effect::ReopenAfter(pause + most.mul_f64(rand::random()))
        }
        other => other,
    }
}
