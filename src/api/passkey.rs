//! A passkey's assertion, out of the document's model.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use gateway_api::models;

use crate::error::{Error, Rule, Violation};
use crate::sessions::PasskeyAssertion;

/// Bits after the last whole byte are of no meaning, so none are refused (RFC 4648, 3.5).
const BASE64_URL: GeneralPurpose =
    GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

/// Reads the base64url of a browser.
///
/// # Errors
/// 400: one of them is none. The generated code has checked the patterns; should this ever be stricter, that is a 400 too.
pub(super) fn assertion(body: &models::PasskeyAssertion) -> Result<PasskeyAssertion, Error> {
    let response = &body.response;
    let user_handle = response
        .user_handle
        .as_ref()
        .map(|handle| handle.0.as_str())
        .filter(|text| !text.is_empty());
    Ok(PasskeyAssertion {
        credential_id: bytes("rawId", &body.raw_id.0)?,
        client_data: bytes("response.clientDataJSON", &response.client_data_json.0)?,
        authenticator_data: bytes("response.authenticatorData", &response.authenticator_data.0)?,
        signature: bytes("response.signature", &response.signature.0)?,
        user_handle: user_handle
            .map(|text| bytes("response.userHandle", text))
            .transpose()?,
    })
}

fn bytes(field: &str, text: &str) -> Result<Vec<u8>, Error> {
    BASE64_URL
        .decode(text)
        .map_err(|_| Error::validation(vec![Violation::new(field, Rule::Pattern)]))
}
