//! Attacks on a gateway in a process of its own, each beside bystanders of another organization and address, who have to be
//! served.
//!
//! Every attack is made twice: small and with short limits in the suite, at its full size and with the default limits by
//! `make attack`, which prints a row for each.

mod answers;
mod bodies;
mod descriptors;
mod heads;
mod requests;
mod stage;
mod stopping;

use stage::Scale;

macro_rules! attacks {
    ($($attack:ident: $made:path;)*) => {
        /// In the suite.
        mod small {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $attack() {
                    $made(Scale::Small).await;
                }
            )*
        }

        /// Alone.
        mod full {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread")]
                #[ignore = "make attack"]
                async fn $attack() {
                    $made(Scale::Full).await;
                }
            )*
        }
    };
}

attacks! {
    heads_that_never_end: heads::slow;
    heads_that_are_long: heads::long;
    bodies_that_never_come: bodies::with_a_key;
    bodies_that_never_come_of_strangers: bodies::without_a_key;
    answers_that_are_never_read: answers::unread;
    keys_that_nobody_knows: requests::unknown_keys;
    requests_that_whatsapp_does_not_answer: requests::many;
    streams_that_are_reset: requests::reset;
    connections_beyond_the_descriptors: descriptors::used_up;
    sessions_beyond_the_descriptors: descriptors::used_up_by_sessions;
    a_stop_that_is_held_up: stopping::held_up;
}
