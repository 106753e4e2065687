//! Portfolios that are longer than the ready-made top list.

use expansion_domain::row_id;
use expansion_e2e::{World, as_of};
use expansion_fixtures::{self as fixtures, MODEL_ID, listed, plan};
use expansion_local::Options;
use expansion_records::{Listed, Propensity, Run, RunSummary};
use expansion_store::now;
use serde_json::Value;

/// More customers than the thousand that a run keeps ready.
const CUSTOMERS: u64 = 1400;

/// A complete run of invented rows, with many equal scores: a portfolio of 700, one of 350, and 350 without a CSM.
async fn run_of_invented_rows(world: &World) -> Run {
    let run = world.control.create_run(Run::requested(as_of(0), "test", 90, now())).await.expect("it is on record");
    world.control.begin_training(&run.run_id).await.expect("it is written");
    let planned = world.control.plan(&run.run_id, &plan(1)).await.expect("it is written");
    let run = planned.expect("it was being trained");
    let rows: Vec<Propensity> = (0..CUSTOMERS).map(|n| row(&run, n)).collect();
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_mins(1);
    world.propensities.write(&rows, deadline).await.expect("they are written");
    let summary = RunSummary::of(&rows);
    let listed: Vec<Listed> = rows.into_iter().map(|row| row.listed).collect();
    world.control.put_shard(&run, 0, &summary, listed).await.expect("it is written");
    world.control.finish_shard(&run.run_id, MODEL_ID, 0).await.expect("it is written");
    // There is nothing left to score, so the scorer closes the run.
    world.score(&run.run_id, 0).await;
    run
}

fn row(run: &Run, n: u64) -> Propensity {
    let customer_id = format!("c{:04}", n * 37 % CUSTOMERS);
    let csm_id = match n % 4 {
        0 | 1 => Some("csm-1".into()),
        2 => Some("csm-2".into()),
        _ => None,
    };
    // Six in ten have the same score.
    let score = if n % 5 < 3 { 5 } else { u8::try_from(1 + n % 60).expect("a score") };
    let listed = Listed {
        calculated_at: run.calculated_at,
        csm_id,
        segment: Some(if n.is_multiple_of(9) { "rare" } else { "common" }.into()),
        expected_value: Some(f64::from(u16::try_from(n * 13 % 997).expect("below a thousand"))),
        priority: None,
        newly_ready: false,
        ..listed(&customer_id, score)
    };
    Propensity { id: row_id(&run.run_id, &customer_id), run_id: run.run_id.clone(), listed, ..fixtures::row("c", 5) }
}

/// Score and customer of each row.
fn positions(rows: &[Value]) -> Vec<(u64, String)> {
    rows.iter().map(|row| (row["propensity_score"].as_u64().unwrap_or(0), row["customer_id"].to_string())).collect()
}

fn ranks(rows: &[Value]) -> Vec<u64> {
    rows.iter().filter_map(|row| row["rank"].as_u64()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_goes_on_below_the_best_thousand() {
    let world = World::start(Options::default()).await;
    run_of_invented_rows(&world).await;
    let all = world.all_rows().await;
    assert_eq!(ranks(&all), (1..=CUSTOMERS).collect::<Vec<_>>());
    let found = positions(&all);
    let mut expected = found.clone();
    expected.sort_by(|(a, x), (b, y)| b.cmp(a).then_with(|| x.cmp(y)));
    expected.dedup();
    assert_eq!(found, expected, "best first, equal scores by customer, nobody twice");
    assert_eq!(positions(&world.rows(&world.manager(), "limit=33").await), expected);

    let filtered =
        |wanted: &dyn Fn(&Value) -> bool| positions(&all.iter().filter(|row| wanted(row)).cloned().collect::<Vec<_>>());
    for (query, wanted) in [
        ("csm_id=csm-1&limit=41", filtered(&|row| row["csm_id"] == "csm-1")),
        (
            "csm_id=csm-2&limit=200&min_score=5",
            filtered(&|row| row["csm_id"] == "csm-2" && row["propensity_score"].as_u64() >= Some(5)),
        ),
        ("segment=rare&limit=13", filtered(&|row| row["segment"] == "rare")),
        ("min_score=3&limit=200", filtered(&|row| row["propensity_score"].as_u64() >= Some(3))),
        ("min_score=61", Vec::new()),
    ] {
        let rows = world.rows(&world.manager(), query).await;
        assert_eq!(positions(&rows), wanted, "{query}");
        assert_eq!(ranks(&rows), (1..=wanted.len() as u64).collect::<Vec<_>>(), "{query}");
    }
    assert_eq!(world.rows(&world.csm("csm-1"), "limit=77").await.len(), 700);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_by_value_shows_everybody_once_in_order() {
    let world = World::start(Options::default()).await;
    run_of_invented_rows(&world).await;
    let all = world.rows(&world.manager(), "sort=expected_value&limit=200").await;
    assert_eq!(ranks(&all), (1..=CUSTOMERS).collect::<Vec<_>>());
    let position = |row: &Value| (row["expected_value"].as_f64().unwrap_or(-1.0), row["customer_id"].to_string());
    let found: Vec<(f64, String)> = all.iter().map(position).collect();
    let in_order = |a: &(f64, String), b: &(f64, String)| a.0 > b.0 || (a.0 - b.0).abs() < 1e-9 && a.1 < b.1;
    assert!(found.is_sorted_by(in_order));
}
