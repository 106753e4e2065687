//! The model as plain data: log-odds = intercept + Σ weights of the bins of one or two features.

use expansion_domain::Instant;
use expansion_features::Slots;
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Bins, Bytes, Cohort, Heterogeneity, ProductModel, Profiles, ValueModel};

/// Changes whenever the artifact's form does.
pub const ARTIFACT_SCHEMA_VERSION: u32 = 5;

/// A fitted model: how likely an expansion is, what it is worth and of what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The artifact's form.
    pub schema_version: u32,
    /// The feature set it was fitted on.
    pub feature_set_version: u32,
    /// Its id.
    pub model_id: String,
    /// The inclusive bound of what it was fitted to.
    pub as_of: Instant,
    /// The label window in days.
    pub horizon_days: u16,
    /// What the slots of its snapshots stand for.
    pub slots: Slots,
    /// How likely an expansion is.
    pub propensity: AdditiveModel,
    /// What an expansion is worth; absent when too few won amounts are known.
    pub value: Option<ValueModel>,
    /// Which products are bought, and for how much.
    pub products: ProductModel,
    /// What is usual among customers.
    pub profiles: Profiles,
    /// Earlier customers to compare with; absent when they are too few.
    pub cohort: Option<Cohort>,
    /// The customers it was fitted to: for seeing how far those of later runs are from them.
    pub reference: Reference,
}

/// The customers that a model was fitted to, as far as later ones are compared with them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// The newest of them over the bins of each of the model's features.
    pub features: Vec<Spread>,
    /// The newest of them over tens of scores: 0–9, 10–19, …, 100.
    pub scores: Spread,
}

/// How customers are spread over bins, and how much that changes as time goes on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// How many are in each bin.
    pub counts: Vec<u64>,
    /// The largest shifts over as much time before; absent where the history was too short to tell.
    pub usual: Option<UsualShift>,
}

/// What shifts as much as this did so before, by season or growth, while the model was right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UsualShift {
    /// Population stability index beyond what chance gives.
    pub psi: f64,
    /// Rise of the share of missing values.
    pub missing: f64,
}

/// An additive model of the log-odds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdditiveModel {
    /// What kind of model it is.
    pub family: String,
    /// How much it could learn.
    pub knowledge: Knowledge,
    /// The log-odds of a customer who is average in every feature.
    pub intercept: f64,
    /// The features it uses.
    pub features: Vec<BinnedFeature>,
    /// Their parts of the log-odds.
    pub terms: Vec<Term>,
    /// How uncertain the log-odds are.
    pub uncertainty: Uncertainty,
    /// How much customers alike in every feature differ all the same.
    pub heterogeneity: Heterogeneity,
}

/// How much there was to learn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Knowledge {
    /// Fewer than 40 labelled rows that end in an expansion: documented prior weights, no fit.
    Rules,
    /// 40–199: one shape a feature, strongly shrunk.
    Shrunk,
    /// From 200: shapes, pairs and segments' deviations.
    Full,
}

impl Knowledge {
    /// What so many labelled rows that end in an expansion allow.
    pub const fn of(positives: usize) -> Self {
        match positives {
            0..40 => Self::Rules,
            40..200 => Self::Shrunk,
            _ => Self::Full,
        }
    }

    /// The next state, and how many such rows it takes.
    pub const fn next(self) -> Option<(&'static str, usize)> {
        match self {
            Self::Rules => Some(("shrunk", 40)),
            Self::Shrunk => Some(("full", 200)),
            Self::Full => None,
        }
    }
}

/// A feature with its bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BinnedFeature {
    /// The feature's name.
    pub name: String,
    /// How its values fall into bins.
    pub bins: Bins,
}

/// A part of the log-odds: a weight for each bin of one feature, or for each pair of coarser bins of two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// What it is.
    pub kind: TermKind,
    /// Its sides.
    pub axes: Vec<Axis>,
    /// One weight (log-odds) a cell, the last axis running fastest; centred on the training rows.
    pub weights: Vec<f64>,
}

impl Term {
    /// The shape of a feature, with a cell for each of its bins.
    pub fn shape(feature: usize, weights: Vec<f64>) -> Self {
        let axis = Axis { feature, cells: (0_u16..).take(weights.len()).collect(), len: weights.len() };
        Self { kind: TermKind::Shape, axes: vec![axis], weights }
    }
}

/// What a term is, and so whose points it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TermKind {
    /// One feature.
    Shape,
    /// What two features say together beyond their shapes; half goes to each.
    Pair,
    /// How a shape differs for a segment, or for customers with an open deal: what sets them apart (the segment, the deal's
    /// age), then the feature, to which all of it goes.
    Deviation,
}

/// One side of a term.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// Position in [`AdditiveModel::features`].
    pub feature: usize,
    /// The side's cell for each of the feature's bins.
    pub cells: Vec<u16>,
    /// How many cells the side has.
    pub len: usize,
}

/// The covariance of the fitted log-odds, as a low-rank factor: each cell of each term has one row of `rank` numbers,
/// and the variance of a customer's log-odds is the squared length of the sum of their cells' rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Uncertainty {
    /// Numbers a row; 0 when nothing is known about the uncertainty of the fit.
    pub rank: usize,
    /// The intercept's row, then those of each term's cells. Single precision: intervals need no more.
    #[serde(serialize_with = "pack", deserialize_with = "unpack")]
    pub rows: Vec<f32>,
}

fn pack<S: Serializer>(rows: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
    Bytes(rows.iter().flat_map(|entry| entry.to_le_bytes()).collect()).serialize(serializer)
}

fn unpack<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f32>, D::Error> {
    let bytes = Bytes::deserialize(deserializer)?;
    let (entries, rest) = bytes.0.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(D::Error::custom("the uncertainty is not a list of 32-bit floats"));
    }
    Ok(entries.iter().map(|entry| f32::from_le_bytes(*entry)).collect())
}
