//! The weekly job from its event to the answers of the API.

use std::collections::BTreeSet;

use expansion_e2e::{LIST, Source, World, as_of, customer_path, portfolio, weekly_run};
use expansion_local::Options;
use expansion_records::RunStage;
use serde_json::{Value, json};

fn id(row: &Value) -> String {
    row["customer_id"].as_str().expect("an id").to_owned()
}

fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(id).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Who is a customer at the portfolio's end.
fn current_customers() -> BTreeSet<String> {
    let end = as_of(0).date();
    let customers = portfolio().customers.into_iter();
    let current = customers.filter(|c| c.created_at <= end && c.churned_at.is_none_or(|left| left > end));
    current.map(|customer| customer.customer_id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_weekly_event_leads_to_a_complete_run_of_every_current_customer() {
    let world = World::over(&Source::simulated()).await;
    let run = world.refreshed(as_of(0)).await;
    assert_eq!(world.stack.dead_letters(), Vec::<Value>::new());

    let metrics = run.model().and_then(|model| model.metrics).expect("history is long enough to hold some out");
    assert!(metrics.auc > 0.6 && metrics.auc < 1.0, "{metrics:?}");
    assert!(metrics.n > 0 && metrics.log_loss > 0.0 && metrics.base_rate > 0.0, "{metrics:?}");

    let listed = world.all_rows().await;
    let found: BTreeSet<String> = ids(&listed).into_iter().collect();
    assert_eq!(found, current_customers());
    assert_eq!(found.len(), listed.len(), "nobody is listed twice");

    let status = world.manager().get(&format!("{LIST}/refresh/{}", run.run_id)).await.ok();
    assert_eq!(status["state"], "complete");
    assert_eq!(status["rows"], listed.len());
    assert_eq!(status["progress"], json!({"done": 1, "shards": 1}));
    assert_eq!(status["as_of"], as_of(0).to_string());
    assert_eq!(status["data_issues"], json!([]));
    assert_eq!(status["failure"], Value::Null);
    let first = world.manager().get(LIST).await.ok();
    let mut listed = first["run"].clone();
    listed["is_older_than_current"] = json!(false);
    assert_eq!(
        (&status["data"]["grade"], &status["data"]["tables"][0]["table"]),
        (&json!("fine"), &json!("customers"))
    );
    listed["data"] = status["data"].clone();
    assert_eq!(listed, status, "the list says the same of its run");
    assert_eq!(first["data"].as_array().map(Vec::len), Some(50), "a page has 50 rows unless asked otherwise");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_ranked_and_its_pages_show_everybody_once() {
    let world = World::after(&[0]).await;
    let all = world.all_rows().await;

    let ranks: Vec<u64> = all.iter().filter_map(|row| row["rank"].as_u64()).collect();
    assert_eq!(ranks, (1..=all.len() as u64).collect::<Vec<_>>());
    for pair in all.windows(2) {
        let [before, after] = [&pair[0], &pair[1]].map(|row| number(&row["propensity_score"]));
        assert!(before >= after, "{pair:?}");
        let [before_percentile, after_percentile] = [&pair[0], &pair[1]].map(|row| number(&row["percentile"]));
        assert!(before_percentile >= after_percentile, "{pair:?}");
        assert_eq!(before > after, before_percentile > after_percentile, "equal scores share a percentile: {pair:?}");
    }

    assert_eq!(world.rows(&world.manager(), "limit=7").await, all);
    let csm = all.iter().find_map(|row| row["csm_id"].as_str()).expect("somebody has a CSM");
    let own: Vec<String> = ids(&all.iter().filter(|row| row["csm_id"] == csm).cloned().collect::<Vec<_>>());
    assert!(own.len() > 3, "{csm} has {} customers", own.len());
    let paged = world.rows(&world.manager(), &format!("csm_id={csm}&limit=3")).await;
    assert_eq!(ids(&paged), own);
    let ranks: Vec<u64> = paged.iter().filter_map(|row| row["rank"].as_u64()).collect();
    assert_eq!(ranks, (1..=own.len() as u64).collect::<Vec<_>>(), "ranks go on from page to page");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filtered_list_is_the_whole_list_filtered() {
    let world = World::after(&[0]).await;
    let all = world.all_rows().await;
    let middle = number(&all[all.len() / 2]["propensity_score"]);

    let mut some = 0;
    for (query, wanted) in [
        (
            format!("min_score={middle}"),
            Box::new(|row: &Value| number(&row["propensity_score"]) >= middle) as Box<dyn Fn(&Value) -> bool>,
        ),
        ("segment=SMB".to_owned(), Box::new(|row: &Value| row["segment"] == "SMB")),
        ("segment=Public+Sector".to_owned(), Box::new(|row: &Value| row["segment"] == "Public Sector")),
        ("confidence=High".to_owned(), Box::new(|row: &Value| row["confidence"]["level"] == "High")),
        ("confidence=medium".to_owned(), Box::new(|row: &Value| row["confidence"]["level"] == "Medium")),
        ("confidence=Low".to_owned(), Box::new(|row: &Value| row["confidence"]["level"] == "Low")),
        ("standing=in_progress".to_owned(), Box::new(|row: &Value| row["standing"] == "in_progress")),
        ("standing=leave_alone&grade=b".to_owned(), {
            Box::new(|row: &Value| row["standing"] == "leave_alone" && row["grade"] == "B")
        }),
        ("region=Europe&industry=Retail".to_owned(), {
            Box::new(|row: &Value| row["region"] == "Europe" && row["industry"] == "Retail")
        }),
        ("has_advocate=false".to_owned(), Box::new(|row: &Value| row["has_advocate"] == false)),
        ("min_value=5000&standing=all".to_owned(), {
            Box::new(|row: &Value| row["estimated_value"]["amount"].as_f64() >= Some(5000.0))
        }),
        (
            "csm_id=csm-03&min_score=3".to_owned(),
            Box::new(|row: &Value| row["csm_id"] == "csm-03" && number(&row["propensity_score"]) >= 3.0),
        ),
        (
            "csm_id=csm-17&segment=SMB".to_owned(),
            Box::new(|row: &Value| row["csm_id"] == "csm-17" && row["segment"] == "SMB"),
        ),
    ] {
        let wanted: Vec<String> = all.iter().filter(|row| wanted(row)).map(id).collect();
        assert_eq!(ids(&world.rows(&world.manager(), &format!("{query}&limit=9")).await), wanted, "{query}");
        let first = world.manager().get(&format!("{LIST}?{query}&limit=1")).await.ok();
        assert_eq!((&first["totals"]["customers"], &first["totals"]["examined"]), (&json!(wanted.len()), &Value::Null));
        some += usize::from(!wanted.is_empty());
    }
    assert!(some >= 10, "most of these lists have rows");

    // Which products are recommended is told only by the customers' own answers.
    let mut recommended = Vec::new();
    for customer in ids(&all) {
        let answer = world.customer(&customer).await;
        let products = answer["recommended_products"].as_array().expect("a list of products").clone();
        recommended.push((customer, products));
    }
    let offers = |product: &Value| {
        let offered = |offers: &[Value]| offers.iter().any(|offer| offer["product_id"] == *product);
        recommended.iter().filter(|(_, offers)| offered(offers)).map(|(id, _)| id.clone()).collect::<Vec<String>>()
    };
    let products = recommended.iter().flat_map(|(_, offers)| offers).map(|offer| &offer["product_id"]);
    let product = products.clone().find(|product| offers(product).len() < all.len());
    let product = product.expect("some product is not for everybody");
    let wanted = offers(product);
    let product = product.as_str().expect("an id");
    assert_eq!(ids(&world.rows(&world.manager(), &format!("product_id={product}&limit=11")).await), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_customers_points_add_up_and_every_interval_holds_its_score() {
    let world = World::after(&[0]).await;
    let run = world.run(&weekly_run(as_of(0))).await;
    for row in world.all_rows().await {
        let answer = world.customer(&id(&row)).await;
        let score = answer["propensity_score"].as_i64().expect("a score");
        assert!((1..=99).contains(&score), "{answer}");
        let factors = answer["contributing_factors"].as_array().expect("a list of factors");
        let points: i64 = factors.iter().map(|factor| factor["points"].as_i64().expect("points")).sum();
        assert_eq!(answer["baseline_points"].as_i64().expect("a baseline") + points, score, "{answer}");
        assert!(factors.iter().all(|factor| factor["label"].as_str().is_some_and(|label| !label.is_empty())));

        // The score is rounded to whole points, the interval to tenths.
        let (lower, upper) = (number(&answer["confidence"]["lower"]), number(&answer["confidence"]["upper"]));
        let score = number(&answer["propensity_score"]);
        assert!(0.0 <= lower && lower <= score + 0.55 && score - 0.55 <= upper && upper <= 100.0, "{answer}");
        assert!((0.0..=1.0).contains(&number(&answer["confidence"]["value"])), "{answer}");
        let value = &answer["estimated_value"];
        assert!(number(&value["lower"]) <= number(&value["amount"]), "{answer}");
        assert!(number(&value["amount"]) <= number(&value["upper"]), "{answer}");

        // What the list shows is part of the answer; the rank differs only among equal scores.
        for (name, shown) in row.as_object().expect("a row") {
            if name != "rank" {
                assert_eq!(answer[name], *shown, "{name} of {answer}");
            }
        }
        assert!(answer["rank"].as_u64() <= row["rank"].as_u64(), "{answer}");
        assert_eq!(answer["run_id"], run.run_id.as_str());
        assert_eq!(answer["history"].as_array().map(Vec::len), Some(1));
        assert_eq!(answer["model"]["model_id"], run.model().expect("a model").model_id);
        let shares: f64 =
            answer["recommended_products"].as_array().into_iter().flatten().map(|p| number(&p["probability"])).sum();
        assert!(shares <= 1.001, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_run_there_is_nothing_and_the_answer_says_how_to_get_it() {
    let world = World::start(Options::default()).await;
    let problem = world.manager().get(LIST).await.problem(404, "no-run-yet");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("/refresh")), "{problem}");
    let _ = world.manager().get(&customer_path("cus-00001")).await.problem(404, "no-run-yet");
    let _ = world.manager().get(&format!("{LIST}/refresh/20260630T235959Z-0bd1c9a2")).await.problem(404, "not-found");
    let _ = world.manager().get(&format!("{LIST}/refresh/rubbish")).await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_wrongly_is_refused_by_name() {
    let world = World::after(&[0]).await;
    let manager = world.manager();
    let _ = manager.get(&customer_path("nobody")).await.problem(404, "not-found");

    let problem =
        manager.get(&format!("{LIST}?colour=red&limit=0&min_score=101")).await.problem(400, "invalid-parameter");
    let named: Vec<&str> =
        problem["invalid_parameters"].as_array().into_iter().flatten().filter_map(|p| p["name"].as_str()).collect();
    assert_eq!(named, ["limit", "min_score", "colour"]);

    let page = manager.get(&format!("{LIST}?limit=7")).await.ok();
    let cursor = page["next_cursor"].as_str().expect("there are more than 7");
    let mut tampered = cursor.to_owned();
    let last = if tampered.remove(10) == 'A' { 'B' } else { 'A' };
    tampered.insert(10, last);
    for wrong in [&*tampered, "x", "", &cursor[..cursor.len() - 4]] {
        let problem = manager.get(&format!("{LIST}?limit=7&cursor={wrong}")).await.problem(400, "invalid-parameter");
        assert_eq!(problem["invalid_parameters"][0]["name"], "cursor");
    }
    // A cursor belongs to the list it came from; only the size of the pages may change.
    let _ = manager.get(&format!("{LIST}?segment=SMB&cursor={cursor}")).await.problem(400, "invalid-parameter");
    let _ = world.csm("csm-01").get(&format!("{LIST}?cursor={cursor}")).await.problem(400, "invalid-parameter");
    assert_eq!(manager.get(&format!("{LIST}?limit=3&cursor={cursor}")).await.ok()["data"][0]["rank"], 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_being_read_stays_the_same_run_when_a_newer_one_completes() {
    let world = World::after(&[7]).await;
    let before = world.all_rows().await;
    let page = world.manager().get(&format!("{LIST}?limit=200")).await.ok();
    let cursor = page["next_cursor"].as_str().expect("there are more than 200");

    let newer = world.refreshed(as_of(0)).await;
    let rest = world.manager().get(&format!("{LIST}?limit=200&cursor={cursor}")).await.ok();
    assert_eq!(rest["data"].as_array().expect("rows")[..], before[200..]);
    assert_eq!(world.manager().get(LIST).await.ok()["run"]["run_id"], newer.run_id.as_str());
    assert_eq!(newer.stage(), RunStage::Complete);
}
