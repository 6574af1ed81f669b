//! The operations on sessions.

use gateway_api::apis::sessions::*;
use gateway_api::models;

use super::acts::{Request, wish};
use super::{Api, passkey, qr};
use crate::auth::Principal;
use crate::error::Error;
use crate::pace::{AddLimits, PaceWish};
use crate::sessions::OwnedSession;
use crate::store::{SessionRecord, Status};

impl Sessions for Api {
    async fn list_sessions(
        &self,
        principal: &Principal,
        query: ListSessionsQueryParams,
    ) -> Result<ListSessionsResponse, Error> {
        let after = query.cursor.as_ref().map(|cursor| cursor.0.as_str());
        let page = self
            .sessions
            .list(&principal.organization_id, after, query.limit);
        Ok(ListSessionsResponse::Status200(models::SessionList {
            data: page
                .items
                .into_iter()
                .map(|record| self.shown(principal, record))
                .collect(),
            next_cursor: page.next.map(|id| id.to_string()),
        }))
    }

    async fn create_session(
        &self,
        principal: &Principal,
        headers: CreateSessionHeaderParams,
        body: Option<models::CreateSession>,
    ) -> Result<CreateSessionResponse, Error> {
        let (label, start) = body.map_or((None, false), |body| (body.label, body.start));
        let wanted = (&label, start);
        let request = Request::new("createSession", (), &wanted);
        let key = headers.idempotency_key;
        let key = key.map(|key| request.key(principal, key));
        let record = self
            .sessions
            .create(
                &principal.organization_id,
                principal.user_id.as_deref(),
                label,
                start,
                key,
            )
            .await?;
        Ok(CreateSessionResponse::Status201(
            self.shown(principal, record),
        ))
    }

    async fn get_session(
        &self,
        principal: &Principal,
        path: GetSessionPathParams,
    ) -> Result<GetSessionResponse, Error> {
        let record = self.session(principal, &path.session)?.record();
        Ok(GetSessionResponse::Status200(self.shown(principal, record)))
    }

    async fn update_session(
        &self,
        principal: &Principal,
        path: UpdateSessionPathParams,
        body: models::UpdateSession,
    ) -> Result<UpdateSessionResponse, Error> {
        let session = self.session(principal, &path.session)?;
        if let Some(limits) = body.limits {
            session.limit(add_limits(limits)).await?;
        }
        let record = match body.label {
            Some(label) => {
                session
                    .label(Some(label).filter(|label| !label.is_empty()))
                    .await?
            }
            None => session.record(),
        };
        Ok(UpdateSessionResponse::Status200(
            self.shown(principal, record),
        ))
    }

    async fn delete_session(
        &self,
        principal: &Principal,
        path: DeleteSessionPathParams,
    ) -> Result<DeleteSessionResponse, Error> {
        self.session(principal, &path.session)?.delete().await?;
        Ok(DeleteSessionResponse::Status204)
    }

    async fn start_session(
        &self,
        principal: &Principal,
        path: StartSessionPathParams,
    ) -> Result<StartSessionResponse, Error> {
        let record = self.session(principal, &path.session)?.start().await?;
        Ok(StartSessionResponse::Status200(
            self.shown(principal, record),
        ))
    }

    async fn stop_session(
        &self,
        principal: &Principal,
        path: StopSessionPathParams,
    ) -> Result<StopSessionResponse, Error> {
        let record = self.session(principal, &path.session)?.stop().await?;
        Ok(StopSessionResponse::Status200(
            self.shown(principal, record),
        ))
    }

    async fn logout_session(
        &self,
        principal: &Principal,
        path: LogoutSessionPathParams,
    ) -> Result<LogoutSessionResponse, Error> {
        let record = self.session(principal, &path.session)?.logout().await?;
        Ok(LogoutSessionResponse::Status200(
            self.shown(principal, record),
        ))
    }

    async fn get_session_qr(
        &self,
        principal: &Principal,
        path: GetSessionQrPathParams,
        accept: GetSessionQrAccept,
    ) -> Result<GetSessionQrResponse, Error> {
        let code = self.session(principal, &path.session)?.qr().await?;
        Ok(match accept {
            GetSessionQrAccept::ApplicationJson => {
                GetSessionQrResponse::Status200ApplicationJson(models::PairingQr {
                    code: code.code,
                    expires_at: code.expires_at,
                })
            }
            GetSessionQrAccept::ImagePng => {
                GetSessionQrResponse::Status200ImagePng(qr::png(&code.code)?)
            }
            GetSessionQrAccept::TextPlain => {
                GetSessionQrResponse::Status200TextPlain(qr::text(&code.code)?)
            }
        })
    }

    async fn create_pairing_code(
        &self,
        principal: &Principal,
        path: CreatePairingCodePathParams,
        body: models::CreatePairingCode,
    ) -> Result<CreatePairingCodeResponse, Error> {
        let session = self.session(principal, &path.session)?;
        let code = session.pairing_code(body.phone.0).await?;
        Ok(CreatePairingCodeResponse::Status200(models::PairingCode {
            code: code.code,
            expires_at: code.expires_at,
        }))
    }

    async fn get_session_passkey(
        &self,
        principal: &Principal,
        path: GetSessionPasskeyPathParams,
    ) -> Result<GetSessionPasskeyResponse, Error> {
        let request = self.session(principal, &path.session)?.passkey()?;
        Ok(GetSessionPasskeyResponse::Status200(
            models::PasskeyRequest {
                public_key: request.public_key,
                origin: request.origin.to_owned(),
                expires_at: request.expires_at,
            },
        ))
    }

    async fn answer_session_passkey(
        &self,
        principal: &Principal,
        path: AnswerSessionPasskeyPathParams,
        body: models::PasskeyAssertion,
    ) -> Result<AnswerSessionPasskeyResponse, Error> {
        let assertion = passkey::assertion(&body)?;
        let session = self.session(principal, &path.session)?;
        let record = session.answer_passkey(assertion).await?;
        Ok(AnswerSessionPasskeyResponse::Status200(
            self.shown(principal, record),
        ))
    }

    async fn confirm_session_passkey(
        &self,
        principal: &Principal,
        path: ConfirmSessionPasskeyPathParams,
    ) -> Result<ConfirmSessionPasskeyResponse, Error> {
        let session = self.session(principal, &path.session)?;
        let record = session.confirm_passkey().await?;
        Ok(ConfirmSessionPasskeyResponse::Status200(
            self.shown(principal, record),
        ))
    }
}

impl Api {
    /// The session of the document: its record, and the code to compare, which is not stored.
    fn shown(&self, principal: &Principal, record: SessionRecord) -> models::Session {
        let own = self.session(principal, record.id.as_str()).ok();
        let passkey_code = match record.status {
            Status::PasskeyRequired => own.as_ref().and_then(OwnedSession::passkey_code),
            _ => None,
        };
        let limits = own.map(|session| session.limits()).unwrap_or_default();
        session(record, passkey_code, limits)
    }
}

fn session(
    record: SessionRecord,
    passkey_code: Option<String>,
    limits: AddLimits,
) -> models::Session {
    models::Session {
        id: record.id.to_string(),
        label: record.label,
        status: record.status.as_str().to_owned().into(),
        status_reason: record
            .status_reason
            .map(|reason| reason.as_str().to_owned().into()),
        status_detail: record.status_detail,
        status_changed_at: record.status_changed_at,
        retry_at: record.retry_at,
        passkey_code,
        limits: session_limits(limits),
        organization_id: record.organization_id,
        created_by_user_id: record.created_by_user_id,
        phone_number: record.phone_number,
        wa_jid: record.wa_jid,
        wa_lid: record.wa_lid,
        created_at: record.created_at,
        updated_at: record.updated_at,
        last_connected_at: record.last_connected_at,
    }
}

fn session_limits(limits: AddLimits) -> models::SessionLimits {
    let pace = limits.pace;
    models::SessionLimits {
        adds_per_hour: limits.per_hour,
        adds_per_day: limits.per_day,
        pace: Some(models::Pace {
            batch: pace.batch,
            min_pause_seconds: pace.min_pause,
            max_pause_seconds: pace.max_pause,
            per_hour: pace.per_hour,
            per_day: pace.per_day,
        })
        .filter(|_| pace != PaceWish::default()),
    }
}

fn add_limits(limits: models::SessionLimits) -> AddLimits {
    AddLimits {
        per_hour: limits.adds_per_hour,
        per_day: limits.adds_per_day,
        pace: limits.pace.map(wish).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StatusReason;

    #[test]
    fn statuses_and_reasons_are_spelled_alike() {
        let ours = Status::ALL.iter().map(|status| status.as_str());
        let documented = models::SessionStatus::ALL.iter();
        assert!(ours.eq(documented.map(models::SessionStatus::as_str)));
        let ours = StatusReason::ALL.iter().map(|reason| reason.as_str());
        let documented = models::StatusReason::ALL.iter();
        assert!(ours.eq(documented.map(models::StatusReason::as_str)));
    }

    /// Of an open set: another version may have more words.
    #[test]
    fn a_word_that_nobody_knows_is_kept() {
        for (word, known) in [("\"working\"", true), ("\"teleporting\"", false)] {
            let status: models::SessionStatus = serde_json::from_str(word).expect("a status");
            assert_eq!(models::SessionStatus::ALL.contains(&status), known);
            assert_eq!(serde_json::to_string(&status).expect("JSON"), word);
        }
    }
}
