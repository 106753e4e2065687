//! Why a score moved since the run before.
//!
//! The change is split in three, in this order: what facts learned or corrected since would have changed about the score
//! then; what changed about the customer, as the model of then sees it, by feature; and what the new model sees otherwise.
//! The customer's former values are taken from the source as it stands now: that tells corrections from changes.

use expansion_domain::CustomerHistory;
use expansion_features::{FEATURES, Inputs, Snapshot};
use expansion_model::{Apportioned, apportion, exact_points, points_of, sigmoid};
use expansion_records::{MovedFactor, Movement, Previous};

use crate::{Before, OTHER, Scored};

/// Takes the change from `previous`, the score stored then, apart; or says why that cannot be done.
pub(crate) fn movement(
    scored: &Scored<'_>,
    before: &Before<'_>,
    history: &CustomerHistory,
    previous: Previous,
) -> Result<Movement, String> {
    let (run, previous) = (scored.run, i32::from(previous.propensity_score));
    let known = history.known(before.as_of).ok_or("by what is known now they were not a customer then")?;
    let then = Inputs { known, catalogue: &run.catalogue, tables: run.tables, slots: before.slots };
    let snapshot = then.snapshot();
    // As the model of then sees them: its slots may stand for other metrics.
    let now = Inputs { slots: before.slots, ..scored.inputs };
    let changed = if *before.slots == run.model.slots { scored.snapshot.clone() } else { now.snapshot() };
    let by_then = |bins: &[u16]| {
        let mut contributions = vec![0.0; bins.len()];
        let score = before.scorer.score(bins, &mut contributions);
        (score.log_odds, contributions)
    };
    let (start, from) = by_then(&before.scorer.bins(&snapshot));
    let (middle, to) = by_then(&before.scorer.bins(&changed));
    let end = run.model.propensity.intercept + scored.contributions.iter().sum::<f64>();

    let moves: Vec<f64> = from.iter().zip(&to).map(|(from, to)| to - from).collect();
    let [recomputed, with_data, score] = [start, middle, end].map(|log_odds| points_of(sigmoid(log_odds)));
    let Apportioned { parts, mut other } = apportion(&exact_points(start, &moves), with_data - recomputed);
    let columns = before.scorer.columns();
    let mut factors: Vec<MovedFactor> = Vec::with_capacity(parts.len());
    for (part, points) in parts {
        let feature = &FEATURES[columns[part]];
        let said = |inputs: &Inputs<'_>, of: &Snapshot| feature.describe(inputs, &of.values[columns[part]]);
        let (before, after) = (said(&then, &snapshot), said(&now, &changed));
        if before == after {
            // The values differ by less than one would say.
            other += points;
        } else {
            factors.push(MovedFactor { feature: feature.name.to_owned(), before, after, points });
        }
    }
    factors.sort_by(|a, b| b.points.cmp(&a.points).then_with(|| a.feature.cmp(&b.feature)));
    if other != 0 {
        let label = "All other changes, too small to put in words".to_owned();
        factors.push(MovedFactor { feature: OTHER.to_owned(), before: String::new(), after: label, points: other });
    }
    Ok(Movement {
        since: before.calculated_at,
        delta: score - previous,
        factors,
        model_points: score - with_data,
        correction_points: recomputed - previous,
    })
}
