//! A sigmoid recalibration (Platt 1999) where rows held out show that it is needed: log-odds' = intercept + slope ·
//! log-odds. It keeps the model additive.

use expansion_model::{AdditiveModel, sigmoid};

use crate::outcomes::{Outcomes, design_effect, residuals};

const STEPS: usize = 25;
/// The 99 % point of χ² with two degrees of freedom: chance alone asks for a correction once in a hundred fits.
const NEEDED: f64 = 9.21;
/// A correction is refused outside these slopes: what would need it is not a matter of calibration.
const SLOPES: std::ops::RangeInclusive<f64> = 0.3..=2.0;

/// `[intercept, slope]`, where the rows held out differ from `[0, 1]` by more than chance.
pub(crate) fn needed(log_odds: &[f64], outcomes: &Outcomes) -> Option<[f64; 2]> {
    let (mut a, mut b) = (0.0, 1.0);
    let mut statistic = 0.0;
    for _ in 0..STEPS {
        let propensities: Vec<f64> = log_odds.iter().map(|eta| sigmoid(a + b * eta)).collect();
        let (mut g0, mut g1, mut h00, mut h01, mut h11) = (0.0, 0.0, 1e-9, 0.0, 1e-9);
        for ((residual, p), eta) in residuals(&propensities, &outcomes.labels).zip(&propensities).zip(log_odds) {
            let w = p * (1.0 - p);
            g0 += residual;
            g1 += residual * eta;
            h00 += w;
            h01 += w * eta;
            h11 += w * eta * eta;
        }
        let determinant = h00 * h11 - h01 * h01;
        if determinant <= 1e-8 * h00 * h11 {
            return None;
        }
        a += ((h11 * g0 - h01 * g1) / determinant).clamp(-2.0, 2.0);
        b += ((h00 * g1 - h01 * g0) / determinant).clamp(-0.5, 0.5);
        let (da, db) = (a, b - 1.0);
        statistic = (h00 * da * da + 2.0 * h01 * da * db + h11 * db * db) / design_effect(&propensities, outcomes);
    }
    (statistic > NEEDED && SLOPES.contains(&b)).then_some([a, b])
}

/// Corrects a model's log-odds.
pub(crate) fn apply(model: &mut AdditiveModel, [intercept, slope]: [f64; 2]) {
    model.intercept = intercept + slope * model.intercept;
    for weight in model.terms.iter_mut().flat_map(|term| &mut term.weights) {
        *weight *= slope;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the uncertainty is kept in single precision")]
    for entry in &mut model.uncertainty.rows {
        *entry *= slope as f32;
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Log-odds of many rows, and outcomes of which the true log-odds are `intercept + slope · log-odds`.
    fn rows(intercept: f64, slope: f64) -> (Vec<f64>, Vec<bool>) {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let log_odds: Vec<f64> = (0..20_000).map(|_| rng.random::<f64>() * 4.0 - 3.0).collect();
        let labels = log_odds.iter().map(|eta| rng.random::<f64>() < sigmoid(intercept + slope * eta)).collect();
        (log_odds, labels)
    }

    #[test]
    fn a_needed_correction_is_found_and_an_unneeded_one_is_not_made() {
        let customers: Vec<u32> = (0..20_000).collect();
        let correction = |intercept, slope| {
            let (log_odds, labels) = rows(intercept, slope);
            needed(&log_odds, &Outcomes { labels, customers: customers.clone(), known: Vec::new() })
        };
        let [a, b] = correction(-0.4, 0.7).expect("it is needed");
        assert!((a + 0.4).abs() < 0.1 && (b - 0.7).abs() < 0.1, "{a} {b}");
        assert_eq!(correction(0.0, 1.0), None);
    }

    #[test]
    fn repeated_rows_do_not_make_chance_a_need() {
        // A hundred customers, two hundred rows each, who differ: their mean is off by chance, not by the model's fault.
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let (mut log_odds, mut labels, mut customers) = (Vec::new(), Vec::new(), Vec::new());
        for customer in 0..100 {
            let own = 3.0 * (rng.random::<f64>() - 0.5) + 0.1;
            for _ in 0..200 {
                let eta = rng.random::<f64>() * 2.0 - 1.0;
                log_odds.push(eta);
                labels.push(rng.random::<f64>() < sigmoid(eta + own));
                customers.push(customer);
            }
        }
        let alone = Outcomes { labels: labels.clone(), customers: (0..20_000).collect(), known: Vec::new() };
        assert!(needed(&log_odds, &alone).is_some());
        assert_eq!(needed(&log_odds, &Outcomes { labels, customers, known: Vec::new() }), None);
    }
}
