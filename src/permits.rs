//! Permits: how much of something each holder may have at once. They come back by being dropped.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Holders remembered before those that have nothing are forgotten.
const REMEMBERED: usize = 1024;

/// How much of something one holder may have at once, and how much they have. Clones count together.
#[derive(Debug, Clone)]
pub struct Allowance(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    taken: AtomicUsize,
}

/// A part of an allowance.
#[derive(Debug)]
pub struct Permit {
    of: Allowance,
    amount: usize,
}

impl Allowance {
    /// So much at most.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Inner {
            most,
            taken: AtomicUsize::new(0),
        }))
    }

    /// So much of it; none where that would be too much. Who has nothing yet gets even more than the most at once: an answer
    /// that is large by itself has to be possible.
    #[must_use]
    pub fn take(&self, amount: usize) -> Option<Permit> {
        let Inner { most, taken } = &*self.0;
        let more = |taken: usize| {
            let after = taken.saturating_add(amount);
            (taken == 0 || after <= *most).then_some(after)
        };
        // The number alone is shared, so no order with other memory is needed.
        taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()?;
        Some(Permit {
            of: self.clone(),
            amount,
        })
    }

    /// Whether all of it is taken.
    #[must_use]
    pub fn is_used_up(&self) -> bool {
        self.0.taken.load(Ordering::Relaxed) >= self.0.most
    }

    /// Whether somebody has a part of it, or looks at it.
    fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let taken = &self.of.0.taken;
        taken.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

/// An allowance for each holder.
#[derive(Debug)]
pub struct Allowances<K> {
    most: usize,
    by_holder: Mutex<HashMap<K, Allowance>>,
}

impl<K: Eq + Hash> Allowances<K> {
    /// So much at most for each.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            most,
            by_holder: Mutex::default(),
        }
    }

    /// That of a holder.
    pub fn of<Q>(&self, holder: &Q) -> Allowance
    where
        K: Borrow<Q>,
        Q: ?Sized + Eq + Hash + ToOwned<Owned = K>,
    {
        let mut by_holder = self
            .by_holder
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = by_holder.get(holder) {
            return known.clone();
        }
        if by_holder.len() >= REMEMBERED {
            by_holder.retain(|_, allowance| allowance.is_in_use());
        }
        let new = Allowance::new(self.most);
        by_holder.insert(holder.to_owned(), new.clone());
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_holder_has_so_much_and_gets_it_back() {
        let all = Allowances::<String>::new(2);
        let first = all.of("a").take(1).expect("the first");
        let second = all.of("a").take(1).expect("the second");
        assert!(all.of("a").take(1).is_none());
        assert!(all.of("a").is_used_up());
        assert!(all.of("b").take(1).is_some(), "another holder");
        drop(first);
        assert!(!all.of("a").is_used_up());
        let third = all.of("a").take(1).expect("one came back");
        drop((second, third));
        assert!(all.of("a").take(2).is_some());
    }

    #[test]
    fn what_is_larger_than_all_goes_alone() {
        let allowance = Allowance::new(10);
        let large = allowance.take(25).expect("alone");
        assert!(allowance.take(1).is_none());
        drop(large);
        assert!(allowance.take(1).is_some());
    }

    #[test]
    fn who_has_nothing_is_forgotten_and_nobody_else() {
        let all = Allowances::<usize>::new(1);
        let held = all.of(&0).take(1);
        for holder in 1..=2 * REMEMBERED {
            assert!(all.of(&holder).take(1).is_some());
        }
        assert!(all.by_holder.lock().expect("no panic").len() <= REMEMBERED);
        assert!(all.of(&0).take(1).is_none(), "it is still held");
        drop(held);
        assert!(all.of(&0).take(1).is_some());
    }
}
