//! The ids of organizations and people.

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Longest id, in characters.
const MAX_CHARS: usize = 128;

/// A text that is no id of an organization or a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {MAX_CHARS} characters, without white space, control and invisible ones")]
pub struct BadId;

/// Passes the id of an organization or a person, unchanged. Ids are compared byte by byte, so an id must not hold what a
/// reader cannot see: two that look the same would be two organizations. Nothing is trimmed: the part of a system that
/// trims and the part that does not would take different ids for the same one.
///
/// # Errors
/// It is empty, longer than 128 characters, or holds white space, a control character, a format character (U+200B, U+202E)
/// or another one that is drawn as nothing (`Default_Ignorable_Code_Point`, Unicode Standard, section 5.21).
pub fn valid_id(id: &str) -> Result<&str, BadId> {
    // Counted no further than it takes: a claim can be long.
    let length = id.chars().take(MAX_CHARS + 1).count();
    if (1..=MAX_CHARS).contains(&length) && id.chars().all(visible) {
        Ok(id)
    } else {
        Err(BadId)
    }
}

fn visible(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    !(c.is_whitespace()
        || matches!(category, GeneralCategory::Control | GeneralCategory::Format)
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_what_can_be_seen() {
        let longest = "ü".repeat(MAX_CHARS);
        for id in [
            "org_42",
            "auth0|5f7",
            "a@b.example",
            "Žižkov",
            "組織",
            &longest,
        ] {
            assert_eq!(valid_id(id), Ok(id));
        }
        for bad in ["", "   ", &"x".repeat(MAX_CHARS + 1)] {
            assert_eq!(valid_id(bad), Err(BadId), "{bad:?}");
        }
        // Space, line feed, DEL, next line, no-break, ideographic, line separator; zero width, joiner, BOM, right-to-left
        // override, soft hyphen; Hangul filler, variation selector, tag.
        let unseen = " \n\u{7f}\u{85}\u{a0}\u{3000}\u{2028}\u{200b}\u{200d}\u{feff}\u{202e}\u{ad}\u{3164}\u{fe0f}\u{e0041}";
        for c in unseen.chars() {
            for bad in [format!("{c}org"), format!("org{c}"), format!("o{c}rg")] {
                assert_eq!(valid_id(&bad), Err(BadId), "{bad:?}");
            }
        }
    }
}
