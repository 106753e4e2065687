//! What can be said before the horizon is over: estimated figures, shifts, and early results that surprise.

use expansion_domain::count;
use expansion_model::{Accuracy, Model, Shift, estimate, shift, tens};
use expansion_records::{Checkpoint, Concern, EarlyWarning, Finding, Listed, RunSummary};

use crate::judge::{is_unworked, says_standing};

/// Where a finding begins.
#[derive(Clone, Copy, Debug)]
pub struct Thresholds {
    /// Population stability index of a feature or of the scores, beyond chance and what is usual.
    pub shift: f64,
    /// Rise of a feature's share of missing values, beyond what is usual.
    pub missing: f64,
    /// Calibration error of a whole horizon.
    pub calibration_error: f64,
    /// AUC below the one that the propensities promise.
    pub auc_loss: f64,
    /// Expansions more or fewer than expected, in standard deviations.
    pub surprise: f64,
}

/// Expansions of one customer come together, and customers have things in common: their number varies more than chance
/// alone would have it (the variance of a count over its mean).
const OVERDISPERSION: f64 = 1.5;
/// Fewer expected expansions than this say nothing.
const LEAST_EXPECTED: f64 = 10.0;
/// Shifts kept on record.
const MOST_SHIFTS: usize = 20;

/// What can be said of a run without, or with the first, outcomes.
pub(crate) fn warning(
    summary: &RunSummary,
    rows: &[Listed],
    model: Option<&Model>,
    checkpoints: &[Checkpoint],
    thresholds: Thresholds,
) -> EarlyWarning {
    let propensities: Vec<f64> = rows.iter().map(|row| row.propensity).collect();
    let unworked: Option<Vec<f64>> =
        says_standing(rows).then(|| rows.iter().filter(|row| is_unworked(row)).map(|row| row.propensity).collect());
    let mut shifts = model.map(|model| shifts(summary, model)).unwrap_or_default();
    // A feature of which nothing is known any more has shifted most.
    let size = |shift: &Shift| shift.psi.unwrap_or(f64::INFINITY);
    shifts.sort_by(|a, b| size(b).total_cmp(&size(a)));
    let mut findings: Vec<Finding> = shifts.iter().flat_map(|shift| shifted(shift, thresholds)).collect();
    shifts.truncate(MOST_SHIFTS);
    findings.extend(checkpoints.iter().filter_map(|checkpoint| surprise(checkpoint, thresholds.surprise)));
    for checkpoint in checkpoints {
        let worse = |group: Option<&Accuracy>, propensities: &[f64], what| {
            worse_ranking(what, group?, checkpoint.expected_share?, propensities, thresholds.auc_loss)
        };
        let days = checkpoint.days;
        findings.extend(worse(checkpoint.overall.as_ref(), &propensities, Concern::RankedWorse(days)));
        let unworked = unworked.as_deref().unwrap_or_default();
        findings.extend(worse(checkpoint.unworked.as_ref(), unworked, Concern::RankedWorseUnworked(days)));
    }
    findings.extend(checkpoints.last().and_then(|whole| miscalibrated(whole, thresholds.calibration_error)));
    let estimated_unworked = unworked.and_then(|unworked| estimate(&unworked));
    EarlyWarning { estimated: estimate(&propensities), estimated_unworked, shifts, findings }
}

/// What is too much about a shift: beyond what chance gives and what is usual over as much time, more than the threshold.
fn shifted(shift: &Shift, thresholds: Thresholds) -> impl Iterator<Item = Finding> {
    let most = thresholds.shift + shift.psi_usual.unwrap_or_default() + shift.psi_by_chance;
    let is_other = shift.psi.filter(|psi| *psi > most);
    let is_other = is_other.map(|psi| Finding::new(Concern::Shifted(shift.feature.clone()), psi, most));
    let risen = shift.missing_now - shift.missing_before;
    let most_risen = thresholds.missing + shift.missing_usual.unwrap_or_default();
    let missing = || Finding::new(Concern::MissingMoreOften(shift.feature.clone()), risen, most_risen);
    let is_missing = (risen > most_risen).then(missing);
    is_other.into_iter().chain(is_missing)
}

/// Whether the calibration error of a whole horizon is too large, and larger than chance would have it: the propensities
/// of few customers seem to err even if they are right.
fn miscalibrated(whole: &Checkpoint, threshold: f64) -> Option<Finding> {
    let overall = whole.overall.as_ref()?;
    let (error, by_chance) = overall.figures.get("calibration_error").zip(overall.calibration_error_by_chance)?;
    let limit = threshold.max(by_chance);
    (error.value > limit).then(|| Finding::new(Concern::Miscalibrated, error.value, limit))
}

/// Whether customers are ranked worse than right propensities would rank them, by more than the threshold and not by
/// chance, within days in which such a share of a horizon's expansions come. Those who will expand later count among those
/// who have not yet, as they do among the outcomes.
fn worse_ranking(what: Concern, group: &Accuracy, share: f64, propensities: &[f64], threshold: f64) -> Option<Finding> {
    let within: Vec<f64> = propensities.iter().map(|propensity| share * propensity).collect();
    let (promised, auc) = estimate(&within).zip(group.figures.get("auc"))?;
    let limit = promised.auc - threshold;
    (auc.upper < limit).then(|| Finding::new(what, auc.upper, limit))
}

/// How the run's customers have shifted from those that its model was trained on.
fn shifts(summary: &RunSummary, model: &Model) -> Vec<Shift> {
    let features = model.propensity.features.iter().zip(&model.reference.features).zip(&summary.bins);
    let of_features = features.filter_map(|((feature, before), now)| shift(&feature.name, before, now, true));
    let of_scores = shift("propensity_score", &model.reference.scores, &tens(&summary.histogram), false);
    of_features.chain(of_scores).collect()
}

/// Whether there were many more or fewer expansions than were to be expected within its days.
fn surprise(checkpoint: &Checkpoint, threshold: f64) -> Option<Finding> {
    let overall = checkpoint.overall.as_ref()?;
    let (expected, expansions) = (overall.predicted_expansions?, count(overall.expansions));
    let most_off = threshold * (OVERDISPERSION * expected).sqrt();
    let (what, limit) = if expansions > expected {
        (Concern::MoreExpansions(checkpoint.days), expected + most_off)
    } else {
        (Concern::FewerExpansions(checkpoint.days), expected - most_off)
    };
    let is_surprise = expected >= LEAST_EXPECTED && (expansions - expected).abs() > most_off;
    is_surprise.then(|| Finding::new(what, expansions, limit))
}

#[cfg(test)]
mod tests {
    use expansion_model::{ConfidenceLevel, Elapsed, Figure, Judged, Spread, UsualShift, accuracy, scattered};

    use expansion_fixtures::listed;
    use expansion_records::{Comparable, Standing};

    use super::*;

    fn checkpoint(expected: f64, expansions: usize) -> Checkpoint {
        Checkpoint {
            days: 7,
            is_mature: true,
            overall: Some(Accuracy { expansions, predicted_expansions: Some(expected), ..Accuracy::default() }),
            expected_share: Some(0.1),
            ..Checkpoint::default()
        }
    }

    #[test]
    fn only_what_chance_would_not_explain_is_a_surprise() {
        assert_eq!(surprise(&checkpoint(40.0, 50), 3.0), None);
        assert_eq!(surprise(&checkpoint(40.0, 80), 3.0).map(|found| found.what), Some(Concern::MoreExpansions(7)));
        assert_eq!(surprise(&checkpoint(40.0, 12), 3.0).map(|found| found.what), Some(Concern::FewerExpansions(7)));
        assert_eq!(surprise(&checkpoint(4.0, 40), 3.0), None, "so few expected ones say nothing");
        let immature = Checkpoint { overall: None, ..checkpoint(40.0, 0) };
        assert_eq!(surprise(&immature, 3.0), None);
    }

    /// A whole horizon of customers whose log-odds are off by so much.
    fn whole(customers: u64, seed: u64, off: f64) -> Checkpoint {
        let one = |i: u64| {
            let u = |k: u64| scattered(seed * 1_000_003 + 7 * i + k);
            let propensity = 0.02 + 0.6 * u(0) * u(1);
            let truth = 1.0 / (1.0 + (1.0 / propensity - 1.0) * (-off).exp());
            Judged {
                segment: None,
                is_unworked: true,
                confidence_level: ConfidenceLevel::Medium,
                side: None,
                average: None,
                propensity,
                interval: [propensity; 2],
                value: None,
                expected_value: None,
                expanded: u(2) < truth,
                amount: None,
            }
        };
        let overall = Some(accuracy(&(0..customers).map(one).collect::<Vec<_>>(), Elapsed::Whole));
        Checkpoint { days: 90, overall, ..checkpoint(0.0, 0) }
    }

    #[test]
    fn the_calibration_of_few_customers_raises_no_false_alarm_and_that_of_many_a_true_one() {
        let found = |customers, seed, off| miscalibrated(&whole(customers, seed, off), 0.05).is_some();
        let few = (0..200).filter(|seed| found(250, *seed, 0.0)).count();
        assert!(few <= 20, "{few} of 200");
        assert_eq!((0..200).filter(|seed| found(1000, *seed, 1.0)).count(), 200);
    }

    #[test]
    fn a_ranking_that_is_lost_is_found_before_the_horizon_is_over() {
        let propensities: Vec<f64> = (0..1000).map(|i| f64::from(i) / 2000.0).collect();
        let promised = estimate(&propensities).expect("both occur").auc;
        // A tenth of the expansions come within seven days.
        let ranked = |auc: f64| {
            let figure = Figure { value: auc, lower: auc - 0.02, upper: auc + 0.02 };
            let group = Accuracy { figures: [("auc".to_owned(), figure)].into(), ..Accuracy::default() };
            worse_ranking(Concern::RankedWorse(7), &group, 0.1, &propensities, 0.1)
        };
        assert_eq!(ranked(promised - 0.02), None);
        let lost = ranked(promised - 0.25).expect("a finding");
        assert_eq!(lost.what, Concern::RankedWorse(7));
        assert!(!lost.is_shift(), "it has a new model trained");
        let without = worse_ranking(Concern::RankedWorse(7), &Accuracy::default(), 0.1, &propensities, 0.1);
        assert_eq!(without, None, "too few expansions have no figures");
    }

    #[test]
    fn a_ranking_that_is_lost_where_nobody_is_working_is_found_though_the_others_hide_it() {
        let thresholds =
            Thresholds { shift: 0.25, missing: 0.1, calibration_error: 0.05, auc_loss: 0.1, surprise: 3.0 };
        let mut rows: Vec<Listed> = (0..100_u32)
            .map(|i| Listed {
                propensity: f64::from(i) / 200.0,
                standing: if i % 2 == 0 { Standing::InProgress } else { Standing::LeaveAlone },
                comparable: Some(Comparable { average: 0.25, customers: 50, segment: None }),
                ..listed("c", 50)
            })
            .collect();
        let group = |auc: f64| {
            let figure = Figure { value: auc, lower: auc - 0.02, upper: auc + 0.02 };
            Some(Accuracy { figures: [("auc".to_owned(), figure)].into(), ..Accuracy::default() })
        };
        let found = |rows: &[Listed], unworked: Option<Accuracy>| {
            let judged = Checkpoint {
                days: 30,
                overall: group(0.75),
                unworked,
                expected_share: Some(0.3),
                ..Checkpoint::default()
            };
            let warning = warning(&RunSummary::of(&[]), rows, None, &[judged], thresholds);
            let found: Vec<Concern> = warning.findings.into_iter().map(|finding| finding.what).collect();
            (found, warning.estimated_unworked.map(|estimated| estimated.n))
        };
        assert_eq!(found(&rows, group(0.75)), (vec![], Some(50)));
        assert_eq!(found(&rows, group(0.5)), (vec![Concern::RankedWorseUnworked(30)], Some(50)));
        for row in &mut rows {
            row.comparable = None;
        }
        assert_eq!(found(&rows, None), (vec![], None), "earlier versions do not say whom somebody works on");
    }

    #[test]
    fn what_shifts_more_than_ever_before_is_found_and_what_comes_to_be_missing() {
        let thresholds =
            Thresholds { shift: 0.25, missing: 0.1, calibration_error: 0.05, auc_loss: 0.1, surprise: 3.0 };
        let found = |now: [u64; 3], usual: Option<UsualShift>| {
            let before = Spread { counts: vec![400, 400, 200], usual };
            let shift = expansion_model::shift("tenure", &before, &now, true).expect("rows");
            shifted(&shift, thresholds).map(|found| found.what).collect::<Vec<_>>()
        };
        let (other, missing) = (Concern::Shifted("tenure".to_owned()), Concern::MissingMoreOften("tenure".to_owned()));
        assert_eq!(found([355, 355, 290], None), []);
        assert_eq!(found([345, 345, 310], None), std::slice::from_ref(&missing));
        assert_eq!(found([100, 700, 200], None), std::slice::from_ref(&other));
        assert_eq!(found([0, 0, 1000], None), std::slice::from_ref(&missing));
        let season = |psi, missing| Some(UsualShift { psi, missing });
        assert_eq!(found([100, 500, 400], season(0.7, 0.25)), [], "it is as every year");
        let more = found([100, 500, 400], season(0.2, 0.05));
        assert_eq!(more, [other, missing], "it is more");
    }
}
