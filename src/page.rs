//! The vocabulary of lists that come in pages. Data alone, for everyone to know.

/// A part of a list, and where the next part begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, K> {
    /// What is on it.
    pub items: Vec<T>,
    /// The key of its last item, unless the list ends with it.
    pub next: Option<K>,
}

impl<T, K> Page<T, K> {
    /// Makes a page of at most `limit` items out of one item more, by which it is seen that there are more.
    #[must_use]
    pub fn of(mut items: Vec<T>, limit: u32, key: impl Fn(&T) -> K) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(key);
        Self { items, next }
    }
}
