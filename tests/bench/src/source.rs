//! Sources as the benchmarks need them.

use std::path::Path;

use expansion_domain::SourceData;
use expansion_source::{Limits, Location, inventory, read};
use expansion_store::{S3, sdk_config};

use crate::Failure;

/// Reads a source folder.
pub async fn read_folder(folder: &Path) -> Result<SourceData, Failure> {
    // Never called: folders need no S3.
    let s3 = S3::new(&sdk_config(|_| None));
    let files = inventory(&Location::Folder(folder.to_path_buf()), &s3).await?;
    Ok(read(&files, &s3, None, Limits::default()).await?.data)
}
