//! What comes twice is done once.

use std::time::{SystemTime, UNIX_EPOCH};

use expansion_e2e::{REFRESH, Source, World, as_of, weekly_run, within};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_event_changes_no_item_of_any_table() {
    let world = World::after(&[0]).await;
    let run = weekly_run(as_of(0));
    let before = world.everything().await;

    world.publish(&world.weekly_event(as_of(0))).await;
    for shard in 0..3 {
        let answer = world.score(&run, shard).await;
        assert_eq!(answer["batchItemFailures"], Value::Array(Vec::new()));
    }
    let trained = within("the trainer", world.stack.invoke("trainer", world.weekly_event(as_of(0)))).await;
    assert_eq!(trained.expect("the trainer answers")["state"], "complete");
    world.settle().await;
    assert_eq!(world.everything().await, before);
    assert_eq!(world.stack.dead_letters(), Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_stands_for_one_refresh() {
    let world = World::over(&Source::young()).await;
    let manager = world.manager();
    let ask = async |key: &str, day: u32| {
        let body = format!(r#"{{"as_of":"2026-06-{day}"}}"#);
        manager.post(REFRESH, &[("idempotency-key", key)], &body).await
    };
    let first = ask("monday", 30).await;
    let again = ask("monday", 30).await;
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!(first.body["run_id"], again.body["run_id"]);
    let conflict = ask("monday", 29).await.problem(409, "idempotency-conflict");
    assert!(conflict["detail"].as_str().is_some_and(|detail| detail.contains("2026-06-30T23:59:59Z")), "{conflict}");
    let other = ask("tuesday", 30).await;
    assert_ne!(other.body["run_id"], first.body["run_id"]);

    world.settle().await;
    let keyed = manager.post(REFRESH, &[("idempotency-key", "monday")], "").await;
    assert_eq!(keyed.body["run_id"], first.body["run_id"], "without an as_of the key's own is meant");
    assert_eq!(keyed.body["state"], "complete");
    let runs = world.everything().await;
    assert_eq!(runs.keys().filter(|key| key.starts_with("expansion_control run ")).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clicks_within_a_minute_are_one_refresh() {
    let world = World::over(&Source::young()).await;
    let manager = world.manager();
    loop {
        let minute = this_minute();
        let first = manager.post(REFRESH, &[], "").await;
        let again = manager.post(REFRESH, &[], "").await;
        // The minute may have ended in between.
        if this_minute() == minute {
            assert_eq!((first.status, again.status), (202, 202));
            assert_eq!(first.body["run_id"], again.body["run_id"]);
            break;
        }
    }
    world.settle().await;
}

#[expect(clippy::disallowed_methods, reason = "the test has to know whether the minute ended while it ran")]
fn this_minute() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() / 60
}
