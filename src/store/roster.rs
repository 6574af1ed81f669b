//! The members of one group in memory, to be changed there and written back as the difference.
//!
//! A member is one person, whether seen by phone number, by LID or by both. Wherever people are compared here, either
//! name is enough, and a row learns the other name as soon as WhatsApp tells it.

use std::collections::{BTreeMap, HashMap};

use crate::group::{GroupChange, Participant, Role};

/// A row of `group_members`. Times are epoch milliseconds.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// What the list is ordered by; never given twice in a group.
    pub(super) place: i64,
    /// The digits of the phone number.
    pub(super) phone: Option<String>,
    /// The digits of the LID.
    pub(super) lid: Option<String>,
    pub(super) role: Role,
    pub(super) first_seen_at: i64,
    pub(super) last_seen_at: i64,
}

/// Rows of one group, as they were read and as they are to be.
pub(super) struct Roster {
    before: HashMap<i64, Member>,
    now: BTreeMap<i64, Member>,
    by_phone: HashMap<String, i64>,
    by_lid: HashMap<String, i64>,
    next_place: i64,
}

/// What is to be written.
pub(super) struct Difference {
    /// The places whose rows go, those that are written anew among them.
    pub(super) gone: Vec<i64>,
    /// The rows that come.
    pub(super) written: Vec<Member>,
    /// By how many the group has grown.
    pub(super) growth: i64,
    /// The place for the next member.
    pub(super) next_place: i64,
}

impl Roster {
    /// Takes in the rows of a group: all, or those of the people that are to be changed. One may come twice.
    pub(super) fn new(rows: Vec<Member>, next_place: i64) -> Self {
        let mut roster = Self {
            before: HashMap::new(),
            now: BTreeMap::new(),
            by_phone: HashMap::new(),
            by_lid: HashMap::new(),
            next_place,
        };
        for row in rows {
            roster.before.insert(row.place, row.clone());
            roster.insert(row);
        }
        roster
    }

    /// Makes the members `people`. Who was there and is no different keeps their row as it is.
    pub(super) fn replace(&mut self, people: &[Participant], now: i64) {
        let mut old = std::mem::take(&mut self.now);
        let (by_phone, by_lid) = (
            std::mem::take(&mut self.by_phone),
            std::mem::take(&mut self.by_lid),
        );
        for person in people {
            let places = [
                phone(person).and_then(|phone| by_phone.get(phone)),
                lid(person).and_then(|lid| by_lid.get(lid)),
            ];
            // Each row once: WhatsApp may name one person twice.
            for place in places.into_iter().flatten() {
                if let Some(row) = old.remove(place) {
                    self.insert(row);
                }
            }
            self.put(person, now);
        }
    }

    /// Applies a change, as far as it is about people.
    pub(super) fn apply(&mut self, change: &GroupChange, now: i64) {
        match change {
            GroupChange::Added(people) | GroupChange::Roles(people) => {
                people.iter().for_each(|person| self.put(person, now));
            }
            GroupChange::Removed(people) => {
                for person in people {
                    self.take(person);
                }
            }
            GroupChange::Subject(_)
            | GroupChange::Description(_)
            | GroupChange::Announce(_)
            | GroupChange::Locked(_)
            | GroupChange::Unknown => {}
        }
    }

    /// Writes a person as they are seen now, into the one row that is theirs.
    fn put(&mut self, person: &Participant, now: i64) {
        let same = self.take(person);
        let mut row = Member {
            place: self.next_place,
            phone: phone(person).map(ToOwned::to_owned),
            lid: lid(person).map(ToOwned::to_owned),
            role: person.role,
            first_seen_at: now,
            last_seen_at: now,
        };
        let unchanged = match same.as_slice() {
            [only] => {
                let same_phone = row.phone.is_none() || row.phone == only.phone;
                let same_lid = row.lid.is_none() || row.lid == only.lid;
                same_phone && same_lid && row.role == only.role
            }
            _ => false,
        };
        if unchanged {
            return same.into_iter().for_each(|row| self.insert(row));
        }
        if same.is_empty() {
            self.next_place += 1;
        }
        for earlier in same {
            row.place = row.place.min(earlier.place);
            row.phone = row.phone.or(earlier.phone);
            row.lid = row.lid.or(earlier.lid);
            row.first_seen_at = row.first_seen_at.min(earlier.first_seen_at);
        }
        self.insert(row);
    }

    /// Removes the rows of a person, who can have two while WhatsApp has not told that both names are one person's.
    fn take(&mut self, person: &Participant) -> Vec<Member> {
        let places = [
            phone(person).and_then(|phone| self.by_phone.get(phone).copied()),
            lid(person).and_then(|lid| self.by_lid.get(lid).copied()),
        ];
        let mut taken = Vec::new();
        for place in places.into_iter().flatten() {
            if let Some(row) = self.now.remove(&place) {
                for (names, name) in [
                    (&mut self.by_phone, &row.phone),
                    (&mut self.by_lid, &row.lid),
                ] {
                    if let Some(name) = name {
                        names.remove(name);
                    }
                }
                taken.push(row);
            }
        }
        taken
    }

    fn insert(&mut self, row: Member) {
        if let Some(phone) = &row.phone {
            self.by_phone.insert(phone.clone(), row.place);
        }
        if let Some(lid) = &row.lid {
            self.by_lid.insert(lid.clone(), row.place);
        }
        self.now.insert(row.place, row);
    }

    /// What has changed since the rows were read.
    pub(super) fn difference(self) -> Difference {
        let growth = count(self.now.len()) - count(self.before.len());
        let stays = |row: &Member| self.before.get(&row.place) == Some(row);
        let gone = self.before.values();
        let gone = gone.filter(|row| self.now.get(&row.place) != Some(row));
        Difference {
            gone: gone.map(|row| row.place).collect(),
            growth,
            next_place: self.next_place,
            written: self
                .now
                .values()
                .filter(|row| !stays(row))
                .cloned()
                .collect(),
        }
    }
}

impl Difference {
    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.written.is_empty()
    }
}

/// The digits of a person's phone number.
pub(super) fn phone(person: &Participant) -> Option<&str> {
    person.jid.as_ref().map(|jid| jid.phone_number())
}

/// The digits of a person's LID.
pub(super) fn lid(person: &Participant) -> Option<&str> {
    person.lid.as_ref().map(|lid| lid.digits())
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
