//! What is usual among customers, and how segments differ.

use std::collections::{BTreeMap, BTreeSet};

use expansion_domain::{Id, Instant, SourceData, count};
use expansion_features::{Column, Dataset, Frame, Value};
use expansion_model::{
    AdditiveModel, Axis, BinnedFeature, FactorValue, Profile, Profiles, SegmentCalibration, SegmentPattern,
    StrongFactor, Term, TermKind, Usual, quantile, sigmoid,
};

use crate::bins::codes;
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
    let all: Vec<usize> = (0..now.customers.len()).collect();
    let profile = |segment: Option<&str>, rows: &[usize]| Profile {
        customers: rows.len(),
        wins_by_quarter: wins_by_quarter(source, as_of, segment),
        features: usual(&now.frame, rows),
    };
    let segments = groups.iter().map(|(name, rows)| (name.to_string(), profile(Some(name), rows))).collect();
    Profiles { overall: profile(None, &all), segments }
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

/// Won deals by calendar quarter, in whole years back from `as_of`, so that no quarter is there more often than others.
fn wins_by_quarter(source: &SourceData, as_of: Instant, segment: Option<&str>) -> [usize; 4] {
    let of_group = || source.customers.iter().filter(|c| segment.is_none_or(|name| c.segment.as_deref() == Some(name)));
    let won = || of_group().flat_map(|history| won_by(history, as_of)).filter_map(|deal| deal.closed_at);
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
    let by_segment = grouped(all.len(), &segment_of);
    let overall = strengths(model, data, &all)?;
    let pattern = |(segment, rows): (Option<&Id>, &Vec<usize>)| -> Result<SegmentPattern> {
        let expansions = rows.iter().filter(|row| data.labels[**row].expanded).count();
        let base_rate = count(expansions) / count(rows.len());
        let rate = vec![base_rate; rows.len()];
        let calibration = held_out.and_then(|(split, tried)| {
            let of_group = |i: &usize| segment.is_none() || segment_of(split.held_out[*i]).as_ref() == segment;
            let places: Vec<usize> = (0..split.held_out.len()).filter(of_group).collect();
            (!places.is_empty()).then(|| {
                let rows: Vec<usize> = places.iter().map(|i| split.held_out[*i]).collect();
                let predicted: Vec<f64> = places.iter().map(|i| sigmoid(tried.log_odds[*i])).collect();
                let observed = count(rows.iter().filter(|row| data.labels[**row].expanded).count()) / count(rows.len());
                SegmentCalibration {
                    rows: rows.len(),
                    predicted: predicted.iter().sum::<f64>() / count(rows.len()),
                    observed,
                    observed_interval: interval(data, &rows, observed, &predicted),
                }
            })
        });
        let strength = if segment.is_none() { overall.clone() } else { strengths(model, data, rows)? };
        let mut factors: Vec<StrongFactor> = (0..model.features.len())
            .filter(|feature| strength[*feature] > 0.0)
            .map(|feature| StrongFactor {
                feature: model.features[feature].name.clone(),
                strength: strength[feature],
                overall_strength: overall[feature],
                deviation: segment.and_then(|_| deviation(model, data, feature, rows)).unwrap_or_default(),
            })
            .collect();
        factors.sort_by(|a, b| b.strength.total_cmp(&a.strength).then_with(|| a.feature.cmp(&b.feature)));
        factors.truncate(STRONGEST);
        let customers: BTreeSet<u32> = rows.iter().map(|row| data.customers[*row]).collect();
        Ok(SegmentPattern {
            segment: segment.map(Id::to_string),
            rows: rows.len(),
            customers: customers.len(),
            expansions,
            base_rate,
            base_rate_interval: interval(data, rows, base_rate, &rate),
            calibration,
            strongest_factors: factors,
        })
    };
    let segments = by_segment.iter().map(|(segment, rows)| (Some(segment), rows));
    [(None, &all)].into_iter().filter(|_| !all.is_empty()).chain(segments).map(pattern).collect()
}

/// Standard deviation of what each feature adds to the log-odds of some rows.
fn strengths(model: &AdditiveModel, data: &Dataset, rows: &[usize]) -> Result<Vec<f64>> {
    let width = model.features.len();
    let (mut sums, mut squares) = (vec![0.0; width], vec![0.0; width]);
    scorer(model, data)?.each(&data.frame.take(rows), |_, _, contributions| {
        for (feature, contribution) in contributions.iter().enumerate() {
            sums[feature] += contribution;
            squares[feature] += contribution * contribution;
        }
    });
    let n = count(rows.len()).max(1.0);
    Ok(sums.iter().zip(&squares).map(|(sum, square)| (square / n - (sum / n).powi(2)).max(0.0).sqrt()).collect())
}

/// The root mean square of a feature's segment deviations among some rows; `None` where the model has none.
fn deviation(model: &AdditiveModel, data: &Dataset, feature: usize, rows: &[usize]) -> Option<f64> {
    let of_segments = |term: &&Term| {
        let [by, along] = &*term.axes else { return false };
        term.kind == TermKind::Deviation && along.feature == feature && model.features[by.feature].name == SEGMENT
    };
    let term = model.terms.iter().find(of_segments)?;
    let cells = |axis: &Axis| -> Option<Vec<u16>> {
        let BinnedFeature { name, bins } = &model.features[axis.feature];
        let bins = codes(bins, data.frame.column(name)?, rows);
        Some(bins.into_iter().map(|bin| axis.cells[usize::from(bin)]).collect())
    };
    let (segments, values) = (cells(&term.axes[0])?, cells(&term.axes[1])?);
    let square = |(a, b): (&u16, &u16)| term.weights[usize::from(*a) * term.axes[1].len + usize::from(*b)].powi(2);
    Some((segments.iter().zip(&values).map(square).sum::<f64>() / count(rows.len()).max(1.0)).sqrt())
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
