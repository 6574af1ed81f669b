//! The operations on additions.

use gateway_api::apis::additions::*;
use gateway_api::models;

use super::Api;
use super::actions::{person, requested_by};
use super::acts::{Request, many, wish};
use super::groups::group_jid;
use crate::additions::Addition;
use crate::auth::Principal;
use crate::error::Error;
use crate::sessions::Asker;

impl Additions for Api {
    async fn list_additions(
        &self,
        principal: &Principal,
        path: ListAdditionsPathParams,
        query: ListAdditionsQueryParams,
    ) -> Result<ListAdditionsResponse, Error> {
        let gid = group_jid(&path.gid)?;
        let before = query.cursor.as_ref().map(|cursor| cursor.0.as_str());
        let session = self.session(principal, &path.session)?;
        let page = self.additions.list(&session, &gid, before, query.limit);
        let page = page.await?;
        Ok(ListAdditionsResponse::Status200(models::AdditionList {
            data: page.items.into_iter().map(addition).collect(),
            next_cursor: page.next.map(|id| id.to_string()),
        }))
    }

    async fn create_addition(
        &self,
        principal: &Principal,
        path: CreateAdditionPathParams,
        headers: CreateAdditionHeaderParams,
        body: models::CreateAddition,
    ) -> Result<CreateAdditionResponse, Error> {
        let at = (&path.session, &path.gid);
        let Asker { caller, key, .. } =
            Request::new("createAddition", at, &body).by(principal, headers.idempotency_key);
        let gid = group_jid(&path.gid)?;
        let names = body.participants.iter().flatten().map(|name| &name.0);
        let people = many(names, |name| self.new_member(name))?;
        let pace = body.pace.map(wish).unwrap_or_default();
        let session = self.session(principal, &path.session)?;
        let created = self
            .additions
            .create(
                &session,
                &gid,
                people.into_vec(),
                (pace, body.invite_declined),
                caller,
                key,
            )
            .await?;
        Ok(CreateAdditionResponse::Status202 {
            location: format!(
                "/api/v1/sessions/{}/groups/{gid}/additions/{}",
                session.id(),
                created.record.id
            ),
            body: addition(created),
        })
    }

    async fn get_addition(
        &self,
        principal: &Principal,
        path: GetAdditionPathParams,
    ) -> Result<GetAdditionResponse, Error> {
        let gid = group_jid(&path.gid)?;
        let session = self.session(principal, &path.session)?;
        let progress = self.additions.progress(&session, &gid, &path.addition);
        let (record, people) = progress.await?;
        Ok(GetAdditionResponse::Status200(models::AdditionProgress {
            addition: addition(record),
            data: people.into_iter().map(person).collect(),
        }))
    }

    async fn cancel_addition(
        &self,
        principal: &Principal,
        path: CancelAdditionPathParams,
    ) -> Result<CancelAdditionResponse, Error> {
        let gid = group_jid(&path.gid)?;
        let session = self.session(principal, &path.session)?;
        let canceled = self.additions.cancel(&session, &gid, &path.addition);
        Ok(CancelAdditionResponse::Status202(addition(canceled.await?)))
    }
}

fn addition(Addition { record, hold }: Addition) -> models::Addition {
    models::Addition {
        id: record.id.to_string(),
        group_jid: record.gid.to_string(),
        status: record.status.as_str().to_owned().into(),
        hold_reason: hold.map(|hold| hold.reason.as_str().to_owned().into()),
        hold_until: hold.and_then(|hold| hold.until),
        error_code: record.error.map(|code| code.as_str().to_owned()),
        total: i32::try_from(record.total).unwrap_or(i32::MAX),
        done: i32::try_from(record.done).unwrap_or(i32::MAX),
        requested_by: requested_by(record.caller),
        created_at: record.created_at,
        completed_at: record.completed_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::additions::HoldReason;
    use crate::store::AdditionStatus;

    #[test]
    fn statuses_and_reasons_are_spelled_alike() {
        let ours = AdditionStatus::ALL.iter().map(|status| status.as_str());
        let documented = models::AdditionStatus::ALL.iter();
        assert!(ours.eq(documented.map(models::AdditionStatus::as_str)));
        let ours = HoldReason::ALL.iter().map(|reason| reason.as_str());
        let documented = models::HoldReason::ALL.iter();
        assert!(ours.eq(documented.map(models::HoldReason::as_str)));
    }
}
