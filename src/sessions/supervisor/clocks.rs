//! Which changes of groups are news. Notifications can come in another order than the changes they tell of (see
//! `whatsapp::event_loop`), so each carries WhatsApp's time of the change, in seconds. One that is not newer than what is known
//! of the same matter is not applied: the group is asked for instead.

use std::collections::HashMap;

use crate::group::{GroupChange, Participant};
use crate::jid::GroupJid;
use crate::store;

/// How far the clock of this machine may be ahead of WhatsApp's, in seconds, before changes look old that are not. They
/// then cost a question each.
const CLOCK_SKEW: i64 = 120;

/// Matters of one group that are remembered before old ones are looked for and dropped.
const MATTERS: usize = 256;

/// How long a matter is remembered where there are many, in seconds.
const MEMORY: i64 = 10;

/// What a change is about. Changes of different matters can be applied in any order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Matter {
    /// Whether this person is in the group, and their role; by either name.
    Person(String),
    Subject,
    Description,
    Announce,
    Locked,
}

/// The times of what is known, by WhatsApp's clock.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    /// The newest time that WhatsApp has told.
    newest: i64,
    /// What all groups were asked for at.
    floor: i64,
    groups: HashMap<GroupJid, Clock>,
}

#[derive(Debug, Default)]
struct Clock {
    /// What happened before is in the answer to a question that was asked since.
    floor: i64,
    matters: HashMap<Matter, i64>,
    /// At this many matters old ones are dropped.
    prune_at: usize,
}

impl Clocks {
    /// Whether a change of the time `at` is newer than all that is known of what it is about. It is known from now on.
    pub(super) fn is_news(&mut self, gid: &GroupJid, change: &GroupChange, at: i64) -> bool {
        self.newest = self.newest.max(at);
        let floor = self.floor;
        let clock = self.groups.entry(gid.clone()).or_default();
        let mut news = at >= floor.max(clock.floor);
        for matter in matters(change) {
            let known = clock.matters.entry(matter).or_insert(i64::MIN);
            news &= at > *known;
            *known = (*known).max(at);
        }
        clock.prune(self.newest);
        news
    }

    /// A question about a group is sent now: it is answered with all that happened before.
    pub(super) fn asked(&mut self, gid: &GroupJid) {
        let floor = self.now();
        self.groups.entry(gid.clone()).or_default().raise(floor);
    }

    /// The same for all groups.
    pub(super) fn asked_for_all(&mut self) {
        self.floor = self.now();
        let floor = self.floor;
        self.groups.retain(|_, clock| {
            clock.raise(floor);
            !clock.matters.is_empty()
        });
    }

    /// A time that WhatsApp's clock has certainly passed.
    fn now(&self) -> i64 {
        self.newest.max(store::now() / 1000 - CLOCK_SKEW)
    }
}

impl Clock {
    fn raise(&mut self, floor: i64) {
        self.floor = self.floor.max(floor);
        self.matters.retain(|_, at| *at >= floor);
    }

    fn prune(&mut self, newest: i64) {
        if self.matters.len() >= self.prune_at.max(MATTERS) {
            self.raise(newest - MEMORY);
            self.prune_at = 2 * self.matters.len();
        }
    }
}

fn matters(change: &GroupChange) -> Vec<Matter> {
    let names = |people: &[Participant]| {
        let names = people.iter().flat_map(|person| {
            let jid = person.jid.as_ref().map(ToString::to_string);
            jid.into_iter()
                .chain(person.lid.as_ref().map(ToString::to_string))
        });
        names.map(Matter::Person).collect()
    };
    match change {
        GroupChange::Added(people) | GroupChange::Removed(people) | GroupChange::Roles(people) => {
            names(people)
        }
        GroupChange::Subject(_) => vec![Matter::Subject],
        GroupChange::Description(_) => vec![Matter::Description],
        GroupChange::Announce(_) => vec![Matter::Announce],
        GroupChange::Locked(_) => vec![Matter::Locked],
        GroupChange::Unknown => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fake::{ME, gid, person};
    use super::*;
    use crate::group::Role;

    const OTHER: &str = "628999888777@s.whatsapp.net";

    fn now() -> i64 {
        store::now() / 1000
    }

    fn role(jid: &str) -> GroupChange {
        GroupChange::Roles(vec![person(jid, Role::Admin)])
    }

    #[test]
    fn only_what_is_newer_is_news() {
        let mut clocks = Clocks::default();
        let now = now();
        assert!(clocks.is_news(&gid(), &role(ME), now));
        assert!(!clocks.is_news(&gid(), &role(ME), now - 1), "older");
        assert!(
            !clocks.is_news(&gid(), &role(ME), now),
            "of the same second"
        );
        assert!(clocks.is_news(&gid(), &role(ME), now + 1));
        // Somebody else's matter, or another group's, in any order.
        assert!(clocks.is_news(&gid(), &role(OTHER), now - 1));
        assert!(clocks.is_news(&gid(), &GroupChange::Announce(true), now));
        let other = "1@g.us".parse().expect("a group JID");
        assert!(clocks.is_news(&other, &role(ME), now));
    }

    #[test]
    fn an_answer_covers_what_was_before_the_question() {
        let mut clocks = Clocks::default();
        let now = now();
        assert!(clocks.is_news(&gid(), &role(OTHER), now));
        clocks.asked(&gid());
        assert!(!clocks.is_news(&gid(), &role(ME), now - 1));
        assert!(clocks.is_news(&gid(), &role(ME), now), "perhaps after it");
        assert!(!clocks.is_news(&gid(), &role(OTHER), now), "known before");

        let other = "1@g.us".parse().expect("a group JID");
        clocks.asked_for_all();
        assert!(
            !clocks.is_news(&other, &role(ME), now - 3600),
            "an hour old"
        );
    }

    #[test]
    fn a_storm_is_forgotten() {
        let mut clocks = Clocks::default();
        let start = now();
        for n in 0..100_000_i64 {
            let somebody = format!("{}@s.whatsapp.net", 628_000_000_000 + n);
            assert!(clocks.is_news(&gid(), &role(&somebody), start + n / 20));
        }
        assert!(clocks.groups[&gid()].matters.len() < 2000);
        // What was forgotten is asked for, not applied.
        assert!(!clocks.is_news(&gid(), &role("628000000000@s.whatsapp.net"), start));
    }
}
