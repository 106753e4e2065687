//! What later customers are compared with: those at the newest labelled cutoffs, and how much customers shifted from one
//! cutoff to another in the last year. (Those of today would be the very customers of the run that is compared, and never have
//! shifted.)

use std::collections::BTreeMap;
use std::ops::Range;

use expansion_domain::Instant;
use expansion_features::Dataset;
use expansion_model::{AdditiveModel, Reference, Spread, UsualShift, points_of, shift, sigmoid, tens};

use crate::{Result, propensity};

/// Rows that later customers are compared with, at least: fewer differ by chance.
const LEAST_ROWS: usize = 1000;
/// A run's customers are seen a horizon after the newest labelled ones, and so many days later still if its model is old.
const MOST_AGE_DAYS: i32 = 90;
/// Scores from 0 to 100.
const SCORES: usize = 101;
/// Every season once. Earlier cutoffs are nearer to where the source begins, where features that look back see little yet.
const YEAR_DAYS: i32 = 365;

/// How the customers at the newest labelled cutoffs are spread over the bins of a model and over its scores, and the
/// largest shifts that as much time made before.
pub(crate) fn reference(model: &AdditiveModel, data: &Dataset, horizon_days: u16) -> Result<Reference> {
    let ready = propensity::scorer(model, data)?;
    let mut codes = vec![0; data.frame.rows];
    let mut features = Vec::with_capacity(model.features.len());
    for (feature, column) in model.features.iter().zip(ready.columns()) {
        feature.bins.fill(&data.frame.columns[*column], 0..data.frame.rows, &mut codes);
        let counts = by_cutoff(data, feature.bins.len(), |row| usize::from(codes[row]));
        features.push(spread(&counts, feature.bins.len(), horizon_days, true));
    }
    let log_odds = ready.log_odds(&data.frame);
    let score = |row: usize| usize::try_from(points_of(sigmoid(log_odds[row]))).unwrap_or_default();
    let mut scores = by_cutoff(data, SCORES, score);
    for counts in scores.values_mut() {
        *counts = tens(counts);
    }
    Ok(Reference { features, scores: spread(&scores, SCORES.div_ceil(10), horizon_days, false) })
}

/// The rows of each cutoff over so many bins.
fn by_cutoff(data: &Dataset, bins: usize, bin: impl Fn(usize) -> usize) -> BTreeMap<Instant, Vec<u64>> {
    let mut counts = BTreeMap::new();
    for (row, cutoff) in data.as_of.iter().enumerate() {
        counts.entry(*cutoff).or_insert_with(|| vec![0; bins])[bin(row)] += 1;
    }
    counts
}

/// The newest customers, and the largest shift from what was the newest at some time to a time in the last year at which a
/// run would have been compared with it. Without any labelled row there are as many bins, all empty.
fn spread(by_cutoff: &BTreeMap<Instant, Vec<u64>>, bins: usize, horizon_days: u16, has_missing: bool) -> Spread {
    let cutoffs: Vec<(Instant, &[u64])> = by_cutoff.iter().map(|(cutoff, counts)| (*cutoff, &**counts)).collect();
    let after = |from: Instant| -> Range<Instant> {
        let horizon = from.plus_days(i32::from(horizon_days));
        horizon..horizon.plus_days(MOST_AGE_DAYS + 1)
    };
    let recent = cutoffs.last().map(|(newest, _)| newest.plus_days(-YEAR_DAYS));
    let mut usual: Option<UsualShift> = None;
    for (place, (from, _)) in cutoffs.iter().enumerate() {
        let Some(counts) = newest(&cutoffs[..=place]) else { continue };
        let before = Spread { counts, usual: None };
        let is_later = |cutoff: &Instant| after(*from).contains(cutoff) && recent.is_some_and(|day| day < *cutoff);
        let later = cutoffs[place..].iter().filter(|(cutoff, _)| is_later(cutoff));
        for shift in later.filter_map(|(_, now)| shift("", &before, now, has_missing)) {
            let most = usual.get_or_insert_default();
            most.psi = most.psi.max(shift.psi.unwrap_or_default() - shift.psi_by_chance);
            most.missing = most.missing.max(shift.missing_now - shift.missing_before);
        }
    }
    let all = || cutoffs.iter().fold(vec![0; bins], |sum, (_, counts)| added(sum, counts));
    Spread { counts: newest(&cutoffs).unwrap_or_else(all), usual }
}

/// The customers of the newest cutoffs, as few as give [`LEAST_ROWS`]; `None` where all give fewer.
fn newest(cutoffs: &[(Instant, &[u64])]) -> Option<Vec<u64>> {
    let mut sum = Vec::new();
    for (_, counts) in cutoffs.iter().rev() {
        sum = added(sum, counts);
        if sum.iter().sum::<u64>() >= LEAST_ROWS as u64 {
            return Some(sum);
        }
    }
    None
}

fn added(mut sum: Vec<u64>, counts: &[u64]) -> Vec<u64> {
    sum.resize(counts.len(), 0);
    for (sum, count) in sum.iter_mut().zip(counts) {
        *sum += count;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thousand customers every thirty days, of whom so many per cent are in the second of two bins, and so many in the
    /// last, where nothing is known.
    fn months(percents: &[(u64, u64)]) -> BTreeMap<Instant, Vec<u64>> {
        let at = |month: usize| Instant::EPOCH.plus_days(30 * i32::try_from(month).expect("few"));
        let counts = |(up, missing): (u64, u64)| vec![1000 - 10 * (up + missing), 10 * up, 10 * missing];
        percents.iter().enumerate().map(|(month, percents)| (at(month), counts(*percents))).collect()
    }

    #[test]
    fn later_customers_are_compared_with_those_at_the_newest_labelled_cutoffs() {
        let mut counts = months(&[(10, 0), (20, 0), (30, 10)]);
        assert_eq!(spread(&counts, 3, 90, true).counts, [600, 300, 100]);
        // A hundred at the newest cutoff are too few to compare with.
        counts.insert(Instant::EPOCH.plus_days(90), vec![50, 50, 0]);
        assert_eq!(spread(&counts, 3, 90, true).counts, [650, 350, 100]);
        let few = BTreeMap::from([(Instant::EPOCH, vec![5, 5]), (Instant::EPOCH.plus_days(30), vec![2, 8])]);
        assert_eq!(spread(&few, 2, 90, true), Spread { counts: vec![7, 13], usual: None });
    }

    #[test]
    fn nobody_yet_is_nobody_in_every_bin() {
        assert_eq!(spread(&BTreeMap::new(), 3, 90, true), Spread { counts: vec![0; 3], usual: None });
    }

    #[test]
    fn what_every_season_shifts_is_usual() {
        let year = [20, 20, 20, 40, 60, 60, 60, 60, 60, 40, 20, 20].map(|up| (up, 0));
        let seasons = spread(&months(&[year, year].concat()), 3, 90, true).usual.expect("the history is long enough");
        // From a fifth to three fifths: (0.6 − 0.2) ln 3 + (0.4 − 0.8) ln 0.5, less what chance gives.
        let most = 0.4 * 3.0_f64.ln() + 0.4 * 2.0_f64.ln();
        assert!(seasons.psi < most && seasons.psi > most - 0.01, "{seasons:?}");
        let missing = [0, 0, 0, 10, 30, 30, 30, 30, 20, 10, 0, 0].map(|missing| (20, missing));
        let seasons =
            spread(&months(&[missing, missing].concat()), 3, 90, true).usual.expect("the history is long enough");
        assert!((seasons.missing - 0.3).abs() < 1e-9, "{seasons:?}");
    }

    #[test]
    fn where_the_source_began_is_not_usual() {
        let none = Some(UsualShift::default());
        assert_eq!(spread(&months(&[(20, 0); 24]), 3, 90, true).usual, none);
        assert_eq!(spread(&months(&[&[(90, 0); 5][..], &[(20, 0); 19]].concat()), 3, 90, true).usual, none);
        assert_eq!(spread(&months(&[&[(0, 100); 3][..], &[(20, 0); 9]].concat()), 3, 90, true).usual, none);
        assert_eq!(
            spread(&months(&[(20, 0), (60, 0), (20, 0)]), 3, 90, true).usual,
            None,
            "nothing is a horizon apart"
        );
    }
}
