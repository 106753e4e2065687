//! Whether customers were on the side of the average that their confidence was about.

use expansion_domain::count;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::accuracy::poisson;
use crate::{ConfidenceLevel, Judged, LEAST_EXPANSIONS, SAMPLES, Side, scattered};

/// What became of the customers of one confidence level who were said to lie on one side of the average of comparable
/// customers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SideOutcome {
    /// The level.
    pub level: ConfidenceLevel,
    /// The side that was said.
    pub side: Side,
    /// How many customers.
    pub customers: usize,
    /// How many of them expanded.
    pub expansions: usize,
    /// Their mean propensity, 0–1.
    pub predicted: f64,
    /// The mean of the averages of their comparable customers, 0–1.
    pub average: f64,
    /// The share that expanded, 0–1.
    pub observed: f64,
    /// The share of bootstrap samples (customers drawn with replacement) in which the share that expanded lies on the side
    /// that was said; `null` where there were fewer than 30 expansions and fewer than 30 were to be expected at the
    /// average: of few customers nobody may expand, whichever side they are on.
    pub on_side: Option<f64>,
}

/// What became, over a whole horizon, of those of each level on each side, the surest first; none in runs of earlier
/// versions, which said no side.
pub fn sides(judged: &[Judged]) -> Vec<SideOutcome> {
    let groups = ConfidenceLevel::ALL.into_iter().flat_map(|level| [(level, Side::Above), (level, Side::Below)]);
    let outcome = |(level, side): (ConfidenceLevel, Side)| {
        let is_of_it = |one: &&Judged| one.confidence_level == level && one.side == Some(side);
        let members = judged.iter().filter(is_of_it).filter_map(|one| Some((one.average?, one)));
        let group: Vec<(f64, &Judged)> = members.collect();
        (!group.is_empty()).then(|| side_outcome(level, side, &group))
    };
    groups.filter_map(outcome).collect()
}

/// What became of a group, each with the average of comparable customers.
fn side_outcome(level: ConfidenceLevel, side: Side, group: &[(f64, &Judged)]) -> SideOutcome {
    let customers = count(group.len());
    let expansions = group.iter().filter(|(_, one)| one.expanded).count();
    let at_average: f64 = group.iter().map(|(average, _)| average).sum();
    let is_on_side = |sample: u64| {
        let drawn = group.iter().enumerate().map(|(i, one)| (poisson(scattered(sample << 32 | i as u64)), one));
        let beyond: f64 = drawn.map(|(n, (average, one))| n * (f64::from(u8::from(one.expanded)) - average)).sum();
        match side {
            Side::Above => beyond > 0.0,
            Side::Below => beyond < 0.0,
        }
    };
    let is_enough = count(expansions).max(at_average) >= count(LEAST_EXPANSIONS);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred samples")]
    let share = || (0..SAMPLES).filter(|sample| is_on_side(*sample)).count() as f64 / SAMPLES as f64;
    SideOutcome {
        level,
        side,
        customers: group.len(),
        expansions,
        predicted: group.iter().map(|(_, one)| one.propensity).sum::<f64>() / customers,
        average: at_average / customers,
        observed: count(expansions) / customers,
        on_side: is_enough.then(share),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accuracy::tests::judged;

    /// Customers of one level and side: of so many every n-th expanded, where comparable ones do so by `average`.
    fn said(side: Side, customers: usize, every: usize, average: f64) -> Vec<Judged> {
        let mut group = judged(customers as u64, 9);
        for (i, one) in group.iter_mut().enumerate() {
            one.expanded = i % every == 0;
            (one.side, one.average) = (Some(side), Some(average));
        }
        group
    }

    #[test]
    fn those_of_a_level_are_on_the_side_said_as_often_as_samples_have_it() {
        let on_side = |group: &[Judged]| sides(group)[0].on_side;
        assert_eq!(on_side(&said(Side::Above, 1000, 5, 0.1)), Some(1.0));
        assert_eq!(on_side(&said(Side::Below, 1000, 5, 0.1)), Some(0.0));
        assert_eq!(on_side(&said(Side::Below, 1000, 50, 0.1)), Some(1.0));
        let even = on_side(&said(Side::Above, 1000, 5, 0.2)).expect("enough");
        assert!((0.35..=0.65).contains(&even), "{even}: as many as comparable customers");
        assert_eq!(on_side(&said(Side::Below, 100, 200, 0.1)), None, "one of a hundred, where ten were to be expected");
    }

    #[test]
    fn each_level_and_side_is_a_group() {
        let mut all = said(Side::Above, 40, 2, 0.1);
        let mut sure = said(Side::Below, 60, 6, 0.3);
        for one in &mut sure {
            one.confidence_level = ConfidenceLevel::High;
        }
        all.extend(sure);
        all.extend(said(Side::Below, 10, 2, 0.1));
        all.extend(judged(50, 1));
        let found = sides(&all);
        let groups: Vec<_> = found.iter().map(|one| (one.level, one.side, one.customers, one.expansions)).collect();
        let expected = [
            (ConfidenceLevel::High, Side::Below, 60, 10),
            (ConfidenceLevel::Medium, Side::Above, 40, 20),
            (ConfidenceLevel::Medium, Side::Below, 10, 5),
        ];
        assert_eq!(groups, expected, "those without a side are in none");
        assert!((found[0].average - 0.3).abs() < 1e-9 && (found[0].observed - 1.0 / 6.0).abs() < 1e-9);
        let predicted = all[40..100].iter().map(|one| one.propensity).sum::<f64>() / 60.0;
        assert!((found[0].predicted - predicted).abs() < 1e-9);
    }
}
