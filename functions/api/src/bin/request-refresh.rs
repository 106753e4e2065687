//! Asking for a refresh, and how far it is.

fn main() -> Result<(), lambda_http::Error> {
    expansion_api_functions::run(expansion_api_functions::request_refresh)
}
