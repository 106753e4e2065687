//! Fits a model to a source's history and evaluates it out of time. The only user of smartcore.
//!
//! Owns: the split in time, binning, fitting, the value model and the product shares. Must not know: where the
//! history came from or where the model goes.

mod additive;
mod assemble;
mod audit;
mod bins;
mod calibration;
mod clusters;
mod cohort;
mod confidence;
mod gate;
mod logistic;
mod outcomes;
mod penalised;
mod products;
mod profiles;
mod propensity;
mod reference;
mod rules;
mod split;
mod standings;
#[cfg(test)]
mod tests;
mod value;

use expansion_domain::{Instant, SourceData, count};
use expansion_features::{
    Dataset, FEATURE_SET_VERSION, FEATURES, Renewals, cutoffs, dataset, feature, renewals, slots,
};
use expansion_model::{
    ARTIFACT_SCHEMA_VERSION, AdditiveModel, Doubt, EARLY_DAYS, Figure, Heterogeneity, Knowledge, LabelledRows,
    MANIFEST_SCHEMA_VERSION, Manifest, Metrics, Model, Trial, Untested, Verdict, auc, sigmoid,
};

pub use confidence::comparable_averages;
pub use gate::{Challenger, Champion, decide};
pub use outcomes::worked;
pub use propensity::{Fitted as FittedPropensity, Layout, fit_flat, fit_propensity};
pub use split::{Split, out_of_time};

/// At most so many cutoffs, one every 30 days: two years.
pub const MOST_CUTOFFS: usize = 24;
/// Fewer expansions say nothing about how early they come.
const LEAST_TIMED: usize = 40;
/// The feature that names a customer's segment.
pub const SEGMENT: &str = "segment";
/// The feature that is known where, and only where, the customer has an open deal.
pub const OPEN_DEAL: &str = "open_deal_age";

/// What a model is fitted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub model_id: String,
    pub as_of: Instant,
    pub horizon_days: u16,
    /// Digest of the source, for the manifest.
    pub data_fingerprint: String,
    /// From how many days on an open deal counts as stale.
    pub stale_deal_days: u16,
    /// How many customers of a portfolio a CSM finds time for.
    pub csm_capacity: u16,
}

/// A fitted model. The manifest's artifact fields are filled in when the model is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// The model, fitted on all labelled rows.
    pub model: Model,
    pub manifest: Manifest,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// Nothing distinguishes the customers.
    #[error("no feature varies between customers")]
    NoFeatures,
    /// The numerical solver gave up.
    #[error("the model could not be fitted: {0}")]
    Solver(String),
}

pub type Result<T> = std::result::Result<T, FitError>;

impl From<smartcore::error::Failed> for FitError {
    fn from(error: smartcore::error::Failed) -> Self {
        Self::Solver(error.to_string())
    }
}

/// Fits a model to what was known at `request.as_of`, after evaluating the same fit on the newest cutoffs, and decides
/// whether it takes the champion's place. Where the
/// history holds too few expansions to learn from, the model is made of rules, and says so.
pub fn fit(source: &SourceData, request: &Request, champion: Option<&Model>) -> Result<Fitted> {
    let cutoffs = cutoffs(source, request.as_of, request.horizon_days, MOST_CUTOFFS);
    let slots = slots(source, &cutoffs, request.as_of);
    let data = dataset(source, &cutoffs, request.horizon_days, &slots);
    let split = split::out_of_time(&data, &cutoffs, request.horizon_days);
    // Snapshots of today, without labels: what is usual among customers now.
    let now = dataset(source, &[request.as_of], request.horizon_days, &slots);
    let doubts = doubts(source, &data, &now, request.as_of);
    let layout = Layout { dropped: &audit::dropped(&doubts), ..Layout::of_features(request.horizon_days) };
    let propensity = propensity::fit(&data, split.as_ref(), layout)?;
    let all: Vec<usize> = (0..data.labels.len()).collect();
    let tested = split.as_ref().zip(propensity.best.as_ref());
    let held_out_value = match tested {
        Some((split, best)) => value::evaluate(&data, split, &best.model.features)?,
        None => None,
    };
    // Evaluated with the delivered model's overall heterogeneity: the segments of the two may be numbered differently.
    let overall = propensity.model.heterogeneity.overall;
    let mut evaluated = propensity.evaluated().unwrap_or(&propensity.model).clone();
    evaluated.heterogeneity = Heterogeneity { overall, ..Heterogeneity::default() };
    let held_out = tested.map_or(&[][..], |(split, _)| &split.held_out);
    let confidence = confidence::evaluate(&evaluated, &data, held_out, request.stale_deal_days)?;
    let patterns = profiles::patterns(&propensity.model, &data, tested)?;
    let (value, left_over) = value::fit(&data, &all, &propensity.model.features)?.unzip();
    let left_over = left_over.unwrap_or_default();
    let positives = data.labels.iter().filter(|label| label.expanded).count();
    let knowledge = propensity.model.knowledge;
    let Figures { auc, metrics, unworked } =
        tested.map(|tested| figures(source, &data, tested, request)).unwrap_or_default();
    let trial = Trial {
        is_labelled: !data.labels.is_empty(),
        knowledge,
        earlier: split.as_ref().map(|split| propensity::knowledge(&data, &split.train)),
    };
    let rows = LabelledRows { all: data.labels.len(), positives };
    let verdict = Verdict::of(knowledge, rows, auc, metrics.ok_or(Untested::of(trial)));
    let challenger = Challenger {
        evaluated: propensity.evaluated(),
        readiness: verdict.readiness,
        leaks: &audit::leaks(&doubts),
        horizon_days: request.horizon_days,
    };
    let other = champion.filter(|champion| champion.slots != slots);
    let other = other.map(|champion| dataset(source, &cutoffs, request.horizon_days, &champion.slots).frame);
    let champion = champion.map(|model| Champion { model, frame: other.as_ref().unwrap_or(&data.frame) });
    let decision = decide(champion, &challenger, &data, held_out, request.stale_deal_days)?;
    let model = Model {
        schema_version: ARTIFACT_SCHEMA_VERSION,
        feature_set_version: FEATURE_SET_VERSION,
        model_id: request.model_id.clone(),
        as_of: request.as_of,
        horizon_days: request.horizon_days,
        slots: slots.clone(),
        value,
        products: products::fit(source, (&data, &slots), request.as_of, request.horizon_days, &left_over),
        profiles: profiles::profiles(source, request.as_of, &now),
        cohort: cohort::fit(source, &data, &propensity.model)?,
        reference: reference::reference(&propensity.model, &data, request.horizon_days)?,
        propensity: propensity.model,
    };
    let (features, unused_features) = used_and_unused(&model.propensity);
    let manifest = Manifest {
        schema_version: MANIFEST_SCHEMA_VERSION,
        feature_set_version: FEATURE_SET_VERSION,
        model_id: request.model_id.clone(),
        family: model.propensity.family.clone(),
        knowledge: model.propensity.knowledge,
        as_of: request.as_of,
        horizon_days: request.horizon_days,
        held_out_cutoffs: split.map(|s| s.held_out_cutoffs).unwrap_or_default(),
        training_cutoffs: cutoffs,
        rows: data.labels.len(),
        positives,
        features,
        unused_features,
        doubts,
        slots,
        data_fingerprint: request.data_fingerprint.clone(),
        metrics,
        unworked,
        tried: propensity.tried.into_iter().collect(),
        recalibration: propensity.recalibration,
        confidence,
        value: held_out_value,
        patterns,
        verdict,
        decision,
        timing: timing(source, &data, request.horizon_days),
        artifact_sha256: String::new(),
        artifact_bytes: 0,
    };
    Ok(Fitted { model, manifest })
}

/// How good a model was on the held-out rows; without a figure where there are too few of either outcome.
#[derive(Default)]
struct Figures {
    auc: Option<Figure>,
    metrics: Option<Metrics>,
    /// Among the customers on whom nobody worked an expansion.
    unworked: Option<Metrics>,
}

fn figures(
    source: &SourceData,
    data: &Dataset,
    (split, best): (&split::Split, &propensity::Tried),
    request: &Request,
) -> Figures {
    let judged = |(row, eta): (&usize, &f64)| (data.customers[*row], sigmoid(*eta), data.labels[*row].expanded);
    let metrics = |rows: &[usize], log_odds: &[f64]| {
        outcomes::portfolio_metrics(log_odds, (source, data), rows, request.csm_capacity)
    };
    let places = outcomes::unworked(data, &split.held_out, request.stale_deal_days);
    let (rows, log_odds): (Vec<usize>, Vec<f64>) =
        places.into_iter().map(|place| (split.held_out[place], best.log_odds[place])).unzip();
    Figures {
        auc: auc(split.held_out.iter().zip(&best.log_odds).map(judged).collect()),
        metrics: metrics(&split.held_out, &best.log_odds),
        unworked: metrics(&rows, &log_odds),
    }
}

/// What of the history is not plausible. Rules are not fitted to any column, so none is doubted for them.
fn doubts(source: &SourceData, data: &Dataset, now: &Dataset, as_of: Instant) -> Vec<Doubt> {
    let all: Vec<usize> = (0..data.labels.len()).collect();
    let is_in_source = |name: &str| feature(name).is_none_or(|(_, feature)| source.tables.contains(&feature.table));
    let mut doubts = match propensity::knowledge(data, &all) {
        Knowledge::Rules => Vec::new(),
        Knowledge::Shrunk | Knowledge::Full => audit::doubts(data, &now.frame, is_in_source),
    };
    doubts.extend(renewals(source, as_of).filter(Renewals::are_likely).map(Doubt::from));
    doubts
}

/// The names of the features that some term is of, and of the others.
fn used_and_unused(AdditiveModel { features, terms, .. }: &AdditiveModel) -> (Vec<String>, Vec<String>) {
    let used = |name: &str| terms.iter().flat_map(|term| &term.axes).any(|axis| features[axis.feature].name == name);
    FEATURES.iter().map(|feature| feature.name.to_owned()).partition(|name| used(name))
}

/// The share of the rows with an expansion that have one within each of [`EARLY_DAYS`] already.
fn timing(source: &SourceData, data: &Dataset, horizon_days: u16) -> Option<[f64; EARLY_DAYS.len()]> {
    let rows: Vec<usize> = (0..data.labels.len()).filter(|row| data.labels[*row].expanded).collect();
    let within = |days: u16| {
        let days = days.min(horizon_days);
        let early = |row: &&usize| {
            let history = &source.customers[data.customers[**row] as usize];
            expansion_features::label(history, data.as_of[**row], days).expanded
        };
        count(rows.iter().filter(early).count()) / count(rows.len())
    };
    (rows.len() >= LEAST_TIMED).then(|| EARLY_DAYS.map(within))
}
