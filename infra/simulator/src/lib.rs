//! A seeded, event-level simulator of a software vendor's customers.
//!
//! It fills all nine source tables with a portfolio whose truth is known. The local run shows it as the demo portfolio; tests
//! and benchmarks measure models against [`truth`], the probability that no model can beat.
//!
//! Every customer is a small state machine on its own weekly grid with its own random stream, so customers never influence
//! each other and a customer can be re-run up to any day. A model that reads the tables sees noisy traces of that state: some
//! causes (a customer's appetite, its current interest) are only visible through the signals they leave behind.
//!
//! # Example
//!
//! ```
//! use expansion_simulator::{Settings, simulate, truth};
//! use jiff::civil::date;
//!
//! let settings = Settings { customers: 20, months: 12, end: date(2025, 6, 30), seed: 7, drift: None };
//! let portfolio = simulate(&settings);
//! assert_eq!(portfolio.customers.len(), 20);
//!
//! let cutoff = date(2025, 3, 31);
//! let known = truth(&settings, &[cutoff], 90, 50);
//! assert!(known.iter().all(|row| (0.0..=1.0).contains(&row.probability)));
//! ```
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a simulator turns small, positive real quantities into counts all the time"
)]

mod behaviour;
mod calendar;
mod catalog;
mod customer;
mod names;
mod record;
mod tables;
mod truth;
mod write;

use jiff::civil::Date;

use crate::calendar::day_of;
use crate::customer::Customer;
use crate::names::Namer;
use crate::record::Recorder;

pub use crate::tables::Portfolio;
pub use crate::truth::{Truth, truth};
pub use crate::write::write;

/// The names of its metrics and kinds of signals, and others for them that nothing is known of.
pub const OTHER_NAMES: [(&str, &str); 9] = [
    ("active_seats", "mau"),
    ("logins", "sessions"),
    ("api_calls", "credits_used"),
    ("seat_inquiry", "wants_licences"),
    ("enterprise_inquiry", "asked_sales"),
    ("feature_request", "idea_posted"),
    ("new_team", "workspace_created"),
    ("champion_promotion", "job_change"),
    ("pricing_page", "plan_viewed"),
];

/// Seed of [`Settings::demo`].
pub const DEMO_SEED: u64 = 238;
/// The last day of the demo portfolio, unless another is asked for: fixed, so that everybody sees the same.
pub const DEMO_END: Date = Date::constant(2026, 6, 30);
/// Longest recorded period: a century, well inside the calendar's range.
const MAX_MONTHS: u32 = 1_200;

/// What to simulate. Equal settings give identical rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Number of customers ever signed, including those that churn.
    pub customers: usize,
    /// Length of the recorded period in calendar months.
    pub months: u32,
    /// The last simulated day, inclusive; the demo's `as_of`.
    pub end: Date,
    /// Seed of every random stream.
    pub seed: u64,
    /// A change of the market, if there is to be one.
    pub drift: Option<Drift>,
}

/// From a day on deals are won more easily, or less: what is known of a customer means something else than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drift {
    /// The first such day.
    pub from: Date,
    /// What it adds to the log-odds that an opportunity is won when it closes, in tenths.
    pub tenths: i32,
}

impl Settings {
    /// The demo portfolio: 1,500 customers over 30 months ending on `end`.
    pub fn demo(end: Date) -> Self {
        Self { customers: 1_500, months: 30, end, seed: DEMO_SEED, drift: None }
    }

    /// The first recorded day.
    fn start(&self) -> Date {
        let months = jiff::Span::new().months(i64::from(self.months.min(MAX_MONTHS)));
        self.end.saturating_sub(months)
    }
}

/// Simulates a portfolio and fills the nine tables.
///
/// No row carries a date after `settings.end`; an opportunity that closes later is recorded as open.
pub fn simulate(settings: &Settings) -> Portfolio {
    let end = day_of(settings.end);
    let products = catalog::PRODUCTS.map(|item| item.row).to_vec();
    let mut portfolio = Portfolio { products, ..Portfolio::default() };
    let mut namer = Namer::default();
    for index in 0..settings.customers {
        let mut customer = Customer::new(settings, index);
        let mut recorder = Recorder::new(settings, &customer, &mut namer, &mut portfolio);
        while customer.state.is_active() && customer.state.week <= end {
            customer.step(&mut |state, event| recorder.record(state, event));
        }
        recorder.finish(&customer.state);
    }
    portfolio
}

#[cfg(test)]
mod tests;
