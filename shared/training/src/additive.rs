//! The additive model: one shape a feature, a few pairs of features, and segments' deviations from the shapes.
//!
//! Numeric bins are kept smooth by penalties on second and first differences, levels and missing values by a ridge,
//! pairs along both sides; see [`crate::penalised`] for how strongly. Which pairs are worth having is decided by a score
//! test on the residuals of the shapes (in the manner of FAST: Lou, Caruana, Gehrke & Hooker 2013, *KDD*).

use std::cmp::Reverse;
use std::collections::BTreeMap;

use expansion_domain::count;
use expansion_model::{Axis, BinnedFeature, Bins, Knowledge, Term, TermKind};
use faer::Mat;

use crate::Result;
use crate::outcomes::{Outcomes, residuals};
use crate::penalised::{self, Block, Control, Fit, logit};

/// Pairs at most.
const MOST_PAIRS: usize = 15;
/// A side of a pair has at most so many cells, and one for a missing value.
const MOST_SIDE: usize = 7;
/// … and one of segments so many: their deviations are worth more cells, but cells multiply.
const MOST_SEGMENTS: usize = 12;
/// Candidates at most.
const MOST_CANDIDATES: usize = 8;
/// The score test of a pair or a candidate must be significant at so many standard deviations.
const SIGNIFICANT: f64 = 3.0;
/// A cell in which less varies is taken to be empty.
const LEAST_VARIANCE: f64 = 1.0;
/// A segment's deviation already at so many: there are few to choose from, and a ridge holds them to zero.
const SIGNIFICANT_DEVIATION: f64 = 2.0;
/// A shape with fewer effective degrees of freedom says nothing, and is left out.
const LEAST_FREEDOM: f64 = 0.4;
/// Shapes, at first: second differences, first differences, levels and missing values.
const SHAPE_SMOOTHING: [f64; 3] = [300.0, 30.0, 5.0];
/// Pairs, at first: differences along the sides, all cells.
const PAIR_SMOOTHING: [f64; 2] = [30.0, 10.0];
/// When a fit stands (see [`Control`]); one of shapes alone only has to tell which terms are worth having, and the
/// competition's is where the final one starts.
const TOLERANCE: f64 = 0.02;
const FIRST_TOLERANCE: f64 = 0.25;
/// The design effect before it is estimated.
const FIRST_DESIGN_EFFECT: f64 = 1.5;
/// No smoothing parameter falls below this; where there is little to learn from, below that.
const LEAST_SMOOTHING: f64 = 1e-2;
const LEAST_SMOOTHING_SHRUNK: f64 = 3.0;

/// Binned rows to fit on.
pub(crate) struct Binned<'a> {
    pub(crate) features: &'a [BinnedFeature],
    /// The bin of each row, feature by feature.
    pub(crate) codes: &'a [Vec<u16>],
    /// Which features enter only where they add something to the others.
    pub(crate) is_candidate: &'a [bool],
    pub(crate) outcomes: &'a Outcomes,
    /// The segment's position among the features.
    pub(crate) segment: Option<usize>,
    /// The position of the feature that is known where, and only where, a deal is open.
    pub(crate) open_deal: Option<usize>,
}

impl Binned<'_> {
    /// The positions of the features that are no candidates.
    fn settled(&self) -> impl Iterator<Item = usize> {
        (0..self.features.len()).filter(|feature| !self.is_candidate[*feature])
    }
}

/// What an earlier fit to some of the rows has found: which terms are worth having, and how smooth they are.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The features that there were.
    features: Vec<String>,
    intercept: f64,
    terms: Vec<PlannedTerm>,
}

/// A term worth having.
#[derive(Clone, Debug)]
struct PlannedTerm {
    kind: TermKind,
    features: Vec<String>,
    /// How strongly it is held down.
    smoothing: Vec<f64>,
    /// Where it ended.
    parameters: Vec<f64>,
}

impl Plan {
    /// What the blocks of a fit show.
    pub(crate) fn of(blocks: &[Block], fit: &Fit, features: &[BinnedFeature]) -> Self {
        let name = |axis: &Axis| features[axis.feature].name.clone();
        let term = |block: &Block| PlannedTerm {
            kind: block.term.kind,
            features: block.term.axes.iter().map(name).collect(),
            smoothing: block.smoothing.clone(),
            parameters: block.own(&fit.parameters).to_vec(),
        };
        Self {
            features: features.iter().map(|feature| feature.name.clone()).collect(),
            intercept: fit.parameters[0],
            terms: blocks.iter().map(term).collect(),
        }
    }

    /// The planned terms over newly binned rows, and the shapes of features that are new; and where to start from.
    fn blocks(&self, data: &Binned<'_>) -> (Vec<Block>, Vec<f64>) {
        let new: Vec<Block> = data
            .settled()
            .filter(|feature| !self.features.contains(&data.features[*feature].name))
            .map(|feature| shape(data, feature))
            .collect();
        self.resume(data, new, |features, kind| match *features {
            [one] => Some(shape(data, one)),
            [one, other] => Some(pair(&side(data, one), &side(data, other), kind)),
            _ => None,
        })
    }

    /// Blocks for the planned terms, after others that start from nothing; and where to start from.
    fn resume(
        &self,
        data: &Binned<'_>,
        mut blocks: Vec<Block>,
        block: impl Fn(&[usize], TermKind) -> Option<Block>,
    ) -> (Vec<Block>, Vec<f64>) {
        let place = |name: &String| data.features.iter().position(|feature| feature.name == *name);
        let mut start = vec![self.intercept];
        start.resize(1 + blocks.iter().map(Block::cells).sum::<usize>(), 0.0);
        for planned in &self.terms {
            let features = planned.features.iter().map(place).collect::<Option<Vec<usize>>>();
            let Some(block) = features.and_then(|features| block(&features, planned.kind)) else { continue };
            // Cells that are others now start from nothing.
            let same = planned.parameters.len() == block.cells();
            start.extend((0..block.cells()).map(|cell| if same { planned.parameters[cell] } else { 0.0 }));
            blocks.push(Block { smoothing: planned.smoothing.clone(), ..block });
        }
        (blocks, start)
    }
}

/// Fits shapes, held down more strongly where there is little to learn from, and pairs where there is much.
pub(crate) fn fit(data: &Binned<'_>, knowledge: Knowledge, plan: Option<&Plan>) -> Result<(Vec<Block>, Fit)> {
    let labels = &data.outcomes.labels;
    let base = count(labels.iter().filter(|y| **y).count()) / count(labels.len());
    let (mut blocks, start) = match plan {
        Some(plan) => plan.blocks(data),
        None => (data.settled().map(|feature| shape(data, feature)).collect(), vec![logit(base)]),
    };
    let least_smoothing = least_smoothing(knowledge);
    let is_last = knowledge != Knowledge::Full || plan.is_some();
    let tolerance = if is_last { TOLERANCE } else { FIRST_TOLERANCE };
    let control = Control { least_smoothing, tolerance, design_effect: FIRST_DESIGN_EFFECT, is_warm: plan.is_some() };
    let first = penalised::fit(&mut blocks, data.outcomes, start, control)?;
    if is_last {
        return Ok((blocks, first));
    }
    // Shapes that say nothing are left out; candidates and pairs that say something come in.
    let (mut kept, start) = worth_having(blocks, &first, |_| false);
    let residuals = Residuals::of(&first, data.outcomes);
    let candidates = candidates(data, &residuals);
    kept.extend(candidates.iter().map(|feature| shape(data, *feature)));
    kept.extend(pairs(data, &data.settled().chain(candidates).collect::<Vec<usize>>(), &residuals));
    let control = Control { tolerance: TOLERANCE, design_effect: first.design_effect, is_warm: true, ..control };
    let fit = penalised::fit(&mut kept, data.outcomes, start, control)?;
    Ok((kept, fit))
}

/// The blocks that say something or must stay, and the parameters that a fit has found for them.
fn worth_having(blocks: Vec<Block>, fit: &Fit, must_stay: impl Fn(&Block) -> bool) -> (Vec<Block>, Vec<f64>) {
    let mut start = vec![fit.parameters[0]];
    let mut kept = Vec::with_capacity(blocks.len());
    for (block, freedom) in blocks.into_iter().zip(&fit.freedom) {
        if *freedom >= LEAST_FREEDOM || must_stay(&block) {
            start.extend_from_slice(block.own(&fit.parameters));
            kept.push(block);
        }
    }
    (kept, start)
}

/// Fits how rows with an open deal deviate from the log-odds known of them: the shape of the deal's own feature, and a
/// deviation of every other one along the axis given.
pub(crate) fn fit_deviations(
    data: &Binned<'_>,
    deal: &Axis,
    knowledge: Knowledge,
    plan: Option<&Plan>,
) -> Result<(Vec<Block>, Fit)> {
    let along = PairSide {
        ordered: 0,
        codes: data.codes[deal.feature].iter().map(|bin| deal.cells[usize::from(*bin)]).collect(),
        axis: deal.clone(),
    };
    let block = |feature: usize| {
        if feature == deal.feature {
            shape(data, feature)
        } else {
            pair(&along, &side(data, feature), TermKind::Deviation)
        }
    };
    let is_new = |feature: &usize| plan.is_none_or(|plan| !plan.features.contains(&data.features[*feature].name));
    let new: Vec<Block> = data.settled().filter(is_new).map(block).collect();
    let (mut blocks, start) = match plan {
        Some(plan) => plan.resume(data, new, |features, _| features.last().map(|feature| block(*feature))),
        None => (new, vec![0.0]),
    };
    let control = Control {
        least_smoothing: least_smoothing(knowledge),
        tolerance: if plan.is_some() { TOLERANCE } else { FIRST_TOLERANCE },
        design_effect: FIRST_DESIGN_EFFECT,
        is_warm: plan.is_some(),
    };
    let first = penalised::fit(&mut blocks, data.outcomes, start, control)?;
    if plan.is_some() {
        return Ok((blocks, first));
    }
    // The level of rows with a deal goes into the shape of its feature, which stays for that.
    let (mut kept, start) = worth_having(blocks, &first, |block| block.term.kind == TermKind::Shape);
    let control = Control { tolerance: TOLERANCE, design_effect: first.design_effect, is_warm: true, ..control };
    let fit = penalised::fit(&mut kept, data.outcomes, start, control)?;
    Ok((kept, fit))
}

/// The cell of each row that a term has, by the bins of its features.
pub(crate) fn codes(term: &Term, bins: &[Vec<u16>]) -> Vec<u16> {
    let rows = bins.first().map_or(0, Vec::len);
    let cell = |row: usize| {
        term.axes
            .iter()
            .fold(0, |cell, axis| cell * narrow(axis.len) + axis.cells[usize::from(bins[axis.feature][row])])
    };
    (0..rows).map(cell).collect()
}

fn least_smoothing(knowledge: Knowledge) -> f64 {
    if knowledge == Knowledge::Full { LEAST_SMOOTHING } else { LEAST_SMOOTHING_SHRUNK }
}

fn shape(data: &Binned<'_>, feature: usize) -> Block {
    let bins = &data.features[feature].bins;
    let ordered = match bins {
        Bins::Numbers { edges } => edges.len() + 1,
        Bins::Levels { .. } => 0,
    };
    let size = bins.len();
    let mut ridge = Mat::zeros(size, size);
    for i in ordered..size {
        ridge[(i, i)] = 1.0;
    }
    Block {
        term: Term::shape(feature, vec![0.0; size]),
        codes: data.codes[feature].clone(),
        penalties: vec![differences(size, ordered, 2), differences(size, ordered, 1), ridge],
        smoothing: SHAPE_SMOOTHING.to_vec(),
        first: 0,
    }
}

/// `DᵀD` of the first or second differences of the first `ordered` of `size` cells.
fn differences(size: usize, ordered: usize, order: usize) -> Mat<f64> {
    let difference: &[f64] = if order == 1 { &[-1.0, 1.0] } else { &[1.0, -2.0, 1.0] };
    let mut form = Mat::zeros(size, size);
    for start in 0..(ordered + 1).saturating_sub(difference.len()) {
        for (a, x) in difference.iter().enumerate() {
            for (b, y) in difference.iter().enumerate() {
                form[(start + a, start + b)] += x * y;
            }
        }
    }
    form
}

/// One side of a pair, as seen in the rows.
struct PairSide {
    axis: Axis,
    /// How many of its first cells are ordered.
    ordered: usize,
    codes: Vec<u16>,
}

/// A coarser side for a pair: neighbouring bins joined to about equally many rows, levels as they are (the rarest
/// joined), a cell of its own for a missing value where any is.
fn side(data: &Binned<'_>, feature: usize) -> PairSide {
    let bins = &data.features[feature].bins;
    let most = if data.segment == Some(feature) { MOST_SEGMENTS } else { MOST_SIDE };
    let mut counts = vec![0_usize; bins.len()];
    for code in &data.codes[feature] {
        counts[usize::from(*code)] += 1;
    }
    let missing = bins.missing();
    let mut cells = vec![0; bins.len()];
    let mut next = 0;
    match bins {
        Bins::Numbers { .. } => {
            let (mut left, mut in_cell) = (counts[..missing].iter().sum::<usize>(), 0);
            for bin in 0..missing {
                cells[bin] = narrow(next);
                in_cell += counts[bin];
                if in_cell > 0 && in_cell * (most - next) >= left && bin + 1 < missing && next + 1 < most {
                    left -= in_cell;
                    in_cell = 0;
                    next += 1;
                }
            }
            next += 1;
        }
        Bins::Levels { .. } => {
            let mut commonest: Vec<usize> = (0..missing).collect();
            commonest.sort_by_key(|bin| (Reverse(counts[*bin]), *bin));
            for (place, bin) in commonest.iter().enumerate() {
                cells[*bin] = narrow(place.min(most - 1));
            }
            next = missing.min(most);
        }
    }
    let ordered = if matches!(bins, Bins::Numbers { .. }) { next } else { 0 };
    // A missing value has a cell of its own even where none was seen: such a cell stays at nothing.
    cells[missing] = narrow(next);
    next += 1;
    let codes = data.codes[feature].iter().map(|bin| cells[usize::from(*bin)]).collect();
    PairSide { axis: Axis { feature, cells, len: next }, ordered, codes }
}

/// What the shapes leave unexplained.
struct Residuals {
    /// Outcome less propensity, row by row.
    differences: Vec<f64>,
    /// Their variances, were rows independent.
    variances: Vec<f64>,
    /// How much larger they are, since rows of one customer are not.
    design_effect: f64,
}

impl Residuals {
    fn of(fit: &Fit, outcomes: &Outcomes) -> Self {
        Self {
            differences: residuals(&fit.propensities, &outcomes.labels).collect(),
            variances: fit.propensities.iter().map(|p| p * (1.0 - p)).collect(),
            design_effect: fit.design_effect,
        }
    }

    /// The rows' residuals and variances, each with the cell that a row lies in, summed up by cell.
    fn by_cell(&self, cells: usize, of_row: impl Iterator<Item = usize>) -> Vec<(f64, f64)> {
        let mut sums = vec![(0.0, 0.0); cells];
        for ((cell, residual), variance) in of_row.zip(&self.differences).zip(&self.variances) {
            sums[cell].0 += residual;
            sums[cell].1 += variance;
        }
        sums
    }

    /// By how many standard deviations the cells' squared residuals are more than chance would give them, where so many
    /// degrees of freedom have been used up already.
    fn score(&self, cells: &[(f64, f64)], used_up: f64) -> f64 {
        let seen = cells.iter().filter(|(_, variance)| *variance > LEAST_VARIANCE);
        let statistic = seen.clone().map(|(r, w)| r * r / w).sum::<f64>() / self.design_effect;
        let freedom = count(seen.count()) - used_up;
        if freedom < 1.0 { 0.0 } else { (statistic - freedom) / (2.0 * freedom).sqrt() }
    }
}

/// The candidates that say most beyond the shapes. Of the same measure over several windows the best one: they are nearly the
/// same.
fn candidates(data: &Binned<'_>, residuals: &Residuals) -> Vec<usize> {
    let mut best: BTreeMap<&str, (f64, usize)> = BTreeMap::new();
    for feature in (0..data.features.len()).filter(|feature| data.is_candidate[*feature]) {
        let BinnedFeature { name, bins } = &data.features[feature];
        let cells = residuals.by_cell(bins.len(), data.codes[feature].iter().map(|bin| usize::from(*bin)));
        let found = (residuals.score(&cells, 1.0), feature);
        let measure = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let one = best.entry(measure).or_insert(found);
        if found.0 > one.0 {
            *one = found;
        }
    }
    let mut found: Vec<(f64, usize)> = best.into_values().filter(|(score, _)| *score >= SIGNIFICANT).collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    found.truncate(MOST_CANDIDATES);
    found.into_iter().map(|(_, feature)| feature).collect()
}

/// The pairs among some features that say most beyond the shapes, deviations of segments among them.
fn pairs(data: &Binned<'_>, features: &[usize], residuals: &Residuals) -> Vec<Block> {
    let sides: Vec<PairSide> = features.iter().map(|feature| side(data, *feature)).collect();
    let is_segment = |side: &PairSide| Some(side.axis.feature) == data.segment;
    let mut found: Vec<(f64, usize, usize)> = Vec::new();
    for i in 0..sides.len() {
        for j in 0..i {
            let score = interaction(&sides[i], &sides[j], residuals);
            let is_deviation = is_segment(&sides[i]) || is_segment(&sides[j]);
            if score >= if is_deviation { SIGNIFICANT_DEVIATION } else { SIGNIFICANT } {
                found.push((score, i, j));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.truncate(MOST_PAIRS);
    found
        .into_iter()
        .map(|(_, i, j)| match (is_segment(&sides[i]), is_segment(&sides[j])) {
            (_, true) => pair(&sides[j], &sides[i], TermKind::Deviation),
            (true, _) => pair(&sides[i], &sides[j], TermKind::Deviation),
            _ => pair(&sides[j], &sides[i], TermKind::Pair),
        })
        .collect()
}

/// The score test of a pair beyond its two sides, in standard deviations: the cells' squared residuals over their
/// variances, less those that the sides explain alone.
fn interaction(one: &PairSide, other: &PairSide, residuals: &Residuals) -> f64 {
    let (rows, columns) = (one.axis.len, other.axis.len);
    if rows < 2 || columns < 2 {
        return 0.0;
    }
    let cell = one.codes.iter().zip(&other.codes).map(|(a, b)| usize::from(*a) * columns + usize::from(*b));
    let mut cells = residuals.by_cell(rows * columns, cell);
    // Take out what the sides say alone, by a few rounds of weighted sweeping.
    for _ in 0..4 {
        for a in 0..rows {
            sweep(&mut cells, (0..columns).map(|b| a * columns + b));
        }
        for b in 0..columns {
            sweep(&mut cells, (0..rows).map(|a| a * columns + b));
        }
    }
    // Lines that no row lies in take no degree of freedom.
    let seen = |a: usize, b: usize| cells[a * columns + b].1 > LEAST_VARIANCE;
    let seen_rows = (0..rows).filter(|a| (0..columns).any(|b| seen(*a, b))).count();
    let seen_columns = (0..columns).filter(|b| (0..rows).any(|a| seen(a, *b))).count();
    residuals.score(&cells, count(seen_rows + seen_columns) - 1.0)
}

/// Takes the mean residual of a line of cells out of each.
fn sweep(cells: &mut [(f64, f64)], line: impl Iterator<Item = usize> + Clone) {
    let (sum, weight) = line.clone().fold((0.0, 1e-9), |(r, w), i| (r + cells[i].0, w + cells[i].1));
    for i in line {
        cells[i].0 -= sum / weight * cells[i].1;
    }
}

fn pair(one: &PairSide, other: &PairSide, kind: TermKind) -> Block {
    let (rows, columns) = (one.axis.len, other.axis.len);
    let size = rows * columns;
    let width = narrow(columns);
    let along = |by_row: bool| {
        let (r, c) = if by_row {
            (Mat::identity(rows, rows), differences(columns, other.ordered, 1))
        } else {
            (differences(rows, one.ordered, 1), Mat::identity(columns, columns))
        };
        Mat::from_fn(size, size, |i, j| r[(i / columns, j / columns)] * c[(i % columns, j % columns)])
    };
    // Segments have no order: a deviation is smooth along its feature only.
    let smooth = if kind == TermKind::Deviation { along(true) } else { along(true) + along(false) };
    Block {
        term: Term { kind, axes: vec![one.axis.clone(), other.axis.clone()], weights: vec![0.0; size] },
        codes: one.codes.iter().zip(&other.codes).map(|(a, b)| a * width + b).collect(),
        penalties: vec![smooth, Mat::identity(size, size)],
        smoothing: PAIR_SMOOTHING.to_vec(),
        first: 0,
    }
}

fn narrow(i: usize) -> u16 {
    u16::try_from(i).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rarest_of_many_segments_share_a_cell() {
        let names = (0..40).map(|segment| format!("{segment:02}")).collect();
        let features = [BinnedFeature { name: "segment".to_owned(), bins: Bins::Levels { names } }];
        let rows = |segment: u16| std::iter::repeat_n(segment, usize::from(100 - segment));
        let codes = [(0..40).flat_map(rows).collect::<Vec<u16>>()];
        let outcomes = Outcomes { labels: Vec::new(), customers: Vec::new(), known: Vec::new() };
        let data = Binned {
            features: &features,
            codes: &codes,
            outcomes: &outcomes,
            segment: Some(0),
            open_deal: None,
            is_candidate: &[false],
        };
        let PairSide { axis, .. } = side(&data, 0);
        // Eleven of their own, one of the others and of segments never seen, one of customers without a segment.
        assert_eq!((axis.cells.len(), axis.len), (42, MOST_SEGMENTS + 1));
        assert_eq!(axis.cells[..11], (0..11).collect::<Vec<u16>>());
        assert!(axis.cells[11..41].iter().all(|cell| *cell == 11));
        assert_eq!(axis.cells[41], 12);
    }
}
