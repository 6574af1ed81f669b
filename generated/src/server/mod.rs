//! The routes, and for each operation the way from a request to the implementation.

mod request;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::Uri,
    response::Response,
    routing,
};

pub use self::request::BODY_LIMIT;
#[allow(unused_imports)]
use self::request::{Parameters, optional_body, path, required_body, valid};
use crate::{
    BASE_PATH, Capability, Rejection, apis,
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
    /// The fields of its request.
    pub fields: &'static [Field],
}

/// A field of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// A parameter, a property such as `limits.pace`, each item of an array such as `participants[]`, or `body`.
    pub name: &'static str,
    /// What its value has to be, in words that follow "must be", with an example where the document has one.
    pub must_be: &'static str,
}

impl Operation {
    /// What a field has to be; `participants[3]` is one of `participants[]`.
    pub fn must_be(&self, field: &str) -> Option<&'static str> {
        let mut name = String::with_capacity(field.len());
        for part in field.split_inclusive('[') {
            name.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
        }
        self.fields
            .iter()
            .find(|field| field.name == name)
            .map(|field| field.must_be)
    }
}

const ERASE_FROM_ACTIONS: Operation = Operation {
    id: "eraseFromActions",
    method: "POST",
    path: "/api/v1/sessions/{session}/actions/erase",
    capability: Capability::Manage,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "body",
            must_be: "a JSON object, such as {\"participant\":\"628123456789@s.whatsapp.net\"}",
        },
        Field {
            name: "participant",
            must_be: "a user JID, 5 to 20 digits and @s.whatsapp.net, or a LID, digits and @lid, such as 628111222333@s.whatsapp.net",
        },
    ],
};

const GET_ACTION: Operation = Operation {
    id: "getAction",
    method: "GET",
    path: "/api/v1/sessions/{session}/actions/{action}",
    capability: Capability::Read,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "action",
            must_be: "a string, such as 01HZ0ACTION00000000000000",
        },
    ],
};

const LIST_ACTIONS: Operation = Operation {
    id: "listActions",
    method: "GET",
    path: "/api/v1/sessions/{session}/actions",
    capability: Capability::Read,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "limit",
            must_be: "an integer from 1 to 100, such as 20",
        },
        Field {
            name: "cursor",
            must_be: "the nextCursor of the page before",
        },
        Field {
            name: "group",
            must_be: "a group JID, digits and @g.us, such as 120363041234567890@g.us",
        },
        Field {
            name: "operation",
            must_be: "a string of at most 64 characters, such as addGroupMembers",
        },
        Field {
            name: "from",
            must_be: "an integer from 0 to 9007199254740991, such as 1718000000000",
        },
        Field {
            name: "before",
            must_be: "an integer from 0 to 9007199254740991, such as 1718000000000",
        },
    ],
};

const SEARCH_ACTIONS: Operation = Operation {
    id: "searchActions",
    method: "POST",
    path: "/api/v1/sessions/{session}/actions/search",
    capability: Capability::Read,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "limit",
            must_be: "an integer from 1 to 100, such as 20",
        },
        Field {
            name: "cursor",
            must_be: "the nextCursor of the page before",
        },
        Field {
            name: "body",
            must_be: "a JSON object, such as {\"participant\":\"628123456789@s.whatsapp.net\"}",
        },
        Field {
            name: "participant",
            must_be: "a user JID, 5 to 20 digits and @s.whatsapp.net, or a LID, digits and @lid, such as 628111222333@s.whatsapp.net",
        },
    ],
};

const CANCEL_ADDITION: Operation = Operation {
    id: "cancelAddition",
    method: "DELETE",
    path: "/api/v1/sessions/{session}/groups/{gid}/additions/{addition}",
    capability: Capability::Send,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "gid",
            must_be: "a group JID, digits and @g.us, such as 120363041234567890@g.us",
        },
        Field {
            name: "addition",
            must_be: "a string, such as 01HZ0ADDITION000000000000",
        },
    ],
};

const CREATE_ADDITION: Operation = Operation {
    id: "createAddition",
    method: "POST",
    path: "/api/v1/sessions/{session}/groups/{gid}/additions",
    capability: Capability::Send,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "gid",
            must_be: "a group JID, digits and @g.us, such as 120363041234567890@g.us",
        },
        Field {
            name: "Idempotency-Key",
            must_be: "1 to 255 printable ASCII characters without a space, such as 8f9d5b52-7c0e-4c26-9f6d-3f1f4f6f2a10",
        },
        Field {
            name: "body",
            must_be: "a JSON object, such as {\"participants\":[\"628123456789@s.whatsapp.net\",\"628987654321@s.whatsapp.net\"],\"pace\":{\"batch\":1}}",
        },
        Field {
            name: "participants",
            must_be: "an array of 1 to 10000 user JIDs, such as [\"628111222333@s.whatsapp.net\"]",
        },
        Field {
            name: "participants[]",
            must_be: "a user JID, 5 to 20 digits and @s.whatsapp.net, such as 628111222333@s.whatsapp.net",
        },
        Field {
            name: "pace",
            must_be: "an object, such as {\"batch\":3}",
        },
        Field {
            name: "pace.batch",
            must_be: "an integer from 1 to 100 or null, such as 3",
        },
        Field {
            name: "pace.minPauseSeconds",
            must_be: "an integer from 0 to 86400 or null, such as 60",
        },
        Field {
            name: "pace.maxPauseSeconds",
            must_be: "an integer from 0 to 86400 or null, such as 120",
        },
        Field {
            name: "pace.perHour",
            must_be: "an integer from 1 to 100000 or null, such as 30",
        },
        Field {
            name: "pace.perDay",
            must_be: "an integer from 1 to 100000 or null, such as 150",
        },
        Field {
            name: "inviteDeclined",
            must_be: "true or false",
        },
    ],
};

const GET_ADDITION: Operation = Operation {
    id: "getAddition",
    method: "GET",
    path: "/api/v1/sessions/{session}/groups/{gid}/additions/{addition}",
    capability: Capability::Read,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "gid",
            must_be: "a group JID, digits and @g.us, such as 120363041234567890@g.us",
        },
        Field {
            name: "addition",
            must_be: "a string, such as 01HZ0ADDITION000000000000",
        },
    ],
};

const LIST_ADDITIONS: Operation = Operation {
    id: "listAdditions",
    method: "GET",
    path: "/api/v1/sessions/{session}/groups/{gid}/additions",
    capability: Capability::Read,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "gid",
            must_be: "a group JID, digits and @g.us, such as 120363041234567890@g.us",
        },
        Field {
            name: "limit",
            must_be: "an integer from 1 to 1000, such as 100",
        },
        Field {
            name: "cursor",
            must_be: "the nextCursor of the page before",
        },
    ],
};

const CREATE_API_KEY: Operation = Operation {
    id: "createApiKey",
    method: "POST",
    path: "/api/v1/api-keys",
    capability: Capability::Manage,
    fields: &[
        Field {
            name: "body",
            must_be: "a JSON object, such as {\"name\":\"Newsletter\",\"capabilities\":[\"read\",\"send\"]}",
        },
        Field {
            name: "name",
            must_be: "1 to 100 characters on one line, the first of which is no space, such as Newsletter",
        },
        Field {
            name: "capabilities",
            must_be: "an array of 1 to 3 items, such as [\"read\"]",
        },
        Field {
            name: "capabilities[]",
            must_be: "read, send or manage",
        },
        Field {
            name: "expiresAt",
            must_be: "a time in the future, in milliseconds since the Unix epoch, or null, such as 4102444800000",
        },
    ],
};

const GET_API_KEY: Operation = Operation {
    id: "getApiKey",
    method: "GET",
    path: "/api/v1/api-keys/{key}",
    capability: Capability::Manage,
    fields: &[Field {
        name: "key",
        must_be: "a string, such as 01HZ0APIKEY00000000000000",
    }],
};

const LIST_API_KEYS: Operation = Operation {
    id: "listApiKeys",
    method: "GET",
    path: "/api/v1/api-keys",
    capability: Capability::Manage,
    fields: &[
        Field {
            name: "limit",
            must_be: "an integer from 1 to 1000, such as 100",
        },
        Field {
            name: "cursor",
            must_be: "the nextCursor of the page before",
        },
    ],
};

const REVOKE_API_KEY: Operation = Operation {
    id: "revokeApiKey",
    method: "DELETE",
    path: "/api/v1/api-keys/{key}",
    capability: Capability::Manage,
    fields: &[Field {
        name: "key",
        must_be: "a string, such as 01HZ0APIKEY00000000000000",
    }],
};

const ADD_GROUP_MEMBERS: Operation = Operation {
    id: "addGroupMembers",
    method: "POST",
    path: "/api/v1/sessions/{session}/groups/{gid}/members",
    capability: Capability::Send,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "gid",
            must_be: "a group JID, digits and @g.us, such as 120363041234567890@g.us",
        },
        Field {
            name: "Idempotency-Key",
            must_be: "1 to 255 printable ASCII characters without a space, such as 8f9d5b52-7c0e-4c26-9f6d-3f1f4f6f2a10",
        },
        Field {
            name: "Prefer",
            must_be: "a string of at most 256 characters, such as return=representation",
        },
        Field {
            name: "body",
            must_be: "a JSON object, such as {\"participants\":[\"628123456789@s.whatsapp.net\",\"628987654321@s.whatsapp.net\"]}",
        },
        Field {
            name: "participants",
            must_be: "an array of 1 to 1024 user JIDs, such as [\"628111222333@s.whatsapp.net\"]",
        },
        Field {
            name: "participants[]",
            must_be: "a user JID, 5 to 20 digits and @s.whatsapp.net, such as 628111222333@s.whatsapp.net",
        },
        Field {
            name: "inviteDeclined",
            must_be: "true or false",
        },
    ],
};

const CREATE_GROUP: Operation = Operation {
    id: "createGroup",
    method: "POST",
    path: "/api/v1/sessions/{session}/groups",
    capability: Capability::Send,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "Idempotency-Key",
            must_be: "1 to 255 printable ASCII characters without a space, such as 8f9d5b52-7c0e-4c26-9f6d-3f1f4f6f2a10",
        },
        Field {
            name: "Prefer",
            must_be: "a string of at most 256 characters, such as return=representation",
        },
        Field {
            name: "body",
            must_be: "a JSON object, such as {\"subject\":\"Launch team\",\"participants\":[\"628123456789@s.whatsapp.net\",\"628987654321@s.whatsapp.net\"]}",
        },
        Field {
            name: "subject",
            must_be: "a string of 1 to 100 characters, such as Launch team",
        },
        Field {
            name: "participants",
            must_be: "an array of at most 1024 items or null, such as [\"628111222333@s.whatsapp.net\"]",
        },
        Field {
            name: "participants[]",
            must_be: "a user JID, 5 to 20 digits and @s.whatsapp.net, such as 628111222333@s.whatsapp.net",
        },
    ],
};

const DEMOTE_GROUP_MEMBER: Operation = Operation {
    id: "demoteGroupMember",
    method: "POST",
    path: "/api/v1/sessions/{session}/groups/{gid}/members/{jid}/demote",
    capability: Capability::Send,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "gid",
            must_be: "a group JID, digits and @g.us, such as 120363041234567890@g.us",
        },
        Field {
            name: "jid",
            must_be: "a user JID, 5 to 20 digits and @s.whatsapp.net, or a LID, digits and @lid, such as 628123456789@s.whatsapp.net",
        },
        Field {
            name: "Idempotency-Key",
            must_be: "1 to 255 printable ASCII characters without a space, such as 8f9d5b52-7c0e-4c26-9f6d-3f1f4f6f2a10",
        },
    ],
};

const GET_GROUP: Operation = Operation {
    id: "getGroup",
    method: "GET",
    path: "/api/v1/sessions/{session}/groups/{gid}",
    capability: Capability::Read,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "gid",
            must_be: "a group JID, digits and @g.us, such as 120363041234567890@g.us",
        },
    ],
};

const LEAVE_GROUP: Operation = Operation {
    id: "leaveGroup",
    method: "POST",
    path: "/api/v1/sessions/{session}/groups/{gid}/leave",
    capability: Capability::Send,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "gid",
            must_be: "a group JID, digits and @g.us, such as 120363041234567890@g.us",
        },
        Field {
            name: "Idempotency-Key",
            must_be: "1 to 255 printable ASCII characters without a space, such as 8f9d5b52-7c0e-4c26-9f6d-3f1f4f6f2a10",
        },
    ],
};

const LIST_GROUP_MEMBERS: Operation = Operation {
    id: "listGroupMembers",
    method: "GET",
    path: "/api/v1/sessions/{session}/groups/{gid}/members",
    capability: Capability::Read,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "gid",
            must_be: "a group JID, digits and @g.us, such as 120363041234567890@g.us",
        },
        Field {
            name: "limit",
            must_be: "an integer from 1 to 1000, such as 100",
        },
        Field {
            name: "cursor",
            must_be: "the nextCursor of the page before",
        },
    ],
};

const LIST_GROUPS: Operation = Operation {
    id: "listGroups",
    method: "GET",
    path: "/api/v1/sessions/{session}/groups",
    capability: Capability::Read,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "limit",
            must_be: "an integer from 1 to 1000, such as 100",
        },
        Field {
            name: "cursor",
            must_be: "the nextCursor of the page before",
        },
    ],
};

const PROMOTE_GROUP_MEMBER: Operation = Operation {
    id: "promoteGroupMember",
    method: "POST",
    path: "/api/v1/sessions/{session}/groups/{gid}/members/{jid}/promote",
    capability: Capability::Send,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "gid",
            must_be: "a group JID, digits and @g.us, such as 120363041234567890@g.us",
        },
        Field {
            name: "jid",
            must_be: "a user JID, 5 to 20 digits and @s.whatsapp.net, or a LID, digits and @lid, such as 628123456789@s.whatsapp.net",
        },
        Field {
            name: "Idempotency-Key",
            must_be: "1 to 255 printable ASCII characters without a space, such as 8f9d5b52-7c0e-4c26-9f6d-3f1f4f6f2a10",
        },
    ],
};

const REMOVE_GROUP_MEMBER: Operation = Operation {
    id: "removeGroupMember",
    method: "DELETE",
    path: "/api/v1/sessions/{session}/groups/{gid}/members/{jid}",
    capability: Capability::Send,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "gid",
            must_be: "a group JID, digits and @g.us, such as 120363041234567890@g.us",
        },
        Field {
            name: "jid",
            must_be: "a user JID, 5 to 20 digits and @s.whatsapp.net, or a LID, digits and @lid, such as 628123456789@s.whatsapp.net",
        },
        Field {
            name: "Idempotency-Key",
            must_be: "1 to 255 printable ASCII characters without a space, such as 8f9d5b52-7c0e-4c26-9f6d-3f1f4f6f2a10",
        },
    ],
};

const UPDATE_GROUP: Operation = Operation {
    id: "updateGroup",
    method: "PATCH",
    path: "/api/v1/sessions/{session}/groups/{gid}",
    capability: Capability::Send,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "gid",
            must_be: "a group JID, digits and @g.us, such as 120363041234567890@g.us",
        },
        Field {
            name: "Idempotency-Key",
            must_be: "1 to 255 printable ASCII characters without a space, such as 8f9d5b52-7c0e-4c26-9f6d-3f1f4f6f2a10",
        },
        Field {
            name: "body",
            must_be: "a JSON object, such as {\"subject\":\"Launch team\",\"announce\":true}",
        },
        Field {
            name: "subject",
            must_be: "a string of 1 to 100 characters or null, such as Launch team",
        },
        Field {
            name: "description",
            must_be: "a string of at most 2048 characters or null, such as All about the launch",
        },
        Field {
            name: "announce",
            must_be: "true, false or null",
        },
        Field {
            name: "locked",
            must_be: "true, false or null",
        },
        Field {
            name: "memberAddMode",
            must_be: "admin_add, all_member_add or null",
        },
        Field {
            name: "approvalMode",
            must_be: "on, off or null",
        },
    ],
};

const APPROVE_GROUP_REQUESTS: Operation = Operation {
    id: "approveGroupRequests",
    method: "POST",
    path: "/api/v1/sessions/{session}/groups/{gid}/requests/approve",
    capability: Capability::Send,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "gid",
            must_be: "a group JID, digits and @g.us, such as 120363041234567890@g.us",
        },
        Field {
            name: "Idempotency-Key",
            must_be: "1 to 255 printable ASCII characters without a space, such as 8f9d5b52-7c0e-4c26-9f6d-3f1f4f6f2a10",
        },
        Field {
            name: "Prefer",
            must_be: "a string of at most 256 characters, such as return=representation",
        },
        Field {
            name: "body",
            must_be: "a JSON object, such as {\"participants\":[\"628123456789@s.whatsapp.net\"]}",
        },
        Field {
            name: "participants",
            must_be: "an array of 1 to 1024 user JIDs or LIDs, such as [\"628111222333@s.whatsapp.net\"]",
        },
        Field {
            name: "participants[]",
            must_be: "a user JID, 5 to 20 digits and @s.whatsapp.net, or a LID, digits and @lid, such as 628111222333@s.whatsapp.net",
        },
    ],
};

const GET_GROUP_INVITE: Operation = Operation {
    id: "getGroupInvite",
    method: "GET",
    path: "/api/v1/sessions/{session}/groups/{gid}/invite",
    capability: Capability::Read,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "gid",
            must_be: "a group JID, digits and @g.us, such as 120363041234567890@g.us",
        },
    ],
};

const JOIN_GROUP: Operation = Operation {
    id: "joinGroup",
    method: "POST",
    path: "/api/v1/sessions/{session}/groups/join",
    capability: Capability::Send,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "Idempotency-Key",
            must_be: "1 to 255 printable ASCII characters without a space, such as 8f9d5b52-7c0e-4c26-9f6d-3f1f4f6f2a10",
        },
        Field {
            name: "body",
            must_be: "a JSON object, such as {\"invite\":\"https://chat.whatsapp.com/AbCdEfGhIjKlMnOpQrStUv\"}",
        },
        Field {
            name: "invite",
            must_be: "an invitation link or its code, such as https://chat.whatsapp.com/AbCdEfGhIjKlMnOpQrStUv",
        },
    ],
};

const LIST_GROUP_REQUESTS: Operation = Operation {
    id: "listGroupRequests",
    method: "GET",
    path: "/api/v1/sessions/{session}/groups/{gid}/requests",
    capability: Capability::Read,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "gid",
            must_be: "a group JID, digits and @g.us, such as 120363041234567890@g.us",
        },
    ],
};

const REJECT_GROUP_REQUESTS: Operation = Operation {
    id: "rejectGroupRequests",
    method: "POST",
    path: "/api/v1/sessions/{session}/groups/{gid}/requests/reject",
    capability: Capability::Send,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "gid",
            must_be: "a group JID, digits and @g.us, such as 120363041234567890@g.us",
        },
        Field {
            name: "Idempotency-Key",
            must_be: "1 to 255 printable ASCII characters without a space, such as 8f9d5b52-7c0e-4c26-9f6d-3f1f4f6f2a10",
        },
        Field {
            name: "Prefer",
            must_be: "a string of at most 256 characters, such as return=representation",
        },
        Field {
            name: "body",
            must_be: "a JSON object, such as {\"participants\":[\"628123456789@s.whatsapp.net\"]}",
        },
        Field {
            name: "participants",
            must_be: "an array of 1 to 1024 user JIDs or LIDs, such as [\"628111222333@s.whatsapp.net\"]",
        },
        Field {
            name: "participants[]",
            must_be: "a user JID, 5 to 20 digits and @s.whatsapp.net, or a LID, digits and @lid, such as 628111222333@s.whatsapp.net",
        },
    ],
};

const REVOKE_GROUP_INVITE: Operation = Operation {
    id: "revokeGroupInvite",
    method: "DELETE",
    path: "/api/v1/sessions/{session}/groups/{gid}/invite",
    capability: Capability::Send,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "gid",
            must_be: "a group JID, digits and @g.us, such as 120363041234567890@g.us",
        },
        Field {
            name: "Idempotency-Key",
            must_be: "1 to 255 printable ASCII characters without a space, such as 8f9d5b52-7c0e-4c26-9f6d-3f1f4f6f2a10",
        },
    ],
};

const ANSWER_SESSION_PASSKEY: Operation = Operation {
    id: "answerSessionPasskey",
    method: "POST",
    path: "/api/v1/sessions/{session}/passkey",
    capability: Capability::Manage,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "body",
            must_be: "a JSON object",
        },
        Field {
            name: "id",
            must_be: "bytes in base64url without padding, such as AAECAw",
        },
        Field {
            name: "rawId",
            must_be: "bytes in base64url without padding, such as AAECAw",
        },
        Field {
            name: "type",
            must_be: "public-key",
        },
        Field {
            name: "response",
            must_be: "an object",
        },
        Field {
            name: "response.clientDataJSON",
            must_be: "bytes in base64url without padding, such as AAECAw",
        },
        Field {
            name: "response.authenticatorData",
            must_be: "bytes in base64url without padding, such as AAECAw",
        },
        Field {
            name: "response.signature",
            must_be: "bytes in base64url without padding, such as AAECAw",
        },
        Field {
            name: "response.userHandle",
            must_be: "bytes in base64url without padding, or null, such as AAECAw",
        },
    ],
};

const CONFIRM_SESSION_PASSKEY: Operation = Operation {
    id: "confirmSessionPasskey",
    method: "POST",
    path: "/api/v1/sessions/{session}/passkey/confirm",
    capability: Capability::Manage,
    fields: &[Field {
        name: "session",
        must_be: "a string, such as 01HZ0SESSION0000000000000",
    }],
};

const CREATE_PAIRING_CODE: Operation = Operation {
    id: "createPairingCode",
    method: "POST",
    path: "/api/v1/sessions/{session}/pairing-code",
    capability: Capability::Manage,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "body",
            must_be: "a JSON object, such as {\"phone\":\"628123456789\"}",
        },
        Field {
            name: "phone",
            must_be: "a phone number, 7 to 15 digits with the country code first and without a +, such as 628123456789",
        },
    ],
};

const CREATE_SESSION: Operation = Operation {
    id: "createSession",
    method: "POST",
    path: "/api/v1/sessions",
    capability: Capability::Manage,
    fields: &[
        Field {
            name: "Idempotency-Key",
            must_be: "1 to 255 printable ASCII characters without a space, such as 8f9d5b52-7c0e-4c26-9f6d-3f1f4f6f2a10",
        },
        Field {
            name: "body",
            must_be: "a JSON object, such as {\"label\":\"Support line\",\"start\":true}",
        },
        Field {
            name: "label",
            must_be: "a string of at most 100 characters or null, such as Support line",
        },
        Field {
            name: "start",
            must_be: "true or false",
        },
    ],
};

const DELETE_SESSION: Operation = Operation {
    id: "deleteSession",
    method: "DELETE",
    path: "/api/v1/sessions/{session}",
    capability: Capability::Manage,
    fields: &[Field {
        name: "session",
        must_be: "a string, such as 01HZ0SESSION0000000000000",
    }],
};

const GET_SESSION: Operation = Operation {
    id: "getSession",
    method: "GET",
    path: "/api/v1/sessions/{session}",
    capability: Capability::Manage,
    fields: &[Field {
        name: "session",
        must_be: "a string, such as 01HZ0SESSION0000000000000",
    }],
};

const GET_SESSION_PASSKEY: Operation = Operation {
    id: "getSessionPasskey",
    method: "GET",
    path: "/api/v1/sessions/{session}/passkey",
    capability: Capability::Manage,
    fields: &[Field {
        name: "session",
        must_be: "a string, such as 01HZ0SESSION0000000000000",
    }],
};

const GET_SESSION_QR: Operation = Operation {
    id: "getSessionQr",
    method: "GET",
    path: "/api/v1/sessions/{session}/qr",
    capability: Capability::Manage,
    fields: &[Field {
        name: "session",
        must_be: "a string, such as 01HZ0SESSION0000000000000",
    }],
};

const LIST_SESSIONS: Operation = Operation {
    id: "listSessions",
    method: "GET",
    path: "/api/v1/sessions",
    capability: Capability::Manage,
    fields: &[
        Field {
            name: "limit",
            must_be: "an integer from 1 to 1000, such as 100",
        },
        Field {
            name: "cursor",
            must_be: "the nextCursor of the page before",
        },
    ],
};

const LOGOUT_SESSION: Operation = Operation {
    id: "logoutSession",
    method: "POST",
    path: "/api/v1/sessions/{session}/logout",
    capability: Capability::Manage,
    fields: &[Field {
        name: "session",
        must_be: "a string, such as 01HZ0SESSION0000000000000",
    }],
};

const START_SESSION: Operation = Operation {
    id: "startSession",
    method: "POST",
    path: "/api/v1/sessions/{session}/start",
    capability: Capability::Manage,
    fields: &[Field {
        name: "session",
        must_be: "a string, such as 01HZ0SESSION0000000000000",
    }],
};

const STOP_SESSION: Operation = Operation {
    id: "stopSession",
    method: "POST",
    path: "/api/v1/sessions/{session}/stop",
    capability: Capability::Manage,
    fields: &[Field {
        name: "session",
        must_be: "a string, such as 01HZ0SESSION0000000000000",
    }],
};

const UPDATE_SESSION: Operation = Operation {
    id: "updateSession",
    method: "PATCH",
    path: "/api/v1/sessions/{session}",
    capability: Capability::Manage,
    fields: &[
        Field {
            name: "session",
            must_be: "a string, such as 01HZ0SESSION0000000000000",
        },
        Field {
            name: "body",
            must_be: "a JSON object, such as {\"limits\":{\"addsPerHour\":20}}",
        },
        Field {
            name: "label",
            must_be: "a string of at most 100 characters or null, such as Support line",
        },
        Field {
            name: "limits",
            must_be: "an object, such as {\"addsPerHour\":20}",
        },
        Field {
            name: "limits.addsPerHour",
            must_be: "an integer from 1 to 100000 or null, such as 20",
        },
        Field {
            name: "limits.addsPerDay",
            must_be: "an integer from 1 to 100000 or null, such as 100",
        },
        Field {
            name: "limits.pace",
            must_be: "an object, such as {\"batch\":3}",
        },
        Field {
            name: "limits.pace.batch",
            must_be: "an integer from 1 to 100 or null, such as 3",
        },
        Field {
            name: "limits.pace.minPauseSeconds",
            must_be: "an integer from 0 to 86400 or null, such as 60",
        },
        Field {
            name: "limits.pace.maxPauseSeconds",
            must_be: "an integer from 0 to 86400 or null, such as 120",
        },
        Field {
            name: "limits.pace.perHour",
            must_be: "an integer from 1 to 100000 or null, such as 30",
        },
        Field {
            name: "limits.pace.perDay",
            must_be: "an integer from 1 to 100000 or null, such as 150",
        },
    ],
};

/// Every operation of the document.
pub const OPERATIONS: &[Operation] = &[
    ERASE_FROM_ACTIONS,
    GET_ACTION,
    LIST_ACTIONS,
    SEARCH_ACTIONS,
    CANCEL_ADDITION,
    CREATE_ADDITION,
    GET_ADDITION,
    LIST_ADDITIONS,
    CREATE_API_KEY,
    GET_API_KEY,
    LIST_API_KEYS,
    REVOKE_API_KEY,
    ADD_GROUP_MEMBERS,
    CREATE_GROUP,
    DEMOTE_GROUP_MEMBER,
    GET_GROUP,
    LEAVE_GROUP,
    LIST_GROUP_MEMBERS,
    LIST_GROUPS,
    PROMOTE_GROUP_MEMBER,
    REMOVE_GROUP_MEMBER,
    UPDATE_GROUP,
    APPROVE_GROUP_REQUESTS,
    GET_GROUP_INVITE,
    JOIN_GROUP,
    LIST_GROUP_REQUESTS,
    REJECT_GROUP_REQUESTS,
    REVOKE_GROUP_INVITE,
    ANSWER_SESSION_PASSKEY,
    CONFIRM_SESSION_PASSKEY,
    CREATE_PAIRING_CODE,
    CREATE_SESSION,
    DELETE_SESSION,
    GET_SESSION,
    GET_SESSION_PASSKEY,
    GET_SESSION_QR,
    LIST_SESSIONS,
    LOGOUT_SESSION,
    START_SESSION,
    STOP_SESSION,
    UPDATE_SESSION,
];

/// The path of the operation that a path means which has a slash too many or begins elsewhere.
fn meant(path: &str) -> Option<&'static str> {
    let mut segments = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .peekable();
    for base in BASE_PATH.split('/').filter(|segment| !segment.is_empty()) {
        segments.next_if_eq(&base);
    }
    let segments: Vec<&str> = segments.collect();
    let fits = |path: &&str| {
        let route: Vec<&str> = path[BASE_PATH.len()..].split('/').skip(1).collect();
        let mut pairs = route.iter().zip(&segments);
        route.len() == segments.len()
            && pairs.all(|(known, given)| known.starts_with('{') || known == given)
    };
    let paths = OPERATIONS.iter().map(|operation| operation.path);
    // Where two fit, `join` is meant rather than `{gid}`.
    paths
        .filter(fits)
        .min_by_key(|path| path.matches('{').count())
}

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
        .fallback(async |uri: Uri| {
            A::Error::from(Rejection::NotFound {
                meant: meant(uri.path()),
            })
        })
        .method_not_allowed_fallback(async || A::Error::from(Rejection::MethodNotAllowed))
        .with_state(api)
}

async fn erase_from_actions<A: Actions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
        let (mut parts, body) = request.into_parts();
        let principal = api.authenticate(&parts).await?;
        api.authorize(&principal, Capability::Manage)?;
        let path: EraseFromActionsPathParams = valid(path(&mut parts).await?)?;
        let body: models::OnePerson = valid(required_body(&parts.headers, body).await?)?;
        let response = api.erase_from_actions(&principal, path, body).await?;
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &ERASE_FROM_ACTIONS))
}

async fn get_action<A: Actions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
        let (mut parts, _) = request.into_parts();
        let principal = api.authenticate(&parts).await?;
        api.authorize(&principal, Capability::Read)?;
        let path: GetActionPathParams = valid(path(&mut parts).await?)?;
        let response = api.get_action(&principal, path).await?;
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &GET_ACTION))
}

async fn list_actions<A: Actions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &LIST_ACTIONS))
}

async fn search_actions<A: Actions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &SEARCH_ACTIONS))
}

async fn cancel_addition<A: Additions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
        let (mut parts, _) = request.into_parts();
        let principal = api.authenticate(&parts).await?;
        api.authorize(&principal, Capability::Send)?;
        let path: CancelAdditionPathParams = valid(path(&mut parts).await?)?;
        let response = api.cancel_addition(&principal, path).await?;
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &CANCEL_ADDITION))
}

async fn create_addition<A: Additions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &CREATE_ADDITION))
}

async fn get_addition<A: Additions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
        let (mut parts, _) = request.into_parts();
        let principal = api.authenticate(&parts).await?;
        api.authorize(&principal, Capability::Read)?;
        let path: GetAdditionPathParams = valid(path(&mut parts).await?)?;
        let response = api.get_addition(&principal, path).await?;
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &GET_ADDITION))
}

async fn list_additions<A: Additions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &LIST_ADDITIONS))
}

async fn create_api_key<A: ApiKeys>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
        let (parts, body) = request.into_parts();
        let principal = api.authenticate(&parts).await?;
        api.authorize(&principal, Capability::Manage)?;
        let body: models::CreateApiKey = valid(required_body(&parts.headers, body).await?)?;
        let response = api.create_api_key(&principal, body).await?;
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &CREATE_API_KEY))
}

async fn get_api_key<A: ApiKeys>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
        let (mut parts, _) = request.into_parts();
        let principal = api.authenticate(&parts).await?;
        api.authorize(&principal, Capability::Manage)?;
        let path: GetApiKeyPathParams = valid(path(&mut parts).await?)?;
        let response = api.get_api_key(&principal, path).await?;
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &GET_API_KEY))
}

async fn list_api_keys<A: ApiKeys>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &LIST_API_KEYS))
}

async fn revoke_api_key<A: ApiKeys>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
        let (mut parts, _) = request.into_parts();
        let principal = api.authenticate(&parts).await?;
        api.authorize(&principal, Capability::Manage)?;
        let path: RevokeApiKeyPathParams = valid(path(&mut parts).await?)?;
        let response = api.revoke_api_key(&principal, path).await?;
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &REVOKE_API_KEY))
}

async fn add_group_members<A: Groups>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &ADD_GROUP_MEMBERS))
}

async fn create_group<A: Groups>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &CREATE_GROUP))
}

async fn demote_group_member<A: Groups>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &DEMOTE_GROUP_MEMBER))
}

async fn get_group<A: Groups>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
        let (mut parts, _) = request.into_parts();
        let principal = api.authenticate(&parts).await?;
        api.authorize(&principal, Capability::Read)?;
        let path: GetGroupPathParams = valid(path(&mut parts).await?)?;
        let response = api.get_group(&principal, path).await?;
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled.await.map_err(|error| A::explain(error, &GET_GROUP))
}

async fn leave_group<A: Groups>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &LEAVE_GROUP))
}

async fn list_group_members<A: Groups>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &LIST_GROUP_MEMBERS))
}

async fn list_groups<A: Groups>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &LIST_GROUPS))
}

async fn promote_group_member<A: Groups>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &PROMOTE_GROUP_MEMBER))
}

async fn remove_group_member<A: Groups>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &REMOVE_GROUP_MEMBER))
}

async fn update_group<A: Groups>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &UPDATE_GROUP))
}

async fn approve_group_requests<A: Joining>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &APPROVE_GROUP_REQUESTS))
}

async fn get_group_invite<A: Joining>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
        let (mut parts, _) = request.into_parts();
        let principal = api.authenticate(&parts).await?;
        api.authorize(&principal, Capability::Read)?;
        let path: GetGroupInvitePathParams = valid(path(&mut parts).await?)?;
        let response = api.get_group_invite(&principal, path).await?;
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &GET_GROUP_INVITE))
}

async fn join_group<A: Joining>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &JOIN_GROUP))
}

async fn list_group_requests<A: Joining>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
        let (mut parts, _) = request.into_parts();
        let principal = api.authenticate(&parts).await?;
        api.authorize(&principal, Capability::Read)?;
        let path: ListGroupRequestsPathParams = valid(path(&mut parts).await?)?;
        let response = api.list_group_requests(&principal, path).await?;
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &LIST_GROUP_REQUESTS))
}

async fn reject_group_requests<A: Joining>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &REJECT_GROUP_REQUESTS))
}

async fn revoke_group_invite<A: Joining>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &REVOKE_GROUP_INVITE))
}

async fn answer_session_passkey<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
        let (mut parts, body) = request.into_parts();
        let principal = api.authenticate(&parts).await?;
        api.authorize(&principal, Capability::Manage)?;
        let path: AnswerSessionPasskeyPathParams = valid(path(&mut parts).await?)?;
        let body: models::PasskeyAssertion = valid(required_body(&parts.headers, body).await?)?;
        let response = api.answer_session_passkey(&principal, path, body).await?;
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &ANSWER_SESSION_PASSKEY))
}

async fn confirm_session_passkey<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
        let (mut parts, _) = request.into_parts();
        let principal = api.authenticate(&parts).await?;
        api.authorize(&principal, Capability::Manage)?;
        let path: ConfirmSessionPasskeyPathParams = valid(path(&mut parts).await?)?;
        let response = api.confirm_session_passkey(&principal, path).await?;
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &CONFIRM_SESSION_PASSKEY))
}

async fn create_pairing_code<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
        let (mut parts, body) = request.into_parts();
        let principal = api.authenticate(&parts).await?;
        api.authorize(&principal, Capability::Manage)?;
        let path: CreatePairingCodePathParams = valid(path(&mut parts).await?)?;
        let body: models::CreatePairingCode = valid(required_body(&parts.headers, body).await?)?;
        let response = api.create_pairing_code(&principal, path, body).await?;
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &CREATE_PAIRING_CODE))
}

async fn create_session<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &CREATE_SESSION))
}

async fn delete_session<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
        let (mut parts, _) = request.into_parts();
        let principal = api.authenticate(&parts).await?;
        api.authorize(&principal, Capability::Manage)?;
        let path: DeleteSessionPathParams = valid(path(&mut parts).await?)?;
        let response = api.delete_session(&principal, path).await?;
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &DELETE_SESSION))
}

async fn get_session<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
        let (mut parts, _) = request.into_parts();
        let principal = api.authenticate(&parts).await?;
        api.authorize(&principal, Capability::Manage)?;
        let path: GetSessionPathParams = valid(path(&mut parts).await?)?;
        let response = api.get_session(&principal, path).await?;
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &GET_SESSION))
}

async fn get_session_passkey<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
        let (mut parts, _) = request.into_parts();
        let principal = api.authenticate(&parts).await?;
        api.authorize(&principal, Capability::Manage)?;
        let path: GetSessionPasskeyPathParams = valid(path(&mut parts).await?)?;
        let response = api.get_session_passkey(&principal, path).await?;
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &GET_SESSION_PASSKEY))
}

async fn get_session_qr<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &GET_SESSION_QR))
}

async fn list_sessions<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
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
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &LIST_SESSIONS))
}

async fn logout_session<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
        let (mut parts, _) = request.into_parts();
        let principal = api.authenticate(&parts).await?;
        api.authorize(&principal, Capability::Manage)?;
        let path: LogoutSessionPathParams = valid(path(&mut parts).await?)?;
        let response = api.logout_session(&principal, path).await?;
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &LOGOUT_SESSION))
}

async fn start_session<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
        let (mut parts, _) = request.into_parts();
        let principal = api.authenticate(&parts).await?;
        api.authorize(&principal, Capability::Manage)?;
        let path: StartSessionPathParams = valid(path(&mut parts).await?)?;
        let response = api.start_session(&principal, path).await?;
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &START_SESSION))
}

async fn stop_session<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
        let (mut parts, _) = request.into_parts();
        let principal = api.authenticate(&parts).await?;
        api.authorize(&principal, Capability::Manage)?;
        let path: StopSessionPathParams = valid(path(&mut parts).await?)?;
        let response = api.stop_session(&principal, path).await?;
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &STOP_SESSION))
}

async fn update_session<A: Sessions>(
    State(api): State<Arc<A>>,
    request: Request,
) -> Result<Response, A::Error> {
    let handled = async {
        let (mut parts, body) = request.into_parts();
        let principal = api.authenticate(&parts).await?;
        api.authorize(&principal, Capability::Manage)?;
        let path: UpdateSessionPathParams = valid(path(&mut parts).await?)?;
        let body: models::UpdateSession = valid(required_body(&parts.headers, body).await?)?;
        let response = api.update_session(&principal, path, body).await?;
        Ok::<Response, A::Error>(response.try_into()?)
    };
    handled
        .await
        .map_err(|error| A::explain(error, &UPDATE_SESSION))
}
