//! The operations on groups.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway_api::apis::groups::*;
use gateway_api::models;

use super::actions::person;
use super::{Api, prefer};
use crate::auth::Principal;
use crate::error::{Error, Violation};
use crate::group::Role;
use crate::groups::{self, Participants};
use crate::jid::{GroupJid, UserJid};
use crate::store::{Caller, GroupRecord, MemberRecord};

impl Groups for Api {
    async fn list_groups(
        &self,
        principal: &Principal,
        path: ListGroupsPathParams,
        query: ListGroupsQueryParams,
    ) -> Result<ListGroupsResponse, Error> {
        let after = place(query.cursor.as_ref())?;
        let session = self.session(principal, &path.session)?;
        let page = groups::list(&session, after, query.limit).await?;
        Ok(ListGroupsResponse::Status200(models::GroupList {
            data: page.items.into_iter().map(group).collect(),
            next_cursor: page.next.map(cursor),
        }))
    }

    async fn get_group(
        &self,
        principal: &Principal,
        path: GetGroupPathParams,
    ) -> Result<GetGroupResponse, Error> {
        let gid = group_jid(&path.gid)?;
        let session = self.session(principal, &path.session)?;
        let record = groups::get(&session, &gid).await?;
        Ok(GetGroupResponse::Status200(group(record)))
    }

    async fn list_group_members(
        &self,
        principal: &Principal,
        path: ListGroupMembersPathParams,
        query: ListGroupMembersQueryParams,
    ) -> Result<ListGroupMembersResponse, Error> {
        let gid = group_jid(&path.gid)?;
        let after = place(query.cursor.as_ref())?;
        let session = self.session(principal, &path.session)?;
        let page = groups::members(&session, &gid, after, query.limit).await?;
        Ok(ListGroupMembersResponse::Status200(models::MemberList {
            data: page.items.into_iter().map(member).collect(),
            next_cursor: page.next.map(cursor),
        }))
    }

    async fn add_group_members(
        &self,
        principal: &Principal,
        path: AddGroupMembersPathParams,
        headers: AddGroupMembersHeaderParams,
        body: models::AddMembers,
    ) -> Result<AddGroupMembersResponse, Error> {
        // What is wrong with the request is told before whether the session exists.
        let gid = group_jid(&path.gid)?;
        let participants = Participants::new(user_jids(&body.participants.unwrap_or_default())?)?;
        let session = self.session(principal, &path.session)?;
        let acted = groups::add_members(&session, &gid, participants, caller(principal)).await?;
        let location = format!("/api/v1/sessions/{}/actions/{}", session.id(), acted.id);
        if !prefer::wants_representation(headers.prefer.as_deref()) {
            return Ok(AddGroupMembersResponse::Status204 { location });
        }
        Ok(AddGroupMembersResponse::Status200 {
            body: models::ActionResult {
                action: acted.id.to_string(),
                data: acted.people.into_iter().map(person).collect(),
            },
            location,
            preference_applied: prefer::REPRESENTATION.to_owned(),
        })
    }
}

/// Who asks, as the record of an action has it.
fn caller(principal: &Principal) -> Caller {
    match &principal.api_key_id {
        Some(id) => Caller::ApiKey(id.clone()),
        None => Caller::User(principal.user_id.clone()),
    }
}

/// A place in a list as callers see it: eight bytes in base64url.
fn cursor(place: i64) -> String {
    URL_SAFE_NO_PAD.encode(place.to_be_bytes())
}

/// The place that a cursor names; before all others where there is none.
fn place(cursor: Option<&models::Cursor>) -> Result<i64, Error> {
    let Some(cursor) = cursor else {
        return Ok(0);
    };
    let bytes = URL_SAFE_NO_PAD.decode(&cursor.0).ok();
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    let place = bytes.map(i64::from_be_bytes);
    place.ok_or_else(|| Error::validation(&[Violation::new("cursor", "pattern")]))
}

// The generated code has checked the patterns; should ours ever be stricter, that is a 400 too and not a fault.

pub(super) fn group_jid(gid: &models::GroupJid) -> Result<GroupJid, Error> {
    gid.0
        .parse()
        .map_err(|_| Error::validation(&[Violation::new("gid", "pattern")]))
}

fn user_jids(users: &[models::UserJid]) -> Result<Vec<UserJid>, Error> {
    let mut violations = Vec::new();
    let mut parsed = Vec::with_capacity(users.len());
    for (index, user) in users.iter().enumerate() {
        match user.0.parse() {
            Ok(user) => parsed.push(user),
            Err(_) => violations.push(Violation::new(format!("participants[{index}]"), "pattern")),
        }
    }
    if violations.is_empty() {
        Ok(parsed)
    } else {
        Err(Error::validation(&violations))
    }
}

fn group(record: GroupRecord) -> models::Group {
    models::Group {
        group_jid: record.gid,
        subject: record.subject,
        description: record.description,
        owner_jid: record.owner,
        is_announce: record.is_announce,
        is_locked: record.is_locked,
        participant_count: record.participant_count,
        created_at_wa: record.created_at_wa,
        first_seen_at: record.first_seen_at,
        updated_at: record.updated_at,
    }
}

fn member(record: MemberRecord) -> models::Member {
    models::Member {
        jid: record.jid,
        lid: record.lid,
        role: match record.role {
            Role::Member => models::MemberRole::Member,
            Role::Admin => models::MemberRole::Admin,
            Role::SuperAdmin => models::MemberRole::Superadmin,
        },
        first_seen_at: record.first_seen_at,
        last_seen_at: record.last_seen_at,
    }
}
