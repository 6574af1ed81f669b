//! The settings of how fast additions go.

use std::ops::RangeInclusive;

use super::ConfigError;
use super::env::Env;
use crate::pace::Pace;

/// A day is the longest pause.
const PAUSES: RangeInclusive<u32> = 0..=86_400;
const PEOPLE: RangeInclusive<u32> = 1..=100_000;

/// Reads all of `GATEWAY_ADDITIONS_`.
pub(super) fn pace(env: &Env) -> Result<Pace, ConfigError> {
    const LONGEST: &str = "GATEWAY_ADDITIONS_MAX_PAUSE_SECONDS";
    let default = Pace::default();
    let number = |name, default, range: RangeInclusive<u32>| env.number(name, default, range);
    let shortest = number(
        "GATEWAY_ADDITIONS_MIN_PAUSE_SECONDS",
        default.pause.0,
        PAUSES,
    )?;
    // Where only the shortest is set, and above the other's default, that is it.
    let longest = number(LONGEST, default.pause.1.max(shortest), PAUSES)?;
    if longest < shortest {
        let problem = "must not be below GATEWAY_ADDITIONS_MIN_PAUSE_SECONDS";
        return Err(ConfigError::new(LONGEST, problem));
    }
    Ok(Pace {
        batch: number("GATEWAY_ADDITIONS_BATCH", default.batch, 1..=100)?,
        pause: (shortest, longest),
        per_hour: number("GATEWAY_ADDITIONS_PER_HOUR", default.per_hour, PEOPLE)?,
        per_day: number("GATEWAY_ADDITIONS_PER_DAY", default.per_day, PEOPLE)?,
    })
}
