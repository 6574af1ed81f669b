//! The way to a connection. Each step checks one thing and hands out the next, so that no check can be left out:
//! [`super::Sessions::owned`] → [`OwnedSession`] → [`Connected`] → [`KnownGroup`] → [`AdminGroup`]. The last three act.
//! And the way to the supervisor: what an [`OwnedSession`] asks it to do.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::Registry;
use super::limits::{Limits, Spent, Taken};
use super::supervisor::commands::Command;
use super::supervisor::questions::RefusedBy;
use super::view::{Online, View};
use crate::error::{Code, Error};
use crate::group::{GroupInfo, Role};
use crate::jid::{GroupJid, SessionId};
use crate::pace::{AddLimits, Pace};
use crate::permits::Permit;
use crate::store::{SessionRecord, Store};

/// A session as the registry holds it: whose it is, how it looks, and the channel to its supervisor.
pub(super) struct Entry {
    pub(super) organization_id: String,
    pub(super) view: watch::Receiver<View>,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) limits: Limits,
    /// One of those that its organization may have.
    pub(super) place: Option<Permit>,
}

/// A session that belongs to the organization of whoever asked. [`super::Sessions::owned`] alone hands it out.
#[derive(Clone)]
pub struct OwnedSession {
    pub(super) id: SessionId,
    pub(super) entry: Arc<Entry>,
    pub(super) registry: Arc<Registry>,
}

impl OwnedSession {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// How it stands now.
    #[must_use]
    pub fn record(&self) -> SessionRecord {
        self.entry.view.borrow().record.clone()
    }

    /// Where what is known of its groups is stored.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.registry.store
    }

    /// The same session, for what needs WhatsApp.
    ///
    /// # Errors
    /// 501 with the status, unless that is `working`.
    pub fn connected(&self) -> Result<Connected, Error> {
        let view = self.entry.view.borrow();
        match &view.online {
            Some(online) => Ok(Connected {
                session: self.clone(),
                online: Arc::clone(online),
            }),
            None => Err(Error::not_connected(view.record.status.as_str())),
        }
    }

    /// A group that the account is in. A refusal rests on memory, which can be wrong: where WhatsApp has not told of the group
    /// for a while it is asked first, and the answer follows what it says.
    ///
    /// # Errors
    /// 501 with the status, unless that is `working`; 404 `group`.
    pub async fn known_group(&self, gid: &GroupJid) -> Result<KnownGroup, Error> {
        self.confirmed(gid, || self.connected()?.group(gid)).await
    }

    /// The same for a group that the account is an admin of.
    ///
    /// # Errors
    /// Those of [`Self::known_group`]; 403 `not_group_admin`; 503 where WhatsApp has not told the role.
    pub async fn admin_group(&self, gid: &GroupJid) -> Result<AdminGroup, Error> {
        self.confirmed(gid, || self.known_admin_group(gid)).await
    }

    /// The same from memory alone.
    pub(super) fn known_admin_group(&self, gid: &GroupJid) -> Result<AdminGroup, Error> {
        self.connected()?.group(gid)?.admin()
    }

    async fn confirmed<T>(
        &self,
        gid: &GroupJid,
        known: impl Fn() -> Result<T, Error>,
    ) -> Result<T, Error> {
        match known() {
            // Not connected: there is nobody to ask.
            Err(refused) if refused.code != Code::NotImplemented => {
                if !self.confirm(gid, RefusedBy::Memory).await {
                    return Err(refused);
                }
                known()
            }
            known => known,
        }
    }

    /// Has WhatsApp asked for a group, unless it told of it just before. Says whether memory now is as WhatsApp says.
    pub(super) async fn confirm(&self, gid: &GroupJid, refused: RefusedBy) -> bool {
        let (done, told) = oneshot::channel();
        let command = Command::Confirm(gid.clone(), refused, done);
        let confirmed = async {
            self.entry.commands.send(command).await.ok()?;
            told.await.ok()
        };
        matches!(
            timeout(self.registry.whatsapp_timeout, confirmed).await,
            Ok(Some(()))
        )
    }

    /// Has memory and database take in a group of which WhatsApp has told just now.
    ///
    /// # Errors
    /// The session is gone, or it took too long; then they follow.
    pub(super) async fn learn(&self, group: GroupInfo) -> Result<(), Error> {
        let learn = |done| Command::Learn(Box::new(group), done);
        let learned = timeout(self.registry.whatsapp_timeout, self.ask(learn)).await;
        learned.unwrap_or_else(|_| Err(Error::internal("a group was not stored in time")))
    }

    /// How many people its account may add, as far as callers have set that.
    #[must_use]
    pub fn limits(&self) -> AddLimits {
        self.entry.limits.set()
    }

    /// Sets it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn limit(&self, limits: AddLimits) -> Result<(), Error> {
        Ok(self
            .entry
            .limits
            .change(&self.registry.store, limits)
            .await?)
    }

    /// Until when WhatsApp has asked to be left alone, epoch milliseconds; none where it may be asked.
    #[must_use]
    pub fn quiet_until(&self) -> Option<i64> {
        self.entry.limits.quiet_until()
    }

    /// Takes a share of what additions at this pace may add, for `people` or as many as there is room for. The act that it is
    /// for gives back what it does not use.
    ///
    /// # Errors
    /// The database failed.
    pub async fn take_paced(
        &self,
        pace: &Pace,
        people: u32,
    ) -> Result<Result<Taken, Spent>, Error> {
        let limits = &self.entry.limits;
        Ok(limits.take_paced(&self.registry, pace, people).await?)
    }

    /// What changes of it from now on: its status, for one.
    #[must_use]
    pub fn changes(&self) -> Changes {
        let mut view = self.entry.view.clone();
        view.mark_unchanged();
        Changes(view)
    }

    /// Calls it another name; none takes the name away.
    ///
    /// # Errors
    /// The session is gone, or the database failed.
    pub async fn label(&self, label: Option<String>) -> Result<SessionRecord, Error> {
        self.ask(|reply| Command::Label(label, reply)).await
    }

    /// Starts connecting, or pairing where it is unpaired; does nothing where it is under way.
    ///
    /// # Errors
    /// The session is gone, or the database failed.
    pub async fn start(&self) -> Result<SessionRecord, Error> {
        self.ask(Command::Start).await
    }

    /// Disconnects. It stays paired.
    ///
    /// # Errors
    /// The session is gone, or the database failed.
    pub async fn stop(&self) -> Result<SessionRecord, Error> {
        self.ask(Command::Stop).await
    }

    /// Unlinks the device at WhatsApp and forgets the account: the next start pairs anew. Where the session is not
    /// connected it forgets at once, and a background job unlinks.
    ///
    /// # Errors
    /// The session is gone, WhatsApp did not do it (the session then stays as it is), or the database failed.
    pub async fn logout(&self) -> Result<SessionRecord, Error> {
        self.ask(Command::Logout).await
    }

    /// Removes the session and all that is stored of it. Where WhatsApp cannot be told to unlink the device now, a
    /// background job does so.
    ///
    /// # Errors
    /// The session is gone already, or the database failed.
    pub async fn delete(&self) -> Result<(), Error> {
        self.ask(Command::Delete).await
    }

    /// Has the supervisor do it. It does so to the end, also when the caller goes away in the meantime.
    pub(super) async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Command,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        if self.entry.commands.send(command(reply)).await.is_err() {
            return Err(self.gone());
        }
        answer.await.unwrap_or_else(|_| Err(self.gone()))
    }

    /// Why the supervisor does not answer: the session was deleted, or the process is ending.
    pub(super) fn gone(&self) -> Error {
        if self.registry.contains(&self.id) {
            Error::new(Code::Unavailable, "the gateway is shutting down")
                .retry_after(Duration::from_secs(5))
        } else {
            Error::not_found("session")
        }
    }
}

/// What changes of a session.
pub struct Changes(watch::Receiver<View>);

impl Changes {
    /// Completes with the next change, or at once where there was one meanwhile.
    pub async fn next(&mut self) {
        // The supervisor has ended: whoever asks next is told so.
        let _ = self.0.changed().await;
    }
}

/// A session that is connected.
#[derive(Clone)]
pub struct Connected {
    pub(super) session: OwnedSession,
    pub(super) online: Arc<Online>,
}

impl Connected {
    /// Until when WhatsApp holds the account back from reaching out to strangers, epoch milliseconds; none where it does not,
    /// or does not tell.
    pub async fn time_lock(&self) -> Option<i64> {
        match self.online.connection.time_lock().await {
            Ok(until) => until,
            Err(error) => {
                tracing::debug!(session = %self.session.id, %error, "WhatsApp does not tell of a time-lock");
                None
            }
        }
    }

    /// The group `gid`, if the account is in it.
    ///
    /// # Errors
    /// 404 `group`.
    pub fn group(self, gid: &GroupJid) -> Result<KnownGroup, Error> {
        match self.online.roles.get(gid) {
            Some(role) => Ok(KnownGroup {
                connected: self,
                gid: gid.clone(),
                role,
            }),
            None => Err(Error::not_found("group")),
        }
    }
}

/// A group that the account of a connected session is in.
pub struct KnownGroup {
    pub(super) connected: Connected,
    pub(super) gid: GroupJid,
    role: Option<Role>,
}

impl KnownGroup {
    /// The same group, for what only an admin may do.
    ///
    /// # Errors
    /// 403 `not_group_admin`; 503 where WhatsApp has not told the role.
    pub fn admin(self) -> Result<AdminGroup, Error> {
        match self.role {
            Some(role) if role.is_admin() => Ok(AdminGroup {
                connected: self.connected,
                gid: self.gid,
            }),
            Some(_) => Err(Error::not_group_admin()),
            None => Err(Error::role_unknown()),
        }
    }
}

/// A group that the account of a connected session is an admin of.
pub struct AdminGroup {
    pub(super) connected: Connected,
    pub(super) gid: GroupJid,
}
