use super::*;

fn jids(written: &[&str]) -> Vec<(String, Option<String>)> {
    let known = PhoneNumbers::load();
    let jid = |text: &&str| known.jid(text).map(|jid| jid.phone_number().to_owned());
    let pairs = written.iter().map(|text| ((*text).to_owned(), jid(text)));
    pairs.collect()
}

#[test]
fn numbers_are_taken_as_people_write_them() {
    let known = PhoneNumbers::load();
    for (written, number) in [
        // Indonesia
        ("+6281234567890", "6281234567890"),
        ("+62 812-3456-7890", "6281234567890"),
        ("+62 (0)812 3456 7890", "6281234567890"),
        ("+62 21 5150 1234", "622151501234"),
        // Brazil: the new and the old spelling of mobiles, and a landline
        ("+55 (11) 98765-4321", "5511987654321"),
        ("+55 11 8765-4321", "551187654321"),
        ("+55 11 3456-7890", "551134567890"),
        // Mexico: the new and the old spelling
        ("+52 55 1234 5678", "525512345678"),
        ("+52 1 55 1234 5678", "5215512345678"),
        // Argentina, where mobiles have a 9
        ("+54 9 11 2345-6789", "5491123456789"),
        // One country code, many countries
        ("+1 (212) 555-0123", "12125550123"),
        ("+1.416.555.0123", "14165550123"),
        ("+1-876-555-0123", "18765550123"),
        ("+1 800-555-0199", "18005550199"),
        ("+7 912 345-67-89", "79123456789"),
        ("+7 (812) 123-45-67", "78121234567"),
        ("+7 701 234 5678", "77012345678"),
        // United Kingdom, and an island with its code
        ("+44 7911 123456", "447911123456"),
        ("+44 (0)20 7946 0958", "442079460958"),
        ("+44(0)2079460958", "442079460958"),
        ("+44 7781 123456", "447781123456"),
        // Germany, with numbers of several lengths
        ("+49 (0) 30 123456", "4930123456"),
        ("+49 151 23456789", "4915123456789"),
        ("+49-1512-3456789", "4915123456789"),
        // Italy keeps the 0 of landlines
        ("+39 02 3661 8300", "390236618300"),
        ("+39 347 123 4567", "393471234567"),
        // Ivory Coast, all of whose numbers begin so
        ("+225 07 12 34 56 78", "2250712345678"),
        ("+33 6 12 34 56 78", "33612345678"),
        ("+34 612 34 56 78", "34612345678"),
        ("+31 6 12345678", "31612345678"),
        ("+41 78 123 45 67", "41781234567"),
        ("+46 70 123 45 67", "46701234567"),
        ("+48 512 345 678", "48512345678"),
        ("+90 (532) 123 45 67", "905321234567"),
        ("+91 98765 43210", "919876543210"),
        ("+92 300 1234567", "923001234567"),
        ("+234 803 123 4567", "2348031234567"),
        ("+27 82 123 4567", "27821234567"),
        ("+254 712 345678", "254712345678"),
        ("+20 100 123 4567", "201001234567"),
        ("+966 50 123 4567", "966501234567"),
        ("+971 50 123 4567", "971501234567"),
        ("+972-50-234-5678", "972502345678"),
        ("+60 12-345 6789", "60123456789"),
        ("+65 9123 4567", "6591234567"),
        ("+63 917 123 4567", "639171234567"),
        ("+66 81 234 5678", "66812345678"),
        ("+81 90-1234-5678", "819012345678"),
        ("+82 10-1234-5678", "821012345678"),
        ("+86 138 0013 8000", "8613800138000"),
        ("+852 5123 4567", "85251234567"),
        ("+61 412 345 678", "61412345678"),
        ("+64 21 123 4567", "64211234567"),
        // No country's: international freephone
        ("+800 1234 5678", "80012345678"),
    ] {
        let jid = known.jid(written);
        let jid = jid.as_ref().map(UserJid::phone_number);
        assert_eq!(jid, Some(number), "{written}");
    }
}

#[test]
fn what_could_mean_another_number_is_refused() {
    for (written, jid) in jids(&[
        // Not international
        "",
        "+",
        "6281234567890",
        "0812-3456-7890",
        "006281234567890",
        "(+62) 812-3456-7890",
        "812 3456 7890",
        "+0812 3456 7890",
        "+00 62 812 3456 7890",
        "+081234567890",
        // Not a number of its country
        "+62",
        "+62 812",
        "+62 812 3456 7890 1234 5",
        "+1 212 555 012",
        "+1 212 555 01234",
        "+1 123 456 7890",
        "+44 7911 12345",
        "+972 33142764978",
        "+49 1234",
        "+999 1234 5678",
        "+210 123 4567",
        // The trunk prefix without parentheses, where it has none, and where it stays
        "+44 020 7946 0958",
        "+62 0812 3456 7890",
        "+1 (0)212 555 0123",
        "+39 (0)2 3661 8300",
        "+39 (0)347 123 4567",
        "+241 (0)7 12 34 56",
        "+44 20 (0)7946 0958",
        "+(0)44 20 7946 0958",
        "+44 (0)(0)20 7946 0958",
        // The prefix of mobiles within Argentina
        "+54 11 15-2345-6789",
        // Letters, extensions, several numbers
        "+1 800 FLOWERS",
        "+62 812-3456-789O",
        "+1 212 555 0123 ext. 4",
        "+1 212 555 0123 x4",
        "+1 212 555 0123,4",
        "+1 212 555 0123;ext=4",
        "+1 212 555 0123#4",
        "+1 212 555 0123 / 0124",
        "+1 212 555 0123 +1 212 555 0124",
        "tel:+12125550123",
        "+55 (0xx11) 98765-4321",
        // Two pluses, or a sign in another place
        "++62 812 3456 7890",
        "62+812 3456 7890",
        " +62 812 3456 7890",
        "+62 812 3456 7890\n",
        "+62\t812 3456 7890",
        // Other scripts: full-width, Arabic, Devanagari; and what copying brings along
        "＋62 812 3456 7890",
        "+６２ 812 3456 7890",
        "+٦٢٨١٢٣٤٥٦٧٨٩٠",
        "+६२८१२३४५६७८९०",
        "+62\u{a0}812\u{a0}3456\u{a0}7890",
        "+62 812\u{2011}3456\u{2011}7890",
        "\u{202a}+62 812 3456 7890\u{202c}",
        // A JID is none
        "+6281234567890@s.whatsapp.net",
    ]) {
        assert_eq!(jid, None, "{written:?}");
    }
}

/// The database has an example of each kind of number of each country.
#[test]
fn every_country_has_its_examples() {
    let known = PhoneNumbers::load();
    let mut examples = 0;
    for country in DATABASE.iter() {
        for kind in KINDS {
            let descriptor = country.descriptors().get(kind);
            let Some(example) = descriptor.and_then(|descriptor| descriptor.example()) else {
                continue;
            };
            let number = format!("{}{example}", country.country_code());
            let jid = known.jid(&format!("+{number}"));
            let jid = jid.as_ref().map(UserJid::phone_number);
            assert_eq!(jid, Some(&*number), "{} {kind:?}", country.id());
            examples += 1;
        }
    }
    assert!(examples > 1000, "{examples}");
}
