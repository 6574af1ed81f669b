//! Joining: How people come into a group by themselves, by its invitation link and by asking to join.

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

/// What the path of [`Joining::approve_group_requests`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct ApproveGroupRequestsPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
    /// JID of the group, ending in `@g.us`. The `@` may be percent-encoded as `%40`.
    #[serde(rename = "gid")]
    #[validate(nested)]
    pub gid: models::GroupJid,
}

/// What the header of [`Joining::approve_group_requests`] says.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct ApproveGroupRequestsHeaderParams {
    /// Makes a repetition safe, for 24 hours: the first request with this key acts, and another one like it gets the answer of the first. Pick a key that nobody else in your organization picks, such as a UUID.
    #[validate(nested)]
    pub idempotency_key: Option<models::IdempotencyKey>,
    /// `return=representation` asks for what became of each person (RFC 7240). Other preferences are passed over. All of them stand in one header line.
    #[validate(length(max = 256))]
    pub prefer: Option<String>,
}

/// How [`Joining::approve_group_requests`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum ApproveGroupRequestsResponse {
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

impl TryFrom<ApproveGroupRequestsResponse> for Response {
    type Error = Rejection;

    fn try_from(response: ApproveGroupRequestsResponse) -> Result<Self, Rejection> {
        Ok(match response {
            ApproveGroupRequestsResponse::Status200 {
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
            ApproveGroupRequestsResponse::Status204 { location } => {
                with_headers(status::S204.into_response(), [("Location", Some(location))])?
            }
        })
    }
}

/// What the path of [`Joining::get_group_invite`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct GetGroupInvitePathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
    /// JID of the group, ending in `@g.us`. The `@` may be percent-encoded as `%40`.
    #[serde(rename = "gid")]
    #[validate(nested)]
    pub gid: models::GroupJid,
}

/// How [`Joining::get_group_invite`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum GetGroupInviteResponse {
    /// The link.
    Status200(models::GroupInvite),
}

impl TryFrom<GetGroupInviteResponse> for Response {
    type Error = Rejection;

    fn try_from(response: GetGroupInviteResponse) -> Result<Self, Rejection> {
        Ok(match response {
            GetGroupInviteResponse::Status200(body) => (status::S200, Json(body)).into_response(),
        })
    }
}

/// What the path of [`Joining::join_group`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct JoinGroupPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
}

/// What the header of [`Joining::join_group`] says.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct JoinGroupHeaderParams {
    /// Makes a repetition safe, for 24 hours: the first request with this key acts, and another one like it gets the answer of the first. Pick a key that nobody else in your organization picks, such as a UUID.
    #[validate(nested)]
    pub idempotency_key: Option<models::IdempotencyKey>,
}

/// How [`Joining::join_group`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum JoinGroupResponse {
    /// The group, of which the account is a member now.
    Status200 {
        /// The body.
        body: models::Group,
        /// The header `Location`: Where the record of the call is, the action.
        location: String,
    },
    /// An admin of the group has to approve the account first. The group is listed once that has happened.
    Status202 {
        /// The body.
        body: models::JoinRequest,
        /// The header `Location`: Where the record of the call is, the action.
        location: String,
    },
}

impl TryFrom<JoinGroupResponse> for Response {
    type Error = Rejection;

    fn try_from(response: JoinGroupResponse) -> Result<Self, Rejection> {
        Ok(match response {
            JoinGroupResponse::Status200 { body, location } => with_headers(
                (status::S200, Json(body)).into_response(),
                [("Location", Some(location))],
            )?,
            JoinGroupResponse::Status202 { body, location } => with_headers(
                (status::S202, Json(body)).into_response(),
                [("Location", Some(location))],
            )?,
        })
    }
}

/// What the path of [`Joining::list_group_requests`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct ListGroupRequestsPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
    /// JID of the group, ending in `@g.us`. The `@` may be percent-encoded as `%40`.
    #[serde(rename = "gid")]
    #[validate(nested)]
    pub gid: models::GroupJid,
}

/// How [`Joining::list_group_requests`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum ListGroupRequestsResponse {
    /// All who wait.
    Status200(models::GroupRequestList),
}

impl TryFrom<ListGroupRequestsResponse> for Response {
    type Error = Rejection;

    fn try_from(response: ListGroupRequestsResponse) -> Result<Self, Rejection> {
        Ok(match response {
            ListGroupRequestsResponse::Status200(body) => {
                (status::S200, Json(body)).into_response()
            }
        })
    }
}

/// What the path of [`Joining::reject_group_requests`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct RejectGroupRequestsPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
    /// JID of the group, ending in `@g.us`. The `@` may be percent-encoded as `%40`.
    #[serde(rename = "gid")]
    #[validate(nested)]
    pub gid: models::GroupJid,
}

/// What the header of [`Joining::reject_group_requests`] says.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct RejectGroupRequestsHeaderParams {
    /// Makes a repetition safe, for 24 hours: the first request with this key acts, and another one like it gets the answer of the first. Pick a key that nobody else in your organization picks, such as a UUID.
    #[validate(nested)]
    pub idempotency_key: Option<models::IdempotencyKey>,
    /// `return=representation` asks for what became of each person (RFC 7240). Other preferences are passed over. All of them stand in one header line.
    #[validate(length(max = 256))]
    pub prefer: Option<String>,
}

/// How [`Joining::reject_group_requests`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum RejectGroupRequestsResponse {
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

impl TryFrom<RejectGroupRequestsResponse> for Response {
    type Error = Rejection;

    fn try_from(response: RejectGroupRequestsResponse) -> Result<Self, Rejection> {
        Ok(match response {
            RejectGroupRequestsResponse::Status200 {
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
            RejectGroupRequestsResponse::Status204 { location } => {
                with_headers(status::S204.into_response(), [("Location", Some(location))])?
            }
        })
    }
}

/// What the path of [`Joining::revoke_group_invite`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct RevokeGroupInvitePathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
    /// JID of the group, ending in `@g.us`. The `@` may be percent-encoded as `%40`.
    #[serde(rename = "gid")]
    #[validate(nested)]
    pub gid: models::GroupJid,
}

/// What the header of [`Joining::revoke_group_invite`] says.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct RevokeGroupInviteHeaderParams {
    /// Makes a repetition safe, for 24 hours: the first request with this key acts, and another one like it gets the answer of the first. Pick a key that nobody else in your organization picks, such as a UUID.
    #[validate(nested)]
    pub idempotency_key: Option<models::IdempotencyKey>,
}

/// How [`Joining::revoke_group_invite`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum RevokeGroupInviteResponse {
    /// The new link.
    Status200 {
        /// The body.
        body: models::GroupInvite,
        /// The header `Location`: Where the record of the call is, the action.
        location: String,
    },
}

impl TryFrom<RevokeGroupInviteResponse> for Response {
    type Error = Rejection;

    fn try_from(response: RevokeGroupInviteResponse) -> Result<Self, Rejection> {
        Ok(match response {
            RevokeGroupInviteResponse::Status200 { body, location } => with_headers(
                (status::S200, Json(body)).into_response(),
                [("Location", Some(location))],
            )?,
        })
    }
}

/// The operations tagged Joining.
pub trait Joining: Authenticator {
    /** Let people in who have asked to join

    Makes members of the people in `participants`, who have asked to join the group.

    **Capability:** `send`. **Live:** the session has to be connected, else 501 `not_implemented`; and its account
    has to be an admin of the group (a super admin is one), else 403 `forbidden`.

    **204** says that WhatsApp took the call, **200** what became of each person, where the header
    `Prefer: return=representation` asks for it. Somebody who has not asked to join does not fail the call.

    `POST /api/v1/sessions/{session}/groups/{gid}/requests/approve`
    */
    fn approve_group_requests(
        &self,
        principal: &Self::Principal,
        path: ApproveGroupRequestsPathParams,
        headers: ApproveGroupRequestsHeaderParams,
        body: models::PeopleOfRequests,
    ) -> impl Future<Output = Result<ApproveGroupRequestsResponse, Self::Error>> + Send;

    /** Get the invitation link of a group

    Returns the link by which anybody who has it can join the group.

    **Capability:** `read`. **Live:** the session has to be connected, else 501 `not_implemented`; and its account
    has to be an admin of the group (a super admin is one), else 403 `forbidden`.

    `GET /api/v1/sessions/{session}/groups/{gid}/invite`
    */
    fn get_group_invite(
        &self,
        principal: &Self::Principal,
        path: GetGroupInvitePathParams,
    ) -> impl Future<Output = Result<GetGroupInviteResponse, Self::Error>> + Send;

    /** Join a group by its invitation link

    Takes the session's account into the group that the link leads to. Where its admins approve each newcomer, the account
    waits for that: 202. A link that leads nowhere, or not any more, is 404.

    **Capability:** `send`. **Live:** the session has to be connected, else 501 `not_implemented`.

    `POST /api/v1/sessions/{session}/groups/join`
    */
    fn join_group(
        &self,
        principal: &Self::Principal,
        path: JoinGroupPathParams,
        headers: JoinGroupHeaderParams,
        body: models::JoinGroup,
    ) -> impl Future<Output = Result<JoinGroupResponse, Self::Error>> + Send;

    /** List who has asked to join a group

    Lists the people who have asked to join the group and wait for an admin. WhatsApp is asked each time, and gives all of
    them at once: there is one page.

    **Capability:** `read`. **Live:** the session has to be connected, else 501 `not_implemented`; and its account
    has to be an admin of the group (a super admin is one), else 403 `forbidden`.

    `GET /api/v1/sessions/{session}/groups/{gid}/requests`
    */
    fn list_group_requests(
        &self,
        principal: &Self::Principal,
        path: ListGroupRequestsPathParams,
    ) -> impl Future<Output = Result<ListGroupRequestsResponse, Self::Error>> + Send;

    /** Turn down people who have asked to join

    Turns down the requests of the people in `participants`. They can ask again.

    **Capability:** `send`. **Live:** the session has to be connected, else 501 `not_implemented`; and its account
    has to be an admin of the group (a super admin is one), else 403 `forbidden`.

    **204** says that WhatsApp took the call, **200** what became of each person, where the header
    `Prefer: return=representation` asks for it. Somebody who has not asked to join does not fail the call.

    `POST /api/v1/sessions/{session}/groups/{gid}/requests/reject`
    */
    fn reject_group_requests(
        &self,
        principal: &Self::Principal,
        path: RejectGroupRequestsPathParams,
        headers: RejectGroupRequestsHeaderParams,
        body: models::PeopleOfRequests,
    ) -> impl Future<Output = Result<RejectGroupRequestsResponse, Self::Error>> + Send;

    /** Replace the invitation link of a group

    Has WhatsApp make a new link. The one before leads nowhere from now on.

    **Capability:** `send`. **Live:** the session has to be connected, else 501 `not_implemented`; and its account
    has to be an admin of the group (a super admin is one), else 403 `forbidden`.

    `DELETE /api/v1/sessions/{session}/groups/{gid}/invite`
    */
    fn revoke_group_invite(
        &self,
        principal: &Self::Principal,
        path: RevokeGroupInvitePathParams,
        headers: RevokeGroupInviteHeaderParams,
    ) -> impl Future<Output = Result<RevokeGroupInviteResponse, Self::Error>> + Send;
}
