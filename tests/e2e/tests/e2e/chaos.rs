//! Deliveries that come late, twice and in any order.

use std::collections::BTreeMap;

use expansion_domain::Instant;
use expansion_e2e::{Source, World, as_of};
use expansion_local::Options;
use expansion_records::{Run, RunStage};
use serde_json::Value;

/// Each customer's score and its interval.
async fn scores(world: &World) -> BTreeMap<String, (Value, Value)> {
    let rows = world.all_rows().await.into_iter();
    rows.map(|row| (row["customer_id"].to_string(), (row["propensity_score"].clone(), row["confidence"].clone())))
        .collect()
}

/// A run over a bucketed source in a world where deliveries go wrong.
async fn refreshed_in_chaos(seed: u64, at: Instant) -> (World, Run) {
    let options = Options { chaos: Some(seed), ..Options::default() };
    let world = World::with(&Source::bucketed(5), options).await;
    // The schedule itself may fire twice, too.
    world.stack.put_event(&world.weekly_event(at)).expect("it is an event");
    let run = world.refreshed(at).await;
    (world, run)
}

#[tokio::test(flavor = "multi_thread")]
async fn late_and_repeated_deliveries_give_the_scores_of_an_orderly_run() {
    let expected = scores(&World::after(&[0]).await).await;

    for seed in [1, 2, 3] {
        let (world, run) = refreshed_in_chaos(seed, as_of(0)).await;
        let plan = run.plan().expect("it is planned");
        assert_eq!((run.stage(), plan.shards, plan.done.len()), (RunStage::Complete, 5, 5));
        assert_eq!(run.summary().map(|summary| summary.rows), Some(expected.len() as u64));
        assert_eq!(world.rows_stored().await, expected.len());
        assert_eq!(scores(&world).await, expected, "seed {seed}");
        assert_eq!(world.current().await, Some(run.run_id));
        assert_eq!(world.stack.dead_letters(), Vec::<Value>::new());
        let stored = world.everything().await;
        assert_eq!(stored.keys().filter(|key| key.starts_with("expansion_control run ")).count(), 1);
        assert!(stored.values().all(|item| !item.contains_key("open")), "no run is left open");
    }
}
