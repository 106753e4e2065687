//! `GET /api/analytics/expansion-propensity`: the customers of a run, best first.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use expansion_domain::Id;
use expansion_model::ConfidenceLevel;
use expansion_records::{Listed, Order, Position, Run};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Cursor, CursorKey, InvalidParameter, Principal, Problem, RunView, ScoreView};

/// Rows a page unless asked otherwise.
const DEFAULT_LIMIT: usize = 50;
/// Rows a page at most.
const MOST_LIMIT: usize = 200;
/// Customers of each CSM at most.
const MOST_PER_CSM: usize = 100;

/// What is asked for, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuery {
    /// Rows wanted, 1–200.
    pub limit: usize,
    /// Where to go on.
    pub cursor: Option<Cursor>,
    /// Only this CSM's portfolio; always set for a CSM.
    pub csm_id: Option<Id>,
    /// Only this segment.
    pub segment: Option<String>,
    /// Only customers to whom this product is recommended.
    pub product_id: Option<String>,
    /// Only customers whose name or id has this in it, in any case of letters.
    pub q: Option<String>,
    /// Only scores from here on.
    pub min_score: u8,
    /// Only this confidence.
    pub confidence: Option<ConfidenceLevel>,
    /// What the list is sorted by.
    pub order: Order,
    /// Only so many of each CSM's portfolio, their best; in the order of priority without those better left alone.
    pub per_csm: Option<usize>,
}

/// A page of the list.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ListAnswer {
    /// The run.
    pub run: RunView,
    /// The rows.
    pub data: Vec<ScoreView>,
    /// Where the list goes on; `null` at its end.
    pub next_cursor: Option<String>,
}

impl ListQuery {
    /// Reads the query string of a caller's request.
    ///
    /// # Errors
    /// A 400 problem that names every parameter that is unknown, repeated or out of range.
    pub fn parse(query: &str, principal: &Principal, key: &CursorKey) -> Result<Self, Problem> {
        let mut wrong = Vec::new();
        let mut given = parameters(query, &mut wrong);
        let mut parsed = Self {
            limit: DEFAULT_LIMIT,
            cursor: None,
            csm_id: given.remove("csm_id").map(Id::from),
            segment: given.remove("segment"),
            product_id: given.remove("product_id"),
            q: given.remove("q").map(|q| q.to_lowercase()).filter(|q| !q.is_empty()),
            min_score: 0,
            confidence: None,
            order: Order::Score,
            per_csm: None,
        };
        let mut refuse = |name: &str, reason: &str| {
            wrong.push(InvalidParameter { name: name.to_owned(), reason: reason.to_owned() });
        };
        if let Some(text) = given.remove("limit") {
            match text.parse() {
                Ok(limit @ 1..=MOST_LIMIT) => parsed.limit = limit,
                _ => refuse("limit", "must be a whole number from 1 to 200"),
            }
        }
        if let Some(text) = given.remove("min_score") {
            match text.parse() {
                Ok(score @ 0..=100) => parsed.min_score = score,
                _ => refuse("min_score", "must be a whole number from 0 to 100"),
            }
        }
        if let Some(text) = given.remove("per_csm") {
            match text.parse() {
                Ok(most @ 1..=MOST_PER_CSM) => parsed.per_csm = Some(most),
                _ => refuse("per_csm", "must be a whole number from 1 to 100"),
            }
        }
        if let Some(text) = given.remove("confidence") {
            match text.parse() {
                Ok(level) => parsed.confidence = Some(level),
                Err(reason) => refuse("confidence", &reason.to_string()),
            }
        }
        if let Some(text) = given.remove("sort") {
            match Order::ALL.into_iter().find(|order| order.name() == text) {
                Some(order) => parsed.order = order,
                None => refuse("sort", "must be score, expected_value or priority"),
            }
        }
        if let Principal::Csm(own) = principal {
            if parsed.csm_id.as_ref().is_some_and(|asked| asked != own) {
                refuse("csm_id", "must be your own");
            }
            parsed.csm_id = Some(own.clone());
        }
        if let Some(text) = given.remove("cursor") {
            parsed.cursor = key.open(&text).filter(|cursor| cursor.list == parsed.list());
            if parsed.cursor.is_none() {
                refuse("cursor", "is not a cursor of this list");
            }
        }
        for name in given.keys() {
            refuse(name, "is not a parameter of this list");
        }
        if wrong.is_empty() { Ok(parsed) } else { Err(Problem::invalid_parameters(wrong)) }
    }

    /// Whether a row belongs in the list, beside score and portfolio, which choose the rows that are looked at.
    #[must_use]
    pub fn wants(&self, row: &Listed) -> bool {
        row.propensity_score >= self.min_score
            && self.csm_id.as_ref().is_none_or(|csm| row.csm_id.as_ref() == Some(csm))
            && self.segment.as_deref().is_none_or(|segment| row.segment.as_deref() == Some(segment))
            && self.product_id.as_deref().is_none_or(|product| row.product_ids.iter().any(|id| **id == *product))
            && self.q.as_deref().is_none_or(|q| is_named(row, q))
            && self.confidence.is_none_or(|level| row.confidence_level == level)
            && !(self.per_csm.is_some() && self.order == Order::Priority && row.leave_alone.is_some())
    }

    /// Names the list, for its cursors: everything that decides which rows are in it.
    fn list(&self) -> String {
        let confidence = self.confidence.map(ConfidenceLevel::name);
        let order = (self.order, self.per_csm);
        let parts = (&self.csm_id, &self.segment, &self.product_id, &self.q, self.min_score, confidence, order);
        serde_json::to_string(&parts).unwrap_or_default()
    }
}

/// Whether a customer's name or id has `q`, in lower case, in it.
fn is_named(row: &Listed, q: &str) -> bool {
    row.customer_name.as_deref().is_some_and(|name| name.to_lowercase().contains(q))
        || row.customer_id.to_lowercase().contains(q)
}

/// The page that shows these rows of a run; `next` is the row after which the list goes on, unless it ends.
#[must_use]
pub fn list_answer(
    query: &ListQuery,
    run: &Run,
    rows: Vec<Listed>,
    next: Option<Position>,
    key: &CursorKey,
) -> ListAnswer {
    let before = query.cursor.as_ref().map_or(0, |cursor| cursor.rank);
    let summary = run.summary().cloned().unwrap_or_default();
    let no_rank = |row: &Listed| query.order == Order::Priority && row.leave_alone.is_some();
    let rank_of = |rank: u64, row: &Listed| (!no_rank(row)).then_some(rank);
    let data: Vec<ScoreView> =
        (before + 1..).zip(rows).map(|(rank, row)| ScoreView::new(rank_of(rank, &row), row, &summary)).collect();
    let next_cursor = next.map(|after| {
        let rank = before + data.len() as u64;
        key.seal(&Cursor { run_id: run.run_id.clone(), list: query.list(), after, rank })
    });
    ListAnswer { run: run.into(), data, next_cursor }
}

/// The parameters of a query string; a repeated one is refused.
pub(crate) fn parameters(query: &str, wrong: &mut Vec<InvalidParameter>) -> BTreeMap<String, String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let mut given = BTreeMap::new();
    for (name, value) in pairs {
        match given.entry(name) {
            Entry::Vacant(free) => {
                free.insert(value);
            }
            Entry::Occupied(taken) => {
                wrong
                    .push(InvalidParameter { name: taken.key().clone(), reason: "is given more than once".to_owned() });
            }
        }
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str, principal: &Principal) -> Result<ListQuery, Vec<String>> {
        ListQuery::parse(query, principal, &CursorKey::new("secret"))
            .map_err(|problem| problem.invalid_parameters.into_iter().map(|p| p.name).collect())
    }

    #[test]
    fn every_wrong_parameter_is_named() {
        let query = "limit=0&min_score=101&confidence=sure&sort=age&cursor=zzz&colour=red&limit=3";
        let wrong = parse(query, &Principal::Manager).expect_err("all of it is wrong");
        assert_eq!(wrong, ["limit", "limit", "min_score", "confidence", "sort", "cursor", "colour"]);
    }

    #[test]
    fn a_csm_is_kept_to_their_own_portfolio() {
        let csm = Principal::Csm("csm-1".into());
        assert_eq!(parse("", &csm).expect("no parameters").csm_id, Some("csm-1".into()));
        assert_eq!(parse("csm_id=csm-2", &csm), Err(vec!["csm_id".to_owned()]));
        assert_eq!(parse("csm_id=csm-2", &Principal::Manager).expect("a manager may").csm_id, Some("csm-2".into()));
    }

    #[test]
    fn values_are_decoded_and_levels_take_any_case() {
        let query = parse("segment=Mid+Market%20%26%20Co&confidence=high&limit=200", &Principal::Manager);
        let query = query.expect("it is fine");
        assert_eq!(query.segment.as_deref(), Some("Mid Market & Co"));
        assert_eq!((query.confidence, query.limit), (Some(ConfidenceLevel::High), 200));
    }
}
