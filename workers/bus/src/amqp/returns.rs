//! Which publish a returned message belongs to.
//!
//! The broker returns a message that no queue takes before it confirms it. lapin hands each return out with the next
//! confirmation that it hears, whosever that is, so a return is told by the message's id. It never comes with a
//! confirmation that was heard later than its own message's, unless another return was in its place: then whoever got
//! a stranger's return waits until all that were in flight are confirmed, and all returns are heard.

use std::collections::HashSet;
use std::collections::btree_map::{BTreeMap, Entry};

use lapin::types::ShortString;
use tokio::sync::oneshot;

use super::letter::Letter;

/// What became of a publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Stored in every queue that it was routed to, at least one if it had to be.
    Routed,
    /// No queue takes it.
    Returned,
    /// A queue could not take it.
    Refused,
    /// The channel ended before it was confirmed.
    Lost(String),
    /// The user may not publish it.
    Forbidden(String),
}

/// The publishes that are not answered yet.
#[derive(Default)]
pub(super) struct Returns {
    waiting: BTreeMap<u64, Waiting>,
    /// Confirmed or refused, and not answered yet.
    settled: Vec<u64>,
    returned: HashSet<String>,
}

struct Waiting {
    id: Option<String>,
    exchange: &'static str,
    key: String,
    reply: oneshot::Sender<Outcome>,
    confirmed: Option<bool>,
    /// All up to this number must be confirmed first.
    after: Option<u64>,
}

impl Returns {
    /// A publish was sent. Numbers count up.
    pub(super) fn sent(&mut self, number: u64, letter: &Letter, reply: oneshot::Sender<Outcome>) {
        let id = letter.properties.message_id().as_ref().map(ToString::to_string);
        let (exchange, key) = (letter.exchange, letter.key.clone());
        self.waiting.insert(number, Waiting { id, exchange, key, reply, confirmed: None, after: None });
    }

    /// A publish was confirmed (`stored`) or refused, and with that came the return of the message `returned`.
    pub(super) fn confirmed(&mut self, number: u64, stored: bool, returned: Option<&ShortString>) {
        let newest = self.waiting.last_key_value().map(|(number, _)| *number);
        if let Some(waiting) = self.waiting.get_mut(&number) {
            waiting.confirmed = Some(stored);
            let own = returned.is_none_or(|returned| waiting.id.as_deref() == Some(returned.as_str()));
            waiting.after = newest.filter(|_| !own);
            self.settled.push(number);
        }
        self.returned.extend(returned.map(ToString::to_string));
    }

    /// Answers those of which it is known what became. Tells whether one was returned.
    pub(super) fn answer(&mut self) -> bool {
        let mut any = false;
        // Only looked for when there is a return, which is rare: every message passes here.
        let open = if self.returned.is_empty() { None } else { self.oldest_open() };
        for number in std::mem::take(&mut self.settled) {
            let Entry::Occupied(waiting) = self.waiting.entry(number) else { continue };
            if waiting.get().after.is_some_and(|last| open.is_some_and(|open| open <= last)) {
                self.settled.push(number);
                continue;
            }
            let waiting = waiting.remove();
            let returned = waiting.id.as_ref().is_some_and(|id| self.returned.contains(id));
            any |= returned;
            let outcome = match (returned, waiting.confirmed) {
                (true, _) => Outcome::Returned,
                (false, Some(true)) => Outcome::Routed,
                (false, _) => Outcome::Refused,
            };
            // Whoever asked may have stopped waiting.
            let _ = waiting.reply.send(outcome);
        }
        if self.waiting.is_empty() {
            self.returned.clear();
        }
        any
    }

    fn oldest_open(&self) -> Option<u64> {
        self.waiting.iter().find(|(_, waiting)| waiting.confirmed.is_none()).map(|(number, _)| *number)
    }

    /// The broker has ended the channel because one of these may not be published, and names what the user has no right
    /// to: an exchange, or a key (a "topic") of one. The others that are open were not at fault.
    pub(super) fn forbid(&mut self, why: &str) {
        let named = |waiting: &Waiting| {
            waiting.confirmed.is_none()
                && why.contains(&format!("'{}'", waiting.exchange))
                && (!why.contains("topic '") || why.contains(&format!("topic '{}'", waiting.key)))
        };
        // A broker that words it otherwise must not make somebody try again for ever.
        let nobody = !self.waiting.values().any(named);
        for (number, waiting) in std::mem::take(&mut self.waiting) {
            if nobody || named(&waiting) {
                let _ = waiting.reply.send(Outcome::Forbidden(why.to_owned()));
            } else {
                self.waiting.insert(number, waiting);
            }
        }
    }

    /// The channel has ended: those not confirmed may be stored or not.
    pub(super) fn lose(&mut self, why: &str) {
        for (_, waiting) in std::mem::take(&mut self.waiting) {
            let _ = waiting.reply.send(Outcome::Lost(why.to_owned()));
        }
        self.settled.clear();
        self.returned.clear();
    }
}

#[cfg(test)]
mod tests {
    use lapin::BasicProperties;

    use super::super::used::Used;
    use super::*;

    fn sent(returns: &mut Returns, number: u64) -> oneshot::Receiver<Outcome> {
        let (reply, answer) = oneshot::channel();
        let original = BasicProperties::default().with_message_id(id(number));
        let letter = Letter::again(format!("key.{number}"), &original, Vec::new(), Used::default());
        returns.sent(number, &letter, reply);
        answer
    }

    fn id(number: u64) -> ShortString {
        number.to_string().into()
    }

    #[test]
    fn a_return_belongs_to_the_message_that_it_names() {
        let mut returns = Returns::default();
        let (mut one, mut two) = (sent(&mut returns, 1), sent(&mut returns, 2));
        // The return of 2 came with the confirmation of 1, which may be the last to hear of a return of its own.
        returns.confirmed(1, true, Some(&id(2)));
        assert!(!returns.answer());
        assert!(one.try_recv().is_err(), "answered too early");
        returns.confirmed(2, true, None);
        assert!(returns.answer());
        assert_eq!(one.try_recv(), Ok(Outcome::Routed));
        assert_eq!(two.try_recv(), Ok(Outcome::Returned));
    }

    #[test]
    fn two_returns_that_changed_places_are_both_heard() {
        let mut returns = Returns::default();
        let (mut one, mut two) = (sent(&mut returns, 1), sent(&mut returns, 2));
        returns.confirmed(2, true, Some(&id(1)));
        assert!(!returns.answer());
        returns.confirmed(1, true, Some(&id(2)));
        assert!(returns.answer());
        assert_eq!((one.try_recv(), two.try_recv()), (Ok(Outcome::Returned), Ok(Outcome::Returned)));
    }

    #[test]
    fn what_is_not_confirmed_when_the_channel_ends_is_lost_and_what_is_refused_says_so() {
        let mut returns = Returns::default();
        let (mut one, mut two) = (sent(&mut returns, 1), sent(&mut returns, 2));
        returns.confirmed(2, false, None);
        assert!(!returns.answer());
        returns.lose("gone");
        assert_eq!((one.try_recv(), two.try_recv()), (Ok(Outcome::Lost("gone".into())), Ok(Outcome::Refused)));
    }

    #[test]
    fn a_refusal_is_told_to_those_whom_the_broker_names() {
        for (why, both) in [
            ("access to topic 'key.1' in exchange 'millrace.work' in vhost 'v' refused for user 'u'", false),
            ("access to exchange 'millrace.work' in vhost 'v' refused for user 'u'", true),
            ("worded as nobody knows it", true),
        ] {
            let mut returns = Returns::default();
            let (mut one, mut two) = (sent(&mut returns, 1), sent(&mut returns, 2));
            returns.forbid(why);
            returns.lose("gone");
            let forbidden = Outcome::Forbidden(why.into());
            assert_eq!(one.try_recv(), Ok(forbidden.clone()), "{why}");
            assert_eq!(two.try_recv(), Ok(if both { forbidden } else { Outcome::Lost("gone".into()) }), "{why}");
        }
    }
}
