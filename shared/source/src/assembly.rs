//! Facts brought together customer by customer.
//!
//! Owns the lookup of customers, the treatment of repeated rows and the final order. Must not know where rows come from.

use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::Arc;

use expansion_domain::{CustomerHistory, Id, Instant, Product, Reading, SourceData, Table};
use foldhash::HashMap;

use crate::cells::{Field, Row};
use crate::issues::{Reason, Rejection};
use crate::tables::{self, Strings};
use crate::usage::UsageQueue;

/// The histories while they grow. Rows of `customers` must come before those of other tables.
#[derive(Default)]
pub(crate) struct Assembly {
    customers: Vec<CustomerHistory>,
    by_id: HashMap<Id, usize>,
    /// The id of the owner found last, and who it is: exports are often grouped by customer.
    last: (String, Owner),
    products: Vec<Product>,
    product_ids: HashMap<Id, Place>,
    /// Whose contract each is, and where; so for the next two.
    contracts: HashMap<Id, Place>,
    opportunities: HashMap<Id, Place>,
    stakeholders: HashMap<(Id, Instant), Place>,
    usage: UsageQueue,
    strings: Strings,
}

/// Whose fact a row is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Owner {
    /// No one's: the row is itself a customer or a product.
    #[default]
    Nobody,
    /// The customer's of this number.
    Customer(usize),
    /// A customer's who is not there.
    Stranger,
}

/// Where a fact is: whose it is, and its place in their list.
#[derive(Clone, Copy, Debug)]
struct Place {
    owner: Owner,
    at: usize,
}

impl Assembly {
    /// Whose fact a row of `table` is.
    pub(crate) fn owner(&mut self, table: Table, row: &Row<'_>) -> Result<Owner, Rejection> {
        let Some(position) = tables::owner_column(table) else {
            return Ok(Owner::Nobody);
        };
        let id = row[position].require(Field::text)?;
        let (last, last_owner) = &mut self.last;
        if *last == *id {
            return Ok(*last_owner);
        }
        let Some(&owner) = self.by_id.get(&*id) else {
            return Ok(Owner::Stranger);
        };
        last.clear();
        last.push_str(&id);
        *last_owner = Owner::Customer(owner);
        Ok(*last_owner)
    }

    /// Takes a row of `table` whose owner was looked up before; a bad one changes nothing.
    pub(crate) fn add(&mut self, table: Table, row: &Row<'_>, owner: Owner) -> Result<(), Rejection> {
        match owner {
            Owner::Customer(owner) => self.add_fact(table, row, owner),
            Owner::Stranger => {
                let id = tables::owner_column(table).map(|position| row[position]).unwrap_or_default();
                Err(id.reject(Reason::UnknownCustomer))
            }
            Owner::Nobody if table == Table::Products => self.add_product(row),
            Owner::Nobody => self.add_customer(row),
        }
    }

    fn add_customer(&mut self, row: &Row<'_>) -> Result<(), Rejection> {
        let customer = tables::customer(row, &mut self.strings)?;
        if let Some(&known) = self.by_id.get(&customer.customer_id) {
            return if self.customers[known] == customer { Ok(()) } else { Err(conflict(row)) };
        }
        self.by_id.insert(Arc::clone(&customer.customer_id), self.customers.len());
        self.customers.push(customer);
        Ok(())
    }

    fn add_product(&mut self, row: &Row<'_>) -> Result<(), Rejection> {
        let product = tables::product(row, &mut self.strings)?;
        let id = Arc::clone(&product.product_id);
        add_new(&mut self.product_ids, id, Owner::Nobody, &mut self.products, product, row)
    }

    fn add_fact(&mut self, table: Table, row: &Row<'_>, owner: usize) -> Result<(), Rejection> {
        let strings = &mut self.strings;
        let history = &mut self.customers[owner];
        let whose = Owner::Customer(owner);
        match table {
            Table::Customers | Table::Products => {}
            Table::UsageMetrics => {
                let (metric, reading) = tables::usage(row)?;
                self.usage.push(owner, &metric, reading, &mut self.customers);
            }
            Table::HealthScoreHistory => history.health.push(tables::health(row)?),
            Table::ExpansionSignals => history.signals.push(tables::signal(row, strings)?),
            Table::Engagements => history.engagements.push(tables::engagement(row, strings)?),
            Table::Contracts => {
                let contract = tables::contract(row, strings)?;
                let id = Arc::clone(&contract.contract_id);
                add_new(&mut self.contracts, id, whose, &mut history.contracts, contract, row)?;
            }
            Table::ExpansionOpportunities => {
                let opportunity = tables::opportunity(row, strings)?;
                let id = Arc::clone(&opportunity.opportunity_id);
                add_new(&mut self.opportunities, id, whose, &mut history.opportunities, opportunity, row)?;
            }
            Table::Stakeholders => {
                let stakeholder = tables::stakeholder(row, strings)?;
                let key = (Arc::clone(&stakeholder.stakeholder_id), stakeholder.recorded_at);
                add_new(&mut self.stakeholders, key, whose, &mut history.stakeholders, stakeholder, row)?;
            }
        }
        Ok(())
    }

    /// Everything in its final order, for a source that holds `tables`.
    pub(crate) fn finish(mut self, tables: Vec<Table>) -> SourceData {
        self.usage.deliver(&mut self.customers);
        for history in &mut self.customers {
            history.sort();
            for series in &mut history.usage {
                drop_repeats(&mut series.readings);
            }
            drop_repeats(&mut history.health);
        }
        self.customers.sort_unstable_by(|a, b| a.customer_id.cmp(&b.customer_id));
        self.products.sort_unstable_by(|a, b| a.product_id.cmp(&b.product_id));
        SourceData { customers: self.customers, products: self.products, tables }
    }
}

/// Adds what a row says to `known`, unless its id was seen before: then the row is dropped when it says the same of the
/// same owner (an export delivered twice), and bad otherwise.
fn add_new<K: Eq + Hash, T: PartialEq>(
    places: &mut HashMap<K, Place>,
    id: K,
    owner: Owner,
    known: &mut Vec<T>,
    new: T,
    row: &Row<'_>,
) -> Result<(), Rejection> {
    match places.entry(id) {
        Entry::Vacant(free) => {
            free.insert(Place { owner, at: known.len() });
            known.push(new);
            Ok(())
        }
        Entry::Occupied(taken) => {
            let Place { owner: before, at } = *taken.get();
            if before == owner && known[at] == new { Ok(()) } else { Err(conflict(row)) }
        }
    }
}

fn conflict(row: &Row<'_>) -> Rejection {
    row[0].reject(Reason::ConflictingDuplicate)
}

/// Drops equal readings of a sorted list, and the memory that growing it left over.
fn drop_repeats(readings: &mut Vec<Reading>) {
    readings.dedup();
    readings.shrink_to_fit();
}
