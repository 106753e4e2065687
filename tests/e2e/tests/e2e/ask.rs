//! Questions in words: each kind is asked, and the answer is held against the API's rows.

use std::collections::BTreeSet;

use expansion_domain::Money;
use expansion_e2e::{Caller, LIST, REFRESH, Source, World, as_of, customer_path, young};
use expansion_local::Options;
use expansion_records::{Run, RunStage};
use expansion_store::now;
use serde_json::{Value, json};

use crate::unfinished::planned;

const ASK: &str = "/api/analytics/expansion-propensity/ask";

async fn ask(caller: &Caller, question: &str) -> Value {
    let answer = caller.post(ASK, &[], &json!({ "question": question }).to_string()).await.ok();
    assert_eq!(answer["question"], question);
    answer
}

/// An answer that must have been understood like this.
async fn asked(caller: &Caller, question: &str, understood: &str) -> Value {
    let answer = ask(caller, question).await;
    assert_eq!(answer["understood"], understood, "{question}: {answer}");
    assert!(!text(&answer, "markdown").is_empty());
    answer
}

fn text<'v>(value: &'v Value, what: &str) -> &'v str {
    value[what].as_str().unwrap_or_else(|| panic!("{what} is no text in {value}"))
}

fn list<'v>(value: &'v Value, what: &str) -> &'v [Value] {
    value[what].as_array().unwrap_or_else(|| panic!("{what} is no list in {value}"))
}

fn score(row: &Value) -> i64 {
    row["propensity_score"].as_i64().unwrap_or_else(|| panic!("no score in {row}"))
}

fn delta(row: &Value) -> i64 {
    row["trend"]["delta"].as_i64().unwrap_or_else(|| panic!("no trend in {row}"))
}

async fn rows(caller: &Caller, query: &str) -> Vec<Value> {
    let answer = caller.get(&format!("{LIST}?{query}")).await.ok();
    list(&answer, "data").to_vec()
}

/// A world with two runs, a week apart.
async fn two_runs() -> World {
    World::after(&[7, 0]).await
}

/// A world with runs, a month apart, so that some customers became ready in the last.
async fn three_runs() -> World {
    World::after(&[60, 30, 0]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_prds_question_has_the_prds_answer() {
    let world = two_runs().await;
    let manager = world.manager();
    let answer = asked(&manager, "Which accounts are ready to expand?", "top_accounts").await;
    let best = rows(&manager, "standing=ready_to_approach&limit=5").await;
    assert_eq!(answer["accounts"], json!(best));
    assert!(best.iter().all(|row| row["leave_alone"].is_null() && row["open_deal"].is_null()), "{best:?}");
    let first = world.customer(text(&best[0], "customer_id")).await;
    assert_eq!(answer["customer"], first);
    assert_eq!(answer["run"]["run_id"], first["run_id"]);

    let markdown = text(&answer, "markdown");
    let mut lines = markdown.lines();
    let mut next = |wanted: &str| {
        assert!(lines.any(|line| line.starts_with(wanted)), "no {wanted:?} in its place in {markdown}");
    };
    next("**Top Expansion Opportunities**");
    next("| Rank | Customer | Propensity | Lift | Grade | Confidence | Est. Value | Primary Signal |");
    next("|------|----------|------------|------|-------|------------|------------|----------------|");
    for row in &best {
        let (rank, name) = (row["rank"].as_u64().expect("a rank"), text(row, "customer_name"));
        let value = Money { amount: row["estimated_value"]["amount"].as_f64().expect("an amount"), currency: None };
        let (lift, grade) = (row["lift"].as_f64().expect("a lift"), text(row, "grade"));
        let sure = format!("{}, {}", text(&row["confidence"], "level"), text(&row["confidence"], "side"));
        next(&format!("| {rank} | {name} | {}% | {lift:.1}× | {grade} | {sure} | {value} |", score(row)));
    }
    next("Besides: In progress: ");
    next(&format!("**{} - Deep Dive:**", text(&first, "customer_name")));
    next(&format!("**Propensity Score: {}/100**", score(&first)));
    next("Contributing Factors:");
    next("**Recommended Approach:**");
    for part in ["Product", "Timing", "Champion", "Entry Point"] {
        next(&format!("- {part}: "));
    }
    next("[Create Expansion Opp] [Schedule Meeting] [Generate Proposal]");

    // The points that are said add up to the score.
    let said = markdown.lines().filter_map(|line| line.rsplit_once(" (")?.1.strip_suffix(" points)"));
    let ones = markdown.lines().filter_map(|line| line.rsplit_once(" (")?.1.strip_suffix(" point)"));
    let points: i64 = said.chain(ones).map(|points| points.parse::<i64>().expect("points")).sum();
    assert_eq!(points, score(&first), "{markdown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_narrowed_and_sorted_as_asked() {
    let world = two_runs().await;
    let manager = world.manager();
    let (first, id) = {
        let all = world.all_rows().await;
        let csm = text(&all[3], "csm_id").to_owned();
        (all[3].clone(), csm)
    };
    let segment = text(&first, "segment").to_owned();
    for (question, query) in [
        ("top 3 accounts".to_owned(), "limit=3".to_owned()),
        (format!("Ten accounts of {id} by value"), format!("csm_id={id}&sort=expected_value&limit=10")),
        (format!("best accounts for {}", id.to_uppercase()), format!("csm_id={id}&limit=5")),
        ("Which accounts are above 20?".to_owned(), "min_score=21&limit=5".to_owned()),
        ("which 7 accounts first, by priority".to_owned(), "sort=priority&limit=7".to_owned()),
        ("accounts with high confidence".to_owned(), "confidence=High&limit=5".to_owned()),
        (format!("Which {} accounts are worth most?", segment.to_lowercase()), {
            format!("segment={}&sort=expected_value&limit=5", segment.replace(' ', "+"))
        }),
        ("Who should I offer Advanced Analytics?".to_owned(), "product_id=prd-analytics&limit=5".to_owned()),
        ("top accounts for prd-seats at least 10".to_owned(), "product_id=prd-seats&min_score=10&limit=5".to_owned()),
        ("top accounts by expected value".to_owned(), "sort=expected_value&limit=5".to_owned()),
        ("high-confidence accounts".to_owned(), "confidence=High&limit=5".to_owned()),
        ("Which accounts will expand in the next 90 days, and why?".to_owned(), "limit=5".to_owned()),
        ("Which accounts are in progress?".to_owned(), "standing=in_progress&limit=5".to_owned()),
        ("Which accounts are better left alone?".to_owned(), "standing=leave_alone&limit=5".to_owned()),
    ] {
        let answer = asked(&manager, &question, "top_accounts").await;
        let query = if query.contains("standing") { query } else { format!("{query}&standing=ready_to_approach") };
        let wanted = rows(&manager, &query).await;
        assert!(!wanted.is_empty(), "{query} has rows");
        assert_eq!(answer["accounts"], json!(wanted), "{question}");
        assert_eq!(answer["notes"], json!([]), "{question}");
    }

    let none = asked(&manager, "accounts from 100", "top_accounts").await;
    assert_eq!((list(&none, "accounts").len(), &none["customer"]), (0, &Value::Null));
    assert!(none["not_available"]["customer"].is_string() && none["not_available"]["accounts"].is_string());

    let unknown = asked(&manager, "Which Martian accounts are ready?", "nothing").await;
    assert!(text(&unknown, "markdown").contains("Martian\" is not understood"), "{unknown}");
    assert!(text(&unknown, "markdown").contains(&segment), "the segments there are: {unknown}");
    let unknown = asked(&manager, "accounts of csm-99", "nothing").await;
    assert!(list(&unknown, "notes")[0].as_str().is_some_and(|note| note.contains("csm-99")), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_are_on_what_they_are_said_to_be_on() {
    let world = three_runs().await;
    let manager = world.manager();
    let all = world.all_rows().await;
    let ready: Vec<&Value> = all.iter().filter(|row| row["standing"] == "ready_to_approach").collect();
    let ids = |rows: &[&Value]| rows.iter().map(|row| row["customer_id"].clone()).collect::<Vec<_>>();
    let value = |row: &Value| row["estimated_value"]["amount"].as_f64().unwrap_or_default();
    let mut values: Vec<f64> = ready.iter().map(|row| value(row)).collect();
    values.sort_by(f64::total_cmp);
    let least = values[values.len() * 9 / 10].floor();
    let newly = |row: &&Value| row["newly_ready"] == true;
    for (question, wanted) in [
        (
            format!("Top 7 accounts worth more than {least}"),
            ready.iter().copied().filter(|row| value(row) >= least).take(7).collect(),
        ),
        (
            "Which 50 accounts are newly ready?".to_owned(),
            ready.iter().copied().filter(newly).take(50).collect::<Vec<_>>(),
        ),
    ] {
        let answer = asked(&manager, &question, "top_accounts").await;
        let accounts: Vec<&Value> = list(&answer, "accounts").iter().collect();
        assert!(!wanted.is_empty(), "nobody is like this: {question}");
        assert_eq!(ids(&accounts), ids(&wanted), "{question}: {answer}");
        assert!(accounts.iter().zip(1..).all(|(row, rank)| row["rank"] == rank), "{answer}");
        assert!(answer["filters"].get("min_score").is_none(), "{answer}");
        assert!(text(&answer, "markdown").contains("Only: "), "{answer}");
    }

    for (question, named) in [
        ("top 20 customers with over 50 seats", "over 50 seats"),
        ("accounts over 50000", "over 50000"),
        ("accounts with confidence above 80", "confidence above 80"),
    ] {
        let answer = asked(&manager, question, "nothing").await;
        assert!(answer["notes"][0].as_str().is_some_and(|note| note.contains(named)), "{answer}");
    }
    let sooner = asked(&manager, "Which accounts are ready in the next 30 days?", "top_accounts").await;
    assert_eq!(sooner["notes"], json!(["A score is the chance within 90 days; there is none for 30 days."]));
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_counted_and_added_up() {
    let world = three_runs().await;
    let all = world.all_rows().await;
    let own_id = text(&all[0], "csm_id");
    let sum = |rows: &[&Value]| rows.iter().filter_map(|row| row["expected_value"].as_f64()).sum::<f64>();
    let own: Vec<&Value> = all.iter().filter(|row| row["csm_id"] == own_id).collect();
    let standing = |name: &str| all.iter().filter(|row| row["standing"] == name).collect::<Vec<&Value>>();
    for (caller, question, rows) in [
        (world.manager(), "How many accounts are there?".to_owned(), all.iter().collect()),
        (world.manager(), "How many accounts are ready to expand?".to_owned(), standing("ready_to_approach")),
        (world.manager(), "How many accounts are in progress?".to_owned(), standing("in_progress")),
        (world.manager(), "How many accounts are above 20?".to_owned(), all.iter().filter(|r| score(r) > 20).collect()),
        (world.manager(), format!("How many customers does {own_id} have?"), own.clone()),
        (world.csm(own_id), "What's the total expected value?".to_owned(), own.clone()),
    ] {
        let answer = asked(&caller, &question, "totals").await;
        assert_eq!(answer["customers"], rows.len(), "{question}");
        assert_eq!(answer["newly_ready"], rows.iter().filter(|row| row["newly_ready"] == true).count());
        for (from, to) in [(1, 20), (20, 40), (40, 60), (60, 80), (80, 100)] {
            let counted = rows.iter().filter(|row| (from..to).contains(&score(row))).count();
            assert_eq!(answer["by_score"][from.to_string()], counted, "{question}: from {from}");
        }
        let told = answer["expected_value"].as_f64().expect("amounts are known");
        assert!((told - sum(&rows)).abs() < 0.01, "{told} is not {}", sum(&rows));
        assert!(text(&answer, "markdown").contains(&format!("{} accounts as of ", rows.len())), "{answer}");
    }
    let unknown = asked(&world.manager(), "How many accounts churned?", "nothing").await;
    assert!(unknown["notes"][0].as_str().is_some_and(|note| note.contains("churned")), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_found_by_its_name_and_said_everything_of() {
    let world = two_runs().await;
    let manager = world.manager();
    let row = world.all_rows().await.remove(7);
    let (name, id) = (text(&row, "customer_name").to_owned(), text(&row, "customer_id").to_owned());
    let whole = world.customer(&id).await;
    for question in [
        format!("why is {name} {}?", score(&row)),
        format!("Tell me about {}", name.to_uppercase()),
        format!("what about {id}"),
        format!("What changed for {name} since last week?"),
        name.clone(),
        format!("Show me {name}"),
        format!("{name}'s score"),
        format!("Why is the score of {name} {}?", score(&row)),
        format!("Why is {name} ranked first?"),
        format!("What's driving {name}'s score?"),
        format!("Did {name} go up?"),
        format!("How much is {name} worth?"),
        format!("Should I call {name}?"),
    ] {
        let answer = asked(&manager, &question, "account").await;
        assert_eq!(answer["customer"], whole, "{question}");
        assert_eq!(answer["notes"], json!([]));
        assert!(text(&answer, "markdown").starts_with(&format!("**{name} - Deep Dive:**")), "{answer}");
    }
    let wrong = asked(&manager, &format!("why is {name} at {}%?", score(&row) + 1), "account").await;
    assert_eq!(wrong["notes"], json!([format!("The score is {}, not {}.", score(&row), score(&row) + 1)]));

    // A letter is missing: it is found, and said to be read so; or the nearest are named.
    let misspelt: String = name.char_indices().filter(|(place, _)| *place != 4).map(|(_, c)| c).collect();
    let answer = asked(&manager, &format!("Tell me about {misspelt}"), "account").await;
    let near: BTreeSet<&str> = list(&answer, "did_you_mean").iter().map(|row| text(row, "customer_id")).collect();
    let is_read = answer["customer"]["customer_id"] == *id && list(&answer, "notes").len() == 1;
    assert!(is_read || near.contains(&*id), "{misspelt}: {answer}");

    // A part that many names have.
    let many = asked(&manager, "Tell me about Inc", "account").await;
    assert!(many["customer"].is_null() && list(&many, "did_you_mean").len() > 1, "{many}");
    assert!(many["not_available"]["customer"].is_string());
    assert!(text(&many, "markdown").contains("Did you mean …"));
    let nobody = asked(&manager, "Tell me about Qqqqzzzz Xxxx", "account").await;
    assert!(nobody["customer"].is_null() && list(&nobody, "did_you_mean").is_empty(), "{nobody}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_what_would_lift_and_the_refresh() {
    let world = two_runs().await;
    let manager = world.manager();
    let all = world.all_rows().await;
    let answer = asked(&manager, "What changed since last week?", "changes").await;
    let mut moved: Vec<i64> = all.iter().filter(|row| row["trend"].is_object()).map(delta).collect();
    assert_eq!(answer["compared"], moved.len());
    moved.sort_unstable();
    let up: Vec<i64> = moved.iter().rev().copied().filter(|delta| *delta > 0).take(5).collect();
    let down: Vec<i64> = moved.iter().copied().filter(|delta| *delta < 0).take(5).collect();
    assert!(!up.is_empty() && !down.is_empty());
    assert_eq!(list(&answer, "up").iter().map(delta).collect::<Vec<_>>(), up);
    assert_eq!(list(&answer, "down").iter().map(delta).collect::<Vec<_>>(), down);
    assert!(list(&answer, "up").iter().chain(list(&answer, "down")).all(|row| {
        all.iter().any(|known| known["customer_id"] == row["customer_id"] && known["trend"] == row["trend"])
    }));
    // A run's rows carry its `as_of` with a fraction of a second.
    assert!(text(&answer, "since").starts_with(as_of(7).to_string().trim_end_matches('Z')), "{answer}");

    let segment = text(&all[0], "segment");
    let of_segment = || all.iter().filter(|row| row["segment"] == segment && row["trend"].is_object());
    let mut falls: Vec<i64> = of_segment().map(delta).filter(|delta| *delta < 0).collect();
    falls.sort_unstable();
    falls.truncate(5);
    let answer = asked(&manager, &format!("Which {segment} accounts dropped since last week?"), "changes").await;
    assert_eq!((&answer["compared"], &answer["up"]), (&json!(of_segment().count()), &json!([])));
    assert_eq!(list(&answer, "down").iter().map(delta).collect::<Vec<_>>(), falls);
    assert_eq!(answer["filters"], json!({"segment": segment, "direction": "down"}));
    let answer =
        asked(&manager, &format!("What changed in {} since last week?", segment.to_lowercase()), "changes").await;
    assert_eq!((&answer["compared"], &answer["filters"]), (&json!(of_segment().count()), &json!({"segment": segment})));
    assert!(list(&answer, "up").iter().chain(list(&answer, "down")).all(|row| row["segment"] == segment), "{answer}");
    let answer = asked(&manager, "Which accounts gained more than 2 points?", "changes").await;
    let gains: Vec<i64> = moved.iter().rev().copied().filter(|delta| *delta > 2).take(5).collect();
    assert_eq!(list(&answer, "up").iter().map(delta).collect::<Vec<_>>(), gains);
    let unknown = asked(&manager, "Which Martian accounts dropped since last week?", "nothing").await;
    assert!(text(&unknown, "markdown").contains("Martian\" is not understood"), "{unknown}");

    let row = all.iter().find(|row| score(row) < 60).expect("somebody is below");
    let (name, id) = (text(row, "customer_name"), text(row, "customer_id"));
    for (question, target) in [
        (format!("What would lift {name} to {}?", score(row) + 5), score(row) + 5),
        (format!("What would lift {name}?"), 80),
        (format!("How can we move {name} from {} to {}?", score(row), score(row) + 5), score(row) + 5),
        (format!("how can I raise {name} to 250"), 99),
    ] {
        let answer = asked(&manager, &question, "lift").await;
        let wanted = manager.get(&format!("{}/what-if?target={target}", customer_path(id))).await.ok();
        assert_eq!((&answer["what_if"], &answer["account"]["customer_id"]), (&wanted, &json!(id)), "{question}");
        for change in list(&wanted, "changes") {
            assert!(text(&answer, "markdown").contains(" → "), "{change} in {answer}");
        }
    }

    let answer = asked(&manager, "When was the last refresh?", "refresh").await;
    let run = manager.get(&format!("{LIST}?limit=1")).await.ok()["run"].clone();
    assert_eq!((&answer["run"], &answer["current"]), (&run, &run));
    for said in [text(&run, "state"), text(&run, "as_of"), text(&run, "model_id")] {
        assert!(text(&answer, "markdown").contains(said), "{said} in {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_under_way_or_failed_is_told_beside_the_run_that_is_shown() {
    let empty = World::start(Options::default()).await;
    let first = Run::requested(as_of(7), "schedule", 90, now());
    empty.control.create_run(first.clone()).await.expect("it is on record");
    let answer = asked(&empty.manager(), "Is a refresh running?", "refresh").await;
    assert_eq!((&answer["run"]["state"], &answer["current"]), (&json!("requested"), &Value::Null));
    assert!(answer["not_available"]["current"].is_string(), "{answer}");

    let world = World::after_with(&[7], &Source::bucketed(4), Options::default()).await;
    let manager = world.manager();
    let first = world.run(&first.run_id).await;
    // Beside the run itself the API says whether readers see a newer one, and what its source looked like.
    let on_record = async |run: &Run| {
        let mut view = manager.get(&format!("{REFRESH}/{}", run.run_id)).await.ok();
        for beside in ["is_older_than_current", "data"] {
            view.as_object_mut().expect("a run").remove(beside);
        }
        view
    };
    let shown = on_record(&first).await;
    let second = planned(&world, as_of(0), 4, &first).await;
    world.score(&second.run_id, 2).await;
    for question in ["Is the refresh running?", "How far is the refresh?", "What is the status of the refresh?"] {
        let answer = asked(&manager, question, "refresh").await;
        let under_way = on_record(&second).await;
        assert_eq!((&answer["run"], &answer["current"]), (&under_way, &shown), "{question}");
        for said in ["- State: scoring (1 of 4 shards)", "**The Run That Is Shown**", "- State: complete"] {
            assert!(text(&answer, "markdown").contains(said), "{said} in {answer}");
        }
    }

    world.control.fail(&second.run_id, RunStage::Scoring, "somebody pulled the plug").await.expect("it is written");
    for question in ["Did the refresh fail?", "Why did the refresh fail?"] {
        let answer = asked(&manager, question, "refresh").await;
        assert_eq!((&answer["run"]["state"], &answer["current"]), (&json!("failed"), &shown), "{question}");
        assert!(text(&answer, "markdown").contains("- Failure: somebody pulled the plug"), "{answer}");
    }
    let csm = world.csm(text(&world.all_rows().await[0], "csm_id"));
    let answer = asked(&csm, "Did the refresh fail?", "refresh").await;
    assert_eq!(answer["run"]["state"], "failed");
    assert!(!answer.to_string().contains("plug"), "only a manager sees why: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn how_accurate_the_scores_are_is_told_by_outcomes_once_there_are_any() {
    let world = World::after(&[100]).await;
    let manager = world.manager();
    let answer = asked(&manager, "How accurate are you?", "accuracy").await;
    let first = &rows(&manager, "limit=1").await[0];
    let model = world.customer(text(first, "customer_id")).await["model"].clone();
    assert_eq!((&answer["basis"], &answer["accuracy"]), (&json!("out_of_time"), &Value::Null));
    assert_eq!(answer["model"], model);
    assert!(answer["not_available"]["accuracy"].is_string());
    assert!(text(&answer, "markdown").contains("Out of time: model "), "{answer}");

    let event = world.stack.scheduled_event("AccuracyRequested", &as_of(0).to_string());
    world.publish(&event.expect("there is a daily schedule")).await;
    let known = manager.get(&format!("{LIST}/accuracy")).await.ok();
    let answer = asked(&manager, "How good are your predictions?", "accuracy").await;
    // So few customers have too few expansions for figures: they are counted, and the model's own evaluation stays.
    assert_eq!((&answer["basis"], &answer["model"]["metrics"].is_object()), (&json!("out_of_time"), &true), "{answer}");
    assert!(answer["not_available"]["accuracy.cohorts.accuracy.figures"].is_string(), "{answer}");
    let cohort = &answer["accuracy"]["cohorts"][0];
    let of_horizon = list(&known["data"][0], "cohorts").iter().find(|cohort| cohort["days"] == 90);
    assert_eq!(Some(cohort), of_horizon);
    let known = format!("{} expansions are known, 30 are needed", cohort["accuracy"]["expansions"]);
    for said in [&*known, "- Predicted vs actual: ", "Out of time: model "] {
        assert!(text(&answer, "markdown").contains(said), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_csm_is_told_of_their_own_customers_only() {
    let world = two_runs().await;
    let all = world.all_rows().await;
    let own_id = text(&all[0], "csm_id");
    let csm = world.csm(own_id);
    let other = all.iter().find(|row| row["csm_id"] != own_id).expect("somebody else's customer");
    for question in ["Which accounts are ready to expand?", "my accounts", "our top 50 accounts"] {
        let answer = asked(&csm, question, "top_accounts").await;
        assert!(!list(&answer, "accounts").is_empty());
        assert!(list(&answer, "accounts").iter().all(|row| row["csm_id"] == own_id), "{answer}");
    }
    let changes = asked(&csm, "What changed since last week?", "changes").await;
    assert_eq!(
        changes["compared"],
        all.iter().filter(|row| row["csm_id"] == own_id && row["trend"].is_object()).count()
    );

    let (name, id) = (text(other, "customer_name"), text(other, "customer_id"));
    for question in [format!("Tell me about {name}"), format!("What would lift {id} to 80?")] {
        let answer = ask(&csm, &question).await;
        assert!(answer["customer"].is_null() && answer["what_if"].is_null(), "{answer}");
        assert!(list(&answer, "did_you_mean").iter().all(|row| row["csm_id"] == own_id), "{answer}");
    }
    let refused = asked(&csm, &format!("accounts of {}", text(other, "csm_id")), "nothing").await;
    assert_eq!(refused["notes"], json!(["A CSM sees only their own customers."]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customers_name_is_shown_as_text_whatever_it_is() {
    let mut portfolio = young();
    let names = ["](javascript:alert(1))", "<script>alert(1)</script>", "a|b", "`code`", "[x](http://y)"];
    for (customer, name) in portfolio.customers.iter_mut().zip(names.iter().cycle()) {
        customer.name = (*name).into();
    }
    let world = World::over(&Source::of(&portfolio, None)).await;
    world.refreshed(as_of(0)).await;
    let answer = asked(&world.manager(), "top 20 accounts", "top_accounts").await;
    let markdown = text(&answer, "markdown");
    for raw in ["<script", "a|b", " `code", "[x](", " ]("] {
        assert!(!markdown.contains(raw), "{raw} in {markdown}");
    }
    for escaped in ["\\](javascript:alert(1))", "&lt;script&gt;", "a&#124;b", "\\`code\\`"] {
        assert!(markdown.contains(escaped), "{escaped} in {markdown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_or_no_question_is_said_to_be_so() {
    let world = two_runs().await;
    let manager = world.manager();
    let answer = asked(&manager, "What is the weather in Paris?", "nothing").await;
    for example in list(&answer, "examples") {
        let example = example.as_str().expect("a question");
        assert!(text(&answer, "markdown").contains(example));
        let understood = ask(&manager, example).await;
        assert_ne!(understood["understood"], "nothing", "{understood}");
    }
    for question in ["hello", &format!("accounts {}zzz", "smb ".repeat(115))] {
        let _ = asked(&manager, question, "nothing").await;
    }
    for body in ["", "{}", "hello", r#"{"question": 5}"#, r#"{"question": "a", "colour": "red"}"#] {
        let _ = manager.post(ASK, &[], body).await.problem(400, "invalid-body");
    }
    let long = json!({ "question": "x".repeat(501) }).to_string();
    for body in [r#"{"question": " "}"#, &*long] {
        let _ = manager.post(ASK, &[], body).await.problem(400, "invalid-parameter");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_run_there_is_nothing_to_say() {
    let world = World::start(Options::default()).await;
    let body = json!({ "question": "Which accounts are ready to expand?" }).to_string();
    let _ = world.manager().post(ASK, &[], &body).await.problem(404, "no-run-yet");
}
