//! Facts brought together customer by customer.
//!
//! Owns the lookup of customers, which of several rows count, and the final order. Must not know where rows come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use expansion_domain::{
    Conventions, CustomerHistory, Id, Instant, Opportunity, Product, SourceData, Stage, Stakeholder, Table,
};
use foldhash::{HashMap, HashSet};

use crate::cells::{Field, Row};
use crate::conventions::{read_ends, read_health, read_usage};
use crate::deals::{self, Exchange, Placed};
use crate::deliveries::{Delivery, Overlap, Plain, Told, equal_facts, example};
use crate::first_won::FirstWon;
use crate::issues::{Issues, Reason, Rejection};
use crate::tables::{self, ContractRow, DealRow, DealWords, Identified, Notes, Strings, is_meant};
use crate::usage::UsageQueue;
use crate::versions::{Arrival, Group, Place, Standing, Version, Versions};
use crate::{Mapping, SourceFile, salesforce};

/// The histories while they grow. Rows of `customers` must come before those of other tables.
#[derive(Default)]
pub(crate) struct Assembly {
    /// What the whole source showed, where only a part is read.
    given: Option<Conventions>,
    rates: BTreeMap<String, f64>,
    /// The paths of the files begun, by their numbers.
    files: Vec<String>,
    /// The bucket of the file begun last, and what a health score in full is in it.
    bucket: Option<u32>,
    full_health: Option<f64>,
    is_scaled: bool,

    customer_rows: Versions<Id, CustomerHistory>,
    customers: Vec<CustomerHistory>,
    /// Where each customer's row stands.
    places: Vec<Place>,
    /// The buckets of rows of customers, by their ids as written; only where there are buckets.
    buckets: HashMap<Id, u32>,
    homes: HashMap<Id, Home>,
    deleted: HashSet<Id>,
    /// The accounts that are no customers, by the shorter form of their ids.
    left_out: HashSet<Id>,
    /// The id of the owner found last, and who it is: exports are often grouped by customer.
    last: (String, Home),

    products: Versions<Id, Product>,
    catalogue: Vec<Product>,
    contracts: Versions<Id, ContractRow>,
    contract_rows: Vec<Placed<ContractRow>>,
    deals: Versions<Id, DealRow>,
    /// The currency that amounts are reported in.
    currency: Option<String>,
    people: Versions<(Id, Instant), Stakeholder>,
    pub(crate) words: DealWords,
    usage: UsageQueue,
    /// By customer, for the table being read.
    deliveries: Vec<Delivery>,
    overlap: Overlap,
    strings: Strings,
    /// What is said of the rows added since it was taken last.
    pub(crate) notes: Notes,
}

/// A customer's number and bucket.
#[derive(Clone, Copy, Debug, Default)]
struct Home {
    number: usize,
    bucket: Option<u32>,
}

/// Whose fact a row is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Owner {
    /// No one's: the row is itself a customer or a product.
    #[default]
    Nobody,
    /// The customer's of this number.
    Customer(usize),
    /// A customer's who was deleted.
    Deleted,
    /// A customer's who is in another bucket than the row.
    Misfiled,
    /// A customer's who is not there.
    Stranger,
    /// An account's that is no customer.
    LeftOut,
}

impl Assembly {
    /// An assembly of a source that is read by what the whole of it showed before, if that is known.
    pub(crate) fn new(mapping: &Mapping, given: Option<&Conventions>) -> Self {
        let rates = mapping.rates.iter().map(|(currency, rate)| (currency.to_uppercase(), *rate)).collect();
        Self { rates, given: given.cloned(), ..Self::default() }
    }

    /// Tells which file the next rows are from.
    pub(crate) fn begin(&mut self, file: &SourceFile) {
        self.files.push(file.path.clone());
        self.bucket = file.bucket;
        self.full_health = file.mapping.scale;
        self.is_scaled |= file.table == Table::HealthScoreHistory && file.mapping.scale.is_some();
    }

    #[expect(clippy::cast_possible_truncation, reason = "memory does not hold so many paths")]
    fn file(&self) -> u32 {
        self.files.len().saturating_sub(1) as u32
    }

    /// Whose fact a row of `table` is.
    pub(crate) fn owner(&mut self, table: Table, row: &Row<'_>) -> Result<Owner, Rejection> {
        let Some(position) = tables::owner_column(table) else {
            return Ok(Owner::Nobody);
        };
        let id = row[position].require(Field::text)?;
        if self.last.0 != *id {
            match self.homes.get(&*id) {
                Some(home) => self.last.1 = *home,
                None => match self.home_by_other_form(&id) {
                    Some(home) => self.last.1 = home,
                    None if self.deleted.contains(&*id) => return Ok(Owner::Deleted),
                    None if self.left_out.contains(salesforce::shorter(&id)) => {
                        return Ok(Owner::LeftOut);
                    }
                    None => return Ok(Owner::Stranger),
                },
            }
            self.last.0.clear();
            self.last.0.push_str(&id);
        }
        let home = self.last.1;
        let is_misfiled = self.bucket.is_some() && self.bucket != home.bucket;
        Ok(if is_misfiled { Owner::Misfiled } else { Owner::Customer(home.number) })
    }

    /// The customer whose id has the other one of Salesforce's two forms.
    fn home_by_other_form(&self, id: &str) -> Option<Home> {
        let short = || self.homes.get(salesforce::short(id)?);
        let long = || self.homes.get(&*salesforce::long(id)?);
        short().or_else(long).copied()
    }

    /// Takes an account that is no customer.
    pub(crate) fn leave_out(&mut self, id: &Id) {
        self.left_out.insert(key(id));
    }

    /// Takes a row of `table` whose owner was looked up before; a bad one changes nothing.
    pub(crate) fn add(&mut self, table: Table, line: u64, row: &Row<'_>, owner: Owner) -> Result<(), Rejection> {
        let id_of_owner = || tables::owner_column(table).map(|position| row[position]).unwrap_or_default();
        let place = Place { file: self.file(), line };
        match owner {
            Owner::Customer(owner) => self.add_fact(table, place, row, owner),
            Owner::Deleted => Err(id_of_owner().reject(Reason::DeletedCustomer)),
            Owner::Misfiled => Err(id_of_owner().reject(Reason::WrongBucket)),
            Owner::Stranger => Err(id_of_owner().reject(Reason::UnknownCustomer)),
            Owner::LeftOut => Err(id_of_owner().reject(Reason::NoCustomer)),
            Owner::Nobody if table == Table::Products => {
                let product = tables::product(row, &mut self.strings)?;
                let id = key(&product.fact.product_id);
                arrived(self.products.add(id, version(product, 0, place)), row, &mut self.notes)
            }
            Owner::Nobody => self.add_customer(place, row),
        }
    }

    fn add_customer(&mut self, place: Place, row: &Row<'_>) -> Result<(), Rejection> {
        let customer = tables::customer(row, &mut self.strings, &mut self.notes)?;
        if let Some(bucket) = self.bucket {
            self.buckets.insert(Arc::clone(&customer.fact.customer_id), bucket);
        }
        let id = key(&customer.fact.customer_id);
        arrived(self.customer_rows.add(id, version(customer, 0, place)), row, &mut self.notes)
    }

    fn add_fact(&mut self, table: Table, place: Place, row: &Row<'_>, owner: usize) -> Result<(), Rejection> {
        if tables::is_gone(table, row)? {
            return Err(row[0].reject(Reason::Deleted));
        }
        let Self { strings, notes, overlap, .. } = self;
        let history = &mut self.customers[owner];
        let delivery = &mut self.deliveries[owner];
        match table {
            Table::Customers | Table::Products => {}
            Table::UsageMetrics => {
                let (metric, reading) = tables::usage(row, notes)?;
                self.usage.push(owner, &metric, place.file, reading, overlap);
            }
            Table::HealthScoreHistory => {
                let score = tables::health(row, self.full_health, notes)?;
                delivery.begin_readings(place.file, &mut history.health, overlap);
                history.health.push(score);
            }
            Table::ExpansionSignals => {
                let signal = tables::signal(row, strings, notes)?;
                delivery.begin(place.file, &mut history.signals, overlap);
                history.signals.push(signal);
            }
            Table::Engagements => {
                let engagement = tables::engagement(row, strings, notes)?;
                delivery.begin(place.file, &mut history.engagements, overlap);
                history.engagements.push(engagement);
            }
            Table::Contracts => {
                let contract = tables::contract(row, strings, notes)?;
                let id = key(&contract.fact.contract.contract_id);
                return arrived(self.contracts.add(id, version(contract, owner, place)), row, notes);
            }
            Table::ExpansionOpportunities => {
                let deal = tables::opportunity(row, strings, &mut self.words, notes)?;
                let id = key(&deal.fact.deal.opportunity_id);
                return arrived(self.deals.add(id, version(deal, owner, place)), row, notes);
            }
            Table::Stakeholders => {
                let person = tables::stakeholder(row, strings, notes)?;
                let id = (key(&person.fact.stakeholder_id), person.fact.recorded_at);
                return arrived(self.people.add(id, version(person, owner, place)), row, notes);
            }
        }
        Ok(())
    }

    /// Decides which rows of a table count, once all of its files are read. Returns whether any does.
    pub(crate) fn close(&mut self, table: Table, first_won: &FirstWon, issues: &mut Issues) -> bool {
        match table {
            Table::Customers => {
                self.close_customers(issues);
                !self.customers.is_empty()
            }
            Table::Products => {
                let products = std::mem::take(&mut self.products);
                for standing in products.into_groups().map(Group::newest_alone) {
                    if let Some(product) = self.counted(table, standing, issues) {
                        self.catalogue.push(product.fact);
                    }
                }
                !self.catalogue.is_empty()
            }
            Table::Contracts => {
                self.close_contracts(issues);
                !self.contract_rows.is_empty()
            }
            Table::UsageMetrics => {
                self.usage.hand_over(&mut self.customers, &mut self.overlap);
                self.say_overlap(table, issues);
                self.customers.iter().any(|customer| !customer.usage.is_empty())
            }
            Table::HealthScoreHistory => {
                for (customer, delivery) in self.customers.iter_mut().zip(&mut self.deliveries) {
                    delivery.end_readings(&mut customer.health, &mut self.overlap);
                }
                self.say_overlap(table, issues);
                self.customers.iter().any(|customer| !customer.health.is_empty())
            }
            Table::ExpansionOpportunities => self.close_deals(first_won, issues),
            Table::ExpansionSignals => {
                self.close_plain(table, |customer| &mut customer.signals, issues);
                self.customers.iter().any(|customer| !customer.signals.is_empty())
            }
            Table::Stakeholders => {
                let people = std::mem::take(&mut self.people);
                for standing in people.into_groups().map(Group::newest_alone) {
                    if let Some(person) = self.counted(table, standing, issues) {
                        self.customers[person.owner].stakeholders.push(person.fact);
                    }
                }
                self.customers.iter().any(|customer| !customer.stakeholders.is_empty())
            }
            Table::Engagements => {
                self.close_plain(table, |customer| &mut customer.engagements, issues);
                self.customers.iter().any(|customer| !customer.engagements.is_empty())
            }
        }
    }

    fn close_customers(&mut self, issues: &mut Issues) {
        let rows = std::mem::take(&mut self.customer_rows);
        for group in rows.into_groups() {
            let standing = group.newest_alone();
            let bucket = self.buckets.get(&standing.newest.fact.customer_id).copied();
            // The longest form of the id is the one that is shown.
            let ids = standing.replaced.iter().chain([&standing.newest]).map(|row| &row.fact.customer_id);
            let ids: HashSet<Id> = ids.cloned().collect();
            let shown = ids.iter().max_by_key(|id| id.len()).cloned().unwrap_or_default();
            let Some(counted) = self.counted(Table::Customers, standing, issues) else {
                self.deleted.extend(ids);
                continue;
            };
            let home = Home { number: self.customers.len(), bucket };
            self.homes.extend(ids.into_iter().map(|id| (id, home)));
            self.customers.push(CustomerHistory { customer_id: shown, ..counted.fact });
            self.places.push(counted.place);
        }
        self.buckets = HashMap::default();
        self.deliveries = vec![Delivery::default(); self.customers.len()];
    }

    fn close_contracts(&mut self, issues: &mut Issues) {
        let rows = std::mem::take(&mut self.contracts);
        let kinds: HashMap<&Id, Option<&Id>> =
            self.catalogue.iter().map(|product| (&product.product_id, product.kind.as_ref())).collect();
        let counts_seats = |product: Option<&Id>| {
            let kind = product.and_then(|product| kinds.get(product).copied().flatten());
            kind.is_none_or(|kind| &**kind == "seats")
        };
        let mut counted = Vec::new();
        for group in rows.into_groups() {
            let product = |row: &ContractRow| row.contract.product_id.clone();
            let mut standing = group.newest_with_lines(deals::is_same_contract, product);
            let lines = std::mem::take(&mut standing.lines);
            let Some(newest) = self.counted(Table::Contracts, standing, issues) else { continue };
            for line in &lines {
                let said = Rejection::of_value(Reason::FurtherLine, "contract_id", &line.fact.contract.contract_id);
                self.say(Table::Contracts, line.place, &said, issues);
            }
            let lines = lines.into_iter().map(|line| Placed { fact: line.fact, owner: line.owner, place: line.place });
            counted.extend([newest].into_iter().chain(lines));
        }
        for row in &mut counted {
            let contract = &mut row.fact.contract;
            if deals::is_beyond_seats(contract, counts_seats(contract.product_id.as_ref())) {
                let seats = contract.quantity.replace(f64::INFINITY).unwrap_or_default();
                let said = Rejection::of_value(Reason::Unlimited, "quantity", &seats.to_string());
                self.say(Table::Contracts, row.place, &said, issues);
            }
        }
        // What they are worth in the currency of the deals is known only after those.
        self.contract_rows = counted;
    }

    fn close_deals(&mut self, first_won: &FirstWon, issues: &mut Issues) -> bool {
        const DEALS: Table = Table::ExpansionOpportunities;
        let mut rows = Vec::new();
        for group in std::mem::take(&mut self.deals).into_groups() {
            let product = |row: &DealRow| row.deal.product_id.clone();
            let mut standing = group.newest_with_lines(deals::is_same_deal, product);
            let lines = std::mem::take(&mut standing.lines);
            let Some(newest) = self.counted(DEALS, standing, issues) else { continue };
            let deal = deals::joined(newest, &lines);
            for place in lines.iter().map(|line| line.place) {
                let said = Rejection::of_value(Reason::FurtherLine, "opportunity_id", &deal.fact.deal.opportunity_id);
                self.say(DEALS, place, &said, issues);
            }
            let customer = &self.customers[deal.owner].customer_id;
            let no_expansion =
                deals::is_no_expansion(&deal.fact).or_else(|| first_won.is_over(customer, &deal.fact.deal));
            match no_expansion {
                None => rows.push(deal),
                Some(said) => self.say(DEALS, deal.place, &said, issues),
            }
        }
        let newest = deals::newest_opened(rows.iter().map(|row| &row.fact));
        let currencies = rows.iter().filter(|row| row.fact.deal.amount.is_some());
        let currencies = currencies.filter_map(|row| row.fact.currency.as_ref());
        let exchange = self.exchange(currencies);
        let any = !rows.is_empty();
        for mut row in rows {
            let foreign = exchange.convert(&mut row.fact.deal.amount, row.fact.currency.as_ref());
            for said in deals::doubts(&row.fact, newest).chain(foreign) {
                self.say(DEALS, row.place, &said, issues);
            }
            self.customers[row.owner].opportunities.push(row.fact.deal);
        }
        self.currency = exchange.reported;
        any
    }

    /// The exchange into the currency given, or else the one in which most of some amounts are.
    fn exchange<'r>(&self, currencies: impl Iterator<Item = &'r Id>) -> Exchange {
        match &self.given {
            Some(given) => Exchange { rates: self.rates.clone(), reported: given.currency.clone() },
            None => Exchange::into_commonest(self.rates.clone(), currencies),
        }
    }

    /// Decides on facts without an id.
    fn close_plain<T: Plain>(
        &mut self,
        table: Table,
        list: impl Fn(&mut CustomerHistory) -> &mut Vec<T>,
        issues: &mut Issues,
    ) {
        for (customer, delivery) in self.customers.iter_mut().zip(&mut self.deliveries) {
            let facts = list(customer);
            delivery.end(facts, &mut self.overlap);
            let (equal, first) = equal_facts(facts);
            let at = first.unwrap_or_default();
            issues.note(table, Reason::EqualRows, equal, || example(&customer.customer_id, at));
        }
        self.say_overlap(table, issues);
    }

    /// Says what several files of a table told.
    fn say_overlap(&mut self, table: Table, issues: &mut Issues) {
        let Overlap { repeated, replaced } = std::mem::take(&mut self.overlap);
        for (reason, Told { count, first }) in [(Reason::Repeated, repeated), (Reason::OlderVersion, replaced)] {
            let (file, at) = first.unwrap_or_default();
            issues.note(table, reason, count, || format!("{} at {at}", self.files[file as usize]));
        }
        self.deliveries.fill(Delivery::default());
    }

    /// Says which rows of an id newer ones replace, and that the newest is deleted, if it is; or returns it.
    fn counted<T>(&self, table: Table, standing: Standing<T>, issues: &mut Issues) -> Option<Placed<T>> {
        let Standing { newest, replaced, .. } = standing;
        for row in &replaced {
            self.say(table, row.place, &Rejection::new(Reason::OlderVersion, "an id with several rows"), issues);
        }
        if newest.is_deleted {
            self.say(table, newest.place, &Rejection::new(Reason::Deleted, "the newest row of its id"), issues);
            return None;
        }
        Some(Placed { fact: newest.fact, owner: newest.owner, place: newest.place })
    }

    fn say(&self, table: Table, place: Place, said: &Rejection, issues: &mut Issues) {
        issues.add(table, &self.files[place.file as usize], place.line, said);
    }

    /// Everything in its final order, for a source that holds `tables`, and how its values were taken to be meant.
    pub(crate) fn finish(mut self, tables: Vec<Table>, issues: &mut Issues) -> (SourceData, Conventions) {
        let mut found = Conventions { longer_ids: self.longer_ids(), ..Conventions::default() };
        let given = self.given.take();
        self.finish_contracts(issues);
        found.currency = self.currency.take();
        if !found.longer_ids.is_empty() {
            self.lengthen_ids(&found.longer_ids);
        }
        let (customers, given) = (&mut self.customers, given.as_ref());
        read_usage(customers, &mut found, given, issues);
        read_health(customers, self.is_scaled, &mut found, given, issues);
        read_ends(customers, &mut found, given, issues);
        for i in 0..self.customers.len() {
            if let Some(said) = returned(&mut self.customers[i]) {
                self.say(Table::Customers, self.places[i], &said, issues);
            }
            self.customers[i].sort();
        }
        self.customers.sort_unstable_by(|a, b| a.customer_id.cmp(&b.customer_id));
        self.catalogue.sort_unstable_by(|a, b| a.product_id.cmp(&b.product_id));
        (SourceData { customers: self.customers, products: self.catalogue, tables }, found)
    }

    fn finish_contracts(&mut self, issues: &mut Issues) {
        let rows = std::mem::take(&mut self.contract_rows);
        // Where deals name no currency, the contracts' own is the one.
        if self.currency.is_none() {
            let currencies = rows.iter().filter(|row| row.fact.contract.annual_value.is_some());
            self.currency = self.exchange(currencies.filter_map(|row| row.fact.currency.as_ref())).reported;
        }
        let exchange = Exchange { rates: std::mem::take(&mut self.rates), reported: self.currency.clone() };
        for mut row in rows {
            let said = exchange.convert(&mut row.fact.contract.annual_value, row.fact.currency.as_ref());
            // In a source of one currency that has no such column in one table, there is nothing to say.
            if let Some(said) = said.filter(|said| said.reason != Reason::NoCurrency) {
                self.say(Table::Contracts, row.place, &said, issues);
            }
            self.customers[row.owner].contracts.push(row.fact.contract);
        }
    }

    /// The ids of products and people that occur in both of Salesforce's forms.
    fn longer_ids(&self) -> BTreeMap<String, String> {
        if let Some(given) = &self.given {
            return given.longer_ids.clone();
        }
        let mut longer = BTreeMap::new();
        for id in self.strings.all() {
            if let Some(short) = salesforce::short(id).filter(|short| self.strings.has(short)) {
                longer.insert(short.to_owned(), id.to_string());
            }
        }
        // They are kept with the run, whose record must stay small; beyond that all ids are shown in the shorter form.
        if longer.len() > MOST_LONGER_IDS { BTreeMap::new() } else { longer }
    }

    fn lengthen_ids(&mut self, longer: &BTreeMap<String, String>) {
        let longer: HashMap<&str, Id> = longer.iter().map(|(short, long)| (&**short, Id::from(&**long))).collect();
        let lengthen = |id: &mut Id| {
            if let Some(long) = longer.get(&**id) {
                *id = Arc::clone(long);
            }
        };
        self.catalogue.iter_mut().for_each(|product| lengthen(&mut product.product_id));
        for customer in &mut self.customers {
            customer.contracts.iter_mut().filter_map(|contract| contract.product_id.as_mut()).for_each(lengthen);
            customer.opportunities.iter_mut().flat_map(products_mut).for_each(lengthen);
            customer.stakeholders.iter_mut().for_each(|person| lengthen(&mut person.stakeholder_id));
            customer.engagements.iter_mut().filter_map(|touch| touch.stakeholder_id.as_mut()).for_each(lengthen);
        }
    }
}

fn products_mut(deal: &mut Opportunity) -> impl Iterator<Item = &mut Id> {
    deal.product_id.iter_mut().chain(&mut deal.other_products)
}

/// What an id is looked up by: the shorter one of Salesforce's two forms.
fn key(id: &Id) -> Id {
    salesforce::short(id).map_or_else(|| Arc::clone(id), Into::into)
}

fn version<T>(row: Identified<T>, owner: usize, place: Place) -> Version<T> {
    Version { fact: row.fact, owner, updated_at: row.updated_at, is_deleted: row.is_deleted, place }
}

fn arrived(arrival: Arrival, row: &Row<'_>, notes: &mut Notes) -> Result<(), Rejection> {
    match arrival {
        Arrival::New => Ok(()),
        Arrival::Repeated => {
            notes.push(row[0].reject(Reason::Repeated));
            Ok(())
        }
        Arrival::Conflicting => Err(row[0].reject(Reason::ConflictingDuplicate)),
    }
}

/// So many ids are shown in the longer one of Salesforce's forms.
const MOST_LONGER_IDS: usize = 1000;
/// So many days after a customer left, something may still come in of the time before.
const AFTERMATH_DAYS: i32 = 30;

/// Takes a customer as returned from the first use, contract or won deal that is too late to be of the time before they
/// left; and says so.
fn returned(customer: &mut CustomerHistory) -> Option<Rejection> {
    let left = customer.churned_at?;
    let after = left.plus_days(AFTERMATH_DAYS);
    let is_late = |at: &Instant| *at > after && is_meant(*at);
    let used = customer.usage.iter().filter_map(|series| {
        let late = &series.readings[series.readings.partition_point(|reading| reading.at <= after)..];
        late.iter().find(|reading| reading.value > 0.0).map(|reading| reading.at)
    });
    let signed = customer.contracts.iter().map(|contract| contract.start_date);
    let won = customer.opportunities.iter().filter(|deal| deal.stage == Stage::Won);
    let bought = won.filter_map(|deal| deal.closed_at);
    let first = used.chain(signed).chain(bought).filter(is_late).min()?;
    customer.returned_at = Some(first);
    Some(Rejection::new(Reason::Returned, format!("churned_at is {}, active at {first}", left.date())))
}
