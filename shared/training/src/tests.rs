//! Both families on rows whose truth is known.

use expansion_domain::{Instant, count};
use expansion_features::{Column, Dataset, Frame, Label};
use expansion_model::{AdditiveModel, Knowledge, Score, Scorer, TermKind, evaluate, sigmoid};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::propensity::Family;
use crate::{Layout, fit_flat};

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

const LAYOUT: Layout<'static> = Layout {
    segment: None,
    open_deal: None,
    horizon_days: 0,
    outcomes_among_features: false,
    dropped: &[],
    is_candidate: |name| name.starts_with("metric"),
};

fn fitted(family: Family, data: &Dataset) -> AdditiveModel {
    let all: Vec<usize> = (0..data.labels.len()).collect();
    family.fit(data, &all, LAYOUT, None).expect("it fits").0
}

fn propensities(model: &AdditiveModel, data: &Dataset) -> Vec<f64> {
    let scorer = Scorer::for_columns(model, &data.frame.names).expect("its own columns");
    scorer.log_odds(&data.frame).into_iter().map(sigmoid).collect()
}

/// Each row's score.
fn scores(model: &AdditiveModel, data: &Dataset) -> Vec<Score> {
    let scorer = Scorer::for_columns(model, &data.frame.names).expect("its own columns");
    let mut all = Vec::new();
    scorer.each(&data.frame, |_, score, _| all.push(score));
    all
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
        let place = model.features.iter().position(|feature| feature.name == "a").expect("a matters");
        let shape = model.terms.iter().find(|term| term.kind == TermKind::Shape && term.axes[0].feature == place);
        let rising = &shape.expect("a has a shape").weights;
        assert!(rising[15] > rising[0] + 0.7, "{family:?} {rising:?}");
    }
}

#[test]
fn repeating_every_row_teaches_nothing_new() {
    for family in Family::ALL {
        let width = |repeats| {
            let (data, _) = rows(500, repeats, 3);
            let scores = scores(&fitted(family, &data), &data);
            scores.iter().map(|score| score.upper - score.lower).sum::<f64>() / count(scores.len())
        };
        let (once, four_times) = (width(1), width(4));
        assert!((four_times / once - 1.0).abs() < 0.3, "{family:?} {once} {four_times}");
    }
}

#[test]
fn the_interval_of_the_fitted_curve_holds_the_truth_as_often_as_it_says() {
    for family in Family::ALL {
        let (mut inside, mut all) = (0.0, 0.0);
        for seed in 10..20 {
            let (data, truth) = rows(2000, 1, seed);
            for (score, truth) in scores(&fitted(family, &data), &data).iter().zip(&truth).step_by(10) {
                inside += f64::from(u8::from(score.lower <= *truth && *truth <= score.upper));
                all += 1.0;
            }
        }
        let coverage = inside / all;
        assert!((0.80..=0.99).contains(&coverage), "{family:?} covers {coverage}");
    }
}

/// Rows of `customers` customers, twelve each, whose own log-odds differ by a normal with the given deviation from
/// −1.5 + 2·x₀; with a second feature that turns the first one's effect round, and a segment without any effect.
fn panel(customers: u32, deviation: f64, with_pair: bool, seed: u64) -> (Dataset, Vec<f64>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut columns = [Vec::new(), Vec::new()];
    let mut segments = Vec::new();
    let mut data = Dataset::default();
    let mut truth = Vec::new();
    for customer in 0..customers {
        // A standard normal, by twelve uniforms.
        let own = deviation * ((0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0);
        for _ in 0..12 {
            let x: [f64; 2] = [rng.random(), rng.random()];
            let sign = if with_pair && x[1] > 0.5 { -2.0 } else { 2.0 };
            let log_odds = -1.5 + sign * (x[0] - 0.5) + own;
            truth.push(sigmoid(log_odds));
            columns[0].push(x[0]);
            columns[1].push(x[1]);
            segments.push(customer % 3);
            data.labels.push(Label { expanded: rng.random::<f64>() < sigmoid(log_odds), amount: None });
            data.customers.push(customer);
            data.as_of.push(Instant::EPOCH);
        }
    }
    let [a, b] = columns;
    data.frame = Frame {
        names: ["a", "b", "segment"].map(str::to_owned).to_vec(),
        rows: data.labels.len(),
        columns: vec![
            Column::Numbers(a),
            Column::Numbers(b),
            Column::Levels { codes: segments, names: ["s0", "s1", "s2"].map(Into::into).to_vec() },
        ],
    };
    (data, truth)
}

#[test]
fn the_interval_holds_the_probability_of_customers_who_differ_in_ways_no_feature_shows() {
    let (data, _) = panel(1500, 0.9, false, 5);
    let model = fit_flat(&data, Some("segment")).expect("it fits").model;
    let (fresh, truth) = panel(800, 0.9, false, 6);
    let inside = scores(&model, &fresh).iter().zip(&truth).filter(|(s, t)| s.lower <= **t && **t <= s.upper).count();
    let coverage = count(inside) / count(truth.len());
    assert!((0.86..=0.94).contains(&coverage), "{coverage} {:?}", model.heterogeneity);
}

#[test]
fn a_pair_is_found_where_two_features_only_tell_together_and_none_where_there_is_none() {
    let pairs = |with_pair| {
        let (data, _) = panel(1000, 0.0, with_pair, 7);
        let model = fit_flat(&data, Some("segment")).expect("it fits").model;
        model.terms.iter().filter(|term| term.kind != TermKind::Shape).count()
    };
    assert!(pairs(true) >= 1);
    assert_eq!(pairs(false), 0);
}

#[test]
fn separated_outcomes_give_a_sane_model() {
    let (mut data, _) = panel(500, 0.0, false, 8);
    for row in 0..data.frame.rows {
        let Column::Numbers(a) = &data.frame.columns[0] else { panic!("numbers") };
        data.labels[row].expanded = a[row] > 0.7;
    }
    let model = fit_flat(&data, Some("segment")).expect("it fits").model;
    for score in scores(&model, &data) {
        assert!(score.log_odds.abs() < 30.0 && score.lower <= score.propensity && score.propensity <= score.upper);
    }
}

#[test]
fn how_much_there_is_to_learn_decides_what_is_fitted() {
    let (data, _) = rows(3000, 1, 4);
    let expanded: Vec<usize> = (0..data.labels.len()).filter(|row| data.labels[*row].expanded).collect();
    let knowledge = |keep: usize| {
        let mut fewer = data.clone();
        for &row in &expanded[keep..] {
            fewer.labels[row].expanded = false;
        }
        let model = fitted(Family::Additive, &fewer);
        (model.knowledge, model.terms.iter().all(|term| term.kind == TermKind::Shape))
    };
    assert_eq!(knowledge(200).0, Knowledge::Full);
    assert_eq!(knowledge(199), (Knowledge::Shrunk, true));
    assert_eq!(knowledge(40), (Knowledge::Shrunk, true));
    assert_eq!(knowledge(39), (Knowledge::Rules, true));
    assert_eq!(knowledge(0), (Knowledge::Rules, true));
}

/// Of many columns that say much the same of a metric, those enter that add something to the others.
#[test]
fn candidates_enter_where_they_add_something() {
    let (mut data, _) = rows(6000, 1, 5);
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let mut noisy = |of: &[f64], noise: f64| -> Column {
        Column::Numbers(of.iter().map(|x| x + noise * rng.random::<f64>()).collect())
    };
    let new: Vec<f64> = (0..6000).map(|row| f64::from(row % 97) / 97.0).collect();
    let Column::Numbers(known) = data.frame.columns[1].clone() else { panic!("b is a number") };
    let nothing = vec![0.0; 6000];
    // Outcomes that the new column tells of, besides the others.
    for (row, label) in data.labels.iter_mut().enumerate() {
        label.expanded |= new[row] > 0.8;
    }
    let candidates = [
        ("metric_1_change_7", noisy(&new, 0.5)),
        ("metric_1_change_30", noisy(&new, 0.0)),
        ("metric_1_change_90", noisy(&new, 1.0)),
        ("metric_1_level_7", noisy(&known, 0.0)),
        ("metric_1_days_7", noisy(&nothing, 1.0)),
        ("metric_1_days_30", noisy(&nothing, 1.0)),
    ];
    for (name, column) in candidates {
        data.frame.names.push(name.to_owned());
        data.frame.columns.push(column);
    }
    let names = |model: &AdditiveModel| model.features.iter().map(|f| f.name.clone()).collect::<Vec<_>>();
    let model = fitted(Family::Additive, &data);
    assert_eq!(names(&model), ["a", "b", "noise", "metric_1_change_30"]);
    assert!(model.terms.iter().flat_map(|term| &term.axes).any(|axis| axis.feature == 3), "{:?}", model.terms);
    let outcomes: Vec<bool> = data.labels.iter().map(|label| label.expanded).collect();
    let auc =
        |model: &AdditiveModel| evaluate(&propensities(model, &data), &outcomes).expect("both outcomes occur").auc;
    let linear = fitted(Family::Logistic, &data);
    assert_eq!(names(&linear), ["a", "b", "noise"], "a linear model has none");
    assert!(auc(&model) > auc(&linear) + 0.1, "{} {}", auc(&model), auc(&linear));
}
