//! [`Connection`] over the library's client.

use std::collections::HashSet;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;
use whatsapp_rust::{Client as Library, ErrorChainExt, IqError, Jid};

use super::group_iq::{AllGroups, OneGroup, Read};
use super::redact::{describe, redact};
use super::{CallError, Connection, translate};
use crate::group::{GroupAction, GroupInfo, PersonOutcome};
use crate::jid::{GroupJid, SessionId, UserJid};

/// Logged in, and the socket is up. The library calls itself connected before the login too.
pub(super) fn is_usable(client: &Library) -> bool {
    client.is_connected() && client.is_logged_in()
}

/// Waits at most `limit` for a call that needs a login.
///
/// The library says "not connected" also when the connection drops while the answer is awaited, so whether anything was
/// sent is decided here, before.
pub(super) async fn call<T, E: StdError + 'static>(
    client: &Library,
    limit: Duration,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, CallError> {
    if !is_usable(client) {
        return Err(CallError::NotConnected);
    }
    match timeout(limit, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(call_error(&error)),
        Err(_) => Err(CallError::Unanswered),
    }
}

/// What a failure of the library means, once something may have been sent.
pub(super) fn call_error<E: StdError + 'static>(error: &E) -> CallError {
    if let Some(refusal) = error.server_rejection() {
        return CallError::Refused {
            code: refusal.code,
            backoff: refusal.backoff.map(|s| Duration::from_secs(s.into())),
        };
    }
    let socket = error.sources().any(|cause| {
        matches!(
            cause.downcast_ref(),
            Some(IqError::Socket(_) | IqError::EncryptSend(_))
        )
    });
    if let Some(IqError::ParseError(unreadable)) =
        error.sources().find_map(|cause| cause.downcast_ref())
    {
        return CallError::Unreadable(redact(&format!("{unreadable:#}")).into());
    }
    if socket || error.is_timeout() || error.is_transport_unavailable() {
        return CallError::Unanswered;
    }
    CallError::Other(describe(error).into())
}

/// The calls of a client that go to WhatsApp.
pub(super) struct LibraryConnection {
    client: Arc<Library>,
    session: SessionId,
    limit: Duration,
}

impl LibraryConnection {
    /// Each call may take `limit`.
    pub(super) fn new(client: Arc<Library>, session: SessionId, limit: Duration) -> Self {
        Self {
            client,
            session,
            limit,
        }
    }

    /// What was read, with one line in the log where something was left out.
    fn told<T>(&self, read: Read<T>) -> T {
        if read.odd > 0 {
            tracing::warn!(session = %self.session, odd = read.odd, "left out groups or members that cannot be read");
        }
        read.value
    }

    async fn call<T, E: StdError + 'static>(
        &self,
        asked: impl Future<Output = Result<T, E>>,
    ) -> Result<T, CallError> {
        call(&self.client, self.limit, asked).await
    }
}

fn library_jid(gid: &GroupJid) -> Result<Jid, CallError> {
    gid.as_str()
        .parse()
        .map_err(|_| CallError::Other("a group JID that the library does not know".into()))
}

fn library_jids(users: &[UserJid]) -> Vec<Jid> {
    let numbers = users.iter().map(UserJid::phone_number);
    numbers.map(Jid::pn).collect()
}

#[async_trait]
impl Connection for LibraryConnection {
    async fn groups(&self) -> Result<Vec<GroupInfo>, CallError> {
        let groups = self.call(self.client.execute(AllGroups)).await?;
        Ok(self.told(groups))
    }

    async fn group(&self, gid: &GroupJid) -> Result<GroupInfo, CallError> {
        let jid = library_jid(gid)?;
        let group = self.call(self.client.execute(OneGroup(jid))).await?;
        Ok(self.told(group))
    }

    async fn act(
        &self,
        gid: &GroupJid,
        action: &GroupAction,
    ) -> Result<Vec<PersonOutcome>, CallError> {
        let jid = library_jid(gid)?;
        let people = library_jids(action.people());
        let groups = self.client.groups();
        let answers = match action {
            GroupAction::Add(_) => self.call(groups.add_participants(jid, &people)).await?,
        };
        Ok(translate::outcomes(action.people(), &answers))
    }

    async fn not_on_whatsapp(&self, users: &[UserJid]) -> Result<Vec<UserJid>, CallError> {
        let people = library_jids(users);
        let contacts = self.client.contacts();
        let answers = self.call(contacts.is_on_whatsapp(&people)).await?;
        // Numbers without an account come back as they were asked for; the others perhaps in another spelling.
        let missing: HashSet<UserJid> = answers
            .iter()
            .filter(|answer| !answer.is_registered && answer.contact_error.is_none())
            .filter_map(|answer| translate::user(&answer.jid))
            .collect();
        let missing = users.iter().filter(|user| missing.contains(*user));
        Ok(missing.cloned().collect())
    }
}
