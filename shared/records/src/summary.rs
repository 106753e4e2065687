//! What the rows of a run add up to.

use std::collections::{BTreeMap, BTreeSet};

use expansion_domain::Id;
use serde::{Deserialize, Serialize};

use crate::{Listed, Propensity, Standing};

/// A facet of more values than this is not counted: a summary must fit into an item.
const MOST_VALUES: usize = 200;

/// What the rows of a run (or of one shard) add up to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// How many customers were scored.
    pub rows: u64,
    /// How many have each score; position 0 to 100.
    pub histogram: Vec<u64>,
    /// The sum of all expected values; absent where no customer has one.
    #[serde(default)]
    pub expected_value: Option<f64>,
    /// The CSMs with customers, `None` first where customers have none.
    pub portfolios: BTreeSet<Option<Id>>,
    /// What the customers of each standing add up to.
    #[serde(default)]
    pub standings: BTreeMap<Standing, StandingSummary>,
    /// What the customers of each value of a facet add up to, by standing. A facet of too many values is absent.
    #[serde(default)]
    pub facets: BTreeMap<Facet, BTreeMap<Id, BTreeMap<Standing, Tally>>>,
    /// The recommended products: what they are called, and to how many customers each is recommended.
    #[serde(default)]
    pub products: BTreeMap<Id, RecommendedTo>,
    /// How many customers are in each bin of each of the model's features.
    #[serde(default)]
    pub bins: Vec<Vec<u64>>,
}

/// What the customers of a standing add up to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StandingSummary {
    /// How many, and what they are expected to bring.
    #[serde(flatten)]
    pub tally: Tally,
    /// How many have each score; position 0 to 100.
    pub histogram: Vec<u64>,
}

/// What some customers add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// How many.
    pub customers: u64,
    /// The sum of their expected values; absent where none has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_value: Option<f64>,
}

/// What customers are counted by beside their standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Facet {
    /// The segment.
    Segment,
    /// The industry.
    Industry,
    /// The region.
    Region,
    /// The grade.
    Grade,
}

impl Facet {
    /// Every facet.
    pub const ALL: [Self; 4] = [Self::Segment, Self::Industry, Self::Region, Self::Grade];

    /// The row's value of the facet.
    pub fn of(self, row: &Listed) -> Option<Id> {
        match self {
            Self::Segment => row.segment.clone(),
            Self::Industry => row.industry.clone(),
            Self::Region => row.region.clone(),
            Self::Grade => row.grade.map(|grade| grade.name().into()),
        }
    }
}

impl Tally {
    /// What one customer adds.
    pub fn of(row: &Listed) -> Self {
        Self { customers: 1, expected_value: row.expected_value }
    }

    /// Adds what others add up to.
    pub fn add(&mut self, more: Self) {
        self.customers += more.customers;
        self.expected_value = sum(self.expected_value, more.expected_value);
    }
}

/// A product, and to how many customers it is recommended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredRecommendedTo")]
pub struct RecommendedTo {
    /// What the product is called; absent where the source has no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Id>,
    /// To how many customers.
    pub customers: u64,
}

/// Earlier versions stored just the number.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredRecommendedTo {
    Number(u64),
    Named { name: Option<Id>, customers: u64 },
}

impl From<StoredRecommendedTo> for RecommendedTo {
    fn from(stored: StoredRecommendedTo) -> Self {
        match stored {
            StoredRecommendedTo::Number(customers) => Self { name: None, customers },
            StoredRecommendedTo::Named { name, customers } => Self { name, customers },
        }
    }
}

impl RecommendedTo {
    fn add(&mut self, name: Option<&Id>, customers: u64) {
        self.customers += customers;
        if self.name.is_none() {
            self.name = name.cloned();
        }
    }
}

/// The sum of what is there.
fn sum(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.into_iter().chain(b).reduce(|a, b| a + b)
}

/// Counts a score.
fn count_score(histogram: &mut Vec<u64>, score: u8) {
    histogram.resize(101, 0);
    histogram[usize::from(score.min(100))] += 1;
}

/// Adds counts.
fn add_all(counts: &mut Vec<u64>, more: &[u64]) {
    counts.resize(counts.len().max(more.len()), 0);
    counts.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

impl RunSummary {
    /// The summary of some rows.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Propensity>) -> Self {
        let mut summary = Self::default();
        rows.into_iter().for_each(|row| summary.count(row));
        summary
    }

    /// Counts a row.
    pub fn count(&mut self, row: &Propensity) {
        let listed = &row.listed;
        self.rows += 1;
        count_score(&mut self.histogram, listed.propensity_score);
        self.expected_value = sum(self.expected_value, listed.expected_value);
        let standing = self.standings.entry(listed.standing).or_default();
        standing.tally.add(Tally::of(listed));
        count_score(&mut standing.histogram, listed.propensity_score);
        for facet in Facet::ALL {
            if let Some(value) = facet.of(listed) {
                let values = self.facets.entry(facet).or_default();
                values.entry(value).or_default().entry(listed.standing).or_default().add(Tally::of(listed));
            }
        }
        for product in &row.recommended_products {
            self.products.entry(product.product_id.clone()).or_default().add(product.name.as_ref(), 1);
        }
        if !self.portfolios.contains(&listed.csm_id) {
            self.portfolios.insert(listed.csm_id.clone());
        }
    }

    /// Counts a customer whose features lie in the given bins, of so many each.
    pub fn count_bins(&mut self, bins: &[u16], widths: impl Iterator<Item = usize>) {
        if self.bins.is_empty() {
            self.bins = widths.map(|width| vec![0; width]).collect();
        }
        for (counts, bin) in self.bins.iter_mut().zip(bins) {
            counts[usize::from(*bin)] += 1;
        }
    }

    /// This summary and another one together.
    pub fn merge(mut self, other: Self) -> Self {
        self.rows += other.rows;
        self.expected_value = sum(self.expected_value, other.expected_value);
        add_all(&mut self.histogram, &other.histogram);
        self.portfolios.extend(other.portfolios);
        for (standing, more) in other.standings {
            let summary = self.standings.entry(standing).or_default();
            summary.tally.add(more.tally);
            add_all(&mut summary.histogram, &more.histogram);
        }
        for (facet, values) in other.facets {
            let all = self.facets.entry(facet).or_default();
            for (value, standings) in values {
                let tallies = all.entry(value).or_default();
                for (standing, more) in standings {
                    tallies.entry(standing).or_default().add(more);
                }
            }
        }
        for (product, RecommendedTo { name, customers }) in other.products {
            self.products.entry(product).or_default().add(name.as_ref(), customers);
        }
        if self.bins.is_empty() {
            self.bins = other.bins;
        } else {
            for (sums, more) in self.bins.iter_mut().flatten().zip(other.bins.iter().flatten()) {
                *sums += more;
            }
        }
        self
    }

    /// Without the facets that have too many values to be stored.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.facets.retain(|_, values| values.len() <= MOST_VALUES);
        self
    }

    /// The summary of a shard as it is stored: of a facet that has too many values, as many as tell so once shards are merged.
    #[must_use]
    pub fn bounded_in_shard(mut self) -> Self {
        for values in self.facets.values_mut().filter(|values| values.len() > MOST_VALUES) {
            let mut place = 0;
            values.retain(|_, _| {
                place += 1;
                place <= MOST_VALUES + 1
            });
        }
        self
    }

    /// The values that customers have of a facet.
    pub fn values(&self, facet: Facet) -> impl Iterator<Item = &Id> {
        self.facets.get(&facet).into_iter().flat_map(BTreeMap::keys)
    }

    /// The share of customers with a lower score, plus half of those with the same one, in percent.
    #[expect(clippy::cast_precision_loss, reason = "customers are far fewer than 2^53")]
    pub fn percentile(&self, score: u8) -> f64 {
        let (below, from) = self.histogram.split_at(usize::from(score).min(self.histogram.len()));
        let same = from.first().copied().unwrap_or_default();
        let share = (below.iter().sum::<u64>() as f64 + same as f64 / 2.0) / self.rows.max(1) as f64;
        (1000.0 * share).round() / 10.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A summary with so many industries, of which each shard has its own.
    fn summary(shard: &str, industries: usize) -> RunSummary {
        let tally = || [(Standing::LeaveAlone, Tally { customers: 1, expected_value: None })].into();
        let values = (0..industries).map(|i| (Id::from(format!("{shard}-{i}")), tally())).collect();
        RunSummary { facets: [(Facet::Industry, values)].into(), ..RunSummary::default() }
    }

    #[test]
    fn a_facet_of_too_many_values_is_absent_however_its_shards_were_stored() {
        let stored = |shard: &str, industries: usize| summary(shard, industries).bounded_in_shard();
        let of = |summary: &RunSummary| summary.values(Facet::Industry).count();
        assert_eq!([200, 201, 3_000].map(|industries| of(&stored("a", industries))), [200, 201, 201]);
        let merged = |one: usize, other: usize| stored("a", one).merge(stored("b", other)).bounded();
        assert_eq!([(100, 100), (100, 101), (3_000, 1)].map(|(one, other)| of(&merged(one, other))), [200, 0, 0]);
    }
}
