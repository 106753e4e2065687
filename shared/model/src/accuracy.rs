//! How right the answers of a past run were; every figure has a bootstrap interval, for what the data can say.
//!
//! What was predicted for a whole horizon is never set beside what happened in a part of it: predictions are scaled to the
//! days looked at, or absent.

use std::collections::BTreeMap;

use expansion_domain::count;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evaluation::{Weighed, calibration_error, found_among_best, metrics, tenths};
use crate::{ConfidenceLevel, Side, ValueRange};

/// Bootstrap samples.
pub const SAMPLES: u64 = 200;
/// Scores from here on count as flagged, in points.
pub const FLAGGED: f64 = 50.0;
/// A group with fewer expansions has counts and sums, but no figures: they would say more about chance than about it.
pub const LEAST_EXPANSIONS: usize = 30;
/// The figure that alarms are raised by.
const CALIBRATION_ERROR: &str = "calibration_error";

/// An answer of a past run beside what happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The customer's segment.
    pub segment: Option<String>,
    /// Whether nobody was working on an expansion.
    pub is_unworked: bool,
    /// How sure the answer was.
    pub confidence_level: ConfidenceLevel,
    /// On which side of the average of comparable customers it put the customer; `None` in runs of earlier versions.
    pub side: Option<Side>,
    /// That average, 0–1.
    pub average: Option<f64>,
    /// P(expansion within the run's horizon), 0–1.
    pub propensity: f64,
    /// The ends of its 90 % interval, 0–1.
    pub interval: [f64; 2],
    /// The estimated value with its 80 % interval.
    pub value: Option<ValueRange>,
    /// Propensity times mean amount.
    pub expected_value: Option<f64>,
    /// Whether they expanded within the days looked at.
    pub expanded: bool,
    /// The amount, where they did and it is recorded.
    pub amount: Option<f64>,
}

/// How much of a run's horizon the days looked at are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Elapsed {
    /// All of it.
    Whole,
    /// Its beginning, in which usually this share of a horizon's expansions come; `None` where that is not known.
    Beginning(Option<f64>),
}

impl Elapsed {
    /// The share of a horizon's expansions that are to be expected within these days; `None` where that is not known.
    pub const fn share(self) -> Option<f64> {
        match self {
            Self::Whole => Some(1.0),
            Self::Beginning(share) => share,
        }
    }

    fn is_whole(self) -> bool {
        self == Self::Whole
    }

    /// What is expected within these days of what is expected within the whole horizon.
    fn of_whole(self, predicted: f64) -> Option<f64> {
        self.share().map(|share| share * predicted)
    }
}

/// A figure with its 90 % bootstrap interval (customers drawn with replacement).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figure {
    /// The figure.
    pub value: f64,
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

impl Figure {
    /// A figure with the middle nine tenths of its bootstrap samples.
    pub fn of(value: f64, mut samples: Vec<f64>) -> Self {
        samples.retain(|sample| sample.is_finite());
        samples.sort_unstable_by(f64::total_cmp);
        let at = |q: f64| quantile(&samples, q).unwrap_or(value);
        Self { value, lower: at(0.05).min(value), upper: at(0.95).max(value) }
    }
}

/// How right the answers about some customers were.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Accuracy {
    /// How many customers.
    pub customers: usize,
    /// How many of them expanded within the days looked at.
    pub expansions: usize,
    /// Expansions that were to be expected within the days looked at: the sum of the propensities, times the share of a
    /// horizon's expansions that usually come within these days; absent where that share is not known.
    pub predicted_expansions: Option<f64>,
    /// What was won within the days looked at, where amounts are recorded.
    pub amount: f64,
    /// What was expected to be won within these days; absent when no won amount was known, or that share is not.
    pub predicted_amount: Option<f64>,
    /// `auc`, `pr_auc`, `lift_at_10`, `capture_15` and `capture_35` (the share of expansions among the best-ranked 15 and
    /// 35 %), `predicted_over_actual`, where amounts are known `amount`, `predicted_over_actual_amount` and
    /// `value_coverage`; of a whole horizon also `log_loss`, `brier`, `calibration_error` (which chance alone raises, and
    /// whose interval therefore only describes: see `calibration_error_by_chance`), `precision_flagged` (of scores from 50
    /// on) and `interval_coverage`. Empty below 30 expansions.
    pub figures: BTreeMap<String, Figure>,
    /// The calibration error that these propensities stay below in 95 of 100 cases if they are right: even then it is
    /// not 0, the less so the fewer customers. Of a whole horizon only.
    #[serde(default)]
    pub calibration_error_by_chance: Option<f64>,
    /// The customers in ten parts of equal size, best first; none below 30 expansions.
    pub tenths: Vec<Tenth>,
    /// Share of the tenths whose rate of expansions lies within the mean interval of their customers; of a whole
    /// horizon with 30 expansions only.
    pub interval_coverage: Option<f64>,
    /// Share of the amounts within their 80 % interval, and how many amounts; absent below 30 expansions.
    pub value_coverage: Option<(f64, usize)>,
}

/// A tenth of the customers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tenth {
    /// How many customers.
    pub customers: usize,
    /// The share that was to be expected to expand within the days looked at, 0–1; absent where that is not known.
    pub predicted: Option<f64>,
    /// The share that expanded within them, 0–1.
    pub observed: f64,
    /// That share over the share of all.
    pub lift: f64,
    /// The share of all expansions that are in this tenth or a better one, 0–1.
    pub gain: f64,
}

/// Judges answers by outcomes within the days looked at.
pub fn accuracy(judged: &[Judged], elapsed: Elapsed) -> Accuracy {
    let mut order: Vec<&Judged> = judged.iter().collect();
    order.sort_by(|a, b| b.propensity.total_cmp(&a.propensity));
    let expansions = order.iter().filter(|one| one.expanded).count();
    let expected_value: Option<f64> = order.iter().map(|one| one.expected_value).sum();
    let counted = Accuracy {
        customers: order.len(),
        expansions,
        predicted_expansions: elapsed.of_whole(order.iter().map(|one| one.propensity).sum()),
        amount: order.iter().filter_map(|one| one.amount).sum(),
        predicted_amount: expected_value.and_then(|value| elapsed.of_whole(value)),
        ..Accuracy::default()
    };
    if expansions < LEAST_EXPANSIONS || expansions == order.len() {
        return counted;
    }
    let figures = figures(&order, elapsed);
    let rows = weighed(&order, |_| 1.0);
    Accuracy {
        calibration_error_by_chance: figures.contains_key(CALIBRATION_ERROR).then(|| error_by_chance(&order)),
        figures,
        interval_coverage: interval_coverage(&order, &rows).filter(|_| elapsed.is_whole()),
        value_coverage: value_coverage(&order),
        tenths: tenths_of(&rows, expansions, elapsed),
        ..counted
    }
}

/// The share of known amounts of expansions within their interval, and how many there are.
fn value_coverage(order: &[&Judged]) -> Option<(f64, usize)> {
    let amounts: Vec<(f64, ValueRange)> =
        order.iter().filter(|one| one.expanded).filter_map(|one| one.amount.zip(one.value)).collect();
    let within = amounts.iter().filter(|(amount, value)| value.lower <= *amount && *amount <= value.upper).count();
    (!amounts.is_empty()).then(|| (count(within) / count(amounts.len()), amounts.len()))
}

/// The figures with their intervals.
fn figures(order: &[&Judged], elapsed: Elapsed) -> BTreeMap<String, Figure> {
    let Some(values) = figures_of(order, |_| 1.0, elapsed) else { return BTreeMap::new() };
    let mut samples: Vec<Vec<f64>> = vec![Vec::new(); values.len()];
    for sample in 0..SAMPLES {
        // Drawing with replacement, by Poisson weights: each customer comes 0, 1, 2, … times.
        if let Some(drawn) = figures_of(order, |i| poisson(scattered(sample << 32 | i as u64)), elapsed) {
            for (samples, (_, value)) in samples.iter_mut().zip(drawn) {
                samples.push(value);
            }
        }
    }
    let figure = |((name, value), samples): ((&str, f64), Vec<f64>)| (name.to_owned(), Figure::of(value, samples));
    values.into_iter().zip(samples).map(figure).collect()
}

/// The figures of customers in descending order of propensity, each counting as often as `weight` says.
fn figures_of(order: &[&Judged], weight: impl Fn(usize) -> f64, elapsed: Elapsed) -> Option<Vec<(&'static str, f64)>> {
    let rows = weighed(order, weight);
    let all = metrics(&rows, rows.len())?;
    let total: f64 = rows.iter().map(|row| row.weight()).sum();
    let up: f64 = rows.iter().map(|row| row.up).sum();
    let capture = |share: f64| found_among_best(&rows, share * total) / up;
    let predicted: f64 = rows.iter().map(|row| row.p * row.weight()).sum();
    let mut figures = vec![
        ("auc", all.auc),
        ("pr_auc", all.pr_auc),
        ("lift_at_10", all.lift_at_10),
        ("capture_15", capture(0.15)),
        ("capture_35", capture(0.35)),
    ];
    figures.extend(elapsed.of_whole(predicted).map(|predicted| ("predicted_over_actual", predicted / up)));
    if elapsed.is_whole() {
        figures.extend([
            ("log_loss", all.log_loss),
            ("brier", all.brier),
            (CALIBRATION_ERROR, all.ece),
            ("interval_coverage", interval_coverage(order, &rows)?),
        ]);
        if order.first().is_some_and(|best| 100.0 * best.propensity >= FLAGGED) {
            figures.push(("precision_flagged", precision_flagged(&rows)));
        }
    }
    figures.extend(figures_of_amounts(order, &rows, elapsed));
    Some(figures)
}

/// The share of ranked rows from [`FLAGGED`] on that expanded.
fn precision_flagged(rows: &[Weighed]) -> f64 {
    let flagged = rows.iter().take_while(|row| 100.0 * row.p >= FLAGGED);
    let (hits, flags) = flagged.fold((0.0, 0.0), |(hits, flags), row| (hits + row.up, flags + row.weight()));
    hits / flags
}

/// The figures of customers with amounts; which ones there are depends on the customers alone, not on how often they count.
fn figures_of_amounts(order: &[&Judged], rows: &[Weighed], elapsed: Elapsed) -> Vec<(&'static str, f64)> {
    let counted = || order.iter().zip(rows).map(|(one, row)| (*one, row.weight()));
    let won = || counted().filter_map(|(one, weight)| Some((one, one.amount?, weight)));
    let estimated = || won().filter(|(one, _, _)| one.expanded).filter_map(|(one, won, n)| Some((one.value?, won, n)));
    let mut figures = Vec::new();
    if won().next().is_some() {
        let amount: f64 = won().map(|(_, amount, weight)| weight * amount).sum();
        figures.push(("amount", amount));
        let predicted = counted().map(|(one, weight)| Some(weight * one.expected_value?)).sum::<Option<f64>>();
        let predicted = predicted.and_then(|sum| elapsed.of_whole(sum));
        figures.extend(predicted.map(|sum| ("predicted_over_actual_amount", sum / amount)));
    }
    if estimated().next().is_some() {
        let (within, all) = estimated().fold((0.0, 0.0), |(within, all), (value, amount, weight)| {
            let is_within = value.lower <= amount && amount <= value.upper;
            (within + if is_within { weight } else { 0.0 }, all + weight)
        });
        figures.push(("value_coverage", within / all));
    }
    figures
}

/// Customers in descending order of propensity, each counting as often as `weight` says.
fn weighed(order: &[&Judged], weight: impl Fn(usize) -> f64) -> Vec<Weighed> {
    let weigh = |(i, one): (usize, &&Judged)| Weighed::of(one.propensity, one.expanded, weight(i));
    order.iter().enumerate().map(weigh).collect()
}

/// The 95 % quantile of the calibration errors of outcomes drawn by the propensities, which are in descending order.
fn error_by_chance(order: &[&Judged]) -> f64 {
    let draw = |sample: u64| {
        // Other numbers than those that the bootstrap draws customers by.
        let uniform = |i: usize| scattered((SAMPLES + sample) << 32 | i as u64);
        let one = |(i, one): (usize, &&Judged)| Weighed::of(one.propensity, uniform(i) < one.propensity, 1.0);
        let rows: Vec<Weighed> = order.iter().enumerate().map(one).collect();
        calibration_error(&rows, count(rows.len()))
    };
    let mut errors: Vec<f64> = (0..SAMPLES).map(draw).collect();
    errors.sort_unstable_by(f64::total_cmp);
    quantile(&errors, 0.95).unwrap_or_default()
}

/// The area under the ROC curve with its 90 % bootstrap interval by customer, of rows that say whose they are, what was
/// predicted and what happened; `None` unless both outcomes occur.
pub fn auc(mut rows: Vec<(u32, f64, bool)>) -> Option<Figure> {
    rows.sort_by(|a, b| b.1.total_cmp(&a.1));
    let of = |weight: &dyn Fn(u32) -> f64| {
        let weigh = |(customer, p, expanded): &(u32, f64, bool)| Weighed::of(*p, *expanded, weight(*customer));
        let rows: Vec<Weighed> = rows.iter().map(weigh).collect();
        metrics(&rows, rows.len()).map(|metrics| metrics.auc)
    };
    let value = of(&|_| 1.0)?;
    let sample = |sample: u64| of(&|customer| poisson(scattered(sample << 32 | u64::from(customer))));
    Some(Figure::of(value, (0..SAMPLES).filter_map(sample).collect()))
}

fn tenths_of(rows: &[Weighed], expansions: usize, elapsed: Elapsed) -> Vec<Tenth> {
    let rate = count(expansions) / count(rows.len()).max(1.0);
    let mut found = 0.0;
    let tenth = |rows: &[Weighed]| {
        let n = count(rows.len());
        let up: f64 = rows.iter().map(|row| row.up).sum();
        found += up;
        Tenth {
            customers: rows.len(),
            predicted: elapsed.of_whole(rows.iter().map(|row| row.p).sum::<f64>() / n),
            observed: up / n,
            lift: if rate > 0.0 { up / n / rate } else { 1.0 },
            gain: if expansions > 0 { found / count(expansions) } else { 0.0 },
        }
    };
    tenths(rows, count(rows.len())).filter(|rows| !rows.is_empty()).map(tenth).collect()
}

/// The share of tenths whose rate lies within the mean interval of their customers.
fn interval_coverage(order: &[&Judged], rows: &[Weighed]) -> Option<f64> {
    let total: f64 = rows.iter().map(|row| row.weight()).sum();
    let (mut begin, mut covered, mut all) = (0, 0, 0);
    for tenth in tenths(rows, total) {
        let customers = &order[begin..begin + tenth.len()];
        begin += tenth.len();
        let sum = |of: &dyn Fn(&Judged) -> f64| -> f64 {
            customers.iter().zip(tenth).map(|(one, row)| row.weight() * of(one)).sum()
        };
        let (n, up) = (sum(&|_| 1.0), tenth.iter().map(|row| row.up).sum::<f64>());
        if n > 0.0 {
            all += 1;
            covered += usize::from(sum(&|one| one.interval[0]) <= up && up <= sum(&|one| one.interval[1]));
        }
    }
    (all > 0).then(|| count(covered) / count(all))
}

/// The empirical quantile of sorted values; `None` without any.
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "q is in 0..=1")]
    let place = (q * count(sorted.len().saturating_sub(1))).round() as usize;
    sorted.get(place).copied()
}

/// A number from a Poisson distribution of mean 1, from one that is uniform in 0–1.
pub(crate) fn poisson(uniform: f64) -> f64 {
    let (mut k, mut term) = (0.0, (-1.0_f64).exp());
    let mut sum = term;
    while sum < uniform && k < 20.0 {
        k += 1.0;
        term /= k;
        sum += term;
    }
    k
}

/// Numbers in 0–1 that look random and are the same everywhere (the mixing step of `SplitMix64`: Steele, Lea & Flood
/// 2014, *OOPSLA*).
pub fn scattered(i: u64) -> f64 {
    let mut x = (i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^= x >> 31;
    f64::from((x >> 40) as u32) / f64::from(1_u32 << 24)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Customers whose propensities are right.
    pub(crate) fn judged(n: u64, seed: u64) -> Vec<Judged> {
        let one = |i: u64| {
            let u = |k: u64| scattered(seed * 1_000_003 + 7 * i + k);
            let propensity = 0.02 + 0.6 * u(0) * u(1);
            Judged {
                segment: None,
                is_unworked: true,
                confidence_level: ConfidenceLevel::Medium,
                side: None,
                average: None,
                propensity,
                interval: [propensity / 2.0, (2.0 * propensity).min(1.0)],
                value: None,
                expected_value: Some(100.0 * propensity),
                expanded: u(2) < propensity,
                amount: None,
            }
        };
        (0..n).map(one).collect()
    }

    #[test]
    fn intervals_hold_the_true_figure_nine_times_in_ten() {
        let truth = accuracy(&judged(200_000, 1), Elapsed::Whole);
        for name in ["auc", "log_loss", "brier", "capture_15", "predicted_over_actual"] {
            let wanted = truth.figures[name].value;
            let holds = |seed: u64| {
                let figure = accuracy(&judged(800, seed), Elapsed::Whole).figures[name];
                figure.lower <= wanted && wanted <= figure.upper
            };
            let share = count((10..210).filter(|seed| holds(*seed)).count()) / 200.0;
            assert!((0.85..=0.95).contains(&share), "{name}: {share}");
        }
    }

    #[test]
    fn right_propensities_exceed_the_error_by_chance_once_in_twenty_times_and_wrong_ones_always() {
        let exceeds = |judged: &[Judged]| {
            let accuracy = accuracy(judged, Elapsed::Whole);
            accuracy.figures[CALIBRATION_ERROR].value > accuracy.calibration_error_by_chance.expect("a whole horizon")
        };
        let share = count((10..210).filter(|seed| exceeds(&judged(300, *seed))).count()) / 200.0;
        assert!(share <= 0.1, "{share}");
        for seed in 0..20 {
            let mut wrong = judged(1000, seed);
            for one in &mut wrong {
                one.propensity *= 0.5;
            }
            assert!(exceeds(&wrong), "{seed}");
        }
    }

    #[test]
    fn amounts_and_coverages_have_intervals_too() {
        let mut judged = judged(600, 4);
        for (i, one) in judged.iter_mut().enumerate().filter(|(_, one)| one.expanded) {
            one.amount = Some(100.0 + count(i % 50));
            one.value = Some(ValueRange { amount: 120.0, lower: 105.0, upper: 145.0 });
        }
        let whole = accuracy(&judged, Elapsed::Whole);
        assert!((whole.figures["amount"].value - whole.amount).abs() < 1e-6);
        let ratio = whole.predicted_amount.expect("all have an expected value") / whole.amount;
        assert!((whole.figures["predicted_over_actual_amount"].value - ratio).abs() < 1e-9);
        assert_eq!(Some(whole.figures["interval_coverage"].value), whole.interval_coverage);
        assert!((whole.figures["value_coverage"].value - whole.value_coverage.expect("amounts").0).abs() < 1e-9);
        for name in ["amount", "predicted_over_actual_amount", "value_coverage", "interval_coverage"] {
            let Figure { value, lower, upper } = whole.figures[name];
            assert!(lower <= value && value <= upper && lower < upper, "{name}: {:?}", whole.figures[name]);
        }
        let early = accuracy(&judged, Elapsed::Beginning(None)).figures;
        assert!(early.contains_key("amount") && !early.contains_key("predicted_over_actual_amount"));
        assert!(!early.contains_key("interval_coverage"));
        let scaled = accuracy(&judged, Elapsed::Beginning(Some(0.5)));
        let scaled_ratio = scaled.figures["predicted_over_actual_amount"].value;
        assert!((2.0 * scaled_ratio - ratio).abs() < 1e-9, "half of it is expected by then");
    }

    #[test]
    fn before_the_horizon_is_over_only_the_ranking_is_judged() {
        let judged = judged(500, 3);
        let early = accuracy(&judged, Elapsed::Beginning(None));
        assert!(early.figures.contains_key("auc") && !early.figures.contains_key("brier"));
        assert_eq!(early.interval_coverage, None);
        let whole = accuracy(&judged, Elapsed::Whole);
        assert_eq!(whole.figures["auc"], early.figures["auc"]);
        assert!(whole.figures["calibration_error"].value < 0.1);
        assert_eq!(whole.tenths.iter().map(|tenth| tenth.customers).sum::<usize>(), 500);
        assert!((whole.tenths[9].gain - 1.0).abs() < 1e-12);
        assert!(whole.tenths[0].lift > 1.5, "{:?}", whole.tenths[0]);
    }

    #[test]
    fn predictions_are_those_of_the_days_looked_at() {
        let judged = judged(500, 3);
        let of = |elapsed| accuracy(&judged, elapsed);
        let (whole, early) = (of(Elapsed::Whole), of(Elapsed::Beginning(Some(0.1))));
        let pairs = [
            (whole.predicted_expansions, early.predicted_expansions),
            (whole.predicted_amount, early.predicted_amount),
            (whole.tenths[0].predicted, early.tenths[0].predicted),
            (whole.tenths[9].predicted, early.tenths[9].predicted),
        ];
        for (whole, early) in pairs {
            let (whole, early) = whole.zip(early).expect("both are known");
            assert!((0.1 * whole - early).abs() < 1e-9, "{whole} {early}");
        }
        let ratio = |accuracy: &Accuracy| accuracy.figures["predicted_over_actual"].value;
        assert!((0.1 * ratio(&whole) - ratio(&early)).abs() < 1e-9);
        let unknown = of(Elapsed::Beginning(None));
        assert_eq!((unknown.predicted_expansions, unknown.predicted_amount), (None, None));
        assert!(unknown.tenths.iter().all(|tenth| tenth.predicted.is_none()));
        assert!(!unknown.figures.contains_key("predicted_over_actual"), "nothing is compared");
    }

    #[test]
    fn precision_of_high_scores_is_told_of_whole_horizons_only() {
        let mut judged = judged(500, 3);
        judged[0].propensity = 0.6;
        assert!(accuracy(&judged, Elapsed::Whole).figures.contains_key("precision_flagged"));
        assert!(!accuracy(&judged, Elapsed::Beginning(Some(0.5))).figures.contains_key("precision_flagged"));
    }

    #[test]
    fn below_thirty_expansions_there_are_counts_and_no_figures() {
        let of = |expansions: usize| {
            let mut few = judged(100, 5);
            for (i, one) in few.iter_mut().enumerate() {
                one.expanded = i < expansions;
                one.amount = one.expanded.then_some(100.0);
                one.value = Some(ValueRange { amount: 100.0, lower: 90.0, upper: 110.0 });
            }
            accuracy(&few, Elapsed::Whole)
        };
        let few = of(LEAST_EXPANSIONS - 1);
        assert_eq!((few.customers, few.expansions), (100, 29));
        assert!(few.predicted_expansions.is_some_and(|expected| expected > 5.0) && few.amount > 2000.0);
        assert!(few.figures.is_empty() && few.tenths.is_empty());
        assert_eq!((few.interval_coverage, few.value_coverage, few.calibration_error_by_chance), (None, None, None));
        let enough = of(LEAST_EXPANSIONS);
        assert!(enough.figures.contains_key("auc") && enough.tenths.len() == 10 && enough.value_coverage.is_some());
        assert!(accuracy(&[], Elapsed::Whole).figures.is_empty());
        assert!(of(100).figures.is_empty(), "nobody to tell them from");
    }
}
