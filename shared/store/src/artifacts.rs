//! Models in S3: `models/<model_id>/artifact.json`, vouched for by `models/<model_id>/manifest.json`; and the rows of runs to
//! take away: `runs/<run_id>/scores/shard=<number>.parquet`.
//!
//! The artifact is written first and the manifest last, so a manifest that can be read speaks of a model that is
//! there. Neither is ever changed. A shard that is scored again writes its file again.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_types::SdkConfig;
use expansion_domain::RunId;
use expansion_model::{Manifest, Model, decode, encode};

use crate::StoreError;
use crate::error::unless_condition_failed;

#[derive(Clone, Debug)]
pub struct Artifacts {
    pub client: Client,
    pub bucket: String,
}

/// The file with the rows of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScoresObject {
    pub shard: u32,
    pub bytes: u64,
    key: String,
}

impl Artifacts {
    pub fn new(aws: &SdkConfig, bucket: impl Into<String>) -> Self {
        Self { client: Client::new(aws), bucket: bucket.into() }
    }

    /// Stores a model with its manifest, whose artifact fields are filled in here, and returns the manifest. Another
    /// model that is there already under this id stays as it is, and its own manifest is returned.
    pub async fn put(&self, model: &Model, mut manifest: Manifest) -> Result<Manifest, StoreError> {
        let encoded = encode(model)?;
        manifest.artifact_bytes = encoded.bytes.len();
        manifest.artifact_sha256 = encoded.sha256;
        let written = self.put_new(&artifact_key(&model.model_id), encoded.bytes.clone()).await?;
        if !written {
            match self.manifest(&model.model_id).await? {
                Some(existing) if existing.artifact_sha256 != manifest.artifact_sha256 => return Ok(existing),
                // Without a manifest the artifact was never used; with one for the same bytes it is written again, in case
                // it is damaged.
                _ => self.overwrite(&artifact_key(&model.model_id), encoded.bytes).await?,
            }
        }
        let json = serde_json::to_vec_pretty(&manifest).map_err(json_error(&model.model_id))?;
        if self.put_new(&manifest_key(&model.model_id), json).await? {
            return Ok(manifest);
        }
        let existing = self.manifest(&model.model_id).await?;
        existing.ok_or_else(|| StoreError::NotFound(manifest_key(&model.model_id)))
    }

    /// The manifest of a model, if the model was stored whole.
    pub async fn manifest(&self, model_id: &str) -> Result<Option<Manifest>, StoreError> {
        let Some(bytes) = self.get(&manifest_key(model_id)).await? else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes).map(Some).map_err(json_error(model_id))
    }

    /// The manifest of a model that was stored whole and can be used as it is.
    pub async fn intact(&self, model_id: &str) -> Result<Option<Manifest>, StoreError> {
        match self.model(model_id).await {
            Ok(_) => self.manifest(model_id).await,
            Err(StoreError::NotFound(_) | StoreError::Artifact(_) | StoreError::Json { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A model, checked against its manifest.
    ///
    /// # Errors
    /// [`StoreError`] when it isn't there, or its checksum or versions don't fit.
    pub async fn model(&self, model_id: &str) -> Result<Model, StoreError> {
        let manifest = self.manifest(model_id).await?.ok_or_else(|| StoreError::NotFound(manifest_key(model_id)))?;
        let key = artifact_key(model_id);
        let bytes = self.get(&key).await?.ok_or(StoreError::NotFound(key))?;
        Ok(decode(&bytes, &manifest)?)
    }

    /// Stores the rows of a shard as Parquet.
    pub async fn put_scores(&self, run: &RunId, shard: u32, parquet: Vec<u8>) -> Result<(), StoreError> {
        self.overwrite(&scores_key(run, shard), parquet).await
    }

    /// The files with a run's rows, by shard.
    pub async fn scores(&self, run: &RunId) -> Result<Vec<ScoresObject>, StoreError> {
        let prefix = scores_prefix(run);
        let list = self.client.list_objects_v2().bucket(&self.bucket).prefix(&prefix);
        let mut pages = list.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(StoreError::service("list objects"))?;
            found.extend(page.contents.unwrap_or_default().into_iter().filter_map(|object| {
                let key = object.key?;
                let number = key.strip_prefix(&prefix)?.strip_prefix("shard=")?.strip_suffix(".parquet")?;
                let bytes = object.size.and_then(|size| size.try_into().ok())?;
                Some(ScoresObject { shard: number.parse().ok()?, bytes, key })
            }));
        }
        found.sort_by_key(|object| object.shard);
        Ok(found)
    }

    /// A file with rows.
    pub async fn get_scores(&self, object: &ScoresObject) -> Result<Vec<u8>, StoreError> {
        self.get(&object.key).await?.ok_or_else(|| StoreError::NotFound(object.key.clone()))
    }

    /// A link by which whoever has it can read a file for so long.
    pub async fn link(&self, object: &ScoresObject, valid: Duration) -> Result<String, StoreError> {
        let presigning = PresigningConfig::expires_in(valid).map_err(|error| StoreError::Service {
            operation: "sign a link",
            message: error.to_string(),
            transient: false,
        })?;
        let get = self.client.get_object().bucket(&self.bucket).key(&object.key);
        let signed = get.presigned(presigning).await.map_err(StoreError::service("sign a link"))?;
        Ok(signed.uri().to_owned())
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let object = match self.client.get_object().bucket(&self.bucket).key(key).send().await {
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => return Ok(None),
            object => object.map_err(StoreError::service("get an object"))?,
        };
        let body = object.body.collect().await.map_err(|error| StoreError::Service {
            operation: "read an object",
            message: error.to_string(),
            transient: true,
        })?;
        Ok(Some(body.to_vec()))
    }

    /// Writes an object unless it exists; says whether it wrote.
    async fn put_new(&self, key: &str, bytes: Vec<u8>) -> Result<bool, StoreError> {
        let put = self.client.put_object().bucket(&self.bucket).key(key).if_none_match("*");
        let result = put.body(ByteStream::from(bytes)).send().await;
        Ok(unless_condition_failed(result, "put an object")?.is_some())
    }

    async fn overwrite(&self, key: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        let put = self.client.put_object().bucket(&self.bucket).key(key).body(ByteStream::from(bytes));
        put.send().await.map_err(StoreError::service("put an object"))?;
        Ok(())
    }
}

fn artifact_key(model_id: &str) -> String {
    format!("models/{model_id}/artifact.json")
}

fn manifest_key(model_id: &str) -> String {
    format!("models/{model_id}/manifest.json")
}

fn scores_prefix(run: &RunId) -> String {
    format!("runs/{run}/scores/")
}

fn scores_key(run: &RunId, shard: u32) -> String {
    format!("{}shard={shard:05}.parquet", scores_prefix(run))
}

fn json_error(model_id: &str) -> impl FnOnce(serde_json::Error) -> StoreError {
    let what = manifest_key(model_id);
    move |source| StoreError::Json { what, source }
}
