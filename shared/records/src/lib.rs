//! What is stored: the row of a customer, the run, the champion, how right a run was.
//!
//! Owns: these records and the orders that rows are listed in. Must not know: how a model is fitted, where records are kept.

#![warn(missing_docs)]

mod accuracy;
mod champion;
mod order;
mod row;
mod run;
mod standing;
mod summary;

pub use accuracy::{AccuracyRecord, Checkpoint, Concern, EarlyWarning, Finding, Pools};
pub use champion::{ChampionModel, ModelRecord};
pub use order::{Order, Position};
pub use row::{
    Advocate, Approach, Direction, EntryPoint, Factor, Listed, MovedFactor, Movement, PastScore, Previous, Propensity,
    Quantity, RecommendedProduct, Timing,
};
pub use run::{ModelSummary, Plan, Run, RunReference, RunStage, RunState};
pub use standing::{Comparable, Grade, GradeShares, InvalidShares, Standing, UnknownGrade, Yardstick};
pub use summary::{Facet, RecommendedTo, RunSummary, StandingSummary, Tally};
