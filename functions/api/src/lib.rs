//! The HTTP functions: which routes each of them has, and how Lambda hands it requests.
//!
//! Each has a binary of its own in `src/bin`, with a role of its own; a binary links what its routes need, since nothing in
//! it refers to the table.

mod adapter;

use expansion_http::Surface;
use expansion_service::{Config, ConfigError};
use expansion_store::sdk_config;

pub use adapter::{handle_event, run};

/// Makes a function of each line, and the table of all of them.
macro_rules! functions {
    ($($(#[$about:meta])* $name:ident: $($routes:path),+;)+) => {
        $(
            $(#[$about])*
            pub fn $name<S: Surface>(surface: S, config: &Config) -> Result<S, ConfigError> {
                $(let surface = $routes(surface, config)?;)+
                Ok(surface)
            }
        )+

        /// The functions' names.
        pub fn names() -> impl Iterator<Item = String> {
            [$(stringify!($name)),+].into_iter().map(|name| name.replace('_', "-"))
        }

        /// Puts a function's routes on a surface; `None` when there is no such function.
        pub fn routes<S: Surface>(function: &str, surface: S, config: &Config) -> Option<Result<S, ConfigError>> {
            match &*function.replace('-', "_") {
                $(stringify!($name) => Some($name(surface, config)),)+
                _ => None,
            }
        }

        /// Puts all routes on a surface.
        pub fn all<S: Surface>(surface: S, config: &Config) -> Result<S, ConfigError> {
            $(let surface = $name(surface, config)?;)+
            Ok(surface)
        }
    };
}

functions! {
    /// The customers of the current run, best first.
    list_propensities: expansion_http::list::routes;
    /// The rows of the current run, to take away.
    export: expansion_http::export::routes;
    /// Everything about one customer.
    get_propensity: expansion_http::customer::routes;
    /// What would move a score.
    what_if: expansion_http::what_if::routes;
    /// How the segments differ.
    segment_patterns: expansion_http::segments::routes;
    /// What became of a recommendation.
    record_outcome: expansion_http::outcomes::routes;
    /// How right past runs were.
    get_accuracy: expansion_http::accuracy::routes;
    /// Which model is live and why, and changing that by hand.
    models: expansion_http::models::routes, expansion_http::version::routes;
    /// Asking for a refresh, and how far it is.
    request_refresh: expansion_http::refreshes::routes;
    /// What a CSM does next.
    act: expansion_http::actions::routes;
    /// Questions in words.
    ask: expansion_http::ask::routes;
    /// The pages for people.
    dashboard: expansion_pages::routes;
}

/// The OpenAPI document of all routes.
pub fn openapi() -> Result<serde_json::Value, ConfigError> {
    expansion_http::document(|surface| all(surface, &anywhere()))
}

/// A configuration to put routes on a surface with that asks nobody anything.
pub fn anywhere() -> Config {
    let value = |name: &str| match name {
        "HORIZON_DAYS" => Some("90".to_owned()),
        "CURRENCY" | "TODAY" => None,
        _ => Some("anything".to_owned()),
    };
    Config::new(value, sdk_config(|_| None))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use expansion_http::Method;
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_function_has_a_binary() {
        let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin")).expect("a folder");
        let name = |path: std::path::PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
        let binaries: BTreeSet<String> = files.map(|file| name(file.expect("a file").path())).collect();
        assert_eq!(binaries, names().collect());
    }

    #[test]
    fn a_route_is_of_one_function_and_described_if_it_is_of_the_api() {
        let config = anywhere();
        let all: Vec<(Method, &str)> = all(Vec::new(), &config).expect("routes");
        let of_functions = names().map(|name| routes(&name, Vec::new(), &config).expect("a function").expect("routes"));
        let of_functions: Vec<(Method, &str)> = of_functions.flatten().collect();
        assert_eq!(all, of_functions);
        let unique: BTreeSet<_> = all.iter().copied().collect();
        assert_eq!(unique.len(), all.len(), "{all:?}");
        let document = openapi().expect("a document");
        for (method, path) in unique {
            let described = &document["paths"][path][method.name().to_lowercase()];
            assert_eq!(described.is_object(), path.starts_with("/api/"), "{method:?} {path}");
        }
    }

    #[test]
    fn the_document_is_the_one_that_is_checked_in() {
        let checked_in: Value = serde_json::from_str(expansion_http::OPENAPI).expect("openapi.json is JSON");
        assert!(
            openapi().expect("a document") == checked_in,
            "the contract has changed: `cargo run -p expansion-api-functions --example openapi > shared/http/openapi.json`, \
             and look at the difference"
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut BTreeSet<String>) {
            match value {
                Value::Array(values) => values.iter().for_each(|value| references(value, found)),
                Value::Object(object) => {
                    found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    object.values().for_each(|value| references(value, found));
                }
                _ => {}
            }
        }
        let document = openapi().expect("a document");
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.len() > 20, "the types refer to each other");
        for reference in found {
            let place = reference.strip_prefix('#').unwrap_or_default();
            assert!(document.pointer(place).is_some(), "{reference} leads nowhere");
        }
    }

    #[test]
    fn a_path_has_the_parameters_it_names() {
        let document = openapi().expect("a document");
        for (path, methods) in document["paths"].as_object().expect("paths") {
            let named: BTreeSet<&str> =
                path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
            for (method, operation) in methods.as_object().expect("methods") {
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                let of_path = parameters.filter(|parameter| parameter["in"] == "path");
                let given: BTreeSet<&str> = of_path.filter_map(|parameter| parameter["name"].as_str()).collect();
                assert_eq!(given, named, "{method} {path}");
            }
        }
    }
}
