//! Each step from the source tables to a run's rows, to be compared from build to build: `cargo bench -p expansion-bench`.

use std::path::Path;
use std::sync::LazyLock;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use expansion_answer::{Answering, Rules, answer};
use expansion_bench::{Form, Usage, read_folder};
use expansion_domain::{Instant, SourceData};
use expansion_features::{Catalogue, Inputs, cutoffs, dataset};
use expansion_model::{Model, Scorer, attribute};
use expansion_records::{Run, Yardstick};
use expansion_simulator::{Settings, simulate, write};
use expansion_training::{MOST_CUTOFFS, Request, fit};
use jiff::civil::date;

const HORIZON_DAYS: u16 = 90;
const STALE_DEAL_DAYS: u16 = 180;

fn main() {
    divan::main();
}

/// The end of the simulated portfolio.
static AS_OF: LazyLock<Instant> = LazyLock::new(|| "2026-06-30T23:59:59Z".parse().expect("an instant"));

static SOURCE: LazyLock<SourceData> = LazyLock::new(|| {
    let settings = Settings { customers: 600, months: 24, end: date(2026, 6, 30), seed: 1, drift: None };
    let folder = tempfile::tempdir().expect("a folder");
    write(&simulate(&settings), folder.path(), None).expect("written");
    read(folder.path())
});

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let request = Request {
        model_id: "bench".to_owned(),
        as_of: *AS_OF,
        horizon_days: HORIZON_DAYS,
        data_fingerprint: String::new(),
        stale_deal_days: STALE_DEAL_DAYS,
        csm_capacity: 10,
    };
    fit(&SOURCE, &request, None).expect("it fits").model
});

fn read(folder: &Path) -> SourceData {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(read_folder(folder)).expect("a good source")
}

/// Usage rows into histories.
#[divan::bench(args = [Form::Csv, Form::Parquet], sample_count = 10)]
fn reading(bencher: Bencher<'_, '_>, form: Form) {
    let usage = Usage { rows: 500_000, customers: 2_500, by_time: false, form };
    let folder = tempfile::tempdir().expect("a folder");
    usage.write(folder.path(), "2025-01-01".parse().expect("a day")).expect("written");
    bencher.counter(ItemsCount::new(usage.rows)).bench_local(|| read(folder.path()));
}

/// Histories into snapshots as of one instant.
#[divan::bench]
fn snapshots(bencher: Bencher<'_, '_>) {
    let catalogue = Catalogue::new(&SOURCE.products);
    bencher.counter(ItemsCount::new(SOURCE.customers.len())).bench_local(|| {
        for history in &SOURCE.customers {
            let Some(known) = history.known(*AS_OF) else { continue };
            black_box(Inputs { known, catalogue: &catalogue, tables: &SOURCE.tables, slots: &MODEL.slots }.snapshot());
        }
    });
}

/// Histories into labelled rows at all cutoffs.
#[divan::bench(sample_count = 10)]
fn assembling(bencher: Bencher<'_, '_>) {
    let cutoffs = cutoffs(&SOURCE, *AS_OF, HORIZON_DAYS, MOST_CUTOFFS);
    let rows = dataset(&SOURCE, &cutoffs, HORIZON_DAYS, &MODEL.slots).labels.len();
    bencher.counter(ItemsCount::new(rows)).bench_local(|| dataset(&SOURCE, &cutoffs, HORIZON_DAYS, &MODEL.slots));
}

/// Assembled rows into scores, intervals and points.
#[divan::bench]
fn scoring(bencher: Bencher<'_, '_>) {
    let data = dataset(&SOURCE, &[*AS_OF], HORIZON_DAYS, &MODEL.slots);
    let scorer = Scorer::for_columns(&MODEL.propensity, &data.frame.names).expect("they are its own");
    bencher.counter(ItemsCount::new(data.frame.rows)).bench_local(|| {
        scorer.each(&data.frame, |_, score, contributions| {
            black_box((score, attribute(MODEL.propensity.intercept, contributions)));
        });
    });
}

/// Histories into the rows a run stores, with all that is said of a customer.
#[divan::bench(sample_count = 10)]
fn answering(bencher: Bencher<'_, '_>) {
    let run = Run::requested(*AS_OF, "schedule", HORIZON_DAYS, *AS_OF);
    let catalogue = Catalogue::new(&SOURCE.products);
    let now = (&run.run_id, run.as_of, run.calculated_at);
    let yardstick = Yardstick::default();
    let answering = Answering::new(&MODEL, catalogue, &SOURCE.tables, (&yardstick, Rules::default()), now);
    let answering = answering.expect("a model of this build");
    bencher.counter(ItemsCount::new(SOURCE.customers.len())).bench_local(|| {
        for history in &SOURCE.customers {
            black_box(answer(&answering, history, None));
        }
    });
}
