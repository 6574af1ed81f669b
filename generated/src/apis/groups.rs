//! Groups: Groups that a session's account is in, and their members.

use std::future::Future;

#[allow(unused_imports)]
use axum::{
    Json,
    http::{HeaderMap, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
#[allow(unused_imports)]
use serde::Deserialize;
#[allow(unused_imports)]
use validator::Validate;

#[allow(unused_imports)]
use super::{Authenticator, status, with_headers};
#[allow(unused_imports)]
use crate::{Rejection, accept::preferred, models};

/// What the path of [`Groups::add_group_members`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct AddGroupMembersPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
    /// JID of the group, ending in `@g.us`. The `@` may be percent-encoded as `%40`.
    #[serde(rename = "gid")]
    #[validate(nested)]
    pub gid: models::GroupJid,
}

/// What the header of [`Groups::add_group_members`] says.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct AddGroupMembersHeaderParams {
    /// Makes a repetition safe, for 24 hours: the first request with this key acts, and another one like it gets the answer of the first. Pick a key that nobody else in your organization picks, such as a UUID.
    #[validate(nested)]
    pub idempotency_key: Option<models::IdempotencyKey>,
    /// `return=representation` asks for what became of each person (RFC 7240). Other preferences are passed over. All of them stand in one header line.
    #[validate(length(max = 256))]
    pub prefer: Option<String>,
}

/// How [`Groups::add_group_members`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum AddGroupMembersResponse {
    /// WhatsApp took the call, and this is what became of each person.
    Status200 {
        /// The body.
        body: models::ActionResult,
        /// The header `Location`: Where the record of the call is, the action.
        location: String,
        /// The header `Preference-Applied`: The preference that was followed (RFC 7240).
        preference_applied: String,
    },
    /// WhatsApp took the call. No body.
    Status204 {
        /// The header `Location`: Where the record of the call is, the action.
        location: String,
    },
}

impl TryFrom<AddGroupMembersResponse> for Response {
    type Error = Rejection;

    fn try_from(response: AddGroupMembersResponse) -> Result<Self, Rejection> {
        Ok(match response {
            AddGroupMembersResponse::Status200 {
                body,
                location,
                preference_applied,
            } => with_headers(
                (status::S200, Json(body)).into_response(),
                [
                    ("Location", Some(location)),
                    ("Preference-Applied", Some(preference_applied)),
                ],
            )?,
            AddGroupMembersResponse::Status204 { location } => {
                with_headers(status::S204.into_response(), [("Location", Some(location))])?
            }
        })
    }
}

/// What the path of [`Groups::create_group`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct CreateGroupPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
}

/// What the header of [`Groups::create_group`] says.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct CreateGroupHeaderParams {
    /// Makes a repetition safe, for 24 hours: the first request with this key acts, and another one like it gets the answer of the first. Pick a key that nobody else in your organization picks, such as a UUID.
    #[validate(nested)]
    pub idempotency_key: Option<models::IdempotencyKey>,
    /// `return=representation` asks for what became of each person (RFC 7240). Other preferences are passed over. All of them stand in one header line.
    #[validate(length(max = 256))]
    pub prefer: Option<String>,
}

/// How [`Groups::create_group`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum CreateGroupResponse {
    /// The group.
    Status201 {
        /// The body.
        body: models::CreatedGroup,
        /// The header `Location`: Where the record of the call is, the action.
        location: String,
    },
}

impl TryFrom<CreateGroupResponse> for Response {
    type Error = Rejection;

    fn try_from(response: CreateGroupResponse) -> Result<Self, Rejection> {
        Ok(match response {
            CreateGroupResponse::Status201 { body, location } => with_headers(
                (status::S201, Json(body)).into_response(),
                [("Location", Some(location))],
            )?,
        })
    }
}

/// What the path of [`Groups::demote_group_member`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct DemoteGroupMemberPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
    /// JID of the group, ending in `@g.us`. The `@` may be percent-encoded as `%40`.
    #[serde(rename = "gid")]
    #[validate(nested)]
    pub gid: models::GroupJid,
    /// JID or LID of the person. The `@` may be percent-encoded as `%40`.
    #[serde(rename = "jid")]
    #[validate(nested)]
    pub jid: models::PersonJid,
}

/// What the header of [`Groups::demote_group_member`] says.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct DemoteGroupMemberHeaderParams {
    /// Makes a repetition safe, for 24 hours: the first request with this key acts, and another one like it gets the answer of the first. Pick a key that nobody else in your organization picks, such as a UUID.
    #[validate(nested)]
    pub idempotency_key: Option<models::IdempotencyKey>,
}

/// How [`Groups::demote_group_member`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum DemoteGroupMemberResponse {
    /// It is so now.
    Status204 {
        /// The header `Location`: Where the record of the call is, the action.
        location: String,
    },
}

impl TryFrom<DemoteGroupMemberResponse> for Response {
    type Error = Rejection;

    fn try_from(response: DemoteGroupMemberResponse) -> Result<Self, Rejection> {
        Ok(match response {
            DemoteGroupMemberResponse::Status204 { location } => {
                with_headers(status::S204.into_response(), [("Location", Some(location))])?
            }
        })
    }
}

/// What the path of [`Groups::get_group`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct GetGroupPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
    /// JID of the group, ending in `@g.us`. The `@` may be percent-encoded as `%40`.
    #[serde(rename = "gid")]
    #[validate(nested)]
    pub gid: models::GroupJid,
}

/// How [`Groups::get_group`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum GetGroupResponse {
    /// The group.
    Status200(models::Group),
}

impl TryFrom<GetGroupResponse> for Response {
    type Error = Rejection;

    fn try_from(response: GetGroupResponse) -> Result<Self, Rejection> {
        Ok(match response {
            GetGroupResponse::Status200(body) => (status::S200, Json(body)).into_response(),
        })
    }
}

/// What the path of [`Groups::leave_group`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct LeaveGroupPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
    /// JID of the group, ending in `@g.us`. The `@` may be percent-encoded as `%40`.
    #[serde(rename = "gid")]
    #[validate(nested)]
    pub gid: models::GroupJid,
}

/// What the header of [`Groups::leave_group`] says.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct LeaveGroupHeaderParams {
    /// Makes a repetition safe, for 24 hours: the first request with this key acts, and another one like it gets the answer of the first. Pick a key that nobody else in your organization picks, such as a UUID.
    #[validate(nested)]
    pub idempotency_key: Option<models::IdempotencyKey>,
}

/// How [`Groups::leave_group`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum LeaveGroupResponse {
    /// The account is no member of the group any more.
    Status204 {
        /// The header `Location`: Where the record of the call is, the action.
        location: String,
    },
}

impl TryFrom<LeaveGroupResponse> for Response {
    type Error = Rejection;

    fn try_from(response: LeaveGroupResponse) -> Result<Self, Rejection> {
        Ok(match response {
            LeaveGroupResponse::Status204 { location } => {
                with_headers(status::S204.into_response(), [("Location", Some(location))])?
            }
        })
    }
}

/// What the path of [`Groups::list_group_members`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct ListGroupMembersPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
    /// JID of the group, ending in `@g.us`. The `@` may be percent-encoded as `%40`.
    #[serde(rename = "gid")]
    #[validate(nested)]
    pub gid: models::GroupJid,
}

/// What the query of [`Groups::list_group_members`] says.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct ListGroupMembersQueryParams {
    /// How many entries a page holds at most. Where it is not given: 100.
    #[validate(range(min = 1, max = 1000))]
    pub limit: u32,
    /// Where the page begins, as `nextCursor` of the page before gave it. Left out, the list begins at its start. What is no `nextCursor` may be refused with 400.
    #[validate(nested)]
    pub cursor: Option<models::Cursor>,
}

/// How [`Groups::list_group_members`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum ListGroupMembersResponse {
    /// A page of members.
    Status200(models::MemberList),
}

impl TryFrom<ListGroupMembersResponse> for Response {
    type Error = Rejection;

    fn try_from(response: ListGroupMembersResponse) -> Result<Self, Rejection> {
        Ok(match response {
            ListGroupMembersResponse::Status200(body) => (status::S200, Json(body)).into_response(),
        })
    }
}

/// What the path of [`Groups::list_groups`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct ListGroupsPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
}

/// What the query of [`Groups::list_groups`] says.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct ListGroupsQueryParams {
    /// How many entries a page holds at most. Where it is not given: 100.
    #[validate(range(min = 1, max = 1000))]
    pub limit: u32,
    /// Where the page begins, as `nextCursor` of the page before gave it. Left out, the list begins at its start. What is no `nextCursor` may be refused with 400.
    #[validate(nested)]
    pub cursor: Option<models::Cursor>,
}

/// How [`Groups::list_groups`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum ListGroupsResponse {
    /// A page of groups.
    Status200(models::GroupList),
}

impl TryFrom<ListGroupsResponse> for Response {
    type Error = Rejection;

    fn try_from(response: ListGroupsResponse) -> Result<Self, Rejection> {
        Ok(match response {
            ListGroupsResponse::Status200(body) => (status::S200, Json(body)).into_response(),
        })
    }
}

/// What the path of [`Groups::promote_group_member`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct PromoteGroupMemberPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
    /// JID of the group, ending in `@g.us`. The `@` may be percent-encoded as `%40`.
    #[serde(rename = "gid")]
    #[validate(nested)]
    pub gid: models::GroupJid,
    /// JID or LID of the person. The `@` may be percent-encoded as `%40`.
    #[serde(rename = "jid")]
    #[validate(nested)]
    pub jid: models::PersonJid,
}

/// What the header of [`Groups::promote_group_member`] says.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct PromoteGroupMemberHeaderParams {
    /// Makes a repetition safe, for 24 hours: the first request with this key acts, and another one like it gets the answer of the first. Pick a key that nobody else in your organization picks, such as a UUID.
    #[validate(nested)]
    pub idempotency_key: Option<models::IdempotencyKey>,
}

/// How [`Groups::promote_group_member`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum PromoteGroupMemberResponse {
    /// It is so now.
    Status204 {
        /// The header `Location`: Where the record of the call is, the action.
        location: String,
    },
}

impl TryFrom<PromoteGroupMemberResponse> for Response {
    type Error = Rejection;

    fn try_from(response: PromoteGroupMemberResponse) -> Result<Self, Rejection> {
        Ok(match response {
            PromoteGroupMemberResponse::Status204 { location } => {
                with_headers(status::S204.into_response(), [("Location", Some(location))])?
            }
        })
    }
}

/// What the path of [`Groups::remove_group_member`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct RemoveGroupMemberPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
    /// JID of the group, ending in `@g.us`. The `@` may be percent-encoded as `%40`.
    #[serde(rename = "gid")]
    #[validate(nested)]
    pub gid: models::GroupJid,
    /// JID or LID of the person. The `@` may be percent-encoded as `%40`.
    #[serde(rename = "jid")]
    #[validate(nested)]
    pub jid: models::PersonJid,
}

/// What the header of [`Groups::remove_group_member`] says.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct RemoveGroupMemberHeaderParams {
    /// Makes a repetition safe, for 24 hours: the first request with this key acts, and another one like it gets the answer of the first. Pick a key that nobody else in your organization picks, such as a UUID.
    #[validate(nested)]
    pub idempotency_key: Option<models::IdempotencyKey>,
}

/// How [`Groups::remove_group_member`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum RemoveGroupMemberResponse {
    /// The person is no member of the group.
    Status204 {
        /// The header `Location`: Where the record of the call is, the action.
        location: String,
    },
}

impl TryFrom<RemoveGroupMemberResponse> for Response {
    type Error = Rejection;

    fn try_from(response: RemoveGroupMemberResponse) -> Result<Self, Rejection> {
        Ok(match response {
            RemoveGroupMemberResponse::Status204 { location } => {
                with_headers(status::S204.into_response(), [("Location", Some(location))])?
            }
        })
    }
}

/// What the path of [`Groups::update_group`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct UpdateGroupPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
    /// JID of the group, ending in `@g.us`. The `@` may be percent-encoded as `%40`.
    #[serde(rename = "gid")]
    #[validate(nested)]
    pub gid: models::GroupJid,
}

/// What the header of [`Groups::update_group`] says.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct UpdateGroupHeaderParams {
    /// Makes a repetition safe, for 24 hours: the first request with this key acts, and another one like it gets the answer of the first. Pick a key that nobody else in your organization picks, such as a UUID.
    #[validate(nested)]
    pub idempotency_key: Option<models::IdempotencyKey>,
}

/// How [`Groups::update_group`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum UpdateGroupResponse {
    /// The group as it is now.
    Status200 {
        /// The body.
        body: models::Group,
        /// The header `Location`: Where the record of the call is, the action.
        location: String,
    },
}

impl TryFrom<UpdateGroupResponse> for Response {
    type Error = Rejection;

    fn try_from(response: UpdateGroupResponse) -> Result<Self, Rejection> {
        Ok(match response {
            UpdateGroupResponse::Status200 { body, location } => with_headers(
                (status::S200, Json(body)).into_response(),
                [("Location", Some(location))],
            )?,
        })
    }
}

/// The operations tagged Groups.
pub trait Groups: Authenticator {
    /** Add members to a group

    Adds the people in `participants` to the group.

    **Capability:** `send`. **Live:** the session has to be connected, else 501 `not_implemented`; and its account
    has to be an admin of the group (a super admin is one), else 403 `forbidden`, also in a group where WhatsApp
    would let every member add.

    **204** says that WhatsApp took the call. It may still have declined some of the people, or all of them, because
    of their privacy settings or because a number has no account: that does not fail the call. Someone who is a
    member already stays one, and a person who is given twice counts once.

    **200** comes instead where the header `Prefer: return=representation` asks for it, and says what became of each
    person. `Location` names the record of the call, an action, which says the same later; an error that comes after the
    record was made names it in `details.action`. The call is done to the end also when its caller hangs up.

    With `inviteDeclined` those whom their privacy settings let only be invited are sent an invitation, and `invite` says
    what became of it, in the action as it goes on: somebody who accepts it has `joined`.

    `POST /api/v1/sessions/{session}/groups/{gid}/members`
    */
    fn add_group_members(
        &self,
        principal: &Self::Principal,
        path: AddGroupMembersPathParams,
        headers: AddGroupMembersHeaderParams,
        body: models::AddMembers,
    ) -> impl Future<Output = Result<AddGroupMembersResponse, Self::Error>> + Send;

    /** Create a group

    Creates a group, whose super admin the session's account is. WhatsApp may decline some of `participants`, or all of
    them, as it does when people are added: the group is there without them, and `outcomes` says what became of each where
    the header `Prefer: return=representation` asks for it. `Location` names the record of the call, an action.

    **Capability:** `send`. **Live:** the session has to be connected, else 501 `not_implemented`.

    `POST /api/v1/sessions/{session}/groups`
    */
    fn create_group(
        &self,
        principal: &Self::Principal,
        path: CreateGroupPathParams,
        headers: CreateGroupHeaderParams,
        body: models::CreateGroup,
    ) -> impl Future<Output = Result<CreateGroupResponse, Self::Error>> + Send;

    /** Make an admin an ordinary member

    Takes the role of an admin from a member. Who has none stays an ordinary member. WhatsApp lets nobody demote the
    creator of a group: 502 `upstream_error`.

    **Capability:** `send`. **Live:** the session has to be connected, else 501 `not_implemented`; and its account
    has to be an admin of the group (a super admin is one), else 403 `forbidden`.

    `POST /api/v1/sessions/{session}/groups/{gid}/members/{jid}/demote`
    */
    fn demote_group_member(
        &self,
        principal: &Self::Principal,
        path: DemoteGroupMemberPathParams,
        headers: DemoteGroupMemberHeaderParams,
    ) -> impl Future<Output = Result<DemoteGroupMemberResponse, Self::Error>> + Send;

    /** Get a group

    Returns one group as last stored. Answers for a session that is not connected too.

    **Capability:** `read`.

    `GET /api/v1/sessions/{session}/groups/{gid}`
    */
    fn get_group(
        &self,
        principal: &Self::Principal,
        path: GetGroupPathParams,
    ) -> impl Future<Output = Result<GetGroupResponse, Self::Error>> + Send;

    /** Leave a group

    Takes the session's account out of the group. The gateway then forgets the group and its members; the actions on it
    stay.

    **Capability:** `send`. **Live:** the session has to be connected, else 501 `not_implemented`.

    `POST /api/v1/sessions/{session}/groups/{gid}/leave`
    */
    fn leave_group(
        &self,
        principal: &Self::Principal,
        path: LeaveGroupPathParams,
        headers: LeaveGroupHeaderParams,
    ) -> impl Future<Output = Result<LeaveGroupResponse, Self::Error>> + Send;

    /** List the members of a group

    Lists the members of a group as last stored. Answers for a session that is not connected too. The order is that in
    which the gateway came to know them, so that pages stay as they are while people come, go and change their names.

    **Capability:** `read`.

    `GET /api/v1/sessions/{session}/groups/{gid}/members`
    */
    fn list_group_members(
        &self,
        principal: &Self::Principal,
        path: ListGroupMembersPathParams,
        query: ListGroupMembersQueryParams,
    ) -> impl Future<Output = Result<ListGroupMembersResponse, Self::Error>> + Send;

    /** List groups

    Lists the groups that the session's account is in, as last stored: fetched when the session connects and kept
    fresh by WhatsApp's notifications. Answers for a session that is not connected too. The order is that in which the
    gateway came to know them, so that pages stay as they are while groups change.

    **Capability:** `read`.

    `GET /api/v1/sessions/{session}/groups`
    */
    fn list_groups(
        &self,
        principal: &Self::Principal,
        path: ListGroupsPathParams,
        query: ListGroupsQueryParams,
    ) -> impl Future<Output = Result<ListGroupsResponse, Self::Error>> + Send;

    /** Make a member an admin

    Makes a member an admin of the group. Who is one already stays one.

    **Capability:** `send`. **Live:** the session has to be connected, else 501 `not_implemented`; and its account
    has to be an admin of the group (a super admin is one), else 403 `forbidden`.

    `POST /api/v1/sessions/{session}/groups/{gid}/members/{jid}/promote`
    */
    fn promote_group_member(
        &self,
        principal: &Self::Principal,
        path: PromoteGroupMemberPathParams,
        headers: PromoteGroupMemberHeaderParams,
    ) -> impl Future<Output = Result<PromoteGroupMemberResponse, Self::Error>> + Send;

    /** Remove a member from a group

    Removes a person from the group. Somebody who is no member is none afterwards either: 204 as well. WhatsApp lets nobody
    remove the creator of a group: 502 `upstream_error`.

    **Capability:** `send`. **Live:** the session has to be connected, else 501 `not_implemented`; and its account
    has to be an admin of the group (a super admin is one), else 403 `forbidden`.

    `DELETE /api/v1/sessions/{session}/groups/{gid}/members/{jid}`
    */
    fn remove_group_member(
        &self,
        principal: &Self::Principal,
        path: RemoveGroupMemberPathParams,
        headers: RemoveGroupMemberHeaderParams,
    ) -> impl Future<Output = Result<RemoveGroupMemberResponse, Self::Error>> + Send;

    /** Change a group

    Changes what the body names, and nothing else, each by a call to WhatsApp, in the order of the schema. Where WhatsApp
    refuses one of them the rest is not tried, and `details.applied` names those that were done.

    **Capability:** `send`. **Live:** the session has to be connected, else 501 `not_implemented`; and its account
    has to be an admin of the group (a super admin is one), else 403 `forbidden`.

    `PATCH /api/v1/sessions/{session}/groups/{gid}`
    */
    fn update_group(
        &self,
        principal: &Self::Principal,
        path: UpdateGroupPathParams,
        headers: UpdateGroupHeaderParams,
        body: models::UpdateGroup,
    ) -> impl Future<Output = Result<UpdateGroupResponse, Self::Error>> + Send;
}
