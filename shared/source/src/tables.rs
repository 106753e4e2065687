//! The nine tables: their columns, and how a row of each becomes a fact.

use std::borrow::Cow;
use std::sync::Arc;

use expansion_domain::{
    Contract, CustomerHistory, Engagement, Id, Opportunity, Product, Reading, Signal, Stage, Stakeholder, Table,
};
use foldhash::HashSet;

use crate::cells::{Field, Row};
use crate::issues::{Reason, Rejection};

/// A column of the contract.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// What other systems call it.
    pub(crate) aliases: &'static [&'static str],
    /// Whether every file must have it.
    pub(crate) required: bool,
}

/// Makes [`columns`] of a list; a file need not have the columns with a `?`.
macro_rules! tables {
    ($($table:ident: $($($required:ident)? $(? $optional:ident)?),+;)+) => {
        /// The columns of a table, in the order in which its parse function takes them.
        pub(crate) const fn columns(table: Table) -> &'static [Column] {
            match table {
                $(Table::$table => &[$(
                    $(Column { name: stringify!($required), aliases: &[], required: true })?
                    $(Column { name: stringify!($optional), aliases: &[], required: false })?
                ),+],)+
            }
        }
    };
}

tables! {
    Customers: customer_id, ?name, ?segment, ?industry, ?region, ?csm_id, created_at, ?churned_at;
    Products: product_id, ?name, ?kind, ?unit, ?list_price;
    Contracts: contract_id, customer_id, ?product_id, ?quantity, ?annual_value, start_date, ?end_date;
    UsageMetrics: customer_id, recorded_at, metric, value;
    HealthScoreHistory: customer_id, recorded_at, score;
    ExpansionOpportunities: opportunity_id, customer_id, ?product_id, stage, ?amount, created_at, ?closed_at;
    ExpansionSignals: customer_id, detected_at, kind, ?summary;
    Stakeholders: stakeholder_id, customer_id, ?name, ?title, ?role, recorded_at;
    Engagements: customer_id, occurred_at, ?kind, ?with_executive, ?stakeholder_id;
}

/// The position of the column that says whose fact a row is; `None` for the two tables of no one's facts.
pub(crate) const fn owner_column(table: Table) -> Option<usize> {
    match table {
        Table::Customers | Table::Products => None,
        Table::Contracts | Table::ExpansionOpportunities | Table::Stakeholders => Some(1),
        Table::UsageMetrics | Table::HealthScoreHistory | Table::ExpansionSignals | Table::Engagements => Some(0),
    }
}

/// Keeps one copy of each text that many rows repeat.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    seen: HashSet<Id>,
}

impl Strings {
    /// The shared copy of a text.
    pub(crate) fn share(&mut self, text: &str) -> Id {
        if let Some(shared) = self.seen.get(text) {
            return Arc::clone(shared);
        }
        let shared: Id = text.into();
        self.seen.insert(Arc::clone(&shared));
        shared
    }

    fn text(&mut self, field: &Field<'_>) -> Result<Option<Id>, Rejection> {
        Ok(field.text()?.map(|text| self.share(&text)))
    }

    fn word(&mut self, field: &Field<'_>) -> Result<Option<Id>, Rejection> {
        Ok(field.word()?.map(|word| self.share(&word)))
    }
}

/// A text that is hardly ever repeated, such as a row's own id.
fn own(field: &Field<'_>) -> Result<Option<Id>, Rejection> {
    Ok(field.text()?.map(Into::into))
}

pub(crate) fn customer(row: &Row<'_>, strings: &mut Strings) -> Result<CustomerHistory, Rejection> {
    let [customer_id, name, segment, industry, region, csm_id, created, churned, ..] = row;
    let begun = created.require(Field::moment)?;
    let churned_at = churned.unless(churned.end()?, |end| end.is_before(begun), Reason::ChurnedBeforeCreated)?;
    Ok(CustomerHistory {
        name: own(name)?,
        segment: strings.text(segment)?,
        industry: strings.text(industry)?,
        region: strings.text(region)?,
        csm_id: strings.text(csm_id)?,
        churned_at: churned_at.map(|end| end.at.max(begun.at)),
        ..CustomerHistory::new(customer_id.require(own)?, begun.at)
    })
}

pub(crate) fn product(row: &Row<'_>, strings: &mut Strings) -> Result<Product, Rejection> {
    let [product_id, name, kind, unit, list_price, ..] = row;
    Ok(Product {
        product_id: product_id.require(|field| strings.text(field))?,
        name: own(name)?,
        kind: strings.word(kind)?,
        unit: strings.text(unit)?,
        list_price: list_price.amount()?,
    })
}

pub(crate) fn contract(row: &Row<'_>, strings: &mut Strings) -> Result<Contract, Rejection> {
    let [contract_id, _, product_id, quantity, annual_value, start, end, ..] = row;
    let begun = start.require(Field::moment)?;
    let end_date = end.unless(end.end()?, |end| end.is_before(begun), Reason::EndBeforeStart)?;
    Ok(Contract {
        contract_id: contract_id.require(own)?,
        product_id: strings.text(product_id)?,
        quantity: quantity.amount()?,
        annual_value: annual_value.amount()?,
        start_date: begun.at,
        end_date: end_date.map(|end| end.at),
    })
}

/// A row of `usage_metrics`: the metric's name, which is not copied because millions of rows repeat it, and the reading.
pub(crate) fn usage<'a>(row: &Row<'a>) -> Result<(Cow<'a, str>, Reading), Rejection> {
    let [_, recorded_at, metric, value, ..] = row;
    let reading = Reading { at: recorded_at.require(Field::instant)?, value: value.require(Field::amount)? };
    Ok((metric.require(Field::word)?, reading))
}

pub(crate) fn health(row: &Row<'_>) -> Result<Reading, Rejection> {
    let [_, recorded_at, score, ..] = row;
    Ok(Reading { at: recorded_at.require(Field::instant)?, value: score.require(Field::score)? })
}

pub(crate) fn opportunity(row: &Row<'_>, strings: &mut Strings) -> Result<Opportunity, Rejection> {
    let [opportunity_id, _, product_id, stage, amount, created, closed, ..] = row;
    let begun = created.require(Field::moment)?;
    let stage = match &*stage.require(Field::word)? {
        "won" => Stage::Won,
        "lost" => Stage::Lost,
        _ => Stage::Open,
    };
    let closed_at = match stage {
        // Many sales systems keep the expected closing date here while a deal is open.
        Stage::Open => None,
        Stage::Won | Stage::Lost => {
            let end = closed.end()?.ok_or_else(|| closed.reject(Reason::ClosedWithoutDate))?;
            closed.unless(Some(end), |end| end.is_before(begun), Reason::ClosedBeforeCreated)?
        }
    };
    Ok(Opportunity {
        opportunity_id: opportunity_id.require(own)?,
        product_id: strings.text(product_id)?,
        stage,
        amount: amount.amount()?,
        created_at: begun.at,
        // On the day it was created, it was closed no earlier.
        closed_at: closed_at.map(|end| end.at.max(begun.at)),
        known_at: None,
        outcome_known_at: None,
    })
}

pub(crate) fn signal(row: &Row<'_>, strings: &mut Strings) -> Result<Signal, Rejection> {
    let [_, detected_at, kind, summary, ..] = row;
    Ok(Signal {
        detected_at: detected_at.require(Field::instant)?,
        kind: kind.require(|field| strings.word(field))?,
        summary: own(summary)?,
    })
}

pub(crate) fn stakeholder(row: &Row<'_>, strings: &mut Strings) -> Result<Stakeholder, Rejection> {
    let [stakeholder_id, _, name, title, role, recorded_at, ..] = row;
    Ok(Stakeholder {
        stakeholder_id: stakeholder_id.require(|field| strings.text(field))?,
        name: own(name)?,
        title: strings.text(title)?,
        role: strings.word(role)?,
        recorded_at: recorded_at.require(Field::instant)?,
    })
}

pub(crate) fn engagement(row: &Row<'_>, strings: &mut Strings) -> Result<Engagement, Rejection> {
    let [_, occurred_at, kind, with_executive, stakeholder_id, ..] = row;
    Ok(Engagement {
        occurred_at: occurred_at.require(Field::instant)?,
        kind: strings.word(kind)?,
        with_executive: with_executive.flag()?,
        stakeholder_id: strings.text(stakeholder_id)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cells::MAX_COLUMNS;

    #[test]
    fn the_owner_is_in_the_column_customer_id() {
        for table in Table::ALL {
            assert!(columns(table).len() <= MAX_COLUMNS);
            if let Some(position) = owner_column(table) {
                assert_eq!(columns(table)[position].name, "customer_id", "{table}");
                assert!(columns(table)[position].required);
            }
        }
    }
}
