//! The routes, and for each operation the way from a request to the implementation.

mod request;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing,
};

pub use self::request::BODY_LIMIT;
#[allow(unused_imports)]
use self::request::{Parameters, optional_body, path, required_body, valid};
use crate::{
    Capability, Rejection, apis,
    apis::{actions::*, additions::*, api_keys::*, groups::*, joining::*, sessions::*},
    models,
};

/// One operation of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Its `operationId`.
    pub id: &'static str,
    /// Its method, in capitals.
    pub method: &'static str,
    /// Its path with the base path, parameters in braces.
    pub path: &'static str,
    /// What a credential needs for it.
    pub capability: Capability,
}

/// Every operation of the document.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        id: "eraseFromActions",
        method: "POST",
        path: "/api/v1/sessions/{session}/actions/erase",
        capability: Capability::Manage,
    },
    Operation {
        id: "getAction",
        method: "GET",
        path: "/api/v1/sessions/{session}/actions/{action}",
        capability: Capability::Read,
    },
    Operation {
        id: "listActions",
        method: "GET",
        path: "/api/v1/sessions/{session}/actions",
        capability: Capability::Read,
    },
    Operation {
        id: "searchActions",
        method: "POST",
        path: "/api/v1/sessions/{session}/actions/search",
        capability: Capability::Read,
    },
    Operation {
        id: "cancelAddition",
        method: "DELETE",
        path: "/api/v1/sessions/{session}/groups/{gid}/additions/{addition}",
        capability: Capability::Send,
    },
    Operation {
        id: "createAddition",
        method: "POST",
        path: "/api/v1/sessions/{session}/groups/{gid}/additions",
        capability: Capability::Send,
    },
    Operation {
        id: "getAddition",
        method: "GET",
        path: "/api/v1/sessions/{session}/groups/{gid}/additions/{addition}",
        capability: Capability::Read,
    },
    Operation {
        id: "listAdditions",
        method: "GET",
        path: "/api/v1/sessions/{session}/groups/{gid}/additions",
        capability: Capability::Read,
    },
    Operation {
        id: "createApiKey",
        method: "POST",
        path: "/api/v1/api-keys",
        capability: Capability::Manage,
    },
    Operation {
        id: "getApiKey",
        method: "GET",
        path: "/api/v1/api-keys/{key}",
        capability: Capability::Manage,
    },
    Operation {
        id: "listApiKeys",
        method: "GET",
        path: "/api/v1/api-keys",
        capability: Capability::Manage,
    },
    Operation {
        id: "revokeApiKey",
        method: "DELETE",
        path: "/api/v1/api-keys/{key}",
        capability: Capability::Manage,
    },
    Operation {
        id: "addGroupMembers",
        method: "POST",
        path: "/api/v1/sessions/{session}/groups/{gid}/members",
        capability: Capability::Send,
    },
    Operation {
        id: "createGroup",
        method: "POST",
        path: "/api/v1/sessions/{session}/groups",
        capability: Capability::Send,
    },
    Operation {
        id: "demoteGroupMember",
        method: "POST",
        path: "/api/v1/sessions/{session}/groups/{gid}/members/{jid}/demote",
        capability: Capability::Send,
    },
    Operation {
        id: "getGroup",
        method: "GET",
        path: "/api/v1/sessions/{session}/groups/{gid}",
        capability: Capability::Read,
    },
    Operation {
        id: "leaveGroup",
        method: "POST",
        path: "/api/v1/sessions/{session}/groups/{gid}/leave",
        capability: Capability::Send,
    },
    Operation {
        id: "listGroupMembers",
        method: "GET",
        path: "/api/v1/sessions/{session}/groups/{gid}/members",
        capability: Capability::Read,
    },
    Operation {
        id: "listGroups",
        method: "GET",
        path: "/api/v1/sessions/{session}/groups",
        capability: Capability::Read,
    },
    Operation {
        id: "promoteGroupMember",
        method: "POST",
        path: "/api/v1/sessions/{session}/groups/{gid}/members/{jid}/promote",
        capability: Capability::Send,
    },
    Operation {
        id: "removeGroupMember",
        method: "DELETE",
        path: "/api/v1/sessions/{session}/groups/{gid}/members/{jid}",
        capability: Capability::Send,
    },
    Operation {
        id: "updateGroup",
        method: "PATCH",
        path: "/api/v1/sessions/{session}/groups/{gid}",
        capability: Capability::Send,
    },
    Operation {
        id: "approveGroupRequests",
        method: "POST",
        path: "/api/v1/sessions/{session}/groups/{gid}/requests/approve",
        capability: Capability::Send,
    },
    Operation {
        id: "getGroupInvite",
        method: "GET",
        path: "/api/v1/sessions/{session}/groups/{gid}/invite",
        capability: Capability::Read,
    },
    Operation {
        id: "joinGroup",
        method: "POST",
        path: "/api/v1/sessions/{session}/groups/join",
        capability: Capability::Send,
    },
    Operation {
        id: "listGroupRequests",
        method: "GET",
        path: "/api/v1/sessions/{session}/groups/{gid}/requests",
        capability: Capability::Read,
    },
    Operation {
        id: "rejectGroupRequests",
        method: "POST",
        path: "/api/v1/sessions/{session}/groups/{gid}/requests/reject",
        capability: Capability::Send,
    },
    Operation {
        id: "revokeGroupInvite",
        method: "DELETE",
        path: "/api/v1/sessions/{session}/groups/{gid}/invite",
        capability: Capability::Send,
    },
    Operation {
        id: "answerSessionPasskey",
        method: "POST",
        path: "/api/v1/sessions/{session}/passkey",
        capability: Capability::Manage,
    },
    Operation {
        id: "confirmSessionPasskey",
        method: "POST",
        path: "/api/v1/sessions/{session}/passkey/confirm",
        capability: Capability::Manage,
    },
    Operation {
        id: "createPairingCode",
        method: "POST",
        path: "/api/v1/sessions/{session}/pairing-code",
        capability: Capability::Manage,
    },
    Operation {
        id: "createSession",
        method: "POST",
        path: "/api/v1/sessions",
        capability: Capability::Manage,
    },
    Operation {
        id: "deleteSession",
        method: "DELETE",
        path: "/api/v1/sessions/{session}",
        capability: Capability::Manage,
    },
    Operation {
        id: "getSession",
        method: "GET",
        path: "/api/v1/sessions/{session}",
        capability: Capability::Manage,
    },
    Operation {
        id: "getSessionPasskey",
        method: "GET",
        path: "/api/v1/sessions/{session}/passkey",
        capability: Capability::Manage,
    },
    Operation {
        id: "getSessionQr",
        method: "GET",
        path: "/api/v1/sessions/{session}/qr",
        capability: Capability::Manage,
    },
    Operation {
        id: "listSessions",
        method: "GET",
        path: "/api/v1/sessions",
        capability: Capability::Manage,
    },
    Operation {
        id: "logoutSession",
        method: "POST",
        path: "/api/v1/sessions/{session}/logout",
        capability: Capability::Manage,
    },
    Operation {
        id: "startSession",
        method: "POST",
        path: "/api/v1/sessions/{session}/start",
        capability: Capability::Manage,
    },
    Operation {
        id: "stopSession",
        method: "POST",
        path: "/api/v1/sessions/{session}/stop",
        capability: Capability::Manage,
    },
    Operation {
        id: "updateSession",
        method: "PATCH",
        path: "/api/v1/sessions/{session}",
        capability: Capability::Manage,
    },
];

/// Makes a server of an implementation. It answers unknown paths (404) and methods (405) too.
pub fn router<A>(api: Arc<A>) -> Router
where
    A: Actions + Additions + ApiKeys + Groups + Joining + Sessions,
{
    models::compile_patterns();
    Router::new()
        .route(
            "/api/v1/sessions/{session}/actions/erase",
            routing::post(erase_from_actions::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/actions/{action}",
            routing::get(get_action::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/actions",
            routing::get(list_actions::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/actions/search",
            routing::post(search_actions::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/groups/{gid}/additions/{addition}",
            routing::delete(cancel_addition::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/groups/{gid}/additions",
            routing::post(create_addition::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/groups/{gid}/additions/{addition}",
            routing::get(get_addition::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/groups/{gid}/additions",
            routing::get(list_additions::<A>),
        )
        .route("/api/v1/api-keys", routing::post(create_api_key::<A>))
        .route("/api/v1/api-keys/{key}", routing::get(get_api_key::<A>))
        .route("/api/v1/api-keys", routing::get(list_api_keys::<A>))
        .route(
            "/api/v1/api-keys/{key}",
            routing::delete(revoke_api_key::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/groups/{gid}/members",
            routing::post(add_group_members::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/groups",
            routing::post(create_group::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/groups/{gid}/members/{jid}/demote",
            routing::post(demote_group_member::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/groups/{gid}",
            routing::get(get_group::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/groups/{gid}/leave",
            routing::post(leave_group::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/groups/{gid}/members",
            routing::get(list_group_members::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/groups",
            routing::get(list_groups::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/groups/{gid}/members/{jid}/promote",
            routing::post(promote_group_member::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/groups/{gid}/members/{jid}",
            routing::delete(remove_group_member::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/groups/{gid}",
            routing::patch(update_group::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/groups/{gid}/requests/approve",
            routing::post(approve_group_requests::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/groups/{gid}/invite",
            routing::get(get_group_invite::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/groups/join",
            routing::post(join_group::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/groups/{gid}/requests",
            routing::get(list_group_requests::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/groups/{gid}/requests/reject",
            routing::post(reject_group_requests::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/groups/{gid}/invite",
            routing::delete(revoke_group_invite::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/passkey",
            routing::post(answer_session_passkey::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/passkey/confirm",
            routing::post(confirm_session_passkey::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/pairing-code",
            routing::post(create_pairing_code::<A>),
        )
        .route("/api/v1/sessions", routing::post(create_session::<A>))
        .route(
            "/api/v1/sessions/{session}",
            routing::delete(delete_session::<A>),
        )
        .route("/api/v1/sessions/{session}", routing::get(get_session::<A>))
        .route(
            "/api/v1/sessions/{session}/passkey",
            routing::get(get_session_passkey::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/qr",
            routing::get(get_session_qr::<A>),
        )
        .route("/api/v1/sessions", routing::get(list_sessions::<A>))
        .route(
            "/api/v1/sessions/{session}/logout",
            routing::post(logout_session::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/start",
            routing::post(start_session::<A>),
        )
        .route(
            "/api/v1/sessions/{session}/stop",
            routing::post(stop_session::<A>),
        )
        .route(
            "/api/v1/sessions/{session}",
            routing::patch(update_session::<A>),
        )
        .fallback(async || A::Error::from(Rejection::NotFound))
        .method_not_allowed_fallback(async || A::Error::from(Rejection::MethodNotAllowed))
        .with_state(api)
}

async fn erase_from_actions<A: Actions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, body) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Manage)?;
    let path: EraseFromActionsPathParams = valid(path(&mut parts).await?)?;
    let body: models::OnePerson = valid(required_body(&parts.headers, body).await?)?;
    let response = api.erase_from_actions(&principal, path, body).await?;
    Ok(response.try_into()?)
}

async fn get_action<A: Actions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Read)?;
    let path: GetActionPathParams = valid(path(&mut parts).await?)?;
    let response = api.get_action(&principal, path).await?;
    Ok(response.try_into()?)
}

async fn list_actions<A: Actions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Read)?;
    let path: ListActionsPathParams = valid(path(&mut parts).await?)?;
    let mut given = Parameters::of_query(&parts);
    let query = ListActionsQueryParams {
        limit: given.optional("limit").unwrap_or(20),
        cursor: given.optional("cursor"),
        group: given.optional("group"),
        operation: given.optional("operation"),
        from: given.optional("from"),
        before: given.optional("before"),
    };
    let query = given.valid(query)?;
    let response = api.list_actions(&principal, path, query).await?;
    Ok(response.try_into()?)
}

async fn search_actions<A: Actions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, body) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Read)?;
    let path: SearchActionsPathParams = valid(path(&mut parts).await?)?;
    let mut given = Parameters::of_query(&parts);
    let query = SearchActionsQueryParams {
        limit: given.optional("limit").unwrap_or(20),
        cursor: given.optional("cursor"),
    };
    let query = given.valid(query)?;
    let body: models::OnePerson = valid(required_body(&parts.headers, body).await?)?;
    let response = api.search_actions(&principal, path, query, body).await?;
    Ok(response.try_into()?)
}

async fn cancel_addition<A: Additions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Send)?;
    let path: CancelAdditionPathParams = valid(path(&mut parts).await?)?;
    let response = api.cancel_addition(&principal, path).await?;
    Ok(response.try_into()?)
}

async fn create_addition<A: Additions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, body) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Send)?;
    let path: CreateAdditionPathParams = valid(path(&mut parts).await?)?;
    let mut given = Parameters::of_headers(&parts.headers);
    let headers = CreateAdditionHeaderParams {
        idempotency_key: given.optional("Idempotency-Key"),
    };
    let headers = given.valid(headers)?;
    let body: models::CreateAddition = valid(required_body(&parts.headers, body).await?)?;
    let response = api.create_addition(&principal, path, headers, body).await?;
    Ok(response.try_into()?)
}

async fn get_addition<A: Additions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Read)?;
    let path: GetAdditionPathParams = valid(path(&mut parts).await?)?;
    let response = api.get_addition(&principal, path).await?;
    Ok(response.try_into()?)
}

async fn list_additions<A: Additions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Read)?;
    let path: ListAdditionsPathParams = valid(path(&mut parts).await?)?;
    let mut given = Parameters::of_query(&parts);
    let query = ListAdditionsQueryParams {
        limit: given.optional("limit").unwrap_or(100),
        cursor: given.optional("cursor"),
    };
    let query = given.valid(query)?;
    let response = api.list_additions(&principal, path, query).await?;
    Ok(response.try_into()?)
}

async fn create_api_key<A: ApiKeys>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (parts, body) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Manage)?;
    let body: models::CreateApiKey = valid(required_body(&parts.headers, body).await?)?;
    let response = api.create_api_key(&principal, body).await?;
    Ok(response.try_into()?)
}

async fn get_api_key<A: ApiKeys>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Manage)?;
    let path: GetApiKeyPathParams = valid(path(&mut parts).await?)?;
    let response = api.get_api_key(&principal, path).await?;
    Ok(response.try_into()?)
}

async fn list_api_keys<A: ApiKeys>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Manage)?;
    let mut given = Parameters::of_query(&parts);
    let query = ListApiKeysQueryParams {
        limit: given.optional("limit").unwrap_or(100),
        cursor: given.optional("cursor"),
    };
    let query = given.valid(query)?;
    let response = api.list_api_keys(&principal, query).await?;
    Ok(response.try_into()?)
}

async fn revoke_api_key<A: ApiKeys>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Manage)?;
    let path: RevokeApiKeyPathParams = valid(path(&mut parts).await?)?;
    let response = api.revoke_api_key(&principal, path).await?;
    Ok(response.try_into()?)
}

async fn add_group_members<A: Groups>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, body) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Send)?;
    let path: AddGroupMembersPathParams = valid(path(&mut parts).await?)?;
    let mut given = Parameters::of_headers(&parts.headers);
    let headers = AddGroupMembersHeaderParams {
        idempotency_key: given.optional("Idempotency-Key"),
        prefer: given.optional("Prefer"),
    };
    let headers = given.valid(headers)?;
    let body: models::AddMembers = valid(required_body(&parts.headers, body).await?)?;
    let response = api
        .add_group_members(&principal, path, headers, body)
        .await?;
    Ok(response.try_into()?)
}

async fn create_group<A: Groups>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, body) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Send)?;
    let path: CreateGroupPathParams = valid(path(&mut parts).await?)?;
    let mut given = Parameters::of_headers(&parts.headers);
    let headers = CreateGroupHeaderParams {
        idempotency_key: given.optional("Idempotency-Key"),
        prefer: given.optional("Prefer"),
    };
    let headers = given.valid(headers)?;
    let body: models::CreateGroup = valid(required_body(&parts.headers, body).await?)?;
    let response = api.create_group(&principal, path, headers, body).await?;
    Ok(response.try_into()?)
}

async fn demote_group_member<A: Groups>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Send)?;
    let path: DemoteGroupMemberPathParams = valid(path(&mut parts).await?)?;
    let mut given = Parameters::of_headers(&parts.headers);
    let headers = DemoteGroupMemberHeaderParams {
        idempotency_key: given.optional("Idempotency-Key"),
    };
    let headers = given.valid(headers)?;
    let response = api.demote_group_member(&principal, path, headers).await?;
    Ok(response.try_into()?)
}

async fn get_group<A: Groups>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Read)?;
    let path: GetGroupPathParams = valid(path(&mut parts).await?)?;
    let response = api.get_group(&principal, path).await?;
    Ok(response.try_into()?)
}

async fn leave_group<A: Groups>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Send)?;
    let path: LeaveGroupPathParams = valid(path(&mut parts).await?)?;
    let mut given = Parameters::of_headers(&parts.headers);
    let headers = LeaveGroupHeaderParams {
        idempotency_key: given.optional("Idempotency-Key"),
    };
    let headers = given.valid(headers)?;
    let response = api.leave_group(&principal, path, headers).await?;
    Ok(response.try_into()?)
}

async fn list_group_members<A: Groups>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Read)?;
    let path: ListGroupMembersPathParams = valid(path(&mut parts).await?)?;
    let mut given = Parameters::of_query(&parts);
    let query = ListGroupMembersQueryParams {
        limit: given.optional("limit").unwrap_or(100),
        cursor: given.optional("cursor"),
    };
    let query = given.valid(query)?;
    let response = api.list_group_members(&principal, path, query).await?;
    Ok(response.try_into()?)
}

async fn list_groups<A: Groups>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Read)?;
    let path: ListGroupsPathParams = valid(path(&mut parts).await?)?;
    let mut given = Parameters::of_query(&parts);
    let query = ListGroupsQueryParams {
        limit: given.optional("limit").unwrap_or(100),
        cursor: given.optional("cursor"),
    };
    let query = given.valid(query)?;
    let response = api.list_groups(&principal, path, query).await?;
    Ok(response.try_into()?)
}

async fn promote_group_member<A: Groups>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Send)?;
    let path: PromoteGroupMemberPathParams = valid(path(&mut parts).await?)?;
    let mut given = Parameters::of_headers(&parts.headers);
    let headers = PromoteGroupMemberHeaderParams {
        idempotency_key: given.optional("Idempotency-Key"),
    };
    let headers = given.valid(headers)?;
    let response = api.promote_group_member(&principal, path, headers).await?;
    Ok(response.try_into()?)
}

async fn remove_group_member<A: Groups>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Send)?;
    let path: RemoveGroupMemberPathParams = valid(path(&mut parts).await?)?;
    let mut given = Parameters::of_headers(&parts.headers);
    let headers = RemoveGroupMemberHeaderParams {
        idempotency_key: given.optional("Idempotency-Key"),
    };
    let headers = given.valid(headers)?;
    let response = api.remove_group_member(&principal, path, headers).await?;
    Ok(response.try_into()?)
}

async fn update_group<A: Groups>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, body) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Send)?;
    let path: UpdateGroupPathParams = valid(path(&mut parts).await?)?;
    let mut given = Parameters::of_headers(&parts.headers);
    let headers = UpdateGroupHeaderParams {
        idempotency_key: given.optional("Idempotency-Key"),
    };
    let headers = given.valid(headers)?;
    let body: models::UpdateGroup = valid(required_body(&parts.headers, body).await?)?;
    let response = api.update_group(&principal, path, headers, body).await?;
    Ok(response.try_into()?)
}

async fn approve_group_requests<A: Joining>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, body) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Send)?;
    let path: ApproveGroupRequestsPathParams = valid(path(&mut parts).await?)?;
    let mut given = Parameters::of_headers(&parts.headers);
    let headers = ApproveGroupRequestsHeaderParams {
        idempotency_key: given.optional("Idempotency-Key"),
        prefer: given.optional("Prefer"),
    };
    let headers = given.valid(headers)?;
    let body: models::PeopleOfRequests = valid(required_body(&parts.headers, body).await?)?;
    let response = api
        .approve_group_requests(&principal, path, headers, body)
        .await?;
    Ok(response.try_into()?)
}

async fn get_group_invite<A: Joining>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Read)?;
    let path: GetGroupInvitePathParams = valid(path(&mut parts).await?)?;
    let response = api.get_group_invite(&principal, path).await?;
    Ok(response.try_into()?)
}

async fn join_group<A: Joining>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, body) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Send)?;
    let path: JoinGroupPathParams = valid(path(&mut parts).await?)?;
    let mut given = Parameters::of_headers(&parts.headers);
    let headers = JoinGroupHeaderParams {
        idempotency_key: given.optional("Idempotency-Key"),
    };
    let headers = given.valid(headers)?;
    let body: models::JoinGroup = valid(required_body(&parts.headers, body).await?)?;
    let response = api.join_group(&principal, path, headers, body).await?;
    Ok(response.try_into()?)
}

async fn list_group_requests<A: Joining>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Read)?;
    let path: ListGroupRequestsPathParams = valid(path(&mut parts).await?)?;
    let response = api.list_group_requests(&principal, path).await?;
    Ok(response.try_into()?)
}

async fn reject_group_requests<A: Joining>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, body) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Send)?;
    let path: RejectGroupRequestsPathParams = valid(path(&mut parts).await?)?;
    let mut given = Parameters::of_headers(&parts.headers);
    let headers = RejectGroupRequestsHeaderParams {
        idempotency_key: given.optional("Idempotency-Key"),
        prefer: given.optional("Prefer"),
    };
    let headers = given.valid(headers)?;
    let body: models::PeopleOfRequests = valid(required_body(&parts.headers, body).await?)?;
    let response = api
        .reject_group_requests(&principal, path, headers, body)
        .await?;
    Ok(response.try_into()?)
}

async fn revoke_group_invite<A: Joining>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Send)?;
    let path: RevokeGroupInvitePathParams = valid(path(&mut parts).await?)?;
    let mut given = Parameters::of_headers(&parts.headers);
    let headers = RevokeGroupInviteHeaderParams {
        idempotency_key: given.optional("Idempotency-Key"),
    };
    let headers = given.valid(headers)?;
    let response = api.revoke_group_invite(&principal, path, headers).await?;
    Ok(response.try_into()?)
}

async fn answer_session_passkey<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, body) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Manage)?;
    let path: AnswerSessionPasskeyPathParams = valid(path(&mut parts).await?)?;
    let body: models::PasskeyAssertion = valid(required_body(&parts.headers, body).await?)?;
    let response = api.answer_session_passkey(&principal, path, body).await?;
    Ok(response.try_into()?)
}

async fn confirm_session_passkey<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Manage)?;
    let path: ConfirmSessionPasskeyPathParams = valid(path(&mut parts).await?)?;
    let response = api.confirm_session_passkey(&principal, path).await?;
    Ok(response.try_into()?)
}

async fn create_pairing_code<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, body) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Manage)?;
    let path: CreatePairingCodePathParams = valid(path(&mut parts).await?)?;
    let body: models::CreatePairingCode = valid(required_body(&parts.headers, body).await?)?;
    let response = api.create_pairing_code(&principal, path, body).await?;
    Ok(response.try_into()?)
}

async fn create_session<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (parts, body) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Manage)?;
    let mut given = Parameters::of_headers(&parts.headers);
    let headers = CreateSessionHeaderParams {
        idempotency_key: given.optional("Idempotency-Key"),
    };
    let headers = given.valid(headers)?;
    let body: Option<models::CreateSession> = optional_body(&parts.headers, body)
        .await?
        .map(valid)
        .transpose()?;
    let response = api.create_session(&principal, headers, body).await?;
    Ok(response.try_into()?)
}

async fn delete_session<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Manage)?;
    let path: DeleteSessionPathParams = valid(path(&mut parts).await?)?;
    let response = api.delete_session(&principal, path).await?;
    Ok(response.try_into()?)
}

async fn get_session<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Manage)?;
    let path: GetSessionPathParams = valid(path(&mut parts).await?)?;
    let response = api.get_session(&principal, path).await?;
    Ok(response.try_into()?)
}

async fn get_session_passkey<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Manage)?;
    let path: GetSessionPasskeyPathParams = valid(path(&mut parts).await?)?;
    let response = api.get_session_passkey(&principal, path).await?;
    Ok(response.try_into()?)
}

async fn get_session_qr<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Manage)?;
    let path: GetSessionQrPathParams = valid(path(&mut parts).await?)?;
    let response = api
        .get_session_qr(
            &principal,
            path,
            apis::sessions::GetSessionQrAccept::of(&parts.headers),
        )
        .await?;
    Ok(response.try_into()?)
}

async fn list_sessions<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Manage)?;
    let mut given = Parameters::of_query(&parts);
    let query = ListSessionsQueryParams {
        limit: given.optional("limit").unwrap_or(100),
        cursor: given.optional("cursor"),
    };
    let query = given.valid(query)?;
    let response = api.list_sessions(&principal, query).await?;
    Ok(response.try_into()?)
}

async fn logout_session<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Manage)?;
    let path: LogoutSessionPathParams = valid(path(&mut parts).await?)?;
    let response = api.logout_session(&principal, path).await?;
    Ok(response.try_into()?)
}

async fn start_session<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Manage)?;
    let path: StartSessionPathParams = valid(path(&mut parts).await?)?;
    let response = api.start_session(&principal, path).await?;
    Ok(response.try_into()?)
}

async fn stop_session<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, _) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Manage)?;
    let path: StopSessionPathParams = valid(path(&mut parts).await?)?;
    let response = api.stop_session(&principal, path).await?;
    Ok(response.try_into()?)
}

async fn update_session<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let (mut parts, body) = request.into_parts();
    let principal = api.authenticate(&parts).await?;
    api.authorize(&principal, Capability::Manage)?;
    let path: UpdateSessionPathParams = valid(path(&mut parts).await?)?;
    let body: models::UpdateSession = valid(required_body(&parts.headers, body).await?)?;
    let response = api.update_session(&principal, path, body).await?;
    Ok(response.try_into()?)
}
