//! What the source of the latest refresh looked like.

use askama::Template;
use axum::extract::State;
use expansion_http::{Caller, Problem, Shared};
use expansion_service::view::{DataReportView, RunView};

use crate::page::{Page, Refused};
use crate::{Dashboard, words};

#[derive(Template)]
#[template(path = "data.html")]
struct Data {
    run: Option<RunView>,
    /// For managers only.
    report: Option<DataReportView>,
}

/// The report of the newest refresh, also of one that failed for it.
pub(crate) async fn page(
    State(dashboard): State<Shared<Dashboard>>,
    caller: Result<Caller, Problem>,
) -> Result<Page, Refused> {
    let Caller(caller) = caller?;
    let run = dashboard.refreshes.latest(&caller).await?;
    let report = match &run {
        Some(run) => dashboard.refreshes.data(&caller, &run.run_id).await?,
        None => None,
    };
    Page::of(&Data { run, report })
}
