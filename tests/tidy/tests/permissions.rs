//! Every function may do what its code does: the calls of the store in its source, and in those of the functions whose
//! answers it gives, against the statements of its role in `infra/template.yaml`. Locally everybody may do everything, so
//! nothing else would notice.

use std::collections::BTreeSet;
use std::path::Path;

use expansion_tidy::{files, names, text};

const CONTROL: &str = "!GetAtt ControlTable.Arn";
const OPEN_RUNS: &str = "${ControlTable.Arn}/index/idx_expansion_control_open_runs";
const ROWS: &str = "!GetAtt PropensityTable.Arn";
const SCORES: &str = "${PropensityTable.Arn}/index/idx_expansion_propensity_score";
const MODELS: &str = "${Bucket.Arn}/models/*";

/// What calls of the store do, and to what.
const NEEDS: &[(&str, &[&str], &str, &str)] = &[
    (
        "control",
        &["accuracy", "action", "champion", "current_run", "expect_run", "model", "run"],
        "dynamodb:GetItem",
        CONTROL,
    ),
    (
        "control",
        &[
            "accuracies",
            "actions",
            "complete_runs",
            "latest_run",
            "merge_shards",
            "models",
            "outcomes",
            "outcomes_of",
            "top",
        ],
        "dynamodb:Query",
        CONTROL,
    ),
    ("control", &["open_runs"], "dynamodb:Query", OPEN_RUNS),
    (
        "control",
        &[
            "claim_key",
            "command",
            "create_run",
            "point_to",
            "put_accuracy",
            "put_model",
            "put_shard",
            "put_top",
            "record_action",
            "record_outcome",
            "replace_champion",
        ],
        "dynamodb:PutItem",
        CONTROL,
    ),
    (
        "control",
        &["begin_training", "complete", "fail", "finish_shard", "plan", "reopen", "summarise"],
        "dynamodb:UpdateItem",
        CONTROL,
    ),
    ("propensities", &["row"], "dynamodb:GetItem", ROWS),
    ("propensities", &["history"], "dynamodb:Query", ROWS),
    ("propensities", &["portfolio"], "dynamodb:Query", SCORES),
    ("propensities", &["scores"], "dynamodb:BatchGetItem", ROWS),
    ("propensities", &["write"], "dynamodb:BatchWriteItem", ROWS),
    ("artifacts", &["intact", "manifest", "model"], "s3:GetObject", MODELS),
    ("artifacts", &["put"], "s3:PutObject", MODELS),
    ("bus", &["put"], "events:PutEvents", "!GetAtt Bus.Arn"),
];

/// The source of a crate, without blanks.
fn source(folder: &str) -> String {
    let own = format!("{folder}/src/");
    let is_code = |file: &String| file.starts_with(&own) && Path::new(file).extension().is_some_and(|end| end == "rs");
    let texts = files().into_iter().filter(is_code);
    let code = texts.filter_map(|file| text(&file)).collect::<String>();
    code.chars().filter(|c| !c.is_whitespace()).collect()
}

/// A function and those whose answers it gives.
fn with_others(function: &str) -> BTreeSet<String> {
    let manifest = text(&format!("functions/{function}/Cargo.toml")).expect("a manifest");
    let others = names("functions").into_iter().filter(|other| manifest.contains(&format!("\n{other}.workspace")));
    others.chain([function.to_owned()]).collect()
}

/// The calls of one part of the store, by name. Other things may have the name of the part, but not the store's methods.
fn calls<'a>(source: &'a str, part: &str, store: &str) -> BTreeSet<&'a str> {
    let receiver = format!("{part}.");
    let name = |rest: &'a str| {
        let (name, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_lowercase() && c != '_')?);
        (rest.starts_with('(') && store.contains(&format!("pubasyncfn{name}"))).then_some(name)
    };
    source.split(&receiver).skip(1).filter_map(name).collect()
}

/// The statements of a function's role.
fn statements(template: &str, function: &str) -> Vec<String> {
    let name: String = function.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
    let from = template.split_once(&format!("\n  {name}:\n")).expect("every function is deployed").1;
    let end = from.lines().take_while(|line| line.is_empty() || line.starts_with("   "));
    let role = end.collect::<Vec<_>>().join("\n");
    role.split("- Effect: Allow").skip(1).map(|statement| format!("{statement}\n")).collect()
}

#[test]
fn every_function_may_do_what_its_code_does() {
    let template = text("infra/template.yaml").expect("a template");
    let store = source("shared/store");
    let mut checked = 0;
    for function in names("functions") {
        let mut code: String = with_others(&function).iter().map(|name| source(&format!("functions/{name}"))).collect();
        if code.contains("current_row(") {
            code += &source("shared/lambda");
        }
        let statements = statements(&template, &function);
        let may = |action: &str, resource: &str| {
            // Who may read the whole bucket may read models.
            let covers =
                |line: &str, what: &str| line.ends_with(what) || (what == MODELS && line.ends_with("${Bucket.Arn}/*"));
            let says = |statement: &&String, what: &str| statement.lines().any(|line| covers(line, what));
            statements.iter().any(|statement| says(&statement, action) && says(&statement, resource))
        };
        for part in ["control", "propensities", "artifacts", "bus"] {
            for call in calls(&code, part, &store) {
                let need = NEEDS.iter().find(|(of, calls, ..)| *of == part && calls.contains(&call));
                let (_, _, action, resource) = need.unwrap_or_else(|| panic!("add {part}.{call} to this test's table"));
                assert!(
                    may(action, resource),
                    "{function} calls {part}.{call}: let it {action} on {resource} in infra/template.yaml"
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 40, "only {checked} calls were found");
}
