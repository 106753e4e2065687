//! What a CSM does next.

fn main() -> Result<(), lambda_http::Error> {
    expansion_api_functions::run(expansion_api_functions::act)
}
