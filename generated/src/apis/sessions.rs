//! Sessions: Linked WhatsApp accounts and the pairing that links them.

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

/// What the path of [`Sessions::answer_session_passkey`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct AnswerSessionPasskeyPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
}

/// How [`Sessions::answer_session_passkey`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum AnswerSessionPasskeyResponse {
    /// The session, with the code to compare.
    Status200(models::Session),
}

impl TryFrom<AnswerSessionPasskeyResponse> for Response {
    type Error = Rejection;

    fn try_from(response: AnswerSessionPasskeyResponse) -> Result<Self, Rejection> {
        Ok(match response {
            AnswerSessionPasskeyResponse::Status200(body) => {
                (status::S200, Json(body)).into_response()
            }
        })
    }
}

/// What the path of [`Sessions::confirm_session_passkey`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct ConfirmSessionPasskeyPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
}

/// How [`Sessions::confirm_session_passkey`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum ConfirmSessionPasskeyResponse {
    /// The session, about to be linked.
    Status200(models::Session),
}

impl TryFrom<ConfirmSessionPasskeyResponse> for Response {
    type Error = Rejection;

    fn try_from(response: ConfirmSessionPasskeyResponse) -> Result<Self, Rejection> {
        Ok(match response {
            ConfirmSessionPasskeyResponse::Status200(body) => {
                (status::S200, Json(body)).into_response()
            }
        })
    }
}

/// What the path of [`Sessions::create_pairing_code`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct CreatePairingCodePathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
}

/// How [`Sessions::create_pairing_code`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum CreatePairingCodeResponse {
    /// The code to type into the phone.
    Status200(models::PairingCode),
}

impl TryFrom<CreatePairingCodeResponse> for Response {
    type Error = Rejection;

    fn try_from(response: CreatePairingCodeResponse) -> Result<Self, Rejection> {
        Ok(match response {
            CreatePairingCodeResponse::Status200(body) => {
                (status::S200, Json(body)).into_response()
            }
        })
    }
}

/// What the header of [`Sessions::create_session`] says.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct CreateSessionHeaderParams {
    /// Makes a repetition safe, for 24 hours: the first request with this key acts, and another one like it gets the answer of the first. Pick a key that nobody else in your organization picks, such as a UUID.
    #[validate(nested)]
    pub idempotency_key: Option<models::IdempotencyKey>,
}

/// How [`Sessions::create_session`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum CreateSessionResponse {
    /// The session that was created.
    Status201(models::Session),
}

impl TryFrom<CreateSessionResponse> for Response {
    type Error = Rejection;

    fn try_from(response: CreateSessionResponse) -> Result<Self, Rejection> {
        Ok(match response {
            CreateSessionResponse::Status201(body) => (status::S201, Json(body)).into_response(),
        })
    }
}

/// What the path of [`Sessions::delete_session`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct DeleteSessionPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
}

/// How [`Sessions::delete_session`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum DeleteSessionResponse {
    /// The session is gone.
    Status204,
}

impl TryFrom<DeleteSessionResponse> for Response {
    type Error = Rejection;

    fn try_from(response: DeleteSessionResponse) -> Result<Self, Rejection> {
        Ok(match response {
            DeleteSessionResponse::Status204 => status::S204.into_response(),
        })
    }
}

/// What the path of [`Sessions::get_session`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct GetSessionPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
}

/// How [`Sessions::get_session`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum GetSessionResponse {
    /// The session.
    Status200(models::Session),
}

impl TryFrom<GetSessionResponse> for Response {
    type Error = Rejection;

    fn try_from(response: GetSessionResponse) -> Result<Self, Rejection> {
        Ok(match response {
            GetSessionResponse::Status200(body) => (status::S200, Json(body)).into_response(),
        })
    }
}

/// What the path of [`Sessions::get_session_passkey`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct GetSessionPasskeyPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
}

/// How [`Sessions::get_session_passkey`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum GetSessionPasskeyResponse {
    /// What to make the assertion for.
    Status200(models::PasskeyRequest),
}

impl TryFrom<GetSessionPasskeyResponse> for Response {
    type Error = Rejection;

    fn try_from(response: GetSessionPasskeyResponse) -> Result<Self, Rejection> {
        Ok(match response {
            GetSessionPasskeyResponse::Status200(body) => {
                (status::S200, Json(body)).into_response()
            }
        })
    }
}

/// What the path of [`Sessions::get_session_qr`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct GetSessionQrPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
}

/// How [`Sessions::get_session_qr`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum GetSessionQrResponse {
    /// The code to scan with the phone.
    Status200ApplicationJson(models::PairingQr),
    /// The code to scan with the phone.
    Status200ImagePng(Vec<u8>),
    /// The code to scan with the phone.
    Status200TextPlain(String),
}

impl TryFrom<GetSessionQrResponse> for Response {
    type Error = Rejection;

    fn try_from(response: GetSessionQrResponse) -> Result<Self, Rejection> {
        Ok(match response {
            GetSessionQrResponse::Status200ApplicationJson(body) => {
                (status::S200, Json(body)).into_response()
            }
            GetSessionQrResponse::Status200ImagePng(body) => {
                (status::S200, [(CONTENT_TYPE, "image/png")], body).into_response()
            }
            GetSessionQrResponse::Status200TextPlain(body) => (
                status::S200,
                [(CONTENT_TYPE, "text/plain; charset=utf-8")],
                body,
            )
                .into_response(),
        })
    }
}

/// In which form the caller wants [`GetSessionQrResponse`], by the `Accept` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GetSessionQrAccept {
    /// `application/json`
    ApplicationJson,
    /// `image/png`
    ImagePng,
    /// `text/plain`
    TextPlain,
}

impl GetSessionQrAccept {
    /// Reads the `Accept` header. The first media type of the document where the header is absent or asks for none of them.
    pub fn of(headers: &HeaderMap) -> Self {
        const OFFERED: &[(GetSessionQrAccept, &str)] = &[
            (GetSessionQrAccept::ApplicationJson, "application/json"),
            (GetSessionQrAccept::ImagePng, "image/png"),
            (GetSessionQrAccept::TextPlain, "text/plain"),
        ];
        preferred(headers, OFFERED)
    }
}

/// What the query of [`Sessions::list_sessions`] says.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct ListSessionsQueryParams {
    /// How many entries a page holds at most. Where it is not given: 100.
    #[validate(range(min = 1, max = 1000))]
    pub limit: u32,
    /// Where the page begins, as `nextCursor` of the page before gave it. Left out, the list begins at its start. What is no `nextCursor` may be refused with 400.
    #[validate(nested)]
    pub cursor: Option<models::Cursor>,
}

/// How [`Sessions::list_sessions`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum ListSessionsResponse {
    /// A page of sessions.
    Status200(models::SessionList),
}

impl TryFrom<ListSessionsResponse> for Response {
    type Error = Rejection;

    fn try_from(response: ListSessionsResponse) -> Result<Self, Rejection> {
        Ok(match response {
            ListSessionsResponse::Status200(body) => (status::S200, Json(body)).into_response(),
        })
    }
}

/// What the path of [`Sessions::logout_session`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct LogoutSessionPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
}

/// How [`Sessions::logout_session`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum LogoutSessionResponse {
    /// The session, unlinked.
    Status200(models::Session),
}

impl TryFrom<LogoutSessionResponse> for Response {
    type Error = Rejection;

    fn try_from(response: LogoutSessionResponse) -> Result<Self, Rejection> {
        Ok(match response {
            LogoutSessionResponse::Status200(body) => (status::S200, Json(body)).into_response(),
        })
    }
}

/// What the path of [`Sessions::start_session`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct StartSessionPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
}

/// How [`Sessions::start_session`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum StartSessionResponse {
    /// The session, started.
    Status200(models::Session),
}

impl TryFrom<StartSessionResponse> for Response {
    type Error = Rejection;

    fn try_from(response: StartSessionResponse) -> Result<Self, Rejection> {
        Ok(match response {
            StartSessionResponse::Status200(body) => (status::S200, Json(body)).into_response(),
        })
    }
}

/// What the path of [`Sessions::stop_session`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct StopSessionPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
}

/// How [`Sessions::stop_session`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum StopSessionResponse {
    /// The session, stopped.
    Status200(models::Session),
}

impl TryFrom<StopSessionResponse> for Response {
    type Error = Rejection;

    fn try_from(response: StopSessionResponse) -> Result<Self, Rejection> {
        Ok(match response {
            StopSessionResponse::Status200(body) => (status::S200, Json(body)).into_response(),
        })
    }
}

/// What the path of [`Sessions::update_session`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Validate)]
pub struct UpdateSessionPathParams {
    /// Id of the session. One that is no session of your organization is 404, whatever it looks like.
    #[serde(rename = "session")]
    pub session: String,
}

/// How [`Sessions::update_session`] succeeds.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum UpdateSessionResponse {
    /// The session as it is now.
    Status200(models::Session),
}

impl TryFrom<UpdateSessionResponse> for Response {
    type Error = Rejection;

    fn try_from(response: UpdateSessionResponse) -> Result<Self, Rejection> {
        Ok(match response {
            UpdateSessionResponse::Status200(body) => (status::S200, Json(body)).into_response(),
        })
    }
}

/// The operations tagged Sessions.
pub trait Sessions: Authenticator {
    /** Answer the passkey request of a session

    Hands the assertion of the passkey to WhatsApp, which then asks the phone. The answer comes once the phone has
    answered: `passkeyCode` is the code to compare with the one that the phone shows, and `confirm` goes on.

    **Capability:** `manage`.

    `POST /api/v1/sessions/{session}/passkey`
    */
    fn answer_session_passkey(
        &self,
        principal: &Self::Principal,
        path: AnswerSessionPasskeyPathParams,
        body: models::PasskeyAssertion,
    ) -> impl Future<Output = Result<AnswerSessionPasskeyResponse, Self::Error>> + Send;

    /** Confirm the code of a session that is linked by passkey

    Says that `passkeyCode` is the code that the phone shows, which links the device. Whoever calls has compared them:
    another code is another person's attempt.

    **Capability:** `manage`.

    `POST /api/v1/sessions/{session}/passkey/confirm`
    */
    fn confirm_session_passkey(
        &self,
        principal: &Self::Principal,
        path: ConfirmSessionPasskeyPathParams,
    ) -> impl Future<Output = Result<ConfirmSessionPasskeyResponse, Self::Error>> + Send;

    /** Create a code that pairs a session by phone number

    Asks WhatsApp for an eight-character code to type into the phone under *Linked devices*, *Link with phone
    number*; the way to pair where no camera is at hand. Starts pairing where it has not begun. A session that is
    paired already is refused with 400. Where there is no connection to ask over the answer is 503, with why in
    `details.reason` where that is known; 504 is WhatsApp not answering the request for the code. Each code shows on
    the phone, whoever has it, so only so many are asked for within an hour (429).

    **Capability:** `manage`.

    `POST /api/v1/sessions/{session}/pairing-code`
    */
    fn create_pairing_code(
        &self,
        principal: &Self::Principal,
        path: CreatePairingCodePathParams,
        body: models::CreatePairingCode,
    ) -> impl Future<Output = Result<CreatePairingCodeResponse, Self::Error>> + Send;

    /** Create a session

    Creates a session for your organization. It is `stopped` and not paired; `start` connects it at once, so that a
    QR code is soon there. The body may be left out. An organization that has as many sessions as the gateway lets it
    is refused with 429 until one is deleted.

    **Capability:** `manage`.

    `POST /api/v1/sessions`
    */
    fn create_session(
        &self,
        principal: &Self::Principal,
        headers: CreateSessionHeaderParams,
        body: Option<models::CreateSession>,
    ) -> impl Future<Output = Result<CreateSessionResponse, Self::Error>> + Send;

    /** Delete a session

    Deletes the session with everything stored for it. The device is unlinked from the WhatsApp account too. Where
    WhatsApp can't be told now, the session is deleted all the same, and a background job unlinks the device as soon
    as WhatsApp can be reached, also after a restart; for that alone the device's keys are kept, at most 14 days.

    **Capability:** `manage`.

    `DELETE /api/v1/sessions/{session}`
    */
    fn delete_session(
        &self,
        principal: &Self::Principal,
        path: DeleteSessionPathParams,
    ) -> impl Future<Output = Result<DeleteSessionResponse, Self::Error>> + Send;

    /** Get a session

    Returns one session with its present status.

    **Capability:** `manage`.

    `GET /api/v1/sessions/{session}`
    */
    fn get_session(
        &self,
        principal: &Self::Principal,
        path: GetSessionPathParams,
    ) -> impl Future<Output = Result<GetSessionResponse, Self::Error>> + Send;

    /** Get the passkey request of a session

    Returns what WhatsApp asks of a passkey before it links the device; there while the status is
    `passkey_required`. The assertion can only be made at WhatsApp's own origin, by the person whose account it is.

    **Capability:** `manage`.

    `GET /api/v1/sessions/{session}/passkey`
    */
    fn get_session_passkey(
        &self,
        principal: &Self::Principal,
        path: GetSessionPasskeyPathParams,
    ) -> impl Future<Output = Result<GetSessionPasskeyResponse, Self::Error>> + Send;

    /** Get the QR code that pairs a session

    Returns the QR code that pairs the session now, and starts pairing where it has not begun. Until WhatsApp has
    handed out a code the answer is 404, with why in `details.reason` where that is known: ask again a moment later.
    Codes change every 20 to 60 seconds. A session that is paired already is refused with 400.

    The `Accept` header selects what comes back: the code itself as JSON, a picture, or text that draws the QR with
    block characters and scans from a terminal. JSON is the default.

    **Capability:** `manage`.

    `GET /api/v1/sessions/{session}/qr`
    */
    fn get_session_qr(
        &self,
        principal: &Self::Principal,
        path: GetSessionQrPathParams,
        accept: GetSessionQrAccept,
    ) -> impl Future<Output = Result<GetSessionQrResponse, Self::Error>> + Send;

    /** List sessions

    Lists the sessions of your organization, oldest first.

    **Capability:** `manage`.

    `GET /api/v1/sessions`
    */
    fn list_sessions(
        &self,
        principal: &Self::Principal,
        query: ListSessionsQueryParams,
    ) -> impl Future<Output = Result<ListSessionsResponse, Self::Error>> + Send;

    /** Log a session out

    Unlinks the device from the WhatsApp account, and forgets the account's groups and members. The session stays and
    can be paired again, with the same account or another one. Where the session is not connected, the answer does
    not wait for WhatsApp: a background job unlinks the device as soon as WhatsApp can be reached, also after a
    restart; for that alone the device's keys are kept, at most 14 days.

    **Capability:** `manage`.

    `POST /api/v1/sessions/{session}/logout`
    */
    fn logout_session(
        &self,
        principal: &Self::Principal,
        path: LogoutSessionPathParams,
    ) -> impl Future<Output = Result<LogoutSessionResponse, Self::Error>> + Send;

    /** Start a session

    Starts connecting the session and returns without waiting for the connection; the status tells how it goes. A
    session that is started already stays as it is.

    **Capability:** `manage`.

    `POST /api/v1/sessions/{session}/start`
    */
    fn start_session(
        &self,
        principal: &Self::Principal,
        path: StartSessionPathParams,
    ) -> impl Future<Output = Result<StartSessionResponse, Self::Error>> + Send;

    /** Stop a session

    Disconnects the session. It stays paired, so a later start connects it without a phone at hand. A session that
    is stopped already stays as it is.

    **Capability:** `manage`.

    `POST /api/v1/sessions/{session}/stop`
    */
    fn stop_session(
        &self,
        principal: &Self::Principal,
        path: StopSessionPathParams,
    ) -> impl Future<Output = Result<StopSessionResponse, Self::Error>> + Send;

    /** Change a session

    Changes what the body names, and nothing else: what the session is called, and how much its account may add.

    **Capability:** `manage`.

    `PATCH /api/v1/sessions/{session}`
    */
    fn update_session(
        &self,
        principal: &Self::Principal,
        path: UpdateSessionPathParams,
        body: models::UpdateSession,
    ) -> impl Future<Output = Result<UpdateSessionResponse, Self::Error>> + Send;
}
