//! The operations on groups.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway_api::apis::groups::*;
use gateway_api::models;

use super::actions::person;
use super::acts::{Request, location, people, result};
use super::{Api, prefer};
use crate::auth::Principal;
use crate::error::{Error, Rule, Violation};
use crate::group::{GroupAction, Role, Setting};
use crate::groups;
use crate::jid::{GroupJid, PersonJid};
use crate::sessions::Asker;
use crate::store::{ActionRecord, GroupRecord, MemberRecord};

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
        let asker = Request::new("addGroupMembers", (&path.session, &path.gid), &body)
            .by(principal, headers.idempotency_key);
        let gid = group_jid(&path.gid)?;
        let names = body.participants.iter().flatten().map(|member| &member.0);
        let people = people(names, |name| self.new_member(name))?;
        let session = self.session(principal, &path.session)?;
        let asker = Asker {
            invite_declined: body.invite_declined,
            ..asker
        };
        let add = GroupAction::Add(people.into_vec());
        let action = groups::act(&session, &gid, add, asker).await?;
        let location = location(&action);
        Ok(if prefer::wants_representation(headers.prefer.as_deref()) {
            AddGroupMembersResponse::Status200 {
                body: result(action),
                location,
                preference_applied: prefer::REPRESENTATION.to_owned(),
            }
        } else {
            AddGroupMembersResponse::Status204 { location }
        })
    }

    async fn remove_group_member(
        &self,
        principal: &Principal,
        path: RemoveGroupMemberPathParams,
        headers: RemoveGroupMemberHeaderParams,
    ) -> Result<RemoveGroupMemberResponse, Error> {
        let at = (&path.session, &path.gid, &path.jid);
        let asker =
            Request::new("removeGroupMember", at, &()).by(principal, headers.idempotency_key);
        let location = self
            .act_on(principal, at, GroupAction::Remove, asker)
            .await?;
        Ok(RemoveGroupMemberResponse::Status204 { location })
    }

    async fn promote_group_member(
        &self,
        principal: &Principal,
        path: PromoteGroupMemberPathParams,
        headers: PromoteGroupMemberHeaderParams,
    ) -> Result<PromoteGroupMemberResponse, Error> {
        let at = (&path.session, &path.gid, &path.jid);
        let asker =
            Request::new("promoteGroupMember", at, &()).by(principal, headers.idempotency_key);
        let location = self
            .act_on(principal, at, GroupAction::Promote, asker)
            .await?;
        Ok(PromoteGroupMemberResponse::Status204 { location })
    }

    async fn demote_group_member(
        &self,
        principal: &Principal,
        path: DemoteGroupMemberPathParams,
        headers: DemoteGroupMemberHeaderParams,
    ) -> Result<DemoteGroupMemberResponse, Error> {
        let at = (&path.session, &path.gid, &path.jid);
        let asker =
            Request::new("demoteGroupMember", at, &()).by(principal, headers.idempotency_key);
        let location = self
            .act_on(principal, at, GroupAction::Demote, asker)
            .await?;
        Ok(DemoteGroupMemberResponse::Status204 { location })
    }

    async fn create_group(
        &self,
        principal: &Principal,
        path: CreateGroupPathParams,
        headers: CreateGroupHeaderParams,
        body: models::CreateGroup,
    ) -> Result<CreateGroupResponse, Error> {
        let asker = Request::new("createGroup", &path.session, &body)
            .by(principal, headers.idempotency_key);
        let with = match body.participants.as_deref() {
            None | Some([]) => Vec::new(),
            Some(members) => {
                let names = members.iter().map(|member| &member.0);
                people(names, |name| self.new_member(name))?.into_vec()
            }
        };
        let session = self.session(principal, &path.session)?;
        let (action, group) = groups::create(&session, body.subject, with, asker).await?;
        let told = prefer::wants_representation(headers.prefer.as_deref());
        Ok(CreateGroupResponse::Status201 {
            location: location(&action),
            body: created(group, told.then_some(action)),
        })
    }

    async fn update_group(
        &self,
        principal: &Principal,
        path: UpdateGroupPathParams,
        headers: UpdateGroupHeaderParams,
        body: models::UpdateGroup,
    ) -> Result<UpdateGroupResponse, Error> {
        let asker = Request::new("updateGroup", (&path.session, &path.gid), &body)
            .by(principal, headers.idempotency_key);
        let gid = group_jid(&path.gid)?;
        let settings = settings(body)?;
        let session = self.session(principal, &path.session)?;
        let (action, record) = groups::update(&session, &gid, settings, asker).await?;
        Ok(UpdateGroupResponse::Status200 {
            body: group(record),
            location: location(&action),
        })
    }

    async fn leave_group(
        &self,
        principal: &Principal,
        path: LeaveGroupPathParams,
        headers: LeaveGroupHeaderParams,
    ) -> Result<LeaveGroupResponse, Error> {
        let asker = Request::new("leaveGroup", (&path.session, &path.gid), &())
            .by(principal, headers.idempotency_key);
        let gid = group_jid(&path.gid)?;
        let session = self.session(principal, &path.session)?;
        let action = groups::leave(&session, &gid, asker).await?;
        Ok(LeaveGroupResponse::Status204 {
            location: location(&action),
        })
    }
}

impl Api {
    /// Whom a `NewMember` names: a JID or, where they are taken, a phone number.
    pub(super) fn new_member(&self, name: &str) -> Option<PersonJid> {
        let jid = name.parse().ok();
        let jid = jid.or_else(|| self.phone_numbers.as_ref()?.jid(name));
        jid.map(PersonJid::User)
    }

    /// Acts on one member of a group; gives where the record is.
    async fn act_on(
        &self,
        principal: &Principal,
        (session, gid, jid): (&String, &models::GroupJid, &models::PersonJid),
        action: fn(Vec<PersonJid>) -> GroupAction,
        asker: Asker,
    ) -> Result<String, Error> {
        let gid = group_jid(gid)?;
        let person = jid.0.parse();
        let person =
            person.map_err(|_| Error::validation(vec![Violation::new("jid", Rule::Pattern)]))?;
        let session = self.session(principal, session)?;
        let acted = groups::act(&session, &gid, action(vec![person]), asker).await?;
        Ok(location(&acted))
    }
}

/// What is to be set, in the document's order.
fn settings(body: models::UpdateGroup) -> Result<Vec<Setting>, Error> {
    let described = |text: String| Some(text).filter(|text| !text.is_empty());
    let settings = [
        body.subject.map(Setting::Subject),
        body.description
            .map(|text| Setting::Description(described(text))),
        body.announce.map(Setting::Announce),
        body.locked.map(Setting::Locked),
        body.member_add_mode
            .map(|mode| Setting::MembersAdd(mode == models::MemberAddMode::AllMemberAdd)),
        body.approval_mode
            .map(|mode| Setting::Approval(mode == models::ApprovalMode::On)),
    ];
    let settings: Vec<_> = settings.into_iter().flatten().collect();
    if settings.is_empty() {
        return Err(Error::validation(vec![Violation::new("body", Rule::Empty)]));
    }
    Ok(settings)
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
    place.ok_or_else(|| Error::validation(vec![Violation::new("cursor", Rule::Pattern)]))
}

// The generated code has checked the patterns; should ours ever be stricter, that is a 400 too and not a fault.

pub(super) fn group_jid(gid: &models::GroupJid) -> Result<GroupJid, Error> {
    gid.0
        .parse()
        .map_err(|_| Error::validation(vec![Violation::new("gid", Rule::Pattern)]))
}

pub(super) fn group(record: GroupRecord) -> models::Group {
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

/// The same with what became of the people, where that is to be told.
fn created(record: GroupRecord, action: Option<ActionRecord>) -> models::CreatedGroup {
    let group = group(record);
    models::CreatedGroup {
        group_jid: group.group_jid,
        subject: group.subject,
        description: group.description,
        owner_jid: group.owner_jid,
        is_announce: group.is_announce,
        is_locked: group.is_locked,
        participant_count: group.participant_count,
        created_at_wa: group.created_at_wa,
        first_seen_at: group.first_seen_at,
        updated_at: group.updated_at,
        outcomes: action.map(|action| action.people.into_iter().map(person).collect()),
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
