//! The control table: runs, the pointers to the current run and the champion model, and the idempotency ledger.
//!
//! | pk | sk | item |
//! |---|---|---|
//! | `run` | run id | a [`Run`]; `open` while it is not over, `done` the set of finished shards |
//! | `data#<run id>` | `report` | the [`DataReport`] of the source that it read |
//! | `shard#<run id>` | shard number | the [`RunSummary`] of a finished shard |
//! | `shard#<run id>` | shard number`#top#`page | its best rows |
//! | `top#<run id>` | page | the best rows of the run |
//! | `pointer` | `current_run`, `champion` | which run readers see, which model is live |
//! | `model` | model id | a [`ModelRecord`] |
//! | `accuracy` | run id | an [`AccuracyRecord`] |
//! | `outcome` | outcome id | a [`RecordedOutcome`] |
//! | `action` | action id | a [`StoredAction`](expansion_domain::StoredAction) |
//! | `idempotency` | key | the `as_of` of the refresh that was requested with this key |

use std::collections::BTreeSet;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use aws_types::SdkConfig;
use expansion_domain::{DataReport, Instant, RunId};
use expansion_records::{Listed, Order, Plan, Run, RunReference, RunStage, RunSummary, Standing};
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_attribute_value};

use crate::StoreError;
use crate::clock::now;
use crate::error::unless_condition_failed;
use crate::items::{Item, deserialize, key, put_if_absent, seconds, text};

/// The sparse index of the runs that are not over.
const OPEN_RUNS_INDEX: &str = "idx_expansion_control_open_runs";
/// How many of the best rows of each standing are kept in each order, of a shard and of the run.
pub const TOP_ROWS: usize = 300;
/// Rows an item of a top list; an item must stay below 400 KB.
const TOP_PAGE: usize = 100;
/// How long an idempotency key is remembered.
const IDEMPOTENCY_DAYS: i32 = 1;
const STAGES: [RunStage; 5] =
    [RunStage::Requested, RunStage::Training, RunStage::Scoring, RunStage::Complete, RunStage::Failed];

#[derive(Clone, Debug)]
pub struct ControlTable {
    pub client: Client,
    pub name: String,
}

impl ControlTable {
    pub fn new(aws: &SdkConfig, name: impl Into<String>) -> Self {
        Self { client: Client::new(aws), name: name.into() }
    }
}

/// The run that readers see, and the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrentRun {
    #[serde(flatten)]
    pub run: RunReference,
    /// The run before, for a rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<RunReference>,
}

// --- runs ----------------------------------------------------------------------------------------------------------

impl ControlTable {
    /// Records a requested run unless it is on record already; returns the run on record.
    pub async fn create_run(&self, run: Run) -> Result<Run, StoreError> {
        let put = self.put_request("run", run.run_id.as_str(), &run)?.item("open", text("run"));
        if put_if_absent(put, "create a run").await? { Ok(run) } else { self.expect_run(&run.run_id).await }
    }

    /// A run, read strongly.
    pub async fn run(&self, run: &RunId) -> Result<Option<Run>, StoreError> {
        self.get("run", run.as_str()).await
    }

    /// A run that must be there.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it isn't; another [`StoreError`] when the table cannot be read.
    pub async fn expect_run(&self, run: &RunId) -> Result<Run, StoreError> {
        self.run(run).await?.ok_or_else(|| StoreError::NotFound(format!("run {run}")))
    }

    /// The run with the latest `as_of`, in whatever state.
    pub async fn latest_run(&self) -> Result<Option<Run>, StoreError> {
        Ok(self.newest("run", 1).await?.pop())
    }

    /// The runs that are not over, oldest first.
    pub async fn open_runs(&self) -> Result<Vec<Run>, StoreError> {
        let keys = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(OPEN_RUNS_INDEX)
            .key_condition_expression("#open = :run")
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":run", text("run"))
            .into_paginator()
            .items()
            .send();
        let keys: Vec<Item> = keys.try_collect().await.map_err(StoreError::service("query open runs"))?;
        let mut runs = Vec::new();
        for run in keys.iter().filter_map(|item| item.get("sk")?.as_s().ok()?.parse().ok()) {
            // The index may lag behind: the run itself says whether it is over.
            runs.extend(self.run(&run).await?.filter(|run| !run.stage().ended()));
        }
        Ok(runs)
    }

    /// The ids of the complete runs up to `until`, at most `most`, newest first.
    pub async fn complete_runs(&self, until: &RunId, most: i32) -> Result<BTreeSet<RunId>, StoreError> {
        #[derive(Deserialize)]
        struct Seen {
            run_id: RunId,
            state: RunStage,
        }
        let mut items = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :run AND sk <= :until")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":run", text("run"))
            .expression_attribute_values(":until", text(until.as_str()))
            .projection_expression("run_id, #state")
            .scan_index_forward(false)
            .limit(most)
            .into_paginator()
            .items()
            .send();
        let mut complete = BTreeSet::new();
        while complete.len() < usize::try_from(most).unwrap_or_default()
            && let Some(item) = items.next().await
        {
            let seen: Seen = from_item(item.map_err(StoreError::service("query runs"))?)?;
            if seen.state == RunStage::Complete {
                complete.insert(seen.run_id);
            }
        }
        Ok(complete)
    }

    /// Reopens a failed run, as if it had just been requested. `None` if it has not failed.
    pub async fn reopen(&self, run: &RunId) -> Result<Option<Run>, StoreError> {
        let update = "SET #state = :requested, #touched_at = :now, #open = :run REMOVE #failure";
        self.update_run(run, update, "#state = :failed", [(":run", text("run"))]).await
    }

    /// Marks a run as being trained; `None` if it is further already.
    pub async fn begin_training(&self, run: &RunId) -> Result<Option<Run>, StoreError> {
        let update = "SET #state = :training, #touched_at = :now, #open = :run REMOVE #failure, #done, #summary";
        let condition = "#state IN (:requested, :training, :failed)";
        self.update_run(run, update, condition, [(":run", text("run"))]).await
    }

    /// Records the model, the shards and which rows of the source were left out; from here on shards can be scored.
    /// `None` if the run is further already.
    pub async fn plan(&self, run: &RunId, plan: &Plan) -> Result<Option<Run>, StoreError> {
        let update = "SET #state = :scoring, #touched_at = :now, #model = :model, #shards = :shards, \
            #previous = :previous, #data_issues = :issues, #conventions = :conventions, #stale = :stale, \
            #findings = :findings, \
            #yardstick = :yardstick";
        let values = [
            (":model", to_attribute_value(&plan.model)?),
            (":shards", AttributeValue::N(plan.shards.to_string())),
            (":previous", to_attribute_value(&plan.previous)?),
            (":issues", to_attribute_value(&plan.data_issues)?),
            (":conventions", to_attribute_value(&plan.conventions)?),
            (":stale", to_attribute_value(&plan.stale)?),
            (":findings", to_attribute_value(&plan.findings)?),
            (":yardstick", to_attribute_value(&plan.yardstick)?),
        ];
        self.update_run(run, update, "#state = :training", values).await
    }

    /// Stores what the source of a run looks like; a repeated attempt may find another one.
    pub async fn put_data_report(&self, run: &RunId, report: &DataReport) -> Result<(), StoreError> {
        self.put(&format!("data#{run}"), "report", report, true).await
    }

    /// What the source of a run looked like; `None` before it was read, and for runs of earlier versions.
    pub async fn data_report(&self, run: &RunId) -> Result<Option<DataReport>, StoreError> {
        self.get(&format!("data#{run}"), "report").await
    }

    /// Records that a shard has been scored with this model. Idempotent: the shards are a set. `None` if the run is not
    /// being scored any more, or with another model.
    pub async fn finish_shard(&self, run: &RunId, model_id: &str, shard: u32) -> Result<Option<Run>, StoreError> {
        let condition = "#state = :scoring AND #model.#model_id = :model_id";
        let values = [(":shard", AttributeValue::Ns(vec![shard.to_string()])), (":model_id", text(model_id))];
        self.update_run(run, "SET #touched_at = :now ADD #done :shard", condition, values).await
    }

    /// Records the summary of all rows. `None` if the run is not being scored.
    pub async fn summarise(&self, run: &RunId, summary: &RunSummary) -> Result<Option<Run>, StoreError> {
        let values = [(":summary", to_attribute_value(summary.clone().bounded())?)];
        self.update_run(run, "SET #touched_at = :now, #summary = :summary", "#state = :scoring", values).await
    }

    /// Marks a run as complete once readers see it, or a newer one. `None` if it is not being scored.
    pub async fn complete(&self, run: &RunId) -> Result<Option<Run>, StoreError> {
        let update = "SET #state = :complete, #touched_at = :now REMOVE #open";
        self.update_run(run, update, "#state = :scoring", []).await
    }

    /// Marks a run as failed if it is still in the stage in which the failure was found. `None` if another invocation
    /// has moved it on since.
    pub async fn fail(&self, run: &RunId, found_in: RunStage, reason: &str) -> Result<Option<Run>, StoreError> {
        let update = "SET #state = :failed, #touched_at = :now, #failure = :reason REMOVE #open";
        let condition = format!("#state = :{}", found_in.name());
        self.update_run(run, update, &condition, [(":reason", text(reason))]).await
    }

    /// Updates a run under a condition. In both expressions `#name` is the attribute of this name, `:stage` the stage of
    /// this name, and `:now` the time; the other values are given.
    async fn update_run<const V: usize>(
        &self,
        run: &RunId,
        update: &str,
        condition: &str,
        values: [(&str, AttributeValue); V],
    ) -> Result<Option<Run>, StoreError> {
        let mut request = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key("run", run.as_str())))
            .update_expression(update)
            .condition_expression(condition)
            .expression_attribute_values(":now", text(&now().to_string()))
            .return_values(ReturnValue::AllNew);
        let expressions = [update, condition].join(" ");
        for word in expressions.split(|c: char| !(c.is_ascii_alphanumeric() || "#:_".contains(c))) {
            if let Some(attribute) = word.strip_prefix('#') {
                request = request.expression_attribute_names(word, attribute);
            } else if let Some(stage) = STAGES.iter().find(|stage| word.strip_prefix(':') == Some(stage.name())) {
                request = request.expression_attribute_values(word, text(stage.name()));
            }
        }
        for (name, value) in values {
            request = request.expression_attribute_values(name, value);
        }
        let answer = unless_condition_failed(request.send().await, "update a run")?;
        answer.and_then(|answer| answer.attributes).map(deserialize).transpose()
    }
}

// --- shards and top lists --------------------------------------------------------------------------------------------

impl ControlTable {
    /// Stores the summary of a shard, and its best rows (which are chosen here).
    pub async fn put_shard(
        &self,
        run: &Run,
        shard: u32,
        summary: &RunSummary,
        mut rows: Vec<Listed>,
    ) -> Result<(), StoreError> {
        keep_best(&mut rows, true);
        let pk = format!("shard#{}", run.run_id);
        let item = ShardItem { summary: summary.clone().bounded_in_shard(), pages: rows.len().div_ceil(TOP_PAGE) };
        for (page, rows) in rows.chunks(TOP_PAGE).enumerate() {
            self.put(&pk, &format!("{shard:05}#top#{page:04}"), &TopPage { rows: rows.to_vec() }, true).await?;
        }
        self.put(&pk, &format!("{shard:05}"), &item, true).await
    }

    /// The summaries of a run's shards merged, and the best rows of all with those of everybody newly ready, by score.
    pub async fn merge_shards(&self, run: &RunId, shards: u32) -> Result<(RunSummary, Vec<Listed>), StoreError> {
        let mut summary = RunSummary::default();
        let mut best: Vec<Listed> = Vec::new();
        // An attempt that failed may have left more shards, or pages, than this one has.
        let mut pages_of_shard = 0;
        for item in self.query_all(&format!("shard#{run}")).await? {
            let Some((shard, page)) = shard_and_page(&item) else { continue };
            if shard >= shards {
                continue;
            }
            match page {
                // A shard's summary sorts before its pages.
                None => {
                    let shard: ShardItem = from_item(item)?;
                    pages_of_shard = shard.pages;
                    keep_best(&mut best, true);
                    summary = summary.merge(shard.summary);
                }
                Some(page) if page < pages_of_shard => best.extend(from_item::<TopPage>(item)?.rows),
                Some(_) => {}
            }
        }
        keep_best(&mut best, true);
        Ok((summary, best))
    }

    /// Stores the best rows of a run.
    pub async fn put_top(&self, run: &RunId, mut best: Vec<Listed>) -> Result<(), StoreError> {
        keep_best(&mut best, false);
        for (page, rows) in best.chunks(TOP_PAGE).enumerate() {
            self.put(&format!("top#{run}"), &format!("{page:04}"), &TopPage { rows: rows.to_vec() }, false).await?;
        }
        Ok(())
    }

    /// The best rows of a run: at most 300 of each standing in each [`Order`]; by score.
    pub async fn top(&self, run: &RunId) -> Result<Vec<Listed>, StoreError> {
        let mut rows = Vec::new();
        for item in self.query_all(&format!("top#{run}")).await? {
            rows.extend(from_item::<TopPage>(item)?.rows);
        }
        Ok(rows)
    }
}

/// A finished shard, beside its best rows.
#[derive(Serialize, Deserialize)]
struct ShardItem {
    #[serde(flatten)]
    summary: RunSummary,
    /// Pages of best rows.
    pages: usize,
}

/// Rows of a top list.
#[derive(Serialize, Deserialize)]
struct TopPage {
    rows: Vec<Listed>,
}

/// The rows that are among the best of their standing in some order, and those newly ready if they are `wanted`; by score.
fn keep_best(rows: &mut Vec<Listed>, wanted: bool) {
    let mut kept: Vec<bool> = rows.iter().map(|row| wanted && row.newly_ready).collect();
    for (order, standing) in Order::ALL.into_iter().flat_map(|order| Standing::ALL.map(|standing| (order, standing))) {
        let mut places: Vec<usize> = (0..rows.len()).filter(|place| rows[*place].standing == standing).collect();
        places.sort_by_cached_key(|place| order.position(&rows[*place]));
        for place in places.into_iter().take(TOP_ROWS) {
            kept[place] = true;
        }
    }
    let mut kept = kept.into_iter();
    rows.retain(|_| kept.next().unwrap_or_default());
    Order::Score.sort(rows);
}

/// Which shard an item is of, and which page of its best rows, if it is one.
fn shard_and_page(item: &Item) -> Option<(u32, Option<usize>)> {
    let sk = item.get("sk")?.as_s().ok()?;
    match sk.split_once("#top#") {
        Some((shard, page)) => Some((shard.parse().ok()?, Some(page.parse().ok()?))),
        None => Some((sk.parse().ok()?, None)),
    }
}

// --- pointers and ledger ---------------------------------------------------------------------------------------------

impl ControlTable {
    /// The run that readers see; `None` before the first one.
    pub async fn current_run(&self) -> Result<Option<CurrentRun>, StoreError> {
        self.get("pointer", "current_run").await
    }

    /// Points readers to a run unless they see a newer one already. Returns whether they see it now.
    pub async fn point_to(&self, run: &Run) -> Result<bool, StoreError> {
        let wanted = run.reference();
        loop {
            let current = self.current_run().await?;
            if let Some(current) = &current
                && !wanted.is_newer_than(&current.run)
            {
                return Ok(current.run == wanted);
            }
            let seen = current.map(|current| current.run);
            let pointer = CurrentRun { run: wanted.clone(), previous: seen.clone() };
            let put = self.put_request("pointer", "current_run", &pointer)?;
            // Only if the pointer has not moved since it was read; whoever loses the race reads it again.
            let put = match seen {
                None => put.condition_expression("attribute_not_exists(run_id)"),
                Some(seen) => put
                    .condition_expression("run_id = :seen")
                    .expression_attribute_values(":seen", text(seen.run_id.as_str())),
            };
            if unless_condition_failed(put.send().await, "point to a run")?.is_some() {
                return Ok(true);
            }
        }
    }

    /// Claims an idempotency key for a refresh; returns its `as_of`, which is the one on record if the key was used before.
    pub async fn claim_key(&self, idempotency_key: &str, as_of: Instant) -> Result<Instant, StoreError> {
        #[derive(Serialize, Deserialize)]
        struct Claim {
            as_of: Instant,
        }
        let now = now();
        let put = self
            .put_request("idempotency", idempotency_key, &Claim { as_of })?
            .item("expires_at", seconds(now.plus_days(IDEMPOTENCY_DAYS)))
            // An expired item may linger for days before DynamoDB removes it.
            .condition_expression("attribute_not_exists(pk) OR expires_at < :now")
            .expression_attribute_values(":now", seconds(now));
        if unless_condition_failed(put.send().await, "claim an idempotency key")?.is_some() {
            return Ok(as_of);
        }
        let claim: Option<Claim> = self.get("idempotency", idempotency_key).await?;
        Ok(claim.map_or(as_of, |claim| claim.as_of))
    }
}

#[cfg(test)]
mod tests {
    use expansion_records::RunState;
    use serde_dynamo::aws_sdk_dynamodb_1::to_item;
    use serde_json::{Value, json};

    use super::*;

    /// An item as it is stored, of this version's attributes or an earlier one's.
    fn item(state: &str, with: &Value) -> Item {
        let mut run = json!({
            "run_id": "20260630T235959Z-0f9ad5ec", "as_of": "2026-06-30T23:59:59Z",
            "calculated_at": "2026-06-30T23:59:59Z", "horizon_days": 90, "cause": "schedule", "state": state,
            "requested_at": "2026-07-01T06:00:00Z", "touched_at": "2026-07-01T06:00:00Z", "data_issues": [],
        });
        for (name, value) in with.as_object().expect("an object") {
            run[name] = value.clone();
        }
        let mut item: Item = to_item(run).expect("an item");
        item.extend(key("run", "20260630T235959Z-0f9ad5ec"));
        item
    }

    fn planned(done: &[&str]) -> Value {
        json!({
            "model": { "model_id": "m", "family": "additive", "knowledge": "full", "metrics": null }, "shards": 2,
            "previous": null, "done": done.iter().map(|n| n.parse::<u32>().expect("a number")).collect::<Vec<_>>(),
        })
    }

    fn read(item: Item) -> Run {
        deserialize(item).expect("it is read")
    }

    #[test]
    fn a_run_is_read_from_its_item_and_written_to_the_same() {
        let summary = json!({ "rows": 3, "histogram": [3], "expected_value": 2.5, "portfolios": [null, "csm-1"],
            "standings": { "in_progress": { "customers": 3, "expected_value": 2.5, "histogram": [3] } },
            "facets": { "segment": { "SMB": { "in_progress": { "customers": 3, "expected_value": 2.5 } } } },
            "products": { "seats": { "name": "Seats", "customers": 2 } }, "bins": [[3]] });
        let mut closed = planned(&["0", "1"]);
        closed["summary"] = summary;
        let mut failed = planned(&["1"]);
        failed["failure"] = json!("somebody pulled the plug");
        for (state, with) in [
            ("requested", json!({})),
            ("training", json!({})),
            ("scoring", planned(&["1"])),
            ("scoring", closed.clone()),
            ("complete", closed.clone()),
            ("failed", failed),
            ("failed", json!({ "failure": "no customers" })),
        ] {
            let stored = item(state, &with);
            let run = read(stored.clone());
            assert_eq!(run.state.name(), state);
            let written: Item = to_item(&run).expect("an item");
            for (name, value) in &written {
                assert_eq!(stored.get(name), Some(value), "{name} of {state}");
            }
            let left_out: Vec<&String> = stored.keys().filter(|name| !written.contains_key(*name)).collect();
            let nothing = |name: &str| matches!(stored[name], AttributeValue::Null(_)) || name == "data_issues";
            let may_go = |name: &&&String| ["pk", "sk"].contains(&name.as_str()) || nothing(name);
            assert_eq!(left_out.iter().filter(may_go).count(), left_out.len(), "{left_out:?}");
            assert_eq!(read(written), run);
        }
        assert!(matches!(read(item("scoring", &closed)).state, RunState::Closing(..)));
    }

    #[test]
    fn what_earlier_versions_and_attempts_left_is_read() {
        let mut scoring = item("scoring", &planned(&[]));
        scoring.insert("done".to_owned(), AttributeValue::Ns(vec!["1".to_owned(), "0".to_owned()]));
        let plan = read(scoring).plan().cloned();
        assert_eq!(plan.map(|plan: Plan| plan.done), Some(BTreeSet::from([0, 1])), "a set of numbers");

        let mut bare = planned(&["0", "1"]);
        bare["summary"] = json!({ "rows": 3, "histogram": [3], "portfolios": [null], "products": { "seats": 2 } });
        let run = read(item("complete", &bare.clone()));
        let products = &run.summary().expect("a summary").products;
        assert_eq!(
            products.values().map(|product| (product.name.clone(), product.customers)).collect::<Vec<_>>(),
            [(None, 2)]
        );

        bare["done"] = json!([1]);
        assert!(
            matches!(read(item("scoring", &bare)).state, RunState::Scoring(..)),
            "the summary is an earlier attempt's"
        );

        assert!(read(item("requested", &planned(&["0"]))).plan().is_none(), "an earlier attempt's plan counts no more");
        let lacks = deserialize::<Run>(item("complete", &json!({}))).expect_err("it has no plan");
        assert!(lacks.to_string().contains("is complete but has no plan"), "{lacks}");
    }
}
