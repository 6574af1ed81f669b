//! Phone numbers as people write them, made into JIDs.
//!
//! The crate `phonenumber` has the data, which is Google's: what the numbers of each country look like. Its own parser
//! takes too much (letters, extensions, several numbers in one text), drops digits of numbers that begin as their
//! country's trunk prefix does (+7 812 …), and compiles a pattern for a millisecond or more whenever the country before
//! was another one. So the patterns are compiled here, all at once, and a number has to match one from end to end.

use phonenumber::Type;
use phonenumber::metadata::DATABASE;
use regex::{Regex, RegexBuilder};

use crate::jid::UserJid;

/// The kinds of numbers that somebody can be called by. WhatsApp has accounts of companies with each of them.
const KINDS: [Type; 10] = [
    Type::FixedLine,
    Type::Mobile,
    Type::TollFree,
    Type::PremiumRate,
    Type::SharedCost,
    Type::PersonalNumber,
    Type::Voip,
    Type::Pager,
    Type::Uan,
    Type::Voicemail,
];

/// Country codes have one to three digits.
const CODES: u16 = 1000;

/// The countries, by country code. Some share one: +1 has 25, +7 two.
pub(crate) struct PhoneNumbers(Vec<Option<Country>>);

/// What the numbers behind a country code look like.
struct Country {
    national: Regex,
    /// Within the country a 0 is dialled first, which is left out from abroad: the `(0)` of `+44 (0)20 7946 0958`.
    has_trunk_zero: bool,
}

impl PhoneNumbers {
    /// Compiles the patterns of all countries: about 0.1 s, and 10 MB for as long as they are kept.
    pub(crate) fn load() -> Self {
        Self((0..CODES).map(Country::load).collect())
    }

    /// The JID of a number in international format: `+`, then ASCII digits, spaces, dots, dashes and parentheses. None
    /// where it could mean another number or is none of its country. Digits of other scripts and the full-width plus are
    /// refused as the document's pattern has it.
    pub(crate) fn jid(&self, written: &str) -> Option<UserJid> {
        let written = written.strip_prefix('+')?;
        let Some((code, national)) = written.split_once("(0)") else {
            return self.known(&digits(written)?);
        };
        let (code, national) = (digits(code)?, digits(national)?);
        let country = self.0.get(code.parse::<usize>().ok()?)?.as_ref()?;
        // Where both are numbers, with the 0 and without it, nobody knows which one is meant.
        let is_clear = country.has_trunk_zero && !country.has(&format!("0{national}"));
        is_clear.then(|| self.known(&(code + &national)))?
    }

    /// The JID of these digits. Mobile numbers of Brazil and Mexico have an old spelling, with which WhatsApp still knows
    /// accounts: it is taken where the new one is a number, and kept.
    fn known(&self, digits: &str) -> Option<UserJid> {
        let jid = UserJid::of_phone_number(digits).ok()?;
        let is_known = |jid: &UserJid| self.has(jid.phone_number());
        (is_known(&jid) || jid.other_spelling().is_some_and(|jid| is_known(&jid))).then_some(jid)
    }

    /// Whether it is the number of a country. No country code is the beginning of another.
    fn has(&self, digits: &str) -> bool {
        (1..=3).any(|length| {
            let split = digits.split_at_checked(length);
            split.is_some_and(|(code, national)| {
                let country = code.parse().ok().and_then(|code: usize| self.0.get(code));
                let country = country.and_then(Option::as_ref);
                !code.starts_with('0') && country.is_some_and(|country| country.has(national))
            })
        })
    }
}

impl Country {
    fn load(code: u16) -> Option<Self> {
        let regions = DATABASE.by_code(&code)?;
        let kinds = regions.iter().flat_map(|region| {
            let kinds = KINDS.iter();
            kinds.filter_map(|kind| region.descriptors().get(*kind))
        });
        let patterns: Vec<&str> = kinds.map(|kind| kind.national_number().as_str()).collect();
        let national = RegexBuilder::new(&format!("^(?:{})$", patterns.join("|")))
            .ignore_whitespace(true)
            // `\d` is a digit of any script otherwise, and hundreds of them make a pattern large.
            .unicode(false)
            .build();
        Some(Self {
            national: national.ok()?,
            has_trunk_zero: regions
                .iter()
                .any(|region| region.national_prefix() == Some("0")),
        })
    }

    fn has(&self, national: &str) -> bool {
        self.national.is_match(national)
    }
}

/// What is left without what people write between digits; none where anything else is in it.
fn digits(written: &str) -> Option<String> {
    let digits = written
        .chars()
        .filter(|c| !matches!(c, ' ' | '.' | '-' | '(' | ')'));
    digits
        .map(|c| c.is_ascii_digit().then_some(c))
        .collect::<Option<String>>()
}

#[cfg(test)]
mod tests;
