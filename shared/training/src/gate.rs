//! Whether a challenger takes the champion's place.
//!
//! The challenger is what the same recipe makes of the training part only, the champion is as it is delivered; both are
//! compared on rows held out, which that challenger has not seen. A champion has seen most of these, unless it is old: so
//! only those count whose label window ended after it was made, where they are enough to tell by. What is delivered, fitted
//! on all rows, knows more than what is compared.

use std::collections::BTreeMap;

use expansion_domain::{Id, count};
use expansion_features::{Dataset, Frame};
use expansion_model::{
    AdditiveModel, Decision, Figure, Metrics, Model, Readiness, SAMPLES, SUSPICIOUS_AUC, Scorer, scattered, sigmoid,
};

use crate::outcomes::{Outcomes, grouped, metrics, segments, unworked};
use crate::propensity::scorer;
use crate::{Result, calibration};

/// A challenger whose calibration error out of time is larger than this, and than the champion's, is refused.
const MOST_CALIBRATION_ERROR: f64 = 0.05;
/// In a segment with so many rows a challenger may not be worse than the champion by so much log-loss, beyond chance.
const SEGMENT_ROWS: usize = 200;
const SEGMENT_LOSS: f64 = 0.01;
/// So many expansions, at least, tell a bad challenger from a good one: a model taught shuffled outcomes loses some 0.05 of
/// log-loss where a tenth expands, and by 50 of them that is found four times in five. Where fewer happened since the
/// champion was made, it stays unless it is beaten even on rows it has seen; as time goes on, they become enough.
const LEAST_POSITIVES: usize = 50;

/// The champion, and the rows as it sees them.
#[derive(Clone, Copy, Debug)]
pub struct Champion<'a> {
    pub model: &'a Model,
    /// The rows' snapshots by its slots.
    pub frame: &'a Frame,
}

/// What wants to take the champion's place.
#[derive(Clone, Copy, Debug)]
pub struct Challenger<'a> {
    /// The recipe, fitted on the training part only; `None` where nothing could be held out.
    pub evaluated: Option<&'a AdditiveModel>,
    /// How far it can be relied on.
    pub readiness: Readiness,
    /// The features that tell the outcome by themselves. It uses none of them.
    pub leaks: &'a [String],
    pub horizon_days: u16,
}

/// Decides about a challenger by the rows held out: by all of them, and by those of customers on whom nobody worked then, as
/// they are who is to be called. An open deal older than `stale_deal_days` is nobody's work.
pub fn decide(
    champion: Option<Champion<'_>>,
    challenger: &Challenger<'_>,
    data: &Dataset,
    held_out: &[usize],
    stale_deal_days: u16,
) -> Result<Decision> {
    let decision = |promote: bool, reason: String| Decision {
        promote,
        reason,
        champion: champion.map(|champion| champion.model.model_id.clone()),
        champion_log_loss: None,
        challenger_log_loss: None,
        difference: None,
        difference_unworked: None,
    };
    let is_suspicious = challenger.readiness == Readiness::Suspicious;
    let too_good = || decision(false, "it ranks customers better than is plausible: promote it by hand".to_owned());
    let Some(Champion { model: champion, frame }) = champion else {
        let first = || decision(true, "there is no champion that could be used".to_owned());
        return Ok(if is_suspicious { too_good() } else { first() });
    };
    if champion.horizon_days != challenger.horizon_days {
        let [its, own] = [champion.horizon_days, challenger.horizon_days];
        let reason = format!("the champion is of another horizon, {its} days and not {own}: promote it by hand");
        return Ok(decision(false, reason));
    }
    if let Some(leak) = leak_of(champion, challenger.leaks) {
        let reason = format!("the champion relies on {leak}, which tells the outcome by itself");
        return Ok(if is_suspicious { too_good() } else { decision(true, reason) });
    }
    let Some(evaluated) = challenger.evaluated else {
        return Ok(decision(false, "it has no figures out of time to compare the champion with".to_owned()));
    };
    // A champion of other features cannot be compared.
    let Ok(of_champion) = Scorer::for_columns(&champion.propensity, &frame.names) else {
        return Ok(decision(true, "the champion cannot be applied to these rows".to_owned()));
    };
    let (rows, which) = compared_rows(champion, data, held_out);
    let own = corrected(&scorer(evaluated, data)?.log_odds(&data.frame.take(held_out)), data, held_out);
    let own: BTreeMap<usize, f64> = held_out.iter().copied().zip(own).collect();
    let own: Vec<f64> = rows.iter().map(|row| own[row]).collect();
    let own = Tested::of(&own, data, &rows);
    let its = Tested::of(&of_champion.log_odds(&frame.take(&rows)), data, &rows);
    // Where the champion ranks as well, that was looked into: it was promoted by hand.
    if is_suspicious && its.metrics.is_none_or(|metrics| metrics.auc <= SUSPICIOUS_AUC) {
        return Ok(too_good());
    }
    let Some(difference) = difference(&own.losses, &its.losses, data, &rows) else {
        return Ok(decision(false, "there are no labelled rows to compare by".to_owned()));
    };
    let places = unworked(data, &rows, stale_deal_days);
    let among_unworked = difference_among(&places, &own.losses, &its.losses, data, &rows);
    let found = Differences { all: difference, unworked: among_unworked };
    let (promote, reason) = verdict(&own, &its, found, data, &rows);
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / count(losses.len());
    Ok(Decision {
        champion_log_loss: Some(mean(&its.losses)),
        challenger_log_loss: Some(mean(&own.losses)),
        difference: Some(difference),
        difference_unworked: found.unworked,
        ..decision(promote, format!("{reason}; compared on {which}"))
    })
}

/// A feature that a model uses though it is suspected to be a leak.
fn leak_of<'a>(model: &'a Model, leaks: &[String]) -> Option<&'a str> {
    let AdditiveModel { features, terms, .. } = &model.propensity;
    let used = terms.iter().flat_map(|term| &term.axes).map(|axis| &features[axis.feature].name);
    used.into_iter().find(|name| leaks.contains(name)).map(String::as_str)
}

/// The rows held out that the champion has not seen, where they are enough, or all; and which in words.
fn compared_rows(champion: &Model, data: &Dataset, held_out: &[usize]) -> (Vec<usize>, String) {
    let horizon = i32::from(champion.horizon_days);
    let is_unseen = |row: &&usize| data.as_of[**row].plus_days(horizon) > champion.as_of;
    let unseen: Vec<usize> = held_out.iter().filter(is_unseen).copied().collect();
    let positives = unseen.iter().filter(|row| data.labels[**row].expanded).count();
    if positives >= LEAST_POSITIVES {
        let which = format!("the {} of {} rows held out that the champion has not seen", unseen.len(), held_out.len());
        return (unseen, which);
    }
    let which = format!(
        "all {} rows held out, since too few expansions ({positives}) are among those that the champion has not seen",
        held_out.len()
    );
    (held_out.to_vec(), which)
}

/// The log-odds, corrected as those of a delivered model are where the rows held out ask for it: those of each half of the
/// customers by what the other half asks for, so that no row has a say in its own.
fn corrected(log_odds: &[f64], data: &Dataset, rows: &[usize]) -> Vec<f64> {
    // Multiplicative hashing scatters neighbours.
    let half = |place: &usize| data.customers[rows[*place]].wrapping_mul(0x9E37_79B1) >> 31;
    let correction = |other: u32| {
        let places = (0..rows.len()).filter(|place| half(place) == other);
        let (rows, log_odds): (Vec<usize>, Vec<f64>) = places.map(|place| (rows[place], log_odds[place])).unzip();
        calibration::needed(&log_odds, &Outcomes::of(data, &rows)).unwrap_or([0.0, 1.0])
    };
    let of_half = [correction(1), correction(0)];
    let correct = |(place, eta): (usize, &f64)| {
        let [intercept, slope] = of_half[usize::from(half(&place) != 0)];
        intercept + slope * eta
    };
    log_odds.iter().enumerate().map(correct).collect()
}

/// How a model does on the rows compared.
struct Tested {
    /// Minus the log-likelihood of each outcome.
    losses: Vec<f64>,
    metrics: Option<Metrics>,
}

impl Tested {
    fn of(log_odds: &[f64], data: &Dataset, rows: &[usize]) -> Self {
        let loss = |(eta, row): (&f64, &usize)| {
            let p = sigmoid(*eta).clamp(1e-15, 1.0 - 1e-15);
            if data.labels[*row].expanded { -p.ln() } else { -(1.0 - p).ln() }
        };
        Self { losses: log_odds.iter().zip(rows).map(loss).collect(), metrics: metrics(log_odds, data, rows) }
    }

    fn calibration_error(&self) -> f64 {
        self.metrics.map_or(f64::INFINITY, |metrics| metrics.ece)
    }
}

/// The challenger's loss less the champion's.
#[derive(Clone, Copy)]
struct Differences {
    all: Figure,
    /// Of the customers on whom nobody works; `None` where none are known.
    unworked: Option<Figure>,
}

/// Whether the challenger is to take over, and why.
fn verdict(own: &Tested, its: &Tested, found: Differences, data: &Dataset, rows: &[usize]) -> (bool, String) {
    let Figure { value, lower, .. } = found.all;
    if lower > 0.0 {
        return (false, format!("its log-loss is larger by {value:.4}, beyond chance"));
    }
    if let Some(Figure { value, .. }) = found.unworked.filter(|unworked| unworked.lower > 0.0) {
        let reason = format!("among customers nobody works on its log-loss is larger by {value:.4}, beyond chance");
        return (false, reason);
    }
    let error = own.calibration_error();
    if error > MOST_CALIBRATION_ERROR && error > its.calibration_error() {
        return (false, format!("its calibration error out of time is {error:.3}"));
    }
    if let Some((segment, worse)) = worse_segment(&own.losses, &its.losses, data, rows) {
        return (false, format!("in {segment} its log-loss is larger by {worse:.4}, beyond chance"));
    }
    if value <= 0.0 {
        return (true, format!("its log-loss is smaller by {:.4}", -value));
    }
    (true, format!("its log-loss is larger by {value:.4}, which chance would explain, and it knows more"))
}

/// The difference among the rows at the given places; `None` where there are none.
fn difference_among(places: &[usize], own: &[f64], its: &[f64], data: &Dataset, rows: &[usize]) -> Option<Figure> {
    let of = |losses: &[f64]| places.iter().map(|place| losses[*place]).collect::<Vec<f64>>();
    let rows: Vec<usize> = places.iter().map(|place| rows[*place]).collect();
    difference(&of(own), &of(its), data, &rows)
}

/// The mean difference of two losses, with its 90 % bootstrap interval (customers drawn with replacement, by weights).
fn difference(one: &[f64], other: &[f64], data: &Dataset, rows: &[usize]) -> Option<Figure> {
    let mut by_customer: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    for ((one, other), row) in one.iter().zip(other).zip(rows) {
        let sums = by_customer.entry(data.customers[*row]).or_default();
        sums.0 += one - other;
        sums.1 += 1.0;
    }
    let mean = |weight: &dyn Fn(u64) -> f64| {
        let (mut sum, mut n) = (0.0, 0.0);
        for (customer, (differences, rows)) in (0_u64..).zip(by_customer.values()) {
            let weight = weight(customer);
            sum += weight * differences;
            n += weight * rows;
        }
        sum / n
    };
    let value = mean(&|_| 1.0);
    // Exponential weights: the Bayesian bootstrap (Rubin 1981).
    let sample = |sample: u64| mean(&|customer| -(1.0 - scattered(sample << 32 | customer)).ln());
    value.is_finite().then(|| Figure::of(value, (0..SAMPLES).map(sample).collect()))
}

/// The segment in which a challenger is worse than it may be, if there is one.
fn worse_segment(challenger: &[f64], champion: &[f64], data: &Dataset, rows: &[usize]) -> Option<(Id, f64)> {
    let segment_of = segments(data)?;
    let groups = grouped(rows.len(), |place| segment_of(rows[place]));
    groups.into_iter().filter(|(_, places)| places.len() >= SEGMENT_ROWS).find_map(|(segment, places)| {
        let worse = difference_among(&places, challenger, champion, data, rows)?;
        (worse.lower > 0.0 && worse.value > SEGMENT_LOSS).then_some((segment, worse.value))
    })
}

#[cfg(test)]
mod tests {
    use expansion_domain::Instant;
    use expansion_features::{Column, Label, Slots};
    use expansion_model::{
        ARTIFACT_SCHEMA_VERSION, Axis, BinnedFeature, Bins, Heterogeneity, Knowledge, ProductModel, Profiles,
        Reference, Term, TermKind, Uncertainty,
    };
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::outcomes::worked;
    use crate::propensity::compete;
    use crate::{Layout, out_of_time};

    const HORIZON: u16 = 30;
    const CUSTOMERS: u32 = 2000;
    const CUTOFFS: i32 = 12;
    const STALE_DEAL_DAYS: u16 = 180;

    fn first() -> Instant {
        "2025-01-01".parse().expect("a date")
    }

    fn cutoffs() -> Vec<Instant> {
        (0..CUTOFFS).map(|month| first().plus_days(30 * month)).collect()
    }

    /// Monthly rows whose true log-odds are `level(month)` plus 1 where the feature is above ½, less 1 where it is not.
    fn rows(level: impl Fn(i32) -> f64) -> (Dataset, Vec<usize>) {
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let mut data = Dataset::default();
        let mut feature = Vec::new();
        for month in 0..CUTOFFS {
            for customer in 0..CUSTOMERS {
                let x: f64 = rng.random();
                let eta = level(month) + if x > 0.5 { 1.0 } else { -1.0 };
                feature.push(x);
                data.labels.push(Label { expanded: rng.random::<f64>() < sigmoid(eta), amount: None });
                data.customers.push(customer);
                data.as_of.push(first().plus_days(30 * month));
            }
        }
        data.frame =
            Frame { names: vec!["a".to_owned()], rows: feature.len(), columns: vec![Column::Numbers(feature)] };
        let split = out_of_time(&data, &cutoffs(), HORIZON).expect("it is long enough");
        (data, split.held_out)
    }

    /// A model that says `intercept ± slope`.
    fn additive(intercept: f64, slope: f64) -> AdditiveModel {
        AdditiveModel {
            family: "f".to_owned(),
            knowledge: Knowledge::Full,
            intercept,
            features: vec![BinnedFeature { name: "a".to_owned(), bins: Bins::Numbers { edges: vec![0.5] } }],
            terms: vec![Term {
                kind: TermKind::Shape,
                axes: vec![Axis { feature: 0, cells: vec![0, 1, 2], len: 3 }],
                weights: vec![-slope, slope, 0.0],
            }],
            uncertainty: Uncertainty { rank: 0, rows: Vec::new() },
            heterogeneity: Heterogeneity::default(),
        }
    }

    /// A champion made `month` months after the first cutoff.
    fn champion(propensity: AdditiveModel, month: i32) -> Model {
        Model {
            schema_version: ARTIFACT_SCHEMA_VERSION,
            feature_set_version: 1,
            model_id: "champion".to_owned(),
            as_of: first().plus_days(30 * month),
            horizon_days: HORIZON,
            slots: Slots::default(),
            propensity,
            value: None,
            products: ProductModel::default(),
            profiles: Profiles::default(),
            cohort: None,
            reference: Reference::default(),
        }
    }

    fn of<'a>(model: &'a Model, data: &'a Dataset) -> Champion<'a> {
        Champion { model, frame: &data.frame }
    }

    fn challenger(evaluated: &AdditiveModel) -> Challenger<'_> {
        Challenger { evaluated: Some(evaluated), readiness: Readiness::Ok, leaks: &[], horizon_days: HORIZON }
    }

    #[test]
    fn what_is_compared_has_not_seen_the_rows_held_out() {
        let (mut data, held_out) = rows(|_| -2.0);
        let layout = Layout { segment: None, ..Layout::of_features(HORIZON) };
        // Which family is compared may depend on them, what it was fitted to may not.
        let families = |data: &Dataset| -> Vec<AdditiveModel> {
            let split = out_of_time(data, &cutoffs(), HORIZON).expect("it is long enough");
            compete(data, &split, layout).expect("they fit").into_iter().map(|tried| tried.model).collect()
        };
        let before = families(&data);
        // As many expansions as before, of others.
        let mut labels: Vec<Label> = held_out.iter().map(|row| data.labels[*row]).collect();
        labels.rotate_left(7);
        for (row, label) in held_out.iter().zip(labels) {
            data.labels[*row] = label;
        }
        assert_eq!(before, families(&data));
        assert_eq!(before.len(), 2, "both were fitted");
    }

    #[test]
    fn the_better_one_wins_and_an_equal_one_that_knows_more() {
        let (data, held_out) = rows(|_| -2.0);
        let (good, bad) = (additive(-2.0, 1.0), additive(-2.0, -1.0));
        let decide = |champion: &Model, evaluated| {
            decide(Some(of(champion, &data)), &challenger(evaluated), &data, &held_out, STALE_DEAL_DAYS)
                .expect("it can be applied")
        };
        let refused = decide(&champion(good.clone(), 6), &bad);
        assert!(!refused.promote && refused.reason.contains("beyond chance"), "{refused:?}");
        assert!(decide(&champion(bad.clone(), 6), &good).promote);
        let equal = decide(&champion(good.clone(), 6), &good);
        assert!(
            equal.promote && equal.difference.is_some_and(|difference| difference.value.abs() < 1e-12),
            "{equal:?}"
        );
    }

    /// Rows of which every other one has an open deal: half of these are stale. Their log-odds are as [`rows`] has them.
    fn rows_with_deals() -> (Dataset, Vec<usize>) {
        let (mut data, held_out) = rows(|_| -2.0);
        let ages = (0..data.frame.rows).map(|row| [f64::NAN, 30.0, f64::NAN, 200.0][row % 4]).collect();
        data.frame.names.push("open_deal_age".to_owned());
        data.frame.columns.push(Column::Numbers(ages));
        (data, held_out)
    }

    #[test]
    fn whom_nobody_works_on_are_judged_on_their_own() {
        let (data, held_out) = rows_with_deals();
        let is_worked = worked(&data, STALE_DEAL_DAYS).expect("a column tells");
        assert_eq!(
            [0, 1, 2, 3].map(is_worked),
            [false, true, false, false],
            "no deal, a worked one, none, a stale one"
        );

        // What it says of worked customers is right, what it says of others is so much of what is right.
        let of_age = |good: f64| {
            let mut model = additive(-2.0, 0.0);
            let bins = Bins::Numbers { edges: vec![100.0] };
            model.features.push(BinnedFeature { name: "open_deal_age".to_owned(), bins });
            let axis = |feature| Axis { feature, cells: vec![0, 1, 2], len: 3 };
            // Rows are of the feature, columns of the age: fresh, stale, none.
            let weights = vec![-1.0, -good, -good, 1.0, good, good, 0.0, 0.0, 0.0];
            model.terms = vec![Term { kind: TermKind::Pair, axes: vec![axis(0), axis(1)], weights }];
            model
        };
        let decide = |champion_model: AdditiveModel, evaluated: &AdditiveModel| {
            let champion = champion(champion_model, 6);
            decide(Some(of(&champion, &data)), &challenger(evaluated), &data, &held_out, STALE_DEAL_DAYS)
                .expect("it can be applied")
        };
        // The champion errs with worked customers so much that the challenger is better over all.
        let mut champion = of_age(1.0);
        champion.terms[0].weights[0] = 4.0;
        champion.terms[0].weights[3] = -4.0;
        let refused = decide(champion.clone(), &of_age(0.0));
        assert!(refused.difference.is_some_and(|difference| difference.upper < 0.0), "{refused:?}");
        assert!(!refused.promote && refused.reason.contains("among customers nobody works on"), "{refused:?}");
        assert!(refused.difference_unworked.is_some_and(|difference| difference.lower > 0.0), "{refused:?}");
        assert!(decide(champion, &of_age(1.0)).promote);
    }

    #[test]
    fn a_champion_of_other_slots_is_judged_on_rows_made_by_them() {
        let (data, held_out) = rows(|_| -2.0);
        let turned = match &data.frame.columns[0] {
            Column::Numbers(numbers) => Column::Numbers(numbers.iter().map(|x| 1.0 - x).collect()),
            levels @ Column::Levels { .. } => levels.clone(),
        };
        let frame = Frame { columns: vec![turned], ..data.frame.clone() };
        // What it says of its own rows is what the challenger says of these.
        let (model, champion) = (additive(-2.0, 1.0), champion(additive(-2.0, -1.0), 6));
        let decide = |frame| {
            let champion = Champion { model: &champion, frame };
            decide(Some(champion), &challenger(&model), &data, &held_out, STALE_DEAL_DAYS).expect("it can be applied")
        };
        let losses =
            |decision: Decision| decision.champion_log_loss.zip(decision.challenger_log_loss).expect("compared");
        let (its, own) = losses(decide(&frame));
        assert!((its - own).abs() < 0.001, "{its} {own}");
        let (its, own) = losses(decide(&data.frame));
        assert!(its > own + 0.1, "{its} {own}");
    }

    #[test]
    fn only_rows_that_the_champion_has_not_seen_count_where_they_are_enough() {
        let (data, held_out) = rows(|_| -2.0);
        let model = additive(-2.0, 1.0);
        let reason = |month| {
            let champion = champion(model.clone(), month);
            decide(Some(of(&champion, &data)), &challenger(&model), &data, &held_out, STALE_DEAL_DAYS)
                .expect("it can be applied")
                .reason
        };
        assert!(reason(6).ends_with("rows held out that the champion has not seen"), "{}", reason(6));
        assert!(reason(CUTOFFS).contains("compared on all"), "{}", reason(CUTOFFS));
    }

    #[test]
    fn what_is_too_good_to_be_true_takes_over_only_where_the_champion_was_already() {
        // Log-odds of 5 either way: an area under the curve of about 0.99.
        let (mut data, held_out) = rows(|_| 0.0);
        let Column::Numbers(feature) = data.frame.columns[0].clone() else { panic!("numbers") };
        for (row, x) in feature.iter().enumerate() {
            data.labels[row].expanded = (*x > 0.5) != (row % 150 == 0);
        }
        let good = additive(0.0, 5.0);
        let challenger = Challenger { readiness: Readiness::Suspicious, ..challenger(&good) };
        let promoted = |propensity| {
            let champion = champion(propensity, 6);
            decide(Some(of(&champion, &data)), &challenger, &data, &held_out, STALE_DEAL_DAYS)
                .expect("it can be applied")
                .promote
        };
        assert!(promoted(good.clone()));
        assert!(!promoted(additive(0.0, 0.0)));
    }

    /// A champion from before a change has the rows from after it against it, though no challenger was fitted to them yet.
    #[test]
    fn after_a_change_the_newest_rows_decide() {
        let (data, held_out) = rows(|month| if month >= CUTOFFS - 1 { -0.5 } else { -2.0 });
        let before = additive(-2.0, 1.0);
        let champion = champion(before.clone(), CUTOFFS - 2);
        let decision = decide(Some(of(&champion, &data)), &challenger(&before), &data, &held_out, STALE_DEAL_DAYS)
            .expect("it can be applied");
        let difference = decision.difference.expect("compared");
        assert!(decision.promote && difference.upper < 0.0, "{decision:?}");
    }

    #[test]
    fn a_champion_that_relies_on_a_leak_gives_way_however_well_it_ranks() {
        let (data, held_out) = rows(|_| -2.0);
        let (champion, worse) = (champion(additive(-2.0, 1.0), 6), additive(-2.0, 0.0));
        let feature = champion.propensity.features[0].name.clone();
        let decide = |leaks: &[String], readiness| {
            let challenger = Challenger { readiness, leaks, ..challenger(&worse) };
            let champion = Some(of(&champion, &data));
            decide(champion, &challenger, &data, &held_out, STALE_DEAL_DAYS).expect("it can be applied")
        };
        assert!(!decide(&["another".to_owned()], Readiness::Ok).promote);
        let decision = decide(std::slice::from_ref(&feature), Readiness::Ok);
        assert!(decision.promote && decision.reason.contains(&feature), "{}", decision.reason);
        assert!(!decide(&[feature], Readiness::Suspicious).promote, "that is for somebody to look into");
    }

    #[test]
    fn what_cannot_be_compared_does_not_take_over() {
        let (data, held_out) = rows(|_| -2.0);
        let model = additive(-2.0, 1.0);
        let champion = champion(model.clone(), 6);
        let decide = |champion: Option<&Model>, challenger: Challenger<'_>| {
            let champion = champion.map(|champion| of(champion, &data));
            let decision = decide(champion, &challenger, &data, &held_out, STALE_DEAL_DAYS).expect("it can be applied");
            (decision.promote, decision.reason)
        };
        let of_another_horizon = Challenger { horizon_days: 90, ..challenger(&model) };
        let (promote, reason) = decide(Some(&champion), of_another_horizon);
        assert!(!promote && reason.contains("another horizon"), "{reason}");
        let untested = Challenger { evaluated: None, ..challenger(&model) };
        let (promote, reason) = decide(Some(&champion), untested);
        assert!(!promote && reason.contains("no figures"), "{reason}");
        let suspicious = Challenger { readiness: Readiness::Suspicious, ..challenger(&model) };
        for champion in [Some(&champion), None] {
            let (promote, reason) = decide(champion, suspicious);
            assert!(!promote && reason.contains("by hand"), "{reason}");
        }
        assert!(decide(None, of_another_horizon).0 && decide(None, untested).0, "somebody must begin");
    }
}
