//! The HTTP contract: what may be asked, what is answered, and how it is said when something is wrong.
//!
//! Owns: routes, parameters and their bounds, response bodies, problems, cursors, who may see what. Must not know:
//! Lambda, DynamoDB, where rows come from. Everything that comes in is checked here, once.

mod accuracy;
mod act;
mod ask;
mod cursor;
mod customer;
mod idempotency;
mod list;
mod models;
mod openapi;
mod outcome;
mod principal;
mod problem;
mod refresh;
mod routes;
mod segments;
mod view;
mod what_if;

pub use accuracy::{
    AccuracyAnswer, AccuracyQuery, CohortView, ModelAccuracyView, RunAccuracyView, WarningView, accuracy_answer,
};
pub use act::{ActionAnswer, ActionCommand, action_command, action_id};
pub use ask::{AccuracyBasis, AskAnswer, Understood, asked_question};
pub use cursor::{Cursor, CursorKey};
pub use customer::{CustomerAnswer, customer_answer};
pub use list::{ListAnswer, ListQuery, list_answer};
pub use models::{ModelsAnswer, model_command};
pub use openapi::openapi;
pub use outcome::{OutcomeAnswer, recorded_outcome};
pub use principal::{ClaimNames, Principal};
pub use problem::{InvalidParameter, Problem};
pub use refresh::{RefreshCommand, refresh_command};
pub use routes::{ROUTES, Route, run_location};
pub use segments::{SegmentsAnswer, segments_answer};
pub use view::{ConfidenceView, ModelView, ProgressView, RunView, ScoreView, TrendView, said_amount};
pub use what_if::{ChangeView, WhatIf, WhatIfAnswer, what_if_answer};
