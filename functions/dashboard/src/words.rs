//! Numbers as people say them.

use expansion_api::ScoreView;
use expansion_domain::Instant;
use expansion_model::{Figure, Knowledge, Order, Readiness, ValueRange};

/// What stands where nothing is known.
pub(crate) const NOTHING: &str = "–";

/// An amount: 850, 1.2K, 85K, 1.0M.
pub(crate) fn amount(value: f64) -> String {
    match value {
        v if v >= 999_500.0 => format!("{:.1}M", v / 1e6),
        v if v >= 9_950.0 => format!("{:.0}K", v / 1e3),
        v if v >= 1_000.0 => format!("{:.1}K", v / 1e3),
        v => format!("{v:.0}"),
    }
}

/// An amount, if there is one.
pub(crate) fn maybe_amount(value: Option<f64>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), amount)
}

/// An amount with its interval.
pub(crate) fn range(value: Option<&ValueRange>) -> String {
    value.map_or_else(
        || NOTHING.to_owned(),
        |value| format!("{} ({}–{})", amount(value.amount), amount(value.lower), amount(value.upper)),
    )
}

/// A share in percent.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0}%", 100.0 * share)
}

/// A figure with its interval.
pub(crate) fn figure(figure: Option<&Figure>) -> String {
    figure.map_or_else(
        || NOTHING.to_owned(),
        |figure| format!("{:.3} ({:.3}–{:.3})", figure.value, figure.lower, figure.upper),
    )
}

/// What a list is sorted by.
pub(crate) fn order(order: Order) -> &'static str {
    match order {
        Order::Score => "score",
        Order::ExpectedValue => "expected value",
        Order::Priority => "priority",
    }
}

/// How much a model could learn, in a word.
pub(crate) fn knowledge(knowledge: Knowledge) -> &'static str {
    match knowledge {
        Knowledge::Rules => "rules",
        Knowledge::Shrunk => "shrunk",
        Knowledge::Full => "full",
    }
}

/// A verdict in words.
pub(crate) fn readiness(readiness: Readiness) -> &'static str {
    match readiness {
        Readiness::Ready => "ready",
        Readiness::Ok => "OK",
        Readiness::NotReady => "not ready",
        Readiness::Suspicious => "suspicious",
    }
}

/// The day of an instant.
pub(crate) fn day(at: Instant) -> String {
    at.to_string().chars().take(10).collect()
}

/// Points with their sign.
pub(crate) fn signed(points: i32) -> String {
    format!("{points:+}")
}

/// A customer's name, or their id where they have none.
pub(crate) fn name(score: &ScoreView) -> &str {
    score.customer_name.as_deref().unwrap_or(&score.customer_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_people_say_them() {
        let said = [849.6, 1_234.0, 9_990.0, 85_400.0, 999_600.0].map(amount);
        assert_eq!(said, ["850", "1.2K", "10K", "85K", "1.0M"]);
        assert_eq!(maybe_amount(None), NOTHING);
        assert_eq!(signed(-3), "-3");
    }
}
