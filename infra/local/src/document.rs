//! The JSON document of `--once --json`: the run, its model, what was left out of the source, and every row.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use expansion_domain::{DataIssue, Id};
use expansion_local::Stack;
use expansion_model::Doubt;
use expansion_records::{PastScore, Propensity, Run};
use expansion_service::customer::{CustomerAnswer, customer_answer};
use expansion_service::view::{ModelView, RunView};
use serde::Serialize;
use serde_dynamo::aws_sdk_dynamodb_1::from_item;

use crate::Failure;
use crate::report::doubts;

#[derive(Serialize)]
struct Document<'a> {
    run: RunView,
    model: Option<DoubtedModel>,
    data_issues: &'a [DataIssue],
    rows: Vec<CustomerAnswer>,
}

#[derive(Serialize)]
struct DoubtedModel {
    #[serde(flatten)]
    view: ModelView,
    doubts: Vec<Doubt>,
}

/// Prints the document; rows in the order of the list.
pub(crate) async fn print(stack: &Stack, run: &Run) -> Result<(), Failure> {
    let doubts = doubts(stack, run).await?;
    let document = Document {
        run: RunView::from(run),
        model: run.model().map(|model| DoubtedModel { view: model.into(), doubts }),
        data_issues: run.plan().map_or(&[], |plan| &plan.data_issues),
        rows: rows(stack, run).await?,
    };
    println!("{}", serde_json::to_string(&document)?);
    Ok(())
}

/// What the API answers for each customer of the run. One scan instead of a query a customer.
async fn rows(stack: &Stack, run: &Run) -> Result<Vec<CustomerAnswer>, Failure> {
    let config = stack.config("scorer");
    let complete = config.control()?.complete_runs(&run.run_id, i32::MAX).await?;
    let table = config.propensities()?;
    let mut items = table
        .client
        .scan()
        .table_name(table.name)
        .filter_expression("run_id <= :run")
        .expression_attribute_values(":run", AttributeValue::S(run.run_id.to_string()))
        .into_paginator()
        .items()
        .send();
    let mut histories: BTreeMap<Id, Vec<Propensity>> = BTreeMap::new();
    while let Some(item) = items.next().await {
        let row: Propensity = from_item(item?)?;
        if complete.contains(&row.run_id) {
            histories.entry(row.listed.customer_id.clone()).or_default().push(row);
        }
    }
    let mut answers = Vec::with_capacity(histories.len());
    for mut history in histories.into_values() {
        history.sort_by_key(|row| std::cmp::Reverse(row.listed.calculated_at));
        let past = history.iter().map(PastScore::from).collect();
        if let Some(row) = history.into_iter().next().filter(|row| row.run_id == run.run_id) {
            answers.push(customer_answer(run, row, past));
        }
    }
    answers.sort_by_key(|answer| (std::cmp::Reverse(answer.score.propensity_score), answer.score.customer_id.clone()));
    Ok(answers)
}
