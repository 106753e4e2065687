//! The fitted model: what it is, how it scores a snapshot, how it explains the score and how good it was.
//!
//! Owns: the artifact and its manifest, the score with its interval, the points, what would move a score, the value
//! estimate, the evaluation figures, and the row that a run stores for a customer. Must not know: how a model is fitted, where it is stored.

mod artifact;
mod attribution;
mod bins;
mod cohort;
mod confidence;
mod evaluation;
mod heterogeneity;
mod model;
mod order;
mod patterns;
mod products;
mod profile;
mod propensity;
mod run;
mod score;
mod value;
mod what_if;

pub use artifact::{
    ArtifactError, ConfidenceEvaluation, Encoded, GroupEvaluation, MANIFEST_SCHEMA_VERSION, Manifest, ValueEvaluation,
    decode, encode, fingerprint,
};
pub use attribution::{Apportioned, Attribution, apportion, attribute, exact_points, points_of};
pub use bins::Bins;
pub use cohort::{Bytes, Cohort, customer_tag};
pub use confidence::{CONFIDENCE, ConfidenceLevel, UnknownLevel, confidence};
pub use evaluation::{Metrics, evaluate};
pub use heterogeneity::{Heterogeneity, NORMAL, centre};
pub use model::{
    ARTIFACT_SCHEMA_VERSION, AdditiveModel, Axis, BinnedFeature, Knowledge, Model, Term, TermKind, Uncertainty,
};
pub use order::{Order, Position};
pub use patterns::{SegmentCalibration, SegmentPattern, StrongFactor};
pub use products::{Candidate, ProductModel, ProductValue, Shares, TRAITS, candidates};
pub use profile::{Profile, Profiles, Usual};
pub use propensity::{
    Approach, Champion, Direction, EntryPoint, Factor, FactorValue, Listed, MovedFactor, Movement, Previous,
    Propensity, Quantity, ReadyLine, RecommendedProduct, SimilarCohort, Timing, ValueRange, rounded,
};
pub use run::{ModelSummary, Run, RunReference, RunState, RunSummary};
pub use score::{MOST_RANK, Score, Scorer, UnknownFeature, sigmoid};
pub use value::{Estimate, ValueModel};
pub use what_if::{ASSOCIATION, Change, Rescored, rescore, smallest_change};
