//! Usage readings on their way to their customers.
//!
//! Usage is by far the largest table and often comes in time order, so that each row is another customer's. Handing
//! over row by row would wait for memory several times a row; here rows are collected and handed over customer by
//! customer.

use std::sync::Arc;

use expansion_domain::{CustomerHistory, Id, Reading, UsageSeries};
use foldhash::HashMap;

/// Readings that are collected before they are handed over.
const CAPACITY: usize = 1 << 20;

/// Readings that are not in their histories yet.
#[derive(Default)]
pub(crate) struct UsageQueue {
    metrics: Vec<Id>,
    metric_numbers: HashMap<Id, usize>,
    /// Where a customer has the series of a metric, by their numbers.
    places: HashMap<(usize, usize), usize>,
    waiting: Vec<Waiting>,
}

struct Waiting {
    owner: usize,
    metric: usize,
    reading: Reading,
}

impl UsageQueue {
    /// Takes a reading of the customer at `owner`, and [delivers](Self::deliver) when it is full.
    pub(crate) fn push(&mut self, owner: usize, metric: &str, reading: Reading, customers: &mut [CustomerHistory]) {
        let metric = self.metric_numbers.get(metric).copied().unwrap_or_else(|| self.add_metric(metric));
        self.waiting.push(Waiting { owner, metric, reading });
        if self.waiting.len() >= CAPACITY {
            self.deliver(customers);
        }
    }

    fn add_metric(&mut self, metric: &str) -> usize {
        let metric: Id = metric.into();
        let number = self.metrics.len();
        self.metrics.push(Arc::clone(&metric));
        self.metric_numbers.insert(metric, number);
        number
    }

    /// Hands every reading to its customer.
    pub(crate) fn deliver(&mut self, customers: &mut [CustomerHistory]) {
        // Stable, so that readings in time order stay so.
        self.waiting.sort_by_key(|waiting| (waiting.owner, waiting.metric));
        for group in self.waiting.chunk_by(|a, b| (a.owner, a.metric) == (b.owner, b.metric)) {
            let Waiting { owner, metric, .. } = group[0];
            let usage = &mut customers[owner].usage;
            let place = *self.places.entry((owner, metric)).or_insert_with(|| {
                usage.push(UsageSeries { metric: Arc::clone(&self.metrics[metric]), readings: Vec::new() });
                usage.len() - 1
            });
            usage[place].readings.extend(group.iter().map(|waiting| waiting.reading));
        }
        self.waiting.clear();
    }
}
