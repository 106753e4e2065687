//! `GET` and `POST /api/analytics/expansion-propensity/models`: which model is live, and why.

use expansion_domain::{ModelAction, ModelCommandRequested};
use expansion_model::{ChampionModel, ModelRecord};
use serde::Serialize;

use crate::{Principal, Problem};

/// The models on record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelsAnswer {
    /// The live one; `null` before the first.
    pub champion: Option<ChampionModel>,
    /// The newest, newest first, each with its figures out of time, verdict and decision.
    pub data: Vec<ModelRecord>,
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
