//! The Lambda binary: configuration, logs, clients, one handler.

use expansion_lambda::environment;
use expansion_store::Clients;
use lambda_http::service_fn;
use segment_patterns::{Config, State, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let config = Config::from_vars(environment)?;
    expansion_telemetry::init(&config.log_level)?;
    let state = State::new(config, &Clients::from_env()).await;
    lambda_http::run(service_fn(|request| handle(&state, request))).await
}
