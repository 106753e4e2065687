//! Sources that are not as they should be, and sources in S3.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use aws_sdk_s3::primitives::ByteStream;
use expansion_e2e::{LIST, REFRESH, Source, World, as_of, portfolio, weekly_run, young};
use expansion_local::Options;
use expansion_model::Knowledge;
use expansion_records::RunStage;
use expansion_simulator::Portfolio;
use expansion_store::S3;
use serde_json::{Value, json};

/// The portfolio with a negative usage value in one row of `every`, and how many that are.
fn with_bad_usage(every: usize) -> (Portfolio, usize) {
    let mut spoilt = portfolio();
    let bad = spoilt.usage_metrics.iter_mut().step_by(every);
    let count = bad.map(|row| row.value = -1.0).count();
    (spoilt, count)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_few_bad_rows_are_left_out_and_reported_with_file_and_line() {
    let (mut spoilt, bad_usage) = with_bad_usage(40);
    let bad_health = spoilt.health_score_history.iter_mut().skip(5).step_by(35).map(|row| row.score = 300.0).count();
    let world = World::over(&Source::of(&spoilt, None)).await;
    let run = world.refreshed(as_of(0)).await;

    let status = world.manager().get(&format!("{REFRESH}/{}", run.run_id)).await.ok();
    let expected = json!([
        {
            "table": "usage_metrics",
            "reason": "negative number",
            "count": bad_usage,
            "example": "usage_metrics/part-0000.csv.gz:2: value is \"-1.0\"",
            "grade": "warned",
        },
        {
            "table": "health_score_history",
            "reason": "score outside 0 to 100",
            "count": bad_health,
            "example": "health_score_history/part-0000.csv.gz:7: score is \"300.0\"",
            "grade": "warned",
        },
    ]);
    assert_eq!(status["data_issues"], expected);
    let clean = World::after(&[0]).await;
    assert_eq!(world.all_rows().await.len(), clean.all_rows().await.len(), "nobody is lost with their bad rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_rows_that_all_lie_in_one_bucket_do_not_fail_the_run() {
    let source = Source::bucketed(8);
    // A fifth of one bucket's health scores, far less than 5 % of the whole table.
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let mut spoilt = portfolio();
    let bucket =
        fs::read_to_string(source.folder().join("customers/bucket=3/part-0000.csv")).expect("bucket 3 has customers");
    let members: Vec<String> =
        lines(&bucket).iter().filter_map(|line| line.split(',').next().map(str::to_owned)).collect();
    let theirs = spoilt.health_score_history.iter_mut().filter(|row| members.contains(&row.customer_id));
    let bad = theirs.step_by(5).map(|row| row.score = -1.0).count();
    assert!(bad * 20 < spoilt.health_score_history.len());
    source.replace(&spoilt, Some(8));

    let world = World::over(&source).await;
    let run = world.refreshed(as_of(0)).await;
    assert_eq!(run.plan().expect("it is planned").data_issues[0].count, bad as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_bad_rows_fail_the_run_and_the_one_before_stays() {
    let source = Source::simulated();
    let world = World::after_with(&[7], &source, Options::default()).await;
    let first = world.run(&weekly_run(as_of(7))).await;
    let before = world.all_rows().await;
    let champion = world.everything().await["expansion_control pointer champion"].clone();

    let (spoilt, bad) = with_bad_usage(15);
    let rows = spoilt.usage_metrics.len();
    source.replace(&spoilt, None);
    let second = world.refresh(as_of(0)).await;
    assert_eq!(second.stage(), RunStage::Failed);
    let expected = format!(
        "{bad} of {rows} rows of usage_metrics are bad, more than the limit of 5 %; first bad row: \
         usage_metrics/part-0000.csv.gz:2: value is \"-1.0\" (negative number)"
    );
    assert_eq!(second.failure(), Some(&*expected));
    let status = world.manager().get(&format!("{REFRESH}/{}", second.run_id)).await.ok();
    assert_eq!((&status["state"], &status["failure"]), (&json!("failed"), &json!(expected)));
    assert_eq!(world.current().await, Some(first.run_id));
    assert_eq!(world.all_rows().await, before);
    assert_eq!(world.everything().await["expansion_control pointer champion"], champion);

    source.replace(&portfolio(), None);
    let repaired = world.refreshed(as_of(0)).await;
    assert_eq!((repaired.failure(), world.current().await), (None, Some(second.run_id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_required_table_fails_the_run_and_nothing_is_written() {
    let source = Source::young();
    let world = World::over(&source).await;
    fs::remove_dir_all(source.folder().join("expansion_opportunities")).expect("the table is removed");
    let body = format!(r#"{{"as_of":"{}"}}"#, as_of(0).date());
    let asked = world.manager().post(REFRESH, &[("idempotency-key", "k")], &body).await;
    world.settle().await;
    let location = asked.headers["location"].clone();
    let status = world.manager().get(&location).await.ok();
    assert_eq!(status["state"], "failed");
    let failure = status["failure"].as_str().expect("a reason");
    assert!(failure.starts_with("the required table expansion_opportunities has no files"), "{failure}");
    assert!(!failure.contains('\n'), "{failure}");
    assert_eq!(world.rows_stored().await, 0);
    assert_eq!(world.current().await, None);
    assert_eq!(world.stack.dead_letters(), Vec::<Value>::new(), "trying again would not have helped");

    // Repaired, and asked for once more with the very same request.
    source.replace(&young(), None);
    let again = world.manager().post(REFRESH, &[("idempotency-key", "k")], &body).await;
    assert_eq!((again.status, &again.headers["location"]), (202, &location));
    let answer = &again.body;
    assert_eq!((&answer["state"], &answer["failure"]), (&json!("requested"), &Value::Null), "not failed any more");
    world.settle().await;
    let status = world.manager().get(&location).await.ok();
    assert_eq!((&status["state"], &status["failure"]), (&json!("complete"), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_with_too_few_expansions_to_learn_from_is_scored_by_rules_and_that_is_said() {
    let world = World::over(&Source::young()).await;
    let run = world.refreshed(as_of(0)).await;
    assert_eq!(run.model().map(|model| model.knowledge), Some(Knowledge::Rules));
    let rows = world.all_rows().await;
    assert!(rows.len() > 100);
    assert!(rows.iter().all(|row| row["confidence"]["level"] == "Low"));
    let scores: BTreeSet<u64> = rows.iter().filter_map(|row| row["propensity_score"].as_u64()).collect();
    assert!(scores.len() > 3, "rules rank: {scores:?}");
    let customer = rows[0]["customer_id"].as_str().expect("an id");
    let answer = world.manager().get(&format!("/api/customers/{customer}/expansion-propensity")).await.ok();
    assert_eq!(answer["model"]["state"], "rules");
    assert_eq!(answer["confidence"]["level"], "Low");
}

/// Every file below a folder, relative to it.
fn files(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(root).expect("below the root").to_owned());
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapped_source_in_s3_gives_the_scores_of_the_same_source_in_a_folder() {
    let source = Source::bucketed(3);
    let from_s3 = World::start(Options::default()).await;
    let (s3, bucket) = (S3::new(from_s3.stack.sdk()), from_s3.stack.bucket());
    assert_eq!(from_s3.stack.environment("trainer")["SOURCE_URI"], format!("s3://{bucket}/source/"));
    for file in files(&source.folder()) {
        let bytes = fs::read(source.folder().join(&file)).expect("a file");
        let path = file.display().to_string().replacen("customers/", "crm/accounts/", 1);
        let put = s3.put_object().bucket(bucket).key(format!("source/{path}"));
        put.body(ByteStream::from(bytes)).send().await.expect("it is uploaded");
    }
    let mapping = ByteStream::from_static(b"tables: {customers: {files: crm/accounts}}");
    let put = s3.put_object().bucket(bucket).key("source/source.yaml").body(mapping);
    put.send().await.expect("it is uploaded");
    let run = from_s3.refreshed(as_of(0)).await;
    assert_eq!(run.plan().map(|plan| plan.shards), Some(3));
    assert_eq!(from_s3.all_rows().await, World::after(&[0]).await.all_rows().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_cannot_be_right_is_refused_with_the_reason_unless_it_is_accepted() {
    let mut tables = portfolio();
    for deal in &mut tables.expansion_opportunities {
        if deal.closed_at.is_some() {
            deal.stage = "lost";
        }
    }
    let source = Source::of(&tables, None);
    let world = World::over(&source).await;
    let failed = world.refresh(as_of(0)).await;
    let failure = failed.failure().expect("it is refused");
    assert!(failure.starts_with("the source is wrong: no deal is won: "), "{failure}");
    let status = world.manager().get(&format!("{REFRESH}/{}", failed.run_id)).await.ok();
    assert_eq!(
        (&status["data"]["grade"], &status["data"]["findings"][0]["concern"]),
        (&json!("wrong"), &json!("no_won_deal"))
    );
    let page = world.manager().get("/data").await.ok();
    assert!(page.as_str().is_some_and(|html| html.contains("no deal is won")), "{page}");
    let csm = world.csm("csm-01").get(&format!("{REFRESH}/{}", failed.run_id)).await.ok();
    assert_eq!(csm["data"], Value::Null, "cells of everybody's customers");

    fs::write(source.folder().join("source.yaml"), "accept: [no_won_deal]\n").expect("it is written");
    let run = world.refreshed(as_of(0)).await;
    let status = world.manager().get(&format!("{REFRESH}/{}", run.run_id)).await.ok();
    assert_eq!(
        (&status["findings"][0]["grade"], &status["findings"][0]["concern"]),
        (&json!("warned"), &json!("no_won_deal"))
    );
    let answer =
        world.manager().post(&format!("{LIST}/ask"), &[], r#"{"question":"Who should I call first?"}"#).await.ok();
    let said = answer["notes"]
        .as_array()
        .expect("notes")
        .iter()
        .any(|note| note.as_str().is_some_and(|note| note.starts_with("no deal is won")));
    assert!(said, "{}", answer["notes"]);
}
