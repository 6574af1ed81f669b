//! A record of an addition, and how the database writes it.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::StoreError;
use super::action_record::Caller;
use crate::error::Code;
use crate::jid::{AdditionId, GroupJid, SessionId};
use crate::pace::PaceWish;
use crate::words::words;

words! {
    /// How far an addition has come.
    AdditionStatus, "addition status":
    /// Some people have not had their turn.
    Running = "running",
    /// Everybody has had their turn.
    Done = "done",
    /// Somebody has canceled the rest.
    Canceled = "canceled",
    /// The rest cannot be added.
    Failed = "failed",
}

/// An addition as the database keeps it. Times are epoch milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdditionRecord {
    /// Its id, by time.
    pub id: AdditionId,
    /// The session whose account adds.
    pub session: SessionId,
    /// The group.
    pub gid: GroupJid,
    /// Who asked.
    pub caller: Caller,
    /// Whether those who can only be invited are.
    pub invite_declined: bool,
    /// How slow it is to go.
    pub pace: PaceWish,
    /// How far it has come.
    pub status: AdditionStatus,
    /// The code of the error that ended it, if one did.
    pub error: Option<Code>,
    /// How many people are to be added.
    pub total: u32,
    /// How many of them have had their turn.
    pub done: u32,
    /// When the pause ends.
    pub next_at: i64,
    /// When it was asked for.
    pub created_at: i64,
    /// When it ended.
    pub completed_at: Option<i64>,
}

/// The people of an addition that one action is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The addition.
    pub addition: AdditionId,
    /// Their places in it.
    pub places: Vec<i64>,
}

impl AdditionRecord {
    /// An addition that is about to begin.
    #[must_use]
    pub fn begun(
        session: &SessionId,
        gid: &GroupJid,
        people: usize,
        (pace, invite_declined): (PaceWish, bool),
        caller: Caller,
    ) -> Self {
        let id = AdditionId::generate();
        let created_at = id.made_at();
        Self {
            id,
            session: session.clone(),
            gid: gid.clone(),
            caller,
            invite_declined,
            pace,
            status: AdditionStatus::Running,
            error: None,
            total: u32::try_from(people).unwrap_or(u32::MAX),
            done: 0,
            next_at: 0,
            created_at,
            completed_at: None,
        }
    }

    /// Reads a row.
    pub(super) fn from_row(row: &AnyRow) -> Result<Self, StoreError> {
        let unreadable = |what| move |_| StoreError::Unreadable(what);
        let text = |column| row.try_get::<&str, _>(column);
        let optional = |column| row.try_get::<Option<String>, _>(column);
        let number = |column| {
            let number: i64 = row.try_get(column)?;
            u32::try_from(number).map_err(|_| StoreError::Unreadable("number of people"))
        };
        let pace = serde_json::from_str(text("pace")?);
        Ok(Self {
            id: text("id")?.parse().map_err(unreadable("addition id"))?,
            session: text("session_id")?
                .parse()
                .map_err(unreadable("session id"))?,
            gid: text("group_jid")?
                .parse()
                .map_err(unreadable("group JID"))?,
            caller: Caller::from_row(row)?,
            invite_declined: row.try_get::<i64, _>("invite_declined")? != 0,
            pace: pace.map_err(|_| StoreError::Unreadable("pace of an addition"))?,
            status: text("status")?.parse()?,
            error: optional("error")?.map(|code| code.parse()).transpose()?,
            total: number("total")?,
            done: number("done")?,
            next_at: row.try_get("next_at")?,
            created_at: row.try_get("created_at")?,
            completed_at: row.try_get("completed_at")?,
        })
    }
}
