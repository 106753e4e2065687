//! How often the intervals hold the truth, on simulated portfolios whose truth is known.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use clap::Args;
use expansion_bench::{Failure, read_folder};
use expansion_domain::Instant;
use expansion_features::{Catalogue, Inputs, label};
use expansion_model::{ConfidenceLevel, Scorer, confidence};
use expansion_simulator::{Settings, simulate, truth, write};
use expansion_training::{Request, fit};
use jiff::civil::{Date, date};
use serde_json::{Value, json};

use crate::table::write_lines;

/// The label window in days.
const HORIZON_DAYS: u16 = 90;
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
    /// Write `seed,segment,p,lower,upper,truth` here, a line for each customer.
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

/// Simulates, fits, compares and prints.
pub(crate) async fn measure(arguments: &Arguments) -> Result<Value, Failure> {
    let (mut overall, mut value) = (Tally::default(), Tally::default());
    let (mut by_level, mut by_segment): (BTreeMap<_, Tally>, BTreeMap<_, Tally>) = Default::default();
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
        for history in &portfolio.customers {
            let (Some(known), Some(truth)) = (history.known(as_of), truths.get(&*history.customer_id)) else {
                continue;
            };
            let snapshot = Inputs { known, catalogue: &catalogue, tables: &portfolio.tables }.snapshot();
            let bins = scorer.bins(&snapshot);
            let score = scorer.score(&bins, &mut vec![0.0; bins.len()]);
            let (inside, width) = (score.lower <= *truth && *truth <= score.upper, score.upper - score.lower);
            overall.add(inside, width);
            let level = ConfidenceLevel::of(confidence(&score, model.propensity.knowledge)).name();
            by_level.entry(level.to_owned()).or_default().add(inside, width);
            let segment = history.segment.as_deref();
            by_segment.entry(segment.unwrap_or("none").to_owned()).or_default().add(inside, width);
            let segment = segment.unwrap_or_default();
            lines.push(format!("{seed},{segment},{},{},{},{truth}", score.propensity, score.lower, score.upper));
            if let (Some(model), Some(amount)) = (&model.value, label(history, as_of, HORIZON_DAYS).amount) {
                let estimate = model.range(&bins, model.spread);
                value.add(estimate.lower <= amount && amount <= estimate.upper, (estimate.upper / estimate.lower).ln());
            }
        }
        eprintln!("seed {seed}: {} {:?}", overall.json(), model.propensity.heterogeneity);
    }
    if let Some(out) = &arguments.out {
        write_lines(out, "seed,segment,p,lower,upper,truth", lines.into_iter())?;
    }
    let by =
        |tallies: BTreeMap<String, Tally>| tallies.into_iter().map(|(name, t)| (name, t.json())).collect::<Value>();
    Ok(json!({
        "interval_90": overall.json(),
        "by_confidence": by(by_level),
        "by_segment": by(by_segment),
        "value_interval_80": value.json(),
        "customers": arguments.customers,
        "seeds": arguments.seeds,
        "paths": arguments.paths,
    }))
}
