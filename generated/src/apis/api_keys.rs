//! Api keys: Credentials for programs, each of one organization and with a fixed set of capabilities.

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

/// How [`ApiKeys::create_api_key`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum CreateApiKeyResponse {
    /// The api key that was created, with the key itself.
    Status201(models::CreatedApiKey),
}

impl TryFrom<CreateApiKeyResponse> for Response {
    type Error = Rejection;

    fn try_from(response: CreateApiKeyResponse) -> Result<Self, Rejection> {
        Ok(match response {
            CreateApiKeyResponse::Status201(body) => (status::S201, Json(body)).into_response(),
        })
    }
}

/// What the path of [`ApiKeys::get_api_key`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct GetApiKeyPathParams {
    /// Id of the api key. One that is no api key of your organization is 404, whatever it looks like.
    #[serde(rename = "key")]
    pub key: String,
}

/// How [`ApiKeys::get_api_key`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum GetApiKeyResponse {
    /// The api key.
    Status200(models::ApiKey),
}

impl TryFrom<GetApiKeyResponse> for Response {
    type Error = Rejection;

    fn try_from(response: GetApiKeyResponse) -> Result<Self, Rejection> {
        Ok(match response {
            GetApiKeyResponse::Status200(body) => (status::S200, Json(body)).into_response(),
        })
    }
}

/// What the query of [`ApiKeys::list_api_keys`] says.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct ListApiKeysQueryParams {
    /// How many entries a page holds at most. Where it is not given: 100.
    #[validate(range(min = 1, max = 1000))]
    pub limit: u32,
    /// Where the page begins, as `nextCursor` of the page before gave it. Left out, the list begins at its start. What is no `nextCursor` may be refused with 400.
    #[validate(nested)]
    pub cursor: Option<models::Cursor>,
}

/// How [`ApiKeys::list_api_keys`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum ListApiKeysResponse {
    /// A page of api keys.
    Status200(models::ApiKeyList),
}

impl TryFrom<ListApiKeysResponse> for Response {
    type Error = Rejection;

    fn try_from(response: ListApiKeysResponse) -> Result<Self, Rejection> {
        Ok(match response {
            ListApiKeysResponse::Status200(body) => (status::S200, Json(body)).into_response(),
        })
    }
}

/// What the path of [`ApiKeys::revoke_api_key`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct RevokeApiKeyPathParams {
    /// Id of the api key. One that is no api key of your organization is 404, whatever it looks like.
    #[serde(rename = "key")]
    pub key: String,
}

/// How [`ApiKeys::revoke_api_key`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum RevokeApiKeyResponse {
    /// The api key is revoked.
    Status204,
}

impl TryFrom<RevokeApiKeyResponse> for Response {
    type Error = Rejection;

    fn try_from(response: RevokeApiKeyResponse) -> Result<Self, Rejection> {
        Ok(match response {
            RevokeApiKeyResponse::Status204 => status::S204.into_response(),
        })
    }
}

/// The operations tagged Api keys.
pub trait ApiKeys: Authenticator {
    /** Create an api key

    Creates an api key for your organization. The answer shows it, as `token`, this once. It can't do more than you:
    each of its capabilities has to be one of yours, and a key that ends makes none that ends later.

    There is no `Idempotency-Key` here: to answer a repetition the gateway would have to store the secret. After an
    answer that got lost, look for the key by its name, revoke it and create another.

    **Capability:** `manage`.

    `POST /api/v1/api-keys`
    */
    fn create_api_key(
        &self,
        principal: &Self::Principal,
        body: models::CreateApiKey,
    ) -> impl Future<Output = Result<CreateApiKeyResponse, Self::Error>> + Send;

    /** Get an api key

    Returns what is known of one api key, also of one that is revoked or has expired.

    **Capability:** `manage`.

    `GET /api/v1/api-keys/{key}`
    */
    fn get_api_key(
        &self,
        principal: &Self::Principal,
        path: GetApiKeyPathParams,
    ) -> impl Future<Output = Result<GetApiKeyResponse, Self::Error>> + Send;

    /** List api keys

    Lists the api keys of your organization, oldest first, revoked and expired ones too. The keys themselves are shown
    to nobody: the gateway keeps a hash of each.

    **Capability:** `manage`.

    `GET /api/v1/api-keys`
    */
    fn list_api_keys(
        &self,
        principal: &Self::Principal,
        query: ListApiKeysQueryParams,
    ) -> impl Future<Output = Result<ListApiKeysResponse, Self::Error>> + Send;

    /** Revoke an api key

    Ends an api key within seconds, for good; a key may revoke itself. It stays in the list. One that is revoked already
    stays as it is.

    **Capability:** `manage`.

    `DELETE /api/v1/api-keys/{key}`
    */
    fn revoke_api_key(
        &self,
        principal: &Self::Principal,
        path: RevokeApiKeyPathParams,
    ) -> impl Future<Output = Result<RevokeApiKeyResponse, Self::Error>> + Send;
}
