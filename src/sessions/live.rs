//! The way to a connection. Each step checks one thing and hands out the next, so that no check can be left out:
//! [`super::OwnedSession`] → [`Connected`] → [`KnownGroup`] → [`AdminGroup`] → [`Connection`].

use std::sync::Arc;
use std::time::Duration;

use super::roles::{Account, Roles};
use crate::error::{Code, Error};
use crate::jid::GroupJid;
use crate::store::Status;
use crate::whatsapp::{CallError, Connection, Role};

/// What to tell a caller who was refused for haste where WhatsApp does not say how long to wait.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is in memory of a session while it is `working`.
pub(super) struct Live {
    pub(super) connection: Arc<dyn Connection>,
    pub(super) account: Account,
    pub(super) roles: Roles,
}

/// A session that is connected.
#[derive(Clone)]
pub struct Connected(pub(super) Arc<Live>);

impl Connected {
    /// The group `gid`, if the account is in it.
    ///
    /// # Errors
    /// 404 `group`.
    pub fn group<'g>(&self, gid: &'g GroupJid) -> Result<KnownGroup<'g>, Error> {
        match self.0.roles.get(gid) {
            Some(role) => Ok(KnownGroup {
                live: Arc::clone(&self.0),
                gid,
                role,
            }),
            None => Err(Error::not_found("group")),
        }
    }
}

/// A group that the account of a connected session is in.
pub struct KnownGroup<'g> {
    live: Arc<Live>,
    gid: &'g GroupJid,
    role: Role,
}

impl<'g> KnownGroup<'g> {
    /// The same group, for what only an admin may do.
    ///
    /// # Errors
    /// 403 `not_group_admin`.
    pub fn admin(self) -> Result<AdminGroup<'g>, Error> {
        if self.role.is_admin() {
            Ok(AdminGroup {
                live: self.live,
                gid: self.gid,
            })
        } else {
            Err(Error::not_group_admin())
        }
    }
}

/// A group that the account of a connected session is an admin of.
pub struct AdminGroup<'g> {
    live: Arc<Live>,
    gid: &'g GroupJid,
}

impl AdminGroup<'_> {
    /// Which group.
    #[must_use]
    pub fn gid(&self) -> &GroupJid {
        self.gid
    }

    /// The line to act on it with.
    #[must_use]
    pub fn connection(&self) -> &dyn Connection {
        self.live.connection.as_ref()
    }
}

/// What a caller is told of a call that failed, where the code of the refusal means nothing particular.
#[must_use]
pub fn call_refused(error: CallError) -> Error {
    match error {
        // Known to the call before it is known to the session: the client is reconnecting.
        CallError::NotConnected => Error::not_connected(Status::Connecting.as_str()),
        CallError::Unanswered => Error::new(
            Code::UpstreamTimeout,
            "WhatsApp did not answer in time: whether it was done is not known",
        ),
        CallError::Refused { code: 429, backoff } => {
            Error::new(Code::RateLimited, "WhatsApp asks to slow down")
                .retry_after(backoff.unwrap_or(PATIENCE))
        }
        CallError::Refused { code, .. } => {
            Error::new(Code::UpstreamError, "WhatsApp refused the request")
                .with("upstreamCode", code)
        }
        CallError::Other(source) => Error::internal(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals() {
        let refused = |code, backoff| CallError::Refused { code, backoff };
        let limited = call_refused(refused(429, Some(Duration::from_secs(7))));
        assert_eq!(limited.code, Code::RateLimited);
        assert_eq!(limited.retry_after, Some(Duration::from_secs(7)));
        assert!(call_refused(refused(429, None)).retry_after.is_some());

        let other = call_refused(refused(406, None));
        assert_eq!(other.code, Code::UpstreamError);
        assert_eq!(other.details["upstreamCode"], 406);

        let dropped = call_refused(CallError::NotConnected);
        assert_eq!(dropped.code, Code::NotImplemented);
        assert_eq!(dropped.details["status"], "connecting");

        assert_eq!(
            call_refused(CallError::Unanswered).code,
            Code::UpstreamTimeout
        );
        let broken = call_refused(CallError::Other("inside".into()));
        assert_eq!(broken.code, Code::Internal);
        assert!(!broken.message.contains("inside"));
    }
}
