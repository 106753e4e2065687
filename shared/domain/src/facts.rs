//! What is known about customers: plain data, each list sorted by when the fact was learned.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DataGrade, Instant, Known};

/// A free-text identifier; shared, because the same product or CSM is named by many rows.
pub type Id = Arc<str>;

/// The nine source tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// Who the customers are (required).
    Customers,
    /// What can be bought.
    Products,
    /// What customers are entitled to.
    Contracts,
    /// Product usage readings.
    UsageMetrics,
    /// Health scores over time.
    HealthScoreHistory,
    /// Expansion deals and their outcome (required: the label comes from it).
    ExpansionOpportunities,
    /// Buying signals.
    ExpansionSignals,
    /// People at the customer.
    Stakeholders,
    /// Meetings, calls, tickets.
    Engagements,
}

impl Table {
    /// Every table, in the order the contract lists them.
    pub const ALL: [Self; 9] = [
        Self::Customers,
        Self::Products,
        Self::Contracts,
        Self::UsageMetrics,
        Self::HealthScoreHistory,
        Self::ExpansionOpportunities,
        Self::ExpansionSignals,
        Self::Stakeholders,
        Self::Engagements,
    ];

    /// The table's name, which is also its folder's.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customers => "customers",
            Self::Products => "products",
            Self::Contracts => "contracts",
            Self::UsageMetrics => "usage_metrics",
            Self::HealthScoreHistory => "health_score_history",
            Self::ExpansionOpportunities => "expansion_opportunities",
            Self::ExpansionSignals => "expansion_signals",
            Self::Stakeholders => "stakeholders",
            Self::Engagements => "engagements",
        }
    }

    /// Whether nothing can be done without this table.
    pub const fn required(self) -> bool {
        matches!(self, Self::Customers | Self::ExpansionOpportunities)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Everything read from a source: the customers' histories and the product catalogue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceData {
    /// One history a customer, sorted by `customer_id`.
    pub customers: Vec<CustomerHistory>,
    /// The catalogue, sorted by `product_id`.
    pub products: Vec<Product>,
    /// The tables the source holds; the features of the others are missing.
    pub tables: Vec<Table>,
}

/// Rows of one table that were left out, merged or taken for something else, all for one reason; or a table that is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DataIssue {
    /// The table.
    pub table: Table,
    /// What is wrong with the rows, in words.
    pub reason: String,
    /// How many rows; 0 where the whole table is missing.
    pub count: u64,
    /// The first of them: file, line and the offending value.
    pub example: String,
    /// `warned` where the rows are bad or doubtful, `fine` where they are handled as they should be.
    #[serde(default = "warned")]
    pub grade: DataGrade,
}

/// Earlier versions told of bad rows only.
const fn warned() -> DataGrade {
    DataGrade::Warned
}

/// A table of which nothing new is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StaleTable {
    /// The table.
    pub table: Table,
    /// Its newest fact that was known.
    pub newest: Instant,
    /// How many whole days before the run's `as_of` that was.
    pub days: u32,
}

/// A product that can be bought.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// Its id.
    pub product_id: Id,
    /// Its name, when given.
    pub name: Option<Id>,
    /// `seats`, `tier`, `add_on`, `service` or `usage`, when given.
    pub kind: Option<Id>,
    /// What one unit is.
    pub unit: Option<Id>,
    /// Price of a unit and year.
    pub list_price: Option<f64>,
}

/// One customer's facts. Each list is sorted by the instant at which its facts became known, and ties are broken by
/// content, so that the order of the source's rows never matters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomerHistory {
    /// The customer's id.
    pub customer_id: Id,
    /// Display name.
    pub name: Option<Id>,
    /// Segment, as the owner cuts the market.
    pub segment: Option<Id>,
    /// Industry.
    pub industry: Option<Id>,
    /// Region.
    pub region: Option<Id>,
    /// The customer success manager in charge.
    pub csm_id: Option<Id>,
    /// When they became a customer.
    pub created_at: Instant,
    /// When they left, if they did.
    pub churned_at: Option<Instant>,
    /// When it showed that they had come back after they left.
    pub returned_at: Option<Instant>,
    /// Contracts, by `start_date`.
    pub contracts: Vec<Contract>,
    /// Usage, one series a metric, sorted by metric name.
    pub usage: Vec<UsageSeries>,
    /// Health scores (0–100), by time.
    pub health: Vec<Reading>,
    /// Expansion deals, by `created_at`.
    pub opportunities: Vec<Opportunity>,
    /// Buying signals, by `detected_at`.
    pub signals: Vec<Signal>,
    /// What was recorded of people, by `recorded_at`.
    pub stakeholders: Vec<Stakeholder>,
    /// Touch points, by `occurred_at`.
    pub engagements: Vec<Engagement>,
}

/// A contract; known from its `start_date` on.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// Its id.
    pub contract_id: Id,
    /// What was bought.
    pub product_id: Option<Id>,
    /// Units entitled; infinite where there is no limit.
    pub quantity: Option<f64>,
    /// Value of one year.
    pub annual_value: Option<f64>,
    /// First day.
    pub start_date: Instant,
    /// Last day; open-ended when absent.
    pub end_date: Option<Instant>,
}

/// The readings of one usage metric.
#[derive(Clone, Debug, PartialEq)]
pub struct UsageSeries {
    /// `active_seats`, `logins`, `api_calls` or any other name.
    pub metric: Id,
    /// By time.
    pub readings: Vec<Reading>,
}

/// A number at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// When it was measured.
    pub at: Instant,
    /// What was measured.
    pub value: f64,
}

/// How a deal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Closed, bought.
    Won,
    /// Closed, not bought.
    Lost,
    /// Anything else.
    Open,
}

/// An expansion deal.
#[derive(Clone, Debug, PartialEq)]
pub struct Opportunity {
    /// Its id.
    pub opportunity_id: Id,
    /// What is offered; of several products the one with the largest amount.
    pub product_id: Option<Id>,
    /// The other products, the larger amounts first.
    pub other_products: Vec<Id>,
    /// How it stands at the source's time, which may be after any `as_of`.
    pub stage: Stage,
    /// Its amount, known for certain only when closed.
    pub amount: Option<f64>,
    /// When it was opened.
    pub created_at: Instant,
    /// When it was won or lost; `None` exactly when it is open. Before `created_at` only where people dated it so.
    pub closed_at: Option<Instant>,
    /// When people recorded it; `None` for deals of the source, which are known from `created_at`.
    pub known_at: Option<Instant>,
    /// When people recorded how it ended; `None` where the source says so, known from `closed_at`.
    pub outcome_known_at: Option<Instant>,
}

/// A buying signal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signal {
    /// When it was noticed.
    pub detected_at: Instant,
    /// `seat_inquiry`, `champion_promotion`, ….
    pub kind: Id,
    /// In words.
    pub summary: Option<Id>,
}

/// What was recorded of a person at the customer; a new fact at each change of title or role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stakeholder {
    /// When this was recorded.
    pub recorded_at: Instant,
    /// The person.
    pub stakeholder_id: Id,
    /// `champion`, `executive` or `user`.
    pub role: Option<Id>,
    /// Job title.
    pub title: Option<Id>,
    /// Name.
    pub name: Option<Id>,
}

/// A touch point.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Engagement {
    /// When.
    pub occurred_at: Instant,
    /// `meeting`, `qbr`, `email`, `call`, `ticket`, ….
    pub kind: Option<Id>,
    /// Whether an executive took part, when recorded.
    pub with_executive: Option<bool>,
    /// Who took part, when recorded.
    pub stakeholder_id: Option<Id>,
}

impl Contract {
    /// Whether it has no limit of units.
    pub fn is_unlimited(&self) -> bool {
        self.quantity == Some(f64::INFINITY)
    }

    /// Whether the contract is in force at `as_of`: begun, and its last day not over.
    pub fn in_force(&self, as_of: Instant) -> bool {
        self.start_date <= as_of && self.end_date.is_none_or(|last| last.plus_days(1) > as_of)
    }
}

impl Engagement {
    /// Whether somebody talked with the customer. (E-mail may be anything.)
    pub fn is_conversation(&self) -> bool {
        matches!(self.kind.as_deref(), Some("meeting" | "qbr" | "call"))
    }
}

impl Opportunity {
    /// Every product that is offered.
    pub fn products(&self) -> impl Iterator<Item = &Id> {
        self.product_id.iter().chain(&self.other_products)
    }

    /// Whether anybody knew of the deal at `as_of`.
    pub fn is_known(&self, as_of: Instant) -> bool {
        self.created_at <= as_of && self.known_at.is_none_or(|known| known <= as_of)
    }

    /// When it was closed, if anybody knew that at `as_of`.
    pub fn known_close(&self, as_of: Instant) -> Option<Instant> {
        self.closed_at.filter(|closed| *closed <= as_of && self.outcome_known_at.is_none_or(|known| known <= as_of))
    }
}

impl CustomerHistory {
    /// A customer of whom nothing else is known.
    pub fn new(customer_id: Id, created_at: Instant) -> Self {
        Self { customer_id, created_at, ..Self::default() }
    }

    /// What was known of this customer at `as_of` (inclusive), or `None` if they were not a customer then.
    pub fn known(&self, as_of: Instant) -> Option<Known<'_>> {
        let by_then = |at: Option<Instant>| at.is_some_and(|at| at <= as_of);
        let left = by_then(self.churned_at) && !by_then(self.returned_at);
        (self.created_at <= as_of && !left).then(|| Known::new(self, as_of))
    }

    /// Puts every list into its order. The facts without an id are ordered by their fields as declared, the time first.
    pub fn sort(&mut self) {
        self.contracts.sort_by(|a, b| (a.start_date, &a.contract_id).cmp(&(b.start_date, &b.contract_id)));
        self.usage.sort_by(|a, b| a.metric.cmp(&b.metric));
        for series in &mut self.usage {
            sort_readings(&mut series.readings);
        }
        sort_readings(&mut self.health);
        self.opportunities.sort_by(|a, b| (a.created_at, &a.opportunity_id).cmp(&(b.created_at, &b.opportunity_id)));
        self.signals.sort();
        self.stakeholders.sort();
        self.engagements.sort();
    }
}

fn sort_readings(readings: &mut [Reading]) {
    let ordered = |a: &Reading, b: &Reading| a.at.cmp(&b.at).then(a.value.total_cmp(&b.value));
    // Exports are mostly in time order already.
    if !readings.is_sorted_by(|a, b| ordered(a, b).is_le()) {
        readings.sort_unstable_by(ordered);
    }
}
