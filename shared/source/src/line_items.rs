//! The products of deals, where they have a table of their own.

use expansion_domain::{Id, Table};
use foldhash::HashMap;

use crate::cells::{Cell, Field, Row};
use crate::issues::Rejection;
use crate::salesforce;
use crate::tables::{Strings, place_of};

/// The products of deals, by the shorter form of the deal's id.
#[derive(Debug, Default)]
pub(crate) struct LineItems {
    by_deal: HashMap<Id, Vec<Item>>,
    strings: Strings,
}

#[derive(Debug)]
struct Item {
    product: Id,
    amount: Option<f64>,
}

impl LineItems {
    pub(crate) fn is_empty(&self) -> bool {
        self.by_deal.is_empty()
    }

    /// Takes a row of a file with line items.
    pub(crate) fn add(&mut self, row: &Row<'_>) -> Result<(), Rejection> {
        let [deal, product, amount] = places().map(|place| row[place]);
        let deal = deal.require(Field::text)?;
        let deal = Id::from(salesforce::shorter(&deal));
        let product = self.strings.share(&product.require(Field::text)?);
        let amount = amount.number()?;
        let items = self.by_deal.entry(deal).or_default();
        match items.iter_mut().find(|item| item.product == product) {
            // Two lines of one product are bought as one.
            Some(known) => known.amount = known.amount.zip(amount).map(|(a, b)| a + b),
            None => items.push(Item { product, amount }),
        }
        Ok(())
    }

    /// Hands over a deal with its products: a row for each.
    ///
    /// The amounts of the rows add up to the deal's. If it has one, the row of the product that is worth most bears it, since
    /// items are often priced otherwise (by month, or before discounts).
    pub(crate) fn with_products(&self, row: &Row<'_>, mut each: impl FnMut(&[Row<'_>])) {
        let [deal, product, amount] = places();
        let id = row[deal].text().ok().flatten();
        let Some(items) = id.and_then(|id| self.by_deal.get(salesforce::shorter(&id))) else { return each(&[*row]) };
        let worth = |item: &Item| item.amount.unwrap_or(f64::NEG_INFINITY);
        let dearest = items.iter().max_by(|a, b| worth(a).total_cmp(&worth(b)).then_with(|| b.product.cmp(&a.product)));
        let is_priced = !matches!(row[amount].text(), Ok(None));
        let rows: Vec<Row<'_>> = items
            .iter()
            .map(|item| {
                let mut row = *row;
                row[product].cell = Cell::Text(&item.product);
                let is_dearest = dearest.is_some_and(|dearest| std::ptr::eq(dearest, item));
                if !(is_priced && is_dearest) {
                    let worth = if is_priced { Some(0.0) } else { item.amount };
                    row[amount] = Field { cell: worth.map_or(Cell::Missing, Cell::Number), ..Field::default() };
                }
                row
            })
            .collect();
        each(&rows);
    }
}

/// Where a row of deals has the deal's id, the product and the amount.
fn places() -> [usize; 3] {
    ["opportunity_id", "product_id", "amount"]
        .map(|name| place_of(Table::ExpansionOpportunities, name).unwrap_or_default())
}
