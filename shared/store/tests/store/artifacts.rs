//! Models in S3: written once, vouched for, and mended; rows of runs: written again, and linked to.

use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use expansion_backend::Backend;
use expansion_domain::RunId;
use expansion_fixtures::{MODEL_ID, manifest, model, requested};
use expansion_model::{Manifest, Model};
use expansion_store::StoreError;

use crate::artifacts;

const ARTIFACT: &str = "models/m-1/artifact.json";
const MANIFEST: &str = "models/m-1/manifest.json";

/// Another model under the same id.
fn other() -> Model {
    let mut other = model();
    other.propensity.intercept += 1.0;
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_stored_once_and_no_other_takes_its_place() {
    let backend = Backend::start().await;
    let artifacts = &artifacts(&backend);
    assert_eq!(artifacts.manifest(MODEL_ID).await.expect("readable"), None);
    let absent = artifacts.model(MODEL_ID).await.expect_err("there is none");
    assert!(matches!(&absent, StoreError::NotFound(key) if key == MANIFEST) && !absent.is_transient(), "{absent}");

    let stored = artifacts.put(&model(), manifest()).await.expect("written");
    assert_eq!((stored.artifact_sha256.len(), stored.artifact_bytes > 100), (64, true));
    assert_eq!(artifacts.put(&model(), manifest()).await.expect("there already"), stored);
    let theirs = Manifest { rows: 7, ..manifest() };
    assert_eq!(artifacts.put(&other(), theirs).await.expect("nothing is written"), stored);
    assert_eq!(artifacts.model(MODEL_ID).await.expect("whole"), model());
    assert_eq!(artifacts.intact(MODEL_ID).await.expect("readable"), Some(stored));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_store_a_model_all_end_with_the_same_one() {
    let backend = Backend::start().await;
    let artifacts = &artifacts(&backend);
    let model = model();
    let attempts = (0..6).map(|_| artifacts.put(&model, manifest()));
    let manifests = futures::future::join_all(attempts).await;
    let stored = artifacts.intact(MODEL_ID).await.expect("readable").expect("whole");
    assert!(manifests.into_iter().all(|manifest| manifest.expect("written") == stored));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_damaged_is_refused_and_mended_by_the_same_model() {
    let backend = Backend::start().await;
    let artifacts = &artifacts(&backend);
    let s3 = &artifacts.client;
    let stored = artifacts.put(&model(), manifest()).await.expect("written");
    let damage = async |key: &str, bytes: &'static [u8]| {
        let put = s3.put_object().bucket(&artifacts.bucket).key(key).body(ByteStream::from_static(bytes));
        put.send().await.expect("written");
    };
    damage(ARTIFACT, b"{}").await;
    assert!(matches!(artifacts.model(MODEL_ID).await, Err(StoreError::Artifact(_))));
    assert_eq!(artifacts.intact(MODEL_ID).await.expect("readable"), None);
    assert_eq!(artifacts.put(&model(), manifest()).await.expect("written"), stored);
    assert_eq!(artifacts.model(MODEL_ID).await.expect("whole again"), model());

    damage(MANIFEST, b"no JSON").await;
    assert!(matches!(artifacts.model(MODEL_ID).await, Err(StoreError::Json { .. })));
    assert_eq!(artifacts.intact(MODEL_ID).await.expect("readable"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_artifact_without_a_manifest_was_seen_by_nobody_and_is_replaced() {
    let backend = Backend::start().await;
    let artifacts = &artifacts(&backend);
    let s3 = &artifacts.client;
    artifacts.put(&other(), manifest()).await.expect("written");
    s3.delete_object().bucket(&artifacts.bucket).key(MANIFEST).send().await.expect("removed");
    let stored = artifacts.put(&model(), manifest()).await.expect("written");
    assert_eq!(artifacts.model(MODEL_ID).await.expect("whole"), model());
    assert_eq!(artifacts.manifest(MODEL_ID).await.expect("readable"), Some(stored));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_has_a_file_for_each_shard_whoever_wrote_it_last() {
    let backend = Backend::start().await;
    let artifacts = &artifacts(&backend);
    let run = &requested().run_id;
    assert_eq!(artifacts.scores(run).await.expect("readable"), []);
    for (shard, bytes) in [(11, "eleven"), (2, "wrong"), (0, "none"), (2, "two")] {
        artifacts.put_scores(run, shard, bytes.as_bytes().to_vec()).await.expect("written");
    }
    let other = RunId::derive(requested().as_of, "by hand", 90);
    artifacts.put_scores(&other, 1, Vec::new()).await.expect("written");
    let found = artifacts.scores(run).await.expect("readable");
    assert_eq!(found.iter().map(|object| (object.shard, object.bytes)).collect::<Vec<_>>(), [(0, 4), (2, 3), (11, 6)]);
    assert_eq!(artifacts.get_scores(&found[1]).await.expect("readable"), b"two");
    let link = artifacts.link(&found[1], Duration::from_mins(15)).await.expect("signed");
    assert!(link.contains(&format!("/runs/{run}/scores/shard%3D00002.parquet?")), "{link}");
    assert!(link.contains("X-Amz-Expires=900&") && link.contains("X-Amz-Signature="), "{link}");
    let long = artifacts.link(&found[1], Duration::from_hours(24 * 8)).await.expect_err("a week at most");
    assert!(!long.is_transient(), "{long}");
}
