//! The operations on actions.

use gateway_api::apis::actions::*;
use gateway_api::models;

use super::Api;
use super::groups::group_jid;
use crate::actions;
use crate::auth::Principal;
use crate::error::Error;
use crate::group::PersonOutcome;
use crate::jid::ActionId;
use crate::page::Page;
use crate::store::{ActionFilter, ActionRecord, Caller};

impl Actions for Api {
    async fn list_actions(
        &self,
        principal: &Principal,
        path: ListActionsPathParams,
        query: ListActionsQueryParams,
    ) -> Result<ListActionsResponse, Error> {
        let filter = ActionFilter {
            gid: query.group.as_ref().map(group_jid).transpose()?,
            operation: query.operation,
            person: None,
            from: query.from,
            before: query.before,
        };
        let before = query.cursor.as_ref().map(|cursor| cursor.0.as_str());
        let session = self.session(principal, &path.session)?;
        let page = actions::list(&session, &filter, before, query.limit).await?;
        Ok(ListActionsResponse::Status200(list(page)))
    }

    async fn search_actions(
        &self,
        principal: &Principal,
        path: SearchActionsPathParams,
        query: SearchActionsQueryParams,
        body: models::OnePerson,
    ) -> Result<SearchActionsResponse, Error> {
        let filter = ActionFilter {
            person: Some(body.participant.0),
            ..ActionFilter::default()
        };
        let before = query.cursor.as_ref().map(|cursor| cursor.0.as_str());
        let session = self.session(principal, &path.session)?;
        let page = actions::list(&session, &filter, before, query.limit).await?;
        Ok(SearchActionsResponse::Status200(list(page)))
    }

    async fn get_action(
        &self,
        principal: &Principal,
        path: GetActionPathParams,
    ) -> Result<GetActionResponse, Error> {
        let session = self.session(principal, &path.session)?;
        let record = actions::get(&session, &path.action).await?;
        Ok(GetActionResponse::Status200(action(record)))
    }

    async fn erase_from_actions(
        &self,
        principal: &Principal,
        path: EraseFromActionsPathParams,
        body: models::OnePerson,
    ) -> Result<EraseFromActionsResponse, Error> {
        let session = self.session(principal, &path.session)?;
        actions::erase(&session, &body.participant.0).await?;
        Ok(EraseFromActionsResponse::Status204)
    }
}

fn list(page: Page<ActionRecord, ActionId>) -> models::ActionList {
    models::ActionList {
        data: page.items.into_iter().map(action).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    }
}

fn action(record: ActionRecord) -> models::Action {
    models::Action {
        id: record.id.to_string(),
        operation: record.operation.as_str().to_owned(),
        group_jid: record.gid.map(|gid| gid.to_string()),
        changes: (!record.changes.is_empty()).then_some(record.changes),
        requested_by: requested_by(record.caller),
        status: record.status.as_str().to_owned().into(),
        error_code: record.error.map(|error| error.code.as_str().to_owned()),
        upstream_code: record.upstream_code.map(i32::from),
        people: record.people.into_iter().map(person).collect(),
        created_at: record.created_at,
        completed_at: record.completed_at,
    }
}

/// Who asked, as the document has it.
pub(super) fn requested_by(caller: Caller) -> models::ActionCaller {
    let (api_key_id, user_id) = match caller {
        Caller::ApiKey(id) => (Some(id), None),
        Caller::User(id) => (None, id),
    };
    models::ActionCaller {
        api_key_id,
        user_id,
    }
}

/// What became of one person, as the document has it.
pub(super) fn person(person: PersonOutcome) -> models::PersonOutcome {
    models::PersonOutcome {
        participant: person.participant.to_string(),
        jid: person.jid.map(|jid| jid.to_string()),
        lid: person.lid.map(|lid| lid.to_string()),
        outcome: person.outcome.as_str().to_owned().into(),
        upstream_code: person.upstream_code.map(i32::from),
        invite: person.invite.map(|invite| models::Invitation {
            state: invite.state.as_str().to_owned().into(),
            expires_at: invite.expires_at,
            reason: invite
                .reason
                .map(|reason| reason.as_str().to_owned().into()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::{InvitationReason, InvitationState, Outcome};
    use crate::store::ActionStatus;

    #[test]
    fn statuses_and_outcomes_are_spelled_alike() {
        let ours = ActionStatus::ALL.iter().map(|status| status.as_str());
        let documented = models::ActionStatus::ALL.iter();
        assert!(ours.eq(documented.map(models::ActionStatus::as_str)));
        let ours = InvitationState::ALL.iter().map(|state| state.as_str());
        let documented = models::InvitationState::ALL.iter();
        assert!(ours.eq(documented.map(models::InvitationState::as_str)));
        let ours = InvitationReason::ALL.iter().map(|reason| reason.as_str());
        let documented = models::InvitationReason::ALL.iter();
        assert!(ours.eq(documented.map(models::InvitationReason::as_str)));
        let ours = Outcome::ALL.iter().map(|outcome| outcome.as_str());
        let documented = models::Outcome::ALL.iter();
        assert!(ours.eq(documented.map(models::Outcome::as_str)));
    }
}
