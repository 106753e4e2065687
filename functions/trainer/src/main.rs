//! The Lambda binary.

use trainer::{State, handle};

fn main() -> Result<(), lambda_runtime::Error> {
    expansion_lambda::run(State::new, handle)
}
