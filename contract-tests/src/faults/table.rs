//! Wrong statuses, shapes, headers and refusals, and what is let through, shown or left out.

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::{Value, json};

use super::Fault;

/// The first spoils nothing: it shows that the proxy is not what turns the suite red.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "none",
        what: "nothing",
        noticed_by: None,
        spoil: |_| {},
    },
    Fault {
        name: "wrong-status",
        what: "createSession answers 200 instead of 201",
        noticed_by: Some("credentials::every_operation_is_granted_to_whoever_has_its_capability"),
        spoil: |answer| {
            if answer.of("createSession", 201) {
                answer.status = StatusCode::OK;
            }
        },
    },
    Fault {
        name: "undeclared-status",
        what: "startSession answers 202, which the document does not have",
        noticed_by: Some("credentials::every_operation_is_granted_to_whoever_has_its_capability"),
        spoil: |answer| {
            if answer.of("startSession", 200) {
                answer.status = StatusCode::ACCEPTED;
            }
        },
    },
    Fault {
        name: "error-without-envelope",
        what: "an unknown group is told in another shape",
        noticed_by: Some("paths::what_does_not_exist_is_not_found"),
        spoil: |answer| {
            if answer.refused(404, "resource", "group") {
                answer.set(&json!({"message": "group not found"}));
            }
        },
    },
    Fault {
        name: "error-as-text",
        what: "415 is text/plain",
        noticed_by: Some("bodies::a_body_of_another_media_type_or_too_large_is_refused"),
        spoil: |answer| {
            if answer.status == 415 {
                answer.body = Bytes::from_static(b"Unsupported Media Type");
                answer.media("text/plain");
            }
        },
    },
    Fault {
        name: "error-without-details",
        what: "404 of a session leaves `details` out",
        noticed_by: Some("paths::what_does_not_exist_is_not_found"),
        spoil: |answer| {
            if answer.refused(404, "resource", "session") {
                answer
                    .edit(|body| drop(body["error"].as_object_mut().map(|e| e.remove("details"))));
            }
        },
    },
    Fault {
        name: "code-of-another-status",
        what: "400 carries the code `not_found`",
        noticed_by: Some("paths::a_malformed_group_jid_is_refused"),
        spoil: |answer| {
            if answer.status == 400 {
                answer.edit(|body| body["error"]["code"] = json!("not_found"));
            }
        },
    },
    Fault {
        name: "no-content-announces-some",
        what: "204 names a content type",
        noticed_by: Some("add_members::people_are_added"),
        spoil: |answer| {
            if answer.status == 204 {
                answer.media("application/json");
            }
        },
    },
    Fault {
        name: "no-content-with-a-body",
        what: "addGroupMembers answers 200 with a body instead of 204",
        noticed_by: Some("add_members::people_are_added"),
        spoil: |answer| {
            if answer.of("addGroupMembers", 204) {
                answer.status = StatusCode::OK;
                answer.set(&json!({}));
            }
        },
    },
    Fault {
        name: "required-field-missing",
        what: "getSession leaves `updatedAt` out",
        noticed_by: Some("pairing::start_and_stop_keep_the_pairing"),
        spoil: |answer| {
            if answer.of("getSession", 200) {
                answer.edit(|body| drop(body.as_object_mut().map(|body| body.remove("updatedAt"))));
            }
        },
    },
    Fault {
        name: "undeclared-value",
        what: "a stopped session has the status `idle`",
        noticed_by: Some("pairing::start_and_stop_keep_the_pairing"),
        spoil: |answer| {
            if answer.of("stopSession", 200) {
                answer.edit(|body| body["status"] = json!("idle"));
            }
        },
    },
    Fault {
        name: "wrong-content-type",
        what: "listSessions is text/html",
        noticed_by: Some("tenancy::organizations_see_their_own"),
        spoil: |answer| {
            if answer.of("listSessions", 200) {
                answer.media("text/html");
            }
        },
    },
    Fault {
        name: "cursor-of-another-type",
        what: "`nextCursor` is 0 where it should be null",
        noticed_by: Some("directory::lists_come_in_pages"),
        spoil: |answer| {
            if answer.status == 200 {
                answer.edit(|body| {
                    if body.get("nextCursor") == Some(&Value::Null) {
                        body["nextCursor"] = json!(0);
                    }
                });
            }
        },
    },
    Fault {
        name: "allow-missing",
        what: "405 comes without Allow",
        noticed_by: Some("paths::unknown_routes_and_methods_are_refused"),
        spoil: |answer| {
            if answer.status == 405 {
                answer.headers.remove(ALLOW);
            }
        },
    },
    Fault {
        name: "challenge-missing",
        what: "401 comes without WWW-Authenticate",
        noticed_by: Some("credentials::every_operation_needs_a_credential"),
        spoil: |answer| {
            answer.headers.remove(WWW_AUTHENTICATE);
        },
    },
    Fault {
        name: "retry-after-missing",
        what: "429 and 503 come without Retry-After",
        noticed_by: Some("refusals::whatsapp_s_refusals_are_translated"),
        spoil: |answer| {
            answer.headers.remove(RETRY_AFTER);
        },
    },
    Fault {
        name: "internal-for-not-found",
        what: "an unknown session is 500",
        noticed_by: Some("paths::what_does_not_exist_is_not_found"),
        spoil: |answer| {
            if answer.refused(404, "resource", "session") {
                answer.status = StatusCode::INTERNAL_SERVER_ERROR;
                answer.edit(|body| body["error"]["code"] = json!("internal"));
            }
        },
    },
    Fault {
        name: "auth-skipped",
        what: "stopSession asks for no credential",
        noticed_by: Some("credentials::every_operation_needs_a_credential"),
        spoil: |answer| {
            answer.as_owner = answer.of("stopSession", 401);
        },
    },
    Fault {
        name: "capability-skipped",
        what: "listGroups asks for no capability",
        noticed_by: Some("credentials::every_operation_needs_its_capability"),
        spoil: |answer| {
            answer.as_owner = answer.of("listGroups", 403);
        },
    },
    Fault {
        name: "foreign-session-visible",
        what: "getSession gives other organizations' sessions",
        noticed_by: Some("tenancy::a_foreign_session_looks_like_none"),
        spoil: |answer| {
            answer.as_owner = answer.of("getSession", 404);
        },
    },
    Fault {
        name: "empty-list-accepted",
        what: "addGroupMembers takes an empty list",
        noticed_by: Some("bodies::an_empty_participant_list_is_refused"),
        spoil: |answer| {
            if answer.of("addGroupMembers", 400) && answer.violates("participants", "required") {
                answer.clear();
            }
        },
    },
    Fault {
        name: "malformed-jid-accepted",
        what: "addGroupMembers takes JIDs that are none",
        noticed_by: Some("bodies::malformed_jids_are_named"),
        spoil: |answer| {
            if answer.of("addGroupMembers", 400) && answer.violates("participants[0]", "pattern") {
                answer.clear();
            }
        },
    },
    Fault {
        name: "failure-hidden",
        what: "addGroupMembers answers 204 where the session is not connected",
        noticed_by: Some("refusals::a_session_that_is_not_connected_says_how_it_stands"),
        spoil: |answer| {
            if answer.of("addGroupMembers", 501) {
                answer.clear();
            }
        },
    },
    Fault {
        name: "role-skipped",
        what: "addGroupMembers answers 204 where the account is no admin",
        noticed_by: Some("refusals::who_is_no_admin_is_refused"),
        spoil: |answer| {
            if answer.refused(403, "reason", "not_group_admin") {
                answer.clear();
            }
        },
    },
    Fault {
        name: "reason-hidden",
        what: "getSession never says why",
        noticed_by: Some("status::what_does_not_pass_is_told"),
        spoil: |answer| {
            if answer.of("getSession", 200) {
                answer.edit(|body| body["statusReason"] = Value::Null);
            }
        },
    },
    Fault {
        name: "retry-hidden",
        what: "getSession never says when it is tried again",
        noticed_by: Some("status::an_outdated_client_waits_or_is_started"),
        spoil: |answer| {
            if answer.of("getSession", 200) {
                answer.edit(|body| body["retryAt"] = Value::Null);
            }
        },
    },
    Fault {
        name: "reason-of-no-code-hidden",
        what: "getSessionQr does not say why there is no code",
        noticed_by: Some("status::asking_for_a_code_dials_no_faster"),
        spoil: |answer| {
            if answer.of("getSessionQr", 404) {
                answer.edit(|body| body["error"]["details"] = json!({"resource": "qr"}));
            }
        },
    },
    Fault {
        name: "strangers-hidden",
        what: "addGroupMembers does not say who is not on WhatsApp",
        noticed_by: Some("odd_answers::an_add_that_one_number_spoils_names_it"),
        spoil: |answer| {
            if answer.of("addGroupMembers", 502) {
                answer.edit(|body| body["error"]["details"] = json!({"upstreamCode": 400}));
            }
        },
    },
    Fault {
        name: "passkey-code-hidden",
        what: "answerSessionPasskey does not tell the code to compare",
        noticed_by: Some("passkey::a_scanned_code_links_with_the_passkey"),
        spoil: |answer| {
            if answer.of("answerSessionPasskey", 200) {
                answer.edit(|body| body["passkeyCode"] = Value::Null);
            }
        },
    },
    Fault {
        name: "key-reuse-hidden",
        what: "addGroupMembers answers 204 where another request had its key",
        noticed_by: Some("idempotency::a_key_is_one_request_s_in_one_organization"),
        spoil: |answer| {
            if answer.of("addGroupMembers", 409) {
                answer.clear();
            }
        },
    },
    Fault {
        name: "budget-hidden",
        what: "addGroupMembers does not say that the budget is spent",
        noticed_by: Some("limits::a_budget_lets_through_so_many"),
        spoil: |answer| {
            if answer.of("addGroupMembers", 429) {
                answer.edit(|body| body["error"]["details"] = json!({}));
            }
        },
    },
    Fault {
        name: "part-of-an-update-hidden",
        what: "updateGroup does not say what was done before it failed",
        noticed_by: Some("group_acts::what_is_given_of_a_group_changes_and_nothing_else"),
        spoil: |answer| {
            if answer.of("updateGroup", 502) {
                answer.edit(|body| body["error"]["details"]["applied"] = json!([]));
            }
        },
    },
    Fault {
        name: "hold-hidden",
        what: "getAddition never says what it waits for",
        noticed_by: Some("additions::people_are_added_a_few_at_a_time_with_pauses"),
        spoil: |answer| {
            if answer.of("getAddition", 200) {
                answer.edit(|body| body["addition"]["holdReason"] = Value::Null);
            }
        },
    },
    Fault {
        name: "invitation-hidden",
        what: "addGroupMembers does not say that somebody was invited",
        noticed_by: Some("invitations::who_is_declined_is_invited_and_followed"),
        spoil: |answer| {
            if answer.of("addGroupMembers", 200) {
                answer.edit(|body| {
                    for person in body["data"].as_array_mut().into_iter().flatten() {
                        if person["outcome"] == "invited" {
                            person["outcome"] = json!("invite_required");
                        }
                    }
                });
            }
        },
    },
    Fault {
        name: "key-beyond-own-made",
        what: "createApiKey makes keys that can do more than who makes them",
        noticed_by: Some("api_keys::nobody_makes_a_key_that_can_do_more"),
        spoil: |answer| {
            answer.as_owner = answer.of("createApiKey", 403);
        },
    },
    Fault {
        name: "key-that-outlives-made",
        what: "createApiKey makes keys that end later than the one that makes them",
        noticed_by: Some("api_keys::a_key_makes_none_that_outlives_it"),
        spoil: |answer| {
            answer.as_owner =
                answer.of("createApiKey", 400) && answer.violates("expiresAt", "own_end");
        },
    },
    Fault {
        name: "key-limit-hidden",
        what: "createApiKey does not say that it is the organization's keys that are too many",
        noticed_by: Some("api_keys::an_organization_has_so_many_live_keys"),
        spoil: |answer| {
            if answer.of("createApiKey", 429) {
                answer.edit(|body| body["error"]["details"] = json!({}));
            }
        },
    },
    Fault {
        name: "foreign-key-visible",
        what: "getApiKey gives other organizations' keys",
        noticed_by: Some("tenancy::a_foreign_api_key_looks_like_none"),
        spoil: |answer| {
            answer.as_owner = answer.of("getApiKey", 404);
        },
    },
    Fault {
        name: "revoked-key-accepted",
        what: "listSessions takes a key that is revoked",
        noticed_by: Some("api_keys::a_revoked_key_is_refused_at_once"),
        spoil: |answer| {
            answer.as_owner = answer.of("listSessions", 401);
        },
    },
    Fault {
        name: "route-hidden",
        what: "the 404 of a path that is nearly right does not say which was meant",
        noticed_by: Some("paths::a_path_that_is_nearly_right_is_named"),
        spoil: |answer| {
            if answer.refused(404, "resource", "route") {
                answer.edit(|body| body["error"]["details"] = json!({"resource": "route"}));
            }
        },
    },
    Fault {
        name: "groups-not-forgotten",
        what: "listGroups lists the groups of an account that is logged out",
        noticed_by: Some("forgetting::nothing_of_an_account_is_listed_after_it"),
        spoil: |answer| {
            if answer.of("listGroups", 200) && answer.json()["data"] == json!([]) {
                answer.edit(|body| body["data"] = json!([group()]));
            }
        },
    },
];

/// A group as listGroups gives it.
fn group() -> Value {
    json!({
        "groupJid": "120363041234567890@g.us", "subject": null, "description": null, "ownerJid": null, "isAnnounce": false,
        "isLocked": false, "participantCount": 1, "createdAtWa": null, "firstSeenAt": 0, "updatedAt": 0,
    })
}
