//! The propensity model: families fitted to labelled rows, the better one chosen on rows held out.

use std::collections::BTreeSet;

use expansion_features::{Dataset, feature};
use expansion_model::{AdditiveModel, BinnedFeature, Heterogeneity, Knowledge, Metrics, Scorer, Term};

use crate::additive::Binned;
use crate::assemble::assemble;
use crate::outcomes::{Outcomes, metrics};
use crate::split::Split;
use crate::standings::{self, Plans};
use crate::{FitError, Result, bins, calibration, clusters, logistic, rules};

/// Numbers fall into at most so many bins, by how much there is to learn from.
pub(crate) const MOST_BINS: usize = 20;
const MOST_BINS_SHRUNK: usize = 8;
/// The standard deviation of customers' own log-odds around what the features say, where the outcomes cannot tell it.
/// An assumption, checked by `expansion-bench coverage` on simulated customers whose true probabilities are known.
const ASSUMED_DEVIATION: f64 = 1.15;
/// Fewer customers with several rows than this tell nothing about how customers differ.
const LEAST_REPEATS: usize = 100;

/// What the rows are.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    /// The column that names the segment.
    pub segment: Option<&'a str>,
    /// The column that is known where, and only where, a deal is open.
    pub open_deal: Option<&'a str>,
    /// The label window in days: rows of one customer that are less apart share outcomes.
    pub horizon_days: u16,
    /// Whether features tell of earlier outcomes of the customer. Then repeated outcomes tell nothing more about how
    /// customers differ beyond the features.
    pub outcomes_among_features: bool,
    /// The columns that nothing is to be fitted to, as their values are not plausible.
    pub dropped: &'a [String],
    /// Which columns are candidates: they enter a model only where they add something to the others.
    pub is_candidate: fn(&str) -> bool,
}

impl Layout<'static> {
    /// Rows of [`expansion_features::FEATURES`]: past expansions are among them.
    pub const fn of_features(horizon_days: u16) -> Self {
        Self {
            segment: Some(crate::SEGMENT),
            open_deal: Some(crate::OPEN_DEAL),
            horizon_days,
            outcomes_among_features: true,
            dropped: &[],
            is_candidate: |name| feature(name).is_some_and(|(_, feature)| feature.is_candidate()),
        }
    }
}

/// A kind of model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Logistic,
    Additive,
}

/// How a family did on the rows held out.
#[derive(Clone, Debug)]
pub(crate) struct Tried {
    pub(crate) family: Family,
    pub(crate) model: AdditiveModel,
    plan: Option<Plans>,
    pub(crate) log_odds: Vec<f64>,
    pub(crate) metrics: Metrics,
}

impl Family {
    /// Simpler ones first.
    pub(crate) const ALL: [Self; 2] = [Self::Logistic, Self::Additive];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Logistic => "logistic",
            Self::Additive => "additive",
        }
    }

    /// Fits the family to the given rows, as an earlier fit has planned it; rules where they are too few.
    pub(crate) fn fit(
        self,
        data: &Dataset,
        rows: &[usize],
        layout: Layout<'_>,
        plan: Option<&Plans>,
    ) -> Result<(AdditiveModel, Option<Plans>)> {
        let outcomes = Outcomes::of(data, rows);
        let knowledge = knowledge(data, rows);
        let most_bins = match knowledge {
            Knowledge::Rules => {
                let positives = outcomes.labels.iter().filter(|y| **y).count();
                return Ok((rules::model(&data.frame.names, rows.len(), positives), None));
            }
            Knowledge::Shrunk => MOST_BINS_SHRUNK,
            Knowledge::Full => MOST_BINS,
        };
        // Where there is little to learn, and for a linear model, candidates are too many.
        let with_candidates = self == Self::Additive && knowledge == Knowledge::Full;
        let is_dropped = |name: &str| layout.dropped.iter().any(|dropped| dropped == name);
        let is_wanted = |name: &str| !is_dropped(name) && (with_candidates || !(layout.is_candidate)(name));
        let (features, codes) = bins::features(data, rows, most_bins, is_wanted);
        if features.is_empty() {
            return Err(FitError::NoFeatures);
        }
        let place = |name: Option<&str>| features.iter().position(|feature| Some(&*feature.name) == name);
        let (segment, open_deal) = (place(layout.segment), place(layout.open_deal));
        let is_candidate: Vec<bool> = features.iter().map(|feature| (layout.is_candidate)(&feature.name)).collect();
        let binned = Binned {
            features: &features,
            codes: &codes,
            is_candidate: &is_candidate,
            outcomes: &outcomes,
            segment,
            open_deal,
        };
        let (assembled, found) = match self {
            Self::Logistic => (logistic::fit(&binned, &logistic::linear(&features, &codes, &data.frame, rows))?, None),
            Self::Additive => {
                let (blocks, fit, found) = standings::fit(&binned, knowledge, plan)?;
                (assemble(blocks, &fit)?, Some(found))
            }
        };
        let (features, terms) = chosen(features, assembled.terms, &is_candidate);
        let model = AdditiveModel {
            family: self.name().to_owned(),
            knowledge,
            intercept: assembled.intercept,
            features,
            terms,
            uncertainty: assembled.uncertainty,
            heterogeneity: Heterogeneity::default(),
        };
        Ok((model, found))
    }
}

/// Leaves out the candidates that no term is of.
fn chosen(
    features: Vec<BinnedFeature>,
    mut terms: Vec<Term>,
    is_candidate: &[bool],
) -> (Vec<BinnedFeature>, Vec<Term>) {
    let used: BTreeSet<usize> = terms.iter().flat_map(|term| &term.axes).map(|axis| axis.feature).collect();
    let stays = |place: &usize| !is_candidate[*place] || used.contains(place);
    let mut places = vec![0; features.len()];
    for (now, before) in (0..features.len()).filter(stays).enumerate() {
        places[before] = now;
    }
    for axis in terms.iter_mut().flat_map(|term| &mut term.axes) {
        axis.feature = places[axis.feature];
    }
    let features = features.into_iter().enumerate().filter(|(place, _)| stays(place)).map(|(_, feature)| feature);
    (features.collect(), terms)
}

/// What the given rows allow to be learned: as many of the rarer outcome as there are.
pub(crate) fn knowledge(data: &Dataset, rows: &[usize]) -> Knowledge {
    let positives = rows.iter().filter(|&&row| data.labels[row].expanded).count();
    Knowledge::of(positives.min(rows.len() - positives))
}

/// How much customers differ beyond a fitted model: estimated from the given rows where they can tell.
fn heterogeneity(model: &AdditiveModel, data: &Dataset, rows: &[usize], layout: Layout<'_>) -> Result<Heterogeneity> {
    let assumed = Heterogeneity { overall: ASSUMED_DEVIATION, segment: None, by_segment: Vec::new() };
    if layout.outcomes_among_features {
        return Ok(assumed);
    }
    let scorer = scorer(model, data)?;
    let log_odds = scorer.log_odds(&data.frame.take(rows));
    let segment = model.features.iter().position(|feature| Some(&*feature.name) == layout.segment);
    let codes = segment.map(|segment| {
        let column = &data.frame.columns[scorer.columns()[segment]];
        bins::codes(&model.features[segment].bins, column, rows)
    });
    let repeated = clusters::repeated(data, rows, &log_odds, codes.as_deref());
    if repeated.values().filter(|rows| rows.len() > 1).count() < LEAST_REPEATS {
        return Ok(assumed);
    }
    let bins = segment.map_or(0, |segment| model.features[segment].bins.len());
    let (overall, mut by_segment) = clusters::heterogeneity(&repeated, layout.horizon_days, bins);
    by_segment.truncate(bins);
    Ok(Heterogeneity { overall, segment, by_segment })
}

/// A model made ready for the columns of some rows.
pub(crate) fn scorer<'a>(model: &'a AdditiveModel, data: &Dataset) -> Result<Scorer<'a>> {
    Scorer::for_columns(model, &data.frame.names).map_err(|error| FitError::Solver(error.to_string()))
}

/// Fits every family to the earlier rows and tries it on those held out. One that cannot be fitted is left out, unless all are.
pub(crate) fn compete(data: &Dataset, split: &Split, layout: Layout<'_>) -> Result<Vec<Tried>> {
    let mut tried = Vec::new();
    let mut refused = None;
    for family in Family::ALL {
        let (model, plan) = match family.fit(data, &split.train, layout, None) {
            Ok(fitted) => fitted,
            Err(error) => {
                refused = Some(error);
                continue;
            }
        };
        let log_odds = scorer(&model, data)?.log_odds(&data.frame.take(&split.held_out));
        if let Some(metrics) = metrics(&log_odds, data, &split.held_out) {
            tried.push(Tried { family, model, plan, log_odds, metrics });
        }
    }
    match refused {
        Some(error) if tried.is_empty() => Err(error),
        _ => Ok(tried),
    }
}

/// A fitted propensity model and how it came about.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The model, fitted on all rows.
    pub model: AdditiveModel,
    /// The same family, fitted on the earlier rows only; absent where none could be held out.
    pub(crate) best: Option<Tried>,
    /// The slope and intercept that the log-odds were corrected by, where the rows held out showed the need.
    pub recalibration: Option<[f64; 2]>,
    /// The log-loss of each family on the rows held out.
    pub tried: Vec<(String, f64)>,
}

impl Fitted {
    /// What the rows held out were tried on.
    pub fn evaluated(&self) -> Option<&AdditiveModel> {
        self.best.as_ref().map(|best| &best.model)
    }
}

/// Chooses a family on the rows held out, fits it to all rows, and corrects it where the rows held out show the need.
pub(crate) fn fit(data: &Dataset, split: Option<&Split>, layout: Layout<'_>) -> Result<Fitted> {
    let mut tried = match split {
        Some(split) => compete(data, split, layout)?,
        None => Vec::new(),
    };
    // Rules were not fitted: how they did says nothing of a model that is.
    tried.retain(|one| one.model.knowledge != Knowledge::Rules);
    let losses = tried.iter().map(|one| (one.family.name().to_owned(), one.metrics.log_loss)).collect();
    let best = (0..tried.len()).min_by(|a, b| tried[*a].metrics.log_loss.total_cmp(&tried[*b].metrics.log_loss));
    let best = best.map(|best| tried.swap_remove(best));
    let all: Vec<usize> = (0..data.labels.len()).collect();
    // A fit that had less to learn from is no start for this one.
    let alike = best.as_ref().filter(|best| best.model.knowledge == knowledge(data, &all));
    let plan = alike.and_then(|best| best.plan.as_ref());
    let fitted = match &best {
        Some(best) => best.family.fit(data, &all, layout, plan),
        None => {
            Family::Logistic.fit(data, &all, layout, None).or_else(|_| Family::Additive.fit(data, &all, layout, None))
        }
    };
    let (mut model, _) = fitted?;
    let recalibration = split
        .zip(alike)
        .and_then(|(split, best)| calibration::needed(&best.log_odds, &Outcomes::of(data, &split.held_out)));
    if model.knowledge != Knowledge::Rules {
        if let Some(map) = recalibration {
            calibration::apply(&mut model, map);
        }
        model.heterogeneity = heterogeneity(&model, data, &all, layout)?;
    }
    Ok(Fitted { model, best, recalibration, tried: losses })
}

/// Fits the propensity model to rows at several cutoffs: families compete on the newest.
pub fn fit_propensity(data: &Dataset, layout: Layout<'_>) -> Result<Fitted> {
    let mut cutoffs = data.as_of.clone();
    cutoffs.sort_unstable();
    cutoffs.dedup();
    let split = crate::split::out_of_time(data, &cutoffs, layout.horizon_days);
    fit(data, split.as_ref(), layout)
}

/// Fits the propensity model to rows that know no time: families compete on a fifth of the customers.
pub fn fit_flat(data: &Dataset, segment: Option<&str>) -> Result<Fitted> {
    let split = crate::split::by_customer(data);
    let layout = Layout {
        segment,
        open_deal: None,
        horizon_days: 0,
        outcomes_among_features: false,
        dropped: &[],
        is_candidate: |_| false,
    };
    fit(data, Some(&split), layout)
}
