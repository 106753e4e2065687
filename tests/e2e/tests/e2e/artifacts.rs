//! A model that was changed after it was stored is refused.

use aws_sdk_s3::primitives::ByteStream;
use expansion_e2e::{World, as_of, weekly_run};
use expansion_fixtures::plan;
use expansion_model::Model;
use expansion_records::{Plan, Run, RunStage};
use expansion_store::{S3, now};

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_artifact_fails_the_run_and_the_one_before_stays() {
    let world = World::after(&[7]).await;
    let first = world.run(&weekly_run(as_of(7))).await;
    let seen = world.all_rows().await;
    let model = first.model().cloned().expect("a complete run has a model");

    // A byte of the stored model changes between the plan of the next run and its scoring.
    let next = Run::requested(as_of(0), "schedule", 90, now());
    world.control.create_run(next.clone()).await.expect("it is on record");
    world.control.begin_training(&next.run_id).await.expect("it is written");
    let planned = Plan { model: model.clone(), previous: Some(first.reference()), ..plan(1) };
    world.control.plan(&next.run_id, &planned).await.expect("it is written");
    change_a_digit(&world, &model.model_id).await;

    let answer = world.score(&next.run_id, 0).await;
    assert_eq!(answer["batchItemFailures"][0]["itemIdentifier"], "m1");
    let failed = world.run(&next.run_id).await;
    assert_eq!(failed.stage(), RunStage::Failed);
    let failure = failed.failure().expect("a reason");
    assert!(failure.starts_with(&format!("artifact of model {} has checksum ", model.model_id)), "{failure}");
    assert_eq!(world.current().await, Some(first.run_id));
    assert_eq!(world.all_rows().await, seen);
    assert_eq!(world.rows_stored().await, seen.len(), "not one row was scored with it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_artifact_is_mended_by_storing_the_same_model_again() {
    let world = World::after(&[0]).await;
    let run = world.run(&weekly_run(as_of(0))).await;
    let model_id = run.model().expect("a complete run has a model").model_id.clone();
    let artifacts = world.stack.config("trainer").artifacts().expect("a bucket of models");
    let model = artifacts.model(&model_id).await.expect("it is whole");
    let manifest = artifacts.intact(&model_id).await.expect("it can be read").expect("it is whole");

    change_a_digit(&world, &model_id).await;
    assert_eq!(artifacts.intact(&model_id).await.expect("it can be read"), None);
    assert_eq!(artifacts.put(&model, manifest.clone()).await.expect("it is written"), manifest);
    assert_eq!(artifacts.model(&model_id).await.expect("it is whole again"), model);

    // Another model never takes the place of one that is there.
    let mut other: Model = model.clone();
    other.propensity.intercept += 1.0;
    assert_eq!(artifacts.put(&other, manifest.clone()).await.expect("nothing is written"), manifest);
    assert_eq!(artifacts.model(&model_id).await.expect("it is as it was"), model);
}

/// Changes the last digit in a stored artifact.
async fn change_a_digit(world: &World, model_id: &str) {
    let (s3, bucket) = (S3::new(world.stack.sdk()), world.stack.bucket());
    let key = format!("models/{model_id}/artifact.json");
    let object = s3.get_object().bucket(bucket).key(&key).send().await.expect("the artifact is there");
    let mut bytes = object.body.collect().await.expect("it is read").to_vec();
    let digit = bytes.iter().rposition(u8::is_ascii_digit).expect("a model has numbers");
    bytes[digit] = if bytes[digit] == b'7' { b'8' } else { b'7' };
    s3.put_object().bucket(bucket).key(&key).body(ByteStream::from(bytes)).send().await.expect("it is replaced");
}
