//! The `portfolio` command, as its users call it.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use expansion_simulator::{Settings, simulate, truth, write};
use jiff::civil::date;

fn run(folder: &Path, more: &[&str]) -> Output {
    let command = &mut Command::new(env!("CARGO_BIN_EXE_expansion-bench"));
    command.current_dir(folder).args(["portfolio", "--source", "source", "--as-of", "2026-06-30"]).args(more);
    command.output().expect("it runs")
}

fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file).expect("written").lines().map(str::to_owned).collect()
}

#[test]
fn a_portfolio_is_judged_over_all_and_among_customers_whom_nobody_works_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let settings = Settings { customers: 300, months: 24, end: date(2026, 6, 30), seed: 7, drift: None };
    write(&simulate(&settings), &path("source"), None).expect("written");
    let output = run(folder.path(), &["--tables", "tables"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    // The truth of the cutoffs that were held out.
    let rows = lines(&path("tables/test_rows.csv"));
    let mut cutoffs: Vec<_> =
        rows[1..].iter().map(|row| row.rsplit(',').next().expect("a cutoff").parse().expect("a date")).collect();
    cutoffs.dedup();
    let mut known = "customer_id,cutoff,probability\n".to_owned();
    for row in truth(&settings, &cutoffs, 90, 20) {
        writeln!(known, "{},{},{}", row.customer_id, row.cutoff, row.probability).expect("a string takes all");
    }
    fs::write(path("truth.csv"), known).expect("written");
    let output = run(folder.path(), &["--truth", "truth.csv"]);
    let said = String::from_utf8_lossy(&output.stderr);
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    for (figures, has_portfolios) in [(&result, true), (&result["truth"], false)] {
        let (overall, unworked) = (&figures["overall"], &figures["unworked"]);
        for figure in ["auc", "lift_at_5", "lift_at_10", "precision_at_5", "precision_at_10"] {
            assert!(overall[figure].is_f64() && unworked[figure].is_f64(), "{figure} in {result}");
        }
        assert_eq!(overall["lift_at_capacity"].is_f64(), has_portfolios, "{result}");
        assert!(unworked["n"].as_u64() < overall["n"].as_u64(), "{result}");
    }
    assert_eq!(result["auc"], result["overall"]["auc"]);
    assert_eq!(result["truth"]["overall"]["n"], result["n_test"], "the truth of every row is known");
    assert_eq!(rows.len(), lines(&path("tables/test.csv")).len(), "a line for each row");

    fs::write(path("other.csv"), "customer_id,cutoff,probability\nnobody,2026-01-01,0.5\n").expect("written");
    let output = run(folder.path(), &["--truth", "other.csv"]);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("other.csv has the truth of none of the test rows"), "{said}");
}
