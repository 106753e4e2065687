//! The Lambda binary.

use scorer::{State, handle};

fn main() -> Result<(), lambda_runtime::Error> {
    expansion_lambda::run(State::new, handle)
}
