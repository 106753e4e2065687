//! The additive model in two steps, where some customers have an open deal and most have none.
//!
//! The two buy for different reasons, and the few with an open deal hold half of the expansions: in one fit to all, it is
//! their shapes and pairs that are chosen. So shapes and pairs are fitted to the rows without an open deal first. Then
//! their log-odds are taken as given, and the rows with an open deal tell how the shapes differ there: a deviation a feature,
//! as segments have them. Both steps together are one additive model.
//!
//! Later rows have no say in an earlier step, as in a cut posterior (Plummer 2015, *Statistics and Computing*): what an open
//! deal shows does not change what is said of customers without one. The uncertainty is that of all terms together on
//! all rows.

use expansion_model::{Axis, Knowledge, Term, TermKind};
use faer::Mat;

use crate::Result;
use crate::additive::{self, Binned, Plan};
use crate::outcomes::Outcomes;
use crate::penalised::{self, Block, Fit};

/// Holds what deviates at nothing where there is no deal.
const HELD: f64 = 1e7;

/// What an earlier fit has found, step by step.
#[derive(Clone, Debug)]
pub(crate) struct Plans {
    first: Plan,
    /// Absent where one step was enough.
    second: Option<Plan>,
}

/// Rows by whether the customer has an open deal.
struct Standings {
    /// Position of the feature that is known where there is one.
    deal: usize,
    without: Vec<usize>,
    with: Vec<usize>,
}

impl Standings {
    /// Both, where there are enough of each to learn from.
    fn of(data: &Binned<'_>) -> Option<Self> {
        let deal = data.open_deal?;
        let none = data.features[deal].bins.missing();
        let (without, with) =
            (0..data.outcomes.labels.len()).partition(|row| usize::from(data.codes[deal][*row]) == none);
        let own = Self { deal, without, with };
        let enough = knowledge(data, &own.without) == Knowledge::Full && knowledge(data, &own.with) != Knowledge::Rules;
        enough.then_some(own)
    }
}

fn knowledge(data: &Binned<'_>, rows: &[usize]) -> Knowledge {
    let positives = rows.iter().filter(|row| data.outcomes.labels[**row]).count();
    Knowledge::of(positives.min(rows.len() - positives))
}

/// Fits in two steps where there are enough rows of both kinds, else in one.
pub(crate) fn fit(data: &Binned<'_>, knowledge: Knowledge, plans: Option<&Plans>) -> Result<(Vec<Block>, Fit, Plans)> {
    let Some(standings) = Standings::of(data) else {
        let plan = plans.filter(|plans| plans.second.is_none()).map(|plans| &plans.first);
        let (blocks, fit) = additive::fit(data, knowledge, plan)?;
        let first = Plan::of(&blocks, &fit, data.features);
        return Ok((blocks, fit, Plans { first, second: None }));
    };
    let plan = plans.and_then(|plans| plans.second.as_ref().map(|second| (&plans.first, second)));
    let (blocks, fit, first) = fit_without(data, &standings, plan.map(|(first, _)| first))?;
    let mut parameters = fit.parameters;
    let (own, own_fit, second) = fit_with(data, &standings, &blocks, &parameters, plan.map(|(_, second)| second))?;
    // All but their level, which is part of the shape of the deal's age.
    parameters.extend_from_slice(&own_fit.parameters[1..]);
    let mut all: Vec<Block> = blocks.into_iter().chain(own.into_iter().map(held)).collect();
    for block in &mut all {
        block.codes = additive::codes(&block.term, data.codes);
    }
    let fit = penalised::at(&mut all, parameters, data.outcomes);
    Ok((all, fit, Plans { first, second: Some(second) }))
}

/// Shapes and pairs of the rows without an open deal.
fn fit_without(data: &Binned<'_>, standings: &Standings, plan: Option<&Plan>) -> Result<(Vec<Block>, Fit, Plan)> {
    let (codes, outcomes) = take(data, &standings.without);
    let rows = Binned { codes: &codes, outcomes: &outcomes, ..*data };
    let (blocks, fit) = additive::fit(&rows, Knowledge::Full, plan)?;
    let found = Plan::of(&blocks, &fit, data.features);
    Ok((blocks, fit, found))
}

/// How the rows with an open deal deviate from what has been fitted.
fn fit_with(
    data: &Binned<'_>,
    standings: &Standings,
    blocks: &[Block],
    parameters: &[f64],
    plan: Option<&Plan>,
) -> Result<(Vec<Block>, Fit, Plan)> {
    let (codes, outcomes) = take(data, &standings.with);
    let mut known = vec![parameters[0]; outcomes.labels.len()];
    for block in blocks {
        let own = block.own(parameters);
        for (sum, code) in known.iter_mut().zip(additive::codes(&block.term, &codes)) {
            *sum += own[usize::from(code)];
        }
    }
    let outcomes = Outcomes { known, ..outcomes };
    let rows = Binned { codes: &codes, outcomes: &outcomes, ..*data };
    let knowledge = knowledge(data, &standings.with);
    let (blocks, mut fit) = additive::fit_deviations(&rows, &deal_axis(data, standings.deal), knowledge, plan)?;
    let found = Plan::of(&blocks, &fit, data.features);
    // Having a deal at all is part of the shape of its age: every age has it, no deal has not.
    let none = data.features[standings.deal].bins.missing();
    let level = fit.parameters[0];
    for block in blocks.iter().filter(|block| block.term.kind == TermKind::Shape) {
        for parameter in &mut fit.parameters[block.first..block.first + none] {
            *parameter += level;
        }
    }
    Ok((blocks, fit, found))
}

/// No open deal, or one.
fn deal_axis(data: &Binned<'_>, deal: usize) -> Axis {
    let missing = data.features[deal].bins.missing();
    Axis { feature: deal, cells: (0..=missing).map(|bin| u16::from(bin != missing)).collect(), len: 2 }
}

fn take(data: &Binned<'_>, rows: &[usize]) -> (Vec<Vec<u16>>, Outcomes) {
    let codes = data.codes.iter().map(|codes| rows.iter().map(|row| codes[*row]).collect()).collect();
    (codes, data.outcomes.take(rows))
}

/// A deviation that is certain to be nothing where there is no deal: rows without one say nothing of it.
fn held(mut block: Block) -> Block {
    let is_without = |cell: usize| match &block.term {
        Term { kind: TermKind::Shape, weights, .. } => cell + 1 == weights.len(),
        Term { axes, .. } => cell < axes[1].len,
    };
    let size = block.cells();
    let hold = Mat::from_fn(size, size, |i, j| if i == j && is_without(i) { 1.0 } else { 0.0 });
    block.penalties.push(hold);
    block.smoothing.push(HELD);
    block
}

#[cfg(test)]
mod tests {
    use expansion_features::{Column, Dataset, Frame, Label};
    use expansion_model::{AdditiveModel, sigmoid};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use crate::propensity::{Family, scorer};
    use crate::{Layout, OPEN_DEAL};

    /// Rows of which one in ten has an open deal, which lifts the log-odds by 3; where there is none, `a` lifts them, and
    /// where there is one, `b` does.
    fn rows(seed: u64) -> Dataset {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut data = Dataset::default();
        let mut columns = [Vec::new(), Vec::new(), Vec::new()];
        for customer in 0..20_000 {
            let [a, b] = [rng.random::<f64>(), rng.random::<f64>()];
            let deal = (customer % 10 == 0).then(|| rng.random::<f64>() * 100.0);
            let log_odds = true_log_odds(a, b, deal);
            for (column, value) in columns.iter_mut().zip([a, b, deal.unwrap_or(f64::NAN)]) {
                column.push(value);
            }
            data.labels.push(Label { expanded: rng.random::<f64>() < sigmoid(log_odds), amount: None });
            data.customers.push(customer);
            data.as_of.push(expansion_domain::Instant::EPOCH);
        }
        let names = ["a", "b", OPEN_DEAL].map(str::to_owned).to_vec();
        data.frame = Frame { names, rows: 20_000, columns: columns.map(Column::Numbers).to_vec() };
        data
    }

    fn true_log_odds(a: f64, b: f64, deal: Option<f64>) -> f64 {
        if deal.is_some() { 1.0 + 3.0 * (b - 0.5) } else { -2.0 + 3.0 * (a - 0.5) }
    }

    fn layout() -> Layout<'static> {
        Layout { segment: None, ..Layout::of_features(90) }
    }

    fn fitted(data: &Dataset) -> AdditiveModel {
        let all: Vec<usize> = (0..data.labels.len()).collect();
        Family::Additive.fit(data, &all, layout(), None).expect("it can be fitted").0
    }

    /// The root mean square error of the log-odds of the rows with or without a deal.
    fn error(model: &AdditiveModel, data: &Dataset, with_deal: bool) -> f64 {
        let found = scorer(model, data).expect("the columns are there").log_odds(&data.frame);
        let [Column::Numbers(a), Column::Numbers(b), Column::Numbers(deal)] = &*data.frame.columns else {
            panic!("three columns of numbers")
        };
        let squares: Vec<f64> = (0..data.frame.rows)
            .filter(|row| deal[*row].is_nan() != with_deal)
            .map(|row| {
                let deal = Some(deal[row]).filter(|deal| !deal.is_nan());
                (found[row] - true_log_odds(a[row], b[row], deal)).powi(2)
            })
            .collect();
        (squares.iter().sum::<f64>() / expansion_domain::count(squares.len())).sqrt()
    }

    #[test]
    fn each_kind_of_row_has_shapes_of_its_own() {
        let model = fitted(&rows(1));
        let fresh = rows(2);
        let [without, with] = [error(&model, &fresh, false), error(&model, &fresh, true)];
        assert!(without < 0.2 && with < 0.35, "{without} {with}");
    }

    #[test]
    fn what_an_open_deal_shows_changes_nothing_for_the_others() {
        let data = rows(1);
        let mut other = data.clone();
        for row in (0..20_000).step_by(10) {
            other.labels[row].expanded = row % 20 == 0;
        }
        let without: Vec<usize> = (0..20_000).filter(|row| row % 10 != 0).collect();
        let log_odds = |data: &Dataset| {
            let model = fitted(data);
            scorer(&model, data).expect("the columns are there").log_odds(&data.frame.take(&without))
        };
        for (one, other) in log_odds(&data).into_iter().zip(log_odds(&other)) {
            assert!((one - other).abs() < 1e-6, "{one} {other}");
        }
    }

    #[test]
    fn intervals_where_no_deal_is_open_are_as_narrow_as_without_those_that_have_one() {
        let data = rows(1);
        let without: Vec<usize> = (0..20_000).filter(|row| row % 10 != 0).collect();
        let width = |model: &AdditiveModel| {
            let mut sum = 0.0;
            scorer(model, &data).expect("the columns are there").each(&data.frame.take(&without), |_, score, _| {
                sum += score.upper - score.lower;
            });
            sum
        };
        let alone = Family::Additive.fit(&data, &without, layout(), None).expect("it can be fitted").0;
        let ratio = width(&fitted(&data)) / width(&alone);
        assert!((0.8..1.25).contains(&ratio), "{ratio}");
    }

    #[test]
    fn a_refit_that_starts_from_an_earlier_one_ends_where_it_did() {
        let data = rows(1);
        let all: Vec<usize> = (0..data.labels.len()).collect();
        let (model, plan) = Family::Additive.fit(&data, &all, layout(), None).expect("it can be fitted");
        let (again, _) = Family::Additive.fit(&data, &all, layout(), plan.as_ref()).expect("it can be fitted");
        let of = |model: &AdditiveModel| scorer(model, &data).expect("the columns are there").log_odds(&data.frame);
        let far = of(&model).into_iter().zip(of(&again)).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max);
        assert!(far < 0.15, "{far}");
    }
}
