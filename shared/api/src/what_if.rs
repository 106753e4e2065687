//! `GET` and `POST /api/customers/{id}/expansion-propensity/what-if`: what would move a score.

use std::collections::BTreeMap;

use expansion_domain::{Id, RunId};
use expansion_features::{FEATURES, Feature, Value};
use expansion_model::{
    ASSOCIATION, ConfidenceLevel, FactorValue, Model, Profiles, Rescored, Scorer, confidence, rescore, rounded,
    smallest_change,
};
use expansion_records::Propensity;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::list::parameters;
use crate::{ConfidenceView, InvalidParameter, Problem};

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum WhatIf {
    /// The smallest change that lifts the score to this, 2–99.
    Target(u8),
    /// The score with these values: positions in [`FEATURES`], each with its value.
    Changes(Vec<(usize, Value)>),
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
    /// What is changed; the points and `other_points` add up to the difference of the scores.
    pub changes: Vec<ChangeView>,
    /// What changes of less than a point add together.
    pub other_points: i32,
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
    /// What it adds to the score.
    pub points: i32,
    /// Whether the changed value lies within what is usual in the customer's segment (5th to 95th percentile); `null`
    /// where that is not known.
    pub usual: Option<bool>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WhatIfBody")]
pub(crate) struct Body {
    /// At least one feature, each with the value to try; `null` for not known.
    #[schemars(schema_with = "changes")]
    changes: BTreeMap<String, Option<FactorValue>>,
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

impl WhatIf {
    /// Reads the query string of a `GET`.
    ///
    /// # Errors
    /// A 400 problem that names what is missing, unknown or out of range.
    pub fn target(query: &str) -> Result<Self, Problem> {
        let mut wrong = Vec::new();
        let mut given = parameters(query, &mut wrong);
        let target = given.remove("target").and_then(|text| text.parse().ok()).filter(|t| (2..=99).contains(t));
        if target.is_none() {
            let reason = "must be a whole number from 2 to 99".to_owned();
            wrong.push(InvalidParameter { name: "target".to_owned(), reason });
        }
        for name in given.into_keys() {
            wrong.push(InvalidParameter { name, reason: "is not a parameter of this question".to_owned() });
        }
        match target {
            Some(target) if wrong.is_empty() => Ok(Self::Target(target)),
            _ => Err(Problem::invalid_parameters(wrong)),
        }
    }

    /// Reads the body of a `POST`: `{"changes": {"seat_utilisation": 0.95, "health_score": null}}`.
    ///
    /// # Errors
    /// A 400 problem that names every feature that does not exist or cannot have its value.
    pub fn changes(body: &[u8]) -> Result<Self, Problem> {
        let body: Body = serde_json::from_slice(body).map_err(|e| Problem::invalid_body(e.to_string()))?;
        if body.changes.is_empty() {
            return Err(Problem::invalid_parameter("changes", "must name at least one feature"));
        }
        let (mut changes, mut wrong) = (Vec::new(), Vec::new());
        for (name, value) in body.changes {
            let place = FEATURES.iter().position(|feature| feature.name == name);
            let reason = match (place.map(|place| &FEATURES[place]), &value) {
                (None, _) => Some("is not a feature"),
                (Some(feature), Some(FactorValue::Number(_))) if feature.is_level() => Some("must be a text or null"),
                (Some(feature), Some(FactorValue::Level(_))) if !feature.is_level() => Some("must be a number or null"),
                _ => None,
            };
            match (place, reason) {
                (Some(place), None) => changes.push((place, FactorValue::restored(value.as_ref()))),
                (_, reason) => wrong.push(InvalidParameter {
                    name: format!("changes.{name}"),
                    reason: reason.unwrap_or("is not a feature").to_owned(),
                }),
            }
        }
        if wrong.is_empty() { Ok(Self::Changes(changes)) } else { Err(Problem::invalid_parameters(wrong)) }
    }
}

/// Answers for the customer whose row this is, with the model that the row was made with; `None` when the row was made
/// with other features.
#[must_use]
pub fn what_if_answer(question: &WhatIf, row: &Propensity, model: &Model, scorer: &Scorer<'_>) -> Option<WhatIfAnswer> {
    if row.snapshot.len() != FEATURES.len() || row.model_id != model.model_id {
        return None;
    }
    let snapshot = row.snapshot();
    let segment = row.listed.segment.as_deref();
    let (target, found) = match question {
        WhatIf::Target(target) => {
            (Some(*target), smallest_change(model, scorer, &snapshot, segment, i32::from(*target)))
        }
        WhatIf::Changes(changes) => (None, changes.clone()),
    };
    let Rescored { score_before, score_after, score, changes, other_points } = rescore(scorer, &snapshot, &found);
    let value = confidence(&score, model.propensity.knowledge);
    let changes = changes.into_iter().map(|change| {
        let feature = &FEATURES[change.feature];
        ChangeView {
            feature: feature.name,
            label: feature.describe_value(&change.from),
            changed_label: feature.describe_value(&change.to),
            usual: is_usual(&model.profiles, segment, feature.name, &change.to),
            from: FactorValue::of(&change.from),
            to: FactorValue::of(&change.to),
            points: change.points,
        }
    });
    Some(WhatIfAnswer {
        customer_id: row.listed.customer_id.clone(),
        run_id: row.run_id.clone(),
        model_id: row.model_id.clone(),
        target,
        reached: target.map(|target| score_after >= i32::from(target)),
        propensity_score: score_before,
        changed_score: score_after,
        changed_confidence: ConfidenceView {
            level: ConfidenceLevel::of(value),
            lower: rounded(100.0 * score.lower, 1),
            upper: rounded(100.0 * score.upper, 1),
            value: rounded(value, 3),
        },
        changes: changes.collect(),
        other_points,
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

    fn names(problem: Problem) -> Vec<String> {
        problem.invalid_parameters.into_iter().map(|parameter| parameter.name).collect()
    }

    #[test]
    fn a_target_is_a_score() {
        assert_eq!(WhatIf::target("target=80"), Ok(WhatIf::Target(80)));
        for bad in ["", "target=1", "target=100", "target=x", "target=80&target=81", "target=80&colour=red"] {
            assert!(WhatIf::target(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_wrong_change_is_named() {
        let body = br#"{"changes": {"seat_utilisation": "much", "colour": 1, "segment": 3, "health_score": null}}"#;
        let wrong = names(WhatIf::changes(body).expect_err("most of it is wrong"));
        assert_eq!(wrong, ["changes.colour", "changes.seat_utilisation", "changes.segment"]);
        let health = FEATURES.iter().position(|f| f.name == "health_score").expect("a feature");
        let fine = WhatIf::changes(br#"{"changes": {"health_score": null}}"#);
        assert_eq!(fine, Ok(WhatIf::Changes(vec![(health, Value::Missing)])));
        assert!(WhatIf::changes(br#"{"changes": {}}"#).is_err());
        assert!(WhatIf::changes(b"").is_err());
    }
}
