//! Facts brought together customer by customer.
//!
//! Owns the lookup of customers, the treatment of repeated rows and the final order. Must not know where rows come from.

use std::sync::Arc;

use expansion_domain::{CustomerHistory, Id, Instant, Product, Reading, SourceData, Table};
use foldhash::{HashMap, HashMapExt};

use crate::cells::{Field, Row};
use crate::issues::{Reason, Rejection};
use crate::tables::{self, Strings};
use crate::usage::UsageQueue;

/// The histories while they grow. Rows of `customers` must come before those of other tables.
pub(crate) struct Assembly {
    customers: Vec<CustomerHistory>,
    by_id: HashMap<Id, usize>,
    /// The id of the owner found last, and who it is: exports are often grouped by customer.
    last: (String, Owner),
    products: Vec<Product>,
    products_by_id: HashMap<Id, usize>,
    contracts: HashMap<Id, Place>,
    opportunities: HashMap<Id, Place>,
    stakeholders: HashMap<(Id, Instant), Place>,
    usage: UsageQueue,
    strings: Strings,
}

/// Whose fact something is, and which of theirs.
#[derive(Clone, Copy)]
struct Place {
    owner: usize,
    index: usize,
}

/// Whose fact a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// No one's: the row is itself a customer or a product.
    Nobody,
    /// The customer's of this number.
    Customer(usize),
    /// A customer's who is not there.
    Stranger,
}

/// What to do with a row that names a customer who is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strangers {
    /// The row is bad.
    Reject,
    /// The row is another shard's.
    Skip,
}

impl Assembly {
    pub(crate) fn new() -> Self {
        Self {
            customers: Vec::new(),
            by_id: HashMap::new(),
            last: (String::new(), Owner::Nobody),
            products: Vec::new(),
            products_by_id: HashMap::new(),
            contracts: HashMap::new(),
            opportunities: HashMap::new(),
            stakeholders: HashMap::new(),
            usage: UsageQueue::new(),
            strings: Strings::default(),
        }
    }

    /// Whose fact a row of `table` is.
    ///
    /// # Errors
    /// When the row does not say.
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

    /// Takes a row of `table` whose owner was looked up before.
    ///
    /// # Errors
    /// When the row is bad; then nothing has changed.
    pub(crate) fn add(
        &mut self,
        table: Table,
        row: &Row<'_>,
        owner: Owner,
        strangers: Strangers,
    ) -> Result<(), Rejection> {
        match owner {
            Owner::Customer(owner) => self.add_fact(table, row, owner),
            Owner::Stranger if strangers == Strangers::Skip => Ok(()),
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
            return repeated(self.customers[known] == customer, &row[0]);
        }
        self.by_id.insert(Arc::clone(&customer.customer_id), self.customers.len());
        self.customers.push(customer);
        Ok(())
    }

    fn add_product(&mut self, row: &Row<'_>) -> Result<(), Rejection> {
        let product = tables::product(row, &mut self.strings)?;
        if let Some(&known) = self.products_by_id.get(&product.product_id) {
            return repeated(self.products[known] == product, &row[0]);
        }
        self.products_by_id.insert(Arc::clone(&product.product_id), self.products.len());
        self.products.push(product);
        Ok(())
    }

    fn add_fact(&mut self, table: Table, row: &Row<'_>, owner: usize) -> Result<(), Rejection> {
        let strings = &mut self.strings;
        let history = &mut self.customers[owner];
        match table {
            Table::Customers | Table::Products => {}
            Table::UsageMetrics => {
                let (metric, reading) = tables::usage(row)?;
                self.usage.push(owner, &metric, reading);
                if self.usage.is_full() {
                    self.usage.deliver(&mut self.customers);
                }
            }
            Table::HealthScoreHistory => history.health.push(tables::health(row)?),
            Table::ExpansionSignals => history.signals.push(tables::signal(row, strings)?),
            Table::Engagements => history.engagements.push(tables::engagement(row, strings)?),
            Table::Contracts => {
                let contract = tables::contract(row, strings)?;
                if let Some(place) = self.contracts.get(&contract.contract_id) {
                    let known = &self.customers[place.owner].contracts[place.index];
                    return repeated(place.owner == owner && *known == contract, &row[0]);
                }
                let place = Place { owner, index: history.contracts.len() };
                self.contracts.insert(Arc::clone(&contract.contract_id), place);
                history.contracts.push(contract);
            }
            Table::ExpansionOpportunities => {
                let opportunity = tables::opportunity(row, strings)?;
                if let Some(place) = self.opportunities.get(&opportunity.opportunity_id) {
                    let known = &self.customers[place.owner].opportunities[place.index];
                    return repeated(place.owner == owner && *known == opportunity, &row[0]);
                }
                let place = Place { owner, index: history.opportunities.len() };
                self.opportunities.insert(Arc::clone(&opportunity.opportunity_id), place);
                history.opportunities.push(opportunity);
            }
            Table::Stakeholders => {
                let stakeholder = tables::stakeholder(row, strings)?;
                let key = (Arc::clone(&stakeholder.stakeholder_id), stakeholder.recorded_at);
                if let Some(place) = self.stakeholders.get(&key) {
                    let known = &self.customers[place.owner].stakeholders[place.index];
                    return repeated(place.owner == owner && *known == stakeholder, &row[0]);
                }
                self.stakeholders.insert(key, Place { owner, index: history.stakeholders.len() });
                history.stakeholders.push(stakeholder);
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

/// A row whose id was seen before is dropped when it says the same (an export delivered twice), and bad otherwise.
fn repeated(same: bool, id: &Field<'_>) -> Result<(), Rejection> {
    if same { Ok(()) } else { Err(id.reject(Reason::ConflictingDuplicate)) }
}

/// Drops equal readings of a sorted list, and the memory that growing it left over.
fn drop_repeats(readings: &mut Vec<Reading>) {
    readings.dedup();
    readings.shrink_to_fit();
}
