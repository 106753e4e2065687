//! The pages for people: portfolio, customer, accuracy, and the API's description.
//!
//! What they show are the answers that the API gives, so that nobody reads here what they could not ask there.

mod charts;
mod customer;
mod data;
mod docs;
mod history;
mod page;
mod portfolio;
mod words;

use expansion_domain::Currency;
use expansion_http::list::Pages;
use expansion_http::{Shared, Surface};
use expansion_service::accuracy::Accuracies;
use expansion_service::customer::Customers;
use expansion_service::models::Models;
use expansion_service::refresh::Refreshes;
use expansion_service::what_if::WhatIf;
use expansion_service::{Config, ConfigError};

/// What pages show.
struct Dashboard {
    pages: Pages,
    customers: Customers,
    what_if: WhatIf,
    accuracies: Accuracies,
    models: Models,
    refreshes: Refreshes,
    currency: Option<Currency>,
}

/// Puts the pages on a surface.
pub fn routes<S: Surface>(surface: S, config: &Config) -> Result<S, ConfigError> {
    let dashboard = Dashboard {
        pages: Pages::new(config)?,
        customers: Customers::new(config)?,
        what_if: WhatIf::new(config)?,
        accuracies: Accuracies::new(config)?,
        models: Models::new(config)?,
        refreshes: Refreshes::new(config)?,
        currency: config.currency()?,
    };
    let dashboard = Shared::new(config, dashboard)?;
    Ok(surface
        .page("/", portfolio::page, dashboard.clone())
        .page("/customers/{id}", customer::page, dashboard.clone())
        .page("/accuracy", history::page, dashboard.clone())
        .page("/data", data::page, dashboard.clone())
        .page("/docs", docs::page, dashboard)
        .page("/openapi.json", docs::openapi, ())
        .page("/assets/{name}", page::asset, ()))
}
