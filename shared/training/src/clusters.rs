//! How much customers differ in ways that no feature shows, estimated from their repeated rows.

use std::collections::BTreeMap;

use expansion_domain::count;
use expansion_features::Dataset;
use expansion_model::{NORMAL, centre, sigmoid};

/// A segment's variance is shrunk to the whole's as if so many of its pairs' worth of information were the whole's.
const PRIOR_INFORMATION: f64 = 30.0;
/// Standard deviations tried: 0, 0.1, … 2.
const DEVIATIONS: usize = 21;
const DEVIATION_STEP: f64 = 0.1;
/// A customer's rows beyond this many are not paired.
const MOST_ROWS_EACH: usize = 60;
/// Half-lives (days) of what customers have in common with themselves; the last means for ever.
const HALF_LIVES: [f64; 6] = [60.0, 90.0, 135.0, 200.0, 400.0, f64::INFINITY];

const MICROS_A_DAY: f64 = 86_400e6;

/// A row as seen here: when (days), its fitted log-odds, its standardised residual, its segment's bin.
#[derive(Clone, Copy)]
pub(crate) struct Repeated {
    pub(crate) day: f64,
    pub(crate) log_odds: f64,
    pub(crate) residual: f64,
    pub(crate) segment: usize,
}

/// What pairs of a customer's rows about equally far apart add up to, at each standard deviation tried.
#[derive(Clone, Default)]
struct Moments {
    /// Σ e², where e is the product expected of a pair's standardised residuals were nothing forgotten.
    information: [f64; DEVIATIONS],
    /// Σ e · product.
    agreement: [f64; DEVIATIONS],
}

/// Standard deviation of customers' own log-odds around what the features say: overall, and for each of `segments`.
///
/// The product of two residuals of one customer has the covariance of their true probabilities as its mean, provided
/// that the label windows don't overlap (otherwise one expansion counts in both). What lies further apart agrees less:
/// the covariance is taken to decay with the distance and read at distance zero. Zero when no customer has two rows
/// that far apart: then nothing can be said.
pub(crate) fn heterogeneity(
    rows: &BTreeMap<u32, Vec<Repeated>>,
    horizon_days: u16,
    segments: usize,
) -> (f64, Vec<f64>) {
    let deviation = |d: usize| count(d) * DEVIATION_STEP;
    let spreads: [RelativeSpread; DEVIATIONS] = std::array::from_fn(|d| RelativeSpread::new(deviation(d)));
    // By segment and by how many months two rows lie apart.
    let mut by_segment: Vec<Vec<Moments>> = vec![Vec::new(); segments.max(1)];
    for rows in rows.values().filter(|rows| rows.len() > 1) {
        let rows = &rows[..rows.len().min(MOST_ROWS_EACH)];
        let spread: Vec<[f64; DEVIATIONS]> =
            rows.iter().map(|row| std::array::from_fn(|d| spreads[d].at(row.log_odds))).collect();
        for (i, one) in rows.iter().enumerate() {
            for (j, other) in rows[..i].iter().enumerate() {
                let gap = (one.day - other.day).abs();
                if gap < f64::from(horizon_days) {
                    continue;
                }
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small whole number")]
                let months = (gap / 30.0).round() as usize;
                let by_gap = &mut by_segment[one.segment];
                if by_gap.len() <= months {
                    by_gap.resize(months + 1, Moments::default());
                }
                let product = one.residual * other.residual;
                let Moments { information, agreement } = &mut by_gap[months];
                for (d, (own, others)) in spread[i].iter().zip(&spread[j]).enumerate() {
                    let expected = own * others;
                    information[d] += expected * expected;
                    agreement[d] += expected * product;
                }
            }
        }
    }
    // The sum of squared differences between products and their expectation, less what doesn't depend on it.
    let misfit = |by_gap: &Vec<Moments>, d: usize, half_life: f64| -> f64 {
        let by_gap = by_gap.iter().enumerate();
        by_gap
            .map(|(months, moments)| {
                let kept = 0.5_f64.powf(30.0 * count(months) / half_life);
                kept * kept * moments.information[d] - 2.0 * kept * moments.agreement[d]
            })
            .sum()
    };
    let whole = |d: usize, half_life: f64| -> f64 { by_segment.iter().map(|s| misfit(s, d, half_life)).sum() };
    let best = |value: &dyn Fn(usize) -> f64| -> usize {
        (0..DEVIATIONS).min_by(|a, b| value(*a).total_cmp(&value(*b))).unwrap_or_default()
    };
    let half_life = HALF_LIVES
        .into_iter()
        .min_by(|a, b| {
            let least = |h: &f64| (0..DEVIATIONS).map(|d| whole(d, *h)).fold(f64::INFINITY, f64::min);
            least(a).total_cmp(&least(b))
        })
        .unwrap_or(f64::INFINITY);
    let overall = best(&|d| whole(d, half_life));
    let information: f64 = by_segment.iter().flatten().map(|moments| moments.information[overall]).sum();
    let share = PRIOR_INFORMATION / information.max(PRIOR_INFORMATION);
    let of_segment = |s: &Vec<Moments>| deviation(best(&|d| misfit(s, d, half_life) + share * whole(d, half_life)));
    let each = by_segment.iter().map(of_segment).collect();
    (deviation(overall), each)
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
    data: &Dataset,
    rows: &[usize],
    log_odds: &[f64],
    segments: Option<&[u16]>,
) -> BTreeMap<u32, Vec<Repeated>> {
    let mut repeated: BTreeMap<u32, Vec<Repeated>> = BTreeMap::new();
    for (i, (&row, &log_odds)) in rows.iter().zip(log_odds).enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "days matter, not microseconds")]
        let day = data.as_of[row].micros() as f64 / MICROS_A_DAY;
        repeated.entry(data.customers[row]).or_default().push(Repeated {
            day,
            log_odds,
            residual: standardised(log_odds, data.labels[row].expanded),
            segment: segments.map_or(0, |codes| usize::from(codes[i])),
        });
    }
    repeated
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
