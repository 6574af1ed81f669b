//! Additions: Background jobs that add many people to a group, at a pace that is safe for the account.

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

/// What the path of [`Additions::cancel_addition`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct CancelAdditionPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
    /// JID of the group, ending in `@g.us`. The `@` may be percent-encoded as `%40`.
    #[serde(rename = "gid")]
    #[validate(nested)]
    pub gid: models::GroupJid,
    /// Id of the addition. One that is no addition to the group is 404, whatever it looks like.
    #[serde(rename = "addition")]
    pub addition: String,
}

/// How [`Additions::cancel_addition`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum CancelAdditionResponse {
    /// The addition, which ends.
    Status202(models::Addition),
}

impl TryFrom<CancelAdditionResponse> for Response {
    type Error = Rejection;

    fn try_from(response: CancelAdditionResponse) -> Result<Self, Rejection> {
        Ok(match response {
            CancelAdditionResponse::Status202(body) => (status::S202, Json(body)).into_response(),
        })
    }
}

/// What the path of [`Additions::create_addition`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct CreateAdditionPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
    /// JID of the group, ending in `@g.us`. The `@` may be percent-encoded as `%40`.
    #[serde(rename = "gid")]
    #[validate(nested)]
    pub gid: models::GroupJid,
}

/// What the header of [`Additions::create_addition`] says.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct CreateAdditionHeaderParams {
    /// Makes a repetition safe, for 24 hours: the first request with this key acts, and another one like it gets the answer of the first. Pick a key that nobody else in your organization picks, such as a UUID.
    #[validate(nested)]
    pub idempotency_key: Option<models::IdempotencyKey>,
}

/// How [`Additions::create_addition`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum CreateAdditionResponse {
    /// The addition, which has begun.
    Status202 {
        /// The body.
        body: models::Addition,
        /// The header `Location`: Where the record of the call is, the action.
        location: String,
    },
}

impl TryFrom<CreateAdditionResponse> for Response {
    type Error = Rejection;

    fn try_from(response: CreateAdditionResponse) -> Result<Self, Rejection> {
        Ok(match response {
            CreateAdditionResponse::Status202 { body, location } => with_headers(
                (status::S202, Json(body)).into_response(),
                [("Location", Some(location))],
            )?,
        })
    }
}

/// What the path of [`Additions::get_addition`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct GetAdditionPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
    /// JID of the group, ending in `@g.us`. The `@` may be percent-encoded as `%40`.
    #[serde(rename = "gid")]
    #[validate(nested)]
    pub gid: models::GroupJid,
    /// Id of the addition. One that is no addition to the group is 404, whatever it looks like.
    #[serde(rename = "addition")]
    pub addition: String,
}

/// How [`Additions::get_addition`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum GetAdditionResponse {
    /// The addition and its people.
    Status200(models::AdditionProgress),
}

impl TryFrom<GetAdditionResponse> for Response {
    type Error = Rejection;

    fn try_from(response: GetAdditionResponse) -> Result<Self, Rejection> {
        Ok(match response {
            GetAdditionResponse::Status200(body) => (status::S200, Json(body)).into_response(),
        })
    }
}

/// What the path of [`Additions::list_additions`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct ListAdditionsPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
    /// JID of the group, ending in `@g.us`. The `@` may be percent-encoded as `%40`.
    #[serde(rename = "gid")]
    #[validate(nested)]
    pub gid: models::GroupJid,
}

/// What the query of [`Additions::list_additions`] says.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct ListAdditionsQueryParams {
    /// How many entries a page holds at most. Where it is not given: 100.
    #[validate(range(min = 1, max = 1000))]
    pub limit: u32,
    /// Where the page begins, as `nextCursor` of the page before gave it. Left out, the list begins at its start. What is no `nextCursor` may be refused with 400.
    #[validate(nested)]
    pub cursor: Option<models::Cursor>,
}

/// How [`Additions::list_additions`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum ListAdditionsResponse {
    /// A page of additions.
    Status200(models::AdditionList),
}

impl TryFrom<ListAdditionsResponse> for Response {
    type Error = Rejection;

    fn try_from(response: ListAdditionsResponse) -> Result<Self, Rejection> {
        Ok(match response {
            ListAdditionsResponse::Status200(body) => (status::S200, Json(body)).into_response(),
        })
    }
}

/// The operations tagged Additions.
pub trait Additions: Authenticator {
    /** Cancel the rest of an addition

    Ends an addition. What is under way at WhatsApp is finished; who has not had their turn is `not_added`. One that has
    ended stays as it is.

    **Capability:** `send`.

    `DELETE /api/v1/sessions/{session}/groups/{gid}/additions/{addition}`
    */
    fn cancel_addition(
        &self,
        principal: &Self::Principal,
        path: CancelAdditionPathParams,
    ) -> impl Future<Output = Result<CancelAdditionResponse, Self::Error>> + Send;

    /** Add many people, at a pace that is safe for the account

    Adds the people in `participants` to the group a few at a time, in the background: with pauses of changing length, and
    no more in an hour and in a day than the account bears. An addition survives a restart of the gateway, with nobody
    added twice and nobody forgotten. It waits while the session is not connected, while WhatsApp asks to slow down, and
    while WhatsApp holds the account back from reaching out to strangers; `holdReason` says so.

    Each call to WhatsApp is an action, recorded as those of `addGroupMembers`. The session's account has to be an admin of
    the group by then; where it is none, the addition fails and the rest is not tried.

    **Capability:** `send`.

    `POST /api/v1/sessions/{session}/groups/{gid}/additions`
    */
    fn create_addition(
        &self,
        principal: &Self::Principal,
        path: CreateAdditionPathParams,
        headers: CreateAdditionHeaderParams,
        body: models::CreateAddition,
    ) -> impl Future<Output = Result<CreateAdditionResponse, Self::Error>> + Send;

    /** Get an addition

    Returns how far an addition has come, and what became of each person so far.

    **Capability:** `read`.

    `GET /api/v1/sessions/{session}/groups/{gid}/additions/{addition}`
    */
    fn get_addition(
        &self,
        principal: &Self::Principal,
        path: GetAdditionPathParams,
    ) -> impl Future<Output = Result<GetAdditionResponse, Self::Error>> + Send;

    /** List additions

    Lists the additions to a group, the latest first.

    **Capability:** `read`.

    `GET /api/v1/sessions/{session}/groups/{gid}/additions`
    */
    fn list_additions(
        &self,
        principal: &Self::Principal,
        path: ListAdditionsPathParams,
        query: ListAdditionsQueryParams,
    ) -> impl Future<Output = Result<ListAdditionsResponse, Self::Error>> + Send;
}
