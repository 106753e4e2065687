//! Laws of an answer, on made-up customers and models; and its rules, one by one.

use expansion_domain::{
    Contract, CustomerHistory, Engagement, Instant, Opportunity, Product, Reading, RunId, Signal, Stage, Stakeholder,
    Table, UsageSeries, calculated_at,
};
use expansion_features::{ACTIVE_SEATS, Catalogue, FEATURE_SET_VERSION, FEATURES, Inputs, Slots};
use expansion_model::{
    ARTIFACT_SCHEMA_VERSION, AdditiveModel, Axis, BinnedFeature, Bins, ConfidenceLevel, FactorValue, Heterogeneity,
    Knowledge, Model, ProductModel, Profile, Profiles, Reference, Scorer, Side, Term, TermKind, Uncertainty, Usual,
    points_of, rescore, smallest_change,
};
use expansion_records::{Grade, GradeShares, Listed, Previous, Propensity, Standing, Yardstick};
use proptest::prelude::*;

use crate::{Answering, Before, Rules, answer};

fn at(text: &str) -> Instant {
    text.parse().expect("an instant")
}

fn as_of() -> Instant {
    at("2026-06-30")
}

/// Features with their edges, for made-up models.
const EDGES: [(&str, [f64; 3]); 4] = [
    ("seat_utilisation", [0.5, 0.8, 1.0]),
    ("health_score", [40.0, 60.0, 80.0]),
    ("engagements_90", [1.0, 3.0, 6.0]),
    ("wins", [0.0, 1.0, 3.0]),
];

/// A model with a shape of five bins a feature, and a table over the first two.
fn model(weights: &[f64]) -> Model {
    let features = EDGES
        .iter()
        .map(|(name, edges)| BinnedFeature { name: (*name).to_owned(), bins: Bins::Numbers { edges: edges.to_vec() } });
    let axis = |feature| Axis { feature, cells: vec![0, 1, 2, 3, 4], len: 5 };
    let mut terms: Vec<Term> = (0..4)
        .map(|feature| Term {
            kind: TermKind::Shape,
            axes: vec![axis(feature)],
            weights: weights[5 * feature..5 * feature + 5].to_vec(),
        })
        .collect();
    let pair: Vec<f64> = (0..25).map(|cell| weights[cell % 20] * weights[(cell * 7) % 20] / 4.0).collect();
    terms.push(Term { kind: TermKind::Pair, axes: vec![axis(0), axis(1)], weights: pair });
    let usual = |range| Usual { typical: FactorValue::Number(1.0), range: Some(range), extremes: None };
    let ranges = [("seat_utilisation", [0.2, 1.2]), ("health_score", [20.0, 99.0]), ("engagements_90", [0.0, 12.0])];
    Model {
        schema_version: ARTIFACT_SCHEMA_VERSION,
        feature_set_version: FEATURE_SET_VERSION,
        model_id: "m".to_owned(),
        as_of: as_of(),
        horizon_days: 90,
        slots: Slots { seats: Some(ACTIVE_SEATS.into()), ..Slots::default() },
        propensity: AdditiveModel {
            family: "additive".to_owned(),
            knowledge: Knowledge::Full,
            intercept: weights[20],
            features: features.collect(),
            terms,
            uncertainty: Uncertainty::default(),
            heterogeneity: Heterogeneity::default(),
        },
        value: None,
        products: ProductModel {
            overall: [("seats".to_owned(), 0.6), ("plus".to_owned(), 0.3), ("report".to_owned(), 0.1)].into(),
            rare_share: 0.01,
            slopes: [1.0, 0.5, 1.5, -0.5, 1.0, 0.5, 0.5, 0.0, 0.5, 0.5, 0.0],
            ..ProductModel::default()
        },
        profiles: Profiles {
            overall: Profile {
                customers: 100,
                features: ranges.map(|(name, range)| (name.to_owned(), usual(range))).into(),
                ..Profile::default()
            },
            ..Profiles::default()
        },
        cohort: None,
        reference: Reference::default(),
    }
}

fn product(id: &str, kind: &str, list_price: f64) -> Product {
    let name = format!("The {id}");
    let unit = (kind == "seats").then(|| "seat".into());
    Product {
        product_id: id.into(),
        name: Some(name.as_str().into()),
        kind: Some(kind.into()),
        unit,
        list_price: Some(list_price),
    }
}

fn catalogue() -> Catalogue {
    let products = [
        product("seats", "seats", 100.0),
        product("basic", "tier", 10.0),
        product("plus", "tier", 20.0),
        product("report", "add_on", 5.0),
    ];
    Catalogue::new(&products)
}

/// A customer of three years with 100 seats and the tier `basic`, without any news.
fn customer() -> CustomerHistory {
    let contract = |id: &str, product: &str, quantity: f64| Contract {
        contract_id: id.into(),
        product_id: Some(product.into()),
        quantity: Some(quantity),
        annual_value: Some(1_000.0),
        start_date: at("2025-09-01"),
        end_date: Some(at("2027-08-31")),
    };
    CustomerHistory {
        name: Some("Acme".into()),
        contracts: vec![contract("1", "seats", 100.0), contract("2", "basic", 100.0)],
        ..CustomerHistory::new("c-1".into(), at("2023-06-30"))
    }
}

/// Customers of every standing, of 1 to 10 %.
fn yardstick_of_standings() -> Yardstick {
    let customers = Standing::ALL.into_iter().flat_map(|standing| (1..=100).map(move |i| (standing, i)));
    Yardstick::of(customers.map(|(standing, i)| (standing, None, f64::from(i) / 1000.0)), GradeShares::default())
}

/// The answer of a model about a customer.
fn answered(model: &Model, history: &CustomerHistory) -> Propensity {
    with_before(model, None, history, None)
}

fn with_before(
    model: &Model,
    before: Option<(&Model, Instant)>,
    history: &CustomerHistory,
    previous: Option<Previous>,
) -> Propensity {
    with_catalogue(model, catalogue(), before, history, previous)
}

fn with_catalogue(
    model: &Model,
    catalogue: Catalogue,
    before: Option<(&Model, Instant)>,
    history: &CustomerHistory,
    previous: Option<Previous>,
) -> Propensity {
    let run_id = RunId::derive(as_of(), "test", 90);
    let run = (&run_id, as_of(), calculated_at(as_of(), &run_id));
    let yardstick = yardstick_of_standings();
    let mut answering =
        Answering::new(model, catalogue, &Table::ALL, (&yardstick, Rules::default()), run).expect("its features exist");
    if let Some((model, as_of)) = before {
        let scorer = Scorer::new(&model.propensity).expect("its features exist");
        answering.before = Ok(Before { scorer, slots: &model.slots, as_of, calculated_at: as_of });
    }
    answer(&answering, history, previous).expect("a customer").row
}

/// Seats in use, week by week until `as_of`, growing by `growth` a week to `last`.
fn seats_in_use(last: f64, growth: f64) -> UsageSeries {
    let readings = (0..26).rev().map(|week: i32| Reading {
        at: as_of().plus_days(-7 * week),
        value: (last - growth * f64::from(week)).max(0.0),
    });
    UsageSeries { metric: "active_seats".into(), readings: readings.collect() }
}

fn deal(product: &str, stage: Stage, created_days_ago: i32, closed_days_ago: Option<i32>) -> Opportunity {
    Opportunity {
        opportunity_id: format!("{product}-{created_days_ago}").as_str().into(),
        product_id: Some(product.into()),
        other_products: Vec::new(),
        stage,
        amount: Some(1_000.0),
        created_at: as_of().plus_days(-created_days_ago),
        closed_at: closed_days_ago.map(|days| as_of().plus_days(-days)),
        known_at: None,
        outcome_known_at: None,
    }
}

fn person(id: &str, name: &str, title: &str, role: &str, days_ago: i32) -> Stakeholder {
    Stakeholder {
        stakeholder_id: id.into(),
        name: Some(name.into()),
        title: Some(title.into()),
        role: Some(role.into()),
        recorded_at: as_of().plus_days(-days_ago),
    }
}

fn touch(kind: &str, days_ago: i32, stakeholder: Option<&str>) -> Engagement {
    Engagement {
        occurred_at: as_of().plus_days(-days_ago),
        kind: Some(kind.into()),
        with_executive: None,
        stakeholder_id: stakeholder.map(Into::into),
    }
}

prop_compose! {
    /// Customers with use, health, touch points and won deals.
    fn customers()(
        last in 10.0..130.0_f64,
        growth in -2.0..3.0_f64,
        health in prop::collection::vec((1..400_i32, 0.0..100.0_f64), 0..12),
        touches in prop::collection::vec(1..200_i32, 0..10),
        won in prop::collection::vec(1..700_i32, 0..5),
        has_usage in any::<bool>(),
    ) -> CustomerHistory {
        let mut history = customer();
        history.usage = if has_usage { vec![seats_in_use(last, growth)] } else { Vec::new() };
        history.health =
            health.into_iter().map(|(days, value)| Reading { at: as_of().plus_days(-days), value }).collect();
        history.engagements = touches.into_iter().map(|days| touch("meeting", days, None)).collect();
        history.opportunities = won.into_iter().map(|days| deal("seats", Stage::Won, days + 30, Some(days))).collect();
        history.sort();
        history
    }
}

fn weights() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-1.5..1.5_f64, 21)
}

#[test]
fn the_model_of_the_run_before_sees_a_customer_by_its_own_slots() {
    let of = |metric: &str| {
        let mut weights = vec![0.0; 21];
        weights[15..20].copy_from_slice(&[-1.0, -0.5, 0.5, 1.5, 0.0]);
        let mut model = model(&weights);
        model.propensity.features[3].name = "metric_1_level_30".to_owned();
        model.slots.metrics = vec![metric.into()];
        model
    };
    let series = |metric: &str, value: fn(i32) -> f64| UsageSeries {
        metric: metric.into(),
        readings: (0..20).rev().map(|week| Reading { at: as_of().plus_days(-7 * week), value: value(week) }).collect(),
    };
    let mut history = customer();
    history.usage = vec![series("alerts", |_| 2.0), series("mau", |week| if week < 5 { 100.0 } else { 0.5 })];
    let (now, then) = (of("alerts"), of("mau"));
    let score = answered(&then, &history).listed.propensity_score;
    let before = then_score(&then, &history, 60);
    let previous = Previous { propensity_score: before, standing: Standing::ReadyToApproach, grade: None };
    let row = with_before(&now, Some((&then, as_of().plus_days(-60))), &history, Some(previous));
    let movement = row.movement.expect("there is a run before");
    let [moved] = &movement.factors[..] else { panic!("{:?}", movement.factors) };
    let said = (&*moved.before, &*moved.after, moved.points);
    let rise = i32::from(score) - i32::from(before);
    assert_eq!(said, ("Mau: 0.5 per reading in the last 30 days", "Mau: 100 per reading in the last 30 days", rise));
    assert_eq!((movement.correction_points, movement.model_points), (0, movement.delta - rise));
    let factor = row.contributing_factors.iter().find(|factor| factor.feature == "metric_1_level_30");
    assert_eq!(factor.expect("it has points").label, "Alerts: 2 per reading in the last 30 days");
}

/// The score that a model gave a customer so many days ago.
fn then_score(model: &Model, history: &CustomerHistory, days: i32) -> u8 {
    let inputs = Inputs {
        known: history.known(as_of().plus_days(-days)).expect("a customer"),
        catalogue: &catalogue(),
        tables: &Table::ALL,
        slots: &model.slots,
    };
    let scorer = Scorer::new(&model.propensity).expect("its features exist");
    let bins = scorer.bins(&inputs.snapshot());
    u8::try_from(points_of(scorer.score(&bins, &mut vec![0.0; bins.len()]).propensity)).expect("a score")
}

proptest! {
    #[test]
    fn baseline_and_factors_add_up_to_the_score(weights in weights(), history in customers()) {
        let row = answered(&model(&weights), &history);
        let points: i32 = row.contributing_factors.iter().map(|factor| factor.points).sum();
        prop_assert_eq!(row.baseline_points + points, i32::from(row.listed.propensity_score));
        let typical = row.contributing_factors.iter().find(|factor| factor.feature == "seat_utilisation");
        prop_assert!(typical.is_none_or(|factor| factor.typical.is_some()));
    }

    #[test]
    fn moves_add_up_to_the_delta(
        now in weights(), then in weights(), history in customers(), days in 1..60_i32, previous in 1..=99_u8,
    ) {
        let (now, then) = (model(&now), model(&then));
        let previous = Previous { propensity_score: previous, standing: Standing::ReadyToApproach, grade: None };
        let row = with_before(&now, Some((&then, as_of().plus_days(-days))), &history, Some(previous));
        let movement = row.movement.expect("there is a run before");
        let moved: i32 = movement.factors.iter().map(|factor| factor.points).sum();
        let delta = i32::from(row.listed.propensity_score) - i32::from(previous.propensity_score);
        prop_assert_eq!(movement.delta, delta);
        prop_assert_eq!(moved + movement.model_points + movement.correction_points, delta);
        prop_assert!(movement.factors.iter().all(|factor| factor.points != 0));
    }

    #[test]
    fn without_news_and_with_the_same_model_only_time_moves_a_score(weights in weights(), history in customers()) {
        let model = model(&weights);
        let before = answered(&model, &history).listed;
        let previous =
            Previous { propensity_score: before.propensity_score, standing: before.standing, grade: before.grade };
        let movement = with_before(&model, Some((&model, as_of())), &history, Some(previous)).movement;
        let movement = movement.expect("there is a run before");
        prop_assert_eq!((movement.delta, movement.model_points, movement.correction_points), (0, 0, 0));
        prop_assert!(movement.factors.is_empty());
    }

    #[test]
    fn the_smallest_change_reaches_its_target_within_the_usual_range(
        weights in weights(), history in customers(), target in 2..=99_i32,
    ) {
        let model = model(&weights);
        let scorer = Scorer::new(&model.propensity).expect("its features exist");
        let row = answered(&model, &history);
        let values = row.snapshot.iter().map(|value| FactorValue::restored(value.as_ref())).collect();
        let snapshot = expansion_features::Snapshot { values };
        let changes = smallest_change(&model, &scorer, &snapshot, None, target);
        let rescored = rescore(&scorer, &snapshot, &changes);
        prop_assert_eq!(rescored.score_before, i32::from(row.listed.propensity_score));
        let points: i32 = rescored.changes.iter().map(|change| change.points).sum();
        prop_assert_eq!(points + rescored.other_points, rescored.score_after - rescored.score_before);
        if rescored.score_after < target {
            // Then no single improvement does better.
            for (feature, _) in EDGES {
                let Some([low, high]) = model.profiles.usual(None, feature).and_then(|usual| usual.range) else { continue };
                let place = FEATURES.iter().position(|f| f.name == feature).expect("a feature");
                let Some(now) = snapshot.values[place].as_number() else { continue };
                for step in 0..=20 {
                    let value = low + (high - low) * f64::from(step) / 20.0;
                    let value = if feature == "seat_utilisation" { (value * 100.0).round() / 100.0 } else { value.round() };
                    if value < now {
                        continue;
                    }
                    let tried = rescore(&scorer, &snapshot, &[expansion_features::Moved {
                        feature: place,
                        to: expansion_features::Value::Number(value),
                        with: None,
                    }]);
                    prop_assert!(tried.score_after < target, "{feature} = {value}");
                }
            }
        }
        // (What moves along has no usual range here.)
        for expansion_features::Moved { feature, to: value, .. } in changes.into_iter().filter(|moved| moved.with.is_none()) {
            let usual = model.profiles.usual(None, FEATURES[feature].name).and_then(|usual| usual.range);
            let ([low, high], value) = (usual.expect("a range"), value.as_number().expect("a number"));
            prop_assert!(low <= value && value <= high);
        }
    }
}

// --- what to offer ---------------------------------------------------------------------------------------------------

#[test]
fn only_what_the_customer_does_not_have_is_offered() {
    let row = answered(&model(&[0.1; 21]), &customer());
    let mut offered: Vec<&str> = row.recommended_products.iter().map(|product| &*product.product_id).collect();
    offered.sort_unstable();
    // More seats, the next tier and the add-on; not the tier that is there.
    assert_eq!(offered, ["plus", "report", "seats"]);
    let upgrade = row.recommended_products.iter().find(|product| &*product.product_id == "plus").expect("offered");
    assert_eq!(upgrade.offer, "Upgrade to The plus");
}

#[test]
fn one_of_many_products_that_are_alike_is_not_offered() {
    let mut model = model(&[0.1; 21]);
    (model.products.overall, model.products.rare_share) = ([].into(), 0.001);
    let add_ons: Vec<Product> = (0..100).map(|i| product(&format!("add-on-{i:02}"), "add_on", 5.0)).collect();
    let offered = |history: &CustomerHistory| with_catalogue(&model, Catalogue::new(&add_ons), None, history, None);
    let row = offered(&customer());
    assert!(row.recommended_products.is_empty() && row.listed.product_ids.is_empty());
    assert_eq!(row.not_available["recommended_products"], "no product is likelier than many others");
    // A deal for one of them makes the difference.
    let mut history = customer();
    history.opportunities = vec![deal("add-on-42", Stage::Open, 20, None)];
    let row = offered(&history);
    let products: Vec<&str> = row.recommended_products.iter().map(|product| &*product.product_id).collect();
    assert_eq!(products, ["add-on-42"]);
}

#[test]
fn nobody_is_offered_more_of_seats_without_limit() {
    let mut history = customer();
    history.contracts[0].quantity = Some(f64::INFINITY);
    history.usage = vec![seats_in_use(95.0, 1.0)];
    let row = answered(&model(&[0.1; 21]), &history);
    assert!(row.recommended_products.iter().all(|product| &*product.product_id != "seats"));
    let utilisation = row.contributing_factors.iter().find(|factor| factor.feature == "seat_utilisation");
    assert!(utilisation.is_none_or(|factor| factor.value.is_none()), "{utilisation:?}");
}

#[test]
fn so_many_seats_are_offered_that_three_quarters_to_four_fifths_are_in_use() {
    let mut history = customer();
    history.usage = vec![seats_in_use(95.0, 1.0)];
    let row = answered(&model(&[0.1; 21]), &history);
    let seats = &row.recommended_products[0];
    let quantity = seats.quantity.as_ref().expect("use and entitlement are known");
    // A year of one more a week: 95 + 52 = 147 in use; 147 / 0.8 = 184 seats.
    assert!((83.0..=86.0).contains(&quantity.units), "{quantity:?}");
    assert!((0.75..=0.80).contains(&quantity.utilisation), "{quantity:?}");
    assert_eq!(seats.offer, format!("Additional {:.0} seats", quantity.units));
    assert!(seats.rationale.starts_with("Usage at 9"), "{}", seats.rationale);

    // Full, though not growing: the time is now.
    history.usage = vec![seats_in_use(120.0, 0.0)];
    let timing = answered(&model(&[0.1; 21]), &history).recommended_approach.timing.expect("a time");
    assert_eq!((timing.from, timing.reason.as_str()), (as_of().date(), "All seats are in use"));

    history.usage = vec![seats_in_use(40.0, 0.0)];
    let row = answered(&model(&[0.1; 21]), &history);
    assert_eq!(
        row.recommended_products.iter().find(|p| &*p.product_id == "seats").and_then(|p| p.quantity.clone()),
        None
    );
}

#[test]
fn an_open_deal_decides_and_a_lost_one_counts_against() {
    let model = model(&[0.1; 21]);
    let probability = |history: &CustomerHistory| {
        let row = answered(&model, history);
        row.recommended_products.iter().find(|p| &*p.product_id == "plus").expect("offered").clone()
    };
    let plain = probability(&customer());
    let mut open = customer();
    open.opportunities = vec![deal("plus", Stage::Open, 20, None)];
    assert!(probability(&open).probability > plain.probability);
    assert!(probability(&open).rationale.contains("open for 20 days"));
    let mut lost = customer();
    lost.opportunities = vec![deal("plus", Stage::Lost, 90, Some(60))];
    assert!(probability(&lost).probability < plain.probability);
    assert!(probability(&lost).rationale.contains("lost 60 days ago"));
}

// --- what to do next -------------------------------------------------------------------------------------------------

#[test]
fn a_lack_of_seats_sets_the_time_then_the_renewal_then_the_season() {
    let model = model(&[0.1; 21]);
    let timing = |history: &CustomerHistory| answered(&model, history).recommended_approach.timing;
    let mut history = customer();
    assert_eq!(timing(&history), None);
    let reason = answered(&model, &history).not_available["recommended_approach.timing"].clone();
    assert!(reason.contains("renewal"), "{reason}");

    history.opportunities = ["2024-11-15", "2025-10-20", "2025-12-01"].map(|day| won_on("seats", at(day))).into();
    let season = timing(&history).expect("three of three in the fourth quarter");
    assert_eq!((season.label.as_str(), season.from.to_string()), ("Q4 2026", "2026-10-01".to_owned()));
    assert_eq!(season.reason, "3 of the customer's own 3 expansions were won in a Q4");

    history.contracts[0].end_date = Some(as_of().plus_days(60));
    let renewal = timing(&history).expect("a renewal in two months");
    assert_eq!((renewal.from, renewal.to), (as_of().date(), as_of().plus_days(46).date()));

    history.usage = vec![seats_in_use(95.0, 1.0)];
    let capacity = timing(&history).expect("seats run out");
    assert_eq!((capacity.label.as_str(), capacity.from), ("Before the seats run out", as_of().date()));
    assert!(capacity.to > as_of().plus_days(25).date() && capacity.to < as_of().plus_days(45).date(), "{capacity:?}");
}

fn won_on(product: &str, day: Instant) -> Opportunity {
    let days = as_of().days_since(day);
    #[expect(clippy::cast_possible_truncation, reason = "a few years")]
    deal(product, Stage::Won, days as i32 + 20, Some(days as i32))
}

#[test]
fn the_advocate_promoted_last_is_the_one_to_talk_to() {
    let mut history = customer();
    history.stakeholders = vec![
        person("p-1", "Sarah Chen", "Director", "champion", 300),
        person("p-2", "Tom Berg", "Manager", "champion", 200),
        person("p-3", "Eva Roth", "CFO", "executive", 100),
        person("p-1", "Sarah Chen", "VP", "champion", 40),
    ];
    history.engagements = vec![touch("call", 30, Some("p-1")), touch("call", 3, Some("p-2"))];
    let model = model(&[0.1; 21]);
    let advocate = answered(&model, &history).recommended_approach.advocate.expect("two advocates");
    assert_eq!(advocate.label, "Sarah Chen (now VP)", "nobody said that it is a promotion");
    let promoted = Signal { detected_at: as_of().plus_days(-38), kind: "champion_promotion".into(), summary: None };
    history.signals = vec![promoted];
    let advocate = answered(&model, &history).recommended_approach.advocate.expect("two advocates");
    assert_eq!(advocate.label, "Sarah Chen (promoted to VP)");
    assert_eq!(advocate.new_title_since, Some(as_of().plus_days(-40)));
    assert_eq!(advocate.last_engaged_at, Some(as_of().plus_days(-30)));

    // She is no advocate any more: the other one is left, who was not promoted.
    history.stakeholders.push(person("p-1", "Sarah Chen", "VP", "user", 10));
    let advocate = answered(&model, &history).recommended_approach.advocate.expect("one advocate");
    assert_eq!((advocate.label.as_str(), advocate.new_title_since), ("Tom Berg (Manager)", None));

    history.stakeholders.clear();
    let row = answered(&model, &history);
    assert_eq!(row.recommended_approach.advocate, None);
    assert!(row.not_available["recommended_approach.champion"].contains("no stakeholder"));
}

#[test]
fn a_customer_stands_in_one_way() {
    let model = model(&[0.1; 21]);
    let listed = |history: &CustomerHistory| answered(&model, history).listed;
    let reason = |history: &CustomerHistory| {
        let Listed { standing, leave_alone, priority, .. } = listed(history);
        assert_eq!(standing == Standing::LeaveAlone, leave_alone.is_some());
        assert_eq!(standing == Standing::ReadyToApproach, priority.is_some());
        leave_alone
    };
    let mut history = customer();
    assert_eq!(listed(&history).standing, Standing::ReadyToApproach);

    history.engagements = vec![touch("email", 2, None), touch("meeting", 20, None)];
    assert_eq!(reason(&history), None, "an e-mail is no conversation, and 20 days are long enough");
    history.engagements.push(touch("call", 5, None));
    assert_eq!(reason(&history).as_deref(), Some("Contacted 5 days ago (call)"));
    let health = |days: i32, value| Reading { at: as_of().plus_days(-days), value };
    history.health = vec![health(60, 80.0), health(3, 60.0)];
    assert_eq!(reason(&history).as_deref(), Some("Health score fell by 20 points in a quarter"));
    history.signals = vec![Signal { detected_at: as_of().plus_days(-1), kind: "escalation".into(), summary: None }];
    assert_eq!(reason(&history).as_deref(), Some("Escalation 1 day ago"));

    history.opportunities = vec![deal("plus", Stage::Open, 12, None)];
    let row = listed(&history);
    assert_eq!((row.standing, row.leave_alone, row.priority), (Standing::InProgress, None, None));
    assert_eq!(row.open_deal.as_deref(), Some("A deal for The plus opened 12 days ago"));
    assert_eq!(row.risks[..2], ["Escalation 1 day ago", "Health score fell by 20 points in a quarter"]);

    // A stale deal is no progress.
    history.opportunities = vec![deal("plus", Stage::Open, 181, None)];
    assert_eq!(reason(&history).as_deref(), Some("Escalation 1 day ago"));
    history.opportunities = vec![deal("plus", Stage::Open, 180, None)];
    assert_eq!(listed(&history).standing, Standing::InProgress);
}

#[test]
fn a_deal_that_nobody_talks_about_is_at_risk() {
    let model = model(&[0.1; 21]);
    let history = CustomerHistory {
        opportunities: vec![deal("plus", Stage::Open, 12, None)],
        engagements: vec![touch("meeting", 45, None)],
        stakeholders: vec![person("p-1", "Sarah Chen", "Director", "user", 100)],
        ..customer()
    };
    assert_eq!(answered(&model, &history).listed.risks, ["Last met 45 days ago", "No champion known"]);
}

#[test]
fn a_customer_is_compared_with_those_who_stand_alike() {
    // The intercept alone gives 90 %, where comparable customers have 5.05 %.
    let mut weights = [0.0; 21];
    weights[20] = 2.2;
    let row = answered(&model(&weights), &customer()).listed;
    let comparable = row.comparable.expect("there are others");
    assert_eq!((comparable.customers, comparable.segment, comparable.average), (100, None, 0.0505));
    assert_eq!((row.lift, row.grade, row.side), (Some(17.83), Some(Grade::A), Some(Side::Above)));
    assert!(row.confidence > 0.5 && row.confidence_level == ConfidenceLevel::of(row.confidence));
}

#[test]
fn a_customer_is_newly_ready_once() {
    // The intercept alone gives 90 %: grade A.
    let mut weights = [0.0; 21];
    weights[20] = 2.2;
    let (model, mut history) = (model(&weights), customer());
    let newly = |history: &CustomerHistory, previous: Option<(Standing, Grade)>| {
        let previous =
            previous.map(|(standing, grade)| Previous { propensity_score: 80, standing, grade: Some(grade) });
        with_before(&model, None, history, previous).listed.newly_ready
    };
    assert!(newly(&history, None) && newly(&history, Some((Standing::ReadyToApproach, Grade::B))));
    assert!(newly(&history, Some((Standing::InProgress, Grade::A))), "its deal is over");
    assert!(!newly(&history, Some((Standing::ReadyToApproach, Grade::A))));
    history.opportunities = vec![deal("plus", Stage::Open, 12, None)];
    assert!(!newly(&history, None), "somebody works on it");
}
