//! Runs of the past, runs before there is much to know, and sources that have ended.

use expansion_domain::Instant;
use expansion_e2e::{LIST, REFRESH, Source, World, as_of, portfolio};
use expansion_local::Options;
use expansion_model::{Knowledge, Untested};
use expansion_records::RunStage;
use jiff::Timestamp;
use serde_json::{Value, json};

/// So many days after the first customer came.
fn after_the_first(days: i32) -> Instant {
    let first = portfolio().customers.iter().map(|customer| customer.created_at).min().expect("customers");
    Instant::from_date(first).expect("a day of this century").plus_days(days).end_of_day()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_before_there_is_much_to_know_is_made_by_rules_or_says_why_it_cannot_be() {
    let world = World::over(&Source::simulated()).await;
    let before = after_the_first(-10);
    let failed = world.refresh(before).await;
    assert_eq!(failed.stage(), RunStage::Failed);
    let failure = failed.failure().expect("a reason");
    let expected = format!("nobody was a customer at {before}; the first one came at ");
    assert!(failure.starts_with(&expected), "{failure}");
    assert_eq!((world.current().await, world.rows_stored().await), (None, 0));

    // Within the first two horizons there is no label.
    for (days, untested) in [(30, Untested::NoLabels), (130, Untested::NoLabels)] {
        let run = world.refreshed(after_the_first(days)).await;
        let model = run.model().expect("a complete run has a model");
        assert_eq!((model.knowledge, model.untested), (Knowledge::Rules, Some(untested)), "after {days} days");
        assert_eq!(world.current().await, Some(run.run_id));
        let rows = world.all_rows().await;
        assert!(!rows.is_empty());
        for row in &rows {
            let (score, sure) = (number(&row["propensity_score"]), &row["confidence"]);
            assert_eq!(sure["level"], "Low");
            assert!(number(&sure["lower"]) <= score && score <= number(&sure["upper"]), "{row}");
        }
        let answer = world.manager().post(&format!("{LIST}/ask"), &[], r#"{"question":"How accurate are you?"}"#).await;
        let markdown = answer.body["markdown"].as_str().expect("an answer in words");
        assert!(markdown.contains(untested.reason()), "{markdown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_whose_usage_has_ended_is_said_to_be_out_of_date() {
    let mut ended = portfolio();
    let instant = |at: Timestamp| at.to_string().parse::<Instant>().expect("an instant");
    ended.usage_metrics.retain(|row| instant(row.recorded_at) <= as_of(60));
    let newest = ended.usage_metrics.iter().map(|row| instant(row.recorded_at)).max().expect("there was some before");
    let (last, days) = (newest.date(), as_of(0).days_since(newest).floor());
    let world = World::over(&Source::of(&ended, None)).await;
    let run = world.refreshed(as_of(0)).await;
    let status = world.manager().get(&format!("{REFRESH}/{}", run.run_id)).await.ok();
    let listed = world.manager().get(LIST).await.ok();
    for run in [&status, &listed["run"]] {
        let [stale] = &run["stale"].as_array().expect("a list")[..] else { panic!("{}", run["stale"]) };
        let told = (&stale["table"], &stale["newest"], number(&stale["days"]));
        assert_eq!(told, (&json!("usage_metrics"), &json!(newest), days));
    }
    let said = format!("usage_metrics is known up to {last} only, {days} days before this run");
    for question in ["Which accounts are ready to expand?", "How many accounts are there?"] {
        let body = json!({ "question": question }).to_string();
        let answer = world.manager().post(&format!("{LIST}/ask"), &[], &body).await.body;
        assert_eq!(answer["notes"], json!([said]), "{question}");
    }
    let page = world.manager().get("/").await;
    assert!(page.body.to_string().contains(&said), "the page says so");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_without_a_time_is_of_the_day_on_which_the_data_end_and_one_of_the_past_moves_nothing() {
    let variables = [("TODAY".to_owned(), as_of(0).to_string())].into();
    let world = World::with(&Source::young(), Options { variables, ..Options::default() }).await;
    let asked = world.manager().post(REFRESH, &[], "").await.body;
    assert_eq!((&asked["as_of"], &asked["is_older_than_current"]), (&json!(as_of(0)), &json!(false)));
    world.settle().await;
    let shown = world.current().await.expect("a complete run");
    assert_eq!(asked["run_id"], json!(shown));

    let past = json!({ "as_of": as_of(30).date().to_string() }).to_string();
    let asked = world.manager().post(REFRESH, &[], &past).await.body;
    assert_eq!(asked["is_older_than_current"], true);
    world.settle().await;
    let status = world.manager().get(asked["location"].as_str().expect("a location")).await.ok();
    assert_eq!((&status["state"], &status["is_older_than_current"]), (&json!("complete"), &json!(true)));
    assert_eq!(world.current().await, Some(shown));
}
