//! The customer that a request is about.

use expansion_api::{Principal, Problem};
use expansion_records::{Propensity, RunReference};
use expansion_store::{ControlTable, PropensityTable};
use lambda_http::{Request, RequestExt};

use crate::to_problem;

/// The id of the customer that the request's path names.
///
/// # Errors
/// A 400 problem when it names nobody.
pub fn customer_id(request: &Request) -> Result<String, Problem> {
    let parameters = request.path_parameters();
    let customer_id = parameters.first("id").filter(|id| !id.is_empty());
    customer_id.map(str::to_owned).ok_or_else(|| Problem::invalid_parameter("id", "is missing"))
}

/// The current run, and the row it has of a customer.
///
/// # Errors
/// A 404 problem when there is no run yet, and when there is no such customer or
/// the caller may not see them; which of the two is not said.
pub async fn current_row(
    customer_id: &str,
    principal: &Principal,
    control: &ControlTable,
    propensities: &PropensityTable,
) -> Result<(RunReference, Propensity), Problem> {
    let pointer = control.current_run().await.map_err(|e| to_problem(&e))?;
    let current = pointer.ok_or_else(Problem::no_run_yet)?.run;
    let row = propensities.row(customer_id, current.calculated_at).await.map_err(|e| to_problem(&e))?;
    let seen = row.filter(|row| row.run_id == current.run_id && principal.may_see(row.listed.csm_id.as_ref()));
    Ok((current, seen.ok_or_else(|| Problem::not_found("such customer"))?))
}
