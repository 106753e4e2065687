//! The features in one table: name, unit, the label a person reads, and what it means when one is missing.

use std::ops::RangeInclusive;

use expansion_domain::{Table, thousands};

use crate::extract as x;
use crate::{Inputs, KINDS, METRICS, Slot, Slots, Value};

/// Changes whenever a feature is added, removed or computed differently: a model fits only its own feature set.
pub const FEATURE_SET_VERSION: u32 = 3;

/// What a feature is measured in; decides how a value is written in a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share of one, written as a percentage.
    Share,
    /// A relative change, written as a signed percentage.
    Change,
    /// Days.
    Days,
    /// Years.
    Years,
    /// A count.
    Count,
    /// An amount in the owner's currency.
    Money,
    /// Health points, 0–100.
    Points,
    /// A count in which older events weigh less.
    Weight,
    /// A number in a unit that only the source's owner knows.
    Measure,
    /// A level of a category.
    Level,
}

/// What a feature is about: which conversation it calls for where it speaks for an expansion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// A deal that is being worked already.
    OpenDeal,
    /// How full the seats are.
    Capacity,
    /// Seats asked for or sold.
    Seats,
    /// How much the product is used, and whether that grows.
    Use,
    /// Calls of the API.
    ApiCalls,
    /// Interest in other plans.
    Pricing,
    /// Products they don't have.
    AddOns,
    /// Teams that begin to use the product.
    NewTeam,
    /// People who argue for the product.
    Advocate,
    /// Health, tickets and touch points.
    Value,
    /// People who decide.
    Executives,
    /// Other signals.
    Requests,
    /// Expansions before.
    PastExpansions,
    /// Contracts and their ends.
    Renewal,
    /// Nothing to talk about.
    Nothing,
}

/// Which values of a feature are better: nobody would advise the other way, whatever a model makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Larger ones.
    More,
    /// Smaller ones.
    Less,
    /// It cannot be changed: signals are the customer's to give, and contracts, past deals and who they are are facts.
    Neither,
}

/// Who may be told a feature's value as a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The customer too: their own use of what they have, and what they asked for.
    Customer,
    /// Only whoever looks after the customer.
    Internal,
}

/// One feature.
#[derive(Clone, Copy)]
pub struct Feature {
    /// Its name in models, answers and exports.
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// The slot that it is of; `None` for those that mean the same in every source.
    pub slot: Option<Slot>,
    /// The table without which it cannot be known.
    pub table: Table,
    /// What it is about.
    pub topic: Topic,
    /// Which values of it are better.
    pub better: Better,
    /// Who may be told its value as a reason.
    pub audience: Audience,
    /// What a person reads; `{}` stands for the value, `{s}` for the plural's ending, `{of}` for what the slot stands for.
    pub label: &'static str,
    /// What a person reads when it is missing; also says when that is.
    pub missing: &'static str,
    /// The value.
    extract: fn(&Inputs<'_>) -> Value,
    /// The number in the label, where it is not the value itself.
    shown: Option<fn(&Inputs<'_>) -> Value>,
}

impl Feature {
    /// The feature's value; missing when its table is not in the source.
    pub fn value(&self, inputs: &Inputs<'_>) -> Value {
        if inputs.tables.contains(&self.table) { (self.extract)(inputs) } else { Value::Missing }
    }

    /// The numbers that the feature can have at all, whoever the customer is; without meaning for a level.
    pub fn possible(&self) -> RangeInclusive<f64> {
        match (self.name, self.unit) {
            ("win_rate", _) => 0.0..=1.0,
            ("usage_days_365", _) => 0.0..=365.0,
            ("health_change", _) => -100.0..=100.0,
            // Whoever knows the unit may count below zero.
            _ if self.is_candidate() && matches!(self.unit, Unit::Measure | Unit::Change) => {
                f64::NEG_INFINITY..=f64::INFINITY
            }
            (name, _) if name.ends_with("_days_7") => 0.0..=7.0,
            (name, _) if name.ends_with("_days_30") => 0.0..=30.0,
            (name, _) if name.ends_with("_days_90") => 0.0..=90.0,
            (_, Unit::Points) => 0.0..=100.0,
            (_, Unit::Change) => -1.0..=f64::INFINITY,
            // Usage may exceed what was bought.
            _ => 0.0..=f64::INFINITY,
        }
    }

    /// The smallest difference in which the feature's values are spoken of.
    pub fn step(&self) -> f64 {
        match self.unit {
            Unit::Share | Unit::Change => 0.01,
            Unit::Years => 0.1,
            _ => 1.0,
        }
    }

    /// Whether it is one of many that say much the same of a metric, so that only those enter a model that add something to
    /// the others.
    pub fn is_candidate(&self) -> bool {
        matches!(self.slot, Some(Slot::Metric(_)))
    }

    /// Whether the feature is categorical.
    pub fn is_level(&self) -> bool {
        self.unit == Unit::Level
    }

    /// Whether it tells a CSM something that they may not know yet: how the product is used, what was asked for, people and
    /// touch points, a renewal ahead. Health scores and past deals are in front of them anyway.
    pub fn is_news(&self) -> bool {
        self.name == "days_to_renewal" || (self.is_actionable() && self.table != Table::HealthScoreHistory)
    }

    /// Whether the customer and whoever looks after them can do something about it: use, health, signals, people and
    /// touch points; not who they are, what they have under contract or what they bought.
    pub fn is_actionable(&self) -> bool {
        matches!(
            self.table,
            Table::UsageMetrics
                | Table::HealthScoreHistory
                | Table::ExpansionSignals
                | Table::Stakeholders
                | Table::Engagements
        )
    }

    /// What a person reads about this feature of this customer.
    pub fn describe(&self, inputs: &Inputs<'_>, value: &Value) -> String {
        match self.shown {
            Some(shown) if *value != Value::Missing => self.describe_value(&shown(inputs), inputs.slots),
            _ => self.describe_value(value, inputs.slots),
        }
    }

    /// What a person reads about a value of this feature. (A weight reads as if it were a count.)
    pub fn describe_value(&self, value: &Value, slots: &Slots) -> String {
        let text = match value {
            Value::Missing => self.missing.to_owned(),
            Value::Level(level) => self.label.replace("{}", level),
            Value::Number(number) => {
                let number = self.unit.format(*number);
                let plural = if number == "1" || number == "-1" { "" } else { "s" };
                let label = self.label.replace("{s}", plural);
                match label.strip_prefix("{}") {
                    Some(rest) if number == "0" => format!("No{rest}"),
                    _ => label.replace("{}", &number),
                }
            }
        };
        match self.slot {
            Some(slot) => text.replace("{of}", &slots.spoken(slot)),
            None => text,
        }
    }
}

/// A feature by name, with its position in [`FEATURES`].
pub fn feature(name: &str) -> Option<(usize, &'static Feature)> {
    FEATURES.iter().enumerate().find(|(_, feature)| feature.name == name)
}

impl Unit {
    /// A number in this unit, as a person reads it.
    pub fn format(self, value: f64) -> String {
        match self {
            Self::Share => format!("{:.0}%", value * 100.0),
            Self::Change => format!("{:+.0}%", value * 100.0),
            Self::Years => format!("{value:.1}"),
            Self::Money => thousands(value),
            Self::Measure => significant(value),
            Self::Days | Self::Count | Self::Points | Self::Weight | Self::Level => {
                format!("{:.0}", value + 0.0)
            }
        }
    }
}

/// A number with three significant digits, and all those before the point.
fn significant(value: f64) -> String {
    if value.abs() >= 100.0 {
        return thousands(value);
    }
    let decimals = [10.0, 1.0, 0.1, 0.01, 0.001].iter().position(|least| value.abs() >= *least).unwrap_or(4) + 1;
    let text = format!("{value:.decimals$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Declares features, all of one slot or of none: a line each.
macro_rules! features {
    ($list:ident, $prefix:literal, $slot:expr; $($name:ident: $unit:ident of $table:ident, about $topic:ident, better $better:ident, for $audience:ident, $label:literal, or $missing:literal, $extract:expr $(, shows $shown:expr)?;)*) => {
        const $list: &[Feature] = &[$(Feature {
            name: concat!($prefix, stringify!($name)),
            unit: Unit::$unit,
            slot: $slot,
            table: Table::$table,
            topic: Topic::$topic,
            better: Better::$better,
            audience: Audience::$audience,
            label: $label,
            missing: $missing,
            extract: $extract,
            shown: features!(@shown $($shown)?),
        }),*];
    };
    (@shown) => { None };
    (@shown $shown:expr) => { Some($shown) };
}

features! {
    OF_CUSTOMER, "", None;
    // Usage against what was bought.
    seat_utilisation: Share of UsageMetrics, about Capacity, better More, for Customer, "Usage at {} of license capacity", or "No seat usage or entitlement known", x::seat_utilisation;
    seat_utilisation_peak: Share of UsageMetrics, about Capacity, better Neither, for Customer, "Peak usage at {} of license capacity in the last 90 days", or "No seat usage or entitlement known", x::seat_utilisation_peak;
    days_to_capacity: Days of UsageMetrics, about Capacity, better Neither, for Customer, "Seats full in about {} day{s} at the present growth", or "Seats not growing, or usage unknown", x::days_to_capacity;
    active_seats: Count of UsageMetrics, about Capacity, better More, for Customer, "{} active seat{s}", or "No active seats recorded", |v| x::level(v, x::active_seats(v), 30);
    active_seats_change: Change of UsageMetrics, about Use, better More, for Customer, "Active seats {} against the two months before", or "No earlier active seats to compare with", |v| x::change(v, x::active_seats(v), 30);
    logins_per_seat: Count of UsageMetrics, about Use, better More, for Customer, "{} login{s} per active seat in the last 30 days", or "No logins per seat known", |v| x::per_seat(v, v.known.usage("logins"));
    logins_change: Change of UsageMetrics, about Use, better More, for Customer, "Logins {} against the two months before", or "No earlier logins to compare with", |v| x::change(v, v.known.usage("logins"), 30);
    api_calls: Count of UsageMetrics, about ApiCalls, better More, for Customer, "{} API call{s} per reading", or "No API calls recorded", |v| x::level(v, v.known.usage("api_calls"), 30);
    api_calls_change: Change of UsageMetrics, about ApiCalls, better More, for Customer, "API calls {} against the two months before", or "No earlier API calls to compare with", |v| x::change(v, v.known.usage("api_calls"), 30);
    days_since_usage: Days of UsageMetrics, about Use, better Less, for Internal, "Last used {} day{s} ago", or "No usage recorded", x::days_since_usage;
    usage_days_30: Count of UsageMetrics, about Use, better More, for Customer, "Usage on {} day{s} of the last 30", or "No usage recorded", |v| x::usage_days(v, 30);
    usage_days_90: Count of UsageMetrics, about Use, better More, for Customer, "Usage on {} day{s} of the last 90", or "No usage recorded", |v| x::usage_days(v, 90);
    usage_days_365: Count of UsageMetrics, about Use, better Neither, for Customer, "Usage on {} day{s} of the last year", or "No usage recorded", |v| x::usage_days(v, 365);
    usage_volume_change: Change of UsageMetrics, about Use, better More, for Customer, "Overall usage {} against the quarter before", or "No usage a quarter earlier to compare with", x::usage_volume_change;

    // Health.
    health_score: Points of HealthScoreHistory, about Value, better More, for Internal, "Health score of {}", or "No health score in the last half year", x::health;
    health_change: Points of HealthScoreHistory, about Value, better More, for Internal, "Health score moved by {} point{s} in a quarter", or "No earlier health score to compare with", x::health_change;
    health_low: Points of HealthScoreHistory, about Value, better Neither, for Internal, "Health score no lower than {} in the last half year", or "No health score in the last half year", x::health_low;

    // Contracts.
    tenure: Years of Customers, about Renewal, better Neither, for Internal, "Customer for {} years", or "Start unknown", |v| Value::number(v.known.as_of.days_since(v.known.created_at()) / 365.25);
    days_to_renewal: Days of Contracts, about Renewal, better Neither, for Internal, "Renewal in {} day{s}", or "No contract with an end date", x::days_to_renewal;
    days_since_contract: Days of Contracts, about Renewal, better Neither, for Internal, "Latest contract began {} day{s} ago", or "No contract on record", x::days_since_contract;
    annual_value: Money of Contracts, about Renewal, better Neither, for Internal, "Contracts worth {} a year", or "No contract value on record", x::annual_value;
    entitled_seats: Count of Contracts, about Seats, better Neither, for Internal, "{} seat{s} under contract", or "No seats under contract", |v| x::seats(v).into();
    products_owned: Count of Contracts, about AddOns, better Neither, for Internal, "{} product{s} under contract", or "No contract on record", x::products_owned;

    // Past expansions.
    wins: Count of ExpansionOpportunities, about PastExpansions, better Neither, for Internal, "Expanded {} time{s} before", or "Past expansions unknown", |v| v.known.wins().count().into();
    wins_30: Count of ExpansionOpportunities, about PastExpansions, better Neither, for Internal, "Expanded {} time{s} in the last 30 days", or "Past expansions unknown", |v| x::wins_within(v, 30);
    wins_90: Count of ExpansionOpportunities, about PastExpansions, better Neither, for Internal, "Expanded {} time{s} in the last 90 days", or "Past expansions unknown", |v| x::wins_within(v, 90);
    wins_365: Count of ExpansionOpportunities, about PastExpansions, better Neither, for Internal, "Expanded {} time{s} in the last year", or "Past expansions unknown", |v| x::wins_within(v, 365);
    days_since_win: Days of ExpansionOpportunities, about PastExpansions, better Neither, for Internal, "Last expanded {} day{s} ago", or "Never expanded before", x::days_since_win;
    win_rhythm: Share of ExpansionOpportunities, about PastExpansions, better Neither, for Internal, "Time since the last expansion is {} of the usual gap", or "Fewer than two expansions to see a rhythm", x::win_rhythm;
    win_amount: Money of ExpansionOpportunities, about PastExpansions, better Neither, for Internal, "Past expansions of {} on average", or "No past expansion amount known", x::win_amount;
    won_amount_365: Money of ExpansionOpportunities, about PastExpansions, better Neither, for Internal, "Expansions of {} in the last year", or "Past expansions unknown", |v| x::won_amount_within(v, 365);
    losses_365: Count of ExpansionOpportunities, about Nothing, better Neither, for Internal, "{} lost deal{s} in the last year", or "Past deals unknown", |v| x::losses_within(v, 365);
    win_rate: Share of ExpansionOpportunities, about PastExpansions, better Neither, for Internal, "{} of past deals won", or "No closed deal yet", x::win_rate;

    // Deals being worked.
    open_deals: Count of ExpansionOpportunities, about OpenDeal, better Neither, for Internal, "{} open expansion deal{s}", or "Open deals unknown", x::open_deals;
    open_deal_age: Days of ExpansionOpportunities, about OpenDeal, better Neither, for Internal, "Newest open deal is {} day{s} old", or "No open deal", x::open_deal_age;

    // Signals; older ones weigh less.
    seat_inquiries: Weight of ExpansionSignals, about Seats, better Neither, for Customer, "Asked about additional seats {}x", or "Signals unknown", |v| x::signals(v, "seat_inquiry"), shows |v| x::signal_count(v, "seat_inquiry");
    enterprise_inquiries: Weight of ExpansionSignals, about Pricing, better Neither, for Customer, "Asked about enterprise {}x", or "Signals unknown", |v| x::signals(v, "enterprise_inquiry"), shows |v| x::signal_count(v, "enterprise_inquiry");
    feature_requests: Weight of ExpansionSignals, about AddOns, better Neither, for Customer, "{} feature request{s}", or "Signals unknown", |v| x::signals(v, "feature_request"), shows |v| x::signal_count(v, "feature_request");
    new_teams: Weight of ExpansionSignals, about NewTeam, better Neither, for Customer, "{} new team{s}", or "Signals unknown", |v| x::signals(v, "new_team"), shows |v| x::signal_count(v, "new_team");
    champion_promotions: Weight of ExpansionSignals, about Advocate, better Neither, for Internal, "{} champion promotion{s}", or "Signals unknown", |v| x::signals(v, "champion_promotion"), shows |v| x::signal_count(v, "champion_promotion");
    pricing_visits: Weight of ExpansionSignals, about Pricing, better Neither, for Internal, "Looked at pricing {}x", or "Signals unknown", |v| x::signals(v, "pricing_page"), shows |v| x::signal_count(v, "pricing_page");
    other_signals: Weight of ExpansionSignals, about Requests, better Neither, for Internal, "{} other signal{s}", or "Signals unknown", x::other_signals, shows x::other_signal_count;

    // People and touch points.
    champions: Count of Stakeholders, about Advocate, better More, for Internal, "{} champion{s} known", or "Stakeholders unknown", |v| x::people(v, "champion");
    executives: Count of Stakeholders, about Executives, better More, for Internal, "{} executive{s} known", or "Stakeholders unknown", |v| x::people(v, "executive");
    days_since_promotion: Days of Stakeholders, about Advocate, better Neither, for Internal, "A stakeholder changed role {} day{s} ago", or "No stakeholder has changed role", x::days_since_promotion;
    engagements_90: Count of Engagements, about Value, better More, for Internal, "{} touch point{s} in the last 90 days", or "Engagements unknown", |v| x::engaged(v, 90, |_| true).into();
    engagements_change: Change of Engagements, about Value, better Neither, for Internal, "Touch points {} against the quarter before", or "No touch point a quarter earlier to compare with", x::engagements_change;
    executive_engagements: Count of Engagements, about Executives, better More, for Internal, "{} meeting{s} with an executive in the last 180 days", or "Executive engagement unknown", x::executive_engagements;
    executive_contact: Weight of Engagements, about Executives, better Neither, for Internal, "{} meeting{s} with an executive in the last year", or "Executive engagement unknown", x::executive_contact, shows x::executive_contact_count;
    days_since_meeting: Days of Engagements, about Value, better Less, for Internal, "Last met {} day{s} ago", or "No meeting on record", x::days_since_meeting;
    tickets_90: Count of Engagements, about Value, better Less, for Internal, "{} support ticket{s} in the last 90 days", or "Engagements unknown", |v| x::engaged(v, 90, |e| e.kind.as_deref() == Some("ticket")).into();

    // Who they are.
    segment: Level of Customers, about Nothing, better Neither, for Internal, "Segment {}", or "Segment unknown", |v| v.known.segment().into();
    industry: Level of Customers, about Nothing, better Neither, for Internal, "Industry {}", or "Industry unknown", |v| v.known.industry().into();
    region: Level of Customers, about Nothing, better Neither, for Internal, "Region {}", or "Region unknown", |v| v.known.region().into();
}

/// What is said of each usage metric that has a slot.
macro_rules! of_metric {
    ($list:ident, $prefix:literal, $place:literal) => {
        features! {
            $list, $prefix, Some(Slot::Metric($place));
            level_7: Measure of UsageMetrics, about Use, better Neither, for Internal, "{of}: {} per reading in the last 7 days", or "{of}: nothing recorded in the last 7 days", |v| x::level(v, x::metric(v, $place), 7);
            level_30: Measure of UsageMetrics, about Use, better Neither, for Internal, "{of}: {} per reading in the last 30 days", or "{of}: nothing recorded in the last 30 days", |v| x::level(v, x::metric(v, $place), 30);
            level_90: Measure of UsageMetrics, about Use, better Neither, for Internal, "{of}: {} per reading in the last 90 days", or "{of}: nothing recorded in the last 90 days", |v| x::level(v, x::metric(v, $place), 90);
            change_7: Change of UsageMetrics, about Use, better Neither, for Internal, "{of} {} in the last 7 days against the 14 before", or "{of}: nothing recorded to compare the last 7 days with", |v| x::change(v, x::metric(v, $place), 7);
            change_30: Change of UsageMetrics, about Use, better Neither, for Internal, "{of} {} in the last 30 days against the 60 before", or "{of}: nothing recorded to compare the last 30 days with", |v| x::change(v, x::metric(v, $place), 30);
            change_90: Change of UsageMetrics, about Use, better Neither, for Internal, "{of} {} in the last 90 days against the 180 before", or "{of}: nothing recorded to compare the last 90 days with", |v| x::change(v, x::metric(v, $place), 90);
            acceleration_7: Change of UsageMetrics, about Use, better Neither, for Internal, "{of}: growth changed by {} within 7 days", or "{of}: not recorded for three times 7 days", |v| x::acceleration(v, x::metric(v, $place), 7);
            acceleration_30: Change of UsageMetrics, about Use, better Neither, for Internal, "{of}: growth changed by {} within 30 days", or "{of}: not recorded for three times 30 days", |v| x::acceleration(v, x::metric(v, $place), 30);
            acceleration_90: Change of UsageMetrics, about Use, better Neither, for Internal, "{of}: growth changed by {} within 90 days", or "{of}: not recorded for three times 90 days", |v| x::acceleration(v, x::metric(v, $place), 90);
            volatility_7: Share of UsageMetrics, about Use, better Neither, for Internal, "{of}: readings vary by {} of their mean in the last 7 days", or "{of}: fewer than three readings in the last 7 days", |v| x::volatility(v, x::metric(v, $place), 7);
            volatility_30: Share of UsageMetrics, about Use, better Neither, for Internal, "{of}: readings vary by {} of their mean in the last 30 days", or "{of}: fewer than three readings in the last 30 days", |v| x::volatility(v, x::metric(v, $place), 30);
            volatility_90: Share of UsageMetrics, about Use, better Neither, for Internal, "{of}: readings vary by {} of their mean in the last 90 days", or "{of}: fewer than three readings in the last 90 days", |v| x::volatility(v, x::metric(v, $place), 90);
            days_7: Count of UsageMetrics, about Use, better Neither, for Internal, "{of} on {} day{s} of the last 7", or "{of}: nothing recorded", |v| x::days_of_use(v, x::metric(v, $place), 7);
            days_30: Count of UsageMetrics, about Use, better Neither, for Internal, "{of} on {} day{s} of the last 30", or "{of}: nothing recorded", |v| x::days_of_use(v, x::metric(v, $place), 30);
            days_90: Count of UsageMetrics, about Use, better Neither, for Internal, "{of} on {} day{s} of the last 90", or "{of}: nothing recorded", |v| x::days_of_use(v, x::metric(v, $place), 90);
            per_seat: Measure of UsageMetrics, about Use, better Neither, for Internal, "{of}: {} per active seat in the last 30 days", or "{of}: nothing recorded per active seat", |v| x::per_seat(v, x::metric(v, $place));
        }
    };
}

/// What is said of each kind of signal that has a slot.
macro_rules! of_kind {
    ($list:ident, $prefix:literal, $place:literal) => {
        features! {
            $list, $prefix, Some(Slot::Kind($place));
            signals: Weight of ExpansionSignals, about Requests, better Neither, for Internal, "{of} {}x", or "Signals unknown", |v| x::slot_signals(v, $place), shows |v| x::slot_signal_count(v, $place);
        }
    };
}

of_metric!(OF_METRIC_1, "metric_1_", 0);
of_metric!(OF_METRIC_2, "metric_2_", 1);
of_metric!(OF_METRIC_3, "metric_3_", 2);
of_metric!(OF_METRIC_4, "metric_4_", 3);
of_kind!(OF_KIND_1, "kind_1_", 0);
of_kind!(OF_KIND_2, "kind_2_", 1);
of_kind!(OF_KIND_3, "kind_3_", 2);
of_kind!(OF_KIND_4, "kind_4_", 3);
of_kind!(OF_KIND_5, "kind_5_", 4);
of_kind!(OF_KIND_6, "kind_6_", 5);

const LISTS: [&[Feature]; 1 + METRICS + KINDS] = [
    OF_CUSTOMER,
    OF_METRIC_1,
    OF_METRIC_2,
    OF_METRIC_3,
    OF_METRIC_4,
    OF_KIND_1,
    OF_KIND_2,
    OF_KIND_3,
    OF_KIND_4,
    OF_KIND_5,
    OF_KIND_6,
];
const LEN: usize = OF_CUSTOMER.len() + METRICS * OF_METRIC_1.len() + KINDS * OF_KIND_1.len();

/// Every feature, in the order of a snapshot's values.
pub static FEATURES: &[Feature] = &joined::<LEN>(&LISTS);

/// Lists of which none is empty, one after the other.
const fn joined<const N: usize>(lists: &[&[Feature]]) -> [Feature; N] {
    let mut all = [lists[0][0]; N];
    let (mut at, mut list, mut from) = (0, 0, 0);
    while at < N {
        if from == lists[list].len() {
            (list, from) = (list + 1, 0);
        }
        all[at] = lists[list][from];
        (at, from) = (at + 1, from + 1);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_improved_is_a_number_that_can_be_acted_on() {
        for feature in FEATURES.iter().filter(|feature| feature.better != Better::Neither) {
            assert!(feature.is_actionable() && !feature.is_level(), "{}", feature.name);
        }
    }
}
