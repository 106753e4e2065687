//! What is usual among customers, and how segments differ.

use std::collections::{BTreeMap, BTreeSet};

use expansion_domain::{Id, Instant, SourceData, count};
use expansion_features::{Column, Dataset, Frame, Value};
use expansion_model::{
    AdditiveModel, Axis, BinnedFeature, FactorValue, Profile, Profiles, SegmentCalibration, SegmentPattern,
    StrongFactor, Term, TermKind, Usual, quantile, sigmoid,
};

use crate::outcomes::{Outcomes, design_effect, grouped, segments, won_by};
use crate::propensity::{Tried, scorer};
use crate::split::Split;
use crate::{Result, SEGMENT};

/// A feature that fewer of a group's customers have says nothing about the group.
const LEAST_VALUES: usize = 20;
/// The ends of the usual range.
const RANGE: [f64; 2] = [0.05, 0.95];
/// Strong factors named by segment.
const STRONGEST: usize = 8;
/// Half the width of a 90 % interval, in standard deviations.
const Z_90: f64 = 1.645;

/// What is usual among the customers known at `as_of`, whose snapshots are given with their positions in the source.
pub(crate) fn profiles(source: &SourceData, as_of: Instant, now: &Dataset) -> Profiles {
    let segment_of = |row: usize| source.customers[now.customers[row] as usize].segment.clone();
    let groups = grouped(now.customers.len(), segment_of);
    // Those who have left since bought too.
    let of_segment = grouped(source.customers.len(), |place| source.customers[place].segment.as_deref());
    let all: Vec<usize> = (0..now.customers.len()).collect();
    let everybody: Vec<usize> = (0..source.customers.len()).collect();
    let profile = |rows: &[usize], customers: &[usize]| Profile {
        customers: rows.len(),
        wins_by_quarter: wins_by_quarter(source, customers, as_of),
        features: usual(&now.frame, rows),
    };
    let segments = groups.iter().map(|(name, rows)| (name.to_string(), profile(rows, &of_segment[&**name]))).collect();
    Profiles { overall: profile(&all, &everybody), segments }
}

/// What is usual of each feature in some rows.
fn usual(frame: &Frame, rows: &[usize]) -> BTreeMap<String, Usual> {
    let of_column = |column: &Column| match column {
        Column::Numbers(values) => {
            let mut known: Vec<f64> = rows.iter().map(|row| values[*row]).filter(|value| !value.is_nan()).collect();
            known.sort_unstable_by(f64::total_cmp);
            let typical = quantile(&known, 0.5).filter(|_| known.len() >= LEAST_VALUES)?;
            let range = RANGE.map(|q| quantile(&known, q).unwrap_or(typical));
            let extremes = known.first().zip(known.last()).map(|(least, most)| [*least, *most]);
            Some(Usual { typical: FactorValue::Number(typical), range: Some(range), extremes })
        }
        Column::Levels { .. } => {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for row in rows {
                if let Value::Level(level) = column.value(*row) {
                    *counts.entry(level.to_string()).or_default() += 1;
                }
            }
            let commonest = counts.iter().max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)));
            let commonest = commonest.filter(|_| counts.values().sum::<usize>() >= LEAST_VALUES);
            let typical = commonest.map(|(level, _)| FactorValue::Level(level.as_str().into()));
            typical.map(|typical| Usual { typical, range: None, extremes: None })
        }
    };
    frame
        .names
        .iter()
        .zip(&frame.columns)
        .filter_map(|(name, column)| Some((name.clone(), of_column(column)?)))
        .collect()
}

/// Won deals of some customers (their places in the source) by calendar quarter, in whole years back from `as_of`, so that no quarter is there more often
/// than others.
fn wins_by_quarter(source: &SourceData, customers: &[usize], as_of: Instant) -> [usize; 4] {
    let histories = || customers.iter().map(|place| &source.customers[*place]);
    let won = || histories().flat_map(|history| won_by(history, as_of)).filter_map(|deal| deal.closed_at);
    let mut quarters = [0; 4];
    let years = won().min().map_or(0.0, |first| (as_of.days_since(first) / 365.25).floor());
    for closed in won().filter(|closed| as_of.days_since(*closed) < years * 365.25) {
        quarters[closed.quarter()] += 1;
    }
    quarters
}

/// How the segments differ, all customers first.
pub(crate) fn patterns(
    model: &AdditiveModel,
    data: &Dataset,
    held_out: Option<(&Split, &Tried)>,
) -> Result<Vec<SegmentPattern>> {
    let Some(segment_of) = segments(data) else { return Ok(Vec::new()) };
    let all: Vec<usize> = (0..data.labels.len()).collect();
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let by_segment = grouped(all.len(), &segment_of);
    let held_out_rows = held_out.map_or(&[][..], |(split, _)| &split.held_out);
    let all_held_out: Vec<usize> = (0..held_out_rows.len()).collect();
    let held_out_by_segment = grouped(held_out_rows.len(), |place| segment_of(held_out_rows[place]));
    // Everything of all segments in one pass over the rows: there may be as many segments as customers.
    let mut group_of = vec![None; all.len()];
    for (group, rows) in by_segment.values().enumerate() {
        for row in rows {
            group_of[*row] = Some(group);
        }
    }
    let Strengths { overall, by_group } = strengths(model, data, &group_of, by_segment.len())?;
    let deviations: Vec<Option<Vec<f64>>> = (0..model.features.len())
        .map(|feature| deviations(model, data, feature, (&group_of, by_segment.len())))
        .collect();
    let pattern = |segment: Option<(usize, &Id)>, rows: &[usize], places: &[usize]| {
        let expansions = rows.iter().filter(|row| data.labels[**row].expanded).count();
        let base_rate = count(expansions) / count(rows.len());
        let rate = vec![base_rate; rows.len()];
        let calibration = held_out.filter(|_| !places.is_empty()).map(|(split, tried)| {
            let rows: Vec<usize> = places.iter().map(|i| split.held_out[*i]).collect();
            let predicted: Vec<f64> = places.iter().map(|i| sigmoid(tried.log_odds[*i])).collect();
            let observed = count(rows.iter().filter(|row| data.labels[**row].expanded).count()) / count(rows.len());
            SegmentCalibration {
                rows: rows.len(),
                predicted: predicted.iter().sum::<f64>() / count(rows.len()),
                observed,
                observed_interval: interval(data, &rows, observed, &predicted),
            }
        });
        let strength = segment.map_or(&overall, |(group, _)| &by_group[group]);
        let deviation = |feature: usize| Some(deviations[feature].as_ref()?[segment?.0]);
        let mut factors: Vec<StrongFactor> = (0..model.features.len())
            .filter(|feature| strength[*feature] > 0.0)
            .map(|feature| StrongFactor {
                feature: model.features[feature].name.clone(),
                strength: strength[feature],
                overall_strength: overall[feature],
                deviation: deviation(feature).unwrap_or_default(),
            })
            .collect();
        factors.sort_by(|a, b| b.strength.total_cmp(&a.strength).then_with(|| a.feature.cmp(&b.feature)));
        factors.truncate(STRONGEST);
        let customers: BTreeSet<u32> = rows.iter().map(|row| data.customers[*row]).collect();
        SegmentPattern {
            segment: segment.map(|(_, name)| name.to_string()),
            rows: rows.len(),
            customers: customers.len(),
            expansions,
            base_rate,
            base_rate_interval: interval(data, rows, base_rate, &rate),
            calibration,
            strongest_factors: factors,
        }
    };
    let of_segment = |(group, (segment, rows)): (usize, (&Id, &Vec<usize>))| {
        let places = held_out_by_segment.get(segment).map_or(&[][..], |places| places);
        pattern(Some((group, segment)), rows, places)
    };
    let whole = pattern(None, &all, &all_held_out);
    Ok([whole].into_iter().chain(by_segment.iter().enumerate().map(of_segment)).collect())
}

/// Standard deviation of what each feature adds to the log-odds.
struct Strengths {
    /// Of all rows.
    overall: Vec<f64>,
    /// Of each group's.
    by_group: Vec<Vec<f64>>,
}

/// What some rows' contributions add up to, by feature.
#[derive(Clone)]
struct Moments {
    rows: usize,
    sums: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    fn add(&mut self, contributions: &[f64]) {
        self.rows += 1;
        for ((sum, square), contribution) in self.sums.iter_mut().zip(&mut self.squares).zip(contributions) {
            *sum += contribution;
            *square += contribution * contribution;
        }
    }

    fn deviations(&self) -> Vec<f64> {
        let n = count(self.rows).max(1.0);
        let deviation = |(sum, square): (&f64, &f64)| (square / n - (sum / n).powi(2)).max(0.0).sqrt();
        self.sums.iter().zip(&self.squares).map(deviation).collect()
    }
}

/// The strengths of all features among all rows, and in each of so many groups.
fn strengths(model: &AdditiveModel, data: &Dataset, group_of: &[Option<usize>], groups: usize) -> Result<Strengths> {
    let width = model.features.len();
    let mut overall = Moments { rows: 0, sums: vec![0.0; width], squares: vec![0.0; width] };
    let mut by_group = vec![overall.clone(); groups];
    scorer(model, data)?.each(&data.frame, |row, _, contributions| {
        overall.add(contributions);
        if let Some(group) = group_of[row] {
            by_group[group].add(contributions);
        }
    });
    Ok(Strengths { overall: overall.deviations(), by_group: by_group.iter().map(Moments::deviations).collect() })
}

/// The root mean square of a feature's segment deviations in each of so many groups of rows; `None` where the model has none.
fn deviations(
    model: &AdditiveModel,
    data: &Dataset,
    feature: usize,
    (group_of, groups): (&[Option<usize>], usize),
) -> Option<Vec<f64>> {
    let of_segments = |term: &&Term| {
        let [by, along] = &*term.axes else { return false };
        term.kind == TermKind::Deviation && along.feature == feature && model.features[by.feature].name == SEGMENT
    };
    let term = model.terms.iter().find(of_segments)?;
    let cells = |axis: &Axis| -> Option<Vec<u16>> {
        let BinnedFeature { name, bins } = &model.features[axis.feature];
        let mut codes = vec![0; data.frame.rows];
        bins.fill(data.frame.column(name)?, 0..data.frame.rows, &mut codes);
        Some(codes.into_iter().map(|bin| axis.cells[usize::from(bin)]).collect())
    };
    let (segments, values) = (cells(&term.axes[0])?, cells(&term.axes[1])?);
    let square = |(a, b): (&u16, &u16)| term.weights[usize::from(*a) * term.axes[1].len + usize::from(*b)].powi(2);
    let mut sums = vec![(0.0, 0_usize); groups];
    for (square, group) in segments.iter().zip(&values).map(square).zip(group_of) {
        if let Some(group) = group {
            sums[*group].0 += square;
            sums[*group].1 += 1;
        }
    }
    Some(sums.into_iter().map(|(sum, rows)| (sum / count(rows).max(1.0)).sqrt()).collect())
}

/// Wilson's 90 % interval of a share of some rows, which count for fewer by the design effect of repeated customers.
fn interval(data: &Dataset, rows: &[usize], share: f64, propensities: &[f64]) -> [f64; 2] {
    let effect = design_effect(propensities, &Outcomes::of(data, rows));
    let n = count(rows.len()) / if effect.is_finite() { effect } else { 1.0 };
    let z2 = Z_90 * Z_90;
    let centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z_90 * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
    [(centre - half).max(0.0), (centre + half).min(1.0)]
}
