//! What became of a recommendation.

fn main() -> Result<(), lambda_http::Error> {
    expansion_api_functions::run(expansion_api_functions::record_outcome)
}
