//! The fitted model: what it is, how it scores a snapshot, how it explains the score and how good it was.
//!
//! Owns: the artifact and its manifest, the score with its interval, the points, what would move a score, the value
//! estimate and the evaluation figures. Must not know: how a model is fitted, where it is stored.

#![warn(missing_docs)]

mod accuracy;
mod artifact;
mod attribution;
mod bins;
mod cohort;
mod confidence;
mod doubt;
mod drift;
mod evaluation;
mod heterogeneity;
mod model;
mod pool;
mod products;
mod profile;
mod score;
mod sides;
mod untested;
mod values;
mod verdict;
mod what_if;

pub use accuracy::{
    Accuracy, Elapsed, FLAGGED, Figure, Judged, LEAST_EXPANSIONS, SAMPLES, Tenth, accuracy, auc, quantile, scattered,
};
pub use artifact::{
    ArtifactError, ConfidenceEvaluation, EARLY_DAYS, Encoded, GroupEvaluation, MANIFEST_SCHEMA_VERSION, Manifest,
    SaidOf, ValueEvaluation, decode, encode, fingerprint,
};
pub use attribution::{Apportioned, Attribution, apportion, attribute, exact_points, points_of};
pub use bins::Bins;
pub use cohort::{Bytes, Cohort, Neighbours, customer_tag};
pub use confidence::{CONFIDENCE, Confidence, ConfidenceLevel, Side, UnknownLevel};
pub use doubt::{Doubt, doubts_in_words};
pub use drift::{Shift, shift, tens};
pub use evaluation::{Metrics, estimate, evaluate, evaluate_portfolios};
pub use heterogeneity::{Heterogeneity, NORMAL, centre};
pub use model::{
    ARTIFACT_SCHEMA_VERSION, AdditiveModel, Axis, BinnedFeature, Knowledge, Model, Reference, Spread, Term, TermKind,
    Uncertainty, UsualShift,
};
pub use pool::{Pool, PoolBin};
pub use products::{Assortment, Candidate, GroupDeals, ProductModel, ProductValue, Shares, TRAITS};
pub use profile::{Profile, Profiles, SegmentCalibration, SegmentPattern, StrongFactor, Usual};
pub use score::{MOST_RANK, Score, Scorer, UnknownFeature, sigmoid};
pub use sides::{SideOutcome, sides};
pub use untested::{Trial, Untested};
pub use values::{FactorValue, SimilarCohort, ValueModel, ValueRange, rounded};
pub use verdict::{Decision, LabelledRows, Readiness, SUSPICIOUS_AUC, Verdict};
pub use what_if::{ASSOCIATION, Change, Lever, Rescored, levers, rescore, sensible, smallest_change};
