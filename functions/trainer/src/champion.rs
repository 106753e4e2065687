//! The live model: challengers that take its place, and what people do about it by hand.

use expansion_domain::{ModelCommandRequested, ModelPromoted};
use expansion_model::{ChampionModel, Manifest, Model, ModelRecord, Run};
use serde_json::{Value, json};

use crate::{Error, State};

/// The champion that a run's challenger is compared with; `None` when there is none, or none that can be used for it.
pub(crate) async fn comparable(
    state: &State,
    run: &Run,
    champion: Option<&ChampionModel>,
) -> Result<Option<Model>, Error> {
    let Some(champion) = champion.filter(|champion| champion.as_of <= run.as_of) else { return Ok(None) };
    match state.artifacts.model(&champion.model_id).await {
        Ok(model) => Ok(Some(model).filter(|model| model.horizon_days == run.horizon_days)),
        Err(error) if error.is_transient() => Err(error.into()),
        Err(error) => {
            tracing::warn!(model.id = champion.model_id, error.message = %error, "the champion cannot be used");
            Ok(None)
        }
    }
}

/// Puts the challenger in the champion's place if it is to take it, and returns the manifest of the model that the run
/// is scored with: the champion's, whoever that is then.
///
/// A run of the past, before the champion knew what it knows, is scored with its own model and leaves the champion alone.
pub(crate) async fn compete(
    state: &State,
    challenger: Manifest,
    seen: Option<ChampionModel>,
) -> Result<Manifest, Error> {
    state.control.put_model(&record_of(&challenger)).await?;
    if let Some(champion) = &seen
        && (champion.model_id == challenger.model_id || champion.as_of > challenger.as_of)
    {
        return Ok(challenger);
    }
    let pinned = seen.as_ref().is_some_and(|champion| champion.pinned);
    if challenger.decision.promote && !pinned {
        let champion = ChampionModel {
            model_id: challenger.model_id.clone(),
            as_of: challenger.as_of,
            generation: 0,
            previous: seen.as_ref().map(|champion| champion.model_id.clone()),
            previous_as_of: seen.as_ref().map(|champion| champion.as_of),
            pinned: false,
        };
        let generation = seen.as_ref().map(|champion| champion.generation);
        if state.control.replace_champion(generation, champion).await?.is_some() {
            let previous_model_id = seen.map(|champion| champion.model_id);
            state.bus.put([ModelPromoted { model_id: challenger.model_id.clone(), previous_model_id }]).await?;
            return Ok(challenger);
        }
    }
    let Some(champion) = state.control.champion().await? else { return Ok(challenger) };
    tracing::info!(model.id = champion.model_id, challenger.id = challenger.model_id, "the champion stays");
    // A champion that cannot be used any more, or is of another horizon, must not stop the refresh.
    let manifest = state.artifacts.intact(&champion.model_id).await?;
    Ok(manifest.filter(|manifest| manifest.horizon_days == challenger.horizon_days).unwrap_or(challenger))
}

/// What is on record of a model.
fn record_of(manifest: &Manifest) -> ModelRecord {
    ModelRecord {
        model_id: manifest.model_id.clone(),
        as_of: manifest.as_of,
        horizon_days: manifest.horizon_days,
        family: manifest.family.clone(),
        knowledge: manifest.knowledge,
        metrics: manifest.metrics,
        verdict: manifest.verdict.clone(),
        decision: manifest.decision.clone(),
    }
}

/// Does what somebody wants done about the champion; answers with the champion then, or why it was refused. Done again,
/// it is refused: the generation has moved on.
pub(crate) async fn command(state: &State, command: &ModelCommandRequested) -> Result<Value, Error> {
    let outcome = state.control.command(command).await?;
    if let Ok(change) = &outcome {
        state.bus.put(change.promotion()).await?;
    }
    Ok(match outcome {
        Ok(change) => json!({ "champion": change.champion }),
        Err(refused) => json!({ "refused": refused.to_string() }),
    })
}
