//! What repeated rows of one customer tell: how much less than independent rows they teach, and how much customers
//! differ in ways that no feature shows.

use std::collections::BTreeMap;

use expansion_model::{NORMAL, centre, sigmoid};

use crate::deals::count;
use crate::penalised::{Outcomes, residuals};

/// A segment's variance is shrunk to the whole's as if so many of its pairs' worth of information were the whole's.
const PRIOR_INFORMATION: f64 = 30.0;
/// Standard deviations tried.
const DEVIATIONS: std::ops::RangeInclusive<u32> = 0..=20;
/// Their step.
const DEVIATION_STEP: f64 = 0.1;
/// A customer's rows beyond this many are not paired.
const MOST_ROWS_EACH: usize = 60;
/// Half-lives (days) of what customers have in common with themselves; the last means for ever.
const HALF_LIVES: [f64; 6] = [60.0, 90.0, 135.0, 200.0, 400.0, f64::INFINITY];

/// Variance of the customers' summed residuals over that of independent rows (Kish's design effect); at least 1.
pub(crate) fn design_effect(propensities: &[f64], outcomes: Outcomes<'_>) -> f64 {
    let mut by_customer: BTreeMap<u32, f64> = BTreeMap::new();
    let mut independent = 0.0;
    for (residual, customer) in residuals(propensities, outcomes.labels).zip(outcomes.customers) {
        *by_customer.entry(*customer).or_default() += residual;
        independent += residual * residual;
    }
    let clustered: f64 = by_customer.values().map(|sum| sum * sum).sum();
    (clustered / independent).max(1.0)
}

/// A row as seen here: when (days), its fitted log-odds, its standardised residual, its segment's bin.
#[derive(Clone, Copy)]
pub(crate) struct Repeated {
    pub(crate) day: f64,
    pub(crate) log_odds: f64,
    pub(crate) residual: f64,
    pub(crate) segment: usize,
}

/// What pairs of a customer's rows add up to at one standard deviation, by how far they lie apart.
#[derive(Clone, Default)]
struct Moments {
    /// Σ e², where e is the product expected of a pair's standardised residuals were nothing forgotten.
    information: Vec<f64>,
    /// Σ e · product.
    agreement: Vec<f64>,
}

/// Standard deviation of customers' own log-odds around what the features say: overall, and for each of `segments`.
///
/// The product of two residuals of one customer has the covariance of their true probabilities as its mean, provided
/// that the label windows don't overlap (otherwise one expansion counts in both). What lies further apart agrees less:
/// the covariance is taken to decay with the distance and read at distance zero. Zero when no customer has two rows
/// that far apart: then nothing can be told.
pub(crate) fn heterogeneity(
    rows: &BTreeMap<u32, Vec<Repeated>>,
    horizon_days: u16,
    segments: usize,
) -> (f64, Vec<f64>) {
    let deviations: Vec<f64> = DEVIATIONS.map(|i| f64::from(i) * DEVIATION_STEP).collect();
    let mut by_segment = vec![vec![Moments::default(); deviations.len()]; segments.max(1)];
    let bucket = |gap: f64| (gap / 30.0).round();
    let spreads: Vec<RelativeSpread> = deviations.iter().map(|deviation| RelativeSpread::new(*deviation)).collect();
    for rows in rows.values().filter(|rows| rows.len() > 1) {
        let rows = &rows[..rows.len().min(MOST_ROWS_EACH)];
        for (d, table) in spreads.iter().enumerate().skip(1) {
            let spread: Vec<f64> = rows.iter().map(|row| table.at(row.log_odds)).collect();
            for (i, one) in rows.iter().enumerate() {
                for (j, other) in rows[..i].iter().enumerate() {
                    let gap = (one.day - other.day).abs();
                    if gap < f64::from(horizon_days) {
                        continue;
                    }
                    let expected = spread[i] * spread[j];
                    let moments = &mut by_segment[one.segment][d];
                    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small whole number")]
                    let bucket = bucket(gap) as usize;
                    if moments.information.len() <= bucket {
                        moments.information.resize(bucket + 1, 0.0);
                        moments.agreement.resize(bucket + 1, 0.0);
                    }
                    moments.information[bucket] += expected * expected;
                    moments.agreement[bucket] += expected * one.residual * other.residual;
                }
            }
        }
    }
    // The sum of squared differences between products and their expectation, less what doesn't depend on it.
    let misfit = |moments: &Moments, half_life: f64| -> f64 {
        let both = moments.information.iter().zip(&moments.agreement).enumerate();
        both.map(|(bucket, (information, agreement))| {
            let kept = 0.5_f64.powf(30.0 * count(bucket) / half_life);
            kept * kept * information - 2.0 * kept * agreement
        })
        .sum()
    };
    let whole = |d: usize, half_life: f64| -> f64 { by_segment.iter().map(|s| misfit(&s[d], half_life)).sum() };
    let best = |value: &dyn Fn(usize) -> f64| -> usize {
        (0..deviations.len()).min_by(|a, b| value(*a).total_cmp(&value(*b))).unwrap_or_default()
    };
    let half_life = HALF_LIVES
        .into_iter()
        .min_by(|a, b| {
            let least = |h: &f64| (0..deviations.len()).map(|d| whole(d, *h)).fold(f64::INFINITY, f64::min);
            least(a).total_cmp(&least(b))
        })
        .unwrap_or(f64::INFINITY);
    let overall = best(&|d| whole(d, half_life));
    let information: f64 = by_segment.iter().flat_map(|s| &s[overall].information).sum();
    let share = PRIOR_INFORMATION / information.max(PRIOR_INFORMATION);
    let of_segment = |s: &Vec<Moments>| deviations[best(&|d| misfit(&s[d], half_life) + share * whole(d, half_life))];
    let each = by_segment.iter().map(of_segment).collect();
    (deviations[overall], each)
}

/// Standard deviation of the true probabilities of customers of one propensity, over that of their outcomes, when their
/// log-odds have a given standard deviation: tabulated over the propensity's log-odds.
struct RelativeSpread(Vec<f64>);

/// Where the table begins and ends, in log-odds, and its step.
const TABLE_END: f64 = 9.0;
const TABLE_STEP: f64 = 0.1;

impl RelativeSpread {
    fn new(deviation: f64) -> Self {
        let at = |i: u32| {
            let log_odds = f64::from(i) * TABLE_STEP - TABLE_END;
            let (p, centre) = (sigmoid(log_odds), centre(log_odds, deviation));
            let square: f64 = NORMAL.iter().map(|(node, w)| w * sigmoid(centre + deviation * node).powi(2)).sum();
            ((square - p * p).max(0.0) / (p * (1.0 - p))).sqrt()
        };
        Self((0..=180).map(at).collect())
    }

    fn at(&self, log_odds: f64) -> f64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the table")]
        let place = ((log_odds.clamp(-TABLE_END, TABLE_END) + TABLE_END) / TABLE_STEP).round() as usize;
        self.0[place]
    }
}

/// The rows of each customer, for [`heterogeneity`].
pub(crate) fn repeated(
    log_odds: &[f64],
    outcomes: Outcomes<'_>,
    days: &[f64],
    segments: Option<&[u16]>,
) -> BTreeMap<u32, Vec<Repeated>> {
    let mut rows: BTreeMap<u32, Vec<Repeated>> = BTreeMap::new();
    for (i, (&log_odds, y)) in log_odds.iter().zip(outcomes.labels).enumerate() {
        rows.entry(outcomes.customers[i]).or_default().push(Repeated {
            day: days[i],
            log_odds,
            residual: standardised(log_odds, *y),
            segment: segments.map_or(0, |codes| usize::from(codes[i])),
        });
    }
    rows
}

/// Outcome less propensity, over the outcome's standard deviation.
fn standardised(log_odds: f64, outcome: bool) -> f64 {
    let half = (log_odds.clamp(-14.0, 14.0) / 2.0).exp();
    if outcome { 1.0 / half } else { -half }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn the_spread_of_customers_is_found_from_their_repeated_outcomes() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut rows = BTreeMap::new();
        for customer in 0..4000 {
            // A standard normal, by twelve uniforms.
            let own: f64 = (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
            let segment = usize::from(customer % 2 == 0);
            let deviation = [0.5, 1.2][segment];
            let log_odds = centre(-1.5, deviation) + deviation * own;
            let of_row = |month: i32, y: bool| Repeated {
                day: 90.0 * f64::from(month),
                log_odds: -1.5,
                residual: standardised(-1.5, y),
                segment,
            };
            let mine: Vec<_> = (0..8).map(|m| of_row(m, rng.random::<f64>() < sigmoid(log_odds))).collect();
            rows.insert(customer, mine);
        }
        let (overall, each) = heterogeneity(&rows, 90, 2);
        assert!((0.7..1.1).contains(&overall), "{overall}");
        assert!((each[0] - 0.5).abs() < 0.16 && (each[1] - 1.2).abs() < 0.16, "{each:?}");
    }

    #[test]
    fn without_repeated_rows_nothing_is_told() {
        let alone = Repeated { day: 0.0, log_odds: -1.4, residual: 2.0, segment: 0 };
        let rows = BTreeMap::from([(1, vec![alone]), (2, vec![alone])]);
        assert_eq!(heterogeneity(&rows, 90, 1), (0.0, vec![0.0]));
    }
}
