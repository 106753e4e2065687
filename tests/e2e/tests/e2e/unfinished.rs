//! Half a refresh is never seen, and an older one never replaces a newer one.

use std::collections::BTreeMap;

use expansion_domain::{Envelope, Instant, RunCheckRequested};
use expansion_e2e::{LIST, REFRESH, Source, World, as_of, event_json, portfolio, weekly_run};
use expansion_fixtures::plan;
use expansion_local::Options;
use expansion_records::{Plan, Run, RunStage};
use expansion_store::now;
use serde_json::{Value, json};

/// A run that is planned with so many shards, none of which anybody was told of: as if every event had been lost.
pub(crate) async fn planned(world: &World, at: Instant, shards: u32, before: &Run) -> Run {
    let run = world.control.create_run(Run::requested(at, "schedule", 90, now())).await.expect("it is on record");
    world.control.begin_training(&run.run_id).await.expect("it is written").expect("it was only asked for");
    let model = before.model().expect("a complete run has a model").clone();
    let previous = (before.run_id < run.run_id).then(|| before.reference());
    let planned = world.control.plan(&run.run_id, &Plan { model, previous, ..plan(shards) }).await;
    planned.expect("it is written").expect("it was being trained")
}

fn scores(rows: &[Value]) -> BTreeMap<String, Value> {
    rows.iter().map(|row| (row["customer_id"].to_string(), row["propensity_score"].clone())).collect()
}

/// The event of the schedule that looks after runs, so many minutes from now.
fn check(minutes: i64) -> Value {
    let at = Instant::from_micros(now().micros() + minutes * 60_000_000).expect("an instant");
    event_json(&Envelope::new(RunCheckRequested { as_of: at }))
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_the_run_before_until_the_last_shard_is_in() {
    let world = World::after_with(&[7], &Source::bucketed(4), Options::default()).await;
    let first = world.run(&weekly_run(as_of(7))).await;
    let seen = world.all_rows().await;
    let best = seen[0]["customer_id"].as_str().expect("an id");
    let answer = world.customer(best).await;

    let second = planned(&world, as_of(0), 4, &first).await;
    for shard in [2, 0, 2] {
        world.score(&second.run_id, shard).await;
    }
    assert!(world.rows_stored().await > seen.len(), "half of the second run's rows are there");
    assert_eq!(world.run(&second.run_id).await.plan().map(|plan| plan.done.len()), Some(2));
    assert_eq!(world.current().await.as_ref(), Some(&first.run_id));
    assert_eq!(world.all_rows().await, seen);
    for row in &seen {
        let answer = world.customer(row["customer_id"].as_str().expect("an id")).await;
        assert_eq!(answer["run_id"], first.run_id.as_str());
        assert_eq!(answer["history"].as_array().map(Vec::len), Some(1), "the unfinished run is no history: {answer}");
    }
    assert_eq!(world.customer(best).await, answer);
    let progress = world.manager().get(&format!("{REFRESH}/{}", second.run_id)).await.ok();
    assert_eq!(progress["progress"], json!({"done": 2, "shards": 4}));
    assert_eq!((&progress["state"], &progress["rows"]), (&json!("scoring"), &Value::Null));

    world.publish(&check(10)).await;
    assert_eq!(world.run(&second.run_id).await.plan().map(|plan| plan.done.len()), Some(2), "it is not stalled yet");

    world.publish(&check(21)).await;
    assert_eq!(world.run(&second.run_id).await.stage(), RunStage::Complete);
    assert_eq!(world.current().await.as_ref(), Some(&second.run_id));
    let rows = world.all_rows().await;
    let before = scores(&seen);
    let mut compared = 0;
    for row in &rows {
        let Some(previous) = before.get(&row["customer_id"].to_string()) else {
            assert_eq!(row["trend"], Value::Null, "a new customer has no trend: {row}");
            continue;
        };
        let delta = row["propensity_score"].as_i64().zip(previous.as_i64()).map(|(now, then)| now - then);
        assert_eq!(row["trend"], json!({"previous_score": previous, "delta": delta}));
        compared += 1;
    }
    assert!(compared > 100, "{compared} customers are in both runs");
    let customer = rows.iter().find(|row| !row["trend"].is_null()).expect("somebody was in both");
    let answer = world.customer(customer["customer_id"].as_str().expect("an id")).await;
    let history = answer["history"].as_array().expect("a history");
    assert_eq!(history.len(), 2);
    assert_eq!(history[0]["propensity_score"], customer["propensity_score"]);
    assert_eq!(history[1]["propensity_score"], customer["trend"]["previous_score"]);
    assert!(history[0]["calculated_at"].as_str() > history[1]["calculated_at"].as_str());
    assert_eq!(world.stack.dead_letters(), Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_killed_before_it_was_closed_is_closed_by_the_next_check() {
    let world = World::after_with(&[7], &Source::bucketed(2), Options::default()).await;
    let first = world.run(&weekly_run(as_of(7))).await;
    let second = planned(&world, as_of(0), 2, &first).await;
    world.score(&second.run_id, 0).await;
    // The last shard is in, but its scorer was killed before it could close the run.
    let empty = expansion_records::RunSummary::default();
    world.control.put_shard(&second, 1, &empty, Vec::new()).await.expect("it is written");
    world
        .control
        .finish_shard(&second.run_id, &second.model().expect("it is planned").model_id, 1)
        .await
        .expect("it is written");
    assert_eq!(world.current().await.as_ref(), Some(&first.run_id));

    world.publish(&check(21)).await;
    let closed = world.run(&second.run_id).await;
    assert_eq!(closed.stage(), RunStage::Complete);
    assert_eq!(world.current().await, Some(second.run_id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_only_asked_for_is_begun_by_the_next_check() {
    let world = World::over(&Source::young()).await;
    let asked = Run::requested(as_of(0), "schedule", 90, now());
    world.control.create_run(asked.clone()).await.expect("it is on record");
    world.publish(&check(21)).await;
    assert_eq!(world.run(&asked.run_id).await.stage(), RunStage::Complete);
    let before = world.everything().await;
    world.publish(&check(60)).await;
    assert_eq!(world.everything().await, before, "a run that is over needs no help");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_run_that_finishes_later_does_not_replace_a_newer_one() {
    let world = World::after_with(&[14], &Source::bucketed(3), Options::default()).await;
    let oldest = world.run(&weekly_run(as_of(14))).await;
    let older = planned(&world, as_of(7), 3, &oldest).await;
    world.score(&older.run_id, 1).await;
    let newer = world.refreshed(as_of(0)).await;
    let seen = world.all_rows().await;

    for shard in [0, 2] {
        world.score(&older.run_id, shard).await;
    }
    world.settle().await;
    assert_eq!(world.run(&older.run_id).await.stage(), RunStage::Complete);
    assert_eq!(world.current().await.as_ref(), Some(&newer.run_id));
    assert_eq!(world.all_rows().await, seen);

    // The same through the front door: a refresh as of an earlier day is history, not news.
    let champion = world.everything().await["expansion_control pointer champion"].clone();
    let oldest = world.refreshed(as_of(30)).await;
    assert_eq!(world.current().await.as_ref(), Some(&newer.run_id));
    assert_eq!(world.manager().get(LIST).await.ok()["run"]["run_id"], newer.run_id.as_str());
    assert_eq!(oldest.plan().expect("it is complete").previous, None, "it is compared with no later run");
    assert_eq!(world.everything().await["expansion_control pointer champion"], champion);
    let answer = world.customer(seen[0]["customer_id"].as_str().expect("an id")).await;
    let when: Vec<&str> =
        answer["history"].as_array().into_iter().flatten().filter_map(|h| h["calculated_at"].as_str()).collect();
    assert!(when.is_sorted_by(|a, b| a > b), "history is newest first: {when:?}");
    assert_eq!(answer["run_id"], newer.run_id.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_that_is_tried_again_over_another_source_counts_nobody_twice() {
    let source = Source::bucketed(4);
    let world = World::after_with(&[7], &source, Options::default()).await;
    let first = world.run(&weekly_run(as_of(7))).await;
    let second = planned(&world, as_of(0), 4, &first).await;
    world.score(&second.run_id, 3).await;
    world.score(&second.run_id, 1).await;
    let answer = world.score(&second.run_id, 4).await;
    assert_eq!(answer["batchItemFailures"][0]["itemIdentifier"], "m1", "there are four shards only");
    assert_eq!(world.run(&second.run_id).await.stage(), RunStage::Scoring, "which harms nothing");
    world.control.fail(&second.run_id, RunStage::Scoring, "somebody pulled the plug").await.expect("it is written");

    source.replace(&portfolio(), Some(2));
    let retried = world.refreshed(as_of(0)).await;
    assert_eq!((&retried.run_id, retried.stage()), (&second.run_id, RunStage::Complete));
    assert_eq!(retried.plan().map(|plan| plan.shards), Some(2));
    let rows = world.all_rows().await;
    assert_eq!(retried.summary().map(|summary| summary.rows), Some(rows.len() as u64));
    assert_eq!(scores(&rows).len(), rows.len(), "nobody is listed twice");
    let other = World::after(&[7, 0]).await;
    assert_eq!(rows, other.all_rows().await, "as if the first attempt had never been");
}
