//! EventBridge's event patterns, as far as the template's rules use them: an object of the event's shape whose leaves
//! are lists of alternative values. A rule with an operator, such as `prefix`, is refused when the template is read.

use serde_json::Value;

/// What a pattern has that is not supported, if anything.
pub(crate) fn unsupported(pattern: &Value) -> Option<String> {
    match pattern {
        Value::Object(fields) => fields.values().find_map(unsupported),
        Value::Array(alternatives) => alternatives.iter().find_map(|one| match one {
            Value::Object(operator) => {
                Some(format!("the operator {}", operator.keys().next().map_or("{}", |name| name)))
            }
            Value::Array(_) => Some(format!("{one} as an alternative")),
            _ => None,
        }),
        leaf => Some(format!("{leaf} where a list is wanted")),
    }
}

/// Whether an event fits a pattern.
pub(crate) fn matches(pattern: &Value, event: &Value) -> bool {
    match pattern {
        Value::Object(fields) => fields.iter().all(|(name, wanted)| matches(wanted, &event[name])),
        Value::Array(alternatives) => alternatives.contains(event),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_compared_as_eventbridge_does() {
        let event = json!({"source": "expansion-propensity", "detail": {"score": 88, "nested": {"deep": true}}});
        for (pattern, expected) in [
            (json!({"source": ["expansion-propensity"]}), true),
            (json!({"source": ["other", "expansion-propensity"]}), true),
            (json!({"source": ["other"]}), false),
            (json!({"source": []}), false),
            (json!({"missing": ["x"]}), false),
            (json!({"source": ["expansion-propensity"], "detail": {"score": [87]}}), false),
            (json!({"detail": {"score": [88]}}), true),
            (json!({"detail": {"nested": {"deep": [true]}}}), true),
            (json!({"detail": {"absent": {"deep": [true]}}}), false),
        ] {
            assert_eq!(unsupported(&pattern), None);
            assert_eq!(matches(&pattern, &event), expected, "{pattern}");
        }
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (pattern, named) in [
            (json!({"source": [{"prefix": "expansion-"}]}), "the operator prefix"),
            (json!({"detail": {"score": [1, {"numeric": [">=", 80]}]}}), "the operator numeric"),
            (json!({"source": "expansion-propensity"}), r#""expansion-propensity" where a list is wanted"#),
            (json!({"source": [["a"]]}), r#"["a"] as an alternative"#),
        ] {
            assert_eq!(unsupported(&pattern).as_deref(), Some(named));
        }
    }
}
