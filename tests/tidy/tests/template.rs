//! Checks of the deployment template against the code it deploys.

use std::collections::BTreeSet;

use expansion_api_functions::routes;
use expansion_fixtures::{listed, requested};
use expansion_http::Method;
use expansion_local::template::{TEXT, Template};
use expansion_records::Listed;
use expansion_service::{Config, ConfigError};
use expansion_store::sdk_config;
use expansion_tidy::names;

fn template() -> Template {
    Template::parse(TEXT, "secret").expect("infra/template.yaml is one that can be read")
}

#[test]
fn every_function_is_deployed() {
    let template = template();
    let deployed: BTreeSet<String> = template.functions.into_keys().collect();
    let of_events = names("functions").into_iter().filter(|folder| folder != "api");
    let built: BTreeSet<String> = of_events.chain(expansion_api_functions::names()).collect();
    assert_eq!(
        deployed, built,
        "infra/template.yaml (left) has a function for every binary (right): add or remove one"
    );
}

#[test]
fn every_function_is_given_the_variables_it_reads() {
    let template = template();
    let mut read_by_any = BTreeSet::new();
    for (function, described) in template.functions {
        let given = described.variables.clone();
        let config = Config::new(move |name| given.get(name).cloned(), sdk_config(|_| None));
        start(&function, &config).unwrap_or_else(|error| panic!("infra/template.yaml: {function}: {error}"));
        let read = config.variables_read();
        let own =
            described.variables.keys().map(String::as_str).filter(|name| !template.common_variables.contains(*name));
        for name in own {
            assert!(
                read.contains(name),
                "infra/template.yaml gives {function} the variable {name}, which it does not read"
            );
        }
        read_by_any.extend(read);
    }
    for name in template.common_variables {
        assert!(read_by_any.contains(&*name), "infra/template.yaml gives every function {name}, which none reads");
    }
}

/// Does what a function does with its configuration when it starts.
fn start(function: &str, config: &Config) -> Result<(), ConfigError> {
    config.log_level()?;
    match function {
        "trainer" => trainer::State::new(config).map(drop),
        "scorer" => scorer::State::new(config).map(drop),
        "judge" => judge::State::new(config).map(drop),
        _ => {
            let none: Vec<(Method, &str)> = Vec::new();
            routes(function, none, config).unwrap_or_else(|| panic!("add {function} to `start`")).map(drop)
        }
    }
}

#[test]
fn the_template_has_the_routes_that_the_functions_answer() {
    let template = template();
    for function in expansion_api_functions::names() {
        let deployed = template.routes.iter().filter(|route| route.function == function);
        let deployed: BTreeSet<_> = deployed.map(|route| (&*route.method, &*route.path)).collect();
        let none: Vec<(Method, &str)> = Vec::new();
        let answered = routes(&function, none, &expansion_api_functions::anywhere());
        let answered = answered.expect("a function").expect("its configuration");
        let answered: BTreeSet<_> = answered.into_iter().map(|(method, path)| (method.name(), path)).collect();
        assert_eq!(deployed, answered, "infra/template.yaml (left) and {function}'s routes (right) must agree");
    }
}

#[test]
fn the_score_index_projects_what_the_list_shows() {
    let said = |text: &str| Some(text.to_owned());
    let full = Listed {
        segment: Some("SMB".into()),
        industry: Some("Retail".into()),
        region: Some("Europe".into()),
        leave_alone: said("Health score of 30"),
        open_deal: said("A deal opened 3 days ago"),
        risks: vec!["No champion known".to_owned()],
        renewal: Some(requested().as_of.date()),
        last_contact: Some(requested().as_of.date()),
        ..listed("c-1", 50)
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
    assert_eq!(projected, shown, "infra/template.yaml (left) projects what Listed in shared/records (right) holds");
}
