//! The `table` command, as its users call it.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A CSV file of rows whose outcome rises with `a`, is likelier in the north, and knows nothing of `noise`.
fn table(rows: u32, delimiter: char, offset: u32) -> String {
    let mut text = format!("customer{delimiter}region{delimiter}a{delimiter}noise{delimiter}y\n");
    for row in 0..rows {
        let mixed = (row + offset).wrapping_mul(0x9E37_79B9).rotate_left(13).wrapping_mul(0x85EB_CA6B);
        let (a, noise, chance) = (mixed % 100, mixed / 100 % 50, mixed / 5000 % 200);
        let region = ["north", "south"][(mixed >> 31) as usize];
        let expanded = chance < a + if region == "north" { 40 } else { 0 };
        let a = if row % 9 == 0 { String::new() } else { a.to_string() };
        let cells = [(row / 4).to_string(), region.to_owned(), a, noise.to_string(), u8::from(expanded).to_string()];
        writeln!(text, "{}", cells.join(&delimiter.to_string())).expect("a string takes all");
    }
    text
}

fn run(folder: &Path, more: &[&str]) -> Output {
    let command = &mut Command::new(env!("CARGO_BIN_EXE_expansion-bench"));
    command
        .current_dir(folder)
        .args(["table", "--train", "train.csv", "--test", "test.csv", "--label", "y"])
        .args(more);
    command.output().expect("it runs")
}

#[test]
fn a_table_is_fitted_tried_and_explained_to_the_point() {
    let folder = tempfile::tempdir().expect("a folder");
    for delimiter in [',', ';'] {
        fs::write(folder.path().join("train.csv"), table(4000, delimiter, 0)).expect("written");
        fs::write(folder.path().join("test.csv"), table(1000, delimiter, 50_000)).expect("written");
        let output = run(folder.path(), &["--group", "customer", "--segment", "region", "--out", "p.csv"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let result: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        for number in ["auc", "pr_auc", "log_loss", "brier", "ece", "train_seconds", "cpu_seconds", "score_rows_per_s"]
        {
            assert!(result[number].is_f64(), "{number} in {result}");
        }
        assert!(result["auc"].as_f64() > Some(0.62), "{result}");
        assert_eq!((&result["n_train"], &result["n_test"]), (&4000.into(), &1000.into()));
        let lines = fs::read_to_string(folder.path().join("p.csv")).expect("written");
        let mut lines = lines.lines();
        assert_eq!(lines.next(), Some("p,lower,upper,score,points_sum"));
        let rows: Vec<Vec<f64>> =
            lines.map(|line| line.split(',').map(|cell| cell.parse().expect("a number")).collect()).collect();
        assert_eq!(rows.len(), 1000);
        for row in &rows {
            let [p, lower, upper, score, points] = row[..] else { panic!("five cells: {row:?}") };
            assert!(0.0 < lower && lower <= p && p <= upper && upper < 1.0, "{row:?}");
            assert!((score - points).abs() < 1e-9 && (score - 100.0 * p).abs() <= 0.5 + 1e-9, "{row:?}");
        }
    }
}

#[test]
fn what_cannot_be_read_is_said_with_file_and_line() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("train.csv"), "a,y\n1,0\n2,maybe\n").expect("written");
    fs::write(folder.path().join("test.csv"), "a,y\n1,0\n").expect("written");
    let said = |more: &[&str]| {
        let output = run(folder.path(), more);
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(said(&[]).contains("train.csv: line 3: label \"maybe\" is neither 0 nor 1"), "{}", said(&[]));
    assert!(said(&["--group", "who"]).contains("train.csv has no column \"who\""), "{}", said(&["--group", "who"]));
}

#[test]
fn columns_that_never_vary_are_refused_in_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = "1,0\n1,1\n".repeat(100);
    fs::write(folder.path().join("train.csv"), format!("a,y\n{rows}")).expect("written");
    fs::write(folder.path().join("test.csv"), format!("a,y\n{rows}")).expect("written");
    let output = run(folder.path(), &[]);
    assert!(!output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "error: no feature varies between customers\n");
}
