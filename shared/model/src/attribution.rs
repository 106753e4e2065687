//! Points: integers that add up, with the baseline, to the score exactly.
//!
//! Contributions on the log-odds scale become points of probability by the Aumann–Shapley rule along the straight
//! path from the baseline to the customer. For a sigmoid of a sum the path integral has a closed form, in which every
//! contribution is scaled by the same slope: (σ(η) − σ(η₀)) / (η − η₀). No order of features enters. The real numbers
//! are then rounded by largest remainder, so that nothing is lost.

use crate::sigmoid;

/// A score taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribution {
    /// The score, 1–99: nothing is certain.
    pub score: i32,
    /// The score of a customer who is average in every feature.
    pub baseline: i32,
    /// What each contribution adds; `baseline + Σ points = score`.
    pub points: Vec<i32>,
}

/// Takes the score of `intercept + Σ contributions` apart.
///
/// ```
/// # use expansion_model::attribute;
/// let parts = attribute(-2.0, &[1.5, -0.5, 0.0]);
/// assert_eq!(parts.baseline + parts.points.iter().sum::<i32>(), parts.score);
/// assert_eq!(parts.points[2], 0);
/// ```
pub fn attribute(intercept: f64, contributions: &[f64]) -> Attribution {
    let exact = exact_points(intercept, contributions);
    let end = intercept + contributions.iter().sum::<f64>();
    let (baseline, score) = (points_of(sigmoid(intercept)), points_of(sigmoid(end)));
    Attribution { score, baseline, points: round_to_sum(&exact, score - baseline) }
}

/// What each change of the log-odds from `start` on adds to the score, in points before rounding.
pub fn exact_points(start: f64, changes: &[f64]) -> Vec<f64> {
    let change: f64 = changes.iter().sum();
    let (before, after) = (sigmoid(start), sigmoid(start + change));
    let slope = if change.abs() < 1e-9 { before * (1.0 - before) } else { (after - before) / change };
    changes.iter().map(|change| 100.0 * slope * change).collect()
}

/// A probability in points, 1–99.
#[expect(clippy::cast_possible_truncation, reason = "clamped to 1..=99")]
pub fn points_of(probability: f64) -> i32 {
    (100.0 * probability).round().clamp(1.0, 99.0) as i32
}

/// Points that were rounded, those of less than one put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apportioned {
    /// Which parts have points of their own, and how many; none has zero.
    pub parts: Vec<(usize, i32)>,
    /// The points of all other parts together.
    pub other: i32,
}

/// Rounds exact points to integers that add up to `sum`. Parts of less than a point are put together, so that many small
/// ones neither vanish nor each claim a point.
///
/// ```
/// # use expansion_model::apportion;
/// let points = apportion(&[12.4, 0.3, -3.2, 0.6], 10);
/// assert_eq!((points.parts, points.other), (vec![(0, 12), (2, -3)], 1));
/// ```
pub fn apportion(exact: &[f64], sum: i32) -> Apportioned {
    let (large, small): (Vec<usize>, Vec<usize>) = (0..exact.len()).partition(|part| exact[*part].abs() >= 1.0);
    let mut grouped: Vec<f64> = large.iter().map(|part| exact[*part]).collect();
    grouped.push(small.iter().map(|part| exact[*part]).sum());
    let mut points = round_to_sum(&grouped, sum);
    let rounded: i32 = points.iter().sum();
    // Where no part may take what is left over (its sign forbids it), the small ones together do.
    let other = points.pop().unwrap_or_default() + sum - rounded;
    Apportioned { parts: large.into_iter().zip(points).filter(|(_, points)| *points != 0).collect(), other }
}

/// Integers near `exact` that add up to `sum`, none with the opposite sign of its exact value.
#[expect(clippy::cast_possible_truncation, reason = "points lie within ±100 each")]
fn round_to_sum(exact: &[f64], sum: i32) -> Vec<i32> {
    let mut points: Vec<i32> = exact.iter().map(|value| value.trunc() as i32).collect();
    let mut missing = sum - points.iter().sum::<i32>();
    let step = missing.signum();
    // How far each entry still is from its exact value in the step's direction, the furthest first.
    let mut needs: Vec<(f64, usize)> =
        exact.iter().zip(&points).map(|(x, p)| (x - f64::from(*p)) * f64::from(step)).zip(0..).collect();
    needs.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    while missing != 0 {
        let before = missing;
        for &(_, i) in &needs {
            let next = points[i] + step;
            let allowed = f64::from(next) * exact[i] > 0.0 || (next == 0 && exact[i] != 0.0);
            if allowed && missing != 0 {
                points[i] = next;
                missing -= step;
            }
        }
        if missing == before {
            break;
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn contributions() -> impl Strategy<Value = Vec<f64>> {
        let one = prop_oneof![Just(0.0), -0.01..0.01_f64, -3.0..3.0_f64, -30.0..30.0_f64];
        prop::collection::vec(one, 0..60)
    }

    proptest! {
        #[test]
        fn apportioned_points_add_up(exact in prop::collection::vec(-30.0..30.0_f64, 0..60)) {
            #[expect(clippy::cast_possible_truncation, reason = "a few hundred points")]
            let sum = exact.iter().sum::<f64>().round() as i32;
            let points = apportion(&exact, sum);
            prop_assert_eq!(points.parts.iter().map(|(_, points)| points).sum::<i32>() + points.other, sum);
            prop_assert!(points.parts.iter().all(|(part, points)| f64::from(*points) * exact[*part] > 0.0));
        }

        #[test]
        fn baseline_and_points_add_up_to_the_score(intercept in -12.0..12.0_f64, parts in contributions()) {
            let a = attribute(intercept, &parts);
            prop_assert_eq!(a.baseline + a.points.iter().sum::<i32>(), a.score);
            prop_assert!((1..=99).contains(&a.score) && (1..=99).contains(&a.baseline));
        }

        #[test]
        fn no_point_contradicts_its_contribution(intercept in -12.0..12.0_f64, parts in contributions()) {
            let a = attribute(intercept, &parts);
            for (points, part) in a.points.iter().zip(&parts) {
                prop_assert!(*points == 0 || f64::from(*points) * part > 0.0, "{points} points for {part}");
            }
        }

        #[test]
        fn the_order_of_features_is_irrelevant(intercept in -5.0..5.0_f64, mut parts in prop::collection::vec(-3.0..3.0_f64, 1..20)) {
            parts.sort_by(f64::total_cmp);
            parts.dedup();
            let forward = attribute(intercept, &parts);
            let reversed: Vec<f64> = parts.iter().rev().copied().collect();
            let mut backward = attribute(intercept, &reversed);
            backward.points.reverse();
            // Adding in another order may change the last bit of the sum, and with it one rounding.
            let apart: i32 = forward.points.iter().zip(&backward.points).map(|(a, b)| (a - b).abs()).sum();
            prop_assert!(apart <= 2, "{forward:?} {backward:?}");
        }
    }

    #[test]
    fn the_sample_of_a_certain_customer_stays_below_100() {
        let sure = attribute(0.0, &[40.0]);
        assert_eq!((sure.score, sure.baseline, sure.points), (99, 50, vec![49]));
        let hopeless = attribute(-9.0, &[-9.0]);
        assert_eq!((hopeless.score, hopeless.baseline, hopeless.points), (1, 1, vec![0]));
    }
}
