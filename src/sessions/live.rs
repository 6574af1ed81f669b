//! The way to a connection. Each step checks one thing and hands out the next, so that no check can be left out:
//! [`super::OwnedSession`] → [`Connected`] → [`KnownGroup`] → [`AdminGroup`] → [`Connection`].

use std::sync::Arc;

use super::roles::{Account, Roles};
use crate::error::Error;
use crate::group::Role;
use crate::jid::GroupJid;
use crate::whatsapp::Connection;

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
    role: Option<Role>,
}

impl<'g> KnownGroup<'g> {
    /// The same group, for what only an admin may do.
    ///
    /// # Errors
    /// 403 `not_group_admin`; 503 where WhatsApp has not told the role.
    pub fn admin(self) -> Result<AdminGroup<'g>, Error> {
        match self.role {
            Some(role) if role.is_admin() => Ok(AdminGroup {
                live: self.live,
                gid: self.gid,
            }),
            Some(_) => Err(Error::not_group_admin()),
            None => Err(Error::role_unknown()),
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
