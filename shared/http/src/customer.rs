//! `GET /api/customers/{id}/expansion-propensity`: everything about one customer.

use axum::extract::State;
use expansion_service::customer::{CustomerAnswer, Customers};
use expansion_service::{Config, ConfigError};

use crate::describe::Describe;
use crate::{Answer, Caller, CustomerId, Method, Problem, Shared, Surface};

/// Puts one customer on a surface.
pub fn routes<S: Surface>(surface: S, config: &Config) -> Result<S, ConfigError> {
    let customers = Shared::new(config, Customers::new(config)?)?;
    Ok(surface.route(Method::Get, "/api/customers/{id}/expansion-propensity", get, customers, |op| {
        op.id("getCustomer")
            .tag("Scores")
            .summary(
                "Everything about one customer: factors with points, products, approach, movement, history, model.",
            )
            .says(200, "The customer in the current run.")
            .refuses(&[404])
    }))
}

async fn get(
    State(customers): State<Shared<Customers>>,
    Caller(caller): Caller,
    CustomerId(id): CustomerId,
) -> Result<Answer<CustomerAnswer>, Problem> {
    Ok(Answer(customers.answer(&caller, &id).await?))
}
