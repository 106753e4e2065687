//! What would move a score: the smallest change that lifts it to a target, and the score that changed values give.
//!
//! Exact, since the model is additive over bins: every answer is scored as any customer is. It says what customers with
//! such values do, not what would happen if somebody changed them: association, not cause.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use expansion_features::{Better, FEATURES, Feature, Moved, Snapshot, Value, is_moved_by, moved_together};

use crate::{Bins, Model, Score, Scorer, apportion, exact_points, points_of, sigmoid};

/// What every such answer says of itself.
pub const ASSOCIATION: &str = "Association, not cause: customers with these values expand this often; nothing here says \
                               that changing them makes a customer expand.";

/// Improvements at most, without what moves along.
const MOST_CHANGES: usize = 5;
/// Levers offered at most.
const MOST_LEVERS: usize = 5;
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
    /// The feature that moves this one along, if one does.
    pub with: Option<usize>,
    /// What it adds to the score.
    pub points: i32,
}

/// Scores a snapshot with some of its values changed.
pub fn rescore(scorer: &Scorer<'_>, snapshot: &Snapshot, changes: &[Moved]) -> Rescored {
    let mut other = snapshot.clone();
    for moved in changes {
        other.values[moved.feature] = moved.to.clone();
    }
    let (before, after) = (scorer.bins(snapshot), scorer.bins(&other));
    let (mut from, mut to) = (vec![0.0; before.len()], vec![0.0; before.len()]);
    let start = scorer.score(&before, &mut from);
    let score = scorer.score(&after, &mut to);
    let (score_before, score_after) = (points_of(start.propensity), points_of(score.propensity));
    let place = |feature: usize| scorer.columns().iter().position(|column| *column == feature);
    let places: Vec<Option<usize>> = changes.iter().map(|moved| place(moved.feature)).collect();
    let parts = scorer.parts_of_change(&before, &after, &places);
    let points = apportion(&exact_points(start.log_odds, &parts), score_after - score_before);
    let of = |change: usize| points.parts.iter().find(|(part, _)| *part == change).map_or(0, |(_, points)| *points);
    let changes = changes
        .iter()
        .enumerate()
        .map(|(i, Moved { feature, to, with })| Change {
            feature: *feature,
            from: snapshot.values[*feature].clone(),
            to: to.clone(),
            with: *with,
            points: of(i),
        })
        .collect();
    Rescored { score_before, score_after, score, changes, other_points: points.other }
}

/// An improvement of one feature, with what moves along.
struct Move {
    changes: Vec<Moved>,
    /// The model's features that change: their positions and their bins then.
    bins: Vec<(usize, u16)>,
    /// The distance in ranges of the segment.
    cost: f64,
}

impl Move {
    /// Position in [`FEATURES`] of the feature that is improved.
    fn feature(&self) -> usize {
        self.changes[0].feature
    }

    /// Whether both change the same.
    fn overlaps(&self, other: &Self) -> bool {
        self.changes.iter().any(|change| other.changes.iter().any(|theirs| theirs.feature == change.feature))
    }
}

/// Some moves together: their positions, ascending.
#[derive(Clone)]
struct Plan {
    moves: Vec<usize>,
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
) -> Vec<Moved> {
    let start = scorer.bins(snapshot);
    let reached = |log_odds: f64| points_of(sigmoid(log_odds)) >= target;
    let begin = scorer.log_odds_of(&start);
    if reached(begin) {
        return Vec::new();
    }
    let moves = moves(model, scorer, snapshot, segment, &start);
    let mut bins = start.clone();
    let mut log_odds_of = |together: &[usize]| {
        bins.copy_from_slice(&start);
        for (place, bin) in together.iter().flat_map(|step| &moves[*step].bins) {
            bins[*place] = *bin;
        }
        scorer.log_odds_of(&bins)
    };
    let values =
        |plan: &Plan| -> Vec<Moved> { plan.moves.iter().flat_map(|step| moves[*step].changes.clone()).collect() };
    let mut highest = Plan { moves: Vec::new(), log_odds: begin, cost: 0.0 };
    let mut plans = vec![highest.clone()];
    for _ in 0..MOST_CHANGES {
        let mut next: Vec<Plan> = Vec::new();
        let mut seen: BTreeSet<Vec<usize>> = BTreeSet::new();
        let mut best: Option<Plan> = None;
        for plan in &plans {
            for (step, improvement) in moves.iter().enumerate() {
                if plan.moves.iter().any(|other| moves[*other].overlaps(improvement)) {
                    continue;
                }
                let mut together = plan.moves.clone();
                together.insert(together.partition_point(|other| *other < step), step);
                // The same combination is come to by other ways, too.
                if !seen.insert(together.clone()) {
                    continue;
                }
                let cost = plan.cost + improvement.cost;
                let plan = Plan { log_odds: log_odds_of(&together), cost, moves: together };
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
    /// The improvement within that range that lifts the score most.
    pub best: f64,
    /// By how many points it does.
    pub points: i32,
}

/// What can be improved about a customer, is known, and can lift the score by a point at least: the five that can lift it
/// most, that one first. Of features that move together, the one that can lift it more.
pub fn levers(model: &Model, scorer: &Scorer<'_>, snapshot: &Snapshot, segment: Option<&str>) -> Vec<Lever> {
    let start = scorer.bins(snapshot);
    let score_before = points_of(sigmoid(scorer.log_odds_of(&start)));
    let log_odds_with = |improvement: &Move| {
        let mut bins = start.clone();
        for (place, bin) in &improvement.bins {
            bins[*place] = *bin;
        }
        scorer.log_odds_of(&bins)
    };
    let moves = moves(model, scorer, snapshot, segment, &start);
    let mut ranked: Vec<(f64, &Move)> =
        moves.iter().map(|improvement| (log_odds_with(improvement), improvement)).collect();
    // Of equal ones the shortest first.
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cost.total_cmp(&b.1.cost)));
    let mut levers: Vec<Lever> = Vec::new();
    for (log_odds, improvement) in ranked {
        let (feature, points) = (improvement.feature(), points_of(sigmoid(log_odds)) - score_before);
        let is_there = levers.iter().any(|lever| lever.feature == feature || is_moved_by(lever.feature, feature));
        if points > 0 && !is_there && levers.len() < MOST_LEVERS {
            levers.extend(lever(model, snapshot, segment, improvement, points));
        }
    }
    levers
}

fn lever(model: &Model, snapshot: &Snapshot, segment: Option<&str>, improvement: &Move, points: i32) -> Option<Lever> {
    let feature = improvement.feature();
    let value = snapshot.values[feature].as_number()?;
    let [low, high] = usual_range(model, segment, feature)?;
    let (mut low, mut high) = (low.min(value), high.max(value));
    for along in &improvement.changes[1..] {
        // What moves along does so in proportion, and has bounds of its own.
        if let Some(now) = snapshot.values[along.feature].as_number().filter(|now| *now > 0.0) {
            let bounds = sensible(model, snapshot, along.feature);
            low = low.max(value * bounds.start() / now);
            high = high.min(value * bounds.end() / now);
        }
    }
    let (step, best) = (FEATURES[feature].step(), improvement.changes[0].to.as_number()?);
    Some(Lever { feature, value, low: low.min(best), high: high.max(best), step, best, points })
}

/// The numbers that make sense for a feature of this customer: those that are possible and that customers had when the
/// model was made (or this one has), to the next step in which they are spoken of.
pub fn sensible(model: &Model, snapshot: &Snapshot, feature: usize) -> RangeInclusive<f64> {
    let described = &FEATURES[feature];
    let possible = described.possible();
    let known = model.profiles.overall.features.get(described.name).and_then(|usual| usual.extremes);
    let Some([low, high]) = known else { return possible };
    let now = snapshot.values[feature].as_number();
    let low = rounded(described, now.map_or(low, |now| now.min(low)), f64::floor);
    let high = rounded(described, now.map_or(high, |now| now.max(high)), f64::ceil);
    // A customer's own value counts, however impossible it is.
    low.max(possible.start().min(now.unwrap_or(low)))..=high.min(possible.end().max(now.unwrap_or(high)))
}

fn usual_range(model: &Model, segment: Option<&str>, feature: usize) -> Option<[f64; 2]> {
    model.profiles.usual(segment, FEATURES[feature].name)?.range
}

/// For every feature that can be improved and is known, the nearest value in each better bin, within the segment's range;
/// what moves along stays within its range too.
fn moves(model: &Model, scorer: &Scorer<'_>, snapshot: &Snapshot, segment: Option<&str>, bins: &[u16]) -> Vec<Move> {
    let mut moves = Vec::new();
    for (place, column) in scorer.columns().iter().enumerate() {
        let described = &FEATURES[*column];
        let now = snapshot.values[*column].as_number();
        let range = usual_range(model, segment, *column);
        let (Some(now), Some([low, high]), Bins::Numbers { edges }) =
            (now, range, &model.propensity.features[place].bins)
        else {
            continue;
        };
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
            let value = if value <= above { value + described.step() } else { value };
            if value > above && value <= up_to && low <= value && value <= high {
                let cost = (value - now).abs() / (high - low);
                moves.extend(improvement(model, scorer, snapshot, segment, *column, value, cost));
            }
        }
    }
    moves
}

/// A feature's better value with what moves along, unless that leaves its usual range.
fn improvement(
    model: &Model,
    scorer: &Scorer<'_>,
    snapshot: &Snapshot,
    segment: Option<&str>,
    feature: usize,
    value: f64,
    cost: f64,
) -> Option<Move> {
    let changes = moved_together(snapshot, &[(feature, Value::Number(value))]).ok()?;
    let is_usual = |moved: &Moved| match (usual_range(model, segment, moved.feature), moved.to.as_number()) {
        (Some([low, high]), Some(value)) => low <= value && value <= high,
        _ => true,
    };
    let bin = |moved: &Moved| {
        let place = scorer.columns().iter().position(|column| *column == moved.feature)?;
        Some((place, model.propensity.features[place].bins.of(&moved.to)))
    };
    let bins = changes.iter().filter_map(bin).collect();
    changes.iter().all(is_usual).then_some(Move { changes, bins, cost })
}

/// A value as one speaks of it.
fn rounded(feature: &Feature, value: f64, to: impl Fn(f64) -> f64) -> f64 {
    let a_unit = 1.0 / feature.step();
    to(value * a_unit) / a_unit
}
