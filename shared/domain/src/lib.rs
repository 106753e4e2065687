//! Customers' facts in time order, and the words the functions exchange.
//!
//! Owns: what a customer's history is, what of it was known at an instant, what a refresh run is called and which
//! events pass between the functions. Must not know: files, tables, AWS, models.

#![warn(missing_docs)]

mod action;
mod conventions;
mod data_report;
mod event;
mod facts;
mod feedback;
mod known;
mod money;
mod numbers;
mod run;
mod time;

pub use action::{
    ActionAdvocate, ActionApproach, ActionCustomer, ActionEntryPoint, ActionFactor, ActionInterval, ActionKind,
    ActionMeeting, ActionProduct, ActionRequest, ActionTiming, ActionValue, ExpansionActionRequested, RecordedAction,
    Requester, StoredAction,
};
pub use conventions::Conventions;
pub use data_report::{ColumnReport, DataConcern, DataFinding, DataGrade, DataReport, TableReport, WordReport};
pub use event::{
    AccuracyDegraded, AccuracyRequested, Detail, DriftDetected, Envelope, ExpansionReady, ModelAction,
    ModelCommandRequested, ModelPromoted, ModelTrained, PropensityRefreshed, RefreshRequested, RunCheckRequested,
    SOURCE, ShardRequested, UnexpectedEvent,
};
pub use facts::{
    Contract, CustomerHistory, DataIssue, Engagement, Id, Opportunity, Product, Reading, Signal, SourceData, Stage,
    Stakeholder, StaleTable, Table, UsageSeries,
};
pub use feedback::{OutcomeKind, RecordedOutcome, add_outcomes, feedback, standing};
pub use jiff::civil::Date;
pub use known::{Deal, Known, Outcome};
pub use money::{Currency, InvalidCurrency, Money};
pub use numbers::{count, share, thousands};
pub use run::{InvalidRunId, RunId, calculated_at, row_id};
pub use time::{Instant, InvalidInstant};
