//! What a fit makes of a history that is not plausible.
#![allow(clippy::tests_outside_test_module, reason = "an integration test is one")]

use expansion_domain::{
    Contract, CustomerHistory, Instant, Opportunity, Reading, SourceData, Stage, Table, UsageSeries,
};
use expansion_model::{Doubt, scattered};
use expansion_training::{Fitted, Request, fit};

const DAYS: i32 = 720;
const HORIZON: i32 = 90;

fn day(offset: i32) -> Instant {
    "2024-01-01".parse::<Instant>().expect("a date").plus_days(offset)
}

/// A day between two, another for each number and purpose.
#[expect(clippy::cast_possible_truncation, reason = "a few hundred days")]
fn some_day(from: i32, to: i32, n: u32, purpose: u64) -> i32 {
    from + (f64::from(to - from) * scattered(purpose << 32 | u64::from(n))) as i32
}

/// Customers who buy once, most of them, and whose deals were opened so many days before they were won; who use the product
/// now and then; and whose only contract ends on the given day.
fn source(opened_before: impl Fn(u32) -> i32, ends: impl Fn(u32, i32) -> i32) -> SourceData {
    let customer = |n: u32| {
        let won = some_day(120, DAYS, n, 1);
        let deal = Opportunity {
            opportunity_id: format!("o{n}").into(),
            product_id: None,
            other_products: Vec::new(),
            stage: Stage::Won,
            amount: Some(f64::from(n)),
            created_at: day(won - opened_before(n)),
            closed_at: Some(day(won)),
            known_at: None,
            outcome_known_at: None,
        };
        let contract = Contract {
            contract_id: format!("k{n}").into(),
            product_id: None,
            quantity: Some(f64::from(n % 7)),
            annual_value: None,
            start_date: day(0),
            end_date: Some(day(ends(n, won))),
        };
        let reading = |week: u32| {
            let value = scattered(u64::from(n * 1000 + week)) * 100.0;
            Reading { at: day(i32::try_from(7 * week).expect("few")), value }
        };
        let logins = UsageSeries { metric: "logins".into(), readings: (0..100).map(reading).collect() };
        let mut history = CustomerHistory {
            segment: Some("SMB".into()),
            usage: vec![logins],
            contracts: vec![contract],
            opportunities: if n.is_multiple_of(4) { Vec::new() } else { vec![deal] },
            ..CustomerHistory::new(format!("c{n:03}").as_str().into(), day(0))
        };
        history.sort();
        history
    };
    let tables = vec![Table::Customers, Table::Contracts, Table::UsageMetrics, Table::ExpansionOpportunities];
    SourceData { customers: (0..300).map(customer).collect(), tables, ..SourceData::default() }
}

fn fitted(source: &SourceData) -> Fitted {
    let request = Request {
        model_id: "m".to_owned(),
        as_of: day(DAYS),
        horizon_days: u16::try_from(HORIZON).expect("few"),
        data_fingerprint: String::new(),
        stale_deal_days: 180,
        csm_capacity: 10,
    };
    fit(source, &request, None).expect("it can be fitted")
}

fn of_kind(fitted: &Fitted, kind: fn(&Doubt) -> bool) -> Vec<&str> {
    fitted.manifest.doubts.iter().filter(|doubt| kind(doubt)).filter_map(Doubt::feature).collect()
}

#[test]
fn a_column_that_tells_the_outcome_is_dropped_and_named() {
    // Every deal that will be won was entered a horizon before, to the day: whoever has an open deal will buy.
    let leaking = fitted(&source(|_| HORIZON, |n, _| some_day(0, DAYS, n, 2)));
    let leaks = of_kind(&leaking, |doubt| matches!(doubt, Doubt::SuspectedLeak { .. }));
    assert_eq!(leaks, ["open_deals", "open_deal_age"], "{:?}", leaking.manifest.doubts);
    let used = &leaking.manifest.features;
    assert!(!leaks.iter().any(|leak| used.iter().any(|name| name == leak)), "{used:?}");
    assert!(
        !used.is_empty() && leaks.iter().all(|leak| leaking.manifest.unused_features.contains(&(*leak).to_owned()))
    );
    assert!(leaking.manifest.metrics.is_some_and(|metrics| metrics.auc < 0.9), "{:?}", leaking.manifest.metrics);

    // Entered some time before, the same columns are no leak.
    let honest = fitted(&source(|n| some_day(5, 60, n, 3), |n, _| some_day(0, DAYS, n, 2)));
    assert!(of_kind(&honest, |doubt| matches!(doubt, Doubt::SuspectedLeak { .. })).is_empty());
    assert!(
        honest.manifest.features.iter().any(|name| name.starts_with("open_deal")),
        "{:?}",
        honest.manifest.features
    );
}

#[test]
fn what_says_nothing_is_named_where_its_table_is_there() {
    let fitted = fitted(&source(|_| 20, |n, _| some_day(0, DAYS, n, 2)));
    let hardly = of_kind(&fitted, |doubt| matches!(doubt, Doubt::HardlyFilled { .. }));
    assert!(hardly.contains(&"annual_value"), "no contract has one: {hardly:?}");
    assert!(!hardly.contains(&"health_score"), "that its table is missing is said of the table: {hardly:?}");
    assert!(of_kind(&fitted, |doubt| matches!(doubt, Doubt::Constant { .. })).contains(&"segment"));
}

#[test]
fn a_column_that_is_known_of_todays_customers_only_is_named() {
    let mut source = source(|_| 20, |n, _| some_day(0, DAYS, n, 2));
    for (n, history) in (0_u32..).zip(&mut source.customers) {
        history.usage[0].readings.retain(|reading| n < 30 || reading.at > day(DAYS - 60));
    }
    let fitted = fitted(&source);
    let gap = |doubt: &&Doubt| matches!(doubt, Doubt::FillGap { feature, .. } if feature == "usage_days_90");
    let Some(Doubt::FillGap { training, scoring, .. }) = fitted.manifest.doubts.iter().find(gap) else {
        panic!("{:?}", fitted.manifest.doubts)
    };
    assert!((*training - 0.1).abs() < 0.01 && *scoring > 0.99, "{training} {scoring}");
}

#[test]
fn renewals_among_the_deals_are_named() {
    let renewals = |fitted: &Fitted| fitted.manifest.doubts.iter().any(|doubt| matches!(doubt, Doubt::Renewals { .. }));
    assert!(renewals(&fitted(&source(|_| 20, |n, won| won + some_day(-5, 20, n, 4)))));
    assert!(!renewals(&fitted(&source(|_| 20, |n, _| some_day(0, DAYS, n, 2)))));
}
