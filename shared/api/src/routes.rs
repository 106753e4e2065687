//! The routes, in one place: the template, the functions and the documentation are held against this list.

use expansion_domain::RunId;

/// A route and the function that serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The HTTP method.
    pub method: &'static str,
    /// The path; `{…}` stands for a parameter.
    pub path: &'static str,
    /// The function.
    pub function: &'static str,
}

/// Every route.
pub const ROUTES: [Route; 19] = [
    Route { method: "GET", path: "/api/analytics/expansion-propensity", function: "list-propensities" },
    Route { method: "GET", path: "/api/customers/{id}/expansion-propensity", function: "get-propensity" },
    Route { method: "POST", path: "/api/analytics/expansion-propensity/refresh", function: "request-refresh" },
    Route { method: "GET", path: "/api/analytics/expansion-propensity/refresh/{run_id}", function: "request-refresh" },
    Route { method: "GET", path: "/api/customers/{id}/expansion-propensity/what-if", function: "what-if" },
    Route { method: "POST", path: "/api/customers/{id}/expansion-propensity/what-if", function: "what-if" },
    Route { method: "GET", path: "/api/analytics/expansion-propensity/segments", function: "segment-patterns" },
    Route { method: "GET", path: "/api/analytics/expansion-propensity/accuracy", function: "get-accuracy" },
    Route { method: "GET", path: "/api/analytics/expansion-propensity/models", function: "models" },
    Route { method: "POST", path: "/api/analytics/expansion-propensity/models", function: "models" },
    Route { method: "POST", path: "/api/customers/{id}/expansion-propensity/outcome", function: "record-outcome" },
    Route { method: "POST", path: "/api/customers/{id}/expansion-propensity/actions", function: "act" },
    Route { method: "POST", path: "/api/analytics/expansion-propensity/ask", function: "ask" },
    Route { method: "GET", path: "/", function: "dashboard" },
    Route { method: "GET", path: "/customers/{id}", function: "dashboard" },
    Route { method: "GET", path: "/accuracy", function: "dashboard" },
    Route { method: "GET", path: "/docs", function: "dashboard" },
    Route { method: "GET", path: "/openapi.json", function: "dashboard" },
    Route { method: "GET", path: "/assets/{name}", function: "dashboard" },
];

/// Where a run's state can be read.
#[must_use]
pub fn run_location(run: &RunId) -> String {
    format!("/api/analytics/expansion-propensity/refresh/{run}")
}
