use std::fs;
use std::time::{Duration, SystemTime};

use expansion_backend::{BUCKET, BUS, Backend, CONTROL, Fault, PROPENSITIES};
use expansion_domain::{Detail, Envelope, RunCheckRequested, RunId, ShardRequested};
use expansion_fixtures::{MODEL_ID, as_of, at, listed, manifest, model, plan, requested};
use expansion_records::{Listed, Run, RunStage, RunSummary};
use lambda_runtime::Context;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::shard::{deadline, score};

/// A scorer with everything it talks to.
struct Scene {
    backend: Backend,
    state: State,
    /// Its source.
    folder: TempDir,
}

impl Scene {
    async fn new() -> Self {
        let backend = Backend::start().await;
        let folder = TempDir::new().expect("a folder");
        let source = folder.path().display().to_string();
        let value = move |name: &str| {
            Some(match name {
                "CONTROL_TABLE" => CONTROL.to_owned(),
                "PROPENSITY_TABLE" => PROPENSITIES.to_owned(),
                "BUCKET" => BUCKET.to_owned(),
                "EVENT_BUS" => BUS.to_owned(),
                "SOURCE_URI" => source.clone(),
                "MAX_BAD_ROWS" => "0.05".to_owned(),
                "STALE_DEAL_DAYS" => "180".to_owned(),
                "READY_GRADE" => "A".to_owned(),
                _ => return None,
            })
        };
        let state = State::new(&Config::new(value, backend.config.clone())).expect("these are all it reads");
        Self { backend, state, folder }
    }

    /// Puts the run on record.
    async fn requested(&self) -> Run {
        self.state.control.create_run(requested()).await.expect("written")
    }

    /// … and has it planned with so many shards.
    async fn planned(&self, shards: u32) -> Run {
        let run = self.requested().await;
        self.state.control.begin_training(&run.run_id).await.expect("written").expect("it was only asked for");
        let planned = self.state.control.plan(&run.run_id, &plan(shards)).await;
        planned.expect("written").expect("it was being trained")
    }

    /// … and has its one shard handed in: two customers, one of whom is newly ready.
    async fn whole(&self) -> Run {
        let run = self.planned(1).await;
        let rows = vec![listed("c-1", 94), Listed { newly_ready: false, ..listed("c-2", 20) }];
        let summary = RunSummary { rows: 2, ..RunSummary::default() };
        self.state.control.put_shard(&run, 0, &summary, rows).await.expect("written");
        self.state.control.finish_shard(&run.run_id, MODEL_ID, 0).await.expect("written").expect("it is being scored")
    }

    async fn run(&self) -> Run {
        self.state.control.expect_run(&requested().run_id).await.expect("on record")
    }

    /// Which run readers see.
    async fn current(&self) -> Option<RunId> {
        self.state.control.current_run().await.expect("readable").map(|current| current.run.run_id)
    }

    async fn score(&self, shard: u32) -> Result<(), Error> {
        score(&self.state, &requested().run_id, shard, soon()).await
    }

    /// The types of the events that were put, in order.
    fn events(&self) -> Vec<String> {
        let entries = self.backend.events().concat();
        entries.iter().map(|entry| entry["DetailType"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

fn soon() -> Deadline {
    tokio::time::Instant::now() + Duration::from_mins(1)
}

fn shard(shard: u32) -> String {
    body(ShardRequested { run_id: requested().run_id, shard })
}

fn body<D: Detail>(detail: D) -> String {
    serde_json::to_string(&Envelope::new(detail)).expect("JSON")
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a deadline is a time of day")]
fn some_time_is_left_for_handing_the_rest_on() {
    let (now, today) = (tokio::time::Instant::now(), SystemTime::now());
    let left = deadline(today + Duration::from_mins(1)) - now;
    assert!((49.0..=51.0).contains(&left.as_secs_f64()), "{left:?}");
    for late in [today + Duration::from_secs(3), today - Duration::from_secs(3)] {
        assert!(deadline(late) <= tokio::time::Instant::now(), "there is none left to work in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_not_being_scored_is_left_alone() {
    let scene = Scene::new().await;
    let control = &scene.state.control;
    let run = &scene.requested().await.run_id;
    for stage in [RunStage::Requested, RunStage::Training, RunStage::Failed] {
        match stage {
            RunStage::Training => drop(control.begin_training(run).await.expect("written")),
            RunStage::Failed => drop(control.fail(run, RunStage::Training, "no source").await.expect("written")),
            _ => {}
        }
        let before = scene.run().await;
        assert_eq!(before.stage(), stage);
        scene.score(0).await.expect("there is nothing to do");
        assert_eq!(scene.run().await, before);
    }
    assert_eq!((scene.current().await, scene.events()), (None, Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_the_run_does_not_have_harms_nothing() {
    let scene = Scene::new().await;
    let run = scene.planned(2).await;
    let error = scene.score(2).await.expect_err("it has two");
    assert!(matches!(&error, Error::NoSuchShard { shard: 2, .. }) && !error.is_transient(), "{error}");
    let unknown = RunId::derive(as_of(), "by hand", 90);
    let error = score(&scene.state, &unknown, 0, soon()).await.expect_err("nobody asked for it");
    assert!(matches!(&error, Error::Store(StoreError::NotFound(_))), "{error}");
    assert_eq!(scene.run().await, run);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_batch_what_was_not_scored_is_handed_back() {
    let scene = Scene::new().await;
    scene.whole().await;
    let elsewhere = body(ShardRequested { run_id: RunId::derive(as_of(), "by hand", 90), shard: 0 });
    let other = body(RunCheckRequested { as_of: as_of() });
    let bodies = [&*shard(7), &shard(0), "no JSON", &other, &elsewhere];
    let message = |(n, body): (usize, &&str)| json!({ "messageId": n.to_string(), "body": body });
    let batch = json!({ "Records": bodies.iter().enumerate().map(message).collect::<Vec<_>>() });
    let mut context = Context::default();
    // In the year 2100.
    context.deadline = 4_102_444_800_000;
    let answer = handle(&scene.state, LambdaEvent::new(batch, context.clone())).await.expect("an answer");
    let failed = ["0", "2", "3", "4"].map(|id| json!({ "itemIdentifier": id }));
    assert_eq!(answer, json!({ "batchItemFailures": failed }));
    assert_eq!(scene.run().await.stage(), RunStage::Complete, "its one shard is in");
    let refused = handle(&scene.state, LambdaEvent::new(json!({ "detail": {} }), context)).await;
    assert!(matches!(refused, Err(Error::Message(_))), "that is no batch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_closed_once_its_last_shard_is_in() {
    let scene = Scene::new().await;
    let run = scene.whole().await;
    scene.score(0).await.expect("it is closed");
    let complete = scene.run().await;
    assert_eq!(complete.stage(), RunStage::Complete);
    assert_eq!(complete.summary().map(|summary| summary.rows), Some(2));
    assert_eq!(scene.current().await, Some(run.run_id.clone()));
    assert_eq!(scene.state.control.top(&run.run_id).await.expect("readable").len(), 2);
    assert_eq!(scene.events(), ["PropensityRefreshed", "ExpansionReady"], "one of the two is newly ready");
    scene.score(0).await.expect("delivered again, there is nothing to do");
    assert_eq!(scene.events().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_run_is_closed_without_a_word() {
    let scene = Scene::new().await;
    let newer = Run::requested(as_of().plus_days(7), "schedule", 90, at("2026-07-08"));
    assert!(scene.state.control.point_to(&newer).await.expect("written"));
    scene.whole().await;
    scene.score(0).await.expect("it is closed");
    assert_eq!(scene.run().await.stage(), RunStage::Complete);
    assert_eq!((scene.current().await, scene.events()), (Some(newer.run_id), Vec::new()));
}

/// Whatever call fails while a run is closed, readers see the run before or this one whole, and the next attempt ends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_half_closed_is_closed_by_the_next_attempt() {
    for (operation, calls) in [("Query", 1), ("PutItem", 2), ("UpdateItem", 2), ("PutEvents", 2)] {
        for good in 0..calls {
            let scene = Scene::new().await;
            let run = scene.whole().await;
            let faults = [vec![Fault::None; good], vec![Fault::Throttled]].concat();
            scene.backend.fail(operation, &faults);
            let error = scene.score(0).await.expect_err("a call fails");
            assert!(error.is_transient(), "{operation} {good}: {error}");

            let half = scene.run().await;
            assert_eq!(half.stage(), RunStage::Scoring, "{operation} {good}");
            if scene.current().await.is_some() {
                let top = scene.state.control.top(&run.run_id).await.expect("readable");
                assert_eq!((top.len(), half.summary().map(|summary| summary.rows)), (2, Some(2)), "{operation} {good}");
            }
            scene.score(0).await.expect("it is closed now");
            assert_eq!(scene.run().await.stage(), RunStage::Complete, "{operation} {good}");
            assert_eq!(scene.current().await, Some(run.run_id), "{operation} {good}");
            let told = scene.events();
            for kind in ["PropensityRefreshed", "ExpansionReady"] {
                assert!(told.iter().any(|told| told == kind), "{operation} {good}: {told:?}");
            }
        }
    }
}

impl Scene {
    /// A source of two customers, one of whom comes only after the run.
    fn write_source(&self) {
        let tables = [
            ("customers", "customer_id,created_at,csm_id\nc-1,2024-01-01,csm-07\nc-2,2026-07-02,csm-07\n"),
            (
                "expansion_opportunities",
                "opportunity_id,customer_id,stage,created_at,closed_at\no-1,c-1,won,2025-01-01,2025-02-01\n",
            ),
        ];
        for (table, text) in tables {
            let folder = self.folder.path().join(table);
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join("a.csv"), text).expect("a file");
        }
    }

    /// What a message about the shard is answered with: whether it is to be delivered again.
    async fn deliver(&self, shard_number: u32) -> bool {
        super::score(&self.state, &shard(shard_number), soon()).await.is_err()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_is_scored_row_by_row_with_the_runs_model() {
    let scene = Scene::new().await;
    scene.write_source();
    scene.state.artifacts.put(&model(), manifest()).await.expect("written");
    let run = scene.planned(1).await;
    scene.score(0).await.expect("it is scored");
    let row = async |id: &str| scene.state.propensities.row(id, run.calculated_at).await.expect("readable");
    let scored = row("c-1").await.expect("a customer then");
    assert_eq!((&*scored.model_id, &scored.run_id), (MODEL_ID, &run.run_id));
    assert!(scored.listed.previous_score.is_none() && !scored.listed.newly_ready, "{scored:?}");
    assert_eq!(row("c-2").await, None, "no customer yet");
    let files = scene.state.artifacts.scores(&run.run_id).await.expect("readable");
    assert_eq!(files.iter().map(|file| file.shard).collect::<Vec<_>>(), [0]);
    assert!(scene.state.artifacts.get_scores(&files[0]).await.expect("readable").starts_with(b"PAR1"));
    assert_eq!(scene.run().await.summary().map(|summary| summary.rows), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_later_attempt_can_do_better_fails_the_run_and_what_may_pass_does_not() {
    let scene = Scene::new().await;
    let run = scene.planned(2).await;
    scene.backend.fail("GetItem", &[Fault::Throttled]);
    assert!(scene.deliver(0).await, "nobody could be asked");
    assert_eq!(scene.run().await, run);

    // The source has no buckets, but two were planned.
    scene.write_source();
    scene.state.artifacts.put(&model(), manifest()).await.expect("written");
    assert!(scene.deliver(0).await);
    let failed = scene.run().await;
    let reason = "the source has 1 buckets now and had 2 when the run was planned; ask for another refresh";
    assert_eq!(failed.failure(), Some(reason));
    assert!(!scene.deliver(0).await, "there is nothing to score any more");
    assert_eq!(scene.current().await, None);
}
