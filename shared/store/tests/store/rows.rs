//! Rows: written until all are in, and read by customer and by score.

use std::time::Duration;

use expansion_backend::{Backend, Fault};
use expansion_domain::{Id, Instant, RunId};
use expansion_fixtures::{at, listed, requested, row};
use expansion_records::{Listed, Order, PastScore, Position, Previous, Propensity, Standing};
use expansion_store::{Deadline, Partition, PropensityTable, StoreError};

use crate::propensities;

fn soon() -> Deadline {
    tokio::time::Instant::now() + Duration::from_mins(1)
}

fn customers(count: u8) -> Vec<Id> {
    (0..count).map(|n| format!("c-{n:03}").into()).collect()
}

fn rows(count: u8) -> Vec<Propensity> {
    customers(count).iter().zip(1..).map(|(id, score)| row(id, score)).collect()
}

/// The row of another run, `days` earlier.
fn earlier(days: i32, id: &str, score: u8) -> Propensity {
    let calculated_at = requested().calculated_at.plus_days(-days);
    let run_id = RunId::derive(requested().as_of.plus_days(-days), "schedule", 90);
    let row = row(id, score);
    Propensity { run_id, listed: Listed { calculated_at, ..row.listed }, ..row }
}

async fn scores(table: &PropensityTable, count: u8) -> Vec<(Id, Previous)> {
    let found = table.scores(&customers(count), requested().calculated_at, soon()).await.expect("readable");
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_dynamodb_leaves_undone_is_written_again() {
    let backend = Backend::start().await;
    let table = &propensities(&backend);
    backend.fail("BatchWriteItem", &[Fault::Undone(20), Fault::Undone(3), Fault::Undone(1)]);
    table.write(&rows(60), soon()).await.expect("all are written in the end");
    for row in rows(60) {
        let stored = table.row(&row.listed.customer_id, row.listed.calculated_at).await;
        assert_eq!(stored.expect("readable"), Some(row));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_deadline_the_rest_is_said_to_be_left() {
    let backend = Backend::start().await;
    let table = &propensities(&backend);
    backend.fail("BatchWriteItem", &[Fault::Undone(4); 1000]);
    let deadline = tokio::time::Instant::now() + Duration::from_millis(10);
    let error = table.write(&rows(10), deadline).await.expect_err("there is no time to wait");
    assert!(matches!(error, StoreError::OutOfTime { left: 4, .. }) && error.is_transient(), "{error}");
    assert_eq!(scores(table, 10).await.len(), 6, "the others are in");

    backend.fail("BatchGetItem", &[Fault::Undone(4); 1000]);
    let deadline = tokio::time::Instant::now() + Duration::from_millis(10);
    let error = table.scores(&customers(10), requested().calculated_at, deadline).await.expect_err("no time");
    assert!(matches!(error, StoreError::OutOfTime { left: 4, .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_call_is_a_failure_that_may_pass() {
    let backend = Backend::start().await;
    let table = &propensities(&backend);
    backend.fail("BatchWriteItem", &[Fault::Throttled]);
    let error = table.write(&rows(1), soon()).await.expect_err("the client tries nothing twice");
    assert!(error.is_transient() && matches!(error, StoreError::Service { .. }), "{error}");
    table.write(&rows(1), soon()).await.expect("it has passed");
    let absent = PropensityTable { name: "elsewhere".to_owned(), ..table.clone() };
    let error = absent.write(&rows(1), soon()).await.expect_err("there is no such table");
    assert!(!error.is_transient(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn former_scores_are_read_until_all_are_there() {
    let backend = Backend::start().await;
    let table = &propensities(&backend);
    table.write(&rows(120), soon()).await.expect("written");
    backend.fail("BatchGetItem", &[Fault::Undone(30), Fault::Undone(7)]);
    let said = |row: Propensity| {
        let Listed { customer_id, propensity_score, standing, grade, .. } = row.listed;
        (customer_id, Previous { propensity_score, standing, grade })
    };
    let wanted: Vec<_> = rows(120).into_iter().map(said).collect();
    // Somebody new has none.
    assert_eq!(scores(table, 130).await, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_the_customers_own_in_its_run_and_written_again_it_lands_on_itself() {
    let backend = Backend::start().await;
    let table = &propensities(&backend);
    let now = requested().calculated_at;
    for score in [50, 60] {
        table.write(&[row("c-1", score), earlier(7, "c-1", 40)], soon()).await.expect("written");
    }
    let score =
        async |id: &str, at: Instant| table.row(id, at).await.expect("readable").map(|row| row.listed.propensity_score);
    assert_eq!(score("c-1", now).await, Some(60));
    assert_eq!(score("c-1", now.plus_days(-7)).await, Some(40));
    assert_eq!(score("c-1", now.plus_days(-1)).await, None);
    assert_eq!(score(&"c".repeat(3000), now).await, None, "there are no keys so long");
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_newest_first_and_ends_where_the_reader_stands() {
    let backend = Backend::start().await;
    let table = &propensities(&backend);
    let rows: Vec<Propensity> =
        [(21, 30), (0, 60), (14, 40), (7, 50)].map(|(days, score)| earlier(days, "c-1", score)).into();
    table.write(&rows, soon()).await.expect("written");
    let scores = async |until: Instant, most| {
        let past: Vec<PastScore> = table.history("c-1", until, most).await.expect("readable");
        past.into_iter().map(|past| past.propensity_score).collect::<Vec<u8>>()
    };
    let now = requested().calculated_at;
    assert_eq!(scores(now, 10).await, [60, 50, 40, 30]);
    assert_eq!(scores(now, 2).await, [60, 50]);
    assert_eq!(scores(now.plus_days(-7), 10).await, [50, 40, 30], "a run that comes later is none of its past");
    assert_eq!(scores(at("2020-01-01"), 10).await, Vec::<u8>::new());
}

/// Rows of a portfolio by score: more with the same one than DynamoDB gives at once.
fn portfolio() -> Vec<Listed> {
    let scores = [(90, 1), (80, 3), (50, 130), (40, 2), (30, 250), (5, 1)];
    let all = scores.iter().flat_map(|(score, count)| std::iter::repeat_n(*score, *count));
    // Scattered, so that they are not stored in order.
    let mut rows: Vec<Listed> =
        all.zip(0..387).map(|(score, n)| listed(&format!("c-{:03}", n * 100 % 387), score)).collect();
    Order::Score.sort(&mut rows);
    rows
}

fn of_csm(csm_id: Option<&str>) -> Partition<'_> {
    Partition { csm_id, standing: Standing::ReadyToApproach }
}

async fn stored() -> Backend {
    let backend = Backend::start().await;
    let of = |listed: Listed| Propensity { listed, ..row("c", 50) };
    let mut rows: Vec<Propensity> = portfolio().into_iter().map(of).collect();
    // Of another standing, of another CSM, of nobody's, and of another run.
    rows.push(of(Listed { standing: Standing::InProgress, ..listed("w-1", 50) }));
    for (csm_id, id) in [(Some("csm-08"), "x-1"), (None, "x-2")] {
        rows.push(of(Listed { csm_id: csm_id.map(Into::into), ..listed(id, 50) }));
    }
    rows.push(earlier(7, "c-000", 50));
    propensities(&backend).write(&rows, soon()).await.expect("written");
    backend
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_never_ends_among_equal_scores() {
    let backend = stored().await;
    let table = &propensities(&backend);
    let run = requested().run_id;
    for least in [1, 2, 4, 5, 100, 134, 135, 387, 1000] {
        let mut seen: Vec<Listed> = Vec::new();
        loop {
            let after = seen.last().map(|row| Order::Score.position(row));
            let page = table.partition(&run, of_csm(Some("csm-07")), after.as_ref(), 1, least).await.expect("readable");
            let Some(first) = page.first() else { break };
            assert!(seen.last().is_none_or(|last| last.propensity_score > first.propensity_score), "least {least}");
            assert!(page.len() >= least || seen.len() + page.len() == 387, "least {least}: {}", page.len());
            seen.extend(page);
        }
        assert_eq!(seen, portfolio(), "least {least}: each once, in order");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_goes_on_after_any_row_and_ends_at_the_least_score() {
    let backend = stored().await;
    let table = &propensities(&backend);
    let run = requested().run_id;
    let all = portfolio();
    for place in [0, 3, 50, 133, 134, 300, 386] {
        let after = Order::Score.position(&all[place]);
        let rest = table.partition(&run, of_csm(Some("csm-07")), Some(&after), 1, 1000).await.expect("readable");
        assert_eq!(rest, all[place + 1..], "after row {place}");
    }
    let best = table.partition(&run, of_csm(Some("csm-07")), None, 40, 1000).await.expect("readable");
    assert_eq!(best, all[..136]);
    let below = Position { value: Some(30.0), customer_id: "c-000".into() };
    assert_eq!(table.partition(&run, of_csm(Some("csm-07")), Some(&below), 40, 1000).await.expect("readable"), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_is_one_csms_of_one_standing_in_one_run() {
    let backend = stored().await;
    let table = &propensities(&backend);
    let run = requested().run_id;
    let ids = async |run: &RunId, csm_id: Option<&str>| {
        let rows = table.partition(run, of_csm(csm_id), None, 1, 1000).await.expect("readable");
        rows.into_iter().map(|row| row.customer_id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&run, Some("csm-08")).await, ["x-1"]);
    assert_eq!(ids(&run, None).await, ["x-2"]);
    let worked = Partition { csm_id: Some("csm-07"), standing: Standing::InProgress };
    let worked = table.partition(&run, worked, None, 1, 1000).await.expect("readable");
    assert_eq!(worked.iter().map(|row| &*row.customer_id).collect::<Vec<_>>(), ["w-1"]);
    let before = RunId::derive(requested().as_of.plus_days(-7), "schedule", 90);
    assert_eq!(ids(&before, Some("csm-07")).await, ["c-000"]);
    assert_eq!(ids(&before, Some(&"c".repeat(3000))).await, Vec::<String>::new());
}
