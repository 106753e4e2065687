//! The programs that are deployed, as processes of their own over the Lambda Runtime API.

use std::collections::BTreeMap;
use std::fs;

use expansion_e2e::{Binary, LIST, Source, World, as_of, weekly_run, within};
use expansion_local::Options;
use expansion_records::RunStage;
use serde_json::{Value, json};

/// The payloads in `events/<function>`, by file name.
fn payloads(function: &str) -> BTreeMap<String, Value> {
    let folder = format!("{}/../../events/{function}", env!("CARGO_MANIFEST_DIR"));
    let files = fs::read_dir(folder).expect("there are events").map(|file| file.expect("an entry").path());
    let read = |path| serde_json::from_str(&fs::read_to_string(path).expect("a file")).expect("JSON");
    let name = |path: &std::path::Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    files.map(|path| (name(&path), read(path))).collect()
}

fn payload(function: &str, file: &str) -> Value {
    payloads(function).remove(file).unwrap_or_else(|| panic!("there is no {file} in events/{function}"))
}

async fn started(world: &World, function: &str) -> Binary {
    Binary::start(function, &world.stack.environment(function)).await
}

/// The body of a function's answer to API Gateway.
fn body(answer: &Value) -> Value {
    serde_json::from_str(answer["body"].as_str().expect("a body")).expect("a body of JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_apis_programs_answer_their_sample_events_as_the_handlers_here_do() {
    let world = World::after(&[0]).await;
    for (function, statuses) in [
        ("list-propensities", [("bad-parameter.json", 400), ("csm.json", 200), ("manager.json", 200)]),
        ("get-propensity", [("unknown.json", 404), ("customer.json", 200), ("customer.json", 200)]),
        ("what-if", [("target.json", 200), ("changes.json", 200), ("changes.json", 200)]),
        ("segment-patterns", [("segments.json", 200), ("segments.json", 200), ("segments.json", 200)]),
    ] {
        let mut binary = started(&world, function).await;
        for (file, event) in payloads(function) {
            let here = within(&file, world.stack.invoke(function, event.clone())).await.expect("an answer");
            let there = binary.invoke(event).await.expect("an answer");
            let status = statuses.iter().find(|(name, _)| *name == file).map_or(200, |(_, status)| *status);
            assert_eq!(there["statusCode"], status, "{file}: {there}");
            assert_eq!(body(&there), body(&here), "{file}");
            let media_type = if status == 200 { "application/json" } else { "application/problem+json" };
            assert_eq!(there["headers"]["content-type"], media_type, "{file}");
        }
        // The log is JSON, and says what was refused.
        let log = binary.log();
        let refused = statuses.iter().any(|(_, status)| *status >= 400);
        assert_eq!(log.iter().any(|record| record["message"] == "answered with a problem"), refused, "{log:?}");
        assert!(log.iter().all(|record| record["level"].is_string() && record["timestamp"].is_string()), "{log:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_the_program_asks_for_is_carried_out() {
    let world = World::over(&Source::young()).await;
    let mut binary = started(&world, "request-refresh").await;
    let asked = binary.invoke(payload("request-refresh", "request.json")).await.expect("an answer");
    assert_eq!(asked["statusCode"], 202, "{asked}");
    let run = body(&asked);
    assert_eq!(asked["headers"]["location"], run["location"]);
    world.settle().await;
    assert_eq!(world.manager().get(LIST).await.ok()["run"]["run_id"], run["run_id"]);
    // The other sample event asks for the state of just that run.
    let status = binary.invoke(payload("request-refresh", "status.json")).await.expect("an answer");
    assert_eq!((&status["statusCode"], &body(&status)["state"]), (&json!(200), &json!("complete")));
}

#[tokio::test(flavor = "multi_thread")]
async fn trainer_and_scorer_make_a_run_as_programs_of_their_own() {
    let source = Source::simulated();
    let world = World::over(&source).await;
    // The trainer's events go to another stack's bus: else the scorer in here would be quicker than the program.
    let elsewhere = World::start(Options::default()).await;
    let mut environment = world.stack.environment("trainer");
    environment.insert("AWS_ENDPOINT_URL_EVENTBRIDGE".to_owned(), elsewhere.stack.endpoints().eventbridge.clone());
    let mut trainer = Binary::start("trainer", &environment).await;
    let planned = trainer.invoke(payload("trainer", "refresh.json")).await.expect("an answer");
    assert_eq!((&planned["state"], &planned["shards"]), (&json!("scoring"), &json!(1)), "{planned}");
    elsewhere.settle().await;
    let asked: Vec<Value> =
        elsewhere.stack.dead_letters().into_iter().map(|letter| letter["event"]["detail"].clone()).collect();
    assert_eq!(asked, [json!({"version": 1, "run_id": planned["run_id"], "shard": 0})]);

    let mut scorer = started(&world, "scorer").await;
    let message = payload("scorer", "shard.json");
    let event: Value = serde_json::from_str(message["Records"][0]["body"].as_str().expect("a body")).expect("an event");
    assert_eq!(event["detail"], asked[0], "the sample event is about the run of the trainer's sample event");
    let answer = scorer.invoke(message).await.expect("an answer");
    assert_eq!(answer, json!({"batchItemFailures": []}));

    let run = world.run(&planned["run_id"].as_str().and_then(|id| id.parse().ok()).expect("a run id")).await;
    assert_eq!(run.stage(), RunStage::Complete);
    let checked = trainer.invoke(payload("trainer", "run-check.json")).await.expect("an answer");
    assert_eq!(checked, json!({"helped_on": []}));

    // The same run by the handlers in here has the same scores, reasons and all.
    assert_eq!(run.run_id, weekly_run(as_of(0)));
    let here = World::over(&source).await;
    here.refreshed(as_of(0)).await;
    let rows = world.all_rows().await;
    assert_eq!(rows, here.all_rows().await);
    let best = rows[0]["customer_id"].as_str().expect("an id");
    assert_eq!(world.customer(best).await, here.customer(best).await);

    let metric = |binary: &Binary, name: &str| binary.log().iter().find_map(|record| record.get(name).cloned());
    assert_eq!(metric(&trainer, "ModelsTrained"), Some(json!(1.0)));
    let rows_scored = u32::try_from(rows.len()).expect("a small portfolio");
    assert_eq!(metric(&scorer, "RowsScored"), Some(json!(f64::from(rows_scored))));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_makes_no_sense_is_an_error_of_the_invocation_and_not_the_end_of_the_program() {
    let world = World::start(Options::default()).await;
    let mut trainer = started(&world, "trainer").await;
    let (kind, message) = trainer.invoke(json!({"detail-type": "Rubbish"})).await.expect_err("it is refused");
    assert_eq!(kind, "NonRetryable");
    assert!(message.starts_with("the event cannot be read"), "{message}");
    let mut event = payload("trainer", "refresh.json");
    event["detail"]["horizon_days"] = json!(0);
    let (kind, message) = trainer.invoke(event).await.expect_err("it is refused");
    assert_eq!((&*kind, &*message), ("NonRetryable", "horizon_days is 0, expected days from 1 to 730"));
    let checked = trainer.invoke(payload("trainer", "run-check.json")).await.expect("an answer");
    assert_eq!(checked, json!({"helped_on": []}));
    assert!(!trainer.log().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_with_a_bad_environment_does_not_start_and_names_the_variable() {
    let world = World::start(Options::default()).await;
    for (function, variable, value) in [
        ("list-propensities", "CURSOR_SECRET", None),
        ("get-propensity", "PROPENSITY_TABLE", Some("")),
        ("request-refresh", "HORIZON_DAYS", Some("9000")),
        ("trainer", "SOURCE_URI", Some("gs://lake")),
        ("scorer", "MAX_BAD_ROWS", Some("many")),
        ("scorer", "LOG_LEVEL", Some("loud=very=much")),
    ] {
        let mut environment = world.stack.environment(function);
        match value {
            Some(value) => environment.insert(variable.to_owned(), value.to_owned()),
            None => environment.remove(variable),
        };
        let (well, said) = Binary::start(function, &environment).await.ended().await;
        assert!(!well, "{function} started without a good {variable}");
        assert!(said.contains(variable) && said.lines().count() == 1, "{function}: {said}");
    }
}
