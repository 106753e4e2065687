//! Usage readings on their way to their customers.
//!
//! Usage is by far the largest table and often comes in time order, so that each row is another customer's. Handing
//! over row by row would wait for memory several times a row; here rows are collected and handed over series by series.

use std::sync::Arc;

use expansion_domain::{CustomerHistory, Id, Reading, UsageSeries};
use foldhash::HashMap;

use crate::deliveries::{Delivery, Overlap};

/// Readings that are collected before they are handed over.
const CAPACITY: usize = 1 << 20;

/// Readings that are not in their histories yet.
#[derive(Default)]
pub(crate) struct UsageQueue {
    metrics: Vec<Id>,
    metric_numbers: HashMap<Id, u32>,
    waiting: Vec<Waiting>,
    series: Vec<Series>,
    /// Where each customer's series of a metric is.
    places: HashMap<(u32, u32), usize>,
}

struct Waiting {
    owner: u32,
    metric: u32,
    file: u32,
    reading: Reading,
}

/// One customer's readings of one metric.
struct Series {
    owner: u32,
    metric: u32,
    delivery: Delivery,
    readings: Vec<Reading>,
}

impl UsageQueue {
    /// Takes a reading of the customer at `owner`, and hands all over when it is full.
    #[expect(clippy::cast_possible_truncation, reason = "memory does not hold so many customers")]
    pub(crate) fn push(&mut self, owner: usize, metric: &str, file: u32, reading: Reading, overlap: &mut Overlap) {
        let metric = self.metric_numbers.get(metric).copied().unwrap_or_else(|| self.add_metric(metric));
        self.waiting.push(Waiting { owner: owner as u32, metric, file, reading });
        if self.waiting.len() >= CAPACITY {
            self.deliver(overlap);
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "memory does not hold so many metrics")]
    fn add_metric(&mut self, metric: &str) -> u32 {
        let metric: Id = metric.into();
        let number = self.metrics.len() as u32;
        self.metrics.push(Arc::clone(&metric));
        self.metric_numbers.insert(metric, number);
        number
    }

    /// Hands every reading to its series.
    fn deliver(&mut self, overlap: &mut Overlap) {
        // Stable, so that readings in time order stay so, and those of a file together.
        self.waiting.sort_by_key(|waiting| (waiting.owner, waiting.metric));
        for group in self.waiting.chunk_by(|a, b| (a.owner, a.metric) == (b.owner, b.metric)) {
            let Waiting { owner, metric, .. } = group[0];
            let place = *self.places.entry((owner, metric)).or_insert_with(|| {
                self.series.push(Series { owner, metric, delivery: Delivery::default(), readings: Vec::new() });
                self.series.len() - 1
            });
            let series = &mut self.series[place];
            for part in group.chunk_by(|a, b| a.file == b.file) {
                series.delivery.begin_readings(part[0].file, &mut series.readings, overlap);
                series.readings.extend(part.iter().map(|waiting| waiting.reading));
            }
        }
        self.waiting.clear();
    }

    /// Hands all series to their customers, once all files are read.
    pub(crate) fn hand_over(&mut self, customers: &mut [CustomerHistory], overlap: &mut Overlap) {
        self.deliver(overlap);
        self.places = HashMap::default();
        for Series { owner, metric, mut delivery, mut readings } in self.series.drain(..) {
            delivery.end_readings(&mut readings, overlap);
            let metric = Arc::clone(&self.metrics[metric as usize]);
            customers[owner as usize].usage.push(UsageSeries { metric, readings });
        }
    }
}
