//! Runs: begun once, their shards a set, closed once; and which one readers see.

use std::collections::{BTreeMap, BTreeSet};

use expansion_backend::Backend;
use expansion_domain::{DataGrade, DataIssue, RunId, StaleTable, Table};
use expansion_fixtures::{MODEL_ID, as_of, at, listed, model_summary, plan, requested};
use expansion_records::{Facet, Listed, Order, Plan, Run, RunStage, RunState, RunSummary, Standing, Tally};
use expansion_store::{ControlTable, TOP_ROWS};
use futures::future::join_all;

use crate::control;

/// The weekly run so many days before.
fn weekly(days: i32) -> Run {
    Run::requested(as_of().plus_days(-days), "schedule", 90, at("2026-07-01T06:00:00Z"))
}

async fn asked_for(control: &ControlTable, run: &Run) -> Run {
    control.create_run(run.clone()).await.expect("written")
}

/// A run that is being scored in so many shards.
async fn planned(control: &ControlTable, run: &Run, shards: u32) -> Run {
    asked_for(control, run).await;
    control.begin_training(&run.run_id).await.expect("written").expect("it was only asked for");
    let planned = control.plan(&run.run_id, &plan(shards)).await;
    planned.expect("written").expect("it was being trained")
}

async fn finish(control: &ControlTable, run: &Run, shard: u32) -> Option<Run> {
    control.finish_shard(&run.run_id, MODEL_ID, shard).await.expect("an answer")
}

async fn stage(control: &ControlTable, run: &Run) -> RunStage {
    control.expect_run(&run.run_id).await.expect("on record").stage()
}

fn ids(runs: &[Run]) -> Vec<&RunId> {
    runs.iter().map(|run| &run.run_id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_put_on_record_once() {
    let backend = Backend::start().await;
    let control = &control(&backend);
    let first = requested();
    assert_eq!(control.run(&first.run_id).await.expect("readable"), None);
    let again = Run { requested_at: at("2026-07-02"), touched_at: at("2026-07-02"), ..first.clone() };
    let created = join_all([&first, &again].map(|run| asked_for(control, run))).await;
    assert_eq!(created[0], created[1], "both are told of the one that was quicker");
    assert_eq!(control.expect_run(&first.run_id).await.expect("on record"), created[0]);
    let absent = control.expect_run(&weekly(7).run_id).await.expect_err("nobody asked for it");
    assert!(!absent.is_transient() && absent.to_string().contains(weekly(7).run_id.as_str()), "{absent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_forward_only() {
    let backend = Backend::start().await;
    let control = &control(&backend);
    let run = &requested();
    let issues = [DataIssue {
        table: Table::Products,
        reason: "odd".to_owned(),
        count: 2,
        example: "products/a.csv:2".to_owned(),
        grade: DataGrade::Warned,
    }];
    let stale = vec![StaleTable { table: Table::UsageMetrics, newest: run.as_of.plus_days(-150), days: 150 }];
    let plan = Plan { previous: Some(weekly(7).reference()), data_issues: issues.to_vec(), stale, ..plan(2) };
    let plan_it = async || control.plan(&run.run_id, &plan).await;
    asked_for(control, run).await;
    assert_eq!(plan_it().await.expect("an answer"), None, "nobody trains it");
    assert_eq!(finish(control, run, 0).await, None);
    assert_eq!(control.complete(&run.run_id).await.expect("an answer"), None);
    assert_eq!(control.reopen(&run.run_id).await.expect("an answer"), None, "it has not failed");

    let training = control.begin_training(&run.run_id).await.expect("written").expect("it was only asked for");
    assert_eq!(training.state, RunState::Training);
    control.begin_training(&run.run_id).await.expect("written").expect("the trainer may be called twice");
    let scoring = plan_it().await.expect("written").expect("it was being trained");
    let planned = scoring.plan().expect("a plan");
    assert_eq!((&planned.model, planned.shards, planned.done.len()), (&model_summary(), 2, 0));
    assert_eq!((&planned.previous, &planned.data_issues[..]), (&Some(weekly(7).reference()), &issues[..]));
    assert_eq!(control.begin_training(&run.run_id).await.expect("an answer"), None, "it is further");
    assert_eq!(plan_it().await.expect("an answer"), None);

    for shard in [0, 1] {
        finish(control, run, shard).await.expect("it is being scored");
    }
    let summary = RunSummary { rows: 3, ..RunSummary::default() };
    let closing = control.summarise(&run.run_id, &summary).await.expect("written").expect("it is being scored");
    assert!(matches!(&closing.state, RunState::Closing(_, found) if *found == summary), "{closing:?}");
    let complete = control.complete(&run.run_id).await.expect("written").expect("it was being scored");
    assert_eq!((complete.stage(), complete.summary()), (RunStage::Complete, Some(&summary)));
    for refused in [
        control.complete(&run.run_id).await,
        control.summarise(&run.run_id, &RunSummary::default()).await,
        control.begin_training(&run.run_id).await,
        control.finish_shard(&run.run_id, MODEL_ID, 1).await,
        control.fail(&run.run_id, RunStage::Scoring, "too late").await,
    ] {
        assert_eq!(refused.expect("an answer"), None, "what is complete stays as it is");
    }
    assert_eq!(control.expect_run(&run.run_id).await.expect("on record"), complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_fails_only_where_that_was_found_out_and_is_taken_up_again() {
    let backend = Backend::start().await;
    let control = &control(&backend);
    let run = &requested();
    planned(control, run, 2).await;
    finish(control, run, 1).await.expect("it is being scored");
    let late = control.fail(&run.run_id, RunStage::Training, "no source").await.expect("an answer");
    assert_eq!(late, None, "somebody has brought it further");
    let failed =
        control.fail(&run.run_id, RunStage::Scoring, "no source").await.expect("written").expect("it was there");
    assert_eq!((failed.failure(), stage(control, run).await), (Some("no source"), RunStage::Failed));
    assert_eq!(control.open_runs().await.expect("readable"), []);

    let reopened = control.reopen(&run.run_id).await.expect("written").expect("it had failed");
    assert_eq!((&reopened.state, reopened.failure()), (&RunState::Requested, None));
    assert_eq!(ids(&control.open_runs().await.expect("readable")), [&run.run_id]);
    control.begin_training(&run.run_id).await.expect("written").expect("it was asked for again");
    let planned = control.plan(&run.run_id, &plan(3)).await.expect("written").expect("trained");
    assert_eq!(planned.plan().expect("a plan").done, BTreeSet::new(), "the first attempt's shards count no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_counts_once_and_only_with_the_runs_model() {
    let backend = Backend::start().await;
    let control = &control(&backend);
    let run = &requested();
    planned(control, run, 3).await;
    for shard in [2, 0, 2, 2] {
        finish(control, run, shard).await.expect("it is being scored");
    }
    let other = control.finish_shard(&run.run_id, "m-2", 1).await.expect("an answer");
    assert_eq!(other, None, "it was scored with another model");
    let plan = control.expect_run(&run.run_id).await.expect("on record").plan().cloned().expect("a plan");
    assert_eq!((plan.done.clone(), plan.missing_shards().collect::<Vec<_>>()), (BTreeSet::from([0, 2]), vec![1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_finish_shards_at_once_just_one_sees_the_run_become_whole() {
    let backend = Backend::start().await;
    let control = &control(&backend);
    let run = &requested();
    planned(control, run, 24).await;
    let updates = join_all((0..24).map(|shard| finish(control, run, shard))).await;
    let done: BTreeSet<usize> = updates.iter().flatten().map(|run| run.plan().expect("a plan").done.len()).collect();
    assert_eq!(done, (1..=24).collect(), "each sees one more than another");
}

#[tokio::test(flavor = "multi_thread")]
async fn open_runs_are_those_that_are_not_over_and_the_latest_is_by_what_it_knows() {
    let backend = Backend::start().await;
    let control = &control(&backend);
    assert_eq!(control.latest_run().await.expect("readable"), None);
    // Asked for in another order than they know things.
    for days in [7, 0, 21, 14] {
        asked_for(control, &weekly(days)).await;
    }
    control
        .fail(&weekly(14).run_id, RunStage::Requested, "nothing there")
        .await
        .expect("written")
        .expect("it was there");
    planned(control, &weekly(7), 1).await;
    let open = control.open_runs().await.expect("readable");
    assert_eq!(ids(&open), [21, 7, 0].map(weekly).iter().map(|run| &run.run_id).collect::<Vec<_>>());
    assert_eq!(control.latest_run().await.expect("readable").map(|run| run.run_id), Some(requested().run_id));
}

#[tokio::test(flavor = "multi_thread")]
async fn complete_runs_are_found_up_to_one_newest_first() {
    let backend = Backend::start().await;
    let control = &control(&backend);
    for days in [0, 7, 14, 21, 28] {
        let run = planned(control, &weekly(days), 1).await;
        finish(control, &run, 0).await.expect("it is being scored");
        control.summarise(&run.run_id, &RunSummary::default()).await.expect("written");
        if days != 14 {
            control.complete(&run.run_id).await.expect("written").expect("it was being scored");
        }
    }
    let found = async |until, most| control.complete_runs(&weekly(until).run_id, most).await.expect("readable");
    let runs = |days: &[i32]| days.iter().map(|days| weekly(*days).run_id).collect::<BTreeSet<RunId>>();
    assert_eq!(found(7, 10).await, runs(&[7, 21, 28]));
    assert_eq!(found(7, 2).await, runs(&[7, 21]), "one that is not complete is passed over");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_the_newest_run_whoever_is_last() {
    let backend = Backend::start().await;
    let control = &control(&backend);
    assert_eq!(control.current_run().await.expect("readable"), None);
    let point_to = async |run: Run| control.point_to(&run).await.expect("an answer");
    assert!(point_to(weekly(7)).await);
    assert!(point_to(weekly(7)).await, "they see it already");
    assert!(!point_to(weekly(14)).await, "they see a newer one");
    assert!(point_to(weekly(0)).await);
    assert!(!point_to(weekly(7)).await);
    // One that knows as much and was asked for later is newer.
    let again = Run::requested(as_of(), "by hand", 90, at("2026-07-03"));
    assert!(point_to(again.clone()).await);
    assert!(!point_to(weekly(0)).await);
    let current = control.current_run().await.expect("readable").expect("a run");
    assert_eq!((current.run, current.previous), (again.reference(), Some(weekly(0).reference())));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_runs_that_end_at_once_the_newest_is_seen() {
    let backend = Backend::start().await;
    let control = &control(&backend);
    let runs: Vec<Run> = [14, 0, 35, 7, 28, 21].map(weekly).into();
    let seen = join_all(runs.iter().map(|run| control.point_to(run))).await;
    let current = control.current_run().await.expect("readable").expect("a run");
    assert_eq!(current.run, weekly(0).reference());
    for (run, seen) in runs.iter().zip(seen) {
        let was_newest = seen.expect("an answer");
        assert!(was_newest || *run != weekly(0), "the newest was seen");
    }
    let previous = current.previous.is_none_or(|previous| current.run.is_newer_than(&previous));
    assert!(previous, "the one before knew less");
}

/// Rows with scores 1 to 99, worth the less the higher the score; every hundredth customer is newly ready.
fn rows(from: usize, count: usize) -> Vec<Listed> {
    let row = |n: usize| {
        let score = u8::try_from(1 + n % 99).expect("a score");
        let value = Some(f64::from(u32::try_from(n).expect("few")));
        let newly_ready = n.is_multiple_of(100);
        Listed { expected_value: value, priority: None, newly_ready, ..listed(&format!("c-{n:05}"), score) }
    };
    (from..from + count).map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_add_up_to_the_run_and_leave_the_best_in_every_order() {
    let backend = Backend::start().await;
    let control = &control(&backend);
    let run = planned(control, &requested(), 2).await;
    let summary = |rows: u64| {
        let smb = BTreeMap::from([(Standing::InProgress, Tally { customers: rows, expected_value: None })]);
        let facets = BTreeMap::from([(Facet::Segment, BTreeMap::from([("SMB".into(), smb)]))]);
        RunSummary { rows, facets, ..RunSummary::default() }
    };
    let shards = [rows(0, 1500), rows(1500, 2500)];
    for (shard, rows) in (0..).zip(&shards) {
        control.put_shard(&run, shard, &summary(rows.len() as u64), rows.clone()).await.expect("written");
        // Delivered twice.
        control.put_shard(&run, shard, &summary(rows.len() as u64), rows.clone()).await.expect("written");
    }
    // An attempt before had three shards.
    control.put_shard(&run, 2, &summary(7), rows(9000, 7)).await.expect("written");

    let (merged, best) = control.merge_shards(&run.run_id, 2).await.expect("readable");
    assert_eq!(merged, summary(4000));
    let all: Vec<Listed> = shards.concat();
    let ready = all.iter().filter(|row| row.newly_ready).count();
    assert_eq!(best.iter().filter(|row| row.newly_ready).count(), ready, "nobody is forgotten who is to be told of");

    control.put_top(&run.run_id, best).await.expect("written");
    let top = control.top(&run.run_id).await.expect("readable");
    for order in Order::ALL {
        let [mut wanted, mut found] = [all.clone(), top.clone()];
        for rows in [&mut wanted, &mut found] {
            order.sort(rows);
            rows.truncate(TOP_ROWS);
        }
        assert_eq!(found, wanted, "{order:?}");
    }
    assert!(top.len() <= 3 * TOP_ROWS && top.is_sorted_by_key(|row| std::cmp::Reverse(row.propensity_score)));
}
