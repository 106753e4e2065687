use expansion_domain::{Contract, Opportunity, Product, Reading, Stakeholder};

use super::*;

const CUSTOMERS: usize = 40;

fn at(day: i32) -> Instant {
    "2026-01-01".parse::<Instant>().expect("a date").plus_days(day)
}

/// Forty customers of two years, about whom nothing is odd: each has a deal a year, every other one won, and weekly usage.
fn sound() -> SourceData {
    let customers = (0..CUSTOMERS).map(|c| {
        let offset = i32::try_from(c).expect("a small number");
        let mut history = CustomerHistory::new(format!("c{c:02}").into(), at(-730 + offset));
        history.segment = Some(if c % 2 == 0 { "SMB" } else { "Enterprise" }.into());
        for year in 0..2 {
            let created_at = at(-600 + 365 * year + 3 * offset);
            history.opportunities.push(Opportunity {
                opportunity_id: format!("o{c}-{year}").into(),
                product_id: Some("seats".into()),
                other_products: Vec::new(),
                stage: if c % 2 == 0 { Stage::Won } else { Stage::Lost },
                amount: Some(1000.0 + f64::from(offset)),
                created_at,
                closed_at: Some(created_at.plus_days(30)),
                known_at: None,
                outcome_known_at: None,
            });
        }
        let readings = (0..104).map(|week| Reading { at: at(-728 + 7 * week), value: f64::from(10 + week % 7) });
        history.usage.push(UsageSeries { metric: "active_seats".into(), readings: readings.collect() });
        history.contracts.push(Contract {
            contract_id: format!("k{c}").into(),
            product_id: Some("seats".into()),
            quantity: Some(f64::from(20 + offset % 5)),
            annual_value: Some(2400.0 + f64::from(offset)),
            start_date: at(-670 + 17 * offset),
            end_date: None,
        });
        history
    });
    let seats = Product {
        product_id: "seats".into(),
        name: Some("Seats".into()),
        kind: Some("seats".into()),
        unit: Some("seat".into()),
        list_price: Some(120.0),
    };
    SourceData {
        customers: customers.collect(),
        products: vec![seats],
        tables: vec![
            Table::Customers,
            Table::Products,
            Table::Contracts,
            Table::UsageMetrics,
            Table::ExpansionOpportunities,
        ],
    }
}

/// What is found after something has been done to every sound customer.
fn found(change: impl Fn(usize, &mut CustomerHistory)) -> Vec<(DataGrade, DataConcern)> {
    let mut source = sound();
    for (c, customer) in source.customers.iter_mut().enumerate() {
        change(c, customer);
        customer.sort();
    }
    let report = data_report(&source, at(0), 14);
    report.findings.into_iter().map(|finding| (finding.grade, finding.concern)).collect()
}

fn day(offset: i32) -> Date {
    at(offset).date()
}

#[test]
fn a_sound_source_is_fine_and_its_tables_are_described() {
    let report = data_report(&sound(), at(0), 14);
    assert_eq!((report.grade, &report.findings[..], &report.stale[..]), (DataGrade::Fine, &[][..], &[][..]));
    let deals = report.tables.iter().find(|table| table.table == Table::ExpansionOpportunities).expect("a table");
    assert_eq!((deals.facts, deals.customers), (2 * CUSTOMERS, CUSTOMERS));
    assert_eq!(deals.first, Some(at(-600)));
    let stage = deals.columns.iter().find(|column| column.column == "stage").expect("a column");
    let words: Vec<_> = stage.words.iter().map(|word| (&*word.word, word.rows)).collect();
    assert_eq!(words, [("lost", 40), ("won", 40)]);
    let customers = &report.tables[0];
    let segment = customers.columns.iter().find(|column| column.column == "segment").expect("a column");
    assert!((segment.filled - 1.0).abs() < 1e-12 && segment.constant.is_none());
    let name = customers.columns.iter().find(|column| column.column == "name").expect("a column");
    assert!(name.filled.abs() < 1e-12);
    let product = deals.columns.iter().find(|column| column.column == "product_id").expect("a column");
    assert_eq!(product.constant.as_deref(), Some("seats"));
}

#[test]
fn deals_that_close_without_a_win_are_wrong() {
    let none = found(|_, customer| customer.opportunities.retain(|deal| deal.stage != Stage::Won));
    assert_eq!(none[0], (DataGrade::Wrong, DataConcern::NoWonDeal { lost: 40, open: 0 }));
    let unknown_stages = found(|_, customer| {
        for deal in &mut customer.opportunities {
            (deal.stage, deal.closed_at) = (Stage::Open, None);
        }
    });
    assert_eq!(unknown_stages[0], (DataGrade::Wrong, DataConcern::NoWonDeal { lost: 0, open: 80 }));
    let few = found(|c, customer| {
        if c >= 5 {
            customer.opportunities.clear();
        }
        customer.opportunities.retain(|deal| deal.stage != Stage::Won);
    });
    assert!(
        few.iter().all(|(grade, _)| *grade != DataGrade::Wrong),
        "a start-up may have lost its first deals: {few:?}"
    );
}

#[test]
fn a_day_that_most_rows_share_is_said_and_one_that_all_deals_share_is_wrong() {
    let migrated = found(|_, customer| customer.created_at = at(-150));
    let same = |table, column: &str, day, share| DataConcern::SameDay { table, column: column.to_owned(), day, share };
    assert!(migrated.contains(&(DataGrade::Warned, same(Table::Customers, "created_at", day(-150), 1.0))));
    let most = found(|c, customer| {
        if c < 30 {
            customer.created_at = at(-150);
        }
    });
    assert!(most.contains(&(DataGrade::Warned, same(Table::Customers, "created_at", day(-150), 0.75))));
    let closed = found(|_, customer| {
        for deal in &mut customer.opportunities {
            deal.closed_at = Some(at(-20_454));
        }
    });
    assert!(closed.contains(&(DataGrade::Wrong, same(Table::ExpansionOpportunities, "closed_at", day(-20_454), 1.0))));
    let imported = found(|_, customer| {
        for deal in &mut customer.opportunities {
            deal.created_at = at(-590);
        }
    });
    assert!(imported.contains(&(DataGrade::Warned, same(Table::ExpansionOpportunities, "created_at", day(-590), 1.0))));
    let epoch = found(|_, customer| {
        for reading in &mut customer.usage[0].readings {
            reading.at = at(-20_454);
        }
    });
    assert!(epoch.contains(&(DataGrade::Wrong, same(Table::UsageMetrics, "recorded_at", day(-20_454), 1.0))));
    let begun = found(|_, customer| customer.usage[0].readings.retain(|reading| reading.at >= at(-7)));
    assert!(begun.contains(&(DataGrade::Warned, same(Table::UsageMetrics, "recorded_at", day(-7), 1.0))));
    let contacts = found(|c, customer| {
        customer.stakeholders.push(Stakeholder {
            recorded_at: at(-300),
            stakeholder_id: format!("p{c}").into(),
            role: Some("user".into()),
            title: None,
            name: None,
        });
    });
    assert_eq!(contacts, [], "the table is not in the source");
}

#[test]
fn a_column_of_one_number_is_said() {
    let flat = found(|_, customer| {
        for reading in &mut customer.usage[0].readings {
            reading.value = 10.0;
        }
    });
    let constant = DataConcern::Constant {
        table: Table::UsageMetrics,
        column: "value".to_owned(),
        value: "10".to_owned(),
        rows: 104 * CUSTOMERS,
    };
    assert_eq!(flat, [(DataGrade::Warned, constant)]);
}

#[test]
fn a_metric_that_ends_or_begins_for_everybody_is_said() {
    let changed = found(|_, customer| {
        let series = |metric: &str, weeks: std::ops::Range<i32>| UsageSeries {
            metric: metric.into(),
            readings: weeks.map(|week| Reading { at: at(-728 + 7 * week), value: f64::from(week) }).collect(),
        };
        customer.usage.push(series("api_calls", 0..100));
        customer.usage.push(series("logins", 60..104));
    });
    let (ended, began) = ("api_calls".into(), "logins".into());
    assert_eq!(
        changed,
        [
            (DataGrade::Warned, DataConcern::MetricEnded { metric: ended, last: day(-35), customers: CUSTOMERS }),
            (DataGrade::Warned, DataConcern::MetricBegan { metric: began, first: day(-308), customers: CUSTOMERS }),
        ]
    );
}

#[test]
fn ids_units_and_rates_that_cannot_be_are_said() {
    let strangers = found(|c, customer| {
        if c > 0 {
            customer.usage.clear();
        }
    });
    let few = DataConcern::FewCustomers { table: Table::UsageMetrics, customers: 1, of: CUSTOMERS };
    assert!(strangers.contains(&(DataGrade::Warned, few)), "{strangers:?}");
    let thousands = found(|_, customer| customer.contracts[0].quantity = Some(0.02));
    assert!(
        thousands.iter().any(|(_, concern)| matches!(concern, DataConcern::SeatUnits { ratio } if *ratio > 100.0)),
        "{thousands:?}"
    );
    let renewals = found(|c, customer| {
        for quarter in 0..8 {
            let deal = &customer.opportunities[0];
            let created_at = at(-700 + 85 * quarter);
            let deal = Opportunity {
                opportunity_id: format!("r{c}-{quarter}").into(),
                stage: Stage::Won,
                created_at,
                closed_at: Some(created_at.plus_days(20)),
                ..deal.clone()
            };
            customer.opportunities.push(deal);
        }
    });
    assert!(
        renewals.iter().any(|(_, concern)| matches!(concern, DataConcern::BaseRate { rate } if *rate > 0.9)),
        "{renewals:?}"
    );
}

#[test]
fn a_table_that_has_ended_is_warned_of() {
    let report = data_report(&sound(), at(60), 14);
    assert_eq!(report.grade, DataGrade::Warned);
    let stale: Vec<_> = report.stale.iter().map(|stale| stale.table).collect();
    assert!(stale.contains(&Table::UsageMetrics), "{stale:?}");
}
