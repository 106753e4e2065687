//! How right earlier answers turned out to be, and which model is live.

use std::collections::BTreeSet;

use expansion_domain::Instant;
use expansion_e2e::{LIST, Source, World, as_of, portfolio, weekly_run};
use expansion_local::Options;
use expansion_records::{AccuracyRecord, Propensity, Run};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tempfile::TempDir;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Runs 100 days and 20 days before the end, and at the end.
async fn three_runs() -> World {
    World::after(&[100, 20, 0]).await
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
    // So few customers expand too rarely for figures: they are counted, beside how many were expected.
    assert!(expansions < 30 && number(&accuracy["predicted_expansions"]) > 5.0, "{accuracy}");
    assert_eq!((&accuracy["figures"], &accuracy["tenths"]), (&json!({}), &json!([])));
    let outcomes = json!({ "expansions": expansions, "needed": 30, "enough_on": null });
    assert_eq!(runs[2]["outcomes"], outcomes, "nothing more is to come");
    assert_eq!(rows.checkpoints.len(), 5);

    let by_segment = world.manager().get(&format!("{LIST}/accuracy?segment=SMB&horizon=90")).await.ok();
    let smb = &cohort(&by_segment["data"][0], 90)["accuracy"];
    assert!(number(&smb["customers"]) < number(&accuracy["customers"]));
    assert_eq!(by_segment["data"].as_array().map(Vec::len), Some(1), "only one run's 90 days are over");
    let model = &answer["models"][0];
    assert_eq!((&model["runs"], &model["expansions"]), (&json!(1), &accuracy["expansions"]), "{model}");
    assert_eq!((&model["metrics"], &model["outcomes"]["expansions"]), (&Value::Null, &json!(expansions)), "{model}");
    assert!(model["outcomes"]["enough_on"].is_string(), "at this rate there will be enough: {model}");

    // Twenty days: judged after seven, not yet after thirty.
    assert_eq!(cohort(&runs[1], 7)["is_mature"], true);
    assert!(cohort(&runs[1], 7)["accuracy"]["figures"]["brier"].is_null());
    // What was expected within seven days, beside what happened within them.
    let early = cohort(&runs[1], 7);
    let whole = number(&runs[1]["warning"]["estimated"]["base_rate"]) * number(&early["accuracy"]["customers"]);
    let expected = number(&early["accuracy"]["predicted_expansions"]);
    assert!((expected - number(&early["expected_share"]) * whole).abs() < 1e-6 && expected < whole / 2.0, "{early}");
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

    // Nor does an event that comes late: ten days before, less was known.
    let late = world.stack.scheduled_event("AccuracyRequested", &as_of(10).to_string()).expect("a schedule");
    world.publish(&late).await;
    assert_eq!(world.manager().get(&format!("{LIST}/accuracy")).await.ok(), before);
    // Whoever has read the record before somebody else judged by more.
    let run = weekly_run(as_of(100));
    let record = world.control.accuracy(&run).await.expect("readable").expect("judged");
    let known_at = Instant::from_micros(record.known_at.micros() + 500_000).expect("half a second later");
    let newer = AccuracyRecord { known_at, ..record.clone() };
    assert!(world.control.put_accuracy(&newer).await.expect("it is written"));
    assert!(!world.control.put_accuracy(&record).await.expect("it is refused"), "a fraction of a second is later");
    assert_eq!(world.control.accuracy(&run).await.expect("readable"), Some(newer));
}

/// A stack over what another one left, told other things.
async fn told(source: &Source, data: &TempDir, variables: &[(&str, &str)]) -> World {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let options = Options { data_dir: Some(data.path().to_owned()), variables, ..Options::default() };
    World::with(source, options).await
}

fn findings(world: &World, kind: &str) -> Vec<Value> {
    let events = world.events().into_iter().filter(|event| event["detail-type"] == kind);
    events.flat_map(|event| event["detail"]["findings"].as_array().cloned().unwrap_or_default()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_told_is_told_by_the_next_attempt() {
    let missing = |world: &World| {
        let found = findings(world, "DriftDetected");
        found.iter().filter(|finding| finding.as_str().is_some_and(|words| words.contains("missing"))).count()
    };
    let (source, data) = (silent(), TempDir::new().expect("a data folder"));
    let calm = told(&source, &data, &[("MOST_MISSING_SHIFT", "1")]).await;
    calm.refreshed(as_of(7)).await;
    assert_eq!(missing(&calm), 0);
    let event = calm.stack.scheduled_event("AccuracyRequested", &as_of(0).to_string()).expect("a schedule");
    calm.stack.shutdown().await;

    // Silence is a finding now, and nobody can be told.
    let mute = told(&source, &data, &[("EVENT_BUS", "nowhere")]).await;
    assert!(mute.stack.invoke("judge", event.clone()).await.is_err());
    mute.stack.shutdown().await;

    let alert = told(&source, &data, &[]).await;
    alert.stack.invoke("judge", event).await.expect("it is judged");
    assert!(missing(&alert) > 3, "{:?}", alert.stack.events());
}

/// The simulated source, but nothing was measured in the last forty days.
fn silent() -> Source {
    let mut silent = portfolio();
    let measured_until = as_of(40).date();
    silent.usage_metrics.retain(|row| row.recorded_at.to_zoned(TimeZone::UTC).date() <= measured_until);
    Source::of(&silent, None)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feature_that_falls_silent_is_found_by_the_run_itself() {
    let usual = findings(&World::after(&[0]).await, "DriftDetected");

    let world = World::over(&silent()).await;
    world.refreshed(as_of(0)).await;
    let found = findings(&world, "DriftDetected");
    assert!(!usual.contains(&json!("shifted: days_since_usage")), "{usual:?}");
    assert!(found.contains(&json!("shifted: days_since_usage")), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenger_is_compared_and_the_champion_can_be_pinned_and_rolled_back() {
    let world = World::after(&[28]).await;
    let path = format!("{LIST}/models");
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
    assert_eq!(run.model().map(|model| &model.model_id), Some(&champion));
    let models = world.manager().get(&path).await.ok();
    assert_eq!(models["data"].as_array().map(Vec::len), Some(2), "the challenger is on record");
    let decision = &models["data"][0]["decision"];
    assert_eq!(decision["champion"], champion.as_str());
    assert!(decision["difference"]["value"].is_number(), "{decision}");
    assert_eq!(decision["promote"], false, "{decision}");

    // Somebody else's change is not undone unseen.
    let challenger = models["data"][0]["model_id"].as_str().expect("an id").to_owned();
    let promote = |generation: u64| json!({ "action": "promote", "model_id": challenger, "generation": generation });
    let _ = world.manager().post(&path, &[], &promote(1).to_string()).await.problem(409, "conflict");
    let promoted = world.manager().post(&path, &[], &promote(2).to_string()).await.ok();
    assert_eq!(promoted["champion"]["model_id"], challenger.as_str());
    // Whoever did not hear that it was done asks again: it is not done again, but told of again, under the same id.
    let again = world.manager().post(&path, &[], &promote(2).to_string()).await.ok();
    assert_eq!(again["champion"], promoted["champion"]);
    let ids: Vec<Value> = promotions(&world, &challenger);
    assert!(ids.len() == 2 && ids[0] == ids[1] && ids[0].is_string(), "{ids:?}");
    let unknown = json!({ "action": "promote", "model_id": "nobody", "generation": 3 });
    let _ = world.manager().post(&path, &[], &unknown.to_string()).await.problem(409, "conflict");
    let _ = world
        .manager()
        .post(&path, &[], r#"{"action":"promote","generation":3}"#)
        .await
        .problem(400, "invalid-parameter");

    // By hand, as the AWS CLI invokes it; a second time it is done already, and a third wish finds that the generation has
    // moved on.
    let rollback = command("rollback", 3);
    let answer = world.stack.invoke("trainer", rollback.clone()).await.expect("an answer");
    assert_eq!(answer["champion"]["model_id"], champion.as_str());
    let again = world.stack.invoke("trainer", rollback).await.expect("an answer");
    assert_eq!(again, answer);
    let mut unpin = world.stack.invoke("trainer", command("unpin", 3)).await.expect("an answer");
    assert!(unpin["refused"].as_str().is_some_and(|reason| reason.contains("generation 4")), "{unpin}");
    unpin = world.stack.invoke("trainer", command("unpin", 4)).await.expect("an answer");
    assert_eq!(unpin["champion"]["pinned"], false);

    // A champion of another horizon is not replaced unseen, whatever the comparison would say.
    let event = json!({
        "source": "expansion-propensity", "detail-type": "RefreshRequested",
        "detail": { "version": 1, "as_of": as_of(14).to_string(), "cause": "shorter", "horizon_days": 30 },
    });
    world.publish(&event).await;
    let models = world.manager().get(&path).await.ok();
    assert_eq!(models["champion"], unpin["champion"]);
    let shorter = models["data"].as_array().expect("models").iter().find(|model| model["horizon_days"] == 30);
    let decision = &shorter.expect("the challenger is on record")["decision"];
    assert_eq!(decision["promote"], false, "{decision}");
    assert!(decision["reason"].as_str().is_some_and(|reason| reason.contains("another horizon")), "{decision}");
}

/// What somebody wants done about the champion, as an event.
fn command(action: &str, generation: u64) -> Value {
    json!({
        "source": "expansion-propensity", "detail-type": "ModelCommandRequested",
        "detail": { "version": 1, "action": action, "generation": generation },
    })
}

/// The ids under which a promotion was told of.
fn promotions(world: &World, model_id: &str) -> Vec<Value> {
    let events = world.events();
    let told = events.iter().filter(|event| event["detail-type"] == "ModelPromoted");
    told.filter(|event| event["detail"]["model_id"] == model_id).map(|event| event["detail"]["id"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_that_was_not_told_of_is_told_of_by_the_next_attempt() {
    // Its own from the beginning: a model's id tells the source's files apart.
    let world = World::over(&Source::simulated()).await;
    let run = world.refreshed(as_of(7)).await;
    let model_id = run.model().expect("a model").model_id.clone();
    assert_eq!(promotions(&world, &model_id).len(), 1);
    // As an attempt leaves it that ended right after the promotion.
    let update = world.control.client.update_item().table_name(&world.control.name);
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    update
        .key("pk", text("run"))
        .key("sk", text(run.run_id.as_str()))
        .update_expression("SET #state = :training")
        .expression_attribute_names("#state", "state")
        .expression_attribute_values(":training", text("training"))
        .send()
        .await
        .expect("updated");
    world.publish(&world.weekly_event(as_of(7))).await;
    let ids = promotions(&world, &model_id);
    assert!(ids.len() == 2 && ids[0] == ids[1], "{ids:?}");
    assert_eq!(world.control.champion().await.expect("readable").expect("a champion").generation, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_record_is_kept_once_and_seen_in_accuracy_and_by_the_next_refresh() {
    let world = World::after(&[7]).await;
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
    let other_body = r#"{"kind":"won","amount":6000,"occurred_at":"2026-06-29"}"#;
    let _ = csm.post(&path, &key, other_body).await.problem(409, "idempotency-conflict");
    let dismissed = r#"{"kind":"dismissed","reason":"budget is gone"}"#;
    assert_eq!(csm.post(&path, &[], dismissed).await.status, 201);
    world.settle().await;

    let run = weekly_run(as_of(7));
    let accuracy = world.manager().get(&format!("{LIST}/accuracy?run={run}")).await.ok();
    assert_eq!(accuracy["data"][0]["feedback"]["won"], 1, "{accuracy}");
    // Seen at once, though nobody judges a run for it.
    assert_eq!(accuracy["data"][0]["feedback"]["dismissed"], 1, "{accuracy}");
    assert_eq!(csm.post(&path, &[], r#"{"kind":"accepted"}"#).await.status, 201);
    let accuracy = world.manager().get(&format!("{LIST}/accuracy?run={run}")).await.ok();
    assert_eq!(accuracy["data"][0]["feedback"]["accepted"], 1, "{accuracy}");

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

    // Nobody corrects what was recorded of another customer, or what was not recorded at all.
    let colleague = world.csm(other["csm_id"].as_str().expect("a CSM"));
    for corrected in [first.body["outcome_id"].as_str().expect("an id"), "00000000-0000-0000-0000-000000000000"] {
        let body = json!({ "kind": "lost", "corrects": corrected }).to_string();
        let refused = colleague.post(&path, &[], &body).await.problem(400, "invalid-parameter");
        assert_eq!(refused["invalid_parameters"][0]["name"], "corrects", "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_takes_the_place_and_no_deal_ends_on_a_day_before_it_was_opened() {
    let world = World::after(&[7]).await;
    let rows = world.all_rows().await;
    let id = rows[0]["customer_id"].as_str().expect("an id");
    let path = format!("/api/customers/{id}/expansion-propensity/outcome");
    let record = async |body: Value| {
        let reply = world.manager().post(&path, &[], &body.to_string()).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.body
    };
    let opened = json!({
        "kind": "opportunity_created", "amount": 900, "opportunity_id": "o-x", "occurred_at": "2026-06-29T14:00:00Z",
    });
    record(opened).await;
    let won = |day: &str| json!({ "kind": "won", "opportunity_id": "o-x", "occurred_at": day });
    let early = world.manager().post(&path, &[], &won("2026-06-28").to_string()).await;
    assert_eq!(early.problem(400, "invalid-parameter")["invalid_parameters"][0]["name"], "occurred_at");
    let won = record(won("2026-06-29")).await;
    record(json!({ "kind": "lost", "opportunity_id": "o-x", "amount": 900, "corrects": won["outcome_id"] })).await;
    let run = weekly_run(as_of(7));
    let accuracy = world.manager().get(&format!("{LIST}/accuracy?run={run}")).await.ok();
    assert_eq!(accuracy["data"][0]["feedback"], json!({ "opportunity_created": 1, "lost": 1 }), "{accuracy}");
}
