//! What is said about a customer, and what to do next: through the API, over two runs.

use std::collections::{BTreeMap, BTreeSet};

use expansion_e2e::{LIST, World, as_of, customer_path, weekly_run};
use expansion_local::Options;
use serde_json::{Value, json};

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn whole(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is no whole number"))
}

fn list<'v>(value: &'v Value, what: &str) -> &'v Vec<Value> {
    value[what].as_array().unwrap_or_else(|| panic!("{what} is no list in {value}"))
}

fn csm(row: &Value) -> String {
    row["csm_id"].as_str().unwrap_or_default().to_owned()
}

fn points(factors: &[Value]) -> i64 {
    factors.iter().map(|factor| whole(&factor["points"])).sum()
}

/// A world with two runs, four weeks apart.
async fn two_runs() -> World {
    World::after(&[28, 0]).await
}

async fn answers(world: &World) -> Vec<Value> {
    let mut answers = Vec::new();
    for row in world.all_rows().await {
        answers.push(world.customer(row["customer_id"].as_str().expect("an id")).await);
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn every_part_of_an_answer_adds_up_or_says_why_it_is_not_there() {
    let world = two_runs().await;
    let answers = answers(&world).await;
    assert!(answers.len() > 100);
    let (mut moved, mut offers, mut quantities, mut champions, mut times) = (0, 0, 0, 0, 0);
    for answer in &answers {
        let missing = |part: &str| answer["not_available"][part].as_str().is_some_and(|reason| reason.len() > 10);
        let factors = list(answer, "contributing_factors");
        assert_eq!(whole(&answer["baseline_points"]) + points(factors), whole(&answer["propensity_score"]), "{answer}");
        for factor in factors {
            let wanted = match whole(&factor["points"]) {
                1.. => "for",
                0 => "neutral",
                _ => "against",
            };
            assert_eq!(factor["direction"], wanted, "{factor}");
            let is_cohort = factor["feature"] == "similar_cohort";
            assert_eq!(factor["points"] == 0, is_cohort, "only the cohort has no points: {factor}");
        }
        let cohort = &answer["similar_cohort"];
        assert_eq!(cohort.is_null(), missing("similar_cohort"));
        if !cohort.is_null() {
            let share = number(&cohort["expanded"]) / number(&cohort["customers"]);
            assert!((share - number(&cohort["share"])).abs() < 1e-9, "{cohort}");
        }

        let movement = &answer["movement"];
        assert_eq!(movement.is_null(), missing("movement"), "{answer}");
        if !movement.is_null() {
            let parts = points(list(movement, "factors"))
                + whole(&movement["model_points"])
                + whole(&movement["correction_points"]);
            assert_eq!(parts, whole(&movement["delta"]), "{movement}");
            assert_eq!(movement["delta"], answer["trend"]["delta"]);
            assert_eq!(movement["correction_points"], 0, "nothing was corrected between the runs");
            moved += usize::from(movement["delta"] != 0);
        }

        let products = list(answer, "recommended_products");
        assert_eq!(products.is_empty(), missing("recommended_products"), "{answer}");
        assert!(products.len() <= 3);
        let probabilities: Vec<f64> = products.iter().map(|product| number(&product["probability"])).collect();
        assert!(probabilities.is_sorted_by(|a, b| a >= b) && probabilities.iter().sum::<f64>() <= 1.001);
        for product in products {
            offers += 1;
            assert!(product["rationale"].as_str().is_some_and(|text| text.len() > 10), "{product}");
            if let Some(quantity) = product["quantity"].as_object() {
                quantities += 1;
                let offer = product["offer"].as_str().expect("an offer");
                assert!(offer.starts_with(&format!("Additional {}", number(&quantity["units"]))), "{product}");
                assert!(number(&quantity["utilisation"]) <= 0.801, "{product}");
            }
            if let Some(value) = product["estimated_value"].as_object() {
                let [lower, amount, upper] = ["lower", "amount", "upper"].map(|part| number(&value[part]));
                assert!(0.0 < lower && lower <= amount && amount <= upper, "{product}");
            }
        }
        let approach = &answer["recommended_approach"];
        for part in ["product", "timing", "champion", "entry_point"] {
            let said = missing(&format!("recommended_approach.{part}"));
            assert_eq!(approach[part].is_null(), said, "{part} of {answer}");
        }
        if !products.is_empty() {
            assert_eq!(approach["product"], products[0]["offer"]);
        }
        champions += usize::from(!approach["champion"].is_null());
        if let Some(timing) = approach["timing"].as_object() {
            times += 1;
            assert!(timing["from"].as_str() <= timing["to"].as_str(), "{approach}");
            assert!(timing["to"].as_str() >= Some(&as_of(0).date().to_string()), "{approach}");
        }
    }
    // The parts are there for many, not only for the odd one.
    assert!(
        moved > 20 && offers > 200 && quantities > 30 && champions > 50 && times > 30,
        "{moved} {offers} {quantities}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_what_if_answer_applied_and_scored_again_reaches_its_target() {
    let world = two_runs().await;
    let manager = world.manager();
    let (mut reached, mut tried, mut offered, mut along) = (0, 0, 0, 0);
    for row in world.all_rows().await.iter().step_by(3) {
        let path = format!("{}/what-if", customer_path(row["customer_id"].as_str().expect("an id")));
        let score = whole(&row["propensity_score"]);
        for target in [score + 2, score + 8, 60].map(|target| target.clamp(2, 99)) {
            let answer = manager.get(&format!("{path}?target={target}")).await.ok();
            assert_eq!((&answer["propensity_score"], &answer["target"]), (&json!(score), &json!(target)));
            assert!(answer["note"].as_str().is_some_and(|note| note.contains("not cause")), "{answer}");
            let is_reached = whole(&answer["changed_score"]) >= target;
            assert_eq!(answer["reached"], is_reached, "{answer}");
            tried += 1;
            let changes = list(&answer, "changes");
            assert_eq!(points(changes) + whole(&answer["other_points"]), whole(&answer["changed_score"]) - score);
            if changes.is_empty() {
                continue;
            }
            assert!(changes.iter().all(|change| change["usual"] == true), "{answer}");
            let values: BTreeMap<&str, &Value> =
                changes.iter().map(|change| (change["feature"].as_str().expect("a name"), &change["to"])).collect();
            let again = manager.post(&path, &[], &json!({ "changes": values }).to_string()).await.ok();
            assert_eq!(again["changed_score"], answer["changed_score"], "{answer} {again}");
            assert_eq!(again["changed_confidence"], answer["changed_confidence"]);
            reached += usize::from(is_reached);
        }
        let levers = manager.get(&format!("{path}?target=99")).await.ok()["levers"].clone();
        let levers = levers.as_array().expect("levers");
        assert!(levers.len() <= 5 && levers.is_sorted_by_key(|lever| -whole(&lever["points"])), "{levers:?}");
        for lever in levers {
            let changes = json!({"changes": {lever["feature"].as_str().expect("a name"): lever["to"]}});
            let answer = manager.post(&path, &[], &changes.to_string()).await.ok();
            assert_eq!(whole(&answer["changed_score"]) - score, whole(&lever["points"]), "{lever} {answer}");
            offered += 1;
            along += list(&answer, "changes").len() - 1;
        }
    }
    assert!(reached > 20, "{reached} of {tried}");
    assert!(offered > 20 && along > 0, "{offered} levers, {along} moved along");

    let path = format!("{}/what-if", customer_path("cus-00001"));
    let _ = manager.get(&path).await.problem(400, "invalid-parameter");
    let _ = manager.get(&format!("{path}?target=100")).await.problem(400, "invalid-parameter");
    let _ = manager.post(&path, &[], r#"{"changes":{"colour":1}}"#).await.problem(400, "invalid-parameter");
    for (change, range) in [
        (r#""seat_utilisation": -3"#, "0 or more"),
        (r#""health_score": 101"#, "from 0 to 100"),
        (r#""tickets_90": 1000000"#, "as among the customers that the model knows"),
        (r#""segment": "Galactic""#, "one that the model knows"),
    ] {
        let refused = manager.post(&path, &[], &format!(r#"{{"changes":{{{change}}}}}"#)).await;
        let refused = refused.problem(400, "invalid-parameter").to_string();
        assert!(refused.contains(range), "{refused}");
    }
    let _ = manager.post(&path, &[], "what if").await.problem(400, "invalid-body");
    let _ = manager.get(&format!("{}/what-if?target=50", customer_path("nobody"))).await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_csm_s_customer_has_no_what_if() {
    let world = two_runs().await;
    let rows = world.all_rows().await;
    let other = rows.iter().find(|row| row["csm_id"].is_string() && row["csm_id"] != "csm-01").expect("somebody's");
    let path = format!("{}/what-if?target=50", customer_path(other["customer_id"].as_str().expect("an id")));
    let _ = world.csm("csm-01").get(&path).await.problem(404, "not-found");
    let _ = world.manager().get(&path).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_the_order_that_is_asked_for() {
    let world = two_runs().await;
    let manager = world.manager();
    let all = world.all_rows().await;
    let ids = |rows: &[Value]| rows.iter().map(|row| row["customer_id"].to_string()).collect::<BTreeSet<_>>();
    for (order, of) in [("expected_value", "expected_value"), ("priority", "priority")] {
        let sorted = world.rows(&manager, &format!("sort={order}&limit=40")).await;
        assert_eq!(ids(&sorted), ids(&all), "{order}");
        assert_eq!(sorted.len(), all.len());
        let values: Vec<Option<f64>> = sorted.iter().map(|row| row[of].as_f64()).collect();
        assert!(values.is_sorted_by(|a, b| a.map_or(-1.0, |a| a) >= b.map_or(-1.0, |b| b)), "{order}");
    }
    let by_priority = world.rows(&manager, "sort=priority&limit=40").await;
    let (mut alone, mut free) = (0, 0);
    for (place, row) in by_priority.iter().enumerate() {
        let is_ready = row["standing"] == "ready_to_approach";
        assert_eq!(is_ready, row["priority"].is_number(), "{row}");
        assert_eq!(row["leave_alone"].is_string(), row["standing"] == "leave_alone", "{row}");
        assert_eq!(row["open_deal"].is_string(), row["standing"] == "in_progress", "{row}");
        let rank = if is_ready { json!(place + 1) } else { Value::Null };
        assert_eq!(row["rank"], rank, "a reason instead of a rank: {row}");
        *if is_ready { &mut free } else { &mut alone } += 1;
    }
    assert!(alone > 10 && free > 50, "{alone} {free}");
    let of_csm = world.rows(&manager, "sort=priority&csm_id=csm-03&limit=4").await;
    let wanted: Vec<&Value> = by_priority.iter().filter(|row| row["csm_id"] == "csm-03").collect();
    let same = of_csm.iter().zip(&wanted).all(|(a, b)| a["customer_id"] == b["customer_id"]);
    assert!(same && of_csm.len() == wanted.len() && wanted.len() > 4);

    for (query, order) in [("per_csm=2&limit=7", "propensity_score"), ("per_csm=2&sort=priority&limit=7", "priority")] {
        let best = world.rows(&manager, query).await;
        let mut of_each: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for row in &best {
            of_each.entry(csm(row)).or_default().push(number(&row[order]));
        }
        assert!(of_each.len() > 5 && of_each.values().all(|values| values.len() <= 2), "{query}");
        for (csm_id, values) in of_each {
            let mut own: Vec<f64> =
                all.iter().filter(|row| csm(row) == csm_id).filter_map(|row| row[order].as_f64()).collect();
            own.sort_by(|a, b| b.total_cmp(a));
            assert_eq!(values, own[..values.len()], "{query}: {csm_id}");
        }
    }
    for wrong in ["sort=age", "per_csm=0", "per_csm=1000"] {
        let _ = manager.get(&format!("{LIST}?{wrong}")).await.problem(400, "invalid-parameter");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_are_compared_with_sizes_and_intervals() {
    let path = format!("{LIST}/segments");
    let empty = World::start(Options::default()).await;
    let _ = empty.manager().get(&path).await.problem(404, "no-run-yet");
    let world = World::after(&[0]).await;
    let answer = world.csm("csm-01").get(&path).await.ok();
    let data = list(&answer, "data");
    assert!(data.len() >= 4 && data[0]["segment"].is_null());
    let rows: f64 = data[1..].iter().map(|segment| number(&segment["rows"])).sum();
    assert!(rows <= number(&data[0]["rows"]));
    for segment in data {
        let rate = number(&segment["base_rate"]);
        assert!((rate - number(&segment["expansions"]) / number(&segment["rows"])).abs() < 1e-9);
        let interval = &segment["base_rate_interval"];
        assert!(number(&interval[0]) < rate && rate < number(&interval[1]), "{segment}");
        let calibration = &segment["calibration"];
        if !calibration.is_null() {
            assert!(number(&calibration["observed_interval"][0]) <= number(&calibration["observed"]), "{segment}");
        }
        assert!(!list(segment, "strongest_factors").is_empty());
    }
    let _ = world.manager().get(&format!("{path}?colour=red")).await.problem(400, "invalid-parameter");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_becomes_ready_is_told_of_once() {
    let mut told: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut ready_before: BTreeSet<String> = BTreeSet::new();
    for (runs, last) in [(1, 60), (2, 30), (3, 0)] {
        let world = World::after(&[60, 30, 0][..runs]).await;
        let run = weekly_run(as_of(last));
        let ready: BTreeSet<String> = world
            .rows(&world.manager(), "standing=ready_to_approach&grade=A&limit=200")
            .await
            .iter()
            .map(|row| row["customer_id"].to_string())
            .collect();
        let events = world.events().into_iter().filter(|event| event["detail-type"] == "ExpansionReady");
        let events: Vec<Value> =
            events.map(|event| event["detail"].clone()).filter(|detail| detail["run_id"] == run.as_str()).collect();
        let crossing: BTreeSet<String> = ready.difference(&ready_before).cloned().collect();
        let found: BTreeSet<String> = events.iter().map(|detail| detail["customer_id"].to_string()).collect();
        assert_eq!(found, crossing);
        assert_eq!(events.len(), crossing.len(), "each once");
        assert!(!crossing.is_empty());
        for detail in events {
            assert!(detail["grade"] == "A" && detail["id"].is_string() && detail["leave_alone"].is_null(), "{detail}");
            told.entry(detail["customer_id"].to_string()).or_default().push(detail);
        }
        ready_before = ready;
    }
    assert!(told.len() > 5);
}
