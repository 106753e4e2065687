//! Since when accounts have been customers, by their deals.

use aws_sdk_s3::Client;
use expansion_domain::{Id, Instant, Opportunity, Stage, Table};
use foldhash::HashMap;

use crate::cells::{Field, Row};
use crate::issues::{Reason, Rejection};
use crate::line_items::LineItems;
use crate::mapping::Rows;
use crate::open::{decode, open};
use crate::read::in_shard;
use crate::shape::Shape;
use crate::tables::{self, DealRow, DealWords, Notes, Strings};
use crate::words::DealKind;
use crate::{Inventory, SourceError, salesforce};

/// The first won deal of each account, by the shorter form of its id; of nobody where the mapping doesn't ask for it.
#[derive(Debug, Default)]
pub(crate) struct FirstWon(HashMap<Id, First>);

/// An account's first won deal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct First {
    pub(crate) closed_at: Instant,
    /// Whether its type says that the account was a customer already: the deal that made it one is not in the source.
    pub(crate) is_of_customer: bool,
}

impl FirstWon {
    /// Reads the deals of a shard for them, if the mapping of customers asks for it.
    pub(crate) async fn read(inventory: &Inventory, s3: &Client, shard: Option<u32>) -> Result<Self, SourceError> {
        let mut first_won = Self::default();
        if !inventory.files_of(Table::Customers).any(|file| file.mapping.won_deals) {
            return Ok(first_won);
        }
        let (mut strings, mut words) = (Strings::default(), DealWords::default());
        let deals = inventory.files_of(Table::ExpansionOpportunities).filter(|file| in_shard(file, shard));
        for file in deals.filter(|file| file.mapping.rows == Rows::Facts) {
            let body = open(inventory.location(), &file.path, s3).await?;
            let (nobody, nothing) = (Self::default(), LineItems::default());
            let shape = Shape::of(file, &nobody, &nothing);
            decode(body, file, shape.as_ref(), &mut Vec::new(), &mut |_, rows| {
                // What is wrong with a row is said when the deals themselves are read.
                for row in rows.unwrap_or_default() {
                    first_won.add(row, &mut strings, &mut words);
                }
            })?;
        }
        Ok(first_won)
    }

    fn add(&mut self, row: &Row<'_>, strings: &mut Strings, words: &mut DealWords) -> Option<()> {
        let account = row[tables::owner_column(Table::ExpansionOpportunities)?].text().ok()??;
        let read = tables::opportunity(row, strings, words, &mut Notes::new()).ok()?;
        let DealRow { deal, kind, deal_type, .. } = read.fact;
        let closed_at = deal.closed_at.filter(|_| deal.stage == Stage::Won && !read.is_deleted)?;
        let is_typed = deal_type.is_some() && !matches!(kind, DealKind::NewBusiness | DealKind::Unknown);
        let won = First { closed_at, is_of_customer: is_typed };
        let first = self.0.entry(strings.share(salesforce::shorter(&account))).or_insert(won);
        if (won.closed_at, won.is_of_customer) < (first.closed_at, first.is_of_customer) {
            *first = won;
        }
        Some(())
    }

    /// The first won deal of the account whose id is in `field`.
    pub(crate) fn of(&self, field: &Field<'_>) -> Option<First> {
        let id = field.text().ok()??;
        self.0.get(salesforce::shorter(&id)).copied()
    }

    /// Why a deal of a customer says nothing of expansions: it was over when the customer became one.
    pub(crate) fn is_over(&self, customer: &str, deal: &Opportunity) -> Option<Rejection> {
        let first = self.0.get(salesforce::shorter(customer)).filter(|first| !first.is_of_customer)?;
        let closed_at = deal.closed_at.filter(|closed_at| *closed_at <= first.closed_at)?;
        Some(Rejection::of_value(Reason::BeforeCustomer, "closed_at", &closed_at.to_string()))
    }
}
