//! The Lambda binary.

use scorer::{State, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    expansion_lambda::run(State::new, handle).await
}
