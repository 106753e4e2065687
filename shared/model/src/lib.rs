//! The fitted model: what it is, how it scores a snapshot, how it explains the score and how good it was.
//!
//! Owns: the artifact and its manifest, the score with its interval, the points, the value estimate, the evaluation
//! figures, and the row that a run stores for a customer. Must not know: how a model is fitted, where it is stored.

mod answer;
mod artifact;
mod attribution;
mod bins;
mod confidence;
mod evaluation;
mod heterogeneity;
mod model;
mod products;
mod propensity;
mod run;
mod score;
mod value;

pub use answer::{Answering, answer};
pub use artifact::{
    ArtifactError, ConfidenceEvaluation, Encoded, GroupEvaluation, MANIFEST_SCHEMA_VERSION, Manifest, ValueEvaluation,
    decode, encode, fingerprint,
};
pub use attribution::{Attribution, attribute};
pub use bins::Bins;
pub use confidence::{CONFIDENCE, ConfidenceLevel, confidence};
pub use evaluation::{Metrics, evaluate};
pub use heterogeneity::{Heterogeneity, NORMAL, centre};
pub use model::{
    ARTIFACT_SCHEMA_VERSION, AdditiveModel, Axis, BinnedFeature, Knowledge, Model, Term, TermKind, Uncertainty,
};
pub use products::{ProductShares, Shares};
pub use propensity::{Factor, FactorValue, Listed, Position, Propensity, RecommendedProduct};
pub use run::{ModelSummary, Run, RunReference, RunState, RunSummary};
pub use score::{MOST_RANK, Score, Scorer, UnknownFeature, sigmoid};
pub use value::{Estimate, ValueModel};
