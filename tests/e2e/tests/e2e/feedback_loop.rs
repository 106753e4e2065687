//! How right earlier answers turned out to be, and which model is live.

use std::collections::BTreeSet;

use expansion_e2e::{LIST, Source, World, as_of, portfolio, weekly_run};
use expansion_model::{Propensity, Run};
use serde_json::{Value, json};

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Runs 100 days and 20 days before the end, and at the end.
async fn three_runs() -> World {
    let world = World::over(&Source::simulated()).await;
    for days in [100, 20, 0] {
        world.refreshed(as_of(days)).await;
    }
    world
}

fn cohort(run: &Value, days: u64) -> &Value {
    let cohorts = run["cohorts"].as_array().expect("cohorts");
    cohorts.iter().find(|cohort| cohort["days"] == days).unwrap_or_else(|| panic!("no cohort of {days} days"))
}

#[tokio::test(flavor = "multi_thread")]
async fn past_runs_are_judged_by_what_happened_and_young_ones_are_not() {
    let world = three_runs().await;
    let answer = world.manager().get(&format!("{LIST}/accuracy")).await.ok();
    let runs = answer["data"].as_array().expect("runs");
    let ids: Vec<&str> = runs.iter().filter_map(|run| run["run_id"].as_str()).collect();
    assert_eq!(ids, [0, 20, 100].map(|days| weekly_run(as_of(days)).to_string()), "newest first");

    // What happened to the customers of the oldest run, counted from the tables.
    let rows = world.control.accuracy(&weekly_run(as_of(100))).await.expect("readable").expect("judged");
    let (from, to) = (as_of(100).date(), as_of(10).date());
    let won: BTreeSet<String> = portfolio()
        .expansion_opportunities
        .into_iter()
        .filter(|deal| deal.stage == "won" && deal.closed_at.is_some_and(|day| from < day && day <= to))
        .map(|deal| deal.customer_id)
        .collect();
    let oldest = cohort(&runs[2], 90);
    assert_eq!((&oldest["is_mature"], &oldest["censored"]), (&json!(true), &json!(0)));
    let accuracy = &oldest["accuracy"];
    let expansions = accuracy["expansions"].as_u64().and_then(|n| usize::try_from(n).ok()).expect("a number");
    assert!(expansions > 5 && expansions <= won.len(), "{expansions} of {}", won.len());
    // Only those who became customers after the run's as_of are missing among the judged.
    assert!(won.len() - expansions <= 3, "{expansions} of {}", won.len());
    for name in ["auc", "log_loss", "brier", "calibration_error", "capture_35", "predicted_over_actual"] {
        let figure = &accuracy["figures"][name];
        let [lower, value, upper] = ["lower", "value", "upper"].map(|part| number(&figure[part]));
        assert!(lower <= value && value <= upper && lower < upper, "{name}: {figure}");
    }
    assert!(number(&accuracy["figures"]["auc"]["value"]) > 0.55, "{accuracy}");
    assert_eq!(accuracy["tenths"].as_array().map(Vec::len), Some(10));
    assert_eq!(rows.cohorts.len(), 5);

    let by_segment = world.manager().get(&format!("{LIST}/accuracy?segment=SMB&horizon=90")).await.ok();
    let smb = &cohort(&by_segment["data"][2], 90)["accuracy"];
    assert!(number(&smb["customers"]) < number(&accuracy["customers"]));

    // Twenty days: judged by the ranking after seven, not yet after thirty.
    assert_eq!(cohort(&runs[1], 7)["is_mature"], true);
    assert!(cohort(&runs[1], 7)["accuracy"]["figures"]["brier"].is_null());
    assert!(cohort(&runs[1], 7)["expected_expansions"].is_number());
    for (run, days) in [(1, 30), (1, 90), (0, 7), (0, 90)] {
        let young = cohort(&runs[run], days);
        assert_eq!((&young["is_mature"], &young["accuracy"]), (&json!(false), &Value::Null));
    }
    let warning = &runs[0]["warning"];
    assert!(number(&warning["estimated"]["auc"]) > 0.6 && warning["shifts"].as_array().is_some_and(|s| s.len() > 10));

    let _ = world.manager().get(&format!("{LIST}/accuracy?run=x")).await.problem(400, "invalid-parameter");
    let unknown = weekly_run(as_of(55));
    let _ = world.manager().get(&format!("{LIST}/accuracy?run={unknown}")).await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn judging_again_changes_nothing_and_says_nothing_twice() {
    let world = three_runs().await;
    let before = world.manager().get(&format!("{LIST}/accuracy")).await.ok();
    let events = world.stack.events().len();
    let event = world.stack.scheduled_event("AccuracyRequested", &as_of(0).to_string()).expect("a schedule");
    world.publish(&event).await;
    assert_eq!(world.manager().get(&format!("{LIST}/accuracy")).await.ok(), before);
    assert_eq!(world.stack.events().len(), events + 1, "only what was just put");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenger_is_compared_and_the_champion_can_be_pinned_and_rolled_back() {
    let world = World::over(&Source::simulated()).await;
    let path = format!("{LIST}/models");
    world.refreshed(as_of(28)).await;
    let first = world.manager().get(&path).await.ok();
    assert_eq!(first["champion"]["generation"], 1);
    assert_eq!(first["data"][0]["decision"]["promote"], true);
    let readiness = first["data"][0]["verdict"]["readiness"].as_str().expect("a verdict");
    assert!(["ready", "ok"].contains(&readiness), "{first}");

    // Pinned, it stays: the next run is scored with it.
    let pin = json!({ "action": "pin", "generation": 1 }).to_string();
    let _ = world.csm("csm-01").post(&path, &[], &pin).await.problem(403, "forbidden");
    let pinned = world.manager().post(&path, &[], &pin).await.ok();
    assert_eq!((&pinned["champion"]["pinned"], &pinned["champion"]["generation"]), (&json!(true), &json!(2)));
    let run = world.refreshed(as_of(21)).await;
    let champion = pinned["champion"]["model_id"].as_str().expect("an id").to_owned();
    assert_eq!(run.model.map(|model| model.model_id), Some(champion.clone()));
    let models = world.manager().get(&path).await.ok();
    assert_eq!(models["data"].as_array().map(Vec::len), Some(2), "the challenger is on record");
    let decision = &models["data"][0]["decision"];
    assert_eq!(decision["champion"], champion.as_str());
    assert!(decision["difference"]["value"].is_number(), "{decision}");

    // Somebody else's change is not undone unseen.
    let challenger = models["data"][0]["model_id"].as_str().expect("an id").to_owned();
    let promote = |generation: u64| json!({ "action": "promote", "model_id": challenger, "generation": generation });
    let _ = world.manager().post(&path, &[], &promote(1).to_string()).await.problem(409, "conflict");
    let promoted = world.manager().post(&path, &[], &promote(2).to_string()).await.ok();
    assert_eq!(promoted["champion"]["model_id"], challenger.as_str());
    let unknown = json!({ "action": "promote", "model_id": "nobody", "generation": 3 });
    let _ = world.manager().post(&path, &[], &unknown.to_string()).await.problem(409, "conflict");
    let _ = world
        .manager()
        .post(&path, &[], r#"{"action":"promote","generation":3}"#)
        .await
        .problem(400, "invalid-parameter");

    // By hand, as the AWS CLI invokes it; a second time the generation has moved on.
    let rollback = json!({
        "source": "expansion-propensity", "detail-type": "ModelCommandRequested",
        "detail": { "version": 1, "action": "rollback", "generation": 3 },
    });
    let answer = world.stack.invoke("trainer", rollback.clone()).await.expect("an answer");
    assert_eq!(answer["champion"]["model_id"], champion.as_str());
    let again = world.stack.invoke("trainer", rollback).await.expect("an answer");
    assert!(again["refused"].as_str().is_some_and(|reason| reason.contains("generation 4")), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_record_is_kept_once_and_seen_in_accuracy_and_by_the_next_refresh() {
    let world = World::over(&Source::simulated()).await;
    world.refreshed(as_of(7)).await;
    let rows = world.all_rows().await;
    let customer = rows.iter().find(|row| row["csm_id"].is_string()).expect("a customer");
    let id = customer["customer_id"].as_str().expect("an id");
    let path = format!("/api/customers/{id}/expansion-propensity/outcome");
    let csm = world.csm(customer["csm_id"].as_str().expect("a CSM"));
    let won = r#"{"kind":"won","amount":5000,"occurred_at":"2026-06-29"}"#;
    let key = [("idempotency-key", "k-1")];
    let first = csm.post(&path, &key, won).await;
    assert_eq!(first.status, 201, "{}", first.body);
    let again = csm.post(&path, &key, won).await;
    assert_eq!(again.body, first.body);
    let dismissed = r#"{"kind":"dismissed","reason":"budget is gone"}"#;
    assert_eq!(csm.post(&path, &[], dismissed).await.status, 201);
    world.settle().await;

    let run = weekly_run(as_of(7));
    let accuracy = world.manager().get(&format!("{LIST}/accuracy?run={run}")).await.ok();
    assert_eq!(accuracy["data"][0]["feedback"]["won"], 1, "{accuracy}");

    // A refresh of the past does not know of it: it was recorded later. One of now does.
    let wins = |row: &Propensity| {
        let place = expansion_features::feature("wins").expect("a feature").0;
        row.snapshot().values[place].as_number().expect("a number")
    };
    world.refreshed(as_of(0)).await;
    let stored =
        async |run: Run| world.propensities.row(id, run.calculated_at).await.expect("readable").expect("a row");
    let past = stored(world.run(&weekly_run(as_of(0))).await).await;
    // An `as_of` has whole seconds.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let now = stored(world.refreshed(expansion_store::now().whole_second()).await).await;
    assert!((wins(&now) - wins(&past) - 1.0).abs() < 1e-9, "{} {}", wins(&past), wins(&now));

    let _ = csm.post(&path, &[], r#"{"kind":"dismissed"}"#).await.problem(400, "invalid-parameter");
    let other =
        rows.iter().find(|row| row["csm_id"].is_string() && row["csm_id"] != customer["csm_id"]).expect("another's");
    let path = format!("/api/customers/{}/expansion-propensity/outcome", other["customer_id"].as_str().expect("an id"));
    let _ = csm.post(&path, &[], won).await.problem(404, "not-found");
}
