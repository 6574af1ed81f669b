//! The vocabulary of pacing: how fast people may be added. Data alone, for everyone to know.

use serde::{Deserialize, Serialize};

/// How fast an addition goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// People in one call to WhatsApp.
    pub batch: u32,
    /// The pause between two calls, seconds: each is of another length between the two.
    pub pause: (u32, u32),
    /// People within any hour, whoever adds them.
    pub per_hour: u32,
    /// People within any 24 hours.
    pub per_day: u32,
}

impl Default for Pace {
    /// Reports of accounts that were banned begin at about 150 people in one go (WAHA, evolution-api); this stays well below.
    fn default() -> Self {
        Self {
            batch: 5,
            pause: (40, 90),
            per_hour: 60,
            per_day: 250,
        }
    }
}

/// A pace that somebody asks for; what is none stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PaceWish {
    /// See [`Pace::batch`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<u32>,
    /// The shortest pause, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_pause: Option<u32>,
    /// The longest pause, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pause: Option<u32>,
    /// See [`Pace::per_hour`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_hour: Option<u32>,
    /// See [`Pace::per_day`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_day: Option<u32>,
}

impl Pace {
    /// This pace, slowed down where `wish` is slower. Nobody gets ahead of it.
    #[must_use]
    pub fn slowed(self, wish: &PaceWish) -> Self {
        let shortest = self.pause.0.max(wish.min_pause.unwrap_or(0));
        let longest = self.pause.1.max(wish.max_pause.unwrap_or(0));
        Self {
            batch: self.batch.min(wish.batch.unwrap_or(u32::MAX)),
            pause: (shortest, longest.max(shortest)),
            per_hour: self.per_hour.min(wish.per_hour.unwrap_or(u32::MAX)),
            per_day: self.per_day.min(wish.per_day.unwrap_or(u32::MAX)),
        }
    }
}

/// How many people a session's account may add.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AddLimits {
    /// By direct calls within any hour; none for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_hour: Option<u32>,
    /// By direct calls within any 24 hours; none for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_day: Option<u32>,
    /// By additions: slower than the deployment lets them.
    pub pace: PaceWish,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_slows_down_and_never_speeds_up() {
        let pace = Pace::default();
        assert_eq!(pace.slowed(&PaceWish::default()), pace);
        let hasty = PaceWish {
            batch: Some(100),
            min_pause: Some(0),
            max_pause: Some(1),
            per_hour: Some(1000),
            per_day: Some(10_000),
        };
        assert_eq!(pace.slowed(&hasty), pace);
        let slow = PaceWish {
            batch: Some(1),
            min_pause: Some(120),
            max_pause: None,
            per_hour: Some(10),
            per_day: None,
        };
        let slowed = Pace {
            batch: 1,
            pause: (120, 120),
            per_hour: 10,
            per_day: 250,
        };
        assert_eq!(pace.slowed(&slow), slowed);
    }
}
