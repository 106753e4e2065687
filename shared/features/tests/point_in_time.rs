//! The law of the feature crate: facts learned after `as_of` never change a snapshot.

use expansion_domain::{
    Contract, CustomerHistory, Engagement, Id, Instant, Opportunity, OutcomeKind, Product, Reading, RecordedOutcome,
    RunId, Signal, SourceData, Stage, Stakeholder, Table, UsageSeries, add_outcomes,
};
use expansion_features::{Catalogue, FEATURES, Inputs, Slots, Snapshot, Value, cutoffs, label, observed_until};
use proptest::prelude::*;

/// A fact: in which table, on which day, with which numbers.
type Fact = (u8, i32, u8, f64);

const AS_OF_DAY: i32 = 500;

fn day(offset: i32) -> Instant {
    "2024-01-01".parse::<Instant>().expect("a date").plus_days(offset)
}

fn pick(choices: &[&str], i: u8) -> Id {
    choices[usize::from(i) % choices.len()].into()
}

fn history(facts: &[Fact]) -> CustomerHistory {
    let mut history = CustomerHistory {
        segment: Some("SMB".into()),
        region: Some("EU".into()),
        usage: ["active_seats", "logins", "api_calls", "exports"]
            .map(|metric| UsageSeries { metric: metric.into(), readings: Vec::new() })
            .to_vec(),
        ..CustomerHistory::new("c".into(), day(0))
    };
    for (i, &(table, offset, choice, number)) in facts.iter().enumerate() {
        let at = day(offset);
        let later = day(offset + i32::from(choice));
        match table % 7 {
            0 => history.usage[usize::from(choice) % 4].readings.push(Reading { at, value: number }),
            1 => history.health.push(Reading { at, value: number % 100.0 }),
            2 => history.contracts.push(Contract {
                contract_id: format!("k{i}").into(),
                product_id: Some(pick(&["seats", "addon"], choice)),
                quantity: Some(number),
                annual_value: (choice % 3 > 0).then_some(number),
                start_date: at,
                end_date: (choice % 5 > 0).then_some(later),
            }),
            3 => {
                let stage = [Stage::Won, Stage::Lost, Stage::Open][usize::from(choice) % 3];
                history.opportunities.push(Opportunity {
                    opportunity_id: format!("o{i}").into(),
                    product_id: None,
                    other_products: Vec::new(),
                    stage,
                    amount: Some(number),
                    created_at: at,
                    closed_at: (stage != Stage::Open).then_some(later),
                    known_at: None,
                    outcome_known_at: None,
                });
            }
            4 => history.signals.push(Signal {
                detected_at: at,
                kind: pick(&["seat_inquiry", "new_team", "pricing_page", "odd"], choice),
                summary: None,
            }),
            5 => history.stakeholders.push(Stakeholder {
                stakeholder_id: pick(&["ann", "bob"], choice),
                name: None,
                title: Some(pick(&["VP", "Head", "Lead"], choice)),
                role: Some(pick(&["champion", "executive", "user"], choice)),
                recorded_at: at,
            }),
            _ => history.engagements.push(Engagement {
                occurred_at: at,
                kind: Some(pick(&["meeting", "ticket", "email"], choice)),
                with_executive: (choice % 4 > 0).then_some(choice % 2 == 0),
                stakeholder_id: None,
            }),
        }
    }
    history.sort();
    history
}

/// What somebody tells after `AS_OF_DAY` of a day up to 300 days earlier, of a deal of the source or another.
fn recorded_later((n, (kind, back, later, deal, amount)): (u8, (u8, i32, i32, u8, f64))) -> RecordedOutcome {
    let kinds = [OutcomeKind::Won, OutcomeKind::Lost, OutcomeKind::OpportunityCreated, OutcomeKind::Accepted];
    let run_id = RunId::derive(day(AS_OF_DAY), "test", 90);
    let known_at = day(AS_OF_DAY + later);
    RecordedOutcome {
        outcome_id: format!("00000000-0000-0000-0000-0000000000{n:02x}").parse().expect("a UUID"),
        customer_id: "c".into(),
        run_id,
        kind: kinds[usize::from(kind) % kinds.len()],
        occurred_at: known_at.plus_days(-back),
        known_at,
        opportunity_id: (deal % 2 == 0).then(|| format!("o{deal}").into()),
        product_id: None,
        amount: Some(amount),
        reason: None,
        corrects: None,
    }
}

fn products() -> Vec<Product> {
    let product = |id: &str, kind: &str| Product {
        product_id: id.into(),
        name: None,
        kind: Some(kind.into()),
        unit: None,
        list_price: None,
    };
    vec![product("seats", "seats"), product("addon", "add_on")]
}

fn catalogue() -> Catalogue {
    Catalogue::new(&products())
}

/// All metrics, and the kind of signal that has no feature by name.
fn slots() -> Slots {
    Slots {
        seats: Some("active_seats".into()),
        metrics: ["active_seats", "api_calls", "exports", "logins"].map(Id::from).to_vec(),
        kinds: vec!["odd".into()],
    }
}

fn snapshot(history: &CustomerHistory, tables: &[Table]) -> Snapshot {
    let catalogue = catalogue();
    let known = history.known(day(AS_OF_DAY)).expect("a customer");
    Inputs { known, catalogue: &catalogue, tables, slots: &slots() }.snapshot()
}

fn facts() -> impl Strategy<Value = Vec<Fact>> {
    prop::collection::vec((0_u8..7, 0_i32..800, 0_u8..120, 0.0..500.0_f64), 0..80)
}

/// Bit for bit: a NaN would be equal to itself, and 0.0 not to -0.0.
fn bits(snapshot: &Snapshot) -> Vec<(u64, String)> {
    let of = |value: &Value| match value {
        Value::Missing => (0, "missing".to_owned()),
        Value::Number(number) => (number.to_bits(), String::new()),
        Value::Level(level) => (0, level.to_string()),
    };
    snapshot.values.iter().map(of).collect()
}

proptest! {
    #[test]
    fn later_facts_never_change_a_snapshot(known in facts(), later in facts(), other in facts()) {
        let known: Vec<Fact> = known.into_iter().filter(|fact| fact.1 <= AS_OF_DAY).collect();
        let with = |later: Vec<Fact>| {
            let later = later.into_iter().map(|(t, offset, c, n)| (t, AS_OF_DAY + 1 + offset, c, n));
            history(&known.iter().copied().chain(later).collect::<Vec<_>>())
        };
        let expected = bits(&snapshot(&history(&known), &Table::ALL));
        prop_assert_eq!(&bits(&snapshot(&with(later.clone()), &Table::ALL)), &expected);
        prop_assert_eq!(&bits(&snapshot(&with(other), &Table::ALL)), &expected);
        // Nor what the slots stand for.
        let slots = |history| {
            let source = SourceData { customers: vec![history], products: products(), ..SourceData::default() };
            Slots::of(&source, day(AS_OF_DAY))
        };
        prop_assert_eq!(slots(with(later)), slots(history(&known)));
    }

    #[test]
    fn an_outcome_after_as_of_is_not_known(known in facts(), amount in 1.0..1e6_f64, days in 1_i32..200) {
        let mut won = history(&known);
        let deal = |stage, closed_at, amount| Opportunity {
            opportunity_id: "last".into(),
            product_id: None,
            other_products: Vec::new(),
            stage,
            amount,
            created_at: day(AS_OF_DAY - 10),
            closed_at,
            known_at: None,
            outcome_known_at: None,
        };
        let mut open = won.clone();
        open.opportunities.push(deal(Stage::Open, None, None));
        won.opportunities.push(deal(Stage::Won, Some(day(AS_OF_DAY + days)), Some(amount)));
        open.sort();
        won.sort();
        prop_assert_eq!(bits(&snapshot(&won, &Table::ALL)), bits(&snapshot(&open, &Table::ALL)));
        prop_assert_eq!(label(&won, day(AS_OF_DAY), 200).expanded, true);
    }

    /// Told later, dated earlier: labels know of it, features don't.
    #[test]
    fn what_is_recorded_later_never_changes_a_snapshot(
        known in facts(),
        recorded in prop::collection::vec((0_u8..5, 0_i32..300, 1_i32..300, 0_u8..80, 0.0..500.0_f64), 1..20),
    ) {
        let before = history(&known);
        let outcomes: Vec<RecordedOutcome> = (0_u8..).zip(recorded).map(recorded_later).collect();
        let mut source = SourceData { customers: vec![before.clone()], ..SourceData::default() };
        let until = observed_until(&source, day(900));
        add_outcomes(&mut source, &outcomes, day(900));
        let after = &source.customers[0];
        prop_assert_eq!(bits(&snapshot(after, &Table::ALL)), bits(&snapshot(&before, &Table::ALL)));
        prop_assert_eq!(observed_until(&source, day(900)), until, "only the source tells until when it watched");
        let won = |one: &&RecordedOutcome| one.kind == OutcomeKind::Won && one.opportunity_id.is_none();
        for one in outcomes.iter().filter(won) {
            prop_assert!(label(after, one.occurred_at.plus_days(-1), 90).expanded, "labels go by when it happened");
        }
    }

    #[test]
    fn a_snapshot_holds_only_finite_numbers(known in facts()) {
        let snapshot = snapshot(&history(&known), &Table::ALL);
        prop_assert_eq!(snapshot.values.len(), FEATURES.len());
        for (value, feature) in snapshot.values.iter().zip(FEATURES) {
            if let Value::Number(number) = value {
                prop_assert!(number.is_finite(), "{} is {number}", feature.name);
            }
        }
    }
}

#[test]
fn a_missing_table_makes_its_features_missing_and_no_others() {
    let facts: Vec<Fact> = (0_i32..60)
        .map(|i| (u8::try_from(i % 7).expect("below 7"), 300 + 3 * i, u8::try_from(i).expect("below 60"), 50.0))
        .collect();
    let history = history(&facts);
    let whole = snapshot(&history, &Table::ALL);
    for missing in Table::ALL {
        let tables: Vec<Table> = Table::ALL.into_iter().filter(|table| *table != missing).collect();
        let partial = snapshot(&history, &tables);
        for ((feature, before), after) in FEATURES.iter().zip(&whole.values).zip(&partial.values) {
            let expected = if feature.table == missing { &Value::Missing } else { before };
            assert_eq!(after, expected, "{} without {missing}", feature.name);
        }
    }
}

#[test]
fn names_are_unique_and_labels_have_a_place_for_the_value() {
    let mut names: Vec<_> = FEATURES.iter().map(|feature| feature.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FEATURES.len());
    assert!(FEATURES.iter().all(|feature| feature.label.contains("{}") && !feature.missing.contains("{}")));
}

#[test]
fn labels_read_as_people_say_them() {
    let mut history = history(&[]);
    history.contracts.push(Contract {
        contract_id: "k".into(),
        product_id: Some("seats".into()),
        quantity: Some(100.0),
        annual_value: Some(1_250_000.0),
        start_date: day(100),
        end_date: Some(day(AS_OF_DAY + 45)),
    });
    history.usage[0].readings.push(Reading { at: day(AS_OF_DAY - 3), value: 95.0 });
    let exports = [(80, 50.0), (40, 50.0), (20, 60.0), (10, 80.0)];
    history.usage[2].readings.extend(exports.map(|(ago, value)| Reading { at: day(AS_OF_DAY - ago), value }));
    history.signals.push(Signal { detected_at: day(AS_OF_DAY - 9), kind: "odd".into(), summary: None });
    for offset in [20, 40] {
        let kind = "seat_inquiry".into();
        history.signals.push(Signal { detected_at: day(AS_OF_DAY - offset), kind, summary: None });
    }
    history.sort();
    let catalogue = catalogue();
    let known = history.known(day(AS_OF_DAY)).expect("a customer");
    let inputs = Inputs { known, catalogue: &catalogue, tables: &Table::ALL, slots: &slots() };
    let said = |name: &str| {
        let feature = FEATURES.iter().find(|feature| feature.name == name).expect("a feature");
        feature.describe(&inputs, &feature.value(&inputs))
    };
    assert_eq!(said("seat_utilisation"), "Usage at 95% of license capacity");
    assert_eq!(said("seat_inquiries"), "Asked about additional seats 2x");
    assert_eq!(said("days_to_renewal"), "Renewal in 45 days");
    assert_eq!(said("days_since_usage"), "Last used 3 days ago");
    assert_eq!(said("products_owned"), "1 product under contract");
    assert_eq!(said("annual_value"), "Contracts worth 1,250,000 a year");
    assert_eq!(said("segment"), "Segment SMB");
    assert_eq!(said("metric_3_level_30"), "Exports: 70 per reading in the last 30 days");
    assert_eq!(said("metric_3_change_30"), "Exports +40% in the last 30 days against the 60 before");
    assert_eq!(said("metric_3_days_90"), "Exports on 4 days of the last 90");
    assert_eq!(said("metric_3_per_seat"), "Exports: 1.47 per active seat in the last 30 days");
    assert_eq!(said("metric_4_level_7"), "Logins: nothing recorded in the last 7 days");
    assert_eq!(said("kind_1_signals"), "Odd 1x");
    assert_eq!(said("kind_2_signals"), "Signals unknown");
    assert_eq!(said("industry"), "Industry unknown");
    assert_eq!(said("health_score"), "No health score in the last half year");
}

#[test]
fn a_correction_dated_after_what_the_source_knows_still_corrects() {
    let source = history(&[(3, 400, 2, 1.0)]);
    let until = day(400).end_of_day();
    let told = |n, kind, occurred, known, corrects| RecordedOutcome {
        kind,
        occurred_at: day(occurred),
        known_at: day(known),
        corrects,
        ..recorded_later((n, (0, 0, 1, 1, 100.0)))
    };
    let won = told(1, OutcomeKind::Won, 390, 391, None);
    let lost = told(2, OutcomeKind::Lost, 450, 451, Some(won.outcome_id));
    let mut source = SourceData { customers: vec![source], ..SourceData::default() };
    add_outcomes(&mut source, &[won, lost], day(460));
    assert_eq!(observed_until(&source, day(460)), Some(until));
    let newest = *cutoffs(&source, day(460), 90, 24).last().expect("a cutoff");
    assert_eq!(newest, until.plus_days(-90));
    assert!(!label(&source.customers[0], newest, 90).expanded, "it was not won after all");
}

#[test]
fn time_that_nobody_watched_holds_no_cutoff() {
    // A deal on day 400, and usage for three months longer.
    let history = history(&[(3, 400, 2, 1.0), (0, 490, 0, 1.0)]);
    let source = SourceData { customers: vec![history], ..SourceData::default() };
    let last = day(400).end_of_day();
    assert_eq!(observed_until(&source, day(390)), None, "later facts are not known yet");
    assert_eq!(cutoffs(&source, day(390), 90, 24), [], "nobody has watched a deal yet");
    assert_eq!(observed_until(&source, day(700)), Some(last));
    let expected = cutoffs(&source, last, 90, 24);
    assert_eq!(expected.last(), Some(&last.plus_days(-90)));
    assert_eq!(cutoffs(&source, day(700), 90, 24), expected, "waiting adds no cutoff");
}

/// A table of deals that ends three months before everything else must not teach that nobody expands.
#[test]
fn months_without_deals_are_no_months_without_expansions() {
    // Everybody buys every 30 days until day 310; usage goes on until day 400.
    let customer = |n: i32| {
        let deals = (0..10).map(|month| (3, 30 + 30 * month + n, 0, 100.0));
        let usage = (0..40).map(|week| (0, 10 * week + 10, 0, 1.0));
        history(&deals.chain(usage).collect::<Vec<Fact>>())
    };
    let source = SourceData { customers: (0..11).map(customer).collect(), ..SourceData::default() };
    let end = day(310).end_of_day();
    assert_eq!(observed_until(&source, day(400)), Some(end));
    let cutoffs = cutoffs(&source, day(400), 90, 24);
    assert_eq!(cutoffs.last(), Some(&end.plus_days(-90)));
    let labels = expansion_features::dataset(&source, &cutoffs, 90, &Slots::default()).labels;
    let expanded = labels.iter().filter(|label| label.expanded).count();
    assert_eq!(
        (expanded, labels.len()),
        (labels.len(), 11 * cutoffs.len()),
        "everybody always bought within a horizon"
    );
}
