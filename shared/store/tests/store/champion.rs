//! Who is champion: one change at a time, each by somebody who has seen the one before.

use expansion_backend::Backend;
use expansion_domain::{ModelAction, ModelCommandRequested};
use expansion_fixtures::{as_of, at, manifest};
use expansion_records::{ChampionModel, ModelRecord};
use expansion_store::{CommandRefused, ControlTable};

use crate::control;

fn champion(model_id: &str) -> ChampionModel {
    ChampionModel {
        model_id: model_id.to_owned(),
        as_of: as_of(),
        generation: 0,
        previous: None,
        previous_as_of: None,
        pinned: false,
        changed_by: None,
    }
}

fn command(action: ModelAction, model_id: Option<&str>, generation: u64) -> ModelCommandRequested {
    ModelCommandRequested { action, model_id: model_id.map(str::to_owned), generation }
}

async fn put_model(control: &ControlTable, model_id: &str) {
    let manifest = manifest();
    let record = ModelRecord {
        model_id: model_id.to_owned(),
        as_of: manifest.as_of,
        horizon_days: manifest.horizon_days,
        family: manifest.family,
        knowledge: manifest.knowledge,
        metrics: manifest.metrics,
        unworked: manifest.unworked,
        verdict: manifest.verdict,
        doubts: manifest.doubts,
        decision: manifest.decision,
    };
    control.put_model(&record).await.expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_saw_the_same_champion_one_replaces_it() {
    let backend = Backend::start().await;
    let control = &control(&backend);
    let first = control.replace_champion(None, champion("m-1")).await.expect("written").expect("there was none");
    assert_eq!(first.generation, 1);
    assert_eq!(control.replace_champion(None, champion("m-2")).await.expect("refused"), None, "there is one by now");

    let challengers = ["m-2", "m-3", "m-4", "m-5", "m-6"];
    let attempts = challengers.map(|model_id| control.replace_champion(Some(1), champion(model_id)));
    let outcomes = futures::future::join_all(attempts).await;
    let winners: Vec<ChampionModel> = outcomes.into_iter().filter_map(|outcome| outcome.expect("an answer")).collect();
    let [winner] = &winners[..] else { panic!("one winner, not {winners:?}") };
    assert_eq!(winner.generation, 2);
    assert_eq!(control.champion().await.expect("readable").as_ref(), Some(winner));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_carried_out_once_and_only_on_what_was_seen() {
    let backend = Backend::start().await;
    let control = &control(&backend);
    let promote = command(ModelAction::Promote, Some("m-1"), 0);
    let refused = async |command: &ModelCommandRequested| {
        control.command(command).await.expect("an answer").expect_err("refused")
    };
    let done =
        async |command: &ModelCommandRequested| control.command(command).await.expect("an answer").expect("done");
    assert_eq!(refused(&promote).await, CommandRefused::UnknownModel("m-1".to_owned()));
    assert_eq!(refused(&command(ModelAction::Pin, None, 0)).await, CommandRefused::NoChampion);

    put_model(control, "m-1").await;
    put_model(control, "m-2").await;
    let first = done(&promote).await;
    assert_eq!((first.champion.generation, &first.previous_model_id, first.champion.pinned), (1, &None, true));
    assert_eq!(done(&promote).await, first, "asked for again, it is answered as it was");
    assert_eq!(refused(&command(ModelAction::Rollback, None, 1)).await, CommandRefused::NothingBefore);

    let unpinned = done(&command(ModelAction::Unpin, None, 1)).await;
    assert_eq!((unpinned.champion.generation, unpinned.champion.pinned, unpinned.promotion()), (2, false, None));
    let second = done(&command(ModelAction::Promote, Some("m-2"), 2)).await;
    assert_eq!(second.promotion().expect("another model").previous_model_id.as_deref(), Some("m-1"));
    let late = refused(&command(ModelAction::Pin, None, 2)).await;
    assert_eq!(late, CommandRefused::Changed { now: 3, seen: 2 });
    let back = done(&command(ModelAction::Rollback, None, 3)).await;
    assert_eq!((&*back.champion.model_id, back.champion.previous.as_deref()), ("m-1", Some("m-2")));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_commands_at_once_one_is_told_that_it_came_too_late() {
    let backend = Backend::start().await;
    let control = &control(&backend);
    put_model(control, "m-2").await;
    control.replace_champion(None, champion("m-1")).await.expect("written");
    let [pin, promote] = [command(ModelAction::Pin, None, 1), command(ModelAction::Promote, Some("m-2"), 1)];
    let (pinned, promoted) = tokio::join!(control.command(&pin), control.command(&promote));
    let outcomes = [pinned.expect("an answer"), promoted.expect("an answer")];
    let lost: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert_eq!(lost, [&CommandRefused::Changed { now: 2, seen: 1 }]);
    let champion = control.champion().await.expect("readable").expect("a champion");
    let won = outcomes.into_iter().find_map(Result::ok).expect("one is carried out");
    assert_eq!((champion.generation, champion), (2, won.champion));
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_found_by_id_and_newest_first() {
    let backend = Backend::start().await;
    let control = &control(&backend);
    for model_id in ["20260101-a", "20260301-c", "20260201-b"] {
        put_model(control, model_id).await;
    }
    let ids = |models: Vec<ModelRecord>| models.into_iter().map(|model| model.model_id).collect::<Vec<_>>();
    assert_eq!(ids(control.models(2).await.expect("readable")), ["20260301-c", "20260201-b"]);
    let found = control.model("20260101-a").await.expect("readable").expect("it is on record");
    assert!(found.as_of > at("2026-06-30"));
    assert_eq!(found.doubts, manifest().doubts);
    for nobody in ["", "nobody", &*"m".repeat(2000)] {
        assert_eq!(control.model(nobody).await.expect("no such key"), None);
    }
}
