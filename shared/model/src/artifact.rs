//! How a model is stored: the artifact (JSON, versioned), and the manifest that vouches for it.

use std::collections::BTreeMap;

use expansion_domain::Instant;
use expansion_features::{FEATURE_SET_VERSION, Slots};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    ARTIFACT_SCHEMA_VERSION, Decision, Doubt, Knowledge, MOST_RANK, Metrics, Model, SegmentPattern, Side, Verdict,
};

/// Changes whenever the manifest's form does.
pub const MANIFEST_SCHEMA_VERSION: u32 = 3;

/// Days after which a run is judged before its horizon is over.
pub const EARLY_DAYS: [u16; 4] = [7, 14, 30, 60];

/// What is known about a model without opening it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The manifest's form.
    pub schema_version: u32,
    /// The feature set the model was fitted on.
    pub feature_set_version: u32,
    /// The model.
    pub model_id: String,
    /// What kind of model it is.
    pub family: String,
    /// How much there was to learn from.
    pub knowledge: Knowledge,
    /// The inclusive bound of what it was fitted to.
    pub as_of: Instant,
    /// The label window in days.
    pub horizon_days: u16,
    /// The cutoffs it was fitted on.
    pub training_cutoffs: Vec<Instant>,
    /// The cutoffs held out for the evaluation, the newest ones; the final fit uses them too.
    pub held_out_cutoffs: Vec<Instant>,
    /// Labelled rows at all cutoffs.
    pub rows: usize,
    /// Expansions among the labelled rows.
    pub positives: usize,
    /// Features that vary in the source and entered the model.
    pub features: Vec<String>,
    /// Features that did not enter the model: missing, the same for everybody, adding nothing to the others, or dropped, as
    /// the doubts say.
    pub unused_features: Vec<String>,
    /// What of the history it was fitted to is not plausible.
    #[serde(default)]
    pub doubts: Vec<Doubt>,
    /// What the slots among the features stand for; for nothing in manifests of earlier versions.
    #[serde(default)]
    pub slots: Slots,
    /// Digest of the source's files.
    pub data_fingerprint: String,
    /// How good the model was out of time; absent where that could not be told, as its verdict says.
    pub metrics: Option<Metrics>,
    /// The same among the customers on whom nobody worked an expansion then: those whom it says whom to call.
    pub unworked: Option<Metrics>,
    /// The log-loss of every family that was tried out of time.
    pub tried: BTreeMap<String, f64>,
    /// Intercept and slope by which the log-odds were corrected, where the held-out rows showed the need.
    pub recalibration: Option<[f64; 2]>,
    /// What the interval and the confidence are, and how they did out of time.
    pub confidence: ConfidenceEvaluation,
    /// How good the value estimates were out of time.
    pub value: Option<ValueEvaluation>,
    /// How the segments differ.
    pub patterns: Vec<SegmentPattern>,
    /// How far it can be relied on.
    pub verdict: Verdict,
    /// Whether it was to take the champion's place, and why.
    pub decision: Decision,
    /// The share of a horizon's expansions that are won by each of [`EARLY_DAYS`]: what can be expected before it is
    /// over. Absent with too few expansions.
    pub timing: Option<[f64; EARLY_DAYS.len()]>,
    /// SHA-256 of the artifact, in hex.
    pub artifact_sha256: String,
    /// Size of the artifact.
    pub artifact_bytes: usize,
}

/// What a score's interval and confidence are, and what became of the held-out rows by them.
///
/// A customer's true probability is never seen, so on real outcomes only groups can be compared: what share of them
/// expanded, beside the mean propensity. How often intervals hold the truth is measured on simulated customers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConfidenceEvaluation {
    /// The definition, in words.
    pub definition: String,
    /// Standard deviation of customers' own log-odds around what the features say.
    pub heterogeneity: f64,
    /// Held-out rows by confidence level, the surest first, and by the side said: above the average, then below it.
    pub levels: Vec<GroupEvaluation>,
    /// Held-out rows by segment.
    pub segments: Vec<GroupEvaluation>,
}

/// What became of a group of held-out rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupEvaluation {
    /// The group's name.
    pub name: String,
    /// How many rows.
    pub n: usize,
    /// Their mean propensity.
    pub mean_propensity: f64,
    /// The share that expanded.
    pub observed_rate: f64,
    /// Mean width of their 90 % intervals.
    pub mean_width: f64,
    /// What was said of all of them, and how it did; absent for groups of which nothing was said.
    pub said: Option<SaidOf>,
}

/// What was said of a group: on which side of the average of comparable rows it lies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SaidOf {
    /// The side.
    pub side: Side,
    /// The mean propensity of comparable rows (of the same segment, worked or unworked alike), averaged over the group.
    pub average: f64,
    /// The share of bootstrap samples, by customer, in which the group's observed rate lies on that side of the average.
    pub held: f64,
}

/// How good the value estimates were.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueEvaluation {
    /// Share of the held-out amounts inside their 80 % interval.
    pub coverage_80: f64,
    /// How many held-out amounts.
    pub n: usize,
}

/// An artifact ready to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Their SHA-256, in hex.
    pub sha256: String,
}

/// The artifact cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The bytes are not those the manifest vouches for.
    #[error("artifact of model {model_id} has checksum {found}, its manifest says {expected}")]
    Checksum {
        /// The model.
        model_id: String,
        /// What the manifest says.
        expected: String,
        /// What was found.
        found: String,
    },
    /// It was written in another form.
    #[error("model {model_id} has {what} version {found}, this program reads version {expected}")]
    Version {
        /// The model.
        model_id: String,
        /// Which version differs.
        what: &'static str,
        /// What this program reads.
        expected: u32,
        /// What was found.
        found: u32,
    },
    /// It cannot be read.
    #[error("model artifact cannot be read or written: {0}")]
    Json(#[from] serde_json::Error),
    /// Its parts don't fit together.
    #[error("artifact of model {model_id} is inconsistent: {what}")]
    Inconsistent {
        /// The model.
        model_id: String,
        /// What doesn't fit.
        what: &'static str,
    },
}

/// Hex SHA-256.
pub fn fingerprint(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Writes a model down.
pub fn encode(model: &Model) -> Result<Encoded, ArtifactError> {
    let bytes = serde_json::to_vec(model)?;
    let sha256 = fingerprint(&bytes);
    Ok(Encoded { bytes, sha256 })
}

/// Reads a model that its manifest vouches for.
pub fn decode(bytes: &[u8], manifest: &Manifest) -> Result<Model, ArtifactError> {
    let model_id = || manifest.model_id.clone();
    let version = |what, expected, found| {
        if expected == found {
            Ok(())
        } else {
            Err(ArtifactError::Version { model_id: model_id(), what, expected, found })
        }
    };
    version("manifest", MANIFEST_SCHEMA_VERSION, manifest.schema_version)?;
    version("feature set", FEATURE_SET_VERSION, manifest.feature_set_version)?;
    let found = fingerprint(bytes);
    if found != manifest.artifact_sha256 {
        return Err(ArtifactError::Checksum {
            model_id: model_id(),
            expected: manifest.artifact_sha256.clone(),
            found,
        });
    }
    let model: Model = serde_json::from_slice(bytes)?;
    version("artifact", ARTIFACT_SCHEMA_VERSION, model.schema_version)?;
    version("feature set", FEATURE_SET_VERSION, model.feature_set_version)?;
    let inconsistent = |what| Err(ArtifactError::Inconsistent { model_id: model_id(), what });
    if model.model_id != manifest.model_id {
        return inconsistent("it holds another model");
    }
    match misfit(&model) {
        Some(what) => inconsistent(what),
        None => Ok(model),
    }
}

/// What about a model's parts does not fit together.
fn misfit(artifact: &Model) -> Option<&'static str> {
    let model = &artifact.propensity;
    let fits = |axis: &crate::Axis| {
        let bins = model.features.get(axis.feature).map(|feature| feature.bins.len());
        bins == Some(axis.cells.len()) && axis.cells.iter().all(|cell| usize::from(*cell) < axis.len)
    };
    let mut rows = 1;
    for term in &model.terms {
        rows += term.weights.len();
        if !(1..=2).contains(&term.axes.len()) || !term.axes.iter().all(fits) {
            return Some("a term's sides are not those of its features");
        }
        if term.weights.len() != term.axes.iter().map(|axis| axis.len).product::<usize>() {
            return Some("a term has more or fewer weights than cells");
        }
    }
    let uncertainty = &model.uncertainty;
    if uncertainty.rank > MOST_RANK || (uncertainty.rank > 0 && uncertainty.rows.len() != rows * uncertainty.rank) {
        return Some("the uncertainty is of other terms");
    }
    let heterogeneity = &model.heterogeneity;
    let segments = heterogeneity.segment.map(|segment| model.features.get(segment).map(|f| f.bins.len()));
    if segments.is_some_and(|bins| bins != Some(heterogeneity.by_segment.len())) {
        return Some("the heterogeneity is of other segments");
    }
    let widths: Vec<usize> = model.features.iter().map(|feature| feature.bins.len()).collect();
    if artifact.value.as_ref().is_some_and(|value| !value.weights.iter().map(Vec::len).eq(widths.iter().copied())) {
        return Some("the value's weights are of other features");
    }
    let spread = artifact.reference.features.iter().map(|spread| spread.counts.len());
    if !artifact.reference.features.is_empty() && !spread.eq(widths.iter().copied()) {
        return Some("the reference is of other features");
    }
    artifact.cohort.as_ref().and_then(|cohort| cohort.misfit(&widths))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        AdditiveModel, Axis, BinnedFeature, Bins, Heterogeneity, LabelledRows, ProductModel, Profiles, Reference, Term,
        TermKind, Uncertainty,
    };

    fn model(numbers: &[f64]) -> Model {
        let feature = BinnedFeature { name: "tenure".to_owned(), bins: Bins::Numbers { edges: vec![numbers[0]] } };
        let term = Term {
            kind: TermKind::Shape,
            axes: vec![Axis { feature: 0, cells: vec![0, 1, 2], len: 3 }],
            weights: numbers[1..4].to_vec(),
        };
        #[expect(clippy::cast_possible_truncation, reason = "the uncertainty is kept in single precision")]
        let rows = numbers[4..12].iter().map(|number| *number as f32).collect();
        Model {
            schema_version: ARTIFACT_SCHEMA_VERSION,
            feature_set_version: FEATURE_SET_VERSION,
            model_id: "m".to_owned(),
            as_of: Instant::EPOCH,
            horizon_days: 90,
            slots: Slots::default(),
            propensity: AdditiveModel {
                family: "f".to_owned(),
                knowledge: Knowledge::Full,
                intercept: numbers[14],
                features: vec![feature],
                terms: vec![term],
                uncertainty: Uncertainty { rank: 2, rows },
                heterogeneity: Heterogeneity { overall: numbers[12], ..Heterogeneity::default() },
            },
            value: None,
            products: ProductModel::default(),
            profiles: Profiles::default(),
            cohort: None,
            reference: Reference::default(),
        }
    }

    fn manifest(encoded: &Encoded) -> Manifest {
        Manifest {
            schema_version: MANIFEST_SCHEMA_VERSION,
            feature_set_version: FEATURE_SET_VERSION,
            model_id: "m".to_owned(),
            family: "f".to_owned(),
            knowledge: Knowledge::Full,
            as_of: Instant::EPOCH,
            horizon_days: 90,
            training_cutoffs: Vec::new(),
            held_out_cutoffs: Vec::new(),
            rows: 0,
            positives: 0,
            features: Vec::new(),
            unused_features: Vec::new(),
            doubts: Vec::new(),
            slots: Slots::default(),
            data_fingerprint: String::new(),
            metrics: None,
            unworked: None,
            tried: BTreeMap::new(),
            recalibration: None,
            confidence: ConfidenceEvaluation::default(),
            value: None,
            patterns: Vec::new(),
            verdict: Verdict::of(
                Knowledge::Full,
                LabelledRows { all: 0, positives: 0 },
                None,
                Err(crate::Untested::NoLabels),
            ),
            decision: Decision {
                promote: true,
                reason: String::new(),
                champion: None,
                champion_log_loss: None,
                challenger_log_loss: None,
                difference: None,
                difference_unworked: None,
            },
            timing: None,
            artifact_sha256: encoded.sha256.clone(),
            artifact_bytes: encoded.bytes.len(),
        }
    }

    proptest! {
        #[test]
        fn a_model_survives_the_round_trip_to_the_last_bit(numbers in prop::collection::vec(-1e3..1e3_f64, 15)) {
            let model = model(&numbers);
            let encoded = encode(&model).expect("finite numbers");
            let decoded = decode(&encoded.bytes, &manifest(&encoded)).expect("it is vouched for");
            prop_assert_eq!(&decoded, &model);
            prop_assert_eq!(encode(&decoded).expect("finite numbers"), encoded);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_reason() {
        let model = model(&[0.5; 15]);
        let encoded = encode(&model).expect("finite numbers");
        let refused = |manifest: &Manifest, bytes: &[u8]| decode(bytes, manifest).expect_err("refused").to_string();
        let newer = Manifest { schema_version: MANIFEST_SCHEMA_VERSION + 1, ..manifest(&encoded) };
        assert!(refused(&newer, &encoded.bytes).contains("manifest version"));
        let other_features = Manifest { feature_set_version: FEATURE_SET_VERSION + 1, ..manifest(&encoded) };
        assert!(refused(&other_features, &encoded.bytes).contains("feature set version"));
        assert!(refused(&manifest(&encoded), &encoded.bytes[1..]).contains("checksum"));

        let mut short = model;
        short.propensity.terms[0].weights.pop();
        let encoded = encode(&short).expect("finite numbers");
        assert!(refused(&manifest(&encoded), &encoded.bytes).contains("weights than cells"));
    }
}
