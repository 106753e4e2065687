//! What can be said before the horizon is over: estimated figures, shifts, and early results that surprise.

use expansion_model::{CohortAccuracy, EarlyWarning, Listed, Model, Run, Shift, estimate, shift};

/// Where a finding begins.
#[derive(Clone, Copy, Debug)]
pub struct Thresholds {
    /// Population stability index of a feature or of the scores.
    pub shift: f64,
    /// Calibration error of a whole horizon.
    pub calibration_error: f64,
    /// Expansions more or fewer than expected, in standard deviations.
    pub surprise: f64,
}

/// How every finding about a shift begins.
const SHIFTED: &str = "shifted: ";
/// Expansions of one customer come together, and customers have things in common: their number varies more than chance
/// alone would have it (the variance of a count over its mean).
const OVERDISPERSION: f64 = 1.5;
/// Fewer expected expansions than this say nothing.
const LEAST_EXPECTED: f64 = 10.0;
/// Shifts kept on record.
const MOST_SHIFTS: usize = 20;

/// Whether a finding is about a shift, not about how right answers were.
pub(crate) fn is_shift(finding: &str) -> bool {
    finding.starts_with(SHIFTED)
}

/// What can be said of a run without, or with the first, outcomes.
pub(crate) fn warning(
    run: &Run,
    rows: &[Listed],
    model: Option<&Model>,
    cohorts: &[CohortAccuracy],
    thresholds: Thresholds,
) -> EarlyWarning {
    let propensities: Vec<f64> = rows.iter().map(|row| row.propensity).collect();
    let mut shifts = model.map(|model| shifts(run, model)).unwrap_or_default();
    shifts.sort_by(|a, b| b.psi.total_cmp(&a.psi));
    shifts.truncate(MOST_SHIFTS);
    let shifted = shifts.iter().filter(|shift| shift.psi > thresholds.shift);
    let mut findings: Vec<String> = shifted.map(|shift| format!("{SHIFTED}{}", shift.feature)).collect();
    findings.extend(cohorts.iter().filter_map(|cohort| surprise(cohort, thresholds.surprise)));
    let error = cohorts.last().and_then(|whole| whole.overall.as_ref()?.figures.get("calibration_error"));
    // Small groups err by chance: beyond the threshold by its lower end.
    if error.is_some_and(|error| error.lower > thresholds.calibration_error) {
        findings.push("the calibration error of the whole horizon is too large".to_owned());
    }
    EarlyWarning { estimated: estimate(&propensities), shifts, findings }
}

/// How the run's customers have shifted from those that its model was trained on.
fn shifts(run: &Run, model: &Model) -> Vec<Shift> {
    let Some(summary) = &run.summary else { return Vec::new() };
    let features = model.propensity.features.iter().zip(&model.reference.bins).zip(&summary.bins);
    let of_features = features.filter_map(|((feature, before), now)| shift(&feature.name, before, now, true));
    let tens = |scores: &[u64]| scores.chunks(10).map(|ten| ten.iter().sum()).collect::<Vec<u64>>();
    let of_scores = shift("propensity_score", &tens(&model.reference.scores), &tens(&summary.histogram), false);
    of_features.chain(of_scores).collect()
}

/// Whether a cohort has many more or fewer expansions than were to be expected within its days.
fn surprise(cohort: &CohortAccuracy, threshold: f64) -> Option<String> {
    let (expected, overall) = cohort.expected_expansions.zip(cohort.overall.as_ref())?;
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 customers")]
    let difference = overall.expansions as f64 - expected;
    let deviations = difference / (OVERDISPERSION * expected).sqrt();
    let what = if difference > 0.0 { "more" } else { "fewer" };
    (expected >= LEAST_EXPECTED && deviations.abs() > threshold)
        .then(|| format!("{what} expansions within {} days than expected", cohort.days))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use expansion_model::Accuracy;

    use super::*;

    fn cohort(expected: f64, expansions: usize) -> CohortAccuracy {
        CohortAccuracy {
            days: 7,
            is_mature: true,
            censored: 0,
            overall: Some(Accuracy { expansions, ..Accuracy::default() }),
            segments: BTreeMap::new(),
            levels: BTreeMap::new(),
            expected_expansions: Some(expected),
        }
    }

    #[test]
    fn only_what_chance_would_not_explain_is_a_surprise() {
        assert_eq!(surprise(&cohort(40.0, 50), 3.0), None);
        assert_eq!(surprise(&cohort(40.0, 80), 3.0).as_deref(), Some("more expansions within 7 days than expected"));
        assert_eq!(surprise(&cohort(40.0, 12), 3.0).as_deref(), Some("fewer expansions within 7 days than expected"));
        assert_eq!(surprise(&cohort(4.0, 40), 3.0), None, "so few expected ones say nothing");
        let immature = CohortAccuracy { overall: None, ..cohort(40.0, 0) };
        assert_eq!(surprise(&immature, 3.0), None);
    }
}
