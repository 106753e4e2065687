//! How often the intervals hold the truth, and how often it lies on the side that the confidence says, on simulated portfolios
//! whose truth is known.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use clap::Args;
use expansion_bench::{Failure, read_folder};
use expansion_domain::{Id, Instant};
use expansion_features::{Catalogue, Inputs, feature, label};
use expansion_model::{Confidence, Knowledge, Score, Scorer, Side};
use expansion_simulator::{Settings, simulate, truth, write};
use expansion_training::{Request, comparable_averages, fit};
use jiff::civil::{Date, date};
use serde_json::{Value, json};

use crate::table::write_lines;

/// The label window in days.
const HORIZON_DAYS: u16 = 90;
/// From how many days on nobody works on an open deal.
const STALE_DEAL_DAYS: u16 = 180;
/// The last simulated day; what is known ends one horizon before.
const END: Date = date(2026, 6, 30);
/// Not the seeds that the assumed heterogeneity was chosen on (1–3).
const FIRST_SEED: u64 = 101;
/// Months of history, the horizon among them.
const MONTHS: u32 = 33;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Customers in each portfolio.
    #[arg(long, default_value_t = 2000)]
    customers: usize,
    /// How many portfolios.
    #[arg(long, default_value_t = 5)]
    seeds: usize,
    /// Futures by which each customer's true probability is found.
    #[arg(long, default_value_t = 400)]
    paths: u32,
    /// Write `seed,segment,p,lower,upper,truth,average,side,confidence` here, a line for each customer.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// How many of how many lay inside, and the sum of the intervals' widths.
#[derive(Clone, Copy, Default)]
struct Tally {
    inside: u32,
    all: u32,
    width: f64,
}

impl Tally {
    fn add(&mut self, inside: bool, width: f64) {
        self.inside += u32::from(inside);
        self.all += 1;
        self.width += width;
    }

    fn json(&self) -> Value {
        let all = f64::from(self.all);
        json!({"coverage": f64::from(self.inside) / all, "mean_width": self.width / all, "n": self.all})
    }
}

/// A customer's score beside the truth.
struct Customer {
    /// Whether somebody works an expansion of theirs, and their segment.
    kind: (bool, Option<Id>),
    score: Score,
    truth: f64,
}

/// How often the truth lies on the side said, among all and among those said to be above.
#[derive(Clone, Copy, Default)]
struct Sides {
    all: Share,
    above: Share,
}

/// How many of how many.
#[derive(Clone, Copy, Default)]
struct Share {
    right: u32,
    of: u32,
}

impl Share {
    fn add(&mut self, is_right: bool) {
        self.right += u32::from(is_right);
        self.of += 1;
    }

    fn json(self) -> Value {
        json!({"share": f64::from(self.right) / f64::from(self.of), "n": self.of})
    }
}

impl Sides {
    fn add(&mut self, said: Confidence, average: f64, truth: f64) {
        let is_right = (said.side == Side::Above) == (truth > average);
        self.all.add(is_right);
        if said.side == Side::Above {
            self.above.add(is_right);
        }
    }

    fn json(self) -> Value {
        json!({"all": self.all.json(), "above": self.above.json()})
    }
}

/// What is said of customers about the average of those comparable, which is given back beside it.
fn said(customers: &[Customer], knowledge: Knowledge) -> Vec<(Confidence, f64)> {
    let kinds: Vec<(bool, Option<Id>)> = customers.iter().map(|customer| customer.kind.clone()).collect();
    let propensities: Vec<f64> = customers.iter().map(|customer| customer.score.propensity).collect();
    let averages = comparable_averages(&kinds, &propensities).into_iter();
    customers
        .iter()
        .zip(averages)
        .map(|(one, average)| (Confidence::of(&one.score, average, knowledge), average))
        .collect()
}

/// Simulates, fits, compares and prints.
pub(crate) async fn measure(arguments: &Arguments) -> Result<Value, Failure> {
    let (mut overall, mut value) = (Tally::default(), Tally::default());
    let (mut by_level, mut by_segment): (BTreeMap<_, Tally>, BTreeMap<_, Tally>) = Default::default();
    let (mut sides, mut true_sides): (BTreeMap<&str, Sides>, BTreeMap<&str, Sides>) = Default::default();
    let mut lines = Vec::new();
    for seed in (FIRST_SEED..).take(arguments.seeds) {
        let settings = Settings { customers: arguments.customers, months: MONTHS, end: END, seed, drift: None };
        let folder = tempfile::tempdir()?;
        write(&simulate(&settings), folder.path(), None)?;
        let portfolio = read_folder(folder.path()).await?;
        let cutoff = END.checked_sub(jiff::Span::new().days(HORIZON_DAYS))?;
        let as_of = Instant::from_date(cutoff).ok_or("no such day")?.end_of_day();
        let request = Request {
            model_id: format!("seed-{seed}"),
            as_of,
            horizon_days: HORIZON_DAYS,
            data_fingerprint: String::new(),
            stale_deal_days: STALE_DEAL_DAYS,
            csm_capacity: 10,
        };
        let model = fit(&portfolio, &request, None)?.model;
        let scorer = Scorer::new(&model.propensity)?;
        let known = truth(&settings, &[cutoff], u32::from(HORIZON_DAYS), arguments.paths);
        let truths: HashMap<&str, f64> = known.iter().map(|row| (&*row.customer_id, row.probability)).collect();
        let catalogue = Catalogue::new(&portfolio.products);
        let mut customers = Vec::new();
        for history in &portfolio.customers {
            let (Some(known), Some(truth)) = (history.known(as_of), truths.get(&*history.customer_id)) else {
                continue;
            };
            let slots = &model.slots;
            let inputs = Inputs { known, catalogue: &catalogue, tables: &portfolio.tables, slots };
            let bins = scorer.bins(&inputs.snapshot());
            let score = scorer.score(&bins, &mut vec![0.0; bins.len()]);
            let open_deal_age = feature("open_deal_age").and_then(|(_, feature)| feature.value(&inputs).as_number());
            let is_worked = open_deal_age.is_some_and(|days| days <= f64::from(STALE_DEAL_DAYS));
            customers.push(Customer { kind: (is_worked, history.segment.clone()), score, truth: *truth });
            if let (Some(model), Some(amount)) = (&model.value, label(history, as_of, HORIZON_DAYS).amount) {
                let estimate = model.range(&bins, model.spread);
                value.add(estimate.lower <= amount && amount <= estimate.upper, (estimate.upper / estimate.lower).ln());
            }
        }
        let kinds: Vec<(bool, Option<Id>)> = customers.iter().map(|customer| customer.kind.clone()).collect();
        let all_truths: Vec<f64> = customers.iter().map(|customer| customer.truth).collect();
        let true_averages = comparable_averages(&kinds, &all_truths);
        let said = said(&customers, model.propensity.knowledge);
        for ((customer, (said, average)), true_average) in customers.iter().zip(said).zip(true_averages) {
            let Customer { kind: (_, segment), score: Score { propensity, lower, upper, .. }, truth } = customer;
            let (inside, width) = (lower <= truth && truth <= upper, upper - lower);
            overall.add(inside, width);
            by_level.entry(said.level().name().to_owned()).or_default().add(inside, width);
            sides.entry(said.level().name()).or_default().add(said, average, *truth);
            true_sides.entry(said.level().name()).or_default().add(said, true_average, *truth);
            by_segment.entry(segment.as_deref().unwrap_or("none").to_owned()).or_default().add(inside, width);
            let segment = segment.as_deref().unwrap_or_default();
            let (side, confidence) = (said.side.name(), said.value);
            let line = format!("{seed},{segment},{propensity},{lower},{upper},{truth},{average},{side},{confidence}");
            lines.push(line);
        }
        eprintln!("seed {seed}: {} {:?}", overall.json(), model.propensity.heterogeneity);
    }
    if let Some(out) = &arguments.out {
        write_lines(out, "seed,segment,p,lower,upper,truth,average,side,confidence", lines.into_iter())?;
    }
    let by_level_of = |sides: BTreeMap<&str, Sides>| {
        sides.iter().map(|(level, all)| ((*level).to_owned(), all.json())).collect::<Value>()
    };
    let by =
        |tallies: BTreeMap<String, Tally>| tallies.into_iter().map(|(name, t)| (name, t.json())).collect::<Value>();
    Ok(json!({
        "interval_90": overall.json(),
        "by_confidence": by(by_level),
        // By level: the share of customers whose true probability lies on the side of the average that is said: of the
        // average that is shown, which errs with the model, and of the true one.
        "on_the_side_said": by_level_of(sides),
        "on_the_side_said_of_the_true_average": by_level_of(true_sides),
        "by_segment": by(by_segment),
        "value_interval_80": value.json(),
        "customers": arguments.customers,
        "seeds": arguments.seeds,
        "paths": arguments.paths,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_side_said_is_compared_with_the_truth() {
        let mut sides = Sides::default();
        for (side, truth) in [(Side::Above, 0.2), (Side::Above, 0.05), (Side::Below, 0.05), (Side::Below, 0.1)] {
            sides.add(Confidence { side, value: 0.9 }, 0.1, truth);
        }
        assert_eq!((sides.all.right, sides.all.of), (3, 4));
        assert_eq!((sides.above.right, sides.above.of), (1, 2));
    }

    #[test]
    fn a_customer_is_compared_with_those_whom_nobody_works_on_either() {
        let score = |propensity: f64| {
            let centre = (propensity / (1.0 - propensity)).ln();
            Score { log_odds: centre, propensity, lower: 0.0, upper: 1.0, centre, deviation: 0.1, coverage: 1.0 }
        };
        let customer =
            |is_worked, propensity| Customer { kind: (is_worked, None), score: score(propensity), truth: 0.0 };
        let customers = [(false, 0.1), (false, 0.2), (true, 0.5), (true, 0.7)].map(|(work, p)| customer(work, p));
        let said: Vec<(Side, f64)> =
            said(&customers, Knowledge::Full).into_iter().map(|(said, average)| (said.side, average)).collect();
        let sides: Vec<Side> = said.iter().map(|(side, _)| *side).collect();
        assert_eq!(sides, [Side::Below, Side::Above, Side::Below, Side::Above]);
        assert!((said[0].1 - 0.15).abs() < 1e-12 && (said[2].1 - 0.6).abs() < 1e-12, "{said:?}");
    }
}
