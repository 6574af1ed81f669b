//! Permits: how much of something each holder may have at once. They come back by being dropped.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// What each holder `K` has of something, and no more than so much.
#[derive(Debug)]
pub struct Permits<K> {
    most: usize,
    held: Mutex<HashMap<K, usize>>,
}

/// A part of what its holder may have.
#[derive(Debug)]
pub struct Permit<K: Eq + Hash> {
    of: Arc<Permits<K>>,
    holder: K,
    amount: usize,
}

impl<K: Eq + Hash + Clone> Permits<K> {
    /// `most` for each holder.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            held: Mutex::default(),
        })
    }

    /// So much of it for `holder`; none where that would be too much. Who has nothing yet gets even more than the most at
    /// once: an answer that is large by itself has to be possible.
    pub fn take(self: &Arc<Self>, holder: K, amount: usize) -> Option<Permit<K>> {
        let mut holders = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let held = holders.entry(holder.clone()).or_default();
        if *held > 0 && held.saturating_add(amount) > self.most {
            return None;
        }
        *held = held.saturating_add(amount);
        Some(Permit {
            of: Arc::clone(self),
            holder,
            amount,
        })
    }

    /// Whether `holder` has all that they may have.
    pub fn are_used_up(&self, holder: &K) -> bool {
        let holders = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        holders.get(holder).is_some_and(|held| *held >= self.most)
    }
}

impl<K: Eq + Hash> Permit<K> {
    /// Whose it is.
    pub fn holder(&self) -> &K {
        &self.holder
    }
}

impl<K: Eq + Hash> Drop for Permit<K> {
    fn drop(&mut self) {
        let mut holders = self.of.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = holders.get_mut(&self.holder) {
            *held = held.saturating_sub(self.amount);
            // Nobody is remembered for what they had.
            if *held == 0 {
                holders.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_holder_has_so_many_and_nobody_is_remembered() {
        let permits = Permits::new(2);
        let first = permits.take("a", 1).expect("the first");
        let second = permits.take("a", 1).expect("the second");
        assert!(permits.take("a", 1).is_none());
        assert!(permits.are_used_up(&"a"));
        assert!(permits.take("b", 1).is_some(), "another holder");
        drop(first);
        assert!(!permits.are_used_up(&"a"));
        let third = permits.take("a", 1).expect("one came back");
        drop((second, third));
        assert!(permits.held.lock().expect("no panic").is_empty());
    }

    #[test]
    fn what_is_larger_than_all_goes_alone() {
        let permits = Permits::new(10);
        let large = permits.take((), 25).expect("alone");
        assert!(permits.take((), 1).is_none());
        drop(large);
        assert!(permits.take((), 1).is_some());
    }
}
