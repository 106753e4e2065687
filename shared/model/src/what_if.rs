//! What would move a score: the smallest change that lifts it to a target, and the score that changed values give.
//!
//! Exact, since the model is additive over bins: every answer is scored as any customer is. It says what customers with
//! such values do, not what would happen if somebody changed them: association, not cause.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use expansion_features::{Better, FEATURES, Feature, Snapshot, Unit, Value};

use crate::{Bins, Model, Score, Scorer, apportion, exact_points, points_of, sigmoid};

/// What every such answer says of itself.
pub const ASSOCIATION: &str = "Association, not cause: customers with these values expand this often; nothing here says \
                               that changing them makes a customer expand.";

/// Features changed at most.
const MOST_CHANGES: usize = 5;
/// Combinations kept while looking for more changes.
const BEAM: usize = 200;

/// A customer as scored, and as scored with changed values.
#[derive(Clone, Debug, PartialEq)]
pub struct Rescored {
    /// The score as it is, 1–99.
    pub score_before: i32,
    /// The score with the changes, 1–99.
    pub score_after: i32,
    /// The model's answer with the changes.
    pub score: Score,
    /// The changes; their points and `other_points` add up to the difference of the scores.
    pub changes: Vec<Change>,
    /// What changes of less than a point add together.
    pub other_points: i32,
}

/// A feature's value, changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Position in [`FEATURES`].
    pub feature: usize,
    /// The value as it is.
    pub from: Value,
    /// The changed value.
    pub to: Value,
    /// What it adds to the score.
    pub points: i32,
}

/// Scores a snapshot with some of its values changed.
pub fn rescore(scorer: &Scorer<'_>, snapshot: &Snapshot, changes: &[(usize, Value)]) -> Rescored {
    let mut other = snapshot.clone();
    for (feature, value) in changes {
        other.values[*feature] = value.clone();
    }
    let (before, after) = (scorer.bins(snapshot), scorer.bins(&other));
    let (mut from, mut to) = (vec![0.0; before.len()], vec![0.0; before.len()]);
    let start = scorer.score(&before, &mut from);
    let score = scorer.score(&after, &mut to);
    let (score_before, score_after) = (points_of(start.propensity), points_of(score.propensity));
    let place = |feature: usize| scorer.columns().iter().position(|column| *column == feature);
    let places: Vec<Option<usize>> = changes.iter().map(|(feature, _)| place(*feature)).collect();
    let parts = scorer.parts_of_change(&before, &after, &places);
    let points = apportion(&exact_points(start.log_odds, &parts), score_after - score_before);
    let of = |change: usize| points.parts.iter().find(|(part, _)| *part == change).map_or(0, |(_, points)| *points);
    let changes = changes
        .iter()
        .enumerate()
        .map(|(i, (feature, to))| Change {
            feature: *feature,
            from: snapshot.values[*feature].clone(),
            to: to.clone(),
            points: of(i),
        })
        .collect();
    Rescored { score_before, score_after, score, changes, other_points: points.other }
}

/// A value that a feature could take.
#[derive(Clone, Copy)]
struct Move {
    /// Position among the model's features.
    place: usize,
    bin: u16,
    value: f64,
    /// The distance in ranges of the segment.
    cost: f64,
}

/// Some moves together.
#[derive(Clone)]
struct Plan {
    moves: Vec<Move>,
    log_odds: f64,
    cost: f64,
}

/// The smallest improvement that lifts the score to `target`: as few features as possible, then the
/// shortest way, measured in ranges (5th to 95th percentile) of the customer's segment, none of which is left. Where
/// more than two features have to change, the search is a beam: what it finds does lift the score, but a shorter way may
/// exist. Where nothing within those ranges reaches the target, the changes that come closest.
pub fn smallest_change(
    model: &Model,
    scorer: &Scorer<'_>,
    snapshot: &Snapshot,
    segment: Option<&str>,
    target: i32,
) -> Vec<(usize, Value)> {
    let start = scorer.bins(snapshot);
    let reached = |log_odds: f64| points_of(sigmoid(log_odds)) >= target;
    let mut bins = start.clone();
    let mut log_odds_of = |moves: &[Move]| {
        bins.copy_from_slice(&start);
        for step in moves {
            bins[step.place] = step.bin;
        }
        scorer.log_odds_of(&bins)
    };
    let begin = log_odds_of(&[]);
    if reached(begin) {
        return Vec::new();
    }
    let moves = moves(model, scorer, snapshot, segment, &start);
    let values = |plan: &Plan| -> Vec<(usize, Value)> {
        plan.moves.iter().map(|step| (scorer.columns()[step.place], Value::Number(step.value))).collect()
    };
    let mut highest = Plan { moves: Vec::new(), log_odds: begin, cost: 0.0 };
    let mut plans = vec![highest.clone()];
    for _ in 0..MOST_CHANGES {
        let mut next: Vec<Plan> = Vec::new();
        let mut seen: BTreeSet<Vec<(usize, u16)>> = BTreeSet::new();
        let mut best: Option<Plan> = None;
        for plan in &plans {
            for step in &moves {
                if plan.moves.iter().any(|other| other.place == step.place) {
                    continue;
                }
                let mut together = plan.moves.clone();
                together.insert(together.partition_point(|other| other.place < step.place), *step);
                // The same combination is come to by other ways, too.
                if !seen.insert(together.iter().map(|step| (step.place, step.bin)).collect()) {
                    continue;
                }
                let plan = Plan { log_odds: log_odds_of(&together), cost: plan.cost + step.cost, moves: together };
                if !reached(plan.log_odds) {
                    next.push(plan);
                } else if best.as_ref().is_none_or(|best| plan.cost < best.cost) {
                    best = Some(plan);
                }
            }
        }
        if let Some(best) = best {
            return values(&best);
        }
        if let Some(higher) = next.iter().max_by(|a, b| a.log_odds.total_cmp(&b.log_odds))
            && higher.log_odds > highest.log_odds
        {
            highest = higher.clone();
        }
        // One change each is kept whole, so that all pairs are tried.
        if next.iter().any(|plan| plan.moves.len() > 1) {
            next.sort_by(|a, b| b.log_odds.total_cmp(&a.log_odds));
            next.truncate(BEAM);
        }
        plans = next;
    }
    values(&highest)
}

/// A feature that somebody could try other values of.
#[derive(Clone, Debug, PartialEq)]
pub struct Lever {
    /// Position in [`FEATURES`].
    pub feature: usize,
    /// The customer's value.
    pub value: f64,
    /// The 5th percentile of the customer's segment, or the customer's own value where it is smaller.
    pub low: f64,
    /// The 95th percentile, or the customer's own value where it is larger.
    pub high: f64,
    /// The smallest difference that is spoken of.
    pub step: f64,
}

/// What can be improved about a customer and is known, each with the values that are usual in their segment.
pub fn levers(model: &Model, scorer: &Scorer<'_>, snapshot: &Snapshot, segment: Option<&str>) -> Vec<Lever> {
    let lever = |feature: usize| {
        let name = FEATURES[feature].name;
        let value = snapshot.values[feature].as_number()?;
        let [low, high] = model.profiles.usual(segment, name)?.range?;
        let is_lever = low < high && FEATURES[feature].better != Better::Neither;
        is_lever.then(|| Lever {
            feature,
            value,
            low: low.min(value),
            high: high.max(value),
            step: step(&FEATURES[feature]),
        })
    };
    scorer.columns().iter().filter_map(|feature| lever(*feature)).collect()
}

/// For every feature that can be improved and is known, the nearest value in each better bin, within the segment's range.
fn moves(model: &Model, scorer: &Scorer<'_>, snapshot: &Snapshot, segment: Option<&str>, bins: &[u16]) -> Vec<Move> {
    let mut moves = Vec::new();
    for (place, feature) in model.propensity.features.iter().enumerate() {
        let described = &FEATURES[scorer.columns()[place]];
        let now = snapshot.values[scorer.columns()[place]].as_number();
        let range = model.profiles.usual(segment, described.name).and_then(|usual| usual.range);
        let (Some(now), Some([low, high]), Bins::Numbers { edges }) = (now, range, &feature.bins) else { continue };
        if low >= high {
            continue;
        }
        for bin in 0..=edges.len() {
            let above = bin.checked_sub(1).map_or(f64::NEG_INFINITY, |below| edges[below]);
            let up_to = edges.get(bin).copied().unwrap_or(f64::INFINITY);
            let value = match (bin.cmp(&usize::from(bins[place])), described.better) {
                (Ordering::Greater, Better::More) => rounded(described, above.max(low), f64::ceil),
                (Ordering::Less, Better::Less) => rounded(described, up_to.min(high), f64::floor),
                _ => continue,
            };
            // Just at an edge the value is still that of the bin below.
            let value = if value <= above { value + step(described) } else { value };
            if value > above && value <= up_to && low <= value && value <= high {
                let bin = u16::try_from(bin).unwrap_or(u16::MAX);
                moves.push(Move { place, bin, value, cost: (value - now).abs() / (high - low) });
            }
        }
    }
    moves
}

/// The smallest difference in which a feature's values are spoken of.
fn step(feature: &Feature) -> f64 {
    match feature.unit {
        Unit::Share | Unit::Change => 0.01,
        Unit::Years => 0.1,
        _ => 1.0,
    }
}

/// A value as one speaks of it.
fn rounded(feature: &Feature, value: f64, to: impl Fn(f64) -> f64) -> f64 {
    let a_unit = 1.0 / step(feature);
    to(value * a_unit) / a_unit
}
