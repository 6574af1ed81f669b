//! The operations on how people come into a group by themselves.

use gateway_api::apis::joining::*;
use gateway_api::models;

use super::acts::{Request, location, people, result};
use super::groups::{group, group_jid};
use super::{Api, prefer};
use crate::auth::Principal;
use crate::error::Error;
use crate::group::{GroupAction, JoinRequest};
use crate::groups;
use crate::jid::PersonJid;
use crate::sessions::Asker;
use crate::store::ActionRecord;

/// What stands before the code of an invitation link.
const LINK: &str = "https://chat.whatsapp.com/";

impl Joining for Api {
    async fn get_group_invite(
        &self,
        principal: &Principal,
        path: GetGroupInvitePathParams,
    ) -> Result<GetGroupInviteResponse, Error> {
        let gid = group_jid(&path.gid)?;
        let session = self.session(principal, &path.session)?;
        let invite = groups::invite(&session, &gid).await?;
        let body = models::GroupInvite { invite };
        Ok(GetGroupInviteResponse::Status200(body))
    }

    async fn revoke_group_invite(
        &self,
        principal: &Principal,
        path: RevokeGroupInvitePathParams,
        headers: RevokeGroupInviteHeaderParams,
    ) -> Result<RevokeGroupInviteResponse, Error> {
        let asker = Request::new("revokeGroupInvite", (&path.session, &path.gid), &())
            .by(principal, headers.idempotency_key);
        let gid = group_jid(&path.gid)?;
        let session = self.session(principal, &path.session)?;
        let action = groups::act(&session, &gid, GroupAction::ResetInvite, asker).await?;
        Ok(RevokeGroupInviteResponse::Status200 {
            location: location(&action),
            body: models::GroupInvite {
                invite: action.answer.invite.unwrap_or_default(),
            },
        })
    }

    async fn join_group(
        &self,
        principal: &Principal,
        path: JoinGroupPathParams,
        headers: JoinGroupHeaderParams,
        body: models::JoinGroup,
    ) -> Result<JoinGroupResponse, Error> {
        let asker =
            Request::new("joinGroup", &path.session, &body).by(principal, headers.idempotency_key);
        let code = body.invite.0.trim_start_matches(LINK).to_owned();
        let session = self.session(principal, &path.session)?;
        let (action, joined) = groups::join(&session, code, asker).await?;
        let location = location(&action);
        Ok(match joined {
            Some(joined) => JoinGroupResponse::Status200 {
                body: group(joined),
                location,
            },
            None => JoinGroupResponse::Status202 {
                body: models::JoinRequest {
                    group_jid: action.gid.map(|gid| gid.to_string()).unwrap_or_default(),
                },
                location,
            },
        })
    }

    async fn list_group_requests(
        &self,
        principal: &Principal,
        path: ListGroupRequestsPathParams,
    ) -> Result<ListGroupRequestsResponse, Error> {
        let gid = group_jid(&path.gid)?;
        let session = self.session(principal, &path.session)?;
        let requests = groups::join_requests(&session, &gid).await?;
        let body = models::GroupRequestList {
            data: requests.into_iter().map(request).collect(),
            next_cursor: None,
        };
        Ok(ListGroupRequestsResponse::Status200(body))
    }

    async fn approve_group_requests(
        &self,
        principal: &Principal,
        path: ApproveGroupRequestsPathParams,
        headers: ApproveGroupRequestsHeaderParams,
        body: models::PeopleOfRequests,
    ) -> Result<ApproveGroupRequestsResponse, Error> {
        let at = (&path.session, &path.gid);
        let asker =
            Request::new("approveGroupRequests", at, &body).by(principal, headers.idempotency_key);
        let action = self
            .decide(principal, at, body, GroupAction::Approve, asker)
            .await?;
        let location = location(&action);
        Ok(if prefer::wants_representation(headers.prefer.as_deref()) {
            ApproveGroupRequestsResponse::Status200 {
                body: result(action),
                location,
                preference_applied: prefer::REPRESENTATION.to_owned(),
            }
        } else {
            ApproveGroupRequestsResponse::Status204 { location }
        })
    }

    async fn reject_group_requests(
        &self,
        principal: &Principal,
        path: RejectGroupRequestsPathParams,
        headers: RejectGroupRequestsHeaderParams,
        body: models::PeopleOfRequests,
    ) -> Result<RejectGroupRequestsResponse, Error> {
        let at = (&path.session, &path.gid);
        let asker =
            Request::new("rejectGroupRequests", at, &body).by(principal, headers.idempotency_key);
        let action = self
            .decide(principal, at, body, GroupAction::Reject, asker)
            .await?;
        let location = location(&action);
        Ok(if prefer::wants_representation(headers.prefer.as_deref()) {
            RejectGroupRequestsResponse::Status200 {
                body: result(action),
                location,
                preference_applied: prefer::REPRESENTATION.to_owned(),
            }
        } else {
            RejectGroupRequestsResponse::Status204 { location }
        })
    }
}

impl Api {
    /// Decides on requests to join.
    async fn decide(
        &self,
        principal: &Principal,
        (session, gid): (&String, &models::GroupJid),
        body: models::PeopleOfRequests,
        decision: fn(Vec<PersonJid>) -> GroupAction,
        asker: Asker,
    ) -> Result<ActionRecord, Error> {
        let gid = group_jid(gid)?;
        let names = body.participants.iter().flatten().map(|person| &person.0);
        let people = people(names, |name| name.parse().ok())?;
        let session = self.session(principal, session)?;
        groups::act(&session, &gid, decision(people.into_vec()), asker).await
    }
}

fn request(request: JoinRequest) -> models::GroupRequest {
    models::GroupRequest {
        jid: request.jid.map(|jid| jid.to_string()),
        lid: request.lid.map(|lid| lid.to_string()),
        requested_at: request.since,
    }
}
