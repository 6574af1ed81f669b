//! The little world of the demo. Its numbers are of the range kept for fiction (+1 … 555 01xx).

use std::io;

use whatsapp_standin::{AddOutcome, GroupSpec, Person, Standin};

/// The account whose phone the demo holds.
pub const ACCOUNT: &str = "12025550100";
/// Can be added.
pub const MEMBER: &str = "12025550123";
/// Lets nobody add them to groups.
pub const MEMBER_DECLINES: &str = "12025550124";
/// The account is an admin here.
pub const GROUP: &str = "120363041234567890@g.us";
/// The account is a plain member here.
pub const GROUP_NOT_ADMIN: &str = "120363041234567891@g.us";

/// Already in both groups.
const FRIEND: &str = "12025550101";

/// The JID of a phone number.
pub fn jid(phone: &str) -> String {
    format!("{phone}@s.whatsapp.net")
}

/// Fills the stand-in; what an earlier run has changed stays.
pub fn seed(standin: &Standin) -> io::Result<()> {
    standin.add_account(ACCOUNT)?;
    for (phone, outcome) in [
        (FRIEND, AddOutcome::Added),
        (MEMBER, AddOutcome::Added),
        (MEMBER_DECLINES, AddOutcome::PrivacyDeclined),
    ] {
        standin.add_person(Person::new(phone).with_outcome(outcome));
    }
    standin.add_group(
        GroupSpec::new("Launch team")
            .gid(GROUP)
            .superadmin(ACCOUNT)
            .member(FRIEND),
    );
    standin.add_group(
        GroupSpec::new("Neighbours")
            .gid(GROUP_NOT_ADMIN)
            .superadmin(FRIEND)
            .member(ACCOUNT),
    );
    Ok(())
}
