//! The `Prefer` header (RFC 7240).

/// The one preference that is known, as `Preference-Applied` says it.
pub(super) const REPRESENTATION: &str = "return=representation";

/// Whether the header asks for `return=representation`. Of a preference that is given twice the first counts; those that
/// are not known are passed over.
pub(super) fn wants_representation(header: Option<&str>) -> bool {
    let preferences = header.unwrap_or_default().split(',');
    let mut returns = preferences.filter_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        let known = name.trim().eq_ignore_ascii_case("return");
        known.then(|| value.trim().trim_matches('"'))
    });
    returns.next() == Some("representation")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_as_the_rfc_writes_them() {
        for wanted in [
            "return=representation",
            "Return=\"representation\"",
            "respond-async, wait=10, return = representation",
            "return=representation; foo=\"some parameter\"",
            "return=representation, return=minimal",
        ] {
            assert!(wants_representation(Some(wanted)), "{wanted}");
        }
        for other in [
            "",
            "return",
            "representation",
            "return=minimal",
            "return=minimal, return=representation",
            "xreturn=representation",
            "foo; return=representation",
        ] {
            assert!(!wants_representation(Some(other)), "{other}");
        }
        assert!(!wants_representation(None));
    }
}
