//! Which model is live and why, and changing that by hand.

fn main() -> Result<(), lambda_http::Error> {
    expansion_api_functions::run(expansion_api_functions::models)
}
