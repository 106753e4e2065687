//! The live model: challengers that take its place, and commands by hand.

use expansion_domain::{Instant, ModelCommandRequested, ModelPromoted};
use expansion_lambda::lasting;
use expansion_model::{Decision, Manifest, Model};
use expansion_records::{ChampionModel, ModelRecord, Run};
use expansion_store::StoreError;
use serde_json::{Value, json};

use crate::{Error, State};

/// The champion that a run's challenger is compared with; `None` when there is none, or it cannot be used.
pub(crate) async fn comparable(
    state: &State,
    run: &Run,
    champion: Option<&ChampionModel>,
) -> Result<Option<Model>, Error> {
    let Some(champion) = champion.filter(|champion| champion.as_of <= run.as_of) else { return Ok(None) };
    let model = lasting(state.artifacts.model(&champion.model_id).await)?;
    let unusable = |error: &StoreError| {
        tracing::warn!(model.id = champion.model_id, error.message = %error, "the champion cannot be used");
    };
    Ok(model.inspect_err(unusable).ok())
}

/// Puts the challenger in the champion's place if it is to take it, and returns the manifest of the model that the run
/// is scored with: that of the champion, whichever that is by then.
///
/// A run of the past, before the champion knew what it knows, is scored with its own model and leaves the champion alone.
pub(crate) async fn compete(
    state: &State,
    challenger: Manifest,
    seen: Option<ChampionModel>,
) -> Result<Manifest, Error> {
    let decision = held_back(&challenger.decision, (&challenger.model_id, challenger.as_of), seen.as_ref());
    let challenger = Manifest { decision, ..challenger };
    state.control.put_model(&record_of(&challenger)).await?;
    if let Some(champion) = &seen
        && champion.model_id == challenger.model_id
    {
        if champion.changed_by.is_none() {
            // An earlier attempt may have ended between the promotion and its event.
            state.bus.put([promotion(champion)]).await?;
        }
        return Ok(challenger);
    }
    if seen.as_ref().is_some_and(|champion| champion.as_of > challenger.as_of) {
        return Ok(challenger);
    }
    if challenger.decision.promote {
        let champion = ChampionModel::after(seen.as_ref(), challenger.model_id.clone(), challenger.as_of);
        let generation = seen.as_ref().map(|champion| champion.generation);
        if let Some(champion) = state.control.replace_champion(generation, champion).await? {
            state.bus.put([promotion(&champion)]).await?;
            return Ok(challenger);
        }
        let decision = not_promoted(&challenger.decision, "somebody changed the champion meanwhile");
        state.control.put_model(&ModelRecord { decision, ..record_of(&challenger) }).await?;
    }
    let Some(champion) = state.control.champion().await? else { return Ok(challenger) };
    tracing::info!(model.id = champion.model_id, challenger.id = challenger.model_id, "the champion stays");
    // A champion that cannot be used any more, or is of another horizon, must not stop the refresh.
    let manifest = state.artifacts.intact(&champion.model_id).await?;
    Ok(manifest.filter(|manifest| manifest.horizon_days == challenger.horizon_days).unwrap_or(challenger))
}

/// The decision about a challenger (its id and `as_of`) as it comes into force: whatever the comparison says, a champion
/// stays that is pinned or has a later `as_of`.
pub(crate) fn held_back(
    decision: &Decision,
    (model_id, as_of): (&str, Instant),
    champion: Option<&ChampionModel>,
) -> Decision {
    match champion.filter(|champion| decision.promote && champion.model_id != model_id) {
        Some(champion) if champion.as_of > as_of => not_promoted(decision, "the champion knows more"),
        Some(champion) if champion.pinned => not_promoted(decision, "the champion is pinned"),
        _ => decision.clone(),
    }
}

fn not_promoted(decision: &Decision, why: &str) -> Decision {
    Decision { promote: false, reason: format!("{why} (otherwise: {})", decision.reason), ..decision.clone() }
}

/// The event for a challenger that took over.
fn promotion(champion: &ChampionModel) -> ModelPromoted {
    ModelPromoted::new(champion.generation, champion.model_id.clone(), champion.previous.clone())
}

/// The record of a model.
fn record_of(manifest: &Manifest) -> ModelRecord {
    ModelRecord {
        model_id: manifest.model_id.clone(),
        as_of: manifest.as_of,
        horizon_days: manifest.horizon_days,
        family: manifest.family.clone(),
        knowledge: manifest.knowledge,
        metrics: manifest.metrics,
        unworked: manifest.unworked,
        verdict: manifest.verdict.clone(),
        doubts: manifest.doubts.clone(),
        decision: manifest.decision.clone(),
    }
}

/// Carries out a command; answers with the champion then, or why it was refused. A repeated command changes nothing, but
/// emits its event again, as an earlier attempt may have ended before it did.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_says_what_became_of_the_challenger() {
        let at = |day: &str| -> Instant { day.parse().expect("a date") };
        let decision = Decision {
            promote: true,
            reason: "its log-loss is smaller".to_owned(),
            champion: Some("a".to_owned()),
            champion_log_loss: None,
            challenger_log_loss: None,
            difference: None,
            difference_unworked: None,
        };
        let champion =
            |as_of, pinned| ChampionModel { pinned, ..ChampionModel::after(None, "a".to_owned(), at(as_of)) };
        let held = |model_id: &str, champion: Option<&ChampionModel>| {
            held_back(&decision, (model_id, at("2026-06-01")), champion)
        };
        assert_eq!(held("b", None), decision);
        assert_eq!(held("b", Some(&champion("2026-05-01", false))), decision);
        assert_eq!(held("a", Some(&champion("2026-05-01", true))), decision, "it is the champion");
        for (champion, why) in
            [(champion("2026-05-01", true), "is pinned"), (champion("2026-07-01", false), "knows more")]
        {
            let held = held("b", Some(&champion));
            assert!(!held.promote && held.reason.contains(why) && held.reason.contains("smaller"), "{held:?}");
            assert_eq!(held_back(&held, ("b", at("2026-06-01")), Some(&champion)), held, "once");
        }
    }
}
