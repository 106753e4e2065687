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

/// A customer; what is optional about it is rarely missing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CustomerRow {
    pub customer_id: String,
    /// Company name, unique.
    pub name: String,
    /// `SMB`, `Mid-Market`, `Enterprise` or `Public Sector`.
    pub segment: Option<&'static str>,
    pub industry: Option<&'static str>,
    pub region: Option<&'static str>,
    /// The customer's success manager.
    pub csm_id: Option<String>,
    /// First day as a customer.
    pub created_at: Date,
    /// Day of leaving, at a renewal.
    pub churned_at: Option<Date>,
}

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

/// One product over one term.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContractRow {
    pub contract_id: String,
    pub customer_id: String,
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

/// One metric of one week.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UsageRow {
    pub customer_id: String,
    /// When the week was measured.
    pub recorded_at: Timestamp,
    /// `active_seats`, `logins` or `api_calls`.
    pub metric: &'static str,
    pub value: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HealthScoreRow {
    pub customer_id: String,
    pub recorded_at: Date,
    /// 0–100.
    pub score: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpportunityRow {
    pub opportunity_id: String,
    pub customer_id: String,
    pub product_id: &'static str,
    /// `won`, `lost`, or how far an open one has come.
    pub stage: &'static str,
    /// Additional annual value.
    pub amount: f64,
    pub created_at: Date,
    /// Day of winning or losing.
    pub closed_at: Option<Date>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SignalRow {
    pub customer_id: String,
    pub detected_at: Date,
    /// `seat_inquiry`, `enterprise_inquiry`, `feature_request`, `new_team`, `champion_promotion` or `pricing_page`.
    pub kind: &'static str,
    /// One line for a reader.
    pub summary: &'static str,
}

/// A person as of a day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StakeholderRow {
    /// One person; repeated when the title or role changes.
    pub stakeholder_id: String,
    pub customer_id: String,
    pub name: String,
    pub title: String,
    /// `champion`, `executive` or `user`.
    pub role: &'static str,
    /// From when the title and role hold.
    pub recorded_at: Date,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EngagementRow {
    pub customer_id: String,
    pub occurred_at: Timestamp,
    /// `meeting`, `qbr`, `email`, `call` or `ticket`.
    pub kind: &'static str,
    /// Whether an executive of the customer took part.
    pub with_executive: bool,
    /// The counterpart, if known.
    pub stakeholder_id: Option<String>,
}
