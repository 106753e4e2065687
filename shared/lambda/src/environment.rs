//! Environment variables: read once at init, each checked, each complaint naming the variable.

use std::fmt;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use expansion_api::ClaimNames;

/// A variable is missing or makes no sense.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is not set, or empty.
    #[error("environment variable {0} is not set")]
    Missing(&'static str),
    /// It cannot be used.
    #[error("environment variable {name} is {value:?}: {reason}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// In words: this is the form in which an error that ends `main` is shown.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The process's environment.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the edge: a function's configuration is its environment")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A variable that must be set.
///
/// # Errors
/// [`ConfigError::Missing`] when it isn't.
pub fn required(get: &impl Fn(&str) -> Option<String>, name: &'static str) -> Result<String, ConfigError> {
    get(name).filter(|value| !value.is_empty()).ok_or(ConfigError::Missing(name))
}

/// A variable that must parse.
///
/// # Errors
/// [`ConfigError`] when it is missing or doesn't.
pub fn parsed<T: FromStr<Err: Display>>(
    get: &impl Fn(&str) -> Option<String>,
    name: &'static str,
) -> Result<T, ConfigError> {
    let value = required(get, name)?;
    value.parse().map_err(|reason: T::Err| ConfigError::Invalid { name, reason: reason.to_string(), value })
}

/// A variable that must be a number within bounds.
///
/// # Errors
/// [`ConfigError`] when it is missing, no number, or out of bounds.
pub fn number<T: FromStr + PartialOrd + Display>(
    get: &impl Fn(&str) -> Option<String>,
    name: &'static str,
    bounds: RangeInclusive<T>,
) -> Result<T, ConfigError> {
    let value = required(get, name)?;
    value.parse().ok().filter(|number| bounds.contains(number)).ok_or_else(|| {
        let reason = format!("expected a number from {} to {}", bounds.start(), bounds.end());
        ConfigError::Invalid { name, value, reason }
    })
}

/// The names of the claims that say who is asking.
///
/// # Errors
/// [`ConfigError::Missing`] when one is not configured.
pub fn claim_names(get: &impl Fn(&str) -> Option<String>) -> Result<ClaimNames, ConfigError> {
    Ok(ClaimNames {
        csm: required(get, "CSM_CLAIM")?,
        role: required(get, "ROLE_CLAIM")?,
        manager: required(get, "MANAGER_ROLE")?,
    })
}
