//! Deals and contracts, once all rows of theirs are read: which count, as what, and for how much.

use std::collections::BTreeMap;

use expansion_domain::{Contract, Id, Instant};

use crate::issues::{Reason, Rejection};
use crate::tables::{ContractRow, DealRow, is_meant};
use crate::versions::{Place, Version};
use crate::words::DealKind;

/// A fact with where its row stands.
pub(crate) struct Placed<T> {
    pub(crate) fact: T,
    pub(crate) owner: usize,
    pub(crate) place: Place,
}

/// Whether two rows tell of one deal in one state, so that they are lines of it.
pub(crate) fn is_same_deal(a: &DealRow, b: &DealRow) -> bool {
    let state = |row: &DealRow| (row.deal.stage, row.deal.closed_at, row.deal.created_at, row.kind);
    state(a) == state(b) && a.currency == b.currency
}

/// Whether two rows tell of one contract.
pub(crate) fn is_same_contract(a: &ContractRow, b: &ContractRow) -> bool {
    (a.contract.start_date, a.contract.end_date) == (b.contract.start_date, b.contract.end_date)
}

/// One deal of all its lines: the amounts added up, the product with the largest first. An amount that is missing in one
/// line makes the whole unknown.
pub(crate) fn joined(newest: Placed<DealRow>, lines: &[Version<DealRow>]) -> Placed<DealRow> {
    if lines.is_empty() {
        return newest;
    }
    let Placed { fact: mut row, owner, place } = newest;
    let mut products: BTreeMap<Id, f64> = BTreeMap::new();
    for deal in lines.iter().map(|line| &line.fact.deal).chain([&row.deal]) {
        if let Some(product) = &deal.product_id {
            *products.entry(product.clone()).or_default() += deal.amount.unwrap_or_default();
        }
    }
    row.deal.amount = lines.iter().map(|line| line.fact.deal.amount).chain([row.deal.amount]).sum();
    let mut products: Vec<_> = products.into_iter().collect();
    products.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let mut products = products.into_iter().map(|(product, _)| product);
    row.deal.product_id = products.next();
    row.deal.other_products = products.collect();
    Placed { fact: row, owner, place }
}

/// Why a deal is no expansion, if it is none.
pub(crate) fn is_no_expansion(row: &DealRow) -> Option<Rejection> {
    if let Some(amount) = row.deal.amount.filter(|amount| *amount < 0.0) {
        return Some(Rejection::of_value(Reason::Contraction, "amount", &amount.to_string()));
    }
    let reason = match row.kind {
        DealKind::Expansion | DealKind::Unknown => return None,
        DealKind::Renewal => Reason::Renewal,
        DealKind::NewBusiness => Reason::NewBusiness,
        DealKind::Contraction => Reason::Contraction,
    };
    Some(Rejection::of_value(reason, "deal_type", row.deal_type.as_deref().unwrap_or_default()))
}

/// The newest day on which somebody opened a deal: what lay before it was over by then.
pub(crate) fn newest_opened<'a>(rows: impl Iterator<Item = &'a DealRow>) -> Option<Instant> {
    rows.map(|row| row.deal.created_at).filter(|at| is_meant(*at)).max()
}

/// What is odd of a deal that counts as an expansion, when deals were opened until `newest`.
pub(crate) fn doubts(row: &DealRow, newest: Option<Instant>) -> impl Iterator<Item = Rejection> {
    let word = || row.deal_type.as_deref().unwrap_or_default();
    let kind =
        (row.kind == DealKind::Unknown).then(|| Rejection::of_value(Reason::UnknownDealType, "deal_type", word()));
    let passed = row.unknown.as_ref().filter(|(expected, _)| newest.is_some_and(|newest| *expected < newest));
    let stage = passed.map(|(_, stage)| Rejection::of_value(Reason::UnknownStage, "stage", stage));
    kind.into_iter().chain(stage)
}

/// What amounts are worth in the currency that they are reported in.
pub(crate) struct Exchange {
    pub(crate) rates: BTreeMap<String, f64>,
    /// The currency they are reported in, where rows name theirs.
    pub(crate) reported: Option<String>,
}

impl Exchange {
    /// The exchange into the currency in which most amounts are, of those without a rate to another.
    pub(crate) fn into_commonest<'r>(rates: BTreeMap<String, f64>, currencies: impl Iterator<Item = &'r Id>) -> Self {
        let mut amounts: BTreeMap<&Id, u64> = BTreeMap::new();
        currencies.for_each(|currency| *amounts.entry(currency).or_default() += 1);
        let is_own = |currency: &Id| rates.get(&**currency).is_none_or(|rate| (rate - 1.0).abs() < 1e-12);
        // With rates, theirs is the currency of rate 1; otherwise the commonest, the first of them by name.
        let by_rate = rates.iter().find(|(_, rate)| (**rate - 1.0).abs() < 1e-12).map(|(currency, _)| currency.clone());
        let own = amounts.iter().filter(|(currency, _)| is_own(currency));
        let commonest = own.rev().max_by_key(|(_, amounts)| **amounts).map(|(currency, _)| currency.to_string());
        let reported = by_rate.filter(|_| !amounts.is_empty()).or(commonest);
        Self { rates, reported }
    }

    /// An amount in the currency reported, or why there is none.
    pub(crate) fn convert(&self, amount: &mut Option<f64>, currency: Option<&Id>) -> Option<Rejection> {
        let value = (*amount)?;
        let Some(currency) = currency else {
            let reported = self.reported.as_ref()?;
            return Some(Rejection::new(
                Reason::NoCurrency,
                format!("amount is {value}, currencies mostly {reported}"),
            ));
        };
        if let Some(rate) = self.rates.get(&**currency) {
            *amount = Some(value * rate);
            return None;
        }
        if self.reported.as_deref().is_none_or(|reported| reported == &**currency) {
            return None;
        }
        *amount = None;
        Some(Rejection::of_value(Reason::ForeignCurrency, "currency", currency))
    }
}

/// More seats than any company has people.
const MOST_SEATS: f64 = 1e6;

/// Whether a contract's quantity of seats is so large that it stands for no limit.
pub(crate) fn is_beyond_seats(contract: &Contract, counts_seats: bool) -> bool {
    counts_seats && contract.quantity.is_some_and(|seats| seats >= MOST_SEATS && seats.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(exchange: &Exchange, amount: f64, currency: Option<&str>) -> (Option<f64>, Option<Reason>) {
        let mut amount = Some(amount);
        let said = exchange.convert(&mut amount, currency.map(Id::from).as_ref());
        (amount, said.map(|said| said.reason))
    }

    #[test]
    fn amounts_are_converted_by_the_rates_given() {
        let rates = BTreeMap::from([("EUR".to_owned(), 1.0), ("JPY".to_owned(), 0.00625)]);
        let exchange = Exchange::into_commonest(rates, ["JPY", "JPY", "EUR"].map(Id::from).iter());
        assert_eq!(exchange.reported.as_deref(), Some("EUR"));
        assert_eq!(converted(&exchange, 16_000.0, Some("JPY")), (Some(100.0), None));
        assert_eq!(converted(&exchange, 5.0, Some("EUR")), (Some(5.0), None));
        assert_eq!(converted(&exchange, 5.0, Some("CHF")), (None, Some(Reason::ForeignCurrency)));
        assert_eq!(converted(&exchange, 5.0, None), (Some(5.0), Some(Reason::NoCurrency)));
    }

    #[test]
    fn without_rates_the_commonest_currency_counts_and_without_currencies_any() {
        let exchange = Exchange::into_commonest(BTreeMap::new(), ["SEK", "USD", "DKK", "USD"].map(Id::from).iter());
        assert_eq!(exchange.reported.as_deref(), Some("USD"));
        let tied = Exchange::into_commonest(BTreeMap::new(), ["USD", "EUR"].map(Id::from).iter());
        assert_eq!(tied.reported.as_deref(), Some("EUR"));
        let none = Exchange::into_commonest(BTreeMap::new(), [].iter());
        assert_eq!(converted(&none, 5.0, None), (Some(5.0), None));
    }
}
