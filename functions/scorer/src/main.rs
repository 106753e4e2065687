//! The Lambda binary: configuration, logs, clients, one handler.

use expansion_lambda::environment;
use expansion_store::Clients;
use lambda_runtime::service_fn;
use scorer::{Config, State, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = Config::from_vars(environment)?;
    expansion_telemetry::init(&config.log_level)?;
    let state = State::new(config, &Clients::from_env()).await;
    lambda_runtime::run(service_fn(|event| handle(&state, event))).await
}
