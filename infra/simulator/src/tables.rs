//! The rows of the nine source tables: field names are column names.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

/// All rows of a simulated source, customer by customer and then week by week.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Portfolio {
    pub customers: Vec<CustomerRow>,
    pub products: Vec<ProductRow>,
    pub contracts: Vec<ContractRow>,
    pub usage_metrics: Vec<UsageRow>,
    pub health_score_history: Vec<HealthScoreRow>,
    pub expansion_opportunities: Vec<OpportunityRow>,
    pub expansion_signals: Vec<SignalRow>,
    pub stakeholders: Vec<StakeholderRow>,
    pub engagements: Vec<EngagementRow>,
}

/// A row of `customers`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CustomerRow {
    pub customer_id: String,
    /// Company name, unique.
    pub name: String,
    /// `SMB`, `Mid-Market`, `Enterprise` or `Public Sector`; rarely missing.
    pub segment: Option<&'static str>,
    /// Industry; rarely missing.
    pub industry: Option<&'static str>,
    /// Sales region; rarely missing.
    pub region: Option<&'static str>,
    /// The customer's success manager; rarely missing.
    pub csm_id: Option<String>,
    /// First day as a customer.
    pub created_at: Date,
    /// Day of leaving, at a renewal.
    pub churned_at: Option<Date>,
}

/// A row of `products`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProductRow {
    pub product_id: &'static str,
    pub name: &'static str,
    /// `seats`, `tier`, `add_on`, `service` or `usage`.
    pub kind: &'static str,
    /// What one unit is.
    pub unit: &'static str,
    /// Per unit and year.
    pub list_price: f64,
}

/// A row of `contracts`: one product over one term.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContractRow {
    pub contract_id: String,
    /// Of `customers`.
    pub customer_id: String,
    /// Of `products`.
    pub product_id: &'static str,
    /// Units entitled.
    pub quantity: u32,
    /// Per year, after discount.
    pub annual_value: f64,
    /// First day.
    pub start_date: Date,
    /// Last day, inclusive; a renewal starts on the day after.
    pub end_date: Option<Date>,
}

/// A row of `usage_metrics`: one metric of one week.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UsageRow {
    /// Of `customers`.
    pub customer_id: String,
    /// When the week was measured.
    pub recorded_at: Timestamp,
    /// `active_seats`, `logins` or `api_calls`.
    pub metric: &'static str,
    pub value: f64,
}

/// A row of `health_score_history`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HealthScoreRow {
    /// Of `customers`.
    pub customer_id: String,
    /// Day of scoring.
    pub recorded_at: Date,
    /// 0–100.
    pub score: f64,
}

/// A row of `expansion_opportunities`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpportunityRow {
    pub opportunity_id: String,
    /// Of `customers`.
    pub customer_id: String,
    /// Of `products`.
    pub product_id: &'static str,
    /// `won`, `lost`, or how far an open one has come.
    pub stage: &'static str,
    /// Additional annual value.
    pub amount: f64,
    /// Day of opening.
    pub created_at: Date,
    /// Day of winning or losing.
    pub closed_at: Option<Date>,
}

/// A row of `expansion_signals`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SignalRow {
    /// Of `customers`.
    pub customer_id: String,
    /// Day of detection.
    pub detected_at: Date,
    /// `seat_inquiry`, `enterprise_inquiry`, `feature_request`, `new_team`,
    /// `champion_promotion` or `pricing_page`.
    pub kind: &'static str,
    /// One line for a reader.
    pub summary: &'static str,
}

/// A row of `stakeholders`: a person as of a day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StakeholderRow {
    /// One person; repeated when the title or role changes.
    pub stakeholder_id: String,
    /// Of `customers`.
    pub customer_id: String,
    pub name: String,
    pub title: String,
    /// `champion`, `executive` or `user`.
    pub role: &'static str,
    /// From when the title and role hold.
    pub recorded_at: Date,
}

/// A row of `engagements`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EngagementRow {
    /// Of `customers`.
    pub customer_id: String,
    /// When it took place.
    pub occurred_at: Timestamp,
    /// `meeting`, `qbr`, `email`, `call` or `ticket`.
    pub kind: &'static str,
    /// Whether an executive of the customer took part.
    pub with_executive: bool,
    /// Of `stakeholders`, if the person is known.
    pub stakeholder_id: Option<String>,
}
