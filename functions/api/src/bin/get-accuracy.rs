//! How right past runs were.

fn main() -> Result<(), lambda_http::Error> {
    expansion_api_functions::run(expansion_api_functions::get_accuracy)
}
