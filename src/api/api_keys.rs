//! The operations on api keys.

use gateway_api::apis::api_keys::*;
use gateway_api::models;

use super::Api;
use super::actions::requested_by;
use crate::auth::{Capabilities, Capability, Principal, Wanted};
use crate::error::Error;
use crate::store::ApiKeyRecord;

impl ApiKeys for Api {
    async fn list_api_keys(
        &self,
        principal: &Principal,
        query: ListApiKeysQueryParams,
    ) -> Result<ListApiKeysResponse, Error> {
        let after = query.cursor.as_ref().map(|cursor| cursor.0.as_str());
        let keys = self.auth.api_keys();
        let page = keys.list(principal, after, query.limit).await?;
        let data = page
            .items
            .into_iter()
            .map(api_key)
            .collect::<Result<_, _>>();
        Ok(ListApiKeysResponse::Status200(models::ApiKeyList {
            data: data?,
            next_cursor: page.next.map(|id| id.to_string()),
        }))
    }

    async fn create_api_key(
        &self,
        principal: &Principal,
        body: models::CreateApiKey,
    ) -> Result<CreateApiKeyResponse, Error> {
        let wanted = Wanted {
            name: body.name.0,
            capabilities: body.capabilities.into_iter().map(capability).collect(),
            expires_at: body.expires_at.and_then(|at| i64::try_from(at).ok()),
        };
        let (record, token) = self.auth.api_keys().create(principal, wanted).await?;
        let key = api_key(record)?;
        Ok(CreateApiKeyResponse::Status201(models::CreatedApiKey {
            id: key.id,
            name: key.name,
            capabilities: key.capabilities,
            created_by: key.created_by,
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
            token,
        }))
    }

    async fn get_api_key(
        &self,
        principal: &Principal,
        path: GetApiKeyPathParams,
    ) -> Result<GetApiKeyResponse, Error> {
        let record = self.auth.api_keys().get(principal, &path.key).await?;
        Ok(GetApiKeyResponse::Status200(api_key(record)?))
    }

    async fn revoke_api_key(
        &self,
        principal: &Principal,
        path: RevokeApiKeyPathParams,
    ) -> Result<RevokeApiKeyResponse, Error> {
        self.auth.api_keys().revoke(principal, &path.key).await?;
        Ok(RevokeApiKeyResponse::Status204)
    }
}

/// A key as the document has it.
fn api_key(record: ApiKeyRecord) -> Result<models::ApiKey, Error> {
    let capabilities: Capabilities = record.capabilities.parse().map_err(Error::internal)?;
    Ok(models::ApiKey {
        id: record.id.to_string(),
        name: record.name,
        capabilities: models::Capability::ALL
            .iter()
            .copied()
            .filter(|word| capabilities.contains(capability(*word)))
            .collect(),
        created_by: requested_by(record.created_by),
        created_at: record.created_at,
        expires_at: record.expires_at,
        revoked_at: record.revoked_at,
        last_used_at: record.last_used_at,
    })
}

fn capability(word: models::Capability) -> Capability {
    match word {
        models::Capability::Read => Capability::Read,
        models::Capability::Send => Capability::Send,
        models::Capability::Manage => Capability::Manage,
    }
}
