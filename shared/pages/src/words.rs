//! Numbers as people say them.

use expansion_domain::{Currency, Instant, Money};
use expansion_model::{Figure, Knowledge, Readiness, ValueRange};
use expansion_records::Order;

/// What stands where nothing is known.
pub(crate) const NOTHING: &str = "–";

/// An amount, if there is one.
pub(crate) fn maybe_amount(value: Option<f64>, currency: Option<Currency>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), |amount| Money { amount, currency }.to_string())
}

/// An amount with its interval.
pub(crate) fn range(value: Option<&ValueRange>, currency: Option<Currency>) -> String {
    let said = |amount| Money { amount, currency };
    let range = |value: &ValueRange| format!("{} ({}–{})", said(value.amount), said(value.lower), said(value.upper));
    value.map_or_else(|| NOTHING.to_owned(), range)
}

/// A share in percent.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0}%", 100.0 * share)
}

/// A small share in percent, with a decimal.
pub(crate) fn percent_exact(share: f64) -> String {
    format!("{:.1}%", 100.0 * share)
}

/// A share in percent, if it is known.
pub(crate) fn maybe_percent(share: Option<f64>) -> String {
    share.map_or_else(|| NOTHING.to_owned(), percent)
}

/// A number without decimals, if it is known.
pub(crate) fn whole(number: Option<f64>) -> String {
    number.map_or_else(|| NOTHING.to_owned(), |number| format!("{number:.0}"))
}

/// A figure with its interval.
pub(crate) fn figure(figure: Option<&Figure>) -> String {
    let range = |figure: &Figure| format!("{:.3} ({:.3}–{:.3})", figure.value, figure.lower, figure.upper);
    figure.map_or_else(|| NOTHING.to_owned(), range)
}

/// What a list is sorted by.
pub(crate) fn order(order: Order) -> String {
    order.name().replace('_', " ")
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
    at.date().to_string()
}

/// Points with their sign.
pub(crate) fn signed(points: i32) -> String {
    format!("{points:+}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_said_so() {
        assert_eq!(
            (maybe_amount(None, None), maybe_amount(Some(1_234.0), None)),
            (NOTHING.to_owned(), "1.2K".to_owned())
        );
        assert_eq!(signed(-3), "-3");
    }
}
