//! Texts of the library, made fit for a log.

use std::error::Error;

use whatsapp_rust::ErrorChainExt;

/// An error and its causes in one line, without phone numbers.
pub(super) fn describe<E: Error + 'static>(error: &E) -> String {
    let mut causes: Vec<_> = error.sources().map(|cause| cause.to_string()).collect();
    // Errors of the library often say what their cause says.
    causes.dedup();
    redact(&causes.join(": "))
}

/// The text with every run of digits that is long enough for a phone number left out.
pub(super) fn redact(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let length = from
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(from.len());
        let (digits, after) = from.split_at(length);
        clean.push_str(before);
        clean.push_str(if length < 5 { digits } else { "…" });
        rest = after;
    }
    clean + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_are_left_out() {
        assert_eq!(
            redact("403 for 6281234567890:1@s.whatsapp.net"),
            "403 for …:1@s.whatsapp.net"
        );
        assert_eq!(redact(""), "");
        assert_eq!(redact("12345"), "…");
    }

    #[test]
    fn causes_are_told_once() {
        let cause = std::io::Error::other("no room for 6281234567890");
        let error = std::io::Error::new(std::io::ErrorKind::StorageFull, cause);
        assert_eq!(describe(&error), "no room for …");
    }
}
