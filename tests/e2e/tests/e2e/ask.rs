//! Questions in words: each kind is asked, and the answer is held against the API's rows.

use std::collections::BTreeSet;

use expansion_e2e::{Caller, LIST, Source, World, as_of, customer_path, portfolio};
use serde_json::{Value, json};

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
    let world = World::over(&Source::simulated()).await;
    world.refreshed(as_of(7)).await;
    world.refreshed(as_of(0)).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn the_prds_question_has_the_prds_answer() {
    let world = two_runs().await;
    let manager = world.manager();
    let answer = asked(&manager, "Which accounts are ready to expand?", "top_accounts").await;
    let best = rows(&manager, "limit=5").await;
    assert_eq!(answer["accounts"], json!(best));
    let first = world.customer(text(&best[0], "customer_id")).await;
    assert_eq!(answer["customer"], first);
    assert_eq!(answer["run"]["run_id"], first["run_id"]);

    let markdown = text(&answer, "markdown");
    let mut lines = markdown.lines();
    let mut next = |wanted: &str| {
        assert!(lines.any(|line| line.starts_with(wanted)), "no {wanted:?} in its place in {markdown}");
    };
    next("**Top Expansion Opportunities**");
    next("| Rank | Customer | Propensity | Confidence | Est. Value | Primary Signal |");
    next("|------|----------|------------|------------|------------|----------------|");
    for row in &best {
        let (rank, name) = (row["rank"].as_u64().expect("a rank"), text(row, "customer_name"));
        next(&format!("| {rank} | {name} | {}% | {} | $", score(row), text(&row["confidence"], "level")));
    }
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
    ] {
        let answer = asked(&manager, &question, "top_accounts").await;
        let wanted = rows(&manager, &query).await;
        assert!(!wanted.is_empty(), "{query} has rows");
        assert_eq!(answer["accounts"], json!(wanted), "{question}");
    }

    let none = asked(&manager, "accounts from 100", "top_accounts").await;
    assert_eq!((list(&none, "accounts").len(), &none["customer"]), (0, &Value::Null));
    assert!(none["not_available"]["customer"].is_string() && none["not_available"]["accounts"].is_string());

    let unknown = asked(&manager, "Which Martian accounts are ready?", "nothing").await;
    assert!(text(&unknown, "markdown").contains("Martian\" is no word"), "{unknown}");
    assert!(text(&unknown, "markdown").contains(&segment), "the segments there are: {unknown}");
    let unknown = asked(&manager, "accounts of csm-99", "nothing").await;
    assert!(list(&unknown, "notes")[0].as_str().is_some_and(|note| note.contains("csm-99")), "{unknown}");
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

    let row = all.iter().find(|row| score(row) < 60).expect("somebody is below");
    let (name, id) = (text(row, "customer_name"), text(row, "customer_id"));
    for (question, target) in [
        (format!("What would lift {name} to {}?", score(row) + 5), score(row) + 5),
        (format!("What would lift {name}?"), 80),
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
    assert_eq!(answer["run"], run);
    for said in [text(&run, "state"), text(&run, "as_of"), text(&run, "model_id")] {
        assert!(text(&answer, "markdown").contains(said), "{said} in {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_accurate_the_scores_are_is_told_by_outcomes_once_there_are_any() {
    let world = World::over(&Source::simulated()).await;
    world.refreshed(as_of(100)).await;
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
    assert_eq!(answer["basis"], "outcomes", "{answer}");
    let cohort = &answer["accuracy"]["cohorts"][0];
    let of_horizon = list(&known["data"][0], "cohorts").iter().find(|cohort| cohort["days"] == 90);
    assert_eq!(Some(cohort), of_horizon);
    let auc = cohort["accuracy"]["figures"]["auc"]["value"].as_f64().expect("an AUC");
    assert!(text(&answer, "markdown").contains(&format!("- AUC: {auc:.3}")), "{answer}");
    for said in ["- Calibration error: ", "- Predicted vs actual: "] {
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
    let mut portfolio = portfolio();
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
        assert_ne!(ask(&manager, example).await["question"], Value::Null);
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
    let world = World::over(&Source::simulated()).await;
    let body = json!({ "question": "Which accounts are ready to expand?" }).to_string();
    let _ = world.manager().post(ASK, &[], &body).await.problem(404, "no-run-yet");
}
