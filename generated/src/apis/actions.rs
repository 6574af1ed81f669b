//! Actions: Records of what was asked of WhatsApp, and of what became of it.

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

/// What the path of [`Actions::erase_from_actions`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct EraseFromActionsPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
}

/// How [`Actions::erase_from_actions`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum EraseFromActionsResponse {
    /// The person is in no action of this session any more.
    Status204,
}

impl TryFrom<EraseFromActionsResponse> for Response {
    type Error = Rejection;

    fn try_from(response: EraseFromActionsResponse) -> Result<Self, Rejection> {
        Ok(match response {
            EraseFromActionsResponse::Status204 => status::S204.into_response(),
        })
    }
}

/// What the path of [`Actions::get_action`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct GetActionPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
    /// Id of the action. One that is no action of the session is 404, whatever it looks like.
    #[serde(rename = "action")]
    pub action: String,
}

/// How [`Actions::get_action`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum GetActionResponse {
    /// The action.
    Status200(models::Action),
}

impl TryFrom<GetActionResponse> for Response {
    type Error = Rejection;

    fn try_from(response: GetActionResponse) -> Result<Self, Rejection> {
        Ok(match response {
            GetActionResponse::Status200(body) => (status::S200, Json(body)).into_response(),
        })
    }
}

/// What the path of [`Actions::list_actions`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct ListActionsPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
}

/// What the query of [`Actions::list_actions`] says.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct ListActionsQueryParams {
    /// How many actions a page holds at most; each may be about a thousand people. Where it is not given: 20.
    #[validate(range(min = 1, max = 100))]
    pub limit: u32,
    /// Where the page begins, as `nextCursor` of the page before gave it. Left out, the list begins at its start. What is no `nextCursor` may be refused with 400.
    #[validate(nested)]
    pub cursor: Option<models::Cursor>,
    /// Only actions on this group.
    #[validate(nested)]
    pub group: Option<models::GroupJid>,
    /// Only actions that this operation asked for, by its `operationId`.
    #[validate(length(max = 64))]
    pub operation: Option<String>,
    /// Only actions that were asked for at this time or later, in milliseconds since the Unix epoch.
    #[validate(range(min = 0, max = 9007199254740991_u64))]
    pub from: Option<u64>,
    /// Only actions that were asked for before this time, in milliseconds since the Unix epoch.
    #[validate(range(min = 0, max = 9007199254740991_u64))]
    pub before: Option<u64>,
}

/// How [`Actions::list_actions`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum ListActionsResponse {
    /// A page of actions.
    Status200(models::ActionList),
}

impl TryFrom<ListActionsResponse> for Response {
    type Error = Rejection;

    fn try_from(response: ListActionsResponse) -> Result<Self, Rejection> {
        Ok(match response {
            ListActionsResponse::Status200(body) => (status::S200, Json(body)).into_response(),
        })
    }
}

/// What the path of [`Actions::search_actions`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct SearchActionsPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
}

/// What the query of [`Actions::search_actions`] says.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct SearchActionsQueryParams {
    /// How many actions a page holds at most; each may be about a thousand people. Where it is not given: 20.
    #[validate(range(min = 1, max = 100))]
    pub limit: u32,
    /// Where the page begins, as `nextCursor` of the page before gave it. Left out, the list begins at its start. What is no `nextCursor` may be refused with 400.
    #[validate(nested)]
    pub cursor: Option<models::Cursor>,
}

/// How [`Actions::search_actions`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum SearchActionsResponse {
    /// A page of actions.
    Status200(models::ActionList),
}

impl TryFrom<SearchActionsResponse> for Response {
    type Error = Rejection;

    fn try_from(response: SearchActionsResponse) -> Result<Self, Rejection> {
        Ok(match response {
            SearchActionsResponse::Status200(body) => (status::S200, Json(body)).into_response(),
        })
    }
}

/// The operations tagged Actions.
pub trait Actions: Authenticator {
    /** Erase a person from all actions

    Takes a person out of all actions of this session that are completed, by any of the person's names that WhatsApp told.
    The actions stay, without the person. Erasing somebody who is in none changes nothing.

    **Capability:** `manage`.

    `POST /api/v1/sessions/{session}/actions/erase`
    */
    fn erase_from_actions(
        &self,
        principal: &Self::Principal,
        path: EraseFromActionsPathParams,
        body: models::OnePerson,
    ) -> impl Future<Output = Result<EraseFromActionsResponse, Self::Error>> + Send;

    /** Get an action

    Returns one action: who asked for what, and what became of each person. Where that is not known, since WhatsApp did
    not answer or the gateway was killed, its status is `unknown` until the session is connected and the gateway has asked
    WhatsApp for the group: then those who are in it are `added`, the others `not_added`; settings, roles and leaving are
    looked up likewise, and a group that was to be made among the account's groups. What no group shows stays `unknown`: a
    link that was replaced, a request that was turned down, a group that was to be joined. Nothing is sent a second time.

    **Capability:** `read`.

    `GET /api/v1/sessions/{session}/actions/{action}`
    */
    fn get_action(
        &self,
        principal: &Self::Principal,
        path: GetActionPathParams,
    ) -> impl Future<Output = Result<GetActionResponse, Self::Error>> + Send;

    /** List actions

    Lists what was asked of WhatsApp in this session, the latest first. Answers for a session that is not connected too.
    Actions are kept for 90 days, or as long as the operator has set. To find those about a person, see `searchActions`.

    **Capability:** `read`.

    `GET /api/v1/sessions/{session}/actions`
    */
    fn list_actions(
        &self,
        principal: &Self::Principal,
        path: ListActionsPathParams,
        query: ListActionsQueryParams,
    ) -> impl Future<Output = Result<ListActionsResponse, Self::Error>> + Send;

    /** Find the actions about a person

    Lists the actions that were about a person, the latest first, by any of the person's names that WhatsApp told. The
    person stands in the body because a query, unlike a body, ends up in the logs of whatever is on the way. An action
    that is under way is found once it is completed.

    **Capability:** `read`.

    `POST /api/v1/sessions/{session}/actions/search`
    */
    fn search_actions(
        &self,
        principal: &Self::Principal,
        path: SearchActionsPathParams,
        query: SearchActionsQueryParams,
        body: models::OnePerson,
    ) -> impl Future<Output = Result<SearchActionsResponse, Self::Error>> + Send;
}
