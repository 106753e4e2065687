//! A customer's score: log-odds, propensity and interval, and what each feature adds.

use expansion_domain::share;
use expansion_features::{FEATURES, Frame, Snapshot};

use crate::heterogeneity::Intervals;
use crate::{AdditiveModel, Term, TermKind, points_of, rounded};

/// Rows that are scored at once: their bins and sums stay in the cache.
const ROWS_AT_ONCE: usize = 512;

/// A model made ready to score: every feature knows its column, every term its rows of the uncertainty.
#[derive(Debug)]
pub struct Scorer<'a> {
    model: &'a AdditiveModel,
    /// The column of each of the model's features.
    columns: Vec<usize>,
    /// The position of each term's first row in the uncertainty.
    first: Vec<usize>,
    intervals: Intervals,
}

/// The model names a feature that the snapshots don't have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the model needs the feature {0:?}, which this feature set does not have")]
pub struct UnknownFeature(pub String);

/// How likely an expansion within the horizon is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The model's raw score.
    pub log_odds: f64,
    /// P(expansion within the horizon), in (0, 1).
    pub propensity: f64,
    /// Lower end of the 90 % interval of the customer's own probability.
    pub lower: f64,
    /// Upper end of it.
    pub upper: f64,
    /// Where the customer's own log-odds, which are normal, are centred.
    pub centre: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// The share of the model's features that are known for this customer, 0–1.
    pub coverage: f64,
}

impl Score {
    /// The ends of the interval in points of the score, to a tenth. The score, a whole number from 1 to 99, lies between
    /// them: where it is rounded up to 1 or down to 99, the nearer end is moved to it.
    pub fn interval_in_points(&self) -> [f64; 2] {
        let score = f64::from(points_of(self.propensity));
        [rounded(100.0 * self.lower, 1).min(score), rounded(100.0 * self.upper, 1).max(score)]
    }
}

impl<'a> Scorer<'a> {
    /// For snapshots of [`FEATURES`].
    pub fn new(model: &'a AdditiveModel) -> Result<Self, UnknownFeature> {
        let names: Vec<&str> = FEATURES.iter().map(|feature| feature.name).collect();
        Self::for_columns(model, &names)
    }

    /// For snapshots whose values have the given names.
    pub fn for_columns(model: &'a AdditiveModel, names: &[impl AsRef<str>]) -> Result<Self, UnknownFeature> {
        let column = |feature: &crate::BinnedFeature| {
            let found = names.iter().position(|name| name.as_ref() == feature.name);
            found.ok_or_else(|| UnknownFeature(feature.name.clone()))
        };
        let columns = model.features.iter().map(column).collect::<Result<_, _>>()?;
        let mut next = 1;
        let place = |term: &Term| {
            next += term.weights.len();
            next - term.weights.len()
        };
        let first = model.terms.iter().map(place).collect();
        Ok(Self { model, columns, first, intervals: Intervals::new(&model.heterogeneity) })
    }

    /// The snapshot's position of each of the model's features.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// The bin of each of the model's features.
    pub fn bins(&self, snapshot: &Snapshot) -> Vec<u16> {
        let bin = |(feature, column): (&crate::BinnedFeature, &usize)| feature.bins.of(&snapshot.values[*column]);
        self.model.features.iter().zip(&self.columns).map(bin).collect()
    }

    /// The log-odds of every row of a frame.
    pub fn log_odds(&self, frame: &Frame) -> Vec<f64> {
        let mut sums = Vec::with_capacity(frame.rows);
        self.each_chunk(frame, |bins, rows| {
            let start = sums.len();
            sums.resize(start + rows, self.model.intercept);
            for term in &self.model.terms {
                term.add(bins, rows, &mut sums[start..]);
            }
        });
        sums
    }

    /// Scores every row of a frame and hands each over: its position, its score and each feature's contribution.
    pub fn each(&self, frame: &Frame, mut take: impl FnMut(usize, Score, &[f64])) {
        let mut row_bins = vec![0; self.columns.len()];
        let mut contributions = vec![0.0; self.columns.len()];
        let mut row = 0;
        self.each_chunk(frame, |bins, rows| {
            for i in 0..rows {
                for (feature, bin) in row_bins.iter_mut().enumerate() {
                    *bin = bins[feature * ROWS_AT_ONCE + i];
                }
                take(row, self.score(&row_bins, &mut contributions), &contributions);
                row += 1;
            }
        });
    }

    /// Calls `take` with the bins of some rows at a time, feature by feature at distances of [`ROWS_AT_ONCE`].
    fn each_chunk(&self, frame: &Frame, mut take: impl FnMut(&[u16], usize)) {
        let mut bins = vec![0_u16; self.columns.len() * ROWS_AT_ONCE];
        for start in (0..frame.rows).step_by(ROWS_AT_ONCE) {
            let end = (start + ROWS_AT_ONCE).min(frame.rows);
            for ((feature, column), bins) in
                self.model.features.iter().zip(&self.columns).zip(bins.chunks_exact_mut(ROWS_AT_ONCE))
            {
                feature.bins.fill(&frame.columns[*column], start..end, &mut bins[..end - start]);
            }
            take(&bins, end - start);
        }
    }

    /// The log-odds of a customer whose features lie in the given bins.
    pub fn log_odds_of(&self, bins: &[u16]) -> f64 {
        self.model.intercept + self.model.terms.iter().map(|term| term.weights[term.cell(bins)]).sum::<f64>()
    }

    /// What each of some changed features (positions among the model's; `None` for one that the model doesn't use) adds to
    /// the log-odds when a customer's bins change: each term's difference goes to the changed features it depends on.
    pub fn parts_of_change(&self, before: &[u16], after: &[u16], changed: &[Option<usize>]) -> Vec<f64> {
        let mut parts = vec![0.0; changed.len()];
        for term in &self.model.terms {
            let difference = term.weights[term.cell(after)] - term.weights[term.cell(before)];
            let depends = |place: &Option<usize>| term.axes.iter().any(|axis| Some(axis.feature) == *place);
            let on: Vec<usize> = (0..changed.len()).filter(|change| depends(&changed[*change])).collect();
            for change in &on {
                parts[*change] += difference * share(1, on.len());
            }
        }
        parts
    }

    /// The score of a customer whose features lie in the given bins; fills in what each feature adds to the log-odds.
    pub fn score(&self, bins: &[u16], contributions: &mut [f64]) -> Score {
        contributions.fill(0.0);
        let uncertainty = &self.model.uncertainty;
        let mut length = [0.0_f32; MOST_RANK];
        let length = &mut length[..uncertainty.rank];
        length.copy_from_slice(uncertainty.row(0));
        for (term, first) in self.model.terms.iter().zip(&self.first) {
            let cell = term.cell(bins);
            let weight = term.weights[cell];
            match (term.kind, &*term.axes) {
                (TermKind::Pair, [one, other]) => {
                    contributions[one.feature] += weight / 2.0;
                    contributions[other.feature] += weight / 2.0;
                }
                (_, [.., own]) => contributions[own.feature] += weight,
                (_, []) => {}
            }
            for (sum, part) in length.iter_mut().zip(uncertainty.row(first + cell)) {
                *sum += part;
            }
        }
        let log_odds = self.model.intercept + contributions.iter().sum::<f64>();
        let fit: f32 = length.iter().map(|x| x * x).sum();
        let own = self.intervals.own(log_odds, f64::from(fit), bins);
        let [lower, upper] = own.interval();
        let known = self.model.features.iter().zip(bins).filter(|(f, bin)| usize::from(**bin) != f.bins.missing());
        let coverage = share(known.count(), bins.len());
        Score {
            log_odds,
            propensity: sigmoid(log_odds),
            lower,
            upper,
            centre: own.centre,
            deviation: own.deviation,
            coverage,
        }
    }
}

/// The largest rank an uncertainty may have.
pub const MOST_RANK: usize = 64;

impl crate::Uncertainty {
    /// One row; empty when nothing is known.
    fn row(&self, row: usize) -> &[f32] {
        &self.rows[row * self.rank..(row + 1) * self.rank]
    }
}

impl Term {
    /// The cell of a customer whose features lie in the given bins.
    fn cell(&self, bins: &[u16]) -> usize {
        let side = |axis: &crate::Axis| usize::from(axis.cells[usize::from(bins[axis.feature])]);
        match &*self.axes {
            [one] => side(one),
            [one, other] => side(one) * self.weights.len() / one.len + side(other),
            _ => 0,
        }
    }

    /// Adds the weights of many rows, given as [`Scorer::each_chunk`] lays out their bins.
    fn add(&self, bins: &[u16], rows: usize, sums: &mut [f64]) {
        let side = |axis: &crate::Axis| bins[axis.feature * ROWS_AT_ONCE..][..rows].iter();
        match &*self.axes {
            [one] => {
                let of_bin: Vec<f64> = one.cells.iter().map(|cell| self.weights[usize::from(*cell)]).collect();
                for (sum, bin) in sums.iter_mut().zip(side(one)) {
                    *sum += of_bin[usize::from(*bin)];
                }
            }
            [one, other] => {
                let width = self.weights.len() / one.len;
                for ((sum, a), b) in sums.iter_mut().zip(side(one)).zip(side(other)) {
                    let (a, b) = (one.cells[usize::from(*a)], other.cells[usize::from(*b)]);
                    *sum += self.weights[usize::from(a) * width + usize::from(b)];
                }
            }
            _ => {}
        }
    }
}

/// The probability that has the given log-odds.
pub fn sigmoid(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Heterogeneity, Knowledge, Uncertainty};

    proptest! {
        #[test]
        fn a_score_lies_within_its_interval(
            intercept in -14.0..14.0_f64,
            overall in 0.0..6.0_f64,
            uncertainty in -5.0..5.0_f32,
        ) {
            let model = AdditiveModel {
                family: "f".to_owned(),
                knowledge: Knowledge::Shrunk,
                intercept,
                features: Vec::new(),
                terms: Vec::new(),
                uncertainty: Uncertainty { rank: 1, rows: vec![uncertainty] },
                heterogeneity: Heterogeneity { overall, ..Heterogeneity::default() },
            };
            let score = Scorer::for_columns(&model, &[""; 0]).expect("it needs no column").score(&[], &mut []);
            let [lower, upper] = score.interval_in_points();
            let points = f64::from(points_of(score.propensity));
            prop_assert!(lower <= points && points <= upper, "{points} is not within {lower} to {upper}");
            prop_assert!((0.0..=100.0).contains(&lower) && (0.0..=100.0).contains(&upper));
        }
    }
}
