//! From one customer's history to the row a run stores: snapshot, score, points, value, products, approach, movement.
//!
//! Owns: what is said about a customer and what to do next. Must not know: where histories come from, where rows are kept.

mod approach;
mod movement;
mod offers;
mod standing;
#[cfg(test)]
mod tests;
mod yardstick;

use std::collections::BTreeMap;

use expansion_domain::{CustomerHistory, Instant, RunId, Table, row_id};
use expansion_features::{Catalogue, FEATURES, Inputs, Slots, Snapshot, Topic, Value, feature};
use expansion_model::{
    Apportioned, Assortment, Confidence, FactorValue, Model, Neighbours, Scorer, SimilarCohort, UnknownFeature,
    apportion, exact_points, points_of, rounded, sigmoid,
};
use expansion_records::{Comparable, Direction, Factor, Grade, Listed, Previous, Propensity, Standing, Yardstick};

pub use standing::{Stands, stands};
pub use yardstick::yardstick;

/// Factors of less than a point, together.
const OTHER: &str = "other";
/// What became of similar customers.
const SIMILAR_COHORT: &str = "similar_cohort";

/// What is said about a customer.
#[derive(Debug)]
pub struct Answer {
    pub row: Propensity,
    /// The bin of each of the model's features that the row was made from.
    pub bins: Vec<u16>,
}

/// What all answers of a run share.
#[derive(Debug)]
pub struct Answering<'a> {
    pub model: &'a Model,
    /// Its propensity part, made ready.
    pub scorer: Scorer<'a>,
    /// Its cohort, made ready to be searched.
    pub neighbours: Option<Neighbours<'a>>,
    /// Its products and those for sale, made ready.
    pub assortment: Assortment<'a>,
    /// The run before, to say why scores moved; or why that cannot be said.
    pub before: Result<Before<'a>, String>,
    /// What customers are compared with.
    pub yardstick: &'a Yardstick,
    pub rules: Rules,
    /// The products for sale.
    pub catalogue: Catalogue,
    /// The tables the source holds.
    pub tables: &'a [Table],
    pub run_id: &'a RunId,
    pub as_of: Instant,
    /// The instant under which the run's rows are stored.
    pub calculated_at: Instant,
}

/// What is configured about how customers stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// An open deal older than this is stale: nobody works on it any more.
    pub stale_deal_days: u16,
    /// A customer to approach of this grade or a better one is ready; who becomes so is told as an event.
    pub ready_grade: Grade,
}

impl Default for Rules {
    fn default() -> Self {
        Self { stale_deal_days: 180, ready_grade: Grade::A }
    }
}

#[derive(Debug)]
pub struct Before<'a> {
    /// Its model's propensity part, made ready.
    pub scorer: Scorer<'a>,
    /// The slots of that model.
    pub slots: &'a Slots,
    /// The inclusive bound of what it knew.
    pub as_of: Instant,
    /// The instant under which its rows are stored.
    pub calculated_at: Instant,
}

/// A customer as scored, for the parts of the answer.
struct Scored<'a> {
    run: &'a Answering<'a>,
    inputs: Inputs<'a>,
    snapshot: Snapshot,
    bins: Vec<u16>,
    contributions: Vec<f64>,
}

impl Scored<'_> {
    /// The number that a feature has.
    fn number(&self, name: &str) -> Option<f64> {
        self.snapshot.values[feature(name)?.0].as_number()
    }

    /// A feature of this customer, in words.
    fn described(&self, name: &str) -> Option<String> {
        let (place, feature) = feature(name)?;
        Some(feature.describe(&self.inputs, &self.snapshot.values[place]))
    }
}

impl<'a> Answering<'a> {
    /// Prepares a model.
    pub fn new(
        model: &'a Model,
        catalogue: Catalogue,
        tables: &'a [Table],
        (yardstick, rules): (&'a Yardstick, Rules),
        (run_id, as_of, calculated_at): (&'a RunId, Instant, Instant),
    ) -> Result<Self, UnknownFeature> {
        let scorer = Scorer::new(&model.propensity)?;
        let neighbours = model.cohort.as_ref().and_then(Neighbours::new);
        let assortment = Assortment::new(&model.products, &catalogue);
        let before = Err("this is the first run".to_owned());
        Ok(Self {
            model,
            scorer,
            neighbours,
            assortment,
            before,
            yardstick,
            rules,
            catalogue,
            tables,
            run_id,
            as_of,
            calculated_at,
        })
    }
}

/// The answer about one customer; `None` if they are none at `as_of`. `previous` is their score in the run before.
pub fn answer(run: &Answering<'_>, history: &CustomerHistory, previous: Option<Previous>) -> Option<Answer> {
    let known = history.known(run.as_of)?;
    let inputs = Inputs { known, catalogue: &run.catalogue, tables: run.tables, slots: &run.model.slots };
    let model = run.model;
    let snapshot = inputs.snapshot();
    let bins = run.scorer.bins(&snapshot);
    let mut contributions = vec![0.0; bins.len()];
    let score = run.scorer.score(&bins, &mut contributions);
    let scored = Scored { run, inputs, snapshot, bins, contributions };
    let mut missing = Missing::default();

    let Stands { standing, leave_alone, open_deal, risks } = stands(&scored.inputs, run.rules.stale_deal_days);
    let comparable = run.yardstick.comparable(standing, history.segment.as_ref());
    missing.unless(comparable.is_some(), "comparable", "the run was planned by an earlier version");
    // Without others to compare with, a customer is compared with the average customer of the model.
    let average = comparable.as_ref().map_or_else(|| sigmoid(model.propensity.intercept), |others| others.average);
    let confidence = Confidence::of(&score, average, model.propensity.knowledge);
    let baseline = points_of(sigmoid(model.propensity.intercept));
    let score_points = points_of(score.propensity);
    let similar_cohort = run.neighbours.as_ref().and_then(|all| all.of(&scored.bins, &history.customer_id));
    missing.unless(similar_cohort.is_some(), "similar_cohort", "too few earlier customers to compare with");
    let contributing_factors = factors(&scored, score_points - baseline, similar_cohort);
    let value = model.value.as_ref().map(|value| value.range(&scored.bins, value.spread));
    missing.unless(value.is_some(), "estimated_value", "too few won deals with an amount are known");
    let recommended_products = offers::offers(&scored);
    let recommended_products = recommended_products.map_err(|reason| missing.note("recommended_products", reason));
    let recommended_products = recommended_products.unwrap_or_default();
    for product in &recommended_products {
        offers::explain(product, &run.catalogue, &mut missing);
    }
    let recommended_approach =
        approach::approach(&scored, &contributing_factors, recommended_products.first(), &mut missing);
    let movement = match (&run.before, previous) {
        (Ok(before), Some(previous)) => movement::movement(&scored, before, history, previous),
        (Ok(_), None) => Err("the customer was not in the run before".to_owned()),
        (Err(reason), _) => Err(reason.clone()),
    };
    let movement = movement.map_err(|reason| missing.note("movement", &reason)).ok();
    let expected_value = model.value.as_ref().map(|value| score.propensity * value.mean(&scored.bins));
    let priority = expected_value.unwrap_or(100.0 * score.propensity) * confidence.above();
    let now = Previous {
        propensity_score: u8::try_from(score_points).unwrap_or_default(),
        standing,
        grade: run.yardstick.grade(standing, score.propensity),
    };
    let was_ready = previous.is_some_and(|previous| previous.is_ready(run.rules.ready_grade));
    let [propensity_lower, propensity_upper] = score.interval_in_points();
    let known = &scored.inputs.known;
    let listed = Listed {
        customer_id: history.customer_id.clone(),
        calculated_at: run.calculated_at,
        customer_name: history.name.clone(),
        csm_id: history.csm_id.clone(),
        segment: history.segment.clone(),
        industry: history.industry.clone(),
        region: history.region.clone(),
        standing,
        propensity_score: now.propensity_score,
        propensity: rounded(score.propensity, 5),
        propensity_lower,
        propensity_upper,
        lift: comparable.as_ref().map(|others| rounded(score.propensity / others.average.max(1e-9), 2)),
        comparable: comparable.map(|others| Comparable { average: rounded(others.average, 5), ..others }),
        grade: now.grade,
        confidence: rounded(confidence.value, 3),
        confidence_level: confidence.level(),
        side: Some(confidence.side),
        primary_signal: primary_signal(&scored, &contributing_factors),
        product_ids: recommended_products.iter().map(|p| p.product_id.clone()).collect(),
        estimated_value: value.map(|v| rounded(v.amount, 2)),
        estimated_value_lower: value.map(|v| rounded(v.lower, 2)),
        estimated_value_upper: value.map(|v| rounded(v.upper, 2)),
        expected_value: expected_value.map(|value| rounded(value, 2)),
        priority: (standing == Standing::ReadyToApproach).then(|| rounded(priority, 2)),
        leave_alone,
        open_deal,
        risks,
        renewal: known.running().filter_map(|contract| contract.end_date).min().map(Instant::date),
        last_contact: known.last_conversation().map(|engagement| engagement.occurred_at.date()),
        has_advocate: recommended_approach.advocate.is_some(),
        previous_score: previous.map(|previous| previous.propensity_score),
        newly_ready: now.is_ready(run.rules.ready_grade) && !was_ready,
    };
    let row = Propensity {
        listed,
        id: row_id(run.run_id, &history.customer_id),
        run_id: run.run_id.clone(),
        model_id: model.model_id.clone(),
        baseline_points: baseline,
        contributing_factors,
        similar_cohort,
        recommended_products,
        recommended_approach,
        movement,
        not_available: missing.0,
        snapshot: scored.snapshot.values.iter().map(FactorValue::of).collect(),
    };
    Some(Answer { row, bins: scored.bins })
}

/// Parts of an answer that the data cannot support, with the reason.
#[derive(Default)]
struct Missing(BTreeMap<String, String>);

impl Missing {
    fn note(&mut self, part: &str, reason: &str) {
        self.0.insert(part.to_owned(), reason.to_owned());
    }

    fn unless(&mut self, is_there: bool, part: &str, reason: &str) {
        if !is_there {
            self.note(part, reason);
        }
    }
}

/// The strongest feature in favour that is news to the CSM, in words: how the product is used, what was asked for, people
/// and touch points, a renewal ahead; however few points it has. Failing that the strongest other factor; that a deal is
/// being worked comes last.
fn primary_signal(scored: &Scored<'_>, factors: &[Factor]) -> Option<String> {
    let columns = scored.run.scorer.columns().iter().zip(&scored.contributions);
    // That something is not known, or did not happen, is no signal.
    let is_there = |column: usize| !matches!(scored.snapshot.values[column], Value::Missing | Value::Number(0.0));
    let news = columns.filter(|(column, part)| **part > 0.0 && FEATURES[**column].is_news() && is_there(**column));
    let strongest =
        news.max_by(|a, b| a.1.total_cmp(b.1)).and_then(|(column, _)| scored.described(FEATURES[*column].name));
    let in_favour = || factors.iter().filter(|factor| factor.points > 0 && factor.value.is_some());
    let other = |factor: &&Factor| feature(&factor.feature).is_none_or(|(_, feature)| feature.topic != Topic::OpenDeal);
    let fallback = || in_favour().find(other).or_else(|| in_favour().next()).map(|factor| factor.label.clone());
    strongest.or_else(fallback)
}

/// The features with points, most points first, and those of less than a point together: with the baseline they add up
/// to the score. What became of similar customers stands among them without points: it is in the score already, through
/// the features in which they are similar.
fn factors(scored: &Scored<'_>, above_baseline: i32, cohort: Option<SimilarCohort>) -> Vec<Factor> {
    let Answering { model, scorer, .. } = scored.run;
    let exact = exact_points(model.propensity.intercept, &scored.contributions);
    let Apportioned { parts, other } = apportion(&exact, above_baseline);
    let segment = scored.inputs.known.segment().map(|segment| &**segment);
    let typical = |name: &str| model.profiles.usual(segment, name).map(|usual| usual.typical.clone().rounded());
    let columns = scorer.columns();
    let mut factors: Vec<Factor> = parts
        .into_iter()
        .map(|(part, points)| {
            let (feature, value) = (&FEATURES[columns[part]], &scored.snapshot.values[columns[part]]);
            Factor {
                feature: feature.name.to_owned(),
                label: feature.describe(&scored.inputs, value),
                value: FactorValue::of(value).map(FactorValue::rounded),
                typical: typical(feature.name),
                points,
                direction: Direction::of(points),
            }
        })
        .collect();
    if other != 0 {
        let label = "All other factors, of less than a point each".to_owned();
        let direction = Direction::of(other);
        factors.push(Factor { feature: OTHER.to_owned(), label, value: None, typical: None, points: other, direction });
    }
    if let Some(cohort) = cohort {
        factors.push(Factor {
            feature: SIMILAR_COHORT.to_owned(),
            label: format!(
                "Similar cohort expanded {:.0}% ({} of {} customers)",
                100.0 * cohort.share,
                cohort.expanded,
                cohort.customers
            ),
            value: Some(FactorValue::Number(cohort.share)),
            typical: None,
            points: 0,
            direction: Direction::Neutral,
        });
    }
    factors.sort_by(|a, b| b.points.cmp(&a.points).then_with(|| a.feature.cmp(&b.feature)));
    factors
}
