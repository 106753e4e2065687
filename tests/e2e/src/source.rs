//! Simulated sources: small enough to be quick, large enough for a model.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use expansion_domain::Instant;
use expansion_simulator::{Portfolio, Settings, simulate, write};
use jiff::civil::{Date, date};
use tempfile::TempDir;

/// The last day of the simulated portfolio.
pub const END: Date = date(2026, 6, 30);

/// The end of the day so many days before [`END`].
pub fn as_of(days_before: i32) -> Instant {
    Instant::from_date(END).expect("a day of this century").plus_days(-days_before).end_of_day()
}

/// The portfolio that all tests start from; a copy, to be spoilt at will.
pub fn portfolio() -> Portfolio {
    static SIMULATED: OnceLock<Portfolio> = OnceLock::new();
    SIMULATED.get_or_init(|| simulate(&Settings { customers: 250, months: 20, end: END, seed: 1, drift: None })).clone()
}

/// [`portfolio`] as it was when there was too little to learn from: it is scored by rules, without any fit.
pub fn young() -> Portfolio {
    let mut young = portfolio();
    young.expansion_opportunities.truncate(10);
    young
}

/// A source folder, which is removed with its last copy.
#[derive(Clone, Debug)]
pub struct Source {
    scratch: Arc<TempDir>,
}

impl Source {
    /// [`portfolio`], one file a table.
    pub fn simulated() -> Self {
        Self::of(&portfolio(), None)
    }

    /// [`portfolio`], cut into so many buckets of customers.
    pub fn bucketed(buckets: u32) -> Self {
        Self::of(&portfolio(), Some(buckets))
    }

    /// [`young`], one file a table: for what no model makes a difference to.
    pub fn young() -> Self {
        Self::of(&young(), None)
    }

    /// Any portfolio.
    pub fn of(portfolio: &Portfolio, buckets: Option<u32>) -> Self {
        let source = Self { scratch: Arc::new(TempDir::new().expect("a scratch folder")) };
        source.replace(portfolio, buckets);
        source
    }

    /// Puts another portfolio in its place.
    pub fn replace(&self, portfolio: &Portfolio, buckets: Option<u32>) {
        write(portfolio, &self.folder(), buckets).expect("the source is written");
    }

    /// Where it is.
    pub fn folder(&self) -> PathBuf {
        self.scratch.path().join("source")
    }
}
