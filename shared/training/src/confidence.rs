//! How intervals and confidence did on the rows held out.

use std::collections::BTreeMap;

use expansion_domain::{Id, count, share};
use expansion_features::Dataset;
use expansion_model::{
    AdditiveModel, CONFIDENCE, Confidence, ConfidenceEvaluation, ConfidenceLevel, GroupEvaluation, SAMPLES, SaidOf,
    Score, Side, scattered,
};

use crate::propensity::scorer;
use crate::{Result, outcomes};

/// Fewer rows of one segment are no average: all that are worked, or all that are not, are taken.
const LEAST_COMPARABLE: usize = 100;

/// A held-out row: what was said of it, and what happened.
struct Said {
    customer: u32,
    score: Score,
    confidence: Confidence,
    /// The mean propensity of comparable rows.
    average: f64,
    expanded: bool,
}

/// Compares a model's scores of held-out rows with their outcomes: by confidence level and the side said, and by segment. An
/// open deal older than `stale_deal_days` is nobody's work.
pub(crate) fn evaluate(
    model: &AdditiveModel,
    data: &Dataset,
    held_out: &[usize],
    stale_deal_days: u16,
) -> Result<ConfidenceEvaluation> {
    let mut scores: Vec<Score> = Vec::new();
    scorer(model, data)?.each(&data.frame.take(held_out), |_, score, _| scores.push(score));
    let segment_of = outcomes::segments(data);
    let is_worked = outcomes::worked(data, stale_deal_days);
    let segment = |row: usize| segment_of.as_ref().and_then(|segment_of| segment_of(row));
    let kind = |row: &usize| (is_worked.as_ref().is_some_and(|is_worked| is_worked(*row)), segment(*row));
    let kinds: Vec<(bool, Option<Id>)> = held_out.iter().map(kind).collect();
    let propensities: Vec<f64> = scores.iter().map(|score| score.propensity).collect();
    let averages = comparable_averages(&kinds, &propensities);
    let said = |((row, score), average): ((&usize, Score), f64)| Said {
        customer: data.customers[*row],
        score,
        confidence: Confidence::of(&score, average, model.knowledge),
        average,
        expanded: data.labels[*row].expanded,
    };
    let rows: Vec<Said> = held_out.iter().zip(scores).zip(averages).map(said).collect();
    let named = |place: usize| kinds[place].1.clone().unwrap_or_else(|| "unknown".into());
    let segments = segment_of.is_some().then(|| outcomes::grouped(rows.len(), |place| Some(named(place))));
    let of = |places: Vec<usize>| places.into_iter().map(|place| &rows[place]).collect::<Vec<_>>();
    Ok(ConfidenceEvaluation {
        definition: CONFIDENCE.to_owned(),
        heterogeneity: model.heterogeneity.overall,
        levels: levels(&rows),
        segments: segments.unwrap_or_default().into_iter().map(|(name, group)| evaluation(&name, &of(group))).collect(),
    })
}

/// The mean propensity of the rows that each is comparable with: as worked or unworked (the first of each kind), and of the
/// same segment where there are enough.
pub fn comparable_averages(kinds: &[(bool, Option<Id>)], propensities: &[f64]) -> Vec<f64> {
    let mean = |places: &Vec<usize>| places.iter().map(|place| propensities[*place]).sum::<f64>() / count(places.len());
    let by_work = outcomes::grouped(kinds.len(), |place| Some(kinds[place].0));
    let by_work: BTreeMap<bool, f64> = by_work.iter().map(|(is_worked, places)| (*is_worked, mean(places))).collect();
    let by_segment = outcomes::grouped(kinds.len(), |place| kinds[place].1.as_ref().map(|_| &kinds[place]));
    let enough = by_segment.iter().filter(|(_, places)| places.len() >= LEAST_COMPARABLE);
    let by_segment: BTreeMap<&(bool, Option<Id>), f64> = enough.map(|(kind, places)| (*kind, mean(places))).collect();
    kinds.iter().map(|kind| by_segment.get(kind).copied().unwrap_or_else(|| by_work[&kind.0])).collect()
}

/// The rows by level and by the side said.
fn levels(rows: &[Said]) -> Vec<GroupEvaluation> {
    let groups = ConfidenceLevel::ALL.into_iter().flat_map(|level| [(level, Side::Above), (level, Side::Below)]);
    let evaluated = groups.filter_map(|(level, side)| {
        let is_of = |said: &&Said| said.confidence.level() == level && said.confidence.side == side;
        let group: Vec<&Said> = rows.iter().filter(is_of).collect();
        let said = (!group.is_empty()).then(|| said_of(side, &group))?;
        Some(GroupEvaluation { said: Some(said), ..evaluation(level.name(), &group) })
    });
    evaluated.collect()
}

/// How often the group is on the side said of it, had other customers been drawn (with replacement, by weights).
fn said_of(side: Side, group: &[&Said]) -> SaidOf {
    let average = group.iter().map(|said| said.average).sum::<f64>() / count(group.len());
    let mut by_customer: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    for said in group {
        let sums = by_customer.entry(said.customer).or_default();
        sums.0 += f64::from(said.expanded);
        sums.1 += 1.0;
    }
    let rate = |sample: u64| {
        let (mut expansions, mut rows) = (0.0, 0.0);
        for (customer, (expanded, all)) in (0_u64..).zip(by_customer.values()) {
            // Exponential weights: the Bayesian bootstrap (Rubin 1981).
            let weight = -(1.0 - scattered(sample << 32 | customer)).ln();
            expansions += weight * expanded;
            rows += weight * all;
        }
        expansions / rows
    };
    let is_there = |rate: f64| if side == Side::Above { rate > average } else { rate < average };
    let held: Vec<bool> = (0..SAMPLES).map(|sample| is_there(rate(sample))).collect();
    SaidOf { side, average, held: share(held.iter().filter(|held| **held).count(), held.len()) }
}

fn evaluation(name: &str, rows: &[&Said]) -> GroupEvaluation {
    let mean = |of: fn(&Said) -> f64| rows.iter().map(|said| of(said)).sum::<f64>() / count(rows.len());
    GroupEvaluation {
        name: name.to_owned(),
        n: rows.len(),
        mean_propensity: mean(|said| said.score.propensity),
        observed_rate: mean(|said| f64::from(said.expanded)),
        mean_width: mean(|said| said.score.upper - said.score.lower),
        said: None,
    }
}

#[cfg(test)]
mod tests {
    use expansion_model::Knowledge;

    use super::*;

    #[test]
    fn rows_are_compared_with_those_of_their_segment_where_they_are_enough() {
        // 100 of SMB and 99 of Enterprise whom nobody works on, and a worked one of SMB.
        let kind = |is_worked, segment: &str| (is_worked, Some(Id::from(segment)));
        let mut kinds = vec![kind(false, "SMB"); 100];
        kinds.extend(vec![kind(false, "Enterprise"); 99]);
        kinds.push(kind(true, "SMB"));
        let propensities: Vec<f64> = (0..200).map(|row| if row < 100 { 0.1 } else { 0.3 }).collect();
        let averages = comparable_averages(&kinds, &propensities);
        let close = |value: f64, expected: f64| (value - expected).abs() < 1e-12;
        assert!(close(averages[0], 0.1), "{}", averages[0]);
        assert!(close(averages[100], (100.0 * 0.1 + 99.0 * 0.3) / 199.0), "{}", averages[100]);
        assert!(close(averages[199], 0.3), "{}", averages[199]);
    }

    #[test]
    fn a_group_that_does_what_was_said_of_it_holds_and_one_that_does_not_is_found_out() {
        let said = |customer: u32, centre: f64, expanded: bool| {
            let propensity = if centre > 0.0 { 0.6 } else { 0.4 };
            let [lower, upper] = [propensity - 0.1, propensity + 0.1];
            let score = Score { log_odds: centre, propensity, lower, upper, centre, deviation: 1.0, coverage: 1.0 };
            let confidence = Confidence::of(&score, 0.5, Knowledge::Full);
            Said { customer, score, confidence, average: 0.5, expanded }
        };
        // Of those said to be above seven in ten expand; of those said to be below too.
        let of = |centre| (0..200_u32).map(move |customer| said(customer, centre, customer % 10 < 7));
        let found = levels(&of(2.0).chain(of(-2.0)).chain(of(0.1)).collect::<Vec<_>>());
        let shown: Vec<(&str, Side, bool)> =
            found.iter().filter_map(|group| Some((&*group.name, group.said?.side, group.said?.held > 0.9))).collect();
        assert_eq!(shown, [("High", Side::Above, true), ("High", Side::Below, false), ("Low", Side::Above, true)]);
        assert_eq!(found[0].n, 200);
        assert!((found[0].observed_rate - 0.7).abs() < 1e-12 && (found[0].mean_width - 0.2).abs() < 1e-12);
    }
}
