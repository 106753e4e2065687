//! The words of answers, and that no name can be anything but text in them.

use expansion_model::ConfidenceLevel;
use expansion_records::{Run, RunState};
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag};

use super::*;
use crate::ask::sample::{accuracy_of, at, customer, model, run, score};
use crate::view::ConfidenceView;
use crate::what_if::ChangeView;

fn plain(understood: &Understood) -> String {
    markdown(understood, &[], &Missing::new(), None)
}

fn top(accounts: Vec<ScoreView>) -> Understood {
    let customer = accounts.first().cloned().map(|first| Box::new(customer(first)));
    Understood::TopAccounts {
        run: run().into(),
        filters: Filters::default(),
        accounts,
        standings: BTreeMap::new(),
        customer,
    }
}

fn prd() -> Understood {
    let rows = [
        ("TechFlow Inc", 94, ConfidenceLevel::High, 85_000.0, "Usage at 95% capacity"),
        ("DataDrive Co", 88, ConfidenceLevel::High, 120_000.0, "Asking about enterprise"),
        ("CloudFirst", 82, ConfidenceLevel::Medium, 45_000.0, "New team expansion"),
        ("Nexus Corp", 78, ConfidenceLevel::High, 65_000.0, "Feature requests"),
        ("Acme Corp", 72, ConfidenceLevel::Medium, 90_000.0, "Champion promotion"),
    ];
    let mut accounts = Vec::new();
    for (rank, (name, propensity, level, amount, signal)) in (1..).zip(rows) {
        let mut row = score(&format!("c-{rank}"), name, propensity);
        row.rank = Some(rank);
        row.confidence.level = level;
        row.estimated_value = row.estimated_value.map(|value| expansion_model::ValueRange { amount, ..value });
        row.primary_signal = Some(signal.to_owned());
        accounts.push(row);
    }
    top(accounts)
}

#[test]
fn the_prds_answer() {
    insta::assert_snapshot!(plain(&prd()));
}

#[test]
fn one_account_with_its_movement() {
    let customer = Some(Box::new(customer(score("c-1", "TechFlow Inc", 94))));
    let understood =
        Understood::Account { name: "Tecflow".to_owned(), asked_score: Some(90), customer, did_you_mean: Vec::new() };
    let notes = ["\"Tecflow\" was read as TechFlow Inc.".to_owned(), "The score is 94, not 90.".to_owned()];
    insta::assert_snapshot!(markdown(&understood, &notes, &Missing::new(), None));
}

#[test]
fn what_would_lift_an_account() {
    let change = ChangeView {
        feature: "health_score",
        from: None,
        to: None,
        label: "Health score of 60".to_owned(),
        changed_label: "Health score of 85".to_owned(),
        moves_with: None,
        points: 17,
        usual: Some(false),
    };
    let what_if = WhatIfAnswer {
        customer_id: "c-1".into(),
        run_id: run().run_id,
        model_id: "m-1".to_owned(),
        target: Some(80),
        reached: Some(true),
        propensity_score: 62,
        changed_score: 80,
        changed_confidence: ConfidenceView {
            level: ConfidenceLevel::Medium,
            lower: 70.2,
            upper: 88.8,
            value: 0.6,
            side: None,
        },
        changes: vec![change],
        levers: Vec::new(),
        other_points: 1,
        note: "Association, not cause.",
    };
    let understood = Understood::Lift {
        name: "TechFlow".to_owned(),
        account: Some(Box::new(score("c-1", "TechFlow Inc", 62))),
        what_if: Some(Box::new(what_if)),
        did_you_mean: Vec::new(),
    };
    insta::assert_snapshot!(plain(&understood));
}

#[test]
fn what_changed_and_the_state_of_the_refresh() {
    let understood = Understood::Changes {
        run: run().into(),
        since: Some(at("2026-06-23T23:59:59Z")),
        compared: 250,
        filters: Filters::default(),
        up: vec![score("c-1", "TechFlow Inc", 94)],
        down: Vec::new(),
    };
    let refresh = Understood::Refresh { run: run().into(), current: Some(run().into()) };
    insta::assert_snapshot!(format!("{}\n\n----\n\n{}", plain(&understood), plain(&refresh)));
}

#[test]
fn a_refresh_that_has_failed_is_told_beside_the_run_that_is_shown() {
    let requested = Run::requested(at("2026-07-07T23:59:59Z"), "schedule", 90, at("2026-07-08T06:00:00Z"));
    let failed = Run {
        state: RunState::Failed { reason: "a table is missing".to_owned(), plan: None, summary: None },
        ..requested.clone()
    };
    let told = |run: &Run, current: Option<RunView>| {
        plain(&Understood::Refresh { run: Box::new(run.into()), current: current.map(Box::new) })
    };
    insta::assert_snapshot!(told(&failed, Some(run())));
    let first = told(&requested, None);
    assert!(first.contains("- State: requested\n") && first.ends_with("there are no scores to see."), "{first}");
}

#[test]
fn only_the_moves_asked_about_are_told_and_what_they_were_narrowed_to() {
    let filters = Filters {
        segment: Some("Enterprise".into()),
        direction: Some(Way::Down),
        min_points: Some(5),
        ..Filters::default()
    };
    let understood =
        Understood::Changes { run: run().into(), since: None, compared: 12, filters, up: Vec::new(), down: Vec::new() };
    let text = plain(&understood);
    assert!(text.contains("Only: moves down · moves of 5 points or more · segment Enterprise"), "{text}");
    assert!(text.contains("Down: nobody.") && !text.contains("Up"), "{text}");
}

#[test]
fn how_many_accounts_there_are() {
    let filters = Filters { min_estimated_value: Some(50_000.0), newly_ready: true, ..Filters::default() };
    insta::assert_snapshot!(plain(&Understood::Totals {
        run: run().into(),
        filters,
        customers: 42,
        newly_ready: 3,
        by_score: BTreeMap::from([(1, 20), (20, 10), (40, 6), (60, 4), (80, 2)]),
        expected_value: Some(1_240_000.0),
    }));
}

#[test]
fn how_accurate_the_scores_are_says_what_that_rests_on() {
    let figure = |value: f64| Figure { value, lower: value - 0.1, upper: value + 0.1 };
    let whole = Accuracy {
        customers: 240,
        expansions: 31,
        predicted_expansions: Some(28.4),
        figures: [("auc", figure(0.8)), ("calibration_error", figure(0.2))].map(|(n, f)| (n.to_owned(), f)).into(),
        ..Accuracy::default()
    };
    let accuracy = |days: u16| Some(Box::new(accuracy_of(&[(days, true, Some(whole.clone()))])));
    let counts = Accuracy { customers: 240, expansions: 12, predicted_expansions: Some(9.5), ..Accuracy::default() };
    let few = accuracy_of(&[(30, true, Some(counts))]);
    let mut unworked = accuracy_of(&[(7, true, Some(Accuracy { predicted_expansions: None, ..whole.clone() }))]);
    unworked.cohorts[0].unworked = Some(whole.clone());
    let model = || Some(Box::new(model()));
    let answers = [
        Understood::Accuracy { basis: AccuracyBasis::Outcomes, accuracy: accuracy(90), model: None },
        Understood::Accuracy { basis: AccuracyBasis::EarlyOutcomes, accuracy: accuracy(30), model: model() },
        Understood::Accuracy { basis: AccuracyBasis::OutOfTime, accuracy: None, model: model() },
        Understood::Accuracy { basis: AccuracyBasis::OutOfTime, accuracy: Some(Box::new(few)), model: model() },
        Understood::Accuracy { basis: AccuracyBasis::Outcomes, accuracy: Some(Box::new(unworked)), model: None },
    ];
    insta::assert_snapshot!(answers.map(|answer| plain(&answer)).join("\n\n----\n\n"));
}

#[test]
fn a_name_that_is_several_customers_lists_them() {
    let did_you_mean = vec![score("c-1", "TechFlow Inc", 94), score("c-2", "TechFlow Ltd", 70)];
    let name = "techflow".to_owned();
    let text = plain(&Understood::Account { name, asked_score: None, customer: None, did_you_mean });
    assert!(text.contains("could be several customers, about equally near. Did you mean …"), "{text}");
    assert!(text.contains("- **TechFlow Inc** (c-1), score 94/100\n- **TechFlow Ltd** (c-2)"), "{text}");
    let nobody = Understood::Account { name: "x".to_owned(), asked_score: None, customer: None, did_you_mean: vec![] };
    assert_eq!(plain(&nobody), "No customer that you may see has a name like “x”.");
}

#[test]
fn what_is_missing_says_why() {
    let row = ScoreView {
        estimated_value: None,
        rank: None,
        leave_alone: Some("it is new".to_owned()),
        ..score("c-1", "A", 50)
    };
    let missing = Missing::from([("accounts.estimated_value".to_owned(), "no deal is known".to_owned())]);
    let text = markdown(&top(vec![row]), &[], &missing, None);
    assert!(text.contains("| – | A | 50% | High | not available |"), "{text}");
    assert!(text.contains("Est. Value is not available where no deal is known."), "{text}");
    assert!(text.contains("- **A**: it is new"), "{text}");
    assert!(text.contains("- Entry Point: not available: no factor speaks for one"), "{text}");
}

#[test]
fn amounts_are_in_the_currency_of_the_deployment() {
    let euro = "EUR".parse().ok();
    let text = markdown(&prd(), &[], &Missing::new(), euro);
    assert!(text.contains("| TechFlow Inc | 94% | High | €85K |"), "{text}");
    let filters = Filters { min_expected_value: Some(1_200_000.0), ..Filters::default() };
    assert_eq!(narrowed(&filters, euro).as_deref(), Some("Only: expected value from €1.2M"));
    assert_eq!(narrowed(&filters, None).as_deref(), Some("Only: expected value from 1.2M"));
}

#[test]
fn markup_in_a_name_is_text() {
    for (name, escaped) in [
        ("TechFlow Inc", "TechFlow Inc"),
        ("](javascript:alert(1))", "\\](javascript:alert(1))"),
        ("<script>", "&lt;script&gt;"),
        ("a|b", "a&#124;b"),
        ("`a`\n\n# b", "\\`a\\` # b"),
        ("https://x.y www.x.y", "https\\://x.y www\\.x.y"),
        (" \u{202e}\u{200b} ", "(blank)"),
        ("a\u{61c}b\u{ad}c\u{e0041}d\u{e007f}", "abcd"),
    ] {
        assert_eq!(escape(name), escaped, "{name}");
    }
}

/// What a name looks like when it wants to be more than one.
fn name() -> impl Strategy<Value = String> {
    let markup = prop::sample::select(vec![
        "](javascript:alert(1))",
        "[a](http://x)",
        "![a](x)",
        "<script>",
        "</script>",
        "<b>",
        "<!--",
        "<http://x>",
        "|",
        "||",
        "\\|",
        "\\",
        "`",
        "```",
        "``",
        "\n",
        "\r\n",
        "\n\n",
        "\n---\n",
        "# ",
        "- ",
        "1. ",
        "> ",
        "**",
        "__",
        "*",
        "_",
        "~~",
        "[^1]",
        "[^1]: x",
        "[a]: http://x\n",
        "[Schedule Meeting]: http://x",
        "$$",
        "$",
        "&amp;",
        "&#124;",
        "&lt;b&gt;",
        "[[x]]",
        "==",
        "^",
        ":::",
        ": ",
        "    ",
        "\t",
        "\u{a0}",
        "\u{2028}",
        "\u{200b}",
        "{#id}",
        "www.x.y",
        "a@b.c",
        "é",
        "🎯",
    ]);
    let part = prop_oneof![3 => markup.prop_map(str::to_owned), 1 => "[a-zA-Z0-9 ]{1,8}", 1 => any::<char>().prop_map(String::from)];
    prop::collection::vec(part, 0..10).prop_map(|parts| parts.concat())
}

/// Every extension but the one that makes other quotation marks of quotation marks.
fn options() -> Options {
    Options::all() - Options::ENABLE_SMART_PUNCTUATION
}

/// What a person sees of a name: one line without invisible characters.
fn seen(name: &str) -> String {
    let seen: String =
        name.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !is_invisible(*c)).collect();
    let seen = seen.split_whitespace().collect::<Vec<_>>().join(" ");
    if seen.is_empty() { "(blank)".to_owned() } else { seen }
}

/// The structure of an answer (what begins and ends), and its text.
fn parsed(markdown: &str) -> (Vec<String>, String) {
    let (mut structure, mut text) = (Vec::new(), String::new());
    for event in Parser::new_ext(markdown, options()) {
        match event {
            Event::Text(part) => text.push_str(&part),
            Event::SoftBreak => text.push('\n'),
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) => panic!("a link in {markdown}"),
            Event::Html(_) | Event::InlineHtml(_) => panic!("HTML in {markdown}"),
            other => structure.push(format!("{other:?}")),
        }
    }
    (structure, text)
}

/// Every answer that has names or labels in it, with this one in all places.
fn answers(name: &str) -> [Understood; 5] {
    let mut row = score(name, name, 62);
    row.primary_signal = Some(name.to_owned());
    row.leave_alone = Some(name.to_owned());
    let mut customer = customer(row.clone());
    for factor in &mut customer.contributing_factors {
        name.clone_into(&mut factor.label);
    }
    customer.recommended_approach.product = Some(name.to_owned());
    if let Some(advocate) = &mut customer.recommended_approach.advocate {
        name.clone_into(&mut advocate.label);
    }
    let accounts = vec![row.clone(), row.clone()];
    let filters = Filters { segment: Some(name.into()), product_id: Some(name.into()), ..Filters::default() };
    let customer = Some(Box::new(customer));
    [
        Understood::TopAccounts {
            run: run().into(),
            filters,
            accounts: accounts.clone(),
            standings: BTreeMap::new(),
            customer: customer.clone(),
        },
        Understood::Account { name: name.to_owned(), asked_score: None, customer, did_you_mean: Vec::new() },
        Understood::Account {
            name: name.to_owned(),
            asked_score: None,
            customer: None,
            did_you_mean: accounts.clone(),
        },
        Understood::Lift { name: name.to_owned(), account: Some(row.into()), what_if: None, did_you_mean: Vec::new() },
        Understood::Changes {
            run: run().into(),
            since: None,
            compared: 2,
            filters: Filters { segment: Some(name.into()), ..Filters::default() },
            up: accounts.clone(),
            down: accounts,
        },
    ]
}

proptest! {
    /// An answer with any names has the structure that it has with harmless ones, and shows the names as they are.
    #[test]
    fn names_are_never_markup(name in name()) {
        let harmless = answers("harmless");
        for (answer, harmless) in answers(&name).iter().zip(&harmless) {
            let notes = |name: &str| [format!("{name} was read")];
            let (structure, text) = parsed(&markdown(answer, &notes(&name), &Missing::new(), None));
            let (wanted, wanted_text) = parsed(&markdown(harmless, &notes("harmless"), &Missing::new(), None));
            prop_assert_eq!(structure, wanted);
            prop_assert_eq!(text.contains(&seen(&name)), true, "{:?}", text);
            prop_assert_eq!(text.lines().count(), wanted_text.lines().count());
        }
    }
}
