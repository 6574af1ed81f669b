//! Recording what WhatsApp tells of groups, as differences: what has not changed is not written.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};
use sqlx::{AnyConnection, Row};

use super::group_writes::{GroupWrites, Start};
use super::invitations::note_who_joined;
use super::members::{self, number_of};
use super::roster::{Roster, lid, phone};
use super::{Store, StoreError, clean};
use crate::group::{GroupChange, GroupInfo, Participant};
use crate::jid::{GroupJid, SessionId};

/// Groups in one transaction of a sync: between two of them other sessions write.
const GROUPS_A_TRANSACTION: usize = 50;

impl Store {
    /// Records what WhatsApp told of a session's groups. Gives the groups that changed without being known, so that the
    /// caller can ask for them. Doing it again does no harm.
    ///
    /// # Errors
    /// The database failed; perhaps a part is written.
    pub async fn record_groups(
        &self,
        session: &SessionId,
        writes: &GroupWrites,
        now: i64,
    ) -> Result<Vec<GroupJid>, StoreError> {
        if let Some(groups) = &writes.all {
            self.sync(session, groups, now).await?;
        }
        let mut unknown = Vec::new();
        let groups: Vec<_> = writes.groups.iter().collect();
        for chunk in groups.chunks(GROUPS_A_TRANSACTION) {
            let mut tx = self.begin().await?;
            for (gid, write) in chunk {
                match &write.start {
                    Start::Stored => {}
                    Start::Told(group) => write_group(&mut tx, session, group, now).await?,
                    Start::Gone => delete_group(&mut tx, session, gid.as_str()).await?,
                }
                if !write.changes.is_empty()
                    && !change_group(&mut tx, session, gid, &write.changes, now).await?
                {
                    unknown.push((*gid).clone());
                }
            }
            tx.commit().await?;
        }
        Ok(unknown)
    }

    async fn sync(
        &self,
        session: &SessionId,
        groups: &[GroupInfo],
        now: i64,
    ) -> Result<(), StoreError> {
        let rows = sqlx::query("SELECT group_jid, digest, size FROM groups WHERE session_id = $1")
            .bind(session.as_str())
            .fetch_all(&self.pools.background)
            .await?;
        let mut known: HashMap<String, (Option<Vec<u8>>, Option<i64>)> = HashMap::new();
        for row in &rows {
            let stored = (row.try_get("digest")?, row.try_get("size")?);
            known.insert(row.try_get("group_jid")?, stored);
        }
        let changed = groups.iter().filter(|group| {
            let Some((digest, size)) = known.get(group.gid.as_str()) else {
                return true;
            };
            match group.participants {
                None => *size != group.size,
                Some(_) => size.is_some() || digest.as_deref() != Some(&digest_of(group)[..]),
            }
        });
        let changed: Vec<&GroupInfo> = changed.collect();
        let told: HashSet<&str> = groups.iter().map(|group| group.gid.as_str()).collect();
        let gone = known.keys().filter(|gid| !told.contains(gid.as_str()));
        let gone: Vec<&String> = gone.collect();

        for chunk in changed.chunks(GROUPS_A_TRANSACTION) {
            let mut tx = self.begin().await?;
            for group in chunk {
                write_group(&mut tx, session, group, now).await?;
            }
            tx.commit().await?;
        }
        if gone.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        for gid in gone {
            delete_group(&mut tx, session, gid).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// What WhatsApp tells of a group, members included, in 32 bytes. The order in which it names them does not matter.
fn digest_of(group: &GroupInfo) -> [u8; 32] {
    let mut digest = Sha256::new();
    let mut text = |text: Option<&str>| {
        // What comes next cannot begin earlier: a length stands before, and none is no length.
        let length = text.map_or(u64::MAX, |text| text.len() as u64);
        digest.update(length.to_le_bytes());
        digest.update(text.unwrap_or_default());
    };
    text(group.subject.as_deref());
    text(group.description.as_deref());
    text(group.owner.as_deref());
    let mut people: Vec<&Participant> = group.participants.iter().flatten().collect();
    people.sort_unstable_by_key(|person| (phone(person), lid(person)));
    for person in &people {
        text(phone(person));
        text(lid(person));
    }
    let flags = [group.is_announce, group.is_locked].map(u8::from);
    digest.update(flags);
    digest.update(group.created_at.unwrap_or(-1).to_le_bytes());
    for person in people {
        digest.update(number_of(person.role).to_le_bytes());
    }
    digest.finalize().into()
}

/// Writes a group and makes its members those of `group`, as far as they are told.
async fn write_group(
    db: &mut AnyConnection,
    session: &SessionId,
    group: &GroupInfo,
    now: i64,
) -> Result<(), StoreError> {
    let stored = sqlx::query("SELECT * FROM groups WHERE session_id = $1 AND group_jid = $2")
        .bind(session.as_str())
        .bind(group.gid.as_str())
        .fetch_optional(&mut *db)
        .await?;
    let Some(participants) = &group.participants else {
        // Not told is not gone: what is known of it stays, and so does who is in it.
        return match stored {
            Some(_) => set_size(db, session, group, now).await,
            None => insert_group(db, session, group, now).await.map(drop),
        };
    };
    let subject = group.subject.as_deref().map(clean);
    let description = group.description.as_deref().map(clean);
    let (id, next_place, mut changed) = match stored {
        None => (insert_group(db, session, group, now).await?, 1, true),
        Some(row) => {
            let same = row.try_get::<Option<String>, _>("subject")? == subject
                && row.try_get::<Option<String>, _>("description")? == description
                && row.try_get::<Option<String>, _>("owner_jid")? == group.owner
                && (row.try_get::<i64, _>("is_announce")? != 0) == group.is_announce
                && (row.try_get::<i64, _>("is_locked")? != 0) == group.is_locked
                && row.try_get::<Option<i64>, _>("created_at_wa")? == group.created_at
                && row.try_get::<Option<i64>, _>("size")?.is_none();
            (row.try_get("id")?, row.try_get("next_place")?, !same)
        }
    };
    // No place is given out yet: a group that is new here.
    let rows = match next_place {
        1 => Vec::new(),
        _ => members::all(db, id).await?,
    };
    let mut roster = Roster::new(rows, next_place);
    roster.replace(participants, now);
    let difference = roster.difference();
    changed |= !difference.is_empty();
    members::write(db, id, &difference).await?;
    note_who_joined(db, session, &group.gid, id, now).await?;
    sqlx::query(
        "UPDATE groups SET subject = $2, description = $3, owner_jid = $4, is_announce = $5, is_locked = $6,
             created_at_wa = $7, size = NULL, member_count = member_count + $8, next_place = $9, digest = $10, seen_at = $11,
             updated_at = CASE WHEN $12 = 1 THEN $11 ELSE updated_at END
         WHERE id = $1",
    )
    .bind(id)
    .bind(subject)
    .bind(description)
    .bind(&group.owner)
    .bind(i64::from(group.is_announce))
    .bind(i64::from(group.is_locked))
    .bind(group.created_at)
    .bind(difference.growth)
    .bind(difference.next_place)
    .bind(digest_of(group).to_vec())
    .bind(now)
    .bind(i64::from(changed))
    .execute(db)
    .await?;
    Ok(())
}

/// Writes a group that was not known, without its members. Gives its number.
async fn insert_group(
    db: &mut AnyConnection,
    session: &SessionId,
    group: &GroupInfo,
    now: i64,
) -> Result<i64, StoreError> {
    let id = sqlx::query_scalar(
        "INSERT INTO groups (session_id, group_jid, subject, description, owner_jid, is_announce, is_locked, created_at_wa,
             size, member_count, next_place, first_seen_at, updated_at, seen_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 1, $10, $10, $10) RETURNING id",
    )
    .bind(session.as_str())
    .bind(group.gid.as_str())
    .bind(group.subject.as_deref().map(clean))
    .bind(group.description.as_deref().map(clean))
    .bind(&group.owner)
    .bind(i64::from(group.is_announce))
    .bind(i64::from(group.is_locked))
    .bind(group.created_at)
    .bind(group.size)
    .bind(now)
    .fetch_one(db)
    .await?;
    Ok(id)
}

/// Writes how many people are in a group of which WhatsApp tells hardly more. They were last seen when all groups were.
async fn set_size(
    db: &mut AnyConnection,
    session: &SessionId,
    group: &GroupInfo,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE groups SET size = $3, updated_at = $4,
             seen_at = CASE WHEN size IS NULL AND (SELECT groups_synced_at FROM sessions WHERE id = $1) > seen_at
                 THEN (SELECT groups_synced_at FROM sessions WHERE id = $1) ELSE seen_at END
         WHERE session_id = $1 AND group_jid = $2",
    )
    .bind(session.as_str())
    .bind(group.gid.as_str())
    .bind(group.size)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

async fn delete_group(
    db: &mut AnyConnection,
    session: &SessionId,
    gid: &str,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM groups WHERE session_id = $1 AND group_jid = $2")
        .bind(session.as_str())
        .bind(gid)
        .execute(db)
        .await?;
    Ok(())
}

/// Applies changes to a known group; says whether it is known. What it costs does not grow with the group.
async fn change_group(
    db: &mut AnyConnection,
    session: &SessionId,
    gid: &GroupJid,
    changes: &[GroupChange],
    now: i64,
) -> Result<bool, StoreError> {
    let stored: Option<(i64, i64)> = sqlx::query_as(
        "SELECT id, next_place FROM groups WHERE session_id = $1 AND group_jid = $2",
    )
    .bind(session.as_str())
    .bind(gid.as_str())
    .fetch_optional(&mut *db)
    .await?;
    let Some((id, next_place)) = stored else {
        return Ok(false);
    };
    let people: Vec<&Participant> = changes.iter().flat_map(people_of).collect();
    let phones: Vec<&str> = people.iter().filter_map(|person| phone(person)).collect();
    let lids: Vec<&str> = people.iter().filter_map(|person| lid(person)).collect();
    let rows = members::named(db, id, &phones, &lids).await?;
    let mut roster = Roster::new(rows, next_place);
    let (mut subject, mut description, mut announce, mut locked) = (None, None, None, None);
    for change in changes {
        match change {
            GroupChange::Subject(text) => subject = Some(clean(text)),
            GroupChange::Description(text) => description = Some(text.as_deref().map(clean)),
            GroupChange::Announce(on) => announce = Some(i64::from(*on)),
            GroupChange::Locked(on) => locked = Some(i64::from(*on)),
            GroupChange::Added(_)
            | GroupChange::Removed(_)
            | GroupChange::Roles(_)
            | GroupChange::Unknown => roster.apply(change, now),
        }
    }
    let difference = roster.difference();
    members::write(db, id, &difference).await?;
    note_who_joined(db, session, gid, id, now).await?;
    // COALESCE leaves alone what no change names; a description can also go, so it has a flag of its own.
    sqlx::query(
        "UPDATE groups SET updated_at = $2, digest = NULL, member_count = member_count + $3, next_place = $4,
             subject = COALESCE($5, subject), description = CASE WHEN $6 = 1 THEN $7 ELSE description END,
             is_announce = COALESCE($8, is_announce), is_locked = COALESCE($9, is_locked)
         WHERE id = $1",
    )
    .bind(id)
    .bind(now)
    .bind(difference.growth)
    .bind(difference.next_place)
    .bind(subject)
    .bind(i64::from(description.is_some()))
    .bind(description.flatten())
    .bind(announce)
    .bind(locked)
    .execute(db)
    .await?;
    Ok(true)
}

fn people_of(change: &GroupChange) -> &[Participant] {
    match change {
        GroupChange::Added(people) | GroupChange::Removed(people) | GroupChange::Roles(people) => {
            people
        }
        GroupChange::Subject(_)
        | GroupChange::Description(_)
        | GroupChange::Announce(_)
        | GroupChange::Locked(_)
        | GroupChange::Unknown => &[],
    }
}
