//! What the customers of a run are compared with.

use expansion_domain::{Instant, SourceData};
use expansion_features::{Catalogue, Inputs};
use expansion_model::{Model, Scorer, UnknownFeature};
use expansion_records::{GradeShares, Yardstick};

use crate::stands;

/// Scores all customers of a source and sums up how likely those of each standing are to expand. Made before the first
/// shard is scored, since a shard knows only its own customers.
pub fn yardstick(
    model: &Model,
    source: &SourceData,
    as_of: Instant,
    stale_deal_days: u16,
    shares: GradeShares,
) -> Result<Yardstick, UnknownFeature> {
    let scorer = Scorer::new(&model.propensity)?;
    let catalogue = Catalogue::new(&source.products);
    let mut contributions = vec![0.0; model.propensity.features.len()];
    let customers = source.customers.iter().filter_map(|history| {
        let known = history.known(as_of)?;
        let inputs = Inputs { known, catalogue: &catalogue, tables: &source.tables, slots: &model.slots };
        let propensity = scorer.score(&scorer.bins(&inputs.snapshot()), &mut contributions).propensity;
        Some((stands(&inputs, stale_deal_days).standing, history.segment.clone(), propensity))
    });
    Ok(Yardstick::of(customers, shares))
}
