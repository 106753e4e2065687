//! Which version of the program answers, and of which features and models.

use expansion_features::FEATURE_SET_VERSION;
use expansion_model::ARTIFACT_SCHEMA_VERSION;
use schemars::JsonSchema;
use serde::Serialize;

/// Versions, to tell deployments apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct VersionAnswer {
    /// The program's.
    pub version: &'static str,
    /// That of the features' definitions.
    pub feature_set: u32,
    /// That of the models' stored form.
    pub model_schema: u32,
}

/// The version of this program.
pub fn version() -> VersionAnswer {
    VersionAnswer {
        version: env!("CARGO_PKG_VERSION"),
        feature_set: FEATURE_SET_VERSION,
        model_schema: ARTIFACT_SCHEMA_VERSION,
    }
}
