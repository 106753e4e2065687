//! The Lambda binary.

use trainer::{State, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    expansion_lambda::run(State::new, handle).await
}
