//! `GET` and `POST /api/analytics/expansion-propensity/models`: which model is live, and why.

use expansion_domain::{ModelAction, ModelCommandRequested};
use expansion_records::{ChampionModel, ModelRecord};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{Principal, Problem};

/// The models on record.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ModelsAnswer {
    /// The live one; `null` before the first.
    pub champion: Option<ChampionModel>,
    /// The newest, newest first, each with its figures out of time, verdict and decision.
    pub data: Vec<ModelRecord>,
}

/// What a model command's schema must have beside it: which model goes with which action.
pub(crate) fn conditions() -> Value {
    json!({
        "if": {"properties": {"action": {"const": ModelAction::Promote}}},
        "then": {"properties": {"model_id": {"type": "string"}}, "required": ["model_id"]},
        "else": {"properties": {"model_id": {"type": "null"}}},
    })
}

/// Reads what a manager wants done about the champion:
/// `{"action": "promote" | "rollback" | "pin" | "unpin", "model_id": …, "generation": …}`.
///
/// # Errors
/// A 403 problem for anybody but a manager, a 400 problem for a body that makes no sense.
pub fn model_command(principal: &Principal, body: &[u8]) -> Result<ModelCommandRequested, Problem> {
    if *principal != Principal::Manager {
        return Err(Problem::forbidden("Only a manager may change the champion."));
    }
    let command: ModelCommandRequested =
        serde_json::from_slice(body).map_err(|e| Problem::invalid_body(e.to_string()))?;
    if (command.action == ModelAction::Promote) != command.model_id.is_some() {
        return Err(Problem::invalid_parameter("model_id", "goes with promote, and with nothing else"));
    }
    Ok(command)
}
