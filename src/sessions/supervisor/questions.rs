//! The queue of groups that WhatsApp is to be asked for: each at most once at a time, a few at once, none while WhatsApp
//! asks to slow down.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::jid::GroupJid;

/// Questions under way at once: the session's other calls share the connection.
const AT_ONCE: usize = 4;

/// How long what WhatsApp told of a group is good enough to refuse a caller from memory.
const TOLD_FOR_MEMORY: Duration = Duration::from_secs(60);

/// How long it is good enough to explain a refusal of WhatsApp's own.
const TOLD_FOR_WHATSAPP: Duration = Duration::from_secs(5);

/// Questions that callers may cause in [`TOLD_FOR_MEMORY`]: they can name any number of groups that do not exist.
const CALLERS_QUESTIONS: usize = 30;

/// Who has refused a caller, so that what is known of the group is in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sessions) enum RefusedBy {
    /// The gateway, from memory.
    Memory,
    /// WhatsApp, though memory would have let it pass.
    WhatsApp,
}

/// Told when memory is as WhatsApp says; dropped where that is not to be had.
type Caller = oneshot::Sender<()>;

#[derive(Default)]
pub(super) struct Questions {
    open: HashMap<GroupJid, Question>,
    waiting: VecDeque<GroupJid>,
    /// Until when WhatsApp has asked to be left alone. It outlasts the client.
    quiet_until: Option<Instant>,
    /// When WhatsApp last told of each group, as far as that was asked for, and of all.
    confirmed: HashMap<GroupJid, Instant>,
    all_confirmed: Option<Instant>,
    by_callers: VecDeque<Instant>,
}

#[derive(Default)]
struct Question {
    sent: bool,
    /// Something happened since it was sent, so that the answer may be from before: it is asked again.
    again: bool,
    callers: Vec<Caller>,
    /// Those who came since it was sent.
    late: Vec<Caller>,
}

impl Questions {
    /// Puts a group in the queue. One that is being asked for already is asked for once more.
    pub(super) fn add(&mut self, gid: GroupJid) {
        self.put(gid, None);
    }

    fn put(&mut self, gid: GroupJid, caller: Option<Caller>) {
        let question = self.open.entry(gid.clone()).or_insert_with(|| {
            self.waiting.push_back(gid);
            Question::default()
        });
        question.again |= question.sent;
        if question.sent {
            question.late.extend(caller);
        } else {
            question.callers.extend(caller);
        }
    }

    /// The same on behalf of a caller who was refused, unless WhatsApp told of the group just before, or must not be asked.
    pub(super) fn confirm(&mut self, gid: GroupJid, refused: RefusedBy, caller: Caller) {
        let now = Instant::now();
        let told = self.confirmed.get(&gid).copied();
        let (told, recent) = match refused {
            RefusedBy::Memory => (told.max(self.all_confirmed), TOLD_FOR_MEMORY),
            RefusedBy::WhatsApp => (told, TOLD_FOR_WHATSAPP),
        };
        if told.is_some_and(|told| now - told < recent) {
            let _ = caller.send(());
            return;
        }
        self.by_callers
            .retain(|asked| now - *asked < TOLD_FOR_MEMORY);
        if self.quiet_for().is_some() || self.by_callers.len() >= CALLERS_QUESTIONS {
            return;
        }
        self.by_callers.push_back(now);
        self.put(gid, Some(caller));
    }

    /// Whether a change that comes now can be newer than the answer to a question under way: then it is asked again.
    pub(super) fn changed(&mut self, gid: &GroupJid) {
        if let Some(question) = self.open.get_mut(gid) {
            question.again |= question.sent;
        }
    }

    /// The next group to ask for, if one may be asked for now.
    pub(super) fn next(&mut self) -> Option<GroupJid> {
        let under_way = self.open.len() - self.waiting.len();
        if self.quiet_for().is_some() || under_way >= AT_ONCE {
            return None;
        }
        let gid = self.waiting.pop_front()?;
        self.open.get_mut(&gid)?.sent = true;
        Some(gid)
    }

    /// WhatsApp has told of a group.
    pub(super) fn answered(&mut self, gid: GroupJid) {
        let now = Instant::now();
        self.confirmed
            .retain(|_, told| now - *told < TOLD_FOR_MEMORY);
        self.confirmed.insert(gid.clone(), now);
        let Some(question) = self.open.remove(&gid) else {
            return;
        };
        for caller in question.callers {
            let _ = caller.send(());
        }
        if question.again {
            self.waiting.push_back(gid.clone());
            let again = Question {
                callers: question.late,
                ..Question::default()
            };
            self.open.insert(gid, again);
        }
    }

    /// Whether a group is being asked for, or waits for it.
    pub(super) fn is_open(&self, gid: &GroupJid) -> bool {
        self.open.contains_key(gid)
    }

    /// WhatsApp has not told of a group, and is not asked again.
    pub(super) fn given_up(&mut self, gid: &GroupJid) {
        self.open.remove(gid);
    }

    /// WhatsApp asks to slow down: nothing is asked for `pause`, and who waits for an answer goes without.
    pub(super) fn silence(&mut self, pause: Duration) {
        self.quiet_until = Some(Instant::now() + pause);
        for question in self.open.values_mut() {
            question.callers.clear();
            question.late.clear();
        }
    }

    /// Puts a question that WhatsApp did not answer at the head of the queue again.
    pub(super) fn put_back(&mut self, gid: &GroupJid) {
        if let Some(question) = self.open.get_mut(gid) {
            question.sent = false;
            self.waiting.push_front(gid.clone());
        }
    }

    /// How much longer WhatsApp is to be left alone.
    pub(super) fn quiet_for(&self) -> Option<Duration> {
        let left = self.quiet_until?.duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// WhatsApp has told of all groups.
    pub(super) fn all_answered(&mut self) {
        self.all_confirmed = Some(Instant::now());
    }

    #[cfg(test)]
    pub(super) fn forget_when_told(&mut self) {
        self.confirmed.clear();
        self.all_confirmed = None;
    }

    /// Drops the queue: the client is gone. The next one begins with all groups.
    pub(super) fn clear(&mut self) {
        *self = Self {
            quiet_until: self.quiet_until,
            ..Self::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gid(n: usize) -> GroupJid {
        format!("{n}@g.us").parse().expect("a group JID")
    }

    #[test]
    fn a_few_at_once_and_each_once() {
        let mut questions = Questions::default();
        for n in 0..6 {
            questions.add(gid(n));
            questions.add(gid(n));
        }
        let sent: Vec<_> = std::iter::from_fn(|| questions.next()).collect();
        assert_eq!(sent, [0, 1, 2, 3].map(gid));
        questions.answered(gid(0));
        assert_eq!(questions.next(), Some(gid(4)));
        // Twice while it is under way: once more, after the others.
        questions.add(gid(1));
        questions.add(gid(1));
        questions.answered(gid(1));
        assert_eq!(questions.next(), Some(gid(5)));
        questions.given_up(&gid(2));
        assert_eq!(questions.next(), Some(gid(1)));
        questions.answered(gid(1));
        assert_eq!(questions.next(), None);
    }

    #[test]
    fn nothing_is_asked_while_whatsapp_wants_quiet() {
        let mut questions = Questions::default();
        questions.add(gid(1));
        let (caller, mut told) = oneshot::channel();
        questions.confirm(gid(2), RefusedBy::Memory, caller);
        assert_eq!(questions.next(), Some(gid(1)));
        questions.silence(Duration::from_secs(60));
        questions.put_back(&gid(1));
        assert!(told.try_recv().is_err(), "goes without");
        assert_eq!(questions.next(), None);
        questions.quiet_until = None;
        assert_eq!(questions.next(), Some(gid(1)), "first of all");
        assert_eq!(questions.next(), Some(gid(2)));
    }

    #[test]
    fn callers_wait_for_an_answer_to_a_question_after_theirs() {
        let mut questions = Questions::default();
        questions.add(gid(1));
        assert_eq!(questions.next(), Some(gid(1)));
        let (caller, mut told) = oneshot::channel();
        questions.confirm(gid(1), RefusedBy::Memory, caller);
        questions.answered(gid(1));
        assert!(told.try_recv().is_err(), "an answer from before");
        assert_eq!(questions.next(), Some(gid(1)));
        questions.answered(gid(1));
        assert!(told.try_recv().is_ok());
        // Told just now: not asked for again.
        let (caller, _told) = oneshot::channel();
        questions.confirm(gid(1), RefusedBy::Memory, caller);
        assert_eq!(questions.next(), None);
    }

    #[test]
    fn groups_that_do_not_exist_are_asked_for_so_often() {
        let mut questions = Questions::default();
        let mut told = Vec::new();
        for n in 0..100 {
            let (caller, answer) = oneshot::channel();
            questions.confirm(gid(n), RefusedBy::Memory, caller);
            told.push(answer);
        }
        assert_eq!(questions.open.len(), CALLERS_QUESTIONS);
    }
}
