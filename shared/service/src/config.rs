//! Configuration: environment variables read by name when something needs them, and the stores that they name.
//!
//! Stores are made when first asked for, so that a program links only the clients it uses.

use std::collections::BTreeSet;
use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::{Mutex, OnceLock, PoisonError};

use expansion_domain::Currency;
use expansion_store::{Artifacts, Bus, ControlTable, DynamoDb, PropensityTable, S3, SdkConfig, sdk_config};

use crate::ClaimNames;

/// A variable is missing or makes no sense.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is not set, or empty.
    #[error("environment variable {0} is not set")]
    Missing(&'static str),
    #[error("environment variable {name} is {value:?}: {reason}")]
    Invalid { name: &'static str, value: String, reason: String },
}

/// In words: this is the form in which an error that ends `main` is shown.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where variables come from.
type Getter = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A program's configuration.
pub struct Config {
    get: Getter,
    aws: SdkConfig,
    /// Both tables share its connections.
    dynamodb: OnceLock<DynamoDb>,
    s3: OnceLock<S3>,
    read: Mutex<BTreeSet<&'static str>>,
}

impl Config {
    /// The configuration that these variables describe, with stores reached by `aws`.
    pub fn new(get: impl Fn(&str) -> Option<String> + Send + Sync + 'static, aws: SdkConfig) -> Self {
        Self { get: Box::new(get), aws, dynamodb: OnceLock::new(), s3: OnceLock::new(), read: Mutex::default() }
    }

    /// The process's own configuration.
    pub fn from_env() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the edge: a program's configuration is its environment")]
        let get = |name: &str| std::env::var(name).ok();
        Self::new(get, sdk_config(get))
    }

    /// The names of the variables read so far.
    pub fn variables_read(&self) -> BTreeSet<&'static str> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads something once, so that the connection exists before the first request.
    pub async fn warm(&self) {
        if let Ok(control) = self.control() {
            // A failure will show at the first request.
            let _ = control.current_run().await;
        }
    }
}

impl Config {
    /// A variable that may be empty or absent.
    pub fn optional(&self, name: &'static str) -> Option<String> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        (self.get)(name).filter(|value| !value.is_empty())
    }

    /// A variable that must be set.
    pub fn required(&self, name: &'static str) -> Result<String, ConfigError> {
        self.optional(name).ok_or(ConfigError::Missing(name))
    }

    /// A variable that must parse.
    pub fn parsed<T: FromStr<Err: Display>>(&self, name: &'static str) -> Result<T, ConfigError> {
        let value = self.required(name)?;
        value.parse().map_err(|reason: T::Err| ConfigError::Invalid { name, reason: reason.to_string(), value })
    }

    /// A variable that must be a number within bounds.
    pub fn number<T: FromStr + PartialOrd + Display>(
        &self,
        name: &'static str,
        bounds: RangeInclusive<T>,
    ) -> Result<T, ConfigError> {
        let value = self.required(name)?;
        value.parse().ok().filter(|number| bounds.contains(number)).ok_or_else(|| {
            let reason = format!("expected a number from {} to {}", bounds.start(), bounds.end());
            ConfigError::Invalid { name, value, reason }
        })
    }

    pub fn log_level(&self) -> Result<String, ConfigError> {
        self.required("LOG_LEVEL")
    }

    /// The names of the claims that say who is asking.
    pub fn claims(&self) -> Result<ClaimNames, ConfigError> {
        Ok(ClaimNames {
            csm: self.required("CSM_CLAIM")?,
            role: self.required("ROLE_CLAIM")?,
            manager: self.required("MANAGER_ROLE")?,
        })
    }

    /// The secret that cursors are signed with.
    pub fn cursor_secret(&self) -> Result<String, ConfigError> {
        self.required("CURSOR_SECRET")
    }

    /// The label window in days.
    pub fn horizon_days(&self) -> Result<u16, ConfigError> {
        self.number("HORIZON_DAYS", 1..=730)
    }

    /// From how many days on an open deal counts as stale.
    pub fn stale_deal_days(&self) -> Result<u16, ConfigError> {
        self.number("STALE_DEAL_DAYS", 1..=730)
    }

    /// The currency of all amounts, where the deployment has one.
    pub fn currency(&self) -> Result<Option<Currency>, ConfigError> {
        self.optional("CURRENCY").map(|_| self.parsed("CURRENCY")).transpose()
    }

    pub fn control(&self) -> Result<ControlTable, ConfigError> {
        Ok(ControlTable { name: self.required("CONTROL_TABLE")?, client: self.dynamodb() })
    }

    pub fn propensities(&self) -> Result<PropensityTable, ConfigError> {
        Ok(PropensityTable { name: self.required("PROPENSITY_TABLE")?, client: self.dynamodb() })
    }

    pub fn artifacts(&self) -> Result<Artifacts, ConfigError> {
        Ok(Artifacts { bucket: self.required("BUCKET")?, client: self.s3() })
    }

    pub fn bus(&self) -> Result<Bus, ConfigError> {
        Ok(Bus::new(&self.aws, self.required("EVENT_BUS")?))
    }

    /// The client for the source's bucket.
    pub fn s3(&self) -> S3 {
        self.s3.get_or_init(|| S3::new(&self.aws)).clone()
    }

    fn dynamodb(&self) -> DynamoDb {
        self.dynamodb.get_or_init(|| DynamoDb::new(&self.aws)).clone()
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("read", &self.variables_read()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &'static [(&str, &str)]) -> Config {
        let get =
            |wanted: &str| variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned());
        Config::new(get, SdkConfig::builder().build())
    }

    #[test]
    fn an_error_names_the_variable() {
        let config = config(&[("HORIZON_DAYS", "0"), ("LOG_LEVEL", "")]);
        let reason = config.horizon_days().map_err(|error| error.to_string());
        assert_eq!(
            reason,
            Err("environment variable HORIZON_DAYS is \"0\": expected a number from 1 to 730".to_owned())
        );
        assert_eq!(config.log_level(), Err(ConfigError::Missing("LOG_LEVEL")));
        assert_eq!(
            config.claims().map_err(|error| error.to_string()),
            Err("environment variable CSM_CLAIM is not set".to_owned())
        );
    }

    #[test]
    fn a_currency_is_one_or_none() {
        assert_eq!(config(&[("CURRENCY", "")]).currency(), Ok(None));
        assert_eq!(config(&[("CURRENCY", "EUR")]).currency(), Ok("EUR".parse().ok()));
        assert!(matches!(
            config(&[("CURRENCY", "EURO")]).currency(),
            Err(ConfigError::Invalid { name: "CURRENCY", .. })
        ));
    }

    #[test]
    fn what_was_read_is_known() {
        let config = config(&[("CONTROL_TABLE", "control"), ("BUCKET", "models")]);
        assert!(config.optional("CONTROL_TABLE").is_some() && config.optional("BUCKET").is_some());
        assert_eq!(config.variables_read(), BTreeSet::from(["BUCKET", "CONTROL_TABLE"]));
    }
}
