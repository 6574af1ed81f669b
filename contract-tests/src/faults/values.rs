//! Wrong values: one value of one kind of object is another one wherever it is shown, in a shape that the document allows. The
//! judge lets that pass, so a test has to look at the value itself.

use serde_json::{Map, Value, json};

use super::{Answer, Fault};
use crate::document::Document;

/// Values by the test that looks at them.
macro_rules! values {
    ($($noticed_by:literal: $($schema:ident.$property:ident),+;)+) => {
        &[$($(Fault {
            name: concat!(stringify!($schema), ".", stringify!($property)),
            what: concat!("every `", stringify!($property), "` of a ", stringify!($schema), " is another one"),
            noticed_by: Some($noticed_by),
            spoil: |answer| falsify(answer, stringify!($schema), stringify!($property)),
        }),+),+]
    };
}

/// One for every value that an answer of success has, but for the words out of a set.
pub const VALUES: &[Fault] = values! {
    "actions::actions_are_listed_searched_and_erased":
        Action.completedAt, Action.createdAt, Action.groupJid, Action.id, Action.operation,
        ActionList.nextCursor;
    "additions::an_addition_is_canceled_and_the_next_goes_on":
        AdditionList.nextCursor;
    "additions::an_addition_that_can_t_go_on_says_why":
        Addition.errorCode;
    "additions::people_are_added_a_few_at_a_time_with_pauses":
        Addition.completedAt, Addition.createdAt, Addition.done, Addition.groupJid, Addition.holdUntil, Addition.id,
        Addition.total;
    "additions::a_caller_and_a_session_can_slow_it_down":
        Pace.batch, Pace.maxPauseSeconds, Pace.minPauseSeconds, Pace.perDay, Pace.perHour;
    "group_acts::a_group_is_joined_by_its_link":
        JoinRequest.groupJid;
    "group_acts::a_group_is_made_with_whoever_can_be_added":
        CreatedGroup.createdAtWa, CreatedGroup.firstSeenAt, CreatedGroup.groupJid,
        CreatedGroup.isAnnounce, CreatedGroup.isLocked, CreatedGroup.ownerJid, CreatedGroup.participantCount,
        CreatedGroup.subject, CreatedGroup.updatedAt;
    "group_acts::requests_to_join_are_listed_and_decided":
        GroupRequest.jid, GroupRequest.lid, GroupRequest.requestedAt;
    "group_acts::the_invitation_link_is_told_and_replaced":
        GroupInvite.invite;
    "invitations::who_is_declined_is_invited_and_followed":
        Invitation.expiresAt;
    "limits::a_budget_lets_through_so_many":
        SessionLimits.addsPerDay, SessionLimits.addsPerHour;
    "actions::the_record_names_who_asked":
        ActionCaller.apiKeyId, ActionCaller.userId;
    "actions::what_became_of_each_person_is_told":
        ActionResult.action, PersonOutcome.jid, PersonOutcome.lid, PersonOutcome.participant,
        PersonOutcome.upstreamCode;
    "refusals::whatsapp_s_refusals_are_translated":
        Action.errorCode, Action.upstreamCode;
    "api_keys::a_key_is_made_shown_and_used":
        ApiKey.createdAt, ApiKey.expiresAt, ApiKey.id, ApiKey.lastUsedAt, ApiKey.name,
        CreatedApiKey.createdAt, CreatedApiKey.expiresAt, CreatedApiKey.id, CreatedApiKey.name, CreatedApiKey.token;
    "api_keys::a_revoked_key_is_refused_at_once":
        ApiKey.revokedAt;
    "api_keys::keys_come_in_pages_oldest_first":
        ApiKeyList.nextCursor;
    "directory::groups_are_listed_as_whatsapp_describes_them":
        Group.createdAtWa, Group.description, Group.firstSeenAt, Group.groupJid, Group.isAnnounce,
        Group.isLocked, Group.ownerJid, Group.participantCount, Group.subject, Group.updatedAt,
        Member.firstSeenAt, Member.jid, Member.lastSeenAt, Member.lid;
    "directory::lists_come_in_pages":
        GroupList.nextCursor, MemberList.nextCursor;
    "pairing::a_session_is_paired_by_code":
        PairingCode.code, PairingCode.expiresAt;
    "pairing::a_session_is_paired_by_qr":
        PairingQr.code, PairingQr.expiresAt, Session.createdAt, Session.id, Session.lastConnectedAt,
        Session.phoneNumber, Session.updatedAt, Session.waJid, Session.waLid;
    "passkey::a_scanned_code_links_with_the_passkey":
        PasskeyRequest.expiresAt, PasskeyRequest.origin, Session.passkeyCode;
    "jwt::the_claims_say_who_it_is":
        Session.createdByUserId, Session.organizationId;
    "pairing::a_session_that_starts_at_once_soon_has_a_code":
        Session.label;
    "status::an_outdated_client_waits_or_is_started":
        Session.retryAt;
    "status::an_outage_is_told_and_start_dials_at_once":
        Session.statusChangedAt;
    "status::what_does_not_pass_is_told":
        Session.statusDetail;
    "tenancy::organizations_see_their_own":
        SessionList.nextCursor;
};

/// Values that are null in every answer of today, so that there is nothing to falsify; the tests of their operations hold
/// them to that.
pub const ALWAYS_NULL: &[&str] = &[
    "CreatedApiKey.lastUsedAt",
    "CreatedApiKey.revokedAt",
    "CreatedGroup.description",
    "GroupRequestList.nextCursor",
];

/// Puts another value in place of this one in every such object. What is null stays so.
fn falsify(answer: &mut Answer, schema: &str, property: &str) {
    let mut shapes = Document::get().shapes(answer.operation);
    let Some((_, shape)) = shapes.find(|(name, _)| *name == schema) else {
        return;
    };
    answer.edit(|body| {
        objects(body, &mut |object| {
            if shape.fits(object) {
                object
                    .entry(property)
                    .and_modify(|value| *value = another(value));
            }
        });
    });
}

fn objects(node: &mut Value, each: &mut impl FnMut(&mut Map<String, Value>)) {
    match node {
        Value::Object(object) => {
            each(object);
            object.values_mut().for_each(|value| objects(value, each));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| objects(item, each)),
        _ => {}
    }
}

fn another(value: &Value) -> Value {
    match value {
        Value::Number(_) => json!(0),
        Value::Bool(told) => json!(!told),
        Value::String(_) => json!("x"),
        _ => value.clone(),
    }
}
