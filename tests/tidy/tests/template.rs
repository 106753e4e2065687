//! Checks of the deployment template against the code it deploys.

use std::collections::{BTreeMap, BTreeSet};

use expansion_api::ROUTES;
use expansion_domain::Instant;
use expansion_local::template::{TEXT, Template};
use expansion_model::ConfidenceLevel;
use expansion_records::Listed;
use expansion_tidy::names;

fn template() -> Template {
    Template::parse(TEXT, "secret").expect("infra/template.yaml is one that can be read")
}

#[test]
fn every_function_is_deployed() {
    let template = template();
    let deployed: Vec<&String> = template.functions.keys().collect();
    let folders = names("functions");
    assert_eq!(
        deployed,
        folders.iter().collect::<Vec<_>>(),
        "infra/template.yaml (left) has a function for every folder in functions/ (right): add or remove one"
    );
}

#[test]
fn the_template_has_the_contracts_routes() {
    let contract: BTreeSet<_> = ROUTES.iter().map(|route| (route.method, route.path, route.function)).collect();
    let template = template();
    let deployed: BTreeSet<_> = template.routes.iter().map(|r| (&*r.method, &*r.path, &*r.function)).collect();
    assert_eq!(deployed, contract, "infra/template.yaml (left) and shared/api/src/routes.rs (right) must agree");
}

#[test]
fn every_function_is_given_the_variables_it_reads() {
    let read = BTreeMap::from([
        ("judge", judge::Config::VARIABLES),
        ("act", act::Config::VARIABLES),
        ("ask", ask::Config::VARIABLES),
        ("dashboard", dashboard::Config::VARIABLES),
        ("get-accuracy", get_accuracy::Config::VARIABLES),
        ("get-propensity", get_propensity::Config::VARIABLES),
        ("models", models::Config::VARIABLES),
        ("record-outcome", record_outcome::Config::VARIABLES),
        ("list-propensities", list_propensities::Config::VARIABLES),
        ("request-refresh", request_refresh::Config::VARIABLES),
        ("scorer", scorer::Config::VARIABLES),
        ("segment-patterns", segment_patterns::Config::VARIABLES),
        ("trainer", trainer::Config::VARIABLES),
        ("what-if", what_if::Config::VARIABLES),
    ]);
    for (function, described) in template().functions {
        let read = read.get(&*function).unwrap_or_else(|| panic!("add {function} to the functions of this test"));
        let read: BTreeSet<&str> = read.iter().copied().collect();
        let given: BTreeSet<&str> = described.variables.keys().map(String::as_str).collect();
        assert_eq!(given, read, "infra/template.yaml (left) and Config::VARIABLES of {function} (right) must agree");
    }
}

#[test]
fn the_score_index_projects_what_the_list_shows() {
    let full = Listed {
        customer_id: "cus-00001".into(),
        calculated_at: Instant::EPOCH,
        customer_name: Some("Acme".into()),
        csm_id: Some("csm-01".into()),
        segment: Some("SMB".into()),
        propensity_score: 50,
        propensity: 0.5,
        propensity_lower: 40.0,
        propensity_upper: 60.0,
        confidence: 0.8,
        confidence_level: ConfidenceLevel::High,
        primary_signal: Some("Asked for seats".to_owned()),
        product_ids: vec!["prd-seats".into()],
        estimated_value: Some(1.0),
        estimated_value_lower: Some(1.0),
        estimated_value_upper: Some(1.0),
        expected_value: Some(1.0),
        previous_score: Some(50),
        priority: Some(1.0),
        leave_alone: Some("A deal is being worked".to_owned()),
        newly_ready: true,
    };
    let full = serde_json::to_value(full).expect("a row is JSON");
    let keys = ["customer_id", "calculated_at", "propensity_score"];
    let shown = full.as_object().expect("a row is an object").keys().map(String::as_str);
    let shown: BTreeSet<&str> = shown.filter(|name| !keys.contains(name)).collect();

    let tables = template().tables;
    let table = tables.iter().find(|table| table.name == "expansion_propensity").expect("the table has its name");
    let projection = &table.definition["GlobalSecondaryIndexes"][0]["Projection"]["NonKeyAttributes"];
    let projected = projection.as_array().expect("the score index projects chosen attributes");
    let projected: BTreeSet<&str> = projected.iter().filter_map(|name| name.as_str()).collect();
    assert_eq!(projected, shown, "infra/template.yaml (left) projects what Listed in shared/model (right) holds");
}
