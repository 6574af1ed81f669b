//! The variables of the environment, by name and type.

use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::ConfigError;

/// The environment, or a test's stand-in for it.
pub(super) struct Env<'a>(pub(super) &'a dyn Fn(&str) -> Option<OsString>);

impl Env<'_> {
    fn raw(&self, name: &str) -> Option<OsString> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
        self.raw(name)
            .map(|value| {
                value
                    .into_string()
                    .map_err(|_| ConfigError::new(name, "must be UTF-8"))
            })
            .transpose()
    }

    /// The first of two variables that is set, and its name.
    pub(super) fn first(
        &self,
        [first, second]: [&'static str; 2],
    ) -> Result<(&'static str, Option<String>), ConfigError> {
        match self.text(first)? {
            None => Ok((second, self.text(second)?)),
            text => Ok((first, text)),
        }
    }

    pub(super) fn parsed<T: FromStr>(
        &self,
        name: &'static str,
        must_be: impl fmt::Display,
    ) -> Result<Option<T>, ConfigError> {
        self.text(name)?
            .map(|value| {
                value
                    .trim()
                    .parse()
                    .map_err(|_| ConfigError::new(name, format!("must be {must_be}")))
            })
            .transpose()
    }

    /// The items of a list that is separated by commas.
    pub(super) fn list<T>(
        &self,
        name: &'static str,
        item: impl Fn(&str) -> Result<T, ConfigError>,
    ) -> Result<Vec<T>, ConfigError> {
        let text = self.text(name)?.unwrap_or_default();
        let items = text.split(',').map(str::trim);
        items.filter(|text| !text.is_empty()).map(item).collect()
    }

    pub(super) fn number(
        &self,
        name: &'static str,
        default: u32,
        range: std::ops::RangeInclusive<u32>,
    ) -> Result<u32, ConfigError> {
        let must_be = format!("a number from {} to {}", range.start(), range.end());
        match self.parsed(name, &must_be)? {
            None => Ok(default),
            Some(number) if range.contains(&number) => Ok(number),
            Some(_) => Err(ConfigError::new(name, format!("must be {must_be}"))),
        }
    }

    pub(super) fn seconds(
        &self,
        name: &'static str,
        default: Duration,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<Duration, ConfigError> {
        let must_be = format!(
            "a number of seconds from {} to {}",
            range.start(),
            range.end()
        );
        match self.parsed(name, &must_be)? {
            None => Ok(default),
            Some(seconds) if range.contains(&seconds) => Ok(Duration::from_secs(seconds)),
            Some(_) => Err(ConfigError::new(name, format!("must be {must_be}"))),
        }
    }
}
