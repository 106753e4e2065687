//! What was kept in a folder is there after a restart.

use expansion_e2e::{Source, World, as_of};
use expansion_local::Options;
use expansion_simulator::{Settings, simulate};
use jiff::civil::date;
use tempfile::TempDir;

fn kept_in(data: &TempDir) -> Options {
    Options { data_dir: Some(data.path().to_owned()), ..Options::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_run_outlives_a_restart() {
    let (source, data) = (Source::simulated(), TempDir::new().expect("a data folder"));
    let first = World::with(&source, kept_in(&data)).await;
    let run = first.refreshed(as_of(0)).await;
    let (listed, stored) = (first.all_rows().await, first.everything().await);
    first.stack.shutdown().await;

    let second = World::with(&source, kept_in(&data)).await;
    assert_eq!(second.everything().await, stored);
    assert_eq!(second.all_rows().await, listed);
    assert_eq!(second.refreshed(as_of(0)).await, run, "it is known to be done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_over_data_of_long_ago_outlives_a_restart_too() {
    let settings = Settings { customers: 250, months: 20, end: date(1998, 6, 30), seed: 1, drift: None };
    let mut portfolio = simulate(&settings);
    // Too few to learn from, which is quicker.
    portfolio.expansion_opportunities.truncate(10);
    let (source, data) = (Source::of(&portfolio, None), TempDir::new().expect("a data folder"));
    let first = World::with(&source, kept_in(&data)).await;
    first.refreshed("1998-06-30T23:59:59Z".parse().expect("an instant")).await;
    let stored = first.rows_stored().await;
    assert!(stored > 100);
    first.stack.shutdown().await;

    let second = World::with(&source, kept_in(&data)).await;
    assert_eq!(second.rows_stored().await, stored);
    let best = &second.all_rows().await[0];
    assert_eq!(second.customer(best["customer_id"].as_str().expect("an id")).await["rank"], 1);
}
