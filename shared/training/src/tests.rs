//! Both families on rows whose truth is known.

use expansion_domain::Instant;
use expansion_features::{Column, Dataset, Frame, Label};
use expansion_model::{Model, ProductShares, Scorer, evaluate, sigmoid};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{Family, FitError};

/// Rows whose log-odds are −2 + 2·x₀ − x₁ (x₀ missing for every fifth), with a column of noise, and their true
/// probabilities; each customer has `repeats` identical rows.
fn rows(customers: u32, repeats: u32, seed: u64) -> (Dataset, Vec<f64>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut columns = [Vec::new(), Vec::new(), Vec::new()];
    let mut data = Dataset::default();
    let mut truth = Vec::new();
    for customer in 0..customers {
        let x: [f64; 3] = [rng.random(), rng.random(), rng.random()];
        let missing = customer % 5 == 0;
        let log_odds = -2.0 + if missing { 0.5 } else { 2.0 * x[0] } - x[1];
        let expanded = rng.random::<f64>() < sigmoid(log_odds);
        for _ in 0..repeats {
            truth.push(sigmoid(log_odds));
            columns[0].push(if missing { f64::NAN } else { x[0] });
            columns[1].push(x[1]);
            columns[2].push(x[2]);
            data.labels.push(Label { expanded, amount: None });
            data.customers.push(customer);
            data.as_of.push(Instant::EPOCH);
        }
    }
    data.frame = Frame {
        names: ["a", "b", "noise"].map(str::to_owned).to_vec(),
        rows: data.labels.len(),
        columns: columns.map(Column::Numbers).to_vec(),
    };
    (data, truth)
}

fn fitted(family: Family, data: &Dataset) -> Model {
    let card = family.fit(data, &(0..data.labels.len()).collect::<Vec<_>>()).expect("it fits");
    Model {
        schema_version: 1,
        feature_set_version: 1,
        model_id: "m".to_owned(),
        family: family.name().to_owned(),
        as_of: Instant::EPOCH,
        horizon_days: 90,
        intercept: card.intercept,
        terms: card.terms,
        covariance: card.covariance,
        value: None,
        products: ProductShares::default(),
    }
}

fn propensities(model: &Model, data: &Dataset) -> Vec<f64> {
    let scorer = Scorer::for_columns(model, &data.frame.names).expect("its own columns");
    (0..data.frame.rows).map(|row| scorer.score(&data.frame.row(row)).propensity).collect()
}

#[test]
fn a_planted_relation_is_found_on_fresh_rows() {
    for family in Family::ALL {
        let model = fitted(family, &rows(6000, 1, 1).0);
        let (fresh, truth) = rows(6000, 1, 2);
        let outcomes: Vec<bool> = fresh.labels.iter().map(|label| label.expanded).collect();
        let found = evaluate(&propensities(&model, &fresh), &outcomes).expect("both outcomes occur");
        let best = evaluate(&truth, &outcomes).expect("both outcomes occur");
        assert!(found.auc > best.auc - 0.02 && found.log_loss < best.log_loss + 0.01, "{family:?} {found:?} {best:?}");
        let rising = &model.terms.iter().find(|term| term.feature == "a").expect("a matters").weights;
        assert!(rising[8] > rising[0] + 0.7, "{family:?} {rising:?}");
    }
}

#[test]
fn repeating_every_row_teaches_nothing_new() {
    for family in Family::ALL {
        let width = |repeats| {
            let (data, _) = rows(1500, repeats, 3);
            let model = fitted(family, &data);
            let scorer = Scorer::for_columns(&model, &data.frame.names).expect("its own columns");
            let score = scorer.score(&data.frame.row(1));
            score.upper - score.lower
        };
        let (once, four_times) = (width(1), width(4));
        assert!((four_times / once - 1.0).abs() < 0.25, "{family:?} {once} {four_times}");
    }
}

#[test]
fn the_interval_of_the_fitted_curve_holds_the_truth_as_often_as_it_says() {
    for family in Family::ALL {
        let (mut inside, mut all) = (0.0, 0.0);
        for seed in 10..20 {
            let (data, truth) = rows(2000, 1, seed);
            let model = fitted(family, &data);
            let scorer = Scorer::for_columns(&model, &data.frame.names).expect("its own columns");
            for (row, truth) in truth.iter().enumerate().step_by(10) {
                let score = scorer.score(&data.frame.row(row));
                inside += f64::from(u8::from(score.lower <= *truth && *truth <= score.upper));
                all += 1.0;
            }
        }
        let coverage = inside / all;
        assert!((0.80..=0.99).contains(&coverage), "{family:?} covers {coverage}");
    }
}

#[test]
fn too_few_expansions_are_refused() {
    let (mut data, _) = rows(200, 1, 4);
    for label in &mut data.labels {
        label.expanded = false;
    }
    let all: Vec<usize> = (0..data.labels.len()).collect();
    for family in Family::ALL {
        assert_eq!(family.fit(&data, &all).err(), Some(FitError::TooFewPositives { have: 0 }));
    }
}
