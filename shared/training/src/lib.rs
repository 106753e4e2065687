//! Fits a model to a portfolio's history and evaluates it out of time. The only user of smartcore.
//!
//! Owns: the split in time, binning, fitting, the value model and the product shares. Must not know: where the
//! history came from or where the model goes.

mod additive;
mod bins;
mod card;
mod deals;
mod products;
mod regression;
mod scorecard;
mod split;
#[cfg(test)]
mod tests;
mod value;

use expansion_domain::{Instant, Portfolio};
use expansion_features::{Dataset, FEATURE_SET_VERSION, FEATURES, cutoffs, dataset};
use expansion_model::{
    ARTIFACT_SCHEMA_VERSION, MANIFEST_SCHEMA_VERSION, Manifest, Metrics, Model, Scorer, ValueEvaluation, evaluate,
};

use card::Card;
use split::Split;

/// At most so many cutoffs, one every 30 days: two years.
const MOST_CUTOFFS: usize = 24;
/// Fewer rows that end in an expansion than this teach nothing that would hold.
const LEAST_POSITIVES: usize = 40;

/// What a model is fitted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The id the model gets.
    pub model_id: String,
    /// The inclusive bound of what is known.
    pub as_of: Instant,
    /// The label window in days.
    pub horizon_days: u16,
    /// Digest of the source, for the manifest.
    pub data_fingerprint: String,
}

/// A fitted model. The manifest's artifact fields are filled in when the model is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// The model, fitted on all labelled rows.
    pub model: Model,
    /// What is known about it.
    pub manifest: Manifest,
}

/// No model can be fitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// No cutoff has both enough history before it and an elapsed horizon after it.
    #[error(
        "history too short: no cutoff lies {horizon_days} days after the first customer and {horizon_days} days before {as_of}"
    )]
    HistoryTooShort {
        /// The inclusive bound of what is known.
        as_of: Instant,
        /// The label window in days.
        horizon_days: u16,
    },
    /// Too few won expansions.
    #[error("too few expansions to learn from: {have} labelled rows end in one, {LEAST_POSITIVES} are needed")]
    TooFewPositives {
        /// How many there are.
        have: usize,
    },
    /// Nothing distinguishes the customers.
    #[error("no feature varies between customers")]
    NoFeatures,
    /// The numerical solver gave up.
    #[error("the model could not be fitted: {0}")]
    Solver(String),
}

/// Fits a model to what was known at `request.as_of`, after evaluating the same fit on the newest cutoffs.
///
/// # Errors
/// [`FitError`] when the history is too short, holds too few expansions, or the solver fails.
pub fn fit(portfolio: &Portfolio, request: &Request) -> Result<Fitted, FitError> {
    let cutoffs = cutoffs(portfolio, request.as_of, request.horizon_days, MOST_CUTOFFS);
    if cutoffs.is_empty() {
        return Err(FitError::HistoryTooShort { as_of: request.as_of, horizon_days: request.horizon_days });
    }
    let data = dataset(portfolio, &cutoffs, request.horizon_days);
    let positives = data.labels.iter().filter(|label| label.expanded).count();
    if positives < LEAST_POSITIVES {
        return Err(FitError::TooFewPositives { have: positives });
    }
    let split = split::out_of_time(&data, &cutoffs, request.horizon_days);
    let tried = match &split {
        Some(split) => compete(portfolio, &data, split, request)?,
        None => Vec::new(),
    };
    let best = tried.iter().reduce(better);
    let (metrics, value) = best.map(|tried| (tried.metrics, tried.value)).unwrap_or_default();
    let all: Vec<usize> = (0..data.labels.len()).collect();
    let family = best.map_or(Family::Scorecard, |tried| tried.family);
    let (model, rows_fitted) = fit_rows(family, portfolio, &data, &all, request.as_of, request)?;
    let used = |name: &str| model.terms.iter().any(|term| term.feature == name);
    let (features, unused_features) = FEATURES.iter().map(|f| f.name.to_owned()).partition(|name| used(name));
    let manifest = Manifest {
        schema_version: MANIFEST_SCHEMA_VERSION,
        feature_set_version: FEATURE_SET_VERSION,
        model_id: request.model_id.clone(),
        family: model.family.clone(),
        as_of: request.as_of,
        horizon_days: request.horizon_days,
        held_out_cutoffs: split.map(|s| s.held_out_cutoffs).unwrap_or_default(),
        training_cutoffs: cutoffs,
        rows: data.labels.len(),
        rows_fitted,
        positives,
        features,
        unused_features,
        data_fingerprint: request.data_fingerprint.clone(),
        metrics,
        value,
        artifact_sha256: String::new(),
        artifact_bytes: 0,
    };
    Ok(Fitted { model, manifest })
}

/// A kind of model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Scorecard,
    Additive,
}

/// How a family did out of time.
#[derive(Clone, Copy, Debug)]
struct Tried {
    family: Family,
    metrics: Option<Metrics>,
    value: Option<ValueEvaluation>,
}

impl Family {
    /// Simpler ones first.
    const ALL: [Self; 2] = [Self::Scorecard, Self::Additive];

    const fn name(self) -> &'static str {
        match self {
            Self::Scorecard => scorecard::FAMILY,
            Self::Additive => additive::FAMILY,
        }
    }

    fn fit(self, data: &Dataset, rows: &[usize]) -> Result<Card, FitError> {
        let positives = rows.iter().filter(|&&row| data.labels[row].expanded).count();
        if positives < LEAST_POSITIVES {
            return Err(FitError::TooFewPositives { have: positives });
        }
        match self {
            Self::Scorecard => scorecard::fit(data, rows),
            Self::Additive => additive::fit(data, rows),
        }
    }
}

/// The one with the lower log-loss; the first on a tie.
fn better<'a>(first: &'a Tried, second: &'a Tried) -> &'a Tried {
    let loss = |tried: &Tried| tried.metrics.map_or(f64::INFINITY, |metrics| metrics.log_loss);
    if loss(second) < loss(first) { second } else { first }
}

/// Fits a model to some rows, of which the latest was known at `as_of`; also says how many rows the fit used.
fn fit_rows(
    family: Family,
    portfolio: &Portfolio,
    data: &Dataset,
    rows: &[usize],
    as_of: Instant,
    request: &Request,
) -> Result<(Model, usize), FitError> {
    let card = family.fit(data, rows)?;
    let model = Model {
        schema_version: ARTIFACT_SCHEMA_VERSION,
        feature_set_version: FEATURE_SET_VERSION,
        model_id: request.model_id.clone(),
        family: family.name().to_owned(),
        as_of: request.as_of,
        horizon_days: request.horizon_days,
        intercept: card.intercept,
        terms: card.terms,
        covariance: card.covariance,
        value: value::fit(portfolio, data, rows, as_of),
        products: products::shares(portfolio, as_of),
    };
    Ok((model, card.rows_fitted))
}

/// The figures of each family, fitted on the earlier rows and tried on the held-out ones; none when the earlier rows
/// are too few.
fn compete(portfolio: &Portfolio, data: &Dataset, split: &Split, request: &Request) -> Result<Vec<Tried>, FitError> {
    let earlier = split.held_out_cutoffs.first().copied().unwrap_or(request.as_of);
    let outcomes: Vec<bool> = split.held_out.iter().map(|&row| data.labels[row].expanded).collect();
    let mut tried = Vec::new();
    for family in Family::ALL {
        let (model, _) = match fit_rows(family, portfolio, data, &split.train, earlier, request) {
            Err(FitError::TooFewPositives { .. } | FitError::NoFeatures) => continue,
            other => other?,
        };
        let scorer = Scorer::for_columns(&model, &data.frame.names).map_err(|e| FitError::Solver(e.to_string()))?;
        let propensity = |&row: &usize| scorer.score(&data.frame.row(row)).propensity;
        let propensities: Vec<f64> = split.held_out.iter().map(propensity).collect();
        let value = model.value.as_ref().and_then(|v| value::evaluate(v, portfolio, data, &split.held_out));
        let metrics = evaluate(&propensities, &outcomes);
        tried.push(Tried { family, metrics, value });
    }
    Ok(tried)
}
