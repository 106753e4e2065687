//! What would move a score.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use expansion_domain::{Id, RunId};
use expansion_features::{Contradiction, FEATURES, Feature, Moved, Slots, Snapshot, Value, moved_together};
use expansion_model::{
    ASSOCIATION, Bins, Confidence, FactorValue, Lever, Model, Profiles, Rescored, Scorer, rescore, rounded, sensible,
    sigmoid, smallest_change,
};
use expansion_records::Propensity;
use expansion_store::Artifacts;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use tokio::sync::Mutex;

use crate::customer::Customers;
use crate::view::ConfidenceView;
use crate::{Config, ConfigError, Error, InvalidParameter, Principal};

/// Scores that may be asked for.
pub const TARGETS: RangeInclusive<u8> = 2..=99;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum WhatIfRequest {
    /// The smallest change that lifts the score to this.
    Target(u8),
    /// The score with these values.
    Changes(Changes),
}

/// Values to try.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WhatIfBody")]
pub struct Changes {
    /// At least one feature, each with the value to try; `null` for not known.
    #[schemars(schema_with = "changes")]
    pub changes: BTreeMap<String, Option<FactorValue>>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WhatIfAnswer {
    /// The customer.
    pub customer_id: Id,
    /// The run whose row is looked at.
    pub run_id: RunId,
    /// The model.
    pub model_id: String,
    /// The score that was asked for.
    pub target: Option<u8>,
    /// Whether the changes reach it (otherwise they are those that come closest); `null` when none was asked for.
    pub reached: Option<bool>,
    /// The score as it is.
    pub propensity_score: i32,
    /// The score with the changes.
    pub changed_score: i32,
    /// How sure the changed score is.
    pub changed_confidence: ConfidenceView,
    /// What is changed, each followed by what moves along with it; the points and `other_points` add up to the difference of
    /// the scores.
    pub changes: Vec<ChangeView>,
    /// What changes of less than a point add together.
    pub other_points: i32,
    /// What can be improved about the customer as it is: the at most five improvements, within what is usual in the segment,
    /// that lift the score most, each by itself.
    pub levers: Vec<LeverView>,
    /// How to read this.
    pub note: &'static str,
}

/// A feature's value, changed.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ChangeView {
    /// The feature.
    pub feature: &'static str,
    /// Its value as it is; `null` when missing.
    pub from: Option<FactorValue>,
    /// The changed value; `null` when missing.
    pub to: Option<FactorValue>,
    /// The value as it is, in words.
    pub label: String,
    /// The changed value, in words.
    pub changed_label: String,
    /// The changed feature with which this one moves: one cannot change without the other. `null` for what is asked for.
    pub moves_with: Option<&'static str>,
    /// What it adds to the score.
    pub points: i32,
    /// Whether the changed value lies within what is usual in the customer's segment (5th to 95th percentile); `null`
    /// where that is not known.
    pub usual: Option<bool>,
}

/// What can be improved.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LeverView {
    /// The feature.
    pub feature: &'static str,
    /// Its value as it is.
    pub from: f64,
    /// The value that lifts the score most.
    pub to: f64,
    /// The value as it is, in words.
    pub label: String,
    /// The improved value, in words.
    pub changed_label: String,
    /// What the improvement adds to the score, with what moves along.
    pub points: i32,
}

impl LeverView {
    fn of(lever: &Lever, slots: &Slots) -> Self {
        let feature = &FEATURES[lever.feature];
        let words = |value| feature.describe_value(&Value::Number(value), slots);
        Self {
            feature: feature.name,
            from: lever.value,
            to: lever.best,
            label: words(lever.value),
            changed_label: words(lever.best),
            points: lever.points,
        }
    }
}

/// What can be improved, and what the slots stand for to put it in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Levers {
    pub levers: Vec<Lever>,
    pub slots: Slots,
}

/// The schema of values by feature.
fn changes(_: &mut SchemaGenerator) -> Schema {
    let of = |feature: &Feature| {
        let value = if feature.is_level() { "string" } else { "number" };
        (feature.name.to_owned(), json!({"type": [value, "null"], "description": feature.label}))
    };
    let features: Map<String, serde_json::Value> = FEATURES.iter().map(of).collect();
    json_schema!({"type": "object", "properties": features, "additionalProperties": false, "minProperties": 1})
}

/// Answers with what would move a score.
#[derive(Debug)]
pub struct WhatIf {
    pub customers: Customers,
    pub artifacts: Artifacts,
    /// The model used last; a model never changes.
    model: Mutex<Option<Arc<Model>>>,
}

impl WhatIf {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { customers: Customers::new(config)?, artifacts: config.artifacts()?, model: Mutex::default() })
    }

    /// What the score of a customer whom the caller may see would be.
    pub async fn answer(
        &self,
        principal: &Principal,
        customer_id: &str,
        request: &WhatIfRequest,
    ) -> Result<WhatIfAnswer, Error> {
        let question = Question::of(request)?;
        let (row, model) = self.row_and_model(principal, customer_id).await?;
        what_if_answer(question, &row, &model)
    }

    /// What can be improved about a customer and matters, for somebody to try other values.
    pub async fn levers(&self, principal: &Principal, customer_id: &str) -> Result<Levers, Error> {
        let (row, model) = self.row_and_model(principal, customer_id).await?;
        let scorer = Scorer::new(&model.propensity).map_err(|_| misfit(&row))?;
        let slots = model.slots.clone();
        if row.snapshot.len() != FEATURES.len() {
            // A row of an earlier version of the features has nothing to try.
            return Ok(Levers { levers: Vec::new(), slots });
        }
        let levers = expansion_model::levers(&model, &scorer, &row.snapshot(), row.listed.segment.as_deref());
        Ok(Levers { levers, slots })
    }

    async fn row_and_model(&self, principal: &Principal, customer_id: &str) -> Result<(Propensity, Arc<Model>), Error> {
        let (_, row) = self.customers.current(principal, customer_id).await?;
        let mut kept = self.model.lock().await;
        let model = match kept.as_ref().filter(|model| model.model_id == row.model_id) {
            Some(model) => model.clone(),
            None => kept.insert(Arc::new(self.artifacts.model(&row.model_id).await?)).clone(),
        };
        Ok((row, model))
    }
}

fn misfit(row: &Propensity) -> Error {
    Error::Internal(format!("the row of {} and model {} do not fit together", row.listed.customer_id, row.model_id))
}

/// What is asked, checked.
#[derive(Clone, Debug, PartialEq)]
enum Question {
    Target(u8),
    /// Positions in [`FEATURES`], each with its value.
    Changes(Vec<(usize, Value)>),
}

impl Question {
    fn of(request: &WhatIfRequest) -> Result<Self, Error> {
        let changes = match request {
            WhatIfRequest::Target(target) if TARGETS.contains(target) => return Ok(Self::Target(*target)),
            WhatIfRequest::Target(_) => return Err(InvalidParameter::not_within("target", &TARGETS).into()),
            WhatIfRequest::Changes(Changes { changes }) => changes,
        };
        if changes.is_empty() {
            return Err(Error::invalid("changes", "must name at least one feature"));
        }
        let (mut found, mut wrong) = (Vec::new(), Vec::new());
        for (name, value) in changes {
            match place_of(name, value.as_ref()) {
                Ok(place) => found.push((place, FactorValue::restored(value.as_ref()))),
                Err(reason) => wrong.push(InvalidParameter::new(format!("changes.{name}"), reason)),
            }
        }
        if wrong.is_empty() { Ok(Self::Changes(found)) } else { Err(Error::InvalidParameters(wrong)) }
    }
}

/// Where a feature stands that may have this value, or what is wrong.
fn place_of(name: &str, value: Option<&FactorValue>) -> Result<usize, String> {
    let place = FEATURES.iter().position(|feature| feature.name == name).ok_or("is not a feature")?;
    let feature = &FEATURES[place];
    match value {
        Some(FactorValue::Number(_)) if feature.is_level() => Err("must be a text or null".to_owned()),
        Some(FactorValue::Level(_)) if !feature.is_level() => Err("must be a number or null".to_owned()),
        Some(FactorValue::Number(number)) if !number.is_finite() || !feature.possible().contains(number) => {
            Err(format!("must be {} or null", within(&feature.possible())))
        }
        _ => Ok(place),
    }
}

/// A range in words.
fn within(range: &RangeInclusive<f64>) -> String {
    let [low, high] = [range.start(), range.end()].map(|end| rounded(*end, 4));
    if high.is_finite() { format!("a number from {low} to {high}") } else { format!("a number, {low} or more,") }
}

/// The wanted changes with what moves along, unless one of them makes no sense for this customer.
fn checked(wanted: &[(usize, Value)], model: &Model, snapshot: &Snapshot) -> Result<Vec<Moved>, Error> {
    let named = |feature: usize, reason| InvalidParameter::new(format!("changes.{}", FEATURES[feature].name), reason);
    let moved = moved_together(snapshot, wanted).map_err(|Contradiction { feature, fits }| {
        let fits = fits.map_or("null".to_owned(), |fits| rounded(fits, 2).to_string());
        named(feature, format!("contradicts the other changes, with which it is {fits}: leave it out"))
    })?;
    let mut wrong = Vec::new();
    for change in &moved {
        let Some(reason) = beyond(change, model, snapshot) else { continue };
        wrong.push(match change.with {
            None => named(change.feature, format!("must be {reason}")),
            Some(with) => {
                let along = change.to.as_number().unwrap_or_default();
                let name = FEATURES[change.feature].name;
                named(with, format!("would make {name} {}, which must be {reason}", rounded(along, 4)))
            }
        });
    }
    if wrong.is_empty() { Ok(moved) } else { Err(Error::InvalidParameters(wrong)) }
}

/// What a changed value would have to be, if it is beyond all that the model knows.
fn beyond(change: &Moved, model: &Model, snapshot: &Snapshot) -> Option<String> {
    match &change.to {
        Value::Missing => None,
        Value::Number(number) => {
            let range = sensible(model, snapshot, change.feature);
            (!range.contains(number))
                .then(|| format!("{}, as among the customers that the model knows", within(&range)))
        }
        Value::Level(level) => {
            let binned = model.propensity.features.iter().find(|of| of.name == FEATURES[change.feature].name);
            let Some(Bins::Levels { names }) = binned.map(|binned| &binned.bins) else { return None };
            let is_known = names.iter().any(|name| **name == **level) || snapshot.values[change.feature] == change.to;
            (!is_known).then(|| format!("one that the model knows: {}", names.join(", ")))
        }
    }
}

/// Answers for the customer whose row this is, with the model that the row was made with; fails when the row was made with
/// other features, and for changes that make no sense.
fn what_if_answer(question: Question, row: &Propensity, model: &Model) -> Result<WhatIfAnswer, Error> {
    let scorer = &Scorer::new(&model.propensity).map_err(|_| misfit(row))?;
    if row.snapshot.len() != FEATURES.len() || row.model_id != model.model_id {
        return Err(misfit(row));
    }
    let snapshot = row.snapshot();
    let segment = row.listed.segment.as_deref();
    let (target, found) = match question {
        Question::Target(target) => {
            (Some(target), smallest_change(model, scorer, &snapshot, segment, i32::from(target)))
        }
        Question::Changes(wanted) => (None, checked(&wanted, model, &snapshot)?),
    };
    let levers = expansion_model::levers(model, scorer, &snapshot, segment);
    let Rescored { score_before, score_after, score, changes, other_points } = rescore(scorer, &snapshot, &found);
    let average = row.listed.comparable.as_ref().map_or_else(|| sigmoid(model.propensity.intercept), |one| one.average);
    let confidence = Confidence::of(&score, average, model.propensity.knowledge);
    let [lower, upper] = score.interval_in_points();
    let changes = changes.into_iter().map(|change| {
        let feature = &FEATURES[change.feature];
        ChangeView {
            feature: feature.name,
            label: feature.describe_value(&change.from, &model.slots),
            changed_label: feature.describe_value(&change.to, &model.slots),
            usual: is_usual(&model.profiles, segment, feature.name, &change.to),
            from: FactorValue::of(&change.from),
            to: FactorValue::of(&change.to),
            moves_with: change.with.map(|with| FEATURES[with].name),
            points: change.points,
        }
    });
    Ok(WhatIfAnswer {
        customer_id: row.listed.customer_id.clone(),
        run_id: row.run_id.clone(),
        model_id: row.model_id.clone(),
        target,
        reached: target.map(|target| score_after >= i32::from(target)),
        propensity_score: score_before,
        changed_score: score_after,
        changed_confidence: ConfidenceView {
            level: confidence.level(),
            lower,
            upper,
            value: rounded(confidence.value, 3),
            side: Some(confidence.side),
        },
        changes: changes.collect(),
        other_points,
        levers: levers.iter().map(|lever| LeverView::of(lever, &model.slots)).collect(),
        note: ASSOCIATION,
    })
}

fn is_usual(profiles: &Profiles, segment: Option<&str>, feature: &str, value: &Value) -> Option<bool> {
    let [low, high] = profiles.usual(segment, feature)?.range?;
    value.as_number().map(|number| low <= number && number <= high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(body: &str) -> Result<Question, Vec<String>> {
        let changes = serde_json::from_str(body).expect("a body");
        Question::of(&WhatIfRequest::Changes(changes)).map_err(|error| match error {
            Error::InvalidParameters(wrong) => wrong.into_iter().map(|parameter| parameter.name).collect(),
            other => panic!("{other}"),
        })
    }

    #[test]
    fn a_target_is_a_score() {
        assert_eq!(Question::of(&WhatIfRequest::Target(80)).expect("a score"), Question::Target(80));
        for bad in [0, 1, 100] {
            let refused = Question::of(&WhatIfRequest::Target(bad)).expect_err("out of bounds");
            assert_eq!(refused.to_string(), "target: must be a whole number from 2 to 99");
        }
    }

    #[test]
    fn what_no_customer_can_have_is_refused_with_the_range() {
        let reason = |name: &str, value: &str| {
            let body = format!(r#"{{"changes": {{"{name}": {value}}}}}"#);
            let changes = serde_json::from_str(&body).expect("a body");
            Question::of(&WhatIfRequest::Changes(changes)).expect_err("impossible").to_string()
        };
        for (name, value, range) in [
            ("seat_utilisation", "-3", "a number, 0 or more, or null"),
            ("win_rate", "1.5", "a number from 0 to 1 or null"),
            ("health_score", "101", "a number from 0 to 100 or null"),
            ("logins_change", "-1.5", "a number, -1 or more, or null"),
            ("usage_days_30", "31", "a number from 0 to 30 or null"),
            ("tickets_90", "-1", "a number, 0 or more, or null"),
        ] {
            assert_eq!(reason(name, value), format!("changes.{name}: must be {range}"));
        }
        let nan = Changes { changes: [("tickets_90".to_owned(), Some(FactorValue::Number(f64::NAN)))].into() };
        assert!(Question::of(&WhatIfRequest::Changes(nan)).is_err());
        let endless = Changes { changes: [("tickets_90".to_owned(), Some(FactorValue::Number(f64::INFINITY)))].into() };
        assert!(Question::of(&WhatIfRequest::Changes(endless)).is_err());
    }

    #[test]
    fn every_wrong_change_is_named() {
        let wrong =
            changes(r#"{"changes": {"seat_utilisation": "much", "colour": 1, "segment": 3, "health_score": null}}"#);
        let names = ["changes.colour", "changes.seat_utilisation", "changes.segment"];
        assert_eq!(wrong, Err(names.map(str::to_owned).into()));
        let health = FEATURES.iter().position(|f| f.name == "health_score").expect("a feature");
        let fine = changes(r#"{"changes": {"health_score": null}}"#);
        assert_eq!(fine, Ok(Question::Changes(vec![(health, Value::Missing)])));
        assert_eq!(changes(r#"{"changes": {}}"#), Err(vec!["changes".to_owned()]));
    }
}
