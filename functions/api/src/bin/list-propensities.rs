//! The customers of the current run, best first.

fn main() -> Result<(), lambda_http::Error> {
    expansion_api_functions::run(expansion_api_functions::list_propensities)
}
