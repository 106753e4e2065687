//! Joins a run's rows, as stored, with the outcomes since.

use std::collections::{BTreeMap, HashMap};

use expansion_domain::{CustomerHistory, Id, Instant, Table, add_outcomes};
use expansion_features::{label, observed_until};
use expansion_lambda::lasting;
use expansion_model::{Accuracy, EARLY_DAYS, Elapsed, Judged, Manifest, Model, Pool, ValueRange, accuracy, sides};
use expansion_records::{AccuracyRecord, Checkpoint, Listed, Plan, Pools, Run, RunSummary, Standing};
use expansion_store::{Partition, StoreError};

use crate::{Error, State, warn};

/// Segments on record at most.
const MOST_SEGMENTS: usize = 20;

/// The outcomes known.
pub(crate) struct Outcomes {
    histories: HashMap<Id, CustomerHistory>,
    /// Until when the source knows of deals.
    until: Instant,
}

/// The customers and their deals, as the source has them now.
pub(crate) async fn outcomes(state: &State, as_of: Instant) -> Result<Outcomes, Error> {
    let inventory = state.source.inventory().await?.only(&[Table::Customers, Table::ExpansionOpportunities]);
    let mut source = state.source.read(&inventory, None, None).await?.data;
    // By the source alone: a single deal recorded later says nothing of the others. Without any deal nothing is known.
    let until = observed_until(&source, as_of).unwrap_or(Instant::EPOCH);
    let recorded = state.control.outcomes().await?;
    add_outcomes(&mut source, &recorded, as_of);
    let by_id = |history: CustomerHistory| (history.customer_id.clone(), history);
    Ok(Outcomes { histories: source.customers.into_iter().map(by_id).collect(), until })
}

/// Judges a run by what is known at `as_of`.
pub(crate) async fn judge(
    state: &State,
    run: &Run,
    plan: &Plan,
    summary: &RunSummary,
    as_of: Instant,
    outcomes: &Outcomes,
) -> Result<AccuracyRecord, Error> {
    let mut rows: Vec<Listed> = Vec::new();
    for csm_id in summary.portfolios.iter().map(Option::as_deref) {
        for partition in Standing::ALL.map(|standing| Partition { csm_id, standing }) {
            rows.extend(state.propensities.partition(&run.run_id, partition, None, 0, usize::MAX).await?);
        }
    }
    let model_id = plan.model.model_id.clone();
    let manifest = state.artifacts.manifest(&model_id).await?;
    let early = EARLY_DAYS.into_iter().filter(|days| *days < run.horizon_days);
    let checkpoints: Vec<Checkpoint> = early
        .chain([run.horizon_days])
        .map(|days| checkpoint(run, &rows, days, as_of.min(outcomes.until), outcomes, manifest.as_ref()))
        .collect();
    let model = usable(state.artifacts.model(&model_id).await)?;
    let warning = warn::warning(summary, &rows, model.as_ref(), &checkpoints, state.thresholds);
    Ok(AccuracyRecord {
        run_id: run.run_id.clone(),
        as_of: run.as_of,
        horizon_days: run.horizon_days,
        model_id,
        known_at: as_of,
        checkpoints,
        warning,
    })
}

/// A model, or none where it is gone or of another version: there is less to warn of then. Where S3 only cannot be
/// reached now, that is for a later attempt.
fn usable(model: Result<Model, StoreError>) -> Result<Option<Model>, StoreError> {
    let model = lasting(model)?;
    Ok(model.inspect_err(|error| tracing::warn!(error = %error, "a past run's model cannot be used")).ok())
}

/// How right the run was after so many days, if they have passed.
fn checkpoint(
    run: &Run,
    rows: &[Listed],
    days: u16,
    until: Instant,
    outcomes: &Outcomes,
    manifest: Option<&Manifest>,
) -> Checkpoint {
    let elapsed = elapsed(run.horizon_days, days, manifest);
    let is_mature = run.as_of.plus_days(i32::from(days)) <= until;
    let checkpoint = Checkpoint { days, is_mature, expected_share: elapsed.share(), ..Checkpoint::default() };
    if !is_mature {
        return checkpoint;
    }
    let known = rows.iter().filter_map(|row| Some((row, outcomes.histories.get(&row.customer_id)?)));
    let judged: Vec<Judged> = known.map(|(row, history)| join(row, history, run.as_of, days)).collect();
    let unworked: Option<Vec<Judged>> =
        says_standing(rows).then(|| judged.iter().filter(|one| one.is_unworked).cloned().collect());
    let is_whole = elapsed == Elapsed::Whole;
    let pools = || Pools { overall: Pool::of(&judged), unworked: unworked.as_ref().map(Pool::of) };
    Checkpoint {
        censored: rows.len() - judged.len(),
        overall: Some(accuracy(&judged, elapsed)),
        unworked: unworked.as_deref().map(|unworked| accuracy(unworked, elapsed)),
        segments: largest(grouped(&judged, elapsed, |one| one.segment.clone())),
        levels: grouped(&judged, elapsed, |one| Some(one.confidence_level.name().to_owned())),
        sides: if is_whole { sides(&judged) } else { Vec::new() },
        pools: is_whole.then(pools),
        ..checkpoint
    }
}

/// How much of a horizon some days are, by when expansions came in the history that the model was fitted to.
fn elapsed(horizon_days: u16, days: u16, manifest: Option<&Manifest>) -> Elapsed {
    if days == horizon_days {
        return Elapsed::Whole;
    }
    let place = EARLY_DAYS.iter().position(|early| *early == days);
    Elapsed::Beginning(place.and_then(|place| Some(manifest?.timing?[place])))
}

/// Whether a run's rows say how customers stand. Those of earlier versions do not, nor whom a customer is compared with.
pub(crate) fn says_standing(rows: &[Listed]) -> bool {
    rows.iter().any(|row| row.comparable.is_some())
}

/// Whether a row says that nobody was working on an expansion.
pub(crate) fn is_unworked(row: &Listed) -> bool {
    row.comparable.is_some() && row.standing != Standing::InProgress
}

/// The accuracy of each group of customers that have a name.
fn grouped(
    judged: &[Judged],
    elapsed: Elapsed,
    name: impl Fn(&Judged) -> Option<String>,
) -> BTreeMap<String, Accuracy> {
    let mut groups: BTreeMap<String, Vec<Judged>> = BTreeMap::new();
    for one in judged {
        if let Some(name) = name(one) {
            groups.entry(name).or_default().push(one.clone());
        }
    }
    groups.into_iter().map(|(name, group)| (name, accuracy(&group, elapsed))).collect()
}

/// A record must fit into an item: of very many segments the largest.
fn largest(mut segments: BTreeMap<String, Accuracy>) -> BTreeMap<String, Accuracy> {
    while segments.len() > MOST_SEGMENTS {
        let smallest = segments.iter().min_by_key(|(_, group)| group.customers).map(|(name, _)| name.clone());
        segments.remove(&smallest.unwrap_or_default());
    }
    segments
}

fn join(row: &Listed, history: &CustomerHistory, as_of: Instant, days: u16) -> Judged {
    let label = label(history, as_of, days);
    let ends = row.estimated_value_lower.zip(row.estimated_value_upper);
    Judged {
        segment: row.segment.as_deref().map(str::to_owned),
        is_unworked: is_unworked(row),
        confidence_level: row.confidence_level,
        side: row.side,
        average: row.comparable.as_ref().map(|comparable| comparable.average),
        propensity: row.propensity,
        interval: [row.propensity_lower / 100.0, row.propensity_upper / 100.0],
        value: row.estimated_value.zip(ends).map(|(amount, (lower, upper))| ValueRange { amount, lower, upper }),
        expected_value: row.expected_value,
        expanded: label.expanded,
        amount: label.amount,
    }
}

#[cfg(test)]
mod tests {
    use expansion_domain::{Opportunity, Stage, count};
    use expansion_fixtures::{as_of, listed, manifest, requested};
    use expansion_model::{ConfidenceLevel, Figure, LEAST_EXPANSIONS, Metrics, Shift, Side, estimate, scattered};
    use expansion_records::{Comparable, EarlyWarning};

    use super::*;

    /// Customers of so many segments, every third of whom somebody is working on, with what became of them.
    fn customers(n: u64, segments: u64) -> (Vec<Listed>, Outcomes) {
        let (mut rows, mut histories) = (Vec::new(), HashMap::new());
        for i in 0..n {
            let u = |k: u64| scattered(7 * i + k);
            let propensity = 0.02 + 0.6 * u(0) * u(1);
            let id = Id::from(format!("c-{i}"));
            let is_above = propensity > 0.17;
            rows.push(Listed {
                segment: Some(format!("A segment of the market {}", i % segments).into()),
                standing: if i % 3 == 0 { Standing::InProgress } else { Standing::ReadyToApproach },
                propensity,
                comparable: Some(Comparable { average: 0.17, customers: n, segment: None }),
                side: Some(if is_above { Side::Above } else { Side::Below }),
                confidence_level: [ConfidenceLevel::High, ConfidenceLevel::Medium, ConfidenceLevel::Low]
                    [usize::from(u(4) > 0.3) + usize::from(u(4) > 0.6)],
                expected_value: Some(85_000.0 * propensity),
                ..listed(&id, 50)
            });
            let mut history = CustomerHistory::new(id.clone(), as_of().plus_days(-500));
            if u(2) < propensity {
                // Spread evenly over the horizon.
                #[expect(clippy::cast_possible_truncation, reason = "below 90")]
                let day = (90.0 * u(3)) as i32;
                history.opportunities.push(won(as_of().plus_days(day), 50_000.0 + 50_000.0 * u(5)));
            }
            histories.insert(id, history);
        }
        (rows, Outcomes { histories, until: as_of().plus_days(90) })
    }

    fn won(at: Instant, amount: f64) -> Opportunity {
        Opportunity {
            opportunity_id: "o".into(),
            product_id: None,
            other_products: Vec::new(),
            stage: Stage::Won,
            amount: Some(amount),
            created_at: at,
            closed_at: Instant::from_micros(at.micros() + 1),
            known_at: None,
            outcome_known_at: None,
        }
    }

    /// All checkpoints of a run, once its horizon is over, by a model of which this is known.
    fn judged(rows: &[Listed], outcomes: &Outcomes, manifest: Option<&Manifest>) -> Vec<Checkpoint> {
        let days = EARLY_DAYS.into_iter().chain([90]);
        days.map(|days| checkpoint(&requested(), rows, days, outcomes.until, outcomes, manifest)).collect()
    }

    fn timed() -> Manifest {
        Manifest { timing: Some([7.0 / 90.0, 14.0 / 90.0, 30.0 / 90.0, 60.0 / 90.0]), ..manifest() }
    }

    #[test]
    fn what_was_expected_within_some_days_stands_beside_what_happened_within_them() {
        let (rows, outcomes) = customers(4000, 2);
        let checkpoints = judged(&rows, &outcomes, Some(&timed()));
        let total: f64 = rows.iter().map(|row| row.propensity).sum();
        for checkpoint in &checkpoints {
            let share = f64::from(checkpoint.days) / 90.0;
            let overall = checkpoint.overall.as_ref().expect("it is mature");
            let expected = overall.predicted_expansions.expect("it is known");
            assert!((expected - share * total).abs() < 1e-6, "{} {expected}", checkpoint.days);
            // The propensities are right: what happened is what was expected, by chance more or less.
            let off = (count(overall.expansions) - expected).abs();
            assert!(off < 4.0 * expected.sqrt(), "{}: {} of {expected}", checkpoint.days, overall.expansions);
            assert!(overall.predicted_amount.is_some_and(|amount| (amount / expected - 85_000.0).abs() < 1e-3));
            for groups in [&checkpoint.segments, &checkpoint.levels] {
                let sum: f64 = groups.values().filter_map(|group| group.predicted_expansions).sum();
                assert!((sum - expected).abs() < 1e-6, "groups add up");
            }
            let predicted: f64 = overall.tenths.iter().filter_map(|tenth| tenth.predicted).sum::<f64>() * 400.0;
            assert!((predicted - expected).abs() < 1e-6, "tenths add up");
        }
    }

    #[test]
    fn without_knowing_when_expansions_come_nothing_is_compared_before_the_horizon_is_over() {
        let (rows, outcomes) = customers(2000, 2);
        for manifest in [None, Some(manifest())] {
            let checkpoints = judged(&rows, &outcomes, manifest.as_ref());
            let (whole, early) = checkpoints.split_last().expect("five");
            assert_eq!(whole.expected_share, Some(1.0));
            for checkpoint in early {
                let overall = checkpoint.overall.as_ref().expect("it is mature");
                assert_eq!((checkpoint.expected_share, overall.predicted_expansions), (None, None));
                assert!(overall.expansions > 0, "what happened is told");
            }
        }
    }

    #[test]
    fn those_whom_nobody_works_on_are_judged_apart_where_rows_say_who_they_are() {
        let (mut rows, outcomes) = customers(3000, 2);
        for checkpoint in judged(&rows, &outcomes, Some(&timed())) {
            let (all, unworked) = checkpoint.overall.zip(checkpoint.unworked).expect("both");
            assert_eq!((all.customers, unworked.customers), (3000, 2000));
            assert!(0 < unworked.expansions && unworked.expansions < all.expansions);
            assert_eq!(checkpoint.pools.is_some(), checkpoint.days == 90, "only of whole horizons");
            if let Some(pools) = checkpoint.pools {
                assert_eq!((pools.overall.customers(), pools.overall.expansions()), (3000, all.expansions));
                let pool = pools.unworked.expect("rows say who they are");
                assert_eq!((pool.customers(), pool.expansions()), (2000, unworked.expansions));
            }
        }
        for row in &mut rows {
            row.comparable = None;
        }
        let checkpoints = judged(&rows, &outcomes, Some(&timed()));
        assert!(checkpoints.iter().all(|checkpoint| checkpoint.unworked.is_none() && checkpoint.sides.is_empty()));
        assert!(checkpoints[4].pools.as_ref().is_some_and(|pools| pools.unworked.is_none()));
    }

    #[test]
    fn levels_are_judged_by_the_side_they_said() {
        let (rows, outcomes) = customers(3000, 2);
        let checkpoints = judged(&rows, &outcomes, Some(&timed()));
        let (whole, early) = checkpoints.split_last().expect("five");
        assert!(early.iter().all(|checkpoint| checkpoint.sides.is_empty()), "only of whole horizons");
        assert_eq!(whole.sides.len(), 6);
        assert_eq!(whole.sides.iter().map(|one| one.customers).sum::<usize>(), 3000);
        // Propensities are right, and so are the sides.
        assert!(whole.sides.iter().all(|one| one.on_side.is_some_and(|share| share > 0.95)), "{:?}", whole.sides);
    }

    #[test]
    fn the_record_of_many_segments_fits_into_an_item() {
        let (rows, outcomes) = customers(20_000, 30);
        let checkpoints = judged(&rows, &outcomes, Some(&timed()));
        let last = checkpoints.last().expect("five");
        assert_eq!(last.segments.len(), MOST_SEGMENTS);
        assert!(last.segments.values().all(|group| group.expansions >= LEAST_EXPANSIONS && !group.tenths.is_empty()));
        let propensities: Vec<f64> = rows.iter().map(|row| row.propensity).collect();
        let estimated: Option<Metrics> = estimate(&propensities);
        let shift = Shift {
            feature: "share_of_a_feature_with_a_long_name".to_owned(),
            psi: Some(1.0 / 3.0),
            psi_by_chance: 1.0 / 3.0,
            psi_usual: Some(1.0 / 3.0),
            jensen_shannon: Some(1.0 / 3.0),
            missing_before: 1.0 / 3.0,
            missing_now: 1.0 / 3.0,
            missing_usual: Some(1.0 / 3.0),
        };
        let warning = EarlyWarning {
            estimated,
            estimated_unworked: estimated,
            shifts: vec![shift; 20],
            ..EarlyWarning::default()
        };
        let run = requested();
        let record = AccuracyRecord {
            run_id: run.run_id,
            as_of: run.as_of,
            horizon_days: 90,
            model_id: "m".to_owned(),
            known_at: as_of(),
            checkpoints,
            warning,
        };
        let stored = serde_json::to_value(&record).expect("it is written");
        let size = item_size(&stored);
        assert!(size < 350_000, "{size} of 400 KB");
        let again: AccuracyRecord = serde_json::from_value(stored).expect("it is read");
        assert_eq!(again.checkpoints.len(), 5);
        let figure = |record: &AccuracyRecord| -> Option<Figure> {
            record.checkpoints[4].overall.as_ref()?.figures.get("auc").copied()
        };
        assert_eq!(figure(&again), figure(&record));
    }

    /// Bytes that a value takes in an item of DynamoDB: names and texts as they are, a number a byte for two digits and
    /// two more, a list or a map three, and one for each of its elements.
    fn item_size(value: &serde_json::Value) -> usize {
        match value {
            serde_json::Value::Null | serde_json::Value::Bool(_) => 1,
            serde_json::Value::Number(number) => number.to_string().len().div_ceil(2) + 2,
            serde_json::Value::String(text) => text.len(),
            serde_json::Value::Array(values) => 3 + values.iter().map(|value| 1 + item_size(value)).sum::<usize>(),
            serde_json::Value::Object(values) => {
                3 + values.iter().map(|(name, value)| 1 + name.len() + item_size(value)).sum::<usize>()
            }
        }
    }

    #[test]
    fn only_a_model_that_is_not_there_does_without() {
        let service = |transient| StoreError::Service { operation: "get an object", message: String::new(), transient };
        assert!(usable(Err(service(true))).is_err_and(|error| error.is_transient()), "another attempt may find it");
        assert!(usable(Err(service(false))).is_ok_and(|model| model.is_none()));
        assert!(usable(Err(StoreError::NotFound("m".to_owned()))).is_ok_and(|model| model.is_none()));
    }
}
