//! Settling what is not known: an action whose answer did not come is looked up in the group, once. Nothing is sent a second
//! time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::Registry;
use crate::group::{Outcome, Participant, PersonOutcome};
use crate::jid::{ActionId, SessionId};
use crate::store::{ActionRecord, ActionStatus, StoreError};

/// The pause before a database that failed is asked again.
const RETRY: Duration = Duration::from_secs(1);

/// What is not known of a group's actions, and who WhatsApp says is in it now; none where the account is not.
pub(super) struct Unsettled {
    pub(super) session: SessionId,
    pub(super) actions: Vec<ActionId>,
    pub(super) participants: Option<Vec<Participant>>,
}

impl Registry {
    /// Settles actions in the background.
    pub(super) fn settle(self: &Arc<Self>, unsettled: Unsettled) {
        let registry = Arc::downgrade(self);
        tokio::spawn(async move {
            // The process ends: the next one settles them.
            while let Some(registry) = registry.upgrade() {
                match registry.try_settle(&unsettled).await {
                    Ok(()) => return,
                    Err(error) => {
                        tracing::error!(session = %unsettled.session, %error, "cannot settle actions; trying again");
                    }
                }
                drop(registry);
                sleep(RETRY).await;
            }
        });
    }

    async fn try_settle(&self, unsettled: &Unsettled) -> Result<(), StoreError> {
        self.actions.save(&self.store).await?;
        for id in &unsettled.actions {
            let found = self.store.get_action(&unsettled.session, id).await?;
            if let Some(mut action) = found {
                settle(&mut action, unsettled.participants.as_deref());
                tracing::info!(session = %unsettled.session, action = %id, "settled an action");
                self.actions.later(&action);
            }
        }
        Ok(())
    }
}

/// Gives those whose outcome is not known the one that the group shows. It shows none where WhatsApp leaves numbers out:
/// that stays unknown.
fn settle(action: &mut ActionRecord, participants: Option<&[Participant]>) {
    for person in &mut action.people {
        if let (Outcome::Unknown, Some(participants)) = (person.outcome, participants) {
            look_up(person, participants);
        }
    }
    action.complete(ActionStatus::Done);
}

fn look_up(person: &mut PersonOutcome, participants: &[Participant]) {
    let asked = Some(&person.participant);
    let other = person.participant.other_spelling();
    let found = participants
        .iter()
        .find(|member| member.jid.as_ref() == asked || member.jid.is_some() && member.jid == other);
    if let Some(member) = found {
        person.outcome = Outcome::Added;
        person.jid.clone_from(&member.jid);
        person.lid.clone_from(&member.lid);
    } else if participants.iter().all(|member| member.jid.is_some()) {
        person.outcome = Outcome::NotAdded;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::{GroupAction, Role};
    use crate::store::Caller;

    const ANN: &str = "628111000001@s.whatsapp.net";
    /// A number that WhatsApp writes without its ninth digit.
    const BEN: &str = "5511987654321@s.whatsapp.net";

    fn settled(
        people: &[&str],
        participants: Option<&[Participant]>,
    ) -> (ActionStatus, Vec<Outcome>) {
        let people = people.iter().map(|jid| jid.parse().expect("a JID"));
        let action = GroupAction::Add(people.collect());
        let gid = "120363041234567890@g.us".parse().expect("a group JID");
        let caller = Caller::User(None);
        let mut record = ActionRecord::begun(&SessionId::generate(), &gid, &action, caller);
        record.complete(ActionStatus::Unknown);
        settle(&mut record, participants);
        let outcomes = record.people.iter().map(|person| person.outcome);
        (record.status, outcomes.collect())
    }

    fn member(jid: Option<&str>) -> Participant {
        Participant {
            jid: jid.map(|jid| jid.parse().expect("a JID")),
            lid: Some("1@lid".parse().expect("a LID")),
            role: Role::Member,
        }
    }

    #[test]
    fn who_is_in_was_added_and_who_is_not_was_not() {
        let ben = "551187654321@s.whatsapp.net";
        for (participants, outcomes) in [
            (vec![], [Outcome::NotAdded; 2]),
            (vec![member(Some(ANN))], [Outcome::Added, Outcome::NotAdded]),
            (vec![member(Some(ben))], [Outcome::NotAdded, Outcome::Added]),
            (
                vec![member(Some(ANN)), member(Some(BEN))],
                [Outcome::Added; 2],
            ),
            // Anybody may be the one without a number.
            (
                vec![member(Some(ANN)), member(None)],
                [Outcome::Added, Outcome::Unknown],
            ),
        ] {
            let told = settled(&[ANN, BEN], Some(&participants));
            assert_eq!(told, (ActionStatus::Done, outcomes.to_vec()));
        }
    }

    #[test]
    fn a_group_that_the_account_is_not_in_shows_nothing() {
        let told = settled(&[ANN], None);
        assert_eq!(told, (ActionStatus::Done, vec![Outcome::Unknown]));
    }
}
