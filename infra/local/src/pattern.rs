//! EventBridge's event patterns, as far as this project's rules may use them.
//!
//! A pattern is an object of the event's shape whose leaves are lists of alternatives: plain values, or one of
//! `prefix`, `suffix`, `anything-but`, `numeric` and `exists`.

use serde_json::{Map, Value};

/// Whether an event fits a pattern. An alternative of an unknown kind never fits.
#[must_use]
pub fn matches(pattern: &Value, event: &Value) -> bool {
    match pattern {
        Value::Object(fields) => fields.iter().all(|(name, wanted)| field_matches(wanted, event.get(name))),
        _ => false,
    }
}

fn field_matches(wanted: &Value, found: Option<&Value>) -> bool {
    match wanted {
        Value::Array(alternatives) => alternatives.iter().any(|one| alternative_matches(one, found)),
        nested => matches(nested, found.unwrap_or(&Value::Null)),
    }
}

fn alternative_matches(alternative: &Value, found: Option<&Value>) -> bool {
    if let Value::Object(test) = alternative
        && let Some(wanted) = test.get("exists")
    {
        return wanted.as_bool() == Some(found.is_some());
    }
    match found {
        None => false,
        // A list fits when one of its elements does.
        Some(Value::Array(values)) => values.iter().any(|value| value_matches(alternative, value)),
        Some(value) => value_matches(alternative, value),
    }
}

fn value_matches(alternative: &Value, value: &Value) -> bool {
    match alternative {
        Value::Object(test) => test_matches(test, value),
        Value::Number(wanted) => value.as_f64().is_some_and(|found| Some(found) == wanted.as_f64()),
        exact => exact == value,
    }
}

fn test_matches(test: &Map<String, Value>, value: &Value) -> bool {
    let Some((name, wanted)) = test.iter().next() else { return false };
    let both = |compare: fn(&str, &str) -> bool| match (value.as_str(), wanted.as_str()) {
        (Some(value), Some(wanted)) => compare(value, wanted),
        _ => false,
    };
    match &**name {
        "prefix" => both(|value, wanted| value.starts_with(wanted)),
        "suffix" => both(|value, wanted| value.ends_with(wanted)),
        "anything-but" => !excluded(wanted, value),
        "numeric" => value.as_f64().is_some_and(|number| numeric_matches(wanted, number)),
        _ => false,
    }
}

/// Whether `anything-but` names the value: itself, in a list, or by a prefix.
fn excluded(wanted: &Value, value: &Value) -> bool {
    match wanted {
        Value::Array(all) => all.iter().any(|one| value_matches(one, value)),
        one => value_matches(one, value),
    }
}

/// A `numeric` test such as `[">=", 80, "<", 90]`: every comparison must hold.
fn numeric_matches(test: &Value, number: f64) -> bool {
    let Some((comparisons, [])) = test.as_array().map(|all| all.as_chunks::<2>()) else { return false };
    !comparisons.is_empty()
        && comparisons.iter().all(|[operator, bound]| match (operator.as_str(), bound.as_f64()) {
            (Some("="), Some(bound)) => number.total_cmp(&bound).is_eq(),
            (Some(">"), Some(bound)) => number > bound,
            (Some(">="), Some(bound)) => number >= bound,
            (Some("<"), Some(bound)) => number < bound,
            (Some("<="), Some(bound)) => number <= bound,
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_compared_as_eventbridge_does() {
        let event = json!({
            "source": "expansion-propensity",
            "detail": {"score": 88, "csm_id": "csm-07", "tags": ["a", "b"], "nested": {"deep": true}},
        });
        for (pattern, expected) in [
            (json!({"source": ["expansion-propensity"]}), true),
            (json!({"source": ["other", "expansion-propensity"]}), true),
            (json!({"source": ["other"]}), false),
            (json!({"source": "expansion-propensity"}), false),
            (json!({"missing": ["x"]}), false),
            (json!({"source": [{"prefix": "expansion-"}]}), true),
            (json!({"source": [{"suffix": "-propensity"}]}), true),
            (json!({"source": [{"prefix": "propensity"}]}), false),
            (json!({"detail": {"csm_id": [{"anything-but": "csm-08"}]}}), true),
            (json!({"detail": {"csm_id": [{"anything-but": ["csm-07", "csm-08"]}]}}), false),
            (json!({"detail": {"csm_id": [{"anything-but": {"prefix": "csm-"}}]}}), false),
            (json!({"detail": {"score": [88.0]}}), true),
            (json!({"detail": {"score": [{"numeric": [">=", 80, "<", 90]}]}}), true),
            (json!({"detail": {"score": [{"numeric": [">", 88]}]}}), false),
            (json!({"detail": {"score": [{"numeric": [">"]}]}}), false),
            (json!({"detail": {"score": [{"exists": true}]}}), true),
            (json!({"detail": {"score": [{"exists": false}]}}), false),
            (json!({"detail": {"other": [{"exists": false}]}}), true),
            (json!({"detail": {"tags": ["b"]}}), true),
            (json!({"detail": {"tags": ["c"]}}), false),
            (json!({"detail": {"nested": {"deep": [true]}}}), true),
            (json!({"detail": {"absent": {"deep": [{"exists": false}]}}}), true),
            (json!({"detail": {"csm_id": [{"unheard-of": 1}]}}), false),
        ] {
            assert_eq!(matches(&pattern, &event), expected, "{pattern}");
        }
    }
}
