//! `GET /api/analytics/expansion-propensity/segments`: how the segments differ.

use expansion_domain::RunId;
use expansion_model::{Manifest, SegmentPattern};
use expansion_records::Run;
use schemars::JsonSchema;
use serde::Serialize;

/// What the current run's model found, by segment.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SegmentsAnswer {
    /// The run.
    pub run_id: RunId,
    /// Its model.
    pub model_id: String,
    /// The label window in days: rates and propensities are of an expansion within it.
    pub horizon_days: u16,
    /// All customers first, then segment by segment.
    pub data: Vec<SegmentPattern>,
}

/// The answer for a run with the manifest of its model.
#[must_use]
pub fn segments_answer(run: &Run, manifest: Manifest) -> SegmentsAnswer {
    SegmentsAnswer {
        run_id: run.run_id.clone(),
        model_id: manifest.model_id,
        horizon_days: manifest.horizon_days,
        data: manifest.patterns,
    }
}
